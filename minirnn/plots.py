"""The pictures of a run: lengths of the reviews, loss, and accuracy.

Comes in: lengths and histories, as they are. Goes out: a `Picture`: a title that says what is to be seen in these numbers, a description in
words, and the drawing itself, as PNG or as SVG for the page, wide or narrow.

Nothing is trained here and no figure is made up; ``findings`` writes the sentences.
Colours are blue and vermillion, which colour-blind readers tell apart; solid and dashed lines tell validation from training without colour.
matplotlib's figures are used as objects, without pyplot, so a program's own pictures and settings stay as they are.

Source: the two colours are from M. Okabe and K. Ito, "Color Universal Design", 2008.
"""

from __future__ import annotations

import io
import math
import os
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from minirnn.files import atomic_path
from minirnn.findings import GUESSING, Curve, accuracy_title, loss_text, loss_title, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORS = {"one-hot": "#d55e00", "embedding": "#0072b2"}
INK, MUTED, GRID, FILL = "#1b1b1b", "#5a5a5a", "#dcdcdc", "#9ecae1"

VARIABLES = {INK: "ink", MUTED: "muted", GRID: "grid", FILL: "fill", COLORS["one-hot"]: "onehot", COLORS["embedding"]: "embedding"}
"""Colour in a drawing -> CSS variable that takes its place in an SVG, so that a page can be light or dark."""

RC: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
}

SVG: Any = {
    "svg.fonttype": "none",  # text stays text: it can be searched, and takes the page's font
    "svg.hashsalt": "minirnn",  # the same numbers give the same bytes
}


class Picture(NamedTuple):
    """A drawing and its words.

    Attributes
    ----------
    title : what is to be seen.
    description : the same for those who do not see it.
    source : the reviews it was made from.
    paint : function that draws into empty axes; told whether there is little room.
    """

    title: str
    description: str
    source: str
    paint: Callable[[Axes, bool], None]


def lengths_picture(lengths: np.ndarray, maxlen: int, source: str) -> Picture:
    """Draw how long the reviews are.

    Parameters
    ----------
    lengths (N,) : ids of each training review.
    maxlen : ids that are kept.
    source : name of the reviews.
    """
    mean, median, cut = float(np.mean(lengths)), float(np.median(lengths)), float(np.mean(lengths > maxlen))
    # The longest few would squeeze all others to the left; they are counted at the edge, and the axis says so.
    longest = max(float(np.percentile(lengths, 99)), maxlen + 1)
    width = math.ceil(longest / 60)
    limit = width * math.ceil(longest / width)
    beyond = int(np.sum(lengths > limit))

    def paint(axes: Axes, narrow: bool) -> None:
        axes.hist(np.minimum(lengths, limit), bins=list(range(0, limit + 1, width)), color=FILL, histtype="stepfilled")
        marks = ((float(maxlen), f"kept: last {maxlen}", COLORS["one-hot"], "-"), (median, f"median {median:g}", INK, "-"))
        for place, label, color, style in (*marks, (mean, f"mean {mean:.1f}", INK, "--")):
            axes.axvline(place, color=color, linestyle=style, linewidth=1.6, label=label)
        axes.set_xlim(0, limit)
        more = f"the last bar holds {beyond:,} longer one{'s' * (beyond > 1)}" if beyond else ""
        axes.set_xlabel("length (ids)" + (f"\n{more}" if narrow else f"; {more}") * bool(more))
        axes.set_ylabel(f"training reviews per {width} ids" if width > 1 else "training reviews")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        _legend(axes, 1 if narrow else 3)

    title = f"The median review has {median:g} ids; keeping the last {maxlen} cuts {percent(cut)} of the reviews"
    if cut == 0:
        title = f"The median review has {median:g} ids; none has more than the {maxlen} that are kept"
    return Picture(
        title,
        f"Histogram of the lengths of {len(lengths):,} training reviews ({source}): mean {mean:.2f}, median {median:g}, "
        f"longest {int(lengths.max()):,} ids.",
        f"{source}, {len(lengths):,} training reviews",
        paint,
    )


def loss_picture(curves: Sequence[Curve], source: str) -> Picture:
    """Draw training and validation loss of each model."""
    values = [value for curve in curves for name in ("loss", "val_loss") for value in curve.history[name]]

    def paint(axes: Axes, narrow: bool) -> None:
        _paint_curves(axes, curves, "loss", [loss_text(curve.at_best("val_loss")) for curve in curves])
        axes.axhline(GUESSING, color=MUTED, linestyle=":", linewidth=1.4)
        place: Any = ("axes fraction", "data")
        axes.annotate("guessing: ln 2", (1, GUESSING), (-2, 3), place, "offset points", ha="right", color=MUTED, fontsize=10)
        axes.set_ylabel("loss (nats)" if narrow else "binary cross-entropy loss (nats)")
        finite = [value for value in (*values, GUESSING) if math.isfinite(value)]
        margin = 0.05 * (max(finite) - min(finite)) + 0.003
        axes.set_ylim(min(finite) - margin, max(finite) + 2 * margin)
        _legend(axes, 1 if narrow else len(curves))

    return Picture(loss_title(curves), _describe(curves, "loss", "loss", "{:.4f}", source), source, paint)


def accuracy_picture(curves: Sequence[Curve], source: str, tests: int) -> Picture:
    """Draw training and validation accuracy of each model; ``tests`` is the number of test reviews."""

    def paint(axes: Axes, narrow: bool) -> None:
        _paint_curves(
            axes,
            curves,
            "accuracy",
            [f"{percent(curve.at_best('val_accuracy'))}, test {percent(curve.test_accuracy)}" for curve in curves],
        )
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_ylabel("reviews judged right (%)")
        _legend(axes, 1 if narrow else len(curves))

    words = _describe(curves, "accuracy", "accuracy", "{:.1%}", source)
    words += " On the test set: " + ", ".join(f"{curve.name} {curve.test_accuracy:.1%}" for curve in curves) + "."
    return Picture(accuracy_title(curves, tests), words, source, paint)


def save_png(picture: Picture, path: str | os.PathLike[str]) -> None:
    """Write the picture as a PNG of 1280 x 832 dots, whole or not at all.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    with matplotlib.rc_context(RC), atomic_path(path) as partial:
        figure, axes = _figure(8.0, 5.2)
        picture.paint(axes, False)
        axes.set_title("\n".join(textwrap.wrap(picture.title, 68)), loc="left", fontsize=14, pad=14, x=0)
        figure.suptitle(f"Data: {picture.source}", x=0.005, ha="left", fontsize=10, color=MUTED)
        figure.savefig(partial, dpi=160, facecolor="white", format="png")


def to_svg(picture: Picture, *, narrow: bool = False) -> str:
    """Give the picture as an SVG element without its title, in the page's own colours and font.

    Parameters
    ----------
    narrow : drawn for a telephone, with fewer inches for the same letters.
    """
    with matplotlib.rc_context(RC):
        figure, axes = _figure(*((3.9, 5.2) if narrow else (8.6, 4.9)))
        picture.paint(axes, narrow)
        # Two drawings on one page must not share names: the second's clip paths would be those of the first.
        return page_svg(figure, re.sub(r"\W", "", f"{picture.title[:24]}{'narrow' if narrow else 'wide'}"))


def page_svg(figure: Figure, mark: str, variables: Mapping[str, str] = VARIABLES) -> str:
    """Give a figure as an SVG element for a page: text stays text, and colours become the page's.

    Parameters
    ----------
    mark : goes before every name in it, so that no other drawing on the page shares them.
    variables : colour to the CSS variable that takes its place.
    """
    stream = io.StringIO()
    with matplotlib.rc_context(SVG):
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    svg = stream.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    for color, variable in variables.items():
        svg = svg.replace(color, f"var(--{variable})")
    return re.sub(r'((?: id="|url\(#|href="#))', rf"\g<1>{mark}-", svg)


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _paint_curves(axes: Axes, curves: Sequence[Curve], metric: str, best: Sequence[str]) -> None:
    """Draw a metric of all models: training dashed, validation solid, the restored epoch as a dot, with its values in words."""
    for curve, words in zip(curves, best, strict=True):
        color = COLORS[curve.name]
        for name, style, label in ((metric, "--", "training"), (f"val_{metric}", "-", "validation")):
            values = np.array(curve.history[name], dtype=float)
            # A single epoch has no line to it: it is shown as a mark.
            marker = ("x" if style == "--" else "o") if len(values) == 1 else None
            epochs = np.arange(1, len(values) + 1)
            axes.plot(epochs, values, color=color, linestyle=style, marker=marker, linewidth=1.8, label=f"{curve.name}, {label}")
        dot: Any = {"color": color, "marker": "o", "markersize": 9, "markeredgecolor": INK, "linestyle": "none"}
        label = f"restored epoch {curve.best_epoch}: {words}"
        axes.plot([curve.best_epoch], [curve.at_best(f"val_{metric}")], label=label, **dot)
    longest = max(len(curve.history[metric]) for curve in curves)
    axes.set_xlim(0, longest + max(0.2, 0.03 * longest))
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))


def _legend(axes: Axes, columns: int) -> None:
    """Name the lines below the axes, where no curve can ever run through the words."""
    handles, labels = axes.get_legend_handles_labels()
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.legend(handles, labels, loc="outside lower left", ncols=columns, frameon=False, fontsize=10, borderaxespad=0)


def _describe(curves: Sequence[Curve], metric: str, noun: str, form: str, source: str) -> str:
    parts = [
        f"{curve.name}: {len(curve.history[metric])} epochs, validation {noun} {form.format(curve.at_best(f'val_{metric}'))} "
        f"at the restored epoch {curve.best_epoch}"
        for curve in curves
    ]
    return f"Training and validation {noun} by epoch ({source}). " + "; ".join(parts) + "."
