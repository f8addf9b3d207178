"""What the units hold while a text is read: the states over time, and how many of them are saturated.

Comes in: a trace. Goes out: a `Picture` each. Blue is above 0, vermillion below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from minirnn.findings import percent
from minirnn.plots.picture import FILL, MUTED, Picture, legend
from minirnn.plots.signed import NEGATIVE, signed_colors
from minirnn.plots.steps import Steps, choose_layer, count, draw_steps, read_steps, require_finite, source_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minirnn.tracing import Trace

NUMBERED_UNITS = 16
"""Up to here every unit has its number beside it; more are sorted by the state they end in."""

SATURATED = 0.99
"""Beyond this |h|, tanh has a slope of less than 0.02: next to nothing of a gradient passes."""

BARS = 20


def states_picture(trace: Trace, layer: str | None = None, *, padding: bool = False) -> Picture:
    """Draw the state of every unit after every word.

    Parameters
    ----------
    trace : from ``minirnn.trace``
    layer : name of a recurrent layer; default: the one nearest the output
    padding : whether every step of padding is drawn, instead of one band

    Raises
    ------
    ValueError
        The trace has no layer of that name.

    Examples
    --------
    >>> import minirnn
    >>> from minirnn.layers import Dense, Embedding, Input, SimpleRNN
    >>> model = minirnn.Sequential([Input((4,)), Embedding(9, 3), SimpleRNN(5), Dense(1, "sigmoid")], seed=1)
    >>> model.compile("rmsprop", "binary_crossentropy")
    >>> trace = minirnn.trace(model, "not bad", y=1, word_index={"not": 1, "bad": 2})
    >>> states_picture(trace).title
    'The state moves most at “bad”: 4 of 5 units change sign'
    """
    numbers = choose_layer("states_picture", trace, layer)
    require_finite("states_picture", trace)
    steps = read_steps(trace, numbers.positions, padding)
    h, before = numbers.h[steps.shown], numbers.hs[:-1][steps.shown]
    K, H = h.shape
    moves = np.linalg.norm(h - before, axis=1)
    order = np.arange(H) if H <= NUMBERED_UNITS else np.argsort(-h[-1], kind="stable")
    limit = 1.0 if numbers.activation in ("tanh", "sigmoid") else float(np.abs(h).max()) or 1.0

    def paint(axes: Axes, narrow: bool) -> None:
        axes.grid(visible=False)
        places = (-0.5, K - 0.5, H - 0.5, -0.5)
        image = axes.imshow(
            h.T[order], cmap=signed_colors(), vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest", extent=places
        )
        draw_steps(axes, steps, moves, "where the state moves most", narrow)
        axes.set_ylim(H - 0.5, -0.5)
        if H <= NUMBERED_UNITS:
            axes.set_yticks(range(H), [str(unit) for unit in order])
            axes.set_ylabel("unit")
        else:
            axes.set_yticks([])
            axes.set_ylabel(f"{H} units, sorted by their last state")
        figure = axes.get_figure(root=True)
        assert figure is not None
        where: Any = {"location": "bottom", "aspect": 40, "pad": 0.02} if narrow else {"aspect": 30, "pad": 0.02}
        bar = figure.colorbar(image, ax=axes, label="state h", ticks=np.linspace(-limit, limit, 5), format="{x:.2g}", **where)
        bar.outline.set_visible(False)  # type: ignore[operator]

    title = _states_title(steps, h, before, moves)
    words = f"Heat map of the states of {count(H, 'unit')} after each of {count(K, steps.kind)}, from {-limit:.3g} to {limit:.3g}. {title}."
    source = source_of(trace, numbers)
    return Picture(title, f"{words} Data: {source}.", source, paint)


def saturation_picture(trace: Trace | np.ndarray, layer: str | None = None, *, padding: bool = False, source: str | None = None) -> Picture:
    """Draw how far the states are from 0.

    Parameters
    ----------
    trace : from ``minirnn.trace``; or states, an array of any shape whose last axis is the units
    layer : name of a recurrent layer; default: the one nearest the output
    padding : whether the states during padding count too
    source : what states given as an array are states of

    Raises
    ------
    ValueError
        The trace has no layer of that name, or there is no state, or one is not a finite number.

    Examples
    --------
    >>> import minirnn
    >>> from minirnn.layers import Dense, Embedding, Input, SimpleRNN
    >>> model = minirnn.Sequential([Input((4,)), Embedding(9, 3), SimpleRNN(5), Dense(1, "sigmoid")], seed=1)
    >>> model.compile("rmsprop", "binary_crossentropy")
    >>> trace = minirnn.trace(model, "not bad", y=1, word_index={"not": 1, "bad": 2})
    >>> saturation_picture(trace).title
    'No state is saturated: the largest |h| is 0.06, half are below 0.01'
    """
    if isinstance(trace, np.ndarray):
        states, activation, source = trace, "tanh" if np.abs(trace).max(initial=0) <= 1 else None, source or "states given as an array"
    else:
        numbers = choose_layer("saturation_picture", trace, layer)
        steps = read_steps(trace, numbers.positions, padding)
        seen = steps.shown if numbers.mask is None else steps.shown[numbers.mask[steps.shown]]
        states, activation, source = numbers.h[seen], numbers.activation, source or source_of(trace, numbers)
    if not states.size or not np.isfinite(states).all():
        raise ValueError(f"saturation_picture: states must be finite numbers, at least one, received shape {states.shape}.")
    # A sigmoid is flat at 0 and at 1; drawn out to -1..1 it is saturated where a tanh is.
    size = np.abs(2 * states - 1 if activation == "sigmoid" else states).ravel()
    name = "|2h − 1|" if activation == "sigmoid" else "|h|"
    bounded = activation in ("tanh", "sigmoid")
    top = 1.0 if bounded else max(float(size.max()), 1e-12)
    edges = np.linspace(0, top, BARS + 1)
    saturated = (size > SATURATED) & bounded
    share = float(saturated.mean())

    def paint(axes: Axes, narrow: bool) -> None:
        below = np.histogram(size[~saturated], edges)[0] / size.size
        beyond = np.histogram(size[saturated], edges)[0] / size.size
        width = top / BARS
        axes.bar(edges[:-1], below, width, align="edge", color=FILL, label="states")
        if bounded:
            axes.axvline(SATURATED, color=MUTED, linestyle=":", linewidth=1.4, label=f"{SATURATED}: saturated beyond")
        if share > 0:
            axes.bar(edges[:-1], beyond, width, align="edge", bottom=below, color=NEGATIVE, label="saturated states")
        axes.set_xlim(0, top)
        axes.set_ylim(0, 1.06 * float((below + beyond).max()))
        axes.set_xlabel(f"{name}, how far a state is from the middle")
        axes.set_ylabel(f"share of {count(size.size, 'state')} (%)")
        axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g}")
        axes.yaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10]))
        legend(axes, 1 if narrow else 3)

    middle = float(np.median(size))
    if not bounded:
        title = f"Half of the states are at most {middle:.2g} away from 0; the farthest is {size.max():.2g} away"
    elif share == 0:
        title = f"No state is saturated: the largest {name} is {size.max():.2f}, half are below {middle:.2f}"
    else:
        title = f"{percent(share)} of the states are saturated ({name} beyond {SATURATED}); half of all are below {middle:.2f}"
    lets_through = f" Where tanh is saturated its slope is below {1 - SATURATED**2:.2f}." if bounded and activation == "tanh" else ""
    words = f"Histogram of {name} over {count(size.size, 'state')} in bars {top / BARS:.3g} wide. {title}.{lets_through}"
    return Picture(title, f"{words} Data: {source}.", source, paint)


def _states_title(steps: Steps, h: np.ndarray, before: np.ndarray, moves: np.ndarray) -> str:
    """Say at which word the state moves most, and how many units turn there."""
    K, H = h.shape
    if K == 1:
        above = f"{int((h > 0).sum())} of {H} units are above 0" if H > 1 else f"the only unit is at {h[0, 0]:.2f}"
        return f"After {steps.name(0)}, all there is to read, {above}"
    if moves.max() < 0.05 * np.sqrt(H):
        return f"The state hardly moves while reading: by {moves.max():.2g} at most, where {2 * np.sqrt(H):.2g} would be possible"
    k = int(moves.argmax())
    turned = int((h[k] * before[k] < 0).sum())
    how = f"{turned} of {count(H, 'unit')} change sign" if H > 1 else "it changes sign"
    if turned == 1 and H > 1:
        how = f"1 of {count(H, 'unit')} changes sign"
    if turned == 0:
        how = f"by {moves[k]:.2f}, and no unit changes sign"
    return f"The state moves most at {steps.name(k)}: {how}"
