"""Bidirectional: one recurrent layer reads a sequence forwards, another backwards, and what they say is put together.

Comes in: x (B,T,E). Goes out, from y (B,H) of the one and y' (B,H) of the other, or (B,T,H) each with ``return_sequences``, then y' turned
round so that both speak of the same step:

    concat   [y, y']  (B,2H)        dy, dy' = the halves of dout
    sum      y + y'                 dy = dy' = dout
    ave      (y + y') / 2           dy = dy' = dout / 2
    mul      y · y'                 dy = dout · y',  dy' = dout · y
    None     y and y', apart        in a call of the layer alone

Each reads the same x, so dx is the sum of both. Behind an Embedding, or one-hot input, each of the two reads its own table
(``token_rnn.py``).

Source: Keras 3.15, ``keras/src/layers/rnn/bidirectional.py``: names, that the layer given is copied, not used, and that at masked steps
the outputs of sequences are 0.
"""

from __future__ import annotations

import inspect
from typing import Any, cast

import numpy as np

from minirnn.layers.layer import Layer, Shape
from minirnn.layers.penalized import priced
from minirnn.layers.simple_rnn import SimpleRNN

MERGE_MODES = ("concat", "sum", "ave", "mul", None)


class Bidirectional(Layer):
    """Two recurrent layers that read in opposite directions.

    Parameters
    ----------
    layer : a ``SimpleRNN``, or its configuration; two of that kind are made anew, one of them going the other way
    merge_mode : "concat", "sum", "ave", "mul", or None for both outputs, which only a call of the layer alone can give
    weights : first values, the forward layer's and then the backward layer's, each as kernel, recurrent kernel and bias
    backward_layer : a ``SimpleRNN`` that goes backwards, in place of the one made from ``layer``

    Raises
    ------
    ValueError
        For anything but a SimpleRNN, an unknown merge_mode, or two layers that go the same way or differ in what they return.

    Examples
    --------
    >>> layer = Bidirectional(SimpleRNN(6))
    >>> layer(np.ones((2, 3, 4))).shape
    (2, 12)
    >>> layer.count_params()
    132
    """

    def __init__(
        self, layer: Any, merge_mode: str | None = "concat", weights: Any = None, backward_layer: Any = None, **kwargs: Any
    ) -> None:
        if merge_mode not in MERGE_MODES:
            raise ValueError(f"Bidirectional: merge_mode must be one of {MERGE_MODES}, received {merge_mode!r}.")
        layer = _recurrent("layer", layer)
        super().__init__(**kwargs)
        self.merge_mode = merge_mode
        self._hold(
            _copy(layer, f"forward_{layer.name.removeprefix('forward_')}", layer.go_backwards),
            _copy(layer, f"backward_{layer.name.removeprefix('backward_')}", True)
            if backward_layer is None
            else _recurrent("backward_layer", backward_layer),
        )
        if self.forward_layer.go_backwards == self.backward_layer.go_backwards:
            raise ValueError(
                f"Bidirectional: the two layers must read in opposite directions, received go_backwards={layer.go_backwards} for both."
            )
        for argument in ("stateful", "return_sequences", "return_state"):
            given = getattr(self.forward_layer, argument), getattr(self.backward_layer, argument)
            if given[0] != given[1]:
                raise ValueError(f"Bidirectional: {argument} must be the same for both layers, received {given[0]} and {given[1]}.")
        if merge_mode not in ("concat", None) and self.forward_layer.units != self.backward_layer.units:
            raise ValueError(
                f"Bidirectional: merge_mode={merge_mode!r} needs two layers of the same units, received {self.forward_layer.units} and "
                f"{self.backward_layer.units}. Use 'concat'."
            )
        self.return_sequences, self.stateful = self.forward_layer.return_sequences, self.forward_layer.stateful
        self.return_state = self.forward_layer.return_state
        for part in self.parts:
            part.zero_output_for_mask = self.return_sequences
        if not self.trainable:
            self.trainable = False  # of both
        self._first_weights = weights

    def _hold(self, forward_layer: SimpleRNN, backward_layer: SimpleRNN) -> None:
        self.forward_layer, self.backward_layer = forward_layer, backward_layer
        self.parts: tuple[SimpleRNN, SimpleRNN] = (forward_layer, backward_layer)
        self._ways = [priced(part, part) for part in self.parts]

    @property
    def gives_several(self) -> bool:
        """Whether a call gives more than one array."""
        return self.merge_mode is None or self.return_state

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(B,T,E) -> (B,2H), or (B,H) when outputs are added or multiplied; with T between, for sequences."""
        *others, H = self.forward_layer.compute_output_shape(input_shape)
        return (*others, H if self.merge_mode != "concat" else self.forward_layer.units + self.backward_layer.units)

    def build(self, input_shape: Shape, rng: np.random.Generator | None = None) -> None:
        """Make the weights of both layers."""
        super().build(input_shape, rng)
        if self._first_weights is not None:
            self.set_weights(self._first_weights)
            self._first_weights = None

    def twin(self, dtype: Any, backend: str) -> Bidirectional:
        """Give a layer of the same kind and arguments, with copies of both layers' weights."""
        other = cast("Bidirectional", super().twin(dtype, backend))
        other._hold(*(part.twin(dtype, backend) for part in self.parts))
        return other

    def check_input(self, shape: tuple[int, ...]) -> None:
        """Raise ValueError unless a batch of that shape fits both layers."""
        for part in self.parts:
            part.check_input(shape)

    def compute_mask(self, x: Any, mask: np.ndarray | None) -> np.ndarray | None:
        """The mask goes on with a sequence, and ends with it."""
        return mask if self.return_sequences else None

    def forward(self, x: Any, mask: np.ndarray | None = None, training: bool = False) -> np.ndarray:
        """x (B,T,E), mask (B,T) -> as ``compute_output_shape`` says."""
        return self.merge(*(way.forward(x, mask, training) for way in self._ways))

    def backward(self, dy: Any, dstates: Any = (None, None)) -> np.ndarray:
        """dy, as the output, and dstates, two (B,H) on the last states, as ``return_state`` gives them -> dx (B,T,E).

        With merge_mode None, dy is a pair. The gradient on an initial state is its layer's ``dinitial_state`` (B,H) afterwards.
        """
        dx, dx_other = (way.backward(d, dstate) for way, d, dstate in zip(self._ways, self.split(dy), dstates, strict=True))
        return dx + dx_other

    def merge(self, y: np.ndarray, y_other: np.ndarray) -> np.ndarray:
        """Put the two outputs together."""
        self._outputs = y, y_other = y, self._turned(y_other)
        if self.merge_mode == "concat":
            return np.concatenate([y, y_other], axis=-1)
        if self.merge_mode == "mul":
            return y * y_other
        return y + y_other if self.merge_mode == "sum" else (y + y_other) / 2

    def split(self, dy: Any) -> tuple[np.ndarray, np.ndarray]:
        """Give the gradients on the two outputs."""
        if self.merge_mode is None:
            d, d_other = dy
        elif self.merge_mode == "concat":
            d, d_other = np.split(dy, [self.forward_layer.units], axis=-1)
        elif self.merge_mode == "mul":
            d, d_other = dy * self._outputs[1], dy * self._outputs[0]
        else:
            d = d_other = dy if self.merge_mode == "sum" else dy / 2
        return d, self._turned(d_other)

    def _turned(self, sequence: np.ndarray) -> np.ndarray:
        return sequence[:, ::-1] if self.return_sequences else sequence

    def __call__(self, x: Any, mask: Any = None, training: bool = False, initial_state: Any = None) -> Any:
        """Build the layer at its first call, and give its output for a batch.

        Parameters
        ----------
        x, mask, training : as for every layer
        initial_state : the forward layer's state (B,H) and the backward layer's, as a list of two

        Returns
        -------
        array, or tuple
            With merge_mode None both outputs; with ``return_state`` the two states (B,H) after them.
        """
        if initial_state is not None and (not isinstance(initial_state, list | tuple) or len(initial_state) != 2):
            raise ValueError(
                "Bidirectional: initial_state must be a list of two states (B,H), the forward layer's and the backward layer's, "
                f"received {type(initial_state).__name__}."
            )
        if not self.built:
            self.build((None, *np.shape(x)[1:]))
        starts = (None, None) if initial_state is None else initial_state
        given = [part(x, mask, training, start) for part, start in zip(self.parts, starts, strict=True)]
        outputs, states = ([one[0] for one in given], [one[1] for one in given]) if self.return_state else (given, [])
        merged = [outputs[0], self._turned(outputs[1])] if self.merge_mode is None else [self.merge(*outputs)]
        self.note_activity(*merged, *states)
        return (*merged, *states) if self.gives_several else merged[0]

    def reset_state(self) -> None:
        """Forget the states that stateful layers carry from batch to batch."""
        for part in self.parts:
            part.reset_state()

    reset_states = reset_state

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments, in Keras's names and order."""
        return {
            **super().get_config(),
            "merge_mode": self.merge_mode,
            "layer": _written(self.forward_layer),
            "backward_layer": _written(self.backward_layer),
        }


def _recurrent(argument: str, given: Any) -> SimpleRNN:
    """Give a layer, from itself or from what a file says of it."""
    if isinstance(given, dict) and given.get("class_name") == "SimpleRNN" and isinstance(given.get("config"), dict):
        return SimpleRNN(**given["config"])
    if not isinstance(given, SimpleRNN):
        named = given.get("class_name") if isinstance(given, dict) else given
        raise ValueError(f"Bidirectional: {argument} must be a SimpleRNN, received {named!r}.")
    return given


def _copy(layer: SimpleRNN, name: str, go_backwards: bool) -> SimpleRNN:
    """Make a layer of the same arguments, functions of the user's own among them, which a configuration cannot hold."""
    arguments = {argument: getattr(layer, argument) for argument in inspect.signature(SimpleRNN).parameters if argument != "kwargs"}
    kept = {"name": name, "trainable": layer.trainable, "dtype": layer.dtype}
    return SimpleRNN(**arguments | kept | {"go_backwards": go_backwards})


def _written(layer: SimpleRNN) -> dict[str, Any]:
    return {"module": "keras.layers", "class_name": "SimpleRNN", "config": layer.get_config(), "registered_name": None}
