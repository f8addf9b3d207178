"""The one place where numba's flags, caching and threads are decided.

Comes in: a kernel, written as plain Python over arrays. Goes out: the same function, compiled at its first call and kept on
disk for the next process. Nothing else in minirnn names numba's options.

Without numba (or with ``NUMBA_DISABLE_JIT=1``) every kernel stays the Python function that it is: slow, equal, and steppable in
a debugger. ``backend="numpy"`` never calls one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

try:
    import numba
except ImportError:  # the numpy backend needs no numba
    numba = None  # type: ignore[assignment]

HAVE_NUMBA: bool = numba is not None
"""True when numba can be imported."""

COMPILED: bool = HAVE_NUMBA and os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")
"""True when kernels are compiled; False when they run as plain Python."""

DEFAULT_BACKEND: str = "numba" if HAVE_NUMBA else "numpy"

FASTMATH = {"nsz", "contract", "reassoc"}
"""Named flags only. Without ``nnan`` and ``ninf`` a NaN stays a NaN, so a diverged training is seen, not optimised away; without
``arcp`` and ``afn`` a division and a square root stay correctly rounded."""

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def jit(kernel: Kernel) -> Kernel:
    """Compile a kernel in nopython mode, without the GIL, cached on disk, dividing as NumPy does (no ZeroDivisionError branch)."""
    if not COMPILED:
        return kernel
    compiled: Kernel = numba.njit(kernel, cache=True, nogil=True, error_model="numpy", fastmath=FASTMATH)
    return compiled


def inline(kernel: Kernel) -> Kernel:
    """Compile a small function that is copied into every kernel that calls it (LLVM inlines it; it has no cache of its own)."""
    if not COMPILED:
        return kernel
    compiled: Kernel = numba.njit(kernel, nogil=True, error_model="numpy", fastmath=FASTMATH, forceinline=True)
    return compiled
