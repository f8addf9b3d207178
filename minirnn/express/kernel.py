"""The tasks of a batch, and the loop that takes them; ``minirnn/express/__init__.py`` says which there are and why.

Comes in: arrays, in the tuples below. Everything is a pointer from there on, since to hand an array to a function costs two atomic counts.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from minirnn.activations import SIGMOID, activate_run
from minirnn.jit import inline, jit, subroutine
from minirnn.layers.distinct import find_distinct_jit
from minirnn.layers.recurrence import backward_eight, backward_tiles, forward_eight, forward_tiles, lay_eight
from minirnn.losses import bce_of_logit
from minirnn.optimizers.rmsprop_step import rmsprop_jit
from minirnn.optimizers.rows import update_rows_jit
from minirnn.products import FIRST, ONE, pack, product, whole_lanes
from minirnn.simd import LANES, load, onward, pointer, stay_apart, store, zeros_of
from minirnn.threads import CROWDED, DONE, MOST, STOPPED, TAKEN, look, take, ticks, too_crowded, wait_for

BLOCK = 32
"""Words whose gradients are worked out together, in a buffer that stays in the nearest cache."""


class Batches(NamedTuple):
    """What is read: batches of B rows, the last one perhaps shorter; and what is left of each.

    Attributes
    ----------
    ids (n,T) : int32 or int64
    id_rows (M,) intp : which of the ids, batch after batch
    labels (N,K), weights (N,) float : of all examples
    label_rows (M,) intp : which of the labels
    outputs (M,K) float : out
    losses (S,) float64 : out, the loss of each batch; NaN or infinite where the training stopped, and 0 after it
    rates (S,) float64 : the learning rate of each step
    """

    ids: np.ndarray
    id_rows: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    label_rows: np.ndarray
    outputs: np.ndarray
    losses: np.ndarray
    rates: np.ndarray


class Network(NamedTuple):
    """All weights in one vector: embeddings (V,E), Wx (E,H), Wh, b, the head's W (H,K) and b; or, one-hot, from Wx (V,H) on.

    Attributes
    ----------
    values, gradients, velocity (P,) float
    settled (V,) int64 : the step at which a word's velocity was last brought up to date
    """

    values: np.ndarray
    gradients: np.ndarray
    velocity: np.ndarray
    settled: np.ndarray


class Sizes(NamedTuple):
    """Rows of a batch and of a chunk; chunks; steps; words; E, or 0 for one-hot; units; outputs; and whether there are biases."""

    B: int
    chunk: int
    chunks: int
    T: int
    V: int
    E: int
    H: int
    K: int
    biased: bool
    dense_biased: bool


class Settings(NamedTuple):
    """How a batch is computed: the activation's code; the order of reading; whether id 0 is padding; whether there is a training;
    RMSprop's numbers; label smoothing; and how many steps there were before.
    """

    activation: int
    backwards: bool
    masked: bool
    training: bool
    rho: float
    epsilon: float
    smoothing: float
    steps_before: int


class Work(NamedTuple):
    """Workspace: what one batch leaves for its next task. ``plan.py`` makes it; C chunks, R parts of the words, U words at most, rows of P
    units and of Q components, whole lanes.
    """

    distinct: np.ndarray  # (2,U) int32, in turn
    places: np.ndarray  # (2,B*T) int32
    counts: np.ndarray  # (2,) int64
    local_rows: np.ndarray  # (B,) intp 0, 1, ...
    numbers: np.ndarray  # int32 0, 1, ...
    nothing: np.ndarray  # zeros, a row
    bias: np.ndarray  # (P,)
    packed: np.ndarray  # Wx, and behind it its transpose
    recurrent: np.ndarray  # Wh, packed, and behind it its transpose
    gathered: np.ndarray  # (U,E)
    table: np.ndarray  # (U,P)
    steps: np.ndarray  # (C,T,n) int32
    visible: np.ndarray  # (C,T,n), or a few
    hs: np.ndarray  # (C,T+1,n,P)
    dh: np.ndarray  # (C,n,P)
    dz: np.ndarray  # (C, held steps * n * P)
    kept: np.ndarray  # (C,n+1,P)
    dlogits: np.ndarray  # (C,n,K)
    dtable: np.ndarray  # (C,U,P), 0 between batches
    dWh: np.ndarray  # (C,H,P)
    dhead: np.ndarray  # (C,H+1,K), the bias last
    chunk_losses: np.ndarray  # (C,) float64
    dWx: np.ndarray  # (R,E,P)
    db: np.ndarray  # (R,P)
    block: np.ndarray  # (R,BLOCK,P+Q)


@subroutine
def lay_steps(ids: Any, T: int, rows: Any, count: int, width: int, backwards: bool, steps: Any) -> None:
    """Fill steps (T,width) with the ids (·,T) of so many rows; columns beyond read row 0. An example's row is read in one go, so that the
    processor fetches ahead.
    """
    stay_apart()
    for b in range(width):
        for t in range(T):
            steps[(T - 1 - t if backwards else t) * width + b] = ids[rows[b] * T + t] if b < count else 0


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
    activate_run(outputs, count * K, SIGMOID)


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


@inline
def words_of(vector: np.ndarray, V: int, width: int) -> np.ndarray:
    """The part of a flat vector that is looked up, as (V,width)."""
    return vector[: V * width].reshape((V, width))


@jit
def run_batches_jit(
    counters: np.ndarray,
    leads: bool,
    batches: Batches,
    network: Network,
    work: Work,
    sizes: Sizes,
    settings: Settings,
    wide: int | None,
    search: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None,
) -> None:
    """Take tasks until there are none; with ``leads``, return when all are done.

    Parameters
    ----------
    counters, leads : see ``threads.share``
    wide : None up to eight units; else 0. What a network does not need is so not even compiled: a third of this kernel
    search : where ``find_distinct`` works, for batches that are computed on their distinct words; None for those on all words
    """
    sparse = search is not None
    B, n, C, T, V, E, H, K, biased, dense_biased = sizes
    activation, backwards, masked, training, rho, epsilon, smoothing, steps_before = settings
    M, S, P, Q = batches.outputs.shape[0], batches.losses.size, whole_lanes(H), whole_lanes(E)
    words_width = E if E > 0 else H
    count = pointer(counters)
    ids, id_rows, labels, weights = pointer(batches.ids), pointer(batches.id_rows), pointer(batches.labels), pointer(batches.weights)
    label_rows, outputs, losses = pointer(batches.label_rows), pointer(batches.outputs), pointer(batches.losses)
    values, gradients = pointer(network.values), pointer(network.gradients)
    at_Wx = V * E
    at_Wh = at_Wx + (E if E > 0 else V) * H
    at_b = at_Wh + H * H
    at_head = at_b + (H if biased else 0)
    at_head_b = at_head + H * K
    rest = V * words_width  # where the weights that are not looked up begin
    numbers, nothing, bias, table = pointer(work.numbers), pointer(work.nothing), pointer(work.bias), pointer(work.table)
    packed, recurrent, gathered = pointer(work.packed), pointer(work.recurrent), pointer(work.gathered)
    chunk_losses, dtable, most = pointer(work.chunk_losses), pointer(work.dtable), work.table.shape[0]

    through, words, end = MOST, MOST + C, 2 * MOST + C + 1
    of_a_batch = end + 1
    began = ticks()
    waited = began - began
    while leads or look(count, CROWDED) == 0:
        ticket = take(count, TAKEN)
        if ticket > S * of_a_batch:
            break
        k, task = (ticket - 1) // of_a_batch, (ticket - 1) % of_a_batch
        before = 1 + k * of_a_batch
        if ticket == 0:
            pack_weights(onward(values, at_Wx), onward(values, at_Wh), onward(values, at_b), E, H, biased, packed, recurrent, bias)
            if search is not None:
                rows = batches.id_rows[: min(B, M)]
                work.counts[0] = find_distinct_jit(
                    batches.ids, rows, search, work.distinct[0], work.places[0, : rows.size * T].reshape(rows.size, T)
                )
            take(count, DONE)
            continue
        turn, B_k = k % 2, min(B, M - k * B)
        arrived = ticks()
        wait_for(count, before + (0 if task < through else through if task < words else words if task < end else end))
        waited += ticks() - arrived
        if leads:
            too_crowded(count, began, waited)
        if look(count, STOPPED) > 0:
            take(count, DONE)
            continue
        U, distinct = (work.counts[turn] if sparse else V), pointer(work.distinct[turn])
        loss = 0.0
        if task >= words:
            for c in range(C):
                loss += chunk_losses[c]
        if task < through:
            if training or sparse or k == 0:
                first, last = U * task // MOST, U * (task + 1) // MOST
                make_table(distinct, values, first, last, sparse, E, H, packed, bias, numbers, gathered, table)
        elif task < words:
            c = task - through
            rows_here = min(max(B_k - c * n, 0), n)
            width = (rows_here + 3) // 4 * 4 if H <= LANES else rows_here
            first = k * B + c * n
            steps, visible = onward(pointer(work.steps), c * T * n), onward(pointer(work.visible), c * T * n if masked else 0)
            hs, kept = onward(pointer(work.hs), c * (T + 1) * n * P), onward(pointer(work.kept), c * (n + 1) * P)
            dlogits, rows = onward(pointer(work.dlogits), c * n * K), onward(label_rows, first)
            if sparse:
                lay_steps(pointer(work.places[turn]), T, onward(pointer(work.local_rows), c * n), rows_here, width, backwards, steps)
            else:
                lay_steps(ids, T, onward(id_rows, first), rows_here, width, backwards, steps)
            if masked:
                lay_visible(ids, T, onward(id_rows, first), rows_here, width, backwards, visible)
            through_time(table, steps, visible, masked, recurrent, hs, kept, T, width, H, activation, wide)
            h_T, head = onward(hs, T * width * P), onward(values, at_head)
            head_forward(h_T, head, onward(values, at_head_b), dense_biased, rows_here, H, P, K, dlogits, onward(outputs, first * K))
            chunk_losses[c] = head_loss(dlogits, labels, weights, rows, rows_here, K, B_k, smoothing)
            if training:
                dh, dWh = onward(pointer(work.dh), c * n * P), onward(pointer(work.dWh), c * max(H, LANES) * P)
                head_backward(dlogits, h_T, head, rows_here, width, H, P, K, dh, onward(pointer(work.dhead), c * (H + 1) * K))
                dz, sums = onward(pointer(work.dz), c * work.dz.shape[1]), onward(dtable, c * most * P)
                back_through_time(dh, steps, visible, masked, recurrent, hs, sums, dWh, dz, kept, numbers, T, width, H, activation, wide)
        elif task == words:
            if search is not None and k + 1 < S:
                next_rows = batches.id_rows[(k + 1) * B : min((k + 2) * B, M)]
                places = work.places[1 - turn, : next_rows.size * T].reshape(next_rows.size, T)
                work.counts[1 - turn] = find_distinct_jit(batches.ids, next_rows, search, work.distinct[1 - turn], places)
        elif task < end:
            r = task - words - 1
            if training and math.isfinite(loss):
                dt = onward(pointer(work.block), r * BLOCK * (P + Q))
                dE, db, dWx = onward(dt, BLOCK * P), onward(pointer(work.db), r * P), onward(pointer(work.dWx), r * E * P)
                for j in range(P):
                    db[j] = 0
                for j in range(E * P):
                    dWx[j] = 0
                last = U * (r + 1) // MOST
                for first in range(U * r // MOST, last, BLOCK):
                    here = min(BLOCK, last - first)
                    sum_chunks(dtable, C, most * P, first * P, here * P, dt)
                    for u in range(here):
                        for j in range(P):
                            db[j] += dt[u * P + j]
                    if E > 0:
                        x = onward(gathered, first * E) if sparse else onward(values, first * E)
                        product(x, ONE, E, E, dt, ONE, P, here, P, dWx, numbers, P, dWx, P)
                        product(dt, P, ONE, here, onward(packed, E * P), H, FIRST, H, Q, nothing, numbers, FIRST, dE, Q)
                    for u in range(here):
                        to = onward(gradients, (distinct[first + u] if sparse else first + u) * words_width)
                        for i in range(words_width):
                            to[i] = dE[u * Q + i] if E > 0 else dt[u * P + i]
                    if search is not None:
                        update_rows_jit(
                            words_of(network.values, V, words_width),
                            words_of(network.gradients, V, words_width),
                            words_of(network.velocity, V, words_width),
                            work.distinct[turn, first : first + here],
                            network.settled,
                            steps_before + k + 1,
                            batches.rates[k],
                            rho,
                            epsilon,
                        )
                    else:
                        here_of = slice(first * words_width, (first + here) * words_width)
                        rmsprop_jit(
                            network.values[here_of],
                            network.gradients[here_of],
                            network.velocity[here_of],
                            None,
                            None,
                            None,
                            batches.rates[k],
                            rho,
                            0.0,
                            epsilon,
                        )
                    if sparse and k + 1 < S:
                        for u in range(here):
                            to = onward(gradients, distinct[first + u] * words_width)
                            for i in range(words_width):
                                to[i] = 0
        else:
            losses[k] = loss
            if training and not math.isfinite(loss):
                take(count, STOPPED)
            elif training:
                if E > 0:
                    for j in range(E * H):
                        gradients[at_Wx + j] = 0
                    for r in range(MOST):
                        for i in range(E):
                            for j in range(H):
                                gradients[at_Wx + i * H + j] += work.dWx[r, i, j]
                for j in range(H):
                    total = work.db[0, j]
                    for r in range(1, MOST):
                        total += work.db[r, j]
                    if biased:
                        gradients[at_b + j] = total
                for i in range(H):
                    for j in range(H):
                        gradients[at_Wh + i * H + j] = work.dWh[0, i, j]
                for i in range((H + 1 if dense_biased else H) * K):
                    gradients[at_head + i] = work.dhead[0, i // K, i % K]
                for c in range(1, C):
                    for i in range(H):
                        for j in range(H):
                            gradients[at_Wh + i * H + j] += work.dWh[c, i, j]
                    for i in range((H + 1 if dense_biased else H) * K):
                        gradients[at_head + i] += work.dhead[c, i // K, i % K]
                rmsprop_jit(
                    network.values[rest:],
                    network.gradients[rest:],
                    network.velocity[rest:],
                    None,
                    None,
                    None,
                    batches.rates[k],
                    rho,
                    0.0,
                    epsilon,
                )
                pack_weights(onward(values, at_Wx), onward(values, at_Wh), onward(values, at_b), E, H, biased, packed, recurrent, bias)
        take(count, DONE)
    if leads:
        wait_for(count, 1 + S * of_a_batch)
