import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minirnn import preprocessing, sequences, utils
from minirnn.sequences import pad_sequences

MODES = ["pre", "post"]
ERRORS = (OverflowError, ValueError, TypeError)


@pytest.fixture(scope="module")
def keras_pad():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("keras").utils.pad_sequences


def outcome(pad, rows, options):
    """What a call gives, as plain values that compare: dtype, shape and items, or the class of the error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            padded = pad(rows, **options)
        except ERRORS as error:
            return next(kind for kind in ERRORS if isinstance(error, kind))
    assert padded.flags.c_contiguous
    return padded.dtype, padded.shape, repr(padded.tolist())


def check_like_keras(keras_pad, rows, **options):
    theirs = outcome(keras_pad, rows, options)
    assert outcome(pad_sequences, rows, options) == theirs
    return theirs


small = st.integers(-5, 9)
items = st.one_of(
    small,
    st.sampled_from([-129, 128, 255, 300, 40_000, 2**31, -(2**31) - 1, 2**40, 2**63, 2**64, 10**400]),
    st.floats(-300, 300),
    st.booleans(),
    st.sampled_from([np.int64(2**40), np.int8(-3), np.float32(1.75), np.bool_(True), np.array(4), np.uint64(2**63)]),
    st.sampled_from([float("nan"), float("inf"), None, "7", "a", "long", b"x", 1 + 2j, [3], [1, 2]]),
)
dtypes = st.sampled_from(
    [
        "int8",
        "uint8",
        "int16",
        "int32",
        np.int32,
        "int64",
        "uint64",
        ">i4",
        "float32",
        "float64",
        bool,
        "complex64",
        object,
        "object",
        str,
        "U2",
        "S3",
    ]
)
fillers = st.sampled_from([0.0, 0, 1, -1, 0.5, 300, 2**40, float("nan"), "pad", "p", True, None, b"x", 1j])


def options():
    return st.fixed_dictionaries(
        {"padding": st.sampled_from(MODES), "truncating": st.sampled_from(MODES)},
        optional={"maxlen": st.sampled_from([None, 1, 2, 3, 4, 7, np.int64(3), -1, 2.0, True, "3"]), "dtype": dtypes, "value": fillers},
    )


def containers(row):
    return st.one_of(row, row, row.map(tuple))


@settings(max_examples=400, deadline=None)
@given(rows=st.lists(containers(st.lists(small, max_size=6)), max_size=5), options=options())
def test_whole_numbers_pad_as_in_keras(keras_pad, rows, options):
    check_like_keras(keras_pad, rows, **options)


@settings(max_examples=600, deadline=None)
@given(rows=st.lists(containers(st.lists(st.one_of(small, small, items), max_size=4)), max_size=4), options=options())
def test_items_of_any_kind_pad_as_in_keras(keras_pad, rows, options):
    check_like_keras(keras_pad, rows, **options)


@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.lists(st.integers(-(2**40), 2**40), max_size=5),
            st.sampled_from(["int64", "int32", "uint8", "float32", "float64", bool, "c8"]),
        ),
        max_size=4,
    ),
    options=options(),
)
def test_arrays_pad_as_in_keras(keras_pad, rows, options):
    check_like_keras(keras_pad, [np.array(row, "int64").astype(dtype) for row, dtype in rows], **options)


@settings(max_examples=200, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 4), max_size=4),
    widths=st.lists(st.sampled_from([(2,), (2,), (2,), (3,), (), (2, 3)]), min_size=4, max_size=4),
    as_list=st.booleans(),
    options=options(),
)
def test_vectors_pad_as_in_keras(keras_pad, lengths, widths, as_list, options):
    rows = [np.arange(length * int(np.prod(width))).reshape(length, *width) for length, width in zip(lengths, widths, strict=False)]
    check_like_keras(keras_pad, [row.tolist() for row in rows] if as_list else rows, **options)


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(st.lists(st.text(max_size=3), max_size=4), max_size=4), options=options())
def test_strings_pad_as_in_keras(keras_pad, rows, options):
    check_like_keras(keras_pad, rows, **options)


ODD_INPUTS = {
    "generator": lambda: (row for row in [[1]]),
    "integer": lambda: 5,
    "none": lambda: None,
    "generator inside": lambda: [[1], (item for item in [1])],
    "number inside": lambda: [[1, 2], 3],
    "none inside": lambda: [None, [1]],
    "set inside": lambda: [{1, 2, 3}],
    "string inside": lambda: ["abc", [1]],
    "digits inside": lambda: ["12", "3"],
    "bytes inside": lambda: [b"\x01\x02\x03", [1]],
    "dict of lists": lambda: {"a": [1, 2]},
    "dict inside": lambda: [{0: 1, 1: 2}],
    "tuple of tuples": lambda: ((1, 2, 3), (), (4,)),
    "ranges": lambda: [range(3), range(0), range(5)],
    "rectangle": lambda: np.arange(15).reshape(3, 5),
    "cube": lambda: np.arange(30).reshape(3, 5, 2),
    "column": lambda: np.arange(3),
    "object array": lambda: np.array([[1, 2], [3], []], dtype=object),
    "empty": list,
    "empties": lambda: [[], []],
    "ragged vectors": lambda: [[[1, 2], [3]]],
    "a flat row after vectors": lambda: [[[1, 2]], [3, 4]],
    "vectors after a flat row": lambda: [[3, 4], [[1, 2]]],
    "a bad item that is cut": lambda: [["a", 1, 2, 3]],
    "an int64 array that wraps": lambda: [np.array([2**40, 2**31])],
    "a Python integer that does not fit": lambda: [[2**40, 3]],
    "masked": lambda: [np.ma.array([1, 2, 3], mask=[True, False, False])],
}


@pytest.mark.parametrize("padding", MODES)
@pytest.mark.parametrize("truncating", MODES)
@pytest.mark.parametrize("dtype", ["int32", "float32", object, "U3"])
@pytest.mark.parametrize("name", ODD_INPUTS)
def test_odd_inputs_end_as_in_keras(keras_pad, name, dtype, truncating, padding):
    for maxlen in (None, 2, 4):
        choices = {"maxlen": maxlen, "dtype": dtype, "truncating": truncating, "padding": padding}
        assert outcome(pad_sequences, ODD_INPUTS[name](), choices) == outcome(keras_pad, ODD_INPUTS[name](), choices)


def test_a_nan_filler_warns_as_in_keras(keras_pad):
    for pad in (keras_pad, pad_sequences):
        with pytest.warns(RuntimeWarning, match="invalid value"):
            padded = pad([[1], [2, 3]], value=float("nan"))
        assert padded.tolist() == [[-(2**31), 1], [2, 3]]


def test_the_four_modes():
    rows = [[1], [], [2, 3], [4, 5, 6, 7]]
    assert pad_sequences(rows, 3).tolist() == [[0, 0, 1], [0, 0, 0], [0, 2, 3], [5, 6, 7]]
    assert pad_sequences(rows, 3, padding="post").tolist() == [[1, 0, 0], [0, 0, 0], [2, 3, 0], [5, 6, 7]]
    assert pad_sequences(rows, 3, truncating="post").tolist() == [[0, 0, 1], [0, 0, 0], [0, 2, 3], [4, 5, 6]]
    assert pad_sequences(rows, 3, "int8", "post", "post", 9).tolist() == [[1, 9, 9], [9, 9, 9], [2, 3, 9], [4, 5, 6]]


def test_one_row_that_is_not_whole_numbers_leaves_its_neighbours_right():
    padded = pad_sequences([[1, 2], [1.9, -1.9, 2.5], [3], np.array([4, 5]), [6]], maxlen=2)
    assert padded.tolist() == [[1, 2], [-1, 2], [0, 3], [4, 5], [0, 6]]


def test_the_input_is_not_changed():
    rows = [[1, 2, 3], np.array([4, 5, 6])]
    padded = pad_sequences(rows, maxlen=3)
    padded[:] = 0
    assert rows[0] == [1, 2, 3]
    assert rows[1].tolist() == [4, 5, 6]


@pytest.mark.parametrize("padding", MODES)
@pytest.mark.parametrize("truncating", MODES)
def test_maxlen_0_gives_empty_rows_in_every_mode(padding, truncating):
    padded = pad_sequences([[1, 2], [], [3]], maxlen=0, padding=padding, truncating=truncating)
    assert padded.shape == (3, 0)
    assert padded.dtype == np.int32
    assert pad_sequences([[[1, 2]], [[3, 4]]], maxlen=0, padding=padding, truncating=truncating).shape == (2, 0, 2)


@pytest.mark.parametrize("rows", [[[1]], [[]], []])
@pytest.mark.parametrize("argument", ["padding", "truncating"])
@pytest.mark.parametrize("mode", ["mid", "Pre", "", None, 0])
def test_modes_are_checked_even_when_there_is_nothing_to_pad(rows, argument, mode):
    with pytest.raises(ValueError, match=f"pad_sequences: {argument} must be 'pre' or 'post', received {mode!r}"):
        pad_sequences(rows, maxlen=2, **{argument: mode})


@pytest.mark.parametrize(
    ("rows", "choices", "error", "message"),
    [
        (iter([[1]]), {}, ValueError, "sequences must be a list of sequences, received list_iterator"),
        ([[1], [2], 7], {}, ValueError, r"sequences\[2\] must be a sequence, received 7 of type int"),
        ([], {}, ValueError, "there are no sequences, so maxlen must be given"),
        ([[1]], {"maxlen": -3}, ValueError, "maxlen must be a non-negative integer or None, received -3. Leave it out"),
        ([[1]], {"maxlen": 2.0}, TypeError, "maxlen must be an integer or None, received 2.0 of type float"),
        ([[1]], {"maxlen": True}, TypeError, "received True of type bool"),
        ([[1]], {"value": "pad"}, ValueError, "value 'pad' is a string, received dtype 'int32'. Pass dtype=object"),
        ([["a"]], {"value": "pad", "dtype": "object"}, ValueError, "value 'pad' is a string, received dtype 'object'"),
        ([[1]], {"value": -1, "dtype": "uint8"}, OverflowError, "value -1 cannot be held by dtype 'uint8'"),
        ([[1], [2**40]], {}, OverflowError, r"sequences\[1\] cannot be cut to 1 items and converted to 'int32'"),
        ([[1], ["a"]], {}, ValueError, r"sequences\[1\] cannot be cut"),
        ([[1], {2}], {}, TypeError, r"sequences\[1\] cannot be cut"),
        ([[[1, 2]], [[3, 4, 5]]], {}, ValueError, r"items of sequences\[1\] have shape \(3,\), expected \(2,\)"),
    ],
)
def test_bad_input_is_named(rows, choices, error, message):
    with pytest.raises(error, match=f"^pad_sequences: .*{message}"):
        pad_sequences(rows, **choices)


def test_the_public_names_hand_on_the_same_functions():
    assert utils.pad_sequences is preprocessing.sequence.pad_sequences is pad_sequences
    assert utils.to_categorical is sequences.to_categorical
    assert utils.set_random_seed.__module__ == "minirnn.randomness"


def test_real_reviews_pad_as_in_keras(keras_pad, imdb_folder):
    from minirnn.datasets import imdb

    (reviews, _), _ = imdb.load_data(path=str(imdb_folder / "imdb.npz"), num_words=200)
    for choices in ({"maxlen": 100}, {"maxlen": 500, "padding": "post"}, {"maxlen": 20, "truncating": "post"}):
        np.testing.assert_array_equal(pad_sequences(reviews, **choices), keras_pad(reviews, **choices))
