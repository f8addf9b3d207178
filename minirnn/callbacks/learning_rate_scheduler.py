"""Set the learning rate of every epoch by a function of the user's.

Comes in: the number of the epoch and the learning rate before it. Goes out: the learning rate that the function makes of them, set before
the epoch's first batch, and ``learning_rate`` in the epoch's logs.

Source: ``keras/src/callbacks/learning_rate_scheduler.py``, Keras 3.15.1. Differences that are meant: an optimizer with a schedule is an
error when training begins; a function with one parameter is told by its signature, so that a TypeError inside a function comes through
(Keras calls it again, with the epoch alone).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from minirnn.callbacks.callback import Callback, Logs
from minirnn.callbacks.learning_rate import read_learning_rate, require_settable
from minirnn.progress import announce


class LearningRateScheduler(Callback):
    """Set the learning rate at the beginning of every epoch.

    Parameters
    ----------
    schedule : function of the epoch, from 0, and the learning rate before it, or of the epoch alone; it returns a float.
    verbose : 1 says what was set.

    Raises
    ------
    TypeError
        `schedule` cannot be called; when training begins, an optimizer whose learning rate comes from a schedule.
    ValueError
        When an epoch begins: `schedule` returned something else than a float, or a learning rate below 0.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> model = SimpleNamespace(optimizer=SimpleNamespace(learning_rate=0.5, scheduled=False))
    >>> halving = LearningRateScheduler(lambda epoch, learning_rate: learning_rate / 2)
    >>> halving.set_model(model)
    >>> halving.on_epoch_begin(0)
    >>> model.optimizer.learning_rate
    0.25
    """

    def __init__(self, schedule: Callable[..., Any], verbose: int = 0) -> None:
        if not callable(schedule):
            raise TypeError(
                f"LearningRateScheduler: schedule must be a function of (epoch, learning_rate), received {schedule!r} of type "
                f"{type(schedule).__name__}."
            )
        self.schedule = schedule
        self.verbose = verbose

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Make sure that there is a learning rate to set."""
        require_settable("LearningRateScheduler", self.model)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Ask the function, and set what it says."""
        before = read_learning_rate(self.model)
        after = self.schedule(epoch, before) if _takes_two(self.schedule) else self.schedule(epoch)
        if not isinstance(after, float | np.float32):
            raise ValueError(
                f"LearningRateScheduler: the output of the schedule function should be a float, received {after!r} of type "
                f"{type(after).__name__} for epoch {epoch}."
            )
        self.model.optimizer.learning_rate = after
        if self.verbose > 0:
            announce(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {after}.")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Note the learning rate."""
        if logs is not None:
            logs["learning_rate"] = read_learning_rate(self.model)


def _takes_two(schedule: Callable[..., Any]) -> bool:
    """Tell whether a function takes the epoch and the learning rate; one that does not say is taken to."""
    try:
        signature = inspect.signature(schedule)
    except (TypeError, ValueError):  # some functions that are written in C have none
        return True
    try:
        signature.bind(0, 0.0)
    except TypeError:
        return False
    return True
