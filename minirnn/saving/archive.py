"""The zip around a saved model.

Comes in: members by name. Goes out: an archive as Keras writes it, and from an archive the bytes of one member at a time, after its
declared size has been seen to be sane::

    metadata.json       versions and date; never read
    config.json         layers and compile settings
    model.weights.h5    every number

All members are stored as they are and carry the date 1980-01-01, so that the same model gives the same bytes. Their CRC-32 is compared
when they are read, so that a bit flipped on the disk is found.

Source: Keras 3.15, ``keras/src/saving/saving_lib.py``; PKWARE APPNOTE 6.3.9 for the zip.
"""

from __future__ import annotations

import errno
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO

from minirnn.saving.errors import FormatError, blaming
from minirnn.saving.hdf5_gate import SIGNATURE

FLOOR = 1 << 24
RATIO = 100
"""A member over 16 MiB may not be compressed to less than its hundredth: weights never are, a bomb is."""


def write_members(stream: IO[bytes], members: Mapping[str, bytes]) -> None:
    """Write an archive of these members, in this order."""
    with zipfile.ZipFile(stream, "w") as archive:
        for name, contents in members.items():
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, 0o600 << 16  # one archive on every system, and files that can be read once unzipped
            archive.writestr(info, contents)


def read_file(path: str, where: str, limit: int | None = None) -> bytes:
    """Give the bytes of a file.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    FormatError
        It is not a file, or larger than ``limit`` bytes.
    """
    _require_file(path, where)
    if limit is not None and os.path.getsize(path) > limit:
        raise FormatError(f"{where}: the file has {os.path.getsize(path):,} bytes, more than the {limit:,} that this model can need.")
    with open(path, "rb") as stream:
        return stream.read()


@contextmanager
def open_archive(path: str, where: str) -> Iterator[zipfile.ZipFile]:
    """Open an archive for `read_member`.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    FormatError
        It is not a complete zip.
    """
    _require_file(path, where)
    with open(path, "rb") as stream:
        if stream.read(len(SIGNATURE)) == SIGNATURE:
            raise FormatError(
                f"{where}: this is an HDF5 file, not a .keras archive. If it holds weights ('.weights.h5'), make the model and call "
                f"load_weights; Keras's older '.h5' models are not read: save them as '.keras' with Keras."
            )
        with blaming(f"{where}: not a complete .keras archive (a zip)"):
            archive = zipfile.ZipFile(stream)
        with archive:
            yield archive


def _require_file(path: str, where: str) -> None:
    if not os.path.exists(path):
        raise FileNotFoundError(errno.ENOENT, f"{where.split(':')[0]}: no such file", path)
    if not os.path.isfile(path):
        raise FormatError(f"{where}: this is a folder or a device, not a file. A folder that Keras wrote must be zipped first.")


def read_member(archive: zipfile.ZipFile, name: str, limit: int, where: str) -> bytes:
    """Give a member's bytes.

    Raises
    ------
    FormatError
        The member is missing, twice there, encrypted, larger than ``limit`` bytes, compressed like a bomb, or damaged.
    """
    found = [info for info in archive.infolist() if info.filename == name]
    if len(found) != 1:
        there = sorted({info.filename for info in archive.infolist()})[:8]
        raise FormatError(f"{where}: expected one member {name!r}, found {len(found)}. The archive holds {there}.")
    (info,) = found
    if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise FormatError(f"{where}: member {name!r} is encrypted, or compressed in a way that Keras does not read; refused.")
    if info.file_size > limit:
        raise FormatError(f"{where}: member {name!r} declares {info.file_size:,} bytes, more than the {limit:,} that it can need; refused.")
    if info.file_size > FLOOR and info.file_size > RATIO * info.compress_size:
        raise FormatError(
            f"{where}: member {name!r} declares {info.file_size:,} bytes, compressed to {info.compress_size:,}; refused as a zip bomb."
        )
    with blaming(f"{where}: member {name!r} is damaged"), archive.open(info) as member:
        # with a size, because read() alone inflates everything before it cuts to what was declared; reaching the end compares the CRC
        contents = member.read(info.file_size)
        if len(contents) != info.file_size:
            raise FormatError(f"{where}: member {name!r} is cut short: {len(contents):,} of {info.file_size:,} bytes.")
    return contents
