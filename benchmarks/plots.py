"""The pictures of a run: what a token costs, against each letter that is swept, everyone and the floor on one picture.

Comes in: a report. Goes out: a PNG for each sweep with at least two points. Both axes are logarithmic: a cost that does not depend on the
letter is a level line, and a constant factor between two peers is a constant distance.

Colours, marks and dashes all tell peers apart, so that neither colour-blind readers nor a black-and-white print lose one.
Source: the colours are from M. Okabe and K. Ito, "Color Universal Design", 2008.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from benchmarks.peers import FLOOR, NATIVE, PRODUCTS
from benchmarks.report import REFERENCE, best_peer, by_name, sweep, tokens
from benchmarks.spread import median, ratio, show_ratio
from benchmarks.workloads import SWEEPS
from minirnn.files import atomic_path
from minirnn.plots import INK, MUTED, RC

LETTERS = {
    "H": "units H (with E = 2H up to 128)",
    "T": "time steps T",
    "V": "vocabulary V",
    "B": "rows of a batch B",
    "N": "reviews N",
}


class Style(NamedTuple):
    """How a peer is drawn."""

    color: str
    marker: str
    dashes: str


STYLES = {
    FLOOR: Style(INK, "*", "--"),
    NATIVE: Style(MUTED, "h", "-."),
    PRODUCTS: Style(INK, "+", ":"),
    "minirnn": Style("#d55e00", "o", "-"),
    "minirnn-numpy": Style("#d55e00", "x", ":"),
    "jax-scan": Style("#009e73", "D", "-"),
    "keras-jax": Style("#009e73", "s", "--"),
    "torch": Style("#cc79a7", "^", "-"),
    "keras-torch": Style("#cc79a7", "v", "--"),
    "keras-tensorflow": Style("#0072b2", "P", "-"),
    "keras-tensorflow-xla": Style("#56b4e9", "X", "--"),
}
"""Everyone who is drawn. `minirnn-per-lookup` is not: it is minirnn's line again, a little higher."""

NAMES = {FLOOR: "floor: C, AVX2", NATIVE: "floor: C, native", PRODUCTS: "floor: matrix products"}


def title_of(letter: str, points: Sequence[dict[str, Any]]) -> str:
    """Say what is to be seen: where minirnn is ahead, and by how much."""
    quotients = [found for point in points if (found := ratio(best_peer(point), by_name(point, REFERENCE))) is not None]
    if not quotients:
        return f"What a token costs to train, against {LETTERS[letter].partition(' (')[0]}"
    ahead = sum(quotient > 1 for quotient in quotients)
    where = "every point" if ahead == len(quotients) else f"{ahead} of {len(quotients)} points"
    return (
        f"minirnn is the fastest at {where} of {letter}: the best peer takes {show_ratio(min(quotients))} to "
        f"{show_ratio(max(quotients))} times its time"
    )


def draw_sweep(report: dict[str, Any], letter: str) -> Figure:
    """Draw one sweep."""
    points = sweep(report, letter)
    values = [point["sizes"][letter] for point in points]
    with matplotlib.rc_context(RC):
        figure = Figure(figsize=(9.6, 5.4), layout="constrained")
        axes = figure.add_subplot()
        for name, style in STYLES.items():
            costs = [1e9 * median(entry) / tokens(p) if (entry := by_name(p, name)) is not None else math.nan for p in points]
            if not all(map(math.isnan, costs)):
                ours = name == REFERENCE
                axes.plot(
                    values,
                    costs,  # a point that is missing leaves a gap in the line
                    color=style.color,
                    marker=style.marker,
                    linestyle=style.dashes,
                    linewidth=2.8 if ours else 1.5,
                    markersize=7,
                    zorder=3 if ours else 2,
                    label=NAMES.get(name, name),
                )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks(values, [f"{value:,}" for value in values], fontsize=10)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel(LETTERS[letter])
        axes.set_ylabel("training cost per token (ns)")
        axes.set_title("\n".join(textwrap.wrap(title_of(letter, points), 66)), loc="left", fontsize=13, pad=12, x=0)
        # The dearest line is named first, as the lines lie.
        lines = sorted(axes.get_lines(), key=lambda line: -[cost for cost in line.get_ydata() if not math.isnan(cost)][-1])
        figure.legend(
            lines, [str(line.get_label()) for line in lines], loc="outside right upper", frameon=False, fontsize=10, handlelength=3
        )
        sizes = points[0]["sizes"]
        fixed = ", ".join(f"{other}={sizes[other]:,}" for other in "BTVHE" if other != letter and not (letter == "H" and other == "E"))
        look = "a quick look; " if report["quick"] else ""
        head = report["header"]
        words = f"{look}{fixed}; {head['threads']} threads for everyone; {head['cpu']}; commit {head['commit']}, {head['date'][:10]}"
        figure.supxlabel(words, x=0.005, ha="left", fontsize=9, color=MUTED)
    return figure


def save_pictures(report: dict[str, Any], folder: Path) -> list[Path]:
    """Write `bench-LETTER.png` for every sweep that has a line to draw."""
    written = []
    folder.mkdir(parents=True, exist_ok=True)
    for letter in SWEEPS:
        if len(sweep(report, letter)) > 1:
            path = folder / f"bench-{letter}.png"
            figure = draw_sweep(report, letter)
            with atomic_path(path) as partial:
                figure.savefig(partial, dpi=140, facecolor="white", format="png", metadata={"Software": None})
            written.append(path)
    return written


def picture_lines(report: dict[str, Any], folder: str) -> str:
    """Write the Markdown that shows the pictures."""
    shown = [letter for letter in SWEEPS if len(sweep(report, letter)) > 1]
    return "".join(f"\n![{title_of(letter, sweep(report, letter))}]({folder}/bench-{letter}.png)\n" for letter in shown)
