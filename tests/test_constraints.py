import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minirnn import constraints
from minirnn.constraints import Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm

W = np.array([[3.0, 0.0, -0.6], [-4.0, 0.0, 0.8]])
"""Columns of length 5, 0 and 1."""


@pytest.fixture
def keras_constraints():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("keras").constraints


@pytest.mark.parametrize(
    ("constraint", "lengths"),
    [
        (MaxNorm(), [2, 0, 1]),
        (MaxNorm(0.5), [0.5, 0, 0.5]),
        (MaxNorm(0), [0, 0, 0]),
        (UnitNorm(), [1, 0, 1]),
        (MinMaxNorm(), [1, 0, 1]),
        (MinMaxNorm(2.0, 4.0), [4, 0, 2]),
        (MinMaxNorm(2.0, 4.0, rate=0.25), [4.75, 0, 1.25]),
        (MinMaxNorm(2.0, 4.0, rate=0), [5, 0, 1]),
        (Constraint(), [5, 0, 1]),
    ],
    ids=repr,
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_lengths_of_columns(constraint, lengths, dtype):
    directions = np.array([[0.6, 0.0, -0.6], [-0.8, 0.0, 0.8]])

    found = constraint(W.astype(dtype))

    assert (found.dtype, found.shape) == (dtype, W.shape)
    # the 1e-7 beside a length of 5 or 1 makes every vector shorter by that share
    np.testing.assert_allclose(found, directions * lengths, rtol=2e-7 + 4 * np.finfo(dtype).eps, atol=0)


def test_no_weight_below_0():
    np.testing.assert_array_equal(NonNeg()(W), [[3, 0, 0], [0, 0, 0.8]])
    np.testing.assert_array_equal(NonNeg()([np.nan, -np.inf, np.inf]), [np.nan, 0, np.inf])


@pytest.mark.parametrize(
    ("axis", "norms"), [(1, [3.06, 4.08]), (-1, [3.06, 4.08]), ((0, 1), [5.1]), ([0, 1], [5.1]), (None, [5.1])], ids=str
)
def test_norms_along_other_axes(axis, norms):
    found = UnitNorm(axis)(W)

    lengths = np.sqrt(np.sum(W * W, axis=tuple(axis) if isinstance(axis, list) else axis))
    np.testing.assert_allclose(np.ravel(lengths), norms, atol=0.02)
    np.testing.assert_allclose(np.sum(found * found, axis=tuple(axis) if isinstance(axis, list) else axis), 1, rtol=1e-6)


def test_what_is_allowed_still_shrinks_by_the_epsilon():
    w = np.array([0.25])
    np.testing.assert_allclose(MaxNorm(2)(w) / w, 1 - 1e-7 / (0.25 + 1e-7), rtol=1e-15)


@given(w=arrays(np.float64, (3, 4), elements=st.floats(-1e3, 1e3)), low=st.integers(0, 200), more=st.integers(0, 200))
def test_lengths_end_within_the_bounds(w, low, more):
    low, more = low / 100, more / 100  # no bound so small that its square is 0
    lengths = np.sqrt(np.sum(MinMaxNorm(low, low + more)(w) ** 2, axis=0))

    assert (lengths <= (low + more) * (1 + 1e-12)).all()
    long_enough = np.sqrt(np.sum(w * w, axis=0)) > 1e-3  # nearer to 0 the epsilon holds a vector back
    assert (lengths[long_enough] >= low * (1 - 2e-4)).all()


def test_weights_out_of_range_stay_visible():
    np.testing.assert_array_equal(MaxNorm(1)(np.array([np.nan, 1.0])), [np.nan, np.nan])
    np.testing.assert_array_equal(MaxNorm(1)(np.array([np.inf, 1.0])), [np.nan, 0])
    np.testing.assert_array_equal(MaxNorm(1)(np.array([1e30, 1e30], "float32")), [0, 0])  # as Keras: the sum of squares is infinite


def test_the_names_are_those_of_keras(keras_constraints):
    from keras.src.constraints import ALL_OBJECTS_DICT

    theirs = {name: kind for name, kind in ALL_OBJECTS_DICT.items() if name.lower() != "constraint"}
    assert set(constraints.NAMES) == set(theirs)
    for name, kind in theirs.items():
        assert type(constraints.get(name)).__name__ == kind.__name__
        assert constraints.get(name).get_config() == kind().get_config()
    for alias in ("max_norm", "min_max_norm", "non_neg", "unit_norm"):
        assert getattr(constraints, alias).__name__ == getattr(keras_constraints, alias).__name__


@pytest.mark.parametrize("constraint", [MaxNorm(3, (0, 1)), MinMaxNorm(0.5, 1.5, 0.25, 1), NonNeg(), UnitNorm(-1)], ids=repr)
def test_configurations_pass_through_real_keras(constraint, keras_constraints):
    written = constraints.serialize(constraint)
    in_keras = keras_constraints.deserialize(written)
    assert in_keras.get_config() == constraint.get_config()
    again = constraints.get(keras_constraints.serialize(in_keras))
    assert (type(again), again.get_config()) == (type(constraint), constraint.get_config())


def halved(w):
    return w / 2


def test_get_takes_objects_classes_functions_and_none():
    constraint = NonNeg()
    assert constraints.get(constraint) is constraint
    assert constraints.get(halved) is halved
    assert type(constraints.get(UnitNorm)) is UnitNorm
    assert constraints.get(None) is None
    assert constraints.serialize(None) is None


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: constraints.get("maxnorm"), ValueError, "unknown constraint 'maxnorm': did you mean 'max_norm'"),
        (lambda: constraints.get(2), ValueError, "received 2 of type int"),
        (lambda: constraints.get({"class_name": "MaxNorm", "config": {"max": 1}}), TypeError, "MaxNorm does not take config"),
        (lambda: constraints.serialize(halved), ValueError, "constraint .*halved.* is not one that Keras has"),
        (lambda: MaxNorm(-1), ValueError, "MaxNorm: max_value must be a finite number, 0 or more, received -1"),
        (lambda: MaxNorm(None), ValueError, "received None"),
        (lambda: MaxNorm(math.inf), ValueError, "received inf"),
        (lambda: MaxNorm(axis="0"), ValueError, "MaxNorm: axis must be an integer, several of them, or None, received '0'"),
        (lambda: UnitNorm(axis=(0, 1.5)), ValueError, "UnitNorm: axis must be"),
        (lambda: MinMaxNorm(2, 1), ValueError, "min_value must not exceed max_value, received 2 and 1"),
        (lambda: MinMaxNorm(rate=1.5), ValueError, "MinMaxNorm: rate must be in 0..1, received 1.5"),
        (lambda: UnitNorm(axis=2)(W), ValueError, "axis 2 is out of bounds"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
