"""Every example in a docstring runs, and shows what it says."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest
from site_pages import NAMESPACES, public

import minirnn
from minirnn.datasets import store
from minirnn.layers.layer import clear_names
from minirnn.utils import set_random_seed

FOLDER = Path(minirnn.__path__[0])
NAMES = ["minirnn", *(module.name for module in pkgutil.walk_packages(minirnn.__path__, "minirnn."))]


def source(name: str) -> str:
    place = FOLDER.joinpath(*name.split(".")[1:])
    return (place / "__init__.py" if place.is_dir() else place.with_suffix(".py")).read_text(encoding="utf-8")


WITH_EXAMPLES = [name for name in NAMES if ">>> " in source(name)]


def imdb_is_here() -> bool:
    try:
        store.find(download=False)
    except FileNotFoundError:
        return False
    return True


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_show_what_they_say(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given: nothing left over from other examples, and a folder to write to
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    cases = [case for case in doctest.DocTestFinder().find(module) if case.examples]
    assert cases, f"{name} has lines with >>> that doctest does not find"
    for case in cases:
        clear_names()
        set_random_seed(0)
        if imdb_is_here():  # such an example is marked +SKIP for those who do not have the reviews
            for example in case.examples:
                example.options.pop(doctest.SKIP, None)

        # when
        said: list[str] = []
        failed = doctest.DocTestRunner(verbose=False).run(case, out=said.append).failed

        # then
        assert not failed, "".join(said)


def test_every_public_name_has_an_example() -> None:
    without = {name for root in NAMESPACES for name, value in public(root) if ">>> " not in (inspect.getdoc(value) or "")}
    # the compiled twin of a reference that has one; and what compiles for many seconds
    assert without <= {"minirnn.optimizers.rmsprop_jit", "minirnn.warmup"}


def test_an_example_that_shows_something_else_is_noticed() -> None:
    case = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, 0)
    assert doctest.DocTestRunner(verbose=False).run(case, out=lambda text: None).failed == 1
