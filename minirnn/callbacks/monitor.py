"""Which of two values of a monitored quantity is better.

Comes in: the name of a quantity, a direction, a smallest change that counts. Goes out: `MonitorCallback._is_improvement`::

    min:  value + |min_delta| < best          max:  value - |min_delta| > best

so an equal value is no improvement, and anything improves on "no value yet" except NaN. In mode "auto" the direction is "min" for
``loss`` and ``val_loss``; for other names it is what the model's metric of that name says of itself.

Source: ``keras/src/callbacks/monitor_callback.py``, Keras 3.15.1. One difference is meant: there a NaN that comes first becomes the best
value, and since nothing compares with NaN nothing improves ever after.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from minirnn.callbacks.callback import Callback


class MonitorCallback(Callback):
    """Base of the callbacks that compare a value with the best so far.

    Parameters
    ----------
    monitor : name of the quantity in the logs.
    mode : ``"min"``, ``"max"`` or ``"auto"``. Any other string warns and means ``"auto"``.
    baseline : value that counts as the best before the first one, or None.
    min_delta : smallest change that counts; its sign is ignored.

    Attributes
    ----------
    best : the best value so far, or None.
    monitor_op : ``numpy.less`` or ``numpy.greater``; None until the direction is known, which is after the first epoch, because metrics
        get their names from the shapes of the first batch.

    Raises
    ------
    TypeError
        `monitor` is not a string, or a number is not a number.
    ValueError
        `min_delta` or `baseline` is NaN.

    Examples
    --------
    >>> class Cheer(MonitorCallback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         if self._is_improvement(logs[self.monitor], self.best):
    ...             self.best = logs[self.monitor]
    ...             print(f"epoch {epoch}: {self.best}")
    >>> cheer = Cheer(monitor="val_loss")
    >>> for epoch, val_loss in enumerate([0.9, 0.7, 0.8]):
    ...     cheer.on_epoch_end(epoch, {"val_loss": val_loss})
    epoch 0: 0.9
    epoch 1: 0.7
    """

    def __init__(self, monitor: str = "val_loss", mode: str = "auto", baseline: float | None = None, min_delta: float = 0) -> None:
        who = type(self).__name__
        if not isinstance(monitor, str):
            raise TypeError(f"{who}: monitor must be the name of a quantity in the logs, received {monitor!r}. Write monitor='val_loss'.")
        if mode not in ("auto", "min", "max"):
            # Three frames up is the line that constructs EarlyStopping or ModelCheckpoint.
            warnings.warn(f"{who} mode '{mode}' is unknown, fallback to auto mode.", stacklevel=3)
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(require_number(who, "min_delta", min_delta))
        self.best: float | None = None if baseline is None else require_number(who, "baseline", baseline)
        self.monitor_op: Callable[[Any, Any], Any] | None = None

    def _set_monitor_op(self) -> None:
        """Decide the direction.

        Raises
        ------
        ValueError
            In mode "auto", when the model has no metric of that name.
        """
        name = self.monitor.removeprefix("val_")
        if self.mode != "auto":
            self.monitor_op = np.less if self.mode == "min" else np.greater
        elif name == "loss":
            self.monitor_op = np.less
        else:
            directions = {metric.name: metric.direction for metric in getattr(self.model, "metrics", ())}
            if name not in directions:
                raise ValueError(
                    f"{type(self).__name__}: monitor='{self.monitor}' is neither a loss nor one of the model's metrics "
                    f"({', '.join(directions) or 'it has none'}), so it is not known whether more or less of it is better. "
                    "Pass mode='max' or mode='min'."
                )
            self.monitor_op = np.greater if directions[name] == "up" else np.less

    def _is_improvement(self, value: Any, reference: float | None) -> bool:
        """Tell whether `value` is better than `reference` by more than `min_delta`."""
        value = float(value)
        if math.isnan(value):
            return False
        if reference is None:
            return True
        if self.monitor_op is None:
            self._set_monitor_op()
        if self.monitor_op is np.less:
            return bool(_as_float32(value + self.min_delta) < _as_float32(reference))
        return bool(_as_float32(value - self.min_delta) > _as_float32(reference))


def require_number(who: str, argument: str, value: Any) -> Any:
    """Return `value` when it is a real number other than NaN, and say whose argument it was when it is not."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{who}: {argument} must be a number, received {value!r} of type {type(value).__name__}.")
    if math.isnan(value):
        raise ValueError(f"{who}: {argument} must be a number, received NaN, which no value is better or worse than.")
    return value


def _as_float32(value: float) -> np.float32:
    """Round as Keras does, which compares float32 tensors: test_callbacks_keras.py fails without it when min_delta is tiny."""
    with np.errstate(over="ignore"):  # too large for float32 means infinity, and is then compared as infinity
        return np.float32(value)
