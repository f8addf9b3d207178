"""A step on the distinct words of a batch against one on the whole vocabulary: the same weights, gradients and velocities."""

import numpy as np
import pytest
from faults import planted

import minirnn
from minirnn.layers import Bidirectional, Dense, Embedding, Flatten, Input, SimpleRNN, distinct
from minirnn.one_hot import OneHot
from minirnn.optimizers import RMSprop
from minirnn.parameters import Parameters

N, T, V, E, H, O = 30, 6, 50, 9, 10, 2

MODELS = {
    "embedding": lambda: [Embedding(V, E), SimpleRNN(H), Dense(O, "sigmoid")],
    "mask": lambda: [Embedding(V, E, mask_zero=True), SimpleRNN(H, return_sequences=True), SimpleRNN(3), Dense(O, "sigmoid")],
    "backwards": lambda: [Embedding(V, E), SimpleRNN(H, go_backwards=True, use_bias=False), Dense(O, "sigmoid")],
    "dropout": lambda: [Embedding(V, E), SimpleRNN(H, recurrent_dropout=0.3, seed=5), Dense(O, "sigmoid")],
    "frozen": lambda: [Embedding(V, E, trainable=False), SimpleRNN(H), Dense(O, "sigmoid")],
    "both-ways": lambda: [Embedding(V, E, mask_zero=True), Bidirectional(SimpleRNN(H)), Dense(O, "sigmoid")],
    "priced": lambda: [Embedding(V, E, embeddings_regularizer="l2"), SimpleRNN(H, activity_regularizer="l1"), Dense(O, "sigmoid")],
    "both-ways-priced": lambda: [Embedding(V, E), Bidirectional(SimpleRNN(H, activity_regularizer="l1")), Dense(O, "sigmoid")],
    "flat": lambda: [Embedding(V, E), Flatten(), Dense(O, "sigmoid")],
    "priced-lookups": lambda: [Embedding(V, E, activity_regularizer="l2"), SimpleRNN(H), Dense(O, "sigmoid")],
    "one-hot": lambda: [SimpleRNN(H), Dense(O, "sigmoid")],
    "one-hot-both-ways": lambda: [Bidirectional(SimpleRNN(H, return_sequences=True)), Flatten(), Dense(O, "sigmoid")],
    "one-hot-priced": lambda: [SimpleRNN(H, kernel_regularizer="l1"), Dense(O, "sigmoid")],
}
OPTIMIZERS = {"plain": {}, "per_lookup": {"embedding_update": "per_lookup"}, "momentum": {"momentum": 0.5}, "clipnorm": {"clipnorm": 0.1}}


def examples(seed=8):
    rng = np.random.default_rng(seed)
    ids = np.minimum(rng.zipf(1.3, (N, T)) - 1, V - 1).astype(np.int32)  # few ids often, the rest rarely
    return ids, rng.integers(0, 2, (N, O)).astype("float32")


def steps(layers, backend="numba", optimizer=None, dtype="float32", sizes=(7, 3, 5, 7)):
    """Weights, gradients and state after each of some batches."""
    ids, y = examples()
    one_hot = not isinstance(layers[0], Embedding)
    shape = (T, V) if one_hot else (T,)
    model = minirnn.Sequential([Input(shape), *layers], backend=backend, dtype=dtype, seed=3)
    model.compile(RMSprop(0.01, **(optimizer or {})), loss="binary_crossentropy")
    start, seen = 0, []
    for size in sizes:
        batch = slice(start, start + size)
        model.train_on_batch(OneHot(ids[batch], V) if one_hot else ids[batch], y[batch])
        seen.append([model.parameters.values.copy(), model.parameters.gradients.copy(), model.optimizer.state["velocity"].copy()])
        start += size
    return seen


def choose(monkeypatch, pays):
    monkeypatch.setattr(distinct, "pays", pays)


@pytest.fixture(autouse=True)
def few_words(monkeypatch):
    choose(monkeypatch, lambda shape, lookups: True)  # what a test does not choose otherwise


WAYS = {"whole": lambda shape, lookups: False, "distinct": lambda shape, lookups: True, "by-turns": lambda shape, lookups: lookups > 5 * T}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", MODELS)
def test_both_ways_give_the_same_to_the_last_bit(name, dtype, monkeypatch):
    seen = {}
    for way, pays in WAYS.items():
        choose(monkeypatch, pays)
        seen[way] = steps(MODELS[name](), dtype=dtype)
    for whole, *others in zip(*seen.values(), strict=True):
        for expected, *found in zip(whole, *others, strict=True):
            for array in found:
                np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", MODELS)
def test_the_reference_takes_both_ways_too(name, optimizer, monkeypatch):
    seen = []
    for backend, way in (("numpy", "whole"), ("numpy", "by-turns"), ("numba", "by-turns")):
        choose(monkeypatch, WAYS[way])
        seen.append(steps(MODELS[name](), backend, OPTIMIZERS[optimizer], "float64"))
    for whole, *others in zip(*seen, strict=True):
        for expected, *found in zip(whole, *others, strict=True):
            for array in found:
                np.testing.assert_allclose(array, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("backend", distinct.BACKENDS)
def test_a_gradient_tells_its_rows_and_is_cleared_by_them(backend):
    layers = MODELS["embedding"]()
    steps(layers, backend)
    embedding, ids = layers[0], examples()[0]
    np.testing.assert_array_equal(embedding.touched["embeddings"], np.unique(ids[15:22]))
    others = np.setdiff1d(np.arange(V), ids[15:22])
    assert others.size
    assert not embedding.gradients["embeddings"][others].any()
    assert embedding.gradients["embeddings"].any()
    assert layers[1].touched["kernel"] is None


@pytest.mark.parametrize("name", ["priced", "one-hot-priced"])
def test_a_weight_that_costs_has_a_gradient_everywhere(name):
    layers = MODELS[name]()
    steps(layers)
    weight = "embeddings" if name == "priced" else "kernel"
    assert layers[0].touched[weight] is None
    assert np.abs(layers[0].gradients[weight]).min(axis=1).max() > 0


def test_rows_of_two_ways_back_are_joined():
    layer = Embedding(V, E)
    layer.build((None, T))
    parameters = Parameters([layer], layer.dtype)
    layer.note_rows("embeddings", np.array([1, 4]))
    assert layer.touched["embeddings"] is None  # nothing was cleared before it
    parameters.clear_gradients()
    layer.note_rows("embeddings", np.array([1, 4]))
    layer.note_rows("embeddings", np.array([1, 4]))
    layer.note_rows("embeddings", np.array([0, 4]))
    np.testing.assert_array_equal(layer.touched["embeddings"], [0, 1, 4])
    layer.gradients["embeddings"][[0, 1, 4]] = 1
    parameters.clear_gradients()
    assert not parameters.gradients.any()
    assert layer.touched["embeddings"].size == 0
    layer.note_rows("embeddings", None)
    layer.note_rows("embeddings", np.array([2]))
    assert layer.touched["embeddings"] is None


def test_a_layer_of_ones_own_kind_is_cleared_whole():
    class Doubled(Embedding):
        def backward(self, dy):
            self.gradients["embeddings"] += 1

    layer = Doubled(V, E)
    layer.build((None, T))
    parameters = Parameters([layer], layer.dtype)
    for _ in range(2):
        parameters.clear_gradients()
        layer.backward(None)
        assert (parameters.gradients == 1).all()
        assert parameters.known_rows() == []


def test_a_layer_that_another_model_had_is_cleared_whole():
    ids, y = examples()
    embedding = Embedding(V, E)
    models = [minirnn.Sequential([Input((T,)), embedding, SimpleRNN(H), Dense(O, "sigmoid")], seed=seed) for seed in (1, 2)]
    for model in models:
        model.compile("rmsprop", "binary_crossentropy")
    for turn in range(4):
        batch = slice(5 * turn, 5 * turn + 5)
        models[turn % 2].train_on_batch(ids[batch], y[batch])
        gradient = models[turn % 2].parameters.slots[0].layer.gradients["embeddings"]
        assert np.shares_memory(gradient, models[turn % 2].parameters.gradients)
        assert not gradient[np.setdiff1d(np.arange(V), ids[batch])].any()


def test_a_row_that_is_not_cleared_is_seen(monkeypatch):
    choose(monkeypatch, WAYS["whole"])
    expected = steps(MODELS["embedding"]())
    choose(monkeypatch, WAYS["distinct"])
    kernels = distinct.BACKENDS["numba"]
    forgetful = planted(distinct.clear_rows_ref, "weight[rows] = 0", "weight[rows[1:]] = 0")
    monkeypatch.setitem(distinct.BACKENDS, "numba", kernels._replace(clear=forgetful))
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(steps(MODELS["embedding"]())[-1][1], expected[-1][1], atol=1e-5)
