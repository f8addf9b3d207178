"""Where the tests find the real IMDB files, and what every test starts from."""

from __future__ import annotations

import os
from pathlib import Path

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
