import numpy as np
import pytest
from gradient_check import SmallModel

import minirnn
from minirnn.layers import Dense, Masking, SimpleRNN


def padded_vectors(value=0.0):
    x = np.random.default_rng(1).normal(size=(4, 5, 3))
    x[0, :2], x[2] = value, value
    x[1, 3, :2] = value  # one number differs: the step counts
    return x


def test_a_step_counts_when_one_number_differs():
    x = np.array([[[2, 2], [2, 1]]], "float32")
    layer = Masking(2.0)
    np.testing.assert_array_equal(layer(x), [[[0, 0], [2, 1]]])
    np.testing.assert_array_equal(layer.compute_mask(x, None), [[False, True]])


def test_padding_changes_nothing_behind_it():
    model = minirnn.Sequential([minirnn.Input((5, 3)), Masking(-1.0), SimpleRNN(4), Dense(1)], seed=2)
    x = padded_vectors(-1.0)
    short = np.concatenate([x[:1, 2:], np.full((1, 2, 3), -1.0)], axis=1)  # the same steps, padded behind
    np.testing.assert_allclose(model(x)[0], model(short)[0], rtol=1e-6)
    assert np.abs(model(x)[1] - model(x)[2]).max() > 1e-3


def test_gradients():
    model = SmallModel([Masking(), SimpleRNN(4, return_sequences=True), Dense(2)], padded_vectors())
    assert not model.gradients()["x"][2].any()
    model.x_is_real = False  # a step of padding, moved by however little, is none
    model.check()
    SmallModel([Masking(), SimpleRNN(4)], padded_vectors(0.5)).check()


@pytest.mark.parametrize("mask_value", ["0", None, True])
def test_a_mask_value_is_a_number(mask_value):
    with pytest.raises(ValueError, match="mask_value must be a number"):
        Masking(mask_value)


def test_ids_are_sent_to_the_embedding():
    with pytest.raises(ValueError, match=r"expects vectors of shape \(B,T,E\).*mask_zero=True"):
        minirnn.Sequential([minirnn.Input((5,)), Masking()])


def test_the_config_makes_the_same_layer():
    assert Masking.from_config(Masking(3, name="m").get_config()).get_config() == Masking(3.0, name="m").get_config()
