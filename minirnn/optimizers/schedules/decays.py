"""Schedules that decay by a formula, or by a table.

Comes in: the number of a step t, from 0. Goes out: its learning rate r. With r0 the initial one, D the steps of a decay, and p = t / D:

    ExponentialDecay          r = r0 rate^p                          p rounded down with ``staircase``
    InverseTimeDecay          r = r0 / (1 + rate p)                  likewise
    PolynomialDecay           r = end + (r0 - end) (1 - p)^power     p at most 1; with ``cycle``, D is the first multiple of D from t on
    PiecewiseConstantDecay    r = values[k]                          k boundaries lie before t

Source: Keras 3.15, ``keras/src/optimizers/schedules/learning_rate_schedule.py``.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence
from typing import Any, ClassVar

from minirnn.configured import Configured
from minirnn.optimizers.schedules.schedule import LearningRateSchedule, power, require_number


class _ByRate(Configured, LearningRateSchedule):
    """What is common to the decays by a rate, smooth or in stairs."""

    arguments: ClassVar[tuple[str, ...]] = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(self, initial_learning_rate: float, decay_steps: float, decay_rate: float, staircase: bool, name: str) -> None:
        who = type(self).__name__
        require_number(who, "initial_learning_rate", initial_learning_rate)
        require_number(who, "decay_steps", decay_steps, positive=True)
        require_number(who, "decay_rate", decay_rate)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def _share(self, step: Any) -> float:
        """How many times over ``decay_steps`` have passed."""
        p = float(step) / float(self.decay_steps)
        return float(math.floor(p)) if self.staircase else p


class ExponentialDecay(_ByRate):
    """Multiply the rate by ``decay_rate`` every ``decay_steps`` steps, smoothly or in stairs.

    Parameters
    ----------
    initial_learning_rate : of step 0
    decay_steps : steps after which one factor is complete
    decay_rate : the factor
    staircase : change only when it is complete
    name : as in Keras

    Raises
    ------
    TypeError, ValueError
        An argument is not a number, is below 0, or ``decay_steps`` is 0.

    Examples
    --------
    >>> ExponentialDecay(0.5, decay_steps=10, decay_rate=0.25)(5)
    0.25
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        super().__init__(initial_learning_rate, decay_steps, decay_rate, staircase, name)

    def __call__(self, step: Any) -> float:
        """Give the learning rate of a step."""
        return float(self.initial_learning_rate) * power(float(self.decay_rate), self._share(step))


class InverseTimeDecay(_ByRate):
    """Divide the rate by a number that grows evenly, by ``decay_rate`` every ``decay_steps`` steps.

    Parameters
    ----------
    initial_learning_rate : of step 0
    decay_steps : steps in which the divisor grows by ``decay_rate``
    decay_rate : how much it grows
    staircase : let it grow only every ``decay_steps`` steps
    name : as in Keras

    Raises
    ------
    TypeError, ValueError
        An argument is not a number, is below 0, or ``decay_steps`` is 0.

    Examples
    --------
    >>> InverseTimeDecay(0.5, decay_steps=10, decay_rate=1)(10)
    0.25
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        super().__init__(initial_learning_rate, decay_steps, decay_rate, staircase, name)

    def __call__(self, step: Any) -> float:
        """Give the learning rate of a step."""
        return float(self.initial_learning_rate) / (1 + float(self.decay_rate) * self._share(step))


class PolynomialDecay(Configured, LearningRateSchedule):
    """Go from one rate to another in ``decay_steps`` steps, along a power of the way that is left.

    Parameters
    ----------
    initial_learning_rate : of step 0
    decay_steps : steps until the end
    end_learning_rate : from there on
    power : 1 for a straight line
    cycle : at the end, start again on a way that leads to the next multiple of ``decay_steps``
    name : as in Keras

    Raises
    ------
    TypeError, ValueError
        An argument is not a number, is below 0, or ``decay_steps`` is 0.

    Examples
    --------
    >>> schedule = PolynomialDecay(0.5, decay_steps=10, end_learning_rate=0.25)
    >>> schedule(0), schedule(5), schedule(99)
    (0.5, 0.375, 0.25)
    """

    arguments: ClassVar[tuple[str, ...]] = ("initial_learning_rate", "decay_steps", "end_learning_rate", "power", "cycle", "name")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        require_number("PolynomialDecay", "initial_learning_rate", initial_learning_rate)
        require_number("PolynomialDecay", "decay_steps", decay_steps, positive=True)
        require_number("PolynomialDecay", "end_learning_rate", end_learning_rate)
        require_number("PolynomialDecay", "power", power)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: Any) -> float:
        """Give the learning rate of a step."""
        end, p = float(self.end_learning_rate), float(step) / float(self.decay_steps)
        if self.cycle:
            p /= max(1, math.ceil(p))
        return (float(self.initial_learning_rate) - end) * (1 - min(p, 1.0)) ** float(self.power) + end


class PiecewiseConstantDecay(Configured, LearningRateSchedule):
    """Take the rate from a table.

    Parameters
    ----------
    boundaries : steps, ascending; a boundary is the last step with the value before it
    values : rates, one more than boundaries
    name : as in Keras

    Raises
    ------
    TypeError, ValueError
        Their numbers do not fit, the boundaries do not ascend, or a value is not a number or below 0.

    Examples
    --------
    >>> schedule = PiecewiseConstantDecay([2, 5], [0.5, 0.25, 0.125])
    >>> [schedule(step) for step in range(7)]
    [0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]
    """

    arguments: ClassVar[tuple[str, ...]] = ("boundaries", "values", "name")

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant") -> None:
        who = "PiecewiseConstantDecay"
        for argument, given in (("boundaries", boundaries), ("values", values)):
            if not isinstance(given, list | tuple):
                raise TypeError(f"{who}: {argument} must be a list of numbers, received {given!r} of type {type(given).__name__}.")
        if not boundaries or len(boundaries) != len(values) - 1:
            raise ValueError(
                f"{who}: boundaries must be one or more, and values one more than they; received {len(boundaries)} boundaries and "
                f"{len(values)} values."
            )
        steps = [require_number(who, "a boundary", boundary) for boundary in boundaries]
        if any(low >= high for low, high in itertools.pairwise(steps)):
            raise ValueError(f"{who}: boundaries must ascend, received {boundaries!r}.")
        for value in values:
            require_number(who, "a value", value)
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step: Any) -> float:
        """Give the learning rate of a step."""
        return float(self.values[bisect.bisect_left(self.boundaries, float(step))])
