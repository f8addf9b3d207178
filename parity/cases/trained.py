"""Models after 1, 10 and 100 steps of RMSprop: all weights, each side going its own way from the same start, by its own gradients.

Errors feed back here: a weight that has been rounded gives another gradient. They do so on both sides alike, so that twice Keras's error is
enough, and no growth is granted.

Where Keras trains an embedding another way, on TensorFlow (D2), minirnn is told to train it that way too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minirnn.one_hot import OneHot
from parity import keras_backend, keras_side, minirnn_side
from parity.case import SetUp, Sides, Tensors
from parity.cases.draws import tokens
from parity.cases.stacks import HEAD, both_ways, embedding, model_weights, rnn

B, T, V, H, H2 = 6, 5, 13, 6, 5
SHOWN = (1, 10, 100)
OPTIMIZER = {"learning_rate": 2.0**-8, "rho": 0.875, "epsilon": 2.0**-10}
"""An epsilon above the smallest gradients' squares: below them RMSprop divides a number by its own size, and a gradient that is nothing but
rounding takes a step as long as any.
"""

Specs = Sequence[tuple[str, dict[str, Any]]]


def _trained(*specs: tuple[str, dict[str, Any]], one_hot: bool = False, weighted: bool = False, **optimizer: Any) -> SetUp:
    def set_up() -> Sides:
        rng = np.random.default_rng(85)
        weights, ids = model_weights(rng, specs, V, T), tokens(rng, SHOWN[-1] * B, T, V)
        y = (rng.random(len(ids)) < 0.7).astype(np.float32)
        x = OneHot(ids, V) if one_hot else ids
        fit: dict[str, Any] = {"batch_size": B}
        if weighted:
            fit["class_weight"] = {0: 2.0, 1: 0.5}
        arguments = {**OPTIMIZER, **optimizer}
        update = "per_lookup" if keras_backend.backend() == "tensorflow" and not one_hot else "summed"

        def ours(**options: Any) -> Tensors:
            model = minirnn_side.build_model(specs, x.shape[1:], weights, **options)
            return minirnn_side.trained_tensors(model, {**arguments, "embedding_update": update}, x, y, SHOWN, **fit)

        def keras(dtype: str) -> Tensors:
            model = keras_side.build_model(specs, x.shape[1:], weights, dtype, dtype if one_hot else "int32")
            return keras_side.trained_tensors(model, arguments, np.asarray(x, dtype) if one_hot else x, y, SHOWN, **fit)

        return Sides(ours, lambda: keras("float32"), lambda: ours(**minirnn_side.TRUTH), lambda: keras("float64"))

    return set_up


CASES: dict[str, SetUp] = {
    "trained.embedding": _trained(embedding(), rnn(H), HEAD),
    "trained.embedding.mask_zero": _trained(embedding(mask_zero=True), rnn(H), HEAD),
    "trained.embedding.class_weight": _trained(embedding(), rnn(H), HEAD, weighted=True),
    "trained.embedding.momentum": _trained(embedding(), rnn(H), HEAD, momentum=0.5),
    "trained.one_hot": _trained(rnn(H), HEAD, one_hot=True),
    "trained.one_hot.clipnorm": _trained(rnn(H), HEAD, one_hot=True, clipnorm=0.25),
    "trained.stack": _trained(embedding(mask_zero=True), rnn(H, "rnn1", return_sequences=True), rnn(H2, "rnn2"), HEAD),
    "trained.bidirectional": _trained(embedding(mask_zero=True), both_ways(H), HEAD),
    "trained.flatten": _trained(embedding(), ("Flatten", {"name": "flatten"}), HEAD),
}
