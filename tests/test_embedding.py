import warnings

import numpy as np
import pytest
from faults import planted
from gradient_check import SmallModel
from twins import compare_twins, twin_params

from minirnn.batches import TokenRows
from minirnn.layers import Dense, Embedding, Flatten, SimpleRNN, embedding
from minirnn.layers.embedding import BACKENDS, check_ids, token_rows

N, B, T, V, E = 7, 4, 5, 11, 3
ROWS = [5, 0, 3, 6]


def random_ids(N=N, T=T):
    ids = np.random.default_rng(1).integers(0, V, (N, T)).astype(np.int32)
    ids[0, 0], ids[0, -1] = 0, V - 1
    ids[3], ids[-1] = 2, 0  # one row repeats an id, one is all padding
    return ids


def case(forward, E=E, B=B, T=T):
    def arguments(dtype):
        rng = np.random.default_rng(E)
        x, embeddings = rng.normal(size=(B, T, E)).astype(dtype), rng.normal(size=(V, E)).astype(dtype)
        ids, rows = random_ids(T=T), np.array(ROWS[-B:])
        return [embeddings, ids, rows, x] if forward else [x, ids, rows, embeddings]

    return arguments


CASES = {
    entry: {
        **{f"E{E}": case(forward, E) for E in (1, 3, 8, 17)},
        "one-step": case(forward, T=1),
        "one-row": case(forward, B=1),
    }
    for entry, forward in (("forward", True), ("backward", False))
}


@pytest.mark.parametrize(("entry", "case", "dtype"), twin_params(CASES))
def test_kernel_equals_reference(entry, case, dtype):
    compare_twins(BACKENDS, entry, case, dtype)


def small_model(*above):
    return SmallModel([Embedding(V, E), *above], random_ids())


@pytest.mark.parametrize("above", [(), (Flatten, lambda: Dense(2)), (lambda: SimpleRNN(4), lambda: Dense(2, "sigmoid"))])
def test_gradients(above):
    small_model(*(make() for make in above)).check()


def test_gradients_behind_a_mask():
    model = SmallModel([Embedding(V, E, mask_zero=True), SimpleRNN(4, return_sequences=True), SimpleRNN(5)], random_ids())
    model.check()
    assert not model.gradients()["0.embeddings"][0].any()  # padding learns nothing


@pytest.mark.parametrize("fault", ["dembeddings[ids[rows]] += dx", "np.add.at(dembeddings, ids[rows][::-1], dx)"])
def test_planted_faults_are_found(fault, monkeypatch):
    wrong = planted(embedding.embedding_backward_ref, "np.add.at(dembeddings, ids[rows], dx)", fault)
    monkeypatch.setitem(BACKENDS, "numpy", BACKENDS["numpy"]._replace(backward=wrong))
    with pytest.raises(AssertionError, match="WRONG"):
        small_model().check()
    with pytest.raises(AssertionError, match="WRONG"):
        compare_twins(BACKENDS, "backward", CASES["backward"]["E3"], "float64")


@pytest.mark.parametrize("backend", BACKENDS)
def test_token_rows_are_read_in_place(backend):
    layer = Embedding(V, E, dtype="float64")
    layer.backend = backend
    layer.build((None, T))
    ids, rows = random_ids(), np.array(ROWS)
    found = layer.forward(TokenRows(ids, rows))
    np.testing.assert_array_equal(found, layer.values["embeddings"][ids[rows]])
    layer.backward(np.ones((B, T, E)))
    np.testing.assert_array_equal(layer.gradients["embeddings"][:, 0], np.bincount(ids[rows].ravel(), minlength=V))


def test_keras_constants():
    # Source: Keras 3.15, keras/src/layers/core/embedding_test.py
    layer = Embedding(4, 3, weights=np.arange(12.0).reshape(4, 3))
    np.testing.assert_array_equal(layer(np.array([2, 1, 0])), np.arange(12.0).reshape(4, 3)[[2, 1, 0]])
    np.testing.assert_array_equal(Embedding(3, 2, mask_zero=True).compute_mask(np.array([[2, 1, 0]]), None), [[True, True, False]])
    assert Embedding(3, 2).compute_mask(np.array([[2, 1, 0]]), None) is None


@pytest.mark.parametrize("shape", [(), (4,), (2, 4), (2, 3, 4)])
def test_ids_of_any_shape_are_looked_up(shape):
    layer = Embedding(V, E)
    ids = np.random.default_rng(2).integers(0, V, shape)
    found = layer(ids.astype("float32"))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, layer.values["embeddings"][ids])


def test_equals_keras():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        keras = pytest.importorskip("keras")
    layer, theirs, ids = Embedding(V, E), keras.layers.Embedding(V, E), random_ids()
    theirs.build((None, T))
    layer.build((None, T))
    layer.set_weights(theirs.get_weights())
    np.testing.assert_array_equal(layer(ids), np.asarray(theirs(ids)))


@pytest.mark.parametrize("size", [3.7, 4.0, "3", None, True, False, -1, 0, np.int64(3)])
def test_bad_sizes_are_named(size):
    with pytest.raises(ValueError, match="Embedding: input_dim must be a positive integer"):
        Embedding(size, 3)
    with pytest.raises(ValueError, match="Embedding: output_dim must be a positive integer"):
        Embedding(3, size)


@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        ([[0, 1], [2, 11]], ValueError, r"id 11 at \(b, t\) = \(1, 1\) is not in 0..10.*num_words=11"),
        ([[0, -1], [2, 3]], ValueError, r"id -1 at \(b, t\) = \(0, 1\)"),
        ([3, 12], ValueError, r"id 12 at index = \(1,\)"),
        ([[0.0, 1.5]], ValueError, r"whole numbers, received 1.5 at \(0, 1\)"),
        ([[0.0, np.nan]], ValueError, r"whole numbers, received nan at \(0, 1\)"),
        ([[0.0, np.inf]], ValueError, "whole numbers, received inf"),
        ([["a", "b"]], TypeError, "ids must be integers"),
    ],
)
def test_bad_ids_are_named_with_their_place(ids, error, message):
    with pytest.raises(error, match=message):
        check_ids("Embedding", ids, V)
    with pytest.raises(error, match=message):
        Embedding(V, E)(ids)


def test_good_ids_of_every_kind_pass():
    for dtype in (np.int8, np.uint8, np.int64, np.uint64, np.float32, bool):
        found = check_ids("Embedding", np.array([[0, 1]], dtype), 2)
        assert found.dtype.kind in "iu"
        np.testing.assert_array_equal(found, [[0, 1]])
    assert check_ids("Embedding", np.zeros((0, 3), int), 2).shape == (0, 3)


def test_input_length_warns_and_tells_the_shape():
    with pytest.warns(UserWarning, match="input_length is deprecated"):
        layer = Embedding(V, E, input_length=T)
    assert layer.example_shape == (T,)


def test_weights_and_config_are_keras_s():
    layer = Embedding(V, E, "glorot_uniform", mask_zero=True)
    config = layer.get_config()
    assert Embedding.from_config(config).get_config() == config
    with pytest.raises(ValueError, match="no weights yet"):
        layer.count_params()
    layer.build((None, T))
    assert layer.count_params() == V * E
    assert layer.output_shape == (None, T, E)
    values = Embedding(1000, 16)
    values.build((None, T))
    assert np.abs(values.weights[0]).max() <= 0.05
    with pytest.raises(ValueError, match="lora_rank is not supported"):
        Embedding(V, E, lora_rank=1)


def test_token_rows_stay_as_they_are():
    tokens = TokenRows(random_ids(), np.array(ROWS))
    assert token_rows(tokens) is tokens
    np.testing.assert_array_equal(token_rows(tokens.ids).rows, np.arange(N))
