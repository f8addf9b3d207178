"""The simple recurrent layer: weights, arguments and states around the recurrence.

Comes in: x (B,T,E). Goes out: the last state (B,H), or with ``return_sequences`` every state (B,T,H).

The input part of z does not depend on the state, so it is computed for all steps at once, before the loop that ``recurrence.py`` is:

    table = x · Wx + b                        (B*T,H), a row per (b,t); ``token_rnn.py`` makes one per word of the vocabulary instead
    hs    = the recurrence over it            (T+1,B,H)

and backward, from the gradient ``dtable`` that the recurrence gives:

    dWx += xᵀ · dtable,  db += Σ dtable,  dx = dtable · Wxᵀ

Source: Keras 3.15, ``keras/src/layers/rnn/simple_rnn.py`` and ``rnn.py`` (order of weights, masks, dropout, statefulness). Masked first
steps with a carried state give output 0, and ``zero_output_for_mask`` always holds, as on Keras's TensorFlow backend.
"""

from __future__ import annotations

from typing import Any, ClassVar, cast

import numpy as np

from minirnn import activations, constraints, initializers, regularizers
from minirnn.layers.layer import Layer, Shape, positive_integer
from minirnn.layers.recurrence import BACKENDS
from minirnn.randomness import generator
from minirnn.reach import Passage


class SimpleRNN(Layer):
    """Fully-connected recurrent layer, the output being the next step's state.

    Parameters
    ----------
    units : H, a positive integer
    activation : "tanh", "sigmoid", "relu" or "linear"
    use_bias : whether z has a bias
    kernel_initializer, recurrent_initializer, bias_initializer : of Wx, Wh and b
    kernel_regularizer, recurrent_regularizer, bias_regularizer : what large Wx, Wh and b cost
    activity_regularizer : what large outputs cost (Keras takes it, and never uses it)
    kernel_constraint, recurrent_constraint, bias_constraint : what Wx, Wh and b must be after every update
    dropout : share of the E inputs that training sets to 0, the same ones at every step, 0..1
    recurrent_dropout : likewise of the H carried states
    return_sequences : give every state (B,T,H) instead of the last (B,H)
    return_state : a call of the layer gives its last state too; a model has no use for it
    go_backwards : read the sequence from its end; sequences come out in the order of processing
    stateful : start each batch from the last batch's states, row by row; needs a fixed batch size
    unroll : accepted; the loop is compiled either way and gives the same numbers
    seed : of the dropout masks
    zero_output_for_mask : with masks, output 0 at masked steps instead of the last output

    Raises
    ------
    ValueError
        For arguments out of range.

    Examples
    --------
    >>> x = np.ones((2, 3, 4))
    >>> SimpleRNN(6)(x).shape
    (2, 6)
    >>> SimpleRNN(6, return_sequences=True)(x).shape
    (2, 3, 6)
    >>> cell = SimpleRNN(1, kernel_initializer="ones", recurrent_initializer="ones")
    >>> round(float(cell(np.array([[[0.5], [0.0]]]))[0, 0]), 4), round(float(np.tanh(np.tanh(0.5))), 4)
    (0.4318, 0.4318)
    """

    weight_names: ClassVar[tuple[str, ...]] = ("kernel", "recurrent_kernel", "bias")
    looked_up: ClassVar[tuple[str, ...]] = ("kernel",)

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        *,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = positive_integer("SimpleRNN", "units", units)
        self.activation = activations.name_of(activation, "SimpleRNN")
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout = rate("SimpleRNN", "dropout", dropout)
        self.recurrent_dropout = rate("SimpleRNN", "recurrent_dropout", recurrent_dropout)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.seed = seed
        self.zero_output_for_mask = zero_output_for_mask
        self.state: np.ndarray | None = None
        self._hs = np.zeros((1, 0, self.units), self.dtype)
        self._start: np.ndarray | None = None
        self._code = activations.CODES[self.activation]
        self._rng = generator(seed)

    @property
    def gives_several(self) -> bool:
        """Whether a call gives the state beside the output."""
        return self.return_state

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(B,T,E) -> (B,H), or (B,T,H) with ``return_sequences``."""
        if len(input_shape) != 3:
            raise ValueError(
                f"SimpleRNN: layer '{self.name}' expects input of shape (B,T,E), received {input_shape}. "
                f"Put an Embedding before it, or give one-hot vectors (OneHot)."
            )
        B, T, _ = input_shape
        return (B, T, self.units) if self.return_sequences else (B, self.units)

    def make_weights(self, input_shape: Shape, rng: np.random.Generator) -> None:
        """Kernel (E,H), recurrent kernel (H,H), bias (H,)."""
        B, _, E = input_shape
        if E is None:
            raise ValueError(f"SimpleRNN: the input's last size must be known, received {input_shape}. Give it in Input(shape=...).")
        if self.stateful and B is None:
            raise ValueError("SimpleRNN: stateful=True needs a fixed batch size. Give Input(shape, batch_size=...).")
        assert self.kernel_initializer and self.recurrent_initializer and self.bias_initializer
        H, regularizer, constraint = self.units, self.recurrent_regularizer, self.recurrent_constraint
        self.add_weight("kernel", (E, H), self.kernel_initializer, rng, self.kernel_regularizer, self.kernel_constraint)
        self.add_weight("recurrent_kernel", (H, H), self.recurrent_initializer, rng, regularizer, constraint)
        if self.use_bias:
            self.add_weight("bias", (H,), self.bias_initializer, rng, self.bias_regularizer, self.bias_constraint)

    def twin(self, dtype: Any, backend: str) -> SimpleRNN:
        """Give a layer of the same kind and arguments, with copies of the weights, that carries no states yet."""
        other = cast("SimpleRNN", super().twin(dtype, backend))
        other.state = None
        return other

    def check_input(self, shape: tuple[int, ...]) -> None:
        """Raise ValueError unless the batch is (B,T,E) with this layer's E and at least one step."""
        assert self.input_shape is not None
        if len(shape) != 3 or shape[2] != self.input_shape[2] or shape[1] == 0:
            raise ValueError(
                f"SimpleRNN: layer '{self.name}' expects input of shape (B,T,{self.input_shape[2]}) with T >= 1, received {shape}."
            )

    def compute_mask(self, x: Any, mask: np.ndarray | None) -> np.ndarray | None:
        """The mask goes on with a sequence, and ends with it."""
        return mask if self.return_sequences else None

    def __call__(self, x: Any, mask: Any = None, training: bool = False, initial_state: Any = None) -> Any:
        """Build the layer at its first call, and give its output for a batch.

        Parameters
        ----------
        x, mask, training : as for every layer
        initial_state : the state (B,H) to start from, or a list of it, as Keras has it; None for zeros, or what a stateful layer carries

        Returns
        -------
        array (B,H) or (B,T,H), or with ``return_state`` a tuple of it and the last state (B,H)

        Raises
        ------
        ValueError
            When the state is not (B,H).
        """
        self._start = self._checked_state(initial_state, np.shape(x)[:1])
        try:
            output = super().__call__(x, mask, training)
        finally:
            self._start = None
        return (output, self._hs[-1].copy()) if self.return_state else output

    def _checked_state(self, given: Any, batch: tuple[int, ...]) -> np.ndarray | None:
        if given is None:
            return None
        states = given if isinstance(given, list | tuple) else [given]
        shapes = [np.shape(state) for state in states]
        if shapes != [(*batch, self.units)]:
            raise ValueError(
                f"SimpleRNN: initial_state of layer '{self.name}' must be one array of shape (B,H) = {(*batch, self.units)}, received "
                f"{'shape ' + str(shapes[0]) if len(shapes) == 1 else f'{len(shapes)} arrays'}. Repeat one state with np.broadcast_to."
            )
        return np.asarray(states[0], self.dtype)

    def forward(self, x: np.ndarray, mask: np.ndarray | None = None, training: bool = False) -> np.ndarray:
        """x (B,T,E), mask (B,T) -> (B,H) or (B,T,H)."""
        B, T, E = x.shape
        self._input_keep = self.draw_keep(B, E, self.dropout) if training else None
        if self._input_keep is not None:
            x = x * self._input_keep[:, None]
        self._x = np.ascontiguousarray(x, self.dtype).reshape(B * T, E)
        table = self.scratch("table", (B * T, self.units))
        np.matmul(self._x, self.values["kernel"], out=table)
        if self.use_bias:
            table += self.values["bias"]
        rows = np.arange(B)
        return self.recur(table, np.arange(B * T, dtype=np.int32).reshape(B, T), rows, mask, training)

    def backward(self, dy: np.ndarray, dstate: np.ndarray | None = None) -> np.ndarray:
        """dy, as the output, and dstate (B,H) on the last state, as ``return_state`` gives it -> dx (B,T,E).

        The gradient on the initial state is ``dinitial_state`` (B,H) afterwards.
        """
        T, B, H = self._hs.shape
        dtable = self.scratch("dtable", (B * (T - 1), H))
        self.recur_back(dy, dtable, dstate=dstate)
        self.note_rows("kernel", None)
        self.gradients["kernel"] += self._x.T @ dtable
        if self.use_bias:
            self.gradients["bias"] += dtable.sum(axis=0)
        dx = (dtable @ self.values["kernel"].T).reshape(B, T - 1, -1)
        if self._input_keep is not None:
            dx *= self._input_keep[:, None]
        return dx

    def recur(self, table: np.ndarray, ids: np.ndarray, rows: np.ndarray, mask: np.ndarray | None, training: bool) -> np.ndarray:
        """Run through time over projected inputs: what ``forward`` and the token layer share."""
        B, T, H = len(rows), ids.shape[1], self.units
        hs = self._hs = self.scratch("hs", (T + 1, B, H))
        carried = self._carried(B) if self.stateful else 0
        hs[0] = carried if self._start is None else self._start
        keep = self.draw_keep(B, H, self.recurrent_dropout) if training and self.recurrent_dropout else None
        self._way = (ids, rows, self.go_backwards, mask, keep)
        BACKENDS[self.backend].forward(table, *self._way, self.values["recurrent_kernel"], hs, self._code)
        self._visible = None if mask is None else self._visible_steps(mask)
        if self.stateful:
            self.state = hs[T].copy()
        outputs = hs[1:].transpose(1, 0, 2) if self.return_sequences else hs[T]
        if self._visible is not None:
            outputs = outputs * (self._visible[:, :, None] if self.return_sequences else self._visible[:, -1:])
        return outputs

    def recur_back(self, dy: np.ndarray, dtable: np.ndarray, each_lookup: bool = False, dstate: np.ndarray | None = None) -> None:
        """Run back through time: the gradient on the output becomes the one on the table, and the recurrent kernel's.

        With ``each_lookup``, dtable is (B*T,H), a row for each example's every step, in place of the sums (R,H) over those that read the
        same row of the table.
        """
        T, (B, H) = len(self._hs) - 1, self._hs.shape[1:]
        if self._visible is not None:
            dy = dy * (self._visible[:, :, None] if self.return_sequences else self._visible[:, -1:])
        dh = self.scratch("dh", (B, H))
        dhs = None
        if self.return_sequences:
            dh.fill(0)
            dhs = np.ascontiguousarray(dy, self.dtype)
        else:
            dh[...] = dy
        if dstate is not None:
            dh += dstate
        dtable.fill(0)
        ids, rows, *way = self._way
        if each_lookup:
            ids, rows = np.arange(B * T, dtype=np.int32).reshape(B, T), np.arange(B)
        values, gradients = self.values["recurrent_kernel"], self.gradients["recurrent_kernel"]
        BACKENDS[self.backend].backward(dhs, dh, ids, rows, *way, values, self._hs, dtable, gradients, self._code)
        self.dinitial_state = dh

    def last_passage(self) -> Passage:
        """Give the states of the last forward pass, with its mask and its dropout. They belong to the layer: the next forward overwrites
        them. Before the first one there are none, and B is 0.
        """
        if not self._hs.shape[1]:
            return Passage(self._hs)
        _, _, backwards, mask, keep = self._way
        return Passage(self._hs, None if mask is None else (mask[:, ::-1] if backwards else mask).T, keep)

    def draw_keep(self, B: int, width: int, share: float) -> np.ndarray | None:
        """A dropout mask (B,width): 0 with probability ``share``, else 1/(1-share); None when nothing is dropped."""
        if share == 0:
            return None
        kept = self._rng.random((B, width)) >= share
        return (kept / (1 - share) if share < 1 else np.zeros((B, width))).astype(self.dtype)

    def reset_state(self) -> None:
        """Forget the state that a stateful layer carries from batch to batch."""
        self.state = None

    reset_states = reset_state

    def _carried(self, B: int) -> Any:
        assert self.input_shape is not None
        if self.input_shape[0] != B:
            raise ValueError(
                f"SimpleRNN: stateful layer '{self.name}' was built for batches of {self.input_shape[0]}, received {B} rows. "
                f"Use a data set and a batch_size that {self.input_shape[0]} divides."
            )
        return 0 if self.state is None else self.state

    def _visible_steps(self, mask: np.ndarray) -> np.ndarray | None:
        """Where (B,T), in the order of processing, the output is the state, not 0; None where that is everywhere."""
        steps = mask[:, ::-1] if self.go_backwards else mask
        if self.zero_output_for_mask:
            return steps
        # before the first unmasked step the output is 0, and so is the state unless one was carried in
        return np.logical_or.accumulate(steps, axis=1) if self._hs[0].any() else None

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments, in Keras's names and order."""
        return {
            **super().get_config(),
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "stateful": self.stateful,
            "unroll": self.unroll,
            "zero_output_for_mask": self.zero_output_for_mask,
            "units": self.units,
            "activation": self.activation,
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": initializers.serialize(self.recurrent_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "recurrent_regularizer": regularizers.serialize(self.recurrent_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "recurrent_constraint": constraints.serialize(self.recurrent_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "seed": self.seed,
        }


def rate(function: str, argument: str, value: Any) -> float:
    """Return a dropout rate as a float; TypeError unless it is a number, ValueError unless it is in 0..1."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating):
        raise TypeError(f"{function}: {argument} must be a number in 0..1, received {value!r}.")
    if not 0 <= value <= 1:
        raise ValueError(f"{function}: {argument} must be in 0..1, received {value!r}. It is the share that is dropped.")
    return float(value)
