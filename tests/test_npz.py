"""minirnn.datasets.npz: the review archive is read as data, and a hostile one runs nothing."""

import io
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minirnn.datasets import npz

TRAIN = [[5, 300, 5], [70000, 1], [1, 2, 3, 4]]
TEST = [[9], [8, 8], [7, 6, 5], [2, 300], [4]]
Y_TRAIN = [1, 0, 1]
Y_TEST = [0, 0, 1, 1, 0]


def objects(rows):
    array = np.empty(len(rows), dtype=object)
    for n, row in enumerate(rows):
        array[n] = row
    return array


def archive(compression=zipfile.ZIP_STORED, **members):
    """The bytes of an archive; a member is an array, or bytes as they are; None leaves it out."""
    whole = {"x_train": objects(TRAIN), "y_train": np.array(Y_TRAIN), "x_test": objects(TEST), "y_test": np.array(Y_TEST)} | members
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as target:
        for name, member in whole.items():
            if isinstance(member, np.ndarray):
                body = io.BytesIO()
                np.save(body, member, allow_pickle=True)
                member = body.getvalue()
            if member is not None:
                target.writestr(f"{name}.npy", member)
    return stream.getvalue()


def pickled(contents, shape="(1,)"):
    """The bytes of an .npy member that holds a given pickle."""
    return b"\x93NUMPY\x01\x00\x76\x00" + f"{{'descr': '|O', 'fortran_order': False, 'shape': {shape}, }}\n".encode() + contents


def read(contents):
    return npz.read_reviews(io.BytesIO(contents), "imdb.npz")


def rows_of(split):
    return [part.tolist() for part in np.split(split.flat, np.cumsum(split.lengths)[:-1])] if len(split.lengths) else []


# What is read


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_both_splits_come_back_as_saved(compression):
    train, test = read(archive(compression))
    assert train.flat.dtype == np.int32
    assert train.lengths.dtype == np.int64
    assert train.labels.dtype == np.int64
    assert rows_of(train) == TRAIN
    assert rows_of(test) == TEST
    assert train.labels.tolist() == Y_TRAIN
    assert test.labels.tolist() == Y_TEST


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=6), max_size=7))
def test_any_lists_of_32_bit_integers_come_back(rows):
    train, _ = read(archive(x_train=objects(rows), y_train=np.zeros(len(rows), np.int64)))
    assert train.lengths.tolist() == [len(row) for row in rows]
    assert train.flat.tolist() == [number for row in rows for number in row]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_pickle_protocol_that_numpy_has_used_is_read(protocol):
    body = pickled(pickle.dumps(objects(TRAIN), protocol=protocol), "(3,)")
    assert rows_of(read(archive(x_train=body))[0]) == TRAIN


def test_a_file_written_by_numpy_1_is_read():
    body = pickled(pickle.dumps(objects(TRAIN), protocol=2).replace(b"numpy._core", b"numpy.core"), "(3,)")
    assert rows_of(read(archive(x_train=body))[0]) == TRAIN


def test_a_file_written_by_python_2_is_read():
    written = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01b\x87Rq\x03(K\x01K\x02\x85"
        b"cnumpy\ndtype\nq\x04U\x02O8K\x00K\x01\x87Rq\x05(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb"
        b"\x89]q\x06(]q\x07(K\x01M\x2c\x01\x8a\x03\x70\x11\x01e]q\x08K\x05aetb."
    )
    train, _ = read(archive(x_train=pickled(written, "(2,)"), y_train=np.array([1, 0])))
    assert rows_of(train) == [[1, 300, 70000], [5]]


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint16", "uint8", ">i4"])
def test_reviews_may_be_integer_arrays(dtype):
    rows = [np.array(row, dtype) for row in ([5, 200, 5], [7, 1], [1, 2, 3, 4])]
    assert rows_of(read(archive(x_train=objects(rows)))[0]) == [[5, 200, 5], [7, 1], [1, 2, 3, 4]]


@pytest.mark.parametrize("dtype", ["object", "int64", "int32"])
def test_reviews_of_one_length_may_be_a_rectangle(dtype):
    rows = [[5, 300], [70000, 1], [1, 2]]
    assert rows_of(read(archive(x_train=np.array(rows, dtype)))[0]) == rows


def test_labels_keep_their_dtype_and_get_this_machines_byte_order():
    train, test = read(archive(y_train=np.array(Y_TRAIN, ">i4"), y_test=np.array(Y_TEST, np.uint8)))
    assert train.labels.dtype == np.int32
    assert train.labels.dtype.isnative
    assert train.labels.tolist() == Y_TRAIN
    assert test.labels.dtype == np.uint8


def test_an_empty_split_and_an_empty_review_are_read():
    train, test = read(archive(x_train=objects([]), y_train=np.zeros(0, np.int64), x_test=objects([[], [3], [], [], []])))
    assert train.lengths.tolist() == []
    assert train.flat.dtype == np.int32
    assert rows_of(test) == [[], [3], [], [], []]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 99), max_size=4), min_size=1, max_size=6), st.data())
def test_take_picks_whole_reviews_in_the_order_asked_for(rows, draw):
    order = draw.draw(st.lists(st.integers(0, len(rows) - 1), max_size=8))
    lengths = np.array([len(row) for row in rows])
    split = npz.Reviews(np.array([i for row in rows for i in row], np.int64), lengths, np.arange(len(rows)))
    taken = split.take(np.array(order, np.int64))
    assert taken.flat.tolist() == [number for n in order for number in rows[n]]
    assert taken.lengths.tolist() == [len(rows[n]) for n in order]
    assert taken.labels.tolist() == order


# Hostile pickles


class Gadget:
    """Runs a shell command when it is unpickled."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("place", ["as a review", "within a review", "as the labels"])
def test_a_gadget_runs_nothing_and_is_named(tmp_path, place):
    marker = tmp_path / "marker"
    gadget = Gadget(f'echo run > "{marker}"')
    if place == "as the labels":
        contents = archive(y_train=objects([gadget, 0, 1]))
        with pytest.raises(ValueError, match=r"imdb\.npz: y_train\.npy: labels must be integers"):
            read(contents)
    else:
        contents = archive(x_train=objects([TRAIN[0], gadget if place == "as a review" else [1, gadget], TRAIN[2]]))
        with pytest.raises(ValueError, match=r"imdb\.npz: x_train\.npy: refused.*(posix|nt)\.system.*nothing was run"):
            read(contents)
    assert not marker.exists()

    # The same bytes are live: NumPy's own trusting reader does run them.
    with np.load(io.BytesIO(contents), allow_pickle=True) as trusting:
        trusting["y_train" if place == "as the labels" else "x_train"]
    assert marker.exists()


@pytest.mark.parametrize(
    "name",
    [b"builtins\neval", b"os\nsystem", b"numpy\nload", b"numpy.core.multiarray\nscalar", b"_codecs\ndecode", b"numpy\nndarray.tofile"],
)
def test_every_other_name_is_refused(name):
    body = pickled(b"\x80\x02c" + name + b"\n)R.")
    with pytest.raises(ValueError, match=name.replace(b"\n", b".").decode()):
        read(archive(x_train=body, y_train=np.array([1])))


@pytest.mark.parametrize(
    "contents",
    [
        pytest.param(b"\x80\x02]r\xff\xff\xff\x0f.", id="remembers an object under a number that needs gigabytes"),
        pytest.param(b"\x80\x02Pname\n.", id="persistent object"),
        pytest.param(b"\x80\x02\x82\x01.", id="extension registry"),
        pytest.param(b"(ios\nsystem\n.", id="instance of an old class"),
        pytest.param(b"\x80\x02cnumpy\nndarray\n)\x81.", id="new object"),
        pytest.param(b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\x00\x00.", id="bytes of any length"),
        pytest.param(b"\x80\x02}.", id="dictionary"),
        pytest.param(b"", id="nothing at all"),
        pytest.param(b"\x80\x02](K\x01", id="no end"),
        pytest.param(b"\x80\x02X\xff\xff\xff\x7fabc.", id="a text longer than the file"),
    ],
)
def test_an_operation_that_lists_do_not_need_is_refused(contents):
    with pytest.raises(ValueError, match=r"x_train\.npy: refused pickle operation .* nothing was run"):
        read(archive(x_train=pickled(contents), y_train=np.array([1])))


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        pytest.param(b"\x80\x02cnumpy\nndarray\n(Nt(K\x01tb.", "refused", id="call with strange arguments, then change"),
        pytest.param(b"\x80\x02cnumpy\nndarray\nN}b."[:-3] + b"b.", "wants to change what", id="changes the class itself"),
        pytest.param(
            b"\x80\x02cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85cnumpy\ndtype\nX\x01\x00\x00\x00O\x85R\x86R.", "incomplete", id="huge array"
        ),
        pytest.param(b"\x80\x02K\x07.", "expected a pickled array, received int", id="no array"),
        pytest.param(b"\x80\x02K\x07K\x08R.", "refused", id="calls a number"),
        pytest.param(b"\x80\x02e.", "refused", id="empty stack"),
        pytest.param(b"\x80\x02h\x63.", "refused", id="recalls what was never remembered"),
        pytest.param(b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x05\x00\x00\x00rot13\x86R.", "latin1", id="another codec"),
    ],
)
def test_a_pickle_of_the_wrong_things_is_refused(contents, message):
    with pytest.raises(ValueError, match=rf"x_train\.npy: .*{message}"):
        read(archive(x_train=pickled(contents), y_train=np.array([1])))


def test_one_list_repeated_to_fill_the_memory_is_refused():
    shared = list(range(300, 800))
    with pytest.raises(ValueError, match="repeated"):
        read(archive(x_train=objects([shared] * 400), y_train=np.zeros(400, np.int64)))


@pytest.mark.parametrize(
    ("review", "message"),
    [
        ([1, 2.0], "BINFLOAT"),
        ([1, True], "received .'bool'"),
        ([1, "two"], "received .'str'"),
        ([1, None], "received .'NoneType'"),
        ([1, [2]], "received .'list'"),
        ([1, 2**31], "32 bits"),
        ([1, -(2**40)], "refused pickle operation|32 bits"),
        ((1, 2), "received tuple"),
        ("text", "received str"),
        (b"bytes", "received bytes"),
        (None, "received NoneType"),
        (7, "received int"),
        (np.array([1.5]), "other than integers"),
        (np.array([[1, 2]]), "one-dimensional"),
        (np.array([True]), "other than integers"),
    ],
)
def test_a_review_that_is_no_list_of_integers_is_refused(review, message):
    with pytest.raises(ValueError, match=rf"imdb\.npz: x_test\.npy: .*({message})"):
        read(archive(x_test=objects([[1], [2], review, [3], [4]])))


# Damaged and deceitful archives


@pytest.mark.parametrize("member", npz.MEMBERS)
def test_a_missing_member_is_named(member):
    with pytest.raises(ValueError, match=rf"imdb\.npz: expected one member {member}\.npy, found 0"):
        read(archive(**{member: None}))


def test_a_member_that_is_there_twice_is_refused():
    stream = io.BytesIO(archive())
    with zipfile.ZipFile(stream, "a") as target, pytest.warns(UserWarning, match="Duplicate"):
        target.writestr("x_test.npy", b"another")
    with pytest.raises(ValueError, match=r"x_test\.npy, found 2"):
        read(stream.getvalue())


@pytest.mark.parametrize("contents", [b"", b"no zip", b"PK\x05\x06", b"\x93NUMPY\x01\x00"])
def test_what_is_no_zip_is_refused(contents):
    with pytest.raises(ValueError, match=r"imdb\.npz: not a complete zip"):
        read(contents)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_every_truncation_is_refused(compression):
    whole = archive(compression)
    for length in range(0, len(whole) - 1, 7):
        with pytest.raises(ValueError, match=r"imdb\.npz"):
            read(whole[:length])


def with_declared_size(contents, size):
    """The archive with another uncompressed size in the first entry of its table of contents."""
    entry = contents.index(b"PK\x01\x02")
    return contents[: entry + 24] + struct.pack("<I", size) + contents[entry + 28 :]


def test_a_bomb_is_refused_before_anything_is_unpacked(monkeypatch):
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("unpacked"))
    with pytest.raises(ValueError, match=r"declare 3,000,00\d,\d+ bytes, more than the 536,870,912 allowed"):
        read(with_declared_size(archive(zipfile.ZIP_DEFLATED), 3_000_000_000))


def test_small_members_that_add_up_are_refused(monkeypatch):
    monkeypatch.setattr(npz, "LIMIT", 1000)
    with pytest.raises(ValueError, match="more than the 1,000 allowed"):
        read(archive(x_train=bytes(400), x_test=bytes(400)))


def test_a_member_that_unpacks_to_more_than_it_declares_is_refused():
    body = bytes(200_000)
    contents = archive(zipfile.ZIP_DEFLATED, x_train=body)
    with pytest.raises(ValueError, match=r"x_train\.npy is damaged"):
        read(with_declared_size(contents, 5000))


def test_a_flipped_bit_is_noticed():
    contents = bytearray(archive())
    place = contents.index(b"NUMPY") + 180
    contents[place] ^= 1
    with pytest.raises(ValueError, match=r"x_train\.npy is damaged"):
        read(bytes(contents))


def test_a_compression_that_numpy_does_not_write_is_refused():
    with pytest.raises(ValueError, match="refused"):
        read(archive(zipfile.ZIP_LZMA))


@pytest.mark.parametrize(
    "labels",
    [
        np.array([1.0, 0.0, 1.0]),
        np.array([True, False, True]),
        np.array([[1], [0], [1]]),
        objects([1, 0, 1]),
        np.array(1),
        np.array(["1", "0", "1"]),
    ],
    ids=["float", "bool", "column", "object", "scalar", "text"],
)
def test_labels_of_another_kind_are_refused(labels):
    with pytest.raises(ValueError, match=r"imdb\.npz: y_train\.npy: "):
        read(archive(y_train=labels))


@pytest.mark.parametrize("reviews", [np.ones((3, 2)), np.ones(3, np.int64), np.ones((3, 2, 2), object), np.array(["a", "b", "c"])])
def test_reviews_of_another_kind_are_refused(reviews):
    with pytest.raises(ValueError, match=r"imdb\.npz: x_train\.npy: "):
        read(archive(x_train=reviews))


def test_labels_of_another_number_are_refused():
    with pytest.raises(ValueError, match=r"y_train\.npy has 2 labels for the 3 reviews"):
        read(archive(y_train=np.array([1, 0])))


def test_a_header_and_a_pickle_that_disagree_are_refused():
    body = pickled(pickle.dumps(objects(TRAIN), protocol=4), "(2,)")
    with pytest.raises(ValueError, match=r"the header says shape \(2,\), the pickle \(3,\)"):
        read(archive(x_train=body))


def member_bytes(array):
    body = io.BytesIO()
    np.save(body, array, allow_pickle=True)
    return body.getvalue()


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["x_train", "y_train"]), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4))
def test_mutated_members_are_read_or_refused_and_nothing_else_happens(member, changes):
    rows = [[5, 300, 5], np.array([7, 1]), [1, 2, 3, 4]]
    body = bytearray(member_bytes(objects(rows) if member == "x_train" else np.array(Y_TRAIN)))
    for place, value in changes:
        body[place % len(body)] = value
    try:
        train, _ = read(archive(**{member: bytes(body)}))
    except ValueError as error:
        assert "imdb.npz: " in str(error)  # noqa: PT017 (either outcome is right)
    else:
        assert train.lengths.sum() == len(train.flat)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4))
def test_mutated_archives_are_read_or_refused_and_nothing_else_happens(changes):
    contents = bytearray(archive(zipfile.ZIP_DEFLATED))
    for place, value in changes:
        contents[place % len(contents)] = value
    try:
        train, _ = read(bytes(contents))
    except ValueError as error:
        assert "imdb.npz: " in str(error)  # noqa: PT017 (either outcome is right)
    else:
        assert train.lengths.sum() == len(train.flat)
