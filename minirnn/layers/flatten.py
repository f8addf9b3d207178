"""Flatten: each example's numbers in one row.

Comes in: x (B, ...). Goes out: (B, product of the rest). Backward gives the gradient its old shape.

Source: Keras 3.15, ``keras/src/layers/reshaping/flatten.py``; a mask ends here, with Keras's warning.
"""

from __future__ import annotations

import math
import warnings
from typing import Any, ClassVar

import numpy as np

from minirnn.layers.layer import Layer, Shape, not_supported


class Flatten(Layer):
    """Flatten each example; (B,) becomes (B,1).

    Examples
    --------
    >>> Flatten()(np.ones((2, 3, 4))).shape
    (2, 12)
    """

    supports_masking: ClassVar[bool] = False

    def __init__(self, data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        not_supported("Flatten", data_format=None if data_format == "channels_last" else data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(B, ...) -> (B, product)."""
        B, *rest = input_shape
        return (B, None if None in rest else math.prod(size for size in rest if size is not None))

    def compute_mask(self, x: Any, mask: np.ndarray | None) -> np.ndarray | None:
        """None: a row of numbers has no steps to mask."""
        if mask is not None:
            warnings.warn(
                f"Layer '{self.name}' (Flatten) does not support masking and destroys the mask that reaches it.", UserWarning, stacklevel=2
            )
        return None

    def forward(self, x: np.ndarray, mask: np.ndarray | None = None, training: bool = False) -> np.ndarray:
        """x (B, ...) -> (B, product)."""
        self._shape = x.shape
        return x.reshape(len(x), -1 if x.size else math.prod(x.shape[1:]))

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """dy (B, product) -> (B, ...)."""
        return dy.reshape(self._shape)

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments, in Keras's names and order."""
        return {**super().get_config(), "data_format": "channels_last"}
