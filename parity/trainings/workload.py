"""What everyone trains on: the same ids, labels, hyper-parameters and first weights, as one file that each process reads.

Comes in: reviews and settings. Goes out: a `Workload`, and ``workload.npz``.

    ids      (N,T)     the seed's split of the reviews, padded, the last T ids of each
    weights            drawn once, by minirnn's initializers from `settings.seed`, for each model:
        onehot         kernel (V,H), recurrent kernel (H,H), bias (H,), kernel (H,1), bias (1,)
        embedding      embeddings (V,E), kernel (E,H), and as above

Keras's initializers draw other numbers on each of its backends, so no backend could stand for all of them.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from minirnn import job
from minirnn.corpus import Corpus
from minirnn.preparation import prepare
from minirnn.runs import ENCODINGS, Settings

MODELS = ENCODINGS
FILE = "workload.npz"


@dataclass(frozen=True)
class Workload:
    """Examples and first weights.

    Attributes
    ----------
    source : name of the reviews, without a path
    settings : hyper-parameters; `minirnn.runs.Settings`
    ids, val_ids (N,T) int32 : 0..V-1
    labels, val_labels (N,) int64 : 1 = positive
    weights : per model its first weights, float32, in Keras's order
    """

    source: str
    settings: Settings
    ids: np.ndarray
    labels: np.ndarray
    val_ids: np.ndarray
    val_labels: np.ndarray
    weights: dict[str, list[np.ndarray]]

    @property
    def steps(self) -> int:
        """Batches in an epoch, the last, short one counted."""
        return -(-len(self.ids) // self.settings.batch_size)

    def digest(self) -> str:
        """Name these very arrays and settings: trainings are compared only when they give the same digest."""
        seen = hashlib.sha256(json.dumps(asdict(self.settings), sort_keys=True).encode())
        arrays = [self.ids, self.labels, self.val_ids, self.val_labels, *(w for model in MODELS for w in self.weights[model])]
        for array in arrays:
            seen.update(f"{array.dtype}{array.shape}".encode())
            seen.update(np.ascontiguousarray(array).tobytes())
        return seen.hexdigest()[:16]

    def save(self, folder: Path) -> None:
        """Write it as ``workload.npz``."""
        weights = {f"{model}/{place}": weight for model in MODELS for place, weight in enumerate(self.weights[model])}
        about = json.dumps({"source": self.source, "settings": asdict(self.settings)})
        np.savez_compressed(
            folder / FILE,
            about=np.array(about),
            ids=self.ids,
            labels=self.labels,
            val_ids=self.val_ids,
            val_labels=self.val_labels,
            **weights,  # type: ignore[arg-type]
        )


def load(folder: Path) -> Workload:
    """Read what `Workload.save` wrote."""
    with np.load(folder / FILE, allow_pickle=False) as held:
        about = json.loads(str(held["about"]))
        weights = {
            model: [held[f"{model}/{place}"] for place in range(sum(name.startswith(f"{model}/") for name in held.files))]
            for model in MODELS
        }
        arrays = {name: held[name] for name in ("ids", "labels", "val_ids", "val_labels")}
    return Workload(about["source"], Settings(**about["settings"]), **arrays, weights=weights)


def first_weights(settings: Settings) -> dict[str, list[np.ndarray]]:
    """Draw the first weights of each model."""
    return {model: job.build(model, settings).get_weights() for model in MODELS}


def draw(corpus: Corpus, settings: Settings, examples: int | None = None) -> Workload:
    """Prepare the reviews as the seed does.

    Parameters
    ----------
    corpus : reviews
    settings : hyper-parameters
    examples : train on so many of the training reviews, the first ones, and validate on a quarter as many; None: on all

    Raises
    ------
    OSError, ValueError
        The reviews cannot be read.
    """
    prepared = prepare(corpus, settings)
    kept, val_kept = (None, None) if examples is None else (examples, max(examples // 4, 1))
    train, validation = prepared.train, prepared.validation
    return Workload(
        corpus.short_name,
        settings,
        train.ids[:kept],
        train.labels[:kept],
        validation.ids[:val_kept],
        validation.labels[:val_kept],
        first_weights(settings),
    )


def set_up(folder: str | os.PathLike[str], workload: Workload) -> Path:
    """Make the folder that the workers share, with the workload in it."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    workload.save(place)
    return place
