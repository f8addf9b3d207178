import warnings

import numpy as np
import pytest
from faults import planted
from gradient_check import SmallModel, check_gradients
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import compare_twins, twin_params

from minirnn import losses
from minirnn.layers import Dense, SimpleRNN
from minirnn.losses import BACKENDS, BinaryCrossentropy, MeanSquaredError, binary_crossentropy, get, mean_squared_error

N, B, K = 7, 5, 3
ROWS = np.array([6, 0, 3, 3, 1])


def case(entry, K=K, weights=False, smoothing=0.0, B=B):
    def arguments(dtype):
        rng = np.random.default_rng(K)
        outputs = rng.normal(scale=3, size=(B, K))
        if entry == "bce_probs":
            outputs = rng.uniform(0.25, 0.75, (B, K))  # nearer to 0 or 1 the third derivative spoils a central difference
        y = rng.integers(0, 2, (N, K)) if entry != "mse" else rng.normal(size=(N, K))
        weighing = rng.uniform(0, 3, (B, K)).astype(dtype) if weights else None
        return [outputs.astype(dtype), y.astype(dtype), ROWS[:B], weighing, smoothing, np.full((B, K), 7, dtype)]

    return arguments


CASES = {
    entry: {
        "plain": case(entry),
        "one-output": case(entry, K=1),
        "one-row": case(entry, B=1),
        "weights": case(entry, weights=True),
        **({"smoothing": case(entry, smoothing=0.2), "both": case(entry, 2, True, 0.1)} if entry != "mse" else {}),
    }
    for entry in BACKENDS["numpy"]
}


@pytest.mark.parametrize(("entry", "case", "dtype"), twin_params(CASES))
def test_kernel_equals_reference(entry, case, dtype):
    compare_twins(BACKENDS, entry, case, dtype)


@settings(max_examples=30, deadline=None)
@given(K=st.integers(1, 9), B=st.integers(1, 5), smoothing=st.sampled_from([0.0, 0.3, 1.0]), entry=st.sampled_from(list(BACKENDS["numpy"])))
def test_kernel_equals_reference_for_any_sizes(K, B, smoothing, entry):
    compare_twins(BACKENDS, entry, case(entry, K, False, 0.0 if entry == "mse" else smoothing, B), "float64")


def edge_case(entry, outputs, labels):
    def arguments(dtype):
        scores, y = np.array(outputs, dtype)[:, None], np.array(labels, dtype)[:, None]
        return [scores, y, np.arange(len(y)), None, 0.0, np.zeros_like(scores)]

    return arguments


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("entry", "outputs"),
    [("bce_logits", [-200.0, 0.0, -0.0, 200.0]), ("bce_probs", [0.0, 1.0, 1e-7, 0.5]), ("bce_probs", [-3.0, 2.0, -np.inf, np.inf])],
)
def test_kernel_equals_reference_at_the_edges(entry, outputs, dtype):
    for labels in ([0, 0, 0, 0], [1, 1, 1, 1], [0, 0.5, 1, 0.25]):
        compare_twins(BACKENDS, entry, edge_case(entry, outputs, labels), dtype)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("entry", BACKENDS["numpy"])
def test_a_nan_stays_visible(backend, entry):
    for label in (0.0, 1.0):
        arguments = edge_case(entry, [0.3, np.nan, 0.6], [label] * 3)(np.dtype("float32"))
        assert np.isnan(BACKENDS[backend][entry](*arguments))
        assert np.isfinite(arguments[-1][[0, 2]]).all()


# ------------------------------------------------------------------------------------------------------------------ gradients and faults


@pytest.mark.parametrize(("entry", "name"), [(entry, name) for entry, cases in CASES.items() for name in cases])
def test_gradients(entry, name):
    check_case(entry, name)


def check_case(entry, name):
    outputs, y, rows, weights, smoothing, _ = CASES[entry][name](np.dtype("float64"))
    kernel = BACKENDS["numpy"][entry]
    found = np.zeros_like(outputs)
    kernel(outputs, y, rows, weights, smoothing, found)
    check_gradients(
        lambda arrays: kernel(arrays["outputs"], y, rows, weights, smoothing, np.zeros_like(arrays["outputs"])),
        {"outputs": outputs},
        {"outputs": found},
    )


@pytest.mark.parametrize(("entry", "activation"), [("bce_logits", None), ("bce_probs", "sigmoid"), ("mse", "tanh")])
def test_gradients_of_a_model_under_its_loss(entry, activation):
    y = np.random.default_rng(2).integers(0, 2, (B, 1)).astype(float)
    weights = np.random.default_rng(3).uniform(0.5, 2, (B, 1))

    def head(outputs):
        gradient = np.zeros_like(outputs)
        return BACKENDS["numpy"][entry](outputs, y, np.arange(B), weights, 0.0, gradient), gradient

    x = np.random.default_rng(4).normal(size=(B, 4, 2))
    SmallModel([SimpleRNN(3, recurrent_dropout=0.3), Dense(1, activation)], x, head=head).check()


def test_logits_and_probabilities_give_the_same_gradient_on_the_logits():
    outputs, y, rows, weights, smoothing, dlogits = CASES["bce_logits"]["both"](np.dtype("float64"))
    probs, dprobs = 1 / (1 + np.exp(-outputs)), np.zeros_like(outputs)
    value = BACKENDS["numpy"]["bce_logits"](outputs, y, rows, weights, smoothing, dlogits)
    same = BACKENDS["numpy"]["bce_probs"](probs, y, rows, weights, smoothing, dprobs)
    np.testing.assert_allclose(value, same, rtol=1e-13)
    np.testing.assert_allclose(dprobs * probs * (1 - probs), dlogits, rtol=1e-10, atol=1e-14)


FAULTS = [
    ("bce_logits", "(sigmoid(z) - label)", "(sigmoid(z) - y[rows])", "smoothing"),
    ("bce_logits", "(sigmoid(z) - label) * scale", "(sigmoid(z) - label) / z.size", "weights"),
    ("bce_logits", "- z * label +", "+ z * label +", "plain"),
    ("bce_probs", "(p - label) / (p * (1 - p))", "(p - label)", "plain"),
    ("bce_probs", "(1 - label) * np.log(1 - p)", "(1 - label) * np.log(p)", "plain"),
    ("mse", "2 * error * scale", "error * scale", "plain"),
]


@pytest.mark.parametrize(("entry", "line", "fault", "name"), FAULTS)
def test_planted_faults_are_found(entry, line, fault, name, monkeypatch):
    monkeypatch.setitem(BACKENDS["numpy"], entry, planted(getattr(losses, f"{entry}_ref"), line, fault))
    with pytest.raises(AssertionError, match="WRONG"):
        check_case(entry, name)
    with pytest.raises(AssertionError, match="WRONG"):
        compare_twins(BACKENDS, entry, CASES[entry][name], "float64")


@pytest.mark.parametrize("entry", BACKENDS["numpy"])
def test_labels_of_other_rows_are_found(entry, monkeypatch):
    monkeypatch.setitem(BACKENDS["numpy"], entry, planted(getattr(losses, f"{entry}_ref"), "y[rows]", "y[: len(rows)]"))
    with pytest.raises(AssertionError, match="WRONG"):
        compare_twins(BACKENDS, entry, CASES[entry]["plain"], "float64")


# ------------------------------------------------------------------------------------------------------------------------ as Keras has it


@pytest.mark.parametrize(
    ("y", "p", "expected"), [(1, 0, 16.118095), (0, 1, 15.942385), (1, 1, 1.192093e-7), (0, 0, 1.192093e-7), (0, 3, 15.942385)]
)
def test_probabilities_are_clipped_as_keras_clips_them(y, p, expected):
    # in float32 the upper bound 1 - 1e-7 rounds to 1 - 2^-23, and 1e-7 itself costs as much as that
    for backend in BACKENDS:
        arguments = edge_case("bce_probs", [p], [y])(np.dtype("float32"))
        found = BACKENDS[backend]["bce_probs"](*arguments)
        np.testing.assert_allclose(found, expected, rtol=2e-7 if expected > 1 else 0.2)
        assert arguments[-1][0, 0] == 0  # a clipped output is not moved
    np.testing.assert_allclose(BinaryCrossentropy()(np.float32([[y]]), np.float32([[p]])), expected, rtol=2e-7 if expected > 1 else 0.2)


def test_logits_have_no_cap():
    assert BinaryCrossentropy(from_logits=True)(np.zeros((1, 1)), np.full((1, 1), 200.0)) == 200
    assert BinaryCrossentropy(from_logits=True)(np.ones((1, 1)), np.full((1, 1), 200.0)) < 1e-80


# Source: Keras 3.15, keras/src/losses/losses_test.py
def test_keras_constants_of_the_loss():
    y, p = np.array([1, 0, 1, 0]).reshape(2, 2), np.array([1, 1, 1, 0], "float32").reshape(2, 2)
    np.testing.assert_allclose(BinaryCrossentropy()(y, p), 3.98559, rtol=2e-6)
    np.testing.assert_allclose(BinaryCrossentropy()(y, p, 2.3), 9.1668, rtol=1e-5)
    np.testing.assert_allclose(BinaryCrossentropy()(y, p, np.array([1.2, 3.4])), 4.7827, rtol=1e-5)
    y, logits = np.array([[1, 0, 1], [0, 1, 1]]), np.array([[10.0, -10.0, 10.0], [10.0, 10.0, -10.0]], "float32")
    loss = BinaryCrossentropy(from_logits=True)
    np.testing.assert_allclose(loss(y, logits), 3.3333, rtol=1e-4)
    np.testing.assert_allclose(loss(y, logits, 2.3), 7.666, rtol=0, atol=1e-3)
    np.testing.assert_allclose(loss(y, logits, np.array([4, 3])), 10.0, rtol=0, atol=1e-3)
    np.testing.assert_allclose(binary_crossentropy(y, logits, from_logits=True), [0, 6.666], rtol=1e-3, atol=1e-4)
    smoothed = BinaryCrossentropy(from_logits=True, label_smoothing=0.1)
    np.testing.assert_allclose(smoothed([[1.0, 0.0, 1.0]], np.float32([[10.0, -10.0, -10.0]])), (10 + 5 * 0.1) / 3, rtol=1e-4)


# Source: Keras 3.15, keras/src/ops/nn_test.py
def test_keras_constants_of_the_function():
    y, p = np.array([0.1, 0.9, 0.2, 1.0], "float32")[:, None], np.array([0.1, 0.2, 0.3, 0.4], "float32")[:, None]
    np.testing.assert_allclose(binary_crossentropy(y, p), [0.32508277, 1.47080801, 0.52613434, 0.91629048], rtol=1e-6)
    found = binary_crossentropy(y, p, from_logits=True)
    np.testing.assert_allclose(found, [0.73439666, 0.61813887, 0.79435524, 0.51301525], rtol=1e-6)


def test_equals_keras():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pytest.importorskip("keras").losses
    rng = np.random.default_rng(5)
    y, logits, weights = (
        rng.integers(0, 2, (6, 4)),
        rng.normal(scale=4, size=(6, 4)).astype("float32"),
        rng.uniform(0, 2, 6).astype("float32"),
    )
    probs = (1 / (1 + np.exp(-logits))).astype("float32")
    pairs = [
        (BinaryCrossentropy(), theirs.BinaryCrossentropy(), probs),
        (BinaryCrossentropy(label_smoothing=0.3), theirs.BinaryCrossentropy(label_smoothing=0.3), probs),
        (BinaryCrossentropy(from_logits=True), theirs.BinaryCrossentropy(from_logits=True), logits),
        (MeanSquaredError(), theirs.MeanSquaredError(), logits),
    ]
    for ours, keras_loss, outputs in pairs:
        for sample_weight in (None, weights):
            # 24 terms, each rounded some 6 times, a half unit each
            found, expected = ours(y, outputs, sample_weight), float(keras_loss(y, outputs, sample_weight))
            np.testing.assert_allclose(found, expected, rtol=72 * np.finfo(np.float32).eps)


def test_labels_may_lack_the_last_axis():
    y, p = np.array([1, 0, 1]), np.array([[0.7], [0.2], [0.4]], "float32")
    assert BinaryCrossentropy()(y, p) == BinaryCrossentropy()(y[:, None], p)
    with pytest.raises(ValueError, match=r"y_true has shape \(3, 2\), y_pred \(3, 1\)"):
        BinaryCrossentropy()(np.zeros((3, 2)), p)
    with pytest.raises(ValueError, match="must have the same shape"):
        mean_squared_error(np.zeros(3), np.zeros((3, 1)))


@pytest.mark.parametrize("name", ["binary_crossentropy", "bce", "BCE", "BinaryCrossentropy"])
def test_names_are_found(name):
    assert isinstance(get(name), BinaryCrossentropy)
    assert get(name).get_config()["name"] == "binary_crossentropy"


def test_losses_are_found():
    loss = BinaryCrossentropy(label_smoothing=0.1)
    assert get(loss) is loss
    assert get(None) is None
    assert isinstance(get(MeanSquaredError), MeanSquaredError)
    assert isinstance(get(mean_squared_error), MeanSquaredError)
    assert isinstance(get(binary_crossentropy), BinaryCrossentropy)
    config = loss.get_config()
    assert BinaryCrossentropy(**config).get_config() == config
    assert loss.kernel_name(on_logits=True) == "bce_logits"
    assert loss.kernel_name(on_logits=False) == "bce_probs"


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: get("binary_crossentrpy"), ValueError, "did you mean 'binary_crossentropy'"),
        (lambda: get(3), TypeError, "loss must be a name or a loss"),
        (lambda: BinaryCrossentropy(label_smoothing=1.5), ValueError, r"label_smoothing must be in 0..1, received 1.5"),
        (lambda: BinaryCrossentropy(axis=0), ValueError, "axis must be -1"),
        (lambda: BinaryCrossentropy(reduction="sum"), ValueError, "reduction must be 'sum_over_batch_size'"),
        (lambda: MeanSquaredError(reduction=None), ValueError, "reduction must be"),
    ],
)
def test_bad_arguments_are_named(make, error, message):
    with pytest.raises(error, match=message):
        make()
