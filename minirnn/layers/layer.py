"""What every layer is: weights under names, a way forward, and the same way back.

Comes in: an array from the layer before, and the mask that travels with it. Goes out: an array for the next one. Backward takes the
gradient on the output and gives the gradient on the input; on its way it adds to ``gradients``, never assigns, so that a weight used
twice is counted twice.

A layer's weights start as arrays of its own. A model that takes the layer in lays all weights out in one flat vector
(``parameters.py``), and the layer then holds views into it, under the same names.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from minirnn import regularizers
from minirnn.constraints import Projection
from minirnn.initializers import Initializer
from minirnn.jit import DEFAULT_BACKEND, for_kernels
from minirnn.randomness import generator
from minirnn.regularizers import Regularizer

Shape = tuple[int | None, ...]
"""The shape of a batch: None where the size is not fixed."""

_names_given: dict[str, int] = {}


def snake_case(class_name: str) -> str:
    """Give Keras's default name of a class: SimpleRNN -> simple_rnn."""
    words = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", class_name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()


def unique_name(stem: str) -> str:
    """Give a name not given before in this process: dense, dense_1, dense_2."""
    count = _names_given.get(stem, 0)
    _names_given[stem] = count + 1
    return stem if count == 0 else f"{stem}_{count}"


def clear_names() -> None:
    """Start numbering default names again; what Keras's ``clear_session`` does to them."""
    _names_given.clear()


def positive_integer(function: str, argument: str, value: Any) -> int:
    """Return `value` if it is a Python integer above zero, as Keras demands, else raise ValueError."""
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise ValueError(
            f"{function}: {argument} must be a positive integer, received {value!r} of type {type(value).__name__}. "
            f"A NumPy integer is not one: convert it with int()."
        )
    return value


class Kernels(NamedTuple):
    """A layer's way forward and its way back on arrays, for one backend."""

    forward: Callable[..., None]
    backward: Callable[..., None]


class Layer:
    """A step of a model.

    Parameters
    ----------
    name : str, optional
        Default: the class name in snake case, numbered.
    trainable : bool
        False: the optimizer leaves the weights alone.
    dtype : str, optional
        ``"float32"`` or ``"float64"``; a model sets its own on its layers.
    input_shape : tuple of int, optional
        Shape of one example. Keras's older way to say what ``Input(shape)`` says.
    activity_regularizer : str, Regularizer, optional
        What large outputs cost: its price of the output, divided by the rows of the batch, joins the loss.

    Attributes
    ----------
    regularizers, constraints : by the name of the weight they are for
    touched : by the name of a weight, the rows (U,) of its gradient that need not be 0; None, or no entry, for any

    Examples
    --------
    >>> class Halve(Layer):
    ...     def forward(self, x, mask=None, training=False):
    ...         return x / 2
    ...     def backward(self, dy):
    ...         return dy / 2
    >>> Halve()(np.array([[1.0, 3.0]])).tolist()
    [[0.5, 1.5]]
    """

    supports_masking: ClassVar[bool] = True
    weight_names: ClassVar[tuple[str, ...]] = ()
    """In Keras's order."""
    looked_up: ClassVar[tuple[str, ...]] = ()
    """Weights of which backward says, by ``note_rows``, what it adds to. It does not pass on to a subclass, which may add elsewhere."""

    def __init__(
        self,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
        input_shape: Any = None,
        activity_regularizer: Any = None,
        **unknown: Any,
    ) -> None:
        kind = type(self).__name__
        if unknown:
            raise ValueError(f"{kind}: unrecognized arguments {sorted(unknown)}. minirnn ignores none silently; leave them out.")
        if not isinstance(trainable, bool):
            raise ValueError(f"{kind}: trainable must be True or False, received {trainable!r}.")
        if name is not None and not isinstance(name, str):
            raise ValueError(f"{kind}: name must be a string, received {name!r}.")
        self.name = name or unique_name(snake_case(kind))
        self.parts: Sequence[Layer] = ()
        """Layers inside this one, each reading what it reads."""
        self.trainable = trainable
        self.dtype = float_dtype(kind, dtype)
        self.backend = DEFAULT_BACKEND
        self.example_shape = None if input_shape is None else tuple(input_shape)
        self.built = False
        self.input_shape: Shape | None = None
        self.output_shape: Shape | None = None
        self.values: dict[str, np.ndarray] = {}
        self.gradients: dict[str, np.ndarray] = {}
        self.touched: dict[str, np.ndarray | None] = {}
        self.regularizers: dict[str, Regularizer] = {}
        self.constraints: dict[str, Projection] = {}
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.activity_penalty: Any = None
        self._scratch: dict[tuple[str, tuple[int, ...]], np.ndarray] = {}

    @property
    def trainable(self) -> bool:
        """False: the optimizer leaves the weights alone, those of the layers inside too."""
        return self._trainable

    @trainable.setter
    def trainable(self, wanted: bool) -> None:
        self._trainable = wanted
        for part in self.parts:
            part.trainable = wanted

    def walk(self) -> Iterator[Layer]:
        """Give this layer and all that are inside, in the order of their weights."""
        yield self
        for part in self.parts:
            yield from part.walk()

    @property
    def gives_several(self) -> bool:
        """Whether a call gives more than one array; a model passes on one."""
        return False

    def build(self, input_shape: Shape, rng: np.random.Generator | None = None) -> None:
        """Make the weights for inputs of that shape.

        Parameters
        ----------
        input_shape : of a batch, None where the size is not fixed
        rng : where initializers without a seed draw from; None for a stream of their own.
        """
        self.input_shape = tuple(input_shape)
        self.output_shape = self.compute_output_shape(self.input_shape)
        rng = generator() if rng is None else rng
        self._require_fit(self.activity_regularizer, "output", self.output_shape)
        self.make_weights(self.input_shape, rng)
        for part in self.parts:
            part.dtype, part.backend = self.dtype, self.backend
            part.build(input_shape, rng)
        self.built = True

    def make_weights(self, input_shape: Shape, rng: np.random.Generator) -> None:
        """Add the weights; most layers have none."""

    def twin(self, dtype: Any, backend: str) -> Layer:
        """Give a layer of the same kind and arguments, with copies of the weights, that computes in another dtype, on another backend."""
        other = copy.copy(self)
        other.dtype, other.backend = float_dtype(type(self).__name__, dtype), backend
        other.values = {name: value.astype(other.dtype) for name, value in self.values.items()}
        other.gradients = {name: np.zeros_like(value) for name, value in other.values.items()}
        other.touched, other._scratch, other.activity_penalty = {}, {}, None
        return other

    def add_weight(
        self,
        name: str,
        shape: tuple[int, ...],
        initializer: Initializer,
        rng: np.random.Generator,
        regularizer: Regularizer | None = None,
        constraint: Projection | None = None,
    ) -> None:
        """Make one weight and the gradient that belongs to it; say what it costs, and what it must be after every update."""
        self._require_fit(regularizer, name, shape)
        self._require_fit(constraint, name, shape)
        self.values[name] = np.ascontiguousarray(initializer(shape, self.dtype, rng))
        self.gradients[name] = np.zeros(shape, self.dtype)
        if regularizer is not None:
            self.regularizers[name] = regularizer
        if constraint is not None:
            self.constraints[name] = constraint

    def _require_fit(self, wanted: Regularizer | Projection | None, what: str, shape: Shape) -> None:
        """Raise ValueError if it cannot take an array of so many axes: now, not in the middle of a training."""
        if wanted is not None:
            try:
                wanted(np.ones((1,) * len(shape), self.dtype))
            except ValueError as error:
                kind = type(self).__name__
                raise ValueError(f"{kind}: layer '{self.name}': {wanted!r} does not fit the {what} of shape {shape}: {error}") from error

    def scratch(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Give a workspace that lasts from call to call; its contents are whatever the last call left."""
        array = self._scratch.get((name, shape))
        if array is None or array.dtype != self.dtype:
            array = self._scratch[name, shape] = np.zeros(shape, self.dtype)
        return array

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Give the output's shape for a batch of that shape."""
        return input_shape

    def compute_mask(self, x: Any, mask: np.ndarray | None) -> np.ndarray | None:
        """Give the mask (B,T) that travels on with the output, or None."""
        return mask

    def forward(self, x: Any, mask: np.ndarray | None = None, training: bool = False) -> np.ndarray:
        """Give the output, and keep what backward needs. The array belongs to the layer: the next forward overwrites it."""
        raise NotImplementedError(f"{type(self).__name__} must implement forward(x, mask, training).")

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        """Add to the gradients, and give the gradient on the input; None where the input is ids, which have none."""
        raise NotImplementedError(f"{type(self).__name__} must implement backward(dy).")

    @property
    def losses(self) -> list[float]:
        """What the last output cost, where there is an ``activity_regularizer``, and then what the weights cost."""
        return [float(penalty) for penalty in (*self.activity_penalties(), *self.weight_penalties())]

    def activity_penalties(self) -> list[Any]:
        """Give what the last outputs cost, this layer's and those of the layers inside."""
        return [leaf.activity_penalty for leaf in self.walk() if leaf.activity_penalty is not None]

    def weight_penalties(self) -> list[Any]:
        """Give what each weight costs; one that is not trained costs nothing."""
        leaves = [leaf for leaf in self.walk() if leaf.trainable]
        return [regularizer.value(leaf.values[name]) for leaf in leaves for name, regularizer in leaf.regularizers.items()]

    def add_penalty_gradients(self) -> None:
        """Add the gradients of what the weights cost."""
        for leaf in self.walk():
            if leaf.trainable:
                for name, regularizer in leaf.regularizers.items():
                    leaf.note_rows(name, None)
                    leaf.gradients[name] += regularizer.gradient(leaf.values[name])

    def note_rows(self, name: str, rows: np.ndarray | None) -> None:
        """Note, before it happens, that these rows (U,) of a weight's gradient are added to; None for any."""
        known = self.touched.get(name)
        if rows is None or known is None:
            self.touched[name] = None
        elif not known.size:
            self.touched[name] = rows.copy()
        elif not np.array_equal(known, rows):
            self.touched[name] = np.union1d(known, rows)

    def note_activity(self, *outputs: np.ndarray) -> None:
        """Note what these outputs cost."""
        if self.activity_regularizer is not None:
            self.activity_penalty = sum(self.activity_regularizer.value(y) / y.dtype.type(max(len(y), 1)) for y in outputs)

    def __call__(self, x: Any, mask: Any = None, training: bool = False) -> np.ndarray:
        """Build the layer at its first call, and give its output for a batch, as an array of the caller's own."""
        x = np.asarray(x)
        if x.dtype.kind == "f":
            x = for_kernels(x, self.dtype)
        if not self.built:
            self.build((None, *x.shape[1:]))
        self.check_input(x.shape)
        y = np.array(self.forward(x, None if mask is None else for_kernels(mask, np.dtype(bool)), training))
        self.note_activity(y)
        return y

    def check_input(self, shape: tuple[int, ...]) -> None:
        """Raise ValueError unless a batch of that shape fits the weights."""

    @property
    def weights(self) -> list[np.ndarray]:
        """The weights themselves, in Keras's order."""
        return [layer.values[name] for layer in self.walk() for name in layer.weight_names if name in layer.values]

    def get_weights(self) -> list[np.ndarray]:
        """Copies of the weights, in Keras's order."""
        return [value.copy() for value in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Take these values for the weights, in Keras's order.

        Raises
        ------
        ValueError
            When their number or one of their shapes differs.
        """
        own, given = self.weights, [np.asarray(weight) for weight in weights]
        if len(given) != len(own):
            raise ValueError(
                f"set_weights: layer '{self.name}' takes {len(own)} weights, received {len(given)}. "
                f"Expected shapes: {[value.shape for value in own]}."
            )
        for value, weight in zip(own, given, strict=True):
            if value.shape != weight.shape:
                raise ValueError(
                    f"set_weights: layer '{self.name}' expects a weight of shape {value.shape}, received shape {weight.shape}. "
                    f"Pass the weights in the order of get_weights()."
                )
        for value, weight in zip(own, given, strict=True):
            value[...] = weight

    def count_params(self) -> int:
        """Give the number of weights.

        Raises
        ------
        ValueError
            When the layer is not built yet.
        """
        if not self.built:
            raise ValueError(f"count_params: layer '{self.name}' has no weights yet. Build it, or call it on data, first.")
        return sum(value.size for value in self.weights)

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments, in Keras's names and order."""
        config: dict[str, Any] = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype.name}
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Layer:
        """Make a layer from what ``get_config`` gave."""
        return cls(**config)


def float_dtype(function: str, dtype: Any) -> np.dtype[Any]:
    """Give the dtype of weights: float32 (also for None) or float64.

    Raises
    ------
    ValueError
        For any other.
    """
    try:
        chosen = np.dtype("float32" if dtype is None else dtype)
    except TypeError:
        chosen = np.dtype(object)
    if chosen not in (np.float32, np.float64):
        raise ValueError(f"{function}: dtype must be 'float32' or 'float64', received {dtype!r}.")
    return chosen


def not_supported(function: str, **arguments: Any) -> None:
    """Raise ValueError when an argument that Keras has and minirnn lacks is used."""
    for argument, value in arguments.items():
        if value is not None:
            raise ValueError(f"{function}: {argument} is not supported by minirnn, received {value!r}. Leave it out.")
