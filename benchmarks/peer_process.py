"""A peer's process, seen from outside: it is started, asked, watched, and ended.

Comes in: a peer, the threads it may use, a command. Goes out: its answer, within the time that it has; or `PeerFailed`, or `PeerTooSlow`.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.header import PROJECT
from benchmarks.peers import ON_CPU, Peer

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
WATCH_SECONDS = 0.05
"""How often a process's own memory is read while it works off its first call."""


class PeerFailed(RuntimeError):
    """A peer's process raised or ended; the message says what it said last."""


class PeerTooSlow(PeerFailed):
    """A peer has not answered in its time; its process is ended."""


class PeerProcess:
    """The process of one peer, alive from its first command until it is closed."""

    def __init__(self, peer: Peer, *, threads: int, environment: dict[str, str] | None = None) -> None:
        variables = {**os.environ, **ON_CPU, **peer.environment, **(environment or {})}
        variables |= dict.fromkeys(THREAD_VARIABLES, str(threads))
        self.noise = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115  closed in __exit__
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", str(threads)],
            cwd=PROJECT,
            env=variables,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.noise,
        )
        self.own_peak_bytes: int | None = None

    def ask(self, do: str, *, within: float, watch: bool = False, **details: Any) -> dict[str, Any]:
        """Give a command and wait for its answer.

        Parameters
        ----------
        do
            The command.
        within
            Seconds that it may take.
        watch
            Whether `own_peak_bytes` is taken meanwhile: of the memory, what is no file that the system could drop.

        Raises
        ------
        PeerFailed
            The peer raised, or its process is gone.
        PeerTooSlow
            The time is over.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            print(json.dumps({"do": do, **details}), file=self.process.stdin, flush=True)
            self._await(within, watch)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        answer: dict[str, Any] = json.loads(line) if line else {"error": f"its process ended ({self.last_words()})"}
        if "error" in answer:
            raise PeerFailed(answer["error"])
        return answer

    def _await(self, within: float, watch: bool) -> None:
        end = time.perf_counter() + within
        self.own_peak_bytes = None
        while (left := end - time.perf_counter()) > 0:
            if select.select([self.process.stdout], [], [], min(left, WATCH_SECONDS) if watch else left)[0]:
                return
            if watch and (own := self._own_bytes()) is not None:
                self.own_peak_bytes = max(own, self.own_peak_bytes or 0)
        self.end()
        raise PeerTooSlow(f"no answer within {within:.0f} s")

    def _own_bytes(self) -> int | None:
        try:
            listing = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return None
        return next((int(line.split()[1]) * 1024 for line in listing.splitlines() if line.startswith("RssAnon:")), None)

    def last_words(self) -> str:
        """Return the last line that the process wrote for people."""
        self.noise.seek(0)
        lines = self.noise.read().strip().splitlines()
        return lines[-1] if lines else f"exit code {self.process.poll()}, without a word"

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self.process.poll() is None

    def end(self) -> None:
        """End the process at once."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.close()
            self.process.wait(timeout=2 if kind is None else 0.1)
        except (OSError, subprocess.TimeoutExpired):
            self.end()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.noise.close()
