"""What the course's pages share: whose reviews they show, and how long they train.

Comes in: what this machine has; nothing is ever downloaded. Goes out: a `minirnn.corpus.Corpus`, IMDB where it is found, else the built-in
reviews; and, for the pages that come after the training, the models of that training.

    >>> import course
    >>> reviews = course.reviews()
    >>> (train_input, train_target), (test_input, test_target) = reviews.load(num_words=200)

A page that shows a figure shows `reviews.short_name` before it. ``MINIRNN_COURSE_EPOCHS`` bounds the epochs of every training.
"""

from __future__ import annotations

import os
import warnings

import minirnn
from minirnn import job
from minirnn.callbacks import EarlyStopping
from minirnn.corpus import Corpus, choose
from minirnn.datasets import store
from minirnn.preparation import Prepared
from minirnn.runs import Settings
from minirnn.tokens import as_input

# Looking through the caches imports pooch, and with it tqdm, which warns of every notebook without ipywidgets, and says where it lies.
warnings.filterwarnings("ignore", message="IProgress not found")

EPOCHS = min(100, int(os.environ.get("MINIRNN_COURSE_EPOCHS", "100")))
"""The most epochs that a page trains."""


def reviews() -> Corpus:
    """Give IMDB where both its reviews and its word index are on this machine, else the built-in reviews.

    Returns
    -------
    Corpus
        ``load(num_words)``, ``word_index()``, and ``short_name``, which says what it is.
    """
    corpus = choose(download=False)
    if corpus.path is not None:
        try:
            store.find(store.WORD_INDEX, corpus.path, download=False)
        except store.DataNotFoundError:
            return choose(built_in=True)
    return corpus


def trained(encoding: str, prepared: Prepared) -> tuple[minirnn.Sequential, dict[str, list[float]]]:
    """Train the model of an encoding as the course's pages on it do, and as `minirnn train` does.

    Parameters
    ----------
    encoding : "onehot" or "embedding".
    prepared : of `minirnn.preparation.prepare`, with ``Settings()``.

    Returns
    -------
    Sequential, dict
        The model with the weights of its best epoch, and the history: per name the list of values, one an epoch.
    """
    settings = Settings(epochs=EPOCHS)
    model = job.build(encoding, settings)
    history = model.fit(
        as_input(model, prepared.train.ids),
        prepared.train.labels,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        validation_data=(as_input(model, prepared.validation.ids), prepared.validation.labels),
        callbacks=[EarlyStopping(patience=settings.patience, restore_best_weights=True)],
        verbose=0,
    )
    return model, history.history
