"""What a peer of the benchmarks is compared with: minirnn on the same arrays, on sizes that all differ.

A peer's `Session` trains an epoch, evaluates and predicts; `compare` does all three beside a model of minirnn's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import minirnn
from benchmarks.drawn import Arrays, Sizes, draw
from benchmarks.equality import AFTER_TOLERANCE, BEFORE_TOLERANCE

EPOCHS = 3

WORKLOADS = {
    "a short last batch": Sizes(N=70, T=9, V=13, E=5, H=8, B=32, learning_rate=1e-3, seed=3),
    "no short batch": Sizes(N=48, T=7, V=11, E=6, H=3, B=12, learning_rate=1e-3, seed=4),
    "one short batch only": Sizes(N=17, T=5, V=9, E=4, H=6, B=40, learning_rate=1e-3, seed=5),
    "more words than a batch looks up": Sizes(N=23, T=6, V=500, E=4, H=8, B=5, learning_rate=1e-3, seed=6),
    "one row a batch, one step": Sizes(N=4, T=1, V=7, E=3, H=2, B=1, learning_rate=1e-3, seed=7),
    "many units": Sizes(N=19, T=8, V=31, E=12, H=40, B=8, learning_rate=1e-3, seed=8),
}


def minirnn_model(work: Sizes, arrays: Arrays, model: str) -> Any:
    """Build and compile minirnn's model with the workload's first weights."""
    layers = minirnn.layers
    front = [minirnn.Input((work.T,)), layers.Embedding(work.V, work.E)] if model == "embedding" else [minirnn.Input((work.T, work.V))]
    built = minirnn.Sequential([*front, layers.SimpleRNN(work.H), layers.Dense(1, activation="sigmoid")])
    built.compile(optimizer=minirnn.optimizers.RMSprop(learning_rate=work.learning_rate), loss="binary_crossentropy")
    built.set_weights(arrays.weights[model])
    return built


def compare(session_class: Any, work: Sizes, model: str) -> None:
    """Train minirnn and a peer side by side and assert that they report the same."""
    arrays = draw(work)
    first = [w.copy() for w in arrays.weights[model]]
    mine = minirnn_model(work, arrays, model)
    x = arrays.ids if model == "embedding" else minirnn.OneHot(arrays.ids, work.V)
    theirs = session_class(work, arrays, model)
    n = max(1, work.N // 3)

    loss_before = theirs.evaluate(n)
    np.testing.assert_allclose(loss_before, mine.evaluate(x[:n], arrays.labels[:n], verbose=0), rtol=0, atol=BEFORE_TOLERANCE)

    history = mine.fit(x, arrays.labels, batch_size=work.B, epochs=EPOCHS, shuffle=False, verbose=0).history["loss"]
    losses = [theirs.epoch() for _ in range(EPOCHS)]
    np.testing.assert_allclose(losses, history, rtol=0, atol=AFTER_TOLERANCE)

    probs = theirs.predict(arrays.ids)
    assert probs.dtype == np.float32
    assert probs.shape == (work.N,)
    np.testing.assert_allclose(probs, mine.predict(x, verbose=0)[:, 0], rtol=0, atol=AFTER_TOLERANCE)
    assert abs(theirs.evaluate(n) - loss_before) > 10 * AFTER_TOLERANCE, "it has learned, so losses that agree mean something"
    for weight, as_drawn in zip(arrays.weights[model], first, strict=True):
        np.testing.assert_array_equal(weight, as_drawn, "the first weights are other peers' too")
