"""The run: everyone is prepared, everyone's loss is compared, and only then are rounds taken, A B C A B C.

In come the peers' names and the workload; out comes one report, plain values that go into JSON as they are. An entry of it is one peer with
one model; its `status` is `timed`, `skipped` (not here: the reason) or `failed` (it ran and something is wrong: the reason).
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.header import PROJECT, header
from benchmarks.peers import ON_CPU, PEERS, REFERENCE, REFERENCE_PER_LOOKUP, Peer
from benchmarks.seed_epoch import SeedEpoch

ROUND_SECONDS = 0.25
ROUND_EPOCHS = 10
"""A round lasts that long or that many epochs, and at least one: a peer of 20 ms an epoch is not judged by one of them."""

BEFORE_TOLERANCE = 1e-6
"""On the loss before training, in nats: minirnn and Keras, on TensorFlow and on JAX, are 1e-7 apart here."""
AFTER_TOLERANCE = 1e-5
"""On an epoch's training loss, in nats. RMSprop divides by the root of a running mean, so rounding grows from step to step: 4e-7 apart over
eight epochs. The one known difference in the arithmetic, `EMBEDDING_DIFFERS`, is 1e-2."""

EMBEDDING_DIFFERS = "Keras on TensorFlow adds up the squares of a repeated id's gradients, the others square their sum"

Entry = dict[str, Any]


THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)


class PeerFailed(RuntimeError):
    """A peer's process raised or ended; the message says what it said last."""


class PeerProcess:
    """The process of one peer, alive from its first command until it is closed."""

    def __init__(self, peer: Peer, *, threads: int | None, environment: dict[str, str] | None = None) -> None:
        variables = {**os.environ, **ON_CPU, **peer.environment, **(environment or {})}
        if threads is not None:
            variables |= dict.fromkeys(THREAD_VARIABLES, str(threads))
        self.noise = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115  closed in __exit__
        command = [sys.executable, "-m", "benchmarks.worker", *([] if threads is None else [str(threads)])]
        self.process = subprocess.Popen(
            command, cwd=PROJECT, env=variables, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.noise
        )

    def ask(self, do: str, **details: Any) -> dict[str, Any]:
        """Give a command and wait for its answer.

        Raises
        ------
        PeerFailed
            The peer raised, or its process is gone.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            print(json.dumps({"do": do, **details}), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        answer: dict[str, Any] = json.loads(line) if line else {"error": f"its process ended ({self.last_words()})"}
        if "error" in answer:
            raise PeerFailed(answer["error"])
        return answer

    def last_words(self) -> str:
        """Return the last line that the process wrote for people."""
        self.noise.seek(0)
        lines = self.noise.read().strip().splitlines()
        return lines[-1] if lines else f"exit code {self.process.poll()}, without a word"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.close()
            self.process.wait(timeout=2 if kind is None else 0.1)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.noise.close()


def available_bytes() -> int | None:
    """Return the memory that can still be had, where the system says so."""
    listing = Path("/proc/meminfo")
    if listing.exists():
        for line in listing.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def reason_to_skip(peer: Peer, model: str, work: SeedEpoch) -> str | None:
    """Say what keeps a peer from running here at all, or None."""
    if missing := peer.missing():
        return f"{missing} is not installed"
    needed, free = peer.dense_bytes(model, work), available_bytes()
    if free is not None and needed > free:
        return f"needs about {needed / 1e9:.1f} GB for dense one-hot arrays, {free / 1e9:.1f} GB are free"
    return None


def compare_losses(entry: Entry, reference: Entry | None) -> tuple[bool, str]:
    """Compare an entry's losses with the reference's for the same model, before training and after every epoch that both have run.

    Returns
    -------
    equal : False only where something that must be equal is not
    verdict : one line that says what was compared
    """
    if entry["loss_before"] is None:
        return True, "gradients checked against NumPy"
    if reference is None:
        return True, f"not compared: {REFERENCE} has not run this model"
    if entry is reference:
        return True, "the reference"
    if entry["digest"] != reference["digest"]:
        return False, "it was given other ids, labels or weights"
    before = abs(entry["loss_before"] - reference["loss_before"])
    common = list(zip(entry["losses"], reference["losses"], strict=False))
    if squares_lookups(entry) and squares_lookups(reference):
        common = common[:1]  # from the second epoch on rounding grows a millionfold on this path, in Keras as here (parity/trainings)
    # A NaN counts as infinitely far: Python's max would pass over it.
    apart = [abs(mine - theirs) for mine, theirs in common]
    after = math.inf if any(map(math.isnan, apart)) else max(apart)
    epochs = f"{len(common)} epoch{'s' if len(common) > 1 else ''}"
    if not before <= BEFORE_TOLERANCE:
        return False, f"before training its loss differs by {before:.1e}, allowed {BEFORE_TOLERANCE:.0e}"
    if squares_lookups(entry) and not squares_lookups(reference):
        return True, f"equal before training ({before:.0e}); {EMBEDDING_DIFFERS}, so its training differs ({after:.0e})"
    if not after <= AFTER_TOLERANCE:
        return False, f"its loss differs by {after:.1e} within {epochs}, allowed {AFTER_TOLERANCE:.0e}"
    return True, f"equal before training ({before:.0e}) and over {epochs} ({after:.0e})"


def squares_lookups(entry: Entry) -> bool:
    """Tell whether an entry squares the gradient of each lookup of an id (`EMBEDDING_DIFFERS`)."""
    return entry["model"] == "embedding" and entry["peer"] in ("keras-tensorflow", REFERENCE_PER_LOOKUP)


def judge(entries: Iterable[Entry]) -> None:
    """Put the verdict into every entry that runs; one whose loss differs has failed, and is timed no further."""
    running = [entry for entry in entries if entry["status"] == "timed"]
    references = {entry["model"]: entry for entry in running if entry["peer"] == REFERENCE}
    same_squares = next((entry for entry in running if entry["peer"] == REFERENCE_PER_LOOKUP), None)
    for entry in running:
        reference = same_squares if squares_lookups(entry) and same_squares else references.get(entry["model"])
        equal, entry["equality"] = compare_losses(entry, reference)
        if not equal:
            fail(entry, entry["equality"])


def fail(entry: Entry, reason: object) -> None:
    """Mark an entry that ran and is wrong."""
    entry |= {"status": "failed", "reason": str(reason)}


def prepare(stack: ExitStack, entry: Entry, work: SeedEpoch, threads: int | None) -> PeerProcess | None:
    """Start a peer's process, let it train its first epoch, and keep it alive; None where that did not work.

    A peer that keeps its kernels on disk is started twice: with an empty cache, as after an install, and with the cache that this left.
    """
    peer = PEERS[entry["peer"]]
    details = {"peer": peer.name, "model": entry["model"], "work": asdict(work)}
    environment: dict[str, str] = {}
    try:
        if peer.caches_kernels:
            environment["NUMBA_CACHE_DIR"] = stack.enter_context(tempfile.TemporaryDirectory(prefix="minirnn-kernels-"))
            with PeerProcess(peer, threads=threads, environment=environment) as first:
                answer = first.ask("prepare", **details)
            entry["fresh_install"] = {name: seconds for name, seconds in answer.items() if name.endswith("_seconds")}
        process = stack.enter_context(PeerProcess(peer, threads=threads, environment=environment))
        answer = process.ask("prepare", **details)
    except PeerFailed as reason:
        fail(entry, reason)
        return None
    if "unavailable" in answer:
        entry |= {"status": "skipped", "reason": answer["unavailable"]}
        return None
    entry |= answer
    entry |= {"status": "timed", "rounds": []}
    return process


def run(
    peers: Iterable[str], work: SeedEpoch, *, rounds: int, threads: int | None = None, say: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Prepare, compare, time.

    Parameters
    ----------
    peers
        Names from `PEERS`.
    work
        The workload.
    rounds
        How often each is timed, in turn.
    threads
        The same for all; None leaves each what it does by default.
    say
        Told what is going on, a line at a time.
    """
    entries: list[Entry] = [{"peer": name, "model": model} for name in peers for model in PEERS[name].models]
    report = {"header": header(threads, work.seed), "workload": asdict(work), "entries": entries}
    with ExitStack() as stack:
        processes: list[tuple[Entry, PeerProcess]] = []
        for entry in entries:
            say(f"preparing {entry['peer']}, {entry['model']}")
            if reason := reason_to_skip(PEERS[entry["peer"]], entry["model"], work):
                entry |= {"status": "skipped", "reason": reason}
            elif process := prepare(stack, entry, work, threads):
                processes.append((entry, process))
        judge(entries)
        for number in range(1, rounds + 1):
            for entry, process in processes:
                if entry["status"] != "timed":
                    continue
                say(f"round {number} of {rounds}: {entry['peer']}, {entry['model']}")
                try:
                    answer = process.ask("round", seconds=ROUND_SECONDS, most=ROUND_EPOCHS)
                except PeerFailed as reason:
                    fail(entry, reason)
                    continue
                entry["rounds"].append(answer["seconds"])
                entry["losses"] += answer["losses"]
        judge(entries)
        for entry, process in processes:
            if entry["status"] == "timed":
                entry |= process.ask("finish")
    return report
