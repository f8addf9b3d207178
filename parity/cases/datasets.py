"""imdb.load_data, every argument of it, on a small archive in IMDB's own layout: lists and labels are equal."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from minirnn.datasets import imdb
from parity import keras_backend
from parity.case import SetUp, Sides, Tensors

OPTIONS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "num_words": {"num_words": 20},
    "skip_top": {"num_words": 25, "skip_top": 6},
    "maxlen": {"maxlen": 9},
    "seed": {"seed": 7, "num_words": 30},
    "no_oov": {"num_words": 15, "oov_char": None},
    "no_start": {"start_char": None, "index_from": 0},
    "characters": {"start_char": 5, "oov_char": 9, "index_from": 12, "num_words": 33},
}


def write_archive(path: Path) -> None:
    """Write 23 + 17 reviews of 1 to 14 ids, 1..40."""
    rng = np.random.default_rng(3)
    arrays: dict[str, np.ndarray] = {}
    for split, N in (("train", 23), ("test", 17)):
        reviews = np.empty(N, object)
        reviews[:] = [(1 + 40 * rng.random(rng.integers(1, 15)) ** 2).astype(int).tolist() for _ in range(N)]
        arrays[f"x_{split}"], arrays[f"y_{split}"] = reviews, rng.integers(0, 2, N)
    np.savez(path, **arrays)  # type: ignore[arg-type]  # the stub takes its keywords for its options


def _tensors(loaded: Any) -> Tensors:
    """Bring what load_data gives into arrays: all ids in a row, and how many each review has."""
    tensors = {}
    for split, (x, y) in zip(("train", "test"), loaded, strict=True):
        tensors[f"x_{split}"] = np.array([v for review in x for v in review])
        tensors[f"lengths_{split}"] = np.array([len(review) for review in x])
        tensors[f"y_{split}"] = np.asarray(y)
    return tensors


@contextmanager
def _archive() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        write_archive(Path(folder) / "imdb.npz")
        yield Path(folder) / "imdb.npz"


def _set_up(options: dict[str, Any]) -> SetUp:
    def set_up() -> Sides:
        load_keras = keras_backend.load().datasets.imdb.load_data

        def ours() -> Tensors:
            with _archive() as path:
                return _tensors(imdb.load_data(path, **options))

        def keras() -> Tensors:
            # Keras would hold the file against IMDB's own checksum, so its download is left out.
            with _archive() as path, mock.patch("keras.src.datasets.imdb.get_file", return_value=str(path)):
                return _tensors(load_keras(**options))

        return Sides(ours, keras)

    return set_up


CASES = {f"imdb.load_data.{name}": _set_up(options) for name, options in OPTIONS.items()}
