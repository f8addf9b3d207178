"""The learning rate of an optimizer, in whichever of Keras's three ways it is given: a number, a schedule, or a function.

Comes in: what the user passed, and the number of a step. Goes out: the rate of that step, a float. Only a number is the optimizer's own:
it can be set between steps, and is saved among the optimizer's variables. A schedule is asked with the number of updates made so far, and
is saved as a configuration. A function without arguments is asked before every step, and cannot be saved.

Source: Keras 3.15, ``keras/src/optimizers/base_optimizer.py``. On TensorFlow, a function is asked only when `fit` compiles its graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minirnn.optimizers import schedules
from minirnn.optimizers.schedules.schedule import LearningRateSchedule, require_number


class LearningRate:
    """A number, a schedule or a function.

    Parameters
    ----------
    who : the optimizer, for messages
    given : float, LearningRateSchedule, or function without arguments

    Raises
    ------
    ValueError
        It is none of them, or a number below 0 or not finite.
    """

    def __init__(self, who: str, given: Any) -> None:
        if not isinstance(given, float) and not callable(given):
            raise ValueError(
                f"{who}: learning_rate must be a float, received {given!r} of type {type(given).__name__}; or a schedule, or a function."
            )
        self.who = who
        self._given: Any = 0.0
        self.set(given)

    @property
    def scheduled(self) -> bool:
        """Whether it is a schedule or a function."""
        return callable(self._given)

    def set(self, value: Any) -> None:
        """Take another number, schedule or function.

        Raises
        ------
        TypeError
            A number where there is a schedule or a function; a class; something that is no number.
        ValueError
            The number is below 0 or not finite.
        """
        if isinstance(value, type):
            raise TypeError(
                f"{self.who}: learning_rate must be an instance, received the class {value.__name__}. Write {value.__name__}(...)."
            )
        if self.scheduled and not callable(value):
            raise TypeError(
                f"{self.who}: learning_rate comes from {self._given!r}, so it cannot be set to {value!r}. Make the optimizer with a float "
                "learning_rate to be able to set it, or set another schedule."
            )
        self._given = value if callable(value) else require_number(self.who, "learning_rate", value)

    @property
    def foreseen(self) -> bool:
        """Whether a rate depends on nothing but its step."""
        return not self.scheduled or isinstance(self._given, LearningRateSchedule)

    def at(self, step: int) -> float:
        """Give the rate of a step.

        Raises
        ------
        ValueError
            The schedule or function gives something else than a finite number of 0 or more.
        """
        if not self.scheduled:
            return float(self._given)
        rate = np.asarray(self._given(step) if isinstance(self._given, LearningRateSchedule) else self._given())
        if rate.ndim or rate.dtype.kind not in "iuf" or not 0 <= rate < np.inf:
            raise ValueError(
                f"{self.who}: learning_rate must be finite and 0 or more, received {rate[()]!r} at step {step} from {self._given!r}."
            )
        return float(rate)

    def serialize(self) -> float | dict[str, Any]:
        """Give it as Keras writes it: rounded to float32, or as the schedule's configuration.

        Raises
        ------
        ValueError
            It is a function.
        """
        if isinstance(self._given, LearningRateSchedule):
            return schedules.serialize(self._given)
        if self.scheduled:
            raise ValueError(
                f"{self.who}: learning_rate {self._given!r} is a function, which cannot be written to a configuration. Use a schedule of "
                "optimizers.schedules, or a subclass of LearningRateSchedule, or save the weights alone."
            )
        return float(np.float32(self._given))


def deserialize(entry: Any, custom_objects: Mapping[str, type[LearningRateSchedule]] | None = None) -> Any:
    """Give what `LearningRate.serialize` wrote: a number as it is, a configuration as its schedule."""
    return schedules.deserialize(entry, custom_objects) if isinstance(entry, dict) else entry
