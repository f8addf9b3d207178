"""Damaged and hostile files: one clear error that names the file and the layer or argument, in bounded memory, and nothing is run."""

import io
import json
import os
import pickle
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from saved_model import E, H, V, make, members, put, refused

from minirnn import saving
from minirnn.saving import hdf5, hdf5_gate

h5py = pytest.importorskip("h5py")

# -------------------------------------------------------------------------------------------------------------------------- the archive


@pytest.mark.parametrize("name", ["config", "model"])
def test_a_missing_member_is_named(tmp_path, name):
    refused(put(tmp_path, **{name: None}), rf"expected one member '{name}\.\S+', found 0. The archive holds \['")


def test_a_member_that_is_there_twice_is_refused(tmp_path):
    path = put(tmp_path)
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("config.json", members()["config.json"])

    refused(path, "expected one member 'config.json', found 2")


@pytest.mark.parametrize("contents", [b"", b"PK\x03\x04", b"no zip at all" * 100, b"\x89HDF\r\n\x1a\n" + bytes(100)])
def test_what_is_no_archive_is_refused(tmp_path, contents):
    path = tmp_path / "model.keras"
    path.write_bytes(contents)

    refused(path, "not a complete .keras archive|HDF5 file, not a .keras archive")


def test_an_archive_that_is_cut_short_is_refused_wherever_it_is_cut(tmp_path):
    path = tmp_path / "model.keras"
    for end in range(0, len(members()["whole"]), 211):
        path.write_bytes(members()["whole"][:end])
        refused(path, "not a complete .keras archive")


def test_a_compressed_archive_is_read(tmp_path):
    np.testing.assert_array_equal(saving.load_model(put(tmp_path, zipfile.ZIP_DEFLATED)).weights[0], make().weights[0])


def test_a_bomb_is_refused_before_it_unpacks(tmp_path):
    config = json.loads(members()["config.json"])
    config["config"]["layers"][1]["config"]["input_dim"] = 10**7  # which needs as much as the bomb declares
    path = put(tmp_path, zipfile.ZIP_DEFLATED, config=json.dumps(config), model=bytes(1 << 28))

    tracemalloc.start()
    refused(path, "declares 268,435,456 bytes, compressed to 26.,...; refused as a zip bomb")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 1 << 23


def test_a_member_larger_than_its_architecture_is_refused(tmp_path):
    refused(
        put(tmp_path, model=bytes(3 << 20)), r"member 'model.weights.h5' declares 3,145,728 bytes, more than the 1,3..,... that it can need"
    )


def test_a_member_that_declares_less_than_it_holds_is_not_unpacked_whole(tmp_path):
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", members()["config.json"])
        archive.writestr("model.weights.h5", bytes(1 << 28))
    contents = bytearray(path.read_bytes())
    for place in (contents.find(struct.pack("<I", 1 << 28)), contents.rfind(struct.pack("<I", 1 << 28))):
        struct.pack_into("<I", contents, place, 30_000)
    path.write_bytes(contents)

    tracemalloc.start()
    refused(path, "member 'model.weights.h5' is damaged: .*Bad CRC-32")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 1 << 23


def test_an_encrypted_member_is_refused(tmp_path):
    path = put(tmp_path)
    contents = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        place = -1
        while (place := contents.find(signature, place + 1)) >= 0:
            contents[place + flags] |= 1
    path.write_bytes(contents)

    refused(path, "encrypted")


class Evil:
    def __reduce__(self):
        return os.system, ("touch it_ran",)


def test_a_pickle_in_the_place_of_the_weights_is_not_run(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    stream = io.BytesIO()
    np.savez(stream, layers=np.array([Evil()], dtype=object))
    path = put(tmp_path, model=None)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("model.weights.npz", stream.getvalue())
        archive.writestr("assets/../../evil.py", "raise SystemExit")
    refused(path, r"expected one member 'model.weights.h5', found 0. The archive holds .*npz")

    refused(put(tmp_path, model=pickle.dumps(Evil())), "it does not begin like HDF5|declares|need at least")

    assert not (tmp_path / "it_ran").exists()


# -------------------------------------------------------------------------------------------------------------------------- the weights


def edited(change):
    """Give the good weights with something changed by h5py."""
    stream = io.BytesIO(members()["model.weights.h5"])
    with h5py.File(stream, "r+") as file:
        change(file)
    return stream.getvalue()


def replace(name, **arguments):
    def change(file):
        del file[name]
        file.create_dataset(name, **arguments)

    return change


def external_link(file):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars/0"] = h5py.ExternalLink("/etc/passwd", "/")


def external_group(file):
    del file["layers"]
    file["layers"] = h5py.ExternalLink("other.h5", "/layers")


def soft_link(file):
    del file["layers/dense"]
    file["layers/dense"] = h5py.SoftLink("/layers/simple_rnn/cell")


def virtual(file):
    del file["layers/dense/vars/0"]
    layout = h5py.VirtualLayout((H, 1), "float32")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (H, 1))
    file.create_virtual_dataset("layers/dense/vars/0", layout)


def no_dataset(file):
    del file["layers/dense/vars/0"]
    file.create_group("layers/dense/vars/0")


def no_group(file):
    del file["layers/dense/vars"]
    file["layers/dense/vars"] = 3.0


KERNEL = "layers/dense/vars/0"
IN_OTHER_FILES = [
    (external_link, "kind 0x"),
    (external_group, "kind 0x"),
    (soft_link, "link to elsewhere"),
    (virtual, "kind 0x|plain numbers"),
]
HOSTILE = [
    *IN_OTHER_FILES,
    (replace(KERNEL, shape=(H, 1), dtype="f4", external=[("/etc/passwd", 0, H * 4)]), "kind 0x7"),
    (replace(KERNEL, data=np.ones((H, 1)), compression="gzip"), "kind 0xb|plain numbers"),
    (replace(KERNEL, data=np.ones((H, 1), "f4"), chunks=(2, 1)), "plain numbers in the file itself"),
    (replace(KERNEL, shape=(10**9, 10**9), dtype="f4"), r"head.*kernel must have shape \(6, 1\), the file has \(1000000000, 1000000000\)"),
    (replace(KERNEL, shape=(H, 1), dtype="f4"), r"head.*kernel is incomplete: 0 bytes for shape \(6, 1\)"),
    (replace(KERNEL, data=np.ones((H, 1), "i4")), r"head.*kernel must be numbers of dtype float32, the file has int32"),
    (replace(KERNEL, data=np.ones((H, 1), "c8")), "head.*kernel must be numbers"),
    (replace(KERNEL, data=np.array([[b"x"]] * H, h5py.string_dtype())), "head.*kernel must be numbers|damaged at"),
    (replace(KERNEL, data=h5py.Empty("f4")), r"head.*kernel must have shape \(6, 1\), the file has None"),
    (replace(KERNEL, data=np.full((H, 1), 1e300)), "overflow"),
    (lambda file: file.create_dataset("layers/dense/vars/2", data=3.0), "has 3 at"),
    (lambda file: file.pop("layers/dense/vars/1"), "has 1 at"),
    (
        lambda file: file.move("layers/dense/vars/1", "layers/dense/vars/one"),
        r"head.*bias is missing: the file has no 'layers/dense/vars/1'",
    ),
    (lambda file: file.pop("layers/simple_rnn"), r"layer 'rnn' \(SimpleRNN\) has 3 weights"),
    (lambda file: file.copy("layers/dense", "layers/dense_1"), r"another architecture: they hold \['dense_1'\]"),
    (no_dataset, "must be a dataset"),
    (no_group, "must be a group"),
    (replace("optimizer/vars/0", data=-1), "iterations and learning_rate must be 0 or more, the file has -1"),
    (replace("optimizer/vars/1", data=np.float32("nan")), "iterations and learning_rate must be 0 or more"),
    (replace("optimizer/vars/0", data=1.5), "optimizer: iterations must be numbers of dtype int64, the file has float64"),
    (replace("optimizer/vars/2", data=np.ones((V, E + 1))), "velocity of layer 'words': embeddings must have shape"),
]


@pytest.mark.parametrize(("change", "message"), HOSTILE)
def test_weights_that_are_not_plain_numbers_of_the_right_shape_are_refused(tmp_path, change, message):
    refused(put(tmp_path, model=edited(change)), message)


@pytest.mark.parametrize("change", [change for change, _ in IN_OTHER_FILES])
def test_nothing_outside_the_file_is_opened_even_without_the_gate(tmp_path, monkeypatch, change):
    monkeypatch.setattr(hdf5, "check_structure", lambda contents: None)

    refused(
        put(tmp_path, model=edited(change)), "is a link to elsewhere; refused, not followed|not stored as plain numbers in the file itself"
    )


def test_float64_and_big_endian_weights_are_cast(tmp_path):
    expected = make().weights[-2]

    for dtype in ("<f8", ">f4"):
        model = saving.load_model(put(tmp_path, model=edited(replace(KERNEL, data=expected.astype(dtype)))))
        np.testing.assert_array_equal(model.weights[-2], expected)
        assert model.weights[-2].dtype == np.dtype("float32")


def at(contents, signature):
    """Where the first structure of that signature stands."""
    assert signature in contents
    return contents.find(signature)


def number(contents, place):
    return struct.unpack_from("<Q", contents, place)[0]


def test_a_circle_in_the_free_list_is_refused(tmp_path):
    """HDF5 1.14.6 itself takes memory without end from this file."""
    contents = bytearray(members()["model.weights.h5"])
    heap = at(contents, b"HEAP")
    free, start = number(contents, heap + 16), number(contents, heap + 24)
    struct.pack_into("<Q", contents, start + free, free)

    refused(put(tmp_path, model=bytes(contents)), f"the free space of the heap at byte {heap} runs in a circle")


def circle_in_tree(contents):
    tree = at(contents, b"TREE")
    contents[tree + 5] = 1
    struct.pack_into("<Q", contents, tree + 32, tree)


def leaf_twice(contents):
    tree = at(contents, b"TREE")
    struct.pack_into("<H", contents, tree + 6, 2)
    struct.pack_into("<Q", contents, tree + 48, number(contents, tree + 32))


def endless_messages(contents):
    root = number(contents, 64)
    struct.pack_into("<HHB3xQQ", contents, root + 16, 0x10, 16, 0, root + 16, 64)


def other_cache(contents):
    struct.pack_into("<Q", contents, 80, number(contents, 80) + 8)


def far_away(contents):
    struct.pack_into("<Q", contents, at(contents, b"TREE") + 32, 1 << 62)


def large_heap(contents):
    struct.pack_into("<Q", contents, at(contents, b"HEAP") + 8, 1 << 40)


def driver(contents):
    struct.pack_into("<Q", contents, 48, 96)


def cut_short(contents):
    del contents[-9:]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (circle_in_tree, "B-tree node at byte .* stands twice"),
        (leaf_twice, "list of members at byte .* stands twice"),
        (endless_messages, "messages at byte .* are listed twice"),
        (other_cache, "two lists of members"),
        (far_away, r"it points to byte 4611686018427387904 of \d+"),
        (large_heap, "the heap at byte .* leaves the file"),
        (driver, "its superblock .* is not of the kind"),
        (cut_short, r"it is cut short: \d+ of \d+ bytes"),
    ],
)
def test_a_structure_that_does_not_end_is_refused(tmp_path, change, message):
    contents = bytearray(members()["model.weights.h5"])
    change(contents)

    refused(put(tmp_path, model=bytes(contents)), message)


def test_a_structure_has_no_more_parts_than_bytes(monkeypatch):
    monkeypatch.setattr(hdf5_gate, "_MOST_STEPS", 50)

    with pytest.raises(ValueError, match="more parts than"):
        hdf5_gate.check_structure(members()["model.weights.h5"])


# ------------------------------------------------------------------------------------------------------------------------ random damage


CHANGES = st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 255)), min_size=1, max_size=4)


def changed(contents, changes, places):
    """Change the bytes at some of these places."""
    changed = bytearray(contents)
    for place, change in changes:
        changed[places[place % len(places)]] ^= change
    return changed


@settings(max_examples=120, deadline=None)
@given(changes=CHANGES)
def test_a_changed_byte_is_noticed_or_does_not_matter(tmp_path_factory, changes):
    path = tmp_path_factory.getbasetemp() / "changed.keras"
    path.write_bytes(changed(members()["whole"], changes, range(len(members()["whole"]))))
    error = model = None

    try:
        model = saving.load_model(path)
    except saving.FormatError as caught:
        error = caught

    if model is None:
        assert str(path) in str(error)
    else:
        expected = make()
        assert [layer.get_config() for layer in model.layers] == [layer.get_config() for layer in expected.layers]
        assert [weight.tobytes() for weight in model.weights] == [weight.tobytes() for weight in expected.weights]


@settings(max_examples=120, deadline=None)
@given(changes=CHANGES, anywhere=st.booleans())
def test_changed_bytes_in_a_file_of_weights_give_an_error_or_weights(tmp_path_factory, changes, anywhere):
    """A file of weights has no checksum: a changed number is a number. But what fails changes nothing, and nothing else is raised."""
    weights = members()["model.weights.h5"]
    structure = np.flatnonzero(np.frombuffer(weights, np.uint8)).tolist()  # most of such a file is empty space
    path = tmp_path_factory.getbasetemp() / "changed.weights.h5"
    path.write_bytes(changed(weights, changes, range(len(weights)) if anywhere else structure))
    model, error = make(), None
    before = model.get_weights()

    try:
        model.load_weights(path)
    except (saving.FormatError, UserWarning) as caught:  # the warning: without some of its variables, the state is that of another training
        error = caught

    assert [weight.shape for weight in model.weights] == [weight.shape for weight in before]
    if error is not None:
        assert str(path) in str(error)
        assert all((weight == own).all() for weight, own in zip(model.weights, before, strict=True))
