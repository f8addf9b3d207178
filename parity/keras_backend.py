"""Keras on its backend: loading it, its tensors, and the backend's own automatic differentiation.

Comes in: a function or a layer of Keras's, and arrays. Goes out: arrays.

Keras takes its backend from the environment variable KERAS_BACKEND when it is imported, so a process has one. Here are three:
TensorFlow, whose gradients come from a tape, JAX, whose gradients come from pulling back through Keras's stateless calls, and torch, whose
tensors remember what they were made from.
"""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

BACKENDS = ("tensorflow", "jax", "torch")


@functools.cache
def load() -> Any:
    """Import Keras, without what its dependencies say when they load."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import keras
    return keras


def backend() -> str:
    """Name Keras's backend."""
    return str(load().backend.backend())


def array(tensor: Any) -> np.ndarray:
    """Give a tensor of Keras's as an array of NumPy's; a sparse gradient becomes dense, repeated rows added up."""
    if hasattr(tensor, "dense_shape"):
        import tensorflow

        tensor = tensorflow.convert_to_tensor(tensor)
    if hasattr(tensor, "detach"):
        tensor = tensor.detach()  # torch's
    return np.array(tensor.numpy() if hasattr(tensor, "numpy") else tensor)


def compiled_schedule(schedule: Any) -> Any:
    """Give a schedule of Keras's as its ``fit`` runs it on JAX, compiled once; uncompiled, each branch would be compiled at every step."""
    if backend() != "jax":
        return schedule
    import jax

    compiled = jax.jit(schedule)
    call = {"__call__": lambda _, step: compiled(step.value if hasattr(step, "value") else step)}
    return type("Compiled", (load().optimizers.schedules.LearningRateSchedule,), call)()


def pull_back(layer: Any, x: np.ndarray, dy: np.ndarray, **call: Any) -> tuple[np.ndarray, np.ndarray | None, list[np.ndarray]]:
    """Give the output of a layer, and from the gradient on it those on x and on the weights."""
    keras, real = load(), x.dtype.kind == "f"
    if backend() == "jax":
        import jax

        still = [variable.value for variable in layer.non_trainable_variables]
        values = [variable.value for variable in layer.trainable_variables]
        tensor, doutput = keras.ops.convert_to_tensor(x), keras.ops.convert_to_tensor(dy)

        def both(values: Any, x: Any, doutput: Any) -> Any:
            if not real:
                output, back = jax.vjp(lambda values: layer.stateless_call(values, still, x, **call)[0], values)
                return output, (*back(doutput), None)
            output, back = jax.vjp(lambda values, x: layer.stateless_call(values, still, x, **call)[0], values, x)
            return output, back(doutput)

        output, (dvalues, dx) = jax.jit(both)(values, tensor, doutput)  # one compilation; eagerly each operation has its own
        if getattr(layer, "stateful", False):
            layer(x, **call)  # a stateless call does not move the layer's states on
        return array(output), array(dx) if real else None, [array(dvalue) for dvalue in dvalues]
    if backend() == "torch":
        tensor = keras.ops.convert_to_tensor(x)
        output = layer(tensor.requires_grad_() if real else tensor, **call)
        wanted = [tensor, *(variable.value for variable in layer.trainable_variables)][0 if real else 1 :]
        gradients = _torch_gradients(output, wanted, keras.ops.convert_to_tensor(dy))
        return array(output), gradients[0] if real else None, gradients[1:] if real else gradients
    import tensorflow

    tensor = tensorflow.constant(x)
    with tensorflow.GradientTape() as tape:
        if real:
            tape.watch(tensor)
        output = layer(tensor, **call)
    wanted = [tensor, *(variable.value for variable in layer.trainable_variables)][0 if real else 1 :]
    gradients = [array(gradient) for gradient in tape.gradient(output, wanted, output_gradients=tensorflow.constant(dy))]
    return array(output), gradients[0] if real else None, gradients[1:] if real else gradients


def value_and_gradient(function: Callable[[Any], Any], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give a function's value at x, a number, and its gradient there."""
    value, _, (gradient,) = value_output_and_gradients(lambda x: (function(x), x), [x])
    return value, gradient


def value_output_and_gradients(
    function: Callable[..., tuple[Any, Any]], xs: Sequence[np.ndarray]
) -> tuple[np.ndarray, Any, list[np.ndarray]]:
    """Give what a function of several arrays gives, a number and whatever else, and the number's gradient on each of them."""
    tensors = [load().ops.convert_to_tensor(x) for x in xs]
    if backend() == "jax":
        import jax

        places = tuple(range(len(tensors)))
        (value, output), gradients = jax.jit(jax.value_and_grad(function, places, has_aux=True))(*tensors)
        return array(value), output, [array(gradient) for gradient in gradients]
    if backend() == "torch":
        value, output = function(*(tensor.requires_grad_() for tensor in tensors))
        return array(value), output, _torch_gradients(value, tensors)
    import tensorflow

    with tensorflow.GradientTape() as tape:
        tape.watch(tensors)
        value, output = function(*tensors)
    return array(value), output, [array(gradient) for gradient in tape.gradient(value, tensors, unconnected_gradients="zero")]


def _torch_gradients(output: Any, wanted: Sequence[Any], doutput: Any = None) -> list[np.ndarray]:
    """Give the gradients on tensors that torch's output was made from; 0 for one that it was not."""
    import torch

    if not output.requires_grad:
        return [array(torch.zeros_like(tensor)) for tensor in wanted]
    gradients = torch.autograd.grad(output, wanted, doutput, allow_unused=True)
    return [array(torch.zeros_like(tensor) if dtensor is None else dtensor) for tensor, dtensor in zip(wanted, gradients, strict=True)]
