"""Where the tests find the real IMDB files, and what every test starts from."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def imdb_folder() -> Path:
    """A folder that holds imdb.npz and imdb_word_index.json: MINIRNN_DATA, or shared/data beside the project."""
    named = os.environ.get("MINIRNN_DATA")
    folder = Path(named) if named else PROJECT.parent / "shared" / "data"
    folder = folder if folder.is_dir() else folder.parent
    missing = [name for name in ("imdb.npz", "imdb_word_index.json") if not (folder / name).is_file()]
    if missing:
        pytest.skip(f"the real IMDB data is not here ({', '.join(missing)} missing); set MINIRNN_DATA to its folder")
    return folder


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Every test draws the same numbers, whatever ran before it."""
    from minirnn.utils import set_random_seed

    set_random_seed(20261123)


@pytest.fixture(scope="session")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Any]]:
    """Each Keras that tests ask for, "installed on tensorflow" say, started once: a call that gives its `KerasProcess`, or skips."""
    from keras_process import start

    started: dict[str, Any] = {}

    def process(which: str) -> Any:
        if which not in started:
            try:
                started[which] = start(which, tmp_path_factory.mktemp("keras"))
            except pytest.skip.Exception as reason:
                started[which] = reason
        if isinstance(started[which], pytest.skip.Exception):
            pytest.skip(str(started[which]))
        return started[which]

    yield process
    for one in started.values():
        if not isinstance(one, pytest.skip.Exception):
            one.close()


@pytest.fixture
def minirnn_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process nothing can import Keras, even if an earlier test has."""
    for name in ("keras", "tensorflow"):
        monkeypatch.setitem(sys.modules, name, None)
