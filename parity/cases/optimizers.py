"""RMSprop, argument by argument: a hundred steps on given gradients.

Every number that an argument is given is a sum of a few powers of two, so that float32 and float64 mean the same by it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn import layers, optimizers
from minirnn.jit import DEFAULT_BACKEND
from minirnn.parameters import Parameters
from parity import keras_backend
from parity.case import SetUp, Sides, Tensors
from parity.cases.draws import dense_weights, numbers

STEPS, I, O = 100, 5, 3
SHOWN = (1, 10, 100)
"""Steps after which the weights are compared."""

ARGUMENTS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "learning_rate": {"learning_rate": 2.0**-4},
    "rho": {"rho": 0.5},
    "epsilon": {"epsilon": 2.0**-6},
    "momentum": {"momentum": 0.75},
    "centered": {"centered": True, "epsilon": 2.0**-6},
    "centered.momentum": {"centered": True, "epsilon": 2.0**-6, "momentum": 0.875},
    "weight_decay": {"weight_decay": 0.25},
    "clipnorm": {"clipnorm": 0.5},
    "clipvalue": {"clipvalue": 0.25},
    "global_clipnorm": {"global_clipnorm": 1.5},
    "everything": {"rho": 0.75, "momentum": 0.5, "centered": True, "epsilon": 2.0**-4, "weight_decay": 0.125, "clipnorm": 1.5},
}


def ours(weights: list[np.ndarray], gradients: list[list[np.ndarray]], arguments: dict[str, Any], dtype: str, backend: str) -> Tensors:
    """Take the steps, and give the weights after those that are shown."""
    layer = layers.Dense(O, dtype=dtype)
    layer.build((None, I))
    layer.set_weights(weights)
    parameters, optimizer, tensors = Parameters([layer], np.dtype(dtype)), optimizers.RMSprop(**arguments), {}
    for step, given in enumerate(gradients, start=1):
        for name, gradient in zip(layer.weight_names, given, strict=True):
            layer.gradients[name][...] = gradient
        optimizer.apply(parameters, backend)
        if step in SHOWN:
            tensors.update({f"{name}@{step}": layer.values[name].copy() for name in layer.weight_names})
    return tensors


def keras(weights: list[np.ndarray], gradients: list[list[np.ndarray]], arguments: dict[str, Any], dtype: str) -> Tensors:
    """The same in Keras."""
    package = keras_backend.load()
    variables = [package.Variable(weight, dtype=dtype) for weight in weights]
    optimizer, tensors = package.optimizers.RMSprop(**arguments), {}
    for step, given in enumerate(gradients, start=1):
        optimizer.apply([package.ops.convert_to_tensor(gradient.astype(dtype)) for gradient in given], variables)
        if step in SHOWN:
            names = [f"{name}@{step}" for name in ("kernel", "bias")]
            tensors.update({name: keras_backend.array(variable.value) for name, variable in zip(names, variables, strict=True)})
    return tensors


def draw(size: float) -> tuple[list[np.ndarray], list[list[np.ndarray]]]:
    """First weights, and the gradients of every step."""
    rng = np.random.default_rng(71)
    return dense_weights(rng, I, O), [[numbers(rng, I, O, scale=size), numbers(rng, O, scale=size)] for _ in range(STEPS)]


def _rmsprop(arguments: dict[str, Any], size: float) -> SetUp:
    def set_up() -> Sides:
        inputs = (*draw(size), {"learning_rate": 2.0**-7, "rho": 0.875, **arguments})
        return Sides(
            lambda: ours(*inputs, "float32", DEFAULT_BACKEND),
            lambda: keras(*inputs, "float32"),
            lambda: ours(*inputs, "float64", "numpy"),
            lambda: keras(*inputs, "float64"),
        )

    return set_up


CASES: dict[str, SetUp] = {
    **{f"rmsprop.{name}": _rmsprop(arguments, 1.0) for name, arguments in ARGUMENTS.items()},
    "rmsprop.small_gradients": _rmsprop({"epsilon": 2.0**-24}, 2.0**-12),
}
