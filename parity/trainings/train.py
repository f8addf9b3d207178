"""One training, by the same lines for Keras and minirnn, since the one's code runs in the other.

Comes in: a job and the workload. Goes out: a `Record`.

    without a seed   the workload's first weights, batches in the data's order; weights are kept after some steps and every epoch
    with a seed      own first weights, own shuffling, as a user trains

minirnn is not told the differences: what one has to be told apart are the dense array that Keras needs for one-hot, and where the dtype is
said.
"""

from __future__ import annotations

import importlib.metadata
import math
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from minirnn.one_hot import OneHot
from parity.trainings.record import Job, Record
from parity.trainings.trainers import TRAINERS, Trainer
from parity.trainings.workload import Workload

STEPS = (1, 2, 5, 10, 20, 50, 100, 200)
"""Steps within the first epoch after which weights are kept; then those at the end of each epoch."""

NAMES = {
    "onehot": ("simple_rnn.kernel", "simple_rnn.recurrent_kernel", "simple_rnn.bias", "dense.kernel", "dense.bias"),
    "embedding": (
        "embedding.embeddings",
        "simple_rnn.kernel",
        "simple_rnn.recurrent_kernel",
        "simple_rnn.bias",
        "dense.kernel",
        "dense.bias",
    ),
}
"""Of each model's weights, in the order in which both packages give them."""


def train(job: Job, workload: Workload, hours: float = math.inf) -> Record:
    """Do a job in this process; Keras must not have been imported on another backend.

    Parameters
    ----------
    job, workload : what to train, and on what
    hours : a drift ends with the epoch in which they run out
    """
    trainer, settings = TRAINERS[job.trainer], workload.settings
    api = trainer.load()
    if job.seed is not None:
        api.utils.set_random_seed(job.seed)
    model = build(api, trainer, job.model, workload)
    if job.seed is None:
        first = workload.weights[job.model]
        model.set_weights([weight.astype(trainer.dtype) for weight in (move(first) if trainer.moved else first)])
    drifts = job.experiment == "drift"
    watch = watcher(api, STEPS if drifts else (), keeps=job.seed is None, hours=hours if drifts else math.inf)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "best.keras"
        stopper = api.callbacks.EarlyStopping(patience=settings.patience, restore_best_weights=True)
        saver = api.callbacks.ModelCheckpoint(str(checkpoint), save_best_only=True)
        history = model.fit(
            inputs(trainer, job.model, workload.ids, settings.num_words),
            workload.labels,
            epochs=job.epochs,
            batch_size=settings.batch_size,
            shuffle=job.seed is not None,
            validation_data=(inputs(trainer, job.model, workload.val_ids, settings.num_words), workload.val_labels),
            callbacks=[watch, *((saver, stopper) if job.stops else ())],
            verbose=0,
        ).history
        saved = api.models.load_model(str(checkpoint)).get_weights() if job.stops else []
    record = Record(
        job,
        workload.digest(),
        {name: [float(value) for value in values] for name, values in history.items()},
        statistics.median(watch.seconds),
        versions(trainer),
        points=list(watch.kept),
        weights={
            name: np.stack([kept[place] for kept in watch.kept.values()]) for place, name in enumerate(NAMES[job.model]) if watch.kept
        },
    )
    if job.stops:
        record.stopped_epoch = stopper.stopped_epoch + 1 if stopper.stopped_epoch else None
        record.best_epoch = stopper.best_epoch + 1
        if watch.kept:
            best = watch.kept[record.best_epoch * workload.steps]
            record.restored_best = _same(model.get_weights(), best)
            record.checkpoint_best = _same(saved, best)
    return record


def move(weights: list[np.ndarray]) -> list[np.ndarray]:
    """Move each weight that is not 0 to one of its two neighbours among float32's numbers."""
    rng = np.random.default_rng(3)
    towards = [np.where(rng.random(weight.shape) < 0.5, -np.inf, np.inf).astype(weight.dtype) for weight in weights]
    return [np.where(weight == 0, weight, np.nextafter(weight, end)) for weight, end in zip(weights, towards, strict=True)]


def build(api: Any, trainer: Trainer, model: str, workload: Workload) -> Any:
    """Make and compile a model, in Keras or in minirnn."""
    settings, layers = workload.settings, api.layers
    T, V = workload.ids.shape[1], settings.num_words
    options = {} if trainer.is_keras else {"dtype": trainer.dtype}  # Keras has it from its floatx
    if model == "onehot":
        front = [api.Input((T, V))]
    else:
        front = [api.Input((T,), dtype="int32"), layers.Embedding(V, settings.embedding_dim)]
    recurrent, head = layers.SimpleRNN(settings.units), layers.Dense(1, activation="sigmoid")
    made = api.Sequential([*front, recurrent, head], **options)
    optimizer = api.optimizers.RMSprop(learning_rate=settings.learning_rate, **trainer.optimizer_arguments)
    made.compile(optimizer=optimizer, loss="binary_crossentropy", metrics=["accuracy"])
    return made


def inputs(trainer: Trainer, model: str, ids: np.ndarray, V: int) -> Any:
    """Give ids (N,T) as the model reads them: themselves, or one-hot, which Keras needs written out."""
    if model == "embedding":
        return ids
    one_hot = OneHot(ids, V, dtype=trainer.dtype)
    return np.asarray(one_hot) if trainer.is_keras else one_hot


def watcher(api: Any, steps: tuple[int, ...], keeps: bool, hours: float) -> Any:
    """Make a callback that times epochs, keeps the weights at the end of each and after those steps of the first, and ends after so long.

    A class of its own, because Keras on JAX brings weights up to date only for callbacks that ask for ``self.model``.
    """

    class Watcher(api.callbacks.Callback):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.seconds: list[float] = []
            self.kept: dict[int, list[np.ndarray]] = {}
            self.step = 0

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.seconds.append(time.perf_counter() - self.start)
            if sum(self.seconds) > 3600 * hours:
                self.model.stop_training = True
            if keeps:
                self.kept[(epoch + 1) * self.params["steps"]] = self.weights()

        def weights(self) -> list[np.ndarray]:
            return [np.array(weight) for weight in self.model.get_weights()]

    class StepWatcher(Watcher):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.step += 1
            if self.step in steps and self.step < self.params["steps"]:
                self.kept[self.step] = self.weights()

    return StepWatcher() if steps else Watcher()


def versions(trainer: Trainer) -> dict[str, str]:
    """Give the versions of what computes."""
    packages = ("keras", trainer.backend) if trainer.is_keras else ("numba",)
    found = {"python": platform.python_version(), "numpy": np.__version__}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "unknown"
    return found


def _same(weights: list[np.ndarray], others: list[np.ndarray]) -> bool:
    return all(np.array_equal(weight, other) for weight, other in zip(weights, others, strict=True))
