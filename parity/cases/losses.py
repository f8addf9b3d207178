"""Losses: the value, and the gradient on what they are given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minirnn import losses
from parity import keras_backend
from parity.case import SetUp, Sides, Tensors
from parity.cases.draws import numbers

N, K = 17, 3


def _ours(kind: str, arguments: dict[str, Any], scores: np.ndarray, y: np.ndarray, weights: np.ndarray | None, backend: str) -> Tensors:
    loss = getattr(losses, kind)(**arguments)
    kernel = losses.BACKENDS[backend][loss.kernel_name(False)]
    gradient, dtype = np.empty_like(scores), scores.dtype
    by_position = None if weights is None else np.repeat(weights.astype(dtype)[:, None], K, axis=1)
    value = kernel(scores, y.astype(dtype), np.arange(N), by_position, loss.label_smoothing, gradient)
    return {"loss": np.asarray(value, dtype), "dscores": gradient, "called": np.asarray(loss(y, scores, weights), dtype)}


def _keras(kind: str, arguments: dict[str, Any], scores: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> Tensors:
    loss = getattr(keras_backend.load().losses, kind)(**arguments, dtype=scores.dtype.name)
    value, gradient = keras_backend.value_and_gradient(lambda given: loss(y, given, sample_weight=weights), scores)
    return {"loss": value, "dscores": gradient, "called": value}


def _loss(kind: str, draw: Callable[[np.random.Generator], np.ndarray], weighted: bool = False, **arguments: Any) -> SetUp:
    def set_up() -> Sides:
        from minirnn.jit import DEFAULT_BACKEND

        rng = np.random.default_rng(51)
        scores, y = draw(rng), rng.integers(0, 2, (N, K)).astype(np.float32)
        weights = rng.uniform(0, 4, N).astype(np.float32) if weighted else None
        exact = scores.astype(np.float64)
        return Sides(
            lambda: _ours(kind, arguments, scores, y, weights, DEFAULT_BACKEND),
            lambda: _keras(kind, arguments, scores, y, weights),
            lambda: _ours(kind, arguments, exact, y, weights, "numpy"),
            lambda: _keras(kind, arguments, exact, y, weights),
        )

    return set_up


def _logits(rng: np.random.Generator) -> np.ndarray:
    scores = numbers(rng, N, K, scale=3)
    scores[0], scores[1] = (40, -40, 0), (-95, 95, -0.0)
    return scores


def _probs(rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(0.01, 0.99, (N, K)).astype(np.float32)


def _clipped() -> Sides:
    """Probabilities of 0 and 1, right and wrong. What a clipped answer costs is set by how float32 rounds the bounds and 1 - p; only the
    logarithm is left to be exact.
    """
    p, y = np.array([[0.0], [1.0], [0.0], [1.0]], np.float32), np.array([[0.0], [0.0], [1.0], [1.0]], np.float32)
    theirs = keras_backend.load().losses.binary_crossentropy
    low = np.float32(losses.EPSILON)
    high = np.float32(1) - low
    arguments = np.array([np.float32(1) - low, np.float32(1) - high, low, high], np.float64)
    return Sides(
        lambda: {"caps": losses.binary_crossentropy(y, p)},
        lambda: {"caps": keras_backend.array(theirs(y, p))},
        lambda: {"caps": -np.log(arguments)},
        by_element=True,
    )


CASES: dict[str, SetUp] = {
    "binary_crossentropy.logits": _loss("BinaryCrossentropy", _logits, from_logits=True),
    "binary_crossentropy.probs": _loss("BinaryCrossentropy", _probs),
    "binary_crossentropy.smoothing": _loss("BinaryCrossentropy", _probs, label_smoothing=0.125),
    "binary_crossentropy.logits.smoothing": _loss("BinaryCrossentropy", _logits, from_logits=True, label_smoothing=0.125),
    "binary_crossentropy.sample_weight": _loss("BinaryCrossentropy", _probs, weighted=True),
    "binary_crossentropy.logits.sample_weight": _loss("BinaryCrossentropy", _logits, weighted=True, from_logits=True),
    "binary_crossentropy.clipped": _clipped,
    "mean_squared_error": _loss("MeanSquaredError", _logits),
    "mean_squared_error.sample_weight": _loss("MeanSquaredError", _logits, weighted=True),
}
