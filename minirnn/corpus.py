"""Which reviews the command works on, and the words that name them wherever a figure is shown.

Comes in: what the user said (``--data``, ``--reviews``), or what a run wrote down. Goes out: a `Corpus`, which loads its splits and its
word index, and says in words what it is. No figure is ever shown without that name, so that the built-in reviews are never taken for IMDB.

A place that somebody named is used or is an error. Only when nobody named any, and IMDB is nowhere, do the built-in reviews stand in.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minirnn.datasets import imdb, store
from minirnn.datasets.imdb import Split

BUILT_IN = "built-in reviews (generated, not IMDB)"

HOW_TO_GET_IMDB = "To get IMDB, run `minirnn data download` with a network, or name its file with --data PATH or MINIRNN_DATA."


@dataclass(frozen=True)
class Corpus:
    """A set of reviews that models are trained and tested on.

    Attributes
    ----------
    kind : ``"imdb"`` or ``"reviews"``, the built-in ones.
    path : absolute path of ``imdb.npz``; None for the built-in reviews.
    origin : whose file it is, in words, as in `minirnn.datasets.store.Found`.
    missing : why IMDB is not used although nobody asked for the built-in reviews; empty when that is not so.

    Examples
    --------
    >>> Corpus("reviews").name
    'built-in reviews (generated, not IMDB)'
    """

    kind: str
    path: Path | None = None
    origin: str = "part of minirnn"
    missing: str = ""

    @property
    def short_name(self) -> str:
        """The name where there is little room: "IMDB", or the built-in reviews in full."""
        return "IMDB" if self.kind == "imdb" else BUILT_IN

    @property
    def name(self) -> str:
        """The name, and for a file where it is and whose it is."""
        return f"IMDB, {self.path} ({self.origin})" if self.kind == "imdb" else BUILT_IN

    def load(self, num_words: int | None) -> tuple[Split, Split]:
        """Give ``(x_train, y_train), (x_test, y_test)``, ids from ``num_words`` on replaced by 2; see `minirnn.datasets.imdb.load_data`.

        Raises
        ------
        OSError, ValueError
            The file is gone, or damaged.
        """
        if self.path is None:
            from minirnn.datasets import reviews

            return reviews.load_data(num_words=num_words)
        return imdb.load_data(self.path, num_words=num_words)

    def word_index(self, *, download: bool = True) -> dict[str, int]:
        """Give the word index: word -> rank.

        Parameters
        ----------
        download : whether the network may be asked.

        Raises
        ------
        FileNotFoundError
            That of IMDB is neither beside the reviews nor in any usual place.
        """
        if self.path is None:
            from minirnn.datasets import reviews

            return reviews.get_word_index()
        return store.read_word_index(store.find(store.WORD_INDEX, self.path, download=download).path)

    def sha256(self) -> str:
        """Give the SHA-256 of the file in hexadecimal; empty for the built-in reviews."""
        if self.path is None:
            return ""
        with open(self.path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()


def choose(named: str | os.PathLike[str] | None = None, *, built_in: bool = False, download: bool = True) -> Corpus:
    """Choose the reviews: IMDB in the order of `minirnn.datasets.store.find`, else the built-in ones.

    Parameters
    ----------
    named : ``--data``: the reviews' file, or a folder that holds ``imdb.npz``.
    built_in : ``--reviews``: take the built-in reviews without looking for IMDB.
    download : whether the network may be asked.

    Raises
    ------
    ValueError
        Both `named` and `built_in` are given.
    FileNotFoundError
        `named`, or ``MINIRNN_DATA``, names something that is not there.
    """
    if built_in:
        if named is not None:
            raise ValueError(f"--reviews and --data {os.fspath(named)} exclude each other. Leave one out.")
        return Corpus("reviews")
    try:
        return _imdb(store.find(store.REVIEWS, named, download=download))
    except store.DataNotFoundError as error:
        return Corpus("reviews", missing=str(error))


def recall(description: Mapping[str, Any] | None, named: str | os.PathLike[str] | None = None) -> Corpus:
    """Find again the reviews that a run was trained on; other reviews never stand in for them.

    Parameters
    ----------
    description : the ``data`` of the run's ``run.json``; None for a model without a run, which is taken for one of IMDB.
    named : ``--data``, which goes before the path that the run wrote down.

    Raises
    ------
    ValueError
        `named` is given, but the run was trained on the built-in reviews.
    FileNotFoundError
        The reviews are in none of the usual places.
    """
    if description is not None and description.get("kind") == "reviews":
        if named is not None:
            raise ValueError(
                f"--data {os.fspath(named)}: this run was trained on the {BUILT_IN}, whose ids mean other words. Leave it out."
            )
        return Corpus("reviews")
    path = None if description is None else description.get("path")
    if named is None and isinstance(path, str) and os.path.isfile(path):
        return Corpus("imdb", Path(path), str(description.get("origin")) if description else "")
    return _imdb(store.find(store.REVIEWS, named))


def _imdb(found: store.Found) -> Corpus:
    # Absolute, because load_data takes the bare name "imdb.npz" as a request to search.
    return Corpus("imdb", found.path.absolute(), found.origin)
