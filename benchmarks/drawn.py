"""What everyone works on: ids, labels and first weights, drawn once, and read by every peer from the same files.

Comes in: sizes and a seed. Goes out: ids (N,T), labels (N,) and weights in Keras's order, for two models that start as the same function of
the ids, since the one-hot kernel is E·Wx of the other model:

    embedding   ids -> E (V,E) -> SimpleRNN(H) -> Dense(1, sigmoid)
    one-hot     one_hot(ids) (T,V) -> SimpleRNN(H) -> Dense(1, sigmoid)

The weights are larger than an initializer's, so that the loss starts well away from log 2 and a model that ignores its input is found out.
Ids are drawn block by block, so that two million reviews need no more memory than twenty thousand.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a peer's import time is taken in a process that has not imported NumPy yet
    import numpy as np

MODELS = ("embedding", "one_hot")
BLOCK = 20_000
"""Rows that are drawn at once."""

OUT_OF_VOCABULARY = {200: 0.4, 1_000: 0.24, 5_000: 0.10, 10_000: 0.057, 20_000: 0.028, 50_000: 0.007, 88_584: 0.0}
"""Vocabulary -> share of IMDB's tokens that it lacks, and that are id 2 then; between two of them along log V."""


@dataclass(frozen=True)
class Sizes:
    """The letters of `minirnn`, the learning rate, and the seed that everything is drawn from. As they stand: the seed's epoch."""

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

    @property
    def tokens(self) -> int:
        """Ids that an epoch reads."""
        return self.N * self.T


@dataclass(frozen=True)
class Arrays:
    """What is trained on: ids (N,T) int32 0..V-1; labels (N,) float32, 0 or 1; weights, float32, for each of `MODELS`."""

    ids: np.ndarray
    labels: np.ndarray
    weights: dict[str, list[np.ndarray]]

    def first(self, rows: int) -> Arrays:
        """Give the first rows alone, with the same weights."""
        return Arrays(self.ids[:rows], self.labels[:rows], self.weights)


def draw(work: Sizes, folder: Path | None = None) -> Arrays:
    """Draw ids that are spread as IMDB's are, labels that can be learned from them, and the first weights.

    Some of IMDB's ids at `maxlen=100` are 2 (`OUT_OF_VOCABULARY`), one row in eight is padded in front with 0, and the rest fall off
    roughly as 1/id. Repeats like these are what a scatter meets in practice, and rare words what an optimizer meets.

    Parameters
    ----------
    work
        The sizes.
    folder
        Where the arrays are written, for `load`; the ids are then a map of their file. None keeps all in memory.
    """
    import numpy as np

    if folder is None:
        ids = np.empty((work.N, work.T), np.int32)
    else:
        ids = np.lib.format.open_memmap(folder / "ids.npy", mode="w+", dtype=np.int32, shape=(work.N, work.T))
    score = np.random.default_rng(work.seed).standard_normal(work.V)
    last_words = np.empty(work.N)
    for number, start in enumerate(range(0, work.N, BLOCK)):
        rows = slice(start, min(start + BLOCK, work.N))
        ids[rows] = draw_ids(np.random.default_rng((work.seed, number)), rows.stop - start, work.T, work.V)
        last_words[rows] = score[ids[rows, -20:]].sum(axis=1)
    labels = (last_words > np.median(last_words)).astype(np.float32)
    arrays = Arrays(ids, labels, draw_weights(work))
    if folder is not None:
        np.save(folder / "labels.npy", labels)
        for model in MODELS:
            np.savez(folder / f"{model}.npz", *arrays.weights[model])
    return arrays


def load(folder: Path, *, streamed: bool = False) -> Arrays:
    """Read what `draw` has written; `streamed` leaves the ids in their file, as a read-only map."""
    import numpy as np

    ids = np.load(folder / "ids.npy", mmap_mode="r" if streamed else None)
    weights = {}
    for model in MODELS:
        with np.load(folder / f"{model}.npz") as stored:
            weights[model] = [stored[name] for name in stored.files]
    return Arrays(ids, np.load(folder / "labels.npy"), weights)


def draw_ids(rng: np.random.Generator, N: int, T: int, V: int) -> np.ndarray:
    """Draw ids (N,T) int32 0..V-1, padded in front."""
    import numpy as np

    share = np.zeros(V)
    share[4:] = 1 / np.arange(4, V)
    missing = np.interp(np.log(V), np.log(list(OUT_OF_VOCABULARY)), list(OUT_OF_VOCABULARY.values()))
    share[2] = share.sum() * missing / (1 - missing)
    ids = rng.choice(V, size=(N, T), p=share / share.sum()).astype(np.int32)
    lengths = np.where(rng.random(N) < 1 / 8, rng.integers(T // 3, T, N), T)
    ids[np.arange(T) < (T - lengths)[:, None]] = 0
    return ids


def draw_weights(work: Sizes) -> dict[str, list[np.ndarray]]:
    """Draw the first weights of both models, float32."""
    import numpy as np

    rng = np.random.default_rng(work.seed + 1)
    V, E, H = work.V, work.E, work.H
    embeddings = 0.5 * rng.standard_normal((V, E))
    Wx = rng.standard_normal((E, H)) / np.sqrt(E)
    Wh = 0.9 * np.linalg.qr(rng.standard_normal((H, H)))[0]
    b = 0.1 * rng.standard_normal(H)
    # Of one size whatever H is, and so are the logits and the rounding in the loss.
    dense, dense_bias = rng.standard_normal((H, 1)) * np.sqrt(8 / H), 0.1 * rng.standard_normal(1)
    after_input = [Wh, b, dense, dense_bias]
    weights = {"embedding": [embeddings, Wx, *after_input], "one_hot": [embeddings @ Wx, *after_input]}
    return {model: [w.astype(np.float32) for w in arrays] for model, arrays in weights.items()}


def draw_reviews(work: Sizes) -> tuple[list[list[int]], list[int]]:
    """Draw N reviews as lists of ids, and labels. Their lengths are IMDB's: log-normal, median 178, mean about 235, 11 to 2,494 ids."""
    import numpy as np

    rng = np.random.default_rng(work.seed)
    lengths = np.clip(np.exp(rng.normal(np.log(178), 0.75, work.N)), 11, 2_494).astype(int)
    flat = draw_ids(rng, 1, int(lengths.sum()) * 2, work.V)[0]
    words = flat[flat > 0][: lengths.sum()]
    score = rng.standard_normal(work.V)
    reviews = [part.tolist() for part in np.split(words, np.cumsum(lengths)[:-1])]
    last_words = np.array([score[review[-20:]].sum() for review in reviews])
    return reviews, (last_words > np.median(last_words)).astype(int).tolist()
