"""Ids that are read a block at a time: the same training to the bit, from any file, in memory that does not grow with it."""

import mmap
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minirnn
from minirnn import OneHot, mapped, reading
from minirnn.batches import read_rows
from minirnn.inputs import check_x
from minirnn.layers import Dense, Embedding, Input, SimpleRNN
from minirnn.reading import IdReader, readable_ids

N, T, V, E, H = 97, 7, 11, 4, 3
IDS = np.random.default_rng(1).integers(0, V, (N, T)).astype(np.int32)
LABELS = np.random.default_rng(2).integers(0, 2, N)
FILES = {
    "int32": ("int32", "C"),
    "int16": ("int16", "C"),
    "uint16": ("uint16", "C"),
    "int64": ("int64", "C"),
    "big-endian": (">i4", "C"),
    "Fortran": ("int32", "F"),
    "Fortran, uint8": ("uint8", "F"),
    "float": ("float32", "C"),
    "bool": ("bool", "C"),
}


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    """Sizes at which these few ids are many blocks, of a length that no batch divides."""
    monkeypatch.setattr(reading, "AHEAD", 4 * T * 23)
    monkeypatch.setattr(mapped, "PIECE", 4 * T * 5)
    monkeypatch.setattr(mapped, "RESIDENT", 4 * T * 12)


def in_file(folder, dtype="int32", order="C", mode="r", ids=IDS):
    path = folder / "ids.npy"
    written = np.lib.format.open_memmap(path, "w+", dtype, ids.shape, fortran_order=order == "F")
    written[...] = ids
    written.flush()
    return np.load(path, mmap_mode=mode)


def model_of(one_hot, backend="numpy"):
    stack = [Input((T, V))] if one_hot else [Input((T,)), Embedding(V, E)]
    model = minirnn.Sequential([*stack, SimpleRNN(H), Dense(1, "sigmoid")], backend=backend, seed=3)
    model.compile(minirnn.optimizers.RMSprop(0.01), "binary_crossentropy", metrics=["accuracy"])
    return model


def outcome(x, one_hot, backend="numpy", **arguments):
    """All that a training, an evaluation and a prediction give."""
    model = model_of(one_hot, backend)
    arguments = {"batch_size": 10, "epochs": 3, "validation_split": 0.3} | arguments
    logs = model.fit(x, LABELS, verbose=0, **arguments).history
    return logs, model.get_weights(), model.evaluate(x, LABELS, batch_size=6, verbose=0), model.predict(x, verbose=0)


@pytest.mark.parametrize("one_hot", [False, True])
@pytest.mark.parametrize("kind", FILES)
def test_a_file_trains_as_the_array_does(tmp_path, kind, one_hot):
    dtype, order = FILES[kind]
    if one_hot and dtype in ("float32", "bool"):
        pytest.skip("a OneHot takes integers")
    ids = IDS % 2 if dtype == "bool" else IDS
    x = in_file(tmp_path, dtype, order, ids=ids)
    expected = outcome(OneHot(ids, V) if one_hot else ids, one_hot)

    found = outcome(OneHot(x, V) if one_hot else x, one_hot)

    np.testing.assert_equal(found, expected)


@pytest.mark.parametrize("shuffle", [True, False, "batch"])
@pytest.mark.parametrize("batch_size", [1, 23, 24, N, 200])
def test_every_way_of_shuffling_reads_the_right_rows(tmp_path, shuffle, batch_size):
    x, arguments = in_file(tmp_path), {"shuffle": shuffle, "batch_size": batch_size, "validation_split": 0}

    np.testing.assert_equal(outcome(x, False, **arguments), outcome(IDS, False, **arguments))


def test_the_compiled_backend_reads_files_too(tmp_path):
    x = in_file(tmp_path, "int16")

    np.testing.assert_equal(outcome(x, False, "numba"), outcome(IDS, False, "numba"))


@pytest.mark.parametrize("cut", [np.s_[10:], np.s_[::2], np.s_[::-1], np.s_[:, 2:], np.s_[:, ::-1], np.s_[np.array([5, 3, 90])]], ids=str)
@pytest.mark.parametrize("order", ["C", "F"])
def test_any_part_of_a_file_is_read(tmp_path, cut, order):
    part = in_file(tmp_path, "int16", order)[cut]
    model = minirnn.Sequential([Embedding(V, E), SimpleRNN(H), Dense(1, "sigmoid")], backend="numpy", seed=3)

    np.testing.assert_array_equal(model.predict(part, verbose=0), model.predict(IDS[cut], verbose=0))


@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_what_is_in_a_file_is_read_where_it_lies(tmp_path, mode):
    x = in_file(tmp_path, mode=mode)

    checked = check_x("fit", x, Embedding(V, E), np.dtype("float32"))
    one_hot = OneHot(x, V)

    assert isinstance(checked, IdReader)
    assert np.shares_memory(checked.ids, x)
    assert np.shares_memory(one_hot.ids, x)
    assert isinstance(check_x("fit", one_hot, SimpleRNN(H), np.dtype("float32")), IdReader)


def test_what_was_written_to_a_private_map_is_not_lost(tmp_path):
    x = in_file(tmp_path, mode="c")
    x[40:] = 0
    expected = np.array(x)

    outcome(x, False)

    np.testing.assert_array_equal(x, expected)


def test_what_was_written_to_a_shared_map_stays(tmp_path):
    x = in_file(tmp_path, mode="r+")
    x[40:] = 0
    expected = np.array(x)

    outcome(x, False)

    np.testing.assert_array_equal(x, expected)


def test_an_id_that_changes_in_the_file_is_an_error_and_not_followed(tmp_path):
    x, writer = in_file(tmp_path), None
    writer = np.load(tmp_path / "ids.npy", mmap_mode="r+")

    def spoil(epoch, logs=None):
        writer[60, 2] = V
        writer.flush()

    spoiler = minirnn.callbacks.LambdaCallback(on_epoch_begin=spoil)
    with pytest.raises(ValueError, match=r"^fit: an id was in 0..10 when it was checked, and is not any more"):
        model_of(False).fit(x, LABELS, verbose=0, callbacks=[spoiler])


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_wrong_id_in_a_file_is_named_with_its_place(tmp_path, order):
    ids = IDS.copy()
    ids[60, 2] = ids[71, 0] = V
    x = in_file(tmp_path, "int16", order, ids=ids)

    with pytest.raises(ValueError, match=r"id 11 at \(b, t\) = \(60, 2\) is not in 0..10"):
        model_of(False).fit(x, LABELS, verbose=0)
    with pytest.raises(ValueError, match=r"ids must be 0..10 .* received 11 at \(60, 2\)"):
        OneHot(x, V)


def test_the_largest_id_of_a_file_is_found_in_any_piece(tmp_path):
    x = in_file(tmp_path, "uint8")

    one_hot = OneHot(x)

    assert one_hot.num_classes == V
    np.testing.assert_array_equal(one_hot[::9], np.eye(V, dtype="float32")[IDS[::9]])
    np.testing.assert_array_equal(np.asarray(one_hot), np.eye(V)[IDS])


@pytest.mark.parametrize("writable", [True, False])
@pytest.mark.parametrize(("dtype", "order"), [("int64", "C"), ("int32", "F"), ("int32", "C"), ("uint8", "F")])
def test_what_is_large_in_memory_is_not_copied_as_a_whole(dtype, order, writable):
    ids = IDS.astype(dtype, order=order)
    ids.flags.writeable = writable
    as_it_is = dtype == "int32" and order == "C" and writable

    form = readable_ids("fit", ids, V)

    assert form is ids if as_it_is else form.ids is ids
    np.testing.assert_equal(outcome(ids, False), outcome(IDS, False))


def test_a_batch_has_the_one_form_that_kernels_are_compiled_for(tmp_path):
    reader = check_x("fit", in_file(tmp_path, ">i8", "F"), Embedding(V, E), np.dtype("float32"))
    rows = np.array([96, 0, 5, 0])

    for _ in range(2):  # not expected, then expected
        batch = read_rows(reader, rows)
        assert batch.ids.dtype == np.int32
        assert batch.ids.flags.carray
        np.testing.assert_array_equal(batch.ids[batch.rows], IDS[rows])
        reader.expect(np.concatenate([rows, np.arange(N - 4)]).astype(np.int32))


def test_pages_are_given_back_and_only_those_of_files():
    assert mapped.Pages(IDS).file is None
    assert mapped.Pages(IDS[::2].T).file is None
    anonymous = mmap.mmap(-1, 4096)
    unknown = mapped.Pages(np.frombuffer(anonymous, np.int32))
    assert unknown.file is anonymous
    assert not unknown._returnable  # nobody says whether it is private


PEAK = """
import sys
import numpy as np
import minirnn
from minirnn import OneHot, layers, mapped, reading
reading.AHEAD, mapped.RESIDENT = 1 << 20, 1 << 20
mapped.PIECE = 1 << 18
path, one_hot, N, T, V = sys.argv[1], sys.argv[2] == "one-hot", *map(int, sys.argv[3:])

def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) << 10

def everything(x, y):
    x = OneHot(x, V) if one_hot else x
    model.fit(x, y, batch_size=500, verbose=0, validation_split=0.2)
    model.evaluate(x, y, batch_size=500, verbose=0)
    model.predict(x, batch_size=500, verbose=0)

ids, labels = np.load(path, mmap_mode="r"), (np.arange(N) % 2).astype("uint8")
first = [] if one_hot else [layers.Embedding(V, 3)]
stack = [layers.Input((T, V) if one_hot else (T,)), *first, layers.SimpleRNN(2), layers.Dense(1, "sigmoid")]
model = minirnn.Sequential(stack, backend="numpy")
model.compile("rmsprop", "bce")
few = 2000
everything(ids[:few], labels[:few])
before = peak()
everything(ids, labels)
print(peak() - before, end="")
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read where Linux writes it")
@pytest.mark.parametrize(("encoding", "order"), [("ids", "C"), ("ids", "F"), ("one-hot", "C")])
def test_peak_memory_grows_by_labels_and_order_and_not_by_ids(tmp_path, encoding, order):
    N, T, V = 60_000, 160, 50
    ids = np.random.default_rng(1).integers(0, V, (N, T)).astype(np.int32)
    in_file(tmp_path, "int32", order, "r", ids)
    words = [tmp_path / "ids.npy", encoding, N, T, V]

    process = subprocess.run([sys.executable, "-c", PEAK, *map(str, words)], capture_output=True, text=True, check=False)

    assert process.returncode == 0, process.stderr
    grown = int(process.stdout)
    assert grown < 20 * N + (8 << 20), f"{grown:,} bytes for ids of {ids.nbytes:,}"
