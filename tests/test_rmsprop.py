import itertools
import math

import numpy as np
import pytest
from faults import planted
from flat_weights import Weights
from test_rmsprop_step import CASES
from twins import compare_twins

from minirnn import optimizers
from minirnn.optimizers import BACKENDS, RMSprop, get


def scalar_steps(w, gradients, learning_rate, rho, momentum, epsilon, centered, weight_decay):
    """The formula on one number, in Python's floats."""
    v = m = a = 0.0
    for g in gradients:
        w -= w * weight_decay * learning_rate
        v = rho * v + (1 - rho) * g * g
        a = rho * a + (1 - rho) * g
        d = v - a * a + epsilon if centered else v + epsilon
        step = learning_rate * g / math.sqrt(d)
        m = momentum * m + step
        w -= m if momentum else step
    return w


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("learning_rate", "rho", "momentum", "epsilon", "centered", "weight_decay"),
    list(itertools.product([0.01], [0.9, 0.5, 0.0], [0.0, 0.7], [1e-7, 1e-2], [False, True], [None, 0.3])),
)
def test_every_argument_is_in_the_formula(backend, learning_rate, rho, momentum, epsilon, centered, weight_decay):
    if centered and rho == 0:
        epsilon = max(epsilon, 1e-2)  # v - a² is nothing but rounding, so epsilon alone must stand for it
    optimizer = RMSprop(learning_rate, rho, momentum, epsilon, centered, weight_decay)
    gradients = np.random.default_rng(4).normal(size=(20, 3))
    weights = Weights([[1.0, -2.0, 0.5]], "float64")
    for gradient in gradients:
        found = weights.step(optimizer, [gradient], backend)[0]
    for k, start in enumerate((1.0, -2.0, 0.5)):
        expected = scalar_steps(start, gradients[:, k], learning_rate, rho, momentum, epsilon, centered, weight_decay or 0.0)
        np.testing.assert_allclose(found[k], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("step = learning_rate * gradients / np.sqrt(d)", "step = learning_rate * gradients / (np.sqrt(velocity) + epsilon)"),
        ("velocity *= keep", "velocity *= take"),
        ("velocity += take * (gradients", "velocity += keep * (gradients"),
        ("averages += take * gradients", "averages += gradients"),
        ("d -= averages * averages", "d -= averages"),
        ("momentums *= momentum", "momentums *= keep"),
        ("values -= step", "values += step"),
    ],
)
def test_planted_faults_are_found(line, fault, monkeypatch):
    monkeypatch.setitem(BACKENDS, "numpy", planted(optimizers.rmsprop_ref, line, fault))
    with np.errstate(invalid="ignore"), pytest.raises(AssertionError, match="WRONG"):
        check_twins()
    with np.errstate(invalid="ignore"), pytest.raises(AssertionError, match="Not equal"):
        check_formula()


def check_twins():
    for make in CASES["rmsprop"].values():
        compare_twins(BACKENDS, "rmsprop", make, "float64")


def check_formula():
    for options in ({}, {"momentum": 0.7, "centered": True}):
        test_every_argument_is_in_the_formula("numpy", 0.01, 0.8, options.get("momentum", 0.0), 1e-3, options.get("centered", False), None)


# ----------------------------------------------------------------------------------------------------------------------------- clipping


@pytest.mark.parametrize("backend", BACKENDS)
def test_clipping_by_norm_is_per_weight_and_global_clipping_is_not(backend):
    given = [[3.0, 4.0], [0.3, 0.4]]
    expected = {
        "clipnorm": [[0.6, 0.8], [0.3, 0.4]],
        "global_clipnorm": [[3 / math.sqrt(25.25), 4 / math.sqrt(25.25)], [0.3 / math.sqrt(25.25), 0.4 / math.sqrt(25.25)]],
        "clipvalue": [[1.0, 1.0], [0.3, 0.4]],
    }
    for kind, clipped in expected.items():
        weights = Weights([[1.0, 2.0], [3.0, 4.0]], "float64")
        weights.step(RMSprop(0.1, **{kind: 1.0}), given, backend)
        np.testing.assert_allclose(weights.parameters.gradients, np.ravel(clipped), rtol=1e-14)


@pytest.mark.parametrize("kind", ["clipnorm", "global_clipnorm"])
def test_a_zero_gradient_is_clipped_to_zero(kind):
    found = Weights([[1.0, 2.0]]).step(RMSprop(0.1, **{kind: 1.0}), [[0.0, 0.0]])
    np.testing.assert_array_equal(found[0], [1.0, 2.0])


# --------------------------------------------------------------------------------------------------------------------- small and frozen


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_kernel_and_reference_flush_subnormal_velocities(backend, dtype):
    tiny = np.finfo(dtype).tiny
    velocity = np.array([tiny * 1.05, tiny * 2, 0], dtype)
    values, gradients = np.ones(3, dtype), np.zeros(3, dtype)
    BACKENDS[backend](values, gradients, velocity, None, None, None, 0.1, 0.9, 0.0, 1e-7)
    assert velocity[0] == 0
    assert velocity[1] == np.dtype(dtype).type(0.9) * np.dtype(dtype).type(tiny * 2)
    np.testing.assert_array_equal(values, 1)
    smallest = np.array([tiny] * 3, dtype)
    BACKENDS[backend](values, gradients, smallest, None, None, None, 0.1, 1.0, 0.0, 1e-7)
    np.testing.assert_array_equal(smallest, tiny)  # the smallest normal number stays


@pytest.mark.parametrize("backend", BACKENDS)
def test_frozen_weights_stay_and_do_not_enter_the_norm(backend):
    weights = Weights([[1.0, 2.0], [3.0, 4.0]], "float64", frozen=1)
    found = weights.step(RMSprop(0.1, weight_decay=0.5, global_clipnorm=1.0), [[30.0, 40.0], [3.0, 4.0]], backend)
    np.testing.assert_array_equal(found[0], [1.0, 2.0])
    assert (found[1] < [3.0, 4.0]).all()
    np.testing.assert_allclose(weights.layers[1].gradients["kernel"], [[0.6, 0.8]], rtol=1e-14)


def test_the_learning_rate_can_be_set_between_steps():
    optimizer, weights = RMSprop(0.1, rho=0.0, epsilon=0.0), Weights([[1.0]])
    assert weights.step(optimizer, [[2.0]])[0][0] == np.float32(0.9)
    optimizer.learning_rate = 0.5
    np.testing.assert_allclose(weights.step(optimizer, [[2.0]])[0][0], 0.4, rtol=1e-6)
    with pytest.raises(ValueError, match="learning_rate must be 0 or more"):
        optimizer.learning_rate = -1.0


def test_state_is_made_as_needed_and_belongs_to_one_model():
    weights, other = Weights([[1.0]]), Weights([[1.0]])
    optimizer = RMSprop(momentum=0.5, centered=True)
    optimizer.build(weights.parameters)
    assert list(optimizer.state) == ["velocity", "momentum", "average_gradient"]
    weights.step(optimizer, [[1.0]])
    velocity = optimizer.state["velocity"].copy()
    optimizer.build(weights.parameters)  # again: nothing is lost
    np.testing.assert_array_equal(optimizer.state["velocity"], velocity)
    with pytest.raises(ValueError, match="already trains another model"):
        optimizer.build(other.parameters)
    optimizer.build(other.parameters, replacing=weights.parameters)
    assert optimizer.iterations == 0
    assert not optimizer.state["velocity"].any()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: RMSprop(1), ValueError, "learning_rate must be a float, received 1 of type int"),
        (lambda: RMSprop("0.1"), ValueError, "learning_rate must be a float"),
        (lambda: RMSprop(np.float32(0.1)), ValueError, "learning_rate must be a float"),
        (lambda: RMSprop(float("nan")), ValueError, "learning_rate must be 0 or more"),
        (lambda: RMSprop(rho=1.5), ValueError, r"rho must be in 0..1, received 1.5"),
        (lambda: RMSprop(epsilon=-1e-7), ValueError, "epsilon must be 0 or more"),
        (lambda: RMSprop(momentum=True), ValueError, "momentum must be a number"),
        (lambda: RMSprop(clipnorm=1.0, clipvalue=1.0), ValueError, "only one of clipnorm, clipvalue and global_clipnorm"),
        (lambda: RMSprop(lr=0.1), ValueError, r"unrecognized arguments \['lr'\]"),
        (lambda: RMSprop(use_ema=True), ValueError, "use_ema is not supported"),
        (lambda: RMSprop(gradient_accumulation_steps=2), ValueError, "gradient_accumulation_steps is not supported"),
        (lambda: get("rmspop"), ValueError, "did you mean 'rmsprop'"),
        (lambda: get(0.1), TypeError, "optimizer must be a name or an optimizer"),
    ],
)
def test_bad_arguments_are_named(make, error, message):
    with pytest.raises(error, match=message):
        make()
