"""What the express way's kernel is handed: tuples of arrays and numbers, with names for those who fill them and those who read them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

BLOCK = 32
"""Words whose gradients are worked out together, in a buffer that stays in the nearest cache."""


class Batches(NamedTuple):
    """What is read: batches of B rows, the last one perhaps shorter; and what is left of each.

    Attributes
    ----------
    ids (n,T) : int32 or int64
    id_rows (M,) intp : which of the ids, batch after batch
    labels (N,K), weights (N,) float : of all examples
    label_rows (M,) intp : which of the labels
    outputs (M,K) float : out
    losses (S,) float64 : out, the loss of each batch; NaN or infinite where the training stopped, and 0 after it
    rates (S,) float64 : the learning rate of each step
    """

    ids: np.ndarray
    id_rows: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    label_rows: np.ndarray
    outputs: np.ndarray
    losses: np.ndarray
    rates: np.ndarray


class Network(NamedTuple):
    """All weights in one vector: embeddings (V,E), Wx (E,H), Wh, b, the head's W (H,K) and b; or, one-hot, from Wx (V,H) on.

    Attributes
    ----------
    values, gradients, velocity (P,) float
    settled (V,) int64 : the step at which a word's velocity was last brought up to date
    """

    values: np.ndarray
    gradients: np.ndarray
    velocity: np.ndarray
    settled: np.ndarray


class Sizes(NamedTuple):
    """Rows of a batch and of a chunk; chunks; steps; words; E, or 0 for one-hot; units; outputs; and whether there are biases."""

    B: int
    chunk: int
    chunks: int
    T: int
    V: int
    E: int
    H: int
    K: int
    biased: bool
    dense_biased: bool


class Settings(NamedTuple):
    """How a batch is computed: the activation's code; the order of reading; whether id 0 is padding; whether there is a training;
    RMSprop's numbers; label smoothing; and how many steps there were before.
    """

    activation: int
    backwards: bool
    masked: bool
    training: bool
    rho: float
    epsilon: float
    smoothing: float
    steps_before: int


class Work(NamedTuple):
    """Workspace: what one batch leaves for its next task. ``plan.py`` makes it; C chunks, R parts of the words, U words at most, rows of P
    units and of Q components, whole lanes.
    """

    distinct: np.ndarray  # (2,U) int32, in turn
    places: np.ndarray  # (2,B*T) int32
    counts: np.ndarray  # (2,) int64
    local_rows: np.ndarray  # (B,) intp 0, 1, ...
    numbers: np.ndarray  # int32 0, 1, ...
    nothing: np.ndarray  # zeros, a row
    bias: np.ndarray  # (P,)
    packed: np.ndarray  # Wx, and behind it its transpose
    recurrent: np.ndarray  # Wh, packed, and behind it its transpose
    gathered: np.ndarray  # (U,E)
    table: np.ndarray  # (U,P)
    steps: np.ndarray  # (C,T,n) int32
    visible: np.ndarray  # (C,T,n), or a few
    hs: np.ndarray  # (C,T+1,n,P)
    dh: np.ndarray  # (C,n,P)
    dz: np.ndarray  # (C, held steps * n * P)
    kept: np.ndarray  # (C,n+1,P)
    dlogits: np.ndarray  # (C,n,K)
    dtable: np.ndarray  # (C,U,P), 0 between batches
    dWh: np.ndarray  # (C,H,P)
    dhead: np.ndarray  # (C,H+1,K), the bias last
    chunk_losses: np.ndarray  # (C,) float64
    dWx: np.ndarray  # (R,E,P)
    db: np.ndarray  # (R,P)
    block: np.ndarray  # (R,BLOCK,P+Q)
