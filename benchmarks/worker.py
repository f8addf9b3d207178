"""One peer in a process of its own: it reads a command a line, does it, and answers with a line of JSON.

    prepare   import, set up, the first call, the loss before training; the times of each apart
    round     calls until `seconds` have passed (at least one, at most `most`): the seconds of each, and its figures
    finish    the peak memory
    job       the whole job, once

Started by `peer_process.py` with a number of threads; what libraries print goes to the standard error, so that the answers stay clean.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from benchmarks.drawn import Sizes
from benchmarks.peers import Peer, Unavailable, import_peer
from benchmarks.workloads import Workload

SETTLED = 3.0
"""A second call, not timed, is made where the first took less than so many budgets: some put work off until then."""


def peak_bytes() -> int:
    """Return the most memory this process has held, as the operating system reports it.

    Linux counts into `getrusage` what the parent held before this program was started, so its own figure is read where there is one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def forget_peak() -> None:
    """Let the peak begin anew, where the system can: Linux does at the number 5."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def limit_threads(api: Any, threads: int) -> None:
    """Tell those who can be told; the rest obey their environment and the processors they are confined to."""
    if hasattr(api, "set_num_threads"):
        api.set_num_threads(threads)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(threads)
    if tensorflow := sys.modules.get("tensorflow"):
        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(threads)


def confine(threads: int) -> None:
    """Keep this process on so many processors: the one limit that every framework obeys."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def read_workload(written: dict[str, Any]) -> Workload:
    """Give a workload from its JSON."""
    return Workload(**written | {"sizes": Sizes(**written["sizes"])})


class Worker:
    """The one peer of this process, between its commands."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.api: Any = None
        self.task: Any = None
        self.calls = 1

    def prepare(self, peer: dict[str, Any], workload: dict[str, Any], folder: str) -> dict[str, Any]:
        """Take everything that happens once, in the order in which a user meets it."""
        who = Peer(**peer)
        clock = time.perf_counter
        self.task = None
        gc.collect()
        forget_peak()
        start = clock()
        imported_before = self.api is not None
        if not imported_before:
            self.api = import_peer(who)
        imported = clock()
        if not imported_before:
            limit_threads(self.api, self.threads)
        from benchmarks import tasks

        begun = clock()
        asked = read_workload(workload)
        self.task = tasks.open_task(self.api, who, asked, Path(folder))
        built = clock()
        outcome = self.task.once()
        first = clock() - built
        answer = {
            "import_seconds": None if imported_before else imported - start,
            "setup_seconds": built - begun,
            "first_call_seconds": first,
            "way": self.task.way,
            "figures": [self.task.figures(outcome)],
            # After the first epoch, or its compilation would be missing from that.
            "before": self.task.before(),
        }
        if first < SETTLED * asked.budget_seconds:
            answer["figures"].append(self.task.figures(self.task.once()))
        self.calls = self._calls_at_a_time(tasks.LEAST_SECONDS) if first < 1 else 1
        return answer

    def _calls_at_a_time(self, least: float) -> int:
        """Say how many calls last so long; training, which changes the weights, is counted one by one."""
        if self.task.trains:
            return 1
        start = time.perf_counter()
        self.task.once()
        return max(1, round(least / (time.perf_counter() - start)))

    def round(self, seconds: float, most: int) -> dict[str, Any]:
        """Run one round; where several calls are timed at a time, each counts as their mean."""
        times: list[float] = []
        figures = []
        while not times or (sum(times) * self.calls < seconds and len(times) < most):
            start = time.perf_counter()
            for _ in range(self.calls):
                outcome = self.task.once()
            times.append(float(f"{(time.perf_counter() - start) / self.calls:.6g}"))
            if self.task.trains or not figures:
                figures.append(self.task.figures(outcome))
        return {"seconds": times, "figures": figures}

    def finish(self) -> dict[str, Any]:
        """Report what is known only at the end."""
        return {"peak_bytes": peak_bytes(), "calls_at_a_time": self.calls}

    def job(self, peer: dict[str, Any], workload: dict[str, Any], imdb: str | None) -> dict[str, Any]:
        """Do the whole job."""
        from benchmarks.whole_job import run_job

        return {**run_job(Peer(**peer), read_workload(workload), imdb), "peak_bytes": peak_bytes()}


def main() -> None:
    """Answer commands until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    threads = int(sys.argv[1])
    confine(threads)
    worker = Worker(threads)
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = getattr(worker, command.pop("do"))(**command)
        except Unavailable as reason:
            answer = {"unavailable": str(reason)}
        except Exception as error:  # whatever a framework raises is an answer too; the others go on
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
