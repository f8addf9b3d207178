"""The vector type that kernels are written in: eight or sixteen numbers that one instruction treats alike.

Comes in: C-ordered arrays. Goes out: functions (``load``, ``store``, ``fma``, ...) and the operators ``+ - * /``, so that a kernel
over eight units reads like the equation of one. numba's own loop vectoriser is fickle on loops as short as a layer of 8 units; here
the vector is said, not hoped for. LLVM lowers it to whatever the processor has (AVX2, AVX-512, NEON, or plain scalars), so no C
compiler is needed.

    z = fma(h_prev, u, z)        eight units at once;  h_prev may be a scalar, spread over the lanes

Each function exists twice: for compiled kernels as LLVM instructions (``simd_llvm.py``), and here for plain Python (numba absent or
switched off) as a NumPy array of as many elements. ``tests/test_simd.py`` compares the two.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.jit import COMPILED

LANES = 8
"""Numbers that ``load`` takes: eight float32 fill one AVX2 register."""

WIDE = 16
"""Numbers that ``load_wide`` takes, for long contiguous runs: one AVX-512 register of float32, or two of AVX2."""

if COMPILED:
    from minirnn.simd_llvm import (
        fma,
        load,
        load_part,
        load_spread,
        load_wide,
        load_wide_part,
        magnitude,
        maximum,
        minimum,
        power_of_two,
        round_lanes,
        store,
        store_part,
        where_positive,
        with_sign_of,
        zeros_of,
    )
else:

    def _memory_from(array: np.ndarray, index: tuple[int, ...]) -> np.ndarray:
        """The C-ordered array's memory from ``index`` on: lanes may run over the end of a row into the next one, as compiled ones do."""
        start = 0
        for i, size in zip(index, array.shape, strict=True):
            start = start * size + i
        return array.reshape(-1)[start:]

    def load(array: np.ndarray, index: tuple[int, ...]) -> np.ndarray:
        """``LANES`` neighbours of ``array`` along its last axis, from ``index`` on."""
        return load_part(array, index, LANES)

    def load_part(array: np.ndarray, index: tuple[int, ...], count: int) -> np.ndarray:
        """The first ``count`` of ``LANES`` neighbours; the other lanes are 0 and are not read."""
        lanes = np.zeros(LANES, array.dtype)
        lanes[:count] = _memory_from(array, index)[:count]
        return lanes

    def load_spread(array: np.ndarray, index: tuple[int, ...]) -> np.ndarray:
        """The one number at ``index``, in each of ``LANES`` lanes. Unlike ``array[index]``, it never counts from the end."""
        return np.full(LANES, array[index])

    def load_wide(array: np.ndarray, index: tuple[int, ...]) -> np.ndarray:
        """``WIDE`` neighbours of ``array`` along its last axis, from ``index`` on."""
        return load_wide_part(array, index, WIDE)

    def load_wide_part(array: np.ndarray, index: tuple[int, ...], count: int) -> np.ndarray:
        """The first ``count`` of ``WIDE`` neighbours; the other lanes are 0 and are not read."""
        lanes = np.zeros(WIDE, array.dtype)
        lanes[:count] = _memory_from(array, index)[:count]
        return lanes

    def store(array: np.ndarray, index: tuple[int, ...], lanes: np.ndarray) -> None:
        """Write all lanes to ``array`` along its last axis, from ``index`` on."""
        store_part(array, index, lanes, len(lanes))

    def store_part(array: np.ndarray, index: tuple[int, ...], lanes: np.ndarray, count: int) -> None:
        """Write the first ``count`` lanes; what follows them in ``array`` is left alone."""
        _memory_from(array, index)[:count] = lanes[:count]

    def zeros_of(array: np.ndarray) -> np.ndarray:
        """``LANES`` zeros of the array's dtype."""
        return np.zeros(LANES, array.dtype)

    def fma(a: Any, b: Any, c: Any) -> Any:
        """``a * b + c``, rounded once when compiled."""
        return a * b + c

    def minimum(a: Any, b: float) -> Any:
        """The smaller of each lane of ``a`` and the number ``b``; a NaN in ``a`` stays."""
        return np.where(a > a.dtype.type(b), a.dtype.type(b), a)

    def maximum(a: Any, b: float) -> Any:
        """The larger of each lane of ``a`` and the number ``b``; a NaN in ``a`` stays."""
        return np.where(a < a.dtype.type(b), a.dtype.type(b), a)

    def magnitude(a: Any) -> Any:
        """The absolute value of each lane."""
        return np.abs(a)

    def with_sign_of(a: Any, b: Any) -> Any:
        """Each lane of ``a`` with the sign of the same lane of ``b``."""
        return np.copysign(a, b)

    def where_positive(a: Any, b: Any, c: Any) -> Any:
        """``b`` in the lanes where ``a > 0``, else ``c``; numbers are spread over the lanes."""
        return np.where(a > 0, a.dtype.type(b) if np.isscalar(b) else b, a.dtype.type(c) if np.isscalar(c) else c)

    def round_lanes(a: Any) -> Any:
        """Each lane rounded to the nearest whole number, halves to even."""
        return np.rint(a)

    def power_of_two(k: Any) -> Any:
        """``2**k`` for whole ``k`` in each lane, by writing the exponent; anything for a NaN."""
        return np.ldexp(k.dtype.type(1), np.where(np.isnan(k), 0, k).astype(np.int32))


__all__ = [
    "LANES",
    "WIDE",
    "fma",
    "load",
    "load_part",
    "load_spread",
    "load_wide",
    "load_wide_part",
    "magnitude",
    "maximum",
    "minimum",
    "power_of_two",
    "round_lanes",
    "store",
    "store_part",
    "where_positive",
    "with_sign_of",
    "zeros_of",
]
