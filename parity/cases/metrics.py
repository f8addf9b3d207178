"""Accuracy, batch by batch, as an epoch adds it up."""

from __future__ import annotations

import numpy as np

from minirnn import metrics
from minirnn.jit import DEFAULT_BACKEND
from parity import keras_backend
from parity.case import SetUp, Sides, Tensors

N, BATCH = 23, 7


def _accuracy(threshold: float, K: int) -> SetUp:
    def set_up() -> Sides:
        rng = np.random.default_rng(61)
        y, probs = rng.integers(0, 2, (N, K)).astype(np.float32), rng.random((N, K)).astype(np.float32)
        probs[:4] = threshold  # on the fence is class 0
        cuts = [np.arange(start, min(start + BATCH, N)) for start in range(0, N, BATCH)]

        def ours() -> Tensors:
            metric, seen = metrics.BinaryAccuracy(threshold=threshold), []
            for rows in cuts:
                metric.update(probs[rows], y, rows, None, DEFAULT_BACKEND)
                seen.append(metric.result())
            return {"running": np.array(seen, np.float32)}

        def keras() -> Tensors:
            metric, seen = keras_backend.load().metrics.BinaryAccuracy(threshold=threshold), []
            for rows in cuts:
                metric.update_state(y[rows], probs[rows])
                seen.append(float(metric.result()))
            return {"running": np.array(seen, np.float32)}

        def truth() -> Tensors:
            right = ((probs > np.float32(threshold)) == y).mean(axis=1)
            return {"running": np.array([right[: rows[-1] + 1].mean() for rows in cuts])}

        return Sides(ours, keras, truth)

    return set_up


CASES: dict[str, SetUp] = {
    "accuracy": _accuracy(0.5, 1),
    "accuracy.threshold": _accuracy(0.25, 1),
    "accuracy.several_outputs": _accuracy(0.5, 3),
}
