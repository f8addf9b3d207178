"""The figures of the report: histograms of errors, their growth over length, and minirnn's errors against Keras's.

Comes in: a report, as ``record.of_run`` makes it. Goes out: by name, a drawing for wide and for narrow pages, and a sentence that says what
to look for. Nothing is computed here that the report does not hold.

minirnn is blue and a full line, Keras vermillion, the difference between them green: colours that colour-blind readers tell apart, and
dashes and marks that everyone does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, PercentFormatter

from minirnn.plots import COLORS, INK, MUTED, RC
from parity.compare import FEW
from parity.full import Plate
from parity.record import KINDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, VERMILLION, GREEN = COLORS["embedding"], COLORS["one-hot"], "#009e73"
MARKS = {"tensorflow": "s", "jax": "o", "torch": "^"}
DASHES = {"tensorflow": "--", "jax": ":", "torch": "-."}
BACKEND_COLORS = {"tensorflow": VERMILLION, "jax": BLUE, "torch": GREEN}
PAIRS: dict[str, tuple[str, dict[str, Any]]] = {
    "minirnn-truth": ("minirnn to truth", {"color": BLUE, "linestyle": "-", "linewidth": 2.2}),
    "keras-truth": ("Keras to truth", {"color": VERMILLION, "linestyle": "--", "linewidth": 1.8}),
    "minirnn-keras": ("minirnn to Keras", {"color": GREEN, "linestyle": ":", "linewidth": 2.2}),
}
FLOOR, CEILING = 2.0**-7, 1e6
"""Where errors of 0, and those beyond, are drawn on a logarithmic axis [ULP]."""
TICKS = {0.0625: "1/16", 0.5: "1/2", 4.0: "4", 32.0: "32", 256.0: "256"}
"""Bins whose upper bound [ULP] stands under a histogram."""


class Drawing(NamedTuple):
    """A figure with its words; ``draw`` makes it, and is told whether there is little room."""

    title: str
    caption: str
    draw: Callable[[bool], Figure]


def drawings(report: Mapping[str, Any]) -> dict[str, Drawing]:
    """Give every figure that the report has something for."""
    tensors = [tensor for tensor in report["tensors"] if tensor["statistics"] and not tensor["intended"]]
    grown = [tensor for tensor in tensors if tensor["length"] is not None]
    found = {}
    if tensors:
        found["histograms"] = _histograms(tensors, report["histogram_edges"])
        found["scatter"] = _scatter(tensors)
    if grown:
        found["growth"] = _growth(grown)
    return found


def plates(report: Mapping[str, Any]) -> dict[str, Plate]:
    """Give the same as figures of their own, for a file each."""
    return {name: Plate(drawing.draw(False), drawing.caption) for name, drawing in drawings(report).items()}


def _histograms(tensors: Sequence[Mapping[str, Any]], edges: Sequence[float]) -> Drawing:
    kinds = [kind for kind in KINDS if any(tensor["kind"] == kind for tensor in tensors)]
    members = {kind: [tensor for tensor in tensors if tensor["kind"] == kind] for kind in kinds}

    def draw(narrow: bool) -> Figure:
        figure, panels = _panels(len(kinds), narrow, 2.5)
        for axes, kind in zip(panels, kinds, strict=False):
            for pair, (label, style) in PAIRS.items():
                share = _mean_share([tensor["statistics"][pair]["histogram"] for tensor in members[kind]])
                axes.step(np.arange(len(share)), share, where="mid", label=label, **style)
            axes.set_title(f"{kind}: {len(members[kind])} tensors", loc="left")
            axes.set_xticks([0, *(1 + edges.index(edge) for edge in TICKS)], ["0", *TICKS.values()])
            axes.set_xlim(-0.6, 1 + edges.index(256))
            axes.set_ylim(bottom=0)
            axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        _label(figure, panels, narrow, "error, up to (ULP)", "elements (%)")
        return figure

    return Drawing(
        "How large are the errors?",
        "Share of a tensor's elements by the size of their error, in the mean over all tensors of a kind, every backend taken together; a "
        "bin goes from half the number under it to that number. Look for the full line lying where the dashed one lies, or further left: "
        "minirnn is then as close to the truth as Keras is.",
        draw,
    )


def _growth(tensors: Sequence[Mapping[str, Any]]) -> Drawing:
    names = list(dict.fromkeys((tensor["case"].rpartition(".")[0], tensor["tensor"]) for tensor in tensors))
    backends = list(dict.fromkeys(tensor["backend"] for tensor in tensors))

    def draw(narrow: bool) -> Figure:
        figure, panels = _panels(len(names), narrow, 2.9)
        for axes, (family, name) in zip(panels, names, strict=False):
            shown = [tensor for tensor in tensors if tensor["case"].rpartition(".")[0] == family and tensor["tensor"] == name]
            for number, backend in enumerate(backends):
                ours = sorted((tensor for tensor in shown if tensor["backend"] == backend), key=lambda tensor: tensor["length"])
                lengths = [tensor["length"] for tensor in ours]
                style = {"marker": MARKS[backend], "markersize": 5, "markerfacecolor": "none", "linewidth": 1.4}
                axes.plot(lengths, _positive(ours, "keras_error"), DASHES[backend], color=VERMILLION, label=f"Keras on {backend}", **style)
                if number == 0:  # the others' minirnn is the same
                    axes.plot(lengths, _positive(ours, "error"), color=BLUE, linewidth=2.2, marker="D", markersize=4, label="minirnn")
                    granted = [max(FEW, tensor["growth"]) for tensor in ours]
                    axes.plot(lengths, granted, color=MUTED, linestyle=(0, (6, 3)), linewidth=1.4, label="growth granted by the formula")
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.set_title(f"{'SimpleRNN' if 'rnn' in family else 'RMSprop'}: {name}", loc="left")
        _label(figure, panels, narrow, "steps", "largest error to truth (ULP)")
        return figure

    return Drawing(
        "How do errors grow with length?",
        "Largest error of each tensor over the steps of a recurrence, or of an optimizer; both axes are logarithmic, and errors of 0 are "
        "left out. Look for minirnn's line running among Keras's, below the dashed line without marks: it is derived from each case's own "
        "weights, and is what one rounding per operation can do.",
        draw,
    )


def _scatter(tensors: Sequence[Mapping[str, Any]]) -> Drawing:
    backends = list(dict.fromkeys(tensor["backend"] for tensor in tensors))
    top = max(8.0, *(min(tensor[name], CEILING) for tensor in tensors for name in ("error", "keras_error")))
    limits = (FLOOR / 1.5, 3 * top)

    def draw(narrow: bool) -> Figure:
        with matplotlib.rc_context({**RC, "font.size": 10}):
            figure = Figure(figsize=(3.9, 5.0) if narrow else (10.2, 6.0), layout="constrained")
            axes = figure.add_subplot()
            keras = np.geomspace(*limits, 200)
            axes.plot(keras, 2 * keras + FEW, color=INK, linewidth=1.6, label=f"allowed: 2 × Keras + {FEW:g} ULP")
            axes.plot(keras, keras, color=MUTED, linestyle=":", linewidth=1.4, label="as far as Keras")
            for backend in backends:
                for grown in (False, True):
                    points = _points(tensor for tensor in tensors if tensor["backend"] == backend and (tensor["growth"] > FEW) == grown)
                    face = "none" if grown else BACKEND_COLORS[backend]
                    label = f"{backend}{', growth granted' if grown else ''}"
                    style: Any = {"markerfacecolor": face, "color": BACKEND_COLORS[backend], "markersize": 5, "alpha": 0.7}
                    if len(points):
                        axes.plot(*points.T, linestyle="none", marker=MARKS[backend], label=label, **style)
            axes.set_xscale("log")
            axes.set_yscale("log")
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_locator(LogLocator(10))
                axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.set_xlim(limits)
            axes.set_ylim(limits)
            axes.set_xlabel("Keras's largest error to truth (ULP)")
            axes.set_ylabel("minirnn's largest error (ULP)" if narrow else "minirnn's largest error to truth (ULP)")
            figure.legend(loc="outside lower left", ncols=1 if narrow else 3, frameon=False, fontsize=10)
        return figure

    return Drawing(
        "Is minirnn as close to the truth as Keras?",
        f"A mark per tensor and backend; an error of 0 is drawn at {FLOOR:.2g}. Look for marks above the full line: there are none unless "
        "the run failed or growth was granted (open marks). Below the dotted line minirnn is closer to the truth than Keras.",
        draw,
    )


def _mean_share(histograms: Sequence[Sequence[int]]) -> np.ndarray:
    """Give the share of elements in each bin, every tensor counting alike, however large it is."""
    counts = np.array(histograms, np.float64)
    return np.mean(counts / np.maximum(1, counts.sum(axis=1, keepdims=True)), axis=0)


def _points(tensors: Iterable[Mapping[str, Any]]) -> np.ndarray:
    """Places (n,2) of tensors, each place once, with two digits: a thousand tensors share them."""
    places = {tuple(float(f"{min(max(tensor[name], FLOOR), CEILING):.2g}") for name in ("keras_error", "error")) for tensor in tensors}
    return np.array(sorted(places)).reshape(-1, 2)


def _positive(tensors: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [tensor[name] if 0 < tensor[name] < CEILING else math.nan for tensor in tensors]


def _panels(count: int, narrow: bool, height: float) -> tuple[Figure, list[Axes]]:
    """Give that many panels, and an empty one where the last row has room."""
    columns = 1 if narrow else min(3, count)
    rows = -(-count // columns)
    with matplotlib.rc_context({**RC, "axes.titlesize": 11, "font.size": 11 if narrow else 10}):
        figure = Figure(figsize=(3.9, (height - 0.3) * rows + 1) if narrow else (10.2, height * rows + 0.6), layout="constrained")
        panels = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for spare in panels[count:]:
        spare.set_visible(False)
    return figure, panels[:count]


def _label(figure: Figure, panels: Sequence[Axes], narrow: bool, x: str, y: str) -> None:
    """Name the axes, x under the last panel of every column, and the lines below all panels, where they hide nothing."""
    columns = 1 if narrow else min(3, len(panels))
    with matplotlib.rc_context(RC):
        for axes in panels[-columns:]:
            axes.set_xlabel(x, fontsize=11)
        figure.supylabel(y, fontsize=11, color=INK)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", ncols=1 if narrow else 3, frameon=False, fontsize=10)
