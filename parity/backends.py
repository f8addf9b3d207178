"""Keras's backends: which are installed, and a process for each, since Keras takes its backend when it is imported.

Comes in: names of backends and of cases. Goes out: verdicts as they come, and how each process ended. The processes run side by side; what
one says while another is read waits in a queue.
"""

from __future__ import annotations

import importlib.util
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from minirnn.datasets import store
from parity.compare import Verdict
from parity.errors import Errors
from parity.header import PROJECT

INSTALL = {
    "tensorflow": 'pip install -e ".[test]"',
    "jax": 'pip install -e ".[bench]"',
    "torch": 'pip install -e ".[test,torch]"',
}
"""Keras's backends, in the order of the report -> how to install them."""

ENVIRONMENT = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}
"""Everyone computes on the processor."""

WORKER = ("-m", "parity.worker")
"""What Python runs in the process of a backend."""

LAST_LINES = 5
"""Lines of the standard error that are shown of a process that crashed."""


@dataclass
class Outcome:
    """What came of one backend.

    Attributes
    ----------
    backend : its name
    header : what holds for it, see ``header.of_backend``
    verdicts : all of them
    seconds, seeds : by case
    import_seconds, total_seconds : of loading, and of all cases
    crash : why the process did not come to its end, with its last words; empty when it did
    """

    backend: str
    header: dict[str, Any] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    seeds: dict[str, list[int]] = field(default_factory=dict)
    import_seconds: float = 0.0
    total_seconds: float = 0.0
    crash: str = ""

    @property
    def failures(self) -> list[Verdict]:
        """The verdicts that failed."""
        return [verdict for verdict in self.verdicts if not verdict.passed]

    @property
    def passed(self) -> bool:
        """Whether something was compared, and nothing failed."""
        return bool(self.verdicts) and not self.failures and not self.crash


def missing(backend: str) -> str:
    """Say what would have to be installed for that backend; nothing when it is there."""
    absent = [module for module in ("keras", backend) if importlib.util.find_spec(module) is None]
    return f"{' and '.join(absent)} not installed; {INSTALL[backend]}" if absent else ""


class BackendProcess:
    """One backend at work, from its start to its end; leaving it ends the process, wherever it is."""

    def __init__(self, backend: str, only: str = "") -> None:
        self.outcome = Outcome(backend)
        self._case, self._done = "", False
        self._noise = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115  closed in __exit__
        self._messages: queue.Queue[str | None] = queue.Queue()
        self._process = subprocess.Popen(
            [sys.executable, *WORKER, backend, only],
            cwd=PROJECT,
            env={**compile_cache(backend), **os.environ, **ENVIRONMENT, "KERAS_BACKEND": backend},
            text=True,
            stdout=subprocess.PIPE,
            stderr=self._noise,
            start_new_session=True,  # Ctrl-C reaches the parent alone, which then ends this process
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._messages.put(line)
        self._messages.put(None)

    def messages(self) -> Iterator[list[Verdict]]:
        """Give what it finds, case by case, and fill in the outcome; first an empty list, when the backend is loaded."""
        while (line := self._messages.get()) is not None:
            try:
                message = json.loads(line)
            except json.JSONDecodeError:  # it died while it spoke
                self._done = False
                self._process.kill()
                break
            if "begin" in message:
                self._case = message["begin"]
            elif "done" in message:
                self.outcome.total_seconds, self.outcome.import_seconds, self._done = message["done"], message["import_seconds"], True
            elif "header" in message:
                self.outcome.header = message["header"]
                yield []
            else:
                verdicts = [read_verdict(fields) for fields in message["verdicts"]]
                self.outcome.verdicts += verdicts
                self.outcome.seconds[message["end"]], self.outcome.seeds[message["end"]] = message["seconds"], message["seeds"]
                yield verdicts
        if self._process.wait() or not self._done:
            where = f"in case {self._case}" if self._case else "before the first case"
            self.outcome.crash = f"the process ended {where}, exit code {self._process.returncode}:\n{self._last_words()}"

    def _last_words(self) -> str:
        self._noise.seek(0)
        lines = self._noise.read().strip().splitlines()
        return "\n".join(lines[-LAST_LINES:]) or "without a word"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._noise.close()


def start(stack: ExitStack, backends: Sequence[str], only: str) -> list[BackendProcess]:
    """Start a process for each backend; the stack ends them."""
    return [stack.enter_context(BackendProcess(backend, only)) for backend in backends]


def compile_cache(backend: str) -> dict[str, str]:
    """Let JAX keep what it has compiled for the next run: nearly all its time goes there, and the code is the same."""
    if backend != "jax":
        return {}
    return {
        "JAX_COMPILATION_CACHE_DIR": str(store.cache_folder() / "parity-jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
    }


def read_verdict(fields: dict[str, Any]) -> Verdict:
    """Make a verdict again of what JSON made of it."""
    statistics = {
        pair: Errors(**{**errors, "at": tuple(errors["at"]), "histogram": tuple(errors["histogram"])})
        for pair, errors in fields["statistics"].items()
    }
    return Verdict(**{**fields, "shape": tuple(fields["shape"]), "at": tuple(fields["at"]), "statistics": statistics})
