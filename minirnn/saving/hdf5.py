"""The file of weights: numbers under known names, and nothing else.

Comes in: lists of arrays by path. Goes out: HDF5 bytes as Keras writes them, and back::

    <path>/vars         group, with the owner's name as attribute "name"
    <path>/vars/0, 1    datasets, contiguous and uncompressed

HDF5 can do much more: links into other files, data kept in other files, compression by plug-ins. A reader that follows them reads what a
stranger chose. This one walks from group to group by the names that the architecture gives, looks at each link before it opens it,
and reads a dataset only when its numbers lie in this file, as many as its shape says, and the shape is the expected one.

Source: Keras 3.15, ``keras/src/saving/saving_lib.py`` (``H5IOStore``); HDF5 1.14.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from minirnn.saving.errors import FormatError, blaming
from minirnn.saving.hdf5_gate import check_structure


class Variables(NamedTuple):
    """What one owner keeps.

    Attributes
    ----------
    name : of the layer, optimizer or model.
    arrays : its numbers, in Keras's order.
    """

    name: str
    arrays: list[np.ndarray]


def write_hdf5(contents: Mapping[str, Variables]) -> bytes:
    """Give the bytes of an HDF5 file with these variables; the path "" is the root's."""
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver="earliest", track_order=False) as file:
        for path, (name, arrays) in contents.items():
            group = file.create_group(_vars(path))
            group.attrs["name"] = name
            for place, array in enumerate(arrays):
                group[str(place)] = array
    return buffer.getvalue()


@contextmanager
def open_hdf5(contents: bytes, where: str) -> Iterator[HDF5Reader]:
    """Open HDF5 bytes for reading.

    Raises
    ------
    FormatError
        They are not HDF5, or not all of it.
    """
    import h5py

    with blaming(f"{where}: the weights are not a complete HDF5 file as Keras writes it"):
        check_structure(contents)
        file = h5py.File(io.BytesIO(contents), "r")
    with file:
        yield HDF5Reader(file["/"].id, where)


class HDF5Reader:
    """Reads known paths of an open file.

    Parameters
    ----------
    root : h5py's id of the root group
    where : how errors begin
    """

    def __init__(self, root: Any, where: str) -> None:
        self._root = root
        self._where = where

    def names(self, path: str) -> list[str]:
        """Give the names in a group; none when it is missing."""
        group = self._open(path, "Group")
        with self._blaming(path):
            return [] if group is None else [name.decode("utf-8", "backslashreplace") for name in group]

    def count(self, path: str) -> int:
        """Give the number of variables of an owner."""
        return len(self.names(_vars(path)))

    def variable(self, path: str, place: int, shape: tuple[int, ...], dtype: np.dtype[Any], label: str) -> np.ndarray:
        """Give one array.

        Parameters
        ----------
        path, place : of the owner, and the variable's number there
        shape : that it must have
        dtype : that it is given as; the file may hold any floats of 4 or 8 bytes for floats, any integers for integers
        label : what it is, for messages: ``layer 'dense': kernel``

        Raises
        ------
        FormatError
            It is missing, not in the file itself, or of another shape or kind.
        """
        import h5py

        name = f"{_vars(path)}/{place}"
        stored = self._open(name, "Dataset")
        if stored is None:
            raise FormatError(f"{self._where}: {label} is missing: the file has no {name!r}.")
        with self._blaming(name):
            creation = stored.get_create_plist()
            # before anything else is asked of it: the size of a virtual dataset is found by opening other files
            if creation.get_layout() not in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT) or creation.get_external_count():
                raise FormatError(f"{self._where}: {label} is not stored as plain numbers in the file itself ({name!r}); refused.")
            if stored.shape != shape:
                raise FormatError(f"{self._where}: {label} must have shape {shape}, the file has {stored.shape}.")
            kinds, sizes = ("f", (4, 8)) if dtype.kind == "f" else ("iu", (1, 2, 4, 8))
            if stored.dtype.kind not in kinds or stored.dtype.itemsize not in sizes:
                raise FormatError(f"{self._where}: {label} must be numbers of dtype {dtype}, the file has {stored.dtype}.")
            if stored.get_storage_size() != math.prod(shape) * stored.dtype.itemsize:
                raise FormatError(f"{self._where}: {label} is incomplete: {stored.get_storage_size()} bytes for shape {shape}.")
            array = np.empty(shape, stored.dtype)
            stored.read(h5py.h5s.ALL, h5py.h5s.ALL, array)
            with np.errstate(over="raise"):
                return array.astype(dtype, copy=False)

    def _open(self, path: str, kind: str) -> Any:
        """Open what is at ``path``, link by link; None when a link is missing."""
        import h5py

        item, so_far = self._root, ""
        for part in path.split("/"):
            so_far = f"{so_far}/{part}"
            with self._blaming(so_far):
                if not isinstance(item, h5py.h5g.GroupID):
                    raise FormatError(f"{self._where}: {so_far[: -len(part) - 1]!r} in the weights must be a group.")
                if not item.links.exists(part.encode()):
                    return None
                if item.links.get_info(part.encode()).type != h5py.h5l.TYPE_HARD:
                    raise FormatError(f"{self._where}: {so_far!r} in the weights is a link to elsewhere; refused, not followed.")
                item = h5py.h5o.open(item, part.encode())
        if not isinstance(item, h5py.h5g.GroupID if kind == "Group" else h5py.h5d.DatasetID):
            raise FormatError(f"{self._where}: {so_far!r} in the weights must be a {kind.lower()}.")
        return item

    def _blaming(self, path: str) -> Any:
        return blaming(f"{self._where}: the weights are damaged at {path!r}")


def _vars(path: str) -> str:
    return f"{path}/vars" if path else "vars"
