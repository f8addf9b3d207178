"""Refuse a path that cannot be written before a training depends on it.

Comes in: the path that a callback will write to. Goes out: nothing, or an `OSError` of the fitting kind (`PermissionError`,
`NotADirectoryError`, `IsADirectoryError`). Nothing is created; missing folders are made when the file is.
"""

from __future__ import annotations

import errno
import os
import tempfile


def as_path(who: str, argument: str, path: str | os.PathLike[str]) -> str:
    """Return `path` as a string.

    Raises
    ------
    TypeError
        `path` is neither a string nor a path object.
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"{who}: {argument} must be a string or a pathlib.Path, received {path!r} of type {type(path).__name__}.")
    return os.fspath(path)


def require_writable(who: str, path: str) -> None:
    """Raise unless a file could be written at `path`, its missing folders included.

    Tried, not asked: permission bits say nothing about a read-only disk, and the super-user passes every check of them. The trial file is
    made in the nearest folder that exists, and is gone before this returns. In a path with ``{epoch}`` in it the folders up to that count.

    Raises
    ------
    OSError
        The path is a folder, goes through a file, or lies where nothing can be written.
    """
    if os.path.isdir(os.path.abspath(path)):
        raise IsADirectoryError(
            errno.EISDIR, f"{who}: expected the name of a file, received a folder. Please specify a non-directory path", path
        )
    folder = os.path.dirname(os.path.abspath(path))
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(error.errno, f"{who}: cannot write below {folder!r} ({error.strerror}). Choose another place for it", path) from None
