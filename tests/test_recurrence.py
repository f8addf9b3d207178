import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rnn_cases import CASES, B, backward_case, forward_case
from twins import compare, compare_twins, twin_params

from minirnn.activations import CODES, TANH
from minirnn.layers.recurrence import BACKENDS, rnn_backward_jit, rnn_backward_ref, rnn_forward_jit, rnn_forward_ref


@pytest.mark.parametrize(("entry", "case", "dtype"), twin_params(CASES))
def test_kernel_equals_reference(entry, case, dtype):
    compare_twins(BACKENDS, entry, case, dtype)


@settings(max_examples=40, deadline=None)
@given(
    B=st.integers(1, 4),
    T=st.integers(1, 6),
    H=st.integers(1, 20),
    activation=st.sampled_from(list(CODES.values())),
    backwards=st.booleans(),
    mask=st.booleans(),
    dhs=st.booleans(),
)
def test_kernel_equals_reference_for_any_sizes(B, T, H, activation, backwards, mask, dhs):
    compare(rnn_forward_ref, rnn_forward_jit, forward_case(H, activation, backwards, mask, B=B, T=T)(np.dtype("float64")), "float64")
    arguments = backward_case(H, activation, backwards, mask, dhs=dhs, B=B, T=T)(np.dtype("float64"))
    compare(rnn_backward_ref, rnn_backward_jit, arguments, "float64")


def test_error_grows_no_faster_than_the_number_of_steps():
    # An orthogonal Wh and slopes below 1 let an error pass, but not grow, so T steps add up at most T times one step's own: the roundings
    # of H products with |h| <= 1, H sums, the table's addition, and 1.77 units in the last place of tanh.
    H, V, rng = 8, 11, np.random.default_rng(3)
    Wh = np.linalg.qr(rng.normal(size=(H, H)))[0]
    unit = np.finfo(np.float32).eps / 2
    for steps in (1, 10, 100, 1000):
        table, ids = rng.normal(size=(V, H)), rng.integers(0, V, (B, steps)).astype(np.int32)
        found, truth = np.zeros((steps + 1, B, H), np.float32), np.zeros((steps + 1, B, H))
        rounded = table.astype(np.float32), Wh.astype(np.float32)
        rnn_forward_jit(rounded[0], ids, np.arange(B), False, None, None, rounded[1], found, TANH)
        rnn_forward_ref(rounded[0].astype(float), ids, np.arange(B), False, None, None, rounded[1].astype(float), truth, TANH)
        of_one_step = unit * ((H + 1) * (np.abs(Wh).sum(axis=0).max() + np.abs(table).max()) + 2 * 1.77)
        worst = np.linalg.norm(found[-1] - truth[-1], axis=1).max()
        assert 0 < worst <= steps * of_one_step * np.sqrt(H), (steps, worst)


def test_a_nan_stays_in_its_row():
    dtype = np.dtype("float32")
    for function in (rnn_forward_ref, rnn_forward_jit):
        table, ids, rows, *rest, hs, code = forward_case(8)(dtype)
        hs[0, 2, 3] = np.nan
        function(table, ids, rows, *rest, hs, code)
        assert np.isnan(hs[-1, 2]).all()
        assert np.isfinite(np.delete(hs[-1], 2, axis=0)).all()
