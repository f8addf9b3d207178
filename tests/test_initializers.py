import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minirnn import initializers
from minirnn.initializers.random_values import TRUNCATED_STDDEV, compute_fans, uniform
from minirnn.randomness import set_random_seed

RANDOM = [
    "GlorotUniform",
    "GlorotNormal",
    "HeUniform",
    "HeNormal",
    "LecunUniform",
    "LecunNormal",
    "VarianceScaling",
    "RandomUniform",
    "RandomNormal",
    "TruncatedNormal",
    "Orthogonal",
]
CONSTANT = ["Zeros", "Ones", "Constant", "Identity"]
MANY = (300, 700)
# Of 210,000 draws a sample mean strays by stddev/458 (one sigma), a sample stddev by at most stddev/648: six sigmas are allowed.
SIGMAS = 6


@pytest.fixture(scope="module")
def keras_initializers():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("keras").initializers


def check_moments(values, stddev):
    values = values.astype(np.float64)
    kurtosis = np.mean((values - values.mean()) ** 4) / values.var() ** 2
    assert abs(values.mean()) < SIGMAS * stddev / math.sqrt(values.size)
    assert abs(values.std() / stddev - 1) < SIGMAS * math.sqrt((kurtosis - 1) / values.size) / 2


@pytest.mark.parametrize(
    ("name", "fan"),
    [("GlorotUniform", 500.0), ("HeUniform", 150.0), ("LecunUniform", 300.0)],
    ids=lambda case: str(case),
)
def test_uniform_family_fills_its_interval(name, fan):
    values = getattr(initializers, name)(seed=5)(MANY)
    limit = math.sqrt(3 / fan)
    assert values.dtype == np.float32
    assert values.shape == MANY
    assert values.min() >= np.float32(-limit)
    assert values.max() < np.float32(limit)
    assert values.min() < -0.999 * limit
    assert values.max() > 0.999 * limit
    check_moments(values, limit / math.sqrt(3))


@pytest.mark.parametrize(("name", "fan"), [("GlorotNormal", 500.0), ("HeNormal", 150.0), ("LecunNormal", 300.0)])
def test_normal_family_is_truncated_and_has_the_wanted_variance(name, fan):
    values = getattr(initializers, name)(seed=5)(MANY, dtype="float64")
    stddev = math.sqrt(1 / fan)
    assert np.abs(values).max() <= 2 * stddev / TRUNCATED_STDDEV
    assert np.abs(values).max() > 1.99 * stddev / TRUNCATED_STDDEV
    check_moments(values, stddev)


def test_truncated_stddev_is_that_of_a_normal_cut_at_two():
    density = math.exp(-2) / math.sqrt(2 * math.pi)
    assert math.sqrt(1 - 4 * density / math.erf(math.sqrt(2))) == pytest.approx(TRUNCATED_STDDEV, rel=1e-12)


def test_truncated_normal_keeps_within_two_stddev_of_its_mean():
    values = initializers.TruncatedNormal(mean=3.0, stddev=0.5, seed=1)(MANY, dtype="float64")
    assert 2.0 <= values.min() < 2.01
    assert 3.99 < values.max() <= 4.0
    check_moments(values - 3.0, 0.5 * TRUNCATED_STDDEV)


def test_random_normal_has_its_mean_and_stddev_and_tails():
    values = initializers.RandomNormal(mean=-2.0, stddev=0.3, seed=1)(MANY)
    check_moments(values.astype(np.float64) + 2.0, 0.3)
    assert np.abs(values + 2.0).max() > 3 * 0.3


@pytest.mark.parametrize(("mode", "fan"), [("fan_in", 300), ("fan_out", 700), ("fan_avg", 500)])
@pytest.mark.parametrize("distribution", ["uniform", "normal", "truncated_normal", "Untruncated_Normal"])
def test_variance_scaling_divides_the_scale_by_the_fan(mode, fan, distribution):
    values = initializers.VarianceScaling(1.7, mode, distribution, seed=3)(MANY, dtype="float64")
    check_moments(values, math.sqrt(1.7 / fan))


@pytest.mark.parametrize(("minval", "maxval"), [(-0.05, 0.05), (1e6, 1e6 + 0.1), (16.0, 16.00001), (2.0, 2.0)])
def test_random_uniform_stays_in_its_interval(minval, maxval):
    values = initializers.RandomUniform(minval, maxval, seed=2)(MANY)
    assert values.min() >= np.float32(minval)
    assert values.max() <= np.float32(maxval)


def test_uniform_never_returns_maxval():
    class AlmostOne:
        def random(self, shape):
            return np.full(shape, 1 - 2.0**-53)

    for dtype in (np.float16, np.float32, np.float64):
        values = uniform((3,), -0.1, 0.3, np.dtype(dtype), AlmostOne())
        assert values.dtype == dtype
        assert np.all(values < dtype(0.3))


@given(rows=st.integers(1, 7), columns=st.integers(1, 7), seed=st.integers(0, 2**32), gain=st.sampled_from([1.0, -0.5, 3.0]))
def test_orthogonal_has_orthonormal_columns_or_rows(rows, columns, seed, gain):
    Q = initializers.Orthogonal(gain, seed)((rows, columns), dtype="float64") / gain
    assert Q.shape == (rows, columns)
    small = Q.T @ Q if rows >= columns else Q @ Q.T
    np.testing.assert_allclose(small, np.eye(min(rows, columns)), atol=1e-14 * max(rows, columns))


def test_orthogonal_follows_the_qr_algorithm_with_the_signs_of_r():
    normal = np.random.Generator(np.random.PCG64(9)).standard_normal((5, 3))
    Q, R = np.linalg.qr(normal)
    Wh = initializers.Orthogonal(seed=9)((3, 5), dtype="float64")
    np.testing.assert_allclose(Wh, (Q * np.sign(np.diag(R))).T, rtol=0, atol=1e-15)
    # Q·R = N with positive diag R says the same without the algorithm.
    assert np.all(np.diag(Wh @ normal) > 0)


def test_orthogonal_fills_more_axes_as_one_matrix():
    values = initializers.Orthogonal(seed=4)((2, 3, 4), dtype="float64")
    np.testing.assert_array_equal(values.reshape(6, 4), initializers.Orthogonal(seed=4)((6, 4), dtype="float64"))


@pytest.mark.parametrize("name", RANDOM)
def test_a_seeded_initializer_repeats_itself(name):
    initializer = getattr(initializers, name)(seed=8)
    np.testing.assert_array_equal(initializer((4, 6)), initializer((4, 6), rng=np.random.default_rng(1)))


@pytest.mark.parametrize("name", RANDOM)
def test_an_unseeded_initializer_draws_from_the_given_generator(name):
    initializer = getattr(initializers, name)()
    rng = np.random.default_rng(1)
    first, second = initializer((4, 6), rng=rng), initializer((4, 6), rng=rng)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(initializer((4, 6), rng=np.random.default_rng(1)), first)


@pytest.mark.parametrize("name", RANDOM)
def test_without_a_generator_it_follows_the_global_seed(name):
    initializer = getattr(initializers, name)()
    set_random_seed(21)
    first = initializer((4, 6))
    set_random_seed(21)
    np.testing.assert_array_equal(initializer((4, 6)), first)


@pytest.mark.parametrize("name", RANDOM)
def test_float32_values_are_the_rounded_float64_values(name):
    initializer = getattr(initializers, name)(seed=13)
    np.testing.assert_array_equal(initializer((4, 6)), initializer((4, 6), dtype="float64").astype(np.float32))


@pytest.mark.parametrize("name", RANDOM + CONSTANT)
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (1, 1)])
def test_sizes_0_and_1_work(name, shape):
    values = getattr(initializers, name)()(shape, dtype=None)
    assert values.dtype == np.float32
    assert values.shape == shape


def test_constant_values():
    np.testing.assert_array_equal(initializers.Zeros()((2, 3)), np.zeros((2, 3), np.float32))
    np.testing.assert_array_equal(initializers.Ones()((2, 3)), np.ones((2, 3), np.float32))
    np.testing.assert_array_equal(initializers.Constant(0.25)((2, 3)), np.full((2, 3), 0.25, np.float32))
    np.testing.assert_array_equal(initializers.Identity(2.5)((2, 3)), np.array([[2.5, 0, 0], [0, 2.5, 0]], np.float32))


def test_fans():
    assert compute_fans(()) == (1, 1)
    assert compute_fans((5,)) == (5, 5)
    assert compute_fans((5, 7)) == (5, 7)
    assert compute_fans((2, 3, 5, 7)) == (30, 42)
    assert compute_fans((2, 3, 5), input_axes=[0, 2], output_axes=[1]) == (10, 3)


@pytest.mark.parametrize("name", RANDOM + CONSTANT)
def test_a_class_is_known_by_its_name_and_itself(name):
    assert type(initializers.get(name)).__name__ == name
    assert isinstance(initializers.get(getattr(initializers, name)), getattr(initializers, name))


def test_the_names_are_those_of_keras(keras_initializers):
    from keras.src.initializers import ALL_OBJECTS_DICT

    without_base_and_stft = {name for name in ALL_OBJECTS_DICT if "stft" not in name.lower() and name.lower() != "initializer"}
    assert set(initializers.TABLE) == without_base_and_stft
    for name in initializers.TABLE:
        assert initializers.TABLE[name].__name__ == ALL_OBJECTS_DICT[name].__name__


def examples():
    return [
        initializers.GlorotUniform(seed=3),
        initializers.GlorotNormal(input_axes=[0], output_axes=[1]),
        initializers.HeUniform(),
        initializers.HeNormal(seed=-2),
        initializers.LecunUniform(),
        initializers.LecunNormal(),
        initializers.VarianceScaling(2.5, "fan_avg", "uniform", seed=4),
        initializers.RandomUniform(-0.3, 0.7, seed=5),
        initializers.RandomNormal(0.1, 0.2),
        initializers.TruncatedNormal(0.3, 0.4, seed=6),
        initializers.Orthogonal(1.5, seed=7),
        initializers.Zeros(),
        initializers.Ones(),
        initializers.Constant(0.75),
        initializers.Identity(2.0),
    ]


@pytest.mark.parametrize("initializer", examples(), ids=lambda one: type(one).__name__)
def test_configurations_pass_through_real_keras(initializer, keras_initializers):
    written = initializers.serialize(initializer)
    in_keras = keras_initializers.deserialize(written)
    assert type(in_keras).__name__ == type(initializer).__name__
    written_by_keras = keras_initializers.serialize(in_keras)
    if isinstance(initializer, initializers.Identity):  # Keras drops the gain when it writes
        written_by_keras["config"] = {"gain": in_keras.gain}
    assert written == written_by_keras
    assert list(written["config"]) == list(written_by_keras["config"])
    again = initializers.get(written_by_keras)
    assert type(again) is type(initializer)
    assert again.get_config() == initializer.get_config()


def test_default_arguments_are_those_of_keras(keras_initializers):
    for name in set(RANDOM + CONSTANT) - {"Identity"}:
        assert getattr(initializers, name)().get_config() == getattr(keras_initializers, name)().get_config()


def test_get_passes_none_and_objects_through():
    initializer = initializers.Ones()
    assert initializers.get(None) is None
    assert initializers.serialize(None) is None
    assert initializers.get(initializer) is initializer


def test_get_wraps_functions_and_arrays():
    def counting(shape, dtype=None):
        return np.arange(np.prod(shape), dtype=dtype).reshape(shape)

    expected = np.arange(6, dtype=np.float32).reshape(2, 3)
    for origin in (counting, expected):
        values = initializers.get(origin)((2, 3), dtype="float32", rng=np.random.default_rng(0))
        np.testing.assert_array_equal(values, expected)
        assert not np.shares_memory(values, expected)
        with pytest.raises(ValueError, match="cannot be written to a file"):
            initializers.serialize(initializers.get(origin))
    with pytest.raises(ValueError, match=r"expected values of shape \(3, 2\), received shape \(2, 3\)"):
        initializers.get(expected)((3, 2))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: initializers.get("glorot"), ValueError, "unknown initializer 'glorot': did you mean 'glorot_"),
        (lambda: initializers.get(3), ValueError, "received 3 of type int"),
        (lambda: initializers.get({"config": {}}), ValueError, "expected a dict with 'class_name'"),
        (lambda: initializers.get({"class_name": "Nope", "config": {}}), ValueError, "unknown initializer 'Nope'"),
        (lambda: initializers.get({"class_name": "Ones", "config": {"gain": 1}}), TypeError, "Ones does not take config"),
        (lambda: initializers.GlorotUniform(seed=1.5), ValueError, "GlorotUniform: seed must be a Python integer or None, received 1.5"),
        (lambda: initializers.GlorotUniform(seed=np.int64(3)), ValueError, "of type int64"),
        (lambda: initializers.VarianceScaling(scale=0), ValueError, "scale must be greater than 0, received 0"),
        (lambda: initializers.VarianceScaling(mode="fan_inn"), ValueError, "did you mean 'fan_in'"),
        (lambda: initializers.VarianceScaling(distribution="unifrm"), ValueError, "did you mean 'uniform'"),
        (lambda: initializers.RandomUniform(1, -1), ValueError, "minval must not exceed maxval"),
        (lambda: initializers.Constant("a"), TypeError, "value must be a number"),
        (lambda: initializers.Orthogonal()((3,)), ValueError, "two axes or more, received"),
        (lambda: initializers.Identity()((3, 3, 3)), ValueError, "two axes, received"),
        (lambda: initializers.Ones()(3), ValueError, "shape must be a sequence of integers, received 3"),
        (lambda: initializers.Ones()((2, -1)), ValueError, "sizes must be 0 or more"),
        (lambda: initializers.RandomNormal()((2, 3), dtype="int32"), TypeError, "cannot give values of dtype int32"),
        (lambda: initializers.RandomNormal()((2, 3), dtype="foo"), TypeError, "must name a NumPy dtype, received 'foo'"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
