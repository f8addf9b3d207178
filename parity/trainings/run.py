"""Which trainings each experiment needs, and their doing, each trainer in a process of its own.

Comes in: the folder with the workload, and what was asked. Goes out: records, and what was left out and why.

    drift       all trainers but those with moved weights, so many epochs, no early stopping; ends early where hours run out
    stopping    all trainers, early stopping ends them; the limit of 100 epochs is lifted, since it would end some before
    seeds       those in float32, once per seed, within the seed job's limit of epochs

minirnn comes first: how many epochs it took tells how long a slower trainer would need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from parity.trainings import record, worker
from parity.trainings.record import Job, Record
from parity.trainings.trainers import TRAINERS, Trainer, ours_like, unmoved
from parity.trainings.workload import MODELS, Workload, load

EXPERIMENTS = ("drift", "stopping", "seeds")
NO_LIMIT = 400
"""Epochs of `stopping`: more than any training here has needed."""


@dataclass(frozen=True)
class Request:
    """What was asked.

    Attributes
    ----------
    trainers : names, minirnn's first
    experiments, models : which
    epochs : of `drift`
    seeds : of `seeds`: 0 .. seeds-1
    hours : longest that one trainer may take for one model in one experiment, the last epoch of a drift apart
    reuse : "none": train all anew; "keras": keep records of Keras; "all": train nothing, compare what is there
    """

    trainers: tuple[str, ...]
    experiments: tuple[str, ...] = EXPERIMENTS
    models: tuple[str, ...] = MODELS
    epochs: int = 10
    seeds: int = 5
    hours: float = 1.0
    reuse: str = "none"


@dataclass
class Ran:
    """What came of it.

    Attributes
    ----------
    records : of the jobs that were done, or kept
    left_out : a sentence per training that was not done
    """

    records: list[Record] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def of(self, experiment: str, model: str) -> list[Record]:
        """Give the records of an experiment on a model."""
        return [record for record in self.records if (record.job.experiment, record.job.model) == (experiment, model)]

    def by_trainer(self, experiment: str, model: str) -> dict[str, Record]:
        """Give the same by trainer, where each has one."""
        return {record.job.trainer: record for record in self.of(experiment, model)}


def jobs(request: Request, experiment: str, trainer: Trainer, model: str, workload: Workload) -> list[Job]:
    """Give a trainer's jobs on a model."""
    if model not in trainer.models:
        return []
    if experiment == "stopping":
        return [Job(experiment, model, trainer.name, NO_LIMIT)]
    if trainer.moved:
        return []
    if experiment == "drift":
        return [Job(experiment, model, trainer.name, request.epochs)]
    if trainer.dtype != "float32":
        return []
    return [Job(experiment, model, trainer.name, workload.settings.epochs, seed) for seed in range(request.seeds)]


def run(folder: Path, workload: Workload, request: Request, say: Callable[[str], None] = print) -> Ran:
    """Do all that was asked; a trainer that fails is left out, and the others go on.

    Raises
    ------
    ValueError
        The folder holds another workload than the one given, so its workers would train on something else.
    """
    ran, digest = Ran(), workload.digest()
    if load(folder).digest() != digest:
        raise ValueError(f"run: {folder} holds another workload. Set it up anew with parity.trainings.workload.set_up.")
    for experiment in request.experiments:
        for trainer in (TRAINERS[name] for name in request.trainers):
            for model in request.models:
                wanted = jobs(request, experiment, trainer, model, workload)
                keeps = request.reuse == "all" or (request.reuse == "keras" and trainer.is_keras)
                kept = [found for job in wanted if keeps and (found := record.load(folder, job, digest)) is not None]
                ran.records.extend(kept)
                missing = [job for job in wanted if job not in [found.job for found in kept]]
                reason = too_long(request, ran, missing) if missing else None
                if missing and reason is None:
                    untrained = "nothing is trained, and there is no record"
                    reason = untrained if request.reuse == "all" else _train(folder, missing, request.hours, say)
                done = [found for job in missing if request.reuse != "all" and (found := record.load(folder, job, digest)) is not None]
                ran.records.extend(done)
                reason = reason or next(filter(None, map(_cut_short, (*kept, *done))), None)
                if reason is not None:
                    ran.left_out.append(f"{experiment}, {model}, {trainer.title}: {reason}")
                    say(f"  left out: {ran.left_out[-1]}")
    return ran


def _cut_short(done: Record) -> str | None:
    epochs = len(done.logs["loss"])
    if done.job.stops or epochs == done.job.epochs:
        return None
    return f"an epoch takes it {done.seconds:.0f} s, so after {epochs} of {done.job.epochs} the hours had run out"


def _train(folder: Path, wanted: Sequence[Job], hours: float, say: Callable[[str], None]) -> str | None:
    for job in wanted:
        (folder / f"{job.name}.json").unlink(missing_ok=True)  # what was there before must not pass for what failed now
    try:
        worker.run(folder, wanted, hours, say)
    except worker.WorkerFailed as failure:
        return str(failure)
    return None


def too_long(request: Request, ran: Ran, wanted: Iterable[Job]) -> str | None:
    """Say how long jobs would take, where that is more than was granted; None where it is not, or cannot be known yet."""
    wanted = list(wanted)
    model, trainer = wanted[0].model, TRAINERS[wanted[0].trainer]
    measured = [found for found in ran.records if found.job.trainer == unmoved(trainer).name and found.job.model == model]
    ours = {found.job.seed: found for found in ran.of(wanted[0].experiment, model) if found.job.trainer == ours_like(trainer, model).name}
    if not trainer.is_keras or not measured or any(job.seed not in ours for job in wanted):
        return None
    epochs = sum(len(ours[job.seed].logs["loss"]) for job in wanted)
    hours = measured[0].seconds * epochs / 3600
    if hours <= request.hours:
        return None
    return f"an epoch takes it {measured[0].seconds:.0f} s, some {epochs} epochs {hours:.1f} hours; --hours grants {request.hours:g}"
