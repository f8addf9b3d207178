"""``parity.json``: everything that was found, for other programs and for the page.

Comes in: facts and outcomes. Goes out: plain values:

    header            versions, machine, commit; see ``header.py``
    passed, failures  the verdict on the whole, and what stands against it, a sentence each
    backends          by name: version, denormals, seconds, numbers of tensors, what crashed
    left_out          backends that are not installed, and how to install them
    cases             by name: seeds, seconds on each backend, the command that runs it alone
    tensors           every verdict: the fields of ``compare.Verdict``, its statistics those of ``errors.Errors``, its backend, its kind
    histogram_edges   upper bounds [ULP] of the bins of every histogram, see ``errors.EDGES``
    decisions         one for each case named decision.*: its verdict on each backend, where Keras's backends disagree
    intended          the entries of ``intended.json``
    trainings         what ``--full`` found, or null

Numbers that JSON has no word for are written as "inf", "-inf" and "nan".
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from minirnn.files import atomic_write
from parity import table
from parity.backends import Outcome
from parity.compare import Verdict
from parity.errors import EDGES
from parity.full import Section
from parity.intended import INTENDED

LOSSES = ("loss", "val_loss", "running_loss", "step_loss", "evaluated", "called", "caps", "accuracy", "val_accuracy", "running", "value")
KINDS = (
    "equal by nature",
    "activations",
    "outputs",
    "gradients on inputs",
    "gradients of weights",
    "losses and metrics",
    "weights after steps",
)
DECISION = "decision."


def kind_of(verdict: Verdict) -> str:
    """Give the kind of a tensor, one of `KINDS`, by its names."""
    if verdict.exact:
        return KINDS[0]
    if verdict.case.startswith("activations."):
        return KINDS[1]
    name = verdict.tensor
    if name in LOSSES:
        return KINDS[5]
    if name in ("dx", "dscores", "gradient") or name.startswith("dstart"):
        return KINDS[3]
    if name.startswith("d") and not name.startswith("dense."):
        return KINDS[4]
    steps = "@" in name or "." in name or verdict.case.startswith("growth.rmsprop")
    return KINDS[6] if steps else KINDS[2]


def of_run(
    facts: Mapping[str, Any], outcomes: Sequence[Outcome], absent: Mapping[str, str], stale: Sequence[str], trainings: Section | None
) -> dict[str, Any]:
    """Put a run together."""
    failures = [
        f"{outcome.backend}: {verdict.case}, {verdict.tensor}: {verdict.note or 'further from the truth than allowed'}"
        for outcome in outcomes
        for verdict in outcome.failures
    ]
    failures += [f"{outcome.backend}: {outcome.crash}" for outcome in outcomes if outcome.crash] + list(stale)
    if trainings is not None and not trainings.passed:
        failures.append(f"{trainings.title}: see there")
    verdicts = [(outcome.backend, verdict) for outcome in outcomes for verdict in outcome.verdicts]
    return {
        "header": dict(facts),
        "passed": not failures and all(outcome.passed for outcome in outcomes),
        "failures": failures,
        "backends": {outcome.backend: _of_backend(outcome) for outcome in outcomes},
        "left_out": dict(absent),
        "cases": _cases(outcomes),
        "tensors": [
            {"backend": backend, "kind": kind_of(verdict), "word": table.word(verdict), **asdict(verdict)} for backend, verdict in verdicts
        ],
        "histogram_edges": EDGES.tolist(),
        "decisions": _decisions(verdicts),
        "intended": INTENDED,
        "trainings": None if trainings is None else {"title": trainings.title, "words": list(trainings.words), **trainings.record},
    }


def write(path: Path, report: Mapping[str, Any]) -> None:
    """Write it, whole or not at all, a tensor a line."""
    text = json.dumps(plain(report), separators=(",", ":"), allow_nan=False)
    with atomic_write(path, "w") as stream:
        stream.write(text.replace('{"backend":', '\n{"backend":') + "\n")


def plain(value: Any) -> Any:
    """Give a value that JSON can hold."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _of_backend(outcome: Outcome) -> dict[str, Any]:
    return {
        **outcome.header,
        "passed": outcome.passed,
        "tensors": len(outcome.verdicts),
        "cases": len(outcome.seconds),
        "failed": len(outcome.failures),
        "intended": sum(verdict.passed and verdict.intended is not None for verdict in outcome.verdicts),
        "seconds": outcome.total_seconds,
        "import_seconds": outcome.import_seconds,
        "crash": outcome.crash,
    }


def _cases(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for outcome in outcomes:
        for name, seconds in outcome.seconds.items():
            case = found.setdefault(name, {"seeds": outcome.seeds[name], "command": f"python -m parity --only {name}", "seconds": {}})
            case["seconds"][outcome.backend] = seconds
    return found


def _decisions(verdicts: Sequence[tuple[str, Verdict]]) -> list[dict[str, Any]]:
    """Give a row for each case named decision.NUMBER.WORDS: its verdict on each backend, the worst of its tensors', and the reason."""
    rows: dict[str, dict[str, Any]] = {}
    order = ("equal", "ok", "intended", "FAILED")
    for backend, verdict in verdicts:
        if not verdict.case.startswith(DECISION):
            continue
        number, _, words = verdict.case.removeprefix(DECISION).partition(".")
        row = rows.setdefault(verdict.case, {"name": number, "topic": words.replace("_", " "), "case": verdict.case, "backends": {}})
        found, word = row["backends"].setdefault(backend, {"word": "equal", "reason": ""}), table.word(verdict)
        if order.index(word) > order.index(found["word"]):
            row["backends"][backend] = {"word": word, "reason": verdict.intended or verdict.note}
    return list(rows.values())
