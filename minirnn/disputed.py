"""Which test review to look into: the one that the models of a run judge most differently, or that the only one gets most wrong.

Comes in: what each model says of the test reviews, and their labels. Goes out: one review, and sentences about it.

    one model     argmax_n |p_n - y_n|
    two           argmax_n |p_n - p'_n|

over the reviews of at most `SHORT` words, so that the pictures can show every word; over all where none is so short, and where no more
than that is read of any, so that its length is not known. It is an extreme by
construction and says nothing about the models' accuracy, which is why the sentences give the median beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

SHORT = 40
"""Words; a line of text and an axis of ticks hold about as many legibly."""


class Disputed(NamedTuple):
    """A review and how it compares.

    Attributes
    ----------
    place : its number among the test reviews.
    label : 0 or 1.
    probs : model's name to its probability of "positive".
    among : how many reviews it was chosen from.
    short : whether those were the short ones.
    gap, median : how far apart the two are, or the one is from the label, on it and on half of those reviews at most.
    """

    place: int
    label: int
    probs: dict[str, float]
    among: int
    short: bool
    gap: float
    median: float


def find(probs: Mapping[str, np.ndarray], ids: np.ndarray, labels: np.ndarray) -> Disputed:
    """Choose the review.

    Parameters
    ----------
    probs : name to probabilities of "positive" (N,), of one model or two
    ids (N,T) : the test reviews, 0 where there is padding
    labels (N,) : 0 or 1

    Examples
    --------
    >>> ids = np.ones((3, 5), int)
    >>> find({"one-hot": np.array([0.9, 0.2, 0.6]), "embedding": np.array([0.8, 0.7, 0.6])}, ids, np.array([1, 0, 1])).place
    1
    """
    lengths = np.count_nonzero(ids, axis=1)
    short = (lengths <= SHORT) & (ids.shape[1] > SHORT)
    chosen = np.flatnonzero(short) if short.any() else np.arange(len(ids))
    first, *others = probs.values()
    gaps = np.abs(first - (others[0] if others else labels))[chosen]
    at = int(chosen[gaps.argmax()])
    said = {name: float(values[at]) for name, values in probs.items()}
    return Disputed(at, int(labels[at]), said, len(chosen), bool(short.any()), float(gaps.max()), float(np.median(gaps)))


def heading(review: Disputed) -> str:
    """Say which review it is."""
    if len(review.probs) == 1:
        return f"The test review that the {next(iter(review.probs))} model gets most wrong, word by word"
    return "The test review that the two models judge most differently, word by word"


def paragraphs(review: Disputed, source: str, no_words: str = "") -> list[str]:
    """Say how it was chosen, and how far it is from the rule.

    Parameters
    ----------
    source : name of the reviews.
    no_words : why their words are not known; empty where they are.

    Examples
    --------
    >>> review = Disputed(17, 1, {"one-hot": 0.913, "embedding": 0.204}, 3_000, True, 0.709, 0.0412)
    >>> paragraphs(review, "IMDB")[0]  # doctest: +NORMALIZE_WHITESPACE
    'Of the 3,000 test reviews (IMDB) of at most 40 words, this is the one on which the two probabilities of “positive” lie furthest apart:
    one-hot 0.91, embedding 0.20, 0.71 apart. Its label is positive. It is the extreme, not the rule: on half of them they are at most 0.04
    apart.'
    """
    label = ("negative", "positive")[review.label]
    which = f"Of the {review.among:,} test reviews ({source}){f' of at most {SHORT} words' * review.short}, this is the one"
    said = ", ".join(f"{name} {p:.2f}" for name, p in review.probs.items())
    if len(review.probs) == 1:
        chosen = (
            f"{which} on which the probability of “positive” lies furthest from the label: {said}, and the label is {label}. It is the "
            f"extreme, not the rule: on half of them it is at most {review.median:.2f} away."
        )
    else:
        chosen = (
            f"{which} on which the two probabilities of “positive” lie furthest apart: {said}, {review.gap:.2f} apart. Its label is "
            f"{label}. It is the extreme, not the rule: on half of them they are at most {review.median:.2f} apart."
        )
    look = (
        "Look at which words push, and which way; at the word where the answer turns; and at how far back the loss can still be heard. "
        "The numbers are those of minirnn.trace. To watch a model read a sentence of your own, run minirnn explain on this folder."
    )
    return [chosen, look, *([f"Numbers stand for words here: {no_words}"] if no_words else [])]
