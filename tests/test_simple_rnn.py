import warnings

import numpy as np
import pytest
from rnn_cases import B, E, H, T, small_input

from minirnn.initializers import Constant
from minirnn.layers import SimpleRNN
from minirnn.layers.recurrence import BACKENDS


def constant_layer(units, backend, **options):
    layer = SimpleRNN(
        units,
        kernel_initializer=Constant(0.01),
        recurrent_initializer=Constant(0.02),
        bias_initializer=Constant(0.03),
        **options,
    )
    layer.backend = backend
    return layer


STEPS = np.arange(24, dtype="float32").reshape(2, 3, 4)
LONGER = np.arange(24, dtype="float32").reshape(2, 4, 3)
SEEN = np.array([[True, True, False, True], [True, False, False, True]])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("x", "options", "last"),
    [
        (STEPS, {}, [0.405432, 0.73605347]),
        (STEPS, {"unroll": True}, [0.405432, 0.73605347]),
        (STEPS, {"go_backwards": True}, [0.11144729, 0.5528889]),
    ],
)
def test_keras_constants(backend, x, options, last):
    # Source: Keras 3.15, keras/src/layers/rnn/simple_rnn_test.py
    found = constant_layer(4, backend, **options)(x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.repeat(np.array(last)[:, None], 4, axis=1), rtol=0, atol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_keras_constants_with_a_mask(backend):
    sequences = constant_layer(2, backend, return_sequences=True)
    expected = np.array([[0.0599281, 0.15122814, 0.15122814, 0.32394567], [0.3969304, 0.3969304, 0.3969304, 0.608085]])
    np.testing.assert_allclose(sequences(LONGER, SEEN), np.stack([expected, expected], axis=2), rtol=0, atol=1e-6)
    zeros = constant_layer(2, backend, return_sequences=True, zero_output_for_mask=True)(LONGER, SEEN)
    np.testing.assert_allclose(zeros, np.where(SEEN[..., None], np.stack([expected, expected], axis=2), 0), rtol=0, atol=1e-6)
    backwards = constant_layer(4, backend, go_backwards=True)(LONGER, SEEN)
    np.testing.assert_allclose(backwards, np.repeat([[0.07376196], [0.43645123]], 4, axis=1), rtol=0, atol=1e-6)
    last = constant_layer(4, backend)(LONGER, SEEN)
    np.testing.assert_allclose(last, np.repeat([[0.32951632], [0.61799484]], 4, axis=1), rtol=0, atol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_stateful_layer_goes_on_where_it_stopped(backend):
    layer = constant_layer(4, backend, stateful=True)
    layer.build((2, 3, 4))
    first = layer(STEPS)
    second = layer(STEPS)
    np.testing.assert_allclose(second, np.repeat([[0.40559256], [0.7361247]], 4, axis=1), rtol=0, atol=1e-6)
    layer.reset_state()
    np.testing.assert_array_equal(layer(STEPS), first)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_carried_state_shows_only_after_the_first_unmasked_step(backend):
    layer = constant_layer(4, backend, stateful=True, return_sequences=True)
    layer.build((2, 3, 4))
    before = layer(STEPS)[:, -1]
    mask = np.array([[False, True, False], [False, False, False]])
    outputs = layer(STEPS, mask)
    assert not outputs[0, 0].any()
    assert not outputs[1].any()
    np.testing.assert_array_equal(outputs[0, 1], outputs[0, 2])
    np.testing.assert_array_equal(layer.state[1], before[1])  # kept, though it was not shown


@pytest.mark.parametrize(
    "options", [{}, {"return_sequences": True}, {"go_backwards": True, "return_sequences": True}, {"activation": "relu"}]
)
def test_both_backends_give_the_same_layer(options):
    rng = np.random.default_rng(8)
    x, mask = rng.normal(size=(B, T, E)).astype("float32"), rng.random((B, T)) > 0.3
    layers = [SimpleRNN(10, seed=1, dropout=0.2, recurrent_dropout=0.2, **options) for _ in BACKENDS]
    for layer, backend in zip(layers, BACKENDS, strict=True):
        layer.backend = backend
        layer.build((None, T, E), np.random.default_rng(4))
    outputs = [np.array(layer.forward(x, mask, training=True)) for layer in layers]
    inputs = [layer.backward(np.ones_like(outputs[0])) for layer in layers]
    np.testing.assert_allclose(outputs[0], outputs[1], rtol=0, atol=1e-6)
    np.testing.assert_allclose(inputs[0], inputs[1], rtol=0, atol=1e-5)
    for name, gradient in layers[0].gradients.items():
        np.testing.assert_allclose(gradient, layers[1].gradients[name], rtol=0, atol=1e-4)


def test_dropout_keeps_its_share_and_its_mean():
    layer = SimpleRNN(4, seed=3)
    keep = layer.draw_keep(500, 400, 0.3)
    assert keep.dtype == np.float32
    assert set(np.unique(keep)) == {np.float32(0), np.float32(1 / 0.7)}
    # 200,000 draws: the share strays by sqrt(0.21 / 200,000) = 0.001; six sigmas are allowed
    assert abs((keep == 0).mean() - 0.3) < 6 * 0.00103
    assert layer.draw_keep(2, 3, 0.0) is None
    assert not layer.draw_keep(2, 3, 1.0).any()


def test_dropout_rests_outside_training():
    layer = SimpleRNN(4, dropout=0.9, recurrent_dropout=0.9, seed=1)
    x = small_input()[0].astype("float32")
    np.testing.assert_array_equal(layer(x), layer(x))
    assert not np.array_equal(layer(x, training=True), layer(x))


def test_shapes_and_weights_are_keras_s():
    layer = SimpleRNN(4, return_sequences=True)
    layer.build((None, 5, 3))
    assert [weight.shape for weight in layer.weights] == [(3, 4), (4, 4), (4,)]
    assert layer.count_params() == 4 * (3 + 4 + 1)
    assert layer.output_shape == (None, 5, 4)
    assert SimpleRNN(4).compute_output_shape((None, 5, 3)) == (None, 4)
    mask = np.ones((2, 5), bool)
    assert layer.compute_mask(None, mask) is mask
    assert SimpleRNN(4).compute_mask(None, mask) is None


def test_a_config_makes_the_same_layer():
    layer = SimpleRNN(3, "relu", use_bias=False, dropout=0.2, recurrent_dropout=0.1, return_sequences=True, go_backwards=True, seed=9)
    config = layer.get_config()
    again = SimpleRNN.from_config({**{key: value for key, value in config.items() if key != "name"}, "name": "again"})
    assert {**again.get_config(), "name": layer.name} == config
    assert config["seed"] == 9


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"units": 0}, ValueError, "units must be a positive integer, received 0"),
        ({"units": -3}, ValueError, "units must be a positive integer, received -3"),
        ({"units": 2.5}, ValueError, "received 2.5"),
        ({"units": np.int64(4)}, ValueError, "convert it with int"),
        ({"units": 4, "activation": "tahn"}, ValueError, "did you mean 'tanh'"),
        ({"units": 4, "dropout": 1.5}, ValueError, "dropout must be in 0..1"),
        ({"units": 4, "recurrent_dropout": "0.5"}, TypeError, "recurrent_dropout must be a number"),
        ({"units": 4, "kernel_regularizer": "l3"}, ValueError, "unknown regularizer 'l3'"),
        ({"units": 4, "implementation": 2}, ValueError, "unrecognized arguments"),
    ],
)
def test_bad_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        SimpleRNN(**arguments)


def test_bad_inputs_are_named():
    layer = SimpleRNN(4)
    with pytest.raises(ValueError, match=r"expects input of shape \(B,T,E\)"):
        layer(np.zeros((2, 3), "float32"))
    layer(np.zeros((2, 3, 5), "float32"))
    with pytest.raises(ValueError, match=r"\(B,T,5\).*received \(2, 3, 4\)"):
        layer(np.zeros((2, 3, 4), "float32"))
    with pytest.raises(ValueError, match="T >= 1"):
        layer(np.zeros((2, 0, 5), "float32"))
    with pytest.raises(ValueError, match="fixed batch size"):
        SimpleRNN(4, stateful=True)(np.zeros((2, 3, 5), "float32"))
    stateful = SimpleRNN(4, stateful=True)
    stateful.build((2, 3, 5))
    with pytest.raises(ValueError, match="built for batches of 2, received 3 rows"):
        stateful(np.zeros((3, 3, 5), "float32"))


@pytest.fixture(scope="module")
def keras():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("keras")


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    "options",
    [{}, {"return_sequences": True}, {"go_backwards": True, "return_sequences": True}, {"activation": "sigmoid", "use_bias": False}],
    ids=lambda options: "-".join(options) or "plain",
)
def test_equals_keras(keras, options, masked):
    # Keras rounds as often as minirnn does; both are measured against minirnn's float64
    x, mask = small_input()
    mask = mask if masked else None
    layer = SimpleRNN(H, dtype="float64", **options)
    truth = layer(x, mask)
    theirs = keras.layers.SimpleRNN(H, **options)
    theirs.build((None, T, E))
    theirs.set_weights([weight.astype("float32") for weight in layer.get_weights()])
    found = np.asarray(theirs(x.astype("float32"), mask=mask))
    single = SimpleRNN(H, **options)
    single.build((None, T, E))
    single.set_weights(layer.get_weights())
    ours = single(x.astype("float32"), mask)
    assert ours.shape == found.shape
    allowed = 4 * np.abs(found - truth).max() + 4 * np.finfo(np.float32).eps
    assert np.abs(found - truth).max() < 1e-6 * T
    assert np.abs(ours - truth).max() <= allowed
