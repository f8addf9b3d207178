"""What every callback is: a set of hooks that do nothing until a subclass overrides them.

Comes in: the moment (which hook), the number of the epoch or batch (both from 0), and the logs. Goes out: whatever the subclass does.
The order of one `fit`, where ``{...}`` repeats::

    train_begin
    { epoch_begin
      { train_batch_begin  train_batch_end(logs) }
      [ test_begin  { test_batch_begin  test_batch_end(logs) }  test_end(logs) ]    with validation
      epoch_end(logs and val_ logs) }
    train_end(logs of the last epoch)

`evaluate` is the test part alone; `predict` is predict_begin, ``{ predict_batch_begin  predict_batch_end }``, predict_end. All callbacks
of one event get the same dict, in list order, so that a value which one adds at the end of an epoch is seen by those after it. The logs
of a batch are the running means since the epoch began. When `fit` raises, train_end is not called; `Callback.release` always is.

Source: ``keras/src/callbacks/callback.py``, Keras 3.15.1. `Callback.wants_batch` and `Callback.release` are minirnn's own.
"""

from __future__ import annotations

from typing import Any

Logs = dict[str, Any]
"""Name of a loss or metric to its value, for instance ``{"accuracy": 0.73, "loss": 0.54}``."""

BATCH_HOOKS: dict[str, tuple[str, ...]] = {
    "train": ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end"),
    "test": ("on_test_batch_begin", "on_test_batch_end"),
    "predict": ("on_predict_batch_begin", "on_predict_batch_end"),
}
"""The hooks that run once a batch, by what the model is doing."""


class Callback:
    """Base of all callbacks: override the hooks that matter.

    Attributes
    ----------
    model : the model that runs; ``model.stop_training = True`` ends `fit` after the current batch or epoch.
    params : dict with ``"verbose"``, ``"epochs"`` and ``"steps"`` (batches an epoch), or None before a run.

    Examples
    --------
    >>> class Printer(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print(f"epoch {epoch}: loss {logs['loss']:.2f}")
    >>> Printer().on_epoch_end(0, {"loss": 0.693})
    epoch 0: loss 0.69
    """

    # On the class, not in __init__: a subclass that forgets super().__init__() still works.
    params: dict[str, Any] | None = None
    _model: Any = None

    @property
    def model(self) -> Any:
        """The model that runs, or None before `set_model`."""
        return self._model

    def set_model(self, model: Any) -> None:
        """Take the model that is about to run."""
        self._model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Take ``{"verbose": ..., "epochs": ..., "steps": ...}`` of the run."""
        self.params = params

    def wants_batch(self) -> bool:
        """Tell whether the batch that just ended is worth building logs for.

        Asked only of a callback that overrides a batch hook, once a batch, so it must be cheap. The training loop skips the hooks of a
        batch that no callback wants. True unless overridden.
        """
        return True

    def release(self) -> None:
        """Let go of what is held (an open file, an unfinished line), however the run ended; may be called more than once."""

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Run before the first epoch of `fit`."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Run after the last epoch of `fit`; `logs` are that epoch's."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Run before an epoch of `fit`; `epoch` counts from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Run after an epoch of `fit`; `logs` hold its means, and with validation the same names with ``val_`` in front."""

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Run before a training batch: an older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Run after a training batch: an older name of `on_train_batch_end`."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Run before a training batch; `batch` counts from 0 in each epoch. Unless overridden, calls `on_batch_begin`."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Run after a training batch; `logs` are the running means. Unless overridden, calls `on_batch_end`."""
        self.on_batch_end(batch, logs=logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Run before `evaluate`, and before the validation inside `fit`."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Run after `evaluate` or a validation; `logs` are its means, without ``val_``."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Run before a batch of `evaluate` or of a validation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Run after a batch of `evaluate` or of a validation; `logs` are the running means."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Run before `predict`."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Run after `predict`."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Run before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Run after a batch of `predict`; ``logs["outputs"]`` is what the model gave for it."""


def overrides_a_hook(callback: Callback, hooks: tuple[str, ...]) -> bool:
    """Tell whether `callback` replaces any of `hooks`, in its class or on the instance.

    >>> overrides_a_hook(Callback(), BATCH_HOOKS["train"])
    False
    """
    return any(getattr(getattr(callback, hook), "__func__", None) is not getattr(Callback, hook) for hook in hooks)
