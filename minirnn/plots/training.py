"""The pictures of a training: lengths of the reviews, loss, and accuracy.

Comes in: lengths and histories, as they are. Goes out: a `Picture` each.

Nothing is trained here and no figure is made up; ``findings`` writes the sentences.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import MaxNLocator, PercentFormatter

from minirnn.findings import GUESSING, Curve, accuracy_title, loss_text, loss_title, percent
from minirnn.plots.picture import COLORS, FILL, INK, MUTED, Picture, legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def lengths_picture(lengths: np.ndarray, maxlen: int, source: str) -> Picture:
    """Draw how long the reviews are.

    Parameters
    ----------
    lengths (N,) : ids of each training review.
    maxlen : ids that are kept.
    source : name of the reviews.

    Examples
    --------
    >>> lengths_picture(np.array([40, 120, 90]), maxlen=150, source="three reviews").title
    'The median review has 90 ids; none has more than the 150 that are kept'
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
        legend(axes, 1 if narrow else 3)

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
    """Draw training and validation loss of each model.

    Examples
    --------
    >>> from minirnn.findings import Curve
    >>> history = {"loss": [0.7, 0.5], "val_loss": [0.69, 0.55], "accuracy": [0.5, 0.8], "val_accuracy": [0.5, 0.7]}
    >>> loss_picture([Curve("embedding", history, best_epoch=2, test_accuracy=0.7)], "two epochs").title
    'The embedding model does best on unseen reviews at epoch 2: validation loss 0.550'
    """
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
        legend(axes, 1 if narrow else len(curves))

    return Picture(loss_title(curves), _describe(curves, "loss", "loss", "{:.4f}", source), source, paint)


def accuracy_picture(curves: Sequence[Curve], source: str, tests: int) -> Picture:
    """Draw training and validation accuracy of each model; ``tests`` is the number of test reviews.

    Examples
    --------
    >>> from minirnn.findings import Curve
    >>> history = {"loss": [0.7, 0.5], "val_loss": [0.69, 0.55], "accuracy": [0.5, 0.8], "val_accuracy": [0.5, 0.7]}
    >>> accuracy_picture([Curve("embedding", history, best_epoch=2, test_accuracy=0.7)], "two epochs", tests=25000).title[:26]
    'The embedding model judges'
    """

    def paint(axes: Axes, narrow: bool) -> None:
        _paint_curves(
            axes,
            curves,
            "accuracy",
            [f"{percent(curve.at_best('val_accuracy'))}, test {percent(curve.test_accuracy)}" for curve in curves],
        )
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_ylabel("reviews judged right (%)")
        legend(axes, 1 if narrow else len(curves))

    words = _describe(curves, "accuracy", "accuracy", "{:.1%}", source)
    words += " On the test set: " + ", ".join(f"{curve.name} {curve.test_accuracy:.1%}" for curve in curves) + "."
    return Picture(accuracy_title(curves, tests), words, source, paint)


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


def _describe(curves: Sequence[Curve], metric: str, noun: str, form: str, source: str) -> str:
    parts = [
        f"{curve.name}: {len(curve.history[metric])} epochs, validation {noun} {form.format(curve.at_best(f'val_{metric}'))} "
        f"at the restored epoch {curve.best_epoch}"
        for curve in curves
    ]
    return f"Training and validation {noun} by epoch ({source}). " + "; ".join(parts) + "."
