"""Constraints: what a weight must be after every update, whatever the update made of it.

Comes in: a weight w, after the optimizer's step. Goes out: the nearest thing to it that is allowed, in the same shape. n are the norms of
its vectors along `axis`: with axis 0, one per unit of a kernel (inputs, units).

    NonNeg        max(w, 0)
    MaxNorm       w · min(n, max_value) / (n + 1e-7)
    UnitNorm      w / (n + 1e-7)
    MinMaxNorm    w · (rate clip(n, min_value, max_value) + (1 - rate) n) / (n + 1e-7)

The 1e-7 keeps a vector of zeros from being divided by 0. It also shrinks vectors that were allowed, by 1e-7 / n at every step, as in Keras.

Source: Keras 3.15, ``keras/src/constraints/constraints.py``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from minirnn.configured import Configured, not_negative, read_record, write_record
from minirnn.registry import lookup
from minirnn.regularizers import EPSILON

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]

Projection = Callable[[np.ndarray], np.ndarray]
"""A constraint, or a function of the user's own: a weight in, the allowed one out, in the same shape."""


class Constraint(Configured):
    """What every constraint is: called with a weight, it returns one that is allowed. This one allows everything.

    A subclass writes `project`, and names the arguments of its constructor.

    Examples
    --------
    >>> class AtMostOne(Constraint):
    ...     def project(self, w):
    ...         return np.minimum(w, 1)
    >>> AtMostOne()([0.5, 2.0]).tolist()
    [0.5, 1.0]
    """

    def __call__(self, w: Any) -> np.ndarray:
        """Return the weight that is allowed; integers count as float32."""
        weight = np.asarray(w)
        return self.project(weight if weight.dtype.kind == "f" else weight.astype(np.float32))

    def project(self, w: np.ndarray) -> np.ndarray:
        """Return the weight that is allowed, in w's shape and dtype."""
        return w


class NonNeg(Constraint):
    """No weight below 0.

    Examples
    --------
    >>> NonNeg()([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """

    def project(self, w: np.ndarray) -> np.ndarray:
        """Return max(w, 0); NaN stays."""
        return np.maximum(w, 0)


class UnitNorm(Constraint):
    """Every vector of length 1.

    Parameters
    ----------
    axis : along which the norms are taken; several as a tuple or list, None for all

    Raises
    ------
    ValueError
        When the axis is none of these.

    Examples
    --------
    >>> UnitNorm()([[3.0], [4.0]]).round(4).tolist()
    [[0.6], [0.8]]
    """

    arguments: ClassVar[tuple[str, ...]] = ("axis",)

    def __init__(self, axis: Any = 0) -> None:
        self.axis = _axis(type(self).__name__, axis)

    def project(self, w: np.ndarray) -> np.ndarray:
        """Return w with its norms as `lengths` wants them."""
        with np.errstate(over="ignore", invalid="ignore"):  # weights that have left float's range become 0 or NaN, as in Keras
            norms = np.sqrt(np.sum(w * w, axis=_as_tuple(self.axis), keepdims=True))
            return w * (self.lengths(norms) / (w.dtype.type(EPSILON) + norms))

    def lengths(self, norms: np.ndarray) -> np.ndarray:
        """Return the norms that are wanted instead of these."""
        return np.ones_like(norms)


class MaxNorm(UnitNorm):
    """No vector longer than `max_value`.

    Parameters
    ----------
    max_value : 0 or more
    axis : as of `UnitNorm`

    Raises
    ------
    ValueError
        When `max_value` is not a number, or negative, or the axis is none.

    Examples
    --------
    >>> MaxNorm(1.0)([[3.0, 0.3], [4.0, 0.4]]).round(4).tolist()
    [[0.6, 0.3], [0.8, 0.4]]
    """

    arguments: ClassVar[tuple[str, ...]] = ("max_value", "axis")

    def __init__(self, max_value: float = 2, axis: Any = 0) -> None:
        super().__init__(axis)
        self.max_value = not_negative("MaxNorm", "max_value", max_value)

    def lengths(self, norms: np.ndarray) -> np.ndarray:
        """Return the norms, at most `max_value`."""
        return np.minimum(norms, norms.dtype.type(self.max_value))


class MinMaxNorm(UnitNorm):
    """Every vector's length in `min_value`..`max_value`, or at each step a share `rate` of the way there.

    Parameters
    ----------
    min_value, max_value : 0 or more
    rate : 0..1; 1 is the whole way
    axis : as of `UnitNorm`

    Raises
    ------
    ValueError
        When a number is out of range, `min_value` exceeds `max_value`, or the axis is none.

    Examples
    --------
    >>> MinMaxNorm(1.0, 2.0)([[3.0, 0.3], [4.0, 0.4]]).round(4).tolist()
    [[1.2, 0.6], [1.6, 0.8]]
    """

    arguments: ClassVar[tuple[str, ...]] = ("min_value", "max_value", "rate", "axis")

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0) -> None:
        super().__init__(axis)
        self.min_value, self.max_value = (
            not_negative("MinMaxNorm", "min_value", min_value),
            not_negative("MinMaxNorm", "max_value", max_value),
        )
        self.rate = not_negative("MinMaxNorm", "rate", rate)
        if self.min_value > self.max_value:
            raise ValueError(f"MinMaxNorm: min_value must not exceed max_value, received {min_value!r} and {max_value!r}.")
        if self.rate > 1:
            raise ValueError(f"MinMaxNorm: rate must be in 0..1, received {rate!r}. It is the share of the way to the allowed norm.")

    def lengths(self, norms: np.ndarray) -> np.ndarray:
        """Return the norms, drawn towards the allowed ones."""
        number = norms.dtype.type
        allowed = np.clip(norms, number(self.min_value), number(self.max_value))
        return number(self.rate) * allowed + number(1 - self.rate) * norms


def _axis(function: str, axis: Any) -> Any:
    axes = axis if isinstance(axis, tuple | list) else [0 if axis is None else axis]
    if any(isinstance(one, bool) or not isinstance(one, int) for one in axes):
        raise ValueError(f"{function}: axis must be an integer, several of them, or None, received {axis!r}.")
    return axis


def _as_tuple(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, list) else axis


max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm
"""Keras's other names of the classes."""

CLASSES: dict[str, type[Constraint]] = {kind.__name__: kind for kind in (MaxNorm, MinMaxNorm, NonNeg, UnitNorm)}
NAMES = {"max_norm": MaxNorm, "min_max_norm": MinMaxNorm, "non_neg": NonNeg, "unit_norm": UnitNorm, **CLASSES}


def get(identifier: Any) -> Projection | None:
    """Return the constraint that `identifier` means.

    Parameters
    ----------
    identifier : str, dict, Constraint, class, function or None
        "max_norm", "min_max_norm", "non_neg" or "unit_norm"; a configuration, as `serialize` writes it; an object or a class; or a
        function from a weight to one that is allowed.

    Returns
    -------
    Constraint, function or None
        None for None.

    Raises
    ------
    ValueError
        When nothing of that name is known, or `identifier` is none of the above.
    TypeError
        When a configuration has arguments that the constraint does not take.

    Examples
    --------
    >>> get("max_norm")
    MaxNorm(max_value=2, axis=0)
    """
    if isinstance(identifier, str):
        return lookup("constraint", identifier, NAMES)()
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if inspect.isclass(identifier) and issubclass(identifier, Constraint):
        return identifier()
    if identifier is None or callable(identifier):
        return identifier
    raise ValueError(
        f"constraints.get: identifier must be a name, a configuration, a Constraint or a function, received {identifier!r} of type "
        f"{type(identifier).__name__}. Write for example 'non_neg'."
    )


def serialize(constraint: Projection | None) -> dict[str, Any] | None:
    """Return the configuration of `constraint` as Keras writes it in a ``.keras`` file; None for None.

    Raises
    ------
    ValueError
        When it is a function, or of a class that Keras does not have.

    Examples
    --------
    >>> serialize(UnitNorm(axis=1))["config"]
    {'axis': 1}
    """
    return None if constraint is None else write_record("constraint", constraint, CLASSES)


def deserialize(config: dict[str, Any]) -> Constraint:
    """Return the constraint that `serialize`, or Keras, wrote as `config`; nothing in it is executed.

    Raises
    ------
    ValueError
        When the class is missing or unknown.
    TypeError
        When the class does not take the arguments.

    Examples
    --------
    >>> deserialize(serialize(MaxNorm(3))).max_value
    3
    """
    return read_record("constraint", config, CLASSES)
