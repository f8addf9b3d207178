"""Kernels compiled ahead: all that the job calls, kept where the next process finds them, and nothing else of the process changed."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import minirnn
from minirnn import kernel_cache, layers, warming
from minirnn.cli import app
from minirnn.jit import COMPILED
from minirnn.kernel_cache import Ready
from minirnn.utils import set_random_seed

PROJECT = Path(minirnn.__file__).resolve().parent.parent
compiled_only = pytest.mark.skipif(not COMPILED, reason="nothing is compiled")


def run(*words, **environment):
    process = subprocess.run(
        [sys.executable, "-W", "error", *words],
        cwd=PROJECT,
        env={**os.environ, **{name: str(value) for name, value in environment.items()}},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (process.returncode, process.stderr) == (0, "")
    return process.stdout


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    """A folder that `minirnn warmup` has filled, and what it printed."""
    folder = tmp_path_factory.mktemp("kernels")
    return folder, run("-m", "minirnn", "warmup", NUMBA_CACHE_DIR=folder)


@compiled_only
def test_it_says_what_took_how_long_and_where_it_is(warm):
    folder, output = warm
    *kernels, count, place = output.splitlines()

    assert {line.split()[-1] for line in kernels} == {"compiled"}
    assert all(re.fullmatch(r"[\w.]+ +\d+\.\d\d s  compiled", line) for line in kernels)
    assert re.fullmatch(rf"{len(kernels)} kernels in \d+\.\d s: {len(kernels)} compiled, 0 found\.", count)
    assert place.startswith(f"They are in {folder}{os.sep}minirnn_")
    assert " (NUMBA_CACHE_DIR), for processors of the kind " in place
    assert len(list(folder.rglob("*.kernel"))) == len(kernels)


@compiled_only
def test_a_second_run_finds_everything(warm):
    folder, first = warm
    again = run("-m", "minirnn", "warmup", NUMBA_CACHE_DIR=folder)

    # the first run also names the kernels that are part of others
    assert {line.split()[0] for line in again.splitlines()[:-2]} <= {line.split()[0] for line in first.splitlines()[:-2]}
    assert {line.split()[-1] for line in again.splitlines()[:-2]} == {"found"}


JOB = """
import json, sys
import numpy as np
from minirnn import job, kernel_cache, runs, tokens
settings = runs.Settings()
ids = np.random.default_rng(1).integers(0, settings.num_words, (150, settings.maxlen)).astype(np.int32)
ready = []
with kernel_cache.watched(ready.append):
    for encoding in ("onehot", "embedding"):
        model = job.build(encoding, settings)
        x = tokens.as_input(model, ids)
        model.fit(x, np.arange(150) % 2, batch_size=settings.batch_size, validation_split=0.2, verbose=0)
        model.evaluate(x, np.arange(150) % 2, batch_size=64, verbose=0)
        model.predict(x, verbose=0)
        model.predict_one(x[0])
compiler = [name for name in ("scipy.linalg", "numba.np.arraymath", "numba.np.linalg") if name in sys.modules]
print(json.dumps({"compiled": [one.kernel for one in ready if not one.loaded], "found": len(ready), "compiler": compiler}))
"""


@compiled_only
def test_after_it_the_job_compiles_nothing_and_does_not_even_ready_the_compiler(warm):
    folder, output = warm

    outcome = json.loads(run("-c", JOB, NUMBA_CACHE_DIR=folder))

    assert outcome["compiled"] == []
    assert 1 <= outcome["found"] <= len(output.splitlines()) - 2
    # 0.3 s of a first fit. If one is here, a loaded kernel names a function of that module (compute it outside), or Python calls an
    # inlined function (take it `uncompiled`)
    assert outcome["compiler"] == []


def test_nothing_else_of_the_process_changes(monkeypatch):
    def first_weights():
        monkeypatch.setattr(layers.layer, "_names_given", {})
        set_random_seed(5)
        yield
        model = minirnn.Sequential([layers.Input((7, 3)), layers.SimpleRNN(4)])
        yield model.name, model.layers[0].name, model.get_weights()

    alone, after_it = first_weights(), first_weights()
    next(alone)
    expected = next(alone)
    next(after_it)

    minirnn.warmup("float64", units=3, embedding_dim=2, num_words=11, maxlen=5, batch_size=4, verbose=0)

    np.testing.assert_equal(next(after_it), expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dtype": "float16"}, "dtype must be"),
        ({"units": 0}, "^warmup: units must be a whole number of at least 1, received 0"),
        ({"embedding_dim": 2.5}, "^warmup: embedding_dim must be a whole number of at least 1, received 2.5"),
        ({"batch_size": None}, "^warmup: batch_size must be a whole number"),
    ],
)
def test_what_a_model_does_not_take_is_said_before_anything_is_compiled(arguments, message):
    ready = []
    with kernel_cache.watched(ready.append), pytest.raises(ValueError, match=message):
        minirnn.warmup(**arguments)
    assert ready == []


def test_without_a_compiler_it_says_so_and_calls_nothing(monkeypatch, capsys):
    monkeypatch.setattr(warming, "COMPILED", False)
    monkeypatch.setattr(warming, "_use", lambda *_: pytest.fail("a kernel was called"))

    assert minirnn.warmup() == []

    assert "Nothing is compiled here" in capsys.readouterr().out


def test_every_option_of_the_command_reaches_it(monkeypatch):
    calls = []
    monkeypatch.setattr(warming, "warmup", lambda *words, **named: calls.append((words, named)) or [])
    sizes = {"units": 3, "embedding-dim": 4, "num-words": 11, "maxlen": 7, "batch-size": 5}

    answer = CliRunner().invoke(app, ["warmup", "--dtype", "float64", "-q", *(f"--{name}={size}" for name, size in sizes.items())])

    assert answer.exit_code == 0, answer.output
    assert calls == [(("float64",), {name.replace("-", "_"): size for name, size in sizes.items()} | {"verbose": 0})]


@pytest.mark.parametrize("quiet", [True, False])
def test_what_could_not_be_kept_fails_a_build_and_is_said_once(monkeypatch, tmp_path, quiet):
    lost = [Ready("losses.mse_jit", 0.5, False, None), Ready("losses.bce_jit", 0.5, False, tmp_path / "a.kernel")]
    monkeypatch.setattr(kernel_cache, "folders", lambda: [tmp_path / "nowhere"])

    def warmup(*_, verbose, **__):
        if verbose:
            print(warming._sum_up(lost, 1.0))
        return lost

    monkeypatch.setattr(warming, "warmup", warmup)

    answer = CliRunner().invoke(app, ["warmup", *(["-q"] if quiet else [])])

    assert answer.exit_code == 1
    assert answer.output.count("1 of 2 kernels could not be kept") == 1
    assert str(tmp_path / "nowhere") in answer.output
    assert "Set NUMBA_CACHE_DIR to a folder" in answer.output


@compiled_only
def test_a_variable_that_does_no_good_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(kernel_cache, "given_folder", lambda: "/proc/nowhere")
    monkeypatch.setattr(kernel_cache, "folders", lambda: [Path("/proc/nowhere/minirnn_1"), tmp_path])

    lines = warming._sum_up([Ready("losses.mse_jit", 0.5, False, tmp_path / "a.kernel")], 1.0).splitlines()

    assert lines[1].startswith(f"They are in {tmp_path}, for")
    assert lines[2] == "NUMBA_CACHE_DIR is /proc/nowhere, which cannot be written to."
