"""First weights that are not drawn: zeros, ones, a constant, the identity.

Source: Keras 3.15, ``keras/src/initializers/constant_initializers.py``.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from minirnn.initializers.initializer import Array, Generator, Initializer, Shape


class Zeros(Initializer):
    """Every weight 0.

    Examples
    --------
    >>> Zeros()((2, 3)).tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """

    def fill(self, shape: Shape, dtype: np.dtype[Any], rng: Generator | None) -> Array:
        """Return zeros."""
        return np.zeros(shape, dtype)


class Ones(Initializer):
    """Every weight 1.

    Examples
    --------
    >>> Ones()((3,)).tolist()
    [1.0, 1.0, 1.0]
    """

    def fill(self, shape: Shape, dtype: np.dtype[Any], rng: Generator | None) -> Array:
        """Return ones."""
        return np.ones(shape, dtype)


class Constant(Initializer):
    """Every weight equal to `value`, a number (or an array of numbers that broadcasts to the shape, as in Keras).

    Examples
    --------
    >>> Constant(0.5)((2,)).tolist()
    [0.5, 0.5]
    """

    def __init__(self, value: Any = 0.0) -> None:
        if np.asarray(value).dtype.kind not in "biuf":
            raise TypeError(f"Constant: value must be a number, received {value!r} of type {type(value).__name__}.")
        self.value = value

    def fill(self, shape: Shape, dtype: np.dtype[Any], rng: Generator | None) -> Array:
        """Return the value, repeated."""
        return np.full(shape, self.value, dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the value as a Python number or list."""
        return {"value": self.value.tolist() if isinstance(self.value, np.ndarray | np.generic) else self.value}


class Identity(Initializer):
    """`gain` on the diagonal, 0 elsewhere; matrices only.

    Keras leaves `gain` out of the configuration, so a saved model loses it; here it is kept, in a form that Keras reads.

    Examples
    --------
    >>> Identity(gain=2)((2, 2)).tolist()
    [[2.0, 0.0], [0.0, 2.0]]
    """

    arguments: ClassVar[tuple[str, ...]] = ("gain",)

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def fill(self, shape: Shape, dtype: np.dtype[Any], rng: Generator | None) -> Array:
        """Return gain·I."""
        if len(shape) != 2:
            raise ValueError(f"Identity: shape must have two axes, received {shape}. Use another initializer for this weight.")
        return np.asarray(self.gain * np.eye(*shape), dtype=dtype)
