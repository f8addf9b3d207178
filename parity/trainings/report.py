"""The table of a run, and everything in it as JSON.

Comes in: a workload and records. Goes out: `Report`: drifts, comparisons, findings, lines of text, and ``trainings.json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minirnn.files import atomic_path
from parity.trainings import drift, seeds, stopping
from parity.trainings.drift import Drift
from parity.trainings.findings import Finding
from parity.trainings.record import Record
from parity.trainings.run import Ran
from parity.trainings.seeds import Comparison
from parity.trainings.trainers import TRAINERS
from parity.trainings.workload import MODELS, Workload


@dataclass(frozen=True)
class Report:
    """All that was compared.

    Attributes
    ----------
    head : what was trained on, and with what: source, sizes, settings, digest, versions, machine
    ran : records, and what was left out
    drifts, comparisons, findings : see their modules
    """

    head: dict[str, Any]
    ran: Ran
    drifts: list[Drift]
    comparisons: list[Comparison]
    findings: list[Finding]

    @property
    def passed(self) -> bool:
        """Whether nothing failed, and something was judged."""
        return bool(self.findings) and all(finding.passed for finding in self.findings)

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        with atomic_path(path) as partial:
            partial.write_text(json.dumps(as_json(self), separators=(",", ":")).replace('},{"', '},\n{"') + "\n", encoding="utf-8")


def make(workload: Workload, ran: Ran, machine: dict[str, str]) -> Report:
    """Compare all records.

    Parameters
    ----------
    workload : that they were trained on
    ran : the records
    machine : processor, system, commit; for the head
    """
    drifts = [found for model in MODELS for found in drift.pairs(ran.by_trainer("drift", model))]
    findings = drift.judge(drifts)
    for model in MODELS:
        findings += stopping.judge(ran.by_trainer("stopping", model), workload.settings.patience)
    comparisons = [
        comparison
        for model in MODELS
        for figure in seeds.FIGURES
        for comparison in seeds.compare(model, figure, seeds.samples(ran.of("seeds", model), figure))
    ]
    head = {
        **machine,
        "reviews": workload.source,
        "training": len(workload.ids),
        "validation": len(workload.val_ids),
        "settings": asdict(workload.settings),
        "digest": workload.digest(),
        "versions": {name: version for record in ran.records for name, version in record.versions.items()},
    }
    return Report(head, ran, drifts, comparisons, findings + seeds.judge(comparisons))


def lines(report: Report) -> Iterable[str]:
    """Give the table."""
    yield from _head(report.head)
    if report.drifts:
        yield "\ndrift: relative norm of the difference of all weights after so many steps; largest difference of an epoch's val_loss"
        for pair in report.drifts:
            yield _drift(pair)
    stops = [(model, record) for model in MODELS for record in report.ran.by_trainer("stopping", model).values()]
    if stops:
        yield "\nstopping: the epoch that early stopping ended with, the one restored, its figures on the validation set"
        for model, record in stops:
            yield (
                f"  {model:<10}{TRAINERS[record.job.trainer].title:<30}stop {record.stopped_epoch}  best {record.best_epoch}  "
                f"val_loss {record.best('val_loss'):.6f}  val_accuracy {record.best('val_accuracy'):.4f}"
            )
    if report.comparisons:
        yield "\nseeds: at the best epoch of each training: median, least and largest"
        for model in MODELS:
            yield from _seeds(model, report.ran.of("seeds", model))
        yield "  permutation tests"
        for comparison in report.comparisons:
            names = f"{TRAINERS[comparison.first].title} / {TRAINERS[comparison.second].title}"
            yield f"  {comparison.model:<10}{comparison.figure:<14}{names:<44}p {comparison.p:.2g}"
    yield ""
    for finding in report.findings:
        word = "FAILED" if not finding.passed else "floor " if finding.by_floor else "ok    "
        title = TRAINERS[finding.keras].title
        yield f"{word} {finding.experiment:<9}{finding.model:<10}{title:<26}{finding.what:<29}{finding.words}"
    for reason in report.ran.left_out:
        yield f"left out: {reason}"
    failed = sum(not finding.passed for finding in report.findings)
    outcome = "nothing could be judged" if not report.findings else f"{failed} FAILED" if failed else "all passed"
    floored = sum(finding.passed and finding.by_floor for finding in report.findings)
    if floored:
        outcome += f", {floored} of them (floor) without meeting their target, where Keras is as far from itself"
    yield f"\n{len(report.ran.records)} trainings, {len(report.findings)} findings, {outcome}"


def _head(head: dict[str, Any]) -> Iterable[str]:
    settings = head["settings"]
    counts = f"{head['training']:,} training and {head['validation']:,} validation reviews"
    yield f"whole trainings of minirnn and Keras on {head['reviews']}: {counts}"
    yield (
        f"T={settings['maxlen']}, V={settings['num_words']}, E={settings['embedding_dim']}, H={settings['units']}, "
        f"batch {settings['batch_size']}, RMSprop {settings['learning_rate']}, patience {settings['patience']}, "
        f"first weights by seed {settings['seed']}; digest {head['digest']}"
    )
    yield ", ".join(f"{name} {version}" for name, version in head["versions"].items())
    yield ", ".join(head[name] for name in ("processor", "system", "commit") if name in head)


def _drift(pair: Drift) -> str:
    names = f"{TRAINERS[pair.first].title} / {TRAINERS[pair.second].title}"
    chosen = sorted(
        {0, *(place for place, point in enumerate(pair.points) if point in (10, 100)), _first_epoch(pair), len(pair.points) - 1}
    )
    steps = "  ".join(f"{pair.points[place]:,}: {pair.overall[place]:.1e}" for place in chosen)
    return f"  {pair.model:<10}{pair.role:<19}{names:<56}{steps}  val_loss {np.max(pair.logs['val_loss']):.1e}"


def _first_epoch(pair: Drift) -> int:
    """The place of the end of the first epoch: epochs' ends are the last points, one for each."""
    return len(pair.points) - len(pair.logs["loss"])


def _seeds(model: str, records: Sequence[Record]) -> Iterable[str]:
    losses, accuracies = seeds.samples(records, "val_loss"), seeds.samples(records, "val_accuracy")
    for name, values in losses.items():
        spreads = [f"{np.median(of):.4f} ({min(of):.4f} to {max(of):.4f})" for of in (values, accuracies[name])]
        stuck = f"{sum(value > seeds.STUCK for value in values)} above {seeds.STUCK}"
        yield f"  {model:<10}{TRAINERS[name].title:<22}{len(values)} seeds  val_loss {spreads[0]}  val_accuracy {spreads[1]}  {stuck}"


def as_json(report: Report) -> dict[str, Any]:
    """Give everything but the weights, in a form that JSON can hold; differences with three digits."""

    def short(values: Iterable[float]) -> list[float]:
        return [float(f"{value:.3g}") for value in values]

    return {
        "head": report.head,
        "passed": report.passed,
        "findings": [finding._asdict() for finding in report.findings],
        "left_out": report.ran.left_out,
        "drift": [
            {
                "model": pair.model,
                "first": pair.first,
                "second": pair.second,
                "role": pair.role,
                "steps": pair.points,
                "overall": short(pair.overall),
                "largest": {name: short(values) for name, values in pair.largest.items()},
                "relative": {name: short(values) for name, values in pair.relative.items()},
                "logs": {name: short(values) for name, values in pair.logs.items()},
            }
            for pair in report.drifts
        ],
        "trainings": [
            {
                **asdict(record.job),
                "stopped_epoch": record.stopped_epoch,
                "best_epoch": record.best_epoch,
                "restored_best": record.restored_best,
                "checkpoint_best": record.checkpoint_best,
                "best": {name: float(f"{record.best(name):.7g}") for name in record.logs},
                **({"val_loss": [float(f"{value:.7g}") for value in record.logs["val_loss"]]} if record.job.seed is None else {}),
            }
            for record in report.ran.records
        ],
        "seeds": [asdict(comparison) for comparison in report.comparisons],
    }
