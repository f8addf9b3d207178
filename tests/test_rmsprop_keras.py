import warnings

import numpy as np
import pytest
from flat_weights import Weights

from minirnn.optimizers import BACKENDS, RMSprop, get

ORACLE = {
    "plain": ({}, [0.68377286, 0.45435736, 0.71903169]),
    "momentum": ({"momentum": 0.9}, [0.68377286, 0.16975290, -0.02819076]),
    "centered": ({"centered": True}, [0.66666740, 0.41176134, 0.67663080]),
    "both": ({"momentum": 0.9, "centered": True}, [0.66666740, 0.11176199, -0.12278342]),
    "weight decay": ({"weight_decay": 0.01}, [0.68277287, 0.45267460]),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("options", "expected"), ORACLE.values(), ids=list(ORACLE))
def test_numbers_that_keras_gives(backend, options, expected):
    optimizer, weights = RMSprop(0.1, **options), Weights([[1.0]])
    found = [weights.step(optimizer, [gradient], backend)[0][0] for gradient in (0.5, 0.5, -1.0)]
    np.testing.assert_allclose(found[: len(expected)], expected, rtol=0, atol=3e-7)
    assert optimizer.iterations == 3


# Source: Keras 3.15, keras/src/optimizers/rmsprop_test.py
@pytest.mark.parametrize("backend", BACKENDS)
def test_keras_constants(backend):
    found = Weights([[1.0, 2.0, 3.0, 4.0]]).step(RMSprop(0.5), [[1.0, 6.0, 7.0, 2.0]], backend)
    np.testing.assert_allclose(found[0], [-0.5811, 0.4189, 1.4189, 2.4189], rtol=0, atol=1e-4)
    weights, optimizer = Weights([[2.0]]), RMSprop(1.0, weight_decay=0.004)
    for _ in range(3):
        found = weights.step(optimizer, [[0.0]], backend)
    np.testing.assert_allclose(found[0], 1.9760959, rtol=0, atol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_keras_golden_centered(backend):
    weights, optimizer = Weights([np.ones(10)]), RMSprop(centered=True)
    found = [weights.step(optimizer, [gradient], backend)[0] for gradient in (0.01, *[np.arange(0.1, 1.1, 0.1)] * 4)]
    np.testing.assert_allclose([values[0] for values in found], [0.9967, 0.9933, 0.9908, 0.9885, 0.9864], rtol=0, atol=1e-4)


OPTIONS = [
    {},
    {"rho": 0.5},
    {"momentum": 0.9},
    {"epsilon": 1e-2},
    {"centered": True},
    {"momentum": 0.5, "centered": True},
    {"weight_decay": 0.1},
    {"clipnorm": 0.7},
    {"clipvalue": 0.3},
    {"global_clipnorm": 0.7},
    {"learning_rate": 0.003, "momentum": 0.3, "weight_decay": 0.2, "clipnorm": 1.1},
]


@pytest.fixture(scope="module")
def keras():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("keras")


def single_rounding_drift(truth):
    """What 20 steps in float32 may be off: each rounds the weight once and its step, below 0.02, some ten times."""
    eps = np.finfo(np.float32).eps
    return 20 * (np.abs(truth).max() * eps / 2 + 0.02 * 10 * eps / 2)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(options) or "plain")
def test_equals_keras_over_20_steps(keras, backend, options):
    options = {"learning_rate": 0.005, **options}
    start, rng = [np.linspace(-1, 1, 6), np.linspace(0.5, 2, 4)], np.random.default_rng(6)
    gradients = [[rng.normal(size=6), rng.normal(size=4) * 0.1] for _ in range(20)]
    theirs, variables = keras.optimizers.RMSprop(**options), [keras.Variable(value.astype("float32")) for value in start]
    ours, weights, truth, exact = RMSprop(**options), Weights(start), Weights(start, "float64"), RMSprop(**options)
    for gradient in gradients:
        single = [part.astype("float32") for part in gradient]
        theirs.apply([keras.ops.convert_to_tensor(part) for part in single], variables)
        found = weights.step(ours, single, backend)
        expected = truth.step(exact, [part.astype("float64") for part in single])
    for k, variable in enumerate(variables):
        allowed = single_rounding_drift(expected[k])
        assert np.abs(np.asarray(variable) - expected[k]).max() <= allowed
        assert np.abs(found[k] - expected[k]).max() <= allowed
    # the state too, under Keras's names
    for place, (name, vector) in enumerate(ours.state.items()):
        kept = theirs.variables[2 + 2 * place : 4 + 2 * place]  # after the iteration and the learning rate
        assert all(variable.path.endswith(name) for variable in kept)
        np.testing.assert_allclose(vector, np.concatenate(kept), rtol=20 * np.finfo(np.float32).eps, atol=1e-7)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize(
    "options", [{}, {"momentum": 0.5}, {"centered": True}, {"clipnorm": 1.0}, {"global_clipnorm": 1.0}, {"clipvalue": 1.0}]
)
def test_a_gradient_that_is_not_finite_shows_where_it_does_in_keras(keras, backend, wrong, options):
    given = [[wrong, 1.0], [2.0]]
    theirs, variables = keras.optimizers.RMSprop(0.1, **options), [keras.Variable([1.0, 2.0]), keras.Variable([3.0])]
    theirs.apply([keras.ops.convert_to_tensor(part) for part in given], variables)
    with np.errstate(invalid="ignore", over="ignore"):
        found = Weights([[1.0, 2.0], [3.0]]).step(RMSprop(0.1, **options), given, backend)
    for ours, variable in zip(found, variables, strict=True):
        np.testing.assert_array_equal(np.isnan(ours), np.isnan(np.asarray(variable)))


def test_the_config_is_keras_s():
    optimizer = RMSprop(0.01, 0.8, 0.1, 1e-6, True, 0.02, clipvalue=3.0)
    config = optimizer.get_config()
    assert config["learning_rate"] == float(np.float32(0.01))
    assert RMSprop.from_config(config).get_config() == config
    assert get("RMSprop").get_config()["learning_rate"] == float(np.float32(0.001))
    assert get(optimizer) is optimizer
