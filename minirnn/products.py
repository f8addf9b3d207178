"""Matrix products: what a recurrent step, a projection and a gradient of weights are made of.

Comes in: pointers, and how far apart rows and terms lie. Goes out:

    product     out[b] = start[rows_of[b]] + Σ_k x[b,k] W[k]          b < B, k < terms; J columns each

One loop serves them all. A step of the recurrence starts each row from the row of the table that its id picks; a projection starts all
from the bias; a gradient, dW += xᵀ · dz, starts from itself, reads x transposed, and has the rows of the batch for terms.

A tile of 8 rows by 2 registers keeps its sums in registers from the first term to the last (``tiles_llvm.py``), so a term costs two loads
of W and eight numbers of x for 16 multiply-adds. W is read fastest if its columns lie in panels as wide as a tile (``pack``), which pays
where the same W is used again, T times in a recurrence. One core of a Zen 5, GFLOP/s, and numpy.matmul (OpenBLAS 0.3.30, one thread):

    B x H times H x H        32 x 32    64 x 64    64 x 128    64 x 512
    product, W packed             48        160         211         231
    matmul                        28         79          98         105
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.jit import COMPILED, for_both, inline, subroutine
from minirnn.simd import LANES, fma, onward, stay_apart

FIRST: Any = np.int64(0)
"""Zero as any other number. numba compiles a function anew for the literal 0, and each kernel here takes a second to compile."""

ONE: Any = np.int64(1)
"""One, likewise."""

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
    x: Any,
    x_row: int,
    x_term: int,
    B: int,
    W: Any,
    W_column: int,
    W_term: int,
    terms: int,
    J: int,
    start: Any,
    rows_of: Any,
    length: int,
    out: Any,
    out_row: int,
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
    stay_apart()
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
    stay_apart()
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


@for_both
def whole_lanes(columns: int) -> int:
    """Round columns up to whole lanes."""
    return (columns + LANES - 1) // LANES * LANES
