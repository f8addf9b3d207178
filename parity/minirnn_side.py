"""minirnn's answers: forward, every gradient, and trainings, in any dtype and on either backend.

Comes in: what to build, weights, inputs, and the gradient on the output. Goes out: tensors by name. ``dtype="float64"`` with
``backend="numpy"`` is the truth that everyone is measured against.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minirnn import callbacks, layers, losses, optimizers, training
from minirnn.batches import read_rows
from minirnn.model import Sequential
from parity.case import Tensors

TRUTH: dict[str, Any] = {"dtype": "float64", "backend": "numpy"}
"""The arguments that make an answer the truth."""

LayerSpec = tuple[str, dict[str, Any]]
"""Class name and constructor's arguments, alike in both packages."""


def _given_masks(masks: Sequence[np.ndarray | None], dtype: str) -> Callable[..., np.ndarray | None]:
    """Hand out dropout masks that were drawn elsewhere, in turn, to every layer that asks for one with a share above 0."""
    turn = itertools.cycle([mask.astype(dtype) for mask in masks if mask is not None])
    return lambda *sizes_and_share: None if sizes_and_share[-1] == 0 else next(turn)


def layer_tensors(
    spec: LayerSpec,
    weights: Sequence[np.ndarray],
    xs: Sequence[np.ndarray],
    dys: Sequence[np.ndarray],
    mask: np.ndarray | None = None,
    keep: Sequence[np.ndarray | None] = (),
    dtype: str = "float32",
    backend: str | None = None,
) -> Tensors:
    """Give output, dx and the gradient of every weight for the last of some batches.

    Parameters
    ----------
    spec : the layer
    weights : in Keras's order
    xs, dys : the batches, and the gradients on their outputs
    mask (B,T) bool : None for none
    keep : dropout masks to use in training, input's first; none: inference
    dtype, backend : of the layer
    """
    layer = _layer(spec, dtype, backend)
    layer.build(xs[0].shape)
    layer.set_weights(weights)
    if keep:
        layer.draw_keep = layer._draw = _given_masks(keep, dtype)
    for x, dy in zip(xs, dys, strict=True):
        for leaf in layer.walk():
            for gradient in leaf.gradients.values():
                gradient.fill(0)
        x = x.astype(dtype) if x.dtype.kind == "f" else x
        output = np.array(layer.forward(x, mask, bool(keep)))
        dx = layer.backward(dy.astype(dtype))
    tensors = {"output": output, **_gradients(layer)}
    return tensors if dx is None else {**tensors, "dx": np.array(dx)}


def state_tensors(
    spec: LayerSpec,
    weights: Sequence[np.ndarray],
    x: np.ndarray,
    starts: Sequence[np.ndarray],
    dys: Sequence[np.ndarray],
    mask: np.ndarray | None = None,
    dtype: str = "float32",
    backend: str | None = None,
) -> Tensors:
    """Give all outputs of a layer that is given states and gives them back, and the gradients on x, on those states and on the weights.

    Parameters
    ----------
    spec : a layer with ``return_state``
    weights : in Keras's order
    x, starts : the batch, and the states to start from
    dys : gradients on output and last states
    mask (B,T) bool : None for none
    dtype, backend : of the layer
    """
    layer = _layer(spec, dtype, backend)
    layer.build(x.shape)
    layer.set_weights(weights)
    outputs = layer(x.astype(dtype), mask, initial_state=[start.astype(dtype) for start in starts])
    given = [dy.astype(dtype) for dy in dys]
    parts, output_count = layer.parts or [layer], len(dys) - len(starts)
    dy = given[0] if output_count == 1 else tuple(given[:output_count])
    dx = layer.backward(dy, given[output_count:] if layer.parts else given[-1])
    dstarts = {f"dstart{k}": part.dinitial_state.copy() for k, part in enumerate(parts)}
    return {**{f"output{k}": output for k, output in enumerate(outputs)}, "dx": np.array(dx), **dstarts, **_gradients(layer)}


def _layer(spec: LayerSpec, dtype: str, backend: str | None = None) -> Any:
    """Make a layer, and those among its arguments."""
    kind, arguments = spec
    inside = {name: _layer(arguments[name], dtype) for name in ("layer", "backward_layer") if name in arguments}
    layer = getattr(layers, kind)(**{**arguments, **inside, "dtype": dtype})
    layer.backend = backend or layer.backend
    return layer


def _gradients(layer: Any) -> Tensors:
    """Copies of the gradients of the weights, by the names of ``keras_side.gradient_names``."""
    ways = dict(zip(layer.parts, ("forward.", "backward."), strict=False))
    return {f"d{ways.get(leaf, '')}{name}": gradient.copy() for leaf in layer.walk() for name, gradient in leaf.gradients.items()}


def build_model(specs: Sequence[LayerSpec], input_shape: tuple[int, ...], weights: Sequence[np.ndarray], **options: Any) -> Any:
    """Make a Sequential of those layers with those weights; ``options`` are dtype and backend."""
    dtype = options.get("dtype", "float32")
    model = Sequential([layers.Input(input_shape), *(_layer(spec, dtype) for spec in specs)], **options)
    model.set_weights(weights)
    return model


def loss_tensors(model: Any, loss: dict[str, Any], x: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Tensors:
    """Give outputs, loss with penalties, and the gradient of every weight that is trained."""
    model.compile(loss=losses.BinaryCrossentropy(**loss))
    x, y, weights = training.check_examples("parity", model, x, y, sample_weight, None)
    rows = np.arange(len(y))
    model.parameters.gradients.fill(0)
    output = model.forward(read_rows(x, rows), training=True)
    value, gradient = training.measure(model, output, y, rows, weights)
    output = np.array(output)
    model.backward(gradient, from_logits=model.loss_reads_logits)
    gradients = {f"d{slot.layer.name}.{slot.name}": slot.layer.gradients[slot.name].copy() for slot in _trained(model)}
    return {"output": output, "loss": np.asarray(value, model.dtype), **gradients}


def fit_tensors(model: Any, optimizer: dict[str, Any], data: dict[str, Any], **fit_arguments: Any) -> Tensors:
    """Train, and give what an epoch reports, the running loss of every batch, and the weights afterwards."""
    running_loss: list[float] = []
    listener = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: running_loss.append(logs["loss"]))
    model.compile(optimizers.RMSprop(**optimizer), loss="binary_crossentropy", metrics=["accuracy"])
    history = model.fit(**data, **fit_arguments, shuffle=False, verbose=0, callbacks=[listener]).history
    logs = {name: np.array(values, model.dtype) for name, values in history.items()}
    return {"running_loss": np.array(running_loss, model.dtype), **logs, **_weights(model)}


def step_tensors(model: Any, optimizer: dict[str, Any], x: Any, y: np.ndarray, shown: Sequence[int], batch_size: int) -> Tensors:
    """Take steps on one batch, and give the loss before each, the weights after those that are ``shown``, and at the end what
    ``evaluate`` says in batches of that size.
    """
    model.compile(optimizers.RMSprop(**optimizer), loss="binary_crossentropy")
    losses: list[Any] = []
    tensors: Tensors = {}
    for step in range(1, max(shown) + 1):
        losses.append(model.train_on_batch(x, y))
        if step in shown:
            tensors |= _weights(model, f"@{step}")
    evaluated = model.evaluate(x, y, batch_size=batch_size, verbose=0)
    return {"step_loss": np.array(losses, model.dtype), "evaluated": np.array(evaluated, model.dtype), **tensors}


def _weights(model: Any, suffix: str = "") -> Tensors:
    return {f"{slot.layer.name}.{slot.name}{suffix}": slot.layer.values[slot.name].copy() for slot in _trained(model)}


def _trained(model: Any) -> list[Any]:
    return [slot for slot in model.parameters.slots if slot.trainable]


def trained_tensors(
    model: Any, optimizer: dict[str, Any], x: Any, y: np.ndarray, shown: Sequence[int], batch_size: int = 32, **fit: Any
) -> Tensors:
    """Give all weights after some numbers of steps.

    Parameters
    ----------
    model : not compiled
    optimizer : arguments of RMSprop
    x, y : a batch for each step, in order
    shown : the numbers of steps
    batch_size, fit : arguments of fit
    """
    model.compile(optimizers.RMSprop(**optimizer), loss="binary_crossentropy")
    tensors: Tensors = {}
    for start, end in zip((0, *shown), shown, strict=False):
        part = slice(start * batch_size, end * batch_size)
        model.fit(x[part], y[part], batch_size=batch_size, shuffle=False, verbose=0, **fit)
        tensors |= _weights(model, f"@{end}")
    return tensors
