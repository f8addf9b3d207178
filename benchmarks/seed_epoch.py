"""The workload: one training epoch of the seed's two models, with the same ids, labels and first weights for everyone.

In come sizes and a seed; out come ids (N,T), labels (N,) and weights in Keras's order. Both models start as the same function of the ids,
since the one-hot kernel is E·Wx of the other model:

    embedding   ids -> E (V,E) -> SimpleRNN(H) -> Dense(1, sigmoid)
    one-hot     one_hot(ids) (T,V) -> SimpleRNN(H) -> Dense(1, sigmoid)

The weights are larger than an initializer's, so that the loss starts well away from log 2 and a model that ignores its input is found out.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a peer's import time is taken in a process that has not imported NumPy yet
    import numpy as np

MODELS = ("embedding", "one_hot")


@dataclass(frozen=True)
class SeedEpoch:
    """The sizes, the letters of `minirnn`, and the seed that everything is drawn from."""

    N: int = 20_000
    T: int = 100
    V: int = 200
    E: int = 16
    H: int = 8
    B: int = 64
    learning_rate: float = 1e-4
    seed: int = 42

    @property
    def batches(self) -> int:
        """Batches an epoch, the last, short one counted."""
        return -(-self.N // self.B)


FULL = SeedEpoch()
QUICK = SeedEpoch(N=3_200)


@dataclass(frozen=True)
class Arrays:
    """What is trained on: ids (N,T) int32 0..V-1; labels (N,) float32, 0 or 1; weights, float32, for each of `MODELS`."""

    ids: np.ndarray
    labels: np.ndarray
    weights: dict[str, list[np.ndarray]]

    def digest(self) -> str:
        """Name these very arrays: two processes that trained on the same bytes give the same digest."""
        seen = hashlib.sha256()
        for array in (self.ids, self.labels, *(w for model in MODELS for w in self.weights[model])):
            seen.update(f"{array.dtype}{array.shape}".encode())
            seen.update(array.tobytes())
        return seen.hexdigest()[:16]


def draw(work: SeedEpoch) -> Arrays:
    """Draw ids that are spread as IMDB's are, labels that can be learned from them, and the first weights.

    Of IMDB's ids at `num_words=200` and `maxlen=100`, about two in five are 2 (out of vocabulary), one row in eight is padded in front
    with 0, and the rest fall off roughly as 1/id. Repeats like these are what a scatter meets in practice.
    """
    import numpy as np

    rng = np.random.default_rng(work.seed)
    N, T, V, E, H = work.N, work.T, work.V, work.E, work.H

    share = np.zeros(V)
    share[4:] = 1 / np.arange(4, V)
    share[2] = share.sum() * 2 / 3
    ids = rng.choice(V, size=(N, T), p=share / share.sum()).astype(np.int32)
    lengths = np.where(rng.random(N) < 1 / 8, rng.integers(T // 3, T, N), T)
    ids[np.arange(T) < (T - lengths)[:, None]] = 0

    score = rng.standard_normal(V)
    last_words = score[ids[:, -20:]].sum(axis=1)
    labels = (last_words > np.median(last_words)).astype(np.float32)

    embeddings = 0.5 * rng.standard_normal((V, E))
    Wx = rng.standard_normal((E, H)) / np.sqrt(E)
    Wh = 0.9 * np.linalg.qr(rng.standard_normal((H, H)))[0]
    b = 0.1 * rng.standard_normal(H)
    dense, dense_bias = rng.standard_normal((H, 1)), 0.1 * rng.standard_normal(1)
    after_input = [Wh, b, dense, dense_bias]
    weights = {"embedding": [embeddings, Wx, *after_input], "one_hot": [embeddings @ Wx, *after_input]}
    return Arrays(ids, labels, {model: [w.astype(np.float32) for w in arrays] for model, arrays in weights.items()})
