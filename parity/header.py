"""What a verdict is worthless without: versions, processor, threads, dtype, backend, tanh, denormals, commit.

Comes in: which backend Keras is on, in the process that compares. Goes out: plain values for ``parity.json``, and lines of text.
"""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import minirnn
from minirnn import machine
from minirnn.jit import COMPILED, DEFAULT_BACKEND

PROJECT = Path(__file__).resolve().parent.parent
COMPARED = ("minirnn", "parity")
TANH = "of exp(2|z|), at most 1.77 ULP" if COMPILED else "NumPy's"


def common() -> dict[str, Any]:
    """Give what holds for every backend."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": machine.commit(PROJECT, COMPARED),
        "minirnn": minirnn.__version__,
        "python": platform.python_version(),
        "versions": {package: machine.version(package) for package in ("numpy", "numba", "keras")},
        "processor": machine.processor(),
        "processors": machine.processors(),
        "vector_instructions": machine.vector_instructions(),
        "platform": f"{platform.system()} {platform.machine()}",
        "blas": machine.blas(),
        "dtype": "float32",
        "backend": DEFAULT_BACKEND + ("" if COMPILED else ", not compiled"),
        "threads": "minirnn one, Keras its default",
        "tanh": TANH,
        "seeds": "fixed, by case; in parity.json",
    }


def of_backend(backend: str) -> dict[str, Any]:
    """Give what holds where Keras is on that backend, which has to be loaded: its libraries may change what becomes of denormals."""
    from parity import keras_backend
    from parity.case import COMPUTES_IN_FLOAT64

    keras = keras_backend.load()

    def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return keras_backend.array(keras.ops.multiply(keras.ops.convert_to_tensor(a), keras.ops.convert_to_tensor(b)))

    return {
        "version": machine.version(backend),
        "checks_truth": backend in COMPUTES_IN_FLOAT64,
        "denormals": {"NumPy": machine.denormals(), "Keras": machine.denormals(product)},
    }


def lines(facts: dict[str, Any]) -> list[str]:
    """Give the common header, a line per group of facts."""
    versions = ", ".join(f"{package} {version}" for package, version in facts["versions"].items())
    vectors = " ".join(facts["vector_instructions"]) or "not known"
    return [
        f"parity of minirnn {facts['minirnn']} with Keras; commit {facts['commit']}, {facts['date']}",
        f"versions  {versions}, Python {facts['python']}",
        f"machine   {facts['processor']}, {facts['processors']} processors, {facts['platform']}; vectors: {vectors}; BLAS: {facts['blas']}",
        f"minirnn   {facts['dtype']}, backend {facts['backend']}; threads: {facts['threads']}; tanh: {facts['tanh']}",
        f"truth     NumPy reference in float64; seeds: {facts['seeds']}",
    ]


def backend_line(backend: str, facts: dict[str, Any]) -> str:
    """Give what is said before the verdicts of a backend."""
    kept = ", ".join(f"{who} {what}" for who, what in facts["denormals"].items())
    checks = "checks the truth in float64" if facts["checks_truth"] else "rounds float64 to float32, so it cannot check the truth"
    return f"Keras on {backend} {facts['version']}: {checks}; denormals: {kept}"
