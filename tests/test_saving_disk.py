"""A model's file among others: open elsewhere, locked, marked, oddly named. Saving replaces it in one step or says why not."""

import os
import stat
import sys
from pathlib import Path

import numpy as np
import pytest
from saved_model import T, V, make

from minirnn import saving

h5py = pytest.importorskip("h5py")

NAMES = ["모델", "é\u0301 \U0001f600", "a b #1 %20 [x]*", "-", "x" * 200, ".hidden"]


def same(model, other):
    return all(own.tobytes() == weight.tobytes() for own, weight in zip(model.get_weights(), other.get_weights(), strict=True))


@pytest.mark.parametrize("kind", [str, Path])
@pytest.mark.parametrize("name", NAMES)
def test_any_name_and_any_kind_of_path(tmp_path, kind, name):
    model, other = make(), make()
    other.set_weights([weight + 1 for weight in other.get_weights()])

    model.save(kind(tmp_path / f"{name}.keras"))
    model.save_weights(kind(tmp_path / f"{name}.weights.h5"))
    other.load_weights(kind(tmp_path / f"{name}.weights.h5"))

    assert same(saving.load_model(kind(tmp_path / f"{name}.keras")), model)
    assert same(other, model)
    assert sorted(os.listdir(tmp_path)) == sorted([f"{name}.keras", f"{name}.weights.h5"])


def test_a_path_relative_to_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make().save("model.keras")
    assert same(saving.load_model("model.keras"), make())


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be replaced there")
def test_a_reader_keeps_the_file_that_it_opened(tmp_path):
    path = tmp_path / "model.weights.h5"
    model = make()
    model.save_weights(path)
    before = model.get_weights()[0]

    with h5py.File(path, "r") as reading:  # which locks it
        model.set_weights([weight + 1 for weight in model.get_weights()])
        model.save_weights(path)
        kept = reading["layers/embedding/vars/0"][...]

    np.testing.assert_array_equal(kept, before)
    fresh = make()
    fresh.load_weights(path)
    assert same(fresh, model)


def test_a_file_that_is_still_being_written_elsewhere_is_refused(tmp_path):
    path = tmp_path / "model.weights.h5"
    model = make()
    before = model.get_weights()

    with h5py.File(path, "w") as writing:
        writing["layers/embedding/vars/0"] = np.ones((V, 4), "float32")
        with pytest.raises(saving.FormatError, match="not a complete HDF5 file as Keras writes it"):
            model.load_weights(path)

    for own, weight in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(own, weight)


def test_a_model_that_is_marked_read_only_is_kept_and_the_folder_stays_clean(tmp_path):
    path = tmp_path / "best.keras"
    make().save(path)
    good = path.read_bytes()
    path.chmod(0o444)

    with pytest.raises(PermissionError, match=r"read-only; make it writable, or choose another name.*best\.keras"):
        make().save(path)

    assert path.read_bytes() == good
    assert os.listdir(tmp_path) == ["best.keras"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_a_model_keeps_its_permissions_when_it_is_saved_again(tmp_path):
    path = tmp_path / "model.keras"
    make().save(path)
    path.chmod(0o660)

    make().save(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert saving.load_model(path).input_shape == (None, T)
