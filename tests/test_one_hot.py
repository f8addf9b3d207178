import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minirnn.one_hot import OneHot, to_categorical

V = 11
IDS = np.array([[0, 10, 3, 3, 7], [0, 0, 0, 0, 0], [10, 1, 9, 2, 10]], dtype=np.int32)  # (B=3, T=5)
ERRORS = (IndexError, ValueError, TypeError)


@pytest.fixture(scope="module")
def keras_to_categorical():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("keras").utils.to_categorical


def outcome(function, *arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dense = function(*arguments)
        except ERRORS as error:
            return next(kind for kind in ERRORS if isinstance(error, kind))
    return dense.dtype, dense.shape, dense.tolist()


@settings(max_examples=300, deadline=None)
@given(
    x=hnp.arrays(np.int64, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4), elements=st.integers(-4, 6)),
    num_classes=st.sampled_from([None, 0, 1, 3, 5, 7, np.int64(7), -2, 3.0, "3"]),
    as_list=st.booleans(),
)
def test_to_categorical_ends_as_in_keras(keras_to_categorical, x, num_classes, as_list):
    x = x.tolist() if as_list else x
    assert outcome(to_categorical, x, num_classes) == outcome(keras_to_categorical, x, num_classes)


@pytest.mark.parametrize(
    "x",
    [
        [0.9, -0.5, 2.7],
        ["1", "2"],
        [True, False],
        [float("nan")],
        [[1], [2, 3]],
        ["a"],
        [None],
        3,
        [[1], [2]],
        [[[1]], [[2]]],
        [2],
        {1, 2},
        [1j],
    ],
    ids=repr,
)
@pytest.mark.parametrize("num_classes", [None, 4])
def test_to_categorical_takes_odd_labels_as_keras_does(keras_to_categorical, x, num_classes):
    assert outcome(to_categorical, x, num_classes) == outcome(keras_to_categorical, x, num_classes)


@pytest.mark.parametrize("num_classes", [True, np.bool_(True), np.array(4), np.float32(4)])
def test_to_categorical_takes_odd_class_counts_as_keras_does(keras_to_categorical, num_classes):
    assert outcome(to_categorical, [0, 0], num_classes) == outcome(keras_to_categorical, [0, 0], num_classes)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([[0, 1], [3, 2]], 3), IndexError, r"classes must be -3..2 \(num_classes=3\), received 3 at \(1, 0\)"),
        (([],), ValueError, "x is empty"),
        (([1], 2.0), TypeError, "num_classes must be an integer or None, received 2.0 of type float"),
        (([0], -2), ValueError, "num_classes must be 0 or more, received -2"),
        (([1, "a"], 3), ValueError, "x must be whole numbers in a rectangle"),
        (([None], 3), TypeError, "x must be whole numbers in a rectangle"),
    ],
)
def test_to_categorical_names_bad_input(arguments, error, message):
    with pytest.raises(error, match=f"^to_categorical: {message}"):
        to_categorical(*arguments)


def test_a_one_hot_has_the_face_of_the_dense_array():
    one_hot = OneHot(IDS, V)
    dense = to_categorical(IDS, V).astype(np.float32)
    assert one_hot.shape == dense.shape == (3, 5, 11)
    assert one_hot.ndim == dense.ndim
    assert one_hot.size == dense.size
    assert one_hot.dtype == dense.dtype
    assert len(one_hot) == len(dense)
    assert one_hot.num_classes == V
    assert one_hot.nbytes == IDS.nbytes
    assert repr(one_hot) == "OneHot(shape=(3, 5, 11), dtype=float32, ids=int32)"


@settings(deadline=None)
@given(ids=hnp.arrays(np.int16, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4), elements=st.integers(0, V - 1)))
def test_written_out_it_is_to_categorical(ids):
    ids = ids.reshape(*ids.shape, 1) if ids.shape[-1:] == (1,) else ids  # to_categorical drops a last axis of size 1
    expected = to_categorical(ids, V).reshape(*ids.shape, V)
    dense = np.asarray(OneHot(ids, V, dtype="float64"))
    assert dense.dtype == np.float64
    assert dense.shape == expected.shape
    np.testing.assert_array_equal(dense, expected)


def test_the_array_protocol_honours_dtype_and_copy():
    one_hot = OneHot(IDS, V)
    assert np.asarray(one_hot).dtype == np.float32
    assert np.asarray(one_hot, dtype="int8").dtype == np.int8
    np.testing.assert_array_equal(np.array(one_hot, copy=True), to_categorical(IDS, V))
    with pytest.raises(ValueError, match="copy=False cannot be kept"):
        one_hot.__array__(copy=False)


def test_the_number_of_classes_is_the_largest_id_and_one():
    assert OneHot(IDS).num_classes == 11
    assert OneHot([[2, 0]]).shape == (1, 2, 3)


EMPTY_MASK = np.zeros(3, dtype=bool)
INDEXES = {
    "row": 1,
    "row from the end": -1,
    "numpy row": np.int64(2),
    "rows": slice(1, None),
    "every other row back": slice(None, None, -2),
    "nothing": slice(3, None),
    "picked rows": np.array([2, 0, 2]),
    "picked rows as list": [2, 0],
    "no rows": np.array([], dtype=int),
    "masked rows": np.array([True, False, True]),
    "masked ids": IDS > 2,
    "no masked rows": EMPTY_MASK,
    "one id": (2, 3),
    "column": (slice(None), 1),
    "window": (slice(0, 2), slice(1, 4)),
    "pairs": ([0, 2, 1], [4, 4, 0]),
    "everything": Ellipsis,
    "empty tuple": (),
    "rows and the rest": (np.array([2, 0]), Ellipsis),
    "last step": (Ellipsis, -1, slice(None)),
    "all, spelled out": (slice(None), slice(None), slice(None)),
    "new axis in front": None,
    "new axis between": (slice(None), None, 2),
    "new axis before the classes": (Ellipsis, None, slice(None)),
    "new axis at the end": (Ellipsis, None),
    "one number": (0, 1, 10),
    "one class": (Ellipsis, 3),
    "some classes": (slice(None), 0, slice(2, 5)),
    "picked classes": (Ellipsis, [3, 0, 3]),
    "picked classes of one row": (0, slice(None), [3, 0]),
    "picked triples": ([0, 1], [1, 2], [10, 0]),
    "classes of picked rows": ([0, 2], slice(None), [10, 0]),
    "masked classes": (Ellipsis, np.arange(V) % 2 == 0),
    "dense mask": to_categorical(IDS, V) > 0,
    "true": True,
    "out of range": 3,
    "column out of range": (0, 5),
    "class out of range": (0, 0, 11),
    "too many": (0, 0, 0, 0),
    "float": 1.0,
    "name": "a",
    "mask too long": np.ones(4, dtype=bool),
}


@pytest.mark.parametrize("name", INDEXES)
def test_an_index_gives_what_the_dense_array_gives(name):
    one_hot, dense = OneHot(IDS, V), to_categorical(IDS, V).astype(np.float32)
    try:
        expected = dense[INDEXES[name]]
    except IndexError:
        with pytest.raises(IndexError):
            one_hot[INDEXES[name]]
        return
    part = one_hot[INDEXES[name]]
    assert part.dtype == np.float32
    assert part.shape == expected.shape
    np.testing.assert_array_equal(np.asarray(part), expected)


KEPT = [name for name in INDEXES if "class" not in name and "out of" not in name]
KEPT = [name for name in KEPT if name not in ("one id", "one number", "new axis at the end", "picked triples", "dense mask", "too many")]
KEPT = [name for name in KEPT if name not in ("float", "name", "mask too long", "true")] + ["new axis before the classes"]


@pytest.mark.parametrize("name", KEPT)
def test_an_index_of_the_ids_axes_stays_unwritten(name):
    part = OneHot(IDS, V)[INDEXES[name]]
    assert isinstance(part, OneHot)
    assert part.num_classes == V


@pytest.mark.parametrize("name", ["one id", "one number", "one class", "some classes", "picked classes"])
def test_an_index_of_the_class_axis_is_dense(name):
    assert isinstance(OneHot(IDS, V)[INDEXES[name]], np.ndarray | np.generic)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_basic_index_gives_what_the_dense_array_gives(draws):
    shape = draws.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    ids = np.arange(np.prod(shape)).reshape(shape) % 5
    index = draws.draw(hnp.basic_indices((*shape, 5), allow_newaxis=True, allow_ellipsis=True))
    expected = to_categorical(ids, 5).reshape(*shape, 5)[index]
    part = OneHot(ids, 5)[index]
    assert part.shape == expected.shape
    np.testing.assert_array_equal(np.asarray(part), expected)


def test_a_slice_shares_the_ids_and_is_not_checked_again():
    one_hot = OneHot(IDS, V)
    part = one_hot[1:, 2:]
    assert np.shares_memory(part.ids, one_hot.ids)
    assert part.num_classes == V  # the largest id of the part would say less
    assert np.shares_memory(one_hot.astype("float64").ids, one_hot.ids)
    assert one_hot.astype("float64").dtype == np.float64


def test_later_changes_of_the_given_ids_do_not_reach_it():
    ids = IDS.copy()
    one_hot = OneHot(ids, V)
    ids[:] = 99
    np.testing.assert_array_equal(one_hot.ids, IDS)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, ">i4", np.uint64])
def test_ids_are_kept_as_int32(dtype):
    one_hot = OneHot(IDS.astype(dtype), V)
    assert one_hot.ids.dtype == np.int32
    assert one_hot.ids.flags.c_contiguous
    np.testing.assert_array_equal(one_hot.ids, IDS)


def test_iteration_and_pickling():
    one_hot = OneHot(IDS, V)
    np.testing.assert_array_equal([np.asarray(row) for row in one_hot], to_categorical(IDS, V))
    again = pickle.loads(pickle.dumps(one_hot))
    np.testing.assert_array_equal(np.asarray(again), np.asarray(one_hot))


def test_scikit_learn_splits_it():
    model_selection = pytest.importorskip("sklearn.model_selection")
    first, second, rows, _ = model_selection.train_test_split(OneHot(IDS, V), np.arange(3), test_size=1, random_state=42)
    assert isinstance(first, OneHot)
    np.testing.assert_array_equal(first.ids, IDS[rows])
    assert second.shape == (1, 5, 11)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            (np.array([[0, 3], [4, 1]]), 4),
            ValueError,
            r"ids must be 0..3 \(num_classes=4\), received 4 at \(1, 0\). Pass a larger num_classes",
        ),
        ((np.array([0, 2, -1]), 4), ValueError, r"received -1 at \(2,\)"),
        ((np.array([-1]),), ValueError, r"received -1 at \(0,\)"),
        ((np.array([2**63], dtype=np.uint64), 4), ValueError, r"received 9223372036854775808 at \(0,\)"),
        (([0.0, 1.0], 4), TypeError, r"ids must be integers, received dtype float64 and shape \(2,\)"),
        (([float("nan")], 4), TypeError, "received dtype float64"),
        ((["a"], 4), TypeError, "received dtype <U1"),
        (([True], 4), TypeError, "received dtype bool"),
        (([[1], [2, 3]], 4), ValueError, "ids must be a rectangle"),
        ((np.zeros((2, 0), int),), ValueError, r"there are no ids, received shape \(2, 0\), so num_classes must be given"),
        (([1], 0), ValueError, "num_classes must be 1 or more, received 0"),
        (([1], -3), ValueError, "num_classes must be 1 or more, received -3"),
        (([1], 2.0), TypeError, "num_classes must be an integer or None, received 2.0"),
        (([1], True), TypeError, "received True of type bool"),
        (([1], 3, "foo"), TypeError, "dtype must name a NumPy dtype, received 'foo'"),
    ],
)
def test_bad_input_is_named(arguments, error, message):
    with pytest.raises(error, match=f"^OneHot: .*{message}"):
        OneHot(*arguments)


def test_a_single_id_has_no_length():
    with pytest.raises(TypeError, match="a single id has no length"):
        len(OneHot(3, 5))
