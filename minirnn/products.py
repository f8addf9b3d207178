"""One affine map of a few rows, and its gradients, written in lanes: what a recurrent step is made of.

Comes in: stacks of matrices ``x (S,B,I)`` and ``out (S,B,J)``, of which one step each is meant; weights W (I,J); a table (R,J), of which
row ``rows_of[r,b]`` is what row b starts from. Goes out:

    affine             out[t]   = table[rows_of[r]] + x[s] · W        (B,J)
    affine_backward    dW      += x[s]ᵀ · dz[t]                       (I,J)
                       dtable[rows_of[r]] += dz[t]                    (R,J), repeated rows as often as they stand there

A bias is a table of one row. The table is read and added to while the row is in a register, in the same pass as the product.

At 64 rows by 8 units a call into BLAS costs more than the arithmetic. Both functions hold a block of eight by eight weights in registers
while all B rows stream past; the eight multiply-adds of a row are two chains of four, half the latency of one chain of eight. That made
a forward pass of 8 units twice as fast as four rows sharing each loaded row of W. A step is named by its number, not cut out as an array
of its own, because each such cut costs two atomic counts, 2 microseconds a batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.jit import COMPILED, inline, subroutine
from minirnn.simd import LANES, fma, load, load_part, load_spread, onward, store, store_part

BLOCK = 8
"""Rows of W that are held in registers at a time."""

FIRST: Any = np.int64(0)
"""Zero as any other number. numba compiles a function anew for the literal 0, and each kernel here takes a second to compile."""


def affine_ref(x: np.ndarray, s: int, W: np.ndarray, table: np.ndarray, rows_of: np.ndarray, r: int, out: np.ndarray, t: int) -> None:
    """out[t] = table[rows_of[r]] + x[s] · W."""
    out[t] = table[rows_of[r]] + x[s] @ W


def affine_backward_ref(
    x: np.ndarray, s: int, dz: np.ndarray, t: int, dtable: np.ndarray, rows_of: np.ndarray, r: int, dW: np.ndarray
) -> None:
    """dW += x[s]ᵀ · dz[t], and dtable[rows_of[r]] += dz[t]."""
    dW += x[s].T @ dz[t]
    np.add.at(dtable, rows_of[r], dz[t])


@inline
def _eight_terms(z: Any, x: Any, s: Any, b: Any, i: Any, w0: Any, w1: Any, w2: Any, w3: Any, w4: Any, w5: Any, w6: Any, w7: Any) -> Any:
    """z + Σ_k x[s,b,i+k] w_k, as two chains."""
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
def _affine_block(x: Any, s: Any, i: Any, W: Any, j: Any, table: Any, rows_of: Any, r: Any, out: Any, t: Any) -> None:
    """What eight rows of W by one vector of columns give to all B rows; the first eight find the table's row there."""
    w0, w1, w2, w3 = load(W, (i, j)), load(W, (i + 1, j)), load(W, (i + 2, j)), load(W, (i + 3, j))
    w4, w5, w6, w7 = load(W, (i + 4, j)), load(W, (i + 5, j)), load(W, (i + 6, j)), load(W, (i + 7, j))
    for b in range(x.shape[1]):
        z = load(table, (rows_of[r, b], j)) if i == 0 else load(out, (t, b, j))
        store(out, (t, b, j), _eight_terms(z, x, s, b, i, w0, w1, w2, w3, w4, w5, w6, w7))


@inline
def affine(x: np.ndarray, s: int, W: np.ndarray, table: np.ndarray, rows_of: np.ndarray, r: int, out: np.ndarray, t: int) -> None:
    """Blocks of eight rows of W by whole lanes, then what is left of rows and of columns."""
    I, J = W.shape
    B = x.shape[1]
    if I == BLOCK and J == LANES:  # the one block, its place a constant: 5 % faster than as a case of the loops below
        _affine_block(x, s, FIRST, W, FIRST, table, rows_of, r, out, t)
        return
    whole_i, whole_j = I - I % BLOCK, J - J % LANES
    for j in range(0, whole_j, LANES):
        for i in range(0, whole_i, BLOCK):
            _affine_block(x, s, i, W, j, table, rows_of, r, out, t)
        for i in range(whole_i, I):
            w = load(W, (i, j))
            for b in range(B):
                z = load(table, (rows_of[r, b], j)) if i == 0 else load(out, (t, b, j))
                store(out, (t, b, j), fma(load_spread(x, (s, b, i)), w, z))
    if whole_j < J:
        n = J - whole_j
        for b in range(B):
            z = load_part(table, (rows_of[r, b], whole_j), n)
            for i in range(I):
                z = fma(load_spread(x, (s, b, i)), load_part(W, (i, whole_j), n), z)
            store_part(out, (t, b, whole_j), z, n)


@inline
def _backward_block(x: Any, s: Any, i: Any, dz: Any, t: Any, j: Any, dtable: Any, rows_of: Any, r: Any, dW: Any) -> None:
    """What all B rows give to eight rows of dW by one vector of columns; the first eight bring the table's share along."""
    w0, w1, w2, w3 = load(dW, (i, j)), load(dW, (i + 1, j)), load(dW, (i + 2, j)), load(dW, (i + 3, j))
    w4, w5, w6, w7 = load(dW, (i + 4, j)), load(dW, (i + 5, j)), load(dW, (i + 6, j)), load(dW, (i + 7, j))
    for b in range(x.shape[1]):
        z = load(dz, (t, b, j))
        if i == 0:
            store(dtable, (rows_of[r, b], j), load(dtable, (rows_of[r, b], j)) + z)
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
def affine_backward(x: np.ndarray, s: int, dz: np.ndarray, t: int, dtable: np.ndarray, rows_of: np.ndarray, r: int, dW: np.ndarray) -> None:
    """Blocks of eight rows of dW by whole lanes, then what is left of rows and of columns."""
    I, J = dW.shape
    B = x.shape[1]
    if I == BLOCK and J == LANES:
        _backward_block(x, s, FIRST, dz, t, FIRST, dtable, rows_of, r, dW)
        return
    whole_i, whole_j = I - I % BLOCK, J - J % LANES
    for j in range(0, whole_j, LANES):
        for i in range(0, whole_i, BLOCK):
            _backward_block(x, s, i, dz, t, j, dtable, rows_of, r, dW)
        for i in range(whole_i, I):
            w = load(dW, (i, j))
            for b in range(B):
                z = load(dz, (t, b, j))
                if i == 0:
                    store(dtable, (rows_of[r, b], j), load(dtable, (rows_of[r, b], j)) + z)
                w = fma(load_spread(x, (s, b, i)), z, w)
            store(dW, (i, j), w)
    if whole_j < J:
        n = J - whole_j
        for i in range(I):
            w = load_part(dW, (i, whole_j), n)
            for b in range(B):
                z = load_part(dz, (t, b, whole_j), n)
                if i == 0:
                    store_part(dtable, (rows_of[r, b], whole_j), load_part(dtable, (rows_of[r, b], whole_j), n) + z, n)
                w = fma(load_spread(x, (s, b, i)), z, w)
            store_part(dW, (i, whole_j), w, n)


# ----------------------------------------------------------------------------------------------------------- whole products, on pointers

if COMPILED:
    from minirnn.tiles_llvm import (
        TILE_ROWS,
        register_size,
        row_of_half,
        row_of_one,
        row_of_two,
        tile_of_half,
        tile_of_one,
        tile_of_two,
    )
else:
    TILE_ROWS = 1

    def register_size(place: Any) -> int:
        """How many numbers a register holds."""
        return LANES

    def _row(registers: int) -> Any:
        def row(
            x: Any, x_row: int, x_term: int, W: Any, W_term: int, terms: int, start: Any, rows_of: Any, length: int, out: Any, out_row: int
        ) -> None:
            """One row of a tile: out = start[rows_of[0]] + Σ_k x[k] W[k]."""
            width = registers * LANES
            total = np.array(start[rows_of[0] * length :][:width])
            for k in range(terms):
                total = fma(x[k * x_term], W[k * W_term :][:width], total)
            out[:width] = total

        return row

    tile_of_two, tile_of_one = row_of_two, row_of_one = _row(2), _row(1)
    tile_of_half = row_of_half = row_of_one  # never reached: lanes are whole registers here


@subroutine
def product(
    x: Any, x_row: int, x_term: int, B: int, W: Any, W_column: int, W_term: int, terms: int, J: int, start: Any, rows_of: Any, length: int, out: Any, out_row: int
) -> None:
    """out[b] = start[rows_of[b]] + Σ_k x[b,k] W[k], for B rows and J columns, J a whole number of lanes.

    Parameters
    ----------
    x : pointer; x[b,k] lies at b * x_row + k * x_term, so that x may be transposed
    W : pointer; the columns from j on lie from j * W_column on, and from term to term it is W_term numbers, or, with 0, as many as a panel
        is wide: what ``pack`` leaves is read with W_column = terms, W_term = 0, and an array (terms,J) with 1, J
    start : pointer to rows of so great a length; ``start = out``, with rows_of = 0, 1, 2, ..., adds to what is there
    rows_of : pointer to B int32
    out : pointer; row b lies at b * out_row
    """
    register, whole, j = register_size(x), B - B % TILE_ROWS, FIRST
    while j < J:
        width = panel_width(register, J - j)
        step = W_term if W_term > 0 else width
        panel, first, to = onward(W, j * W_column), onward(start, j), onward(out, j)
        for b in range(0, whole, TILE_ROWS):
            here, rows, there = onward(x, b * x_row), onward(rows_of, b), onward(to, b * out_row)
            if width > register:
                tile_of_two(here, x_row, x_term, panel, step, terms, first, rows, length, there, out_row)
            elif width == register:
                tile_of_one(here, x_row, x_term, panel, step, terms, first, rows, length, there, out_row)
            else:
                tile_of_half(here, x_row, x_term, panel, step, terms, first, rows, length, there, out_row)
        for b in range(whole, B):
            here, rows, there = onward(x, b * x_row), onward(rows_of, b), onward(to, b * out_row)
            if width > register:
                row_of_two(here, x_row, x_term, panel, step, terms, first, rows, length, there, out_row)
            elif width == register:
                row_of_one(here, x_row, x_term, panel, step, terms, first, rows, length, there, out_row)
            else:
                row_of_half(here, x_row, x_term, panel, step, terms, first, rows, length, there, out_row)
        j += width


@inline
def panel_width(register: int, left: int) -> int:
    """How many of the columns that are left the next tiles take: two registers, one, or half of one."""
    return 2 * register if left >= 2 * register else min(register, left)


@subroutine
def pack(W: Any, row: int, column: int, terms: int, columns: int, packed: Any) -> None:
    """Lay W[k,j] = W[k * row + j * column] out as ``product`` reads it best: panels as wide as its tiles, each one run of memory, and zeros
    up to whole lanes.
    """
    register, J, j = register_size(W), whole_lanes(columns), FIRST
    while j < J:
        width = panel_width(register, J - j)
        to = onward(packed, j * terms)
        for k in range(terms):
            for c in range(width):
                if j + c < columns:
                    to[k * width + c] = W[k * row + (j + c) * column]
                else:
                    to[k * width + c] = 0
        j += width


@inline
def whole_lanes(columns: int) -> int:
    """Round columns up to whole lanes."""
    return (columns + LANES - 1) // LANES * LANES
