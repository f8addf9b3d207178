"""What a model reads: the size of its vocabulary, and ids in its own form.

Comes in: a model, and ids (N,T). Goes out: V; and the ids themselves, or the one-hot array that they stand for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minirnn.layers.embedding import Embedding
from minirnn.one_hot import OneHot

if TYPE_CHECKING:
    from minirnn.model import Sequential


def vocabulary(model: Sequential) -> int:
    """Give V of a model that reads ids or one-hot vectors.

    Raises
    ------
    ValueError
        It reads neither.
    """
    first = model.layers[0]
    if isinstance(first, Embedding):
        return int(first.input_dim)
    V = model.input_shape[-1]
    if len(model.input_shape) != 3 or V is None:
        raise ValueError(f"the model reads {model.input_shape}; expected ids (None, T) into an Embedding, or one-hot vectors (None, T, V).")
    return V


def as_input(model: Sequential, ids: np.ndarray) -> np.ndarray | OneHot:
    """Give ids (N,T) as the model reads them: themselves before an Embedding, else one-hot."""
    return ids if isinstance(model.layers[0], Embedding) else OneHot(ids, vocabulary(model))
