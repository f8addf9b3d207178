"""The machine's limit on the recurrent part of an epoch: C built on the spot, checked against NumPy, then timed.

In comes a case with H = 8; out comes a call without arguments that runs one epoch of forward, backward and scatter on one thread, or one
that runs forward alone. The head, the loss and the optimizer are not in it, so nothing that trains can be expected to reach it exactly.

    floor           `AVX2`, eight lanes and sixteen registers, on every machine the same: the definition
    floor-native    the fastest of `BUILDS` on this machine: `fastest_call`
"""

from __future__ import annotations

import ctypes
import math
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import numpy as np

from benchmarks.floor_case import MOST_ROWS, UNITS, FloorCase, aligned, last_batch_ref, make_case, states_ref

TOLERANCE = 1e-4
"""Largest error allowed before timing, relative to the largest entry. Float32 over 100 steps leaves 1e-6; a fault leaves 1e-2 and more."""

TRIED_ROWS = 100 * MOST_ROWS
"""So many of a case's rows decide which build is the fastest."""


class FloorUnavailable(RuntimeError):
    """The floor cannot be built or run here; the message says why."""


@dataclass(frozen=True)
class Build:
    """One way to build the floor.

    Attributes
    ----------
    name : for people
    source : C file beside this one
    flags : what the compiler is told besides `-shared -fPIC`
    rows_in_lanes : how states are stored: (B/16,T+1,8,16), sixteen rows beside each other, or (B,T+1,8)
    """

    name: str
    source: str
    flags: tuple[str, ...]
    rows_in_lanes: bool = False

    def for_rows(self, rows: int) -> Build:
        """Give the build that works off groups of so many rows.

        Raises
        ------
        FloorUnavailable
            It cannot.
        """
        if not self.rows_in_lanes:
            return replace(self, flags=(*self.flags, f"-DBACKWARD_ROWS={rows}"))
        if rows % 16:
            raise FloorUnavailable(f"{self.name} works off 16 rows at a time, of which N and B must be multiples")
        return self

    def last_states(self, hs: np.ndarray) -> np.ndarray:
        """Pick the states (B,8) after the last step from hs, given as (B,T+1,8) whatever its layout."""
        if not self.rows_in_lanes:
            return hs[:, -1]
        B, slots, H = hs.shape
        return hs.reshape(-1, slots, H, 16)[:, -1].transpose(0, 2, 1).reshape(B, H)


AVX2 = Build("AVX2", "floor.c", ("-O3", "-mavx2", "-mfma", "-mtune=native"))
EIGHT_LANES = Build("native, 8 lanes", "floor.c", ("-O3", "-march=native", "-mprefer-vector-width=256"))
"""With whatever registers and instructions this machine has besides."""
AVX512 = Build("AVX-512", "floor_avx512.c", ("-O3", "-mavx512f", "-mavx512dq", "-mavx512vl", "-mtune=native"), rows_in_lanes=True)
BUILDS = (AVX2, EIGHT_LANES, AVX512)


@cache
def compiled(build: Build = AVX2) -> ctypes.CDLL:
    """Build the C and load it.

    Raises
    ------
    FloorUnavailable
        There is no compiler, it refuses the source, or the processor lacks the instructions.
    """
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise FloorUnavailable("no C compiler: none of cc, gcc, clang is on the PATH")
    # A folder of its own, gone once the library is mapped: a shared cache could hold someone else's code.
    with tempfile.TemporaryDirectory(prefix="minirnn-floor-", ignore_cleanup_errors=True) as folder:
        target = Path(folder) / "floor.so"
        command = [compiler, *build.flags, "-shared", "-fPIC", str(Path(__file__).with_name(build.source)), "-o", str(target)]
        built = subprocess.run(command, capture_output=True, text=True, check=False)
        if built.returncode != 0:
            first_line = (built.stderr.strip() or "no message").splitlines()[0]
            raise FloorUnavailable(f"{Path(compiler).name} cannot build {build.source} for this machine: {first_line}")
        loaded = ctypes.CDLL(str(target))
    if not loaded.floor_supported():
        raise FloorUnavailable(f"the processor lacks what {build.name} needs")
    loaded.floor_epoch.restype = None
    loaded.floor_epoch.argtypes = [ctypes.c_void_p] * 2 + [ctypes.c_long] * 4 + [ctypes.c_void_p] * 8
    if not build.rows_in_lanes:
        loaded.floor_predict.restype = None
        loaded.floor_predict.argtypes = [ctypes.c_void_p] + [ctypes.c_long] * 2 + [ctypes.c_void_p] * 4
    return loaded


def epoch_call(case: FloorCase, build: Build = AVX2) -> Callable[[], None]:
    """Make the call that runs one epoch of a case; the arrays it writes are the case's own, so that one build at a time can have it.

    Raises
    ------
    FloorUnavailable
        As `compiled`.
    """
    run = compiled(build.for_rows(case.group)).floor_epoch
    (N, T), V, B = case.ids.shape, len(case.table), len(case.dh_last)
    transposed = np.ascontiguousarray(case.U.T)
    dzs = aligned(np.zeros((MOST_ROWS, T + 1, UNITS), np.float32))
    case.hs[:] = 0  # another build's slot 0 lies elsewhere
    before = [case.ids, case.rows]
    after = [case.table, case.U, transposed, case.dh_last, case.hs, dzs, case.dtable, case.dU]
    addresses = [a.ctypes.data for a in before], [a.ctypes.data for a in after]

    def run_epoch(_keep_alive: object = (before, after)) -> None:
        run(*addresses[0], N, B, T, V, *addresses[1])

    return run_epoch


def predict_call(case: FloorCase, N: int, build: Build = AVX2) -> Callable[[], np.ndarray]:
    """Make the call that runs the first N rows forward and gives their last states (N,8), always in the same array.

    Raises
    ------
    FloorUnavailable
        As `compiled`.
    """
    T = case.ids.shape[1]
    h_last = np.zeros((N, UNITS), np.float32)
    arrays = [case.ids, case.table, case.U, h_last]
    whole = N // MOST_ROWS * MOST_ROWS
    runs: list[Callable[[], None]] = []
    for start, n in ((0, whole), (whole, N - whole)):
        if n:
            rows = math.gcd(MOST_ROWS, n)
            arrays.append(aligned(np.zeros((rows, T + 1, UNITS), np.float32)))
            places = (case.table, case.U, arrays[-1], h_last[start:])
            run = compiled(build.for_rows(rows)).floor_predict
            runs.append(partial(run, case.ids[start:].ctypes.data, n, T, *(array.ctypes.data for array in places)))

    def run_predict(_keep_alive: object = arrays) -> np.ndarray:
        for run in runs:
            run()
        return h_last

    return run_predict


def worst_error(case: FloorCase, build: Build = AVX2) -> float:
    """Give the largest difference of the epoch just run from float64, relative to the largest entry of its array."""
    h_last, dtable, dU = last_batch_ref(case)
    pairs = ((build.last_states(case.hs)[: len(h_last)], h_last), (case.dtable, dtable), (case.dU, dU))
    # A step from the zero state has no dU at all. NumPy's maximum, unlike Python's, lets no NaN through unseen.
    tiny = np.finfo(np.float32).tiny
    return float(np.max([np.abs(found - expected).max() / max(np.abs(expected).max(), tiny) for found, expected in pairs]))


def checked_call(case: FloorCase, build: Build = AVX2) -> Callable[[], None]:
    """As `epoch_call`, after one epoch whose gradients were found equal to NumPy's.

    Raises
    ------
    FloorUnavailable
        As `compiled`.
    ArithmeticError
        The gradients differ by more than `TOLERANCE`.
    """
    run_epoch = epoch_call(case, build)
    run_epoch()
    error = worst_error(case, build)
    if not error <= TOLERANCE:
        raise ArithmeticError(
            f"floor ({build.name}): its gradients are {error:.1e} away from NumPy's, at most {TOLERANCE:.0e} is rounding."
        )
    return run_epoch


def checked_predict(case: FloorCase, N: int) -> Callable[[], np.ndarray]:
    """As `predict_call`, after its states of the last rows were found equal to NumPy's.

    Raises
    ------
    FloorUnavailable
        As `compiled`.
    ArithmeticError
        They differ by more than `TOLERANCE`.
    """
    run_predict = predict_call(case, N)
    error = float(np.abs(run_predict()[-64:] - states_ref(case, case.ids[:N][-64:])[-1]).max())
    if not error <= TOLERANCE:
        raise ArithmeticError(f"floor: its states are {error:.1e} away from NumPy's, at most {TOLERANCE:.0e} is rounding.")
    return run_predict


def fastest_call(case: FloorCase) -> tuple[Build, Callable[[], None]]:
    """Find the fastest build of this machine for a case, by CPU time on its first rows; give it and what `checked_call` gives for it.

    Raises
    ------
    FloorUnavailable
        None of them can be built and run.
    ArithmeticError
        As `checked_call`.
    """
    sample = replace(case, ids=case.ids[:TRIED_ROWS], rows=np.arange(min(len(case.ids), TRIED_ROWS)))
    seconds: dict[Build, float] = {}
    reasons = []
    for build in BUILDS:
        try:
            run_epoch = checked_call(sample, build)
        except FloorUnavailable as reason:
            reasons.append(str(reason))
        else:
            seconds[build] = min(timed(run_epoch, time.process_time) for _ in range(5))
    if not seconds:
        raise FloorUnavailable("; ".join(reasons))
    fastest = min(seconds, key=seconds.__getitem__)
    return fastest, checked_call(case, fastest)


def timed(call: Callable[[], None], clock: Callable[[], float]) -> float:
    """Give the seconds of one call."""
    start = clock()
    call()
    return clock() - start


def main(rounds: int = 9) -> int:
    """Print the floor of this machine on the seed workload."""
    case = make_case()
    for build in BUILDS:
        try:
            run_epoch = checked_call(case, build)
        except FloorUnavailable as reason:
            print(f"floor ({build.name}): skipped, {reason}")
        else:
            seconds = [timed(run_epoch, time.perf_counter) for _ in range(rounds)]
            print(f"floor ({build.name}): median {1e3 * statistics.median(seconds):.2f} ms an epoch, least {1e3 * min(seconds):.2f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
