"""Matrix products on a few rows, written in lanes: what a recurrent step and its gradients are made of.

Comes in: C-ordered stacks of matrices ``x (S,B,I)``, of which step ``s`` is meant, and weights W (I,J). Goes out: the product, added to
what stands in ``out``; or, where a table and the step's row numbers are given, to the rows of the table.

    add_product    out[t] (B,J) += x[s] (B,I) · W (I,J)         or  out[t] = table[rows_of[r]] + x[s] · W
    add_outer      dW (I,J)     += x[s]ᵀ (I,B) · dz[t] (B,J)    and dtable[rows_of[r]] += dz[t]: the gradients of the first

At 64 rows by 8 units a call into BLAS costs more than the arithmetic. Both hold a block of eight by eight weights in registers while all
B rows stream past. The eight multiply-adds of a row are two chains of four, half the latency of one chain of eight: together with the
block in registers that made a forward pass of 8 units twice as fast as four rows sharing each loaded row of W. The table's rows are read
and added to in the same pass, while they are in a register, which saves a sixth. A step is named by its number, not cut out as an array
of its own, because each such cut costs two atomic counts, 2 microseconds a batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.jit import inline
from minirnn.simd import LANES, fma, load, load_part, load_spread, store, store_part

BLOCK = 8
"""Rows of W that are held in registers at a time."""


@inline
def _start(out: Any, t: Any, table: Any, rows_of: Any, r: Any, b: Any, i: Any, j: Any) -> Any:
    """What row b of the product starts from: the table's row for its first term, after that what stands in ``out``."""
    if table is not None:  # noqa: SIM102  # numba drops the outer branch when it compiles for table=None
        if i == 0:
            return load(table, (rows_of[r, b], j))
    return load(out, (t, b, j))


@inline
def _start_part(out: Any, t: Any, table: Any, rows_of: Any, r: Any, b: Any, j: Any, n: Any) -> Any:
    """``_start`` for the last n columns."""
    if table is not None:
        return load_part(table, (rows_of[r, b], j), n)
    return load_part(out, (t, b, j), n)


@inline
def _eight_terms(z: Any, x: Any, s: Any, b: Any, i: Any, w0: Any, w1: Any, w2: Any, w3: Any, w4: Any, w5: Any, w6: Any, w7: Any) -> Any:
    """Z + Σ_k x[s,b,i+k] w_k, as two chains."""
    even = fma(load_spread(x, (s, b, i)), w0, z)
    odd = load_spread(x, (s, b, i + 1)) * w1
    even = fma(load_spread(x, (s, b, i + 2)), w2, even)
    odd = fma(load_spread(x, (s, b, i + 3)), w3, odd)
    even = fma(load_spread(x, (s, b, i + 4)), w4, even)
    odd = fma(load_spread(x, (s, b, i + 5)), w5, odd)
    even = fma(load_spread(x, (s, b, i + 6)), w6, even)
    odd = fma(load_spread(x, (s, b, i + 7)), w7, odd)
    return even + odd


@inline
def _product_block(x: Any, s: Any, i: Any, W: Any, j: Any, out: Any, t: Any, table: Any, rows_of: Any, r: Any) -> None:
    """Add what eight rows of W by one vector of columns give, for all B rows."""
    w0, w1, w2, w3 = load(W, (i, j)), load(W, (i + 1, j)), load(W, (i + 2, j)), load(W, (i + 3, j))
    w4, w5, w6, w7 = load(W, (i + 4, j)), load(W, (i + 5, j)), load(W, (i + 6, j)), load(W, (i + 7, j))
    for b in range(x.shape[1]):
        z = _start(out, t, table, rows_of, r, b, i, j)
        store(out, (t, b, j), _eight_terms(z, x, s, b, i, w0, w1, w2, w3, w4, w5, w6, w7))


@inline
def add_product(
    x: np.ndarray, s: int, W: np.ndarray, out: np.ndarray, t: int, table: np.ndarray | None, rows_of: np.ndarray | None, r: int
) -> None:
    """Blocks of eight rows of W by whole lanes, then what is left of rows and of columns."""
    I, J = W.shape
    if I == BLOCK and J == LANES:  # the one block, with its place a constant: a sixth faster than as a case of the loops below
        _product_block(x, s, 0, W, 0, out, t, table, rows_of, r)
        return
    B = x.shape[1]
    whole_i, whole_j = I - I % BLOCK, J - J % LANES
    for j in range(0, whole_j, LANES):
        for i in range(0, whole_i, BLOCK):
            _product_block(x, s, i, W, j, out, t, table, rows_of, r)
        for i in range(whole_i, I):
            w = load(W, (i, j))
            for b in range(B):
                z = _start(out, t, table, rows_of, r, b, i, j)
                store(out, (t, b, j), fma(load_spread(x, (s, b, i)), w, z))
    if whole_j < J:
        n = J - whole_j
        for b in range(B):
            z = _start_part(out, t, table, rows_of, r, b, whole_j, n)
            for i in range(I):
                z = fma(load_spread(x, (s, b, i)), load_part(W, (i, whole_j), n), z)
            store_part(out, (t, b, whole_j), z, n)


@inline
def _outer_block(x: Any, s: Any, dz: Any, t: Any, dW: Any, i: Any, j: Any, dtable: Any, rows_of: Any, r: Any) -> None:
    """Add what all B rows give to eight rows of dW by one vector of columns, and with i = 0 to the table."""
    w0, w1, w2, w3 = load(dW, (i, j)), load(dW, (i + 1, j)), load(dW, (i + 2, j)), load(dW, (i + 3, j))
    w4, w5, w6, w7 = load(dW, (i + 4, j)), load(dW, (i + 5, j)), load(dW, (i + 6, j)), load(dW, (i + 7, j))
    for b in range(x.shape[1]):
        z = load(dz, (t, b, j))
        _add_to_table(dtable, rows_of, r, b, i, j, z)
        w0, w1 = fma(load_spread(x, (s, b, i)), z, w0), fma(load_spread(x, (s, b, i + 1)), z, w1)
        w2, w3 = fma(load_spread(x, (s, b, i + 2)), z, w2), fma(load_spread(x, (s, b, i + 3)), z, w3)
        w4, w5 = fma(load_spread(x, (s, b, i + 4)), z, w4), fma(load_spread(x, (s, b, i + 5)), z, w5)
        w6, w7 = fma(load_spread(x, (s, b, i + 6)), z, w6), fma(load_spread(x, (s, b, i + 7)), z, w7)
    store(dW, (i, j), w0)
    store(dW, (i + 1, j), w1)
    store(dW, (i + 2, j), w2)
    store(dW, (i + 3, j), w3)
    store(dW, (i + 4, j), w4)
    store(dW, (i + 5, j), w5)
    store(dW, (i + 6, j), w6)
    store(dW, (i + 7, j), w7)


@inline
def _add_to_table(dtable: Any, rows_of: Any, r: Any, b: Any, i: Any, j: Any, z: Any) -> None:
    """dtable[rows_of[r,b]] += z, once per column: with the first row of dW."""
    if dtable is not None:  # noqa: SIM102  # numba drops the outer branch when it compiles for dtable=None
        if i == 0:
            store(dtable, (rows_of[r, b], j), load(dtable, (rows_of[r, b], j)) + z)


@inline
def _add_part_to_table(dtable: Any, rows_of: Any, r: Any, b: Any, i: Any, j: Any, z: Any, n: Any) -> None:
    """``_add_to_table`` for the last n columns."""
    if dtable is not None:  # noqa: SIM102
        if i == 0:
            store_part(dtable, (rows_of[r, b], j), load_part(dtable, (rows_of[r, b], j), n) + z, n)


@inline
def add_outer(
    x: np.ndarray, s: int, dz: np.ndarray, t: int, dW: np.ndarray, dtable: np.ndarray | None, rows_of: np.ndarray | None, r: int
) -> None:
    """Blocks of eight rows of dW by whole lanes, then what is left of rows and of columns."""
    I, J = dW.shape
    if I == BLOCK and J == LANES:
        _outer_block(x, s, dz, t, dW, 0, 0, dtable, rows_of, r)
        return
    B = x.shape[1]
    whole_i, whole_j = I - I % BLOCK, J - J % LANES
    for j in range(0, whole_j, LANES):
        for i in range(0, whole_i, BLOCK):
            _outer_block(x, s, dz, t, dW, i, j, dtable, rows_of, r)
        for i in range(whole_i, I):
            w = load(dW, (i, j))
            for b in range(B):
                z = load(dz, (t, b, j))
                _add_to_table(dtable, rows_of, r, b, i, j, z)
                w = fma(load_spread(x, (s, b, i)), z, w)
            store(dW, (i, j), w)
    if whole_j < J:
        n = J - whole_j
        for i in range(I):
            w = load_part(dW, (i, whole_j), n)
            for b in range(B):
                z = load_part(dz, (t, b, whole_j), n)
                _add_part_to_table(dtable, rows_of, r, b, i, whole_j, z, n)
                w = fma(load_spread(x, (s, b, i)), z, w)
            store_part(dW, (i, whole_j), w, n)
