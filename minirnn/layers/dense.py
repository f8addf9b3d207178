"""The dense layer: every output sees every input.

Comes in: x (B,I), or (..., I). Goes out: y (B,O).

    logits = x · W + b            W (I,O), b (O,)
    y      = activation(logits)

Backward:

    dlogits = dy · activation'(logits)       the slope from y; with sigmoid and cross-entropy the loss gives dlogits itself
    dW     += xᵀ · dlogits
    db     += Σ_b dlogits_b
    dx      = dlogits · Wᵀ

Source: Keras 3.15, ``keras/src/layers/core/dense.py``.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from minirnn import activations, constraints, initializers, regularizers
from minirnn.activations import activate_ref, activate_run, slope_ref
from minirnn.jit import jit
from minirnn.layers.layer import Kernels, Layer, Shape, not_supported, positive_integer
from minirnn.simd import pointer


def dense_forward_ref(x: np.ndarray, W: np.ndarray, b: np.ndarray | None, activation: int, logits: np.ndarray, y: np.ndarray) -> None:
    """Fill logits and y (B,O) from x (B,I), W (I,O), b (O,) or None."""
    logits[...] = x @ W
    if b is not None:
        logits += b
    y[...] = activate_ref(logits, activation)


@jit
def dense_forward_jit(x: np.ndarray, W: np.ndarray, b: np.ndarray | None, activation: int, logits: np.ndarray, y: np.ndarray) -> None:
    """The same, compiled."""
    (B, I), O = x.shape, W.shape[1]
    for row in range(B):
        for o in range(O):
            logits[row, o] = 0 if b is None else b[o]
        for i in range(I):
            for o in range(O):
                logits[row, o] += x[row, i] * W[i, o]
        for o in range(O):
            y[row, o] = logits[row, o]
    activate_run(pointer(y), B * O, activation)


def dense_backward_ref(dlogits: np.ndarray, x: np.ndarray, W: np.ndarray, dW: np.ndarray, db: np.ndarray | None, dx: np.ndarray) -> None:
    """Add to dW (I,O) and db (O,), and fill dx (B,I), from dlogits (B,O)."""
    dW += x.T @ dlogits
    if db is not None:
        db += dlogits.sum(axis=0)
    dx[...] = dlogits @ W.T


@jit
def dense_backward_jit(dlogits: np.ndarray, x: np.ndarray, W: np.ndarray, dW: np.ndarray, db: np.ndarray | None, dx: np.ndarray) -> None:
    """The same, compiled."""
    (B, I), O = x.shape, W.shape[1]
    for row in range(B):
        if db is not None:
            for o in range(O):
                db[o] += dlogits[row, o]
        for i in range(I):
            dx_i = dx[row, i] * 0
            for o in range(O):
                dW[i, o] += x[row, i] * dlogits[row, o]
                dx_i += dlogits[row, o] * W[i, o]
            dx[row, i] = dx_i


BACKENDS = {"numpy": Kernels(dense_forward_ref, dense_backward_ref), "numba": Kernels(dense_forward_jit, dense_backward_jit)}


class Dense(Layer):
    """Fully-connected layer on the last axis.

    Parameters
    ----------
    units : O, a positive integer
    activation : None (linear), "tanh", "sigmoid", "relu" or "linear"
    use_bias : whether there is a bias
    kernel_initializer, bias_initializer : of W and b
    kernel_regularizer, bias_regularizer, activity_regularizer : what large W, b and y cost
    kernel_constraint, bias_constraint : what W and b must be after every update

    Raises
    ------
    ValueError
        For units that are not a positive integer, and for arguments of Keras's that minirnn lacks.

    Examples
    --------
    >>> layer = Dense(2, kernel_initializer="ones", bias_initializer="ones")
    >>> layer(np.array([[1.0, 2.0, 3.0]])).tolist()
    [[7.0, 7.0]]
    """

    weight_names: ClassVar[tuple[str, ...]] = ("kernel", "bias")

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: Any = None,
        lora_alpha: Any = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        not_supported("Dense", lora_rank=lora_rank, lora_alpha=lora_alpha, quantization_config=quantization_config)
        self.units = positive_integer("Dense", "units", units)
        self.activation = activations.name_of(activation, "Dense")
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self._code = activations.CODES[self.activation]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(..., I) -> (..., O)."""
        if len(input_shape) < 2:
            raise ValueError(f"Dense: layer '{self.name}' expects input of shape (B,...,I), received {input_shape}. Add a batch axis.")
        return (*input_shape[:-1], self.units)

    def make_weights(self, input_shape: Shape, rng: np.random.Generator) -> None:
        """Kernel (I,O), bias (O,)."""
        if input_shape[-1] is None:
            raise ValueError(f"Dense: the input's last size must be known, received {input_shape}. Give it in Input(shape=...).")
        assert self.kernel_initializer and self.bias_initializer
        kernel_shape = (input_shape[-1], self.units)
        self.add_weight("kernel", kernel_shape, self.kernel_initializer, rng, self.kernel_regularizer, self.kernel_constraint)
        if self.use_bias:
            self.add_weight("bias", (self.units,), self.bias_initializer, rng, self.bias_regularizer, self.bias_constraint)

    def check_input(self, shape: tuple[int, ...]) -> None:
        """Raise ValueError unless the last axis is I."""
        assert self.input_shape is not None
        if len(shape) < 2 or shape[-1] != self.input_shape[-1]:
            raise ValueError(f"Dense: layer '{self.name}' expects a last axis of {self.input_shape[-1]}, received shape {shape}.")

    def forward(self, x: np.ndarray, mask: np.ndarray | None = None, training: bool = False) -> np.ndarray:
        """x (..., I) -> y (..., O); ``logits`` keeps what the activation was applied to."""
        *self._leading, I = x.shape
        self._x = np.ascontiguousarray(x, self.dtype).reshape(-1, I)
        B = len(self._x)
        self.logits, self._y = self.scratch("logits", (B, self.units)), self.scratch("y", (B, self.units))
        values = self.values
        BACKENDS[self.backend].forward(self._x, values["kernel"], values.get("bias"), self._code, self.logits, self._y)
        return self._y.reshape(*self._leading, self.units)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """dy (..., O) -> dx (..., I)."""
        dy = np.asarray(dy, self.dtype).reshape(self._y.shape)
        return self.backward_from_logits(dy * slope_ref(self._y, self._code))

    def backward_from_logits(self, dlogits: np.ndarray) -> np.ndarray:
        """dlogits (B,O) -> dx (..., I): the way back past the activation."""
        dx, gradients = self.scratch("dx", self._x.shape), self.gradients
        BACKENDS[self.backend].backward(dlogits, self._x, self.values["kernel"], gradients["kernel"], gradients.get("bias"), dx)
        return dx.reshape(*self._leading, dx.shape[1])

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments, in Keras's names and order."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": self.activation,
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }
