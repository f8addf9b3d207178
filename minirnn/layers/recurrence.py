"""The recurrence: one state vector, carried through time, and the gradient carried back.

Comes in: projected inputs, and the state to start from. Goes out: the state after every step; and from a gradient on the states the one on
the projected inputs, on the recurrent kernel and on the first state.

Forward, for t = 0 .. T-1, with h_0 = 0 (slot 0 of ``hs``, so that step t reads slot t and writes slot t+1):

    z_t = x_t · Wx + b + h_prev · Wh          (B,H)
    h_t = activation(z_t)                     where the mask says "padding", h_t = h_prev

Backward, for t = T-1 .. 0, carrying one gradient dh on the state just left:

    dz_t     = dh · activation'(z_t)          the slope comes from h_t, so z is not kept; 0 where masked
    dWh     += h_prevᵀ · dz_t
    dh_prev  = dz_t · Whᵀ                     or dh where masked
    and dz_t is also the gradient on x_t · Wx + b, from which come dWx += x_tᵀ · dz_t, db += Σ_b dz_t and dx_t = dz_t · Wxᵀ

The input part of z does not depend on the state, so it is computed for all steps at once, before the loop, and the loop only looks it
up: ``table`` holds the projected inputs, and ``ids`` says which row of it each step reads. For real-valued x the table has a row per
(b,t). For tokens it has a row per word of the vocabulary, which is why ``token_rnn.py`` never builds x at all. Backward adds dz_t into
``dtable`` under the same ids; the layer takes dWx, db and dx from there.

Memory: ``hs`` is (T+1,B,H), time first, so that a step is one contiguous block.

Source: Keras 3.15, ``keras/src/layers/rnn/rnn.py`` and ``simple_rnn.py`` (``SimpleRNNCell``); D. Rumelhart, G. Hinton and R. Williams,
"Learning representations by back-propagating errors", Nature 323 (1986), for the way back.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.activations import activate_lanes, activate_ref, activate_run, slope_lanes, slope_ref, slope_run
from minirnn.jit import inline, jit, subroutine
from minirnn.layers.layer import Kernels
from minirnn.products import pack, product, whole_lanes
from minirnn.simd import (
    LANES,
    each_eight_times,
    first_half,
    fma,
    four_times,
    hold,
    joined,
    load,
    load_four,
    load_rows,
    onward,
    pointer,
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

# ---------------------------------------------------------------------------------------------------------------------------- forward


def rnn_forward_ref(
    table: np.ndarray,
    ids: np.ndarray,
    rows: np.ndarray,
    backwards: bool,
    mask: np.ndarray | None,
    keep: np.ndarray | None,
    Wh: np.ndarray,
    hs: np.ndarray,
    activation: int,
) -> None:
    """Fill slots 1..T of ``hs`` from slot 0.

    Parameters
    ----------
    table (R,H) float: x · Wx + b, a row per distinct input
    ids (N,T) int: the row of the table that each step of each example reads
    rows (B,) int: the examples of this batch
    backwards : step t reads input step T-1-t
    mask (B,T) bool, or None: False where the state is carried over unchanged; in input order
    keep (B,H) float, or None: recurrent dropout, 0 or 1/(1-rate), the same at each step
    Wh (H,H) float
    hs (T+1,B,H) float: out; slot 0 is given
    activation : code of ``activations``
    """
    T = ids.shape[1]
    for t in range(T):
        at = T - 1 - t if backwards else t
        h_prev = hs[t]
        z_t = table[ids[rows, at]] + (h_prev if keep is None else h_prev * keep) @ Wh
        h_t = activate_ref(z_t, activation)
        hs[t + 1] = h_t if mask is None else np.where(mask[:, at, None], h_t, h_prev)


@inline
def time_first(ids: np.ndarray, rows: np.ndarray, backwards: bool, steps: np.ndarray) -> None:
    """Fill steps (T,B) with the batch's ids. Reading each example's row in one go lets the processor fetch ahead: a fifth of the forward
    pass. Columns beyond the batch read row 0.
    """
    T, B = ids.shape[1], rows.size
    for b in range(B):
        row = rows[b]
        for t in range(T):
            steps[T - 1 - t if backwards else t, b] = ids[row, t]
    for b in range(B, steps.shape[1]):
        for t in range(T):
            steps[t, b] = 0


@inline
def _visible_first(mask: np.ndarray, backwards: bool, visible: np.ndarray) -> None:
    """Fill visible (T,B) with 1 where the mask (B,T) is true, and 0 where it is not."""
    B, T = mask.shape
    for b in range(B):
        for t in range(T):
            visible[T - 1 - t if backwards else t, b] = 1 if mask[b, t] else 0


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


@jit
def rnn_forward_jit(
    table: np.ndarray,
    ids: np.ndarray,
    rows: np.ndarray,
    backwards: bool,
    mask: np.ndarray | None,
    keep: np.ndarray | None,
    Wh: np.ndarray,
    hs: np.ndarray,
    activation: int,
) -> None:
    """The same, compiled. Where units or rows do not fill lanes, it works on copies that do."""
    T, R, (B, H) = ids.shape[1], table.shape[0], hs.shape[1:]
    P, B4 = whole_lanes(H), (B + 3) // 4 * 4
    even = P == H and B4 == B
    steps, visible = np.empty((T, B4), np.int32), np.ones((T if mask is not None else 0, B4), hs.dtype)
    time_first(ids, rows, backwards, steps)
    if mask is not None:
        _visible_first(mask, backwards, visible)
    share = np.zeros((B4 if keep is not None else 0, P), hs.dtype)
    if keep is not None:
        _lengthen(keep, share)
    long_table, states = table, hs
    if not even:
        long_table, states = np.zeros((R, P), hs.dtype), np.zeros((T + 1, B4, P), hs.dtype)
        _lengthen(table, long_table)
        _lengthen(hs[0], states[0])
    W = np.empty(max(H, LANES) * P, hs.dtype)
    kept = np.empty(share.size, hs.dtype)
    given = (
        pointer(long_table),
        pointer(steps),
        pointer(visible),
        mask is not None,
        pointer(share),
        keep is not None,
        pointer(W),
        pointer(states),
    )
    if H <= LANES:
        lay_eight(pointer(Wh), H, 1, H, pointer(W))
        forward_eight(*given, T, B4, activation)
    else:
        pack(pointer(Wh), H, 1, H, H, pointer(W))
        forward_tiles(*given, pointer(kept), T, B4, H, P, activation)
    hold((long_table, steps, visible, share, W, states, kept))
    if not even:
        for t in range(T):
            for b in range(B):
                for j in range(H):
                    hs[t + 1, b, j] = states[t + 1, b, j]


# --------------------------------------------------------------------------------------------------------------------------- backward


def rnn_backward_ref(
    dhs: np.ndarray | None,
    dh: np.ndarray,
    ids: np.ndarray,
    rows: np.ndarray,
    backwards: bool,
    mask: np.ndarray | None,
    keep: np.ndarray | None,
    Wh: np.ndarray,
    hs: np.ndarray,
    dtable: np.ndarray,
    dWh: np.ndarray,
    activation: int,
) -> None:
    """Carry the gradient from the last state back to the first, and add up what the weights get of it.

    Parameters
    ----------
    dhs (B,T,H) float, or None: gradient that reaches each state from the layer above, in the order of processing
    dh (B,H) float: in, the gradient on the last state from outside ``dhs``; out, the gradient on the initial state
    ids, rows, backwards, mask, keep, Wh, hs, activation : as they were for forward
    dtable (R,H) float: added to; the gradient on the table
    dWh (H,H) float: added to
    """
    T = ids.shape[1]
    for t in reversed(range(T)):
        at = T - 1 - t if backwards else t
        if dhs is not None:
            dh += dhs[:, t]
        # h_t = activation(z_t), or h_prev where masked
        dz_t = dh * slope_ref(hs[t + 1], activation)
        if mask is not None:
            dz_t = np.where(mask[:, at, None], dz_t, 0)
        # z_t = table[ids_t] + (h_prev · keep) · Wh
        np.add.at(dtable, ids[rows, at], dz_t)
        dWh += (hs[t] if keep is None else hs[t] * keep).T @ dz_t
        dh_prev = dz_t @ Wh.T
        if keep is not None:
            dh_prev *= keep
        dh[...] = dh_prev if mask is None else np.where(mask[:, at, None], dh_prev, dh)


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


@jit
def rnn_backward_jit(
    dhs: np.ndarray | None,
    dh: np.ndarray,
    ids: np.ndarray,
    rows: np.ndarray,
    backwards: bool,
    mask: np.ndarray | None,
    keep: np.ndarray | None,
    Wh: np.ndarray,
    hs: np.ndarray,
    dtable: np.ndarray,
    dWh: np.ndarray,
    activation: int,
) -> None:
    """The same, compiled. Where units or rows do not fill lanes, it works on copies that do."""
    T, (B, H) = ids.shape[1], dh.shape
    P, B4 = whole_lanes(H), (B + 3) // 4 * 4
    even = P == H and B4 == B
    steps, visible = np.empty((T, B4), np.int32), np.ones((T if mask is not None else 1, B4), hs.dtype)
    time_first(ids, rows, backwards, steps)
    if mask is not None:
        _visible_first(mask, backwards, visible)
    share = np.zeros((B4 if keep is not None else 0, P), hs.dtype)
    if keep is not None:
        _lengthen(keep, share)
    into = np.zeros((T if dhs is not None else 0, B4, P), hs.dtype)
    if dhs is not None:
        for t in range(T):
            for b in range(B):
                for j in range(H):
                    into[t, b, j] = dhs[b, t, j]
    states, d, sums = hs, dh, dtable
    if not even:
        states, d, sums = np.zeros((T + 1, B4, P), hs.dtype), np.zeros((B4, P), hs.dtype), np.zeros((dtable.shape[0], P), hs.dtype)
        for t in range(T + 1):
            _lengthen(hs[t], states[t])
        _lengthen(dh, d)
    W, dW = np.empty(max(H, LANES) * P, hs.dtype), np.zeros((max(H, LANES), P), hs.dtype)
    dz, kept = np.empty(held_steps(B4, keep is not None) * B4 * P, hs.dtype), np.empty((B4 + 1) * P, hs.dtype)
    numbers = np.arange(H + B4).astype(np.int32)
    flow = pointer(into), dhs is not None, pointer(d), pointer(steps), pointer(visible), mask is not None, pointer(share), keep is not None
    given = (*flow, pointer(W), pointer(states), pointer(sums), pointer(dW))
    if H <= LANES:
        lay_eight(pointer(Wh), 1, H, H, pointer(W))
        backward_eight(*given, T, B4, activation)
    else:
        pack(pointer(Wh), 1, H, H, H, pointer(W))
        backward_tiles(*given, pointer(dz), pointer(kept), pointer(numbers), T, B4, H, P, activation)
    hold((into, d, steps, visible, share, W, states, sums, dW, dz, kept, numbers))
    for i in range(H):
        for j in range(H):
            dWh[i, j] += dW[i, j]
    if not even:
        for b in range(B):
            for j in range(H):
                dh[b, j] = d[b, j]
        for r in range(dtable.shape[0]):
            for j in range(H):
                dtable[r, j] += sums[r, j]


# -------------------------------------------------------------------------------------------------------------------------- whole lanes


@subroutine
def lay_eight(Wh: Any, row: int, column: int, H: int, W: Any) -> None:
    """Lay Wh[i,j] = Wh[i * row + j * column] out as 8 x 8, with zeros beyond H."""
    stay_apart()
    for k in range(LANES * LANES):
        W[k] = 0
    for i in range(H):
        for j in range(H):
            W[i * LANES + j] = Wh[i * row + j * column]


@inline
def _lengthen(short: np.ndarray, long: np.ndarray) -> None:
    """Copy a matrix into the corner of a larger one."""
    for r in range(short.shape[0]):
        for j in range(short.shape[1]):
            long[r, j] = short[r, j]


BACKENDS = {"numpy": Kernels(rnn_forward_ref, rnn_backward_ref), "numba": Kernels(rnn_forward_jit, rnn_backward_jit)}
