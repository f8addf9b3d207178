import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import DTYPES, compare

from minirnn.jit import jit
from minirnn.products import FIRST, affine, affine_backward, affine_backward_ref, affine_ref

S, B, R = 3, 5, 6  # steps, rows of the batch, rows of the table
ROWS_OF = np.array([[0, 5, 5, 2, 0], [4, 4, 4, 4, 4]], np.int32)  # repeated, the first and the last
SIZES = [1, 3, 8, 10, 16, 17]  # below, at, between and above the blocks and the lanes


@jit
def affine_jit(x, s, W, table, rows_of, r, out, t):
    affine(x, s, W, table, rows_of, r, out, t)


@jit
def affine_backward_jit(x, s, dz, t, dtable, rows_of, r, dW):
    affine_backward(x, s, dz, t, dtable, rows_of, r, dW)


def arrays(dtype, I, J):
    rng = np.random.default_rng(31 * I + J)
    shapes = (S, B, I), (I, J), (R, J), (S + 1, B, J)
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("J", SIZES)
@pytest.mark.parametrize("I", SIZES)
def test_kernel_equals_reference(I, J, dtype):
    x, W, table, out = arrays(dtype, I, J)
    for r in (0, 1):
        compare(affine_ref, affine_jit, [x, 2, W, table, ROWS_OF, r, out, 1], dtype)
        compare(affine_backward_ref, affine_backward_jit, [x, 1, out, 3, table, ROWS_OF, r, W], dtype)


@settings(max_examples=40, deadline=None)
@given(I=st.integers(1, 30), J=st.integers(1, 30), B=st.integers(1, 7), seed=st.integers(0, 99))
def test_kernel_equals_reference_for_any_sizes(I, J, B, seed):
    rng = np.random.default_rng(seed)
    x, W, table, out = (rng.normal(size=shape).astype("float32") for shape in ((2, B, I), (I, J), (R, J), (3, B, J)))
    rows_of = rng.integers(0, R, (4, B)).astype(np.int32)
    compare(affine_ref, affine_jit, [x, 1, W, table, rows_of, 3, out, 2], "float32")
    compare(affine_backward_ref, affine_backward_jit, [x, 0, out, 1, table, rows_of, 2, W], "float32")


@jit
def in_place_jit(x, s, W, out, rows_of):
    affine(x, s, W, out[0], rows_of, FIRST, out, FIRST)


@pytest.mark.parametrize("J", [3, 8, 17])
@pytest.mark.parametrize("I", [3, 8, 17])
def test_kernel_adds_to_what_it_starts_from(I, J):
    # the table may be the output itself: how a product is added to an array
    x, W, _, out = arrays("float64", I, J)
    expected = out[0] + x[1] @ W
    in_place_jit(x, 1, W, out, np.arange(B, dtype=np.int32).reshape(1, B))
    np.testing.assert_allclose(out[0], expected, rtol=0, atol=1e-13)


def test_a_planted_fault_is_found():
    def repeated_rows_lost(x, s, dz, t, dtable, rows_of, r, dW):
        dW += x[s].T @ dz[t]
        dtable[rows_of[r]] += dz[t]

    x, W, table, out = arrays("float64", 3, 10)
    with pytest.raises(AssertionError, match=r"dtable.*WRONG"):
        compare(affine_backward_ref, repeated_rows_lost, [x, 1, out, 3, table, ROWS_OF, 0, W], "float64")
    with pytest.raises(AssertionError, match=r"out.*WRONG"):
        compare(affine_ref, lambda x, s, *rest: affine_ref(x, s - 1, *rest), [x, 2, W, table, ROWS_OF, 0, out, 1], "float64")
