import numpy as np
import pytest
from faults import planted
from gradient_check import SmallModel

from minirnn.layers import Dense, Dropout, SimpleRNN

X = np.random.default_rng(1).normal(size=(3, 5, 4))


@pytest.mark.parametrize("noise_shape", [None, (None, 1, None), (3, 5, 1)])
def test_gradients_pass_through_the_mask(noise_shape):
    SmallModel([Dense(6, "tanh"), Dropout(0.4, noise_shape), SimpleRNN(2)], X).check()


@pytest.mark.parametrize(("method", "line", "fault"), [("backward", "dy * self._keep", "dy"), ("forward", "x * self._keep", "x")])
def test_a_mask_that_is_not_applied_is_found(method, line, fault, monkeypatch):
    monkeypatch.setattr(Dropout, method, planted(getattr(Dropout, method), line, fault))
    with pytest.raises(AssertionError, match="WRONG"):
        SmallModel([Dense(6, "tanh"), Dropout(0.4), SimpleRNN(2)], X).check()


def test_the_mean_stays():
    # Source: Keras 3.15, keras/src/layers/regularization/dropout_test.py: ones stay 1 in the mean. Of 10,000 draws with standard
    # deviation 1 the mean strays by 0.01; six sigmas are allowed.
    found = Dropout(0.5, seed=1)(np.ones((20, 500), "float32"), training=True)
    assert found.dtype == np.float32
    assert set(np.unique(found)) == {0.0, 2.0}
    assert abs(found.mean() - 1) < 6 * 0.01


def test_nothing_is_dropped_outside_training_or_at_rate_0():
    x = X.astype("float32")
    np.testing.assert_array_equal(Dropout(0.5)(x), x)
    np.testing.assert_array_equal(Dropout(0.0)(x, training=True), x)
    assert not Dropout(1.0)(x, training=True).any()


def test_a_seed_gives_the_same_draws_and_each_call_new_ones():
    first, again, other = Dropout(0.5, seed=4), Dropout(0.5, seed=4), Dropout(0.5, seed=5)
    x = np.ones((20, 30), "float32")
    drawn = first(x, training=True)
    np.testing.assert_array_equal(drawn, again(x, training=True))
    assert not np.array_equal(drawn, first(x, training=True))
    assert not np.array_equal(drawn, other(x, training=True))


def test_noise_shape_shares_a_draw():
    found = Dropout(0.5, noise_shape=(None, 1, None), seed=2)(np.ones((6, 5, 7), "float32"), training=True)
    assert (found == found[:, :1]).all()
    assert len(np.unique(found)) == 2


def test_a_mask_goes_on_and_the_config_comes_back():
    layer, mask = Dropout(0.3, noise_shape=[None, 1], seed=8), np.ones((2, 3), bool)
    assert layer.compute_mask(None, mask) is mask
    assert Dropout.from_config(layer.get_config()).get_config() == layer.get_config()
    assert layer.get_config()["noise_shape"] == [None, 1]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((-0.1,), ValueError, "rate must be in 0..1, received -0.1"),
        ((1.1,), ValueError, "rate must be in 0..1, received 1.1"),
        ((float("nan"),), ValueError, "rate must be in 0..1"),
        (("0.5",), TypeError, "rate must be a number"),
        ((True,), TypeError, "rate must be a number"),
        ((0.5, "ab"), ValueError, "noise_shape must be a sequence of positive integers and None"),
        ((0.5, (2, 0)), ValueError, "noise_shape"),
        ((0.5, (2.0, 1)), ValueError, "noise_shape"),
        ((0.5, 3), ValueError, "noise_shape"),
    ],
)
def test_bad_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        Dropout(*arguments)
