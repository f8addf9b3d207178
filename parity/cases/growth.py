"""Errors over length: a SimpleRNN over 1 to 1600 steps of time, and RMSprop over 1 to 300 steps, both with the growth of ``growth.py``.

The recurrence starts as Keras starts one, from an orthogonal recurrent kernel, on inputs of the size that a new Embedding gives. States
stay small, so slopes stay near 1 and no rounding is forgotten: the hardest kind of recurrence that does not explode. The optimizer is given
its gradients, and momentum.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from minirnn import layers, optimizers
from minirnn.initializers import Orthogonal
from minirnn.jit import DEFAULT_BACKEND
from minirnn.parameters import Parameters
from parity import growth, keras_backend
from parity.case import SetUp, Sides
from parity.cases.draws import numbers
from parity.cases.layers import layer_sides

LENGTHS = (1, 3, 10, 30, 100, 300, 800, 1600)
STEPS = (1, 3, 10, 30, 100, 300)
B, E, H, I, O = 3, 4, 8, 5, 3
OPTIMIZER = {"learning_rate": 2.0**-7, "rho": 0.875, "momentum": 0.75, "epsilon": 2.0**-23}


def _recurrence(T: int) -> SetUp:
    def set_up() -> Sides:
        rng = np.random.default_rng(91)
        Wh = np.asarray(Orthogonal(seed=92)((H, H)), np.float32)
        weights = [numbers(rng, E, H, scale=1 / np.sqrt(E)), Wh, np.zeros(H, np.float32)]
        x, dy = rng.uniform(-0.05, 0.05, (B, T, E)).astype(np.float32), numbers(rng, B, H)
        sides = layer_sides(("SimpleRNN", {"units": H}), weights, [x], [dy])
        return replace(sides, growth=lambda: growth.simple_rnn(weights, x, dy), length=T)

    return set_up


def _path(kernel: np.ndarray, gradients: np.ndarray, dtype: str, backend: str) -> list[np.ndarray]:
    """Give the kernel before the first step of minirnn's RMSprop, and after each."""
    layer = layers.Dense(O, use_bias=False, dtype=dtype)
    layer.build((None, I))
    layer.set_weights([kernel])
    parameters, optimizer = Parameters([layer], np.dtype(dtype)), optimizers.RMSprop(**OPTIMIZER)
    path = [layer.values["kernel"].copy()]
    for gradient in gradients:
        layer.gradients["kernel"][...] = gradient
        optimizer.apply(parameters, backend)
        path.append(layer.values["kernel"].copy())
    return path


def _keras_end(kernel: np.ndarray, gradients: np.ndarray, dtype: str) -> np.ndarray:
    """Give the kernel after all steps of Keras's RMSprop."""
    keras = keras_backend.load()
    variable, optimizer = keras.Variable(kernel, dtype=dtype), keras.optimizers.RMSprop(**OPTIMIZER)
    for gradient in gradients.astype(dtype):
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
    return keras_backend.array(variable.value)


def _steps(S: int) -> SetUp:
    def set_up() -> Sides:
        rng = np.random.default_rng(93)
        given: tuple[Any, Any] = numbers(rng, I, O), numbers(rng, S, I, O)
        r = growth.of_rmsprop(OPTIMIZER["rho"], OPTIMIZER["momentum"])
        return Sides(
            lambda: {"kernel": _path(*given, "float32", DEFAULT_BACKEND)[-1]},
            lambda: {"kernel": _keras_end(*given, "float32")},
            lambda: {"kernel": _path(*given, "float64", "numpy")[-1]},
            lambda: {"kernel": _keras_end(*given, "float64")},
            growth=lambda: {"kernel": growth.steps(_path(*given, "float64", "numpy"), r)},
            length=S,
        )

    return set_up


CASES: dict[str, SetUp] = {
    **{f"growth.simple_rnn.{T}": _recurrence(T) for T in LENGTHS},
    **{f"growth.rmsprop.{S}": _steps(S) for S in STEPS},
}
