import numpy as np
import pytest
from faults import planted
from gradient_check import SmallModel
from hypothesis import given, settings
from hypothesis import strategies as st
from rnn_cases import ROWS, B, N, T, random_ids
from twins import compare_twins, twin_params

from minirnn.batches import TokenRows
from minirnn.layers import Dense, Embedding, SimpleRNN, token_rnn
from minirnn.layers.token_rnn import BACKENDS, TokenRNN, token_step

V = 11


def project_case(E, H, bias):
    def arguments(dtype):
        rng = np.random.default_rng(H)
        embeddings = rng.normal(size=(V, E)).astype(dtype) if E else None
        Wx, b = rng.normal(size=(E or V, H)).astype(dtype), rng.normal(size=H).astype(dtype)
        return [embeddings, Wx, b if bias else None, np.full((V, H), 7, dtype)]

    return arguments


def backward_case(E, H, bias):
    def arguments(dtype):
        rng = np.random.default_rng(H)
        dtable, db = rng.normal(size=(V, H)).astype(dtype), rng.normal(size=H).astype(dtype)
        embeddings, dembeddings = (rng.normal(size=(V, E)).astype(dtype) if E else None for _ in range(2))
        Wx, dWx = (rng.normal(size=(E or V, H)).astype(dtype) for _ in range(2))
        return [dtable, embeddings, Wx, dembeddings, dWx, db if bias else None]

    return arguments


SIZES = [(4, 1), (3, 6), (16, 8), (5, 10), (1, 17), (9, 16), (None, 3), (None, 8), (None, 17)]  # E, H; None: one-hot
CASES = {
    entry: {
        f"{'one-hot' if E is None else f'E{E}'}-H{H}{'' if bias else '-no-bias'}": make(E, H, bias)
        for E, H in SIZES
        for bias in (True, False)
    }
    for entry, make in (("forward", project_case), ("backward", backward_case))
}


@pytest.mark.parametrize(("entry", "case", "dtype"), twin_params(CASES))
def test_kernel_equals_reference(entry, case, dtype):
    compare_twins(BACKENDS, entry, case, dtype)


@settings(max_examples=30, deadline=None)
@given(E=st.integers(1, 20), H=st.integers(1, 20))
def test_kernel_equals_reference_for_any_sizes(E, H):
    compare_twins(BACKENDS, "forward", project_case(E, H, True), "float64")
    compare_twins(BACKENDS, "backward", backward_case(E, H, True), "float64")


# ------------------------------------------------------------------------------------------------------------------------------ gradients

OPTIONS = [
    {},
    {"return_sequences": True, "go_backwards": True},
    {"recurrent_dropout": 0.4},
    {"use_bias": False, "activation": "sigmoid"},
    {"return_sequences": True, "zero_output_for_mask": True, "recurrent_dropout": 0.3, "activation": "relu"},
]


def option_name(options):
    return "-".join(options) or "plain"


def token_model(options, mask_zero=False, above=()):
    return SmallModel([TokenRNN(Embedding(V, 3, mask_zero=mask_zero), SimpleRNN(4, **options)), *above], random_ids_of_batch())


def random_ids_of_batch():
    return random_ids(np.random.default_rng(9), N, T, V)[ROWS]


@pytest.mark.parametrize("mask_zero", [False, True])
@pytest.mark.parametrize("options", OPTIONS, ids=option_name)
def test_gradients_with_an_embedding(options, mask_zero):
    token_model(options, mask_zero).check()


@pytest.mark.parametrize("options", OPTIONS, ids=option_name)
def test_gradients_of_one_hot_tokens(options):
    model = SmallModel([TokenRNN(None, SimpleRNN(4, **options))], TokenRows(random_ids_of_batch(), np.arange(B), V))
    model.check()


def test_gradients_of_a_stack_behind_tokens():
    token_model({"return_sequences": True}, True, [SimpleRNN(5, recurrent_dropout=0.4), Dense(2, "sigmoid")]).check()


FAULTS = [
    ("forward", "table += b", "pass"),
    ("forward", "embeddings @ Wx", "embeddings[::-1] @ Wx"),
    ("backward", "db += dtable.sum(axis=0)", "pass"),
    ("backward", "dWx += embeddings.T @ dtable", "dWx += embeddings[::-1].T @ dtable"),
    ("backward", "dembeddings += dtable @ Wx.T", "dembeddings += dtable @ Wx[::-1].T"),
]


@pytest.mark.parametrize(("entry", "line", "fault"), FAULTS)
def test_planted_faults_are_found(entry, line, fault, monkeypatch):
    wrong = planted(getattr(token_rnn, {"forward": "project_ref", "backward": "project_backward_ref"}[entry]), line, fault)
    monkeypatch.setitem(BACKENDS, "numpy", BACKENDS["numpy"]._replace(**{entry: wrong}))
    with pytest.raises(AssertionError, match="WRONG"):
        compare_twins(BACKENDS, entry, CASES[entry]["E3-H6"], "float64")
    with pytest.raises(AssertionError, match="WRONG"):
        token_model({}).check()


# -------------------------------------------------------------------------------------------------------------- one step instead of two


def same_weights(layers, others):
    for layer, other in zip(layers, others, strict=True):
        other.set_weights(layer.get_weights())


def gradients(layers):
    return [(f"{type(layer).__name__}.{name}", gradient) for layer in layers for name, gradient in layer.gradients.items()]


def assert_same_way(found, expected, allowed):
    for (name, one), (_, other) in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=allowed * max(1, np.abs(other).max()), err_msg=name)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("mask_zero", [False, True])
@pytest.mark.parametrize("options", OPTIONS, ids=option_name)
def test_tokens_give_what_an_embedding_and_a_simple_rnn_give(backend, mask_zero, options):
    ids = random_ids(np.random.default_rng(9), N, T, V)
    tokens, rng = TokenRows(ids, np.array(ROWS)), np.random.default_rng(3)
    pairs = []
    for _ in range(2):
        layers = Embedding(V, 3, mask_zero=mask_zero, dtype="float64"), SimpleRNN(10, seed=2, dtype="float64", **options)
        layers[0].build((None, T), rng)
        layers[1].build((None, T, 3), rng)
        for layer in layers:
            layer.backend = backend
        pairs.append(layers)
    same_weights(*pairs)
    together, (embedding, rnn) = TokenRNN(*pairs[0]), pairs[1]
    found = together.forward(tokens, training=True)
    mask = embedding.compute_mask(tokens, None)
    expected = rnn.forward(embedding.forward(tokens), mask, training=True)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)
    given, passed_on = together.compute_mask(tokens, None), rnn.compute_mask(None, mask)
    assert (given is None) == (passed_on is None)
    assert given is None or np.array_equal(given, passed_on)
    dy = rng.normal(size=found.shape)
    together.backward(dy)
    embedding.backward(rnn.backward(dy))
    assert_same_way(gradients(pairs[0]), gradients(pairs[1]), 1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("options", OPTIONS, ids=option_name)
def test_one_hot_tokens_give_what_dense_one_hot_vectors_give(backend, options):
    tokens = TokenRows(random_ids(np.random.default_rng(9), N, T, V), np.array(ROWS), V)
    mask = np.random.default_rng(1).random((B, T)) > 0.3
    layers = [SimpleRNN(10, seed=2, dtype="float64", **options) for _ in range(2)]
    for layer in layers:
        layer.backend = backend
        layer.build((None, T, V), np.random.default_rng(7))
    together = TokenRNN(None, layers[0])
    found, expected = together.forward(tokens, mask, True), layers[1].forward(tokens.array("float64"), mask, True)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)
    dy = np.random.default_rng(8).normal(size=found.shape)
    together.backward(dy)
    layers[1].backward(dy)
    assert_same_way(gradients(layers[:1]), gradients(layers[1:]), 1e-12)
    assert (together.compute_mask(tokens, mask) is mask) == layers[0].return_sequences


def test_only_a_recurrence_without_input_dropout_takes_tokens():
    assert token_step(None, SimpleRNN(3)) is not None
    assert token_step(None, SimpleRNN(3, recurrent_dropout=0.5)) is not None
    assert token_step(None, SimpleRNN(3, dropout=0.5)) is None
    assert token_step(None, Dense(3)) is None
