"""The exercise ``rmsprop_step``: one step of RMSprop.

Comes in: nothing. Goes out: ``EXERCISE``. Truth: ``optimizers/rmsprop_step.py``'s reference.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from minirnn.checking.exercise import ROUNDING, Arguments, Case, Exercise, Mistake, Output
from minirnn.optimizers.rmsprop_step import rmsprop_ref

Numbers = np.ndarray

# --------------------------------------------------------------------------------------------------------------------------- the cases


def _make(rng: np.random.Generator, shape: tuple[int, ...], kind: str, learning_rate: float, rho: float, epsilon: float) -> Arguments:
    weights, gradients, velocity = rng.normal(size=shape), rng.normal(size=shape), rng.uniform(0.1, 2, shape)
    if kind == "first":
        velocity[...] = 0
    elif kind == "small":
        gradients, velocity = gradients * 1e-4, velocity * 1e-8
    elif kind == "zero":
        gradients[..., ::2], velocity[..., ::2] = 0, 0
    return {
        "weights": weights,
        "gradients": gradients,
        "velocity": velocity,
        "learning_rate": learning_rate,
        "rho": rho,
        "epsilon": epsilon,
    }


KINDS = (
    ("one weight", (1,), "ordinary", 0.01, 0.9, 1e-7),
    ("the first step: the velocity is 0", (4,), "first", 0.001, 0.9, 1e-7),
    ("a later step", (5,), "ordinary", 0.001, 0.9, 1e-7),
    ("gradients so small that epsilon counts", (6,), "small", 0.001, 0.9, 1e-7),
    ("weights without a gradient, and no velocity", (7,), "zero", 0.001, 0.9, 1e-7),
    ("another rho", (5,), "ordinary", 0.001, 0.7, 1e-7),
    ("another learning rate, and a large epsilon", (5,), "ordinary", 0.1, 0.9, 1e-2),
    ("the chapter's learning rate, a long memory, weights (E,H)", (4, 6), "ordinary", 1e-4, 0.95, 1e-7),
)


# ------------------------------------------------------------------------------------------------------------------------------ truth


def _true(
    weights: Numbers, gradients: Numbers, velocity: Numbers, learning_rate: float, rho: float, epsilon: float
) -> tuple[Numbers, Numbers]:
    new_weights, new_velocity = weights.copy(), velocity.copy()
    rmsprop_ref(new_weights, gradients, new_velocity, None, None, None, learning_rate, rho, 0.0, epsilon)
    return new_weights, new_velocity


def _allowed_weights(arguments: Arguments, expected: Numbers) -> Numbers:
    """Some ten roundings of the step, and one of the subtraction, each of the size of what it rounds."""
    weights = arguments["weights"]
    return ROUNDING * (np.abs(weights) + np.abs(expected) + 16 * np.abs(expected - weights))


def _allowed_velocity(arguments: Arguments, expected: Numbers) -> Numbers:
    """Four roundings of positive numbers."""
    return 8 * ROUNDING * expected


# --------------------------------------------------------------------------------------------------------------------------- mistakes


def _step(
    velocity: Callable[..., Numbers] = lambda v, g, rho: rho * v + (1 - rho) * g * g,
    size: Callable[..., Numbers] = lambda new, old, epsilon: np.sqrt(new + epsilon),
    gradient: Callable[..., Numbers] = lambda g: g,
    finish: Callable[..., Any] = lambda weights, new, old: (weights, new),
) -> Callable[..., Any]:
    """The step with one part another: the velocity, what is divided by, what is divided, what is returned."""

    def function(weights: Numbers, gradients: Numbers, old: Numbers, learning_rate: float, rho: float, epsilon: float) -> Any:
        new = velocity(old, gradients, rho)
        return finish(weights - learning_rate * gradient(gradients) / size(new, old, epsilon), new, old)

    return function


def _in_weights(change: Callable[..., Any]) -> Callable[..., Any]:
    """The true step, changed at the end: old weights and what is true -> what is returned."""

    def function(weights: Numbers, *others: Any) -> Any:
        return change(weights, *_true(weights, *others))

    return function


MISTAKES = (
    Mistake(
        "epsilon outside the root",
        "epsilon is added outside the root",
        "The step is learning_rate·g / sqrt(v + epsilon). Outside, sqrt(v) + epsilon, small gradients step many times too far.",
        _step(size=lambda new, old, epsilon: np.sqrt(new) + epsilon),
    ),
    Mistake(
        "velocity not kept",
        "the step is right, but the old velocity is returned",
        "The next step needs the new one: return what you divided by, rho·v + (1 - rho)·g².",
        _step(finish=lambda weights, new, old: (weights, old)),
    ),
    Mistake(
        "velocity updated after use",
        "the step divides by the old velocity, which is updated only afterwards",
        "First v = rho·v + (1 - rho)·g², then the step with that v. On the first step the old one is 0, and the step far too long.",
        _step(size=lambda new, old, epsilon: np.sqrt(old + epsilon)),
    ),
    Mistake(
        "velocity not updated",
        "the velocity is never updated",
        "First v = rho·v + (1 - rho)·g²; divide by the root of that, and return it.",
        _step(velocity=lambda v, g, rho: v),
    ),
    Mistake(
        "square forgotten",
        "the velocity averages g instead of g²",
        "The velocity is a mean of squares: rho·v + (1 - rho)·g².",
        _step(velocity=lambda v, g, rho: rho * v + (1 - rho) * g),
    ),
    Mistake(
        "size instead of square",
        "the velocity averages |g| instead of g²",
        "The velocity is a mean of squares: rho·v + (1 - rho)·g².",
        _step(velocity=lambda v, g, rho: rho * v + (1 - rho) * np.abs(g)),
    ),
    Mistake(
        "rho turned round",
        "rho and 1 - rho have changed places",
        "rho is how much of the old velocity is kept: rho·v + (1 - rho)·g².",
        _step(velocity=lambda v, g, rho: (1 - rho) * v + rho * g * g),
    ),
    Mistake(
        "1 - rho forgotten",
        "g² is added whole, without 1 - rho",
        "The velocity is a mean that forgets: rho·v + (1 - rho)·g².",
        _step(velocity=lambda v, g, rho: rho * v + g * g),
    ),
    Mistake(
        "rho forgotten",
        "the squares are summed and nothing is forgotten, as in Adagrad",
        "The velocity is a mean that forgets: rho·v + (1 - rho)·g².",
        _step(velocity=lambda v, g, rho: v + g * g),
    ),
    Mistake(
        "old velocity dropped",
        "the velocity is (1 - rho)·g², without what was there before",
        "The velocity remembers earlier steps: rho·v + (1 - rho)·g².",
        _step(velocity=lambda v, g, rho: (1 - rho) * g * g),
    ),
    Mistake(
        "root forgotten",
        "the step divides by v + epsilon, without the root",
        "The velocity is a mean of squares, so its root is the usual size of g: learning_rate·g / sqrt(v + epsilon).",
        _step(size=lambda new, old, epsilon: new + epsilon),
    ),
    Mistake(
        "epsilon forgotten",
        "epsilon is left out",
        "Where a weight never had a gradient, v is 0, and without epsilon the step is 0/0: learning_rate·g / sqrt(v + epsilon).",
        _step(size=lambda new, old, epsilon: np.sqrt(new)),
    ),
    Mistake(
        "epsilon squared",
        "epsilon is squared",
        "The step is learning_rate·g / sqrt(v + epsilon), with epsilon as it is given.",
        _step(size=lambda new, old, epsilon: np.sqrt(new + epsilon * epsilon)),
    ),
    Mistake(
        "epsilon after the division",
        "epsilon is added after the division",
        "It belongs under the root: learning_rate * g / np.sqrt(v + epsilon), with v + epsilon in the same brackets.",
        lambda w, g, v, learning_rate, rho, epsilon: tuple(
            part + shift for part, shift in zip(_true(w, g, v, learning_rate, rho, 0.0), (epsilon, 0), strict=True)
        ),
    ),
    Mistake(
        "rho written out",
        "rho is always 0.9, whatever is given",
        "Use the argument rho.",
        lambda w, g, v, learning_rate, rho, epsilon: _true(w, g, v, learning_rate, 0.9, epsilon),
    ),
    Mistake(
        "epsilon written out",
        "epsilon is always 1e-7, whatever is given",
        "Use the argument epsilon.",
        lambda w, g, v, learning_rate, rho, epsilon: _true(w, g, v, learning_rate, rho, 1e-7),
    ),
    Mistake(
        "learning rate written out",
        "the learning rate is always 0.001, whatever is given",
        "Use the argument learning_rate.",
        lambda w, g, v, learning_rate, rho, epsilon: _true(w, g, v, 0.001, rho, epsilon),
    ),
    Mistake(
        "uphill",
        "the step goes uphill",
        "The gradient points to where the loss grows: subtract the step.",
        _step(gradient=np.negative),
    ),
    Mistake(
        "plain descent",
        "the step is learning_rate·g, and the velocity is not used",
        "Divide by the usual size of the gradient: learning_rate·g / sqrt(v + epsilon).",
        _step(size=lambda new, old, epsilon: np.ones_like(new)),
    ),
    Mistake(
        "sign only",
        "the step divides by the size of this gradient alone",
        "Divide by the root of the new velocity, which remembers earlier gradients: sqrt(v + epsilon).",
        lambda w, g, v, learning_rate, rho, epsilon: (
            w - learning_rate * g / np.sqrt(g * g + epsilon),
            _true(w, g, v, learning_rate, rho, epsilon)[1],
        ),
    ),
    Mistake(
        "step returned",
        "the step is returned instead of the weights after it",
        "Return weights - step.",
        _in_weights(lambda old, new, velocity: (old - new, velocity)),
    ),
    Mistake(
        "order",
        "the velocity comes first",
        "Return the new weights, then the new velocity.",
        _in_weights(lambda old, new, velocity: (velocity, new)),
    ),
)

EXERCISE = Exercise(
    "rmsprop_step",
    "one step of the optimizer",
    ("weights", "gradients", "velocity", "learning_rate", "rho", "epsilon"),
    ("of any shape", "as weights", "as weights", "float", "float", "float"),
    (
        Output("new_weights", "(P,)", "float", lambda *at: f"weight {list(at) if len(at) > 1 else at[0]}", _allowed_weights),
        Output("new_velocity", "(P,)", "float", lambda *at: f"velocity of weight {list(at) if len(at) > 1 else at[0]}", _allowed_velocity),
    ),
    _true,
    tuple(
        Case(
            title,
            {"P": shape[0]} if len(shape) == 1 else {"E": shape[0], "H": shape[1]},
            seed,
            partial(_make, shape=shape, kind=kind, learning_rate=rate, rho=rho, epsilon=epsilon),
        )
        for seed, (title, shape, kind, rate, rho, epsilon) in enumerate(KINDS, 1)
    ),
    MISTAKES,
)
