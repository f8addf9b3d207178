"""The exercise ``bce_logits``: binary cross-entropy on logits, and its gradient.

Comes in: nothing. Goes out: ``EXERCISE``. Truth: ``losses.py``'s reference.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from minirnn.checking.exercise import ROUNDING, Arguments, Case, Exercise, Mistake, Output
from minirnn.losses import bce_logits_ref

# --------------------------------------------------------------------------------------------------------------------------- the cases


def _make(rng: np.random.Generator, B: int, kind: str) -> Arguments:
    logits, y = rng.uniform(-3, 3, (B, 1)), rng.integers(0, 2, (B, 1)).astype(float)
    if kind == "positive":
        logits, y = np.abs(logits), np.ones((B, 1))
    elif kind == "negative":
        logits, y = -np.abs(logits), np.zeros((B, 1))
    elif kind == "zero":
        logits, y = np.zeros((B, 1)), np.arange(B)[:, None] % 2.0
    elif kind == "sure":
        logits, y = np.array([[40.0], [-40], [800], [-800]]), np.array([[0.0], [1], [1], [0]])
    elif kind == "saturated":
        logits, y = np.array([[800.0], [-800], [1000], [-1000], [0.5]]), np.array([[0.0], [1], [1], [0], [1]])
    elif kind == "confident":
        logits = rng.uniform(8, 30, (B, 1)) * rng.choice([-1, 1], (B, 1))
    return {"logits": logits, "y": y}


KINDS = (
    ("one row, a positive review", 1, "positive"),
    ("one row, a negative review", 1, "negative"),
    ("logits of 0: one half for each", 2, "zero"),
    ("ordinary logits, -3..3", 5, "ordinary"),
    ("logits of 40 and 800, two of them on the wrong side", 4, "sure"),
    ("logits of 800 and 1000, two of them on the wrong side", 5, "saturated"),
    ("confident logits, 8..30 either way", 7, "confident"),
    ("a whole batch", 64, "ordinary"),
)


# ------------------------------------------------------------------------------------------------------------------------------ truth


def _true(logits: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    dlogits = np.empty_like(logits)
    loss = bce_logits_ref(logits, y, np.arange(len(logits)), None, 0.0, dlogits)
    return loss, dlogits


def _allowed_loss(arguments: Arguments, expected: np.ndarray) -> float:
    """B terms of at most 1 + |z|; a loss by way of p is as good where |z| is at most 3, since 1 - p is above 0.04 there."""
    return ROUNDING * (16 + len(arguments["logits"])) * float(1 + np.abs(arguments["logits"]).max())


def _allowed_gradient(arguments: Arguments, expected: np.ndarray) -> float:
    """A sigmoid is some ten roundings of numbers below 1, and is divided by B."""
    return ROUNDING * 16 / len(arguments["logits"])


# --------------------------------------------------------------------------------------------------------------------------- mistakes


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def _with_gradient(of_logit: Callable[..., np.ndarray]) -> Callable[..., Any]:
    """The true loss, with another gradient: z, p, y and B -> dlogits."""

    def function(logits: np.ndarray, y: np.ndarray) -> Any:
        return _true(logits, y)[0], of_logit(logits, _sigmoid(logits), y, len(logits))

    return function


def _with_loss(of_rows: Callable[..., Any]) -> Callable[..., Any]:
    """The true gradient, with another loss: z, p and y -> a number."""

    def function(logits: np.ndarray, y: np.ndarray) -> Any:
        return of_rows(logits, _sigmoid(logits), y), _true(logits, y)[1]

    return function


def _entropy(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    return -y * np.log(p) - (1 - y) * np.log(1 - p)


STABLE = "Stay with the logits: max(z, 0) - z·y + log1p(exp(-|z|)) is the same number and overflows nowhere."


def _clipped(logits: np.ndarray, y: np.ndarray, clip: float) -> Any:
    p = np.clip(_sigmoid(logits), clip, 1 - clip)
    return _entropy(p, y).mean(), (p - y) / len(y)


CLIPS = (1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15)
"""Bounds and additions that teaching code uses."""

MISTAKES = (
    Mistake(
        "sum instead of mean",
        "the loss and its gradient are sums over the batch",
        "Both are means over the batch: divide by B, the loss and dlogits, so that a step does not depend on how many rows there are.",
        lambda logits, y: tuple(part * len(logits) for part in _true(logits, y)),
    ),
    Mistake(
        "gradient not averaged",
        "dlogits is p - y, without the division by B",
        "The loss is a mean over the batch, so each row has a share of 1/B in it: dlogits = (p - y) / B.",
        _with_gradient(lambda z, p, y, B: p - y),
    ),
    Mistake(
        "loss not averaged",
        "the loss is the sum over the batch",
        "The loss is the mean over the batch, in nats: np.mean, or divide by B. (The gradient already is.)",
        _with_loss(lambda z, p, y: _entropy(p, y).sum()),
    ),
    Mistake(
        "loss per row",
        "the loss is a number for each row",
        "The loss is one number, the mean over the batch: .mean() at the end.",
        _with_loss(lambda z, p, y: np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))),
    ),
    Mistake(
        "every row with every label",
        "every logit meets every label, B×B of them",
        "A (B,) beside a (B,1) makes NumPy repeat both to (B,B), without a word: keep logits and y both (B,1), or both (B,).",
        _with_loss(lambda z, p, y: (np.logaddexp(0, z[:, 0]) - y * z[:, 0]).mean()),
    ),
    Mistake(
        "every row with every label",
        "every logit meets every label, B×B of them",
        "A (B,) beside a (B,1) makes NumPy repeat both to (B,B), without a word: keep logits and y both (B,1), or both (B,).",
        _with_gradient(lambda z, p, y, B: (p - y[:, 0]) / B),
    ),
    Mistake(
        "gradient on p",
        "dlogits is the gradient on the probability, (p - y) / (p(1 - p))",
        "Between p and the logit is the sigmoid, whose slope p(1 - p) cancels the denominator: what is left is (p - y) / B.",
        _with_gradient(lambda z, p, y, B: (p - y) / (p * (1 - p)) / B),
    ),
    Mistake(
        "slope twice",
        "dlogits has the sigmoid's slope p(1 - p) in it once more",
        "With cross-entropy the slope cancels: dlogits = (p - y) / B. With the slope left in, a sure and wrong answer learns nothing.",
        _with_gradient(lambda z, p, y, B: (p - y) * p * (1 - p) / B),
    ),
    Mistake(
        "gradient's sign",
        "dlogits has the wrong sign, y - p",
        "The gradient points uphill: where y = 1, the loss falls as the logit grows, so the gradient is negative: (p - y) / B.",
        _with_gradient(lambda z, p, y, B: (y - p) / B),
    ),
    Mistake(
        "loss's sign",
        "the loss has the wrong sign",
        "A log-likelihood is negative, the loss is its negative: -y log p - (1 - y) log(1 - p).",
        _with_loss(lambda z, p, y: -_true(z, y)[0]),
    ),
    Mistake(
        "no sigmoid",
        "dlogits is taken from the logits, not from the probabilities",
        "p = 1 / (1 + exp(-z)) first: dlogits = (p - y) / B.",
        _with_gradient(lambda z, p, y, B: (z - y) / B),
    ),
    Mistake(
        "half the loss",
        "the loss is -y log p only",
        "The negative reviews count as well: -y log p - (1 - y) log(1 - p).",
        _with_loss(lambda z, p, y: (np.maximum(-z, 0) + np.log1p(np.exp(-np.abs(z))))[y == 1].sum() / len(y)),
    ),
    Mistake(
        "half the loss",
        "the loss is -log p for every row, whatever its label",
        "The negative reviews count with 1 - p: -y log p - (1 - y) log(1 - p).",
        _with_loss(lambda z, p, y: (np.maximum(-z, 0) + np.log1p(np.exp(-np.abs(z)))).mean()),
    ),
    Mistake(
        "bits",
        "the loss is in bits, with log2",
        "The loss is in nats: np.log, as the gradient p - y supposes.",
        _with_loss(lambda z, p, y: _true(z, y)[0] / np.log(2)),
    ),
    Mistake(
        "squared error",
        "the loss is the squared error",
        "Cross-entropy is asked for: -y log p - (1 - y) log(1 - p).",
        _with_loss(lambda z, p, y: ((p - y) ** 2).mean()),
    ),
    Mistake(
        "labels turned round",
        "the labels are turned round, 1 - y in the place of y",
        "y = 1 is a positive review, and p the probability of one: -y log p - (1 - y) log(1 - p).",
        lambda logits, y: _true(logits, 1 - y),
    ),
    Mistake(
        "overflow",
        "the loss is taken from p, which is 0 or 1 to the last bit here, and log(0) is infinite",
        STABLE,
        _with_loss(lambda z, p, y: _entropy(p, y).mean()),
    ),
    Mistake(
        "overflow",
        "the loss is taken from p, which is 0 or 1 to the last bit here, and log(0) is infinite",
        STABLE,
        _with_loss(lambda z, p, y: np.where(y == 1, -np.log(p), -np.log(1 - p)).mean()),
    ),
    Mistake(
        "exponential overflows",
        "exp(z) of a large logit is infinite",
        STABLE,
        _with_loss(lambda z, p, y: (np.log(1 + np.exp(z)) - z * y).mean()),
    ),
    *(
        Mistake(
            "p clipped",
            f"p is kept {clip:g} away from 0 and 1, which makes a sure and wrong answer cheaper than it is",
            STABLE,
            _with_loss(partial(lambda z, p, y, clip: _entropy(np.clip(p, clip, 1 - clip), y).mean(), clip=clip)),
        )
        for clip in CLIPS
    ),
    *(
        Mistake(
            "p clipped",
            f"p is kept {clip:g} away from 0 and 1, which makes a sure and wrong answer cheaper than it is",
            STABLE,
            partial(_clipped, clip=clip),
        )
        for clip in CLIPS
    ),
    *(
        Mistake(
            "added inside the logarithm",
            f"{clip:g} is added inside the logarithms, which changes every loss a little",
            STABLE,
            _with_loss(partial(lambda z, p, y, clip: (-y * np.log(p + clip) - (1 - y) * np.log(1 - p + clip)).mean(), clip=clip)),
        )
        for clip in CLIPS
    ),
)

EXERCISE = Exercise(
    "bce_logits",
    "the loss of the last logits, and the gradient that starts the way back",
    ("logits", "y"),
    ("(B,1)", "(B,1) of 0.0 and 1.0"),
    (
        Output("loss", "", "float", lambda: "the mean over the batch", _allowed_loss),
        Output("dlogits", "(B,1)", "float", lambda b, o: f"row b={b}", _allowed_gradient),
    ),
    _true,
    tuple(Case(title, {"B": B}, seed, partial(_make, B=B, kind=kind)) for seed, (title, B, kind) in enumerate(KINDS, 1)),
    MISTAKES,
)
