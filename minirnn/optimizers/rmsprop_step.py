"""One step of RMSprop on flat vectors.

Comes in: weights w and their gradients g, a velocity v for each, and where they are in use a momentum m and an average a. Goes out: all of
them, one step on.

    v <- rho v + (1 - rho) g²                       velocity
    a <- rho a + (1 - rho) g                        with ``centered``
    d  = v + epsilon,  or  v - a² + epsilon         epsilon inside the root: outside, small gradients step many times too far
    step = learning_rate g / sqrt(d)
    w <- w - step,  or  m <- momentum m + step, w <- w - m

A velocity below the smallest normal number is set to 0: its weight does not move differently, since epsilon is added, and arithmetic on
subnormal numbers is many times slower.

For a row of an embedding g² is the square of the sum over its lookups, or with ``embedding_update="per_lookup"`` the sum of their squares
(``layers/lookups.py``).

Source: Keras 3.15, ``keras/src/optimizers/rmsprop.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.jit import inline_as_written, jit_as_written
from minirnn.simd import WIDE, fma, load_wide_part, root, store_part, where_positive

Vector = np.ndarray

TINY = float(np.finfo(np.float32).tiny), float(np.finfo(np.float64).tiny)


@inline_as_written
def tiny_of(values: Any) -> Any:
    """The smallest normal number of an array's dtype. ``np.finfo`` in a kernel has every process that loads it import SciPy, 0.1 s."""
    return values.dtype.type(TINY[0] if values.itemsize == 4 else TINY[1])


@inline_as_written
def flushed(v: Any, tiny: Any) -> Any:
    """The velocity, and 0 where it is below the smallest normal number; a NaN stays."""
    return where_positive(tiny - v, 0.0, v)


@inline_as_written
def next_velocity(v: Any, square: Any, keep: Any, take: Any, tiny: Any) -> Any:
    """rho v + (1 - rho) g², flushed."""
    return flushed(fma(keep, v, take * square), tiny)


def rmsprop_ref(
    values: Vector,
    gradients: Vector,
    velocity: Vector,
    momentums: Vector | None,
    averages: Vector | None,
    squares: Vector | None,
    learning_rate: float,
    rho: float,
    momentum: float,
    epsilon: float,
) -> None:
    """One step on flat vectors (P,). Momentums and averages are None where not in use, squares where they are those of the gradients.

    Examples
    --------
    >>> w, g, v = np.ones(1), np.full(1, 2.0), np.zeros(1)
    >>> rmsprop_ref(w, g, v, None, None, None, learning_rate=0.1, rho=0.9, momentum=0.0, epsilon=1e-7)
    >>> round(float(w[0]), 4), round(1 - 0.1 / 0.1**0.5, 4)
    (0.6838, 0.6838)
    """
    one, tiny = values.dtype.type(1), np.finfo(values.dtype).tiny
    learning_rate, keep, take, momentum, epsilon = (one * number for number in (learning_rate, rho, 1 - rho, momentum, epsilon))
    velocity *= keep
    velocity += take * (gradients * gradients if squares is None else squares)
    velocity[velocity < tiny] = 0
    d = velocity + epsilon
    if averages is not None:
        averages *= keep
        averages += take * gradients
        d -= averages * averages
    step = learning_rate * gradients / np.sqrt(d)
    if momentums is not None:
        momentums *= momentum
        momentums += step
        step = momentums
    values -= step


@inline_as_written
def _step_lanes(
    values: Any,
    gradients: Any,
    velocity: Any,
    momentums: Any,
    averages: Any,
    squares: Any,
    k: Any,
    n: Any,
    learning_rate: Any,
    keep: Any,
    take: Any,
    momentum: Any,
    epsilon: Any,
) -> None:
    """One step of n neighbours."""
    g = load_wide_part(gradients, (k,), n)
    square = g * g if squares is None else load_wide_part(squares, (k,), n)
    v = next_velocity(load_wide_part(velocity, (k,), n), square, keep, take, tiny_of(velocity))
    store_part(velocity, (k,), v, n)
    d = v + epsilon
    if averages is not None:
        a = fma(keep, load_wide_part(averages, (k,), n), take * g)
        store_part(averages, (k,), a, n)
        d = d - a * a
    step = learning_rate * g / root(d)
    if momentums is not None:
        step = fma(momentum, load_wide_part(momentums, (k,), n), step)
        store_part(momentums, (k,), step, n)
    store_part(values, (k,), load_wide_part(values, (k,), n) - step, n)


@jit_as_written
def rmsprop_jit(
    values: Vector,
    gradients: Vector,
    velocity: Vector,
    momentums: Vector | None,
    averages: Vector | None,
    squares: Vector | None,
    learning_rate: float,
    rho: float,
    momentum: float,
    epsilon: float,
) -> None:
    """The same, compiled: one pass over memory, as written, so that ``rows.py`` can do the same to the last bit."""
    dtype = values.dtype.type
    numbers = dtype(learning_rate), dtype(rho), dtype(1 - rho), dtype(momentum), dtype(epsilon)
    P = values.size
    whole = P - P % WIDE
    for k in range(0, whole, WIDE):
        _step_lanes(values, gradients, velocity, momentums, averages, squares, k, WIDE, *numbers)
    if whole < P:
        _step_lanes(values, gradients, velocity, momentums, averages, squares, whole, P - whole, *numbers)


BACKENDS = {"numpy": rmsprop_ref, "numba": rmsprop_jit}
