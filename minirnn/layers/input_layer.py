"""The place where a model says what it is fed: the shape of one example, and of its batches.

Comes in: a shape. Goes out: nothing but that shape; no numbers pass through here.

Source: Keras 3.15, ``keras/src/layers/core/input_layer.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.layers.layer import Shape, not_supported, unique_name


class InputLayer:
    """The shape that a model is fed.

    Parameters
    ----------
    shape : tuple of int or None
        Of one example, without the batch: ``(100,)`` for ids, ``(100, 200)`` for one-hot vectors. None: any size.
    batch_size : int, optional
        Fixes the batch's size, which ``stateful`` layers need.
    dtype : str, optional
        Kept for Keras's files. Ids stay integers, whatever stands here (Keras casts them through float32).
    batch_shape : tuple of int or None
        Both in one: ``(None, 100)``.

    Raises
    ------
    ValueError
        When the shape is missing, given twice, or holds something other than positive integers and None.

    Examples
    --------
    >>> InputLayer((100,)).batch_shape
    (None, 100)
    >>> InputLayer((100, 200), batch_size=64).batch_shape
    (64, 100, 200)
    """

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Any = None,
        name: str | None = None,
        tensor: Any = None,
        optional: bool = False,
    ) -> None:
        not_supported("Input", sparse=sparse or None, ragged=ragged or None, tensor=tensor, optional=optional or None)
        if (shape is None) == (batch_shape is None):
            raise ValueError(f"Input: give either shape or batch_shape, received shape={shape!r} and batch_shape={batch_shape!r}.")
        if batch_shape is not None and batch_size is not None:
            raise ValueError("Input: give either batch_size or batch_shape, not both.")
        sizes = (batch_size, *_sizes("shape", shape)) if batch_shape is None else _sizes("batch_shape", batch_shape)
        self.batch_shape: Shape = _checked(sizes)
        self.dtype = "float32" if dtype is None else np.dtype(dtype).name
        self.name = name or unique_name("input_layer")

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments, in Keras's names and order."""
        return {
            "batch_shape": list(self.batch_shape),
            "dtype": self.dtype,
            "sparse": False,
            "ragged": False,
            "name": self.name,
            "optional": False,
        }


def Input(*args: Any, **kwargs: Any) -> InputLayer:  # Keras's name
    """Say what shape a model is fed; the arguments are InputLayer's.

    Examples
    --------
    >>> Input((100,)).batch_shape
    (None, 100)
    """
    return InputLayer(*args, **kwargs)


def _sizes(argument: str, shape: Any) -> tuple[Any, ...]:
    try:
        return tuple(shape)
    except TypeError:
        raise ValueError(f"Input: {argument} must be a tuple of sizes, received {shape!r}. Write ({shape},) for one axis.") from None


def _checked(sizes: tuple[Any, ...]) -> Shape:
    for size in sizes:
        if size is not None and (isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 0):
            raise ValueError(f"Input: sizes must be non-negative integers or None, received {size!r} in {sizes!r}.")
    return tuple(None if size is None else int(size) for size in sizes)
