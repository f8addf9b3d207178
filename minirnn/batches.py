"""Batches of tokens without a copy: some rows of a larger array of ids, named by their numbers.

Comes in: ids (N,T) and which rows are meant. Goes out: an object that token layers read in place, and that any other layer can ask for
the array it stands for. So ``fit`` neither copies nor converts its data, batch after batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minirnn.one_hot import OneHot
from minirnn.reading import IdReader


@dataclass(frozen=True, slots=True)
class TokenRows:
    """B reviews of a data set, by number.

    Attributes
    ----------
    ids : (N,T) integers, 0..V-1, all reviews
    rows : (B,) intp, which of them
    num_classes : V when each id stands for its one-hot vector, None when it is an id
    """

    ids: np.ndarray
    rows: np.ndarray
    num_classes: int | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """(B,T), or (B,T,V) for one-hot vectors."""
        ids_shape = (len(self.rows), *self.ids.shape[1:])
        return ids_shape if self.num_classes is None else (*ids_shape, self.num_classes)

    def array(self, dtype: Any) -> np.ndarray:
        """The batch as an array: ids (B,T), or one-hot vectors (B,T,V) of that dtype."""
        ids = self.ids[self.rows]
        return ids if self.num_classes is None else np.asarray(OneHot(ids, self.num_classes), dtype)


def read_rows(x: Any, rows: np.ndarray) -> Any:
    """Give those rows of a model's data: tokens by number, anything else as a copy (B,...)."""
    if isinstance(x, IdReader):
        return TokenRows(*x.read(rows), x.num_classes)
    if isinstance(x, OneHot):
        return TokenRows(x.ids, rows, x.num_classes)
    if x.dtype.kind in "iu" and x.ndim == 2:
        return TokenRows(x, rows)
    return x[rows]
