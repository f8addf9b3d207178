"""Keras and minirnn, driven by the same lines: the model that a user would write, and `fit`, `evaluate`, `predict` on it.

Comes in: the module that is called, the peer's options, sizes and arrays. Goes out: a session, and the calls that only such models have.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.drawn import Arrays, Sizes
from benchmarks.peers import Peer, Unavailable


def build(api: Any, peer: Peer, model_name: str, work: Sizes, weights: list[np.ndarray]) -> Any:
    """Build and compile a model, and give it its first weights."""
    layers = api.layers
    if model_name == "embedding":
        front = [api.Input((work.T,)), layers.Embedding(work.V, work.E)]
    else:
        front = [api.Input((work.T, work.V))]
    model = api.Sequential([*front, layers.SimpleRNN(work.H), layers.Dense(1, activation="sigmoid")], **peer.build_options)
    optimizer = api.optimizers.RMSprop(learning_rate=work.learning_rate, **peer.optimizer_options)
    model.compile(optimizer=optimizer, loss="binary_crossentropy", metrics=["accuracy"], **peer.compile_options)
    model.set_weights([w.copy() for w in weights])
    return model


class FitSession:
    """`model.fit(..., epochs=1, verbose=0)` and the rest, in Keras or in minirnn."""

    def __init__(self, api: Any, peer: Peer, model: str, work: Sizes, arrays: Arrays) -> None:
        self.api, self.peer, self.work, self.arrays = api, peer, work, arrays
        self.x = arrays.ids if model == "embedding" else self._one_hot()
        self.model = build(api, peer, model, work, arrays.weights[model])

    def _one_hot(self) -> Any:
        ids, V = self.arrays.ids, self.work.V
        if self.peer.module == "minirnn":
            return self.api.OneHot(ids, V)
        dense = np.zeros((*ids.shape, V), np.float32)
        np.put_along_axis(dense, ids[..., None], 1, axis=-1)
        return dense

    def epoch(self) -> float:
        """Train one epoch; give its loss, in nats."""
        return self._fit()["loss"][0]

    def validated_epoch(self, n: int) -> list[float]:
        """Train one epoch, evaluate the first n rows after it as `fit` does; give both losses."""
        history = self._fit(validation_data=(self.x[:n], self.arrays.labels[:n]))
        return [history["loss"][0], history["val_loss"][0]]

    def _fit(self, **options: Any) -> dict[str, list[float]]:
        # Not shuffled, so that everyone's batches are the same and the losses can be compared.
        history = self.model.fit(self.x, self.arrays.labels, batch_size=self.work.B, epochs=1, shuffle=False, verbose=0, **options).history
        return {name: [float(value) for value in values] for name, values in history.items()}

    def evaluate(self, n: int) -> float:
        """Give the loss of the first n rows."""
        loss = self.model.evaluate(self.x[:n], self.arrays.labels[:n], batch_size=self.work.B, verbose=0)
        return float(loss[0] if isinstance(loss, (list, tuple)) else loss)

    def predict(self, ids: np.ndarray) -> np.ndarray:
        """Give the probabilities (N,), by the `predict` and the batch size that a user gets who names none."""
        return np.asarray(self.model.predict(ids, verbose=0))[:, 0]

    def call(self, ids: np.ndarray) -> np.ndarray:
        """Give the probabilities (N,) by calling the model itself, back as an array."""
        outputs = self.model(ids)
        return np.asarray(self.api.ops.convert_to_numpy(outputs) if self.peer.module == "keras" else outputs)[:, 0]

    def ways(self) -> dict[str, Callable[[np.ndarray], Any]]:
        """Give the ways to the probability of one review (T,), by name.

        Raises
        ------
        Unavailable
            This minirnn has no `predict_one`.
        """
        if self.peer.module == "minirnn":
            if not hasattr(self.model, "predict_one"):
                raise Unavailable("this version of minirnn has no predict_one")
            return {"predict_one": self.model.predict_one}
        return {
            "predict": lambda ids: self.predict(ids[None]),
            "predict_on_batch": lambda ids: self.model.predict_on_batch(ids[None]),
            "call": lambda ids: self.call(ids[None]),
        }
