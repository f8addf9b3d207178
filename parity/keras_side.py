"""Keras's answers to the same questions; every gradient is from the automatic differentiation of Keras's backend.

Comes in: what to build, weights, inputs, and the gradient on the output. Goes out: tensors by name, as ``minirnn_side`` names them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np

from parity.case import Tensors
from parity.keras_backend import array, backend, load, pull_back, value_output_and_gradients

FIRST_WEIGHTS = {
    "SimpleRNN": ("kernel_initializer", "recurrent_initializer"),
    "Embedding": ("embeddings_initializer",),
    "Dense": ("kernel_initializer",),
}
"""Which arguments draw them."""


def layer_tensors(
    spec: tuple[str, dict[str, Any]],
    weights: Sequence[np.ndarray],
    xs: Sequence[np.ndarray],
    dys: Sequence[np.ndarray],
    mask: np.ndarray | None = None,
    keep: Sequence[np.ndarray | None] = (),
    dtype: str = "float32",
) -> Tensors:
    """As ``minirnn_side.layer_tensors``."""
    layer = _layer(*spec, dtype)
    layer.build(xs[0].shape)
    layer.set_weights([weight.astype(dtype) for weight in weights])
    call: dict[str, Any] = {} if mask is None else {"mask": load().ops.convert_to_tensor(mask)}
    if keep:
        call["training"] = True
    for x, dy in zip(xs, dys, strict=True):
        x = x.astype(dtype) if x.dtype.kind == "f" else x
        with _given_masks(layer, keep, dtype):
            output, dx, gradients = pull_back(layer, x, dy.astype(dtype), **call)
    tensors = {"output": output, **dict(zip(gradient_names(layer), gradients, strict=True))}
    return tensors if dx is None else {**tensors, "dx": dx}


def gradient_names(layer: Any) -> list[str]:
    """Name the gradients of a layer's weights: dkernel, or where there are two layers inside, dforward.kernel and dbackward.kernel."""
    if hasattr(layer, "forward_layer"):
        ways = (("forward", layer.forward_layer), ("backward", layer.backward_layer))
        return [f"d{way}.{variable.name}" for way, part in ways for variable in part.trainable_variables]
    return [f"d{variable.name}" for variable in layer.trainable_variables]


def state_tensors(
    spec: tuple[str, dict[str, Any]],
    weights: Sequence[np.ndarray],
    x: np.ndarray,
    starts: Sequence[np.ndarray],
    dys: Sequence[np.ndarray],
    mask: np.ndarray | None = None,
    dtype: str = "float32",
) -> Tensors:
    """As ``minirnn_side.state_tensors``; the gradients are those of Σ_k outputs_k · dys_k."""
    ops, layer = load().ops, _layer(*spec, dtype)
    layer.build(x.shape)
    call: dict[str, Any] = {} if mask is None else {"mask": ops.convert_to_tensor(mask)}
    still = [variable.value for variable in layer.non_trainable_variables]
    doutputs = [ops.convert_to_tensor(dy.astype(dtype)) for dy in dys]

    def outputs_of(x: Any, starts: Sequence[Any], values: Sequence[Any]) -> Any:
        return layer.stateless_call(values, still, x, initial_state=list(starts), **call)[0]

    def weighed(x: Any, *others: Any) -> Any:
        outputs = outputs_of(x, others[: len(starts)], others[len(starts) :])
        return sum(ops.sum(output * doutput) for output, doutput in zip(outputs, doutputs, strict=True)), outputs

    given = [array_of.astype(dtype) for array_of in (x, *starts, *weights)]
    _, outputs, gradients = value_output_and_gradients(weighed, given)
    names = ["dx", *(f"dstart{k}" for k in range(len(starts))), *gradient_names(layer)]
    return {**{f"output{k}": array(output) for k, output in enumerate(outputs)}, **dict(zip(names, gradients, strict=True))}


def _layer(kind: str, arguments: dict[str, Any], dtype: str) -> Any:
    """Make a layer, and those among its arguments. First weights are zeros: they are set in any case, and to draw them JAX would compile a
    program for every shape.
    """
    inside = {name: _layer(*arguments[name], dtype) for name in ("layer", "backward_layer") if name in arguments}
    zeros = dict.fromkeys(FIRST_WEIGHTS.get(kind, ()), "zeros")
    return getattr(load().layers, kind)(**{**zeros, **arguments, **inside, "dtype": dtype})


@contextmanager
def _given_masks(layer: Any, keep: Sequence[np.ndarray | None], dtype: str) -> Iterator[None]:
    """Make Keras use dropout masks that were drawn elsewhere: a recurrent cell keeps its masks as attributes, the layer Dropout asks the
    backend for its product with one.
    """
    masks = [None if mask is None else load().ops.convert_to_tensor(mask.astype(dtype)) for mask in keep]
    if masks and hasattr(layer, "cell"):
        layer.cell._dropout_mask, layer.cell._recurrent_dropout_mask = masks
    if not masks or hasattr(layer, "cell"):
        yield
        return
    with mock.patch("keras.src.backend.random.dropout", lambda inputs, *_, **__: inputs * masks[0]):
        yield


def build_model(
    specs: Sequence[tuple[str, dict[str, Any]]],
    input_shape: tuple[int, ...],
    weights: Sequence[np.ndarray],
    dtype: str = "float32",
    input_dtype: str | None = None,
) -> Any:
    """Make a Sequential of those layers with those weights."""
    keras = load()
    layers = [_layer(kind, arguments, dtype) for kind, arguments in specs]
    model = keras.Sequential([keras.Input(input_shape, dtype=input_dtype or dtype), *layers])
    model.set_weights([weight.astype(dtype) for weight in weights])
    for variable in model.trainable_variables if dtype == "float64" else ():
        in_float64(variable.regularizer)
    return model


def in_float64(regularizer: Any) -> Any:
    """Give a regularizer that computes in float64: Keras holds this one's factor in float32, which TensorFlow multiplies by no float64."""
    if hasattr(regularizer, "factor"):
        regularizer.factor = float(regularizer.factor)
    return regularizer


def loss_tensors(model: Any, loss: dict[str, Any], x: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Tensors:
    """As ``minirnn_side.loss_tensors``."""
    loss_of = load().losses.BinaryCrossentropy(**loss, dtype=model.layers[-1].compute_dtype)
    inputs, still = load().ops.convert_to_tensor(x), [variable.value for variable in model.non_trainable_variables]

    def value_of(*values: Any) -> Any:
        output, _, penalties = model.stateless_call(values, still, inputs, training=True, return_losses=True)
        return loss_of(y, output, sample_weight=sample_weight) + sum(penalties), output

    value, output, gradients = value_output_and_gradients(value_of, [array(variable.value) for variable in model.trainable_variables])
    return {
        "output": array(output),
        "loss": value,
        **{f"d{name}": gradient for name, gradient in zip(_names(model), gradients, strict=True)},
    }


def fit_tensors(model: Any, optimizer: dict[str, Any], data: dict[str, Any], **fit_arguments: Any) -> Tensors:
    """As ``minirnn_side.fit_tensors``; Keras keeps losses and metrics in float32, whatever the model's dtype."""
    keras = load()
    running_loss: list[float] = []
    listener = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: running_loss.append(logs["loss"]))
    loss = keras.losses.BinaryCrossentropy(dtype=model.layers[-1].compute_dtype)
    model.compile(keras.optimizers.RMSprop(**optimizer), loss=loss, metrics=["accuracy"])
    history = model.fit(**data, **fit_arguments, shuffle=False, verbose=0, callbacks=[listener]).history
    logs = {name: np.array(values, np.float32) for name, values in history.items()}
    return {"running_loss": np.array(running_loss, np.float32), **logs, **_weights(model)}


def step_tensors(model: Any, optimizer: dict[str, Any], x: np.ndarray, y: np.ndarray, shown: Sequence[int], batch_size: int) -> Tensors:
    """As ``minirnn_side.step_tensors``."""
    keras, dtype = load(), model.layers[-1].compute_dtype
    losses: list[Any] = []
    tensors: Tensors = {}
    with _default_float(dtype):
        loss = keras.losses.BinaryCrossentropy(dtype=dtype)
        # TensorFlow's graph takes longer to make than to run
        model.compile(keras.optimizers.RMSprop(**optimizer), loss=loss, run_eagerly=backend() == "tensorflow")
        for step in range(1, max(shown) + 1):
            losses.append(model.train_on_batch(x, y))
            if step in shown:
                tensors |= _weights(model, f"@{step}")
        evaluated = model.evaluate(x, y, batch_size=batch_size, verbose=0)
    return {"step_loss": np.array(losses, dtype), "evaluated": np.array(evaluated, dtype), **tensors}


@contextmanager
def _default_float(dtype: str) -> Iterator[None]:
    """Make Keras keep losses in that dtype; else it adds the loss in float32 to penalties in float64, which TensorFlow refuses."""
    before = load().config.floatx()
    load().config.set_floatx(dtype)
    try:
        yield
    finally:
        load().config.set_floatx(before)


def trained_tensors(
    model: Any, optimizer: dict[str, Any], x: np.ndarray, y: np.ndarray, shown: Sequence[int], batch_size: int = 32, **fit: Any
) -> Tensors:
    """As ``minirnn_side.trained_tensors``."""
    keras = load()
    model.compile(keras.optimizers.RMSprop(**optimizer), loss=keras.losses.BinaryCrossentropy(dtype=model.layers[-1].compute_dtype))
    tensors: Tensors = {}
    for start, end in zip((0, *shown), shown, strict=False):
        part = slice(start * batch_size, end * batch_size)
        model.fit(x[part], y[part], batch_size=batch_size, shuffle=False, verbose=0, **fit)
        tensors |= _weights(model, f"@{end}")
    return tensors


def _weights(model: Any, suffix: str = "") -> Tensors:
    named = zip(_names(model), model.trainable_variables, strict=True)
    return {f"{name}{suffix}": array(variable.value) for name, variable in named}


def _names(model: Any) -> list[str]:
    """Name each weight by its layer and itself: dense.kernel."""
    leaves = [
        leaf
        for layer in model.layers
        for leaf in ((layer.forward_layer, layer.backward_layer) if hasattr(layer, "merge_mode") else [layer])
    ]
    return [f"{leaf.name}.{variable.name}" for leaf in leaves for variable in leaf.trainable_variables]
