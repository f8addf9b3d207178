"""The exercises before the network: reviews of any length to a rectangle, and ids to one-hot.

Comes in: nothing. Goes out: ``EXERCISES``. Truth: ``sequences.pad_sequences`` and ``one_hot.to_categorical``.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from minirnn.checking.exercise import Arguments, Case, Exercise, Mistake, Output
from minirnn.one_hot import to_categorical
from minirnn.sequences import pad_sequences

# ---------------------------------------------------------------------------------------------------------------------- pad_sequences


def _reviews(rng: np.random.Generator, lengths: tuple[int, ...], maxlen: int) -> Arguments:
    return {"sequences": [rng.integers(1, 200, length).tolist() for length in lengths], "maxlen": maxlen}


LENGTHS: tuple[tuple[str, tuple[int, ...], int], ...] = (
    ("one review, as long as maxlen", (3,), 3),
    ("one review, shorter than maxlen", (2,), 5),
    ("one review, longer than maxlen", (7,), 4),
    ("a row of one id", (3, 1), 1),
    ("one review is one too long, one is one too short", (6, 4), 5),
    ("a review without a word", (2, 0, 5), 4),
    ("only reviews shorter than maxlen", (3, 1, 4), 6),
    ("only reviews longer than maxlen", (8, 6, 9), 5),
    ("lengths from 0 to far above maxlen", (12, 3, 0, 7, 5, 41, 6), 7),
    ("reviews as long as IMDB's, maxlen=100", (218, 189, 141, 550, 147, 43, 123, 99, 100, 101), 100),
)


def _cut(sequences: list[list[int]], maxlen: int, padding: str, truncating: str) -> np.ndarray:
    return pad_sequences(sequences, maxlen, padding=padding, truncating=truncating)


def _before_last_places(sequences: list[list[int]], maxlen: int) -> np.ndarray:
    ids = np.zeros((len(sequences), maxlen), int)
    for n, sequence in enumerate(sequences):
        kept = sequence[-maxlen:]
        ids[n, -len(kept) :] = kept
    return ids


def _keep_whole(sequences: list[list[int]], maxlen: int) -> np.ndarray:
    return pad_sequences(sequences, max(maxlen, *map(len, sequences)))


BEHIND = "The network reads from left to right and answers after the last step: with zeros in front, what it read last are words."
LAST = "Keep the last maxlen ids, s[-maxlen:], as the chapter does: the verdict of a review often stands at its end."

PAD_MISTAKES = (
    Mistake(
        "zeros behind",
        "the zeros stand behind the words",
        BEHIND + " Write the review to the end of its row: ids[n, maxlen - len(s):] = s.",
        lambda sequences, maxlen: _cut(sequences, maxlen, "post", "pre"),
    ),
    Mistake(
        "first kept",
        "long reviews keep their first maxlen ids",
        LAST,
        lambda sequences, maxlen: _cut(sequences, maxlen, "pre", "post"),
    ),
    Mistake(
        "zeros behind, first kept",
        "the zeros stand behind the words, and long reviews keep their first maxlen ids",
        BEHIND + " " + LAST,
        lambda sequences, maxlen: _cut(sequences, maxlen, "post", "post"),
    ),
    Mistake(
        "-len of an empty review",
        "a review is written to ids[n, -len(s):] even if it is empty",
        "With no word, -len(s) is -0, which is 0, so that the slice is the whole row. Count from the front, ids[n, maxlen - len(s):], or "
        "leave the row of an empty review as it is.",
        _before_last_places,
    ),
    Mistake(
        "not cut",
        "long reviews are not cut",
        "Each row has maxlen places, whatever the longest review is: keep s[-maxlen:].",
        _keep_whole,
    ),
    Mistake(
        "longest review",
        "the rows are as long as the longest review instead of maxlen",
        "T is maxlen, even if no review is that long: a network may have been trained on rows of that length.",
        lambda sequences, maxlen: pad_sequences([sequence[-maxlen:] for sequence in sequences]),
    ),
    Mistake(
        "reversed",
        "the ids of each review are turned round",
        "The order of the words stays: it is only their place in the row that moves.",
        lambda sequences, maxlen: pad_sequences([sequence[::-1] for sequence in sequences], maxlen, truncating="post"),
    ),
    Mistake(
        "time first",
        "time comes before the reviews",
        "ids is (N,T): a row for each review.",
        lambda sequences, maxlen: pad_sequences(sequences, maxlen).T,
    ),
)

# --------------------------------------------------------------------------------------------------------------------- to_categorical


def _ids(rng: np.random.Generator, shape: tuple[int, ...], V: int, kind: str) -> Arguments:
    ids = rng.integers(0, V - 2, shape) if kind == "below V-1" else rng.integers(0, V, shape)
    if kind == "padding":
        ids[:] = 0
    elif kind == "edges":
        ids.flat[0], ids.flat[1], ids.flat[-1] = V - 1, 0, 0
    return {"ids": ids, "num_classes": V}


ID_KINDS: tuple[tuple[str, dict[str, int], int, str], ...] = (
    ("one id", {"T": 1}, 4, "any"),
    ("one review", {"T": 3}, 5, "edges"),
    ("id V-1 does not occur", {"T": 4}, 9, "below V-1"),
    ("all padding: every id is 0", {"T": 3}, 5, "padding"),
    ("two axes", {"B": 3, "T": 5}, 11, "edges"),
    ("two axes, as many steps as classes", {"B": 2, "T": 5}, 5, "edges"),
    ("three axes", {"N": 2, "B": 3, "T": 4}, 7, "edges"),
    ("the chapter's V=200", {"B": 4, "T": 100}, 200, "edges"),
)


def _dense(ids: np.ndarray, num_classes: int) -> np.ndarray:
    return to_categorical(ids, num_classes)


def _no_padding(ids: np.ndarray, num_classes: int) -> np.ndarray:
    return to_categorical(ids, num_classes) * (ids != 0)[..., None]


def _two_axes_by_index(ids: np.ndarray, num_classes: int) -> np.ndarray:
    one_hot = np.zeros((*ids.shape, num_classes))
    for n in range(ids.shape[0]):
        for t in range(ids.shape[1]):
            one_hot[n, t, ids[n, t]] = 1
    return one_hot


def _two_axes_unpacked(ids: np.ndarray, num_classes: int) -> np.ndarray:
    N, T = ids.shape
    return to_categorical(ids.reshape(N, T), num_classes)


ANY_AXES = (
    "ids is taken to have the two axes (N,T) and no others",
    "It may have one or three as well, and V comes after them: np.eye(num_classes)[ids] is right for any.",
)

ONE_HOT_MISTAKES = (
    Mistake(
        "V from the ids",
        "there are as many classes as the largest id needs",
        "The last axis has num_classes places, even if the largest id does not occur: other batches of the same data have it.",
        lambda ids, num_classes: to_categorical(ids),
    ),
    Mistake(
        "padding is 0",
        "padding, id 0, has no 1 anywhere",
        "Id 0 is a class like any other: its 1 stands at place 0.",
        _no_padding,
    ),
    Mistake(
        "ids from 1",
        "the 1 stands one place before its id",
        "Ids count from 0, as places do: the 1 of id v stands at place v.",
        lambda ids, num_classes: to_categorical((ids - 1) % num_classes, num_classes),
    ),
    Mistake(
        "ids from 1",
        "the 1 stands one place before its id, and id 0 has none",
        "Ids count from 0, as places do: the 1 of id v stands at place v, and np.arange(num_classes) are all ids.",
        lambda ids, num_classes: (ids[..., None] == np.arange(1, num_classes + 1)).astype(float),
    ),
    Mistake(
        "whole numbers",
        "the zeros and ones are whole numbers",
        "They are multiplied with weights, so they are float64, as Keras's: np.zeros(...) and np.eye(...) give that by themselves.",
        lambda ids, num_classes: to_categorical(ids, num_classes).astype(int),
    ),
    Mistake(
        "flat",
        "the axes of the ids are run together into one",
        "The axes of ids stay, and V is appended: np.eye(num_classes)[ids], or .reshape(*ids.shape, num_classes) at the end.",
        lambda ids, num_classes: to_categorical(ids.reshape(-1), num_classes),
    ),
    Mistake(
        "classes first",
        "the classes come first",
        "The axis of the classes is the last one: (..., V).",
        lambda ids, num_classes: np.moveaxis(to_categorical(ids, num_classes), -1, 0),
    ),
    Mistake("two axes only", *ANY_AXES, _two_axes_by_index),
    Mistake("two axes only", *ANY_AXES, _two_axes_unpacked),
    Mistake(
        "counted",
        "the ids of a review share one row, as a count or a bag of words",
        "Each id gets a row of its own, so that the order of the words is kept: (..., V).",
        lambda ids, num_classes: to_categorical(ids, num_classes).max(axis=-2),
    ),
)


def _class_place(*index: int) -> str:
    *at, v = index
    return f"ids{list(at)}, class v={v}"


EXERCISES: tuple[Exercise, ...] = (
    Exercise(
        "pad_sequences",
        "zeros in front, the last maxlen ids kept",
        ("sequences", "maxlen"),
        ("a list of N lists of int", "int"),
        (Output("ids", "(N,T)", "int", lambda n, t: f"review n={n}, place t={t}"),),
        pad_sequences,
        tuple(
            Case(title, {"N": len(lengths), "T": maxlen}, seed, partial(_reviews, lengths=lengths, maxlen=maxlen))
            for seed, (title, lengths, maxlen) in enumerate(LENGTHS, 1)
        ),
        PAD_MISTAKES,
    ),
    Exercise(
        "to_categorical",
        "a 1 at the id, 0 elsewhere",
        ("ids", "num_classes"),
        ("int, of any shape", "int"),
        (Output("one_hot", "(...,V)", "float", _class_place),),
        _dense,
        tuple(
            Case(title, {**axes, "V": V}, seed, partial(_ids, shape=tuple(axes.values()), V=V, kind=kind))
            for seed, (title, axes, V, kind) in enumerate(ID_KINDS, 1)
        ),
        ONE_HOT_MISTAKES,
    ),
)
