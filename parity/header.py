"""What a verdict is worthless without: versions, processor, threads, dtype, backend, tanh, seed, commit.

Comes in: nothing. Goes out: lines of text.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

import minirnn
from minirnn.jit import DEFAULT_BACKEND
from parity.case import COMPUTES_IN_FLOAT64

PROJECT = Path(__file__).resolve().parent.parent


def header(keras_backend: str) -> list[str]:
    """Give a line per fact."""
    packages = ("numpy", "numba", "keras", keras_backend)
    return [
        f"parity of minirnn {minirnn.__version__} with Keras on {keras_backend}",
        f"versions  {', '.join(f'{package} {_version(package)}' for package in packages)}, Python {platform.python_version()}",
        f"machine   {_processor()}, {os.cpu_count()} processors, {platform.system()} {platform.machine()}",
        f"minirnn   float32, backend {DEFAULT_BACKEND}, one thread, tanh by expm1 (at most 2.5 ULP)",
        f"truth     NumPy reference in float64{', itself checked against Keras in float64' * (keras_backend in COMPUTES_IN_FLOAT64)}",
        f"seeds     fixed, one per kind of case; commit {_commit()}",
    ]


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    names = (
        [line.partition(":")[2].strip() for line in listing.read_text().splitlines() if line.startswith("model name")]
        if listing.exists()
        else []
    )
    return names[0] if names else platform.processor() or platform.machine()


def _commit() -> str:
    def git(*arguments: str) -> str:
        command = ["git", "--no-optional-locks", "-C", str(PROJECT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "--short=12", "HEAD") + (" with changes" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
