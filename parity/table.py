"""The table on the terminal: a line per tensor, and what is said at the end.

Comes in: verdicts and outcomes. Goes out: lines of text, at most 140 characters wide, but for notes of failures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from parity.backends import Outcome
from parity.compare import Verdict

COLUMNS = "{case:<46}{tensor:<26}{shape:>11}{error:>10}{keras:>10}{allowed:>10}{at:>12}  {verdict}"
EXPLANATION = "errors are distances to the truth, in ULP of float32; for exact cases, the number of elements that differ"


def head() -> str:
    """Give the heads of the columns."""
    return COLUMNS.format(
        case="case", tensor="tensor", shape="shape", error="minirnn", keras="Keras", allowed="allowed", at="worst at", verdict="verdict"
    )


def line(verdict: Verdict) -> str:
    """Give a verdict as a line of the table; of one that failed, the reason on a line of its own."""
    text = COLUMNS.format(
        case=_cut(verdict.case, 45),
        tensor=_cut(verdict.tensor, 25),
        shape=",".join(map(str, verdict.shape)) or "scalar",
        error=f"{verdict.error:.3g}",
        keras=f"{verdict.keras_error:.3g}",
        allowed=f"{verdict.allowed:.3g}",
        at=",".join(map(str, verdict.at)),
        verdict=word(verdict),
    )
    return text if verdict.passed or not verdict.note else f"{text}\n    {verdict.note}"


def word(verdict: Verdict) -> str:
    """Give a verdict in a word."""
    if not verdict.passed:
        return "FAILED"
    return "intended" if verdict.intended else "equal" if verdict.exact else "ok"


def overall(outcome: Outcome) -> str:
    """Give the line that ends a backend."""
    found, failures = outcome.verdicts, len(outcome.failures)
    intended = sum(verdict.passed and verdict.intended is not None for verdict in found)
    said = f"{failures} FAILED" if failures else "none failed" if outcome.crash else "all passed"
    parts = [f"{len(found)} tensors in {len({verdict.case for verdict in found})} cases, {said}"]
    if intended:
        parts.append(f"{intended} differ on purpose")
    parts.append(f"{outcome.total_seconds:.0f} s and {outcome.import_seconds:.0f} s of loading" if not outcome.crash else "CRASHED")
    return f"Keras on {outcome.backend}: " + ", ".join(parts)


def ending(outcomes: Sequence[Outcome], stale: Sequence[str]) -> Iterable[str]:
    """Give what is said of all backends: reasons of differences on purpose, failures, and one overall line."""
    reasons: dict[str, list[str]] = {}
    for outcome in outcomes:
        for verdict in outcome.verdicts:
            if verdict.passed and verdict.intended:
                places = reasons.setdefault(verdict.intended, [])
                places += [place] if (place := f"{verdict.case} on {outcome.backend}") not in places else []
    if reasons:
        yield "\ndiffer on purpose:"
        for reason, places in reasons.items():
            yield f"  {reason}\n      {', '.join(places)}"
    failed = [f"{outcome.backend}  {verdict.case}  {verdict.tensor}" for outcome in outcomes for verdict in outcome.failures]
    failed += [f"{outcome.backend}  {outcome.crash.splitlines()[0]}" for outcome in outcomes if outcome.crash]
    failed += stale
    if failed:
        yield "\nFAILED:"
        yield from (f"  {text}" for text in failed)
    yield ""
    yield from (overall(outcome) for outcome in outcomes)
    count = sum(len(outcome.verdicts) for outcome in outcomes)
    yield f"overall: {count} tensors on {len(outcomes)} backend{'s' * (len(outcomes) > 1)}, " + (
        f"{len(failed)} FAILED" if failed else "all passed"
    )


def _cut(name: str, width: int) -> str:
    """Shorten a name in its middle."""
    if len(name) <= width:
        return name
    keep = (width - 1) // 2
    return f"{name[:keep]}…{name[keep + 1 - width :]}"
