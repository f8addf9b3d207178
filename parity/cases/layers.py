"""Embedding, Dense, Dropout and Flatten, one at a time: output, the gradient on the input, and that of every weight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minirnn import layers
from parity import keras_backend, keras_side, minirnn_side
from parity.case import SetUp, Sides
from parity.cases.draws import dense_weights, keep_mask, numbers, tokens

B, T, E, I, O, V = 3, 5, 4, 7, 2, 11


def layer_sides(
    spec: tuple[str, dict[str, Any]], weights: Sequence[np.ndarray], xs: Sequence[np.ndarray], dys: Sequence[np.ndarray], **options: Any
) -> Sides:
    """Give one layer's calls; the arguments are those of ``minirnn_side.layer_tensors``."""
    return Sides(
        lambda: minirnn_side.layer_tensors(spec, weights, xs, dys, **options),
        lambda: keras_side.layer_tensors(spec, weights, xs, dys, **options),
        lambda: minirnn_side.layer_tensors(spec, weights, xs, dys, **options, **minirnn_side.TRUTH),
        lambda: keras_side.layer_tensors(spec, weights, xs, dys, **options, dtype="float64"),
    )


def _embedding(mask_zero: bool) -> SetUp:
    def set_up() -> Sides:
        rng = np.random.default_rng(21)
        spec = ("Embedding", {"input_dim": V, "output_dim": E, "mask_zero": mask_zero})
        return layer_sides(spec, [numbers(rng, V, E)], [tokens(rng, B, T, V)], [numbers(rng, B, T, E)])

    return set_up


def _embedding_mask() -> Sides:
    ids = tokens(np.random.default_rng(22), B, T, V)
    ours = layers.Embedding(V, E, mask_zero=True)
    theirs = keras_backend.load().layers.Embedding(V, E, mask_zero=True)
    return Sides(
        lambda: {"mask": np.asarray(ours.compute_mask(ids, None))}, lambda: {"mask": keras_backend.array(theirs.compute_mask(ids))}
    )


def _dense(activation: str, shape: tuple[int, ...] = (B, I), use_bias: bool = True) -> SetUp:
    def set_up() -> Sides:
        rng = np.random.default_rng(23)
        spec = ("Dense", {"units": O, "activation": activation, "use_bias": use_bias})
        weights = dense_weights(rng, I, O)[: 2 if use_bias else 1]
        return layer_sides(spec, weights, [numbers(rng, *shape)], [numbers(rng, *shape[:-1], O)])

    return set_up


def _dropout(training: bool) -> SetUp:
    def set_up() -> Sides:
        rng = np.random.default_rng(24)
        keep = [keep_mask(rng, 0.25, B, T, I)] if training else []
        return layer_sides(("Dropout", {"rate": 0.25}), [], [numbers(rng, B, T, I)], [numbers(rng, B, T, I)], keep=keep)

    return set_up


def _flatten() -> Sides:
    rng = np.random.default_rng(25)
    return layer_sides(("Flatten", {}), [], [numbers(rng, B, T, I)], [numbers(rng, B, T * I)])


def _masking(value: float) -> SetUp:
    def set_up() -> Sides:
        rng = np.random.default_rng(26)
        x = numbers(rng, B, T, E)
        x[0, :2], x[1], x[2, 1, : E - 1] = value, value, value
        return layer_sides(("Masking", {"mask_value": value}), [], [x], [numbers(rng, B, T, E)])

    return set_up


CASES: dict[str, Callable[[], Sides]] = {
    "embedding": _embedding(False),
    "embedding.mask_zero": _embedding(True),
    "embedding.mask": _embedding_mask,
    **{f"dense.{activation}": _dense(activation) for activation in ("linear", "tanh", "sigmoid", "relu")},
    "dense.no_bias": _dense("tanh", use_bias=False),
    "dense.every_step": _dense("sigmoid", (B, T, I)),
    "dropout.inference": _dropout(False),
    "dropout.training": _dropout(True),
    "flatten": _flatten,
    "masking": _masking(0.0),
    "masking.value": _masking(-1.5),
}
