"""Stop when a quantity no longer improves, and go back to the weights of the best epoch.

Comes in: the logs of each epoch. Goes out: ``model.stop_training = True``, and at the end of training the best weights. At the end of
each epoch e, with the monitored value v (`monitor` says what "improves" means)::

    wait = wait + 1
    v improves on best:   best, best_epoch, best_weights = v, e, a copy of the weights
                          wait = 0, if there is no baseline or v improves on it too
    otherwise:            stop, if wait >= patience and e > 0

An epoch that improves never stops training, even when the baseline keeps `wait` growing; the first epoch never does.

Source: ``keras/src/callbacks/early_stopping.py``, Keras 3.15.1. One difference is meant: an epoch whose value is NaN is never the best, so
its weights are never kept, not even when it comes first.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from minirnn.callbacks.callback import Logs
from minirnn.callbacks.monitor import MonitorCallback, require_number
from minirnn.progress import announce


class EarlyStopping(MonitorCallback):
    """Stop training when a monitored quantity has stopped improving.

    Parameters
    ----------
    monitor : name of the quantity in the logs.
    min_delta : a change of this much or less is no improvement; its sign is ignored.
    patience : epochs without improvement after which training stops; 0 and 1 are alike.
    verbose : 1 says when training was stopped and which epoch's weights were restored.
    mode : ``"min"``, ``"max"``, or ``"auto"``: by the name of the quantity.
    baseline : value that must be beaten as well for the wait to start again, or None.
    restore_best_weights : at the end of training, however it ended, set the weights of the best epoch. The optimizer's state is not
        taken back.
    start_from_epoch : epochs before this one are not looked at.

    Attributes
    ----------
    wait : epochs since the last one that counted.
    best, best_epoch, best_weights : the best value, its epoch counted from 0, its weights (None unless they are to be restored).
    stopped_epoch : the epoch that stopped training, counted from 0; 0 when it was not stopped.

    Raises
    ------
    TypeError, ValueError
        An argument that is no number where one is needed; at the end of the first epoch (ValueError), a `monitor` whose direction "auto"
        cannot tell.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> model = SimpleNamespace(stop_training=False)
    >>> stopper = EarlyStopping(patience=2)
    >>> stopper.set_model(model)
    >>> stopper.on_train_begin()
    >>> for epoch, val_loss in enumerate([0.9, 0.7, 0.8, 0.7, 0.6]):
    ...     stopper.on_epoch_end(epoch, {"val_loss": val_loss})
    ...     if model.stop_training:
    ...         break
    >>> stopper.stopped_epoch, stopper.best_epoch, stopper.best
    (3, 1, 0.7)
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience = require_number("EarlyStopping", "patience", patience)
        self.verbose = verbose
        self.baseline = None if baseline is None else require_number("EarlyStopping", "baseline", baseline)
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = require_number("EarlyStopping", "start_from_epoch", start_from_epoch)
        self._forget()

    def _forget(self) -> None:
        """Start afresh, so that one instance serves several trainings."""
        self.wait = 0
        self.stopped_epoch = 0
        self.best = None
        self.best_epoch = 0
        self.best_weights: list[np.ndarray[Any, Any]] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the training before."""
        self._forget()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare the epoch's value with the best, remember it or lose patience."""
        if self.monitor_op is None:
            self._set_monitor_op()
        current = self.get_monitor_value(logs)
        if current is None or epoch < self.start_from_epoch:
            return

        self.wait += 1
        if self._is_improvement(current, self.best):
            self.best = current
            self.best_epoch = epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self._is_improvement(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Restore the best weights, also when training ended by itself or was stopped by another callback."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            announce(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if not self.restore_best_weights:
            return
        if self.best_weights is not None:
            if self.verbose > 0:
                announce(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)
        elif self.verbose > 0:
            announce(f"No epoch had a {self.monitor} to compare: the weights stay as training left them.")

    def get_monitor_value(self, logs: Logs | None) -> Any:
        """Return the monitored value, or warn, name what there is, and return None."""
        logs = logs or {}
        value = logs.get(self.monitor)
        if value is None:
            warnings.warn(
                f"Early stopping conditioned on metric `{self.monitor}` which is not available. Available metrics are: {','.join(logs)}",
                stacklevel=3,
            )
        return value
