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
        any_positive,
        each_eight_times,
        first_half,
        fma,
        four_times,
        hold,
        joined,
        load,
        load_four,
        load_part,
        load_rows,
        load_wide,
        load_wide_part,
        magnitude,
        maximum,
        minimum,
        onward,
        pointer,
        power_of_two,
        root,
        round_lanes,
        second_half,
        stay_apart,
        store,
        store_part,
        unit_0,
        unit_1,
        unit_2,
        unit_3,
        unit_4,
        unit_5,
        unit_6,
        unit_7,
        where_positive,
        with_sign_of,
        zeros_of,
    )
else:

    def pointer(array: np.ndarray) -> np.ndarray:
        """The C-ordered array's memory as one run of numbers. ``pointer(array)[k]`` reads and writes the k-th of them, unchecked."""
        return array.reshape(-1)

    def hold(arrays: tuple[np.ndarray, ...]) -> None:
        """Keep arrays alive up to here. A pointer does not: an array that is not named again after it may be gone."""

    def stay_apart() -> None:
        """In a subroutine: have LLVM keep it apart, instead of copying it into each function that calls it, and compiling it anew."""

    def onward(place: np.ndarray, numbers: int) -> np.ndarray:
        """The memory from so many numbers further on."""
        return place[numbers:]

    def _memory_from(array: np.ndarray, index: Any) -> np.ndarray:
        """The C-ordered array's memory from ``index`` on: lanes may run over the end of a row into the next one, as compiled ones do."""
        if not isinstance(index, tuple):
            return array[index:]
        start = 0
        for i, size in zip(index, array.shape, strict=True):
            start = start * size + i
        return array.reshape(-1)[start:]

    def load(array: np.ndarray, index: Any) -> np.ndarray:
        """``LANES`` neighbours of ``array`` along its last axis, from ``index`` on; or of a pointer, from so many numbers further on."""
        return load_part(array, index, LANES)

    def load_four(array: np.ndarray, index: Any) -> np.ndarray:
        """Four neighbours."""
        return np.array(_memory_from(array, index)[:4])

    def load_rows(array: np.ndarray, index: Any) -> np.ndarray:
        """Four times ``LANES`` neighbours: four rows of eight units, which most functions here treat as one vector."""
        return np.array(_memory_from(array, index)[: 4 * LANES])

    def load_part(array: np.ndarray, index: tuple[int, ...], count: int) -> np.ndarray:
        """The first ``count`` of ``LANES`` neighbours; the other lanes are 0 and are not read."""
        lanes = np.zeros(LANES, array.dtype)
        lanes[:count] = _memory_from(array, index)[:count]
        return lanes

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

    def joined(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """The lanes of ``a``, then those of ``b``."""
        return np.concatenate([a, b])

    def first_half(a: np.ndarray) -> np.ndarray:
        """The first half of the lanes."""
        return a[: len(a) // 2]

    def second_half(a: np.ndarray) -> np.ndarray:
        """The second half of the lanes."""
        return a[len(a) // 2 :]

    def four_times(a: np.ndarray) -> np.ndarray:
        """The lanes four times over: one row for four rows."""
        return np.tile(a, 4)

    def each_eight_times(a: np.ndarray) -> np.ndarray:
        """Each lane eight times: one number a row, for rows of eight units."""
        return np.repeat(a, LANES)

    def _unit_spreader(unit: int) -> Any:
        def spread(a: np.ndarray) -> np.ndarray:
            """In rows of eight units, that one unit in place of all eight."""
            return np.repeat(a[unit::LANES], LANES)

        return spread

    unit_0, unit_1, unit_2, unit_3, unit_4, unit_5, unit_6, unit_7 = (_unit_spreader(unit) for unit in range(LANES))

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

    def root(a: Any) -> Any:
        """The square root of each lane, correctly rounded."""
        return np.sqrt(a)

    def any_positive(a: Any) -> bool:
        """Whether any lane is larger than 0; a NaN is not."""
        return bool((a > 0).any())

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
    "any_positive",
    "each_eight_times",
    "first_half",
    "fma",
    "four_times",
    "hold",
    "joined",
    "load",
    "load_four",
    "load_part",
    "load_rows",
    "load_wide",
    "load_wide_part",
    "magnitude",
    "maximum",
    "minimum",
    "onward",
    "pointer",
    "power_of_two",
    "root",
    "round_lanes",
    "second_half",
    "stay_apart",
    "store",
    "store_part",
    "unit_0",
    "unit_1",
    "unit_2",
    "unit_3",
    "unit_4",
    "unit_5",
    "unit_6",
    "unit_7",
    "where_positive",
    "with_sign_of",
    "zeros_of",
]
