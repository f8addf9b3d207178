"""Models of every kind that a page shows, and what the Trace says of a text that a page has been set to."""

from __future__ import annotations

import numpy as np

import minirnn
from minirnn.datasets import imdb
from minirnn.layers import Bidirectional, Dense, Dropout, Embedding, SimpleRNN
from minirnn.tokens import as_input, vocabulary

WORDS = "the a film was not bad at all i expected to be bored and loved every minute plot ending awful great"
WORD_INDEX = {word: rank for rank, word in enumerate(WORDS.split(), start=1)}
"""Ranks 1..21, so ids 4..24."""

V, T = 19, 17
"""Words of rank 16 and more are outside the vocabulary: "every", "minute", "plot" and so on."""

TEXT = "Not bad at all, I expected to be <b>bored</b> and, frankly, LOVED every minute"
"""13 words that the index knows, and one that it does not, in 17 steps; the tags are words that it does not know either."""

OTHER = "the plot was awful, the ending great"


def answer():
    return Dense(1, activation="sigmoid")


MODELS = {
    "one-hot": lambda: [minirnn.Input((T, V)), SimpleRNN(5), answer()],
    "embedding": lambda: [minirnn.Input((T,)), Embedding(V, 4), SimpleRNN(6), answer()],
    "mask_zero": lambda: [minirnn.Input((T,)), Embedding(V, 4, mask_zero=True), SimpleRNN(3, use_bias=False), answer()],
    "stack": lambda: [
        minirnn.Input((T,)),
        Embedding(V, 4, mask_zero=True),
        SimpleRNN(6, return_sequences=True, activation="sigmoid"),
        Dropout(0.3),
        SimpleRNN(3, activation="linear"),
        Dense(7, activation="relu"),
        answer(),
    ],
    "backwards": lambda: [minirnn.Input((T,)), Embedding(V, 4), SimpleRNN(5, go_backwards=True), answer()],
    "backwards stack": lambda: [
        minirnn.Input((T,)),
        Embedding(V, 4, mask_zero=True),
        SimpleRNN(5, go_backwards=True, return_sequences=True),
        SimpleRNN(3),
        answer(),
    ],
    "bidirectional one-hot": lambda: [minirnn.Input((T, V)), Bidirectional(SimpleRNN(4), merge_mode="ave"), answer()],
    "bidirectional stack": lambda: [
        minirnn.Input((T,)),
        Embedding(V, 3, mask_zero=True),
        Bidirectional(SimpleRNN(4, return_sequences=True), merge_mode="mul"),
        Bidirectional(SimpleRNN(5, activation="relu")),
        answer(),
    ],
    "any length": lambda: [minirnn.Input((None,)), Embedding(V, 4), SimpleRNN(6), answer()],
    "128 units": lambda: [minirnn.Input((T,)), Embedding(V, 6), SimpleRNN(128), answer()],
    "larger vocabulary": lambda: [minirnn.Input((T, 2_345)), SimpleRNN(7), answer()],
}


def model_of(kind, dtype="float32", seed=5):
    """Give a compiled model of a kind, with every weight random, the biases too."""
    model = minirnn.Sequential(MODELS[kind](), dtype=dtype, seed=seed)
    model.compile("rmsprop", "binary_crossentropy")
    rng = np.random.default_rng(seed)
    model.set_weights([weight + 0.1 * rng.normal(size=weight.shape) for weight in model.get_weights()])
    return model


def traced(model, text, *, label, padding="pre", mask=None, bptt=None, wh=1.0):
    """Give the Trace of a text, in the words of the page's switches: mask True or False, or None for the model's own."""
    twin = minirnn.Sequential([layer.twin("float64", "numpy") for layer in model.layers], dtype="float64")
    twin.build((None, *model.input_shape[1:]))
    twin.compile("rmsprop", "binary_crossentropy")
    for layer in twin.layers:
        for leaf in layer.walk():
            if isinstance(leaf, SimpleRNN):
                leaf.values["recurrent_kernel"] *= wh
    ids = minirnn.utils.pad_sequences(
        [imdb.encode(text, vocabulary(model), word_index=WORD_INDEX)], maxlen=model.input_shape[1], padding=padding
    )
    given = None if mask is None else ids[0] != 0 if mask else np.ones(ids.shape[1], bool)
    return minirnn.trace(twin, as_input(twin, ids), label, mask=given, bptt=bptt)
