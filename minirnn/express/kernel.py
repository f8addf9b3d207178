"""The loop that takes a batch's tasks; ``minirnn/express/__init__.py`` says which there are, and why.

Comes in: the tuples of ``arrays.py``, the same for every thread. Goes out: all of their arrays, as the last batch leaves them.
"""

from __future__ import annotations

import math

import numpy as np

from minirnn.express.arrays import BLOCK, Batches, Network, Settings, Sizes, Work
from minirnn.express.tasks import (
    add_parts,
    back_through_time,
    head_backward,
    head_forward,
    head_loss,
    lay_visible,
    make_table,
    pack_weights,
    sum_chunks,
    through_time,
)
from minirnn.jit import inline, jit
from minirnn.layers.distinct import find_distinct_jit
from minirnn.layers.recurrent_steps import lay_steps
from minirnn.optimizers.rmsprop_step import rmsprop_jit
from minirnn.optimizers.rows import update_rows_jit
from minirnn.products import FIRST, ONE, product, whole_lanes
from minirnn.simd import LANES, onward, pointer
from minirnn.threads import CROWDED, DONE, MOST, STOPPED, TAKEN, look, take, ticks, too_crowded, wait_for


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
                    add_parts(pointer(work.dWx), MOST, E * P, E, H, P, onward(gradients, at_Wx))
                if biased:
                    add_parts(pointer(work.db), MOST, P, ONE, H, P, onward(gradients, at_b))
                add_parts(pointer(work.dWh), C, max(H, LANES) * P, H, H, P, onward(gradients, at_Wh))
                add_parts(pointer(work.dhead), C, (H + 1) * K, H + 1 if dense_biased else H, K, K, onward(gradients, at_head))
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
