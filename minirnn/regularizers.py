"""Penalties: a price on large weights or outputs, which joins the loss, so that training looks for small ones.

Comes in: an array w of any shape. Goes out: its price, one number; and the price's gradient, in w's shape.

    L1              l1 Σ |w|            gradient   l1 sign(w), 0 where w is 0
    L2              l2 Σ w²             gradient   2 l2 w
    L1L2            the sum of the two
    Orthogonal      factor Σ_{i<j} |n_i · n_j| / pairs      n_i = w_i / |w_i|, the rows of a matrix, or its columns; pairs = s (s-1) / 2
      backward      dn_i = factor / pairs Σ_{j≠i} sign(n_i · n_j) n_j
                    dw_i = (dn_i - n_i (n_i · dn_i)) / |w_i|       what points along w_i changes its length only, not n_i

A layer's weight is priced once a batch, whatever the batch; the output that an ``activity_regularizer`` prices is divided by the rows B
of the batch (``layers/penalized.py``).

Source: Keras 3.15, ``keras/src/regularizers/regularizers.py``. At w = 0, where |w| has no slope, L1 gives 0 as Keras does on TensorFlow (on
JAX it gives l1). A matrix of one row costs 0 (Keras: NaN). The names "l1_l2" and "l1l2" mean what Keras documents for them, 0.01 of
each (Keras refuses the first, and for the second makes a penalty that is always 0).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from minirnn.configured import Configured, not_negative, read_record, write_record
from minirnn.registry import lookup

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]

EPSILON = 1e-7
"""Keras's ``backend.epsilon()``: the smallest norm that is divided by."""


class Regularizer(Configured):
    """What every regularizer is: called with an array, it gives the price.

    A subclass writes `value` and `gradient`, and names the arguments of its constructor.

    Examples
    --------
    >>> class Far(Regularizer):
    ...     def value(self, w):
    ...         return np.sum((w - 1) ** 2)
    ...     def gradient(self, w):
    ...         return 2 * (w - 1)
    >>> float(Far()([1.0, 3.0]))
    4.0
    """

    def __call__(self, x: Any) -> Any:
        """Return the price of `x`, in its dtype; integers count as float32."""
        w = np.asarray(x)
        return self.value(w if w.dtype.kind in "fc" else w.astype(np.float32))

    def value(self, w: np.ndarray) -> Any:
        """Return the price of w, a number of w's dtype."""
        raise NotImplementedError(f"{type(self).__name__} must implement value(w).")

    def gradient(self, w: np.ndarray) -> np.ndarray:
        """Return the price's gradient on w, in w's shape and dtype."""
        raise NotImplementedError(f"{type(self).__name__} must implement gradient(w).")


class L1L2(Regularizer):
    """l1 Σ |w| + l2 Σ w²; None means 0.

    Raises
    ------
    ValueError
        When `l1` or `l2` is not a number, or is negative or not finite.

    Examples
    --------
    >>> float(L1L2(l1=0.5, l2=0.25)([[1.0, -2.0]]))
    2.75
    """

    arguments: ClassVar[tuple[str, ...]] = ("l1", "l2")

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1 = float(not_negative("L1L2", "l1", 0.0 if l1 is None else l1))
        self.l2 = float(not_negative("L1L2", "l2", 0.0 if l2 is None else l2))

    def value(self, w: np.ndarray) -> Any:
        """Return the price; a factor of 0 leaves its sum out, so that infinite weights cost nothing there."""
        price = w.dtype.type(0)
        if self.l1:
            price += w.dtype.type(self.l1) * np.sum(_absolute(w))
        if self.l2:
            with np.errstate(over="ignore"):  # an infinite price is reported by the training loop
                price += w.dtype.type(self.l2) * np.sum(w * w)
        return price

    def gradient(self, w: np.ndarray) -> np.ndarray:
        """Return l1 sign(w) + 2 l2 w."""
        slope = np.zeros_like(w)
        if self.l1:
            slope += w.dtype.type(self.l1) * np.sign(w)
        if self.l2:
            slope += w.dtype.type(2 * self.l2) * w
        return slope


class L1(L1L2):
    """l1 Σ |w|; None means 0.01.

    Raises
    ------
    ValueError
        When `l1` is not a number, or is negative or not finite.

    Examples
    --------
    >>> float(L1(0.5)([1.0, -2.0]))
    1.5
    """

    arguments: ClassVar[tuple[str, ...]] = ("l1",)

    def __init__(self, l1: float | None = 0.01) -> None:
        self.l1, self.l2 = float(not_negative("L1", "l1", 0.01 if l1 is None else l1)), 0.0


class L2(L1L2):
    """l2 Σ w², without a half; None means 0.01.

    Raises
    ------
    ValueError
        When `l2` is not a number, or is negative or not finite.

    Examples
    --------
    >>> float(L2(0.5)([1.0, -2.0]))
    2.5
    """

    arguments: ClassVar[tuple[str, ...]] = ("l2",)

    def __init__(self, l2: float | None = 0.01) -> None:
        self.l1, self.l2 = 0.0, float(not_negative("L2", "l2", 0.01 if l2 is None else l2))


class OrthogonalRegularizer(Regularizer):
    """How far the rows of a matrix, or its columns, are from being at right angles: `factor` times the mean |cosine| of all pairs.

    Parameters
    ----------
    factor : of the price
    mode : "rows" or "columns"

    Raises
    ------
    ValueError
        When `factor` is not a number, or is negative or not finite, or `mode` is another one; and for what is not a matrix.

    Examples
    --------
    >>> float(OrthogonalRegularizer(1.0)([[1.0, 0.0], [0.0, 2.0]]))
    0.0
    >>> float(OrthogonalRegularizer(1.0)([[1.0, 0.0], [3.0, 0.0]]))
    1.0
    """

    arguments: ClassVar[tuple[str, ...]] = ("factor", "mode")

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = float(not_negative("OrthogonalRegularizer", "factor", factor))
        if mode not in ("rows", "columns"):
            raise ValueError(f"OrthogonalRegularizer: mode must be 'rows' or 'columns', received {mode!r}.")
        self.mode = mode

    def value(self, w: np.ndarray) -> Any:
        """Return the price of the matrix w."""
        _, _, cosines, per_pair = self._directions(w)
        return per_pair * w.dtype.type(0.5) * np.sum(_absolute(cosines))

    def gradient(self, w: np.ndarray) -> np.ndarray:
        """Return the price's gradient on the matrix w; a row of zeros has no direction, and gets 0."""
        n, norms, cosines, per_pair = self._directions(w)
        dn = per_pair * (np.sign(cosines) @ n)
        along = np.where(norms > EPSILON, np.sum(n * dn, axis=1, keepdims=True), 0)  # below, n_i = w_i / EPSILON has no fixed length
        dw = (dn - n * along) / np.maximum(norms, w.dtype.type(EPSILON))
        return dw if self.mode == "rows" else dw.T

    def _directions(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, Any]:
        """Give n (s,·), the norms (s,1), n·nᵀ (s,s) with zeros on its diagonal, and the factor for one pair."""
        if w.ndim != 2:
            raise ValueError(f"OrthogonalRegularizer: expected a matrix, received shape {w.shape}. Use it on a kernel.")
        rows = w if self.mode == "rows" else w.T
        s = len(rows)
        norms = np.sqrt(np.sum(rows * rows, axis=1, keepdims=True))
        n = rows / np.where(norms.real > EPSILON, norms, w.dtype.type(EPSILON))
        cosines = n @ n.T
        cosines[np.arange(s), np.arange(s)] = 0
        return n, norms, cosines, w.dtype.type(self.factor / max(s * (s - 1) / 2, 1))


def _absolute(w: np.ndarray) -> np.ndarray:
    return np.where(w.real >= 0, w, -w)  # an analytic function on either side of 0, for complex-step checks


def _documented_l1_l2() -> L1L2:
    return L1L2(0.01, 0.01)


l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer
"""Keras's other names of the classes."""

CLASSES: dict[str, type[Regularizer]] = {kind.__name__: kind for kind in (L1, L2, L1L2, OrthogonalRegularizer)}
NAMES: dict[str, Callable[[], Regularizer]] = {
    "l1": L1,
    "l2": L2,
    "l1_l2": _documented_l1_l2,
    "orthogonal_regularizer": OrthogonalRegularizer,
    **CLASSES,
    "L1L2": _documented_l1_l2,
    "l1l2": _documented_l1_l2,
}


def get(identifier: Any) -> Regularizer | None:
    """Return the regularizer that `identifier` means.

    Parameters
    ----------
    identifier : str, dict, Regularizer, class or None
        "l1", "l2", "l1_l2" or "orthogonal_regularizer", each with factors of 0.01; a configuration, as `serialize` writes it; an object
        or a class.

    Returns
    -------
    Regularizer or None
        None for None.

    Raises
    ------
    ValueError
        When nothing of that name is known, or `identifier` is none of the above; a function too, since its gradient is not known.
    TypeError
        When a configuration has arguments that the regularizer does not take.

    Examples
    --------
    >>> get("l2")
    L2(l2=0.01)
    """
    if identifier is None or isinstance(identifier, Regularizer):
        return identifier
    if isinstance(identifier, str):
        return lookup("regularizer", identifier, NAMES)()
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if inspect.isclass(identifier) and issubclass(identifier, Regularizer):
        return identifier()
    raise ValueError(
        f"regularizers.get: identifier must be a name, a configuration or a Regularizer, received {identifier!r} of type "
        f"{type(identifier).__name__}. A penalty of your own is a subclass of Regularizer, with value(w) and gradient(w)."
    )


def serialize(regularizer: Regularizer | None) -> dict[str, Any] | None:
    """Return the configuration of `regularizer` as Keras writes it in a ``.keras`` file; None for None.

    Raises
    ------
    ValueError
        When it is of a class that Keras does not have.

    Examples
    --------
    >>> serialize(L2(0.5))["config"]
    {'l2': 0.5}
    """
    return None if regularizer is None else write_record("regularizer", regularizer, CLASSES)


def deserialize(config: dict[str, Any]) -> Regularizer:
    """Return the regularizer that `serialize`, or Keras, wrote as `config`; nothing in it is executed.

    Raises
    ------
    ValueError
        When the class is missing or unknown.
    TypeError
        When the class does not take the arguments.

    Examples
    --------
    >>> float(deserialize(serialize(L1(0.5)))([1.0, -2.0]))
    1.5
    """
    return read_record("regularizer", config, CLASSES)
