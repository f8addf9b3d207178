"""What a table of times opens with: versions, processor, threads, dtype, seed, commit."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from minirnn import machine

PROJECT = Path(__file__).resolve().parent.parent
PACKAGES = ("minirnn", "numpy", "numba", "scipy", "keras", "tensorflow", "jax", "torch")
MEASURED = ("minirnn", "benchmarks", ":!benchmarks/results")


def header(threads: int, seed: int) -> dict[str, Any]:
    """Collect all of it, for a run in which everyone may use so many threads."""
    versions = {package: machine.version(package) for package in PACKAGES}
    if versions["minirnn"] == "not installed":
        versions["minirnn"] = "source tree"
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": machine.commit(PROJECT, MEASURED),
        "cpu": machine.processor(),
        "vector_instructions": machine.vector_instructions(),
        "processors": machine.processors(),
        "threads": threads,
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "platform": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions,
        "blas": machine.blas(),
        "dtype": "float32",
        "seed": seed,
    }
