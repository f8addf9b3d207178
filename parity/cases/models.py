"""The seed's two models, trained for one epoch on small data, in the data's order: every batch's running loss, the epoch's loss and
accuracy, those of the validation, and all weights afterwards.

With RMSprop, TensorFlow squares each lookup's gradient before summing (D2); JAX and torch square the sum, and so does minirnn. On
TensorFlow the embedding model therefore ends elsewhere, on purpose, and a second case shows that this is all that separates the two:
minirnn's own layers, updated TensorFlow's way, end where TensorFlow ends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minirnn.one_hot import OneHot
from parity import keras_side, minirnn_side, per_lookup
from parity.case import SetUp, Sides, Tensors
from parity.cases.draws import tokens
from parity.cases.stacks import HEAD, embedding, model_weights, rnn

N, VALIDATION, T, V, E, H, BATCH = 150, 41, 20, 50, 16, 8, 32
OPTIMIZER = {"learning_rate": 2.0**-9, "rho": 0.875, "epsilon": 2.0**-23}
"""Near the seed's, and the same number in float32 and float64."""

EMBEDDING_MODEL = (embedding(input_dim=V, output_dim=E), rnn(H), HEAD)
ONE_HOT_MODEL = (rnn(H), HEAD)
REPORTED_IN_FLOAT32 = ("loss", "accuracy", "running_loss", "val_loss", "val_accuracy")


def _examples(rng: np.random.Generator, N: int) -> tuple[np.ndarray, np.ndarray]:
    return tokens(rng, N, T, V), rng.integers(0, 2, N)


def _weights_only(tensors: Tensors) -> Tensors:
    """What Keras computes in float64 when it is asked to: weights, not what it reports."""
    return {name: tensor for name, tensor in tensors.items() if name not in REPORTED_IN_FLOAT32}


def _epoch(specs: tuple[tuple[str, dict[str, Any]], ...], one_hot: bool, check_truth: bool) -> SetUp:
    def set_up() -> Sides:
        rng = np.random.default_rng(81)
        weights = model_weights(rng, specs, V, T)
        (ids, y), (val_ids, val_y) = _examples(rng, N), _examples(rng, VALIDATION)
        x, val_x = (OneHot(ids, V), OneHot(val_ids, V)) if one_hot else (ids, val_ids)
        shape, fit = x.shape[1:], {"batch_size": BATCH, "epochs": 1}

        def ours(**options: Any) -> Tensors:
            model = minirnn_side.build_model(specs, shape, weights, **options)
            return minirnn_side.fit_tensors(model, OPTIMIZER, {"x": x, "y": y, "validation_data": (val_x, val_y)}, **fit)

        def keras(dtype: str) -> Tensors:
            model = keras_side.build_model(specs, shape, weights, dtype, None if one_hot else "int32")
            data = {"x": np.asarray(x), "y": y, "validation_data": (np.asarray(val_x), val_y)}
            return keras_side.fit_tensors(model, OPTIMIZER, data, **fit)

        checked: Callable[[], Tensors] | None = (lambda: _weights_only(keras("float64"))) if check_truth else None
        return Sides(ours, lambda: keras("float32"), lambda: ours(**minirnn_side.TRUTH), checked)

    return set_up


def _per_lookup() -> Sides:
    rng = np.random.default_rng(81)
    weights, (ids, y) = model_weights(rng, EMBEDDING_MODEL, V, T), _examples(rng, N)

    def ours(dtype: str) -> Tensors:
        model = minirnn_side.build_model(EMBEDDING_MODEL, (T,), weights, dtype=dtype, backend="numpy")
        return per_lookup.train(model, ids, y, BATCH, **OPTIMIZER)

    def keras(dtype: str) -> Tensors:
        model = keras_side.build_model(EMBEDDING_MODEL, (T,), weights, dtype, "int32")
        tensors = keras_side.fit_tensors(model, OPTIMIZER, {"x": ids, "y": y}, batch_size=BATCH, epochs=1)
        return _weights_only(tensors)

    return Sides(lambda: ours("float32"), lambda: keras("float32"), lambda: ours("float64"), lambda: keras("float64"))


CASES: dict[str, SetUp] = {
    "model.one_hot.epoch": _epoch(ONE_HOT_MODEL, one_hot=True, check_truth=True),
    "model.embedding.epoch": _epoch(EMBEDDING_MODEL, one_hot=False, check_truth=True),
    "model.embedding.epoch_per_lookup": _per_lookup,
}
