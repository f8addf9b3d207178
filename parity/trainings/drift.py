"""How far two trainings from the same first weights, on the same batches, run apart.

Comes in: records. Goes out: a `Drift` per pair, and for each of minirnn against Keras a finding per tensor.

    difference(s)   max |w_s - u_s|                     of a tensor after step s, w minirnn's and u Keras's
    relative(s)     ‖w_s - u_s‖ / ‖u_s‖
    floor(s)        max over r ≤ s of the difference(r) of two trainings that do the same mathematics and differ in rounding alone:
                    minirnn in float32 and in float64, Keras in float32 and in float64, Keras on two backends of the same kind
    allowed(s)      4 floor(s) + FEW ULP                ULP of float32, at the tensor's largest element over the whole training

Two sides that are each at most twice the floor off are at most four times it apart; `parity.compare` grants the same twice. Rounding
errors grow along a training by a factor that nobody can state beforehand, but it is the same for all of them, and the floor has grown by
it too. The floor of minirnn's two dtypes does not see a fault that both share, so the fault stands out against it, and the first step at
which a tensor is elsewhere says where to look: a fault in one weight's gradient moves that weight at step 1, the others only afterwards.

Two float64 trainings are compared the same way. Their rounding errors are 2^-29 of float32's, and so is their floor.

A training can be chaotic: rounding errors grow by powers of ten within an epoch, until every digit is theirs. Beyond the horizon, the first
step at which the floor of some weight has lost half of float32's 24 binary digits, no two trainings agree, Keras's own among them, and
weights are no longer judged; the finding says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from parity.compare import HALF_THE_DIGITS, PRECISION_RATIO
from parity.trainings.findings import Finding
from parity.trainings.record import Record
from parity.trainings.trainers import TRAINERS, exact_twin, ours_like, unmoved

OURS, KERAS, ROUNDING, KINDS = "minirnn - Keras", "Keras - Keras", "float32 - float64", "D2"
"""Roles of a pair: what is judged; the two floors; and two Kerases that do different mathematics."""

SPREAD = 4.0
"""Times the floor that two sides may be apart, each at most twice."""

FEW = 6.0
"""Units in the last place that are granted on top, as in `parity.compare`."""

VAL_LOSS_TARGET = 1e-4
"""Difference of an epoch's val_loss [nats] to stay below."""


@dataclass(frozen=True)
class Drift:
    """Two trainings side by side.

    Attributes
    ----------
    model, first, second, role : which model, whose trainings, and what the pair is for
    points : steps after which weights were compared, counted from 1
    largest, relative : tensor -> difference and relative norm at each point
    overall : relative norm of all weights together
    ulp : tensor -> one unit in the last place, as above
    logs : figure -> |difference| of each epoch, "val_loss" say
    """

    model: str
    first: str
    second: str
    role: str
    points: list[int]
    largest: dict[str, np.ndarray]
    relative: dict[str, np.ndarray]
    overall: np.ndarray
    ulp: dict[str, float]
    logs: dict[str, np.ndarray]


def compare(first: Record, second: Record, role: str) -> Drift:
    """Compare two trainings at the points that both have.

    Raises
    ------
    ValueError
        They are of different models or examples.
    """
    if (first.job.model, first.workload) != (second.job.model, second.workload):
        raise ValueError(f"compare: {first.job.name} and {second.job.name} were not trained on the same. Train both anew.")
    points = [point for point in first.points if point in second.points]
    at, at_other = ([record.points.index(point) for point in points] for record in (first, second))
    largest, relative, ulp = {}, {}, {}
    squares, sizes = np.zeros(len(points)), np.zeros(len(points))
    for name, values in first.weights.items():
        others = second.weights[name]
        coarser = min(values.dtype, others.dtype, key=lambda dtype: dtype.itemsize).type
        w, u = values[at].astype(np.float64), others[at_other].astype(np.float64)
        axes = tuple(range(1, w.ndim))
        apart, size = np.sum((w - u) ** 2, axis=axes), np.sum(u * u, axis=axes)
        largest[name] = np.max(np.abs(w - u), axis=axes)
        relative[name] = np.sqrt(apart / np.maximum(size, np.finfo(np.float64).tiny))
        ulp[name] = float(np.spacing(coarser(np.max(np.abs(u), initial=0, where=np.isfinite(u)))))
        squares, sizes = squares + apart, sizes + size
    epochs = min(len(first.logs["loss"]), len(second.logs["loss"]))
    logs = {name: np.abs(np.subtract(first.logs[name][:epochs], second.logs[name][:epochs])) for name in first.logs}
    return Drift(
        first.job.model, first.job.trainer, second.job.trainer, role, points, largest, relative, np.sqrt(squares / sizes), ulp, logs
    )


def pairs(records: Mapping[str, Record]) -> list[Drift]:
    """Pair the trainings of one model, given by trainer: minirnn with each Keras, and those that show the floors."""
    if not records:
        return []
    model = next(iter(records.values())).job.model
    keras = [TRAINERS[name] for name in records if TRAINERS[name].is_keras]
    found = [(ours_like(theirs, model), theirs, OURS) for theirs in keras if not theirs.moved]
    found += [(unmoved(theirs), theirs, KERAS) for theirs in keras if theirs.moved]
    for one, other in combinations([theirs for theirs in keras if theirs.dtype == "float32" and not theirs.moved], 2):
        found.append((one, other, KERAS if one.kind(model) == other.kind(model) else KINDS))
    twins = [(TRAINERS[name], exact_twin(TRAINERS[name])) for name in records]
    found.extend((trainer, twin, ROUNDING) for trainer, twin in twins if twin is not None)
    return [
        compare(records[one.name], records[other.name], role) for one, other, role in found if one.name in records and other.name in records
    ]


def floors(drift: Drift, drifts: Iterable[Drift]) -> list[Drift]:
    """Give the pairs that show the floor of a pair: same mathematics, different rounding."""
    kind = TRAINERS[drift.second].kind(drift.model)
    return [
        other
        for other in drifts
        if other.role in (KERAS, ROUNDING) and other.model == drift.model and TRAINERS[other.first].kind(other.model) == kind
    ]


def judge(drifts: Iterable[Drift]) -> list[Finding]:
    """Hold minirnn's drift from each Keras to the floor, tensor by tensor, and the difference of val_loss to its target."""
    drifts = list(drifts)
    return [
        finding for drift in drifts if drift.role == OURS for finding in (*_tensors(drift, floors(drift, drifts)), _val_loss(drift, drifts))
    ]


def _tensors(drift: Drift, below: list[Drift]) -> list[Finding]:
    precision = 1.0 if TRAINERS[drift.second].dtype == "float32" else PRECISION_RATIO
    floor = {name: np.zeros(len(drift.points)) for name in drift.largest}
    for other in below:
        for name, differences in other.largest.items():
            shown = dict(zip(other.points, differences, strict=True))
            floor[name] = np.maximum(floor[name], np.maximum.accumulate([shown.get(point, 0.0) for point in drift.points]))
    lost = np.any([floor[name] * precision > HALF_THE_DIGITS * drift.ulp[name] for name in floor], axis=0)
    horizon = int(np.argmax(lost)) if lost.any() else len(drift.points)
    findings = []
    for name, differences in drift.largest.items():
        allowed = SPREAD * precision * floor[name][:horizon] + FEW * drift.ulp[name]
        excess = differences[:horizon] / allowed
        outside = np.flatnonzero(~(excess <= 1))  # NaN is outside too
        if not horizon:
            words = "the floor has lost half of its digits from the start: nothing can be judged"
        else:
            at = int(outside[0]) if len(outside) else int(np.argmax(excess))
            words = f"{differences[at]:.1e} apart after step {drift.points[at]:,}, allowed {allowed[at]:.1e}"
        if 0 < horizon < len(drift.points):
            words += f"; judged to step {drift.points[horizon - 1]:,}, by {drift.points[horizon]:,} the floor has lost half of its digits"
        findings.append(Finding("drift", drift.model, drift.second, name, horizon > 0 and not len(outside), words))
    return findings


def _val_loss(drift: Drift, drifts: list[Drift]) -> Finding:
    worst = float(np.max(drift.logs["val_loss"]))
    words = f"at most {worst:.1e} apart in epochs 1 to {len(drift.logs['val_loss'])}, target {VAL_LOSS_TARGET:.0e}"
    if worst < VAL_LOSS_TARGET:
        return Finding("drift", drift.model, drift.second, "val_loss", True, words)
    floor, where = max(
        ((float(np.max(other.logs["val_loss"])), other) for other in floors(drift, drifts)), key=lambda pair: pair[0], default=(0.0, drift)
    )
    words += f", missed; {TRAINERS[where.first].title} and {TRAINERS[where.second].title}, the same mathematics, are {floor:.1e} apart"
    return Finding("drift", drift.model, drift.second, "val_loss", worst <= SPREAD * floor, words, by_floor=True)
