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

from minirnn.activations import activate_ref, activate_step, slope_ref, slope_step
from minirnn.jit import inline, jit
from minirnn.layers.layer import Kernels
from minirnn.products import FIRST, affine, affine_backward

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
def _time_first(ids: np.ndarray, rows: np.ndarray, backwards: bool) -> np.ndarray:
    """The batch's ids as (T,B). Reading each example's row in one go lets the processor fetch ahead: a fifth of the forward pass."""
    T, B = ids.shape[1], rows.size
    steps = np.empty((T, B), np.int32)
    for b in range(B):
        row = rows[b]
        for t in range(T):
            steps[T - 1 - t if backwards else t, b] = ids[row, t]
    return steps


@inline
def _keep_step(hs: np.ndarray, t: int, keep: np.ndarray, kept: np.ndarray) -> None:
    """kept[0] = hs[t] · keep."""
    B, H = keep.shape
    for b in range(B):
        for i in range(H):
            kept[0, b, i] = hs[t, b, i] * keep[b, i]


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
    """The same, compiled."""
    T, (B, H) = ids.shape[1], hs.shape[1:]
    steps = _time_first(ids, rows, backwards)
    kept = np.empty((1, B, H), hs.dtype)
    for t in range(T):
        if keep is None:
            affine(hs, t, Wh, table, steps, t, hs, t + 1)
        else:
            _keep_step(hs, t, keep, kept)
            affine(kept, FIRST, Wh, table, steps, t, hs, t + 1)
        activate_step(hs, t + 1, activation)
        if mask is not None:
            at = T - 1 - t if backwards else t
            for b in range(B):
                if not mask[b, at]:
                    for j in range(H):
                        hs[t + 1, b, j] = hs[t, b, j]


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
    """The same, compiled. Loops, not slices: each slice assignment here costs 0.3 s of compile time."""
    T, (B, H) = ids.shape[1], dh.shape
    steps = _time_first(ids, rows, backwards)
    Wh_T = np.empty((H, H), Wh.dtype)
    for i in range(H):
        for j in range(H):
            Wh_T[j, i] = Wh[i, j]
    dz, kept = np.empty((1, B, H), dh.dtype), np.empty((1, B, H), dh.dtype)
    dh_t = dh.reshape((1, B, H))  # the same memory
    nothing, none_of_it = np.zeros((1, H), dh.dtype), np.zeros((1, B), np.int32)  # what dz · Whᵀ starts from
    for t in range(T - 1, -1, -1):
        at = T - 1 - t if backwards else t
        if dhs is not None:
            for b in range(B):
                for j in range(H):
                    dh[b, j] += dhs[b, t, j]
        slope_step(dh_t, hs, t + 1, activation, dz)
        if mask is not None:
            for b in range(B):
                if not mask[b, at]:
                    for j in range(H):
                        dz[0, b, j] = 0
        if keep is None:
            affine_backward(hs, t, dz, FIRST, dtable, steps, t, dWh)
        else:
            _keep_step(hs, t, keep, kept)
            affine_backward(kept, FIRST, dz, FIRST, dtable, steps, t, dWh)
        if keep is None and mask is None:
            affine(dz, FIRST, Wh_T, nothing, none_of_it, FIRST, dh_t, FIRST)
        else:
            affine(dz, FIRST, Wh_T, nothing, none_of_it, FIRST, kept, FIRST)
            for b in range(B):
                if mask is None or mask[b, at]:
                    for j in range(H):
                        dh[b, j] = kept[0, b, j] if keep is None else kept[0, b, j] * keep[b, j]


BACKENDS = {"numpy": Kernels(rnn_forward_ref, rnn_backward_ref), "numba": Kernels(rnn_forward_jit, rnn_backward_jit)}
