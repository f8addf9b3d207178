"""What the tests of the pictures of a network's inside share: a small network, its traces, and a picture drawn into axes."""

import functools

import numpy as np
from matplotlib.figure import Figure

import minirnn
from minirnn import plots
from minirnn.layers import Dense, Embedding, Input, SimpleRNN

INDEX = {word: rank for rank, word in enumerate(["not", "bad", "and", "dull", "good", "great", "awful", "film"], 1)}
TEXT = "not bad and not dull"
PER_TRACE = {
    "states": plots.states_picture,
    "probability": plots.probability_picture,
    "gradient": plots.gradient_picture,
    "contributions": plots.contributions_picture,
    "saliency": plots.saliency_picture,
    "saturation": plots.saturation_picture,
}
WORDS = ["<start>", "not", "bad", "and", "not", "dull"]


def network(H=6, T=10, V=13, scale=1.0, seed=3, **options):
    """Embedding and SimpleRNN with weights that bend every tanh; `scale` stretches Wh."""
    model = minirnn.Sequential([Input((T,)), Embedding(V, 4, **options), SimpleRNN(H), Dense(1, "sigmoid")], seed=seed)
    model.compile("rmsprop", "binary_crossentropy")
    rng = np.random.default_rng(seed)
    weights = [rng.normal(scale=0.7, size=weight.shape) for weight in model.get_weights()]
    weights[2] *= scale / np.sqrt(H)
    model.set_weights([weight.astype(np.float32) for weight in weights])
    return model


def read(text=TEXT, y=1, **options):
    return minirnn.trace(network(**options), text, y, word_index=INDEX)


def painted(picture, narrow=False):
    figure = Figure(figsize=(3.9, 5.2) if narrow else (8.6, 4.9), layout="constrained")
    axes = figure.add_subplot()
    picture.paint(axes, narrow)
    return axes


def lines(axes):
    return {line.get_label(): line.get_xydata() for line in axes.get_lines()}


def ticks(axes):
    return [label.get_text() for label in axes.get_xticklabels()]


@functools.cache
def everything():
    model = network()
    trace = minirnn.trace(model, TEXT, 1, word_index=INDEX)
    return [*(make(trace) for make in PER_TRACE.values()), plots.vectors_picture(model, INDEX)]
