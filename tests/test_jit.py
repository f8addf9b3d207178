import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from twins import DTYPES, entries

import minirnn
from minirnn import jit as jit_module
from minirnn.jit import COMPILED, DEFAULT_BACKEND, FASTMATH, FLAGS, HAVE_NUMBA, inline, jit

TESTS = Path(__file__).resolve().parent
PACKAGE = Path(minirnn.__file__).resolve().parent
WALKS_ITS_TABLE_ITSELF = {"minirnn.ragged"}  # its test is parametrized by the table, so it has no list of cases


def tables():
    """Every table of twins in the package, by the module that holds it."""
    names = [module.name for module in pkgutil.walk_packages(minirnn.__path__, "minirnn.") if not module.name.endswith("__main__")]
    modules = [importlib.import_module(name) for name in names if "BACKENDS" in source_of(name)]
    return {module.__name__: module.BACKENDS for module in modules if defines_table(module)}


def source_of(name):
    path = PACKAGE.parent.joinpath(*name.split("."))
    return (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text(encoding="utf-8")


def defines_table(module):
    return re.search(r"^BACKENDS\b.*=", source_of(module.__name__), re.MULTILINE) is not None


TABLES = tables()


def test_there_are_tables_to_walk():
    some = {"layers.recurrence", "layers.token_rnn", "losses", "optimizers.rmsprop_step", "optimizers.rows"}
    assert {f"minirnn.{name}" for name in some} <= TABLES.keys()


@pytest.mark.parametrize("name", TABLES)
def test_every_kernel_has_a_twin_of_the_same_name_and_signature(name):
    table = TABLES[name]
    assert table.keys() == {"numpy", "numba"}
    references, kernels = entries(table["numpy"]), entries(table["numba"])
    assert references.keys() == kernels.keys() or len(references) == 1
    for reference, kernel in zip(references.values(), kernels.values(), strict=True):
        assert reference.__name__.endswith("_ref")
        assert kernel.__name__ == reference.__name__.replace("_ref", "_jit")
        assert list(inspect.signature(kernel).parameters) == list(inspect.signature(reference).parameters)


@pytest.mark.parametrize("name", sorted(TABLES.keys() - WALKS_ITS_TABLE_ITSELF))
def test_every_kernel_is_compared_with_its_twin(name):
    test = importlib.import_module(f"test_{name.rsplit('.', 1)[1]}")
    assert test.CASES.keys() == entries(TABLES[name]["numpy"]).keys()
    assert all(test.CASES.values())
    (marks,) = [mark.args for mark in test.test_kernel_equals_reference.pytestmark if mark.name == "parametrize"]
    compared = {(case.values[0], case.values[2]) for case in marks[1]}
    assert compared == {(entry, dtype) for entry in test.CASES for dtype in DTYPES}


def test_every_kernel_stands_in_a_table():
    # compiled functions that are not in a table are parts of those that are, and are marked @inline or @subroutine
    for path in PACKAGE.rglob("*.py"):
        if path.parent.name == "express":
            continue  # its twin is no function: test_express.py compares it with the loop that trains layer by layer
        names = re.findall(r"^@jit(?:_as_written)?\ndef (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        if names:
            module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
            assert sorted(names) == sorted(kernel.__name__ for kernel in entries(TABLES[module]["numba"]).values())


def test_flags_keep_nan_and_exact_division():
    assert not FASTMATH & {"fast", "nnan", "ninf", "arcp", "afn"}
    assert FLAGS["error_model"] == "numpy"


def test_division_by_zero_is_numpy_s():
    @jit
    def divide(a, b, out):
        out[0] = a[0] / b[0]

    out = np.zeros(1)
    with np.errstate(divide="ignore"):
        divide(np.ones(1), np.zeros(1), out)
    assert out[0] == np.inf


def test_what_runs_is_said():
    assert HAVE_NUMBA or not COMPILED
    assert ("numba" if HAVE_NUMBA else "numpy") == DEFAULT_BACKEND


def test_without_compilation_a_kernel_stays_the_function_it_is(monkeypatch):
    def kernel(x):
        return x + 1

    monkeypatch.setattr(jit_module, "COMPILED", False)
    assert jit(kernel) is kernel
    assert inline(kernel) is kernel


def run(code, folder=None, **environment):
    """Run Python code in a process of its own; give what it printed."""
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder or PACKAGE.parent,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_kernels_equal_their_references_in_plain_python_too():
    if not COMPILED:
        pytest.skip("this is that run")
    files = [f"test_{name.rsplit('.', 1)[1]}.py" for name in TABLES] + ["test_products.py", "test_activations.py"]
    process = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "kernel", *(str(TESTS / file) for file in files)],
        cwd=PACKAGE.parent,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stdout[-5000:] + process.stderr
    passed = int(re.search(r"(\d+) passed", process.stdout)[1])
    cases = [importlib.import_module(f"test_{name.rsplit('.', 1)[1]}").CASES for name in TABLES.keys() - WALKS_ITS_TABLE_ITSELF]
    assert passed >= len(DTYPES) * sum(len(named) for table in cases for named in table.values())


def test_the_switch_is_numba_s_own():
    code = "from minirnn import jit, losses; print(jit.COMPILED, type(losses.mse_jit).__name__, end='')"
    assert run(code, NUMBA_DISABLE_JIT="1") == "False function"


TRAINING = """
import sys
if {without_numba}:
    sys.modules["numba"] = None
import numpy as np
import minirnn
from minirnn.jit import DEFAULT_BACKEND, HAVE_NUMBA
assert HAVE_NUMBA is not {without_numba}
assert DEFAULT_BACKEND == ("numpy" if {without_numba} else "numba")
ids = np.random.default_rng(1).integers(0, 11, (60, 7))
layers = minirnn.layers
model = minirnn.Sequential(
    [
        layers.Input((7,)),
        layers.Embedding(11, 3, mask_zero=True),
        layers.SimpleRNN(5, return_sequences=True, recurrent_dropout=0.1, seed=2),
        layers.SimpleRNN(4, dropout=0.1, seed=3),
        layers.Dense(1, "sigmoid"),
    ],
    backend="numpy",
    seed=4,
)
model.compile(minirnn.optimizers.RMSprop(0.01), "binary_crossentropy", metrics=["accuracy"])
history = model.fit(ids, ids[:, 3] > 5, batch_size=16, epochs=6, verbose=0, validation_split=0.2).history
assert history["loss"][-1] < history["loss"][0]
print([loss.hex() for loss in history["loss"]], model.predict(ids[:3], verbose=0).ravel().tolist(), end="")
if {without_numba}:
    try:
        minirnn.Sequential(backend="numba")
    except ValueError as error:
        assert "cannot be imported" in str(error)
    else:
        raise AssertionError("the numba backend was taken")
"""


def test_training_needs_no_numba():
    without, with_numba = (run(TRAINING.format(without_numba=without)) for without in (True, False))
    assert without == with_numba
    assert "0x1" in without
