"""A report's figures in a table: on the terminal, and as the Markdown that README.md shows.

In comes what `measure.run` returns, or the JSON file that holds it; nothing here measures, and nothing here changes a report.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from benchmarks.peers import REFERENCE

BEGIN, END = "<!-- benchmarks:begin -->", "<!-- benchmarks:end -->"
COLUMNS = (
    "who",
    "model",
    "epoch, median",
    "quartiles",
    "least",
    "× floor",
    "× minirnn",
    "import",
    "first epoch",
    "in a later process",
    "peak memory",
)


@dataclass(frozen=True)
class Spread:
    """Order statistics of some seconds: quartiles as the inclusive method takes them, so one sample is its own quartiles."""

    least: float
    lower: float
    median: float
    upper: float
    samples: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spread:
        """Sum up at least one figure."""
        if not seconds:
            raise ValueError("Spread.of: seconds must hold at least one figure, received none. Time at least one round.")
        quartiles = statistics.quantiles(seconds, n=4, method="inclusive") if len(seconds) > 1 else [seconds[0]] * 3
        lower, median, upper = quartiles
        return cls(min(seconds), lower, median, upper, len(seconds))


def round_medians(entry: dict[str, Any]) -> list[float]:
    """Give one figure a round: the median of its epochs, in seconds."""
    return [statistics.median(times) for times in entry["rounds"]]


def ratio(entry: dict[str, Any], unit: dict[str, Any] | None) -> float | None:
    """Divide round by round and take the median, so that a machine that slows down in the middle slows both sides of each quotient."""
    if unit is None:
        return None
    return statistics.median(mine / theirs for mine, theirs in zip(round_medians(entry), round_medians(unit), strict=True))


def three_digits(value: float) -> str:
    """Write a positive figure with three digits that count, a large one as a whole number."""
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}"


def show_seconds(seconds: float | None) -> str:
    """Write a time in the unit that suits it."""
    if seconds is None:
        return "–"
    unit, factor = ("s", 1.0) if seconds >= 1 else ("ms", 1e3) if seconds >= 1e-3 else ("µs", 1e6)
    return f"{three_digits(seconds * factor)} {unit}"


def show_ratio(value: float | None) -> str:
    """Write a ratio, or a dash where there is nothing to divide by."""
    return "–" if value is None else three_digits(value)


def timed(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the entries that have times, the faster first."""
    entries = [entry for entry in report["entries"] if entry["status"] == "timed" and entry["rounds"]]
    return sorted(entries, key=lambda entry: statistics.median(round_medians(entry)))


def rows(report: dict[str, Any]) -> list[tuple[str, ...]]:
    """Write each timed entry in `COLUMNS`, in the order of its median; nobody is left out for being slow."""
    entries = timed(report)
    floor = next((e for e in entries if e["peer"] == "floor"), None)
    references = {e["model"]: e for e in entries if e["peer"] == REFERENCE}
    written: list[tuple[str, ...]] = []
    for entry in entries:
        spread = Spread.of(round_medians(entry))
        is_floor = entry is floor
        fresh = entry.get("fresh_install")
        # The floor does the part that is common to both models, so it is set against the embedding.
        unit = references.get("embedding" if is_floor else entry["model"])
        written.append(
            (
                entry["peer"],
                entry["model"].replace("_", "-"),
                show_seconds(spread.median),
                f"{show_seconds(spread.lower)} … {show_seconds(spread.upper)}",
                show_seconds(spread.least),
                show_ratio(ratio(entry, floor)),
                show_ratio(ratio(entry, unit)),
                "–" if is_floor else show_seconds(entry["import_seconds"]),
                "–" if is_floor else show_seconds((fresh or entry)["first_epoch_seconds"]),
                show_seconds(entry["first_epoch_seconds"]) if fresh else "–",
                f"{entry['peak_bytes'] / 1e6:.0f} MB",
            )
        )
    return written


def notes(report: dict[str, Any]) -> list[str]:
    """Say of everyone whether he did the same work, and of those who are not in the table why."""
    lines = []
    for entry in report["entries"]:
        who = f"{entry['peer']}, {entry['model'].replace('_', '-')}"
        lines.append(f"{who}: {entry['equality']}" if entry["status"] == "timed" else f"{who}: {entry['status']}, {entry['reason']}")
    return lines


def headline(report: dict[str, Any]) -> str:
    """Write the header in one paragraph."""
    head, work = report["header"], report["workload"]
    known = ", ".join(f"{name} {version}" for name, version in head["versions"].items() if version != "not installed")
    sizes = ", ".join(f"{letter}={work[letter]:,}" for letter in "NTVEHB")
    rounds = max((len(e["rounds"]) for e in timed(report)), default=0)
    return (
        f"One training epoch, {sizes}, RMSprop {work['learning_rate']:g}, {head['dtype']}, seed {head['seed']}; "
        f"{rounds} rounds, interleaved. {head['cpu']}, {head['processors']} logical processors, threads: {head['threads']}; "
        f"{head['platform']}, Python {head['python']}, {known}; commit {head['commit']}, {head['date'][:10]}."
    )


def markdown(report: dict[str, Any]) -> str:
    """Write the whole section: header, table, notes."""
    lines = [headline(report), "", "| " + " | ".join(COLUMNS) + " |", "|---|---" + "|---:" * (len(COLUMNS) - 2) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows(report)]
    lines += ["", "The same work:", "", *(f"- {note}" for note in notes(report))]
    return "\n".join(lines) + "\n"


def terminal_table(report: dict[str, Any], width: int) -> Table:
    """Lay the same rows out for a terminal of so many characters; a narrow one is spared some columns."""
    spared = {"quartiles", "least"} if width < 155 else set()
    spared |= {"import", "in a later process", "peak memory"} if width < 120 else set()
    shown = [number for number, column in enumerate(COLUMNS) if column not in spared]
    written = rows(report)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for number in shown:
        widest = max((len(row[number]) for row in written), default=0)
        table.add_column(COLUMNS[number], justify="left" if number < 2 else "right", min_width=widest)
    for row in written:
        table.add_row(*(row[number] for number in shown))
    return table
