"""RMSprop on the rows of a weight that have a gradient: the others only decay, and that can wait.

Comes in: a weight (V,E), and which of its rows a batch has looked up. Goes out: those rows, one step on. For a row without a gradient

    v <- rho v                0 once it is below the smallest normal number
    w stays

is all that a step does, so nothing is done until the row is looked up again, or someone asks for the velocities. ``last_step (V,)`` says
which step each row's velocity has come to, and the steps that it missed are then made up for one by one, each with its rounding: weights
and velocities are the dense kernel's to the last bit. A row that is all 0, as one never looked up is, has nothing to make up for.

Only the plain step can wait. Momentum moves weights without a gradient, decay and a constraint do so too, ``centered`` has an average that
decays as well, and a norm is taken over all rows; ``RMSprop`` then takes the dense kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minirnn.jit import inline_as_written, jit_as_written
from minirnn.optimizers.rmsprop_step import flushed, next_velocity, rmsprop_ref, tiny_of
from minirnn.parameters import Slot
from minirnn.simd import WIDE, any_positive, load_wide_part, root, store_part

BLOCK = 16
"""Decays in a row without a look at what is left: v never grows, so one that falls below the smallest normal number stays there.

A row that missed fewer is multiplied by 1 in their place, which changes nothing. With loops as long as what a row missed, whose ends no
processor guesses, a step at V=10,000 took 35 microseconds instead of 30, for 1,600 rows of 16; the dense kernel takes 23 there, and the
layers save the rest. At V=88,584 it takes 130 for 2,100 rows, decays that were put off being 80 of them; the dense kernel takes 220 to 420.
"""


@inline_as_written
def _factors(velocity: np.ndarray, keep: Any) -> np.ndarray:
    """A block of rho, then one of 1."""
    factors = np.ones(2 * BLOCK, velocity.dtype)
    for k in range(BLOCK):
        factors[k] = keep
    return factors


@inline_as_written
def _decayed(v: Any, missed: Any, factors: Any, tiny: Any) -> Any:
    """The velocity after so many steps without a gradient."""
    while missed > 0 and any_positive(v):
        skipped = max(BLOCK - missed, 0)
        for k in range(BLOCK):
            v = v * factors[skipped + k]
        v = flushed(v, tiny)
        missed -= BLOCK
    return v


@inline_as_written
def _step_lanes(
    values: Any,
    gradients: Any,
    velocity: Any,
    row: Any,
    i: Any,
    n: Any,
    missed: Any,
    step_size: Any,
    keep: Any,
    take: Any,
    epsilon: Any,
    factors: Any,
) -> None:
    """One step of n neighbours, after those that they missed."""
    tiny, place = tiny_of(velocity), (row, i)
    g, v = load_wide_part(gradients, place, n), load_wide_part(velocity, place, n)
    v = next_velocity(_decayed(v, missed, factors, tiny), g * g, keep, take, tiny)
    store_part(velocity, place, v, n)
    store_part(values, place, load_wide_part(values, place, n) - step_size * g / root(v + epsilon), n)


def update_rows_ref(
    values: np.ndarray,
    gradients: np.ndarray,
    velocity: np.ndarray,
    rows: np.ndarray,
    last_step: np.ndarray,
    step: int,
    learning_rate: float,
    rho: float,
    epsilon: float,
) -> None:
    """Take a step on some rows of a weight, after the decays that they have missed.

    Parameters
    ----------
    values, velocity (V,E) float : one step on at those rows afterwards, left alone elsewhere
    gradients (V,E) float
    rows (U,) int : each once
    last_step (V,) int64 : how many steps each row's velocity has seen, this one included afterwards
    step : the number of this step, from 1
    """
    w, v = values[rows], velocity[rows]
    settle_ref(v, last_step[rows], step - 1, rho)
    rmsprop_ref(w, gradients[rows], v, None, None, None, learning_rate, rho, 0.0, epsilon)
    values[rows], velocity[rows], last_step[rows] = w, v, step


@jit_as_written
def update_rows_jit(
    values: np.ndarray,
    gradients: np.ndarray,
    velocity: np.ndarray,
    rows: np.ndarray,
    last_step: np.ndarray,
    step: int,
    learning_rate: float,
    rho: float,
    epsilon: float,
) -> None:
    """The same, compiled."""
    dtype = values.dtype.type
    step_size, keep, take, small = dtype(learning_rate), dtype(rho), dtype(1 - rho), dtype(epsilon)
    factors, E = _factors(velocity, keep), values.shape[1]
    whole = E - E % WIDE
    for u in range(rows.size):
        row = rows[u]
        missed = step - 1 - last_step[row]
        last_step[row] = step
        for i in range(0, whole, WIDE):
            _step_lanes(values, gradients, velocity, row, i, WIDE, missed, step_size, keep, take, small, factors)
        if whole < E:
            _step_lanes(values, gradients, velocity, row, whole, E - whole, missed, step_size, keep, take, small, factors)


def settle_ref(velocity: np.ndarray, last_step: np.ndarray, step: int, rho: float) -> None:
    """Make up for all missed decays: bring every row of velocity (V,E), and last_step (V,), to that step."""
    keep, tiny = velocity.dtype.type(rho), np.finfo(velocity.dtype).tiny
    missed = step - last_step
    while (behind := (missed > 0) & velocity.any(axis=1)).any():
        v = velocity[behind] * keep
        v[v < tiny] = 0
        velocity[behind] = v
        missed -= 1
    last_step[...] = step


@jit_as_written
def settle_jit(velocity: np.ndarray, last_step: np.ndarray, step: int, rho: float) -> None:
    """The same, compiled."""
    factors, tiny = _factors(velocity, velocity.dtype.type(rho)), tiny_of(velocity)
    V, E = velocity.shape
    whole = E - E % WIDE
    for row in range(V):
        missed = step - last_step[row]
        last_step[row] = step
        for i in range(0, whole, WIDE):
            store_part(velocity, (row, i), _decayed(load_wide_part(velocity, (row, i), WIDE), missed, factors, tiny), WIDE)
        if whole < E:
            n = E - whole
            store_part(velocity, (row, whole), _decayed(load_wide_part(velocity, (row, whole), n), missed, factors, tiny), n)


class Kernels(NamedTuple):
    """One backend's pair."""

    update: Callable[..., None]
    settle: Callable[..., None]


BACKENDS = {"numpy": Kernels(update_rows_ref, settle_ref), "numba": Kernels(update_rows_jit, settle_jit)}


class LazyRows:
    """Which velocities have been left behind, and since when.

    Attributes
    ----------
    step : how many steps the optimizer has taken
    backend : whose kernels bring them up to date
    """

    def __init__(self) -> None:
        self.step = 0
        self.backend = "numpy"
        self._last_steps: dict[int, tuple[Slot, np.ndarray]] = {}

    def copy(self) -> LazyRows:
        """The same, with a memory of its own."""
        twin = LazyRows()
        twin.step, twin.backend = self.step, self.backend
        twin._last_steps = {start: (slot, last_step.copy()) for start, (slot, last_step) in self._last_steps.items()}
        return twin

    def last_step(self, slot: Slot) -> np.ndarray:
        """Give, for each row (V,) of a weight, the number of steps that its velocity has seen."""
        if slot.slice.start not in self._last_steps:
            self._last_steps[slot.slice.start] = slot, np.full(slot.shape[0], self.step, np.int64)
        return self._last_steps[slot.slice.start][1]

    def settle(self, velocity: np.ndarray, rho: float) -> None:
        """Bring all of the flat vector of velocities up to date."""
        for slot, last_step in self._last_steps.values():
            BACKENDS[self.backend].settle(velocity[slot.slice].reshape(slot.shape), last_step, self.step, rho)

    def settle_others(self, waiting: Sequence[Slot], velocity: np.ndarray, rho: float) -> None:
        """Bring the velocities of all other weights up to date, and keep no record of them: the dense kernel leaves nothing behind."""
        starts = {slot.slice.start for slot in waiting}
        for start in [start for start in self._last_steps if start not in starts]:
            slot, last_step = self._last_steps[start]
            BACKENDS[self.backend].settle(velocity[slot.slice].reshape(slot.shape), last_step, self.step, rho)
            del self._last_steps[start]
