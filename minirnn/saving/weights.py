"""Where each number of a model stands in the file of weights.

Comes in: a model. Goes out: its variables by path, and from a file the values for the same places::

    layers/embedding             embeddings
    layers/simple_rnn            nothing of its own
    layers/simple_rnn/cell       kernel, recurrent_kernel, bias
    layers/bidirectional         nothing of its own; then forward_layer, backward_layer, each with a cell
    layers/dense, dense_1, ...   kernel, bias
    optimizer                    iterations, learning_rate (none with a schedule), then the velocities of all trainable weights, the
                                 momentums, the averages
    ""                           nothing; the model's name

A layer's path is its class in snake case, numbered in order; its own name does not enter.

Source: Keras 3.15, ``keras/src/saving/saving_lib.py`` (``_save_state``) and ``keras/src/optimizers/rmsprop.py`` (order of variables).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minirnn.layers.bidirectional import Bidirectional
from minirnn.layers.layer import Layer, snake_case
from minirnn.layers.simple_rnn import SimpleRNN
from minirnn.parameters import Slot
from minirnn.saving.errors import FormatError
from minirnn.saving.hdf5 import HDF5Reader, Variables

if TYPE_CHECKING:
    from minirnn.model import Sequential

Shapes = Sequence[dict[str, tuple[int, ...]]]
"""Per layer, those inside others among them, the shape of each weight, in Keras's order."""


class OptimizerState(NamedTuple):
    """What an optimizer has come to.

    Attributes
    ----------
    iterations : updates made so far
    learning_rate : size of a step; None where a schedule gives it
    vectors (P,) : velocity and the like, aligned with the model's flat vector, by name
    """

    iterations: int
    learning_rate: float | None
    vectors: dict[str, np.ndarray]


def layer_paths(layers: Sequence[Layer]) -> list[str]:
    """Give each layer's path in the file, those inside others among them, in the order of ``Layer.walk``."""
    used: dict[str, int] = {}
    paths = []
    for layer in layers:
        stem = snake_case(type(layer).__name__)
        used[stem] = used.get(stem, -1) + 1
        path = f"layers/{stem}_{used[stem]}" if used[stem] else f"layers/{stem}"
        paths.append(path)
        if isinstance(layer, Bidirectional):
            paths += [f"{path}/forward_layer", f"{path}/backward_layer"]
    return paths


def leaves(layers: Sequence[Layer]) -> list[Layer]:
    """Give all layers, those inside others among them."""
    return [leaf for layer in layers for leaf in layer.walk()]


def largest_size(shapes: Shapes) -> int:
    """Give a number of bytes that no honest file of these weights exceeds: eight float64 numbers for each (the weight itself, and the
    state of whichever optimizer), and what HDF5 keeps beside them.
    """
    return 64 * _total(shapes) + (1 << 20) + (1 << 16) * len(shapes)


def smallest_size(shapes: Shapes) -> int:
    """Give the number of bytes that the weights alone take as float32."""
    return 4 * _total(shapes)


def _total(shapes: Shapes) -> int:
    return sum(math.prod(shape) for of_layer in shapes for shape in of_layer.values())


# ------------------------------------------------------------------------------------------------------------------------------ writing


def collect(model: Sequential) -> dict[str, Variables]:
    """Give all variables of a model, by path."""
    contents: dict[str, Variables] = {}
    for path, layer in zip(layer_paths(model.layers), leaves(model.layers), strict=True):
        own = [layer.values[name] for name in layer.weight_names if name in layer.values]
        if isinstance(layer, SimpleRNN):
            contents[path] = Variables(layer.name, [])
            contents[f"{path}/cell"] = Variables("simple_rnn_cell", own)
        else:
            contents[path] = Variables(layer.name, own)
    if model.compiled:
        contents["optimizer"] = Variables(model.optimizer.name, _optimizer_arrays(model))
    contents[""] = Variables(model.name, [])
    return contents


def _optimizer_arrays(model: Sequential) -> list[np.ndarray]:
    slots = trained_slots(model)  # lays the parameters out, with which the optimizer gets its state
    optimizer = model.optimizer
    states = [vector[slot.slice].reshape(slot.shape) for vector in optimizer.state.values() for slot in slots]
    rate = [] if optimizer.scheduled else [np.array(optimizer.learning_rate, model.dtype)]
    return [np.array(optimizer.iterations, np.int64), *rate, *states]


def trained_slots(model: Sequential) -> list[Slot]:
    """Give the places of the weights that are trained as the layers now stand, which is what a file says of them."""
    if not model.built:
        return []
    slots = model.parameters.slots
    return [slot for slot in slots if model.trainable and slot.layer.trainable]


# ------------------------------------------------------------------------------------------------------------------------------ reading


def read_weights(
    file: HDF5Reader, layers: Sequence[Layer], shapes: Shapes, dtype: np.dtype[np.floating], where: str
) -> list[dict[str, np.ndarray]]:
    """Give the weights of each layer by name, for those inside others too.

    Raises
    ------
    FormatError
        One is missing or of another shape, or there are more than the layers have: the message names layer and weight.
    """
    paths = layer_paths(layers)
    strangers = sorted(set(file.names("layers")) - {path.split("/")[1] for path in paths})
    if strangers:
        raise FormatError(f"{where}: the weights are of another architecture: they hold {strangers[:8]}, the model has {paths}.")
    weights = []
    for path, layer, expected in zip(paths, leaves(layers), shapes, strict=True):
        label = f"layer {layer.name!r} ({type(layer).__name__})"
        path = f"{path}/cell" if isinstance(layer, SimpleRNN) else path
        count = file.count(path)
        if count != len(expected):
            raise FormatError(f"{where}: {label} has {len(expected)} weights {list(expected)}, the file has {count} at {path!r}.")
        arrays = enumerate(expected.items())
        weights.append({name: file.variable(path, place, shape, dtype, f"{label}: {name}") for place, (name, shape) in arrays})
    return weights


def read_optimizer(file: HDF5Reader, model: Sequential, where: str) -> OptimizerState | None:
    """Give the state of a compiled model's optimizer; None, with a warning, when the file has that of a different training.

    Raises
    ------
    FormatError
        A variable is damaged or of another shape, or the numbers make no sense.
    """
    slots, names = trained_slots(model), list(model.optimizer.state)
    fixed = 1 if model.optimizer.scheduled else 2
    count, wanted = file.count("optimizer"), fixed + len(slots) * len(names)
    if count not in (fixed, wanted):
        warnings.warn(
            f"{where}: the optimizer's state is not taken over: the file has {count} variables of it, this model needs {wanted} "
            f"(another optimizer, a learning rate schedule in one of them, or other layers were trainable). "
            "Training would start with a fresh optimizer.",
            UserWarning,
            stacklevel=3,
        )
        return None
    iterations = int(file.variable("optimizer", 0, (), np.dtype(np.int64), "optimizer: iterations"))
    step_size = None if model.optimizer.scheduled else file.variable("optimizer", 1, (), model.dtype, "optimizer: learning_rate")
    if iterations < 0 or not (step_size is None or 0 <= step_size < np.inf):
        raise FormatError(f"{where}: optimizer: iterations and learning_rate must be 0 or more, the file has {iterations} and {step_size}.")
    vectors = {name: np.zeros_like(vector) for name, vector in model.optimizer.state.items()}
    if count > fixed:  # Keras gives an optimizer that has made no step nothing but those
        places = iter(range(fixed, count))
        for name, vector in vectors.items():
            for slot in slots:
                label = f"optimizer: {name} of layer {slot.layer.name!r}: {slot.name}"
                vector[slot.slice] = file.variable("optimizer", next(places), slot.shape, model.dtype, label).ravel()
    # the shortest decimal of a float32 is what the user wrote: 0.001, not 0.0010000000474974513
    return OptimizerState(iterations, None if step_size is None else float(str(step_size[()])), vectors)


def restore_optimizer(model: Sequential, state: OptimizerState) -> None:
    """Put a state into a model's optimizer; nothing here can fail halfway."""
    optimizer = model.optimizer
    optimizer.iterations = state.iterations
    if state.learning_rate is not None:
        optimizer.learning_rate = state.learning_rate
    for name, vector in state.vectors.items():
        optimizer.state[name][...] = vector
