"""One batch through an Embedding and a SimpleRNN, forward and back, written six times: from the equations to the kernels of minirnn.

Comes in: ids (B,T), the weights, and the gradient dh_last (B,H) on the last state. Goes out: the states hs (T+1,B,H), and the gradients on
embeddings (V,E), Wx (E,H), Wh (H,H) and b (H,). Every rung computes

    x_t = embeddings[ids_t],   z_t = x_t · Wx + b + h_(t-1) · Wh,   h_t = tanh(z_t)

and differs from the one before in one thing only:

    numpy      the equations, a line each
    loop       each time step is a compiled loop over numbers
    table      the input is not multiplied: table = embeddings · Wx + b, once a batch, and z_t = table[ids_t] + h_(t-1) · Wh
    one_call   all time steps are one compiled call
    turned     the innermost loop runs along memory, so that the compiler may take several numbers at once; and tanh is one formula without
               a branch, for all numbers of a step
    lanes      minirnn's own kernels: vectors are said, not hoped for; weights and sums stay in registers from the first step to the last

The page "The house" of the course shows these functions; ``ladder.py`` times them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from minirnn.activations import TANH, activate_run
from minirnn.jit import jit
from minirnn.layers.recurrence import rnn_backward_jit, rnn_forward_jit
from minirnn.layers.token_rnn import project_backward_jit, project_jit
from minirnn.simd import pointer

Array = np.ndarray
Gradients = tuple[Array, Array, Array, Array]
"""On the embeddings, Wx, Wh and b."""


def forward_numpy(ids: Array, embeddings: Array, Wx: Array, Wh: Array, b: Array) -> Array:
    """The states; slot 0 is the initial one."""
    (B, T), H = ids.shape, len(b)
    hs = np.zeros((T + 1, B, H), Wh.dtype)
    for t in range(T):
        x_t = embeddings[ids[:, t]]
        hs[t + 1] = np.tanh(x_t @ Wx + b + hs[t] @ Wh)
    return hs


def backward_numpy(dh_last: Array, ids: Array, embeddings: Array, Wx: Array, Wh: Array, hs: Array) -> Gradients:
    """The gradients, from the last step to the first."""
    dembeddings, dWx, dWh, db = (np.zeros(shape, Wh.dtype) for shape in (embeddings.shape, Wx.shape, Wh.shape, Wh.shape[1]))
    dh = dh_last
    for t in reversed(range(ids.shape[1])):
        x_t = embeddings[ids[:, t]]
        dz_t = dh * (1 - hs[t + 1] ** 2)
        np.add.at(dembeddings, ids[:, t], dz_t @ Wx.T)
        dWx += x_t.T @ dz_t
        dWh += hs[t].T @ dz_t
        db += dz_t.sum(axis=0)
        dh = dz_t @ Wh.T
    return dembeddings, dWx, dWh, db


@jit
def step_loop(ids_t: Array, h_prev: Array, embeddings: Array, Wx: Array, Wh: Array, b: Array, h_t: Array) -> None:
    """One time step: a loop for every index of the equation."""
    B, H = h_t.shape
    for r in range(B):
        for j in range(H):
            z = b[j]
            for i in range(Wx.shape[0]):
                z += embeddings[ids_t[r], i] * Wx[i, j]
            for i in range(H):
                z += h_prev[r, i] * Wh[i, j]
            h_t[r, j] = math.tanh(z)


@jit
def step_loop_back(
    dh: Array,
    ids_t: Array,
    h_prev: Array,
    h_t: Array,
    embeddings: Array,
    Wx: Array,
    Wh: Array,
    dembeddings: Array,
    dWx: Array,
    dWh: Array,
    db: Array,
) -> None:
    """The same step, back; dh becomes the gradient on h_prev."""
    B, H = h_t.shape
    dz = np.empty(H, h_t.dtype)
    for r in range(B):
        v = ids_t[r]
        for j in range(H):
            dz[j] = dh[r, j] * (1 - h_t[r, j] * h_t[r, j])
            db[j] += dz[j]
        for i in range(Wx.shape[0]):
            for j in range(H):
                dWx[i, j] += embeddings[v, i] * dz[j]
                dembeddings[v, i] += dz[j] * Wx[i, j]
        for i in range(H):
            dh[r, i] = 0
            for j in range(H):
                dWh[i, j] += h_prev[r, i] * dz[j]
                dh[r, i] += dz[j] * Wh[i, j]


def forward_loop(ids: Array, embeddings: Array, Wx: Array, Wh: Array, b: Array) -> Array:
    """The states, one compiled call a step."""
    (B, T), H = ids.shape, len(b)
    hs = np.zeros((T + 1, B, H), Wh.dtype)
    for t in range(T):
        step_loop(ids[:, t], hs[t], embeddings, Wx, Wh, b, hs[t + 1])
    return hs


def backward_loop(dh_last: Array, ids: Array, embeddings: Array, Wx: Array, Wh: Array, hs: Array) -> Gradients:
    """The gradients, one compiled call a step."""
    dembeddings, dWx, dWh, db = (np.zeros(shape, Wh.dtype) for shape in (embeddings.shape, Wx.shape, Wh.shape, Wh.shape[1]))
    dh = dh_last.copy()
    for t in reversed(range(ids.shape[1])):
        step_loop_back(dh, ids[:, t], hs[t], hs[t + 1], embeddings, Wx, Wh, dembeddings, dWx, dWh, db)
    return dembeddings, dWx, dWh, db


@jit
def step_table(ids_t: Array, h_prev: Array, table: Array, Wh: Array, h_t: Array) -> None:
    """One time step that looks up what the word brings."""
    B, H = h_t.shape
    for r in range(B):
        for j in range(H):
            z = table[ids_t[r], j]
            for i in range(H):
                z += h_prev[r, i] * Wh[i, j]
            h_t[r, j] = math.tanh(z)


@jit
def step_table_back(dh: Array, ids_t: Array, h_prev: Array, h_t: Array, Wh: Array, dtable: Array, dWh: Array) -> None:
    """The same step, back: dz is added to the word's row, and multiplied by nothing."""
    B, H = h_t.shape
    dz = np.empty(H, h_t.dtype)
    for r in range(B):
        for j in range(H):
            dz[j] = dh[r, j] * (1 - h_t[r, j] * h_t[r, j])
            dtable[ids_t[r], j] += dz[j]
        for i in range(H):
            dh[r, i] = 0
            for j in range(H):
                dWh[i, j] += h_prev[r, i] * dz[j]
                dh[r, i] += dz[j] * Wh[i, j]


def project_back(dtable: Array, embeddings: Array, Wx: Array, dWh: Array) -> Gradients:
    """From the table's gradient to those of what it was made of, once a batch."""
    return dtable @ Wx.T, embeddings.T @ dtable, dWh, dtable.sum(axis=0)


def forward_table(ids: Array, embeddings: Array, Wx: Array, Wh: Array, b: Array) -> Array:
    """The states: one product for the whole vocabulary, then one compiled call a step."""
    (B, T), H = ids.shape, len(b)
    table = embeddings @ Wx + b
    hs = np.zeros((T + 1, B, H), Wh.dtype)
    for t in range(T):
        step_table(ids[:, t], hs[t], table, Wh, hs[t + 1])
    return hs


def backward_table(dh_last: Array, ids: Array, embeddings: Array, Wx: Array, Wh: Array, hs: Array) -> Gradients:
    """The gradients: one compiled call a step, then two products for the whole vocabulary."""
    dtable, dWh = np.zeros((len(embeddings), len(Wh)), Wh.dtype), np.zeros_like(Wh)
    dh = dh_last.copy()
    for t in reversed(range(ids.shape[1])):
        step_table_back(dh, ids[:, t], hs[t], hs[t + 1], Wh, dtable, dWh)
    return project_back(dtable, embeddings, Wx, dWh)


@jit
def all_steps(ids: Array, table: Array, Wh: Array, hs: Array) -> None:
    """``step_table`` for every t."""
    for t in range(ids.shape[1]):
        step_table(ids[:, t], hs[t], table, Wh, hs[t + 1])


@jit
def all_steps_back(dh: Array, ids: Array, Wh: Array, hs: Array, dtable: Array, dWh: Array) -> None:
    """``step_table_back`` for every t, from the last."""
    for t in range(ids.shape[1] - 1, -1, -1):
        step_table_back(dh, ids[:, t], hs[t], hs[t + 1], Wh, dtable, dWh)


def forward_one_call(ids: Array, embeddings: Array, Wx: Array, Wh: Array, b: Array) -> Array:
    """The states, one compiled call."""
    hs = np.zeros((ids.shape[1] + 1, len(ids), len(b)), Wh.dtype)
    all_steps(ids, embeddings @ Wx + b, Wh, hs)
    return hs


def backward_one_call(dh_last: Array, ids: Array, embeddings: Array, Wx: Array, Wh: Array, hs: Array) -> Gradients:
    """The gradients, one compiled call."""
    dtable, dWh = np.zeros((len(embeddings), len(Wh)), Wh.dtype), np.zeros_like(Wh)
    all_steps_back(dh_last.copy(), ids, Wh, hs, dtable, dWh)
    return project_back(dtable, embeddings, Wx, dWh)


@jit
def all_steps_turned(ids: Array, table: Array, Wh: Array, hs: Array) -> None:
    """The same, the innermost loop over units that lie side by side; tanh without a branch, for all numbers of a step."""
    B, H = hs.shape[1:]
    for t in range(ids.shape[1]):
        for r in range(B):
            for j in range(H):
                hs[t + 1, r, j] = table[ids[r, t], j]
            for i in range(H):
                h = hs[t, r, i]
                for j in range(H):
                    hs[t + 1, r, j] += h * Wh[i, j]
        activate_run(pointer(hs[t + 1]), B * H, TANH)


@jit
def all_steps_turned_back(dh: Array, ids: Array, Wh: Array, hs: Array, dtable: Array, dWh: Array) -> None:
    """The same, back; Wh is turned once, so that it is read in order too."""
    B, H = dh.shape
    Wh_turned, dz = np.ascontiguousarray(Wh.T), np.empty(H, dh.dtype)
    for t in range(ids.shape[1] - 1, -1, -1):
        for r in range(B):
            v = ids[r, t]
            for j in range(H):
                dz[j] = dh[r, j] * (1 - hs[t + 1, r, j] * hs[t + 1, r, j])
                dtable[v, j] += dz[j]
                dh[r, j] = 0
            for i in range(H):
                h, d = hs[t, r, i], dz[i]
                for j in range(H):
                    dWh[i, j] += h * dz[j]
                    dh[r, j] += d * Wh_turned[i, j]


def forward_turned(ids: Array, embeddings: Array, Wx: Array, Wh: Array, b: Array) -> Array:
    """The states, from loops that are turned."""
    hs = np.zeros((ids.shape[1] + 1, len(ids), len(b)), Wh.dtype)
    all_steps_turned(ids, embeddings @ Wx + b, Wh, hs)
    return hs


def backward_turned(dh_last: Array, ids: Array, embeddings: Array, Wx: Array, Wh: Array, hs: Array) -> Gradients:
    """The gradients, from loops that are turned."""
    dtable, dWh = np.zeros((len(embeddings), len(Wh)), Wh.dtype), np.zeros_like(Wh)
    all_steps_turned_back(dh_last.copy(), ids, Wh, hs, dtable, dWh)
    return project_back(dtable, embeddings, Wx, dWh)


def forward_lanes(ids: Array, embeddings: Array, Wx: Array, Wh: Array, b: Array) -> Array:
    """The states, by minirnn's kernels."""
    table = np.empty((len(embeddings), len(b)), Wh.dtype)
    project_jit(embeddings, Wx, b, table)
    hs = np.zeros((ids.shape[1] + 1, len(ids), len(b)), Wh.dtype)
    rnn_forward_jit(table, ids, np.arange(len(ids)), False, None, None, Wh, hs, TANH)
    return hs


def backward_lanes(dh_last: Array, ids: Array, embeddings: Array, Wx: Array, Wh: Array, hs: Array) -> Gradients:
    """The gradients, by minirnn's kernels."""
    dembeddings, dWx, dWh, db = (np.zeros(shape, Wh.dtype) for shape in (embeddings.shape, Wx.shape, Wh.shape, Wh.shape[1]))
    dtable = np.zeros((len(embeddings), len(Wh)), Wh.dtype)
    rnn_backward_jit(None, dh_last.copy(), ids, np.arange(len(ids)), False, None, None, Wh, hs, dtable, dWh, TANH)
    project_backward_jit(dtable, embeddings, Wx, dembeddings, dWx, db)
    return dembeddings, dWx, dWh, db


RUNGS: dict[str, tuple[Callable[..., Array], Callable[..., Gradients]]] = {
    "numpy": (forward_numpy, backward_numpy),
    "loop": (forward_loop, backward_loop),
    "table": (forward_table, backward_table),
    "one_call": (forward_one_call, backward_one_call),
    "turned": (forward_turned, backward_turned),
    "lanes": (forward_lanes, backward_lanes),
}
"""Forward and backward of each rung, from the slowest to the fastest."""
