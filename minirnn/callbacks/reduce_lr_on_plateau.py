"""Make the steps smaller when a quantity no longer improves.

Comes in: the logs of each epoch. Goes out: a smaller learning rate, and ``learning_rate`` in the logs, as it was in that epoch. At the
end of each epoch, with the monitored value v (`monitor` says what "improves" means)::

    in cooldown:            cooldown_counter = cooldown_counter - 1, and wait = 0
    v improves on best:     best, wait = v, 0
    else, not in cooldown:  wait = wait + 1
                            wait >= patience:   learning_rate = max(learning_rate · factor, min_lr)
                                                cooldown_counter, wait = cooldown, 0

When the learning rate is `min_lr` already, nothing happens, and `wait` goes on.

Source: ``keras/src/callbacks/reduce_lr_on_plateau.py``, Keras 3.15.1. Differences that are meant: a NaN is never the best; an optimizer
with a schedule is an error when training begins, not at the first reduction; arguments that Keras swallows, such as ``epsilon``, are
Python's TypeError.
"""

from __future__ import annotations

import warnings

import numpy as np

from minirnn.callbacks.callback import Logs
from minirnn.callbacks.learning_rate import read_learning_rate, require_settable
from minirnn.callbacks.monitor import MonitorCallback, require_number
from minirnn.progress import announce


class ReduceLROnPlateau(MonitorCallback):
    """Reduce the learning rate when a monitored quantity has stopped improving.

    Parameters
    ----------
    monitor : name of the quantity in the logs.
    factor : what the learning rate is multiplied by, from 0 to below 1.
    patience : epochs without improvement after which it is; 0 and 1 are alike.
    verbose : 1 says when it was reduced, and to what.
    mode : ``"min"``, ``"max"``, or ``"auto"``: by the name of the quantity.
    min_delta : a change of this much or less is no improvement; its sign is ignored.
    cooldown : epochs after a reduction in which no waiting is counted.
    min_lr : the learning rate is not made smaller than this.

    Attributes
    ----------
    wait : epochs since the last one that counted.
    best : the best value so far, or None.
    cooldown_counter : epochs of cooldown that are left.

    Raises
    ------
    ValueError
        `factor` is 1 or more, or below 0; at the end of the first epoch, a `monitor` whose direction "auto" cannot tell.
    TypeError
        An argument that is no number where one is needed; when training begins, an optimizer whose learning rate comes from a schedule.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> model = SimpleNamespace(optimizer=SimpleNamespace(learning_rate=0.5, scheduled=False))
    >>> reducer = ReduceLROnPlateau(patience=2, factor=0.25)
    >>> reducer.set_model(model)
    >>> reducer.on_train_begin()
    >>> for epoch, val_loss in enumerate([0.9, 0.7, 0.8, 0.8]):
    ...     reducer.on_epoch_end(epoch, {"val_loss": val_loss})
    >>> model.optimizer.learning_rate
    0.125
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        self.factor = require_number("ReduceLROnPlateau", "factor", factor)
        if not 0 <= factor < 1:
            raise ValueError(
                f"ReduceLROnPlateau: factor must be from 0 to below 1, received {factor!r}. Learning rates are multiplied by it."
            )
        self.patience = require_number("ReduceLROnPlateau", "patience", patience)
        self.verbose = verbose
        self.cooldown = require_number("ReduceLROnPlateau", "cooldown", cooldown)
        self.min_lr = require_number("ReduceLROnPlateau", "min_lr", min_lr)
        self._forget()

    def _forget(self) -> None:
        """Start afresh, so that one instance serves several trainings."""
        self.best = None
        self.cooldown_counter = 0
        self.wait = 0

    def in_cooldown(self) -> bool:
        """Tell whether epochs of cooldown are left."""
        return self.cooldown_counter > 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the training before."""
        require_settable("ReduceLROnPlateau", self.model)
        self._forget()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Note the learning rate, compare the epoch's value with the best, and lose patience or not."""
        if self.monitor_op is None:
            self._set_monitor_op()
        logs = {} if logs is None else logs
        logs["learning_rate"] = read_learning_rate(self.model)
        current = logs.get(self.monitor)
        if current is None:
            warnings.warn(
                f"Learning rate reduction is conditioned on metric `{self.monitor}` which is not available. Available metrics are: "
                f"{','.join(logs)}.",
                stacklevel=2,
            )
            return

        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(current, self.best):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and self._reduce(epoch):
                self.cooldown_counter = self.cooldown
                self.wait = 0

    def _reduce(self, epoch: int) -> bool:
        """Reduce the learning rate, if it can be smaller; tell whether it could."""
        before = read_learning_rate(self.model)
        if before <= np.float32(self.min_lr):
            return False
        after = max(before * self.factor, self.min_lr)
        self.model.optimizer.learning_rate = after
        if self.verbose > 0:
            announce(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {after}.")
        return True
