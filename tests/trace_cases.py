"""Models of every kind that a trace follows, with random weights, and one review each: every size differs from the others."""

import numpy as np

import minirnn
from minirnn import OneHot
from minirnn.layers import Bidirectional, Dense, Dropout, Embedding, Flatten, Input, Masking, SimpleRNN

T, V, E, H = 7, 11, 4, 6
IDS = np.array([0, 0, 3, 10, 3, 1, 5])
"""Padding twice, a word twice, the first and the last of the vocabulary."""

VECTORS = np.random.default_rng(8).normal(size=(T, E))
VECTORS[:2] = 0

STACKS = {
    "embedding": lambda: [Input((T,)), Embedding(V, E), SimpleRNN(H)],
    "one-hot": lambda: [Input((T, V)), SimpleRNN(H)],
    "mask": lambda: [Input((T,)), Embedding(V, E, mask_zero=True), SimpleRNN(H)],
    "backwards": lambda: [Input((T,)), Embedding(V, E), SimpleRNN(H, go_backwards=True)],
    "backwards-mask": lambda: [Input((T,)), Embedding(V, E, mask_zero=True), SimpleRNN(H, go_backwards=True)],
    "one-hot-backwards": lambda: [Input((T, V)), SimpleRNN(H, go_backwards=True)],
    "no-bias-relu": lambda: [Input((T,)), Embedding(V, E), SimpleRNN(H, activation="relu", use_bias=False)],
    "stack": lambda: [Input((T,)), Embedding(V, E, mask_zero=True), SimpleRNN(H, return_sequences=True), Dropout(0.5), SimpleRNN(3)],
    "stack-backwards": lambda: [Input((T, V)), SimpleRNN(H, return_sequences=True, go_backwards=True), SimpleRNN(3)],
    "stack-then-backwards": lambda: [Input((T,)), Embedding(V, E), SimpleRNN(H, return_sequences=True), SimpleRNN(3, go_backwards=True)],
    "dense-between": lambda: [Input((T,)), Embedding(V, E), Dense(5, "tanh"), SimpleRNN(H)],
    "concat": lambda: [Input((T,)), Embedding(V, E), Bidirectional(SimpleRNN(H))],
    "mul-mask": lambda: [Input((T,)), Embedding(V, E, mask_zero=True), Bidirectional(SimpleRNN(H), merge_mode="mul")],
    "one-hot-sum": lambda: [Input((T, V)), Bidirectional(SimpleRNN(H), merge_mode="sum")],
    "bidirectional-stack": lambda: [
        Input((T,)),
        Embedding(V, E, mask_zero=True),
        Bidirectional(SimpleRNN(H, return_sequences=True), merge_mode="ave"),
        Bidirectional(SimpleRNN(3), merge_mode="concat"),
    ],
    "vectors": lambda: [Input((T, E)), Masking(), SimpleRNN(H)],
    "prices": lambda: [
        Input((T,)),
        Embedding(V, E),
        SimpleRNN(H, activity_regularizer="l2", return_sequences=True),
        SimpleRNN(3, activity_regularizer="l1"),
    ],
    "hidden-sequence": lambda: [
        Input((T,)),
        Embedding(V, E, mask_zero=True),
        SimpleRNN(H, return_sequences=True, zero_output_for_mask=True),
        SimpleRNN(3),
    ],
    "sequence": lambda: [Input((T,)), Embedding(V, E, mask_zero=True), SimpleRNN(H, return_sequences=True)],
    "flatten": lambda: [Input((T,)), Embedding(V, E), SimpleRNN(H, return_sequences=True), Flatten()],
}


def model_of(name, loss="binary_crossentropy", activity_regularizer=None, **options):
    """Give a compiled model of this kind, with a sigmoid head and weights large enough to bend every tanh."""
    head = Dense(1, "sigmoid", activity_regularizer="l2" if name == "prices" else activity_regularizer)
    model = minirnn.Sequential([*STACKS[name](), head], **{"seed": 5, **options})
    model.compile("rmsprop", loss)
    rng = np.random.default_rng(6)
    model.set_weights([rng.normal(scale=0.6, size=weight.shape).astype(np.float32) for weight in model.get_weights()])
    return model


def review_of(name):
    """Give the review in the form that the model reads."""
    if name == "vectors":
        return VECTORS
    return OneHot(IDS, V) if STACKS[name]()[0].batch_shape[-1] == V else IDS


def label_of(name):
    return np.array([[0], [1], [0], [1], [1], [0], [1]]) if name == "sequence" else 1
