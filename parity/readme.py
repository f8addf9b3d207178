"""What the READMEs show of a run: a table, and the figures as pictures.

Comes in: the ``parity.json`` of a run of all cases. Goes out: the part of ``README.md`` and of ``parity/README.md`` between the marks, and
``docs/images/parity-*.png``.

    python -m parity.readme parity-report/parity.json
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minirnn.files import replace_section
from parity import figures
from parity.record import KINDS

PROJECT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- parity:begin -->", "<!-- parity:end -->"
IMAGES = {"histograms": "parity-ulp.png", "scatter": "parity-truth.png", "growth": "parity-growth.png"}
HEADS = (
    "tensors",
    "number",
    "minirnn: median, 99 %, largest [ULP]",
    "Keras: median, 99 %, largest [ULP]",
    "minirnn as close or closer",
    "of what is allowed, at most",
)


def main(arguments: list[str] | None = None) -> int:
    """Write table and pictures."""
    parser = argparse.ArgumentParser(prog="python -m parity.readme", description="Put a run of parity into the READMEs.")
    parser.add_argument("report", type=Path, help="the parity.json of a run of all cases on all backends")
    report = json.loads(parser.parse_args(arguments).report.read_text(encoding="utf-8"))
    if report["failures"]:
        parser.error("that run has failures; a README shows one that passed")
    for name, plate in figures.plates(report).items():
        plate.figure.savefig(PROJECT / "docs" / "images" / IMAGES[name], dpi=120, facecolor="white")
    replace_section(PROJECT / "README.md", BEGIN, END, section(report, "docs/images", ["histograms"]))
    own = section(report, "../docs/images", list(IMAGES)) + "\n".join(decisions(report)) + "\n"
    replace_section(PROJECT / "parity" / "README.md", BEGIN, END, own)
    return 0


def section(report: Mapping[str, Any], images: str, shown: Sequence[str]) -> str:
    """Give a run as Markdown.

    Parameters
    ----------
    report : what ``record.of_run`` gives
    images : the folder of the pictures, as seen from the README
    shown : which of them
    """
    head, tensors = report["header"], report["tensors"]
    keras = ", ".join(f"{name} {facts['version']}" for name, facts in report["backends"].items())
    cases = len(report["cases"])
    lines = [
        f"{len(tensors):,} tensors, from {cases} cases on {len(report['backends'])} backends, all passed: Keras "
        f"{head['versions']['keras']} on {keras}; {head['processor']}, {head['processors']} processors; commit {head['commit'][:12]}, "
        f"{head['date'][:10]}. Errors are distances to the float64 truth.",
        "",
        f"| {' | '.join(HEADS)} |",
        "|---|---:|---|---|---:|---:|",
        *(_row(kind, [tensor for tensor in tensors if tensor["kind"] == kind]) for kind in KINDS),
        "",
    ]
    drawings = figures.drawings(report)
    for name in shown:
        lines += [f"![{drawings[name].title}]({images}/{IMAGES[name]})", "", f"*{drawings[name].caption}*", ""]
    return "\n".join(lines)


def decisions(report: Mapping[str, Any]) -> list[str]:
    """Give the points on which Keras's own backends disagree: what each does, beside minirnn."""
    names = list(report["backends"])
    lines = [
        "Where Keras's own backends disagree, minirnn takes one side, or refuses; each point is an experiment of the run:",
        "",
        f"| | | {' | '.join(f'Keras on {name}' for name in names)} | |",
        f"|---|---|{'---|' * len(names)}---|",
    ]
    for row in report["decisions"]:
        found = [row["backends"][name] for name in names]
        words = {one["reason"] for one in found} - {""}
        sides = ("as minirnn" if one["word"] == "equal" else "**otherwise**" for one in found)
        lines.append(f"| {row['name']} | {row['topic']} | {' | '.join(sides)} | {'; '.join(sorted(words))} |")
    return lines


def _row(kind: str, tensors: Sequence[Mapping[str, Any]]) -> str:
    measured = [tensor for tensor in tensors if tensor["statistics"] and not tensor["intended"]]
    if not measured:
        equal = sum(not tensor["intended"] for tensor in tensors)
        return f"| {kind} | {len(tensors):,} | {equal:,} equal, bit by bit | {len(tensors) - equal} differ on purpose | | |"
    ours, theirs, allowed = (np.array([tensor[name] for tensor in measured], float) for name in ("error", "keras_error", "allowed"))
    return (
        f"| {kind} | {len(measured):,} | {_three(ours)} | {_three(theirs)} | {np.mean(ours <= theirs):.0%} | {np.max(ours / allowed):.0%} |"
    )


def _three(errors: np.ndarray) -> str:
    return ", ".join(f"{value:.3g}" for value in (np.median(errors), np.percentile(errors, 99), np.max(errors)))


if __name__ == "__main__":
    sys.exit(main())
