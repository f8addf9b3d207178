"""How far two trainings from the same first weights, on the same batches, run apart.

Comes in: records. Goes out: a `Drift` per pair, and for each of minirnn against Keras a finding per tensor.

    difference(s)   max |w_s - u_s|                     of a tensor after step s, w minirnn's and u Keras's
    relative(s)     ‖w_s - u_s‖ / ‖u_s‖
    floor(s)        max over r ≤ s of the difference(r) between two trainings that do the same mathematics and differ in rounding alone:
                    minirnn in float32 and in float64; Keras on two backends of the same kind
    allowed(s)      4 floor(s) + FEW ULP                ULP of float32, at the tensor's largest element over the whole training

Rounding errors of two sides that are each at most twice the floor add up to four times it, as `parity.compare` grants twice. Rounding
errors grow along a training by a factor that nobody can state beforehand, and the floor has grown by the same. The floor of minirnn's own
two dtypes does not see a fault that both share, so the fault stands out against it, and the first step at which a tensor is elsewhere says
where to look: a fault in the gradient of one weight moves that weight at step 1, and the others only afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from parity.trainings.findings import Finding
from parity.trainings.record import Record
from parity.trainings.trainers import TRAINERS, exact_twin, ours_like

OURS, KERAS, ROUNDING, KINDS = "minirnn - Keras", "Keras - Keras", "float32 - float64", "D2"
"""Roles of a pair: what is judged; the two floors; and two Kerases that do different mathematics."""

SPREAD = 4.0
"""Times the floor that two sides may be apart, each at most twice."""

FEW = 6.0
"""Units in the last place that are granted on top, as in `parity.compare`."""

VAL_LOSS_TARGET = 1e-4
"""Largest difference of an epoch's val_loss [nats]."""


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
    for name in first.weights:
        w, u = first.weights[name][at].astype(np.float64), second.weights[name][at_other].astype(np.float64)
        axes = tuple(range(1, w.ndim))
        apart, size = np.sum((w - u) ** 2, axis=axes), np.sum(u * u, axis=axes)
        largest[name] = np.max(np.abs(w - u), axis=axes)
        relative[name] = np.sqrt(apart / np.maximum(size, np.finfo(np.float64).tiny))
        ulp[name] = float(np.spacing(np.float32(np.max(np.abs(u), initial=0))))
        squares, sizes = squares + apart, sizes + size
    epochs = min(len(first.logs["loss"]), len(second.logs["loss"]))
    logs = {name: np.abs(np.subtract(first.logs[name][:epochs], second.logs[name][:epochs])) for name in first.logs}
    return Drift(first.job.model, first.job.trainer, second.job.trainer, role, points, largest, relative, np.sqrt(squares / sizes), ulp, logs)


def pairs(records: Mapping[str, Record]) -> list[Drift]:
    """Pair the trainings of one model, by trainer: minirnn with each Keras, and what shows the floors."""
    keras = [TRAINERS[name] for name in records if TRAINERS[name].is_keras]
    model = next(iter(records.values())).job.model if records else ""
    drifts = []
    for theirs in keras:
        ours = ours_like(theirs, model).name
        if ours in records:
            drifts.append(compare(records[ours], records[theirs.name], OURS))
    for one, other in combinations(keras, 2):
        role = KERAS if one.kind(model) == other.kind(model) else KINDS
        drifts.append(compare(records[one.name], records[other.name], role))
    for trainer in TRAINERS.values():
        if not trainer.is_keras and trainer.dtype == "float32":
            twin = exact_twin(trainer).name
            if trainer.name in records and twin in records:
                drifts.append(compare(records[trainer.name], records[twin], ROUNDING))
    return drifts


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
    return [finding for drift in drifts if drift.role == OURS for finding in (*_tensors(drift, floors(drift, drifts)), _val_loss(drift))]


def _tensors(drift: Drift, below: list[Drift]) -> list[Finding]:
    findings = []
    for name, difference in drift.largest.items():
        floor = np.zeros(len(drift.points))
        for other in below:
            shown = dict(zip(other.points, other.largest[name], strict=True))
            floor = np.maximum(floor, [shown.get(point, 0.0) for point in drift.points])
        allowed = SPREAD * np.maximum.accumulate(floor) + FEW * drift.ulp[name]
        excess = difference / allowed
        outside = np.flatnonzero(~(excess <= 1))  # NaN is outside too
        at = int(outside[0]) if len(outside) else int(np.argmax(excess))
        words = f"{difference[at]:.1e} after step {drift.points[at]:,}, allowed {allowed[at]:.1e}"
        words += ": from there on elsewhere" if len(outside) else ", its closest"
        findings.append(Finding("drift", drift.model, drift.second, name, not len(outside), words))
    return findings


def _val_loss(drift: Drift) -> Finding:
    worst = float(np.max(drift.logs["val_loss"]))
    words = f"differs by at most {worst:.1e} over {len(drift.logs['val_loss'])} epochs, target {VAL_LOSS_TARGET:.0e}"
    return Finding("drift", drift.model, drift.second, "val_loss", worst < VAL_LOSS_TARGET, words)
