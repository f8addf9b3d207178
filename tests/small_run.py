"""A review archive small enough to train on in a test, and a canned run of two models."""

from __future__ import annotations

import json

import numpy as np

from minirnn.findings import Curve
from minirnn.plateau import Inside
from minirnn.runs import Outcome, Record, Settings

WORDS = ("the", "film", "great", "awful", "was", "plot")
"""Ranks 1..6, so ids 4..9."""

TRAIN, TEST = 45, 30


def write_imdb(folder):
    """Write imdb.npz and the word index: a review that says "great" is positive, one that says "awful" negative."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)

    def split(N):
        labels = rng.permutation(np.arange(N) % 2).astype(np.int64)
        reviews = np.empty(N, dtype=object)
        for n in range(N):
            review = rng.choice([1, 2, 5, 6], size=rng.integers(2, 13)).tolist()
            review[rng.integers(len(review))] = 3 if labels[n] else 4
            reviews[n] = review
        return reviews, labels

    (x_train, y_train), (x_test, y_test) = split(TRAIN), split(TEST)
    np.savez(folder / "imdb.npz", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    index = {word: rank for rank, word in enumerate(WORDS, start=1)}
    (folder / "imdb_word_index.json").write_text(json.dumps(index), encoding="utf-8")
    return folder


SLOW = {
    "loss": [0.71, 0.70, 0.66, 0.61, 0.58],
    "accuracy": [0.49, 0.52, 0.6, 0.68, 0.71],
    "val_loss": [0.705, 0.698, 0.67, 0.602, 0.61],
    "val_accuracy": [0.5, 0.51, 0.58, 0.67, 0.66],
}
FAST = {"loss": [0.66, 0.55, 0.5], "accuracy": [0.6, 0.7, 0.75], "val_loss": [0.65, 0.561, 0.57], "val_accuracy": [0.61, 0.72, 0.71]}
HISTORIES = {"onehot": SLOW, "embedding": FAST}


def curves():
    """Give the canned curves: one-hot is best at epoch 4 of 5, embedding at epoch 2 of 3."""
    return [Curve("one-hot", SLOW, 4, 0.66), Curve("embedding", FAST, 2, 0.715)]


def insides():
    """Give what was recorded inside the canned models: the one-hot model's words add up from epoch 4 on."""
    slow = Inside(
        "one-hot", 100, SLOW["val_loss"], [9, 8, 8, 30, 40], [1, 1.1, 0.9, 20, 30], [0.02, 0.05, 0.07, 0.1, 0.14], [0.1] * 5, 12.0
    )
    return [slow, Inside("embedding", 100, FAST["val_loss"], [50, 60, 55], [40, 55, 50], [0.2, 0.4, 0.5], [0.2] * 3, 0.0)]


def outcome(encoding, **changes):
    history, best, tested = (SLOW, 4, 0.66) if encoding == "onehot" else (FAST, 2, 0.715)
    figures = {
        "encoding": encoding,
        "parameters": 1_681 if encoding == "onehot" else 3_409,
        "input_bytes": 8_000_000,
        "input_bytes_dense": 1_600_000_000 if encoding == "onehot" else 8_000_000,
        "epochs": len(history["loss"]),
        "best_epoch": best,
        "stopped_early": True,
        "val_loss": history["val_loss"][best - 1],
        "val_accuracy": history["val_accuracy"][best - 1],
        "test_loss": 0.6123,
        "test_accuracy": tested,
        "seconds": 4.75,
        "epoch_seconds": [0.9, *[0.25] * (len(history["loss"]) - 1)],
    }
    return Outcome(**figures | changes)


def record(kind="imdb", encodings=("onehot", "embedding"), **settings):
    """Give the record of the canned run."""
    path = "/home/a user/imdb.npz" if kind == "imdb" else None
    name = f"IMDB, {path} (the path given)" if kind == "imdb" else "built-in reviews (generated, not IMDB)"
    return Record(
        settings=Settings(**settings),
        data={
            "kind": kind,
            "name": name,
            "path": path,
            "origin": "the path given",
            "sha256": None,
            "reviews": {"train": 20_000, "validation": 5_000, "test": 25_000},
        },
        lengths={"mean": 239.00925, "median": 178.0, "shortest": 11, "longest": 1_854, "cut_share": 0.887},
        seeds={"order": 113, "split": 42, "weights and shuffling": 42},
        versions={"minirnn": "0.1.0", "python": "3.11.9"},
        machine={"system": "Linux", "processors": 2, "backend": "numba"},
        started="2026-11-23T11:00:00+01:00",
        status="finished",
        models={encoding: outcome(encoding) for encoding in encodings},
    )
