"""Write a file whole or not at all.

Comes in: the path of a file to write. Goes out: that file, complete; or, when anything fails on the way (an error, Ctrl-C, a full
disk, a killed process), the file that was there before, untouched.

The new contents go to a hidden name in the same folder, are flushed to the disk, and take the real name in one step. The folder
must be the same because a rename is one step only within one file system.

Source: POSIX.1-2017, ``rename()``: at every instant the name refers to the old file or to the new one.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a name to write to, for libraries that open files by name; on success it becomes ``path``.

    Parameters
    ----------
    path : path of the file to write. A symbolic link is followed, so the link stays and its target is replaced.

    Yields
    ------
    pathlib.Path
        A name in the same folder with the same suffixes. No such file exists yet.

    Raises
    ------
    OSError
        ``path`` cannot be written: before the body runs when the folder is missing, not writable, or ``path`` is a folder, a
        device, or a file that is read-only.
        `FileNotFoundError` when the body ends without writing anything under the name it was given.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with atomic_path(folder / "model.keras") as partial:
    ...     _ = partial.write_bytes(b"weights")
    >>> (folder / "model.keras").read_bytes()
    b'weights'
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "cannot write a file where there is a folder; add a file name", str(path))
    if target.exists():
        # a rename asks the folder alone, so that nothing else would stop it
        if not target.is_file():
            raise OSError(errno.EINVAL, "cannot write: there is a device or a pipe, which would be replaced by a file", str(path))
        if not target.stat().st_mode & _WRITABLE or not os.access(target, os.W_OK):
            raise PermissionError(
                errno.EACCES, "cannot write: the file there is read-only; make it writable, or choose another name", str(path)
            )
    # The end of the name keeps every suffix (".weights.h5"); its start is cut because file systems limit a name to 255 bytes.
    partial = target.with_name(f".{secrets.token_hex(6)}-{target.name[-60:]}")
    try:
        # Tried before the body runs: an hour of training must not end in "permission denied".
        partial.touch(exist_ok=False)
        partial.unlink()
    except OSError as error:
        raise OSError(error.errno, f"cannot write: {error.strerror}", str(path)) from None
    try:
        yield partial
        if not partial.exists():
            raise FileNotFoundError(errno.ENOENT, "nothing was written, so the file is left as it was", str(path))
        if target.exists():
            shutil.copymode(target, partial)
        with open(partial, "rb+") as stream:
            os.fsync(stream.fileno())
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def atomic_write(path: str | os.PathLike[str], mode: str = "wb", *, newline: str | None = None) -> Iterator[IO[Any]]:
    """Open a file for writing; on success it becomes ``path``, on failure ``path`` stays as it was.

    Parameters
    ----------
    path : path of the file to write.
    mode : ``"wb"`` for bytes or ``"w"`` for text, which is written as UTF-8.
    newline : as in `open`; ``""`` for the csv module.

    Yields
    ------
    file object
        Open for writing.

    Raises
    ------
    ValueError
        ``mode`` is neither ``"wb"`` nor ``"w"``.
    OSError
        As in `atomic_path`.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "history.csv"
    >>> with atomic_write(path, "w") as stream:
    ...     _ = stream.write("epoch,loss")
    >>> path.read_text()
    'epoch,loss'
    """
    if mode not in ("wb", "w"):
        raise ValueError(f"atomic_write: mode must be 'wb' or 'w', received {mode!r}. A file is always written whole, never appended to.")
    encoding = None if mode == "wb" else "utf-8"
    with atomic_path(path) as partial, open(partial, mode, encoding=encoding, newline=newline) as stream:
        yield stream


def replace_section(path: Path, begin: str, end: str, section: str) -> None:
    """Replace what stands between two marks of a text file; the file is swapped in whole.

    Parameters
    ----------
    path : of the file
    begin, end : the marks, which stay
    section : text, which ends in a new line

    Raises
    ------
    ValueError
        The marks are not there once each, in order.
    """
    text = path.read_text(encoding="utf-8")
    before, found_begin, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end or begin in rest or end in after:
        raise ValueError(f"replace_section: {path.name} must hold {begin} and {end} once each, in this order. Add them where it belongs.")
    with atomic_write(path) as file:
        file.write(f"{before}{begin}\n{section}{end}{after}".encode())
