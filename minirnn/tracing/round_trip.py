"""One review through the layers, and a gradient back through them, with what is found on the way.

Comes in: the layers' twins, and a batch of one. Goes out: the outputs, a `LayerTrace` of each recurrent layer, and from a gradient on the
outputs the one on each token's vector. The layers compute; of the recurrent ones the states are read off, and the way back is written out
step by step, since a layer keeps no step's share of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.batches import TokenRows
from minirnn.layers.bidirectional import Bidirectional
from minirnn.layers.embedding import Embedding
from minirnn.layers.layer import Layer
from minirnn.layers.penalized import bare, priced
from minirnn.layers.simple_rnn import SimpleRNN
from minirnn.tracing.recurrent import LayerTrace


def is_recurrent(layer: Layer) -> bool:
    """Whether a layer reads step by step."""
    return isinstance(layer, SimpleRNN | Bidirectional)


class RoundTrip:
    """One review on its way through layers and back.

    Parameters
    ----------
    layers : the twins: float64, of the numpy backend
    x : one review, as a batch of one: token rows, or vectors (1,T,E)
    mask (T,) bool : instead of the mask that reaches the first recurrent layer; None for that

    Attributes
    ----------
    recurrent : a `LayerTrace` for each recurrent layer, two for a Bidirectional, in the order of the model
    mask (T,) bool, or None : what reached the first recurrent layer
    vectors (T,E), or None : what the tokens were turned into; None for one-hot input
    output (...), output_mask : of the last layer
    """

    def __init__(self, layers: list[Layer], x: Any, mask: np.ndarray | None) -> None:
        self._steps = [priced(layer, layer) for layer in layers]
        self._outputs: list[np.ndarray] = []
        self._traces: dict[int, list[LayerTrace]] = {}
        self.mask: np.ndarray | None = None
        y, passed = x, None
        for place, step in enumerate(self._steps):
            layer = layers[place]
            if is_recurrent(layer) and not self._traces:
                passed = passed if mask is None else mask[None]
                self.mask = None if passed is None else passed[0]
            if is_recurrent(layer):
                y_next = self._read(place, layer, y, passed)
                layer.note_activity(y_next)
            else:
                y_next = step.forward(y, passed)
            passed = layer.compute_mask(y, passed)
            y = np.array(y_next)
            self._outputs.append(y)
        self.recurrent = [found for traces in self._traces.values() for found in traces]
        self.output, self.output_mask = y[0], passed
        self.vectors = self._outputs[0][0] if isinstance(layers[0], Embedding) else None if isinstance(x, TokenRows) else x[0]

    def _read(self, place: int, layer: Any, y: Any, mask: np.ndarray | None) -> np.ndarray:
        """Run a recurrent layer, keep what each of its parts read and its states, and give its output."""
        T = y.shape[1]
        ids = y.ids[y.rows[0]] if isinstance(y, TokenRows) else None
        self._traces[place], outputs = [], []
        for part in layer.parts or (layer,):
            Wx, b = part.values["kernel"], part.values.get("bias", np.zeros(part.units))
            z_input = y[0] @ Wx if ids is None else Wx[ids]
            outputs.append(part.recur(z_input + b, np.arange(T)[None], np.zeros(1, np.intp), mask, training=False))
            positions = np.arange(T)[::-1] if part.go_backwards else np.arange(T)
            found = LayerTrace(
                name=part.name if part is layer else f"{layer.name}.{part.name}",
                activation=part.activation,
                positions=positions,
                mask=None if mask is None else mask[0][positions],
                Wx=Wx,
                Wh=part.values["recurrent_kernel"],
                b=b,
                x=y[0][positions] if ids is None else None,
                ids=None if ids is None else ids[positions],
                z_input=z_input[positions],
                hs=part.last_passage().hs[:, 0].copy(),
            )
            self._traces[place].append(found)
        return np.asarray(layer.merge(*outputs)) if isinstance(layer, Bidirectional) else outputs[0]

    def back(self, gradient: np.ndarray, from_logits: bool, reach: int, *, with_prices: bool = True) -> np.ndarray:
        """Carry a gradient on the outputs, or on the last layer's logits, back; give the one on the tokens' vectors (T,E), or (T,V).

        Parameters
        ----------
        reach : steps from the end, in the order of processing, that it is carried through a recurrent layer
        with_prices : whether the gradients of what outputs cost join in
        """
        passed: Any = gradient
        for place in reversed(range(len(self._steps))):
            step, y = self._steps[place], self._outputs[place]
            if not with_prices:
                step = bare(step)
            layer = bare(step)
            if is_recurrent(layer):
                passed = passed.reshape(y.shape)
                if step is not layer:
                    passed = passed + layer.activity_regularizer.gradient(y)  # by the rows of the batch, and here is one
                passed = self._back_through(layer, self._traces[place], passed, reach)
            elif isinstance(layer, Embedding):
                break
            elif from_logits and place == len(self._steps) - 1:
                passed = step.backward_from_logits(passed.reshape(step.logits.shape))
            else:
                passed = step.backward(passed.reshape(y.shape))
        return np.asarray(passed[0])

    def along_tokens(self, dx: np.ndarray) -> np.ndarray:
        """Give x_t · dx_t (T,) for a gradient on the tokens' vectors: the share of each token, to first order."""
        if self.vectors is not None:
            return np.asarray(np.sum(self.vectors * dx, axis=1))
        first = self.recurrent[0]
        assert first.ids is not None
        return np.asarray(dx[first.positions, first.ids][np.argsort(first.positions)])

    def _back_through(self, layer: Any, traces: list[LayerTrace], dy: np.ndarray, reach: int) -> np.ndarray:
        """Carry a gradient through a recurrent layer, note dh and dz, and give the one on its input (1,T,E)."""
        shares = layer.split(dy) if isinstance(layer, Bidirectional) else (dy,)
        dx = None
        for part, found, share in zip(layer.parts or (layer,), traces, shares, strict=True):
            dhs = np.zeros((found.steps, found.units))
            if part.return_sequences:
                dhs[...] = share[0]
            else:
                dhs[-1] = share[0]
            if part.zero_output_for_mask and found.mask is not None:
                dhs *= found.mask[:, None]  # where the output is 0, not the state, nothing comes back
            found.dh, found.dz = found.carry_back(dhs, reach)
            dx_part = found.dx(found.dz)
            dx = dx_part if dx is None else dx + dx_part
        assert dx is not None
        return dx[None]
