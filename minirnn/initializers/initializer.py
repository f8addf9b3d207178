"""What every initializer is: a shape, a dtype and a Generator come in, an array of first weights goes out."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from minirnn.configured import Configured

Array = NDArray[Any]
Generator = np.random.Generator
Shape = tuple[int, ...]


class Initializer(Configured):
    """What every initializer is: called with a shape, it returns an array.

    A subclass writes `fill`, and names the arguments of its constructor.

    Examples
    --------
    >>> class Steps(Initializer):
    ...     def fill(self, shape, dtype, rng):
    ...         return np.arange(np.prod(shape), dtype=dtype).reshape(shape)
    >>> Steps()((2, 2)).tolist()
    [[0.0, 1.0], [2.0, 3.0]]
    """

    kinds: ClassVar[str] = "biufc"
    """The kinds of dtype that it can give, as NumPy's ``dtype.kind``."""

    def __call__(self, shape: Sequence[int], dtype: DTypeLike = "float32", rng: Generator | None = None) -> Array:
        """Return a new array of `shape` and `dtype`.

        Parameters
        ----------
        shape : sequence of int
            Shape of the weight.
        dtype : dtype-like
            Of the weight; None means float32.
        rng : numpy.random.Generator, optional
            Where an initializer without a seed draws from; None means the global generator.

        Returns
        -------
        numpy.ndarray
            The first values.

        Raises
        ------
        ValueError
            When `shape` is not a sequence of non-negative integers, or the initializer cannot fill it.
        TypeError
            When `dtype` is not one that the initializer can give.
        """
        name = type(self).__name__
        try:
            sizes = tuple(operator.index(size) for size in shape)
        except TypeError:
            raise ValueError(f"{name}: shape must be a sequence of integers, received {shape!r}. Write (n,) for one axis.") from None
        if any(size < 0 for size in sizes):
            raise ValueError(f"{name}: sizes must be 0 or more, received shape={sizes}.")
        try:
            chosen = np.dtype("float32" if dtype is None else dtype)
        except TypeError:
            raise TypeError(f"{name}: dtype must name a NumPy dtype, received {dtype!r}. Use 'float32' or 'float64'.") from None
        if chosen.kind not in self.kinds:
            raise TypeError(f"{name}: cannot give values of dtype {chosen}. Use 'float32' or 'float64'.")
        return self.fill(sizes, chosen, rng)

    def fill(self, shape: Shape, dtype: np.dtype[Any], rng: Generator | None) -> Array:
        """Return the values; `shape` and `dtype` are checked already."""
        raise NotImplementedError(f"{type(self).__name__} must implement fill(shape, dtype, rng).")
