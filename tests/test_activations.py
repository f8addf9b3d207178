"""Errors are in units in the last place (ULP) of the exact result, from float64 for float32 and from extended precision for float64."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import DTYPES, compare

from minirnn import activations
from minirnn.activations import (
    CODES,
    LINEAR,
    RELU,
    SIGMOID,
    TANH,
    activate_ref,
    activate_run,
    get,
    name_of,
    sigmoid_run,
    slope_ref,
    slope_run,
)
from minirnn.jit import COMPILED, jit
from minirnn.simd import onward, pointer

EXTENDED = np.finfo(np.longdouble).eps < np.finfo(np.float64).eps


@jit
def activate_jit(z, t, activation):
    size = z.shape[1] * z.shape[2]
    activate_run(onward(pointer(z), t * size), size, activation)


@jit
def slope_jit(dh, hs, t, activation, dz):
    size = hs.shape[1] * hs.shape[2]
    slope_run(pointer(dh), onward(pointer(hs), t * size), size, activation, pointer(dz))


def on_lanes(z, activation):
    """The lanes' form on a vector."""
    stack = np.array(z).reshape(1, 1, -1)
    activate_jit(stack, 0, activation)
    return stack.reshape(-1)


def exact(z, activation):
    wide = z.astype(np.float64 if z.dtype == np.float32 else np.longdouble)
    return np.tanh(wide) if activation == TANH else 1 / (1 + np.exp(-wide))


def ulps(found, truth):
    units = np.spacing(np.abs(truth).astype(found.dtype)).astype(truth.dtype)
    return (np.abs(found - truth) / units).astype(float)


def over(low, high, dtype, negative=False):
    """Numbers all over low..high, evenly and by orders of magnitude; fewer of them for plain Python."""
    count = 200_000 if COMPILED else 100
    z = np.concatenate([np.linspace(low, high, count), np.geomspace(low, high, count)]).astype(dtype)
    return -z if negative else z


fused = pytest.mark.skipif(not COMPILED, reason="a multiply-add rounds once only when compiled, and these bounds count on it")
RANGES = [(1e-30, 1e-3), (1e-3, 0.1), (0.1, 0.5), (0.5, 1), (1, 2), (2, 5), (5, 10), (10, 20), (20, 100)]
LAST_NORMAL = {"float32": 87.33, "float64": 708.39}  # exp of less is subnormal


WORST = np.array([0x3F16D526, 0x3EA98C21, 0x3E008425, 0x3DFFEE2A], np.uint32).view(np.float32)
"""Where float32 tanh was found furthest off: 1.761, 1.067, 1.054 and 1.044 ULP. All float32 numbers were tried, once."""


@fused
@pytest.mark.parametrize(("low", "high"), RANGES)
def test_tanh_on_lanes_is_within_its_bound(low, high):
    z = over(low, high, "float32")
    errors = ulps(on_lanes(z, TANH), exact(z, TANH))
    assert errors.max() <= (1.77 if high > 0.5 else 1.25)
    assert errors.mean() <= 0.4


@fused
def test_tanh_on_lanes_is_within_its_bound_from_the_first_float32_to_the_last():
    every = np.arange(0, np.float32(np.inf).view(np.uint32), 2003, np.uint32).view(np.float32)  # a million of them
    z = np.concatenate([every, WORST, np.nextafter(WORST, np.float32(0)), np.nextafter(WORST, np.float32(1))])
    errors = ulps(on_lanes(z, TANH), exact(z, TANH))
    assert errors.max() <= 1.77
    assert errors[every.size : every.size + WORST.size].min() >= 1.04  # or the list is of another kernel
    assert (np.diff(on_lanes(every, TANH)) >= 0).all()


@fused
def test_tanh_on_lanes_is_within_its_mean():
    # over -4..4, where pre-activations live; NumPy's own is 0.36
    z = np.random.default_rng(1).uniform(-4, 4, 400_000).astype("float32")
    assert ulps(on_lanes(z, TANH), exact(z, TANH)).mean() <= 0.285


@fused
@pytest.mark.skipif(not EXTENDED, reason="the exact result needs a long double that is longer than a double")
@pytest.mark.parametrize(("low", "high"), RANGES)
def test_tanh_on_lanes_of_float64_is_within_its_bound(low, high):
    z = over(low, high, "float64")
    assert ulps(on_lanes(z, TANH), exact(z, TANH)).max() <= (1.8 if high > 0.5 else 0.7)  # measured: 1.77, near 0.551


@fused
@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize(
    ("dtype", "low", "high"), [(dtype, *ends) for dtype, last in LAST_NORMAL.items() for ends in [*RANGES[:-1], (20, last)]]
)
def test_sigmoid_on_lanes_is_within_its_bound(low, high, negative, dtype):
    # with ln 2 in one part, it would be 4.5 ULP off at -87 in float32, and 27 in float64
    if dtype == "float64" and not EXTENDED:
        pytest.skip("the exact result needs a long double that is longer than a double")
    z = over(low, high, dtype, negative)
    assert ulps(on_lanes(z, SIGMOID), exact(z, SIGMOID)).max() <= 1.7  # measured over all of float32: 1.69, near -1.1; up to 1.2 above 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_kernel_sigmoid_ends_at_the_last_normal_number(dtype):
    # where Keras goes on to 0
    tiny = np.finfo(dtype).tiny
    found = on_lanes(np.array([np.log(tiny) - 1, -1e4, -np.inf], dtype), SIGMOID)
    assert (found >= tiny).all()
    assert (found < 1.001 * tiny).all()
    np.testing.assert_array_equal(on_lanes(np.array([88, 1e4, np.inf], dtype), SIGMOID), 1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_kernel_tanh_of_a_subnormal_number_is_that_number(dtype):
    z = np.finfo(dtype).smallest_subnormal * np.array([1, -1, 3, 1234567], dtype)
    np.testing.assert_array_equal(on_lanes(z, TANH), z)


@pytest.mark.parametrize("dtype", DTYPES)
def test_kernel_tanh_is_odd_and_never_beyond_1(dtype):
    z = np.concatenate([over(1e-30, 100, dtype), np.array([0, 9.01, 19.06, 1e30, np.inf], dtype)])
    found = on_lanes(z, TANH)
    assert (np.abs(found) <= 1).all()
    np.testing.assert_array_equal(on_lanes(-z, TANH), -found)
    assert np.signbit(on_lanes(np.array([-0.0], dtype), TANH)).all()
    assert found[-1] == 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", CODES.values())
def test_kernel_and_reference_keep_a_nan_to_its_lane(activation, dtype):
    for size in (3, 8, 16, 19):
        z = np.linspace(-2, 2, size, dtype=dtype)
        z[1] = np.nan
        for found in (on_lanes(z, activation), activate_ref(z, activation)):
            assert np.isnan(found[1])
            assert np.isfinite(np.delete(found, 1)).all()


@pytest.mark.parametrize("activation", CODES.values())
def test_kernel_and_reference_at_infinity(activation):
    z = np.array([-np.inf, np.inf], "float32")
    expected = {LINEAR: [-np.inf, np.inf], TANH: [-1, 1], SIGMOID: [0, 1], RELU: [0, np.inf]}[activation]
    np.testing.assert_allclose(on_lanes(z, activation), expected, rtol=0, atol=2e-38)
    np.testing.assert_array_equal(activate_ref(z, activation), expected)


def stack_case(H, activation, dtype):
    """A stack (T,B,H) of which one step is meant: the others must stay as they are."""
    rng = np.random.default_rng(H)
    return [rng.normal(size=(5, 3, H)).astype(dtype), 2, activation]


def activate_step_ref(z, t, activation):
    z[t] = activate_ref(z[t], activation)


def slope_step_ref(dh, hs, t, activation, dz):
    dz[0] = dh[0] * slope_ref(hs[t], activation)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("H", [1, 3, 8, 10, 16, 17])
@pytest.mark.parametrize("activation", CODES.values())
def test_kernel_equals_reference(H, activation, dtype):
    compare(activate_step_ref, activate_jit, stack_case(H, activation, np.dtype(dtype)), dtype)
    hs = activate_ref(stack_case(H, activation, np.dtype(dtype))[0], activation)
    dh = np.random.default_rng(H + 1).normal(size=(1, 3, H)).astype(dtype)
    compare(slope_step_ref, slope_jit, [dh, hs, 4, activation, np.full_like(dh, 7)], dtype)


@jit
def sigmoid_jit(z):
    sigmoid_run(pointer(z), z.size)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, 15, 16, 33])
def test_sigmoid_alone_is_the_same(size, dtype):
    z = np.random.default_rng(size).normal(size=size).astype(dtype) * 9
    alone, as_one_of_four = z.copy(), z.copy().reshape(1, 1, -1)
    sigmoid_jit(alone)
    activate_jit(as_one_of_four, 0, CODES["sigmoid"])
    np.testing.assert_array_equal(alone, as_one_of_four.ravel())


@settings(max_examples=30, deadline=None)
@given(B=st.integers(1, 6), H=st.integers(1, 40), activation=st.sampled_from(list(CODES.values())))
def test_kernel_equals_reference_for_any_sizes(B, H, activation):
    z = np.random.default_rng(H).normal(size=(2, B, H)).astype("float32")
    compare(activate_step_ref, activate_jit, [z, 1, activation], "float32")


@pytest.mark.parametrize("activation", CODES.values())
def test_slopes_are_derivatives(activation):
    z = np.random.default_rng(2).normal(size=50) * 2
    expected = activate_ref(z + 1e-30j, activation).imag / 1e-30
    np.testing.assert_allclose(slope_ref(activate_ref(z, activation), activation), expected, rtol=1e-12, atol=1e-15)


def test_sigmoid_overflows_nowhere():
    with np.errstate(over="raise", invalid="raise"):
        found = activations.sigmoid(np.array([-1e4, -700.0, 0.0, 700.0, 1e4]))
    assert found[2] == 0.5
    assert found[0] == 0
    assert found[-1] == 1
    assert (np.diff(found) >= 0).all()


@pytest.fixture(scope="module")
def keras_activations():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("keras").activations


@pytest.mark.parametrize("name", CODES)
def test_equals_keras(keras_activations, name):
    z = np.concatenate([np.linspace(-20, 20, 801), [-np.inf, np.inf, np.nan, 0.0]]).astype("float32")
    found, theirs = get(name)(z), np.asarray(getattr(keras_activations, name)(z))
    np.testing.assert_array_equal(np.isnan(found), np.isnan(theirs))
    ends = np.isinf(z)
    np.testing.assert_array_equal(found[ends], theirs[ends])
    inside = np.isfinite(z)
    truth = get(name)(z[inside].astype(np.float64))
    # no further from the truth than Keras is, or than half a unit of the outputs' last place
    allowed = np.abs(theirs[inside] - truth).max() + np.spacing(np.float32(np.abs(truth).max())) / 2
    assert np.abs(theirs[inside] - truth).max() < 3e-7
    assert np.abs(found[inside] - truth).max() <= allowed


@pytest.mark.parametrize(
    "options", [{"negative_slope": 0.1}, {"max_value": 2.0}, {"threshold": 1.0}, {"negative_slope": 0.2, "threshold": 0.5}]
)
def test_relu_has_keras_s_arguments(keras_activations, options):
    z = np.linspace(-3, 3, 25).astype("float32")
    np.testing.assert_allclose(activations.relu(z, **options), np.asarray(keras_activations.relu(z, **options)), rtol=1e-6)


def test_names_and_functions_are_found():
    assert get(None) is activations.linear
    for name, function in activations.ACTIVATIONS.items():
        assert get(name) is function
        assert name_of(function) == name
    assert list(CODES.values()) == [LINEAR, TANH, SIGMOID, RELU]


def test_unknown_activations_are_named():
    with pytest.raises(ValueError, match="unknown activation 'tahn': did you mean 'tanh'"):
        get("tahn")
    with pytest.raises(ValueError, match="unknown activation 'Tanh'"):
        get("Tanh")
    with pytest.raises(TypeError, match="must be a name or a function of minirnn"):
        get(np.tanh)
