"""The built-in reviews: short English film reviews, generated, in which the order of the words decides.

Comes in: a seed. Goes out: 25,000 + 25,000 reviews as ids and labels, under the same contract as ``imdb``.

A review is a row of sentences. Some say nothing ("we saw it on a rainy evening"); the others say what the reviewer felt, and nearly all
of these say it by order:

    the plot was not dull but clever            the plot was not clever but dull
    my friends praised it but i hated it        my friends hated it but i praised it
    i expected it to be silly and it was great  i expected it to be great and it was silly

The left and the right ones hold the same words, so a bag of words cannot tell them apart; a network that reads in order can. "The plot was
great" and "the plot was not dull at all" pull a bag of words in opposite directions. It is the smallest corpus on which recurrence
visibly matters. It is not IMDB, and no figure from it says anything about IMDB.

Everything is drawn as integers from NumPy's RandomState, whose streams are frozen: the same reviews on every platform, in every release.
"""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np

from minirnn.datasets import imdb
from minirnn.datasets.imdb import Split, decode
from minirnn.datasets.npz import Reviews

EXAMPLES = 25_000
"""Reviews in each split, as in IMDB."""

SLOTS = {
    "good": ["good", "great", "clever", "funny", "moving", "charming", "brilliant", "touching", "gripping"],
    "bad": ["bad", "awful", "dull", "silly", "boring", "weak", "flat", "clumsy", "tedious"],
    "like": ["loved", "enjoyed", "praised", "admired"],
    "dislike": ["hated", "disliked", "mocked", "dreaded"],
    "thing": ["film", "plot", "story", "acting", "music", "ending", "cast", "script", "dialogue"],
    "scene": ["film", "story"],
    "others": ["my friends", "the critics", "most people", "everyone", "the whole room"],
}
"""What each word in braces stands for. In a negative review good and bad change places, and so do like and dislike."""

FELT = (
    "the {thing} was not {bad} but {good}",
    "{others} {dislike} it but i {like} it",
    "i expected it to be {bad} and it was {good}",
    "{others} said the {thing} was {bad} yet i found it {good}",
    "far from {bad} the {thing} is {good}",
    "i would not call the {thing} {bad} because it is {good}",
    "the {thing} was {good}",
    "the {thing} was not {bad} at all",
)
"""Sentences of a positive review that say what was felt."""

SAID = (
    "we saw it on a rainy evening",
    "it runs for more than two hours",
    "the {scene} begins in a small town by the sea",
    "it was shot in one long winter",
    "the lead plays a young doctor",
    "this is the second part of a series",
    "it is based on an old book",
    "there is a long scene on a night train",
    "the director has made three other films",
    "half of the {scene} takes place in one house",
    "i watched it with {others}",
    "the tickets were cheap and the seats were hard",
)
"""Sentences that say nothing of it."""

SENTENCES = np.array([4, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 11, 12, 14, 17, 21, 27, 38])
"""Numbers of sentences in a review, each as likely as the others: most reviews are short, a few long."""

SAID_PERCENT = 35
"""How many sentences in a hundred, the last one apart, say nothing."""

OPPOSITE = {"good": "bad", "bad": "good", "like": "dislike", "dislike": "like"}


def load_data(
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int | None = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
) -> tuple[Split, Split]:
    """Generate the reviews; the arguments mean what they mean in ``imdb.load_data``.

    Parameters
    ----------
    num_words : ids from here on become ``oov_char``; 200 keeps every word
    skip_top, maxlen, start_char, oov_char, index_from : as in ``imdb.load_data``
    seed : of the shuffle; the reviews themselves are always the same

    Returns
    -------
    (x_train, y_train), (x_test, y_test)
        x (25000,) object: one list of int per review. y (25000,) int64: 1 = positive, 0 = negative.

    Raises
    ------
    TypeError, ValueError
        As ``imdb.load_data``.

    Examples
    --------
    >>> (x_train, y_train), _ = load_data(num_words=200)
    >>> len(x_train), int(y_train.sum())
    (25000, 12500)
    """
    given = (num_words, skip_top, maxlen, seed, start_char, oov_char, index_from)
    imdb.check_arguments("reviews.load_data", given)
    return imdb.arrange((generate(0), generate(1)), *given)


def get_word_index() -> dict[str, int]:
    """Give each word its rank, 1 for the most frequent one; the id of a word is its rank + ``index_from``.

    Examples
    --------
    >>> word_index = get_word_index()
    >>> len(word_index) < 200, sorted(word_index, key=word_index.get)[:3]
    (True, ['the', 'it', 'was'])
    """
    return dict(_vocabulary())


def encode(text: str, num_words: int | None = None, **offsets: Any) -> list[int]:
    """Turn a text into ids, as ``imdb.encode`` does, with these reviews' words.

    Examples
    --------
    >>> decode(encode("not bad at all"), word_index=get_word_index())
    '<start> not bad at all'
    """
    return imdb.encode(text, num_words, word_index=get_word_index(), **offsets)


def generate(split: int) -> Reviews:
    """Draw one split.

    Parameters
    ----------
    split : 0 for training, 1 for test; each has a stream of its own

    Returns
    -------
    Reviews
        Ranks of words, half of the reviews positive.

    Examples
    --------
    >>> drawn = generate(split=1)
    >>> len(drawn.labels), float(drawn.labels.mean())
    (25000, 0.5)
    """
    rng = np.random.RandomState([20261123, split])
    pool, starts, counts = _pool()
    labels = np.arange(EXAMPLES, dtype=np.int64) % 2
    sentences = SENTENCES[rng.randint(len(SENTENCES), size=EXAMPLES, dtype=np.int64)]
    ends = np.cumsum(sentences)
    total = int(ends[-1])
    # a sentence's template: one of FELT for the review's label, or one of SAID
    felt = rng.randint(len(FELT), size=total, dtype=np.int64) + len(FELT) * np.repeat(labels, sentences)
    said = rng.randint(len(SAID), size=total, dtype=np.int64) + 2 * len(FELT)
    says_nothing = rng.randint(100, size=total, dtype=np.int64) < SAID_PERCENT
    says_nothing[ends - 1] = False
    template = np.where(says_nothing, said, felt)
    # and which of its fillings
    chosen = pool.take(starts[template] + rng.randint(counts[template], dtype=np.int64))
    lengths = np.add.reduceat(chosen.lengths, ends - sentences)
    return Reviews(chosen.flat, lengths, labels)


def _fillings(template: str, positive: bool) -> list[list[str]]:
    """Every sentence that a template gives, as words."""
    names = [name for name in SLOTS if "{" + name + "}" in template]
    meant = [name if positive else OPPOSITE.get(name, name) for name in names]
    choices = itertools.product(*(SLOTS[name] for name in meant))
    return [template.format(**dict(zip(names, words, strict=True))).split() for words in choices]


@functools.cache
def _templates() -> list[list[list[str]]]:
    """The sentences of each template: FELT negative, FELT positive, SAID."""
    felt = [_fillings(template, positive) for positive in (False, True) for template in FELT]
    return felt + [_fillings(template, True) for template in SAID]


@functools.cache
def _vocabulary() -> dict[str, int]:
    """Word -> rank, by how often each is expected in a review; words that are equally frequent go by the alphabet."""
    shares: dict[str, float] = {}
    for number, sentences in enumerate(_templates()):
        share = SAID_PERCENT / len(SAID) if number >= 2 * len(FELT) else (100 - SAID_PERCENT) / (2 * len(FELT))
        for sentence in sentences:
            for word in sentence:
                shares[word] = shares.get(word, 0.0) + share / len(sentences)
    ordered = sorted(shares, key=lambda word: (-round(shares[word], 9), word))
    return {word: rank for rank, word in enumerate(ordered, start=1)}


@functools.cache
def _pool() -> tuple[Reviews, np.ndarray, np.ndarray]:
    """Every sentence as ranks, end to end; where each template's sentences start, and how many it has."""
    ranks = _vocabulary()
    templates = _templates()
    sentences = [sentence for sentences in templates for sentence in sentences]
    counts = np.array([len(sentences) for sentences in templates])
    flat = np.array([ranks[word] for sentence in sentences for word in sentence], np.int32)
    lengths = np.array([len(sentence) for sentence in sentences], np.int64)
    return Reviews(flat, lengths, np.zeros(len(lengths), np.int64)), np.cumsum(counts) - counts, counts


__all__ = ["decode", "encode", "generate", "get_word_index", "load_data"]
