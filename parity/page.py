"""``parity.html``: one page that holds everything and asks the network for nothing.

Comes in: a report, as ``record.of_run`` makes it, and figures of others. Goes out: the page. It is light or dark as the reader's system
is, fits a telephone, and needs no script: one only sorts and filters the large table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from minirnn.files import atomic_write
from minirnn.plots import VARIABLES, page_svg
from minirnn.report import STYLE
from parity.figures import GREEN, Drawing, drawings
from parity.full import Plate

_COLORS = {**VARIABLES, GREEN: "third"}
_FOLDER = Path(__file__).parent
_HEADS = (
    "Keras on",
    "case",
    "tensor",
    "shape",
    "verdict",
    "minirnn",
    "Keras",
    "apart",
    "allowed",
    "mean",
    "Keras mean",
    "99.9 %",
    "bias",
    "worst at",
)
CLOSEST = 10
"""Tensors that are shown with all their digits."""


def write(path: Path, report: Mapping[str, Any], others: Mapping[str, Plate]) -> None:
    """Write the page, whole or not at all.

    Parameters
    ----------
    report : what ``record.of_run`` gives
    others : figures that come with the report's trainings, by name
    """
    with atomic_write(path, "w") as stream:
        stream.write(page(report, others))


def page(report: Mapping[str, Any], others: Mapping[str, Plate]) -> str:
    """Give the page as text; the arguments are those of `write`."""
    trainings = report["trainings"]
    parts = [
        *_summary(report),
        *(_figure(name, drawing) for name, drawing in drawings(report).items()),
        *([f"<h2>{escape(trainings['title'])}</h2>", *(f"<p>{escape(words)}</p>" for words in trainings["words"])] if trainings else ()),
        *(_plate(name, plate) for name, plate in others.items()),
        *_decisions(report),
        *_intended(report),
        *_closest(report),
        *_tensors(report),
        *_facts(report),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
        f"<title>minirnn against Keras</title>\n<style>{STYLE}{_read('page.css')}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + f"\n</main>\n<script>{_read('page.js')}</script>\n</body>\n</html>\n"
    )


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _summary(report: Mapping[str, Any]) -> Iterable[str]:
    head, backends = report["header"], report["backends"]
    count = len(report["tensors"])
    names = ", ".join(f"{name} {facts.get('version', '')}".strip() for name, facts in backends.items())
    yield "<h1>minirnn against Keras, tensor by tensor</h1>"
    yield (
        f'<p class="source">{escape(head["date"][:16].replace("T", " "))} UTC, commit {escape(head["commit"])}, '
        f"Keras {escape(head['versions']['keras'])} on {escape(names)}, {escape(head['processor'])}, {head['processors']} processors.</p>"
    )
    if report["passed"]:
        yield f'<p class="verdict">All {count:,} tensors passed.</p>'
    else:
        yield f'<p class="verdict failed">{len(report["failures"])} of {count:,} tensors or checks FAILED.</p>'
        yield "<ul>" + "".join(f"<li>{escape(failure)}</li>" for failure in report["failures"]) + "</ul>"
    yield (
        "<p>Both packages got the same weights and inputs. Every output, every gradient and the weights after every training were "
        "computed four times: by minirnn and by Keras in float32, by minirnn’s plain NumPy reference in float64, which is the truth, and "
        "by Keras in float64, which checks the truth (on TensorFlow alone: elsewhere, Keras rounds to float32 on the way). An error is a "
        "distance to the truth, in ULP: units in the last of float32’s 24 digits, of the tensor’s largest element. minirnn passes where "
        "its error is at most twice Keras’s own and 6 ULP, or where errors grow with the length of a case, what a formula derives from its "
        "weights. What does no arithmetic has to be equal.</p>"
    )
    rows = [
        [
            name,
            facts.get("version", "-"),
            f"{facts['tensors']:,}",
            str(facts["failed"]),
            str(facts["intended"]),
            *_medians([tensor for tensor in report["tensors"] if tensor["backend"] == name]),
            f"{facts['seconds']:.0f}",
        ]
        for name, facts in backends.items()
    ]
    heads = (
        "Keras on",
        "version",
        "tensors",
        "failed",
        "differ on purpose",
        "minirnn, median error",
        "Keras, median error",
        "minirnn as close or closer",
        "seconds",
    )
    yield _table(heads, rows)
    if report["left_out"]:
        yield (
            "<p>Not compared: "
            + "; ".join(f"Keras on {escape(name)} ({escape(why)})" for name, why in report["left_out"].items())
            + ".</p>"
        )


def _medians(tensors: Sequence[Mapping[str, Any]]) -> tuple[str, str, str]:
    """Give the median of both errors [ULP], and the share of tensors in which minirnn is as close to the truth as Keras, or closer."""
    measured = [tensor for tensor in tensors if tensor["statistics"] and not tensor["intended"]]
    if not measured:
        return "-", "-", "-"
    ours, theirs = (np.array([tensor[name] for tensor in measured], float) for name in ("error", "keras_error"))
    return f"{np.median(ours):.2f} ULP", f"{np.median(theirs):.2f} ULP", f"{np.mean(ours <= theirs):.0%}"


def _figure(name: str, drawing: Drawing) -> str:
    """Give a figure twice, of which the page shows the one that fits."""
    label = escape(drawing.caption, quote=True)
    twice = "".join(
        f'<div class="{kind}" role="img" aria-label="{label}">{page_svg(drawing.draw(kind == "narrow"), f"{name}-{kind}", _COLORS)}</div>'
        for kind in ("wide", "narrow")
    )
    return f"<h2>{escape(drawing.title)}</h2>\n<figure>{twice}<figcaption>{escape(drawing.caption)}</figcaption></figure>"


def _plate(name: str, plate: Plate) -> str:
    label = escape(plate.caption, quote=True)
    return (
        f'<figure><div class="scroll" role="img" aria-label="{label}">{page_svg(plate.figure, name, _COLORS)}</div>'
        f"<figcaption>{escape(plate.caption)}</figcaption></figure>"
    )


def _decisions(report: Mapping[str, Any]) -> Iterable[str]:
    yield "<h2>Where Keras’s own backends disagree</h2>"
    if not report["decisions"]:
        yield "<p>No case named decision.* ran.</p>"
        return
    names = list(report["backends"])
    yield "<p>minirnn cannot follow all of them. Its choice stands in parity/README.md; here is what each backend makes of it.</p>"
    rows = [
        [row["name"], row["topic"], *(" – ".join(filter(None, row["backends"].get(name, {"word": ""}).values())) for name in names)]
        for row in report["decisions"]
    ]
    yield _table(("", "topic", *(f"Keras on {name}" for name in names)), rows, "words")


def _intended(report: Mapping[str, Any]) -> Iterable[str]:
    yield "<h2>Where minirnn differs on purpose</h2>"
    yield "<p>Listed in parity/intended.json. A difference that is not listed fails the run, and so does a listed one that is no more.</p>"
    rows = [
        [entry["reason"], entry["case"], ", ".join(entry["tensors"]), ", ".join(entry["backends"]), entry["source"]]
        for entry in report["intended"]
    ]
    yield _table(("reason", "case", "tensors", "Keras on", "source"), rows, "words reasons")


def _closest(report: Mapping[str, Any]) -> Iterable[str]:
    """Show the tensors that used most of what they are allowed, with the numbers at their worst place."""
    measured = [tensor for tensor in report["tensors"] if tensor["statistics"] and not tensor["intended"]]
    measured.sort(key=lambda tensor: -tensor["error"] / tensor["allowed"])
    if not measured:
        return
    yield f"<h2>The {min(CLOSEST, len(measured))} closest calls</h2>"
    yield (
        "<p>The tensors that used most of what they were allowed, each at its worst place, in base 16, so that every digit is there. "
        "parity.json has this for every tensor; <code>python -m parity --only CASE</code> computes it again, from the same seeds.</p>"
    )
    rows = [
        [
            tensor["backend"],
            tensor["case"],
            f"{tensor['tensor']}[{', '.join(map(str, tensor['at']))}]",
            f"{tensor['error']:.3g} of {tensor['allowed']:.3g}",
            *(tensor["worst"].get(side, "") for side in ("minirnn", "keras", "truth")),
            ", ".join(map(str, report["cases"][tensor["case"]]["seeds"])),
        ]
        for tensor in measured[:CLOSEST]
    ]
    yield _table(("Keras on", "case", "place", "ULP", "minirnn", "Keras", "truth", "seeds"), rows, "words")


def _tensors(report: Mapping[str, Any]) -> Iterable[str]:
    yield f"<h2>All {len(report['tensors']):,} tensors</h2>"
    yield (
        "<p>Errors in ULP: the largest to the truth, minirnn’s and Keras’s; how far the two are apart at most; what minirnn is allowed; "
        "the mean, minirnn’s and Keras’s; what 99.9 % of minirnn’s elements do not exceed; and its mean with its sign. Where equality is"
        " asked for, the number of elements that differ.</p>"
    )

    words = [tensor["word"] for tensor in report["tensors"]]

    def options(values: Iterable[str]) -> str:
        return "".join(f"<option>{escape(value)}</option>" for value in dict.fromkeys(values))

    yield (
        '<div class="filters" hidden><label>case or tensor <input id="name" type="search"></label>'
        f'<label>Keras on <select id="backend"><option value="">any</option>{options(report["backends"])}</select></label>'
        f'<label>verdict <select id="word"><option value="">any</option>{options(words)}</select></label>'
        '<span id="shown" role="status"></span></div>'
    )
    yield _table(_HEADS, [_row(tensor) for tensor in report["tensors"]], "names", tall=True, identity="tensors")


def _row(tensor: Mapping[str, Any]) -> list[str]:
    ours, theirs, apart = (tensor["statistics"].get(pair) for pair in ("minirnn-truth", "keras-truth", "minirnn-keras"))
    return [
        tensor["backend"],
        tensor["case"],
        tensor["tensor"],
        "×".join(map(str, tensor["shape"])) or "scalar",
        tensor["word"],
        f"{tensor['error']:.3g}",
        f"{tensor['keras_error']:.3g}",
        f"{apart['max_ulp']:.3g}" if apart else "",
        f"{tensor['allowed']:.3g}",
        f"{ours['mean_ulp']:.2g}" if ours else "",
        f"{theirs['mean_ulp']:.2g}" if theirs else "",
        f"{ours['p999_ulp']:.3g}" if ours else "",
        f"{ours['bias_ulp']:+.1g}" if ours else "",
        ", ".join(map(str, tensor["at"])),
    ]


def _facts(report: Mapping[str, Any]) -> Iterable[str]:
    rows = [[name.replace("_", " "), _said(value)] for name, value in report["header"].items()]
    rows += [
        [f"Keras on {name}: {fact.replace('_', ' ')}", _said(value)]
        for name, facts in report["backends"].items()
        for fact, value in facts.items()
    ]
    yield "<details><summary>Versions, machine, settings</summary>" + _table(("", ""), rows, "words") + "</details>"


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {inner}" for name, inner in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], css: str = "", *, tall: bool = False, identity: str = "") -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    marks = (f' class="{css}"' if css else "") + (f' id="{identity}"' if identity else "")
    top = f"<thead><tr>{head}</tr></thead>" if any(heads) else ""
    return f'<div class="scroll{" tall" if tall else ""}"><table{marks}>{top}<tbody>\n{body}</tbody></table></div>'
