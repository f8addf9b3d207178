"""Trainings as a user runs them, from own first weights with own shuffling: do minirnn and Keras end in the same places?

Comes in: records of several seeds per trainer. Goes out: a `Comparison` per pair of trainers and figure, and findings.

Both draw from the same distributions and from different streams, so no seed of the one has a partner in the other, and only the
distributions can be compared. A permutation test does that without assuming a shape, which matters because some seeds never leave the
plateau at ln 2 and lie far from the others:

    statistic   |mean rank of the one - mean rank of the other|, ranks taken over both together
    p           share of all ways to deal the same values into two groups of these sizes whose statistic is at least as large

With n seeds each, p cannot be less than 2 / C(2n, n): 0.008 for five. A verdict of "different" at p < LEVEL is therefore possible from five
seeds on, and takes complete separation there; more seeds see smaller differences.

Source: scipy.stats.permutation_test, exact as long as all ways can be counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from scipy import stats

from parity.trainings.findings import Finding
from parity.trainings.record import Record
from parity.trainings.trainers import TRAINERS, ours_like

FIGURES = ("val_loss", "val_accuracy")
LEVEL = 0.01
RESAMPLES = 19_999
STUCK = 0.6
"""val_loss [nats] above which a training has not left the plateau at ln 2 = 0.693."""


@dataclass(frozen=True)
class Comparison:
    """Two samples of a figure at the best epoch.

    Attributes
    ----------
    model, first, second, figure : what is compared
    medians : of each
    p : of the permutation test
    least_p : the smallest that these numbers of seeds can give
    """

    model: str
    first: str
    second: str
    figure: str
    medians: tuple[float, float]
    p: float
    least_p: float

    @property
    def differs(self) -> bool:
        """Whether the two distributions are seen to differ."""
        return self.p < LEVEL


def rank_distance(one: np.ndarray, other: np.ndarray, axis: int = -1) -> np.ndarray:
    """Give the distance of the mean ranks of two samples; ties share their mean rank."""
    ranks = stats.rankdata(np.concatenate([one, other], axis=axis), axis=axis)
    first, second = np.split(ranks, [one.shape[axis]], axis=axis)
    distance: np.ndarray = np.abs(np.mean(first, axis=axis) - np.mean(second, axis=axis))
    return distance


def permutation_p(one: Sequence[float], other: Sequence[float]) -> float:
    """Give p of the permutation test on mean ranks."""
    test = stats.permutation_test(
        (np.asarray(one), np.asarray(other)),
        rank_distance,
        vectorized=True,
        n_resamples=RESAMPLES,
        alternative="greater",
        random_state=np.random.default_rng(20261123),  # its name before SciPy 1.15, which later ones take too
    )
    return float(test.pvalue)


def samples(records: Sequence[Record], figure: str) -> dict[str, list[float]]:
    """Give a figure at the best epoch of each training, by trainer."""
    found: dict[str, list[float]] = {}
    for record in records:
        found.setdefault(record.job.trainer, []).append(record.best(figure))
    return found


def compare(model: str, figure: str, values: Mapping[str, Sequence[float]]) -> list[Comparison]:
    """Compare each two trainers that have two seeds or more."""
    several = [name for name, found in values.items() if len(found) > 1]
    return [
        Comparison(
            model,
            first,
            second,
            figure,
            (float(np.median(values[first])), float(np.median(values[second]))),
            permutation_p(values[first], values[second]),
            2 / comb(len(values[first]) + len(values[second]), len(values[first])),
        )
        for first, second in combinations(several, 2)
    ]


def judge(comparisons: Sequence[Comparison]) -> list[Finding]:
    """Require that minirnn's distribution is not seen to differ from that of each Keras of the same mathematics."""
    findings = []
    for comparison in comparisons:
        keras = next((TRAINERS[name] for name in (comparison.second, comparison.first) if TRAINERS[name].is_keras), None)
        if keras is None or {ours_like(keras, comparison.model).name, keras.name} != {comparison.first, comparison.second}:
            continue
        one, other = comparison.medians
        words = (
            f"medians {one:.4f} and {other:.4f}, p {comparison.p:.2g} (least possible {comparison.least_p:.2g}, different below {LEVEL})"
        )
        findings.append(Finding("seeds", comparison.model, keras.name, comparison.figure, not comparison.differs, words))
    return findings
