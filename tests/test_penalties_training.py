"""Penalties and constraints at work: which way weights go, and where they stay; and that files keep both."""

import numpy as np
import pytest
from penalty_cases import penalized_model
from training_cases import E, H, T, V, draw_examples, sentiment_model

import minirnn
from minirnn import optimizers
from minirnn.constraints import MaxNorm, NonNeg, UnitNorm
from minirnn.jit import HAVE_NUMBA
from minirnn.layers import Dense, Embedding, Input, SimpleRNN
from minirnn.regularizers import L2

BACKENDS = ["numpy", *(["numba"] if HAVE_NUMBA else [])]


@pytest.fixture
def examples():
    return draw_examples()


# ------------------------------------------------------------------------------------------------------------------------------ training


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_gradients_of_penalties_join_before_clipping(examples, backend):
    x, y = examples
    gradients = {}
    for clipvalue in (None, 0.01):
        model = penalized_model(backend=backend, dtype="float64")
        model.compile(optimizers.RMSprop(0.0, clipvalue=clipvalue), "binary_crossentropy")
        model.train_on_batch(x, y)
        gradients[clipvalue] = model.parameters.gradients.copy()
    plain = penalized_model(backend=backend, dtype="float64")
    for layer in plain.layers:
        layer.regularizers = {}
    plain.train_on_batch(x, y)
    embeddings, kernel, _, bias, head, _ = plain.get_weights()
    pulls = [0.5 * embeddings, 0.125 * np.sign(kernel), 0 * plain.weights[2], bias, 0.25 * np.sign(head) + 0.75 * head, np.zeros(1)]

    np.testing.assert_allclose(gradients[None], plain.parameters.gradients + np.concatenate([pull.ravel() for pull in pulls]), rtol=1e-12)
    np.testing.assert_array_equal(gradients[0.01], np.clip(gradients[None], -0.01, 0.01))


def test_a_penalty_shrinks_weights(examples):
    x, y = examples
    sizes = []
    for regularizer in (None, L2(0.25)):
        stack = [Input((T,)), Embedding(V, E), SimpleRNN(H, recurrent_regularizer=regularizer), Dense(1, "sigmoid")]
        model = sentiment_model(0.01, stack=stack)
        model.fit(x, y, epochs=20, verbose=0)
        sizes.append(np.abs(model.get_weights()[2]).sum())
    assert sizes[1] < sizes[0] / 2


@pytest.mark.skipif(not HAVE_NUMBA, reason="numba is not installed")
def test_both_backends_train_alike(examples):
    x, y = examples
    weights = []
    for backend in BACKENDS:
        model = penalized_model(0.01, backend=backend, dtype="float64")
        model.fit(x, y, batch_size=6, epochs=3, shuffle=False, verbose=0)
        weights.append(model.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def test_an_infinite_penalty_stops_the_training(examples):
    model = penalized_model(0.01)
    model.layers[0].set_weights([np.full((V, E), 1e30)])
    before = model.get_weights()

    with pytest.raises(FloatingPointError, match="the loss is inf at epoch 1, batch 1"):
        model.fit(*examples, verbose=0)

    np.testing.assert_equal(model.get_weights(), before)


# --------------------------------------------------------------------------------------------------------------------------- constraints


def constrained_model(backend="numpy", **arguments):
    stack = [
        Input((T,)),
        Embedding(V, E, embeddings_constraint=MaxNorm(0.125, axis=1)),
        SimpleRNN(H, kernel_constraint=NonNeg(), recurrent_constraint=UnitNorm(), bias_constraint=lambda b: np.clip(b, -0.01, 0.01)),
        Dense(1, "sigmoid", kernel_constraint=MaxNorm(0.5), bias_constraint="non_neg"),
    ]
    model = sentiment_model(stack=stack, backend=backend)
    model.compile(optimizers.RMSprop(0.05, **arguments), "binary_crossentropy")
    return model


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("arguments", [{}, {"momentum": 0.5, "centered": True, "weight_decay": 0.25, "clipnorm": 0.5}])
def test_constraints_hold_after_every_step(examples, backend, arguments):
    model = constrained_model(backend, **arguments)
    drawn = model.get_weights()
    assert (drawn[1] < 0).any()  # first weights are as they are drawn

    for _ in range(3):
        model.train_on_batch(*examples)
        embeddings, kernel, recurrent, bias, head, head_bias = model.get_weights()
        assert (np.sqrt(np.sum(embeddings**2, axis=1)) <= 0.125).all()
        assert (kernel >= 0).all()
        np.testing.assert_allclose(np.sqrt(np.sum(recurrent**2, axis=0)), 1, rtol=1e-6)
        assert (np.abs(bias) <= np.float32(0.01)).all()
        assert np.sqrt(np.sum(head**2)) <= 0.5
        assert (head_bias >= 0).all()


def test_a_constraint_sees_the_updated_weight(examples):
    free, bound = sentiment_model(0.05), constrained_model()
    bound.set_weights(free.get_weights())

    free.train_on_batch(*examples)
    bound.train_on_batch(*examples)

    expected = free.get_weights()
    np.testing.assert_array_equal(bound.get_weights()[0], MaxNorm(0.125, axis=1)(expected[0]))
    np.testing.assert_array_equal(bound.get_weights()[1], np.maximum(expected[1], 0))
    np.testing.assert_array_equal(bound.get_weights()[2], UnitNorm()(expected[2]))


def test_weights_that_are_not_trained_are_not_constrained(examples):
    model = constrained_model()
    model.layers[1].trainable = False
    model.compile(optimizers.RMSprop(0.05), "binary_crossentropy")
    before = model.get_weights()

    model.train_on_batch(*examples)

    np.testing.assert_equal(model.get_weights()[1:4], before[1:4])
    assert not np.array_equal(model.get_weights()[4], before[4])


def test_reading_weights_constrains_nothing(examples):
    model = constrained_model()
    model.set_weights([-weight - 1 for weight in model.get_weights()])
    before = model.get_weights()
    model.evaluate(*examples, verbose=0)
    np.testing.assert_equal(model.get_weights(), before)


# ------------------------------------------------------------------------------------------------------------------------------------ files


def test_a_model_with_penalties_is_saved_and_read_again(examples, tmp_path):
    x, y = examples
    model = penalized_model(0.01)
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "model.keras")

    again = minirnn.models.load_model(tmp_path / "model.keras")

    assert again.evaluate(x, y, verbose=0) == pytest.approx(model.evaluate(x, y, verbose=0), rel=1e-6)
    assert again.losses == pytest.approx(model.losses, rel=1e-6)
    for one in (model, again):
        one.fit(x, y, shuffle=False, verbose=0)
    for own, weight in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(own, weight, rtol=0, atol=1e-6)


def test_a_constraint_of_the_user_s_own_is_not_saved_silently(tmp_path):
    model = constrained_model()
    with pytest.raises(ValueError, match="is not one that Keras has, so it cannot be written"):
        model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
