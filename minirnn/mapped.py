"""Arrays that lie in a file: which do, and how to look at all of one without keeping all of it in memory.

Comes in: an array of any layout, from memory or from ``np.memmap``. Goes out: its bytes piece by piece, in the order in which they lie.

The bytes of a mapped file are read when they are touched, a page or more at a time, and the system counts every page that was touched as
memory of the process until somebody else needs the room. So whoever reads through a map here gives its pages back every `RESIDENT` bytes
(``madvise``): they stay in the system's cache, where the next reader finds them, and are no longer this process's. Over 800 MB that takes
0.04 s a pass.
"""

from __future__ import annotations

import contextlib
import mmap
from collections.abc import Callable, Iterator

import numpy as np

PIECE = 4 << 20
"""Bytes that are looked at in one go. A page of a file can be as large as 2 MB, so less would not be less."""

RESIDENT = 32 << 20
"""Bytes of a file that are read before its pages are given back."""


class Pages:
    """What has been read of the file that an array lies in, if it lies in one.

    Attributes
    ----------
    file : the map that the array's bytes belong to; None for an array in memory
    """

    def __init__(self, array: np.ndarray) -> None:
        self.file, self._returnable = _map_of(array)
        self._read = 0

    def touched(self, nbytes: int) -> None:
        """Take note that so many neighbouring bytes have been read; now and then, give their pages back."""
        self._read += nbytes
        if self._read >= RESIDENT:
            self.give_back()

    def give_back(self) -> None:
        """Give back all pages of the file, where the system has a word for it. The next read finds them again."""
        self._read = 0
        if self._returnable and self.file is not None:
            with contextlib.suppress(OSError):  # pages that somebody has locked in memory stay there
                self.file.madvise(mmap.MADV_DONTNEED)


def _map_of(array: np.ndarray) -> tuple[mmap.mmap | None, bool]:
    """Give the map at the end of an array's bases, and whether its pages may be given back.

    What was written to a private map (mode "c") is nowhere else and would be lost: only pages that nobody can write to, or that NumPy says
    it shares with the file, are given back.
    """
    mode = None
    owner: object = array
    while isinstance(owner, np.ndarray):
        mode = owner.mode if isinstance(owner, np.memmap) else mode
        owner = owner.base
    owner = owner.obj if isinstance(owner, memoryview) else owner
    if not isinstance(owner, mmap.mmap):
        return None, False
    with memoryview(owner) as view:
        kept_in_file = view.readonly or mode in ("r+", "w+")
    return owner, kept_in_file and hasattr(owner, "madvise") and hasattr(mmap, "MADV_DONTNEED")


def pieces(array: np.ndarray) -> Iterator[np.ndarray]:
    """Cut an array into views of about `PIECE` bytes that lie together, whichever axis that cuts; pages are given back on the way."""
    array = np.atleast_1d(array)
    strides = [abs(stride) for stride in array.strides]
    axis = int(np.argmax(strides))
    step, pages = max(1, PIECE // max(1, strides[axis])), Pages(array)
    for start in range(0, array.shape[axis] if array.size else 0, step):
        yield array[(slice(None),) * axis + (slice(start, start + step),)]
        pages.touched(step * strides[axis])
    pages.give_back()


def limits(array: np.ndarray) -> tuple[int, int]:
    """Give the least and the largest of whole numbers; (0, -1) of none."""
    both = [(int(piece.min()), int(piece.max())) for piece in pieces(array)]
    return (min(low for low, _ in both), max(high for _, high in both)) if both else (0, -1)


def first_place(array: np.ndarray, wrong: Callable[[np.ndarray], np.ndarray]) -> tuple[int, ...] | None:
    """Give the index of the first element that is wrong, in the order of rows; None where all are right."""
    if not array.ndim:
        return () if wrong(array) else None
    pages, row_bytes = Pages(array), array.nbytes // max(1, len(array))
    step = max(1, PIECE // max(1, row_bytes))
    for start in range(0, len(array), step):
        found = np.argwhere(wrong(array[start : start + step]))
        if len(found):
            row, *others = (int(i) for i in found[0])
            return (start + row, *others)
        pages.touched(step * row_bytes)
    pages.give_back()
    return None
