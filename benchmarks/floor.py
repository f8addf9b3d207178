"""The machine's limit on the recurrent part of an epoch: C built on the spot, checked against NumPy, then timed.

In come the sizes of a workload with H = 8; out comes a call without arguments that runs one epoch of forward, backward and scatter on one
thread. The head, the loss and the optimizer are not in it, so nothing that trains can be expected to reach it exactly.

    floor           `AVX2`, eight lanes and sixteen registers, on every machine the same: the definition
    floor-native    the fastest of `BUILDS` on this machine: `fastest_call`
"""

from __future__ import annotations

import ctypes
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np

UNITS = 8
ROWS = 32
"""The batch is worked off in groups of so many rows; N and B are multiples of it."""

ALIGNMENT = 64
"""Bytes: where a register of sixteen lanes may start so that reading it is one access to the cache. Costs a third of an epoch if missed."""

TOLERANCE = 1e-4
"""Largest error allowed before timing, relative to the largest entry. Float32 over 100 steps leaves 1e-6; a fault leaves 1e-2 and more."""

TRIED_ROWS = 100 * ROWS
"""So many of a case's rows decide which build is the fastest."""


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


class FloorUnavailable(RuntimeError):
    """The floor cannot be built or run here; the message says why."""


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
    return loaded


def aligned(array: np.ndarray) -> np.ndarray:
    """Copy an array to where a register may start."""
    room = np.empty(array.nbytes + ALIGNMENT, np.uint8)
    start = -room.ctypes.data % ALIGNMENT
    copied = room[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copied[...] = array
    return copied


@dataclass
class FloorCase:
    """Everything one epoch reads and writes.

    Attributes
    ----------
    ids (N,T) int32: tokens 0..V-1
    rows (N,) int64: the order in which rows are taken
    table (V,8) float32: E·Wx + b, one row a token
    U (8,8) float32: the recurrent kernel
    dh_last (B,8) float32: gradient on the last state of a batch's rows
    hs (B,T+1,8) float32: states, slot 0 the initial one; where `Build.rows_in_lanes`, (B/16,T+1,8,16) in the same memory
    dtable (V,8), dU (8,8) float32: gradients of the last batch
    """

    ids: np.ndarray
    rows: np.ndarray
    table: np.ndarray
    U: np.ndarray
    dh_last: np.ndarray
    hs: np.ndarray = field(init=False)
    dtable: np.ndarray = field(init=False)
    dU: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        (N, T), B = self.ids.shape, len(self.dh_last)
        if N % ROWS or B % ROWS:
            raise ValueError(f"FloorCase: N and B must be multiples of {ROWS}, received N={N}, B={B}. Choose sizes that are.")
        if N == 0 or B == 0 or self.table.shape[1] != UNITS:
            raise ValueError(f"FloorCase: needs rows and H={UNITS}, received N={N}, B={B}, H={self.table.shape[1]}.")
        self.ids = np.ascontiguousarray(self.ids, dtype=np.int32)
        self.rows = np.ascontiguousarray(self.rows, dtype=np.int64)
        self.table, self.U, self.dh_last = (aligned(np.asarray(a, np.float32)) for a in (self.table, self.U, self.dh_last))
        if self.ids.min(initial=0) < 0 or self.ids.max(initial=0) >= len(self.table):
            raise ValueError(f"FloorCase: ids must be 0..{len(self.table) - 1}, received {self.ids.min()}..{self.ids.max()}.")
        if self.rows.shape != (N,) or self.rows.min() < 0 or self.rows.max() >= N:
            raise ValueError(f"FloorCase: rows must hold N={N} indices 0..{N - 1}, received shape {self.rows.shape}.")
        self.hs = aligned(np.zeros((B, T + 1, UNITS), np.float32))
        self.dtable = aligned(np.zeros_like(self.table))
        self.dU = aligned(np.zeros_like(self.U))


def make_case(*, N: int = 20_000, T: int = 100, V: int = 200, B: int = 64, seed: int = 0) -> FloorCase:
    """Random ids and weights of the seed workload's sizes: an orthogonal U, so that states neither die nor saturate."""
    rng = np.random.default_rng(seed)
    orthogonal, _ = np.linalg.qr(rng.standard_normal((UNITS, UNITS)))
    return FloorCase(
        ids=rng.integers(0, V, (N, T), dtype=np.int32),
        rows=rng.permutation(N),
        table=0.1 * rng.standard_normal((V, UNITS)),
        U=orthogonal,
        dh_last=rng.standard_normal((B, UNITS)) / B,
    )


def epoch_call(case: FloorCase, build: Build = AVX2) -> Callable[[], None]:
    """Make the call that runs one epoch of a case; the arrays it writes are the case's own, so that one build at a time can have it.

    Raises
    ------
    FloorUnavailable
        As `compiled`.
    """
    run = compiled(build).floor_epoch
    (N, T), V, B = case.ids.shape, len(case.table), len(case.dh_last)
    transposed = np.ascontiguousarray(case.U.T)
    dzs = aligned(np.zeros((ROWS, T + 1, UNITS), np.float32))
    case.hs[:] = 0  # another build's slot 0 lies elsewhere
    before = [case.ids, case.rows]
    after = [case.table, case.U, transposed, case.dh_last, case.hs, dzs, case.dtable, case.dU]
    addresses = [a.ctypes.data for a in before], [a.ctypes.data for a in after]

    def run_epoch(_keep_alive: object = (before, after)) -> None:
        run(*addresses[0], N, B, T, V, *addresses[1])

    return run_epoch


def last_batch_ref(case: FloorCase) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Do the last batch of a case's epoch in float64 NumPy: its last states (rows,8), dtable (V,8) and dU (8,8)."""
    N, T = case.ids.shape
    B = len(case.dh_last)
    ids = case.ids[case.rows[(N - 1) // B * B :]]
    table, U = case.table.astype(np.float64), case.U.astype(np.float64)
    hs = [np.zeros((len(ids), UNITS))]
    for t in range(T):
        hs.append(np.tanh(table[ids[:, t]] + hs[-1] @ U))
    dh, dtable, dU = case.dh_last[: len(ids)].astype(np.float64), np.zeros_like(table), np.zeros_like(U)
    for t in reversed(range(T)):
        dz = dh * (1 - hs[t + 1] ** 2)
        np.add.at(dtable, ids[:, t], dz)
        dU += hs[t].T @ dz
        dh = dz @ U.T
    return hs[-1], dtable, dU


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
