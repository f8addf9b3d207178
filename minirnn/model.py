"""A model: an ordered list of layers, each feeding the next.

Comes in: layers, then data. Goes out: outputs, and through ``trainer.py`` trained weights. Forward runs through the list; backward is
the same list read from its end.

Where an Embedding, or one-hot input, meets a SimpleRNN, the two are computed as one step (``layers/token_rnn.py``); the list of layers
that the user sees does not change.

Source: Keras 3.15, ``keras/src/models/sequential.py`` and ``keras/src/trainers/trainer.py``: names, defaults and order of arguments.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minirnn import express
from minirnn.batches import TokenRows, read_rows
from minirnn.inputs import check_x
from minirnn.jit import DEFAULT_BACKEND, HAVE_NUMBA
from minirnn.layers.embedding import Embedding
from minirnn.layers.input_layer import InputLayer
from minirnn.layers.layer import Layer, Shape, float_dtype, unique_name
from minirnn.layers.penalized import bare, priced
from minirnn.layers.simple_rnn import SimpleRNN
from minirnn.layers.token_rnn import TokenBidirectional, TokenRNN, token_step
from minirnn.parameters import Parameters
from minirnn.randomness import generator
from minirnn.summary import summary_table
from minirnn.trainer import Trainer


class Sequential(Trainer):
    """Layers in a row.

    Parameters
    ----------
    layers : list of layers, the first of which may be an ``Input``
    trainable : False: no layer is trained
    name : default: sequential, numbered
    dtype : of weights and arithmetic, ``"float32"`` or ``"float64"``; minirnn's own
    backend : ``"numba"`` (compiled; the default where numba is installed) or ``"numpy"`` (the readable reference); minirnn's own
    seed : of first weights and shuffling; None for streams from the global generator, which ``utils.set_random_seed`` seeds; minirnn's own

    Examples
    --------
    >>> import minirnn
    >>> from minirnn import layers
    >>> model = minirnn.Sequential([layers.Input((100,)), layers.Embedding(200, 16), layers.SimpleRNN(8), layers.Dense(1, "sigmoid")])
    >>> model.count_params()
    3409
    """

    def __init__(
        self,
        layers: Iterable[Layer | InputLayer] | None = None,
        trainable: bool = True,
        name: str | None = None,
        *,
        dtype: str = "float32",
        backend: str | None = None,
        seed: int | None = None,
    ) -> None:
        if backend not in (None, "numba", "numpy"):
            raise ValueError(f"Sequential: backend must be 'numba' or 'numpy', received {backend!r}.")
        if backend == "numba" and not HAVE_NUMBA:
            raise ValueError("Sequential: backend='numba' needs numba, which cannot be imported. Install it, or use backend='numpy'.")
        super().__init__()
        self.name = name or unique_name("sequential")
        self.dtype = float_dtype("Sequential", dtype)
        self.backend = backend or DEFAULT_BACKEND
        self.trainable = trainable
        self.layers: list[Layer] = []
        self.input_layer: InputLayer | None = None
        self.output_mask: np.ndarray | None = None
        self._parameters: Parameters | None = None
        self._changed = False
        self._plans: dict[bool, list[Any]] = {}
        self._express: express.Express | None = None
        self._init_rng, self.shuffle_rng = generator(seed).spawn(2)
        for layer in layers or ():
            self.add(layer)

    # ------------------------------------------------------------------------------------------------------------------- structure

    def add(self, layer: Layer | InputLayer) -> None:
        """Put a layer at the end.

        Raises
        ------
        ValueError
            For a second Input, an Input after other layers, or a name that is taken.
        TypeError
            For something that is not a layer.
        """
        if isinstance(layer, InputLayer):
            if self.input_layer is not None or self.layers:
                raise ValueError(f"Sequential.add: model '{self.name}' has its input already; Input must come first, and once.")
            self.input_layer = layer
            return
        if not isinstance(layer, Layer):
            raise TypeError(f"Sequential.add: expected a layer of minirnn.layers, received {layer!r}.")
        if layer.name in [other.name for other in self.layers]:
            raise ValueError(f"Sequential.add: a layer named '{layer.name}' is in the model already. Names must differ.")
        if not self.layers and self.input_layer is None and layer.example_shape is not None:
            self.input_layer = InputLayer(layer.example_shape)
        self.layers.append(layer)
        if self.input_layer is not None:
            try:
                self.build(self.input_layer.batch_shape)
            except ValueError:
                self.layers.pop()
                raise
        self._changed = True
        self.forget_plans()

    def pop(self) -> Layer:
        """Take the last layer away, and give it.

        Raises
        ------
        ValueError
            When there is none.
        """
        if not self.layers:
            raise ValueError(f"Sequential.pop: model '{self.name}' has no layers.")
        self._changed = True
        self.forget_plans()
        return self.layers.pop()

    def build(self, input_shape: Any) -> None:
        """Make the weights of the layers that have none yet.

        Parameters
        ----------
        input_shape : of a batch, (None, T) for ids, (None, T, V) for vectors

        Raises
        ------
        ValueError
            When there are no layers, or one does not fit the shape it is given.
        """
        if not self.layers:
            raise ValueError(f"Sequential.build: model '{self.name}' has no layers. Add some first.")
        shape: Shape = tuple(input_shape)
        for layer in self.layers:
            if layer.gives_several:
                raise ValueError(
                    f"Sequential: layer '{layer.name}' gives more than one array (return_state, or merge_mode=None), and a model passes on "
                    f"one. Call the layer by itself, or change that argument."
                )
            if layer.built and layer.weights:
                for leaf in layer.walk():
                    leaf.input_shape, leaf.output_shape = shape, leaf.compute_output_shape(shape)
                layer.check_input(tuple(1 if size is None else size for size in shape))
            else:
                layer.dtype, layer.backend = self.dtype, self.backend
                layer.build(shape, self._init_rng)
            for leaf in layer.walk():
                leaf.dtype, leaf.backend = self.dtype, self.backend
            assert layer.output_shape is not None
            shape = layer.output_shape
        self.forget_plans()
        self.metrics = self.resolve_metrics(self.metric_identifiers)

    @property
    def built(self) -> bool:
        """Whether every layer has its weights."""
        return bool(self.layers) and all(layer.built for layer in self.layers)

    @property
    def input_shape(self) -> Shape:
        """Of a batch; AttributeError before the model is built."""
        return self._built_shape("input_shape", self.layers[0].input_shape if self.layers else None)

    @property
    def output_shape(self) -> Shape:
        """Of a batch; AttributeError before the model is built."""
        return self._built_shape("output_shape", self.layers[-1].output_shape if self.layers else None)

    def _built_shape(self, name: str, shape: Shape | None) -> Shape:
        if shape is None:
            raise AttributeError(f"Sequential.{name}: model '{self.name}' is not built yet. Give it an Input, or call build.")
        return shape

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Give a layer by its name or its place.

        Raises
        ------
        ValueError
            When there is no such layer, or not exactly one of the two is given.
        """
        if (name is None) == (index is None):
            raise ValueError("get_layer: give either name or index.")
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise ValueError(f"get_layer: index {index} is out of range; the model has {len(self.layers)} layers.")
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(f"get_layer: no layer is named {name!r}. There are: {[layer.name for layer in self.layers]}.")

    def summary(self, print_fn: Any = None) -> None:
        """Print a table of layers, output shapes and numbers of weights; ``print_fn`` takes the whole text instead."""
        (print_fn or print)(summary_table(self))

    # --------------------------------------------------------------------------------------------------------------------- weights

    @property
    def parameters(self) -> Parameters:
        """All weights in one vector; laid out at the first call after the layers have changed."""
        if self._changed or self._parameters is None:
            if not self.built:
                raise ValueError(f"Sequential: model '{self.name}' has no weights yet. Give it an Input, build it, or call it on data.")
            if not self.trainable:
                for layer in self.layers:
                    layer.trainable = False
            parameters = Parameters(self.layers, self.dtype)
            if self.optimizer is not None:
                self.optimizer.build(parameters, replacing=self._parameters)
            self._parameters, self._changed = parameters, False
        return self._parameters

    def notice_frozen_layers(self) -> None:
        """Lay the weights out again if layers have been frozen or thawed since."""
        if self._parameters is not None:
            now = [slot.layer.trainable and self.trainable for slot in self._parameters.slots]
            self._changed |= now != [slot.trainable for slot in self._parameters.slots]

    @property
    def weights(self) -> list[np.ndarray]:
        """The weights themselves, in Keras's order."""
        return [weight for layer in self.layers for weight in layer.weights]

    def get_weights(self) -> list[np.ndarray]:
        """Copies of the weights, in Keras's order: layer by layer, kernel, recurrent kernel, bias."""
        return [weight.copy() for weight in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Take these values for the weights, in Keras's order.

        Raises
        ------
        ValueError
            When their number or one of their shapes differs; nothing is changed then.
        """
        given = [np.asarray(weight) for weight in weights]
        own = self.weights
        if [value.shape for value in own] != [value.shape for value in given]:
            raise ValueError(
                f"set_weights: expected weights of shapes {[value.shape for value in own]}, received {[value.shape for value in given]}."
            )
        for value, weight in zip(own, given, strict=True):
            value[...] = weight

    def count_params(self) -> int:
        """Give the number of weights; ValueError before the model is built."""
        return sum(layer.count_params() for layer in self.layers)

    # ---------------------------------------------------------------------------------------------------------- forward and backward

    def plan(self, one_hot: bool) -> list[Any]:
        """Give the steps that the layers are computed in: token layers and the SimpleRNN behind them are one step."""
        if one_hot not in self._plans:
            steps: list[Any] = []
            for place, layer in enumerate(self.layers):
                before = self.layers[place - 1] if place else None
                together = None
                if isinstance(before, Embedding) and before.activity_regularizer is None:
                    together = token_step(before, layer)
                elif before is None and one_hot:
                    together = token_step(None, layer)
                if together is not None and before is not None:
                    steps.pop()
                steps.append(priced(together or layer, layer))
            self._plans[one_hot] = steps
        return self._plans[one_hot]

    def express_way(self, x: Any, purpose: str) -> express.Express | None:
        """Give the express way for these checked inputs, if there is one: the same numbers, many batches in one call."""
        parts = express.parts(self, getattr(x, "num_classes", None) is not None, purpose)
        if parts is None:
            return None
        if self._express is None:
            self._express = express.Express(self, *parts)
        return self._express

    @property
    def express_taken(self) -> express.Express | None:
        """The express way, if it has been asked for since layers or optimizer last changed."""
        return self._express

    def forget_plans(self) -> None:
        """Plan again at the next forward pass: layers or optimizer have changed."""
        self._plans, self._express = {}, None

    def forward(self, x: Any, training: bool = False) -> np.ndarray:
        """Give the outputs of a batch. The array belongs to the last layer: the next forward overwrites it."""
        tokens = isinstance(x, TokenRows)
        self._steps = self.plan(tokens and x.num_classes is not None)
        if tokens and not isinstance(bare(self._steps[0]), TokenRNN | TokenBidirectional | Embedding):
            x = x.array(self.dtype)
        mask = None
        for step in self._steps:
            x, mask = step.forward(x, mask, training), step.compute_mask(x, mask)
        self.output_mask = mask
        return x  # type: ignore[no-any-return]

    def backward(self, gradient: np.ndarray, from_logits: bool = False) -> None:
        """Add up all gradients, from the gradient on the outputs, or on the last layer's logits, and those of the penalties."""
        if self.parameters.penalized:
            for layer in self.layers:
                layer.add_penalty_gradients()
        *others, last = self._steps
        if from_logits:
            passed = last.backward_from_logits(gradient.reshape(last.logits.shape))
        else:
            passed = last.backward(gradient.reshape(self._output_like(gradient)))
        for step in reversed(others):
            passed = step.backward(passed)

    def _output_like(self, gradient: np.ndarray) -> tuple[int, ...]:
        shape = self.output_shape
        return (len(gradient), *(-1 if size is None else size for size in shape[1:]))

    def __call__(self, x: Any, training: bool = False) -> np.ndarray:
        """Give the outputs for a batch, as an array of the caller's own."""
        x = self.check("Sequential", x)
        self.prepare("Sequential", x)
        return np.array(self.forward(read_rows(x, np.arange(len(x))), training))

    def check(self, function: str, x: Any) -> Any:
        """Give inputs in the form that the layers read, or say what is wrong with them; nothing is changed."""
        if not self.layers:
            raise ValueError(f"{function}: model '{self.name}' has no layers. Add some first.")
        x = check_x(function, x, self.layers[0], self.dtype)
        self.check_shape(function, x.shape)
        return x

    def check_shape(self, function: str, shape: tuple[int, ...]) -> None:
        """Raise ValueError unless a batch of that shape fits every layer; a model that is not built yet takes any."""
        if not self.built:
            return
        if len(shape) != len(self.input_shape):
            raise ValueError(f"{function}: x must have shape {self.input_shape}, received {shape}.")
        reached: Any = shape
        for layer in self.layers:
            try:
                layer.check_input(reached)
            except ValueError as error:
                raise ValueError(f"{function}: x of shape {shape} does not fit a model built for {self.input_shape}. {error}") from error
            reached = layer.compute_output_shape(reached)

    def prepare(self, function: str, x: Any) -> None:
        """Build the model by checked inputs if it is not built yet, and hold its weights in one vector."""
        if not self.built:
            self.build((None, *x.shape[1:]))
            self.check_shape(function, x.shape)
        self.parameters.hold()

    def example_output_shape(self, x: Any) -> tuple[int, ...]:
        """Give the shape of one example's output for these inputs."""
        shape: Shape = (None, *x.shape[1:])
        for layer in self.layers:
            shape = layer.compute_output_shape(shape)
        return tuple(1 if size is None else size for size in shape[1:])

    def reset_states(self) -> None:
        """Forget the states that stateful layers carry from batch to batch."""
        for layer in self.layers:
            for leaf in layer.walk():
                if isinstance(leaf, SimpleRNN):
                    leaf.reset_state()

    # ----------------------------------------------------------------------------------------------------------------------- files

    def save(self, filepath: Any, overwrite: bool = True) -> None:
        """Write architecture, weights, compile settings and optimizer state to a ``.keras`` file."""
        from minirnn import saving

        saving.save_model(self, filepath, overwrite=overwrite)

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Write the weights to a ``.weights.h5`` file."""
        from minirnn import saving

        saving.save_weights(self, filepath, overwrite=overwrite)

    def load_weights(self, filepath: Any) -> None:
        """Read the weights from a ``.weights.h5`` or ``.keras`` file."""
        from minirnn import saving

        saving.load_weights(self, filepath)
