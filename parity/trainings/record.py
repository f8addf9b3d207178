"""What is kept of a training, so that a comparison can be made again without training again.

Comes in: figures and weights. Goes out: ``NAME.json`` with everything but the weights, which are in ``NAME.npz``.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from minirnn.files import atomic_path


@dataclass(frozen=True)
class Job:
    """A training that is asked for.

    Attributes
    ----------
    experiment : "drift", "stopping" or "seeds"
    model : "onehot" or "embedding"
    trainer : name in `parity.trainings.trainers.TRAINERS`
    epochs : at most
    seed : of own first weights and shuffling; None: the workload's first weights, in the data's order
    """

    experiment: str
    model: str
    trainer: str
    epochs: int
    seed: int | None = None

    @property
    def name(self) -> str:
        """The name of its files."""
        return "-".join([self.experiment, self.model, self.trainer, *([] if self.seed is None else [str(self.seed)])])

    @property
    def stops(self) -> bool:
        """Whether early stopping and the checkpoint are on."""
        return self.experiment != "drift"


@dataclass
class Record:
    """A training that was done.

    Attributes
    ----------
    job, workload : what was trained, and the digest of what it was trained on
    logs : per figure, "val_loss" say, one value an epoch, as the package reports it
    seconds : wall time of an epoch, the median
    versions : of what was imported
    stopped_epoch, best_epoch : of early stopping, counted from 1; None where it was off, or nothing stopped
    restored_best : whether the weights left are, bit by bit, those that the best epoch ended with; None as above
    checkpoint_best : whether the file that the checkpoint left holds the same
    points : the steps after which weights were taken, counted from 1
    weights : name -> array (points, ...) of its values there
    """

    job: Job
    workload: str
    logs: dict[str, list[float]]
    seconds: float
    versions: dict[str, str]
    stopped_epoch: int | None = None
    best_epoch: int | None = None
    restored_best: bool | None = None
    checkpoint_best: bool | None = None
    points: list[int] = field(default_factory=list)
    weights: dict[str, np.ndarray] = field(default_factory=dict)

    def best(self, figure: str) -> float:
        """Give a figure at the best epoch."""
        epoch = len(self.logs[figure]) if self.best_epoch is None else self.best_epoch
        return self.logs[figure][epoch - 1]

    def save(self, folder: Path) -> None:
        """Write both files, the weights first, so that a JSON file always has its weights."""
        if self.points:
            with atomic_path(folder / f"{self.job.name}.npz") as partial:
                np.savez_compressed(partial, **self.weights)  # type: ignore[arg-type]
        said = json.dumps(asdict(replace(self, weights={})), indent=1)
        with atomic_path(folder / f"{self.job.name}.json") as partial:
            partial.write_text(said + "\n", encoding="utf-8")


def load(folder: Path, job: Job, workload: str) -> Record | None:
    """Read a record; None where there is none of that job on that workload."""
    try:
        said: dict[str, Any] = json.loads((folder / f"{job.name}.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    record = Record(**{**said, "job": Job(**said["job"])})
    if record.job != job or record.workload != workload:
        return None
    if record.points:
        with np.load(folder / f"{job.name}.npz", allow_pickle=False) as held:
            record.weights = {name: held[name] for name in held.files}
    return record
