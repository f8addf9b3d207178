"""The callback that shows how far a run is: it drives `minirnn.progress` from the hooks.

Comes in: the hooks of a run, and its ``verbose``, ``epochs`` and ``steps``. Goes out: a heading and a line per epoch, or one line for
`evaluate` or `predict`. The validation inside `fit` shows nothing of its own; its figures end the epoch's line.

Source: ``keras/src/callbacks/progbar_logger.py``, Keras 3.15.1.
"""

from __future__ import annotations

from typing import Any

from minirnn.callbacks.callback import Callback, Logs
from minirnn.progress import ProgressLine, choose_form


class ProgressBar(Callback):
    """Show the progress of `fit`, `evaluate` or `predict` on standard output, as ``verbose`` asks.

    `fit` and its kin add one by themselves; `minirnn.progress.choose_form` says what each ``verbose`` shows, on a terminal and off it.

    Raises
    ------
    ValueError
        From `set_params`: ``verbose`` is not 0, 1, 2 or ``"auto"``; ``steps`` is not a whole number.

    Examples
    --------
    >>> bar = ProgressBar()
    >>> bar.set_params({"verbose": 2, "epochs": 1, "steps": 3})
    >>> bar.verbose, bar.steps
    (2, 3)
    """

    def __init__(self) -> None:
        self.verbose: int | str = "auto"
        self.epochs = 1
        self.steps = 0
        self._line: ProgressLine | None = None
        self._in_fit = False
        self._in_validation = False

    def set_params(self, params: dict[str, Any]) -> None:
        """Take ``verbose``, ``epochs`` and ``steps`` of the run."""
        verbose, steps = params.get("verbose", "auto"), params.get("steps")
        choose_form(verbose, on_terminal=False)
        if isinstance(steps, bool) or not isinstance(steps, int) or steps < 0:
            raise ValueError(f"ProgressBar: steps must be the number of batches of an epoch, received {steps!r}.")
        super().set_params(params)
        self.verbose, self.epochs, self.steps = verbose, params.get("epochs", 1), steps

    def wants_batch(self) -> bool:
        """Tell whether the line is due to be drawn again: about ten times a second."""
        return self._line is not None and not self._in_validation and self._line.due()

    def release(self) -> None:
        """End a line that stands unfinished on the terminal, as Ctrl-C leaves it."""
        if self._line is not None:
            self._line.abandon()
        self._line = None
        self._in_fit = self._in_validation = False

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """From here on validation is silent."""
        self._in_fit = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Let a later `evaluate` show its line again."""
        self._in_fit = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Start the epoch's line, with a heading if there is more than one epoch."""
        self._begin(f"Epoch {epoch + 1}/{self.epochs}" if self.epochs > 1 else "")

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Draw the line again if it is due."""
        self._update(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Finish the epoch's line."""
        self._finish(logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Start the line of `evaluate`."""
        self._in_validation = self._in_fit
        if not self._in_fit:
            self._begin()

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Draw the line of `evaluate` again if it is due."""
        if not self._in_fit:
            self._update(batch, logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Finish the line of `evaluate`."""
        self._in_validation = False
        if not self._in_fit:
            self._finish(logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Start the line of `predict`."""
        self._begin()

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Draw the line of `predict` again if it is due; its logs hold arrays, which are not shown."""
        self._update(batch, None)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Finish the line of `predict`."""
        self._finish(None)

    def _begin(self, heading: str = "") -> None:
        form = choose_form(self.verbose)
        self._line = None if form == "silent" else ProgressLine(self.steps, form, heading)

    def _update(self, batch: int, logs: Logs | None) -> None:
        if self._line is not None:
            self._line.update(batch + 1, logs or {})

    def _finish(self, logs: Logs | None) -> None:
        if self._line is not None:
            self._line.finish(logs or {})
        self._line = None
