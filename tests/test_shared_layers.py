"""Two models that share layers share their weights, whichever of them was used last."""

import numpy as np
import pytest
from training_cases import H, T, draw_examples, sentiment_model

import minirnn
from minirnn.callbacks import LambdaCallback
from minirnn.layers import Dense, Embedding, Input, SimpleRNN


@pytest.fixture
def examples():
    return draw_examples()


def models(learning_rate=0.01, activation="tanh"):
    """A model, and one that gives the states inside it."""
    whole = sentiment_model(learning_rate, stack=[Input((T,)), Embedding(11, 4), SimpleRNN(H, activation), Dense(1, "sigmoid")])
    return whole, minirnn.Sequential([Input((T,)), *whole.layers[:2]], backend="numpy")


def test_a_model_trains_on_after_another_has_used_its_layers(examples):
    x, y = examples
    (whole, part), (alone, _) = models(), models()
    part.predict(x, verbose=0)

    whole.fit(x, y, verbose=0)
    alone.fit(x, y, verbose=0)

    np.testing.assert_equal(whole.get_weights(), alone.get_weights())
    np.testing.assert_equal(part.get_weights(), whole.get_weights()[:4])


def test_a_model_trains_on_while_another_uses_its_layers(examples):
    x, y = examples
    (whole, part), (alone, _) = models(), models()
    watcher = LambdaCallback(on_train_batch_end=lambda *_, **__: part.predict(x, verbose=0))

    whole.fit(x, y, batch_size=5, epochs=2, verbose=0, callbacks=watcher)
    alone.fit(x, y, batch_size=5, epochs=2, verbose=0)

    np.testing.assert_equal(whole.get_weights(), alone.get_weights())


def test_weights_set_in_one_are_those_of_the_other(examples):
    x, _ = examples
    whole, part = models()
    whole.predict(x, verbose=0)
    part.predict(x, verbose=0)

    part.set_weights([weight + 0.5 for weight in part.get_weights()])

    np.testing.assert_equal(whole.get_weights()[:4], part.get_weights())
    np.testing.assert_array_equal(whole.layers[1](whole.layers[0](x)), part.predict(x, verbose=0))


def test_the_last_good_weights_are_those_that_another_model_has_set(examples):
    whole, part = models(1e30, "linear")
    whole.predict(examples[0], verbose=0)
    part.predict(examples[0], verbose=0)
    part.set_weights([weight / 2 for weight in part.get_weights()])
    before = whole.get_weights()

    with np.errstate(all="ignore"), pytest.raises(FloatingPointError):
        whole.fit(*examples, batch_size=10, verbose=0)

    np.testing.assert_equal(whole.get_weights(), before)
