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

import numpy as np

from minirnn.activations import activate_ref, slope_ref
from minirnn.jit import inline, jit
from minirnn.layers.layer import Kernels
from minirnn.layers.recurrent_steps import backward_eight, backward_tiles, forward_eight, forward_tiles, held_steps, lay_eight, lay_steps
from minirnn.products import pack, whole_lanes
from minirnn.simd import LANES, hold, pointer

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
def _visible_first(mask: np.ndarray, backwards: bool, visible: np.ndarray) -> None:
    """Fill visible (T,B) with 1 where the mask (B,T) is true, and 0 where it is not."""
    B, T = mask.shape
    for b in range(B):
        for t in range(T):
            visible[T - 1 - t if backwards else t, b] = 1 if mask[b, t] else 0


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
    lay_steps(pointer(ids), T, pointer(rows), B, B4, backwards, pointer(steps))
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
    hold((ids, rows, long_table, steps, visible, share, W, states, kept))
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
    lay_steps(pointer(ids), T, pointer(rows), B, B4, backwards, pointer(steps))
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
    hold((ids, rows, into, d, steps, visible, share, W, states, sums, dW, dz, kept, numbers))
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


@inline
def _lengthen(short: np.ndarray, long: np.ndarray) -> None:
    """Copy a matrix into the corner of a larger one."""
    for r in range(short.shape[0]):
        for j in range(short.shape[1]):
            long[r, j] = short[r, j]


BACKENDS = {"numpy": Kernels(rnn_forward_ref, rnn_backward_ref), "numba": Kernels(rnn_forward_jit, rnn_backward_jit)}
