"""The growth that parity grants: wide enough for rounding, too narrow for faults."""

import numpy as np
import pytest
from faults import planted

from minirnn import optimizers
from minirnn.jit import DEFAULT_BACKEND
from minirnn.layers.recurrence import BACKENDS
from parity import growth, minirnn_side
from parity.cases.growth import CASES
from parity.compare import compare_to_truth

B, T, E, H = 3, 40, 4, 6


@pytest.fixture
def recurrence():
    rng = np.random.default_rng(5)
    weights = [(rng.standard_normal(shape) * 0.4).astype(np.float32) for shape in ((E, H), (H, H), (H,))]
    return weights, rng.standard_normal((B, T, E)).astype(np.float32), rng.standard_normal((B, H)).astype(np.float32)


@pytest.mark.parametrize("every_step", [False, True], ids=["last state", "all states"])
def test_without_rounding_its_equations_are_those_of_the_reference(recurrence, every_step):
    weights, x, dy = recurrence
    dy = np.random.default_rng(6).standard_normal((B, T, H)).astype(np.float32) if every_step else dy
    spec = ("SimpleRNN", {"units": H, "return_sequences": every_step})

    found = growth._simple_rnn(weights, x, dy, None, 1)

    truth = minirnn_side.layer_tensors(spec, weights, [x], [dy], **minirnn_side.TRUTH)
    assert found.keys() == truth.keys()
    for name, tensor in truth.items():
        assert np.allclose(found[name][0], tensor, rtol=1e-12, atol=1e-13), name


def test_a_sum_is_off_by_what_its_products_and_partial_sums_round():
    """1 + 1 - 2 in three products: variances of u²/3 (1 + 1 + 4) for the products, and u²/3 (2² + 0²) for the two sums."""
    products = np.broadcast_to([1.0, 1.0, -2.0], (100_000, 3))

    sums = growth.Rounding().total(products)

    assert np.std(sums) == pytest.approx(growth.U * np.sqrt((6 + 4) / 3), rel=0.02)


def test_the_growth_of_one_product_by_hand(recurrence):
    """T=1 from h = 0: dbias = Σ_b dh_b (1 - h_b²), whose spread can be written down."""
    weights, x, dy = recurrence
    x = x[:, :1]
    h = np.tanh(x[:, 0].astype(float) @ weights[0] + weights[2])
    slope, products = 1 - h**2, np.float64(dy) * (1 - h**2)
    z = np.concatenate([x[:, 0, :, None] * np.float64(weights[0]), np.broadcast_to(weights[2], (B, 1, H))], axis=1)
    var_z = np.sum(z**2, axis=1) + np.sum(np.cumsum(z, axis=1)[:, 1:] ** 2, axis=1)
    var_h = slope**2 * var_z + growth.TANH**2 * h**2
    # Roundings of h², of 1 - h², of the product with dh, and the error of h that the slope carries on.
    variance = np.float64(dy) ** 2 * (4 * h**2 * var_h + h**4 + slope**2) + products**2
    variance = np.sum(variance + products**2, axis=0) + np.sum(np.cumsum(products, axis=0)[1:] ** 2, axis=0) + np.sum(products, axis=0) ** 2
    expected = growth._normal_factor(H) * growth.U * np.sqrt(variance / 3)

    granted = growth.simple_rnn(weights, x, dy)["dbias"]

    # The state h_0 = 0 adds products of 0, whose partial sums round again: the bound is a little wider than by hand.
    assert np.all(granted > 0.7 * expected)
    assert np.all(granted < 2 * expected)


def test_float32_stays_within_the_growth_and_uses_some_of_it():
    for length in (30, 300):
        sides = CASES[f"growth.simple_rnn.{length}"]()
        ours, truth, granted = sides.ours(), sides.truth(), sides.growth()
        for name in ours:
            used = np.max(np.abs(ours[name] - truth[name])) / np.max(granted[name])
            assert 0.02 < used < 1, (length, name, used)


def test_the_growth_is_the_same_every_time(recurrence):
    first, second = (growth.simple_rnn(*recurrence) for _ in range(2))

    assert all(np.array_equal(first[name], second[name]) for name in first)


FAULTS = {
    "step shifted": ("backward", "dWh += (hs[t] if keep is None else hs[t] * keep).T @ dz_t", "dWh += hs[t + 1].T @ dz_t"),
    "no transpose": ("backward", "dz_t @ Wh.T", "dz_t @ Wh"),
    "no slope": ("backward", "dh * slope_ref(hs[t + 1], activation)", "dh"),
    "half precision on the way": ("backward", "dz_t @ Wh.T", "(dz_t @ Wh.T).astype(np.float16).astype(np.float32)"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_does_not_slip_through_over_1600_steps(fault, monkeypatch):
    way, right, wrong = FAULTS[fault]
    pairs = BACKENDS
    faulty = planted(getattr(pairs["numpy"], way), right, wrong)
    sides = CASES["growth.simple_rnn.1600"]()
    truth, granted = sides.truth(), sides.growth()
    monkeypatch.setitem(pairs, DEFAULT_BACKEND, pairs[DEFAULT_BACKEND]._replace(**{way: faulty}))

    ours = sides.ours()

    keras = {name: tensor.astype(np.float32) for name, tensor in truth.items()}  # a Keras that is exact
    verdicts = {name: compare_to_truth("case", name, ours[name], keras[name], truth[name], growth=granted[name]) for name in ours}
    assert verdicts["output"].passed
    assert not verdicts["drecurrent_kernel"].passed


def test_the_growth_of_optimizer_steps_by_hand():
    """Two steps of 0.25 from a weight of 1, r = 3: λ u sqrt((0.75² + 0.5²) / 3) + 3 u 0.5."""
    path = [np.array([1.0]), np.array([0.75]), np.array([0.5])]

    granted = growth.steps(path, 3)

    factor = np.sqrt(2 * np.log(2 / growth.CHANCE))
    assert granted == pytest.approx(growth.U * (factor * np.sqrt(0.8125 / 3) + 1.5))


def test_a_fault_in_the_optimizer_does_not_slip_through_over_300_steps(monkeypatch):
    sides = CASES["growth.rmsprop.300"]()
    truth, granted = sides.truth(), sides.growth()
    faulty = planted(optimizers.rmsprop_ref, "np.sqrt(d)", "(np.sqrt(velocity) + epsilon)")
    monkeypatch.setitem(optimizers.BACKENDS, DEFAULT_BACKEND, faulty)

    ours = sides.ours()["kernel"]

    verdict = compare_to_truth("case", "kernel", ours, truth["kernel"].astype(np.float32), truth["kernel"], growth=granted["kernel"])
    assert not verdict.passed
