"""What every schedule is: the number of a step comes in, the learning rate of that step goes out.

Steps count from 0: it is the number of updates made before. Rates are computed in float64 and rounded once, to the model's dtype, where
the optimizer takes its step; Keras computes in float32, and rounds at every operation.

Source: Keras 3.15, ``keras/src/optimizers/schedules/learning_rate_schedule.py``. Arguments that can only lead to a rate below 0, or to
none, are errors here when the schedule is made.
"""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np


class LearningRateSchedule:
    """Base of all schedules: a subclass writes ``__call__``, and ``get_config`` if it is to be saved.

    Examples
    --------
    >>> class Halves(LearningRateSchedule):
    ...     def __call__(self, step):
    ...         return 0.5 ** (step + 1)
    >>> Halves()(2)
    0.125
    """

    def __call__(self, step: Any) -> float:
        """Give the learning rate of a step.

        Parameters
        ----------
        step : updates made before it, from 0
        """
        raise NotImplementedError(f"{type(self).__name__}: a learning rate schedule must override __call__(self, step).")

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments by name."""
        raise NotImplementedError(f"{type(self).__name__}: to be saved, a learning rate schedule must override get_config(self).")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make a schedule from what ``get_config`` gave."""
        return cls(**config)


def require_number(who: str, argument: str, value: Any, positive: bool = False) -> float:
    """Give an argument as a float.

    Raises
    ------
    TypeError
        It is not a number.
    ValueError
        It is below 0, not finite, or 0 where it must be positive.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{who}: {argument} must be a number, received {value!r} of type {type(value).__name__}.")
    number = float(value)
    if not math.isfinite(number) or number < 0 or (positive and number == 0):
        raise ValueError(f"{who}: {argument} must be {'more than 0' if positive else '0 or more'}, received {value!r}.")
    return number


def power(base: float, exponent: float) -> float:
    """Give a power; too large a one is infinite, as in NumPy, and the optimizer then says which step it was."""
    try:
        return float(base**exponent)
    except OverflowError:
        return math.inf
