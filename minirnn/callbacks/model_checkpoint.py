"""Save the model, or its weights, while it trains.

Comes in: a path that may hold ``{epoch}``, ``{batch}`` and names from the logs, and what to save when. Goes out: files. Each is written
whole or not at all (the model's own `save` sees to that), so a crash while saving leaves the last good file.

Source: ``keras/src/callbacks/model_checkpoint.py``, Keras 3.15.1. Differences that are meant: whole-number `save_freq` works with
`save_best_only` (Keras raises TypeError at the second save of the first epoch); the direction of `monitor` is asked for only when it is
needed; a NaN is never the best; a path that cannot be written is an error at once, not after the first epoch; whole models are written as
``.keras`` only.
"""

from __future__ import annotations

import os
import string
import warnings
from typing import Any

import numpy as np

from minirnn.callbacks.callback import Logs
from minirnn.callbacks.monitor import MonitorCallback, require_number
from minirnn.callbacks.paths import as_path, require_writable
from minirnn.progress import announce


class ModelCheckpoint(MonitorCallback):
    """Save the model after every epoch or every so many batches, or only when it is the best so far.

    Parameters
    ----------
    filepath : where to save, ending in ``.keras``, or in ``.weights.h5`` with `save_weights_only`. It is formatted with ``epoch`` (from
        1), with everything in the logs, and with ``batch`` (from 1) when `save_freq` is a number, for instance
        ``"best-{epoch:02d}-{val_loss:.3f}.keras"``. Missing folders are made.
    monitor : name of the quantity in the logs that decides what is best.
    verbose : 1 says what is saved where, and why not.
    save_best_only : save only when `monitor` improves. When the logs lack it: warn, and save.
    save_weights_only : call ``model.save_weights`` instead of ``model.save``.
    mode : ``"min"``, ``"max"``, or ``"auto"``: by the name of the quantity.
    save_freq : ``"epoch"``, or a number of batches, counted across epochs.
    initial_value_threshold : with `save_best_only`, a value that must be beaten for the first save, or None.

    Attributes
    ----------
    best : the best value so far, or None. It is kept from one `fit` to the next.

    Raises
    ------
    ValueError
        `filepath` has a wrong ending or cannot be formatted, or a `save_freq` that is neither ``"epoch"`` nor a positive whole number.
    OSError
        `filepath` cannot be written.
    KeyError
        When saving: `filepath` holds a name that is not in the logs.

    Examples
    --------
    >>> import tempfile
    >>> checkpoint = ModelCheckpoint(tempfile.mkdtemp() + "/best.keras", save_best_only=True)
    >>> checkpoint.best is None
    True
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        if initial_value_threshold is not None:
            require_number("ModelCheckpoint", "initial_value_threshold", initial_value_threshold)
        super().__init__(monitor, mode, initial_value_threshold)
        self.filepath = as_path("ModelCheckpoint", "filepath", filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self._batches_since_save = 0
        self._epoch = 0

        if save_freq != "epoch" and (isinstance(save_freq, bool) or not isinstance(save_freq, int | np.integer) or save_freq < 1):
            raise ValueError(
                f"ModelCheckpoint: Unrecognized save_freq: {save_freq!r}. Expected 'epoch', or a number of batches of at least 1."
            )
        if save_weights_only and not self.filepath.endswith(".weights.h5"):
            raise ValueError(
                f"ModelCheckpoint: with save_weights_only=True, filepath must end in '.weights.h5', received {self.filepath!r}. "
                "Change the ending, or leave save_weights_only out to save the whole model."
            )
        if not save_weights_only and not self.filepath.endswith(".keras"):
            raise ValueError(
                f"ModelCheckpoint: filepath must end in '.keras', received {self.filepath!r}. Keras's older HDF5 format of whole models "
                "('.h5') is not written; for weights alone pass save_weights_only=True and the ending '.weights.h5'."
            )
        _require_named_fields(self.filepath)
        require_writable("ModelCheckpoint", self.filepath)

    def wants_batch(self) -> bool:
        """Tell whether batches count: with ``save_freq="epoch"`` they do not."""
        return self.save_freq != "epoch"

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Note the epoch, for the names of files that are saved within it."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Count the batch, and save at every `save_freq`-th."""
        if isinstance(self.save_freq, str):
            return
        self._batches_since_save += 1
        if self._batches_since_save >= self.save_freq:
            self._batches_since_save = 0
            self._save(self._epoch, batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save, unless saving goes by batches."""
        if self.save_freq == "epoch":
            self._save(epoch, None, logs or {})

    def _save(self, epoch: int, batch: int | None, logs: Logs) -> None:
        """Write the file of this epoch, or of this batch, if it is to be written."""
        path = self._format_path(epoch, batch, logs)
        if self.save_best_only and not self._is_best(epoch, logs, path):
            return
        if not self.save_best_only and self.verbose > 0:
            announce(f"\nEpoch {epoch + 1}: saving model to {path}")
        # Again, on the formatted path: a name made from the logs may turn out to be a folder.
        require_writable("ModelCheckpoint", path)
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)
        if self.verbose > 0:
            announce(f"\nEpoch {epoch + 1}: finished saving model to {path}")

    def _is_best(self, epoch: int, logs: Logs, path: str) -> bool:
        """Tell whether the monitored value is the best so far, and remember it if so; True when there is nothing to compare."""
        current: Any = logs.get(self.monitor)
        if current is None:
            warnings.warn(f"Can save best model only with {self.monitor} available. Available are: {','.join(logs)}.", stacklevel=4)
            return True
        if np.ndim(current) > 0:
            warnings.warn(
                f"Can save best model only when {self.monitor} is a scalar value, received {current}. Saving as without save_best_only.",
                stacklevel=4,
            )
            return True
        before = "None" if self.best is None else f"{self.best:.5f}"
        improved = self._is_improvement(current, self.best)
        if improved:
            self.best = current
        if self.verbose > 0 and improved:
            announce(f"\nEpoch {epoch + 1}: {self.monitor} improved from {before} to {current:.5f}, saving model to {path}")
        elif self.verbose > 0:
            announce(f"\nEpoch {epoch + 1}: {self.monitor} did not improve from {before}")
        return improved

    def _format_path(self, epoch: int, batch: int | None, logs: Logs) -> str:
        """Fill in the names in `filepath`; epoch and batch count from 1 there."""
        names: dict[str, Any] = {"epoch": epoch + 1}
        if batch is not None:
            names["batch"] = batch + 1
        names.update(logs)
        try:
            return self.filepath.format(**names)
        except KeyError as error:
            raise KeyError(
                f'Failed to format this callback filepath: "{self.filepath}". Reason: {error}. Known here: {", ".join(names)}.'
            ) from None


def _require_named_fields(filepath: str) -> None:
    """Raise ValueError unless every field of `filepath` is closed and has a name."""
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(filepath) if field is not None]
    except ValueError as error:
        raise ValueError(
            f"ModelCheckpoint: filepath {filepath!r} cannot be formatted: {error}. Write a brace that is meant as {{{{."
        ) from None
    for field in fields:
        if not field or field[0].isdigit():
            raise ValueError(f"ModelCheckpoint: filepath {filepath!r} cannot be formatted: a field has no name. Write {{epoch}}.")
