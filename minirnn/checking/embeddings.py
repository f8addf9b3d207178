"""The exercises of the embedding: picking rows of a table, and adding the gradient back into them.

Comes in: nothing. Goes out: ``EXERCISES``. Truth: ``layers/embedding.py``'s reference.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from minirnn.checking.exercise import ROUNDING, Arguments, Case, Exercise, Mistake, Output
from minirnn.layers.embedding import embedding_backward_ref, embedding_forward_ref

# --------------------------------------------------------------------------------------------------------------------------- the cases


def _draw(rng: np.random.Generator, B: int, T: int, V: int, E: int, ids: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ids (B,T) of the kind asked for, embeddings (V,E), dx (B,T,E)."""
    if ids == "different":
        drawn = rng.permutation(V)[: B * T].reshape(B, T)
    elif ids == "padding":
        drawn = np.zeros((B, T), int)
    elif ids == "below V-1":
        drawn = rng.integers(0, V - 2, (B, T))
    elif ids == "repeated in a column":
        drawn = np.stack([rng.permutation(V)[:T]] * B)
    else:
        drawn = rng.integers(0, V, (B, T))
        drawn[-1] = 0  # a row that is all padding
        drawn[0, :2], drawn[0, -1] = V - 1, 0
    return drawn, rng.normal(size=(V, E)), rng.normal(size=(B, T, E))


def _forward(rng: np.random.Generator, B: int, T: int, V: int, E: int, ids: str) -> Arguments:
    drawn, embeddings, _ = _draw(rng, B, T, V, E, ids)
    return {"ids": drawn, "embeddings": embeddings}


def _backward(rng: np.random.Generator, B: int, T: int, V: int, E: int, ids: str) -> Arguments:
    drawn, _, dx = _draw(rng, B, T, V, E, ids)
    return {"dx": dx, "ids": drawn, "V": V}


KINDS = (
    ("one row, one step", 1, 1, 5, 3, "different"),
    ("no id occurs twice", 2, 3, 11, 4, "different"),
    ("one row in which an id repeats", 1, 4, 2, 3, "any"),
    ("one step, and the ids of two rows are the same", 2, 1, 7, 3, "repeated in a column"),
    ("each row has the same ids", 3, 4, 9, 2, "repeated in a column"),
    ("all padding: every id is 0", 2, 3, 7, 4, "padding"),
    ("id V-1 does not occur", 3, 4, 13, 5, "below V-1"),
    ("ids repeat, id 0 and id V-1 among them, and one row is all padding", 3, 5, 11, 4, "any"),
    ("a large batch", 16, 20, 50, 8, "any"),
)


def _cases(make: Any) -> tuple[Case, ...]:
    return tuple(
        Case(title, {"B": B, "T": T, "V": V, "E": E}, seed, partial(make, B=B, T=T, V=V, E=E, ids=ids))
        for seed, (title, B, T, V, E, ids) in enumerate(KINDS, 1)
    )


# ------------------------------------------------------------------------------------------------------------------------------ truth


def _true_forward(ids: np.ndarray, embeddings: np.ndarray) -> np.ndarray:
    x = np.empty((*ids.shape, embeddings.shape[1]))
    embedding_forward_ref(embeddings, ids, np.arange(len(ids)), x)
    return x


def _true_backward(dx: np.ndarray, ids: np.ndarray, V: int) -> np.ndarray:
    dembeddings = np.zeros((V, dx.shape[2]))
    embedding_backward_ref(dx, ids, np.arange(len(ids)), dembeddings)
    return dembeddings


# --------------------------------------------------------------------------------------------------------------------------- mistakes


def _skip_padding(ids: np.ndarray, embeddings: np.ndarray) -> np.ndarray:
    return np.where((ids != 0)[..., None], embeddings[ids], 0)


FORWARD_MISTAKES = (
    Mistake(
        "padding is 0",
        "padding gets a vector of zeros",
        "Id 0 has a row in the table like any other id: an Embedding without a mask looks it up and trains it.",
        _skip_padding,
    ),
    Mistake(
        "ids from 1",
        "each id picks the row before its own",
        "Ids count from 0, as rows do: id v picks embeddings[v], so nothing is to be subtracted.",
        lambda ids, embeddings: embeddings[ids - 1],
    ),
    Mistake(
        "time first",
        "time comes before the batch",
        "x is (B,T,E): embeddings[ids] has it that way, since it keeps the shape of ids and appends E.",
        lambda ids, embeddings: embeddings[ids.T],
    ),
    Mistake(
        "flat",
        "the rows of the batch are run together into one",
        "x keeps the axes of ids: (B,T) goes in, (B,T,E) comes out. embeddings[ids] does that by itself.",
        lambda ids, embeddings: embeddings[ids.reshape(-1)],
    ),
    Mistake(
        "columns",
        "columns of the table are picked instead of rows",
        "The table is (V,E), a row for each id: embeddings[ids], not embeddings[:, ids].",
        lambda ids, embeddings: embeddings[:, ids],
    ),
)


def _lose_all(dx: np.ndarray, ids: np.ndarray, V: int) -> np.ndarray:
    dembeddings = np.zeros((V, dx.shape[2]))
    dembeddings[ids] += dx
    return dembeddings


def _lose_in_row(dx: np.ndarray, ids: np.ndarray, V: int) -> np.ndarray:
    dembeddings = np.zeros((V, dx.shape[2]))
    for b in range(len(ids)):
        dembeddings[ids[b]] += dx[b]
    return dembeddings


def _lose_in_step(dx: np.ndarray, ids: np.ndarray, V: int) -> np.ndarray:
    dembeddings = np.zeros((V, dx.shape[2]))
    for t in range(ids.shape[1]):
        dembeddings[ids[:, t]] += dx[:, t]
    return dembeddings


def _mean_of_lookups(dx: np.ndarray, ids: np.ndarray, V: int) -> np.ndarray:
    return _true_backward(dx, ids, V) / np.maximum(np.bincount(ids.reshape(-1), minlength=V), 1)[:, None]


def _without_padding(dx: np.ndarray, ids: np.ndarray, V: int) -> np.ndarray:
    dembeddings = _true_backward(dx, ids, V)
    dembeddings[0] = 0
    return dembeddings


ADD_AT = "np.add.at(dembeddings, ids, dx) adds as often as an id stands there, and so does a loop over all places (b,t)."

BACKWARD_MISTAKES = (
    Mistake(
        "repeats lost",
        "an id that occurs several times gets the gradient of its last place only",
        "NumPy's dembeddings[ids] += dx (or = dx) writes each row once, however often its id stands in ids. " + ADD_AT,
        _lose_all,
    ),
    Mistake(
        "repeats lost within a row",
        "an id that occurs several times in one row of the batch gets the gradient of its last place there only",
        "dembeddings[ids[b]] += dx[b] writes each row of the table once, however often its id stands in ids[b]. " + ADD_AT,
        _lose_in_row,
    ),
    Mistake(
        "repeats lost within a step",
        "an id that several rows of the batch read at the same step gets the gradient of the last of those rows only",
        "dembeddings[ids[:, t]] += dx[:, t] writes each row of the table once, however often its id stands in ids[:, t]. " + ADD_AT,
        _lose_in_step,
    ),
    Mistake(
        "mean over lookups",
        "the gradient of an id is the mean over its places instead of the sum",
        "A row that is read three times moves the loss three times: its gradient is the sum.",
        _mean_of_lookups,
    ),
    Mistake(
        "mean over the batch",
        "the gradient is divided by B",
        "The mean over the batch is already in dx, because the loss took it: here it is a plain sum.",
        lambda dx, ids, V: _true_backward(dx, ids, V) / len(ids),
    ),
    Mistake(
        "padding left out",
        "id 0 gets no gradient",
        "Without a mask, id 0 is looked up like any other id, so its row gets the gradient of all padding.",
        _without_padding,
    ),
    Mistake(
        "V too small",
        "the gradient has rows up to the largest id that occurs",
        "dembeddings has the shape of the table, (V,E): rows that were not read have the gradient 0.",
        lambda dx, ids, V: _true_backward(dx, ids, int(ids.max()) + 1),
    ),
    Mistake(
        "ids from 1",
        "each id's gradient goes to the row before its own",
        "Ids count from 0, as rows do: what was read from embeddings[v] goes back to dembeddings[v].",
        lambda dx, ids, V: _true_backward(dx, (ids - 1) % V, V),
    ),
)

EXERCISES = (
    Exercise(
        "embedding_forward",
        "each id picks its row of the table",
        ("ids", "embeddings"),
        ("(B,T) int", "(V,E)"),
        (Output("x", "(B,T,E)", "float", lambda b, t, i: f"row b={b}, step t={t}, component {i}"),),
        _true_forward,
        _cases(_forward),
        FORWARD_MISTAKES,
    ),
    Exercise(
        "embedding_backward",
        "the gradient goes back to the rows that were picked",
        ("dx", "ids", "V"),
        ("(B,T,E)", "(B,T) int", "int"),
        (
            Output(
                "dembeddings",
                "(V,E)",
                "float",
                lambda v, i: f"the row of id v={v}, component {i}",
                # a sum of at most B·T numbers, in any order
                lambda arguments, expected: ROUNDING * arguments["ids"].size * float(np.abs(arguments["dx"]).sum(axis=(0, 1)).max()),
            ),
        ),
        _true_backward,
        _cases(_backward),
        BACKWARD_MISTAKES,
    ),
)
