"""The seed's two models, trained for one epoch on small data, in the data's order: every batch's running loss, the epoch's loss and
accuracy, those of the validation, and all weights afterwards.

With RMSprop, TensorFlow squares each lookup's gradient before summing (D2); JAX and torch square the sum, and so does minirnn. On
TensorFlow the embedding model therefore ends elsewhere, on purpose, and ``embedding_update="per_lookup"`` is all that separates the two:
with it minirnn ends where TensorFlow ends, and not where JAX does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.one_hot import OneHot
from parity import keras_side, minirnn_side
from parity.case import SetUp, Sides, Tensors
from parity.cases.draws import tokens
from parity.cases.stacks import HEAD, embedding, model_weights, rnn

N, VALIDATION, T, V, E, H, BATCH = 150, 41, 20, 50, 16, 8, 32
OPTIMIZER = {"learning_rate": 2.0**-9, "rho": 0.875, "epsilon": 2.0**-23}
"""Near the seed's, and the same number in float32 and float64."""

EMBEDDING_MODEL = (embedding(input_dim=V, output_dim=E), rnn(H), HEAD)
FLAT_MODEL = (embedding(input_dim=V, output_dim=E), ("Flatten", {"name": "flatten"}), HEAD)
ONE_HOT_MODEL = (rnn(H), HEAD)
REPORTED_IN_FLOAT32 = ("loss", "accuracy", "running_loss", "val_loss", "val_accuracy")


def _examples(rng: np.random.Generator, N: int) -> tuple[np.ndarray, np.ndarray]:
    return tokens(rng, N, T, V), rng.integers(0, 2, N)


def _weights_only(tensors: Tensors) -> Tensors:
    """What Keras computes in float64 when it is asked to: weights, not what it reports."""
    return {name: tensor for name, tensor in tensors.items() if name not in REPORTED_IN_FLOAT32}


def _epoch(
    specs: tuple[tuple[str, dict[str, Any]], ...], one_hot: bool = False, embedding_update: str = "summed", **optimizer: Any
) -> SetUp:
    def set_up() -> Sides:
        rng = np.random.default_rng(81)
        weights = model_weights(rng, specs, V, T)
        (ids, y), (val_ids, val_y) = _examples(rng, N), _examples(rng, VALIDATION)
        x, val_x = (OneHot(ids, V), OneHot(val_ids, V)) if one_hot else (ids, val_ids)
        shape, fit = x.shape[1:], {"batch_size": BATCH, "epochs": 1}

        def ours(**options: Any) -> Tensors:
            model = minirnn_side.build_model(specs, shape, weights, **options)
            own = {**OPTIMIZER, **optimizer, "embedding_update": embedding_update}
            return minirnn_side.fit_tensors(model, own, {"x": x, "y": y, "validation_data": (val_x, val_y)}, **fit)

        def keras(dtype: str) -> Tensors:
            model = keras_side.build_model(specs, shape, weights, dtype, None if one_hot else "int32")
            data = {"x": np.asarray(x), "y": y, "validation_data": (np.asarray(val_x), val_y)}
            return keras_side.fit_tensors(model, {**OPTIMIZER, **optimizer}, data, **fit)

        return Sides(ours, lambda: keras("float32"), lambda: ours(**minirnn_side.TRUTH), lambda: _weights_only(keras("float64")))

    return set_up


CASES: dict[str, SetUp] = {
    "model.one_hot.epoch": _epoch(ONE_HOT_MODEL, one_hot=True),
    "model.embedding.epoch": _epoch(EMBEDDING_MODEL),
    "model.embedding.epoch.per_lookup": _epoch(EMBEDDING_MODEL, embedding_update="per_lookup"),
    **{
        f"model.embedding.epoch.per_lookup.{name}": _epoch(EMBEDDING_MODEL, embedding_update="per_lookup", **{name: value})
        for name, value in (("momentum", 0.5), ("weight_decay", 0.25), ("clipnorm", 2.0**-5), ("global_clipnorm", 2.0**-6))
    },
    "model.embedding.epoch.per_lookup.flatten": _epoch(FLAT_MODEL, embedding_update="per_lookup"),
}
