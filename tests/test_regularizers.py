import math
import warnings

import numpy as np
import pytest
from faults import planted
from gradient_check import check_gradients

from minirnn import regularizers
from minirnn.regularizers import L1, L1L2, L2, OrthogonalRegularizer, Regularizer

W = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, -0.25]])


@pytest.fixture
def keras_regularizers():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("keras").regularizers


@pytest.mark.parametrize(
    ("regularizer", "expected"),
    [
        (L1(0.5), 0.5 * 6.75),
        (L2(0.25), 0.25 * 14.3125),
        (L1L2(0.5, 0.25), 0.5 * 6.75 + 0.25 * 14.3125),
        (L1L2(), 0.0),
        (OrthogonalRegularizer(0.5), 0.5 * 6.125 / math.sqrt(5.25 * 9.0625)),
        (OrthogonalRegularizer(0.5, "columns"), 0.5 * (2 / math.sqrt(13) + 0.5 / math.sqrt(0.3125) + 1.75 / math.sqrt(13 * 0.3125)) / 3),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_weights_cost(regularizer, expected, dtype):
    found = regularizer(W.astype(dtype))

    assert np.asarray(found).dtype == dtype
    assert found == pytest.approx(expected, rel=4 * float(np.finfo(dtype).eps))
    assert float(regularizer(W.tolist())) == pytest.approx(expected, rel=4e-7)


REGULARIZERS = [L1(0.75), L2(0.375), L1L2(0.75, 0.375), OrthogonalRegularizer(0.75), OrthogonalRegularizer(0.75, "columns")]


def check(regularizer, shape=(4, 7)):
    w = np.random.default_rng(3).normal(size=shape)
    check_gradients(lambda arrays: regularizer.value(arrays["w"]), {"w": w}, {"w": regularizer.gradient(w)})


@pytest.mark.parametrize("regularizer", REGULARIZERS, ids=repr)
def test_gradients(regularizer):
    check(regularizer)
    check(regularizer, (5, 2))


@pytest.mark.parametrize("regularizer", REGULARIZERS[:3], ids=repr)
def test_gradients_of_any_number_of_axes(regularizer):
    check(regularizer, (5,))
    check(regularizer, (3, 2, 4))


@pytest.mark.parametrize(
    ("kind", "line", "fault"),
    [
        (L1L2, "2 * self.l2", "self.l2"),
        (L1L2, "np.sign(w)", "1"),
        (OrthogonalRegularizer, "(dn - n * along)", "dn"),
        (OrthogonalRegularizer, "/ np.maximum(norms, w.dtype.type(EPSILON))", ""),
        (OrthogonalRegularizer, "np.sign(cosines)", "cosines"),
    ],
)
def test_planted_faults_are_found(kind, line, fault, monkeypatch):
    monkeypatch.setattr(kind, "gradient", planted(kind.gradient, line, fault))
    chosen = L1L2(0.75, 0.375) if kind is L1L2 else OrthogonalRegularizer(0.75)
    with pytest.raises(AssertionError, match="WRONG"):
        check(chosen)


@pytest.mark.parametrize("regularizer", REGULARIZERS, ids=repr)
def test_gradients_keep_dtype_and_shape(regularizer):
    w = W.astype("float32")
    found = regularizer.gradient(w)
    assert (found.dtype, found.shape) == (w.dtype, w.shape)
    np.testing.assert_allclose(found, regularizer.gradient(W), rtol=0, atol=1e-6)


def test_at_0_there_is_no_slope():
    assert not L1(0.5).gradient(np.zeros((2, 3))).any()
    rows = np.array([[0.0, 0.0], [3.0, 4.0], [1.0, 1.0]])
    slope = OrthogonalRegularizer(0.5).gradient(rows)
    assert not slope[0].any()
    assert slope[1:].all()


def test_rows_shorter_than_epsilon_are_not_stretched_to_1():
    rows = np.array([[3e-9, 0.0], [3.0, 4.0]])
    regularizer = OrthogonalRegularizer(0.5)

    assert regularizer(rows) == pytest.approx(0.5 * 0.03 * 0.6)
    np.testing.assert_allclose(regularizer.gradient(rows)[0], 0.5 * rows[1] / 5 / 1e-7)


def test_one_row_has_nothing_to_be_at_right_angles_to():
    regularizer = OrthogonalRegularizer(0.5)
    assert regularizer(W[:1]) == 0
    assert not regularizer.gradient(W[:1]).any()


def test_what_is_not_finite_stays_visible():
    assert L2(0.5)(np.array([1e30], "float32")) == np.inf  # without a warning from NumPy
    assert np.isnan(L1(0.5)(np.array([1.0, np.nan])))
    assert L2(0.0)(np.array([np.inf])) == 0


@pytest.mark.parametrize("name", ["l1_l2", "l1l2", "L1L2"])
def test_both_by_name_means_what_keras_documents(name):
    assert regularizers.get(name).get_config() == {"l1": 0.01, "l2": 0.01}


def test_the_names_are_those_of_keras(keras_regularizers):
    from keras.src.regularizers import ALL_OBJECTS_DICT

    theirs = {name: kind for name, kind in ALL_OBJECTS_DICT.items() if name.lower() != "regularizer"}
    assert set(regularizers.NAMES) == set(theirs) | {"l1_l2"}
    for name, kind in theirs.items():
        assert type(regularizers.get(name)).__name__ == kind.__name__
    for alias in ("l1", "l2", "l1_l2", "orthogonal_regularizer"):
        assert getattr(regularizers, alias).__name__ == getattr(keras_regularizers, alias).__name__


@pytest.mark.parametrize("regularizer", [L1(0.5), L2(0.25), L1L2(0.5, 0.25), OrthogonalRegularizer(0.5, "columns")], ids=repr)
def test_configurations_pass_through_real_keras(regularizer, keras_regularizers):
    written = regularizers.serialize(regularizer)
    written_by_keras = keras_regularizers.serialize(keras_regularizers.deserialize(written))
    assert written == written_by_keras
    assert list(written["config"]) == list(written_by_keras["config"])
    again = regularizers.get(written_by_keras)
    assert (type(again), again.get_config()) == (type(regularizer), regularizer.get_config())


def test_default_arguments_are_those_of_keras(keras_regularizers):
    for name in ("L1", "L2", "L1L2", "OrthogonalRegularizer"):
        theirs = getattr(keras_regularizers, name)().get_config()
        own = getattr(regularizers, name)().get_config()
        assert own == pytest.approx(theirs, rel=1e-7) if name != "OrthogonalRegularizer" else own.keys() == theirs.keys()
    assert (L1(None).l1, L2(None).l2, L1L2(None, None).l1) == (0.01, 0.01, 0)


class Cubed(Regularizer):
    arguments = ("price",)

    def __init__(self, price=1.0):
        self.price = price

    def value(self, w):
        return self.price * np.sum(w**3)


def test_get_takes_objects_classes_and_none():
    own = Cubed(2.0)
    assert regularizers.get(own) is own
    assert regularizers.get(None) is None
    assert regularizers.serialize(None) is None
    assert type(regularizers.get(Cubed)) is Cubed
    assert regularizers.get(L1L2).get_config() == {"l1": 0.0, "l2": 0.0}
    assert Cubed.from_config(own.get_config()).price == 2.0
    assert repr(own) == "Cubed(price=2.0)"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: regularizers.get("l3"), ValueError, "unknown regularizer 'l3'"),
        (lambda: regularizers.get(0.01), ValueError, "received 0.01 of type float"),
        (lambda: regularizers.get(np.sum), ValueError, r"A penalty of your own is a subclass of Regularizer, with value\(w\) and gradient"),
        (lambda: regularizers.get({"config": {}}), ValueError, "regularizers.deserialize: expected a dict with 'class_name'"),
        (lambda: regularizers.get({"class_name": "L2", "config": {"l1": 1}}), TypeError, "L2 does not take config"),
        (lambda: regularizers.get({"class_name": "L2", "config": {}, "registered_name": "mine>L2"}), ValueError, "'mine>L2' is not one of"),
        (lambda: regularizers.serialize(Cubed()), ValueError, r"regularizer Cubed\(price=1.0\) is not one that Keras has"),
        (lambda: L1(-1), ValueError, "L1: l1 must be a finite number, 0 or more, received -1"),
        (lambda: L2(math.nan), ValueError, "L2: l2 must be a finite number"),
        (lambda: L1L2(l2=math.inf), ValueError, "L1L2: l2 must be"),
        (lambda: L1("0.1"), ValueError, "received '0.1'"),
        (lambda: L1(True), ValueError, "received True"),
        (lambda: OrthogonalRegularizer(None), ValueError, "OrthogonalRegularizer: factor must be"),
        (lambda: OrthogonalRegularizer(mode="diagonals"), ValueError, "mode must be 'rows' or 'columns', received 'diagonals'"),
        (lambda: OrthogonalRegularizer()(np.ones(3)), ValueError, r"expected a matrix, received shape \(3,\)"),
        (lambda: Cubed().gradient(W), NotImplementedError, r"Cubed must implement gradient\(w\)"),
        (lambda: Regularizer()(W), NotImplementedError, r"Regularizer must implement value\(w\)"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
