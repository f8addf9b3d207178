"""The line that shows how far a run is, worded as Keras words it::

    Epoch 3/100
    313/313 ━━━━━━━━━━━━━━━━━━━━ 0s 153us/step - accuracy: 0.7321 - loss: 0.5432 - val_accuracy: 0.7290 - val_loss: 0.5513

Comes in: how many steps of how many are done, and the running values. Goes out: text on standard output.

The second figure is the time that is left, and once the line is finished the time that it took; the third is the mean time of a step,
without the first, which may compile. On a terminal the line is drawn over itself through rich, at most ten times a second. The cursor is
never hidden, so a killed process leaves nothing to repair. Off a terminal no control code is ever written.

Source: wording, widths and formats are those of ``keras/src/utils/progbar.py``, Keras 3.15.1. Differences that are meant: off a terminal
nothing is redrawn; a line wider than the terminal is cut while it is redrawn; a negative value is written alike in all forms.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:  # imported when the first line is drawn on a terminal; a quiet run never pays for it
    from rich.console import Console

WIDTH = 20
"""Characters of the bar."""

INTERVAL = 0.1
"""Seconds between two drawings: a drawing costs about 0.1 ms, and a whole epoch may take 50 ms."""

Form = Literal["silent", "live", "bar", "line", "joined"]

_open_line: ProgressLine | None = None
"""The line that stands unfinished on the terminal. A module's variable, because there is one terminal."""


def choose_form(verbose: int | str, on_terminal: bool | None = None) -> Form:
    """Decide what ``verbose`` shows.

    ========  =========================================  ====================================================
    verbose   on a terminal                              off it (a file, a pipe, a notebook)
    ========  =========================================  ====================================================
    0         nothing                                    nothing
    1         "live": heading, and a bar that moves      "bar": heading, and the finished bar
    2         "line": heading, and a line without bar    "line": the same
    "auto"    "live"                                     "joined": heading and line without bar, in one line
    ========  =========================================  ====================================================

    Parameters
    ----------
    verbose : 0, 1, 2, ``"auto"``, or a bool (True is 1).
    on_terminal : whether standard output is a terminal that can be drawn on; found out when None.

    Raises
    ------
    ValueError
        Any other `verbose`.

    Examples
    --------
    >>> choose_form("auto", on_terminal=True), choose_form("auto", on_terminal=False)
    ('live', 'joined')
    """
    if verbose not in (0, 1, 2, "auto"):
        raise ValueError(f"verbose must be 0 (silent), 1 (a bar), 2 (a line per epoch) or 'auto', received {verbose!r}.")
    if verbose == 0:
        return "silent"
    if verbose == 2:
        return "line"
    if _is_terminal() if on_terminal is None else on_terminal:
        return "live"
    return "bar" if verbose == 1 else "joined"


def announce(message: str) -> None:
    """Print a message of a callback; an unfinished line makes way for it.

    Keras begins some messages with a line end, to get away from its bar; where there is no bar to get away from, it stays.
    """
    if _open_line is not None:
        _open_line.clear()
        message = message.removeprefix("\n")
    print(message, flush=True)


class ProgressLine:
    """One line, from its first step to its last.

    Parameters
    ----------
    total : number of steps.
    form : any but "silent", from `choose_form`.
    heading : text above the line, in form "joined" before it; none when empty. Printed at once.
    clock : function that gives the time in seconds.

    Examples
    --------
    >>> line = ProgressLine(25, "joined", "Epoch 3/8", clock=iter([0.0, 50.0]).__next__)
    >>> line.finish({"loss": 0.5})
    Epoch 3/8 - 25/25 - 50s - 2s/step - loss: 0.5000
    """

    def __init__(self, total: int, form: Form, heading: str = "", clock: Callable[[], float] = time.perf_counter) -> None:
        self._total = total
        self._form = form
        self._prefix = f"{heading} - " if heading and form == "joined" else ""
        self._values: dict[str, Any] = {}
        self._clock = clock
        self._start = clock()
        self._first_step_end: float | None = None
        # A bar always wants the end of the first step, to leave it out of the mean; the other forms do not, as in Keras.
        self._has_bar = form in ("live", "bar")
        self._next_draw = -np.inf if self._has_bar else np.inf
        if heading and form != "joined":
            announce(heading)

    def due(self) -> bool:
        """Tell whether `update` would do anything now. Costs a look at the clock, so that a loop can ask every step."""
        return self._clock() >= self._next_draw

    def update(self, current: int, values: Mapping[str, Any]) -> None:
        """Take in that `current` steps are done, with these running values, and draw if it is time."""
        now = self._clock()
        # dict.update keeps the place of a name that is known: validation's values, which come last, are shown last.
        self._values.update(values)
        if current == 1 and self._has_bar and self._first_step_end is None:
            self._first_step_end = now
        if self._next_draw == -np.inf:
            self._next_draw = self._start + INTERVAL if self._form == "live" else np.inf
        if now >= self._next_draw:
            self._draw(current, now, finished=False)
            self._next_draw = self._clock() + INTERVAL

    def finish(self, values: Mapping[str, Any]) -> None:
        """Write the line for good."""
        self._values.update(values)
        now = self._clock()
        if self._form in ("line", "joined"):
            announce(self._prefix + self._text_without_bar(now))
        elif self._form == "bar":
            announce("".join(text for text, _ in self._pieces(self._total, now, finished=True)))
        else:
            self._draw(self._total, now, finished=True)

    def abandon(self) -> None:
        """Leave the line as it is and end it, if it stands on the terminal."""
        global _open_line
        if _open_line is self:
            _open_line = None
            print(flush=True)

    def clear(self) -> None:
        """Take the line off the terminal; the next drawing brings it back."""
        global _open_line
        if _open_line is self:
            from rich.control import Control
            from rich.segment import ControlType

            _open_line = None
            _console().control(Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2)))

    def _draw(self, current: int, now: float, *, finished: bool) -> None:
        """Draw on the terminal, over the line's last drawing."""
        global _open_line
        from rich.text import Text

        console = _console()
        with console:  # one write for all of it: no flicker
            if _open_line is not None:
                _open_line.clear()
            text = Text.assemble(*self._pieces(current, now, finished=finished))
            if finished:
                console.print(text, soft_wrap=True)
            else:
                console.print(text, end="", no_wrap=True, overflow="ellipsis", crop=True)
                _open_line = self

    def _pieces(self, current: int, now: float, *, finished: bool) -> list[tuple[str, str]]:
        """Give the line as (text, style) pairs: count, bar, time, mean time of a step, values."""
        fraction = current / self._total if self._total else 1.0
        filled = int(WIDTH * fraction)
        mark = _bar_character()
        step_seconds = self._seconds_per_step(current, now)
        clock = f"{now - self._start:.0f}s" if finished else format_remaining(step_seconds * (self._total - current))
        return [
            (self._count(current), "bold"),
            (" ", ""),
            (mark * filled, "green"),
            (mark * (WIDTH - filled), "white"),
            (" ", ""),
            (clock, "bold"),
            (f" {format_step(step_seconds)}{self._all_values()}", ""),
        ]

    def _text_without_bar(self, now: float) -> str:
        step = format_step(self._seconds_per_step(self._total, now))
        return f"{self._count(self._total)} - {now - self._start:.0f}s - {step}{self._all_values()}"

    def _count(self, current: int) -> str:
        return f"{current:{len(str(self._total))}d}/{self._total}"

    def _all_values(self) -> str:
        return "".join(f" - {name}: {format_value(value)}" for name, value in self._values.items())

    def _seconds_per_step(self, current: int, now: float) -> float:
        if current == 0:
            return 0.0
        if self._first_step_end is not None and current > 1:
            return (now - self._first_step_end) / (current - 1)
        return (now - self._start) / current


def format_value(value: Any) -> str:
    """Write a value with four decimals, or in powers of ten when they would not show it.

    >>> format_value(0.54321), format_value(0.0005), format_value(0)
    ('0.5432', '5.0000e-04', '0.0000e+00')
    """
    try:
        number = float(np.mean(value))
    except TypeError:  # a callback may put anything in the logs
        return str(value)
    return f"{number:.4f}" if abs(number) > 1e-3 else f"{number:.4e}"


def format_step(seconds: float) -> str:
    """Write the time of a step in the unit that suits it.

    >>> format_step(2.4), format_step(0.0123), format_step(0.000153)
    ('2s/step', '12ms/step', '153us/step')
    """
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s/step"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.0f}ms/step"
    return f"{seconds * 1e6:.0f}us/step"


def format_remaining(seconds: float) -> str:
    """Write the time that is left.

    >>> format_remaining(4), format_remaining(130), format_remaining(7384)
    ('4s', '2:10', '2:03:04')
    """
    whole = int(seconds)
    if seconds > 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    if seconds > 60:
        return f"{whole // 60}:{whole % 60:02d}"
    return f"{whole}s"


def _is_terminal() -> bool:
    """Ask standard output itself: rich also takes a log file for a terminal when FORCE_COLOR is set."""
    return bool(getattr(sys.stdout, "isatty", bool)()) and os.environ.get("TERM", "").lower() not in ("dumb", "unknown")


def _bar_character() -> str:
    """Give the bar's character, or a plain one where standard output cannot say it."""
    try:
        "━".encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return "="
    return "━"


@cache
def _console() -> Console:
    """Make the console that draws. It follows ``sys.stdout`` wherever that points at the time, and honours NO_COLOR."""
    from rich.console import Console

    return Console(force_terminal=True, force_jupyter=False, highlight=False)
