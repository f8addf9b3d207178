"""The words of a batch, each once: what lets a step cost what the batch is, not what the vocabulary is.

Comes in: the ids (N,T) of some rows (B,). Goes out: ``distinct (U,)``, the ids that stand there, ascending and each once, and ``places
(B,T)``, where each of them lies in it:

    distinct[places[b,t]] = ids[rows[b],t]

With them a table of V rows shrinks to U: rows of a weight are gathered, used, and what they get is scattered back.

    gather     picked[u]       = weight[distinct[u]]
    scatter    weight[distinct[u]] = picked[u]

Ascending, because sums over the rows of a vocabulary then run in the same order as over all of it, where the other rows add 0: a compiled
step gives the same numbers to the last bit either way. And memory is then read from front to back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minirnn.batches import TokenRows
from minirnn.jit import jit

Workspace = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def workspace(V: int, lookups: int) -> Workspace:
    """Make what ``find_distinct`` works in, int32, for ids below V and batches of up to so many lookups.

    Returns
    -------
    slot_of (V,) : -1 between calls
    counts (2**k,) : one per digit; an id has two of k bits
    found, half_sorted (min(V, lookups) + 1,) : the ids as they come, and sorted by their lower digit
    """
    digit_bits = (max(V - 1, 1).bit_length() + 1) // 2
    most = min(V, lookups) + 1
    return np.full(V, -1, np.int32), np.zeros(2**digit_bits, np.int32), np.zeros(most, np.int32), np.zeros(most, np.int32)


def find_distinct_ref(ids: np.ndarray, rows: np.ndarray, work: Workspace, distinct: np.ndarray, places: np.ndarray) -> int:
    """Fill distinct (at least min(V,B*T),) int32 and places (B,T) int32 for ids (N,T) of those rows (B,); give U.

    ``work`` is as ``workspace`` makes it.
    """
    found, inverse = np.unique(ids[rows], return_inverse=True)
    distinct[: len(found)] = found
    places[...] = inverse.reshape(places.shape)
    return len(found)


@jit
def find_distinct_jit(ids: np.ndarray, rows: np.ndarray, work: Workspace, distinct: np.ndarray, places: np.ndarray) -> int:
    """The same, compiled: mark, sort by two digits, look up.

    No branch depends on an id: at V=10,000 and 6,400 lookups a processor guesses one in four wrong, which made the search twice as long.
    16 microseconds there and 19 at V=88,584; the order as they come would be had for 12 and 15, from a map of bits for 22 and 29.
    """
    slot_of, counts, found, half_sorted = work
    B, T = places.shape
    U = 0
    for b in range(B):
        row = rows[b]
        for t in range(T):
            v = ids[row, t]
            new = slot_of[v] < 0
            slot_of[v] = 0
            found[U] = v  # overwritten by the next one unless it is new
            U += int(new)
    shift = 0
    while (1 << shift) < counts.size:
        shift += 1
    for digit in range(2):
        source, target = (found, half_sorted) if digit == 0 else (half_sorted, distinct)
        for k in range(counts.size):
            counts[k] = 0
        for u in range(U):
            counts[(source[u] >> (digit * shift)) & (counts.size - 1)] += 1
        before = 0
        for k in range(counts.size):
            here = counts[k]
            counts[k] = before
            before += here
        for u in range(U):
            k = (source[u] >> (digit * shift)) & (counts.size - 1)
            target[counts[k]] = source[u]
            counts[k] += 1
    for u in range(U):
        slot_of[distinct[u]] = u
    for b in range(B):
        row = rows[b]
        for t in range(T):
            places[b, t] = slot_of[ids[row, t]]
    for u in range(U):
        slot_of[distinct[u]] = -1
    return U


def gather_ref(weight: np.ndarray, distinct: np.ndarray, picked: np.ndarray) -> None:
    """picked (U,E) = weight (V,E) at distinct (U,)."""
    picked[...] = weight[distinct]


@jit
def gather_jit(weight: np.ndarray, distinct: np.ndarray, picked: np.ndarray) -> None:
    """The same, compiled."""
    U, E = picked.shape
    for u in range(U):
        v = distinct[u]
        for i in range(E):
            picked[u, i] = weight[v, i]


def scatter_ref(picked: np.ndarray, distinct: np.ndarray, weight: np.ndarray) -> None:
    """weight (V,E) at distinct (U,) = picked (U,E)."""
    weight[distinct] = picked


@jit
def scatter_jit(picked: np.ndarray, distinct: np.ndarray, weight: np.ndarray) -> None:
    """The same, compiled."""
    U, E = picked.shape
    for u in range(U):
        v = distinct[u]
        for i in range(E):
            weight[v, i] = picked[u, i]


def clear_rows_ref(weight: np.ndarray, rows: np.ndarray) -> None:
    """weight (V,E) at rows (U,) = 0."""
    weight[rows] = 0


@jit
def clear_rows_jit(weight: np.ndarray, rows: np.ndarray) -> None:
    """The same, compiled."""
    E = weight.shape[1]
    for u in range(rows.size):
        v = rows[u]
        for i in range(E):
            weight[v, i] = 0


class Kernels(NamedTuple):
    """One backend's functions."""

    find: Callable[..., int]
    gather: Callable[..., None]
    scatter: Callable[..., None]
    clear: Callable[..., None]


BACKENDS = {
    "numpy": Kernels(find_distinct_ref, gather_ref, scatter_ref, clear_rows_ref),
    "numba": Kernels(find_distinct_jit, gather_jit, scatter_jit, clear_rows_jit),
}


def pays(shape: tuple[int, ...], lookups: int) -> bool:
    """Whether a batch of so many lookups in a weight of that shape (V,E) is better computed on its distinct ids than on all V.

    Measured as CPU time of a training step on one core (Zen 5), ids spread as IMDB's are, H=8. Microseconds on all V and on distinct ids:

        6,400 lookups, E=16:   V=200  43, 54     2,000  81, 92     3,000  99, 98     10,000  258, 139     88,584  2006, 287
        800 lookups, E=16:     V=200  14, 17     500  18, 19       1,000  28, 21
        51,200 lookups, E=16:  V=10,000  612, 726                  20,000  949, 929   50,000  3201, 1438
        6,400 lookups, one-hot, so rows of 8:  V=5,000  81, 98     10,000  129, 124   88,584  892, 212

    With E=64 and H=128 they are alike at V=500 already: what is saved grows with the width of a row, and the search does not. A few lookups
    count as a thousand: either way takes next to nothing then, and one review is read as the batches that the model was trained on, so that
    nothing is compiled for it alone.
    """
    V, width = shape
    return V * width > 8 * max(lookups, 1024)


@dataclass(frozen=True, slots=True)
class DistinctTokens:
    """Tokens, and which words stand there.

    Attributes
    ----------
    tokens : as they came
    distinct (U,) int32 : their ids, ascending, each once. The next search overwrites it
    places (B,T) int32 : where each lies in ``distinct``
    """

    tokens: TokenRows
    distinct: np.ndarray
    places: np.ndarray


class Search:
    """The search for distinct ids, in memory that lasts from batch to batch."""

    def __init__(self) -> None:
        self._sizes = (0, 0)

    def __call__(self, tokens: TokenRows, shape: tuple[int, ...], backend: str) -> DistinctTokens | None:
        """Give the tokens with their distinct ids, for a weight of that shape (V,E); None where all V rows are the better way."""
        B, T, V = len(tokens.rows), tokens.ids.shape[1], shape[0]
        if not pays(shape, B * T):
            return None
        if self._sizes[0] != V or self._sizes[1] < B * T:
            self._sizes = (V, B * T)
            self._work = workspace(V, B * T)
            self._distinct, self._places = np.empty(min(V, B * T), np.int32), np.empty(B * T, np.int32)
        places = self._places[: B * T].reshape(B, T)
        U = BACKENDS[backend].find(tokens.ids, tokens.rows, self._work, self._distinct, places)
        return DistinctTokens(tokens, self._distinct[:U], places)
