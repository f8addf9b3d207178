"""The page of a run: one HTML file that holds everything and asks the network for nothing.

Comes in: the run's record, its histories and its pictures. Goes out: ``report.html``. Every figure on it comes from the record; the data
it was computed on is named at the top and under each picture. It is light or dark as the reader's system is, and fits a telephone.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from html import escape
from typing import NamedTuple

from minirnn import plots
from minirnn.files import atomic_write
from minirnn.plots import Picture
from minirnn.progress import format_value
from minirnn.runs import Outcome, Record, Settings

STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1b1b1b; --muted: #5a5a5a; --grid: #dcdcdc; --fill: #9ecae1;
  --onehot: #b84f00; --embedding: #0072b2; --notice: #fff4d6; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181c; --ink: #e9e9e7; --muted: #a9adb3; --grid: #34383f; --fill: #3d6f8e;
  --onehot: #f0883e; --embedding: #56b4e9; --notice: #3a3118; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 56rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 2.5rem 0 .5rem; }
h3 { font-size: 1.05rem; line-height: 1.35; margin: 1.75rem 0 .5rem; }
p { margin: .5rem 0; }
.source, figcaption { color: var(--muted); }
.notice { background: var(--notice); padding: .6rem .8rem; border-radius: .4rem; }
figure { margin: 0; }
figure svg { display: block; width: 100%; height: auto; }
figure svg text { font-family: inherit !important; }
figcaption { font-size: .9rem; }
.narrow { display: none; }
.scroll { overflow-x: auto; }
td { white-space: nowrap; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .6rem; border-bottom: 1px solid var(--grid); text-align: right; vertical-align: top; }
th:first-child, .words td { text-align: left; }
.words td { white-space: normal; overflow-wrap: anywhere; }
th:first-child { padding-left: 0; }
thead th { border-bottom: 2px solid var(--muted); }
tbody th { font-weight: normal; }
summary { cursor: pointer; margin: 1rem 0 .5rem; }
code { font-size: .9em; }
@media (max-width: 40rem) { .wide { display: none; } .narrow { display: block; }
  th, td { padding: .35rem .3rem; } h1 { font-size: 1.4rem; } }
@media print { .narrow { display: none; } .wide { display: block; } }
"""


class Section(NamedTuple):
    """A part of the page that explains something.

    Attributes
    ----------
    title : its heading.
    paragraphs : its words.
    pictures : what they are about.
    """

    title: str
    paragraphs: Sequence[str]
    pictures: Sequence[Picture]


def comparison(record: Record) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Give the table that compares the encodings: the heads of its columns, and per row its name and a text for each encoding.

    Returns
    -------
    list of str, list of (str, list of str)
        The same rows stand on the page and in the terminal.
    """
    outcomes = list(record.models.values())
    rows: list[tuple[str, list[str]]] = [
        ("parameters", [f"{outcome.parameters:,}" for outcome in outcomes]),
        ("training input, as kept", [size(outcome.input_bytes) for outcome in outcomes]),
        ("training input, written out", [size(outcome.input_bytes_dense) for outcome in outcomes]),
        ("epochs", [_epochs(outcome) for outcome in outcomes]),
        ("restored epoch", [str(outcome.best_epoch) for outcome in outcomes]),
        ("best val_loss (nats)", [format_value(outcome.val_loss) for outcome in outcomes]),
        ("its val_accuracy", [f"{outcome.val_accuracy:.4f}" for outcome in outcomes]),
        ("test loss (nats)", [format_value(outcome.test_loss) for outcome in outcomes]),
        ("test accuracy", [f"{outcome.test_accuracy:.4f}" for outcome in outcomes]),
        ("seconds of training", [f"{outcome.seconds:.2f}" for outcome in outcomes]),
        ("seconds per later epoch, median", [f"{_median(outcome.epoch_seconds[1:] or outcome.epoch_seconds):.3f}" for outcome in outcomes]),
    ]
    return [outcome.title for outcome in outcomes], rows


def remarks(record: Record) -> list[str]:
    """Say what a reader of the comparison could take wrong."""
    sentences = []
    for outcome in record.models.values():
        first, rest = outcome.epoch_seconds[0], outcome.epoch_seconds[1:]
        if rest and first > 1 and first > 5 * _median(rest):
            sentences.append(
                f"The first {outcome.title} epoch took {first:.1f} s: kernels are compiled in a first run, and loaded in later ones."
            )
        if not outcome.stopped_early:
            used = f"all its {outcome.epochs} epochs" if outcome.epochs > 1 else "its one epoch"
            sentences.append(f"The {outcome.title} model used {used}: early stopping did not act.")
    return sentences


def size(number: int) -> str:
    """Write a number of bytes.

    >>> size(8_000_000), size(1_600_000_000), size(999)
    ('8.0 MB', '1.6 GB', '999 bytes')
    """
    value, unit = float(number), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{number} bytes" if unit == "bytes" else f"{value:.1f} {unit}"


def command(settings: Settings, kind: str) -> str:
    """Give the command line that repeats a run: what differs from the defaults."""
    words = ["minirnn", "train"]
    if kind == "reviews":
        words.append("--reviews")
    for name, value in asdict(settings).items():
        if value != getattr(Settings(), name):
            words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(words)


def write_report(
    path: str | os.PathLike[str],
    record: Record,
    histories: Mapping[str, Mapping[str, Sequence[float]]],
    pictures: Sequence[Picture],
    sections: Sequence[Section] = (),
) -> None:
    """Write the page, whole or not at all.

    Parameters
    ----------
    record : of the run, with at least one trained model.
    histories : per encoding, name to values, one an epoch.
    pictures : in the order in which they are shown.
    sections : parts of their own after them.

    Raises
    ------
    OSError
        It cannot be written.
    """
    with atomic_write(path, "w") as stream:
        stream.write(page(record, histories, pictures, sections))


def page(
    record: Record,
    histories: Mapping[str, Mapping[str, Sequence[float]]],
    pictures: Sequence[Picture],
    sections: Sequence[Section] = (),
) -> str:
    """Give the page as text; the arguments are those of `write_report`."""
    heads, rows = comparison(record)
    reviews, lengths, settings = record.data["reviews"], record.lengths, record.settings
    built_in = record.data["kind"] == "reviews"
    title = "SimpleRNN on movie reviews: " + (" and ".join(heads))
    when, version = record.started[:16].replace("T", " "), record.versions["minirnn"]
    parts = [
        f"<h1>{_text(title)}</h1>",
        f'<p class="source">Data: {escape(str(record.data["name"]))}. {escape(when)}, minirnn {escape(version)}.</p>',
    ]
    if built_in:
        parts.append('<p class="notice">These reviews were generated by minirnn. No figure on this page says anything about IMDB.</p>')
    parts += [
        f"<p>{reviews['train']:,} reviews to train on, {reviews['validation']:,} to decide when to stop, {reviews['test']:,} to test. "
        f"A training review has {lengths['mean']:.2f} ids on average, {lengths['median']:g} in the median; "
        f"the last {settings.maxlen} are kept. "
        f"An id stands for one of the {settings.num_words} first entries of the vocabulary.</p>",
        "<h2>The two encodings</h2>" if len(heads) > 1 else f"<h2>The {_text(heads[0])} model</h2>",
        _table(["", *heads], rows),
        *(f"<p>{_text(sentence)}</p>" for sentence in remarks(record)),
        *(_figure(picture) for picture in pictures),
        *(element for section in sections for element in _section(section)),
        "<h2>Every epoch</h2>",
        *(_epoch_table(record.models[encoding], history) for encoding, history in histories.items()),
        "<h2>How to repeat it</h2>",
        f"<p><code>{escape(command(settings, record.data['kind']))}</code></p>",
        _facts(record),
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n'
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def _text(words: str) -> str:
    """Escape, and keep the two halves of a hyphened word on one line."""
    return escape(words).replace("-", "&#8209;")


def _section(section: Section) -> list[str]:
    paragraphs = [f"<p>{_text(words)}</p>" for words in section.paragraphs]
    return [f"<h2>{_text(section.title)}</h2>", *paragraphs, *(_figure(picture, "h3") for picture in section.pictures)]


def _figure(picture: Picture, heading: str = "h2") -> str:
    """Give a picture twice, of which the page shows the one that fits."""
    label = escape(picture.description, quote=True)
    drawings = "".join(
        f'<div class="{kind}" role="img" aria-label="{label}">{plots.to_svg(picture, narrow=kind == "narrow")}</div>'
        for kind in ("wide", "narrow")
    )
    return (
        f"<{heading}>{_text(picture.title)}</{heading}>\n<figure>{drawings}<figcaption>Data: {escape(picture.source)}</figcaption></figure>"
    )


def _table(heads: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]], css: str = "") -> str:
    head = "".join(f'<th scope="col">{_text(name)}</th>' for name in heads)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>\n' for name, cells in rows
    )
    top = f"<thead><tr>{head}</tr></thead>" if heads else ""
    return f'<div class="scroll"><table{css}>{top}<tbody>\n{body}</tbody></table></div>'


def _epoch_table(outcome: Outcome, history: Mapping[str, Sequence[float]]) -> str:
    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    rows = [
        (f"{epoch}{' (restored)' * (epoch == outcome.best_epoch)}", [format_value(history[name][epoch - 1]) for name in names])
        for epoch in range(1, outcome.epochs + 1)
    ]
    summary = f"{outcome.title}: {outcome.epochs} epoch{'s' * (outcome.epochs > 1)}"
    return f"<details><summary>{_text(summary)}</summary>{_table(['epoch', *names], rows)}</details>"


def _facts(record: Record) -> str:
    """Give settings, seeds, versions and the machine, and where the data came from."""
    source = {name: record.data[name] for name in ("path", "origin", "sha256") if record.data.get(name)}
    groups = {
        "data": source,
        "setting": asdict(record.settings),
        "seed": record.seeds,
        "version": record.versions,
        "machine": record.machine,
    }
    rows = [(f"{group}: {name.replace('_', ' ')}", [str(value)]) for group, facts in groups.items() for name, value in facts.items()]
    return "<details><summary>Settings, seeds, versions</summary>" + _table([], rows, ' class="words"') + "</details>"


def _epochs(outcome: Outcome) -> str:
    return f"{outcome.epochs}" if outcome.stopped_early else f"{outcome.epochs} (all)"


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
