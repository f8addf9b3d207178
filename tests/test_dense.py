import warnings

import numpy as np
import pytest
from faults import planted
from gradient_check import SmallModel
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import compare, compare_twins, entries, twin_params

from minirnn.activations import CODES, LINEAR, RELU, SIGMOID, TANH
from minirnn.layers import Dense, dense
from minirnn.layers.dense import BACKENDS


def forward_case(B, I, O, activation=LINEAR, bias=True):
    def arguments(dtype):
        rng = np.random.default_rng(O)
        x, W, b = (rng.normal(size=shape).astype(dtype) for shape in ((B, I), (I, O), (O,)))
        return [x, W, b if bias else None, activation, np.full((B, O), 7, dtype), np.full((B, O), 7, dtype)]

    return arguments


def backward_case(B, I, O, bias=True):
    def arguments(dtype):
        rng = np.random.default_rng(O)
        shapes = (B, O), (B, I), (I, O), (I, O), (O,), (B, I)
        dlogits, x, W, dW, db, dx = (rng.normal(size=shape).astype(dtype) for shape in shapes)
        return [dlogits, x, W, dW, db if bias else None, dx]

    return arguments


SIZES = [(5, 6, 4), (3, 8, 1), (2, 3, 10), (7, 1, 16), (1, 17, 3), (4, 9, 17)]
CASES = {
    "forward": {
        f"{B}x{I}x{O}-a{activation}{'' if bias else '-no-bias'}": forward_case(B, I, O, activation, bias)
        for (B, I, O), activation in zip(SIZES, (TANH, SIGMOID, RELU, LINEAR, TANH, SIGMOID), strict=True)
        for bias in (True, False)
    },
    "backward": {f"{B}x{I}x{O}{'' if bias else '-no-bias'}": backward_case(B, I, O, bias) for B, I, O in SIZES for bias in (True, False)},
}


@pytest.mark.parametrize(("entry", "case", "dtype"), twin_params(CASES))
def test_kernel_equals_reference(entry, case, dtype):
    compare_twins(BACKENDS, entry, case, dtype)


@settings(max_examples=40, deadline=None)
@given(B=st.integers(1, 9), I=st.integers(1, 9), O=st.integers(1, 20), activation=st.sampled_from(list(CODES.values())))
def test_kernel_equals_reference_for_any_sizes(B, I, O, activation):
    for entry, case in (("forward", forward_case(B, I, O, activation)), ("backward", backward_case(B, I, O))):
        compare_twins(BACKENDS, entry, case, "float32")


def input_of(*shape):
    return np.random.default_rng(4).normal(size=shape)


@pytest.mark.parametrize("activation", CODES)
@pytest.mark.parametrize("use_bias", [True, False])
def test_gradients_of_each_activation(activation, use_bias):
    SmallModel([Dense(4, activation, use_bias=use_bias)], input_of(3, 5)).check()


def test_gradients_of_a_stack_on_sequences():
    SmallModel([Dense(4, "tanh"), Dense(2, "sigmoid")], input_of(3, 5, 6)).check()


FAULTS = [
    ("forward", "logits += b", "pass"),
    ("forward", "x @ W", "x @ np.roll(W, 1, axis=0)"),
    ("backward", "dlogits.sum(axis=0)", "dlogits.mean(axis=0)"),
    ("backward", "dW += x.T @ dlogits", "dW[...] = x.T @ dlogits"),
    ("backward", "dW += x.T @ dlogits", "dW += x[::-1].T @ dlogits"),
    ("backward", "dlogits @ W.T", "dlogits @ W[::-1].T"),
]


def check_twins(entry):
    for case in CASES[entry].values():
        compare(entries(BACKENDS["numpy"])[entry], entries(BACKENDS["numba"])[entry], case(np.dtype("float64")), "float64")


@pytest.mark.parametrize(("entry", "line", "fault"), FAULTS)
def test_planted_faults_are_found(entry, line, fault, monkeypatch):
    wrong = planted(getattr(dense, f"dense_{entry}_ref"), line, fault)
    monkeypatch.setitem(BACKENDS, "numpy", BACKENDS["numpy"]._replace(**{entry: wrong}))
    with pytest.raises(AssertionError, match="WRONG"):
        check_twins(entry)
    if "dW[...]" not in fault:  # one backward pass cannot tell adding from assigning; the twins start from gradients that are not 0
        with pytest.raises(AssertionError, match="WRONG"):
            SmallModel([Dense(4, "tanh")], input_of(3, 5)).check()


def test_a_slope_that_is_dropped_is_found(monkeypatch):
    wrong = planted(Dense.backward, "dy * slope_ref(self._y, self._code)", "dy")
    monkeypatch.setattr(Dense, "backward", wrong)
    with pytest.raises(AssertionError, match="WRONG"):
        SmallModel([Dense(4, "tanh")], input_of(3, 5)).check()


@pytest.mark.parametrize("backend", BACKENDS)
def test_keras_constants(backend):
    # Source: Keras 3.15, keras/src/layers/core/dense_test.py
    x = np.array([[-1.0, 2.0]], "float32")
    for bias, activation, expected in (([5.0, -6.0], "relu", [[10.0, 0.0]]), (None, None, [[5.0, -6.0]])):
        layer = Dense(2, activation, use_bias=bias is not None)
        layer.backend = backend
        layer.build((None, 2))
        kernel = [[1.0, -2.0], [3.0, -4.0]]
        layer.set_weights([kernel] if bias is None else [kernel, bias])
        found = layer(x)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, expected if bias else x @ np.float32(kernel))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("leading", [(3,), (3, 5), (2, 3, 5)])
def test_equals_keras(backend, leading):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        keras = pytest.importorskip("keras")
    x = input_of(*leading, 6).astype("float32")
    layer = Dense(4, "sigmoid")
    layer.backend = backend
    found = layer(x)
    theirs = keras.layers.Dense(4, "sigmoid")
    theirs.build(x.shape)
    theirs.set_weights(layer.get_weights())
    expected = np.asarray(theirs(x))
    assert found.shape == expected.shape
    # outputs below 1, each a sum of 6 products: both round some 9 times
    np.testing.assert_allclose(found, expected, rtol=0, atol=9 * np.finfo(np.float32).eps)


def test_backward_from_logits_skips_the_slope():
    layer = Dense(2, "sigmoid", dtype="float64")
    x = input_of(3, 4)
    layer(x)
    layer.forward(x)
    dlogits = input_of(3, 2)
    dx = layer.backward_from_logits(dlogits)
    np.testing.assert_allclose(dx, dlogits @ layer.values["kernel"].T, rtol=1e-14)
    np.testing.assert_allclose(layer.gradients["kernel"], x.T @ dlogits, rtol=1e-12)


def test_logits_are_kept_before_the_activation():
    layer = Dense(2, "sigmoid", dtype="float64")
    outputs = layer(input_of(3, 4))
    np.testing.assert_allclose(1 / (1 + np.exp(-layer.logits)), outputs, rtol=1e-14)


def test_weights_and_config_are_keras_s():
    layer = Dense(4, "relu", use_bias=False)
    layer.build((None, 3))
    assert [weight.shape for weight in layer.weights] == [(3, 4)]
    config = layer.get_config()
    assert Dense.from_config(config).get_config() == config
    mask = np.ones((2, 3), bool)
    assert layer.compute_mask(None, mask) is mask


@pytest.mark.parametrize("units", [0, -1, 2.0, "3", None, True, np.int64(4)])
def test_bad_units_are_named(units):
    with pytest.raises(ValueError, match="Dense: units must be a positive integer"):
        Dense(units)


def test_bad_inputs_are_named():
    layer = Dense(2)
    with pytest.raises(ValueError, match="Add a batch axis"):
        layer(np.zeros(3, "float32"))
    layer(np.zeros((2, 3), "float32"))
    with pytest.raises(ValueError, match=r"last axis of 3, received shape \(2, 4\)"):
        layer(np.zeros((2, 4), "float32"))
    with pytest.raises(ValueError, match="lora_rank is not supported"):
        Dense(2, lora_rank=1)
    with pytest.raises(ValueError, match="did you mean 'sigmoid'"):
        Dense(2, "sigmod")
