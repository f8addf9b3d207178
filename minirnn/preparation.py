"""From reviews to what the models are fed: the split, and ids of one length.

Comes in: a corpus and settings. Goes out: padded ids and labels, for training, validation and test, and the lengths before padding.

Source: the split is scikit-learn's ``train_test_split`` with the seed that every published figure of this job uses.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minirnn.corpus import Corpus
from minirnn.runs import Settings
from minirnn.utils import pad_sequences

VALIDATION_SHARE = 0.2
SPLIT_SEED = 42
"""Of scikit-learn's split: the one that every published figure of this job uses. ``--seed`` does not change it."""
ORDER_SEED = 113
"""Of the order in which `load_data` gives the reviews; Keras's default."""


class Examples(NamedTuple):
    """ids (N,T) int32, padded; labels (N,) int64: 1 = positive."""

    ids: np.ndarray
    labels: np.ndarray


class Prepared(NamedTuple):
    """The three sets, and the lengths (N,) of the training reviews before padding, in ids."""

    train: Examples
    validation: Examples
    test: Examples
    lengths: np.ndarray


def prepare(corpus: Corpus, settings: Settings) -> Prepared:
    """Load, split and pad.

    Raises
    ------
    OSError, ValueError
        The reviews cannot be read.
    """
    from sklearn.model_selection import train_test_split  # here because it takes 0.7 s to import

    (reviews, labels), (test_reviews, test_labels) = corpus.load(settings.num_words)
    train_reviews, val_reviews, train_labels, val_labels = train_test_split(
        reviews, labels, test_size=VALIDATION_SHARE, random_state=SPLIT_SEED
    )
    return Prepared(
        Examples(pad_sequences(train_reviews, maxlen=settings.maxlen), train_labels),
        Examples(pad_sequences(val_reviews, maxlen=settings.maxlen), val_labels),
        Examples(pad_sequences(test_reviews, maxlen=settings.maxlen), test_labels),
        np.array([len(review) for review in train_reviews]),
    )


def prepare_test(corpus: Corpus, num_words: int, maxlen: int | None) -> Examples:
    """Load and pad the test set alone, for models that are trained."""
    _, (reviews, labels) = corpus.load(num_words)
    return Examples(pad_sequences(reviews, maxlen=maxlen), labels)


def length_statistics(lengths: np.ndarray, maxlen: int) -> dict[str, float]:
    """Give mean, median, shortest and longest length in ids, and the share of reviews that are cut to ``maxlen``."""
    return {
        "mean": float(np.mean(lengths)),
        "median": float(np.median(lengths)),
        "shortest": int(lengths.min()),
        "longest": int(lengths.max()),
        "cut_share": float(np.mean(lengths > maxlen)),
    }
