"""Everyone who does the work: what each needs, how it is set up, and the call that runs one epoch.

Keras and minirnn are driven by the same lines, since the one's code runs in the other: only the module that is called differs. In comes the
workload; out goes a `Session`, of which the timer calls `epoch` and nothing else.
"""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass, field
from typing import Any, Protocol

from benchmarks.seed_epoch import MODELS, Arrays, SeedEpoch

RECURRENT_PART = "recurrent part"
"""What the floor runs: forward, backward and scatter, common to both models."""

EVALUATED_ROWS = 2_048
"""Enough to compare a loss, few enough to leave no trace in the peak memory of a peer that needs dense one-hot arrays."""

ON_CPU = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "2", "TF_ENABLE_ONEDNN_OPTS": "1"}


class Unavailable(RuntimeError):
    """A peer cannot run on this machine; the message says why."""


class Session(Protocol):
    """A peer that is ready to train."""

    def epoch(self) -> float | None:
        """Train one epoch and return the loss that it reports, or None where there is no loss."""

    def loss_before(self) -> float | None:
        """Evaluate a new model with the first weights on the first `EVALUATED_ROWS` rows, or return None as above."""


@dataclass(frozen=True)
class Peer:
    """One who is timed.

    Attributes
    ----------
    name : as given to `--peers`
    module : what is imported, and timed doing so
    needs : distributions that must be installed
    models : what it can train
    environment : variables of its process
    build_options, optimizer_options : further arguments of its `Sequential`, of its `RMSprop`
    caches_kernels : whether a later process starts with what an earlier one compiled
    """

    name: str
    module: str
    needs: tuple[str, ...] = ()
    models: tuple[str, ...] = MODELS
    environment: dict[str, str] = field(default_factory=dict)
    build_options: dict[str, str] = field(default_factory=dict)
    optimizer_options: dict[str, str] = field(default_factory=dict)
    caches_kernels: bool = False

    def missing(self) -> str | None:
        """Name the first needed module that is not installed."""
        return next((module for module in self.needs if importlib.util.find_spec(module) is None), None)

    def dense_bytes(self, model: str, work: SeedEpoch) -> int:
        """Bytes of one-hot float32 that this peer may need: Keras on TensorFlow was seen to hold three to four copies of it."""
        if self.module == "keras" and model == "one_hot":
            return 5 * 4 * work.N * work.T * work.V
        return 0


PEERS = {
    peer.name: peer
    for peer in (
        Peer("floor", "benchmarks.floor", models=(RECURRENT_PART,)),
        Peer("minirnn", "minirnn", caches_kernels=True),
        Peer(
            "minirnn-per-lookup",
            "minirnn",
            models=("embedding",),
            optimizer_options={"embedding_update": "per_lookup"},  # the mathematics of keras-tensorflow
            caches_kernels=True,
        ),
        Peer("minirnn-numpy", "minirnn", build_options={"backend": "numpy"}),
        Peer("keras-tensorflow", "keras", needs=("keras", "tensorflow"), environment={"KERAS_BACKEND": "tensorflow"}),
        Peer("keras-jax", "keras", needs=("keras", "jax"), environment={"KERAS_BACKEND": "jax"}),
    )
}
DEFAULT_PEERS = ("floor", "minirnn", "minirnn-per-lookup", "keras-tensorflow", "keras-jax")
REFERENCE = "minirnn"
"""Whose loss the others' are compared with, and whose time is the unit of one ratio."""
REFERENCE_PER_LOOKUP = "minirnn-per-lookup"
"""The same for those who square the gradient of each lookup."""


def import_peer(peer: Peer) -> Any:
    """Import a peer's module, and what it puts off until it is asked for."""
    api = importlib.import_module(peer.module)
    if peer.module != "benchmarks.floor":
        _ = api.Sequential, api.Input, api.layers, api.optimizers.RMSprop
    return api


class FitSession:
    """`model.fit(..., epochs=1, verbose=0)`, in Keras or in minirnn."""

    def __init__(self, api: Any, peer: Peer, model: str, work: SeedEpoch, arrays: Arrays) -> None:
        self.api, self.peer, self.model_name, self.work, self.arrays = api, peer, model, work, arrays
        self.x = arrays.ids if model == "embedding" else self._one_hot()
        self.model = self._build()

    def _one_hot(self) -> Any:
        ids, V = self.arrays.ids, self.work.V
        if self.peer.module == "minirnn":
            return self.api.OneHot(ids, V)
        import numpy as np

        dense = np.zeros((*ids.shape, V), np.float32)
        np.put_along_axis(dense, ids[..., None], 1, axis=-1)
        return dense

    def _build(self) -> Any:
        work, layers = self.work, self.api.layers
        if self.model_name == "embedding":
            front = [self.api.Input((work.T,)), layers.Embedding(work.V, work.E)]
        else:
            front = [self.api.Input((work.T, work.V))]
        model = self.api.Sequential([*front, layers.SimpleRNN(work.H), layers.Dense(1, activation="sigmoid")], **self.peer.build_options)
        optimizer = self.api.optimizers.RMSprop(learning_rate=work.learning_rate, **self.peer.optimizer_options)
        model.compile(optimizer=optimizer, loss="binary_crossentropy", metrics=["accuracy"])
        model.set_weights([w.copy() for w in self.arrays.weights[self.model_name]])
        return model

    def epoch(self) -> float:
        """Train one epoch; return its loss, in nats."""
        # Not shuffled, so that everyone's batches are the same and the losses can be compared.
        history = self.model.fit(self.x, self.arrays.labels, batch_size=self.work.B, epochs=1, shuffle=False, verbose=0)
        return float(history.history["loss"][0])

    def loss_before(self) -> float:
        """Evaluate a new model with the first weights."""
        rows = slice(0, EVALUATED_ROWS)
        loss = self._build().evaluate(self.x[rows], self.arrays.labels[rows], batch_size=self.work.B, verbose=0)
        return float(loss[0] if isinstance(loss, (list, tuple)) else loss)


class FloorSession:
    """`floor.c` on the same ids in the same order, checked against NumPy before anything is timed."""

    def __init__(self, floor: Any, work: SeedEpoch, arrays: Arrays) -> None:
        import numpy as np

        embeddings, Wx, Wh, b, dense, _ = arrays.weights["embedding"]
        if work.H != floor.UNITS:
            raise Unavailable(f"the floor is written for H={floor.UNITS}, the workload has H={work.H}")
        dh_last = np.random.default_rng(work.seed).uniform(-0.5, 0.5, (work.B, 1)) * dense.T / work.B
        case = floor.FloorCase(arrays.ids, np.arange(work.N), embeddings @ Wx + b, Wh, dh_last)
        try:
            self.run_epoch = floor.checked_call(case)
        except floor.FloorUnavailable as reason:
            raise Unavailable(str(reason)) from None

    def epoch(self) -> None:
        """Run one epoch; there is no loss in it."""
        self.run_epoch()

    def loss_before(self) -> None:
        """Give nothing: the gradients were compared instead."""


def open_session(api: Any, peer: Peer, model: str, work: SeedEpoch, arrays: Arrays) -> Session:
    """Set a peer up: layers built and compiled, the first weights in place, the data in the form it takes."""
    if peer.name == "floor":
        return FloorSession(api, work, arrays)
    return FitSession(api, peer, model, work, arrays)
