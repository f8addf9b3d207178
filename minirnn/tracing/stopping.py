"""What a model would say if reading stopped after each step.

Comes in: the layers, and one review. Goes out: the model's output (O,) after each input step.

Reading that stops after a step is reading with all later steps masked: a recurrent layer carries its state through them unchanged, and one
that goes the other way starts with them and stays at 0. So the T shortened reviews are the rows of one batch, each with a mask of its own,
and the library's own layers read them. "Later" is meant in the order in which the first recurrent layer reads; a Bidirectional hears the
same words with both ears.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minirnn.batches import TokenRows
from minirnn.layers.bidirectional import Bidirectional
from minirnn.layers.dense import Dense
from minirnn.layers.dropout import Dropout
from minirnn.layers.embedding import Embedding
from minirnn.layers.layer import Layer
from minirnn.layers.masking import Masking
from minirnn.layers.simple_rnn import SimpleRNN
from minirnn.layers.token_rnn import TokenBidirectional, TokenRNN

TOGETHER = 64
"""Shortened reviews that are read at once: the states of all of them are kept, T times these."""

STEPWISE = (Bidirectional, Dense, Dropout, Embedding, Masking, SimpleRNN)
"""Layers that take a review of any length. Flatten followed by Dense does not, and nobody knows of a layer of the user's own."""


def outputs_if_stopped(layers: Sequence[Layer], x: Any, mask: np.ndarray | None) -> np.ndarray | None:
    """Give the outputs (T,O), or None where the model can only read to the end.

    Parameters
    ----------
    layers : built, float64, of the numpy backend
    x : one review, as a batch of one: token rows, or vectors (1,T,E)
    mask (T,) : which steps count, instead of the layers' own mask; None for that
    """
    readers = [layer for layer in layers if isinstance(layer, SimpleRNN | Bidirectional)]
    if not readers or not all(type(layer) in STEPWISE for layer in layers) or any(_hides_carried(layer) for layer in readers):
        return None
    T = x.shape[1]
    heard = np.tri(T, dtype=bool)  # heard[t]: the steps that have been read once step t has
    if _way(readers[0]):
        heard = heard.T
    parts = [_read(layers, x, mask, heard[start : start + TOGETHER]) for start in range(0, T, TOGETHER)]
    return np.concatenate(parts)


def _way(reader: SimpleRNN | Bidirectional) -> bool:
    """Whether a layer reads backwards, and so turns a sequence round."""
    return (reader.forward_layer if isinstance(reader, Bidirectional) else reader).go_backwards


def _hides_carried(reader: SimpleRNN | Bidirectional) -> bool:
    """Whether a layer's last output is 0 after a masked step, where that of a shorter review would be its last state."""
    return any(part.zero_output_for_mask and not part.return_sequences for part in reader.parts or (reader,))  # type: ignore[attr-defined]


def _read(layers: Sequence[Layer], x: Any, given: np.ndarray | None, heard: np.ndarray) -> np.ndarray:
    """Read one review B times, each time no more than heard (B,T); give the last outputs (B,O)."""
    B = len(heard)
    y: Any = TokenRows(x.ids, np.repeat(x.rows, B), x.num_classes) if isinstance(x, TokenRows) else np.repeat(x, B, axis=0)
    mask: np.ndarray | None = None
    first = next(layer for layer in layers if isinstance(layer, SimpleRNN | Bidirectional))
    sequences = True
    for place, layer in enumerate(layers):
        step: Any = layer
        if isinstance(layer, SimpleRNN | Bidirectional):
            if given is not None and layer is first:
                mask = np.broadcast_to(given, heard.shape)
            if place == 0 and isinstance(y, TokenRows):
                step = TokenBidirectional(None, layer) if isinstance(layer, Bidirectional) else TokenRNN(None, layer)
            y_next = step.forward(y, heard if mask is None else heard & mask)
            sequences = layer.return_sequences
            if sequences and _way(layer):
                heard = heard[:, ::-1]
        else:
            y_next = step.forward(y, mask)
        y, mask = y_next, layer.compute_mask(y, mask)
    if not sequences:
        return np.array(y)
    last = heard.shape[1] - 1 - np.argmax(heard[:, ::-1], axis=1)
    return np.array(y[np.arange(B), last])
