"""Read the review archive as data: bytes in, ids and labels out, and nothing in the file is ever run.

Comes in: an open ``imdb.npz``, a zip of four ``.npy`` members, two of which hold their lists of ids as a pickle. Goes out: per
split the ids end to end, the length of every review, and the labels.

A pickle is a program, so three gates stand before it:

1. the zip: only the four members are read, their declared sizes are summed and bounded before the first byte is inflated;
2. the operations: every one is looked at, and only those that can describe numbers, texts, lists and tuples pass;
3. the names: only NumPy's array reconstruction may be asked for, and even that is written down, not called.

What is left is lists and integers, or a ValueError that names the file, the member and what was refused.

Source: the ``.npy`` format 1.0 and 2.0 (``numpy.lib.format``); pickle protocols 2 to 5 (``pickletools``); the names are those that
Keras 3.15 admits for the same file (``keras/src/datasets/npz_utils.py``).
"""

from __future__ import annotations

import io
import math
import pickle
import re
import struct
import zipfile
import zlib
from array import array
from itertools import chain
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

MEMBERS = ("x_train", "y_train", "x_test", "y_test")

LIMIT = 1 << 29
"""Bytes that the four members may declare together: 512 MiB, eighteen times the 28 MB of the real file."""

_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError, IndexError, OverflowError)
"""What zipfile raises on bytes that are no zip, or only half of one; NotImplementedError is a RuntimeError."""

_HEADER = re.compile(
    rb"\x93NUMPY(?:\x01\x00..|\x02\x00....)\{'descr': '([|<>=]?)([iuO])([1248]?)', 'fortran_order': False, "
    rb"'shape': \((\d{1,10}),(?: (\d{1,10}))?\), \} *\n",
    re.DOTALL,
)
"""The header as NumPy writes it: byte order, kind, size; C order; one or two axes."""

_FIXED_OPERATIONS = re.compile(
    rb"(?:K.|M..|[\x94\](ea]|J.{4}|\x8a(?:\x00|\x01.|\x02..|\x03...|\x04.{4}|\x05.{5})|\x95.{8}|\x80[\x02-\x05]|q.|h.|j.{4}"
    rb"|r..[\x00-\x3f]\x00|[)tlNRb\x85\x86\x87\x88\x89\x93])++",
    re.DOTALL,
)
"""A run of operations of known size, the frequent ones first: 14 MB pass in 0.08 s. ``r`` numbers a remembered object, and Python
allocates that many slots at once, so the number is bounded: unbounded, ten bytes could ask for 64 GB."""

_SIZED_OPERATIONS = {b"\x8c": 1, b"U": 1, b"C": 1, b"X": 4, b"T": 4, b"B": 4}
"""Texts and bytes: the operation, and how many bytes its length takes."""

_NAMED_OPERATION = re.compile(rb"c[^\n]{1,100}\n[^\n]{1,100}\n")

_NAMES = {
    ("numpy", "ndarray"): "array",
    ("numpy", "dtype"): "dtype",
    ("numpy.core.multiarray", "_reconstruct"): "reconstruct",
    ("numpy._core.multiarray", "_reconstruct"): "reconstruct",
    ("_codecs", "encode"): "encode",  # how protocol 2, which has no bytes, spells them
}


class Reviews(NamedTuple):
    """One split: N reviews, their ids end to end.

    Attributes
    ----------
    flat (total,) integer : the ids of the first review, then of the second, and so on.
    lengths (N,) int64 : how many ids each review has; they sum to ``total``.
    labels (N,) integer : 0 = negative, 1 = positive.
    """

    flat: NDArray[np.integer[Any]]
    lengths: NDArray[np.int64]
    labels: NDArray[np.integer[Any]]

    def take(self, order: NDArray[np.int64]) -> Reviews:
        """Return the reviews ``order`` (M,) of this split, in that order; it may leave some out."""
        lengths = self.lengths[order]
        starts = (np.cumsum(self.lengths) - self.lengths)[order]
        # Position p of the new flat array lies p - (new start) ids into its review, which starts at (old start).
        places = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths) + np.arange(lengths.sum())
        return Reviews(self.flat[places], lengths, self.labels[order])


def read_reviews(stream: BinaryIO, name: str) -> tuple[Reviews, Reviews]:
    """Read both splits of a review archive.

    Parameters
    ----------
    stream : the open file, seekable.
    name : how errors call it.

    Returns
    -------
    tuple of Reviews
        Training and test split, in the file's order; ids are word ranks (1 = most frequent), int32.

    Raises
    ------
    ValueError
        Not a zip, truncated or damaged; a member is missing, twice there, too large, or not lists of integers; the pickle asks
        for anything but arrays, lists and integers. The message names file and member. Nothing from the file was run.
    """
    bodies = _inflate(stream, name)
    splits = []
    for split in ("train", "test"):
        flat, lengths = _ids(bodies[f"x_{split}"], f"{name}: x_{split}.npy")
        labels = _labels(bodies[f"y_{split}"], f"{name}: y_{split}.npy")
        if len(labels) != len(lengths):
            raise ValueError(f"{name}: y_{split}.npy has {len(labels)} labels for the {len(lengths)} reviews of x_{split}.npy.")
        splits.append(Reviews(flat, lengths, labels))
    return splits[0], splits[1]


def _inflate(stream: BinaryIO, name: str) -> dict[str, bytes]:
    """Pass the first gate: return the four members' bytes, once their number, kind and declared sizes are seen to be sane."""
    try:
        archive = zipfile.ZipFile(stream)
    except _DAMAGE as error:
        raise ValueError(f"{name}: not a complete zip archive ({error}). Delete it and get it again.") from None
    with archive:
        found = {member: [info for info in archive.infolist() if info.filename == f"{member}.npy"] for member in MEMBERS}
        for member, infos in found.items():
            if len(infos) != 1:
                there = ", ".join(sorted({info.filename for info in archive.infolist()})[:8]) or "nothing"
                raise ValueError(f"{name}: expected one member {member}.npy, found {len(infos)}. The archive holds {there}.")
            if infos[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or infos[0].flag_bits & 1:
                raise ValueError(f"{name}: {member}.npy is encrypted or compressed in a way that NumPy does not write; refused.")
        declared = sum(infos[0].file_size for infos in found.values())
        if declared > LIMIT:
            raise ValueError(f"{name}: its members declare {declared:,} bytes, more than the {LIMIT:,} allowed; refused, nothing unpacked.")
        bodies = {}
        for member, infos in found.items():
            try:
                with archive.open(infos[0]) as opened:  # with a size: without one, all is inflated before it is cut to what was declared
                    bodies[member] = opened.read(infos[0].file_size)
            except _DAMAGE as error:
                raise ValueError(f"{name}: {member}.npy is damaged ({error}). Delete the file and get it again.") from None
    return bodies


def _header(body: bytes, where: str) -> tuple[str, tuple[int, ...], int]:
    """Return the dtype's text, the shape, and where the contents start."""
    match = _HEADER.match(body)
    if match is None:
        raise ValueError(f"{where}: expected the header of an integer or object array with one or two axes, received {body[:100]!r}.")
    order, kind, size, *axes = match.groups()
    return (order + kind + size).decode(), tuple(int(axis) for axis in axes if axis is not None), match.end()


def _labels(body: bytes, where: str) -> NDArray[np.integer[Any]]:
    dtype, shape, start = _header(body, where)
    if "O" in dtype or len(shape) != 1:
        raise ValueError(f"{where}: labels must be integers, (N,), received dtype {dtype!r}, shape {shape}.")
    return _plain(body[start:], dtype, shape, where)


def _plain(contents: bytes, dtype: str, shape: tuple[int, ...], where: str) -> NDArray[np.integer[Any]]:
    """Integers as they stand in the file, in this machine's byte order."""
    stored = np.dtype(dtype)
    if len(contents) != math.prod(shape) * stored.itemsize:
        raise ValueError(f"{where}: {len(contents)} bytes do not make shape {shape} of dtype {dtype!r}.")
    numbers: NDArray[np.integer[Any]] = np.frombuffer(contents, stored).reshape(shape).astype(stored.newbyteorder("="))
    return numbers


def _ids(body: bytes, where: str) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Ids end to end and the reviews' lengths, whichever way the array holds its lists."""
    dtype, shape, start = _header(body, where)
    if "O" not in dtype:
        rows = list(_plain(body[start:], dtype, shape, where))
    else:
        shape_inside, entries = _entries(_unpickle(body, start, where), where)
        if shape_inside != shape:
            raise ValueError(f"{where}: the header says shape {shape}, the pickle {shape_inside}.")
        width = math.prod(shape[1:])
        # Reviews that all have one length are saved as a rectangle (N, T) of numbers instead of N lists.
        rows = entries if len(shape) == 1 else [entries[n * width : (n + 1) * width] for n in range(shape[0])]
    lists = [_row(row, n, where) for n, row in enumerate(rows)]
    lengths = np.fromiter(map(len, lists), np.int64, len(lists))
    if lengths.sum() > len(body):
        raise ValueError(f"{where}: {lengths.sum():,} ids from {len(body):,} bytes: the same lists are repeated; refused.")
    strangers = set(map(type, chain.from_iterable(lists))) - {int}
    if strangers:
        raise ValueError(f"{where}: a review must be a list of integers, received {sorted(kind.__name__ for kind in strangers)} in one.")
    flat = array("i")
    try:
        for row in lists:
            flat.fromlist(row)  # as fast as np.fromiter, and it refuses an integer that does not fit
    except OverflowError:
        raise ValueError(f"{where}: an id does not fit 32 bits; ids are word ranks.") from None
    return np.frombuffer(flat, np.int32) if lengths.sum() else np.zeros(0, np.int32), lengths


def _row(row: object, n: int, where: str) -> list[Any]:
    """One review as a list: it is one, or it is a one-dimensional array of integers."""
    if isinstance(row, _Recipe):
        (_, shape, dtype, _, contents) = _state(row, where)
        if not isinstance(contents, bytes) or len(shape) != 1:
            raise ValueError(f"{where}: review {n} must be a list or a one-dimensional array of integers, received an array {shape}.")
        row = _plain(contents, _dtype(dtype, where), shape, where)
    if isinstance(row, np.ndarray) and row.ndim == 1:
        row = row.tolist()
    if not isinstance(row, list):
        raise ValueError(f"{where}: review {n} must be a list of integers, received {type(row).__name__}.")
    return row


class _Recipe:
    """What the pickle says about an array, written down and not carried out: NumPy never sees the pickle's own words."""

    __slots__ = ("arguments", "name", "state")

    def __init__(self, name: str, arguments: tuple[Any, ...] | None = None) -> None:
        self.name, self.arguments, self.state = name, arguments, None

    def __call__(self, *arguments: Any) -> Any:
        if self.name == "encode":
            if len(arguments) != 2 or not isinstance(arguments[0], str) or arguments[1] != "latin1":
                raise pickle.UnpicklingError("it asks for an encoding other than latin1")
            return arguments[0].encode("latin1")
        return _Recipe(self.name, arguments)

    def __setstate__(self, state: Any) -> None:
        if self.arguments is None:
            raise pickle.UnpicklingError(f"it wants to change what {self.name!r} is")
        self.state = state


class _Unpickler(pickle.Unpickler):
    """The third gate."""

    def find_class(self, module: str, name: str) -> _Recipe:
        if (module, name) not in _NAMES:
            raise pickle.UnpicklingError(f"it asks for {f'{module}.{name}'[:200]!r}")
        return _Recipe(_NAMES[module, name])


def _check_operations(body: bytes, start: int, where: str) -> None:
    """Pass the second gate: walk the pickle from ``start`` to its end without carrying out anything."""
    place = start
    while body[place : place + 1] != b".":
        operation = body[place : place + 1]
        width = _SIZED_OPERATIONS.get(operation)
        if width is not None:
            place += 1 + width + int.from_bytes(body[place + 1 : place + 1 + width], "little")
        elif match := (_FIXED_OPERATIONS.match(body, place) or _NAMED_OPERATION.match(body, place)):
            place = match.end()
        else:
            import pickletools  # only here, to name what is refused

            known = {code.code.encode("latin1"): code.name for code in pickletools.opcodes}
            raise ValueError(
                f"{where}: refused pickle operation {known.get(operation, repr(operation))} at byte {place} of {len(body)}; "
                "only arrays, lists and integers are read, and nothing was run."
            )


def _unpickle(body: bytes, start: int, where: str) -> object:
    _check_operations(body, start, where)
    stream = io.BytesIO(body)
    stream.seek(start)
    try:
        return _Unpickler(stream).load()
    except Exception as error:  # damaged bytes can raise nearly anything here; with only lists and recipes around, all of it is harmless
        raise ValueError(
            f"{where}: refused, {str(error)[:300] or type(error).__name__}; only arrays, lists and integers are read, and nothing was run."
        ) from None


def _state(recipe: _Recipe, where: str) -> tuple[Any, tuple[int, ...], Any, Any, Any]:
    """Take an array's recipe apart: version, shape, dtype, order, contents."""
    state = recipe.state
    if recipe.name != "reconstruct" or not isinstance(state, tuple) or len(state) != 5:
        raise ValueError(f"{where}: the pickle's array is incomplete.")
    shape = state[1]
    if not isinstance(shape, tuple) or not all(type(axis) is int and axis >= 0 for axis in shape):
        raise ValueError(f"{where}: the pickle's array has no proper shape.")
    return state


def _entries(recipe: object, where: str) -> tuple[tuple[int, ...], list[Any]]:
    """Shape and entries of the object array that the pickle describes."""
    if not isinstance(recipe, _Recipe):
        raise ValueError(f"{where}: expected a pickled array, received {type(recipe).__name__}.")
    (_, shape, _, _, entries) = _state(recipe, where)
    if not isinstance(entries, list) or len(entries) != math.prod(shape):
        raise ValueError(f"{where}: the pickle's array does not hold the objects that its shape {shape} needs.")
    return shape, entries


def _dtype(recipe: object, where: str) -> str:
    """Return the text of an integer dtype from its recipe: ``dtype('i8', False, True)`` with its byte order in the state."""
    if isinstance(recipe, _Recipe) and recipe.name == "dtype" and recipe.arguments and isinstance(recipe.state, tuple):
        kind, order = recipe.arguments[0], recipe.state[1:2]
        if isinstance(kind, str) and re.fullmatch("[iu][1248]", kind) and order in (("<",), (">",), ("|",), ("=",)):
            return f"{order[0]}{kind}"
    raise ValueError(f"{where}: a review is an array of something other than integers.")
