"""Who trains: minirnn and Keras, and which of them should agree.

Comes in: nothing. Goes out: `TRAINERS`, by name.

On the embedding model Keras's backends do two kinds of mathematics (D2). For a row that is looked up several times in a batch, with the
gradient g_i at each lookup, RMSprop's velocity takes in

    (Σ_i g_i)²     "summed": JAX, torch, and minirnn as it comes
    Σ_i g_i²       "per_lookup": TensorFlow, and minirnn with ``RMSprop(embedding_update="per_lookup")``

Only trainings of the same kind can agree. The one-hot model has no lookups, so there all are of one kind. A trainer in float64 does the
same mathematics without float32's rounding; how far it ends from its twin in float32 is the floor under every comparison.
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
    """

    name: str
    title: str
    package: str = "minirnn"
    backend: str = ""
    dtype: str = "float32"
    embedding_update: str = "summed"
    models: tuple[str, ...] = MODELS
    optimizer_arguments: dict[str, Any] = field(default_factory=dict)

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
    )
}


def ours_like(keras: Trainer, model: str) -> Trainer:
    """Give minirnn in float32 with the mathematics of that Keras."""
    per_lookup = model == "embedding" and keras.embedding_update == "per_lookup"
    return TRAINERS["minirnn-per-lookup" if per_lookup else "minirnn"]


def exact_twin(trainer: Trainer) -> Trainer:
    """Give minirnn's trainer in float64 of the same mathematics."""
    return TRAINERS[f"{trainer.name}-float64"]
