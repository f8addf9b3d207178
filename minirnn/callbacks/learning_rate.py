"""What the callbacks that change the learning rate share: they read it as Keras does, and refuse one that cannot be changed.

Comes in: a model in training. Goes out: its optimizer's learning rate, rounded to float32, in which Keras keeps it: a callback that
multiplies what it reads by 0.1 gets the same numbers, to the last digit that it prints.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def read_learning_rate(model: Any) -> float:
    """Give the learning rate of the next step."""
    return float(np.float32(model.optimizer.learning_rate))


def require_settable(who: str, model: Any) -> None:
    """Raise unless the optimizer's learning rate is a number of its own.

    Raises
    ------
    TypeError
        A schedule or a function gives it.
    """
    if model.optimizer.scheduled:
        raise TypeError(
            f"{who}: the optimizer's learning_rate comes from a schedule, so it cannot be set. Compile the model with a float "
            "learning_rate, or leave this callback out."
        )
