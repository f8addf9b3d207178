"""The logs of every epoch as lines of a CSV file, while training runs.

Comes in: the logs of each epoch. Goes out: a file with the columns ``epoch`` (from 0) and the sorted names that the first epoch reported.
Numbers are written with all their digits, lines end in CRLF, and what an epoch lacks is ``NA``. When the first epoch has no ``val_`` name,
each name gets a ``val_`` column beside it, since validation may come in a later epoch.

Every line is handed to the operating system as soon as its epoch ends, so a crash loses none. An earlier file of that name is emptied
only when the first line of the new one is there to replace it.

Source: ``keras/src/callbacks/csv_logger.py``, Keras 3.15.1: the same bytes, except that Keras empties the earlier file when training
begins, and makes no missing folders.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from typing import IO, Any

import numpy as np

from minirnn.callbacks.callback import Callback, Logs
from minirnn.callbacks.paths import as_path, require_writable


class CSVLogger(Callback):
    r"""Write the logs of every epoch to a CSV file.

    Parameters
    ----------
    filename : path of the file. Missing folders are made.
    separator : the one character between two columns.
    append : add to the file if it exists, with no second header, instead of replacing it.

    Raises
    ------
    ValueError
        `separator` is not one character, or one that a CSV file cannot use.
    OSError
        `filename` cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> logger = CSVLogger(tempfile.mkdtemp() + "/history.csv")
    >>> logger.on_train_begin()
    >>> logger.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.625})
    >>> logger.on_train_end()
    >>> with open(logger.filename, newline="") as stream:
    ...     stream.read()
    'epoch,loss,val_loss\r\n0,0.5,0.625\r\n'
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        if not isinstance(separator, str) or len(separator) != 1 or separator in '\r\n"':
            raise ValueError(
                f"CSVLogger: separator must be one character, no quote or line end, received {separator!r}. Usual: ',' or '\\t'."
            )
        self.filename = as_path("CSVLogger", "filename", filename)
        self.sep = separator
        self.append = append
        self.keys: list[str] | None = None
        self.csv_file: IO[str] | None = None
        self.writer: csv.DictWriter[str] | None = None
        require_writable("CSVLogger", self.filename)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Open the file, so that one which cannot be written is known before the first epoch."""
        self.release()
        os.makedirs(os.path.dirname(self.filename) or ".", exist_ok=True)
        # "a" in both modes: opening must not yet empty a file that nothing replaces so far.
        self.csv_file = open(self.filename, "a", newline="", encoding="utf-8")  # noqa: SIM115 (open for the whole training)
        self.keys = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the epoch's line, and before the first one the header."""
        logs = logs or {}
        if self.csv_file is None:
            raise RuntimeError("CSVLogger.on_epoch_end: the file is not open. Call on_train_begin first, as fit does.")
        if self.keys is None or self.writer is None:
            self.keys = sorted(logs)
            if not any(name.startswith("val_") for name in self.keys):
                self.keys += [f"val_{name}" for name in self.keys]
            self.writer = csv.DictWriter(self.csv_file, ["epoch", *self.keys], delimiter=self.sep)
            if not self.append:
                self.csv_file.truncate(0)
            if os.fstat(self.csv_file.fileno()).st_size == 0:
                self.writer.writeheader()
        self.writer.writerow({"epoch": epoch, **{name: _cell(logs.get(name, "NA")) for name in self.keys}})
        self.csv_file.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Close the file."""
        self.release()

    def release(self) -> None:
        """Close the file if it is open."""
        if self.csv_file is not None:
            self.csv_file.close()
        self.csv_file = None
        self.writer = None


def _cell(value: Any) -> Any:
    """Write a row of values as one cell, ``"[a, b]"``; leave the rest to the csv module, which writes floats with all their digits."""
    if isinstance(value, str) or not isinstance(value, Iterable) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return value
    return f'"[{", ".join(str(item) for item in value)}]"'
