"""How the answer comes about: the probability of "positive" if reading stopped after each word.

Comes in: a trace of a model with one sigmoid output. Goes out: a `Picture`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minirnn.plots.picture import INK, MUTED, Picture, legend
from minirnn.plots.signed import NEGATIVE, POSITIVE
from minirnn.plots.steps import Steps, count, draw_steps, read_steps, require_finite, source_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minirnn.tracing import Trace


def probability_picture(trace: Trace, *, padding: bool = False) -> Picture:
    """Draw the probability as reading goes on, and where it crosses one half.

    Parameters
    ----------
    trace : from ``minirnn.trace``
    padding : whether every step of padding is drawn, instead of one band

    Raises
    ------
    ValueError
        The trace has no probabilities: the model has no single sigmoid output, or cannot read shorter input.

    Examples
    --------
    >>> import minirnn
    >>> from minirnn.layers import Dense, Embedding, Input, SimpleRNN
    >>> model = minirnn.Sequential([Input((4,)), Embedding(9, 3), SimpleRNN(5), Dense(1, "sigmoid")], seed=1)
    >>> model.compile("rmsprop", "binary_crossentropy")
    >>> trace = minirnn.trace(model, "not bad", y=1, word_index={"not": 1, "bad": 2})
    >>> probability_picture(trace).title
    'It changes its mind 3 times, the last time at “bad”, and ends at 0.51: positive'
    """
    if trace.probs is None:
        raise ValueError(
            "probability_picture: the trace has no probabilities (trace.probs is None). They need a model with one sigmoid output that "
            "can stop reading anywhere: a last Dense(1, activation='sigmoid'), and no Flatten."
        )
    require_finite("probability_picture", trace)
    steps = read_steps(trace, trace.positions, padding)
    ordered = trace.probs[trace.positions]
    probs, end = ordered[steps.shown], float(ordered[-1])
    padded = float(ordered[steps.before - 1]) if steps.before else None
    before = np.r_[probs[0] if padded is None else padded, probs[:-1]]
    changes = np.flatnonzero((probs > 0.5) != (before > 0.5))
    # A change is named before any other word; of two that would touch, the larger step.
    moves = np.abs(probs - before)
    importance = moves + 2.0 * np.isin(np.arange(len(probs)), changes)

    def paint(axes: Axes, narrow: bool) -> None:
        places = np.arange(len(probs))
        half: Any = {"interpolate": True, "alpha": 0.22, "linewidth": 0}
        axes.fill_between(places, probs, 0.5, where=(probs >= 0.5).tolist(), color=POSITIVE, **half)
        axes.fill_between(places, probs, 0.5, where=(probs <= 0.5).tolist(), color=NEGATIVE, **half)
        axes.axhline(0.5, color=MUTED, linestyle="--", linewidth=1.4, label="0.5: undecided")
        dots: Any = {"marker": "o", "markersize": 4 if len(probs) <= 40 else 0} if len(probs) > 1 else {"marker": "o", "markersize": 8}
        axes.plot(places, probs, color=INK, linewidth=1.6, label="probability of “positive”", **dots)
        if len(changes):
            marks: Any = {"linestyle": "none", "marker": "o", "markersize": 9, "markerfacecolor": "none", "markeredgewidth": 1.8}
            axes.plot(changes, probs[changes], color=INK, label="changes its mind", **marks)
        draw_steps(axes, steps, importance, "where the probability moves most", narrow)
        if padded is not None:
            middle = (steps.limits[0] - 0.5) / 2
            axes.plot([middle, 0], [padded, probs[0]], color=INK, linewidth=1.2, linestyle=":", marker="o", markersize=3)
            axes.texts[0].set(y=0.97 if padded < 0.5 else 0.03, verticalalignment="top" if padded < 0.5 else "bottom")  # off that line
        axes.set_ylim(0, 1)
        axes.set_ylabel("probability of “positive” so far")
        legend(axes, 1 if narrow else 3)

    title = probability_title(steps, probs, end, changes)
    label = f" Its label is {'positive' if float(np.ravel(trace.y)[0]) > 0.5 else 'negative'}." if trace.y is not None else ""
    path = ", ".join(f"{steps.name(int(k))} {probs[k]:.2f}" for k in changes)
    start = "" if padded is None else f" After the padding, before the first {steps.kind}, it is {padded:.2f}."
    words = (
        f"Line of the probability of “positive” after each of {count(len(probs), steps.kind)}, from {probs[0]:.2f} to {end:.2f}. {title}."
    )
    words += start + f" Changes of mind: {path}." * bool(path) + label
    source = source_of(trace)
    return Picture(title, f"{words} Data: {source}.", source, paint)


def probability_title(steps: Steps, probs: np.ndarray, end: float, changes: np.ndarray) -> str:
    """Say where it ends, and where it changed its mind.

    >>> steps = Steps(np.arange(3), ["not", "bad", "film"], 0, 0, False, "word")
    >>> probability_title(steps, np.array([0.4, 0.3, 0.6]), 0.6, np.array([2]))
    'It changes its mind once, at “film”, and ends at 0.60: positive'
    """
    side = "positive" if end > 0.5 else "negative"
    ends = f"ends at {end:.2f}: {side}"
    after = "; the padding behind the text turns it round" if (probs[-1] > 0.5) != (end > 0.5) else ""
    if len(probs) == 1:
        return f"After {steps.name(0)}, all there is to read, it {ends}"
    if not len(changes):
        leaning = f"It leans to {'positive' if probs[0] > 0.5 else 'negative'} from the first {steps.kind} on"
        return f"{leaning}, never changes its mind, and {ends}{after}"
    last = steps.name(int(changes[-1]))
    if len(changes) == 1:
        return f"It changes its mind once, at {last}, and {ends}{after}"
    return f"It changes its mind {len(changes)} times, the last time at {last}, and {ends}{after}"
