"""A report's figures in tables: the short one that README.md shows, the full ones, and the notes on who is missing and why.

Comes in: what a run has written to JSON. Goes out: Markdown, and rows for a terminal. Nothing here measures, and nothing changes a report.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.table import Table

from benchmarks.equality import EMBEDDING_DIFFERS
from benchmarks.peers import FLOOR, LIMITS, OURS, PRODUCTS
from benchmarks.spread import Spread, median, ratio, round_medians, show_bytes, show_ratio, show_seconds, three_digits
from benchmarks.workloads import SECTIONS, SWEEPS

REFERENCE = "minirnn"
SHORT_COLUMNS = ("workload", "minirnn", "best peer", "who", "÷ best peer", "floor", "÷ floor")
FULL_COLUMNS = (
    "workload",
    "who",
    "median",
    "quartiles",
    "rounds",
    "÷ minirnn",
    "÷ floor",
    "import",
    "first call",
    "fresh install",
    "peak memory",
    "of it no file",
    "same work",
)

RATIOS = "Medians; ÷ is minirnn's time by the other's, round by round: below 1 minirnn is ahead. A sweep's row gives least and most."

Result = dict[str, Any]
Entry = dict[str, Any]


def timed(result: Result) -> list[Entry]:
    """Give the entries that have times, the faster first."""
    return sorted((entry for entry in result["entries"] if entry["status"] == "timed" and entry["rounds"]), key=median)


def by_name(result: Result, name: str) -> Entry | None:
    """Find a peer's timed entry."""
    return next((entry for entry in timed(result) if entry["peer"] == name), None)


def limit(result: Result) -> Entry | None:
    """Give the floor of a workload: the C program where it runs, else the matrix products alone."""
    return by_name(result, FLOOR) or by_name(result, PRODUCTS)


def best_peer(result: Result) -> Entry | None:
    """Give the fastest who is neither minirnn nor a floor."""
    return next((entry for entry in timed(result) if entry["peer"] not in (*OURS, *LIMITS)), None)


def divisor(result: Result) -> int:
    """How many of the unit one call holds."""
    sizes = result["sizes"]
    return -(-sizes["N"] // sizes["B"]) if result["per"] == "step" else 1


def tokens(result: Result) -> int:
    """Ids that one epoch reads."""
    return int(result["sizes"]["N"] * result["sizes"]["T"])


def sweep(report: dict[str, Any], letter: str) -> list[Result]:
    """Give the points of a sweep that were measured, by their value; the point where all meet is one of the steps."""
    meeting = [result for result in report["workloads"] if letter != "N" and result["name"] == "step-8-16"]
    points = [result for result in report["workloads"] if result["section"] == letter] + meeting
    return sorted((point for point in points if timed(point)), key=lambda point: point["sizes"][letter])


def show_time(entry: Entry | None, result: Result) -> str:
    """Write an entry's median, in the workload's unit."""
    return "–" if entry is None else show_seconds(median(entry) / divisor(result))


def short_rows(report: dict[str, Any]) -> list[tuple[str, ...]]:
    """Write a row for each workload that is in no sweep, and one for each sweep."""
    rows = []
    for result in report["workloads"]:
        if result["section"] in SWEEPS or not timed(result):
            continue
        ours, peer, floor = by_name(result, REFERENCE), best_peer(result), limit(result)
        title = f"{SECTIONS[result['section']]}: {result['title']}" if result["section"] == "seed" else result["title"]
        rows.append(
            (
                title,
                show_time(ours, result),
                show_time(peer, result),
                peer["peer"] if peer else "–",
                show_ratio(ratio(ours, peer)),
                show_time(floor, result),
                show_ratio(ratio(ours, floor)),
            )
        )
    return rows + [row for letter in SWEEPS if (row := sweep_row(report, letter)) is not None]


def sweep_row(report: dict[str, Any], letter: str) -> tuple[str, ...] | None:
    """Sum a sweep up: the range of each figure over its points, in nanoseconds a token."""
    points = sweep(report, letter)
    if len(points) < 2:
        return None
    values = [point["sizes"][letter] for point in points]
    every = [(point, by_name(point, REFERENCE), best_peer(point), limit(point)) for point in points]

    def cost(number: int) -> str:
        return show_range([1e9 * median(place[number]) / tokens(place[0]) for place in every if place[number] is not None], " ns")

    def quotient(number: int) -> str:
        return show_range([found for place in every if (found := ratio(place[1], place[number])) is not None])

    who = ", ".join(dict.fromkeys(place[2]["peer"] for place in every if place[2] is not None)) or "–"
    title = f"a token, {letter}={values[0]:,} … {values[-1]:,} ({len(points)} points)"
    return title, cost(1), cost(2), who, quotient(2), cost(3), quotient(3)


def show_range(values: list[float], unit: str = "") -> str:
    """Write the least and the largest."""
    if not values:
        return "–"
    ends = [three_digits(value) for value in (min(values), max(values))]
    return f"{ends[0]}{unit}" if ends[0] == ends[1] else f"{ends[0]} … {ends[1]}{unit}"


def full_rows(result: Result) -> Iterator[tuple[str, ...]]:
    """Write each timed entry of a workload in `FULL_COLUMNS`, in the order of its median; nobody is left out for being slow."""
    ours, floor = by_name(result, REFERENCE), limit(result)
    for entry in timed(result):
        per = divisor(result)
        spread = Spread.of([seconds / per for seconds in round_medians(entry)])
        fresh = entry.get("fresh_install")
        yield (
            result["title"],
            f"{entry['peer']} ({entry['way']})" if entry.get("way") else entry["peer"],
            show_seconds(spread.median),
            f"{show_seconds(spread.lower)} … {show_seconds(spread.upper)}",
            str(spread.samples),
            show_ratio(ratio(entry, ours)),
            show_ratio(ratio(entry, floor)),
            show_seconds(entry.get("import_seconds")),
            show_seconds(entry.get("first_call_seconds")),
            show_seconds(fresh["first_call_seconds"]) if fresh else "–",
            show_bytes(entry.get("peak_bytes")),
            show_bytes(entry.get("own_peak_bytes")),
            entry["equality"],
        )


def notes(report: dict[str, Any], leave_out: tuple[str, ...] = ()) -> list[str]:
    """Say of everyone who is missing somewhere where and why, but for some statuses; the same reason is written once."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for result in report["workloads"]:
        for entry in result["entries"]:
            if entry["status"] not in ("timed", *leave_out):
                reasons.setdefault((entry["peer"], f"{entry['status']}: {entry['reason']}"), []).append(result["name"])
    shared: dict[tuple[str, str], list[str]] = {}
    for (peer, reason), names in reasons.items():
        shared.setdefault((", ".join(names), reason), []).append(peer)
    return [f"{', '.join(peers)} at {names}: {reason}" for (names, reason), peers in shared.items()]


def combine(reports: list[dict[str, Any]]) -> dict[str, Any]:
    """Make one report of the workloads of several runs; one that stands in more than one of them is taken from the first.

    A ratio is between times of one run all the same, since a workload with all its peers comes from one.
    """
    if len(reports) == 1:
        return reports[0]
    runs, known = [], set[str]()
    for report in reports:
        new = [result for result in report["workloads"] if result["name"] not in known and timed(result)]
        known |= {result["name"] for result in new}
        runs.append({**report, "workloads": new})
    return {**reports[0], "runs": runs, "workloads": [result for run in runs for result in run["workloads"]]}


def headline(report: dict[str, Any]) -> str:
    """Write the header in one paragraph, or in one for each run."""
    if "runs" in report:
        return "\n\n".join(f"{', '.join(result['name'] for result in run['workloads'])}: {headline(run)}" for run in report["runs"])
    head = report["header"]
    known = ", ".join(f"{name} {version}" for name, version in head["versions"].items() if version != "not installed")
    look = ("A quick look, not a result. " if report["quick"] else "") + ("" if report["whole"] else "Interrupted before its end. ")
    absent = f" Not in this run: {', '.join(report['not_run'])}." if report["not_run"] else ""
    return (
        f"{look}{head['cpu']}, {head['processors']} logical processors, {head['threads']} threads for everyone; {head['dtype']}, "
        f"seed {head['seed']}, at most {report['rounds']} interleaved rounds; {head['platform']}, Python {head['python']}, {known}, "
        f"BLAS: {head['blas']}; commit {head['commit']}, {head['date'][:10]}; the run took {report['seconds'] / 60:.0f} minutes.{absent}"
    )


def table(columns: tuple[str, ...], rows: list[tuple[str, ...]], words: int) -> list[str]:
    """Write a Markdown table; the first columns hold words."""
    rule = "|---" * words + "|---:" * (len(columns) - words) + "|"
    return ["| " + " | ".join(columns) + " |", rule, *("| " + " | ".join(row) + " |" for row in rows)]


def short_markdown(report: dict[str, Any]) -> str:
    """Write the header and the short table."""
    lines = [headline(report), "", *table(SHORT_COLUMNS, short_rows(report), 1)]
    lines += [
        "",
        "Medians; a ratio is minirnn's time by the other's, round by round: below 1 minirnn is ahead. A sweep's row gives least and most.",
    ]
    return "\n".join(lines) + "\n"


def full_markdown(report: dict[str, Any]) -> str:
    """Write the header, every section's full table, and the notes."""
    lines = [headline(report)]
    for section, title in SECTIONS.items():
        rows = [row for result in report["workloads"] if result["section"] == section for row in full_rows(result)]
        if rows:
            lines += ["", f"### {title}", "", *table(FULL_COLUMNS, rows, 2)]
    lines += ["", f"*Differs by design*: {EMBEDDING_DIFFERS}.", "", "Who is missing where:", "", *(f"- {note}" for note in notes(report))]
    return "\n".join(lines) + "\n"


def terminal_table(report: dict[str, Any]) -> Table:
    """Lay the short table out for a terminal."""
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for number, column in enumerate(SHORT_COLUMNS):
        shown.add_column(column, justify="left" if number in (0, 3) else "right", overflow="fold")
    for row in short_rows(report):
        shown.add_row(*row)
    return shown
