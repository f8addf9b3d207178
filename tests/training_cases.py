"""What the tests of training share: a small sentiment model, examples, and its figures recomputed in NumPy.

A learning rate of 0 holds the weights still, so that an epoch's figures can be known.
"""

import numpy as np

import minirnn
from minirnn import optimizers
from minirnn.callbacks import Callback
from minirnn.layers import Dense, Embedding, Input, SimpleRNN

N, T, V, E, H = 23, 5, 11, 4, 6


def sentiment_model(learning_rate=0.0, *, loss="binary_crossentropy", stack=None, **options):
    stack = stack or [Input((T,)), Embedding(V, E), SimpleRNN(H), Dense(1, "sigmoid")]
    model = minirnn.Sequential(stack, **{"backend": "numpy", "seed": 1, **options})
    model.compile(optimizers.RMSprop(learning_rate), loss, metrics=["accuracy"])
    return model


def draw_examples():
    rng = np.random.default_rng(2)
    return rng.integers(0, V, (N, T)).astype(np.int32), rng.integers(0, 2, N)


def losses_of_each(model, x, y):
    p = model.predict(x, verbose=0)[:, 0].astype(np.float64)
    return -np.log(np.where(y == 1, p, 1 - p))


def hits(model, x, y):
    return (model.predict(x, verbose=0)[:, 0] > 0.5) == y


def note(diary, *names):
    """Make a callback that writes down which of its hooks was called."""
    hooks = {f"on_{name}": lambda self, *_, name=name, **__: diary.append(name) for name in names}
    return type("Diary", (Callback,), hooks)()
