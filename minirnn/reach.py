"""How far back a network reads: what its output owes to each step, and over how many steps that adds up.

Comes in: the states of some reviews, Wh, and the weights of the Dense that reads the last state. Goes out: a few figures.

A step's word enters the state through z_t, so what the logit owes to step t is its gradient there, back from the last state,

    dh_T = W_head                               (K,B,H), one row for each output
    dz_t = dh_t · activation'(z_t)              0 where the mask says "padding"
    dh_(t-1) = dz_t · Whᵀ                       dh_t where masked

    reach         = Σ_t mean_b |dz_bt| / mean_b |dz_b,last|          steps, counted by how strong the gradient still is
    aligned reach = |Σ_t mean_b dz_bt| / |mean_b dz_b,last|          steps, counted as far as they pull the same way

Both are 1 for a network that looks at the last word only, and T for one that treats all T words alike. Between them lies the turning: a Wh
whose eigenvalues are far from the positive real axis turns the gradient at every step, so that the same word counts for "positive" at one
distance from the end and for "negative" at another. The gradient then gets far, and what it teaches about a word cancels out. A review is
judged by a sum over its words, and such a sum is carried only where the aligned reach is long.

    turn  = |angle of λ|, λ the eigenvalue of Wh with the largest real part: 0 where one direction is carried as it is; at 11 degrees
            a step, what a word left in the state points the other way after 16 steps

    saturated share = share of the states with |h| beyond a threshold, where the slope 1 - h² is nearly 0; of |2h - 1| for a sigmoid

Source: R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural networks", ICML 2013, section 2, for the way
back through the Jacobians; the two sums are minirnn's own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minirnn.activations import CODES, slope_ref


class Passage(NamedTuple):
    """What a recurrent layer went through in one batch.

    Attributes
    ----------
    hs (T+1,B,H) float : the states, in the order of processing; slot 0 is where they started
    visible (T,B) bool : steps that are no padding; None for all
    keep (B,H) float : what recurrent dropout multiplied the states with; None for nothing
    """

    hs: np.ndarray
    visible: np.ndarray | None = None
    keep: np.ndarray | None = None

    def first(self, rows: int) -> Passage:
        """Give the same of at most so many rows."""
        hs, visible, keep = self
        return Passage(hs[:, :rows], None if visible is None else visible[:, :rows], None if keep is None else keep[:rows])


def reach(passage: Passage, Wh: np.ndarray, head: np.ndarray, activation: str) -> tuple[float, float]:
    """Give the reach and the aligned reach, in steps; NaN where there are no states, or nothing comes back even to the last step.

    Parameters
    ----------
    passage : of some reviews
    Wh (H,H) float
    head (H,K) float : from the last state to the logits
    activation : its name

    Examples
    --------
    One unit that forgets nothing, read at small values, counts all four steps:

    >>> import numpy as np
    >>> passage = Passage(np.zeros((5, 2, 1)))
    >>> reach(passage, np.eye(1), np.ones((1, 1)), "tanh")
    (4.0, 4.0)

    One that turns what it holds into its opposite at each step reaches as far, and adds nothing up:

    >>> reach(passage, -np.eye(1), np.ones((1, 1)), "tanh")
    (4.0, 0.0)
    """
    hs, visible, keep = passage
    (T1, B, H), K = hs.shape, head.shape[1]
    T = T1 - 1
    if T == 0 or B == 0:
        return float("nan"), float("nan")
    slopes = slope_ref(np.ascontiguousarray(hs[1:]), CODES[activation])
    last = np.full(B, T - 1)
    if visible is not None:
        slopes = slopes * visible[:, :, None]
        last -= visible[::-1].argmax(axis=0)
    # An output more is so many rows more, and the products are dot's, into arrays that are there: 2 us a step, where @ takes 5
    slopes, back = np.tile(slopes, (1, K, 1)), np.ascontiguousarray(Wh.T, slopes.dtype)
    dz, dh = np.empty_like(slopes), np.repeat(head.T, B, axis=0).astype(slopes.dtype)
    before = np.empty_like(dh)
    for t in range(T - 1, -1, -1):
        np.multiply(dh, slopes[t], out=dz[t])
        np.dot(dz[t], back, out=before)
        if keep is not None:
            before *= np.tile(keep, (K, 1))
        if visible is not None:
            np.copyto(before, dh, where=~np.tile(visible[t], K)[:, None])
        dh, before = before, dh
    dz = dz.reshape(T, K, B, H)
    norms = np.sqrt(np.einsum("tkbh,tkbh->tb", dz, dz))
    rows = np.arange(B)
    at_end, of_the_mean = float(norms[last, rows].mean()), float(np.linalg.norm(dz[last, :, rows].mean(axis=0)))
    if not (at_end > 0 and of_the_mean > 0):
        return float("nan"), float("nan")
    total = dz.sum(axis=0).mean(axis=1)
    return float(norms.sum()) / B / at_end, float(np.linalg.norm(total)) / of_the_mean


def eigenvalues_of(Wh: np.ndarray) -> np.ndarray:
    """Give the eigenvalues (H,) of Wh (H,H); NaN where a weight is not finite.

    >>> import numpy as np
    >>> float(np.abs(eigenvalues_of(np.array([[0.5, 0.0], [7.0, -2.0]]))).max())
    2.0
    """
    return np.linalg.eigvals(Wh) if np.isfinite(Wh).all() else np.full(len(Wh), np.nan)


def leading_turn(eigenvalues: np.ndarray) -> float:
    """Give the turn, 0..180 degrees, of those eigenvalues.

    >>> import numpy as np
    >>> round(leading_turn(np.array([-1.0, 0.2, 0.5 + 0.5j, 0.5 - 0.5j])), 6)
    45.0
    """
    return float(np.degrees(np.abs(np.angle(eigenvalues[np.argmax(eigenvalues.real)]))))


def saturated_share(passage: Passage, activation: str, threshold: float) -> float:
    """Give the share of the units, over all steps that are no padding, that are near a bound of their activation.

    Parameters
    ----------
    passage, activation : of `reach`; where the states started is not counted
    threshold : 0..1, of |h| for a tanh and of |2h - 1| for a sigmoid

    Returns
    -------
    float
        0..1; NaN for an activation without bounds, and where there are no states.

    Examples
    --------
    >>> import numpy as np
    >>> saturated_share(Passage(np.array([[[0.0, 0.0]], [[0.5, -0.999]]])), "tanh", 0.99)
    0.5
    """
    h, visible = passage.hs[1:], passage.visible
    if activation not in ("tanh", "sigmoid") or not h.size or (visible is not None and not visible.any()):
        return float("nan")
    beyond = np.abs(h if activation == "tanh" else 2 * h - 1) > threshold
    if visible is None:
        return float(beyond.mean())
    return float((beyond & visible[:, :, None]).sum() / (visible.sum() * h.shape[2]))
