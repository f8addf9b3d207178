import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import DTYPES, compare

from minirnn.jit import jit
from minirnn.products import FIRST, ONE, pack, product, whole_lanes
from minirnn.simd import LANES, hold, pointer

R = 6  # rows of the table that a product starts from
SIZES = [1, 3, 8, 10, 16, 24, 40, 48]  # below, at, between and above half a register, one, two and three


@jit
def product_jit(x, W, table, rows_of, out):
    # W is packed
    (B, I), J = x.shape, table.shape[1]
    packed = np.empty(I * J, x.dtype)
    pack(pointer(W), W.shape[1], ONE, I, W.shape[1], pointer(packed))
    product(pointer(x), I, ONE, B, pointer(packed), I, FIRST, I, J, pointer(table), pointer(rows_of), J, pointer(out), J)
    hold((x, packed, table, rows_of, out))


def product_ref(x, W, table, rows_of, out):
    out[...] = table[rows_of]
    out[:, : W.shape[1]] += x @ W


@jit
def gradient_jit(x, dz, dW, numbers):
    # x is read transposed, dz as it lies, and the sum starts from dW itself
    (B, I), J = x.shape, dz.shape[1]
    product(pointer(x), ONE, I, I, pointer(dz), ONE, J, B, J, pointer(dW), pointer(numbers), J, pointer(dW), J)
    hold((x, dz, dW, numbers))


def gradient_ref(x, dz, dW, numbers):
    dW += x.T @ dz


def arrays(dtype, B, I, J, seed=0):
    rng = np.random.default_rng(31 * I + J + seed)
    P = whole_lanes(J)
    x, W, table = (rng.normal(size=shape).astype(dtype) for shape in ((B, I), (I, J), (R, P)))
    return x, W, table, rng.integers(0, R, B).astype(np.int32), np.full((B, P), 7, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("J", SIZES)
@pytest.mark.parametrize("I", [1, 3, 17])
@pytest.mark.parametrize("B", [1, 4, 8, 13])
def test_kernel_equals_reference(B, I, J, dtype):
    compare(product_ref, product_jit, list(arrays(dtype, B, I, J)), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("J", [8, 16, 40])
@pytest.mark.parametrize("I", [1, 8, 19])
def test_a_gradient_is_added_to_what_is_there(I, J, dtype):
    x, _, _, _, dz = arrays(dtype, 5, I, J)
    dz[...] = np.random.default_rng(J).normal(size=dz.shape)
    dW = np.random.default_rng(I).normal(size=(I, J)).astype(dtype)
    compare(gradient_ref, gradient_jit, [x, dz, dW, np.arange(I, dtype=np.int32)], dtype)


@settings(max_examples=40, deadline=None)
@given(B=st.integers(1, 20), I=st.integers(0, 30), J=st.integers(1, 70), seed=st.integers(0, 99))
def test_kernel_equals_reference_for_any_sizes(B, I, J, seed):
    compare(product_ref, product_jit, list(arrays("float32", B, I, J, seed)), "float32")


def test_a_row_s_result_depends_on_nothing_but_the_row():
    # so that an example gets the same output in any batch, at any place in it
    x, W, table, rows_of, out = arrays("float32", 19, 33, 40)
    product_jit(x, W, table, rows_of, out)
    for b in range(len(x)):
        alone = np.empty_like(out[:1])
        product_jit(x[b : b + 1].copy(), W, table, rows_of[b : b + 1].copy(), alone)
        np.testing.assert_array_equal(alone[0], out[b])


@jit
def pack_jit(W, transposed, packed):
    I, J = W.shape
    if transposed:
        pack(pointer(W), ONE, J, J, I, pointer(packed))
    else:
        pack(pointer(W), J, ONE, I, J, pointer(packed))
    hold((W, packed))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("transposed", [False, True])
def test_packing_keeps_every_number_once_and_fills_up_with_zeros(transposed, dtype):
    # an infinite weight must not turn the filling into NaN
    W = np.arange(1, 3 * 41 + 1).reshape(3, 41).astype(dtype)
    W[0, 0] = np.inf
    terms, columns = W.shape[::-1] if transposed else W.shape
    packed = np.full(terms * whole_lanes(columns), 7, dtype)
    pack_jit(W, transposed, packed)
    assert sorted(packed[packed != 0]) == sorted(W.ravel())
    assert (packed == 0).sum() == terms * (whole_lanes(columns) - columns)


def test_columns_are_rounded_up_to_whole_lanes():
    assert [whole_lanes(columns) for columns in (0, 1, 8, 9, 16)] == [0, LANES, LANES, 2 * LANES, 2 * LANES]


def test_a_nan_spoils_its_own_row_only():
    x, W, table, rows_of, out = arrays("float32", 9, 5, 24)
    x[2, 3] = np.nan
    product_jit(x, W, table, rows_of, out)
    assert np.isnan(out[2]).all()
    assert np.isfinite(np.delete(out, 2, axis=0)).all()
