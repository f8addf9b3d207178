"""The statistics of errors, against numbers computed by hand."""

import numpy as np
import pytest

from parity.errors import EDGES, Errors, errors_of, unit_of, written

AGAINST = np.array([[4.0, -2.0, 0.5], [1.0, 0.0, -8.0]])
ULP = 2.0**-20  # of 8
TENSOR = AGAINST + ULP * np.array([[0, 3, -1], [0, 0, -6]])


def test_every_statistic_of_six_errors():
    assert errors_of(TENSOR, AGAINST, unit_of(AGAINST, False)) == Errors(
        max_ulp=6,
        mean_ulp=10 / 6,
        p999_ulp=6,
        max_abs=6 * ULP,
        max_rel=2 * ULP,  # 1 ULP of 0.5
        bias_ulp=-4 / 6,
        at=(1, 2),
        histogram=tuple({0: 3, 7: 1, 9: 1, 10: 1}.get(place, 0) for place in range(len(EDGES) + 2)),  # 0; up to 1, up to 4, up to 8
    )


def test_by_element_each_error_counts_in_its_own_unit():
    assert errors_of(TENSOR, AGAINST + (AGAINST == 0), unit_of(AGAINST + (AGAINST == 0), True)).at == (1, 1)
    assert np.array_equal(unit_of(np.array([8.0, 0.5, 0.0]), True), [2.0**-20, 2.0**-24, 2.0**-149])


def test_one_element_in_a_thousand_is_left_out_by_the_percentile():
    errors = np.arange(1.0, 2001.0)

    found = errors_of(errors, np.zeros(2000), np.ones(()))

    assert (found.p999_ulp, found.max_ulp) == (1998, 2000)


@pytest.mark.parametrize("edge", [EDGES[0], 1.0, EDGES[-1]])
def test_an_error_on_an_edge_is_in_the_bin_below_it(edge):
    at, above = (errors_of(np.array([error]), np.zeros(1), np.ones(())).histogram.index(1) for error in (edge, np.nextafter(edge, np.inf)))

    assert EDGES[at - 1] == edge
    assert above == at + 1


def test_a_lone_nan_or_infinity_is_infinitely_far_and_two_alike_are_not():
    odd = np.array([np.nan, np.inf, -np.inf])

    assert errors_of(odd, odd, np.ones(())).max_ulp == 0
    lone = errors_of(odd, np.array([np.nan, 1.0, -np.inf]), np.ones(()))
    assert (lone.max_ulp, lone.max_rel, lone.at, lone.histogram[-1]) == (np.inf, np.inf, (1,), 1)


def test_an_empty_tensor_has_no_errors():
    found = errors_of(np.zeros((0, 3)), np.zeros((0, 3)), np.ones(()))

    assert (found.max_ulp, found.at, sum(found.histogram)) == (0, (), 0)


@pytest.mark.parametrize("value", [np.float32(0.1), np.float64(-1e-310), np.float32(np.inf), np.float32(-0.0)])
def test_a_written_float_reads_back_the_same(value):
    assert np.array_equal(type(value)(float.fromhex(written(value))), value)
    assert np.signbit(float.fromhex(written(value))) == np.signbit(value)
