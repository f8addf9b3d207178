"""Activations, element by element: the public functions, and what the kernels compute, read through a Dense layer whose weight is 1."""

from __future__ import annotations

import numpy as np

from minirnn import activations
from minirnn.jit import COMPILED
from parity import keras_backend, keras_side, minirnn_side
from parity.case import SetUp, Sides
from parity.cases.draws import numbers

NAMES = ("linear", "tanh", "sigmoid", "relu")


def _points() -> np.ndarray:
    """From the smallest normal numbers to where every activation has saturated, on both sides of zero, and zero."""
    rng = np.random.default_rng(11)
    sizes = np.concatenate([10.0 ** rng.uniform(-37, -3, 200), rng.uniform(0, 9.5, 3000), rng.uniform(9.5, 80, 97)])
    return np.concatenate([sizes, -sizes, [0.0]]).astype(np.float32)


def _function(name: str) -> SetUp:
    def set_up() -> Sides:
        z, keras = _points(), keras_backend.load()
        ours, theirs = getattr(activations, name), getattr(keras.activations, name)
        return Sides(
            lambda: {"output": ours(z)},
            lambda: {"output": keras_backend.array(theirs(keras.ops.convert_to_tensor(z)))},
            lambda: {"output": ours(z.astype(np.float64))},
            lambda: {"output": keras_backend.array(theirs(keras.ops.convert_to_tensor(z.astype(np.float64))))},
            by_element=True,
            inputs={"z": z},
        )

    return set_up


def _kernel(name: str) -> SetUp:
    def set_up() -> Sides:
        z = _points()[:, None]
        dy = numbers(np.random.default_rng(12), *z.shape)
        arguments = (("Dense", {"units": 1, "activation": name, "use_bias": False}), [np.ones((1, 1), np.float32)], [z], [dy])
        return Sides(
            lambda: _output(minirnn_side.layer_tensors(*arguments)),
            lambda: _output(keras_side.layer_tensors(*arguments)),
            lambda: _output(minirnn_side.layer_tensors(*arguments, **minirnn_side.TRUTH)),
            lambda: _output(keras_side.layer_tensors(*arguments, dtype="float64")),
            by_element=True,
            inputs={"z": z},
        )

    return set_up


def _output(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The output alone: a slope near saturation has lost its digits in Keras too, and is judged with the layers."""
    return {"output": tensors["output"]}


CASES: dict[str, SetUp] = {
    **{f"activations.{name}": _function(name) for name in NAMES},
    **({f"activations.{name}.kernel": _kernel(name) for name in NAMES} if COMPILED else {}),  # plain Python has no fused multiply-add
}
