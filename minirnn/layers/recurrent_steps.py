"""The recurrence, step by step, on pointers: two forms, for few units and for many.

Comes in: for the rows of a batch, or of a part of it, the table and which of its rows each step reads; Wh as its form wants it. Goes out:
the states; on the way back dtable, dWh, and the gradient on the first state. ``recurrence.py`` says what is computed; here is how.

    eight     up to eight units: a row is half a register, four rows are one vector, Wh stays in eight registers
    tiles     more: a step is a matrix product (``products.py``), a row is P long, the units rounded up to whole lanes

The bound is where the two meet: at 8 units tiles would leave half of each register empty; at 16 there is no row to share one with.
"""

from __future__ import annotations

from typing import Any

from minirnn.activations import activate_lanes, activate_run, slope_lanes, slope_run
from minirnn.jit import inline, subroutine
from minirnn.products import product
from minirnn.simd import (
    LANES,
    each_eight_times,
    first_half,
    fma,
    four_times,
    joined,
    load,
    load_four,
    load_rows,
    onward,
    second_half,
    stay_apart,
    store,
    unit_0,
    unit_1,
    unit_2,
    unit_3,
    unit_4,
    unit_5,
    unit_6,
    unit_7,
    where_positive,
    zeros_of,
)

HELD = 256
"""Rows of dz that are kept until they are multiplied into dWh together: enough to hide what a pass over dWh costs."""


@inline
def _eight_terms(z: Any, h: Any, w0: Any, w1: Any, w2: Any, w3: Any, w4: Any, w5: Any, w6: Any, w7: Any) -> Any:
    """z + h · W for four rows of eight units, W's rows each once; two chains of four, half the latency of one chain of eight."""
    even = fma(unit_0(h), four_times(w0), z)
    odd = unit_1(h) * four_times(w1)
    even, odd = fma(unit_2(h), four_times(w2), even), fma(unit_3(h), four_times(w3), odd)
    even, odd = fma(unit_4(h), four_times(w4), even), fma(unit_5(h), four_times(w5), odd)
    even, odd = fma(unit_6(h), four_times(w6), even), fma(unit_7(h), four_times(w7), odd)
    return even + odd


@inline
def _four_rows(table: Any, rows_of: Any) -> Any:
    """The four rows of eight that the next four numbers name."""
    first = joined(load(table, rows_of[0] * LANES), load(table, rows_of[1] * LANES))
    return joined(first, joined(load(table, rows_of[2] * LANES), load(table, rows_of[3] * LANES)))


@subroutine
def forward_eight(
    table: Any, steps: Any, visible: Any, masked: bool, keep: Any, dropped: bool, W: Any, hs: Any, T: int, B: int, activation: int
) -> None:
    """Up to eight units: a row of the batch is half a register, Wh stays in eight of them, and z never leaves them; B is a multiple of 4.

    An epoch of the seed's forward passes on one core takes 5.0 ms so (Zen 5). With units that are read from memory one by one and spread
    over the lanes: 6.5 ms; with two rows at a time instead of four: 5.4 ms; with eight: as with four.
    """
    stay_apart()
    w0, w1, w2, w3 = load(W, 0), load(W, 8), load(W, 16), load(W, 24)
    w4, w5, w6, w7 = load(W, 32), load(W, 40), load(W, 48), load(W, 56)
    for t in range(T):
        h_prev, h_t = onward(hs, t * B * LANES), onward(hs, (t + 1) * B * LANES)
        for b in range(0, B, 4):
            h = load_rows(h_prev, b * LANES)
            read = h * load_rows(keep, b * LANES) if dropped else h
            z = _eight_terms(_four_rows(table, onward(steps, t * B + b)), read, w0, w1, w2, w3, w4, w5, w6, w7)
            after = activate_lanes(z, activation)
            if masked:
                after = where_positive(each_eight_times(load_four(visible, t * B + b)), after, h)
            store(h_t, b * LANES, after)


@subroutine
def forward_tiles(
    table: Any,
    steps: Any,
    visible: Any,
    masked: bool,
    keep: Any,
    dropped: bool,
    W: Any,
    hs: Any,
    kept: Any,
    T: int,
    B: int,
    H: int,
    P: int,
    activation: int,
) -> None:
    """More units: a step is a product of whole tiles, from packed Wh; rows are P long, the units rounded up to whole lanes.

    At H = 512 and B = 64 such a product takes 145 us on one core where BLAS takes 320, at H = 32 1.6 where BLAS takes 3.6 (Zen 5,
    OpenBLAS 0.3.30): BLAS packs Wh anew at each of the T steps. So nothing here calls BLAS.
    """
    stay_apart()
    for t in range(T):
        h_prev, h_t, now = onward(hs, t * B * P), onward(hs, (t + 1) * B * P), onward(steps, t * B)
        read = h_prev
        if dropped:
            for k in range(B * P):
                kept[k] = h_prev[k] * keep[k]
            read = kept
        product(read, P, 1, B, W, H, 0, H, P, table, now, P, h_t, P)
        activate_run(h_t, B * P, activation)
        if masked:
            for b in range(B):
                if visible[t * B + b] == 0:
                    for j in range(P):
                        h_t[b * P + j] = h_prev[b * P + j]


@subroutine
def backward_eight(
    dhs: Any,
    sequences: bool,
    dh: Any,
    steps: Any,
    visible: Any,
    masked: bool,
    keep: Any,
    dropped: bool,
    W: Any,
    hs: Any,
    dtable: Any,
    dWh: Any,
    T: int,
    B: int,
    activation: int,
) -> None:
    """Up to eight units, back: dWh, two halves of it, stays in registers from the last step to the first."""
    stay_apart()
    w0, w1, w2, w3 = load(W, 0), load(W, 8), load(W, 16), load(W, 24)
    w4, w5, w6, w7 = load(W, 32), load(W, 40), load(W, 48), load(W, 56)
    nothing = four_times(zeros_of(hs))
    d0 = d1 = d2 = d3 = d4 = d5 = d6 = d7 = first_half(nothing)
    for t in range(T - 1, -1, -1):
        h_prev, h_t, d_t = onward(hs, t * B * LANES), onward(hs, (t + 1) * B * LANES), onward(dhs, t * B * LANES if sequences else 0)
        for b in range(0, B, 4):
            d = load_rows(dh, b * LANES)
            if sequences:
                d = d + load_rows(d_t, b * LANES)
            dz = d * slope_lanes(load_rows(h_t, b * LANES), activation)
            seen = each_eight_times(load_four(visible, t * B + b if masked else 0))
            if masked:
                dz = where_positive(seen, dz, 0.0)
            to = onward(steps, t * B + b)
            first, second = first_half(dz), second_half(dz)
            _add_eight(dtable, to[0], first_half(first))
            _add_eight(dtable, to[1], second_half(first))
            _add_eight(dtable, to[2], first_half(second))
            _add_eight(dtable, to[3], second_half(second))
            h, before = load_rows(h_prev, b * LANES), _eight_terms(nothing, dz, w0, w1, w2, w3, w4, w5, w6, w7)
            if dropped:
                share = load_rows(keep, b * LANES)
                h, before = h * share, before * share
            h0, h1 = first_half(h), second_half(h)
            d0, d1 = fma(unit_0(h1), second, fma(unit_0(h0), first, d0)), fma(unit_1(h1), second, fma(unit_1(h0), first, d1))
            d2, d3 = fma(unit_2(h1), second, fma(unit_2(h0), first, d2)), fma(unit_3(h1), second, fma(unit_3(h0), first, d3))
            d4, d5 = fma(unit_4(h1), second, fma(unit_4(h0), first, d4)), fma(unit_5(h1), second, fma(unit_5(h0), first, d5))
            d6, d7 = fma(unit_6(h1), second, fma(unit_6(h0), first, d6)), fma(unit_7(h1), second, fma(unit_7(h0), first, d7))
            if masked:
                before = where_positive(seen, before, d)
            store(dh, b * LANES, before)
    _store_row_sum(dWh, 0, d0)
    _store_row_sum(dWh, 1, d1)
    _store_row_sum(dWh, 2, d2)
    _store_row_sum(dWh, 3, d3)
    _store_row_sum(dWh, 4, d4)
    _store_row_sum(dWh, 5, d5)
    _store_row_sum(dWh, 6, d6)
    _store_row_sum(dWh, 7, d7)


@inline
def _add_eight(table: Any, row: Any, lanes: Any) -> None:
    """table[row] += lanes."""
    store(table, row * LANES, load(table, row * LANES) + lanes)


@inline
def _store_row_sum(dWh: Any, row: Any, two: Any) -> None:
    """dWh[row] = the sum of two rows of eight."""
    store(dWh, row * LANES, first_half(two) + second_half(two))


@subroutine
def backward_tiles(
    dhs: Any,
    sequences: bool,
    dh: Any,
    steps: Any,
    visible: Any,
    masked: bool,
    keep: Any,
    dropped: bool,
    W: Any,
    hs: Any,
    dtable: Any,
    dWh: Any,
    dz: Any,
    kept: Any,
    numbers: Any,
    T: int,
    B: int,
    H: int,
    P: int,
    activation: int,
) -> None:
    """More units, back: the dz of some steps are kept, so that dWh, which at H = 512 is as large as a core's own cache, is passed over once
    for all of them.
    """
    stay_apart()
    held = held_steps(B, dropped)
    for t in range(T - 1, -1, -1):
        h_prev, h_t, to = onward(hs, t * B * P), onward(hs, (t + 1) * B * P), onward(steps, t * B)
        dz_t = onward(dz, t % held * B * P)
        if sequences:
            d_t = onward(dhs, t * B * P)
            for k in range(B * P):
                dh[k] += d_t[k]
        slope_run(dh, h_t, B * P, activation, dz_t)
        for b in range(B):
            if masked and visible[t * B + b] == 0:
                for j in range(P):
                    dz_t[b * P + j] = 0
            sums = onward(dtable, to[b] * P)
            for j in range(0, P, LANES):
                store(sums, j, load(sums, j) + load(dz_t, b * P + j))
        if dropped:
            for k in range(B * P):
                kept[k] = h_prev[k] * keep[k]
            product(kept, 1, P, H, dz_t, 1, P, B, P, dWh, numbers, P, dWh, P)
        elif t % held == 0:
            product(h_prev, 1, P, H, dz_t, 1, P, min(held, T - t) * B, P, dWh, numbers, P, dWh, P)
        for k in range(P):
            kept[k] = 0
        if masked or dropped:
            product(dz_t, P, 1, B, W, H, 0, H, P, kept, onward(numbers, H), 0, onward(kept, P), P)
            for b in range(B):
                if not masked or visible[t * B + b] != 0:
                    for j in range(P):
                        before = kept[P + b * P + j]
                        dh[b * P + j] = before * keep[b * P + j] if dropped else before
        else:
            product(dz_t, P, 1, B, W, H, 0, H, P, kept, onward(numbers, H), 0, dh, P)


@subroutine
def held_steps(B: int, dropped: bool) -> int:
    """Of how many steps ``backward_tiles`` keeps dz: ``HELD`` rows, or the batch's own if they are more."""
    return 1 if dropped else max(1, HELD // max(B, 1))


@subroutine
def lay_eight(Wh: Any, row: int, column: int, H: int, W: Any) -> None:
    """Lay Wh[i,j] = Wh[i * row + j * column] out as 8 x 8, with zeros beyond H."""
    stay_apart()
    for k in range(LANES * LANES):
        W[k] = 0
    for i in range(H):
        for j in range(H):
            W[i * LANES + j] = Wh[i * row + j * column]


@subroutine
def lay_steps(ids: Any, T: int, rows: Any, count: int, width: int, backwards: bool, steps: Any) -> None:
    """Fill steps (T,width) with the ids (·,T) of so many rows; columns beyond read row 0. An example's row is read in one go, so that the
    processor fetches ahead: a fifth of the forward pass.
    """
    stay_apart()
    for b in range(width):
        for t in range(T):
            steps[(T - 1 - t if backwards else t) * width + b] = ids[rows[b] * T + t] if b < count else 0
