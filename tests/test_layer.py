import numpy as np
import pytest

from minirnn.layers import Bidirectional, Dense, Dropout, Embedding, Flatten, Layer, SimpleRNN
from minirnn.layers.layer import clear_names, float_dtype, not_supported, positive_integer, snake_case, unique_name


class Doubled(Layer):
    def forward(self, x, mask=None, training=False):
        y = self.scratch("y", x.shape)
        y[...] = 2 * x
        return y


@pytest.mark.parametrize(("name", "expected"), [("SimpleRNN", "simple_rnn"), ("Dense", "dense"), ("RMSprop", "rm_sprop")])
def test_default_names_are_keras_s(name, expected):
    assert snake_case(name) == expected


def test_names_are_numbered_and_start_again():
    clear_names()
    assert [unique_name("dense") for _ in range(3)] == ["dense", "dense_1", "dense_2"]
    assert Dense(2).name == "dense_3"
    clear_names()
    assert Dense(2).name == "dense"
    assert Dense(2, name="mine").name == "mine"


@pytest.mark.parametrize("make", [lambda **k: Dense(2, **k), lambda **k: SimpleRNN(2, **k), lambda **k: Dropout(0.1, **k), Flatten])
def test_unknown_arguments_are_never_ignored(make):
    with pytest.raises(ValueError, match=r"unrecognized arguments \['colour'\]"):
        make(colour="red")
    with pytest.raises(ValueError, match="trainable must be True or False, received 1"):
        make(trainable=1)
    with pytest.raises(ValueError, match="name must be a string, received 3"):
        make(name=3)
    with pytest.raises(ValueError, match="dtype must be 'float32' or 'float64', received 'int8'"):
        make(dtype="int8")


def test_the_output_belongs_to_the_caller():
    layer, x = Doubled(), np.array([[1.0, 2.0]], "float32")
    first = layer(x)
    layer(3 * x)
    np.testing.assert_array_equal(first, 2 * x)


def test_a_workspace_lasts_and_follows_the_dtype():
    layer = Doubled()
    space = layer.scratch("y", (2, 3))
    assert layer.scratch("y", (2, 3)) is space
    assert layer.scratch("y", (3, 2)) is not space
    assert layer.scratch("z", (2, 3)) is not space
    layer.dtype = np.dtype("float64")
    assert layer.scratch("y", (2, 3)).dtype == np.float64


@pytest.mark.parametrize("given", ["float32", "float64"])
def test_inputs_take_the_layer_s_dtype(given):
    layer = Dense(3, dtype=given)
    assert layer(np.ones((2, 4), "float64")).dtype == given
    assert layer(np.ones((2, 4), "float32")).dtype == given


@pytest.mark.parametrize(
    ("layer", "shape"), [(Dense(3), (None, 4)), (SimpleRNN(3), (None, 5, 4)), (Embedding(11, 3), (None, 5)), (Flatten(), (None, 5, 4))]
)
def test_weights_go_out_and_come_back(layer, shape):
    layer.build(shape)
    given = [np.random.default_rng(1).normal(size=weight.shape) for weight in layer.get_weights()]
    layer.set_weights(given)
    copies = layer.get_weights()
    for weight, value in zip(copies, given, strict=True):
        assert weight.dtype == np.float32
        np.testing.assert_array_equal(weight, value.astype("float32"))
        weight[...] = 0  # a copy: the layer's own stay
    assert all(weight.any() for weight in layer.weights)
    assert layer.count_params() == sum(value.size for value in given)


def test_wrong_weights_change_nothing():
    layer = Dense(3)
    layer.build((None, 4))
    before = layer.get_weights()
    with pytest.raises(ValueError, match=r"takes 2 weights, received 1. Expected shapes: \[\(4, 3\), \(3,\)\]"):
        layer.set_weights(before[:1])
    with pytest.raises(ValueError, match=r"expects a weight of shape \(3,\), received shape \(4,\)"):
        layer.set_weights([before[0] + 1, np.zeros(4)])
    for weight, value in zip(layer.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_the_same_generator_gives_the_same_weights():
    values = []
    for seed in (1, 1, 2):
        layer = SimpleRNN(4)
        layer.build((None, 5, 3), np.random.default_rng(seed))
        values.append(layer.get_weights())
    assert all(np.array_equal(one, other) for one, other in zip(values[0], values[1], strict=True))
    assert not np.array_equal(values[0][0], values[2][0])


def test_a_layer_without_its_methods_says_which():
    layer = Layer()
    with pytest.raises(NotImplementedError, match="must implement forward"):
        layer.forward(None)
    with pytest.raises(NotImplementedError, match="must implement backward"):
        layer.backward(None)
    with pytest.raises(ValueError, match="has no weights yet"):
        layer.count_params()


def test_small_checks():
    assert float_dtype("f", None) == np.float32
    assert float_dtype("f", np.float64) == np.float64
    with pytest.raises(ValueError, match="f: dtype must be"):
        float_dtype("f", "no such dtype")
    assert positive_integer("f", "units", 3) == 3
    not_supported("f", one=None, other=None)
    with pytest.raises(ValueError, match="f: one is not supported by minirnn, received 0"):
        not_supported("f", one=0)


@pytest.mark.parametrize("name", ["embedding", "rnn", "bidirectional", "dense"])
def test_a_twin_has_weights_of_its_own_in_another_dtype_and_gives_the_same(name):
    layer = {
        "embedding": Embedding(11, 4),
        "rnn": SimpleRNN(6, return_sequences=True, go_backwards=True),
        "bidirectional": Bidirectional(SimpleRNN(6)),
        "dense": Dense(2, "sigmoid"),
    }[name]
    rng = np.random.default_rng(3)
    x = rng.integers(0, 11, (3, 5)) if name == "embedding" else rng.normal(size=(3, 5, 4)).astype(np.float32)
    outputs = layer(x)

    twin = layer.twin("float64", "numpy")

    assert twin(x).dtype == np.float64
    np.testing.assert_allclose(twin(x), outputs, atol=1e-6)
    assert [leaf.backend for leaf in twin.walk()] == ["numpy"] * len(list(layer.walk()))
    before = layer.get_weights()
    for value in twin.weights:
        value += 1
    assert all(np.array_equal(now, then) for now, then in zip(layer.get_weights(), before, strict=True))
    assert not np.allclose(twin(x), outputs)
