"""The square of each lookup's gradient, which one way of training an embedding wants.

An id stands in a batch many times, and each time, each lookup, has a gradient g_i of its own on the same row of the embedding. Their sum
is the row's gradient. RMSprop divides by the size of gradients, and Keras's backends differ in which:

    JAX, torch, and minirnn unless told otherwise:    (Σ_i g_i)²
    TensorFlow, and ``RMSprop(embedding_update="per_lookup")``:    Σ_i g_i²

For n lookups that agree, the first is n times the second, and TensorFlow's step √n times as long. The sum alone does not tell Σ_i g_i², so
it is added up here, where lookups are still apart. Comes in: the gradient of each lookup. Goes out: ``squares (V,E)``, added to.

In front of a SimpleRNN a lookup's gradient is dz_t · Wxᵀ, which is squared row by row and never kept: an epoch of the seed's embedding
model costs 1.7 times the default's. Computing the two layers one after the other instead costs 4 times.

Source: Keras 3.15 on TensorFlow 2.21, where the gradient is a ``tf.IndexedSlices`` with repeated rows; ``parity`` shows both ways.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minirnn.jit import inline, jit
from minirnn.products import FIRST, ONE, pack, product, whole_lanes
from minirnn.simd import LANES, fma, hold, load, load_part, onward, pointer, store, store_part


def square_lookups_ref(dx: np.ndarray, ids: np.ndarray, rows: np.ndarray, squares: np.ndarray) -> None:
    """Add the square of dx (B,T,E) to squares (V,E) at ids (N,T) of those rows (B,), repeated ids as often as they stand there."""
    np.add.at(squares, ids[rows], dx * dx)


@jit
def square_lookups_jit(dx: np.ndarray, ids: np.ndarray, rows: np.ndarray, squares: np.ndarray) -> None:
    """The same, compiled."""
    B, T, E = dx.shape
    for b in range(B):
        for t in range(T):
            v = ids[rows[b], t]
            for i in range(E):
                squares[v, i] += dx[b, t, i] * dx[b, t, i]


def merge_lookups_ref(
    dlookups: np.ndarray, ids: np.ndarray, rows: np.ndarray, Wx: np.ndarray, dtable: np.ndarray, squares: np.ndarray
) -> None:
    """Sum the lookups of each id, and the squares of what they give to the embedding.

    Parameters
    ----------
    dlookups (B*T,H) float: dz of each lookup, example by example
    ids (N,T) int, rows (B,) int: which row of the table each read
    Wx (E,H) float
    dtable (V,H) float: added to
    squares (V,E) float: added to; of dlookups · Wxᵀ
    """
    where = ids[rows].ravel()
    np.add.at(dtable, where, dlookups)
    np.add.at(squares, where, np.square(dlookups @ Wx.T))


@inline
def _add_rows(sums: np.ndarray, ids: np.ndarray, row: int, given: np.ndarray, s: int, squared: bool) -> None:
    """sums[ids[row,t]] += given[s,t], or its square, for all t. A call for each t would count references, ten times the work itself."""
    T, size = given.shape[1], sums.shape[1]  # rows of ``given`` may be longer: whole lanes
    whole = size - size % LANES
    for t in range(T):
        v = ids[row, t]
        for i in range(0, whole, LANES):
            g = load(given, (s, t, i))
            store(sums, (v, i), fma(g, g, load(sums, (v, i))) if squared else g + load(sums, (v, i)))
        if whole < size:
            n = size - whole
            g = load_part(given, (s, t, whole), n)
            before = load_part(sums, (v, whole), n)
            store_part(sums, (v, whole), fma(g, g, before) if squared else g + before, n)


@jit
def merge_lookups_jit(
    dlookups: np.ndarray, ids: np.ndarray, rows: np.ndarray, Wx: np.ndarray, dtable: np.ndarray, squares: np.ndarray
) -> None:
    """The same, compiled: an example at a time, whose dx stays in the nearest cache."""
    B, T, (E, H) = rows.size, ids.shape[1], Wx.shape
    Q, dz = whole_lanes(E), dlookups.reshape((B, T, H))
    packed, dx, same_row = np.empty(H * Q, Wx.dtype), np.empty((1, T, Q), Wx.dtype), np.zeros(T, np.int32)
    nothing = np.zeros(Q, Wx.dtype)  # what dz · Wxᵀ starts from
    pack(pointer(Wx), ONE, H, H, E, pointer(packed))
    for b in range(B):
        of_b = onward(pointer(dlookups), b * T * H)
        product(of_b, H, ONE, T, pointer(packed), H, FIRST, H, Q, pointer(nothing), pointer(same_row), FIRST, pointer(dx), Q)
        _add_rows(dtable, ids, rows[b], dz, b, False)
        _add_rows(squares, ids, rows[b], dx, FIRST, True)
    hold((packed, dx, same_row, nothing, dlookups))


class Kernels(NamedTuple):
    """One backend's pair."""

    square: Callable[..., None]
    merge: Callable[..., None]


BACKENDS = {"numpy": Kernels(square_lookups_ref, merge_lookups_ref), "numba": Kernels(square_lookups_jit, merge_lookups_jit)}
