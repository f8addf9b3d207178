"""Ragged ids to a rectangle: N sequences of any lengths come in, an array (N,T) goes out. One-hot stands in `one_hot`, named here too.

Row n of the output, with sequence s of length L, filler v and T = `maxlen` (the longest L, unless given)::

    kept    =  s[-T:]  (truncating "pre": the end is kept)   or  s[:T]  ("post")          k = min(L, T) items
    padded  =  v ... v kept  (padding "pre")                 or  kept v ... v  ("post")

Only what is kept is converted, one row at a time and straight into its place, so that each id is fetched from memory once.

Source: Keras 3.15, ``keras/src/utils/sequence_utils.py``, for results and error classes. Two differences are meant: `padding` and
`truncating` are checked before anything else, even if every sequence is empty; and ``maxlen=0`` gives shape (N,0) in every mode, where
Keras fails when it truncates from the front (``s[-0:]`` is the whole of s).
"""

from __future__ import annotations

import operator
import struct
from collections.abc import Callable, Collection
from itertools import islice
from typing import Any, NoReturn

import numpy as np
from numpy.typing import DTypeLike, NDArray

from minirnn.one_hot import OneHot, to_categorical

__all__ = ["OneHot", "pad_sequences", "to_categorical"]

Array = NDArray[Any]

PACK_CODES = {"i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q"}
"""The `struct` letter of each integer dtype, named by kind and bytes."""


def pad_sequences(
    sequences: Collection[Any],
    maxlen: int | None = None,
    dtype: DTypeLike = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> Array:
    """Cut and fill sequences so that all have the same length.

    Parameters
    ----------
    sequences : collection of N sequences
        Lists, tuples or arrays of numbers (or strings); or of vectors, all of one shape S.
    maxlen : int, optional
        Length T of every row; the longest sequence's when left out.
    dtype : dtype-like
        Of the output. Conversion is NumPy's: floats lose their fraction under an integer dtype. For strings, ``object`` or a string dtype.
    padding : {"pre", "post"}
        Where the filler goes. Before the ids is best for an RNN that reads left to right: what it reads last are words.
    truncating : {"pre", "post"}
        Which end of a long sequence is dropped.
    value : number or str
        The filler.

    Returns
    -------
    numpy.ndarray (N,T) or (N,T)+S
        A new array in C order.

    Raises
    ------
    ValueError
        When `padding` or `truncating` is neither "pre" nor "post"; `sequences` or one of them has no length; `maxlen` is negative, or is
        left out with no sequence to take it from; vectors differ in shape; or `value` is a string that `dtype` cannot hold.
    TypeError
        When `maxlen` is not an integer, or items cannot become `dtype`.
    OverflowError
        When a Python integer does not fit into `dtype`. (An integer array wraps around instead, as NumPy's casts do.)

    Examples
    --------
    >>> pad_sequences([[7], [], [2, 5, 6]], maxlen=2)
    array([[0, 7],
           [0, 0],
           [5, 6]], dtype=int32)
    """
    for name, mode in (("padding", padding), ("truncating", truncating)):
        if not (isinstance(mode, str) and mode in ("pre", "post")):
            raise ValueError(f"pad_sequences: {name} must be 'pre' or 'post', received {mode!r}.")
    lengths, sample_shape = _measure(sequences)
    # Keras, too, takes only the type `object` here, not its name: "object" is refused.
    if isinstance(value, str) and dtype is not object and not (np.issubdtype(dtype, np.str_) or np.issubdtype(dtype, np.bytes_)):
        raise ValueError(f"pad_sequences: value {value!r} is a string, received dtype {dtype!r}. Pass dtype=object, the type itself.")
    T = row_length("pad_sequences", maxlen, lengths)
    try:
        padded = np.full((len(lengths), T, *sample_shape), value, dtype=dtype)
    except (OverflowError, TypeError, ValueError) as error:
        _raise_alike(error, f"pad_sequences: value {value!r} cannot be held by dtype {dtype!r} ({error}).")
    if T > 0:
        done = _pack_rows(sequences, lengths, padded, padding == "pre", truncating == "pre")
        if done < len(lengths):
            _convert_rows(sequences, done, lengths, padded, dtype, padding == "pre", truncating == "pre")
    return padded


def _measure(sequences: Collection[Any]) -> tuple[list[int], tuple[int, ...]]:
    """Return the length of each sequence, and the shape S of one item of the first that is not empty."""
    if not hasattr(sequences, "__len__"):
        raise ValueError(
            f"pad_sequences: sequences must be a list of sequences, received {type(sequences).__name__}. Make a list of it: list(...)."
        )
    lengths: list[int] = []
    sample_shape: tuple[int, ...] | None = None
    try:
        # The list grows while it is filled: if a length is missing, it says how far this came.
        lengths.extend(map(len, sequences))
        first = next((n for n, length in enumerate(lengths) if length), None)
        if first is not None:
            sample_shape = np.asarray(next(islice(sequences, first, None))).shape[1:]
    except TypeError as error:
        stranger = next(islice(sequences, len(lengths), None), None)
        raise ValueError(
            f"pad_sequences: sequences[{len(lengths)}] must be a sequence, received {stranger!r} of type {type(stranger).__name__}. "
            "Put a single sequence into a list: [sequence]."
        ) from error
    return lengths, sample_shape or ()


def row_length(function: str, maxlen: int | None, lengths: list[int]) -> int:
    """Return T: `maxlen`, checked in the name of `function`, or the greatest of `lengths`."""
    if maxlen is None:
        if not lengths:
            raise ValueError(
                f"{function}: there are no sequences, so maxlen must be given, received maxlen=None. Pass the length of a row."
            )
        return max(lengths)
    try:
        T = operator.index(maxlen)
    except TypeError:
        T = None
    if T is None or isinstance(maxlen, bool | np.bool_):
        raise TypeError(
            f"{function}: maxlen must be an integer or None, received {maxlen!r} of type {type(maxlen).__name__}. "
            "Leave it out to pad to the longest sequence."
        )
    if T < 0:
        raise ValueError(
            f"{function}: maxlen must be a non-negative integer or None, received {T}. Leave it out to pad to the longest sequence."
        )
    return T


def _pack_rows(sequences: Collection[Any], lengths: list[int], padded: Array, pad_before: bool, keep_last: bool) -> int:
    """Fill rows while they are plain lists of whole numbers; return the index of the first row that is not.

    25,000 IMDB reviews to (25000,100), ids as Python lists: 33 ms here, 64 ms in Keras, which builds an array from each list. `struct`
    reads the list's integers straight into the row. To flatten all lists first takes 50 to 80 ms, whatever pads the flat ids afterwards
    (`ragged` does it in 2 ms), because each integer is fetched from memory once more.
    """
    code = PACK_CODES.get(padded.dtype.str[1:], "") if padded.dtype.isnative and padded.ndim == 2 else ""
    if not code:
        return 0
    T = padded.shape[1]
    memory = padded.reshape(-1).view(np.uint8).data
    row_bytes, item_bytes = padded.strides
    writers: dict[int, Callable[..., None]] = {}
    for n, sequence in enumerate(sequences):
        if type(sequence) is not list and type(sequence) is not tuple:
            return n
        length = lengths[n]
        if length > T:
            sequence = sequence[-T:] if keep_last else sequence[:T]
            length = T
        write = writers.get(length)
        if write is None:
            write = writers[length] = struct.Struct(f"={length}{code}").pack_into
        try:
            write(memory, n * row_bytes + (T - length) * item_bytes * pad_before, *sequence)
        except struct.error:
            # Not an integer, or one that does not fit: what becomes of it, or which error, is NumPy's to say, as in Keras.
            return n
    return len(lengths)


def _convert_rows(
    sequences: Collection[Any], start: int, lengths: list[int], padded: Array, dtype: DTypeLike, pad_before: bool, keep_last: bool
) -> None:
    """Fill the rows from index `start` on, whatever the sequences are, as NumPy converts them."""
    T, sample_shape = padded.shape[1], padded.shape[2:]
    for n, sequence in enumerate(islice(sequences, start, None), start):
        if not lengths[n]:
            continue
        try:
            row = sequence[-T:] if keep_last else sequence[:T]
            # An array is converted by the assignment below, which saves a copy; both casts are NumPy's unsafe one.
            if type(row) is not np.ndarray:
                row = np.asarray(row, dtype=dtype)
            length = len(row)
        except (KeyError, OverflowError, TypeError, ValueError) as error:
            _raise_alike(error, f"pad_sequences: sequences[{n}] cannot be cut to {T} items and converted to {dtype!r} ({error}).")
        if row.shape[1:] != sample_shape:
            raise ValueError(
                f"pad_sequences: items of sequences[{n}] have shape {row.shape[1:]}, expected {sample_shape} as in the first sequence "
                "that is not empty. Give all items one shape."
            )
        if length == T:
            padded[n] = row
        elif pad_before:
            padded[n, T - length :] = row
        else:
            padded[n, :length] = row


def _raise_alike(error: Exception, message: str) -> NoReturn:
    """Raise `message` as the class that Keras lets NumPy raise."""
    for kind in (OverflowError, ValueError):
        if isinstance(error, kind):
            raise kind(message) from error
    raise TypeError(message) from error
