"""The record of a training that `fit` returns.

Comes in: the logs at the end of each epoch. Goes out: per name the list of its values, and the list of epochs.

Source: ``keras/src/callbacks/history.py``, Keras 3.15.1.
"""

from __future__ import annotations

from typing import Any

from minirnn.callbacks.callback import Callback, Logs


class History(Callback):
    """Keep what every epoch reported.

    An instance that is passed to a second `fit` keeps its `history` and adds to it, while `epoch` starts again. With `validation_freq`
    the ``val_`` lists are shorter than the others: an epoch without validation adds nothing to them.

    Attributes
    ----------
    history : dict of str to list
        For instance ``{"accuracy": [...], "loss": [...], "val_accuracy": [...], "val_loss": [...]}``, a value per epoch.
    epoch : list of int
        The epochs of the last `fit`, counted from 0; they start at its `initial_epoch`.

    Examples
    --------
    >>> history = History()
    >>> history.on_train_begin()
    >>> history.on_epoch_end(0, {"loss": 0.7})
    >>> history.on_epoch_end(1, {"loss": 0.5, "val_loss": 0.6})
    >>> history.epoch, history.history
    ([0, 1], {'loss': [0.7, 0.5], 'val_loss': [0.6]})
    """

    def __init__(self) -> None:
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def set_model(self, model: Any) -> None:
        """Take the model, and become its ``history``."""
        super().set_model(model)
        model.history = self

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start a new list of epochs."""
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Append each value of `logs` to its list."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
