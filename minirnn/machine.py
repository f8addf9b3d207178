"""What a figure is worthless without: versions, processor, vector instructions, what becomes of the smallest numbers, and the commit.

Comes in: names of packages, a folder. Goes out: plain values, as they go into a record, or "unknown". A run's record (``job.py``), every
report of ``parity`` and every table of ``benchmarks`` take what they say of the machine from here.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minirnn.jit import HAVE_NUMBA

VECTOR_INSTRUCTIONS = ("avx2", "fma", "avx512f", "neon", "sve")
"""Those that change how numbers are added up: how many at once, and whether a product is rounded before it is added."""


def version(package: str) -> str:
    """Give the version of a package, as installed.

    >>> version("no-such-package")
    'not installed'
    """
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def processor() -> str:
    """Name the processor."""
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def processors() -> int:
    """Count the logical processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def vector_instructions() -> list[str]:
    """Name those of `VECTOR_INSTRUCTIONS` that the processor has, as the compiler of minirnn's kernels sees it; none without numba."""
    if not HAVE_NUMBA:
        return []
    import llvmlite.binding

    features = llvmlite.binding.get_host_cpu_features()
    return [name for name in VECTOR_INSTRUCTIONS if features.get(name)]


def blas() -> str:
    """Name the library in which NumPy multiplies matrices."""
    built: Any = np.show_config(mode="dicts")
    library = built.get("Build Dependencies", {}).get("blas", {})
    return f"{library.get('name', 'unknown')} {library.get('version', '')}".strip()


def denormals(product: Callable[[np.ndarray, np.ndarray], np.ndarray] = np.multiply) -> str:
    """Say what becomes of a product below the smallest normal float32.

    Parameters
    ----------
    product : multiplies two float32 arrays (1,).

    >>> denormals()
    'kept'
    """
    smallest, half = np.full(1, np.finfo(np.float32).tiny), np.full(1, 0.5, np.float32)
    return "kept" if float(np.asarray(product(smallest, half)).item()) > 0 else "flushed to zero"


def commit(folder: Path, paths: Sequence[str] = (".",)) -> str:
    """Give the commit of a working tree, with a word where what lies there is not exactly that.

    Parameters
    ----------
    folder : of the working tree
    paths : the files that matter, as git understands them; new ones count
    """

    def git(*arguments: str) -> str:
        command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--", *paths)
        return git("rev-parse", "--short=12", "HEAD") + (" with changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
