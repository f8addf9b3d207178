"""The floor as a peer: `floor.c` on the ids that everyone gets, in the same order, checked against NumPy before anything is timed.

Comes in: sizes and arrays. Goes out: a session without a loss, since the head is not in the floor. Its `predict` gives states, not
probabilities, and only for the first rows of its own ids: a limit needs no generality.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks import floor
from benchmarks.drawn import Arrays, Sizes
from benchmarks.floor_case import UNITS, FloorCase
from benchmarks.peers import Unavailable


class Session:
    """What the timer calls."""

    def __init__(self, work: Sizes, arrays: Arrays, model: str = "embedding") -> None:
        *front, Wh, b, dense, _ = arrays.weights[model]
        if work.H != UNITS:
            raise Unavailable(f"the floor is written for H={UNITS}, the workload has H={work.H}")
        dh_last = np.random.default_rng(work.seed).uniform(-0.5, 0.5, (work.B, 1)) * dense.T / work.B
        table = front[0] @ front[1] if model == "embedding" else front[0]
        self.case = FloorCase(arrays.ids, np.arange(len(arrays.ids)), table + b, Wh, dh_last)
        self.predictions: dict[int, Callable[[], np.ndarray]] = {}
        self.run_epoch: Callable[[], None] | None = None
        try:
            floor.compiled(floor.AVX2.for_rows(self.case.group))
        except floor.FloorUnavailable as reason:
            raise Unavailable(str(reason)) from None

    def epoch(self) -> None:
        """Run one epoch; there is no loss in it."""
        if self.run_epoch is None:  # a session that predicts is spared the check of an epoch
            self.run_epoch = floor.checked_call(self.case)
        self.run_epoch()

    def evaluate(self, n: int) -> None:
        """Run the first n rows forward; there is no loss in it."""
        self._forward(n)

    def predict(self, ids: np.ndarray) -> np.ndarray:
        """Give the last states (N,8) of the first N rows of the session's ids."""
        return self._forward(len(ids))

    def _forward(self, n: int) -> np.ndarray:
        if n not in self.predictions:
            self.predictions[n] = floor.checked_predict(self.case, n)
        return self.predictions[n]()
