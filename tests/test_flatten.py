import numpy as np
import pytest
from gradient_check import SmallModel

from minirnn.layers import Dense, Flatten, SimpleRNN


def test_gradients_get_their_shape_back():
    x = np.random.default_rng(1).normal(size=(3, 5, 4))
    SmallModel([SimpleRNN(2, return_sequences=True), Flatten(), Dense(6)], x).check()


@pytest.mark.parametrize(
    ("shape", "flat"), [((3,), (3, 1)), ((3, 5), (3, 5)), ((3, 5, 4), (3, 20)), ((0, 5, 4), (0, 20)), ((3, 0, 4), (3, 0))]
)
def test_values_stay_in_order(shape, flat):
    layer = Flatten()
    x = np.arange(np.prod(shape), dtype="float32").reshape(shape)
    found = layer.forward(x)
    assert found.shape == flat
    np.testing.assert_array_equal(found.ravel(), x.ravel())
    np.testing.assert_array_equal(layer.backward(found), x)


def test_shapes_that_are_known_and_not():
    assert Flatten().compute_output_shape((None, 5, 4)) == (None, 20)
    assert Flatten().compute_output_shape((None, None, 4)) == (None, None)
    assert Flatten().compute_output_shape((None,)) == (None, 1)


def test_a_mask_ends_with_a_warning():
    layer = Flatten()
    assert layer.compute_mask(None, None) is None
    with pytest.warns(UserWarning, match="does not support masking"):
        assert layer.compute_mask(None, np.ones((2, 3), bool)) is None


def test_the_config_comes_back_and_other_layouts_raise():
    layer = Flatten(data_format="channels_last")
    assert Flatten.from_config(layer.get_config()).get_config() == layer.get_config()
    with pytest.raises(ValueError, match="data_format is not supported"):
        Flatten(data_format="channels_first")
