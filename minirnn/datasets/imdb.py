"""The IMDB review set: Keras's contract, ids that can be read back as words, and new text turned into the same ids.

Comes in: ``imdb.npz``, 25,000 + 25,000 reviews as lists of word ranks (1 = most frequent word of the training set). Goes out: lists
of ids and labels, exactly as Keras makes them.

The offsets, written once:

    id 0              padding; never in a review
    id start_char     begins every review                     (1)
    id oov_char       stands for a word that was cut          (2)
    id rank + index_from   the word of that rank              (3: the commonest word, rank 1, is id 4)

Source: Keras 3.15 (``keras/src/datasets/imdb.py``); A. L. Maas et al., "Learning Word Vectors for Sentiment Analysis", ACL 2011.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minirnn.datasets import store
from minirnn.datasets.npz import Reviews

__all__ = ["decode", "encode", "get_word_index", "load_data"]

Split = tuple[NDArray[np.object_], NDArray[np.integer[Any]]]

FILTERED = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
"""Characters that separate words, as in Keras's tokenizer; the apostrophe is not among them."""

_TOKEN_TABLE = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"} | {ord(mark): " " for mark in FILTERED}
"""ASCII only: the word index was made from bytes, so it knows "amÉlie" and not "amélie" where the review shouted."""


def load_data(
    path: str | os.PathLike[str] = store.REVIEWS,
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int | None = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
    **kwargs: object,
) -> tuple[Split, Split]:
    """Load the reviews, in the order and with the ids that Keras gives.

    In this order: both splits are shuffled from one ``seed``; ``start_char`` is put first and every rank raised by ``index_from``;
    reviews of ``maxlen`` ids or more are dropped; ids outside ``skip_top <= id < num_words`` become ``oov_char``.

    Parameters
    ----------
    path : the archive, or a folder that holds it. The default name is looked for as `minirnn.datasets.store.find` says.
    num_words : ids from here on are cut, so ``num_words=200`` keeps ranks 1..196. None or 0: the largest id that occurs, which
        **cuts the word with that id too**, in Keras and so here; pass a larger number to keep every word.
    skip_top : ids below are cut. It counts ids, not ranks, so a value above 1 cuts ``start_char`` as well.
    maxlen : only reviews *shorter* than this, ``start_char`` counted, are kept; the others are dropped, not truncated. None or 0: all.
    seed : of the shuffle. 113 gives the order that every tutorial assumes; None a new one each time.
    start_char : id that begins every review. None: nothing is put there.
    oov_char : id in place of a word that was cut. None: the word is removed.
    index_from : added to every rank. None or 0 adds nothing; None only without a ``start_char``.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)
        x (N,) object: one list of int per review. y (N,) int64: 1 = positive, 0 = negative.

    Raises
    ------
    TypeError
        An argument that Keras does not have either, or one of the wrong type.
    ValueError
        ``maxlen`` keeps no review of a split; the file is damaged or holds anything but lists of integers.
    FileNotFoundError
        The reviews are not there: see `minirnn.datasets.store.find`.

    Notes
    -----
    Two intended differences from Keras. Unknown keyword arguments raise; Keras swallows them. x is one-dimensional always; Keras
    makes it (N, T) when all reviews happen to have one length.

    Examples
    --------
    >>> (x_train, y_train), (x_test, y_test) = load_data(num_words=200)  # doctest: +SKIP
    >>> len(x_train[0]), int(y_train[0])  # doctest: +SKIP
    (218, 1)
    """
    if kwargs:
        raise TypeError(f"load_data: unknown argument {', '.join(sorted(kwargs))}. It takes path, {', '.join(_ARGUMENTS)}.")
    given = (num_words, skip_top, maxlen, seed, start_char, oov_char, index_from)
    check_arguments("load_data", given)
    return arrange(store.read_reviews(store.locate(path, store.REVIEWS)), *given)


def check_arguments(function: str, given: tuple[object, ...]) -> None:
    """Raise TypeError or ValueError unless num_words, skip_top, ... index_from, in this order, are what they must be."""
    _check(function, dict(zip(_ARGUMENTS, given, strict=True)))


def arrange(
    reviews: Iterable[Reviews],
    num_words: int | None,
    skip_top: int,
    maxlen: int | None,
    seed: int | None,
    start_char: int | None,
    oov_char: int | None,
    index_from: int | None,
) -> tuple[Split, Split]:
    """Shuffle both splits, and turn ranks into ids, as `load_data` documents."""
    rng = np.random.RandomState(seed)
    splits = []
    for split in reviews:
        order = np.arange(len(split.lengths))
        rng.shuffle(order)  # the second split goes on with the first one's generator
        split = _with_start(split.take(order), start_char, index_from or 0)
        if maxlen:
            split = split.take(np.flatnonzero(split.lengths < maxlen))
        splits.append(split)
    if maxlen and not all(len(split.lengths) for split in splits):
        raise ValueError(f"After filtering for sequences shorter than maxlen={maxlen}, no sequence was kept. Increase maxlen.")

    if not num_words:
        num_words = max((int(split.flat.max()) for split in splits if split.flat.size), default=0)
    labels = np.concatenate([split.labels for split in splits])  # one dtype for both, as in Keras
    train, test = (_lists(_without(split, skip_top, num_words, oov_char)) for split in splits)
    return (train, labels[: len(train)]), (test, labels[len(train) :])


_ARGUMENTS = ("num_words", "skip_top", "maxlen", "seed", "start_char", "oov_char", "index_from")


def get_word_index(path: str | os.PathLike[str] = store.WORD_INDEX) -> dict[str, int]:
    """Load the word index: 88,584 words and their ranks.

    Ranks are not ids: the id of a word in `load_data` is its rank + ``index_from``. `encode` and `decode` do that sum.

    Parameters
    ----------
    path : the JSON file, or a folder that holds it. The default name is looked for as `minirnn.datasets.store.find` says.

    Returns
    -------
    dict
        Word -> rank, 1 = most frequent.

    Raises
    ------
    FileNotFoundError
        It is not there: see `minirnn.datasets.store.find`.
    ValueError
        The file is damaged or not a word index.

    Examples
    --------
    >>> word_index = get_word_index()  # doctest: +SKIP
    >>> word_index["the"], len(word_index)  # doctest: +SKIP
    (1, 88584)
    """
    return store.read_word_index(store.locate(path, store.WORD_INDEX))


def encode(
    text: str,
    num_words: int | None = None,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
    word_index: Mapping[str, int] | None = None,
) -> list[int]:
    """Turn a text into ids, as the data set's own reviews were.

    Words are what is left between spaces when ASCII letters are made lower case and the usual punctuation, tab and newline are
    made spaces. A word that the index does not know is dropped, as in the data set; one that ``num_words`` cuts becomes ``oov_char``.

    Parameters
    ----------
    text : a review, in English.
    num_words : ids from here on are cut. None or 0: none is.
    start_char, oov_char, index_from : as in `load_data`; use the same values.
    word_index : from `get_word_index`, which is loaded anew when None is given: pass it when encoding many texts.

    Returns
    -------
    list of int
        ``start_char`` and one id per known word.

    Raises
    ------
    TypeError
        ``text`` is not a str, or a number is not whole.
    FileNotFoundError
        No word index was given and none was found.

    Examples
    --------
    >>> encode("Not BAD!", word_index={"not": 21, "bad": 75})
    [1, 24, 78]
    >>> encode("Not BAD!", num_words=50, word_index={"not": 21, "bad": 75})
    [1, 24, 2]
    """
    if not isinstance(text, str):
        raise TypeError(f"encode: text must be a str, received {type(text).__name__}. Encode texts one by one.")
    _check("encode", {"num_words": num_words, "start_char": start_char, "oov_char": oov_char, "index_from": index_from})
    ranks = get_word_index() if word_index is None else word_index
    ids = [] if start_char is None else [start_char]
    ids += [ranks[word] + index_from for word in words_of(text) if word in ranks]
    if not num_words:
        return ids
    if oov_char is None:
        return [word_id for word_id in ids if word_id < num_words]
    return [word_id if word_id < num_words else oov_char for word_id in ids]


def words_of(text: str) -> list[str]:
    """Give the words of a text, as the word index writes them, known or not.

    >>> words_of("Not BAD!")
    ['not', 'bad']
    """
    return [word for word in text.translate(_TOKEN_TABLE).split(" ") if word]


def decode(
    ids: Iterable[int],
    index_from: int = 3,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    word_index: Mapping[str, int] | None = None,
) -> str:
    """Turn ids back into words.

    Parameters
    ----------
    ids (T,) : of one review, padded or not.
    index_from, start_char, oov_char : as in `load_data`; use the same values.
    word_index : as in `encode`.

    Returns
    -------
    str
        The words, separated by spaces. Id 0 reads ``<pad>``, ``start_char`` ``<start>``, ``oov_char`` ``<oov>``.

    Raises
    ------
    TypeError
        ``ids`` is not a sequence of whole numbers.
    ValueError
        An id has no word.
    FileNotFoundError
        No word index was given and none was found.

    Examples
    --------
    >>> decode([0, 0, 1, 24, 2, 78], word_index={"not": 21, "bad": 75})
    '<pad> <pad> <start> not <oov> bad'
    """
    _check("decode", {"start_char": start_char, "oov_char": oov_char, "index_from": index_from})
    numbers = list(ids)
    for t, number in enumerate(numbers):
        if not isinstance(number, Integral):
            raise TypeError(
                f"decode: ids must be the whole numbers of one review, received {type(number).__name__} at ids[{t}]. "
                "Decode reviews one by one."
            )
    ranks = get_word_index() if word_index is None else word_index
    words = {rank + index_from: word for word, rank in ranks.items()} | {0: "<pad>"}
    if oov_char is not None:
        words[oov_char] = "<oov>"
    if start_char is not None:
        words[start_char] = "<start>"
    for t, number in enumerate(numbers):
        if number not in words:
            raise ValueError(
                f"decode: ids[{t}] = {number} has no word; ids run from {index_from + 1} to {max(words)}. Was index_from={index_from} used?"
            )
    return " ".join(words[number] for number in numbers)


def _check(function: str, arguments: Mapping[str, object]) -> None:
    """Check the numbers' types: limits are real numbers, as in Keras; what becomes an id is whole and fits 32 bits."""
    for name, value in arguments.items():
        if value is None and name != "skip_top" and (name != "index_from" or arguments["start_char"] is None):
            continue
        if name in ("num_words", "skip_top", "maxlen"):
            if not isinstance(value, Real):
                raise TypeError(f"{function}: {name} must be a number, received {value!r}.")
        elif name != "seed":
            if not isinstance(value, Integral):
                raise TypeError(f"{function}: {name} must be a whole number, received {value!r}.")
            if abs(int(value)) >= 1 << 31:
                raise ValueError(f"{function}: {name} must fit 32 bits, received {value!r}.")


def _with_start(split: Reviews, start_char: int | None, index_from: int) -> Reviews:
    """Raise every rank by ``index_from`` and put ``start_char`` before each review."""
    ids = split.flat.astype(np.int64) + index_from  # int64: the sum of two 32-bit numbers fits
    if start_char is None:
        return split._replace(flat=ids)
    starts = np.cumsum(split.lengths) - split.lengths
    return split._replace(flat=np.insert(ids, starts, start_char), lengths=split.lengths + 1)


def _without(split: Reviews, skip_top: float, num_words: float, oov_char: int | None) -> Reviews:
    """Replace, or remove, every id that is not in skip_top <= id < num_words."""
    kept = (split.flat >= skip_top) & (split.flat < num_words)
    if oov_char is not None:
        return split._replace(flat=np.where(kept, split.flat, oov_char))
    kept_before = np.concatenate([[0], np.cumsum(kept)])
    ends = np.cumsum(split.lengths)
    return split._replace(flat=split.flat[kept], lengths=kept_before[ends] - kept_before[ends - split.lengths])


def _lists(split: Reviews) -> NDArray[np.object_]:
    """One list of int per review."""
    flat, ends = split.flat, np.cumsum(split.lengths)
    low, high = (int(flat.min()), int(flat.max())) if flat.size else (0, 0)
    shared = high - low < flat.size
    if shared:
        # Every occurrence of an id becomes the same int object: 8 bytes an entry instead of up to 40.
        objects, flat = np.array(range(low, high + 1), dtype=object), flat - low
    reviews = np.empty(len(ends), dtype=object)
    for n, (start, end) in enumerate(zip((ends - split.lengths).tolist(), ends.tolist(), strict=True)):
        reviews[n] = (objects[flat[start:end]] if shared else flat[start:end]).tolist()
    return reviews
