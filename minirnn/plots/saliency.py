"""The text itself, coloured by how each word pushed the answer.

Comes in: a trace with a label. Goes out: a `Picture`.

    colour  x_t · d logit/dx_t, "gradient times input": the token's share of the logit, to first order; blue pushes towards positive
    line    |dL/dx_t|, the sensitivity: how much a small change of the token's vector would matter

The two differ: sensitivity belongs more to the place in the text than to the word that stands there, so the share has the colour.

Source: K. Simonyan, A. Vedaldi and A. Zisserman, "Deep Inside Convolutional Networks", 2013, for the gradient on the input as saliency;
A. Shrikumar, P. Greenside and A. Kundaje, "Learning Important Features Through Propagating Activation Differences", 2017, for its product
with the input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path

from minirnn.plots.picture import INK, MUTED, Heights, Picture
from minirnn.plots.signed import NEGATIVE, POSITIVE, signed_colors, strength_colors
from minirnn.plots.steps import Steps, count, plain, read_steps, require_finite, require_gradient, source_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minirnn.tracing import Trace

STRONGEST = 0.55
"""Opacity of the strongest colour: the word on it is read on white pages and on dark ones."""

SIZE, LINE, SPACE = 13.0, 31.0, 11.0
"""Points: height of the letters, from one line to the next, and between two words."""

THICKEST = 0.11
"""Share of a line's height that the thickest line below a word has."""

KEY, TITLE = 1.45, 0.75
"""Inches of height that the key takes, and, in a PNG, the title."""


class Box(NamedTuple):
    """A word of the text, or padding.

    Attributes
    ----------
    text : what is written.
    left, width : in points from the left edge.
    line : number of its line.
    k : number of its step; None for padding.
    """

    text: str
    left: float
    width: float
    line: int
    k: int | None


def saliency_picture(trace: Trace, *, padding: bool = False) -> Picture:
    """Draw the text with each word in the colour of its push, the stronger the more it pushed, and a line below it for its sensitivity.

    Parameters
    ----------
    trace : from ``minirnn.trace``, with a label; of a model without a single sigmoid output, the colour is the sensitivity
    padding : whether every step of padding is written out, instead of one grey box

    Raises
    ------
    ValueError
        The trace has no label.

    Examples
    --------
    >>> import minirnn
    >>> from minirnn.layers import Dense, Embedding, Input, SimpleRNN
    >>> model = minirnn.Sequential([Input((4,)), Embedding(9, 3), SimpleRNN(5), Dense(1, "sigmoid")], seed=1)
    >>> model.compile("rmsprop", "binary_crossentropy")
    >>> trace = minirnn.trace(model, "not bad", y=1, word_index={"not": 1, "bad": 2})
    >>> saliency_picture(trace).title
    '“not” pushes hardest, towards positive (+0.029 in the logit); “bad” follows (+0.02)'
    """
    require_gradient("saliency_picture", trace)
    require_finite("saliency_picture", trace)
    assert trace.saliency is not None
    steps = read_steps(trace, np.arange(len(trace)), padding)
    sensitivity = trace.saliency[steps.shown]
    push = None if trace.leaning is None else trace.leaning[steps.shown]
    of_padding = 0.0 if trace.leaning is None else float(np.delete(trace.leaning, steps.shown).sum())
    strength = sensitivity if push is None else np.abs(push)
    largest, thickest = float(strength.max()), float(sensitivity.max())
    inches = ((8.0, TITLE + KEY), (8.6, KEY), (3.9, KEY + 0.3))
    heights = Heights(*(around + (wrap(steps, _room(width))[-1].line + 1) * LINE / 72 for width, around in inches))

    def paint(axes: Axes, narrow: bool) -> None:
        figure = axes.get_figure(root=True)
        assert figure is not None
        width = _room(figure.get_figwidth())
        boxes = wrap(steps, width)
        axes.set_xlim(0, width)
        axes.set_ylim(boxes[-1].line + 0.65, -0.5)
        axes.set_axis_off()
        for box in boxes:
            color, alpha = (MUTED, 0.18) if box.k is None else (_color(push, box.k), STRONGEST * strength[box.k] / (largest or 1.0))
            patch: Any = {"boxstyle": "round,pad=0.2", "linewidth": 0, "facecolor": color, "alpha": alpha}
            style: Any = {"ha": "center", "va": "center", "fontsize": SIZE, "color": INK if box.k is not None else MUTED}
            axes.text(box.left + box.width / 2, box.line, plain(box.text), bbox=patch, **style)
            if box.k is not None and push is not None and thickest > 0:
                thickness = THICKEST * float(sensitivity[box.k]) / thickest
                axes.add_patch(
                    Rectangle((box.left + 3, box.line + 0.4), box.width - 6, thickness, facecolor=MUTED, alpha=0.5, linewidth=0, snap=False)
                )
        _key(axes, largest, None if push is None else thickest, narrow)

    title = saliency_title(steps, strength, push, of_padding)
    ranked = np.argsort(-strength, kind="stable")[:5]
    strongest = ", ".join(f"{steps.name(int(k))} {sensitivity[k] if push is None else push[k]:+.3g}" for k in ranked)
    what = "sensitivity |dL/dx_t|" if push is None else "push, its share of the logit to first order"
    words = f"The text of {count(len(strength), steps.kind)}, each coloured by its {what}. {title}. The strongest: {strongest}."
    k = int(sensitivity.argmax())
    words += f" The answer is most sensitive to {steps.name(k)}: |dL/dx_t| is {thickest:.3g} nats per unit of its vector there."
    source = source_of(trace)
    return Picture(title, f"{words} Data: {source}.", source, paint, heights)


def saliency_title(steps: Steps, strength: np.ndarray, push: np.ndarray | None, of_padding: float) -> str:
    """Say which word pushes hardest, and which follows.

    Parameters
    ----------
    strength (K,) : |push|, or the sensitivity where there is no push
    push (K,) : share of the logit, of the steps that are drawn
    of_padding : the same of all padding together

    Examples
    --------
    >>> steps = Steps(np.arange(2), ["not", "bad"], 0, 0, False, "word")
    >>> push = np.array([0.1, -0.3])
    >>> saliency_title(steps, np.abs(push), push, 0.0)
    '“bad” pushes hardest, towards negative (−0.30 in the logit); “not” follows (+0.10)'
    """
    ranked = [int(k) for k in np.argsort(-strength, kind="stable")[:2]]
    if not strength[ranked[0]] > 0:
        return f"No {steps.kind} pushes the answer" if push is not None else f"The answer is sensitive to no {steps.kind}"
    if push is None:
        first = f"The output is most sensitive to {steps.name(ranked[0])}"
        return first + (f", then to {steps.name(ranked[1])}" if len(ranked) > 1 else "")
    way = "positive" if push[ranked[0]] > 0 else "negative"
    title = f"{steps.opening(ranked[0])} pushes hardest, towards {way} ({signed(push[ranked[0]])} in the logit)"
    if len(ranked) > 1:
        title += f"; {steps.name(ranked[1])} follows ({signed(push[ranked[1]])})"
    if abs(of_padding) > strength[ranked[0]]:
        title += f". All padding together pushes harder: {signed(of_padding)}"
    return title


def signed(value: float) -> str:
    """Write a number with its sign, and two digits that count.

    >>> signed(-0.304), signed(0.0123), signed(2.5)
    ('−0.30', '+0.012', '+2.50')
    """
    text = f"{value:+.2f}" if abs(value) >= 0.1 else f"{value:+.2g}"
    return text.replace("-", "−")


def wrap(steps: Steps, width: float) -> list[Box]:
    """Put the words into lines of `width` points."""
    words: list[tuple[str, int | None]] = [(label, k) for k, label in enumerate(steps.labels)]
    if steps.before:
        words.insert(0, (f"{steps.before} × padding", None))
    if steps.after:
        words.append((f"{steps.after} × padding", None))
    boxes, left, line = [], 0.0, 0
    for text, k in words:
        text, wide = _fit(text, width - SPACE)
        if left > 0 and left + wide + SPACE > width:
            left, line = 0.0, line + 1
        boxes.append(Box(text, left, wide + SPACE, line, k))
        left += wide + SPACE
    return boxes


def _fit(text: str, width: float) -> tuple[str, float]:
    """Cut a word that is longer than a line."""
    wide = measure(text)
    while wide > width and len(text) > 2:
        text = text[:-2] + "…"
        wide = measure(text)
    return text, wide


def measure(text: str, size: float = SIZE) -> float:
    """Give the width of a text in points."""
    return float(text_to_path.get_text_width_height_descent(text, FontProperties(family="DejaVu Sans", size=size), False)[0])


def _room(inches: float) -> float:
    return inches * 72 - 14


def _color(push: np.ndarray | None, k: int) -> str:
    return POSITIVE if push is None or push[k] >= 0 else NEGATIVE


def _key(axes: Axes, largest: float, thickest: float | None, narrow: bool) -> None:
    """Draw which colour means what, below the text, and say what the lines are, if there are any."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    top = largest or 1.0
    sides: Any = {"location": "bottom", "pad": 0.02, "aspect": 30 if narrow else 50, "shrink": 1.0 if narrow else 0.7}
    unit = "nats per unit of x_t"
    if thickest is None:
        said, low, names = f"sensitivity |dL/dx_t| ({unit})", 0.0, ["0", f"{top:.2g}"]
    else:
        break_or_space = "\n" if narrow else " "
        said = f"push: share of the logit,{break_or_space}x_t · d logit/dx_t"
        said += f"\nline below a word: sensitivity |dL/dx_t|,{break_or_space}the thickest is {thickest:.2g} {unit}"
        low, names = -top, [f"{signed(-top)}\nnegative", "0", f"{signed(top)}\npositive"]
    colors: Any = strength_colors(STRONGEST) if thickest is None else signed_colors(STRONGEST)
    bar = figure.colorbar(ScalarMappable(Normalize(low, top), colors), ax=axes, **sides)
    bar.set_label(said, fontsize=10)
    bar.set_ticks([low, 0.0, top] if thickest is not None else [0.0, top], labels=names, fontsize=10)
    first, *_, last = bar.ax.get_xticklabels()
    first.set_horizontalalignment("left")  # words that stood out at the sides would make the text narrower
    last.set_horizontalalignment("right")
    bar.outline.set_visible(False)  # type: ignore[operator]
