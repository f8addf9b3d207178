"""The cache of compiled kernels: used where it can be, and never more than a compilation lost."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minirnn
from minirnn import kernel_cache
from minirnn.jit import COMPILED, jit

PACKAGE = Path(minirnn.__file__).resolve().parent

pytestmark = pytest.mark.skipif(not COMPILED, reason="nothing is compiled")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder that is the only one."""
    monkeypatch.setattr(kernel_cache, "folders", lambda: [tmp_path])
    return tmp_path


def call(argument=None):
    """What a process would do that starts now: define a kernel and call it. Gives how it became ready."""

    def triple(x):
        return 3 * x[0]

    triple.__qualname__ = "triple"
    ready = []
    with kernel_cache.watched(ready.append):
        assert jit(triple)(np.full(1, 7.0) if argument is None else argument) == 21
    (one,) = ready
    return one


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_what_one_process_compiled_the_next_one_loads(folder):
    first, second = call(), call()

    assert not first.loaded
    assert second.loaded
    assert first.path == second.path
    assert files(folder) == [first.path]
    assert first.kernel == "test_kernel_cache.triple"
    assert first.seconds > second.seconds > 0


def test_every_signature_has_a_file_of_its_own(folder):
    kinds = [np.full(1, 7, dtype) for dtype in ("float32", "float64", "int32")]

    assert [call(kind).loaded for kind in kinds] == [False] * 3
    assert [call(kind).loaded for kind in kinds] == [True] * 3
    assert len(files(folder)) == 3


BREAKAGES = {
    "cut short": lambda content: content[:50],
    "cut in the code": lambda content: content[:-1],
    "empty": lambda content: b"",
    "one bit in the code": lambda content: content[:2000] + bytes([content[2000] ^ 1]) + content[2001:],
    "one bit in the digest": lambda content: content[:40] + bytes([content[40] ^ 1]) + content[41:],
    "of other sources": lambda content: bytes(32) + content[32:],
    "something else": lambda content: b"\x80\x04K\x01." * 100,
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_a_file_that_is_broken_is_compiled_anew_and_written_again(folder, breakage):
    path = call().path
    whole = path.read_bytes()
    path.write_bytes(BREAKAGES[breakage](whole))
    assert path.read_bytes() != whole

    assert not call().loaded
    assert call().loaded


def test_a_file_whose_pickle_is_whole_and_wrong_is_compiled_anew(folder):
    path = call().path
    kernel_cache._write(path, b"\x80\x04K\x01.")  # the number 1

    assert not call().loaded
    assert call().loaded


def test_a_folder_in_the_file_s_place_does_no_harm(folder):
    path = call().path
    path.unlink()
    path.mkdir()

    assert not call().loaded
    assert call().path is None or not call().loaded


def test_another_numba_leaves_these_files_alone(folder, monkeypatch):
    ours = call().path
    before = ours.read_bytes()
    monkeypatch.setattr(kernel_cache._numba(), "__version__", "0.0.1")

    assert not call().loaded
    assert call().loaded
    assert call().path != ours
    assert ours.read_bytes() == before
    monkeypatch.undo()
    monkeypatch.setattr(kernel_cache, "folders", lambda: [folder])
    assert call().path == ours


def test_a_full_disk_costs_the_file_and_nothing_else(folder, monkeypatch):
    write_bytes = Path.write_bytes

    def full(path, content):
        write_bytes(path, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)

    for _ in range(2):
        assert call() == ("test_kernel_cache.triple", pytest.approx(1, abs=60), False, None)
    assert files(folder) == []


def test_a_folder_that_goes_while_a_process_runs_does_no_harm(folder):
    shutil.rmtree(folder)

    assert not call().loaded
    assert call().path is None


def test_the_first_folder_that_can_be_written_to_is_the_last_that_is_read(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    beyond, good = tmp_path / "file" / "below", tmp_path / "good"
    monkeypatch.setenv("MINIRNN_CACHE", str(tmp_path / "of the user"))

    def chosen(given, locked=()):
        kernel_cache._folders.cache_clear()
        monkeypatch.setattr(kernel_cache, "writable", lambda folder: writable(folder) and folder not in locked)
        return [folder.parent if folder.name.startswith("minirnn_") else folder for folder in kernel_cache._folders(str(given or ""))]

    writable, in_package, of_user = kernel_cache.writable, PACKAGE / "__pycache__", tmp_path / "of the user" / "kernels"
    assert chosen(good) == [good]
    assert chosen(None) == [in_package]
    assert chosen(beyond) == [beyond, in_package]
    assert chosen(beyond, [in_package]) == [beyond, in_package, of_user]
    assert chosen(None, [in_package]) == [in_package, of_user]
    kernel_cache._folders.cache_clear()


def run(code, *arguments, folder=PACKAGE.parent, **environment):
    """Start Python code in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), **{name: str(value) for name, value in environment.items()}},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answer(process):
    """What a process printed; nothing may be on standard error."""
    written, errors = process.communicate(timeout=300)
    assert (process.returncode, errors) == (0, "")
    return json.loads(written)


RELU_OF_A_LAYER = """
import json, os, sys
if "read-only" in sys.argv:
    os.access = lambda *arguments: False  # as for somebody who is not root
import numpy as np
from minirnn import kernel_cache
from minirnn.layers.dense import dense_forward_jit
ready = []
with kernel_cache.watched(ready.append):
    for dtype in ("float32", "float64") if "the other way round" not in sys.argv else ("float64", "float32"):
        y = np.zeros((1, 2), dtype)
        dense_forward_jit(np.ones((1, 1), dtype), np.array([[0.25, 3]], dtype), None, 3, np.zeros_like(y), y)
print(json.dumps({"y": y[0].tolist(), "loaded": [one.loaded for one in ready], "paths": [one.path and str(one.path) for one in ready]}))
"""


def test_a_change_in_any_file_reaches_every_kernel(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "minirnn", ignore=shutil.ignore_patterns("__pycache__"))
    source = tmp_path / "minirnn" / "activations.py"
    text = source.read_text(encoding="utf-8")
    assert text.count("maximum(z, 0.0)") == 1

    def outcome():
        found = answer(run(RELU_OF_A_LAYER, folder=tmp_path, NUMBA_CACHE_DIR=tmp_path / "cache"))
        return found["y"], found["loaded"]

    assert outcome() == ([0.25, 3], [False, False])
    os.utime(source, (1, 1))  # another time is no change
    assert outcome() == ([0.25, 3], [True, True])
    source.write_text(text.replace("maximum(z, 0.0)", "maximum(z, 0.5)"), encoding="utf-8")
    os.utime(source, (1, 1))  # and the same time is no proof
    assert outcome() == ([0.5, 3], [False, False])
    assert outcome() == ([0.5, 3], [True, True])


def test_a_folder_that_can_only_be_read_is_read(tmp_path):
    filled = answer(run(RELU_OF_A_LAYER, NUMBA_CACHE_DIR=tmp_path / "cache"))
    before = {path: path.read_bytes() for path in files(tmp_path / "cache")}
    assert len(before) == 2

    found = answer(run(RELU_OF_A_LAYER, "read-only", NUMBA_CACHE_DIR=tmp_path / "cache", MINIRNN_CACHE=tmp_path / "file"))

    assert found == {"y": [0.25, 3], "loaded": [True, True], "paths": filled["paths"]}
    assert {path: path.read_bytes() for path in files(tmp_path / "cache")} == before


def test_without_any_folder_kernels_are_compiled_in_each_process(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "minirnn", ignore=shutil.ignore_patterns("__pycache__"))
    nowhere = tmp_path / "minirnn" / "__pycache__"
    nowhere.touch()  # a file: not even root makes a folder of it
    for _ in range(2):
        found = answer(run(RELU_OF_A_LAYER, folder=tmp_path, NUMBA_CACHE_DIR=nowhere / "a", MINIRNN_CACHE=nowhere / "b"))
        assert found == {"y": [0.25, 3], "loaded": [False, False], "paths": [None, None]}


def test_processes_that_fill_a_folder_at_once_do_not_meet(tmp_path):
    together = [run(RELU_OF_A_LAYER, *(["the other way round"] * (n % 2)), NUMBA_CACHE_DIR=tmp_path) for n in range(4)]

    assert [answer(process)["y"] for process in together] == [[0.25, 3]] * 4
    assert len(files(tmp_path)) == 2, "a part of a file was left"
    for order in ([], ["the other way round"]):
        assert answer(run(RELU_OF_A_LAYER, *order, NUMBA_CACHE_DIR=tmp_path))["loaded"] == [True, True]
