"""Trained models at work: what they say of new texts and of the test reviews, and which reviews there are.

Comes in: saved models, texts. Goes out: labels, probabilities and figures, each with the name of the data behind it.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minirnn import corpus, preparation
from minirnn.console import say, show_table, warn
from minirnn.datasets import imdb, store
from minirnn.progress import format_value
from minirnn.report import size
from minirnn.runs import SavedModel
from minirnn.tokens import as_input, vocabulary
from minirnn.utils import pad_sequences


class Reading(NamedTuple):
    """A text as ids, and what got lost on the way: the words that the model does not know, and how many words there were."""

    ids: list[int]
    unknown: list[str]
    words: int


def read_text(text: str, num_words: int, word_index: Mapping[str, int]) -> Reading:
    """Turn a text into the ids of a model whose vocabulary has ``num_words`` entries.

    >>> read_text("Not bad, plotless!", 80, {"not": 21, "bad": 75})
    Reading(ids=[1, 24, 78], unknown=['plotless'], words=3)
    """
    oov = 2
    unknown, words = [], 0
    for piece in text.split():
        if any(letter.isalnum() for letter in piece):
            words += 1
            ids = imdb.encode(piece, num_words, start_char=None, oov_char=oov, word_index=word_index)
            if not ids or oov in ids:
                unknown.append(piece.strip("!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'").lower())
    return Reading(imdb.encode(text, num_words, oov_char=oov, word_index=word_index), unknown, words)


def remark(reading: Reading, maxlen: int | None) -> str:
    """Say what of a text the model did not see; empty when it saw all."""
    parts = []
    if reading.unknown:
        distinct = list(dict.fromkeys(reading.unknown))
        shown = ", ".join(distinct[:6]) + (f" and {len(distinct) - 6} more" if len(distinct) > 6 else "")
        parts.append(f"{len(reading.unknown)} of {reading.words} words are not in its vocabulary: {shown}")
    if len(reading.unknown) == reading.words:
        parts = ["it knows none of the words, so the figure says nothing about the text"]
    if maxlen is not None and len(reading.ids) > maxlen:
        parts.append(f"only the last {maxlen} of {len(reading.ids)} ids are read")
    return "; ".join(parts)


def show_predictions(saved: SavedModel, texts: Sequence[str], data: str | os.PathLike[str] | None = None) -> None:
    """Show label and probability of each text.

    Raises
    ------
    OSError, ValueError
        The model, or the word index of its reviews, cannot be read.
    """
    model, reviews = open_model(saved, data)
    V, T = vocabulary(model), model.input_shape[1]
    word_index = reviews.word_index()
    readings = [read_text(text, V, word_index) for text in texts]
    ids = pad_sequences([reading.ids for reading in readings], maxlen=T)
    probs = np.asarray(model.predict(as_input(model, ids), verbose=0)).reshape(len(texts), -1)[:, -1]
    say(f"{saved.title}, {'trained on' if saved.record else 'words as in'} {reviews.short_name}")
    say("label     P(positive)")
    for text, reading, p in zip(texts, readings, probs.tolist(), strict=True):
        say(f"{'positive' if p > 0.5 else 'negative'}  {p:.4f}       {textwrap.shorten(text, 90, placeholder=' ...')}")
        if words := remark(reading, T):
            say(f"                       ({words})")


def show_evaluation(models: Sequence[SavedModel], data: str | os.PathLike[str] | None = None) -> None:
    """Show loss and accuracy of each model on the test reviews.

    Raises
    ------
    OSError, ValueError
        A model, or the reviews, cannot be read.
    """
    rows = []
    test: preparation.Examples | None = None
    read_with: tuple[int, int | None] | None = None
    reviews = corpus.recall(_description(models[0]), data)
    for saved in models:
        model, _ = open_model(saved, data)
        sizes = (vocabulary(model), model.input_shape[1])
        if test is None or sizes != read_with:
            test, read_with = preparation.prepare_test(reviews, *sizes), sizes
        figures = model.evaluate(as_input(model, test.ids), test.labels, batch_size=64, verbose=0, return_dict=True)
        rows.append((saved.title, [format_value(figures[name]) if name in figures else "" for name in ("loss", "accuracy")]))
    assert test is not None
    description = _description(models[0])
    if description and description.get("sha256") and reviews.sha256() != description["sha256"]:
        warn(f"{reviews.path} is not the file that the run was trained on: its contents differ.")
    show_table(f"Test on {len(test.labels):,} reviews of {reviews.name}", ["model", "test loss (nats)", "test accuracy"], rows)


def show_data(data: str | os.PathLike[str] | None = None) -> None:
    """Show the reviews and the word index that `train` would use, and the built-in reviews.

    Raises
    ------
    FileNotFoundError
        ``data``, or ``MINIRNN_DATA``, names something that is not there.
    """
    found: Path | None = None
    for name in (store.REVIEWS, store.WORD_INDEX):
        try:
            path, origin = store.find(name, data, download=False)
        except store.DataNotFoundError:
            say(f"{name}: not here")
            continue
        found = path if name == store.REVIEWS else found
        say(f"{name}: {path} (found through {origin}, {size(path.stat().st_size)})")
    if found is None:
        say(f"`minirnn train` would try to download IMDB, and otherwise use the {corpus.BUILT_IN}.")
        say(corpus.HOW_TO_GET_IMDB)
    else:
        train, test = store.read_reviews(found)
        lengths = np.concatenate([train.lengths, test.lengths])
        counts = f"{len(train.lengths):,} training and {len(test.lengths):,} test reviews"
        say(f"IMDB: {counts}, {int(lengths.sum()):,} words, {lengths.mean():.1f} a review")
    built_in = corpus.Corpus("reviews")
    (x_train, _), (x_test, _) = built_in.load(None)
    say(f"{built_in.name}: {len(x_train):,} training and {len(x_test):,} test reviews, with `minirnn train --reviews`")


def _description(saved: SavedModel) -> dict[str, Any] | None:
    return None if saved.record is None else saved.record.data


def open_model(saved: SavedModel, data: str | os.PathLike[str] | None) -> tuple[Any, corpus.Corpus]:
    """Load a model, and find the reviews it was trained on."""
    from minirnn.models import load_model

    if saved.record is None:
        warn(f"No run.json lies beside {saved.path.name}, so it is taken for a model of IMDB.")
    return load_model(saved.path), corpus.recall(_description(saved), data)
