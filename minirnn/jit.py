"""The one place where numba's flags and threads are decided.

Comes in: a kernel, written as plain Python over arrays. Goes out: the same function, compiled at its first call and kept on
disk for the next process (``kernel_cache.py``). Nothing else in minirnn names numba's options.

Without numba (or with ``NUMBA_DISABLE_JIT=1``) every kernel stays the Python function that it is: slow, equal, and steppable in
a debugger. ``backend="numpy"`` never calls one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from minirnn import kernel_cache

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

FLAGS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": FASTMATH}

INNER: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""What Python would need to call a function is not compiled for those that kernels call: a tenth of all compile time."""

AS_WRITTEN: dict[str, Any] = {**FLAGS, "fastmath": False}
"""``reassoc`` turns a product taken again and again into a product with a power, which rounds otherwise."""

_kernels: dict[str, Any] = {}

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def jit(kernel: Kernel) -> Kernel:
    """Compile a kernel in nopython mode, without the GIL, cached on disk, dividing as NumPy does (no ZeroDivisionError branch)."""
    return _compiled(kernel, FLAGS)


def compiled_kernels() -> dict[str, Any]:
    """Give every kernel of the modules imported so far by its name, e.g. ``losses.mse_jit``; none where nothing is compiled."""
    return dict(_kernels)


def inline(kernel: Kernel) -> Kernel:
    """Compile a small function that is copied into every kernel that calls it (LLVM inlines it; it has no cache of its own)."""
    return _inlined(kernel, FLAGS)


def for_both(function: Kernel) -> Kernel:
    """Let kernels call a function that Python calls too: the other two kinds of function that kernels call have no way in from Python."""
    if not COMPILED:
        return function
    registered: Kernel = numba.extending.register_jitable(**FLAGS)(function)
    return registered


def jit_as_written(kernel: Kernel) -> Kernel:
    """As ``jit``, and every operation is rounded as it stands in the source: for two kernels that must agree to the last bit."""
    return _compiled(kernel, AS_WRITTEN)


def inline_as_written(kernel: Kernel) -> Kernel:
    """As ``inline``, for kernels of ``jit_as_written``: a function called from one keeps flags of its own."""
    return _inlined(kernel, AS_WRITTEN)


def subroutine(kernel: Kernel) -> Kernel:
    """Compile a function that kernels call: once for all of them. Its arguments are numbers and pointers, for which a call costs nothing;
    an array among them costs two atomic counts a call.
    """
    if not COMPILED:
        return kernel
    return _without_literals(numba.njit(kernel, **INNER, **FLAGS))


def uncompiled(function: Kernel) -> Kernel:
    """Give the Python function of an ``inline`` one or a ``subroutine``, to call it outside kernels: these are kept nowhere, so the call of
    one readies the compiler and compiles, 0.3 s, in every process.
    """
    found: Kernel = getattr(function, "py_func", function)
    return found


def _compiled(kernel: Kernel, flags: dict[str, Any]) -> Kernel:
    if not COMPILED:
        return kernel
    compiled: Any = numba.njit(kernel, **flags)
    name = f"{kernel.__module__.removeprefix('minirnn.')}.{kernel.__qualname__}"
    kernel_cache.attach(compiled, name)
    _kernels[name] = compiled
    return compiled  # type: ignore[no-any-return]


def _inlined(kernel: Kernel, flags: dict[str, Any]) -> Kernel:
    if not COMPILED:
        return kernel
    return _without_literals(numba.njit(kernel, forceinline=True, **INNER, **flags))


def _without_literals(compiled: Any) -> Any:
    """Let a call with a constant mean the same compiled function as one with a variable.

    Otherwise numba compiles it anew for 0, for 1 and for 2, to the same code: LLVM sees the constants by itself. A tenth of all compile
    time, and not a microsecond of a step. The attribute is numba's own, hence the check.
    """
    find, unliteral = getattr(compiled, "get_call_template", None), getattr(numba.types, "unliteral", None)
    if find is not None and unliteral is not None:
        compiled.get_call_template = lambda args, kws: find(
            tuple(map(unliteral, args)), {name: unliteral(given) for name, given in kws.items()}
        )
    return compiled


def for_kernels(array: Any, dtype: np.dtype[Any]) -> np.ndarray:
    """Give an array in the one form that kernels are compiled for: C-ordered, aligned, writable. Itself where it is in that form.

    numba compiles a kernel anew for each other form, a second or two each, also for an array that merely cannot be written to, as those of
    pandas or of a file opened for reading.
    """
    return np.require(array, dtype, ["C", "A", "W"])
