"""Ids that the kernels cannot read where they lie: too large to be brought to another form as a whole, or in a file.

Comes in: checked ids (N,T), whole numbers of any dtype and any layout, in memory or mapped from a file (``np.memmap``). Goes out: for the
rows of a batch, ids as kernels want them (int32, one example after the other, writable: each other form would be a second compiled
kernel), and where in these the batch's rows are.

A training visits rows in random order, and a file is quick only in its own. So the order of an epoch is told beforehand (`expect`), and
the next `AHEAD` bytes of it are read in one go, in the order of the file. With 2,000,000 reviews of 100 ids, 800 MB, an epoch of rows costs
0.6 s of reading that way, and 4 s batch by batch, where each review touches pages of its own.

What is read is checked again: somebody else may have written to the file since, and a kernel would follow any id.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn import mapped
from minirnn.jit import for_kernels
from minirnn.mapped import Pages

AHEAD = 64 << 20
"""Bytes of ids that are read ahead; and what is larger in memory is not brought to another form as a whole."""


def id_dtype(V: int) -> type[np.signedinteger[Any]]:
    """Give the dtype in which kernels read ids 0..V-1."""
    return np.int32 if V <= 2**31 else np.int64


def readable_ids(function: str, ids: np.ndarray, V: int, num_classes: int | None = None) -> Any:
    """Give checked ids (N,T) in a form that can be read batch by batch: themselves, a copy, or an `IdReader` where a copy would be large.

    Parameters
    ----------
    function : the user's call, for messages
    ids : whole numbers 0..V-1
    num_classes : V when each id stands for its one-hot vector
    """
    if not ids.size or Pages(ids).file is None:
        readable = ids.dtype == id_dtype(V) and ids.flags.carray
        if readable or ids.nbytes <= AHEAD:
            return for_kernels(ids, np.dtype(id_dtype(V)))
    return IdReader(function, ids, V, num_classes)


class IdReader:
    """Ids (N,T) that are brought to the kernels' form a block at a time.

    Parameters
    ----------
    function : the user's call, for messages
    ids : (N,T) whole numbers, 0..V-1
    V : size of the vocabulary
    num_classes : V when each id stands for its one-hot vector, None when it is an id
    """

    def __init__(self, function: str, ids: np.ndarray, V: int, num_classes: int | None = None) -> None:
        self.ids, self.num_classes = ids, num_classes
        self._function, self._V = function, V
        self._pages = Pages(ids)
        self._buffer = np.empty((0, ids.shape[1]), id_dtype(V))
        self.expect(None)

    @property
    def shape(self) -> tuple[int, ...]:
        """(N,T), or (N,T,V) for one-hot vectors."""
        return self.ids.shape if self.num_classes is None else (*self.ids.shape, self.num_classes)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, part: slice) -> IdReader:
        """Some examples, still unread."""
        return IdReader(self._function, self.ids[part], self._V, self.num_classes)

    def expect(self, order: np.ndarray | None) -> None:
        """Say in which order the rows will be asked for; None for that of the file. Another row may be asked for, and is read by itself."""
        self._order = order
        self._first = self._last = self._next = 0  # the rows in the buffer, first and last + 1, and the next to be asked for, in that order

    def read(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give ids (n,T), until the next call, and the numbers (B,) in them of these rows (B,)."""
        B = len(rows)
        if not np.array_equal(rows, self._coming(self._next, B)):
            return self._fetch(rows, np.empty((B, self.ids.shape[1]), self._buffer.dtype)), np.arange(B)
        if self._next + B > self._last:
            self._read_ahead(B)
        numbers = np.arange(self._next - self._first, self._next - self._first + B)
        self._next += B
        return self._buffer, numbers

    def _read_ahead(self, least: int) -> None:
        """Fill the buffer with what comes next, ``least`` rows or more. The layers still hold the ids of the batch before, so a second
        buffer would be a second one in memory.
        """
        ahead = AHEAD if self._order is not None else mapped.PIECE  # in the file's own order nothing is gained by more
        rows = self._coming(self._next, max(least, ahead // (self.ids.shape[1] * self._buffer.itemsize)))
        if len(self._buffer) < len(rows):
            self._buffer = np.empty((len(rows), self.ids.shape[1]), self._buffer.dtype)
        self._fetch(rows, self._buffer)
        self._first, self._last = self._next, self._next + len(rows)

    def _coming(self, start: int, count: int) -> np.ndarray:
        stop = min(start + count, len(self))
        return np.arange(start, stop) if self._order is None else self._order[start:stop]

    def _fetch(self, rows: np.ndarray, block: np.ndarray) -> np.ndarray:
        """Give the block with the ids (B,T) of these rows in its first B rows, read in the order in which they lie."""
        B, T = len(rows), self.ids.shape[1]
        row_step, column_step = (abs(stride) for stride in self.ids.strides)
        places = np.argsort(rows)
        in_order = rows[places]
        if column_step > row_step:  # Fortran's order: the examples' first ids, then their second ones
            for t in range(T):
                block[places, t] = self._checked(self.ids[in_order, t])
                self._pages.touched(row_step * (int(in_order[-1]) - int(in_order[0]) + 1))
        else:
            piece_of = in_order // max(1, mapped.PIECE // max(1, row_step))
            for part in np.split(np.arange(B), np.flatnonzero(np.diff(piece_of)) + 1):
                block[places[part]] = self._checked(self.ids[in_order[part]])
                self._pages.touched(mapped.PIECE if len(part) < B else row_step * (int(in_order[-1]) - int(in_order[0]) + 1))
        return block

    def _checked(self, ids: np.ndarray) -> np.ndarray:
        if not (ids.min() >= 0 and ids.max() < self._V):
            raise ValueError(
                f"{self._function}: an id was in 0..{self._V - 1} when it was checked, and is not any more. Leave the ids, and the file "
                f"that holds them, alone until the call has returned."
            )
        return ids
