"""The whole job: reviews, split, pad, two models, evaluation.

Comes in: a corpus and settings. Goes out: a run folder with models, histories, pictures and a page, and the record of its figures.

    reviews       lists of ids 0..V-1                       25,000 + 25,000
    split         training 80 %, validation 20 %            test set apart
    pad           (N,T), the last T ids of each review      zeros before short ones
    one-hot       (N,T,V) -> SimpleRNN(H) -> sigmoid
    embedding     (N,T)   -> Embedding(V,E) -> SimpleRNN(H) -> sigmoid
    train         RMSprop on binary cross-entropy, until val_loss has not improved for `patience` epochs; best weights restored
    evaluate      loss and accuracy of the restored weights on the test set

Both models see the same rows in the same split; only how an id becomes a vector differs.
"""

from __future__ import annotations

import itertools
import math
import os
import platform
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minirnn import __version__, disputed, layers, plateau, runs
from minirnn.callbacks import Callback, CSVLogger, EarlyStopping, Inspector, ModelCheckpoint
from minirnn.corpus import Corpus
from minirnn.findings import Curve
from minirnn.interrupt import Interrupter
from minirnn.jit import DEFAULT_BACKEND
from minirnn.layers import Input
from minirnn.machine import version
from minirnn.model import Sequential
from minirnn.one_hot import OneHot
from minirnn.optimizers import RMSprop
from minirnn.plateau import Inside, inside_of
from minirnn.preparation import ORDER_SEED, SPLIT_SEED, Examples, Prepared, length_statistics
from minirnn.runs import Outcome, Record, Settings
from minirnn.saving import load_model
from minirnn.tokens import as_input
from minirnn.tracing import trace

if TYPE_CHECKING:
    from minirnn.report import Section

LEAST_READ = 16
"""Reviews of a last batch whose states say something of all; where it has fewer, others are read."""

SNAPSHOT_BYTES = 16e6
"""What the weights of some epochs may take, about, in memory and in the run folder."""


class EpochTimer(Callback):
    """Take the wall time of each epoch, validation included, in seconds."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._start = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the watch."""
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Stop it."""
        self.seconds.append(time.perf_counter() - self._start)


def build(encoding: str, settings: Settings) -> Sequential:
    """Make the model of an encoding, compiled.

    Raises
    ------
    ValueError
        A setting that a layer or the optimizer does not take.
    """
    model = Sequential(name=encoding, backend=None if settings.backend == "auto" else settings.backend, seed=settings.seed)
    if encoding == "onehot":
        model.add(Input(shape=(settings.maxlen, settings.num_words)))
    else:
        model.add(Input(shape=(settings.maxlen,)))
        model.add(layers.Embedding(settings.num_words, settings.embedding_dim))
    model.add(layers.SimpleRNN(settings.units))
    model.add(layers.Dense(1, activation="sigmoid"))
    model.compile(optimizer=RMSprop(learning_rate=settings.learning_rate), loss="binary_crossentropy", metrics=["accuracy"])
    return model


def train(
    encoding: str, settings: Settings, prepared: Prepared, folder: Path, loudness: int = 1, watchers: Sequence[Callback] = ()
) -> tuple[Outcome, Any]:
    """Train the model of one encoding, keep its best epoch and test it.

    Parameters
    ----------
    encoding : "onehot" or "embedding".
    folder : where the history and the best model are written while training runs.
    loudness : 0 prints nothing; 1 the summary, the progress as `fit` shows it, and what early stopping does; 2 every checkpoint as well.
    watchers : more callbacks, called last.

    Returns
    -------
    Outcome, dict
        The figures, and per name the list of values, one an epoch.

    Raises
    ------
    FloatingPointError
        The loss, or every val_loss, was not finite.
    OSError, ValueError
        A file cannot be written; a setting is not taken.
    """
    model = build(encoding, settings)
    if loudness:
        model.summary()
    train_x, val_x, test_x = (as_input(model, part.ids) for part in (prepared.train, prepared.validation, prepared.test))
    timer = EpochTimer()
    checkpoint = ModelCheckpoint(folder / runs.MODEL_FILES[encoding], save_best_only=True, verbose=int(loudness > 1))
    stopper = EarlyStopping(patience=settings.patience, restore_best_weights=True, verbose=int(loudness > 0))
    begin = time.perf_counter()
    history = model.fit(
        train_x,
        prepared.train.labels,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        verbose="auto" if loudness else 0,
        validation_data=(val_x, prepared.validation.labels),
        callbacks=[timer, CSVLogger(folder / runs.HISTORY_FILES[encoding]), checkpoint, stopper, *watchers],
    ).history
    seconds = time.perf_counter() - begin
    if stopper.best is None:
        raise FloatingPointError(f"{encoding}: no epoch had a finite val_loss, so there is no best model. Try a smaller --learning-rate.")
    tested = model.evaluate(test_x, prepared.test.labels, batch_size=settings.batch_size, verbose=0, return_dict=True)
    outcome = Outcome(
        encoding=encoding,
        parameters=model.count_params(),
        input_bytes=int(train_x.nbytes),
        input_bytes_dense=int(np.prod(train_x.shape)) * 4,
        epochs=len(timer.seconds),
        best_epoch=stopper.best_epoch + 1,
        stopped_early=stopper.stopped_epoch > 0,
        val_loss=float(history["val_loss"][stopper.best_epoch]),
        val_accuracy=float(history["val_accuracy"][stopper.best_epoch]),
        test_loss=float(tested["loss"]),
        test_accuracy=float(tested["accuracy"]),
        seconds=seconds,
        epoch_seconds=timer.seconds,
    )
    return outcome, history


def run(
    settings: Settings, corpus: Corpus, prepared: Prepared, folder: Path, *, loudness: int = 1, say: Callable[[str], None] = print
) -> Record:
    """Train and test what the settings ask for, and leave everything in ``folder``.

    Parameters
    ----------
    prepared : from `minirnn.preparation.prepare`, with the same corpus and settings.
    loudness : of `train`.
    say : function that shows a line.

    Returns
    -------
    Record
        Also in the folder, as ``run.json``.

    Raises
    ------
    KeyboardInterrupt, FloatingPointError, OSError, ValueError
        As they come; the record's status then says "interrupted" or "failed", and what finished before stays.
    """
    lengths = length_statistics(prepared.lengths, settings.maxlen)
    counts = {part: len(getattr(prepared, part).labels) for part in ("train", "validation", "test")}
    say(f"Reviews: {counts['train']:,} training, {counts['validation']:,} validation, {counts['test']:,} test")
    say(
        f"Length of a training review, in ids: mean {lengths['mean']}, median {lengths['median']}, "
        f"{lengths['shortest']} to {lengths['longest']:,}; {lengths['cut_share']:.0%} are cut to their last {settings.maxlen}"
    )
    record = describe(settings, corpus, counts, lengths)
    runs.write_record(folder, record)
    histories: dict[str, Any] = {}
    insides: list[Inside] = []
    try:
        with Interrupter() as interrupter:
            for encoding in settings.encodings:
                say(f"\nTraining the {runs.TITLES[encoding]} model")
                inspector = make_inspector(encoding, settings, prepared)
                outcome, history = train(encoding, settings, prepared, folder, loudness, [interrupter, inspector])
                record.models[encoding], histories[encoding], figures = outcome, history, inspector.to_dict()
                runs.write_record(folder, record)
                runs.write_figures(folder / runs.INSPECTOR_FILES[encoding], figures)
                insides.append(inside_of(outcome.title, settings.maxlen, history["val_loss"], figures))
                interrupter.pass_on()
        record.status = "finished"
        say("\nDrawing the report")
        leave_pictures(folder, record, corpus, prepared, histories, insides)
    except BaseException as error:
        record.status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        raise
    finally:
        runs.write_record(folder, record)
    return record


def make_inspector(encoding: str, settings: Settings, prepared: Prepared) -> Inspector:
    """Make what looks into a training: at the last batch, or where that is short at as many reviews of the training set."""
    N, V, H, E = len(prepared.train.labels), settings.num_words, settings.units, settings.embedding_dim
    rest = N % settings.batch_size or settings.batch_size
    probe = None
    if rest < LEAST_READ:
        ids = prepared.train.ids[:LEAST_READ]
        probe = OneHot(ids, V) if encoding == "onehot" else ids
    largest = 4 * (V * max(E, H) + (max(E, V) + H) * H)
    return Inspector(snapshots=max(1, math.ceil(largest * settings.epochs / SNAPSHOT_BYTES)), probe=probe)


def describe(settings: Settings, corpus: Corpus, counts: dict[str, int], lengths: dict[str, float]) -> Record:
    """Write down what a run needs to be repeated."""
    packages = ("numpy", "numba", "scikit-learn", "matplotlib", "h5py")
    return Record(
        settings=settings,
        data={
            "kind": corpus.kind,
            "name": corpus.name,
            "path": None if corpus.path is None else str(corpus.path),
            "origin": corpus.origin,
            "sha256": corpus.sha256() or None,
            "reviews": counts,
        },
        lengths=lengths,
        seeds={"order": ORDER_SEED, "split": SPLIT_SEED, "weights and shuffling": settings.seed},
        versions={"minirnn": __version__, "python": platform.python_version(), **{name: version(name) for name in packages}},
        machine={
            "system": platform.platform(),
            "processors": os.cpu_count(),
            "backend": DEFAULT_BACKEND if settings.backend == "auto" else settings.backend,
        },
        started=datetime.now().astimezone().isoformat(timespec="seconds"),
    )


def leave_pictures(
    folder: Path, record: Record, corpus: Corpus, prepared: Prepared, histories: dict[str, Any], insides: Sequence[Inside]
) -> None:
    """Draw the pictures of a finished run and write its page."""
    from minirnn import plots, report  # here because matplotlib takes 0.4 s to import

    curves = [
        Curve(outcome.title, histories[encoding], outcome.best_epoch, outcome.test_accuracy) for encoding, outcome in record.models.items()
    ]
    counts = record.data["reviews"]
    pictures = [
        plots.lengths_picture(prepared.lengths, record.settings.maxlen, corpus.short_name),
        plots.loss_picture(curves, corpus.short_name),
        plots.accuracy_picture(curves, corpus.short_name, counts["test"]),
    ]
    closer = [plots.reach_picture(insides, corpus.short_name), plots.words_picture(insides, corpus.short_name)]
    for picture, name in zip([*pictures, *closer], runs.PICTURE_FILES, strict=True):
        plots.save_png(picture, folder / name)
    why = report.Section(plateau.heading(insides), plateau.paragraphs(insides), closer)
    best = {outcome.title: load_model(folder / runs.MODEL_FILES[encoding]) for encoding, outcome in record.models.items()}
    report.write_report(folder / runs.REPORT, record, histories, pictures, [why, look_into(best, corpus, prepared.test)])


def look_into(best: dict[str, Sequential], corpus: Corpus, test: Examples) -> Section:
    """Find the test review that the models dispute, and draw what each does with it."""
    from minirnn import plots, report

    probs = {title: model.predict(as_input(model, test.ids), verbose=0)[:, 0] for title, model in best.items()}
    review = disputed.find(probs, test.ids, test.labels)
    word_index, no_words = None, ""
    try:
        word_index = corpus.word_index(download=False)
    except FileNotFoundError as error:
        no_words = str(error)
    ids, drawn = test.ids[[review.place]], []
    traces = [trace(model, as_input(model, ids), review.label, word_index=word_index) for model in best.values()]
    for draw in (plots.saliency_picture, plots.probability_picture, plots.gradient_picture):
        drawn += [draw(found) for found in traces]
    if word_index is not None:
        drawn += [plots.vectors_picture(model, word_index) for model in best.values()]
    if len(best) > 1:
        whose = itertools.cycle(best)  # each drawing is of one model after the other
        drawn = [picture._replace(title=f"{next(whose).capitalize()}: {picture.title}") for picture in drawn]
    return report.Section(disputed.heading(review), disputed.paragraphs(review, corpus.short_name, no_words), drawn)
