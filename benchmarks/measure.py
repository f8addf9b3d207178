"""The run: for each workload everyone is prepared, everyone's figures are compared, and only then are rounds taken, A B C A B C.

Comes in: the peers' names and the workloads. Goes out: the results, plain values that go into JSON as they are. An entry is one peer at one
workload; its `status` is `timed`, `not asked` (the work is not for it), `skipped` (not here), `left out` (too slow), or `failed` (it
ran and something is wrong); all but the first carry the reason.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.drawn import draw
from benchmarks.equality import Entry, fail, judge
from benchmarks.header import PROJECT
from benchmarks.peer_process import PeerFailed, PeerProcess, PeerTooSlow
from benchmarks.peers import PEERS, Peer, not_asked
from benchmarks.spread import median
from benchmarks.workloads import SWEEPS, Workload

ROUND_SECONDS = 0.25
ROUND_CALLS = 10
"""A round lasts that long or that many calls, and at least one: a peer of 20 ms an epoch is not judged by one of them."""
STARTING_SECONDS = 60.0
"""Added to a cap where a process has to start and import, and a first call to compile."""
ROOM = 1.2
"""So many times the arrays' size must be free on the disk."""


@dataclass
class Run:
    """One run of the benchmarks.

    Attributes
    ----------
    peers : names from `PEERS`
    chosen : the workloads, in their order
    rounds : how often each is timed, in turn
    threads : the same for all
    quick : whether this is a look
    limit_seconds : after which no further workload begins
    say : told what is going on, a line at a time
    results : what was measured so far, a dict per workload
    """

    peers: Sequence[str]
    chosen: Sequence[Workload]
    rounds: int
    threads: int
    quick: bool = False
    limit_seconds: float = float("inf")
    say: Callable[[str], None] = lambda _: None
    results: list[dict[str, Any]] = field(default_factory=list)
    kernels: str = ""
    pace: dict[tuple[str, str], float] = field(default_factory=dict)

    def go(self) -> list[dict[str, Any]]:
        """Take every workload."""
        start = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="minirnn-kernels-") as self.kernels:
            for _, group in itertools.groupby(self.chosen, lambda w: w.shared or w.name):
                with ExitStack() as stack:
                    processes: dict[str, PeerProcess] = {}
                    for workload in group:
                        entries: list[Entry] = [{"peer": name} for name in self.peers]
                        self.results.append({**asdict(workload), "entries": entries})
                        if time.perf_counter() - start > self.limit_seconds:
                            reason = f"the {self.limit_seconds:.0f} s of this run were over"
                            for entry in entries:
                                entry |= {"status": "left out", "reason": reason}
                        elif workload.kind == "job":
                            self._take_jobs(workload, entries)
                        else:
                            self._take(stack, processes, workload, entries)
        return self.results

    def _take(self, stack: ExitStack, processes: dict[str, PeerProcess], workload: Workload, entries: list[Entry]) -> None:
        with arrays_of(workload) as folder:
            for entry in entries:
                self.say(f"{workload.title}: preparing {entry['peer']}")
                if reason := self._reason_to_skip(entry, workload):
                    entry |= reason
                elif isinstance(folder, str):
                    entry |= {"status": "skipped", "reason": folder}
                else:
                    self._prepare(stack, processes, entry, workload, folder)
            judge(entries, workload)
            self._take_rounds(processes, workload, entries)
            judge(entries, workload)
            for entry in entries:
                if entry["status"] == "timed":
                    entry |= processes[entry["peer"]].ask("finish", within=STARTING_SECONDS)
                    self.pace[workload.section, entry["peer"]] = median(entry) / workload.sizes.tokens

    def _reason_to_skip(self, entry: Entry, workload: Workload) -> Entry | None:
        """Give the status and the reason of an entry that is not tried at all."""
        peer = PEERS[entry["peer"]]
        if why := not_asked(peer, workload, self.quick):
            return {"status": "not asked", "reason": why}
        if missing := peer.missing():
            return {"status": "skipped", "reason": f"{missing} is not installed"}
        needed, free = peer.dense_bytes(workload), available_bytes()
        if free is not None and needed > free:
            return {"status": "skipped", "reason": f"needs about {needed / 1e9:.1f} GB for one-hot arrays, {free / 1e9:.1f} GB are free"}
        expected = self.pace.get((workload.section, peer.name), 0.0) * workload.sizes.tokens
        if workload.section in SWEEPS and expected > workload.cap_seconds:
            why = f"after the point before, {expected:.0f} s or more are to be expected; {workload.cap_seconds:.0f} s are allowed"
            return {"status": "left out", "reason": why}
        return None

    def _environment(self, stack: ExitStack, peer: Peer, entry: Entry, workload: Workload, details: dict[str, Any]) -> dict[str, str]:
        """Say where a peer keeps its kernels; a fresh workload is run with none first, as after an install."""
        if not peer.caches_kernels or not workload.fresh:
            return {"NUMBA_CACHE_DIR": self.kernels}
        environment = {"NUMBA_CACHE_DIR": stack.enter_context(tempfile.TemporaryDirectory(prefix="minirnn-kernels-"))}
        with PeerProcess(peer, threads=self.threads, environment=environment) as first:
            answer = first.ask("prepare", within=STARTING_SECONDS + workload.cap_seconds, **details)
        entry["fresh_install"] = {name: seconds for name, seconds in answer.items() if name.endswith("_seconds")}
        return environment

    def _prepare(self, stack: ExitStack, processes: dict[str, PeerProcess], entry: Entry, workload: Workload, folder: Path) -> None:
        """Let a peer make its first call in a process that stays alive.

        A peer that keeps its kernels on disk may be started twice: with an empty cache, and with the cache that this left.
        """
        peer = PEERS[entry["peer"]]
        details = {"peer": asdict(peer), "workload": asdict(workload), "folder": str(folder)}
        process = processes.get(peer.name)
        try:
            if process is None or not process.alive:
                environment = self._environment(stack, peer, entry, workload, details)
                process = stack.enter_context(PeerProcess(peer, threads=self.threads, environment=environment))
                processes[peer.name] = process
            answer = process.ask("prepare", within=STARTING_SECONDS + workload.cap_seconds, watch=True, **details)
        except PeerFailed as reason:
            self._stop(entry, workload, reason)
            return
        if "unavailable" in answer:
            entry |= {"status": "skipped", "reason": answer["unavailable"]}
            return
        entry |= answer
        entry |= {"status": "timed", "own_peak_bytes": process.own_peak_bytes, "rounds": []}

    def _stop(self, entry: Entry, workload: Workload, reason: PeerFailed) -> None:
        if isinstance(reason, PeerTooSlow):
            self._leave_out(entry, workload, str(reason))
        else:
            fail(entry, reason)

    def _leave_out(self, entry: Entry, workload: Workload, reason: str) -> None:
        entry |= {"status": "left out", "reason": reason}
        self.pace[workload.section, entry["peer"]] = workload.cap_seconds / workload.sizes.tokens

    def _take_rounds(self, processes: dict[str, PeerProcess], workload: Workload, entries: list[Entry]) -> None:
        """Time everyone in turn; whoever has used up the budget is spared the rounds that are left."""
        for number in range(1, self.rounds + 1):
            for entry in entries:
                used = sum(sum(times) for times in entry.get("rounds", []))
                if entry["status"] != "timed" or (entry["rounds"] and used >= workload.budget_seconds):
                    continue
                self.say(f"{workload.title}: round {number} of {self.rounds}, {entry['peer']}")
                try:
                    within = workload.cap_seconds + ROUND_SECONDS
                    answer = processes[entry["peer"]].ask("round", within=within, seconds=ROUND_SECONDS, most=ROUND_CALLS)
                except PeerFailed as reason:
                    self._stop(entry, workload, reason)
                    continue
                entry["rounds"].append(answer["seconds"])
                entry["figures"] += answer["figures"]

    def _take_jobs(self, workload: Workload, entries: list[Entry]) -> None:
        """Time whole processes, from their start to their answer, in turn; a first time that is not counted fills the caches."""
        for number in range(self.rounds + 1):
            for entry in entries:
                used = sum(sum(times) for times in entry.get("rounds", []))
                if number == 0 and (reason := self._reason_to_skip(entry, workload)):
                    entry |= reason
                if entry.get("status", "timed") != "timed" or used >= workload.budget_seconds:
                    continue
                self.say(f"{workload.title}: {f'round {number}' if number else 'first time'}, {entry['peer']}")
                try:
                    seconds, answer = self._one_job(PEERS[entry["peer"]], workload)
                except PeerFailed as why:
                    self._stop(entry, workload, why)
                    continue
                if number == 0:
                    parts = {name: value for name, value in answer.items() if name.endswith("_seconds")}
                    entry |= {"status": "timed", "rounds": [], "figures": answer["figures"], "first_call_seconds": seconds, "parts": parts}
                else:
                    parts = {name: value for name, value in answer.items() if name.endswith("_seconds")}
                    entry["rounds"].append([seconds])
                    entry |= {"peak_bytes": answer["peak_bytes"], "parts": parts}
            judge(entries, workload)

    def _one_job(self, peer: Peer, workload: Workload) -> tuple[float, dict[str, Any]]:
        within = STARTING_SECONDS + workload.cap_seconds
        with PeerProcess(peer, threads=self.threads, environment={"NUMBA_CACHE_DIR": self.kernels}) as process:
            answer = process.ask("job", within=within, peer=asdict(peer), workload=asdict(workload), imdb=imdb_folder())
            return time.perf_counter() - process.started, answer


def imdb_folder() -> str | None:
    """Find the real reviews: in `MINIRNN_DATA`, or in shared/data beside the project; None where they are in neither."""
    named = os.environ.get("MINIRNN_DATA")
    folder = Path(named) if named else PROJECT.parent / "shared" / "data"
    folder = folder if folder.is_dir() else folder.parent
    return str(folder) if (folder / "imdb.npz").is_file() else None


@contextmanager
def arrays_of(workload: Workload) -> Iterator[Path | str]:
    """Write a workload's arrays into a folder that is gone afterwards, or say why that cannot be."""
    with tempfile.TemporaryDirectory(prefix="minirnn-arrays-") as folder:
        needed, free = ROOM * 4 * workload.sizes.tokens, shutil.disk_usage(folder).free
        if needed > free:
            yield f"needs {needed / 1e9:.1f} GB on the disk for its ids, {free / 1e9:.1f} GB are free"
            return
        if workload.kind != "pad":
            draw(workload.sizes, Path(folder))
        yield Path(folder)


def available_bytes() -> int | None:
    """Return the memory that can still be had, where the system says so."""
    listing = Path("/proc/meminfo")
    if listing.exists():
        for line in listing.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None
