"""Initializers: their streams differ from Keras's, as Keras's differ between its backends; their distributions must not.

Each sample is held against the distribution's own: the largest distance between a sample's share below a value and the true share, times
the root of the sample's size, has a known law (Kolmogorov), which a sample of Keras's follows as well. It exceeds sqrt(ln(2/p)/2) with
probability p. An orthogonal matrix is compared by what it is for: QᵀQ, whose truth is the identity.

Source: A. Kolmogorov 1933; the bound for every size is Massart's, Annals of Probability 18 (1990) 1269-1283.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minirnn import initializers
from parity import keras_backend
from parity.case import SetUp, Sides, Tensors

SHAPE = (83, 61)
CHANCE = 1e-6
"""Probability with which a right sample is rejected."""

Share = Callable[[np.ndarray], np.ndarray]


def _uniform(limit: float) -> Share:
    return lambda values: np.clip((values + limit) / (2 * limit), 0, 1)


def _normal(values: np.ndarray) -> np.ndarray:
    return np.array([0.5 * (1 + math.erf(value / (0.05 * math.sqrt(2)))) for value in values])


LAWS: dict[str, tuple[dict[str, Any], float, Share]] = {
    "GlorotUniform": ({}, math.sqrt(6 / sum(SHAPE)), _uniform(math.sqrt(6 / sum(SHAPE)))),
    "RandomUniform": ({}, 0.05, _uniform(0.05)),
    "RandomNormal": ({}, math.inf, _normal),
}


def _judged(values: np.ndarray, limit: float, share: Share) -> Tensors:
    """Give dtype and shape by an array of zeros, and by ones and zeros whether bounds and distribution are right."""
    ordered = np.sort(values.ravel().astype(np.float64))
    n, below = ordered.size, share(ordered)
    steps = np.arange(n)
    distance = max(np.max((steps + 1) / n - below), np.max(below - steps / n)) * math.sqrt(n)
    return {
        "zeros_like": np.zeros_like(values),
        "within_bounds": np.array(-limit <= ordered[0] and ordered[-1] <= limit),
        "distribution": np.array(distance <= math.sqrt(math.log(2 / CHANCE) / 2)),
        "spread": np.array(len(np.unique(ordered)) > n * 0.9),
    }


def _distribution(kind: str) -> SetUp:
    def set_up() -> Sides:
        arguments, limit, share = LAWS[kind]
        make, make_keras = getattr(initializers, kind), getattr(keras_backend.load().initializers, kind)
        return Sides(
            lambda: _judged(make(**arguments, seed=5)(SHAPE), limit, share),
            lambda: _judged(keras_backend.array(make_keras(**arguments, seed=5)(SHAPE)), limit, share),
        )

    return set_up


def _orthogonal() -> Sides:
    shapes = {"tall": (37, 19), "wide": (19, 37), "square": (23, 23)}
    make_keras = keras_backend.load().initializers.Orthogonal

    def products(make: Callable[[tuple[int, int]], np.ndarray]) -> Tensors:
        tensors = {}
        for name, shape in shapes.items():
            matrix = make(shape).astype(np.float64)
            product = matrix @ matrix.T if shape[0] < shape[1] else matrix.T @ matrix
            tensors[name] = product.astype(np.float32)
        return tensors

    return Sides(
        lambda: products(lambda shape: initializers.Orthogonal(seed=4)(shape)),
        lambda: products(lambda shape: keras_backend.array(make_keras(seed=4)(shape))),
        truth=lambda: {name: np.eye(min(shape)) for name, shape in shapes.items()},
    )


def _constants() -> Sides:
    keras = keras_backend.load().initializers

    def tensors(package: Any, array: Callable[[Any], np.ndarray]) -> Tensors:
        made = {"zeros": package.Zeros(), "ones": package.Ones(), "constant": package.Constant(0.375)}
        return {name: array(initializer((3, 5))) for name, initializer in made.items()}

    return Sides(lambda: tensors(initializers, np.asarray), lambda: tensors(keras, keras_backend.array))


CASES: dict[str, SetUp] = {
    **{f"initializers.{kind}": _distribution(kind) for kind in LAWS},
    "initializers.Orthogonal": _orthogonal,
    "initializers.constants": _constants,
}
