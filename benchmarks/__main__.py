"""The command `python -m benchmarks`: measure, or show what was measured."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks.header import PROJECT, header
from benchmarks.measure import Run
from benchmarks.peers import PEERS, QUICK_PEERS
from benchmarks.plots import picture_lines, save_pictures
from benchmarks.report import combine, full_markdown, headline, notes, short_markdown, terminal_table
from benchmarks.workloads import BASE, SECTIONS, Workload, select, workloads
from minirnn import machine
from minirnn.files import replace_section

RESULTS = Path(__file__).resolve().parent / "results"
SHORT_MARKS = "<!-- benchmarks:begin -->", "<!-- benchmarks:end -->"
FULL_MARKS = "<!-- tables:begin -->", "<!-- tables:end -->"
QUICK_SECONDS = 150.0
"""After which a quick look begins no further workload; the one that runs then has half a minute."""
FULL_ROUNDS, QUICK_ROUNDS = 7, 3


def split_names(names: str) -> list[str]:
    """Read a list of names, separated by commas."""
    return list(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))


def parse_peers(names: str | None, quick: bool) -> list[str]:
    """Read a list of peers; they run in the order in which `PEERS` has them."""
    if names is None:
        return list(QUICK_PEERS if quick else PEERS)
    chosen = split_names(names)
    unknown = [name for name in chosen if name not in PEERS]
    if unknown or not chosen:
        raise typer.BadParameter(f"{', '.join(unknown) or 'nobody'}: choose from {', '.join(PEERS)}", param_hint="--peers")
    return [name for name in PEERS if name in chosen]


def choose(only: str | None, quick: bool) -> list[Workload]:
    """Give the workloads that are asked for."""
    everything = workloads(quick)
    if only is None:
        return everything
    try:
        return select(everything, split_names(only))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--only") from None


def write_once(folder: Path, quick: bool, report: dict[str, Any]) -> Path:
    """Write a report under a name that no other has."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"benchmarks-{'quick-' if quick else ''}{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    with path.open("x", encoding="utf-8") as file:
        file.write(json.dumps(report, indent=1) + "\n")
    return path


def write_readmes(report: dict[str, Any], project: Path = PROJECT) -> None:
    """Put tables and pictures where readers look for them."""
    save_pictures(report, project / "docs" / "images")
    replace_section(project / "README.md", *SHORT_MARKS, short_markdown(report) + picture_lines(report, "docs/images"))
    replace_section(project / "benchmarks" / "README.md", *FULL_MARKS, full_markdown(report))


def measure(chosen: list[Workload], peers: list[str], rounds: int, threads: int, quick: bool, console: Console) -> dict[str, Any]:
    """Take the run and give its report; one that is interrupted keeps what it has, and is not `whole`."""
    head, start, whole = header(threads, BASE.seed), time.perf_counter(), True
    with console.status("starting") as status:
        run = Run(peers, chosen, rounds, threads, quick, QUICK_SECONDS if quick else float("inf"), status.update)
        try:
            run.go()
        except KeyboardInterrupt:
            whole = False
            # The workload that was running is not in any table, since its comparison was not finished.
            run.results = run.results[:-1]
    return {
        "header": head,
        "quick": quick,
        "not_run": [name for name in PEERS if name not in peers],
        "rounds": rounds,
        "seconds": round(time.perf_counter() - start, 1),
        "whole": whole,
        "workloads": run.results,
    }


def read(path: Path) -> dict[str, Any]:
    """Read a report."""
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if "workloads" not in report:
        raise typer.BadParameter(f"{path.name} is of an older kind, a table of which this version cannot make", param_hint="--table")
    return report


def benchmark(
    only: Annotated[str | None, typer.Option(help=f"Workloads or sections, separated by commas: {', '.join(SECTIONS)}.")] = None,
    peers: Annotated[str | None, typer.Option(help=f"Who runs, separated by commas: {', '.join(PEERS)}.", show_default="all")] = None,
    rounds: Annotated[int | None, typer.Option(min=1, help=f"Interleaved rounds; {FULL_ROUNDS}, or {QUICK_ROUNDS} with --quick.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads for everyone; 2, or 1 where there is one processor.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Less of everything, within three minutes: a look, not a result.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for the JSON file; none in it is ever overwritten.", file_okay=False)] = RESULTS,
    table: Annotated[list[Path] | None, typer.Option(help="Measure nothing: print the Markdown of JSON files.", exists=True)] = None,
    readme: Annotated[bool, typer.Option("--write-readme", help="Put tables and pictures into both READMEs and docs/images.")] = False,
) -> None:
    """Time the same work in minirnn, in Keras, PyTorch and JAX, and at the machine's limit.

    Everyone gets the same weights, arrays, order, dtype and threads; results are compared first, then rounds are taken in turn.
    """
    console = Console()
    if table:
        report = combine([read(path) for path in table])
        if not readme:
            print(short_markdown(report) + "\n" + full_markdown(report), end="")
    else:
        named, chosen = parse_peers(peers, quick), choose(only, quick)
        used = threads or min(2, machine.processors())
        report = measure(chosen, named, rounds or (QUICK_ROUNDS if quick else FULL_ROUNDS), used, quick, console)
        path = write_once(out, quick, report)
        console.print(headline(report), highlight=False)
        console.print(terminal_table(report))
        for note in notes(report, leave_out=("not asked",)):
            console.print(f"- {note}", highlight=False)
        console.print(f"written: {path}\nall tables: python -m benchmarks --table {path}", highlight=False, soft_wrap=True)
        if not report["whole"]:
            raise typer.Exit(130)
    if readme:
        write_readmes(report)
        console.print("README.md, benchmarks/README.md and docs/images are made anew", highlight=False)


if __name__ == "__main__":
    typer.run(benchmark)
