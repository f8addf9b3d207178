"""What a figure is worthless without: versions, processor, threads, dtype, seed, commit."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
PACKAGES = ("minirnn", "numpy", "numba", "keras", "tensorflow", "jax")


def versions() -> dict[str, str]:
    """Give the version of each package that takes part, as installed."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "source tree" if package == "minirnn" else "not installed"
    return found


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


def commit() -> str:
    """Give the commit that is measured, with a word where the working tree is not exactly that."""

    def git(*arguments: str) -> str:
        command = ["git", "--no-optional-locks", "-C", str(PROJECT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--", "minirnn", "benchmarks", ":!benchmarks/results")
        return git("rev-parse", "--short=12", "HEAD") + (" with changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def header(threads: int | None, seed: int) -> dict[str, Any]:
    """Collect all of it; `threads` is None where each peer keeps its default."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "cpu": processor(),
        "processors": processors(),
        "threads": threads if threads is not None else "each peer's default",
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "platform": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions(),
        "dtype": "float32",
        "seed": seed,
    }
