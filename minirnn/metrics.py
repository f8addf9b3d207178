"""What an epoch reports beside its loss: running means over the batches.

Comes in: labels and outputs, batch by batch. Goes out: the mean over all examples so far.

    accuracy        share of outputs on the right side of 0.5; exactly 0.5 counts as class 0
    with K > 1      share of examples whose largest output is at the largest label

Source: Keras 3.15, ``keras/src/metrics/accuracy_metrics.py`` and ``reduction_metrics.py``. Sample and class weights do not enter.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.jit import jit
from minirnn.registry import lookup

__all__ = ["BinaryAccuracy", "CategoricalAccuracy", "Mean", "get"]


def binary_matches_ref(probs: np.ndarray, y: np.ndarray, rows: np.ndarray, threshold: float) -> float:
    """Sum over the batch of the share of right outputs; probs (B,K), y (N,K), rows (B,)."""
    return float(np.mean((probs > threshold) == y[rows], axis=1).sum())


@jit
def binary_matches_jit(probs: np.ndarray, y: np.ndarray, rows: np.ndarray, threshold: float) -> float:
    """The same, compiled."""
    B, K = probs.shape
    limit = probs.dtype.type(threshold)  # as NumPy and Keras compare: a float32 0.1 is not above 0.1
    matches = 0
    for b in range(B):
        for k in range(K):
            predicted = 1.0 if probs[b, k] > limit else 0.0
            if predicted == y[rows[b], k]:
                matches += 1
    return matches / K


BACKENDS = {"numpy": binary_matches_ref, "numba": binary_matches_jit}


class Mean:
    """A running mean: what an epoch's loss is made with.

    Attributes
    ----------
    total, count : sum of value · weight, and of weight

    Examples
    --------
    >>> loss = Mean("loss")
    >>> loss.add(0.5, weight=64)
    >>> loss.add(0.9, weight=16)
    >>> round(loss.result(), 4)
    0.58
    """

    def __init__(self, name: str = "loss") -> None:
        self.name = name
        self.direction = "down"
        self.reset()

    def reset(self) -> None:
        """Start again at nothing."""
        self.total = self.count = 0.0

    def add(self, value: float, weight: float = 1.0) -> None:
        """Take in a value that stands for so many examples."""
        self.total += value * weight
        self.count += weight

    def result(self) -> float:
        """The mean so far; 0 of nothing."""
        return self.total / self.count if self.count else 0.0


class BinaryAccuracy(Mean):
    """Share of outputs on the right side of a threshold.

    Parameters
    ----------
    name : under which it is reported
    threshold : above it, an output means 1

    Raises
    ------
    ValueError
        When the threshold is not in 0..1.

    Examples
    --------
    >>> accuracy = BinaryAccuracy()
    >>> probs, y = np.array([[0.2], [0.6], [0.5]]), np.array([[0.0], [1.0], [1.0]])
    >>> accuracy.update(probs, y, np.arange(3), None, "numpy")
    >>> round(accuracy.result(), 4)
    0.6667
    """

    def __init__(self, name: str = "binary_accuracy", threshold: float = 0.5) -> None:
        super().__init__(name)
        if not 0 <= threshold <= 1:
            raise ValueError(f"BinaryAccuracy: threshold must be in 0..1, received {threshold!r}.")
        self.direction = "up"
        self.threshold = float(threshold)

    def update(self, probs: np.ndarray, y: np.ndarray, rows: np.ndarray, mask: np.ndarray | None, backend: str) -> None:
        """Take in a batch: probs (B,K), y (N,K), rows (B,), mask (B,K) or None for all."""
        if mask is None:
            self.total += BACKENDS[backend](probs, y, rows, self.threshold)
            self.count += len(rows)
        else:
            right = (probs > self.threshold) == y[rows]
            self.add(float(right[mask].mean()) if mask.any() else 0.0, int(mask.sum()))


class CategoricalAccuracy(BinaryAccuracy):
    """Share of examples whose largest output stands where the largest label does.

    Examples
    --------
    >>> accuracy = CategoricalAccuracy("accuracy")
    >>> probs, y = np.array([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]]), np.eye(3)[[1, 2]]
    >>> accuracy.update(probs, y, np.arange(2), None, "numpy")
    >>> accuracy.result()
    0.5
    """

    def update(self, probs: np.ndarray, y: np.ndarray, rows: np.ndarray, mask: np.ndarray | None, backend: str) -> None:
        """Take in a batch: probs (B,K), y (N,K), rows (B,)."""
        self.add(float(np.mean(probs.argmax(axis=1) == y[rows].argmax(axis=1))), len(rows))


METRICS = {
    "accuracy": BinaryAccuracy,
    "acc": BinaryAccuracy,
    "binary_accuracy": BinaryAccuracy,
    "BinaryAccuracy": BinaryAccuracy,
    "categorical_accuracy": CategoricalAccuracy,
    "CategoricalAccuracy": CategoricalAccuracy,
}


def get(identifier: Any, outputs: int | None = 1) -> BinaryAccuracy:
    """Give a metric by Keras's name, or as it is. "accuracy" looks at the number of outputs, and keeps the user's spelling.

    Raises
    ------
    ValueError
        When the name is unknown; the nearest known one is suggested.
    TypeError
        When it is neither a name nor a metric.

    Examples
    --------
    >>> get("accuracy").name, type(get("accuracy", outputs=3)).__name__
    ('accuracy', 'CategoricalAccuracy')
    """
    if isinstance(identifier, BinaryAccuracy):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, BinaryAccuracy):
        return identifier()
    if not isinstance(identifier, str):
        raise TypeError(f"metrics.get: metric must be a name or a metric of minirnn.metrics, received {identifier!r}.")
    if identifier.lower() in ("accuracy", "acc"):
        return (BinaryAccuracy if outputs == 1 else CategoricalAccuracy)(name=identifier)
    return lookup("metric", identifier, METRICS)(name=identifier)
