"""Several layers at once, up to the loss: outputs, loss, and the gradient of every weight.

Where tokens meet a SimpleRNN, minirnn computes both layers as one step, and never builds what Keras multiplies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minirnn.one_hot import OneHot
from parity import keras_side, minirnn_side
from parity.case import SetUp, Sides
from parity.cases.draws import dense_weights, numbers, rnn_weights, tokens

B, T, V, E, H, H2 = 7, 9, 13, 4, 6, 5


def embedding(**arguments: Any) -> tuple[str, dict[str, Any]]:
    """The embedding layer."""
    return "Embedding", {"name": "embedding", "input_dim": V, "output_dim": E, **arguments}


def rnn(units: int, name: str = "rnn", **arguments: Any) -> tuple[str, dict[str, Any]]:
    """A recurrent layer."""
    return "SimpleRNN", {"name": name, "units": units, **arguments}


def both_ways(units: int, merge_mode: str = "concat", **arguments: Any) -> tuple[str, dict[str, Any]]:
    """A recurrent layer in both directions."""
    return "Bidirectional", {"name": "both", "layer": rnn(units, **arguments), "merge_mode": merge_mode}


HEAD = ("Dense", {"name": "dense", "units": 1, "activation": "sigmoid"})


def model_weights(rng: np.random.Generator, specs: Sequence[tuple[str, dict[str, Any]]], width: int, T: int) -> list[np.ndarray]:
    """Draw weights for layers that are fed vectors of that width."""
    weights: list[np.ndarray] = []
    for kind, arguments in specs:
        if kind == "Embedding":
            width = arguments["output_dim"]
            weights.append(numbers(rng, arguments["input_dim"], width, scale=0.5))
        elif kind == "SimpleRNN":
            weights += rnn_weights(rng, width, arguments["units"], arguments.get("use_bias", True), 0.8)
            width = arguments["units"]
        elif kind == "Bidirectional":
            units, use_bias = arguments["layer"][1]["units"], arguments["layer"][1].get("use_bias", True)
            weights += [weight for _ in range(2) for weight in rnn_weights(rng, width, units, use_bias, 0.8)]
            width = 2 * units if arguments["merge_mode"] == "concat" else units
        elif kind == "Flatten":
            width *= T
        elif kind == "Dense":
            weights += dense_weights(rng, width, arguments["units"])
            width = arguments["units"]
    return weights


def _stack(
    *specs: tuple[str, dict[str, Any]], one_hot: bool = False, weighted: bool = False, sizes: tuple[int, int] = (B, T), **loss: Any
) -> SetUp:
    def set_up() -> Sides:
        B, T = sizes
        rng = np.random.default_rng(41)
        weights, ids = model_weights(rng, specs, V, T), tokens(rng, B, T, V)
        steps = T if specs[-2][1].get("return_sequences") else 1
        # Mostly ones: with as many zeros the bias's gradient is a small difference of large terms, and has no digits to compare.
        y = (rng.random((B, steps, 1) if steps > 1 else (B, 1)) < 0.8).astype(np.float32)
        sample_weight = rng.uniform(0.25, 3, B).astype(np.float32) if weighted else None
        x = OneHot(ids, V) if one_hot else ids
        x_keras = np.asarray(x)
        shape, kind = x_keras.shape[1:], None if one_hot else "int32"

        def keras(dtype: str) -> dict[str, np.ndarray]:
            model = keras_side.build_model(specs, shape, weights, dtype, kind)
            weights_keras = (
                sample_weight[:, None] if sample_weight is not None and steps > 1 else sample_weight
            )  # Keras wants the rank of its losses
            return keras_side.loss_tensors(model, loss, x_keras.astype(dtype) if one_hot else x_keras, y, weights_keras)

        def ours(**options: Any) -> dict[str, np.ndarray]:
            return minirnn_side.loss_tensors(minirnn_side.build_model(specs, shape, weights, **options), loss, x, y, sample_weight)

        return Sides(ours, lambda: keras("float32"), lambda: ours(**minirnn_side.TRUTH), lambda: keras("float64"))

    return set_up


CASES: dict[str, SetUp] = {
    "model.embedding": _stack(embedding(), rnn(H), HEAD),
    "model.embedding.mask_zero": _stack(embedding(mask_zero=True), rnn(H), HEAD),
    "model.embedding.backwards": _stack(embedding(mask_zero=True), rnn(H, go_backwards=True), HEAD),
    "model.embedding.one_row": _stack(embedding(mask_zero=True), rnn(H), HEAD, sizes=(1, 6)),
    "model.embedding.one_step": _stack(embedding(mask_zero=True), rnn(H), HEAD, sizes=(5, 1)),
    "model.bidirectional": _stack(embedding(), both_ways(H), HEAD),
    "model.bidirectional.mask_zero.sequences": _stack(
        embedding(mask_zero=True), both_ways(H, return_sequences=True), rnn(H2, "rnn2"), HEAD
    ),
    "model.bidirectional.one_hot": _stack(both_ways(H, "sum"), HEAD, one_hot=True),
    "model.masking.one_hot": _stack(("Masking", {"name": "masking", "mask_value": 0.0}), rnn(H), HEAD, one_hot=True),
    "model.one_hot": _stack(rnn(H), HEAD, one_hot=True),
    "model.one_hot.no_bias": _stack(rnn(H, use_bias=False), HEAD, one_hot=True),
    "model.sample_weight": _stack(embedding(), rnn(H), HEAD, weighted=True),
    "model.label_smoothing": _stack(embedding(), rnn(H), HEAD, label_smoothing=0.25),
    "model.stack": _stack(embedding(), rnn(H, "rnn1", return_sequences=True), rnn(H2, "rnn2"), HEAD),
    "model.stack.mask_zero": _stack(embedding(mask_zero=True), rnn(H, "rnn1", return_sequences=True), rnn(H2, "rnn2"), HEAD),
    "model.stack.one_hot": _stack(rnn(H, "rnn1", return_sequences=True), rnn(H2, "rnn2", go_backwards=True), HEAD, one_hot=True),
    "model.every_step": _stack(embedding(mask_zero=True), rnn(H, return_sequences=True), HEAD),
    "model.every_step.sample_weight": _stack(embedding(), rnn(H, return_sequences=True), HEAD, weighted=True),
    "model.flatten": _stack(embedding(), rnn(H, return_sequences=True), ("Flatten", {"name": "flatten"}), HEAD),
    "model.dense_only": _stack(
        embedding(), ("Flatten", {"name": "flatten"}), ("Dense", {"name": "hidden", "units": H, "activation": "relu"}), HEAD
    ),
}
