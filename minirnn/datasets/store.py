"""Find, download, verify and safely read a data file: the only file that touches disk or network for data.

Comes in: the name of a published file, ``imdb.npz`` or ``imdb_word_index.json``, and perhaps a path. Goes out: where the file is
and whose it is (`find`), or its contents (`read_reviews`, `read_word_index`).

Looked in, in this order: the path given; the environment variable ``MINIRNN_DATA``; minirnn's own cache; Keras's cache; a download
of Keras's file into minirnn's cache. A path that somebody *named* is never passed over in silence: when it holds no reviews, that is
an error. A cached file that is visibly half a file is passed over, and the error that may follow says so.

Source: addresses and hashes as Keras 3.15 publishes them (``keras/src/datasets/imdb.py``).
"""

from __future__ import annotations

import errno
import importlib.util
import json
import os
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

from minirnn.datasets import npz
from minirnn.datasets.npz import Reviews

REVIEWS = "imdb.npz"
WORD_INDEX = "imdb_word_index.json"

_ADDRESS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_PUBLISHED = {
    REVIEWS: "sha256:69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f",
    WORD_INDEX: "md5:bfafd718b763782e994055a2d397834f",
}
_TIMEOUT = (5.0, 30.0)
"""Seconds to wait for a connection, then for the next bytes: without a network the built-in reviews must not be far."""

_WORD_INDEX_LIMIT = 1 << 26
"""Bytes that a word index may have: 64 MiB, forty times the real one."""


class DataNotFoundError(FileNotFoundError):
    """The data is in none of the usual places and could not be downloaded; the message says where was looked and what to do."""


class Found(NamedTuple):
    """A data file, and whose it is.

    Attributes
    ----------
    path : where the file is.
    origin : in words, for people: "the path given", "MINIRNN_DATA", "minirnn's cache", "Keras's cache" or "download".
    """

    path: Path
    origin: str


def cache_folder() -> Path:
    """Return minirnn's own cache: ``MINIRNN_CACHE`` where set, else the system's usual place for caches."""
    if folder := os.environ.get("MINIRNN_CACHE"):
        return Path(folder).expanduser()
    import pooch  # here because a machine that has its data elsewhere never needs it

    return Path(pooch.os_cache("minirnn"))


def keras_folder() -> Path:
    """Return the folder where Keras keeps data sets: ``KERAS_HOME`` where set, else ``~/.keras``; then ``datasets``."""
    return Path(os.path.expanduser(os.environ.get("KERAS_HOME") or os.path.join("~", ".keras"))) / "datasets"


def find(name: str = REVIEWS, data: str | os.PathLike[str] | None = None, *, download: bool = True) -> Found:
    """Find a data file in the order of this module's header.

    Parameters
    ----------
    name : ``"imdb.npz"`` or ``"imdb_word_index.json"``.
    data : the reviews' file, or a folder that holds ``imdb.npz``; the word index is looked for beside it. None: not given.
    download : whether the network may be asked when no place has the file.

    Returns
    -------
    Found
        Path and origin.

    Raises
    ------
    FileNotFoundError
        ``data`` or ``MINIRNN_DATA`` names something that is not there.
    DataNotFoundError
        No place has the file, and it was not, or could not be, downloaded.
    ValueError
        ``name`` is not one of the two.
    """
    _check_name(name)
    looked = []
    for origin, given in (("the path given", data), ("MINIRNN_DATA", os.environ.get("MINIRNN_DATA") or None)):
        if given is None:
            looked.append(f"{origin}: none")
            continue
        path = _beside(given, name)
        if path.is_file():
            return Found(path, origin)
        if name == REVIEWS:
            raise FileNotFoundError(errno.ENOENT, f"{origin} must be a file, or a folder that holds {REVIEWS}; there is none", str(path))
        looked.append(f"{origin}: {path}: not there")
    for origin, folder in (("minirnn's cache", cache_folder()), ("Keras's cache", keras_folder())):
        fault = _fault(folder / name)
        if fault is None:
            return Found(folder / name, origin)
        looked.append(f"{origin}: {folder / name}: {fault}")
    if download:
        try:
            return fetch(name)
        except DataNotFoundError as error:
            looked.append(f"download: {error}")
    else:
        looked.append("download: not asked for")
    raise DataNotFoundError(
        f"{name} was not found. Looked in\n  "
        + "\n  ".join(looked)
        + f"\nTo get it: run `minirnn data download` with a network, or fetch {_ADDRESS}{name} by other means "
        "and say where it is with --data PATH or the environment variable MINIRNN_DATA."
    )


def fetch(name: str = REVIEWS) -> Found:
    """Download Keras's file into minirnn's cache and compare it with its published hash; do nothing if it is there already.

    The file appears under its name only when it is whole and its hash agrees.

    Parameters
    ----------
    name : as in `find`.

    Returns
    -------
    Found
        Path, and "download" as the origin.

    Raises
    ------
    DataNotFoundError
        No connection, a broken one, a full or read-only disk, or contents with another hash. Nothing half-done is left.
    ValueError
        ``name`` is not one of the two.
    """
    _check_name(name)
    import pooch

    shown = sys.stderr.isatty() and importlib.util.find_spec("tqdm") is not None
    downloader = pooch.HTTPDownloader(progressbar=shown, chunk_size=1 << 16, timeout=_TIMEOUT)
    folder, address = cache_folder(), _ADDRESS + name
    try:
        path = pooch.retrieve(address, known_hash=_PUBLISHED[name], fname=name, path=folder, downloader=downloader)
    except (OSError, ValueError) as error:  # requests' errors are OSErrors; pooch says ValueError when the hash differs
        reason = "no connection" if "Connect" in type(error).__name__ else f"{type(error).__name__}: {str(error)[:300]}"
        raise DataNotFoundError(f"{address} into {folder}: {reason}") from None
    return Found(Path(path), "download")


def locate(path: str | os.PathLike[str], name: str) -> Path:
    """Turn the ``path`` argument of `load_data` or `get_word_index` into a file: the default name is searched for, others are paths.

    Raises
    ------
    FileNotFoundError
        ``path`` is not the default name and nothing is there; as in `find` when it is the default.
    """
    if os.fspath(path) == name:
        return find(name).path
    place = Path(path).expanduser()
    place = place / name if place.is_dir() else place
    if not place.is_file():
        raise FileNotFoundError(errno.ENOENT, f"path names no file; leave it out to have {name} found or downloaded", str(place))
    return place


def read_reviews(path: str | os.PathLike[str]) -> tuple[Reviews, Reviews]:
    """Read training and test split of a review archive; see `minirnn.datasets.npz.read_reviews`.

    Raises
    ------
    OSError
        The file cannot be opened.
    ValueError
        It is not what it should be.
    """
    with open(path, "rb") as stream:
        return npz.read_reviews(stream, os.fspath(path))


def read_word_index(path: str | os.PathLike[str]) -> dict[str, int]:
    """Read a word index.

    Returns
    -------
    dict
        Word -> rank, 1 = most frequent.

    Raises
    ------
    OSError
        The file cannot be opened.
    ValueError
        It is not a JSON object of integers, or larger than 64 MiB.
    """
    name = os.fspath(path)
    with open(path, "rb") as stream:
        contents = stream.read(_WORD_INDEX_LIMIT + 1)
    if len(contents) > _WORD_INDEX_LIMIT:
        raise ValueError(f"{name}: larger than the {_WORD_INDEX_LIMIT:,} bytes allowed for a word index.")
    try:
        word_index = json.loads(contents)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name}: not complete JSON ({error}). Delete it and get it again.") from None
    if not isinstance(word_index, dict):
        raise ValueError(f"{name}: a word index must be a JSON object of words and ranks, received {type(word_index).__name__}.")
    strangers = set(map(type, word_index.values())) - {int}
    if strangers:
        raise ValueError(f"{name}: every rank must be an integer, received {sorted(kind.__name__ for kind in strangers)}.")
    return word_index


def _check_name(name: str) -> None:
    if name not in _PUBLISHED:
        raise ValueError(f"name must be one of {', '.join(_PUBLISHED)}, received {name!r}.")


def _beside(given: str | os.PathLike[str], name: str) -> Path:
    """Where ``name`` would be when ``given`` is the reviews' file or a folder."""
    place = Path(given).expanduser()
    if place.is_dir():
        return place / name
    return place if name == REVIEWS else place.parent / name


def _fault(path: Path) -> str | None:
    """Say what is visibly wrong with a cached file; None when nothing is. Reading it whole comes later and looks closer."""
    if not os.path.isfile(path):  # unlike Path.is_file, False also for a folder that may not be entered
        return "not there"
    try:
        if path.suffix == ".npz":
            whole = zipfile.is_zipfile(path)  # a zip ends with its table of contents
        else:
            with open(path, "rb") as stream:
                stream.seek(max(0, path.stat().st_size - 16))
                whole = stream.read().rstrip().endswith(b"}")
    except OSError as error:
        return error.strerror or type(error).__name__
    return None if whole else "damaged, passed over"
