"""One peer in a process of its own: it reads a command a line, does it, and answers with a line of JSON.

    prepare   import, set up, the first epoch, the loss before training; the times of each apart
    round     epochs until `seconds` have passed (at least one, at most `most`): the seconds of each, and the losses
    finish    the peak memory

Started by `measure.py`; what libraries print goes to the standard error, so that the answers stay clean.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from benchmarks.peers import PEERS, Session, Unavailable, import_peer, open_session
from benchmarks.seed_epoch import SeedEpoch, draw


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


class Worker:
    """The session of one peer, between its commands."""

    session: Session

    def prepare(self, peer: str, model: str, work: dict[str, Any]) -> dict[str, Any]:
        """Take everything that happens once, in the order in which a user meets it."""
        clock = time.perf_counter
        start = clock()
        api = import_peer(PEERS[peer])
        imported = clock()
        sizes = SeedEpoch(**work)
        arrays = draw(sizes)
        drawn = clock()
        self.session = open_session(api, PEERS[peer], model, sizes, arrays)
        built = clock()
        loss = self.session.epoch()
        trained = clock()
        return {
            "import_seconds": imported - start,
            "setup_seconds": built - drawn,
            "first_epoch_seconds": trained - built,
            "losses": [loss],
            # After the first epoch, or its compilation would be missing from that.
            "loss_before": self.session.loss_before(),
            "digest": arrays.digest(),
        }

    def round(self, seconds: float, most: int) -> dict[str, Any]:
        """Run one round."""
        times: list[float] = []
        losses: list[float | None] = []
        while not times or (sum(times) < seconds and len(times) < most):
            start = time.perf_counter()
            loss = self.session.epoch()
            times.append(time.perf_counter() - start)
            losses.append(loss)
        return {"seconds": times, "losses": losses}

    def finish(self) -> dict[str, Any]:
        """Report what is known only at the end."""
        return {"peak_bytes": peak_bytes()}


def confine(threads: int) -> None:
    """Keep this process on so many processors: the one limit that every framework obeys."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def main() -> None:
    """Answer commands until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if len(sys.argv) > 1:
        confine(int(sys.argv[1]))
    worker = Worker()
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
