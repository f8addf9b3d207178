import numpy as np
import pytest

from minirnn.layers import Dense, Dropout, Embedding, Flatten, SimpleRNN
from minirnn.parameters import Parameters


def built_layers(frozen=()):
    layers = [Embedding(11, 3), SimpleRNN(4), Dropout(0.1), Flatten(), Dense(2)]
    shapes = [(None, 5), (None, 5, 3), (None, 4), (None, 4), (None, 4)]
    for place, (layer, shape) in enumerate(zip(layers, shapes, strict=True)):
        layer.trainable = place not in frozen
        layer.build(shape, np.random.default_rng(place))
        for gradient in layer.gradients.values():
            gradient[...] = 1
    return layers


def test_values_stay_and_become_views():
    layers = built_layers()
    before = [weight for layer in layers for weight in layer.get_weights()]
    parameters = Parameters(layers, np.dtype("float32"))
    after = [weight for layer in layers for weight in layer.weights]
    for old, new in zip(before, after, strict=True):
        assert np.shares_memory(new, parameters.values)
        assert new.flags.c_contiguous
        np.testing.assert_array_equal(new, old)
    assert parameters.values.shape == (sum(weight.size for weight in before),)
    parameters.values[...] = 3
    assert all((weight == 3).all() for weight in after)


def test_gradients_are_views_that_start_at_0():
    layers = built_layers()
    parameters = Parameters(layers, np.dtype("float32"))
    assert not parameters.gradients.any()
    for layer in layers:
        for name, gradient in layer.gradients.items():
            assert gradient.shape == layer.values[name].shape
            gradient += 1
    assert (parameters.gradients == 1).all()


def test_slots_are_in_the_order_of_the_weights_and_never_overlap():
    layers = built_layers()
    parameters = Parameters(layers, np.dtype("float32"))
    assert [slot.name for slot in parameters.slots] == ["embeddings", "kernel", "recurrent_kernel", "bias", "kernel", "bias"]
    assert [slot.shape for slot in parameters.slots] == [(11, 3), (3, 4), (4, 4), (4,), (4, 2), (2,)]
    covered = np.zeros(parameters.values.size, int)
    for slot in parameters.slots:
        covered[slot.slice] += 1
        assert slot.layer.values[slot.name].base is not None
        np.testing.assert_array_equal(parameters.values[slot.slice], slot.layer.values[slot.name].ravel())
    assert (covered == 1).all()
    assert parameters.trainable == slice(0, parameters.values.size)


@pytest.mark.parametrize("frozen", [(0,), (1,), (4,), (0, 1, 4)])
def test_trainable_weights_come_first(frozen):
    layers = built_layers(frozen)
    parameters = Parameters(layers, np.dtype("float32"))
    inside = np.zeros(parameters.values.size, bool)
    inside[parameters.trainable] = True
    for slot in parameters.slots:
        assert slot.trainable == slot.layer.trainable
        assert (inside[slot.slice] == slot.trainable).all()
    # the slots stay in the order of the layers, whatever is frozen
    assert [slot.name for slot in parameters.slots] == ["embeddings", "kernel", "recurrent_kernel", "bias", "kernel", "bias"]


def test_a_model_without_weights_has_none():
    parameters = Parameters([Flatten()], np.dtype("float64"))
    assert parameters.values.shape == (0,)
    assert parameters.values.dtype == np.float64
    assert parameters.slots == []
