"""Each function of ``simd`` compiled, against its form in NumPy: one probe, run with either."""

import inspect
import types

import numpy as np
import pytest
from twins import DTYPES

from minirnn import simd
from minirnn.jit import COMPILED, jit
from minirnn.simd import (
    LANES,
    WIDE,
    any_positive,
    each_eight_times,
    first_half,
    fma,
    four_times,
    hold,
    joined,
    load,
    load_four,
    load_part,
    load_rows,
    load_wide,
    load_wide_part,
    magnitude,
    maximum,
    minimum,
    onward,
    pointer,
    power_of_two,
    root,
    round_lanes,
    second_half,
    stay_apart,
    store,
    store_part,
    unit_0,
    unit_1,
    unit_2,
    unit_3,
    unit_4,
    unit_5,
    unit_6,
    unit_7,
    where_positive,
    with_sign_of,
    zeros_of,
)


def plain_simd():
    """The module as it is when nothing is compiled."""
    source = inspect.getsource(simd)
    switch = "from minirnn.jit import COMPILED"
    assert source.count(switch) == 1
    module = types.ModuleType("plain_simd")
    exec(source.replace(switch, "COMPILED = False"), vars(module))
    return vars(module)


PLAIN = plain_simd()


def in_numpy(probe):
    """The same probe, with the NumPy forms under the names it calls."""
    function = inspect.unwrap(getattr(probe, "py_func", probe))
    return types.FunctionType(function.__code__, {**function.__globals__, **PLAIN})


@jit
def one_operand(x, out):
    a = load(x, (0,))
    store(out, (0, 0), a)
    store(out, (1, 0), magnitude(a))
    store(out, (2, 0), round_lanes(a))
    store(out, (3, 0), minimum(a, 0.3))
    store(out, (4, 0), maximum(a, 0.3))
    store(out, (5, 0), where_positive(a, 1.5, 0.1))
    store(out, (6, 0), where_positive(a, a, a * 2.0))
    store(out, (7, 0), a + 0.1)
    store(out, (8, 0), 0.1 - a)
    store(out, (9, 0), a * 0.1)
    store(out, (10, 0), 0.1 / a)
    store(out, (11, 0), zeros_of(x))
    store(out, (12, 0), root(magnitude(a)))


@jit
def two_operands(x, y, out):
    a, b = load(x, (0,)), load(y, (0,))
    store(out, (0, 0), a + b)
    store(out, (1, 0), a - b)
    store(out, (2, 0), a * b)
    store(out, (3, 0), a / b)
    store(out, (4, 0), with_sign_of(a, b))
    store(out, (5, 0), where_positive(a, b, a))


@jit
def wide(x, y, out):
    a, b = load_wide(x, (0,)), load_wide(y, (0,))
    store(out, (0, 0), a * b + 0.1)
    store(out, (1, 0), with_sign_of(minimum(magnitude(a), 2.0), b))
    store(out, (2, 0), where_positive(a, round_lanes(a), b / 3.0))


@jit
def parts(x, out, n):
    store(out, (0, 0), load_part(x, (0,), n))
    store(out, (1, 0), load_wide_part(x, (0,), n))
    store_part(out, (2, 0), load(x, (0,)), n)
    store_part(out, (3, 0), load_wide(x, (0,)), n)


@jit
def across_rows(x, out):
    store(out, (0, 1, 2), load(x, (1, 0, 3)))  # three rows of three: lanes run on


@jit
def rows_of_eight(x, out):
    # x holds five rows of eight; four of them from the second on
    four, to = load_rows(onward(pointer(x), LANES), 0), pointer(out)
    store(to, 0, four)
    store(to, 32, first_half(second_half(four)))
    store(to, 40, joined(first_half(first_half(four)), second_half(second_half(four))))
    store(to, 56, four_times(load(pointer(x), 3)))
    store(to, 88, each_eight_times(load_four(x, (2, 1))))
    store(to, 120, unit_0(four) + unit_1(four) * 2.0)
    store(to, 152, unit_2(four) + unit_3(four) * 2.0)
    store(to, 184, unit_4(four) + unit_5(four) * 2.0)
    store(to, 216, unit_6(four) + unit_7(four) * 2.0)
    stay_apart()
    hold((x, out))


@jit
def powers(k, out):
    store(out, (0,), power_of_two(load(k, (0,))))


@jit
def questions(x, out):
    out[0] = any_positive(load(x, (0,)))


@jit
def multiply_add(x, y, z, out):
    a, b, c = load(x, (0,)), load(y, (0,)), load(z, (0,))
    store(out, (0, 0), fma(a, b, c))
    store(out, (1, 0), fma(a, 0.1, c))
    store(out, (2, 0), fma(a, b, 0.1))


def both(probe, rows, dtype, *arguments, lanes=LANES):
    """What the probe writes over sevens, compiled and in NumPy."""
    written = [np.full((rows, lanes), 7, dtype) for _ in range(2)]
    for function, out in zip((probe, in_numpy(probe)), written, strict=True):
        with np.errstate(all="ignore"):
            function(*arguments, out)
    return written


SPECIAL = [np.nan, np.inf, -np.inf, -0.0, 0.5, 1.5, -2.5, 1e-40]


def operands(dtype, count=LANES, seed=1):
    return np.random.default_rng(seed).normal(scale=3, size=count).astype(dtype)


def assert_same_bits(found, expected):
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)
    numbers = ~np.isnan(found)
    np.testing.assert_array_equal(np.signbit(found[numbers]), np.signbit(expected[numbers]))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("values", [SPECIAL, "random"])
def test_functions_of_one_operand(values, dtype):
    x = operands(dtype) if values == "random" else np.array(values, dtype)
    assert_same_bits(*both(one_operand, 13, dtype, x))


@pytest.mark.parametrize("dtype", DTYPES)
def test_functions_of_two_operands(dtype):
    for x, y in ((operands(dtype), operands(dtype, seed=2)), (np.array(SPECIAL, dtype), np.array(SPECIAL[::-1], dtype))):
        assert_same_bits(*both(two_operands, 6, dtype, x, y))


@pytest.mark.parametrize("dtype", DTYPES)
def test_wide_lanes(dtype):
    found, expected = both(wide, 3, dtype, operands(dtype, WIDE), operands(dtype, WIDE, 2), lanes=WIDE)
    # the compiler may round a·b + c once: half a unit of a·b apart
    np.testing.assert_allclose(found[0], expected[0], rtol=0, atol=np.finfo(dtype).eps * np.abs(expected[0]).max())
    assert_same_bits(found[1:], expected[1:])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", range(LANES + 1))
def test_parts_read_and_write_no_more_than_they_say(n, dtype):
    x = operands(dtype, WIDE)
    written = [np.full((5, WIDE), 7, dtype) for _ in range(2)]
    parts(x, written[0], n)
    in_numpy(parts)(x, written[1], n)
    assert_same_bits(*written)
    expected = np.full((5, WIDE), 7, dtype)
    expected[0, :LANES], expected[1] = 0, 0
    expected[:4, :n] = x[:n]
    assert_same_bits(written[0], expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_lanes_run_over_the_ends_of_rows(dtype):
    x = np.arange(24, dtype=dtype).reshape(2, 3, 4)
    for probe in (across_rows, in_numpy(across_rows)):
        out = np.zeros((2, 3, 7), dtype)
        probe(x, out)
        np.testing.assert_array_equal(out.ravel()[9:17], np.arange(15, 23))
        assert not out.ravel()[:9].any()
        assert not out.ravel()[17:].any()


def test_plain_lanes_refuse_to_leave_the_array():
    with pytest.raises(ValueError, match="could not broadcast"):
        PLAIN["load"](np.zeros((3, 4)), (1, 3))


@pytest.mark.parametrize(("dtype", "least", "most"), [("float32", -126, 127), ("float64", -1022, 1023)])
def test_powers_of_two_are_exact(dtype, least, most):
    k = np.array([least, -25, -1, -0.0, 0, 1, 58, most], dtype)
    for probe in (powers, in_numpy(powers)):
        out = np.zeros(LANES, dtype)
        probe(k, out)
        np.testing.assert_array_equal(out, np.ldexp(1.0, k.astype(int)).astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("place", "value", "answer"), [(0, 1, True), (7, 1e-40, True), (3, -1, False), (3, -0.0, False), (5, np.nan, False)]
)
def test_any_positive(place, value, answer, dtype):
    x = np.zeros(LANES, dtype)
    x[place] = value
    for probe in (questions, in_numpy(questions)):
        found = np.array([not answer])
        probe(x, found)
        assert found[0] == answer


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_of_eight(dtype):
    x = np.arange(40, dtype=dtype).reshape(5, 8) * 0.25
    written = [np.full(250, 7, dtype) for _ in range(2)]
    rows_of_eight(x, written[0])
    in_numpy(rows_of_eight)(x, written[1])
    np.testing.assert_array_equal(written[0], written[1])
    np.testing.assert_array_equal(written[0][:32], x[1:].ravel())
    np.testing.assert_array_equal(written[0][32:40], x[3])
    np.testing.assert_array_equal(written[0][40:56], np.concatenate([x[1], x[4]]))
    np.testing.assert_array_equal(written[0][56:88], np.tile(x.ravel()[3:11], 4))
    np.testing.assert_array_equal(written[0][88:120], np.repeat(x[2, 1:5], 8))
    np.testing.assert_array_equal(written[0][216:248], np.repeat(x[1:, 6] + 2 * x[1:, 7], 8))
    assert (written[0][248:] == 7).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_multiply_add(dtype):
    x, y, z = (operands(dtype, seed=seed) for seed in (1, 2, 3))
    found, expected = both(multiply_add, 3, dtype, x, y, z)
    wider = np.float64 if dtype == "float32" else np.longdouble
    tenth = wider(np.dtype(dtype).type(0.1))  # the number is rounded to the lanes' dtype
    exact = np.stack([x.astype(wider) * y + z, x.astype(wider) * tenth + z, x.astype(wider) * y + tenth])
    half = np.spacing(np.abs(exact).astype(dtype)).astype(wider) / 2
    if COMPILED:
        assert (np.abs(found - exact) <= half * 1.001).all()
    product = np.abs(exact) + 2 * np.abs(x.astype(wider) * np.maximum(np.abs(y), 1))
    assert (np.abs(expected - exact) <= product * np.finfo(dtype).eps).all()


@pytest.mark.skipif(not COMPILED, reason="NumPy rounds a product before it adds")
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_compiled_multiply_add_rounds_once(dtype):
    eps = np.finfo(dtype).eps
    x, y, z = (np.full(LANES, value, dtype) for value in (1 + eps, 1 - eps, -1))
    found, _ = both(multiply_add, 3, dtype, x, y, z)
    np.testing.assert_array_equal(found[0], -(eps**2))


def test_both_forms_have_every_name():
    assert set(simd.__all__) <= PLAIN.keys()
    assert all(hasattr(simd, name) for name in simd.__all__)
    probes = one_operand, two_operands, wide, parts, across_rows, rows_of_eight, powers, questions, multiply_add
    probed = {name for probe in probes for name in names_in(probe)}
    assert set(simd.__all__) - {"LANES", "WIDE"} <= probed


def names_in(probe):
    return getattr(probe, "py_func", probe).__code__.co_names
