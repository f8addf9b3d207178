"""What the tests of the benchmarks share: entries and reports whose every figure can be worked out by hand, and workloads of no size."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from benchmarks.drawn import Sizes
from benchmarks.workloads import Workload, sweep_workload

SMALL = Sizes(N=96, T=7, V=13, E=5, B=64, learning_rate=1e-3, seed=3)
TRAIN = Workload("small", "seed", "a small epoch", "train", SMALL, budget_seconds=0.05)
HEADER = {
    "date": "2026-01-02T03:04:05+00:00",
    "commit": "abcdef",
    "cpu": "A CPU",
    "processors": 4,
    "threads": 2,
    "platform": "Linux",
    "python": "3.11.7",
    "versions": {"keras": "3.15.1", "jax": "not installed"},
    "blas": "a BLAS",
    "dtype": "float32",
    "seed": 42,
}


def entry(peer: str, rounds: list[list[float]], **more: Any) -> dict[str, Any]:
    """One timed entry, as a run leaves it."""
    return {
        "peer": peer,
        "status": "timed",
        "rounds": rounds,
        "figures": [[0.9], [0.8]],
        "before": 1.0,
        "equality": "equal",
        "import_seconds": 0.25,
        "first_call_seconds": 1.5,
        "peak_bytes": 123_400_000,
        "own_peak_bytes": 100_000_000,
        "way": "",
        **more,
    }


def outcome(workload: Workload, *entries: dict[str, Any]) -> dict[str, Any]:
    """One workload's part of a report."""
    return {**asdict(workload), "entries": list(entries)}


def canned() -> dict[str, Any]:
    """A report with a workload and a sweep of two points."""
    absent = {"peer": "torch", "status": "skipped", "reason": "torch is not installed"}
    epoch = outcome(
        TRAIN,
        entry("keras-tensorflow", [[4.0], [8.0]]),
        entry("minirnn", [[0.019, 0.020, 0.5], [0.040], [0.080]], fresh_install={"first_call_seconds": 3.25}),
        entry("floor", [[0.010], [0.020], [0.040]]),
        entry("minirnn-numpy", [[0.2], [0.4], [0.8]]),
        absent,
    )
    # 64 rows of 50 steps, and of 200: 3,200 and 12,800 tokens.
    points = [replace(sweep_workload("T", T, 1), sizes=Sizes(N=64, T=T)) for T in (200, 50)]
    slow = {"peer": "keras-jax", "status": "left out", "reason": "too slow"}
    sweep = [
        outcome(points[0], entry("minirnn", [[0.0128]]), entry("jax-scan", [[0.0256]]), slow, absent),
        outcome(points[1], entry("minirnn", [[0.0064]]), entry("jax-scan", [[0.0032]]), entry("floor", [[0.0016]]), absent),
    ]
    return {
        "header": HEADER,
        "quick": False,
        "not_run": ["gemm"],
        "rounds": 3,
        "seconds": 600.0,
        "whole": True,
        "workloads": [epoch, *sweep],
    }
