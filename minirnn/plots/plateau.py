"""The pictures of a plateau: over how many steps a network adds words up, and how far its word part has moved, epoch by epoch.

Comes in: what was recorded of the models of a run, as `plateau.Inside`. Goes out: a `Picture` each. The epoch at which a model's loss
begins to fall, as `plateau.course_of` says, is a dot on its line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from minirnn.findings import percent
from minirnn.plateau import Inside, course_of, rise_of, steps_text
from minirnn.plots.picture import COLORS, INK, MUTED, Picture, legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def reach_picture(insides: Sequence[Inside], source: str) -> Picture:
    """Draw how far back each network's gradient gets, and how far it pulls the same way.

    Parameters
    ----------
    insides : of the models of one run.
    source : name of the reviews.

    Examples
    --------
    >>> from minirnn.plateau import Inside
    >>> slow = Inside("one-hot", 100, [0.69, 0.55], [9.0, 40.0], [1.0, 30.0], [0.02, 0.04], [0.1, 0.1], 11.0)
    >>> reach_picture([slow], "IMDB").title
    'The gradient of the one-hot model pulls the same way over 30 steps after 2 epochs'
    """
    steps = insides[0].steps

    def paint(axes: Axes, narrow: bool) -> None:
        for inside in insides:
            color = COLORS[inside.name]
            for values, style, words in ((inside.aligned, "-", "pulls the same way"), (inside.reach, "--", "whatever its direction")):
                _line(axes, values, color, style, f"{inside.name}, {words}")
            _dot(axes, inside, inside.aligned)
        axes.axhline(steps, color=MUTED, linestyle=":", linewidth=1.4)
        place: Any = ("axes fraction", "data")
        axes.annotate(f"all {steps} words alike", (1, steps), (-2, 3), place, "offset points", ha="right", color=MUTED, fontsize=10)
        axes.set_yscale("log")
        known = [value for inside in insides for value in (*inside.aligned, *inside.reach) if np.isfinite(value) and value > 0]
        axes.set_ylim(min([*known, 1.0]) / 1.3, max([*known, float(steps)]) * 1.6)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.set_ylabel("reach of the gradient (steps)" if narrow else "how far back the gradient gets (steps)")
        _epochs(axes, insides)
        legend(axes, 1 if narrow else len(insides))

    words = "; ".join(
        f"{inside.name}: aligned reach {inside.aligned[0]:.1f} steps after the first epoch, {inside.aligned[-1]:.1f} after the last; reach "
        f"whatever its direction {inside.reach[0]:.1f} and {inside.reach[-1]:.1f}"
        for inside in insides
    )
    return Picture(_reach_title(insides), f"Reach of the gradient by epoch, on a log scale ({source}). {words}.", source, paint)


def _reach_title(insides: Sequence[Inside]) -> str:
    for inside in insides:
        rise = rise_of(inside, course_of(inside.val_loss))
        if rise is not None:
            return (
                f"The {inside.name} model's loss falls when its words begin to add up: over {rise.after:.0f} steps, not {rise.before:.1f}"
            )
    models = " and the ".join(inside.name for inside in insides)
    ends = " and ".join(steps_text(inside.aligned[-1]) for inside in insides)
    epochs = len(insides[0].aligned)
    last = f"after {epochs} epoch{'s' * (epochs > 1)}" if len(insides) == 1 else "after its last epoch"
    if not any(np.isfinite(inside.aligned[-1]) for inside in insides):
        return f"How far back the gradient of the {models} model gets {last} is not known"
    return f"The gradient of the {models} model pulls the same way over {ends} {last}"


def words_picture(insides: Sequence[Inside], source: str) -> Picture:
    r"""Draw how far the word part of each network is from where it began.

    Parameters
    ----------
    insides, source : of `reach_picture`.

    Examples
    --------
    >>> from minirnn.plateau import Inside
    >>> slow = Inside("one-hot", 100, [0.69, 0.55], [9.0, 40.0], [1.0, 30.0], [0.02, 0.04], [0.1, 0.1], 11.0)
    >>> words_picture([slow], "IMDB").title
    'One epoch moves the word part by 2.0\xa0% of its first size (one-hot)'
    """

    def paint(axes: Axes, narrow: bool) -> None:
        for inside in insides:
            _line(axes, inside.moved, COLORS[inside.name], "-", inside.name)
            _dot(axes, inside, inside.moved)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_ylabel("word part: way from its start\n(% of its first size)")
        _epochs(axes, insides)
        legend(axes, 1 if narrow else len(insides))

    shares = ", ".join(
        f"{percent(inside.moved[0])} of its first size ({inside.name})" if not n else f"{percent(inside.moved[0])} ({inside.name})"
        for n, inside in enumerate(insides)
    )
    ends = "; ".join(
        f"{inside.name}: {percent(inside.moved[0])} after the first epoch, {percent(inside.moved[-1])} after the last" for inside in insides
    )
    return Picture(
        f"One epoch moves the word part by {shares}",
        f"Distance of the word part of z, a row for each word, from its first values, in units of their norm, by epoch ({source}). {ends}.",
        source,
        paint,
    )


def _line(axes: Axes, values: Sequence[float], color: str, style: str, label: str) -> None:
    marker = ("x" if style == "--" else "o") if len(values) == 1 else None  # a single epoch has no line to it
    axes.plot(np.arange(1, len(values) + 1), values, color=color, linestyle=style, marker=marker, linewidth=1.8, label=label)


def _dot(axes: Axes, inside: Inside, values: Sequence[float]) -> None:
    """Mark the epoch at which a model begins to learn, where the sentences give one."""
    course = course_of(inside.val_loss)
    if course.kind not in ("never", "little"):
        dot: Any = {"color": COLORS[inside.name], "marker": "o", "markersize": 9, "markeredgecolor": INK, "linestyle": "none"}
        axes.plot([course.start], [values[course.start - 1]], label=f"{inside.name}: a tenth of the gain, epoch {course.start}", **dot)


def _epochs(axes: Axes, insides: Sequence[Inside]) -> None:
    longest = max(len(inside.moved) for inside in insides)
    axes.set_xlim(0, longest + max(0.2, 0.03 * longest))
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
