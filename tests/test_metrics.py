import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import compare_twins, twin_params

from minirnn.metrics import BACKENDS, BinaryAccuracy, CategoricalAccuracy, Mean, get

N, B = 7, 5
ROWS = np.array([6, 0, 3, 3, 1])


def case(K=3, threshold=0.5, B=B):
    def arguments(dtype):
        rng = np.random.default_rng(K)
        probs = rng.random((B, K)).astype(dtype)
        probs[0, 0] = dtype.type(threshold)  # exactly at it: class 0
        return [probs, rng.integers(0, 2, (N, K)).astype(dtype), ROWS[:B], threshold]

    return arguments


CASES = {
    "binary_matches": {
        "plain": case(),
        "one-output": case(1),
        "one-row": case(2, B=1),
        "threshold-0.1": case(4, 0.1),  # which float32 rounds up
        "threshold-0.7": case(4, 0.7),  # and down
    }
}


@pytest.mark.parametrize(("entry", "case", "dtype"), twin_params(CASES))
def test_kernel_equals_reference(entry, case, dtype):
    compare_twins(BACKENDS, entry, case, dtype)


@settings(max_examples=30, deadline=None)
@given(K=st.integers(1, 9), B=st.integers(1, 5), threshold=st.floats(0, 1))
def test_kernel_equals_reference_for_any_sizes(K, B, threshold):
    compare_twins(BACKENDS, "binary_matches", case(K, threshold, B), "float32")


def accuracy(y, probs, backend, threshold=0.5, mask=None):
    metric = BinaryAccuracy(threshold=threshold)
    y, probs = np.array(y, "float32"), np.array(probs, "float32")
    metric.update(probs.reshape(len(y), -1), y.reshape(len(y), -1), np.arange(len(y)), mask, backend)
    return metric.result()


@pytest.mark.parametrize("backend", BACKENDS)
def test_keras_constants(backend):
    # Source: Keras 3.15, keras/src/metrics/accuracy_metrics_test.py
    assert accuracy([[1], [1], [0], [0]], [[0.98], [1], [0], [0.6]], backend) == 0.75
    assert accuracy([1, 1, 0, 0], [[0.98], [1], [0], [0.6]], backend) == 0.75
    assert accuracy([[1], [1], [0], [0]], [[0.98], [0.5], [0.1], [0.2]], backend, 0.3) == 1
    assert accuracy([[1, 0], [0, 1]], [[0.9, 0.6], [0.4, 0.8]], backend) == 0.75


@pytest.mark.parametrize("backend", BACKENDS)
def test_edges_of_binary_accuracy(backend):
    assert accuracy([1, 0], [0.5, 0.5], backend) == 0.5  # exactly the threshold means 0
    assert accuracy([1, 0], [np.nan, np.nan], backend) == 0.5  # so does NaN
    assert accuracy([0.9, 0.1], [0.9, 0.1], backend) == 0  # soft labels never match


@pytest.mark.parametrize("backend", BACKENDS)
def test_equals_keras(backend):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pytest.importorskip("keras").metrics
    rng = np.random.default_rng(3)
    for shape, threshold in (((9, 1), 0.5), ((9, 4), 0.3), ((9, 4), 0.1)):
        ours, keras_metric = BinaryAccuracy(threshold=threshold), theirs.BinaryAccuracy(threshold=threshold)
        for _ in range(3):
            y, probs = rng.integers(0, 2, shape).astype("float32"), rng.random(shape).astype("float32")
            probs[0] = threshold
            ours.update(probs, y, np.arange(len(y)), None, backend)
            keras_metric.update_state(y, probs)
        np.testing.assert_allclose(ours.result(), float(keras_metric.result()), rtol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_mask_leaves_padding_out(backend):
    mask = np.array([[True, False], [True, True]])
    assert accuracy([[1, 0], [0, 1]], [[0.9, 0.9], [0.1, 0.1]], backend, mask=mask) == pytest.approx(2 / 3)
    assert accuracy([[1, 0], [0, 1]], [[0.9, 0.9], [0.1, 0.1]], backend, mask=np.zeros((2, 2), bool)) == 0


def test_categorical_accuracy_looks_at_the_largest():
    metric = CategoricalAccuracy("accuracy")
    y = np.eye(3, dtype="float32")[[0, 1, 2, 2]]
    probs = np.array([[0.6, 0.2, 0.2], [0.5, 0.3, 0.2], [0.1, 0.2, 0.7]], "float32")
    metric.update(probs, y, np.array([0, 1, 3]), None, "numpy")
    assert metric.result() == pytest.approx(2 / 3)


def test_a_running_mean_weighs_batches_by_their_size():
    mean = Mean()
    assert mean.result() == 0
    for value, size in ((2.0, 4), (5.0, 1)):
        mean.add(value, size)
    assert mean.result() == (2 * 4 + 5) / 5
    mean.reset()
    mean.add(3)
    assert mean.result() == 3
    assert (mean.name, mean.direction) == ("loss", "down")
    assert BinaryAccuracy().direction == "up"


def test_a_batch_is_counted_by_its_rows():
    metric = BinaryAccuracy()
    y = np.array([[1.0], [0.0], [1.0]], "float32")
    metric.update(np.array([[0.9]], "float32"), y, np.array([0]), None, "numpy")
    metric.update(np.array([[0.9], [0.1]], "float32"), y, np.array([1, 2]), None, "numba")
    assert metric.result() == pytest.approx(1 / 3)
    assert metric.count == 3


def test_names_are_found():
    for name in ("accuracy", "acc", "Accuracy", "binary_accuracy", "BinaryAccuracy"):
        assert type(get(name)) is BinaryAccuracy
        assert get(name).name == name
    assert type(get("accuracy", outputs=3)) is CategoricalAccuracy
    metric = BinaryAccuracy("mine", 0.3)
    assert get(metric) is metric
    assert get(BinaryAccuracy).name == "binary_accuracy"


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: get("acuracy"), ValueError, "unknown metric 'acuracy': did you mean 'accuracy'"),
        (lambda: get(None), TypeError, "metric must be a name or a metric"),
        (lambda: BinaryAccuracy(threshold=1.5), ValueError, "threshold must be in 0..1, received 1.5"),
    ],
)
def test_bad_arguments_are_named(make, error, message):
    with pytest.raises(error, match=message):
        make()
