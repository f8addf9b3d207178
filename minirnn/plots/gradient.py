"""How far back the gradient reaches: its norm at each distance from the end, and what the Jacobians let through.

Comes in: a trace with a label. Goes out: a `Picture`.

    dL/dh_(t-1) = dL/dz_t · Whᵀ          J_t = dh_t/dh_(t-1)          dh_T/dh_t = J_T ··· J_(t+1)

Where only the last state leads to the loss, |dL/dh_t| is at most |dL/dh_T| · |dh_T/dh_t|: the scale on the right is drawn so that
the product, read on the left, is that bound.

Source: S. Hochreiter, 1991, and Y. Bengio, P. Simard and P. Frasconi, 1994, for the product and what becomes of it over many steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from minirnn.plots.picture import Picture, legend
from minirnn.plots.signed import NEGATIVE, POSITIVE
from minirnn.plots.steps import (
    BAND,
    ROOM,
    choose_layer,
    count,
    draw_band,
    plain,
    read_steps,
    require_finite,
    require_gradient,
    shorten,
    source_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minirnn.tracing import Trace

VANISHED = 0.01
"""Share of the last step's gradient that is called vanished, once it is never reached again; its inverse is called exploded."""

FADED = 0.1
"""Share that is called faded; its inverse is called grown."""

SMALLEST = 1e-30
"""What is below is not drawn: it is 0 for all purposes, and a logarithm has no place for it."""


def gradient_picture(trace: Trace, layer: str | None = None, *, padding: bool = True) -> Picture:
    """Draw the gradient's way back.

    Parameters
    ----------
    trace : from ``minirnn.trace``, with a label
    layer : name of a recurrent layer; default: the one nearest the output
    padding : whether every step of padding is drawn, where a gradient most often vanishes, or one band instead

    Raises
    ------
    ValueError
        The trace has no label, or no layer of that name.

    Examples
    --------
    >>> import minirnn
    >>> from minirnn.layers import Dense, Embedding, Input, SimpleRNN
    >>> model = minirnn.Sequential([Input((4,)), Embedding(9, 3), SimpleRNN(5), Dense(1, "sigmoid")], seed=1)
    >>> model.compile("rmsprop", "binary_crossentropy")
    >>> trace = minirnn.trace(model, "not bad", y=1, word_index={"not": 1, "bad": 2})
    >>> gradient_picture(trace).title
    'The gradient neither vanishes nor explodes: 3 steps back it is as large as at the end'
    """
    require_gradient("gradient_picture", trace)
    require_finite("gradient_picture", trace)
    numbers = choose_layer("gradient_picture", trace, layer)
    steps = read_steps(trace, numbers.positions, padding)
    T = len(numbers.positions)
    back = (T - 1 - steps.shown)[::-1]  # distance 0 first
    assert numbers.dh is not None
    norms = np.linalg.norm(numbers.dh, axis=1)
    product = np.asarray(numbers.jacobian_product)
    drawn, let_through = norms[steps.shown][::-1], product[steps.shown][::-1]
    scale = float(norms[-1]) if norms[-1] > SMALLEST else 1.0

    def as_product(y: Any) -> Any:
        return y / scale

    def as_gradient(y: Any) -> Any:
        return y * scale

    def paint(axes: Axes, narrow: bool) -> None:
        mark: Any = {"marker": "o", "markersize": 4 if len(back) <= 40 else 2}
        axes.set_yscale("log")
        axes.plot(back, _visible(drawn), color=POSITIVE, linewidth=1.6, label="gradient |dL/dh_t|, left scale", zorder=3, **mark)
        # Wide and below, so that both are seen where they run together; a single step has no line to it, and is a mark.
        wide: Any = {"linestyle": "--", "linewidth": 3.2, "marker": "s" if len(back) == 1 else None, "markersize": 9}
        axes.plot(back, _visible(let_through * scale), color=NEGATIVE, label="Jacobian product |dh_T/dh_t|, right scale", **wide)
        _limit(axes, np.r_[drawn, let_through * scale])
        axes.set_ylabel("|dL/dh_t| (nats per unit of h)")
        right = axes.secondary_yaxis("right", functions=(as_product, as_gradient))
        right.set_ylabel("|dh_T/dh_t|")
        right.spines["right"].set_visible(True)
        _draw_distances(
            axes, back, [steps.labels[len(back) - 1 - k] for k in range(len(back))], steps.kind, steps.before, steps.after, narrow
        )
        legend(axes, 1 if narrow else 2)

    title = gradient_title(drawn, back, float(norms[-1]))
    words = (
        f"Lines of |dL/dh_t| and of the Jacobian product |dh_T/dh_t| over {count(len(back), 'step')}, on a scale of powers of ten. {title}."
    )
    words += (
        f" At the end |dL/dh_T| is {norms[-1]:.3g}; {back[-1]} steps back it is {drawn[-1]:.3g}, and the product is {let_through[-1]:.3g}."
    )
    for pads, where, value in ((steps.before, "before", norms[0]), (steps.after, "behind", norms[-1])):
        if pads:
            words += f" The {count(pads, 'step')} of padding {where} the text are a grey band; at their outer end |dL/dh_t| is {value:.3g}."
    source = source_of(trace, numbers)
    return Picture(title, f"{words} Data: {source}.", source, paint)


def gradient_title(norms: np.ndarray, back: np.ndarray, end: float) -> str:
    r"""Say whether the gradient vanishes, explodes, or neither.

    Parameters
    ----------
    norms (K,) : |dL/dh_t|, the last step that is drawn first
    back (K,) int : how far from the end each of them is
    end : |dL/dh_T|

    Examples
    --------
    >>> back = np.arange(9)
    >>> gradient_title(0.5**back, back, 1.0)
    'The gradient vanishes: 7 steps back, and further, less than 1\xa0% of it is left'
    >>> gradient_title(2.0**back, back, 1.0)
    'The gradient explodes: 7 steps back it is more than 100 times what it is at the end'
    >>> gradient_title(np.array([2.0, 1.0, 4.0]), np.arange(3), 2.0)
    'The gradient neither vanishes nor explodes: 2 steps back it is 2 times what it is at the end'
    """
    if not max(norms.max(), end) > 0:
        return "No gradient goes back: it is 0 at every step"
    if end == 0:
        return f"The gradient is 0 at the last step, and largest {count(int(back[norms.argmax()]), 'step')} back"
    relative = norms / end
    if len(back) == 1:
        where = "at the only step" if back[0] == 0 else f"at the only one drawn, {count(int(back[0]), 'step')} back,"
        return f"The gradient {where} is {norms[0]:.2g} nats per unit of h"
    reached = np.flatnonzero(relative > 0)
    if not len(reached):
        return "The gradient does not reach the text: it is exactly 0 at every step of it"
    if reached[-1] < len(back) - 1:
        return f"The gradient reaches {count(int(back[reached[-1]]), 'step')} back, and is exactly 0 before that"
    exploded = np.flatnonzero(relative > 1 / VANISHED)
    if len(exploded):
        far = count(int(back[exploded[0]]), "step")
        return f"The gradient explodes: {far} back it is more than {1 / VANISHED:.0f} times what it is at the end"
    left = np.flatnonzero(relative >= VANISHED)
    gone = int(left[-1]) + 1 if len(left) else 0
    if gone < len(back):
        share = f"{VANISHED * 100:.0f}\N{NO-BREAK SPACE}%"
        return f"The gradient vanishes: {count(int(back[gone]), 'step')} back, and further, less than {share} of it is left"
    last = float(relative[-1])
    what = (
        "fades, and does not vanish"
        if last < FADED
        else "grows, and does not explode"
        if last > 1 / FADED
        else "neither vanishes nor explodes"
    )
    return f"The gradient {what}: {count(int(back[-1]), 'step')} back it is {_compared(last)} at the end"


def _compared(share: float) -> str:
    """Say how large something is beside something else."""
    if share >= 1.05:
        return f"{share:.2g} times what it is"
    if share >= 0.995:
        return "as large as"
    digits = f"{share * 100:.0f}" if share >= 0.1 else f"{share * 100:.2g}"
    return f"{digits}\N{NO-BREAK SPACE}% of what it is"


def _visible(values: np.ndarray) -> np.ndarray:
    """Leave a gap where a logarithm has no place."""
    return np.where(values > SMALLEST, values, np.nan)


def _limit(axes: Axes, values: np.ndarray) -> None:
    """Show whole powers of ten, at least two of them, so that a gradient that stays is not drawn as one that vanishes."""
    seen = values[(values > SMALLEST) & np.isfinite(values)]
    if seen.size:
        low, high = np.floor(np.log10(seen.min()) - 0.05), np.ceil(np.log10(seen.max()) + 0.05)
        axes.set_ylim(10.0 ** (low - (high - low < 2)), 10.0**high)


def _draw_distances(axes: Axes, back: np.ndarray, labels: list[str], kind: str, before: int, after: int, narrow: bool) -> None:
    """Number the steps back from the end, with their words where all of them have room."""
    band = BAND * len(back)
    low, high = back[0] - 0.5 - band * bool(after), back[-1] + 0.5 + band * bool(before)
    axes.set_xlim(low, high)
    axes.grid(visible=False, axis="x")
    if kind != "step" and ROOM[narrow] / (high - low) > 11:
        between = "\n" if narrow else " "
        names = [f"{plain(shorten(label))}  {distance}" for label, distance in zip(labels, back, strict=True)]
        axes.set_xticks(back, names, rotation=90, fontsize=9)
        axes.set_xlabel(f"{kind}, and its steps back{between}from the end of reading")
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5 if narrow else 10, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
        axes.set_xlabel("steps back from the end of reading")
    draw_band(axes, back[-1] + 0.5, band, before)
    draw_band(axes, low, band, after)
