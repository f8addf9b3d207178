"""What the floor works on: ids, a table and a recurrent kernel at H = 8, where C may read them, and the same work in float64 NumPy.

Comes in: arrays, checked as C cannot check them. Goes out: a case that a build of the floor reads and writes, and what it must come to.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

UNITS = 8
MOST_ROWS = 32
"""A batch is worked off in groups of so many rows, or of fewer where N or B is no multiple: floor.c is built for that number."""

ALIGNMENT = 64
"""Bytes: where a register of sixteen lanes may start so that reading it is one access to the cache. Costs a third of an epoch if missed."""


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

    @property
    def group(self) -> int:
        """Rows that are worked off together."""
        return math.gcd(MOST_ROWS, len(self.ids), len(self.dh_last))


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


def states_ref(case: FloorCase, ids: np.ndarray) -> list[np.ndarray]:
    """Run ids (N,T) forward in float64 NumPy: T + 1 states (N,8), the initial one first."""
    table, U = case.table.astype(np.float64), case.U.astype(np.float64)
    hs = [np.zeros((len(ids), UNITS))]
    for t in range(ids.shape[1]):
        hs.append(np.tanh(table[ids[:, t]] + hs[-1] @ U))
    return hs


def last_batch_ref(case: FloorCase) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Do the last batch of a case's epoch in float64 NumPy: its last states (rows,8), dtable (V,8) and dU (8,8)."""
    N, T = case.ids.shape
    B = len(case.dh_last)
    ids = case.ids[case.rows[(N - 1) // B * B :]]
    U, hs = case.U.astype(np.float64), states_ref(case, ids)
    dh, dtable, dU = case.dh_last[: len(ids)].astype(np.float64), np.zeros(case.table.shape), np.zeros_like(U)
    for t in reversed(range(T)):
        dz = dh * (1 - hs[t + 1] ** 2)
        np.add.at(dtable, ids[:, t], dz)
        dU += hs[t].T @ dz
        dh = dz @ U.T
    return hs[-1], dtable, dU
