"""Padding and one-hot: no arithmetic, so minirnn and Keras are equal bit by bit."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from minirnn import utils
from minirnn.one_hot import OneHot
from parity import keras_backend
from parity.case import SetUp, Sides, Tensors

REVIEWS = [[3, 1, 4, 1, 5], [], [9], [2, 6, 5, 3, 5, 8, 9], [7, 9, 3]]
VECTORS = [[[0.5, -1.5], [2.25, 3.0]], [[4.0, 5.5]], [[-6.0, 7.0], [8.0, 9.5], [1.75, 1.25]]]

PADDING: dict[str, tuple[Any, dict[str, Any]]] = {
    **{
        f"{padding}_{truncating}": (REVIEWS, {"maxlen": 4, "padding": padding, "truncating": truncating})
        for padding, truncating in itertools.product(("pre", "post"), repeat=2)
    },
    "longest": (REVIEWS, {}),
    "value": (REVIEWS, {"maxlen": 6, "value": 11, "dtype": "int64"}),
    "float": (REVIEWS, {"maxlen": 3, "dtype": "float32", "value": -0.5}),
    "vectors": (VECTORS, {"maxlen": 2, "dtype": "float32", "value": 0.25}),
}
IDS = np.array([[2, 0, 4, 2], [4, 4, 1, 0], [3, 2, 2, 0]])


def _pad(sequences: Any, options: dict[str, Any]) -> SetUp:
    def set_up() -> Sides:
        pad_keras = keras_backend.load().utils.pad_sequences
        return Sides(
            lambda: {"padded": utils.pad_sequences(sequences, **options)},
            lambda: {"padded": pad_keras(sequences, **options)},
        )

    return set_up


def _to_categorical() -> Sides:
    def tensors(to_categorical: Any) -> Tensors:
        return {
            "ids": to_categorical(IDS, 6),
            "labels": to_categorical(IDS[:, :1]),
            "negative": to_categorical([-1, 0, 1], 3),
            "scalar": to_categorical(2, 4),
        }

    return Sides(lambda: tensors(utils.to_categorical), lambda: tensors(keras_backend.load().utils.to_categorical))


def _one_hot() -> Sides:
    ops = keras_backend.load().ops
    return Sides(
        lambda: {"dense": np.asarray(OneHot(IDS, 6)), "row": np.asarray(OneHot(IDS, 6)[1])},
        lambda: {"dense": keras_backend.array(ops.one_hot(IDS, 6)), "row": keras_backend.array(ops.one_hot(IDS, 6))[1]},
    )


CASES: dict[str, SetUp] = {
    **{f"pad_sequences.{name}": _pad(*case) for name, case in PADDING.items()},
    "to_categorical": _to_categorical,
    "one_hot": _one_hot,
}
