"""Everyone who does the work: what each needs, what each is asked, and how it is set up.

Comes in: a peer's name and a workload. Goes out: the reason why he is not asked, or a `Session`. Keras and minirnn are driven by the same
lines, since the one's code runs in the other; those who are written for these benchmarks bring a module with a `Session` of their own.
Nothing here imports a peer before it is told to.
"""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from benchmarks.drawn import MODELS, Arrays, Sizes
from benchmarks.workloads import SWEEPS, Workload

if TYPE_CHECKING:
    import numpy as np

ON_CPU = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "2", "TF_ENABLE_ONEDNN_OPTS": "1"}

LATENCIES = ("latency-predict", "latency-call", "latency-one")
FLOOR, NATIVE, PRODUCTS = LIMITS = "floor", "floor-native", "gemm"
"""Hand-written C at H=8, for AVX2 and for this very machine; and elsewhere the matrix products alone."""
LARGE_UNITS = 32
"""From here on the products are asked: below, BLAS is no limit."""


class Unavailable(RuntimeError):
    """A peer cannot run on this machine; the message says why."""


class Session(Protocol):
    """A peer that is ready to work on some arrays."""

    def epoch(self) -> float | None:
        """Train one epoch in the order of the rows; the mean of its training loss, in nats, or None where there is no loss."""

    def evaluate(self, n: int) -> float | None:
        """Give the loss of the first n rows with the weights as they are, or None as above."""

    def predict(self, ids: np.ndarray) -> np.ndarray:
        """Give the probabilities (N,) float32 for ids (N,T)."""


@dataclass(frozen=True)
class Peer:
    """One who is timed.

    Attributes
    ----------
    name : as given to `--peers`
    module : what is imported, and timed doing so
    needs : modules that must be installed
    models : what it can train
    kinds : of workload that it is asked
    environment : variables of its process
    build_options, optimizer_options, compile_options : further arguments of its `Sequential`, its `RMSprop`, its `compile`
    caches_kernels : whether a later process starts with what an earlier one compiled
    dense_copies : of a one-hot array in float32 that it was seen to hold at once
    """

    name: str
    module: str
    needs: tuple[str, ...] = ()
    models: tuple[str, ...] = MODELS
    kinds: tuple[str, ...] = ("train", "predict")
    environment: dict[str, str] = field(default_factory=dict)
    build_options: dict[str, Any] = field(default_factory=dict)
    optimizer_options: dict[str, Any] = field(default_factory=dict)
    compile_options: dict[str, Any] = field(default_factory=dict)
    caches_kernels: bool = False
    dense_copies: int = 0

    @property
    def fits(self) -> bool:
        """Whether it is driven through `fit`."""
        return self.module in ("keras", "minirnn")

    def missing(self) -> str | None:
        """Name the first needed module that is not installed."""
        return next((module for module in (*self.needs, self.module) if importlib.util.find_spec(module) is None), None)

    def dense_bytes(self, workload: Workload) -> int:
        """Bytes that dense one-hot arrays may need."""
        work = workload.sizes
        return self.dense_copies * 4 * work.N * work.T * work.V if workload.model == "one_hot" else 0


def _keras(backend: str, *kinds: str, name: str = "", dense_copies: int, **options: Any) -> Peer:
    environment = {"KERAS_BACKEND": backend}
    kinds = ("train", "predict", *LATENCIES, *kinds)
    return Peer(
        name or f"keras-{backend}", "keras", ("keras", backend), kinds=kinds, environment=environment, dense_copies=dense_copies, **options
    )


PEERS = {
    peer.name: peer
    for peer in (
        Peer(FLOOR, "benchmarks.floor_session", kinds=("train", "predict", "latency-one")),
        Peer(NATIVE, "benchmarks.floor_native", kinds=("train",)),
        Peer(PRODUCTS, "benchmarks.gemm_floor", ("threadpoolctl",), models=("embedding",), kinds=("train",)),
        Peer("minirnn", "minirnn", kinds=("train", "predict", *LATENCIES, "pad", "job"), caches_kernels=True),
        Peer(
            "minirnn-per-lookup",
            "minirnn",
            models=("embedding",),
            kinds=("train",),
            optimizer_options={"embedding_update": "per_lookup"},  # the mathematics of keras-tensorflow
            caches_kernels=True,
        ),
        Peer("minirnn-numpy", "minirnn", kinds=("train", "predict", *LATENCIES[:2]), build_options={"backend": "numpy"}),
        Peer("jax-scan", "benchmarks.jax_scan", ("jax",), kinds=("train", "predict", "latency-one")),
        Peer("torch", "benchmarks.torch_loop", ("torch",), kinds=("train", "predict", "latency-one")),
        _keras("jax", "pad", "job", dense_copies=2),
        _keras("tensorflow", "pad", "job", dense_copies=4),
        _keras("tensorflow", name="keras-tensorflow-xla", dense_copies=4, compile_options={"jit_compile": True}),
        _keras("torch", dense_copies=3),
    )
}
QUICK_SWEEPERS = (*LIMITS, "minirnn", "jax-scan", "torch")
"""Who is asked at the steps and sweeps of a quick look: the others take seconds to compile at each point."""
QUICK_SLOW = ("keras-tensorflow", "keras-tensorflow-xla", "keras-torch")
"""Who does the seed's embedding epoch in a quick look, and no more."""
QUICK_PEERS = tuple(name for name in PEERS if name not in QUICK_SLOW[1:])
"""Who takes part in a quick look unless peers are named: the last two take half a minute before their first epoch has ended."""

REFERENCES = ("minirnn", "minirnn-numpy", "keras-jax", "jax-scan", "torch", "keras-torch")
"""With the first of them that has run, the others' results are compared."""
REFERENCE_PER_LOOKUP = "minirnn-per-lookup"
"""The same for those who square the gradient of each lookup."""
SQUARE_LOOKUPS = ("keras-tensorflow", "keras-tensorflow-xla", REFERENCE_PER_LOOKUP)
OURS = ("minirnn", "minirnn-per-lookup", "minirnn-numpy")

KIND_NOT_DONE = {
    "predict": "it is asked to train",
    "latency-predict": "it has one way to predict, timed as the quickest call",
    "latency-call": "it has one way to predict, timed as the quickest call",
    "latency-one": "its way is another's",
    "pad": "the function is another peer's, or not its own",
    "job": "the job is timed in minirnn and in Keras on JAX and TensorFlow",
}


def not_asked(peer: Peer, workload: Workload, quick: bool) -> str | None:
    """Say why a workload is not for a peer, or None."""
    H = workload.sizes.H
    if workload.kind not in peer.kinds:
        return KIND_NOT_DONE[workload.kind]
    if workload.model not in peer.models:
        return "it is another way to train the embedding" if peer.fits else "the products of the embedding are its limit as well"
    if peer.name in (FLOOR, NATIVE) and H != 8:
        return "the C program is written for H=8"
    if peer.name == PRODUCTS and H < LARGE_UNITS:
        return f"products alone are a limit where H is large, so they are asked from H={LARGE_UNITS} on"
    if quick and workload.section in ("step", *SWEEPS) and peer.name not in QUICK_SWEEPERS:
        return f"--quick asks {', '.join(QUICK_SWEEPERS)} at steps and sweeps"
    if quick and workload.name != "seed-embedding" and peer.name in QUICK_SLOW:
        return "--quick asks it for the seed's embedding epoch alone"
    return None


def import_peer(peer: Peer) -> Any:
    """Import a peer's module, and what it puts off until it is asked for."""
    api = importlib.import_module(peer.module)
    if peer.fits:
        _ = api.Sequential, api.Input, api.layers, api.optimizers.RMSprop
    return api


def open_session(api: Any, peer: Peer, model: str, work: Sizes, arrays: Arrays) -> Session:
    """Set a peer up: layers built and compiled, the first weights in place, the arrays in the form it takes."""
    if peer.fits:
        from benchmarks.fit_session import FitSession

        return FitSession(api, peer, model, work, arrays)
    session: Session = api.Session(work, arrays, model)
    return session
