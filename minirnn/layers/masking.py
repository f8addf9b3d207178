"""Masking: steps that hold nothing but a chosen number are padding.

Comes in: x (B,T,E). Goes out: x, 0 at padded steps, and the mask (B,T) that later layers skip them by: a step counts as soon as one of its
E numbers differs from ``mask_value``. Backward: dx = dy where the step counts.

Ids have ``Embedding(mask_zero=True)`` for this; here are vectors.

Source: Keras 3.15, ``keras/src/layers/core/masking.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.layers.layer import Layer, Shape


class Masking(Layer):
    """Mask the steps of a sequence of vectors that are all ``mask_value``.

    Parameters
    ----------
    mask_value : what padding consists of

    Raises
    ------
    ValueError
        When it is not a number, or the input is not (B,T,E).

    Examples
    --------
    >>> x = np.array([[[0.0, 0.0], [0.5, 0.0]]])
    >>> Masking().compute_mask(x, None).tolist()
    [[False, True]]
    """

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(mask_value, bool) or not isinstance(mask_value, int | float | np.integer | np.floating):
            raise ValueError(f"Masking: mask_value must be a number, received {mask_value!r}.")
        self.mask_value = float(mask_value)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(B,T,E) -> (B,T,E)."""
        if len(input_shape) != 3:
            raise ValueError(
                f"Masking: layer '{self.name}' expects vectors of shape (B,T,E), received {input_shape}. "
                f"For ids, use Embedding(mask_zero=True)."
            )
        return input_shape

    def compute_mask(self, x: Any, mask: np.ndarray | None) -> np.ndarray:
        """(B,T): False where a step is all ``mask_value``; a mask from before ends here, as in Keras."""
        return np.asarray(np.any(np.not_equal(x, x.dtype.type(self.mask_value)), axis=-1))

    def forward(self, x: np.ndarray, mask: np.ndarray | None = None, training: bool = False) -> np.ndarray:
        """x (B,T,E) -> (B,T,E)."""
        self._counts = self.compute_mask(x, mask)[:, :, None]
        return x * self._counts

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """dy (B,T,E) -> dx (B,T,E)."""
        return dy * self._counts

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments, in Keras's names and order."""
        return {**super().get_config(), "mask_value": self.mask_value}
