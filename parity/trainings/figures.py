"""The pictures of a run, each with a sentence that says what to look for.

Comes in: a `Report`. Goes out: `Plate`: a matplotlib Figure and its caption. Nothing is trained or judged here.

Colour tells what a line is about, and dashes and marks tell the same without colour: blue and vermillion are told apart by colour-blind
readers, and black, grey and their dashes by everyone. matplotlib's figures are used as objects, without pyplot.

Source: the colours are from M. Okabe and K. Ito, "Color Universal Design", 2008.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from minirnn.runs import TITLES
from parity.full import Plate
from parity.trainings import drift, seeds
from parity.trainings.drift import Drift
from parity.trainings.report import Report
from parity.trainings.trainers import TRAINERS, Trainer
from parity.trainings.workload import MODELS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from parity.trainings.record import Record

BLUE, VERMILLION, GREEN, PURPLE, INK, MUTED, GRID = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#1b1b1b", "#5a5a5a", "#dcdcdc"

STYLES: dict[str, dict[str, Any]] = {
    drift.OURS: {"color": BLUE, "linestyle": "-", "linewidth": 1.8, "zorder": 4},
    drift.KERAS: {"color": VERMILLION, "linestyle": "--", "linewidth": 1.8, "zorder": 3},
    drift.ROUNDING: {"color": MUTED, "linestyle": ":", "linewidth": 1.8, "zorder": 2},
    drift.KINDS: {"color": PURPLE, "linestyle": "-.", "linewidth": 1.6, "zorder": 1},
}
MARKERS = {"jax": "o", "tensorflow": "s", "torch": "^", "": None}
KINDS = {"summed": BLUE, "per_lookup": VERMILLION}

_RC: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "axes.grid": True,
    "grid.color": GRID,
    "axes.axisbelow": True,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "legend.frameon": False,
    "legend.fontsize": 9,
}


def plates(report: Report) -> dict[str, Plate]:
    """Draw every figure that the report has something for, by the name of its file."""
    found: dict[str, Plate] = {}
    if report.drifts:
        found["parity-drift"] = drift_plate(report)
    if _paths(report):
        found["parity-paths"] = paths_plate(report)
    if report.comparisons:
        found["parity-seeds"] = seeds_plate(report)
    return found


def drift_plate(report: Report) -> Plate:
    """Draw how far trainings run apart, step by step."""
    models = [model for model in MODELS if any(pair.model == model for pair in report.drifts)]
    with matplotlib.rc_context(_RC):
        figure, panels = _figure(len(models), report)
        for axes, model in zip(panels, models, strict=True):
            shown = [pair for pair in report.drifts if pair.model == model]
            for pair in shown:
                _drift_line(axes, pair)
            first_epoch = shown[0].points[len(shown[0].points) - len(shown[0].logs["loss"])]
            axes.axvline(first_epoch, color=MUTED, linewidth=0.8)
            axes.annotate("first epoch ends", (first_epoch, 0.985), (-4, 0), ("data", "axes fraction"), "offset points", **_NOTE)
            axes.set(xscale="log", yscale="log", xlabel="training steps", title=f"{TITLES[model]} model")
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=1)
        panels[0].set_ylabel("relative difference of all weights  ‖w − u‖ / ‖u‖")
    return Plate(
        figure,
        "The solid lines, minirnn against Keras, keep to the dashed and dotted ones of their model, which show how far the same "
        "mathematics drifts by rounding alone: in Keras on two backends, and in float32 against float64.",
    )


_NOTE: Any = {"ha": "right", "va": "top", "color": MUTED, "fontsize": 9}


def _drift_line(axes: Axes, pair: Drift) -> None:
    one, other = TRAINERS[pair.first], TRAINERS[pair.second]
    style = dict(STYLES[pair.role])
    if pair.role == drift.OURS and other.dtype == "float64":
        style |= {"color": GREEN}
    if pair.role == drift.ROUNDING and one.kind(pair.model) == "per_lookup":
        style |= {"color": INK}
    label = {
        drift.ROUNDING: f"{one.title}, float32 / float64",
        drift.KINDS: f"{one.title} / {other.title.removeprefix('Keras ')}: other mathematics (D2)",
    }.get(pair.role, f"{one.title} / {other.title}")
    # equal weights have no place on a logarithmic axis
    axes.plot(
        pair.points, np.where(pair.overall > 0, pair.overall, np.nan), label=label, marker=MARKERS[other.backend], markersize=4, **style
    )


def _paths(report: Report) -> list[Record]:
    """Give the embedding trainings from the same first weights, the longer ones where there are any."""
    for experiment in ("stopping", "drift"):
        found = report.ran.of(experiment, "embedding")
        if any(TRAINERS[record.job.trainer].is_keras for record in found):
            return found
    return []


def paths_plate(report: Report) -> Plate:
    """Draw val_loss of the embedding model on both paths (D2), and how near minirnn keeps to each."""
    records = {record.job.trainer: record for record in _paths(report)}
    with matplotlib.rc_context(_RC):
        figure, (left, right) = _figure(2, report)
        for name, record in records.items():
            trainer = TRAINERS[name]
            if trainer.dtype == "float32" and not trainer.moved:
                values = record.logs["val_loss"]
                left.plot(np.arange(1, len(values) + 1), values, label=trainer.title, **_path_style(trainer))
        left.set(xlabel="epoch", ylabel="val_loss (nats)", title="Two kinds of mathematics, two paths")
        pairs = [pair for pair in drift.pairs(records) if pair.model == "embedding" and _is_shown_in_paths(pair)]
        for pair in pairs:
            differences = pair.logs["val_loss"]
            style = dict(STYLES[pair.role])
            if pair.role == drift.OURS:
                style["color"] = KINDS[TRAINERS[pair.second].kind("embedding")]
            if pair.role == drift.KERAS:
                style["color"] = INK  # vermillion is TensorFlow's mathematics here
            label = f"{TRAINERS[pair.first].title} / {TRAINERS[pair.second].title}"
            shown = np.where(differences > 0, differences, np.nan)
            right.plot(
                np.arange(1, len(shown) + 1), shown, label=label, marker=MARKERS[TRAINERS[pair.second].backend], markersize=4, **style
            )
        right.axhline(drift.VAL_LOSS_TARGET, color=INK, linewidth=0.8)
        right.annotate("target", (1, drift.VAL_LOSS_TARGET), (0, -3), ("axes fraction", "data"), "offset points", **_NOTE)
        right.set(yscale="log", xlabel="epoch", ylabel="|difference of val_loss| (nats)", title="Distances between the paths")
        for axes in (left, right):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=1)
    return Plate(
        figure,
        "Each dark line of minirnn lies on the pale band of the Keras whose mathematics it does, summed gradients (JAX, torch) in blue, "
        "TensorFlow's gradients per lookup in vermillion; the distances show that TensorFlow's path cannot be retraced to the digit, "
        "not even by TensorFlow in float64.",
    )


def _is_shown_in_paths(pair: Drift) -> bool:
    """Of the two floors, show Keras's own; minirnn in float64 would only crowd the picture."""
    return TRAINERS[pair.second].is_keras and (TRAINERS[pair.second].dtype == "float32" or pair.role == drift.ROUNDING)


def _path_style(trainer: Trainer) -> dict[str, Any]:
    color = KINDS[trainer.kind("embedding")]
    if trainer.is_keras:
        return {"color": color, "linewidth": 6, "alpha": 0.35, "linestyle": {"torch": ":"}.get(trainer.backend, "-"), "zorder": 1}
    return {"color": color, "linewidth": 1.6, "linestyle": "--" if trainer.embedding_update == "per_lookup" else "-", "zorder": 3}


def seeds_plate(report: Report) -> Plate:
    """Draw where trainings from own first weights end: a point for each seed."""
    models = [model for model in MODELS if report.ran.of("seeds", model)]
    with matplotlib.rc_context(_RC):
        figure = Figure(figsize=(6.0 * len(models), 6.4), layout="constrained")
        grid = figure.subplots(len(seeds.FIGURES), len(models), squeeze=False, sharex="col")
        for row, what in enumerate(seeds.FIGURES):
            for column, model in enumerate(models):
                _strip(grid[row][column], model, seeds.samples(report.ran.of("seeds", model), what))
                grid[row][column].set_ylabel("best val_loss (nats)" if what == "val_loss" else "its val_accuracy")
        for column, model in enumerate(models):
            grid[0][column].set_title(f"{TITLES[model]} model")
        figure.suptitle(_source(report), x=0.01, ha="left", fontsize=9, color=MUTED)
    return Plate(
        figure,
        "Every dot is a training from its own first weights with its own shuffling, the bar the median of its column: minirnn's columns "
        "scatter like those of the Keras in the same colour, stuck seeds near ln 2 = 0.693 among them.",
    )


def _strip(axes: Axes, model: str, values: dict[str, list[float]]) -> None:
    for place, (name, found) in enumerate(values.items()):
        trainer = TRAINERS[name]
        spread = np.linspace(-0.16, 0.16, len(found)) if len(found) > 1 else [0.0]
        face = "none" if trainer.is_keras else KINDS[trainer.kind(model)]
        axes.plot(place + np.asarray(spread), found, "o", color=KINDS[trainer.kind(model)], markerfacecolor=face, markersize=7, alpha=0.85)
        axes.plot([place - 0.28, place + 0.28], [np.median(found)] * 2, color=INK, linewidth=1.6)
    axes.set_xticks(range(len(values)), [TRAINERS[name].title.replace(" ", "\n", 1) for name in values])
    axes.set_xlim(-0.6, len(values) - 0.4)
    axes.grid(axis="x", visible=False)


def _figure(columns: int, report: Report) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(6.4 * columns, 6.6), layout="constrained")
    panels = figure.subplots(1, columns, squeeze=False)[0]
    figure.suptitle(_source(report), x=0.01, ha="left", fontsize=9, color=MUTED)
    return figure, list(panels)


def _source(report: Report) -> str:
    return f"{report.head['reviews']}, {report.head['training']:,} training reviews, batch {report.head['settings']['batch_size']}"
