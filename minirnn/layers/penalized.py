"""A step whose output costs something: what an ``activity_regularizer`` does.

Comes in: what the step takes. Goes out: what the step gives, y (B,...), unchanged, and on the layer a note of what it costs:

    penalty = regularizer(y) / B                   B rows, so that the price does not depend on the size of the batch

Backward: the price's gradient joins the one that comes back from the loss, before the step's own way back begins.

    dy      <- dy + gradient of the penalty
    dlogits <- dlogits + gradient of the penalty · activation'(logits)        where the loss reads the logits behind y

A model and a Bidirectional wrap the steps that need it, and no others.

Source: Keras 3.15, ``keras/src/layers/layer.py`` (``__call__``).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.activations import CODES, slope_ref
from minirnn.layers.layer import Layer


class Penalized:
    """A step, and the price of its output.

    Parameters
    ----------
    step : the layer itself, or the token step that ends in it
    layer : whose ``activity_regularizer`` it is
    """

    def __init__(self, step: Any, layer: Layer) -> None:
        self.step = step
        self.layer = layer

    def forward(self, x: Any, mask: np.ndarray | None = None, training: bool = False) -> np.ndarray:
        """Give the step's output, and note what it costs."""
        self._y = y = self.step.forward(x, mask, training)
        self.layer.note_activity(y)
        return y  # type: ignore[no-any-return]

    def compute_mask(self, x: Any, mask: np.ndarray | None) -> np.ndarray | None:
        """The step's."""
        return self.step.compute_mask(x, mask)  # type: ignore[no-any-return]

    def backward(self, dy: np.ndarray, *dstate: np.ndarray | None) -> np.ndarray | None:
        """dy, as the output -> what the step gives; a recurrent layer's dstate has no price."""
        return self.step.backward(dy + self._dpenalty(), *dstate)  # type: ignore[no-any-return]

    @property
    def logits(self) -> np.ndarray:
        """The step's, where it is a Dense."""
        return self.step.logits  # type: ignore[no-any-return]

    def backward_from_logits(self, dlogits: np.ndarray) -> np.ndarray:
        """dlogits (B,O) -> dx (..., I): the way back of a Dense past its activation."""
        slope = slope_ref(self._y, CODES[self.step.activation])
        return self.step.backward_from_logits(dlogits + (self._dpenalty() * slope).reshape(dlogits.shape))  # type: ignore[no-any-return]

    def _dpenalty(self) -> np.ndarray:
        assert self.layer.activity_regularizer is not None
        y = self._y
        return self.layer.activity_regularizer.gradient(y) / y.dtype.type(max(len(y), 1))  # type: ignore[no-any-return]


def priced(step: Any, layer: Layer) -> Any:
    """Give the step with the price of its output, or the step itself where that costs nothing."""
    return step if layer.activity_regularizer is None else Penalized(step, layer)


def bare(step: Any) -> Any:
    """Give the step inside, or the step itself."""
    return step.step if isinstance(step, Penalized) else step
