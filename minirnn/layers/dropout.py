"""Dropout: in training, some inputs are set to 0 and the others scaled up, so that their mean stays.

Comes in: x of any shape. Goes out: x · keep, with keep = 0 (probability ``rate``) or 1 / (1 - rate); outside training, x.
Backward: dx = dy · keep.

Source: Keras 3.15, ``keras/src/layers/regularization/dropout.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minirnn.layers.layer import Layer
from minirnn.layers.simple_rnn import rate as checked_rate
from minirnn.randomness import generator


class Dropout(Layer):
    """Drop a share of the inputs while training.

    Parameters
    ----------
    rate : share that is dropped, 0..1
    noise_shape : shape of the drawn mask, with None for "as the input" and 1 for "one draw shared along this axis"
    seed : of the draws; None for a stream of its own from the global generator

    Raises
    ------
    ValueError
        When the rate is not in 0..1, or noise_shape is not a sequence of positive integers and None.
    TypeError
        When the rate is not a number.

    Examples
    --------
    >>> layer = Dropout(0.5, seed=1)
    >>> sorted(set(layer(np.ones((4, 5)), training=True).ravel().tolist()))
    [0.0, 2.0]
    >>> bool((layer(np.ones((4, 5))) == 1).all())
    True
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = checked_rate("Dropout", "rate", rate)
        self.seed = seed
        self.noise_shape = None if noise_shape is None else _checked(noise_shape)
        self._rng = generator(seed)
        self._keep: np.ndarray | None = None

    def forward(self, x: np.ndarray, mask: np.ndarray | None = None, training: bool = False) -> np.ndarray:
        """x, of any shape -> the same shape."""
        self._keep = self._draw(x.shape) if training and self.rate > 0 else None
        return x if self._keep is None else x * self._keep

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """dy -> dx, of the same shape."""
        return dy if self._keep is None else dy * self._keep

    def _draw(self, shape: tuple[int, ...]) -> np.ndarray:
        sizes = shape if self.noise_shape is None else tuple(n if m is None else m for n, m in zip(shape, self.noise_shape, strict=True))
        if self.rate == 1:
            return np.zeros(sizes, self.dtype)
        return ((self._rng.random(sizes) >= self.rate) / (1 - self.rate)).astype(self.dtype)

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments, in Keras's names and order."""
        noise_shape = None if self.noise_shape is None else list(self.noise_shape)
        return {**super().get_config(), "rate": self.rate, "seed": self.seed, "noise_shape": noise_shape}


def _checked(noise_shape: Any) -> tuple[int | None, ...]:
    sizes = tuple(noise_shape) if isinstance(noise_shape, Sequence) and not isinstance(noise_shape, str) else ("",)
    if any(size is not None and (isinstance(size, bool) or not isinstance(size, int) or size <= 0) for size in sizes):
        raise ValueError(f"Dropout: noise_shape must be a sequence of positive integers and None, received {noise_shape!r}.")
    return sizes
