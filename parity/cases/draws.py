"""What the cases are made of: random weights and inputs, asymmetric, all sizes different, so that no swapped axis can pass.

Comes in: a seeded generator and sizes. Goes out: float32 arrays, which float64 holds exactly, so that both precisions start from the same
numbers.
"""

from __future__ import annotations

import numpy as np


def numbers(rng: np.random.Generator, *shape: int, scale: float = 1.0) -> np.ndarray:
    """Normal numbers, their mean off zero."""
    return (scale * (rng.standard_normal(shape) + 0.25)).astype(np.float32)


def rnn_weights(rng: np.random.Generator, E: int, H: int, use_bias: bool = True, scale: float = 1.0) -> list[np.ndarray]:
    """Wx (E,H), Wh (H,H) and b (H,), of such a size that a state neither dies out nor saturates."""
    weights = [numbers(rng, E, H, scale=scale / np.sqrt(E)), numbers(rng, H, H, scale=scale / np.sqrt(H)), numbers(rng, H, scale=0.5)]
    return weights if use_bias else weights[:2]


def dense_weights(rng: np.random.Generator, I: int, O: int) -> list[np.ndarray]:
    """W (I,O) and b (O,)."""
    return [numbers(rng, I, O, scale=1 / np.sqrt(I)), numbers(rng, O, scale=0.5)]


def tokens(rng: np.random.Generator, N: int, T: int, V: int) -> np.ndarray:
    """Ids (N,T), padded in front: they repeat within a row, 0 and V-1 occur, one row is all padding and one has no padding."""
    ids = np.minimum(V - 1, 1 + V * rng.random((N, T)) ** 2).astype(np.int32)
    lengths = rng.integers(1, max(T, 2), N)
    lengths[0], lengths[-1] = T, 0
    ids[np.arange(T) < T - lengths[:, None]] = 0
    ids[0, -2:], ids[0, 0] = ids[0, -1], V - 1
    return ids


def masks(rng: np.random.Generator, B: int, T: int) -> np.ndarray:
    """Masks (B,T) with gaps at the front, in the middle and at the end; one row is all padding, one has none."""
    mask = rng.random((B, T)) < 0.6
    mask[0], mask[-1] = True, False
    return mask


def keep_mask(rng: np.random.Generator, share: float, *shape: int) -> np.ndarray:
    """A dropout mask: 0 with probability ``share``, else 1 / (1 - share)."""
    return ((rng.random(shape) >= share) / (1 - share)).astype(np.float32)
