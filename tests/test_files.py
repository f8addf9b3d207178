"""minirnn.files: a file is written whole or not at all."""

import os
import stat
import sys

import pytest

from minirnn.files import atomic_path, atomic_write


def only_files(folder):
    return sorted(entry.name for entry in folder.iterdir())


def test_atomic_write_leaves_the_new_contents_and_nothing_else(tmp_path):
    with atomic_write(tmp_path / "a.bin") as stream:
        stream.write(b"abc")
    assert (tmp_path / "a.bin").read_bytes() == b"abc"
    assert only_files(tmp_path) == ["a.bin"]


def test_atomic_write_text_is_utf8_with_the_newlines_asked_for(tmp_path):
    with atomic_write(tmp_path / "a.csv", "w", newline="") as stream:
        stream.write("é\r\n")
    assert (tmp_path / "a.csv").read_bytes() == b"\xc3\xa9\r\n"


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt, OSError])
def test_a_failure_in_the_body_keeps_the_last_good_file(tmp_path, failure):
    good = tmp_path / "model.keras"
    good.write_bytes(b"good")

    def write_half():
        with atomic_write(good) as stream:
            stream.write(b"half")
            raise failure

    with pytest.raises(failure):
        write_half()
    assert good.read_bytes() == b"good"
    assert only_files(tmp_path) == ["model.keras"]


def test_the_old_file_is_readable_until_the_very_end(tmp_path):
    good = tmp_path / "a.txt"
    good.write_bytes(b"old")
    with atomic_write(good) as stream:
        stream.write(b"new")
        stream.flush()
        assert good.read_bytes() == b"old"
    assert good.read_bytes() == b"new"


def test_a_failing_rename_keeps_the_old_file_and_removes_the_new_one(tmp_path, monkeypatch):
    good = tmp_path / "a.txt"
    good.write_bytes(b"old")

    def refuse(source, destination):
        raise PermissionError(13, "refused", str(destination))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError), atomic_write(good) as stream:
        stream.write(b"new")
    assert good.read_bytes() == b"old"
    assert only_files(tmp_path) == ["a.txt"]


def test_contents_are_on_the_disk_before_the_name_changes(tmp_path, monkeypatch):
    order = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (order.append("fsync"), fsync(descriptor)))
    monkeypatch.setattr(os, "replace", lambda source, destination: (order.append("replace"), replace(source, destination)))
    with atomic_write(tmp_path / "a.txt") as stream:
        stream.write(b"x")
    assert order == ["fsync", "replace"]


def test_atomic_path_is_a_new_name_in_the_same_folder_with_all_suffixes(tmp_path):
    with atomic_path(tmp_path / "best.weights.h5") as partial:
        assert partial.parent == tmp_path
        assert partial.name.endswith(".weights.h5")
        assert not partial.exists()
        partial.write_bytes(b"x")
    assert only_files(tmp_path) == ["best.weights.h5"]


def test_atomic_path_without_writing_is_an_error_that_keeps_the_file(tmp_path):
    good = tmp_path / "a.keras"
    good.write_bytes(b"good")
    with pytest.raises(FileNotFoundError, match="nothing was written"), atomic_path(good):
        pass
    assert good.read_bytes() == b"good"


def test_a_long_name_still_fits_the_file_system(tmp_path):
    path = tmp_path / ("n" * 250 + ".h5")
    with atomic_write(path) as stream:
        stream.write(b"x")
    assert path.read_bytes() == b"x"


def test_a_missing_folder_is_named_before_the_body_runs(tmp_path):
    path = tmp_path / "absent" / "a.csv"
    with pytest.raises(FileNotFoundError, match="cannot write") as caught, atomic_write(path):
        pytest.fail("the body must not run")
    assert caught.value.filename == str(path)


def test_a_folder_in_place_of_the_file_is_refused(tmp_path):
    with pytest.raises(IsADirectoryError, match="add a file name"), atomic_write(tmp_path):
        pytest.fail("the body must not run")


@pytest.mark.parametrize("mode", ["a", "ab", "r", "r+", "x", ""])
def test_only_whole_writes_are_offered(tmp_path, mode):
    with pytest.raises(ValueError, match="mode must be 'wb' or 'w'"), atomic_write(tmp_path / "a", mode):
        pytest.fail("the body must not run")
    assert only_files(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_permissions_are_those_of_the_old_file_or_of_the_umask(tmp_path):
    kept, fresh, plain = tmp_path / "kept", tmp_path / "fresh", tmp_path / "plain"
    kept.write_bytes(b"")
    kept.chmod(0o640)
    plain.write_bytes(b"")
    for path in (kept, fresh):
        with atomic_write(path) as stream:
            stream.write(b"x")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o640
    assert fresh.stat().st_mode == plain.stat().st_mode


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege")
def test_a_symbolic_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"old")
    link.symlink_to(real)
    with atomic_write(link) as stream:
        stream.write(b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"


def test_a_file_that_is_read_only_is_not_replaced(tmp_path):
    path = tmp_path / "best.keras"
    path.write_bytes(b"precious")
    path.chmod(0o444)
    with pytest.raises(PermissionError, match="read-only; make it writable") as caught, atomic_write(path):
        pytest.fail("the body must not run")
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"precious"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system")
def test_a_pipe_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="a device or a pipe"), atomic_write(tmp_path / "pipe"):
        pytest.fail("the body must not run")
    assert (tmp_path / "pipe").is_fifo()
