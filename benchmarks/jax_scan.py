"""The peer on JAX: a whole epoch in one jitted function, as fast as we know how to write it, on minirnn's mathematics.

Comes in: the workload's sizes, ids (N,T), labels (N,) and the first weights in Keras's order. Goes out: a `Session` that trains epochs.

    epoch       lax.scan over batches, weights and velocities carried and donated; the last, short batch in the same function
    forward     z = E[ids]·Wx + b for all steps at once;  h_t = tanh(z_t + h_prev·Wh) in a lax.scan over time, (T,B,H)
    backward    dz_t = dh_t (1 - h_t²), dh_prev = dz_t·Whᵀ in a second scan;  dWh = h_prevᵀ·dz as one product over all steps

What is differentiated by JAX is everything but the recurrence, whose gradient is given to it: its own adds up dWh step by step. What was
tried, in ms of CPU time a step on one core (Zen 5, JAX 0.10.2, least of 15; B=64, T=100, E=2H up to H=16, then H, H/2, H/4):

    gradient of the recurrence     by JAX 0.29, given 0.19 (H=8, V=200); 8.9, 8.4 (H=128, V=10,000); 95, 85 (H=512)
    h·Wh at H=8                    a product 0.19, written out 0.17 (B=64); 0.10, 0.04 (B=8); 0.54, 0.68 (B=256); at H=16 0.39, 0.59
    states as (H,B)                0.34 instead of 0.19
    unroll=1, 2, 4, 8, 16          0.19, 0.19, 0.21, 0.22, 0.23 (H=8), written out 0.17, 0.26, 0.27, 0.32; 8.4, -, 8.2 (H=128)
    Wx before or after the lookup  0.19, 0.32 (V=200); 0.54, 0.50 (V=10,000); 3.5, 2.3 (V=88,584); 94, 85 (H=512, V=10,000)
    update of all rows, of those looked up    0.50, 0.52 (V=10,000); 2.3, 1.1 (V=88,584); 0.24, 0.08 (V=10,000, B=1);
                                   2.7, 3.4 (V=88,584, E=32)
    g/sqrt(d) as g·rsqrt(d), registers of 512 bits    no difference
"""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

if TYPE_CHECKING:
    from benchmarks.drawn import Arrays, Sizes

RHO, EPSILON = 0.9, 1e-7
"""Keras's defaults of RMSprop."""

NAMES = {
    "embedding": ("rows", "Wx", "Wh", "b", "dense", "dense_bias"),
    "one_hot": ("rows", "Wh", "b", "dense", "dense_bias"),
}
"""What the weights are called here, in Keras's order. Rows are what an id picks: of E (V,E), or of the one-hot model's kernel (V,H)."""

FORWARD_ROWS = 128
"""Without a gradient, so many rows at a time. One core, H=8: 1.0 µs a row with 20 rows, 0.70 with 80 or more; H=128: 32 µs with 64, 23 with
128, 27 with 512; H=512: 377 with 64, 324 with 128, 310 with 256. From 300 rows on XLA gives what is written out to two threads: 7 µs."""

Weights = dict[str, jax.Array]


@dataclass(frozen=True)
class Plan:
    """Which of the forms above are taken for a workload's sizes.

    Attributes
    ----------
    project_first : multiply all rows by Wx, then look up; or look up, then multiply
    update_looked_up : move only the rows that the batch has looked up; the velocities of the others decay, and that is all RMSprop does
    write_out : h·Wh as H products of a column and a row, which XLA fuses with the tanh
    """

    project_first: bool
    update_looked_up: bool
    write_out: bool


def plan_for(work: Sizes, width: int, rows: int) -> Plan:
    """Choose by size, from the measurements above; `width` is that of a row of the weights, `rows` how many are worked on at a time."""
    lookups = rows * work.T
    return Plan(
        project_first=lookups >= work.V,
        update_looked_up=2 * lookups <= work.V and width <= 16,
        write_out=work.H <= 8 and rows <= 128,
    )


def times(h: jax.Array, W: jax.Array, write_out: bool) -> jax.Array:
    """Multiply h (B,H) by W (H,H)."""
    if write_out:
        return functools.reduce(operator.add, [h[:, k, None] * W[k] for k in range(len(W))])
    return h @ W


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def last_state(z: jax.Array, Wh: jax.Array, write_out: bool) -> jax.Array:
    """Give h (B,H) after the last step, from the inputs' part of the pre-activations z (T,B,H)."""
    step = lambda h_prev, z_t: (jnp.tanh(z_t + times(h_prev, Wh, write_out)), None)  # noqa: E731
    return lax.scan(step, jnp.zeros_like(z[0]), z)[0]


def last_state_forward(z: jax.Array, Wh: jax.Array, write_out: bool) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    """As `last_state`, and the states (T,B,H) for its gradient."""

    def step(h_prev: jax.Array, z_t: jax.Array) -> tuple[jax.Array, jax.Array]:
        h_t = jnp.tanh(z_t + times(h_prev, Wh, write_out))
        return h_t, h_t

    h_last, hs = lax.scan(step, jnp.zeros_like(z[0]), z)
    return h_last, (hs, Wh)


def last_state_backward(write_out: bool, kept: tuple[jax.Array, jax.Array], dh_last: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Give dz (T,B,H) and dWh (H,H)."""
    hs, Wh = kept
    Wh_transposed, H = Wh.T, len(Wh)

    def step(dh: jax.Array, h_t: jax.Array) -> tuple[jax.Array, jax.Array]:
        dz_t = dh * (1 - h_t * h_t)
        return times(dz_t, Wh_transposed, write_out), dz_t

    _, dz = lax.scan(step, dh_last, hs, reverse=True)
    return dz, hs[:-1].reshape(-1, H).T @ dz[1:].reshape(-1, H)


last_state.defvjp(last_state_forward, last_state_backward)


def project(weights: Weights, rows: jax.Array) -> jax.Array:
    """Give rows·Wx + b; a one-hot model's rows are rows of its kernel already."""
    return (rows @ weights["Wx"] if "Wx" in weights else rows) + weights["b"]


def logits_of(weights: Weights, z: jax.Array, write_out: bool) -> jax.Array:
    """Give the logits (B,) of z (T,B,H)."""
    return (last_state(z, weights["Wh"], write_out) @ weights["dense"] + weights["dense_bias"])[:, 0]


def cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Give the mean loss of logits (B,), in nats."""
    return jnp.mean(jnp.maximum(logits, 0) - logits * labels + jnp.log1p(jnp.exp(-jnp.abs(logits))))


def moved(values: jax.Array, velocity: jax.Array, gradient: jax.Array, learning_rate: float) -> tuple[jax.Array, jax.Array]:
    """Give values and velocity after a step of RMSprop."""
    velocity = RHO * velocity + (1 - RHO) * gradient * gradient
    return values - learning_rate * gradient / jnp.sqrt(velocity + EPSILON), velocity


def train_batch(
    plan: Plan, learning_rate: float, carried: tuple[Weights, Weights], batch: Any
) -> tuple[tuple[Weights, Weights], jax.Array]:
    """Take one step on ids (B,T) and labels (B,); give weights, velocities and the loss before it."""
    weights, velocities = dict(carried[0]), dict(carried[1])
    ids, labels = batch[0].T, batch[1]
    rows, rows_velocity = weights.pop("rows"), velocities.pop("rows")

    def loss_from(rows: jax.Array, weights: Weights) -> jax.Array:
        if plan.update_looked_up:  # the rows are those of the lookups, (T,B,E) already
            z = project(weights, rows)
        else:
            z = project(weights, rows)[ids] if plan.project_first else project(weights, rows[ids])
        return cross_entropy(logits_of(weights, z, plan.write_out), labels)

    taken = rows[ids] if plan.update_looked_up else rows
    loss, (drows, gradients) = jax.value_and_grad(loss_from, argnums=(0, 1))(taken, weights)
    if plan.update_looked_up:
        # An id that is looked up twice gets the same sum, and so the same new row, both times.
        summed = jnp.zeros_like(rows).at[ids].add(drows)[ids]
        new, new_velocity = moved(taken, rows_velocity[ids], summed, learning_rate)
        rows, rows_velocity = rows.at[ids].set(new), (RHO * rows_velocity).at[ids].set(new_velocity)
    else:
        rows, rows_velocity = moved(rows, rows_velocity, drows, learning_rate)
    for name, gradient in gradients.items():
        weights[name], velocities[name] = moved(weights[name], velocities[name], gradient, learning_rate)
    return (weights | {"rows": rows}, velocities | {"rows": rows_velocity}), loss


class Session:
    """One model with its data, ready to train.

    Parameters
    ----------
    work : sizes N T V E H B, learning_rate
    arrays : ids (N,T) int32, labels (N,) float32, weights, a list for each model
    model : "embedding" or "one_hot"
    """

    def __init__(self, work: Sizes, arrays: Arrays, model: str = "embedding") -> None:
        self.work, self.arrays = work, arrays
        # Copied, for the buffers are donated and would be overwritten in the caller's hands.
        self.weights = {name: jnp.array(w) for name, w in zip(NAMES[model], arrays.weights[model], strict=True)}
        self.velocities = jax.tree.map(jnp.zeros_like, self.weights)
        width = self.weights["rows"].shape[1]
        self.batches = in_chunks(arrays.ids, work.B), in_chunks(arrays.labels, work.B)
        step = functools.partial(train_batch, plan_for(work, width, work.B), work.learning_rate)
        self.run_epoch = jax.jit(functools.partial(epoch, step), donate_argnums=0)
        self.run_forward = jax.jit(functools.partial(forward, plan_for(work, width, FORWARD_ROWS).write_out))

    def epoch(self) -> float:
        """Train one epoch over all rows in their order; return the mean of the examples' losses, each before its batch's update."""
        (self.weights, self.velocities), losses = self.run_epoch((self.weights, self.velocities), *self.batches)
        rows = np.full(len(losses), self.work.B)
        rows[-1] -= rows.sum() - self.work.N  # the last batch may be short
        return float(np.average(np.asarray(losses, np.float64), weights=rows))

    def logits(self, ids: np.ndarray) -> jax.Array:
        """Give the logits (N,) of ids (N,T)."""
        return self.run_forward(self.weights, in_chunks(ids, FORWARD_ROWS))

    def evaluate(self, n: int) -> float:
        """Give the mean loss of the first n rows."""
        return float(cross_entropy(self.logits(self.arrays.ids[:n]), jnp.asarray(self.arrays.labels[:n])))

    def predict(self, ids: np.ndarray) -> np.ndarray:
        """Give the probabilities (N,) float32 of ids (N,T)."""
        return np.asarray(jax.nn.sigmoid(self.logits(ids)))


Chunks = tuple[jax.Array, jax.Array]


def in_chunks(array: np.ndarray, rows: int) -> Chunks:
    """Cut (N,...) into chunks (n,rows,...) and what is left over, fewer than `rows` and possibly none."""
    whole = len(array) // rows * rows
    return jnp.asarray(array[:whole]).reshape(-1, rows, *array.shape[1:]), jnp.asarray(array[whole:])


def epoch(step: Any, carried: Any, ids: Chunks, labels: Chunks) -> tuple[Any, jax.Array]:
    """Train on all batches; give what is carried on, and the batches' losses."""
    carried, losses = lax.scan(step, carried, (ids[0], labels[0]))
    if len(ids[1]):
        carried, loss = step(carried, (ids[1], labels[1]))
        losses = jnp.append(losses, loss)
    return carried, losses


def forward(write_out: bool, weights: Weights, ids: Chunks) -> jax.Array:
    """Give the logits (N,) of ids in chunks. A row of the weights is projected once, or at each lookup where those are fewer."""
    table = project(weights, weights["rows"]) if len(weights["rows"]) <= ids[0].size + ids[1].size else None

    def logits(chunk: jax.Array) -> jax.Array:
        z = project(weights, weights["rows"][chunk.T]) if table is None else table[chunk.T]
        return logits_of(weights, z, write_out)

    return jnp.concatenate([lax.map(logits, ids[0]).reshape(-1), *([logits(ids[1])] if len(ids[1]) else [])])
