"""Learning rate schedules: the rates of 200 steps, and RMSprop driven by each kind of schedule over a hundred.

A rate multiplies a whole step, so it answers in its own ULP. Keras computes in the dtype of the schedule's first number, which for the
check of the truth is float64. On JAX the schedules are compiled, as `fit` compiles them; there the compiler turns step / decay_steps into
a product, which at the last step is not quite 1, so what lies from there on is a tensor of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn import optimizers
from minirnn.jit import DEFAULT_BACKEND
from parity import keras_backend
from parity.case import SetUp, Sides, Tensors
from parity.cases.optimizers import draw, keras, ours

STEPS = 200
RATE = 2.0**-7
SCHEDULES: dict[str, tuple[str, dict[str, Any]]] = {
    "exponential": ("ExponentialDecay", {"initial_learning_rate": RATE, "decay_steps": 24, "decay_rate": 0.75}),
    "exponential.staircase": (
        "ExponentialDecay",
        {"initial_learning_rate": RATE, "decay_steps": 24, "decay_rate": 0.75, "staircase": True},
    ),
    "inverse_time": ("InverseTimeDecay", {"initial_learning_rate": RATE, "decay_steps": 23, "decay_rate": 0.625}),
    "inverse_time.staircase": (
        "InverseTimeDecay",
        {"initial_learning_rate": RATE, "decay_steps": 23, "decay_rate": 0.625, "staircase": True},
    ),
    "piecewise_constant": (
        "PiecewiseConstantDecay",
        {"boundaries": [1, 17, 60, 150], "values": [RATE, RATE / 4, RATE / 2, RATE / 8, RATE * 2]},
    ),
    "polynomial": ("PolynomialDecay", {"initial_learning_rate": RATE, "decay_steps": 90, "end_learning_rate": RATE / 16}),
    "polynomial.power": (
        "PolynomialDecay",
        {"initial_learning_rate": RATE, "decay_steps": 90, "end_learning_rate": RATE / 16, "power": 0.5},
    ),
    "polynomial.cycle": (
        "PolynomialDecay",
        {"initial_learning_rate": RATE, "decay_steps": 35, "end_learning_rate": RATE / 16, "power": 2.0, "cycle": True},
    ),
    "polynomial.to_zero": ("PolynomialDecay", {"initial_learning_rate": RATE, "decay_steps": 190, "end_learning_rate": 0.0}),
    "cosine": ("CosineDecay", {"initial_learning_rate": RATE, "decay_steps": 90}),
    "cosine.alpha": ("CosineDecay", {"initial_learning_rate": RATE, "decay_steps": 90, "alpha": 0.125}),
    "cosine.warmup": (
        "CosineDecay",
        {"initial_learning_rate": RATE / 16, "decay_steps": 80, "alpha": 0.125, "warmup_target": RATE, "warmup_steps": 13},
    ),
    "cosine_restarts": ("CosineDecayRestarts", {"initial_learning_rate": RATE, "first_decay_steps": 16}),
    "cosine_restarts.even": (
        "CosineDecayRestarts",
        {"initial_learning_rate": RATE, "first_decay_steps": 21, "t_mul": 1.0, "m_mul": 0.75, "alpha": 0.125},
    ),
    "cosine_restarts.growing": (
        "CosineDecayRestarts",
        {"initial_learning_rate": RATE, "first_decay_steps": 20, "t_mul": 1.5, "m_mul": 0.75, "alpha": 0.125},
    ),
}


DRIVING = ("exponential", "inverse_time", "piecewise_constant", "polynomial.cycle", "cosine.warmup", "cosine_restarts.growing")
"""Those that RMSprop is driven by."""


def _minirnn(kind: str, arguments: dict[str, Any]) -> Any:
    return getattr(optimizers.schedules, kind)(**arguments)


def _keras(kind: str, arguments: dict[str, Any], dtype: str) -> Any:
    number = np.float64 if dtype == "float64" else float
    exact = {
        name: [number(one) for one in value] if name == "values" else number(value) if name == "initial_learning_rate" else value
        for name, value in arguments.items()
    }
    return keras_backend.compiled_schedule(getattr(keras_backend.load().optimizers.schedules, kind)(**exact))


def _rates(kind: str, arguments: dict[str, Any]) -> SetUp:
    ends = kind == "PolynomialDecay" and not arguments.get("cycle")

    def tensors(rates: np.ndarray) -> Tensors:
        return {"rates": rates[: arguments["decay_steps"]], "end": rates[arguments["decay_steps"] :]} if ends else {"rates": rates}

    def keras_rates(dtype: str) -> Tensors:
        schedule = _keras(kind, arguments, dtype)
        return tensors(np.array([keras_backend.array(schedule(step)) for step in range(STEPS)]))

    def own_rates(dtype: str) -> Tensors:
        schedule = _minirnn(kind, arguments)
        return tensors(np.array([schedule(step) for step in range(STEPS)], dtype))

    return lambda: Sides(
        lambda: own_rates("float32"),
        lambda: keras_rates("float32"),
        lambda: own_rates("float64"),
        lambda: keras_rates("float64"),
        by_element=True,
    )


def _rmsprop(kind: str, arguments: dict[str, Any]) -> SetUp:
    def set_up() -> Sides:
        inputs, others = draw(1.0), {"rho": 0.875, "weight_decay": 0.25 if kind == "ExponentialDecay" else None}
        own = {"learning_rate": _minirnn(kind, arguments), **others}
        return Sides(
            lambda: ours(*inputs, own, "float32", DEFAULT_BACKEND),
            lambda: keras(*inputs, {"learning_rate": _keras(kind, arguments, "float32"), **others}, "float32"),
            lambda: ours(*inputs, own, "float64", "numpy"),
            lambda: keras(*inputs, {"learning_rate": _keras(kind, arguments, "float64"), **others}, "float64"),
        )

    return set_up


CASES: dict[str, SetUp] = {
    **{f"schedule.{name}": _rates(*schedule) for name, schedule in SCHEDULES.items()},
    **{f"rmsprop.schedule.{name}": _rmsprop(*SCHEDULES[name]) for name in DRIVING},
}
