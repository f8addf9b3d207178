"""Trainings in a process of their own: Keras takes its backend from the environment when it is imported, so a process has one.

Comes in: a folder with the workload, and on the standard input, as JSON, the hours for a job, and jobs. Goes out: a record per job in that
folder, and a line per job on the standard output. What libraries print goes to the standard error.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from parity.trainings import workload
from parity.trainings.record import Job
from parity.trainings.trainers import TRAINERS

PROJECT = Path(__file__).resolve().parents[2]
ON_CPU = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}


class WorkerFailed(RuntimeError):
    """A process ended before its trainings did; the message says how."""


def run(folder: Path, jobs: Sequence[Job], hours: float, say: Callable[[str], None]) -> None:
    """Do jobs of one trainer in a new process; ``hours`` as for `parity.trainings.train.train`.

    Raises
    ------
    WorkerFailed
        It ended early. The records of the jobs that it finished are there.
    """
    backend = TRAINERS[jobs[0].trainer].backend
    environment = {**os.environ, **ON_CPU, **({"KERAS_BACKEND": backend} if backend else {})}
    environment["PYTHONPATH"] = os.pathsep.join([str(PROJECT), *filter(None, [environment.get("PYTHONPATH")])])
    log = folder / f"{jobs[0].experiment}-{jobs[0].trainer}.log"
    with (
        open(log, "w", encoding="utf-8") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "parity.trainings.worker", str(folder.resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            text=True,
        ) as process,
    ):
        assert process.stdin is not None and process.stdout is not None
        try:
            json.dump([hours, [asdict(job) for job in jobs]], process.stdin)
            process.stdin.close()
            for line in process.stdout:
                say(line.rstrip())
            status = process.wait()
        finally:
            process.kill()  # where this one was interrupted
    if status:
        said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise WorkerFailed(f"{jobs[0].trainer} ended with status {status}: {said[-1] if said else 'it said nothing'}")
    log.unlink()


def main() -> None:
    """Do the jobs that come in."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    from parity.trainings.train import train

    folder = Path(sys.argv[1])
    given = workload.load(folder)
    hours, jobs = json.load(sys.stdin)
    for job in [Job(**fields) for fields in jobs]:
        record = train(job, given, hours)
        record.save(folder)
        ended = f"best epoch {record.best_epoch} of" if job.stops else "epochs:"
        print(f"  {job.name}: {ended} {len(record.logs['loss'])}, val_loss {record.best('val_loss'):.6f}", file=answers)


if __name__ == "__main__":
    main()
