"""Who trains: minirnn and Keras, and which of them should agree.

Comes in: nothing. Goes out: `TRAINERS`, by name.

On the embedding model Keras's backends do two kinds of mathematics (D2). For a row that is looked up several times in a batch, with the
gradient g_i at each lookup, RMSprop's velocity takes in

    (Σ_i g_i)²     "summed": JAX, torch, and minirnn as it comes
    Σ_i g_i²       "per_lookup": TensorFlow, and minirnn with ``RMSprop(embedding_update="per_lookup")``

Only trainings of the same kind can agree. The one-hot model has no lookups, so there all are of one kind. A trainer in float64 does the
same mathematics without float32's rounding, and one whose first weights are moved by one unit in the last place does the same from a
start that nobody could tell from the other's. How far they end from their twins is the floor under every comparison.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import warnings
from dataclasses import dataclass, field
from typing import Any

from parity.trainings.workload import MODELS

KERAS_BACKENDS = ("tensorflow", "jax", "torch")


@dataclass(frozen=True)
class Trainer:
    """One who trains.

    Attributes
    ----------
    name : as in records and tables
    title : for people
    package : "minirnn" or "keras"
    backend : Keras's; of minirnn always numba, where it is installed
    dtype : of weights and arithmetic
    embedding_update : "summed" or "per_lookup", see above
    models : that it trains here
    optimizer_arguments : of RMSprop, besides the workload's
    moved : whether its first weights are one unit in the last place away from everyone else's
    """

    name: str
    title: str
    package: str = "minirnn"
    backend: str = ""
    dtype: str = "float32"
    embedding_update: str = "summed"
    models: tuple[str, ...] = MODELS
    optimizer_arguments: dict[str, Any] = field(default_factory=dict)
    moved: bool = False

    @property
    def is_keras(self) -> bool:
        """Whether it is Keras."""
        return self.package == "keras"

    def kind(self, model: str) -> str:
        """Name the mathematics that it does on a model."""
        return self.embedding_update if model == "embedding" else "summed"

    def missing(self) -> str | None:
        """Name the first module that it needs and that is not installed."""
        needs = ("keras", self.backend) if self.is_keras else ()
        return next((module for module in needs if importlib.util.find_spec(module) is None), None)

    def load(self) -> Any:
        """Import the package, Keras on its backend, which a process can have only one of."""
        if self.is_keras:
            os.environ["KERAS_BACKEND"] = self.backend
            os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Keras's own dependencies say when they load
            api = importlib.import_module(self.package)
        if self.is_keras and api.backend.backend() != self.backend:
            raise RuntimeError(f"{self.name}: this process has imported Keras on {api.backend.backend()} already.")
        if self.is_keras:
            api.config.set_floatx(self.dtype)  # of layers, loss, metrics, and the optimizer's learning rate
        return api


PER_LOOKUP: dict[str, Any] = {
    "embedding_update": "per_lookup",
    "models": ("embedding",),
    "optimizer_arguments": {"embedding_update": "per_lookup"},
}

TRAINERS = {
    trainer.name: trainer
    for trainer in (
        Trainer("minirnn", "minirnn"),
        Trainer("minirnn-float64", "minirnn float64", dtype="float64"),
        Trainer("minirnn-per-lookup", "minirnn per lookup", **PER_LOOKUP),
        Trainer("minirnn-per-lookup-float64", "minirnn per lookup float64", dtype="float64", **PER_LOOKUP),
        Trainer("keras-jax", "Keras JAX", "keras", "jax"),
        Trainer("keras-torch", "Keras torch", "keras", "torch"),
        Trainer("keras-tensorflow", "Keras TensorFlow", "keras", "tensorflow", embedding_update="per_lookup"),
        Trainer("keras-jax-moved", "Keras JAX, 1 ULP away", "keras", "jax", moved=True),
        Trainer("keras-torch-moved", "Keras torch, 1 ULP away", "keras", "torch", moved=True),
        Trainer("keras-tensorflow-moved", "Keras TensorFlow, 1 ULP away", "keras", "tensorflow", embedding_update="per_lookup", moved=True),
        # the dense one-hot array in float64 would take some 13 GB
        Trainer("keras-tensorflow-float64", "Keras TensorFlow float64", "keras", "tensorflow", "float64", "per_lookup", ("embedding",)),
    )
}


def ours_like(keras: Trainer, model: str) -> Trainer:
    """Give minirnn with the mathematics and the dtype of that Keras."""
    name = "minirnn-per-lookup" if keras.kind(model) == "per_lookup" else "minirnn"
    return TRAINERS[name if keras.dtype == "float32" else f"{name}-{keras.dtype}"]


def exact_twin(trainer: Trainer) -> Trainer | None:
    """Give the trainer that does the same in float64; None where there is none."""
    return TRAINERS.get(f"{trainer.name}-float64")


def unmoved(trainer: Trainer) -> Trainer:
    """Give the trainer that a moved one is compared with; any other is its own."""
    return TRAINERS[trainer.name.removesuffix("-moved")]
