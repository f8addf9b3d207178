"""``initial_state`` and ``return_state``: a sequence read in two parts is the sequence read at once."""

import numpy as np
import pytest
from gradient_check import check_gradients
from rnn_cases import B, E, H, T, small_input

import minirnn
from minirnn.layers import Input, SimpleRNN

START = np.random.default_rng(8).normal(size=(B, H))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("given", [lambda state: state, lambda state: [state]], ids=["array", "list"])
def test_two_parts_are_the_whole(masked, given):
    x, mask = small_input()
    mask = mask if masked else None
    layer = SimpleRNN(H, return_state=True, return_sequences=True, dtype="float64")
    whole, last = layer(x, mask)
    first, state = layer(x[:, :2], None if mask is None else mask[:, :2])
    second, state = layer(x[:, 2:], None if mask is None else mask[:, 2:], initial_state=given(state))
    np.testing.assert_allclose(state, last, rtol=1e-13)
    seen = np.ones((B, T), bool) if mask is None else np.logical_or.accumulate(mask[:, 2:], axis=1)
    np.testing.assert_allclose(second[seen[:, : T - 2]], whole[:, 2:][seen[:, : T - 2]], rtol=1e-13)
    np.testing.assert_allclose(first, whole[:, :2], rtol=1e-13)


def test_the_state_is_the_last_output_where_nothing_is_masked():
    x, _ = small_input()
    output, state = SimpleRNN(H, return_state=True)(x, initial_state=START)
    np.testing.assert_array_equal(output, state)


def test_the_state_is_carried_over_padding_while_the_output_is_0():
    x, _ = small_input()
    mask = np.zeros((B, T), bool)
    output, state = SimpleRNN(H, return_state=True, dtype="float64")(x, mask, initial_state=START)
    np.testing.assert_array_equal(state, START)
    assert not output.any()


def test_a_given_state_goes_before_a_carried_one_and_holds_for_one_call():
    x, _ = small_input()
    layer = SimpleRNN(H, stateful=True, dtype="float64")
    layer.build(x.shape)
    first = layer(x, initial_state=START)
    second = layer(x)
    layer.reset_states()
    np.testing.assert_array_equal(layer(x, initial_state=START), first)
    np.testing.assert_array_equal(layer(x, initial_state=first), second)


@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_gradients_through_both_states(sequences, masked):
    x, mask = small_input()
    mask = mask if masked else None
    layer = SimpleRNN(H, return_state=True, return_sequences=sequences, dtype="float64")
    layer.backend = "numpy"
    rng = np.random.default_rng(9)
    output, state = layer(x, mask, initial_state=START)
    dy, dstate = rng.normal(size=output.shape), rng.normal(size=state.shape)
    weights = {name: rng.normal(scale=0.6, size=value.shape) for name, value in layer.values.items()}

    def loss(arrays):
        layer.dtype = np.result_type(np.float64, *arrays.values())
        for name in layer.values:
            layer.values[name], layer.gradients[name] = arrays[name].astype(layer.dtype), np.zeros(arrays[name].shape, layer.dtype)
        output, state = layer(arrays["x"], mask, initial_state=arrays["start"])
        return (output * dy).sum() + (state * dstate).sum()

    arrays = {**weights, "x": x, "start": START}
    loss(arrays)
    found = {"x": layer.backward(dy, dstate), **{name: gradient.copy() for name, gradient in layer.gradients.items()}}
    check_gradients(loss, arrays, {**found, "start": layer.dinitial_state.copy()})


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (START[:1], r"must be one array of shape \(B,H\) = \(4, 4\), received shape \(1, 4\)"),
        (START[0], r"received shape \(4,\)"),
        ([START, START], "received 2 arrays"),
    ],
)
def test_a_state_of_another_shape_is_refused(state, message):
    with pytest.raises(ValueError, match=message):
        SimpleRNN(H)(small_input()[0], initial_state=state)


def test_a_model_passes_one_array_on():
    with pytest.raises(ValueError, match="gives more than one array"):
        minirnn.Sequential([Input((T, E)), SimpleRNN(H, return_state=True)])
