"""A standard output that says it is a terminal, and a clock that stands still until it is moved."""

import contextlib
import functools
import inspect
import io
import re

import pytest

from minirnn import progress

BAR = "━" * 20
LOGS = {"accuracy": 0.7321, "loss": 0.5432}


class Terminal(io.StringIO):
    """A standard output that says it is a terminal, and can say what stands on it."""

    def isatty(self):
        return True

    def rows(self):
        """Follow the two controls that the line uses: carriage return and erase line."""
        rows = []
        for row in re.sub(r"\x1b\[[0-9;]*m", "", self.getvalue()).split("\n"):
            last = row.split("\r\x1b[2K")[-1]
            assert not re.search(r"[\x00-\x1f]", last), f"another control code: {last!r}"
            rows.append(last)
        return rows


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def on_terminal(test):
    """Run a test on a terminal, its argument `terminal`.

    A decorator and not a fixture, because pytest puts its own standard output in place after fixtures are set up.
    """

    @functools.wraps(test)
    def run(*arguments, **fixtures):
        terminal = Terminal()
        with pytest.MonkeyPatch.context() as environment, contextlib.redirect_stdout(terminal):
            environment.setenv("TERM", "xterm-256color")
            environment.setenv("COLUMNS", "120")
            environment.delenv("NO_COLOR", raising=False)
            progress._console.cache_clear()  # the console reads the environment when it is made
            try:
                test(*arguments, terminal=terminal, **fixtures)
            finally:
                progress._console.cache_clear()
        assert progress._open_line is None, "the test left its line open"

    signature = inspect.signature(test)
    run.__signature__ = signature.replace(parameters=[known for name, known in signature.parameters.items() if name != "terminal"])
    return run
