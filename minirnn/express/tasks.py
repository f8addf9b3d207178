"""The pieces of which the express way's tasks are made, each for one chunk of rows or some words.

Comes in: pointers into the arrays of ``arrays.py``, since to hand an array to a function costs two atomic counts. Goes out: what the next
piece reads.
"""

from __future__ import annotations

from typing import Any

from minirnn.activations import sigmoid_run
from minirnn.jit import subroutine
from minirnn.layers.recurrent_steps import backward_eight, backward_tiles, forward_eight, forward_tiles, lay_eight
from minirnn.losses import bce_of_logit
from minirnn.products import FIRST, ONE, pack, product, whole_lanes
from minirnn.simd import LANES, load, onward, stay_apart, store, zeros_of


@subroutine
def lay_visible(ids: Any, T: int, rows: Any, count: int, width: int, backwards: bool, visible: Any) -> None:
    """Fill visible (T,width) with 0 where the id is 0, else 1."""
    stay_apart()
    for b in range(width):
        for t in range(T):
            visible[(T - 1 - t if backwards else t) * width + b] = 0 if b < count and ids[rows[b] * T + t] == 0 else 1


@subroutine
def pack_weights(Wx: Any, Wh: Any, b: Any, E: int, H: int, biased: bool, packed: Any, recurrent: Any, bias: Any) -> None:
    """Lay the weights out as the products read them."""
    stay_apart()
    P = whole_lanes(H)
    if E > 0:
        pack(Wx, H, ONE, E, H, packed)
        pack(Wx, ONE, H, H, E, onward(packed, E * P))
    if H <= LANES:
        lay_eight(Wh, H, ONE, H, recurrent)
        lay_eight(Wh, ONE, H, H, onward(recurrent, LANES * LANES))
    else:
        pack(Wh, H, ONE, H, H, recurrent)
        pack(Wh, ONE, H, H, H, onward(recurrent, H * P))
    for j in range(P):
        bias[j] = 0
        if biased and j < H:
            bias[j] = b[j]


@subroutine
def make_table(
    words: Any, W: Any, first: int, last: int, sparse: bool, E: int, H: int, packed: Any, bias: Any, numbers: Any, gathered: Any, table: Any
) -> None:
    """Rows first..last-1 of the table: the words' rows of W, which is the embeddings, or, with E = 0, Wx itself."""
    stay_apart()
    P = whole_lanes(H)
    width = E if E > 0 else H
    if E == 0:
        for u in range(first, last):
            row = onward(W, (words[u] if sparse else u) * H)
            for j in range(P):
                table[u * P + j] = row[j] + bias[j] if j < H else 0
    else:
        rows = W
        if sparse:
            rows = gathered
            for u in range(first, last):
                row = onward(W, words[u] * width)
                for i in range(width):
                    gathered[u * width + i] = row[i]
        product(onward(rows, first * E), E, ONE, last - first, packed, E, FIRST, E, P, bias, numbers, FIRST, onward(table, first * P), P)


@subroutine
def head_forward(h: Any, W: Any, b: Any, biased: bool, count: int, H: int, P: int, K: int, logits: Any, outputs: Any) -> None:
    """logits = h · W + b and outputs = sigmoid(logits), for so many rows."""
    stay_apart()
    for row in range(count):
        for k in range(K):
            logits[row * K + k] = b[k] if biased else 0
        for j in range(H):
            for k in range(K):
                logits[row * K + k] += h[row * P + j] * W[j * K + k]
    for k in range(count * K):
        outputs[k] = logits[k]
    sigmoid_run(outputs, count * K)


@subroutine
def head_loss(logits: Any, labels: Any, weights: Any, rows: Any, count: int, K: int, B: int, smoothing: float) -> float:
    """Give the loss of so many rows of a batch of B, and turn their logits into the gradient on them."""
    stay_apart()
    total = 0.0
    for row in range(count):
        scale = weights[rows[row]] / (B * K)
        for k in range(K):
            loss, slope = bce_of_logit(float(logits[row * K + k]), labels[rows[row] * K + k] * (1 - smoothing) + 0.5 * smoothing)
            total += loss * scale
            logits[row * K + k] = slope * scale
    return total


@subroutine
def head_backward(dlogits: Any, h: Any, W: Any, count: int, width: int, H: int, P: int, K: int, dh: Any, dhead: Any) -> None:
    """dh = dlogits · Wᵀ for so many rows, and 0 up to ``width``; dhead = the gradient on W, and behind it on b."""
    stay_apart()
    for k in range((H + 1) * K):
        dhead[k] = 0
    for k in range(width * P):
        dh[k] = 0
    for row in range(count):
        for k in range(K):
            d = dlogits[row * K + k]
            for j in range(H):
                dhead[j * K + k] += h[row * P + j] * d
                dh[row * P + j] += W[j * K + k] * d
            dhead[H * K + k] += d


@subroutine
def sum_chunks(dtable: Any, chunks: int, apart: int, first: int, size: int, total: Any) -> None:
    """total = the chunks' sums, added in order, from ``first`` on; they are 0 again afterwards."""
    stay_apart()
    zeros = zeros_of(dtable)
    for k in range(0, size, LANES):
        so_far = load(dtable, first + k)
        store(dtable, first + k, zeros)
        for c in range(1, chunks):
            so_far = so_far + load(dtable, c * apart + first + k)
            store(dtable, c * apart + first + k, zeros)
        store(total, k, so_far)


@subroutine
def add_parts(parts: Any, count: int, apart: int, rows: int, columns: int, length: int, total: Any) -> None:
    """total (rows,columns) = the sum of so many parts, added in order; their rows are as long as ``length``."""
    stay_apart()
    for i in range(rows):
        for j in range(columns):
            total[i * columns + j] = parts[i * length + j]
    for part in range(1, count):
        for i in range(rows):
            for j in range(columns):
                total[i * columns + j] += parts[part * apart + i * length + j]


@subroutine
def through_time(
    table: Any,
    steps: Any,
    visible: Any,
    masked: bool,
    recurrent: Any,
    hs: Any,
    kept: Any,
    T: int,
    width: int,
    H: int,
    activation: int,
    wide: int | None,
) -> None:
    """The states of one chunk."""
    stay_apart()
    P = whole_lanes(H)
    for k in range(width * P):
        hs[k] = 0
    if wide is None:
        forward_eight(table, steps, visible, masked, kept, False, recurrent, hs, T, width, activation)
    else:
        forward_tiles(table, steps, visible, masked, kept, False, recurrent, hs, kept, T, width, H, P, activation)


@subroutine
def back_through_time(
    dh: Any,
    steps: Any,
    visible: Any,
    masked: bool,
    recurrent: Any,
    hs: Any,
    dtable: Any,
    dWh: Any,
    dz: Any,
    kept: Any,
    numbers: Any,
    T: int,
    width: int,
    H: int,
    activation: int,
    wide: int | None,
) -> None:
    """The gradients of one chunk."""
    stay_apart()
    P = whole_lanes(H)
    if wide is None:
        backward_eight(
            kept, False, dh, steps, visible, masked, kept, False, onward(recurrent, LANES * LANES), hs, dtable, dWh, T, width, activation
        )
    else:
        for k in range(H * P):
            dWh[k] = 0
        transposed = onward(recurrent, H * P)
        backward_tiles(
            kept, False, dh, steps, visible, masked, kept, False, transposed, hs, dtable, dWh, dz, kept, numbers, T, width, H, P, activation
        )
