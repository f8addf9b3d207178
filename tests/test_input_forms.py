"""What is taken as data, and the form it is brought to."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minirnn
from minirnn import OneHot
from minirnn.inputs import as_rectangle, check_count, check_weights, check_x, check_y, weights_of_classes
from minirnn.layers import Dense, Embedding, Input, SimpleRNN

N, T, V = 6, 5, 11
IDS = np.random.default_rng(1).integers(0, V, (N, T))
LABELS = np.array([0, 1, 1, 0, 1, 0])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "int64", "uint64", ">i4", ">i8", "float32", "float64", ">f4"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("writable", [True, False])
def test_whole_numbers_of_any_dtype_and_layout_become_ids_of_one_form(dtype, order, writable):
    given = IDS.astype(dtype, order=order)
    given.flags.writeable = writable

    ids = check_x("fit", given, Embedding(V, 4), np.dtype("float32"))

    assert ids.dtype == np.int32
    assert ids.flags.carray
    np.testing.assert_array_equal(ids, IDS)


def test_ids_that_fit_are_not_copied():
    ids = IDS.astype("int32")

    assert check_x("fit", ids, Embedding(V, 4), np.dtype("float32")) is ids


def test_the_ids_of_a_cut_one_hot_become_one_block():
    x = OneHot(IDS, V)[:, ::2]

    checked = check_x("fit", x, SimpleRNN(3), np.dtype("float32"))

    assert checked.ids.flags.c_contiguous
    np.testing.assert_array_equal(checked.ids, IDS[:, ::2])


def test_lists_are_taken():
    model = minirnn.Sequential([Input((T,)), Embedding(V, 4), SimpleRNN(3), Dense(1, "sigmoid")], backend="numpy")

    np.testing.assert_array_equal(model.predict(IDS.tolist(), verbose=0), model.predict(IDS, verbose=0))


@pytest.mark.parametrize("y", [LABELS.tolist(), LABELS.astype(bool), LABELS[:, None], LABELS.astype("float64"), LABELS.astype("int8")])
def test_labels_of_any_kind_become_floats_in_rows(y):
    labels = check_y("fit", y, N, (1,), np.dtype("float32"), True)

    assert (labels.dtype, labels.shape) == (np.float32, (N, 1))
    assert labels.flags.c_contiguous
    np.testing.assert_array_equal(labels[:, 0], LABELS)


@pytest.mark.parametrize("shape", [(N,), (N, 1)])
def test_weights_are_one_per_example(shape):
    given = np.arange(1.0, N + 1).reshape(shape)

    np.testing.assert_array_equal(check_weights("fit", given, N, np.dtype("float32")), np.arange(1, N + 1, dtype="float32"))
    assert check_weights("fit", None, N, np.dtype("float32")) is None


def test_class_weights_round_soft_labels():
    y = np.array([[0.2], [0.8], [0.5], [1.0]])

    np.testing.assert_array_equal(weights_of_classes("fit", {0: 2.0, 1: 5.0}, y, np.dtype("float64")), [2, 5, 2, 5])


@given(st.one_of(st.integers(-5, 5), st.floats(), st.booleans(), st.none(), st.text(max_size=2)), st.integers(0, 2))
def test_counts_are_whole_numbers_of_at_least_the_least(value, least):
    if isinstance(value, int) and not isinstance(value, bool) and value >= least:
        assert check_count("fit", "epochs", value, least) == value
    else:
        with pytest.raises(ValueError, match=f"fit: epochs must be a whole number of at least {least}, received {re.escape(repr(value))}"):
            check_count("fit", "epochs", value, least)


@settings(max_examples=60)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(-(2**40), 2**40), st.data())
def test_an_id_out_of_range_is_named_with_its_place(N, T, wrong, data):
    place = (data.draw(st.integers(0, N - 1)), data.draw(st.integers(0, T - 1)))
    ids = np.full((N, T), V - 1)
    ids[place] = wrong

    if 0 <= wrong < V:
        np.testing.assert_array_equal(check_x("fit", ids, Embedding(V, 4), np.dtype("float32")), ids)
    else:
        with pytest.raises(ValueError, match="not in") as caught:
            check_x("fit", ids, Embedding(V, 4), np.dtype("float32"))
        assert f"id {wrong} at (b, t) = {place} is not in 0..{V - 1}" in str(caught.value)


def test_a_rectangle_has_at_least_one_number():
    with pytest.raises(ValueError, match=r"^evaluate: y is empty"):
        as_rectangle("evaluate", "y", [[], []])
