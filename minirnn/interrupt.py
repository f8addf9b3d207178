"""Ctrl-C at any moment of a training, also while kernels are compiled.

Comes in: the signal. Goes out: one `KeyboardInterrupt`, at once; or, while numba compiles, at the end of the batch that waits for it.

The compiler calls back into Python through ctypes, which swallows a KeyboardInterrupt that falls there: what follows is then an internal
error of numba's with a traceback, or nothing at all. So while a frame of the compiler is on the stack the signal is only noted.

Source: ``signal`` and ``ctypes`` of Python's own library: "Exception ignored on calling ctypes callback function".
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

import typer

from minirnn.callbacks import Callback

_COMPILER = ("numba", "llvmlite")


class Interrupter(Callback):
    """A context that watches for Ctrl-C, and the callback that passes on a noted one.

    In a thread other than the main one, where signals cannot be watched, it does nothing.

    Attributes
    ----------
    noted : whether Ctrl-C was pressed and has not been passed on yet.
    """

    def __init__(self) -> None:
        self.noted = False
        self._before: Any = None

    def __enter__(self) -> Interrupter:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
        self._before = None

    def wants_batch(self) -> bool:
        """Tell whether Ctrl-C was noted: only then is the batch's end of interest."""
        return self.noted

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Raise KeyboardInterrupt if one was noted."""
        self.pass_on()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Raise KeyboardInterrupt if one was noted during validation."""
        self.pass_on()

    def pass_on(self) -> None:
        """Raise KeyboardInterrupt if one was noted."""
        if self.noted:
            self.noted = False
            raise KeyboardInterrupt

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.noted or not _compiling(frame):
            raise KeyboardInterrupt
        self.noted = True
        typer.echo("Stopping as soon as the kernels are compiled.", err=True)


def _compiling(frame: FrameType | None) -> bool:
    """Tell whether a frame of the compiler is on the stack."""
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).split(".")[0] in _COMPILER:
            return True
        frame = frame.f_back
    return False
