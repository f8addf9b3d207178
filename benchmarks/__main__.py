"""The command `python -m benchmarks`: measure, or show what was measured."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.header import PROJECT
from benchmarks.measure import run
from benchmarks.peers import DEFAULT_PEERS, PEERS
from benchmarks.report import BEGIN, END, headline, markdown, notes, terminal_table
from benchmarks.seed_epoch import FULL, QUICK
from minirnn.files import replace_section

RESULTS = Path(__file__).resolve().parent / "results"


def parse_peers(names: str) -> list[str]:
    """Read a list of peers, separated by commas."""
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in chosen if name not in PEERS]
    if unknown or not chosen:
        raise typer.BadParameter(f"{', '.join(unknown) or 'nobody'}: choose from {', '.join(PEERS)}")
    return list(dict.fromkeys(chosen))


def benchmark(
    peers: Annotated[str, typer.Option(help=f"Who runs, separated by commas. Known: {', '.join(PEERS)}.")] = ",".join(DEFAULT_PEERS),
    rounds: Annotated[int | None, typer.Option(min=1, help="Interleaved rounds; 7, or 3 with --quick.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads for everyone; each peer's default if left out.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A sixth of the data and three rounds: a look, not a result.")] = False,
    out: Annotated[Path | None, typer.Option(help="The JSON file to write; it must not exist.", show_default="benchmarks/results/")] = None,
    table: Annotated[Path | None, typer.Option(help="Measure nothing: print the Markdown made from this JSON file.", exists=True)] = None,
    readme: Annotated[bool, typer.Option("--write-readme", help="Put the Markdown between README.md's two marks.")] = False,
) -> None:
    """Time one training epoch of the seed's models in minirnn, in Keras, and at the machine's limit.

    Everyone gets the same weights, data, batch order, dtype and threads; losses are compared first, then rounds are taken in turn.
    """
    console = Console()
    if table is not None:
        report = json.loads(table.read_text(encoding="utf-8"))
        if not readme:
            print(markdown(report), end="")
    else:
        now = datetime.now(UTC)
        target = out or RESULTS / f"seed-epoch{'-quick' if quick else ''}-{now:%Y%m%dT%H%M%SZ}.json"
        if target.exists():
            raise typer.BadParameter(f"{target} exists, and what was measured is never overwritten", param_hint="--out")
        chosen = parse_peers(peers)
        target.parent.mkdir(parents=True, exist_ok=True)
        with console.status("starting") as status:
            report = run(chosen, QUICK if quick else FULL, rounds=rounds or (3 if quick else 7), threads=threads, say=status.update)
        target.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        console.print(headline(report), highlight=False)
        console.print(terminal_table(report, console.width))
        for note in notes(report):
            console.print(f"- {note}", highlight=False)
        console.print(f"written: {target}", highlight=False, soft_wrap=True)
    if readme:
        replace_section(PROJECT / "README.md", BEGIN, END, markdown(report))
        console.print("README.md: table replaced", highlight=False)


if __name__ == "__main__":
    typer.run(benchmark)
