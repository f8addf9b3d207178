"""The cases of the two recurrent exercises: their sizes, what is special about each, and how the numbers are drawn.

Comes in: a seeded Generator. Goes out: x (B,T,E), Wx (E,H), Wh (H,H), b (H,). Weights are random and not symmetric, so that a transposed
one shows; the states neither die out nor saturate, unless the case is about that.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from minirnn.checking.exercise import Arguments, Case

SPECIAL = (
    # title, B, T, E, H, kind
    ("all sizes 1", 1, 1, 1, 1, "ordinary"),
    ("one row, one step", 1, 1, 2, 3, "ordinary"),
    ("one row, two steps", 1, 2, 2, 3, "ordinary"),
    ("one step", 3, 1, 4, 6, "ordinary"),
    ("two steps", 3, 2, 4, 6, "ordinary"),
    ("one unit", 3, 5, 4, 1, "ordinary"),
    ("one number in", 3, 5, 1, 6, "ordinary"),
    ("as many numbers in as units", 3, 4, 5, 5, "ordinary"),
    ("all sizes different", 3, 5, 4, 6, "ordinary"),
    ("no bias: b is 0", 2, 4, 5, 3, "no bias"),
    ("all padding: every step reads the same vector", 2, 6, 4, 3, "padding"),
    ("one-hot input, E = V", 2, 6, 7, 4, "one-hot"),
    ("nearly saturated states", 3, 4, 2, 5, "large"),
    ("saturated states: every |h| is 1", 2, 4, 3, 5, "saturated"),
    ("a long sequence", 4, 40, 3, 8, "ordinary"),
)


def draw(rng: np.random.Generator, B: int, T: int, E: int, H: int, kind: str) -> tuple[np.ndarray, ...]:
    """x, Wx, Wh, b of one case."""
    x = rng.normal(size=(B, T, E))
    Wx, Wh, b = rng.normal(size=(E, H)) / np.sqrt(E), rng.normal(size=(H, H)) / np.sqrt(H), rng.uniform(0.2, 0.6, H)
    b *= rng.choice([-1, 1], H)
    if kind == "no bias":
        b[:] = 0
    elif kind == "padding":
        x[:] = x[0, 0]
    elif kind == "one-hot":
        x = np.eye(E)[rng.integers(0, E, (B, T))]
        x[-1] = np.eye(E)[0]
    elif kind == "large":
        x *= 3
    elif kind == "saturated":
        x, Wx, Wh = np.sign(x), 30 * np.sign(Wx), Wh / 10  # an odd number of ±30: |z| is 25 at least, where tanh is 1 in float64
    return x, Wx, Wh, b


def cases(make: Callable[..., Arguments]) -> tuple[Case, ...]:
    """The cases, each with arguments that ``make`` draws."""
    return tuple(
        Case(title, {"B": B, "T": T, "E": E, "H": H}, seed, partial(make, **_sizes(B, T, E, H), kind=kind))
        for seed, (title, B, T, E, H, kind) in enumerate(SPECIAL, 1)
    )


def _sizes(B: int, T: int, E: int, H: int) -> dict[str, Any]:
    return {"B": B, "T": T, "E": E, "H": H}
