"""How wrong the outputs are, and which way is less wrong.

Comes in: labels y, and the outputs of a batch, each row flattened to K numbers. Goes out: the loss, a number in nats, the mean over the
batch; and its gradient on the outputs.

Binary cross-entropy on logits z, with p = sigmoid(z), for labels y in [0,1]:

    loss    = max(z, 0) - z y + log(1 + exp(-|z|))       equals -y log p - (1-y) log(1-p), and overflows nowhere
    dloss/dz = p - y                                     the sigmoid's slope and the logarithm's cancel

On probabilities p, first clipped to [1e-7, 1 - 1e-7], where the logarithms would be infinite:

    loss    = -y log p - (1-y) log(1-p)
    dloss/dp = (p - y) / (p (1 - p)), and 0 where p was clipped

Mean squared error: loss = (p - y)², dloss/dp = 2 (p - y).

A model that ends in a sigmoid is trained on its logits, as Keras's TensorFlow backend does: a saturated wrong answer keeps its gradient.

Source: Keras 3.15, ``keras/src/losses/losses.py`` and ``keras/src/backend/tensorflow/nn.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minirnn.activations import sigmoid
from minirnn.jit import inline, jit
from minirnn.registry import lookup

__all__ = ["BinaryCrossentropy", "Loss", "MeanSquaredError", "binary_crossentropy", "get", "mean_squared_error"]

EPSILON = 1e-7
"""Keras's ``backend.epsilon()``: how near to 0 and 1 a probability may come."""


def bce_logits_ref(
    logits: np.ndarray, y: np.ndarray, rows: np.ndarray, weights: np.ndarray | None, smoothing: float, dlogits: np.ndarray
) -> float:
    """Mean loss of a batch, and its gradient.

    Parameters
    ----------
    logits (B,K) float
    y (N,K) float: labels of all examples
    rows (B,) int: the examples of this batch
    weights (B,K) float, or None for 1
    smoothing : labels are drawn towards 0.5 by this share
    dlogits (B,K) float: out
    """
    z, label = logits, y[rows] * (1 - smoothing) + 0.5 * smoothing
    sign = np.where(z.real >= 0, 1, -1)  # |z| as an analytic function on either side of 0, for complex-step checks
    losses = np.where(sign > 0, z, 0) - z * label + np.log1p(np.exp(-sign * z))
    scale = (1 if weights is None else weights) / z.dtype.type(z.size)
    dlogits[...] = (sigmoid(z) - label) * scale
    return np.sum(losses * scale)  # type: ignore[no-any-return]


@inline
def bce_of_logit(z: float, label: float) -> tuple[float, float]:
    """The loss of one logit, and its slope."""
    e = math.exp(-abs(z))
    return max(z, 0.0) - z * label + math.log1p(e), (1.0 if z >= 0 else e) / (1.0 + e) - label


@jit
def bce_logits_jit(
    logits: np.ndarray, y: np.ndarray, rows: np.ndarray, weights: np.ndarray | None, smoothing: float, dlogits: np.ndarray
) -> float:
    """The same, compiled; summed in float64."""
    B, K = logits.shape
    total = 0.0
    for b in range(B):
        for k in range(K):
            loss, slope = bce_of_logit(float(logits[b, k]), y[rows[b], k] * (1 - smoothing) + 0.5 * smoothing)
            scale = (1.0 if weights is None else weights[b, k]) / (B * K)
            total += loss * scale
            dlogits[b, k] = slope * scale
    return total


def bce_probs_ref(
    probs: np.ndarray, y: np.ndarray, rows: np.ndarray, weights: np.ndarray | None, smoothing: float, dprobs: np.ndarray
) -> float:
    """The same on probabilities (B,K); see ``bce_logits_ref``."""
    low, high = probs.dtype.type(EPSILON), probs.dtype.type(1) - probs.dtype.type(EPSILON)
    p, label = np.clip(probs, low, high), y[rows] * (1 - smoothing) + 0.5 * smoothing
    losses = -label * np.log(p) - (1 - label) * np.log(1 - p)
    scale = (1 if weights is None else weights) / p.dtype.type(p.size)
    dprobs[...] = np.where((probs >= low) & (probs <= high), (p - label) / (p * (1 - p)), 0) * scale
    return np.sum(losses * scale)  # type: ignore[no-any-return]


@jit
def bce_probs_jit(
    probs: np.ndarray, y: np.ndarray, rows: np.ndarray, weights: np.ndarray | None, smoothing: float, dprobs: np.ndarray
) -> float:
    """The same, compiled; the bounds are rounded to the dtype, the rest is float64."""
    B, K = probs.shape
    bounds = np.empty(2, probs.dtype)
    bounds[0] = EPSILON
    bounds[1] = 1
    bounds[1] -= bounds[0]
    low, high = float(bounds[0]), float(bounds[1])
    total = 0.0
    for b in range(B):
        for k in range(K):
            given = float(probs[b, k])
            p = given if math.isnan(given) else min(max(given, low), high)  # a NaN stays a NaN
            label = y[rows[b], k] * (1 - smoothing) + 0.5 * smoothing
            scale = (1.0 if weights is None else weights[b, k]) / (B * K)
            total += (-label * math.log(p) - (1 - label) * math.log(1 - p)) * scale
            dprobs[b, k] = (p - label) / (p * (1 - p)) * scale if low <= given <= high else 0.0
    return total


def mse_ref(
    outputs: np.ndarray, y: np.ndarray, rows: np.ndarray, weights: np.ndarray | None, smoothing: float, doutputs: np.ndarray
) -> float:
    """Mean squared error of outputs (B,K), and its gradient; ``smoothing`` is 0."""
    error = outputs - y[rows]
    scale = (1 if weights is None else weights) / outputs.dtype.type(outputs.size)
    doutputs[...] = 2 * error * scale
    return np.sum(error * error * scale)  # type: ignore[no-any-return]


@jit
def mse_jit(
    outputs: np.ndarray, y: np.ndarray, rows: np.ndarray, weights: np.ndarray | None, smoothing: float, doutputs: np.ndarray
) -> float:
    """The same, compiled; summed in float64."""
    B, K = outputs.shape
    total = 0.0
    for b in range(B):
        for k in range(K):
            error = float(outputs[b, k]) - float(y[rows[b], k])
            scale = (1.0 if weights is None else weights[b, k]) / (B * K)
            total += error * error * scale
            doutputs[b, k] = 2 * error * scale
    return total


LossKernel = Callable[..., float]
BACKENDS: dict[str, dict[str, LossKernel]] = {
    "numpy": {"bce_logits": bce_logits_ref, "bce_probs": bce_probs_ref, "mse": mse_ref},
    "numba": {"bce_logits": bce_logits_jit, "bce_probs": bce_probs_jit, "mse": mse_jit},
}


class Loss:
    """A loss, by Keras's name and arguments.

    Calling it with labels and predictions gives the mean loss; ``fit`` uses ``kernel_name`` and ``smoothing``.

    Examples
    --------
    >>> get("mse")([[1.0], [0.0]], [[0.5], [0.5]])
    0.25
    """

    name: str
    label_smoothing = 0.0
    bounded_labels = False
    """True when labels outside [0,1] make no sense."""

    def kernel_name(self, on_logits: bool) -> str:
        """Which entry of ``BACKENDS`` computes it, on logits or on what the model gives."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments, in Keras's names."""
        raise NotImplementedError

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        """Mean loss of predictions (N,...) against labels of the same shape, in nats for a cross-entropy.

        Raises
        ------
        ValueError
            When the shapes differ.
        """
        predictions = np.asarray(y_pred)
        predictions = predictions.astype(np.float32) if predictions.dtype.kind != "f" else predictions
        labels = np.asarray(y_true, predictions.dtype)
        if labels.ndim == predictions.ndim - 1 and predictions.shape[-1] == 1:
            labels = labels[..., None]
        if labels.shape != predictions.shape:
            raise ValueError(f"{self.name}: y_true has shape {labels.shape}, y_pred {predictions.shape}; they must have the same shape.")
        N = len(predictions)
        flat, labels = predictions.reshape(N, -1), labels.reshape(N, -1)
        weights = None
        if sample_weight is not None:
            given = np.asarray(sample_weight, flat.dtype)  # one number for all, or one per example
            weights = np.broadcast_to(given.reshape(N, -1) if given.ndim else given, flat.shape)
        kernel = BACKENDS["numpy"][self.kernel_name(on_logits=False)]
        return float(kernel(flat, labels, np.arange(N), weights, self.label_smoothing, np.empty_like(flat)))


def _sum_over_batch_size(function: str, reduction: str) -> None:
    if reduction != "sum_over_batch_size":
        raise ValueError(f"{function}: reduction must be 'sum_over_batch_size' (the mean), received {reduction!r}; minirnn has no other.")


class BinaryCrossentropy(Loss):
    """Cross-entropy between labels in [0,1] and predicted probabilities, or logits.

    Parameters
    ----------
    from_logits : the predictions are logits; of no account for a model that ends in a sigmoid, whose logits are used anyway
    label_smoothing : 0..1, how far labels are drawn towards 0.5

    Raises
    ------
    ValueError
        When label_smoothing is not in 0..1, or another axis or reduction is asked for.

    Examples
    --------
    >>> round(BinaryCrossentropy()([[1], [0]], [[0.5], [0.5]]), 4)
    0.6931
    >>> round(BinaryCrossentropy(from_logits=True)([[1]], [[2.0]]), 4)
    0.1269
    """

    bounded_labels = True

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str = "sum_over_batch_size",
        name: str = "binary_crossentropy",
    ) -> None:
        _sum_over_batch_size("BinaryCrossentropy", reduction)
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"BinaryCrossentropy: label_smoothing must be in 0..1, received {label_smoothing!r}.")
        if axis != -1:
            raise ValueError(f"BinaryCrossentropy: axis must be -1, received {axis!r}.")
        self.from_logits = from_logits
        self.label_smoothing = float(label_smoothing)
        self.name = name

    def kernel_name(self, on_logits: bool) -> str:
        """On logits or on probabilities."""
        return "bce_logits" if on_logits or self.from_logits else "bce_probs"

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments, in Keras's names."""
        return {
            "name": self.name,
            "reduction": "sum_over_batch_size",
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "axis": -1,
        }


class MeanSquaredError(Loss):
    """Mean of (prediction - label)².

    Examples
    --------
    >>> MeanSquaredError()([[1.0, 0.0]], [[0.5, 0.0]])
    0.125
    """

    def __init__(self, reduction: str = "sum_over_batch_size", name: str = "mean_squared_error") -> None:
        _sum_over_batch_size("MeanSquaredError", reduction)
        self.name = name

    def kernel_name(self, on_logits: bool) -> str:
        """The same for any output."""
        return "mse"

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments, in Keras's names."""
        return {"name": self.name, "reduction": "sum_over_batch_size"}


def binary_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1) -> np.ndarray:
    """Cross-entropy of each example, the mean over the last axis: (..., K) -> (...).

    Examples
    --------
    >>> binary_crossentropy([[1], [0]], [[0.5], [0.9]]).round(4).tolist()
    [0.6931, 2.3026]
    """
    loss = BinaryCrossentropy(from_logits, label_smoothing, axis)
    return _of_each(loss, y_true, y_pred)


def mean_squared_error(y_true: Any, y_pred: Any) -> np.ndarray:
    """Mean over the last axis of the squared differences: (..., K) -> (...).

    Examples
    --------
    >>> mean_squared_error([[1.0, 0.0]], [[0.5, 0.0]]).tolist()
    [0.125]
    """
    return _of_each(MeanSquaredError(), y_true, y_pred)


def _of_each(loss: Loss, y_true: Any, y_pred: Any) -> np.ndarray:
    predictions = np.asarray(y_pred)
    predictions = predictions.astype(np.float32) if predictions.dtype.kind != "f" else predictions
    labels = np.asarray(y_true, predictions.dtype)
    if labels.shape != predictions.shape:
        raise ValueError(f"{loss.name}: y_true has shape {labels.shape}, y_pred {predictions.shape}; they must have the same shape.")
    rows = zip(labels.reshape(-1, labels.shape[-1]), predictions.reshape(-1, labels.shape[-1]), strict=True)
    values = [loss(label[None], prediction[None]) for label, prediction in rows]
    return np.array(values, predictions.dtype).reshape(predictions.shape[:-1])


LOSSES: dict[str, type[Loss]] = {
    "binary_crossentropy": BinaryCrossentropy,
    "BinaryCrossentropy": BinaryCrossentropy,
    "bce": BinaryCrossentropy,
    "BCE": BinaryCrossentropy,
    "mean_squared_error": MeanSquaredError,
    "MeanSquaredError": MeanSquaredError,
    "mse": MeanSquaredError,
    "MSE": MeanSquaredError,
}


def get(identifier: Any) -> Loss | None:
    """Give a loss by Keras's name, by one of this module's functions or classes, or as it is; None gives None.

    Raises
    ------
    ValueError
        When the name is unknown; the nearest known one is suggested.
    TypeError
        When it is something else.

    Examples
    --------
    >>> get("binary_crossentropy").name
    'binary_crossentropy'
    """
    if identifier is None or isinstance(identifier, Loss):
        return identifier
    if isinstance(identifier, str):
        return lookup("loss", identifier, LOSSES)()
    functions = {binary_crossentropy: BinaryCrossentropy, mean_squared_error: MeanSquaredError}
    if identifier in functions:
        return functions[identifier]()
    if isinstance(identifier, type) and issubclass(identifier, Loss):
        return identifier()
    raise TypeError(f"losses.get: loss must be a name or a loss of minirnn.losses, received {identifier!r}.")
