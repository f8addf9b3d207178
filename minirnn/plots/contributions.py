"""Which step taught which weight how much: each step's own share in the gradients of a recurrent layer.

Comes in: a trace with a label. Goes out: a `Picture`.

    dWh = Σ_t h_(t-1)ᵀ · dL/dz_t        dWx = Σ_t x_tᵀ · dL/dz_t        db = Σ_t dL/dz_t

A row of the matrix is a weight, or the weights that lead into one unit, whose contributions are then summed up as a Euclidean norm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import PercentFormatter

from minirnn.findings import percent
from minirnn.plots.picture import MUTED, Heights, Picture
from minirnn.plots.signed import strength_colors
from minirnn.plots.steps import Steps, choose_layer, count, draw_steps, read_steps, require_finite, require_gradient, source_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minirnn.tracing import LayerTrace, Trace

PAIRS_UP_TO = 8
"""Units up to which every weight of Wh has a row of its own."""


def contributions_picture(trace: Trace, layer: str | None = None, *, padding: bool = False) -> Picture:
    r"""Draw what each step adds to the gradient of each weight.

    Parameters
    ----------
    trace : from ``minirnn.trace``, with a label
    layer : name of a recurrent layer; default: the one nearest the output
    padding : whether every step of padding is drawn, instead of one band

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
    >>> contributions_picture(trace).title
    '“bad” teaches most, 25.1\xa0% of all contributions; the last 2 of 4 steps give half'
    """
    require_gradient("contributions_picture", trace)
    require_finite("contributions_picture", trace)
    numbers = choose_layer("contributions_picture", trace, layer)
    steps = read_steps(trace, numbers.positions, padding)
    H, K = numbers.units, len(steps.shown)
    pairs = H <= PAIRS_UP_TO
    assert numbers.contribution_norms is not None
    total = np.sqrt(sum(norms**2 for norms in numbers.contribution_norms.values()))
    blocks = {"all": total[None, steps.shown]}
    blocks |= {name: block[:, steps.shown] for name, block in contribution_rows(numbers, pairs).items()}
    of_padding = float(np.delete(total, steps.shown).sum()) / (float(total.sum()) or 1.0)
    # Heights of the blocks, from the top; Wh has most rows, and most of the room.
    shares = {"all": 0.07, "Wh": 0.51, "Wx": 0.18, "b": 0.18} if pairs else {"all": 0.07, "Wh": 0.29, "Wx": 0.29, "b": 0.29}
    gap = (1 - sum(shares.values())) / 3

    def paint(axes: Axes, narrow: bool) -> None:
        axes.grid(visible=False)
        ticks: list[tuple[float, str]] = []
        top, image = 1.0, None
        for name, block in blocks.items():
            low = top - shares[name]
            image = axes.imshow(
                block / (float(block.max()) or 1.0),
                cmap=strength_colors(),
                vmin=0.0,
                vmax=1.0,
                aspect="auto",
                interpolation="nearest",
                extent=(-0.5, K - 0.5, low, top),
            )
            ticks += _rows(name, float(block.max()), H, low, top, pairs, narrow)
            if low > 0.01:
                axes.plot([-0.5, K - 0.5], [low - gap / 2] * 2, color=MUTED, linewidth=0.8)
            top = low - gap
        draw_steps(axes, steps, total[steps.shown], "which teach most", narrow, f" give {percent(of_padding)}")
        axes.set_ylim(0, 1)
        axes.set_yticks([place for place, _ in ticks], [name for _, name in ticks], fontsize=9)
        axes.tick_params(axis="y", length=0)
        axes.set_ylabel("weights, by the unit they lead into\n(largest: in nats per unit of weight)", fontsize=10)
        figure = axes.get_figure(root=True)
        assert figure is not None and image is not None
        where: Any = {"location": "bottom", "aspect": 40, "pad": 0.02} if narrow else {"aspect": 30, "pad": 0.02}
        said = (
            "size of the contribution\n(% of the largest of its block)"
            if narrow
            else "size of the contribution (% of the largest of its block)"
        )
        bar = figure.colorbar(image, ax=axes, label=said, format=PercentFormatter(1.0, symbol=None), **where)
        bar.outline.set_visible(False)  # type: ignore[operator]

    title = contributions_title(steps, total)
    sizes = ", ".join(f"{block.max():.3g} ({name})" for name, block in blocks.items())
    rows = "each weight of Wh" if pairs else "the weights of Wh into each unit"
    words = f"Matrix of the contributions of {count(K, steps.kind)} to the gradients of {rows}, of Wx and of b, {count(H, 'unit')}; "
    words += f"the largest are {sizes} nats per unit of weight. {title}."
    source = source_of(trace, numbers)
    return Picture(title, f"{words} Data: {source}.", source, paint, Heights(5.8, 5.8, 6.2))


def contribution_rows(numbers: LayerTrace, pairs: bool) -> dict[str, np.ndarray]:
    """Give the size of each step's contribution, as rows of weights by steps of reading.

    Parameters
    ----------
    numbers : of a layer
    pairs : whether every weight of Wh has a row: those into unit 0 first, from unit 0, 1, ...; else one row for each unit

    Returns
    -------
    dict
        "Wh" (H·H,T) or (H,T), "Wx" (H,T), "b" (H,T).
    """
    assert numbers.dz is not None
    dz, h_prev = np.abs(numbers.dz), np.abs(numbers.hs[:-1])  # (T,H)
    T, H = dz.shape
    size = np.ones(T) if numbers.x is None else np.linalg.norm(numbers.x, axis=1)  # a one-hot x has norm 1
    into = np.linalg.norm(h_prev, axis=1)[:, None] * dz
    Wh = (dz[:, :, None] * h_prev[:, None, :]).reshape(T, H * H) if pairs else into
    return {"Wh": Wh.T, "Wx": (size[:, None] * dz).T, "b": dz.T}


def contributions_title(steps: Steps, total: np.ndarray) -> str:
    """Say which word teaches most, and how many last steps give half of all that is taught.

    Parameters
    ----------
    total (T,) : norm of each step's contributions to all weights.
    """
    whole = float(total.sum())
    if not whole > 0:
        return "No step teaches anything: every contribution is 0"
    shown = total[steps.shown]
    last = int(np.searchsorted(np.cumsum(total[::-1]), whole / 2)) + 1
    of_padding = 1 - float(shown.sum()) / whole
    k = int(shown.argmax())
    if len(shown) == 1 and of_padding < 0.0005:
        return f"{steps.opening(0)}, the only step, teaches everything"
    half = f"the last {last} of {len(total)} steps give half" if last > 1 else f"the last of {len(total)} steps gives half"
    if of_padding > 0.5:
        return f"Padding gives {percent(of_padding)} of all contributions; of the {steps.kind}s {steps.name(k)} teaches most"
    return f"{steps.opening(k)} teaches most, {percent(float(shown[k]) / whole)} of all contributions; {half}"


def _rows(name: str, largest: float, H: int, low: float, top: float, pairs: bool, narrow: bool) -> list[tuple[float, str]]:
    """Say which rows stand where: a block's name at its middle, or one tick for each unit that weights of Wh lead into."""
    if name == "Wh" and pairs:
        height = (top - low) / H
        return [(top - (unit + 0.5) * height, f"Wh to {unit}" if narrow else f"Wh to unit {unit}") for unit in range(H)]
    if name == "all":
        return [((low + top) / 2, f"all weights\nlargest {largest:.2g}")]
    units = (f" to 0…{H - 1}" if narrow else f" to units 0…{H - 1}") * (H > 1)
    return [((low + top) / 2, f"{name}{units}\nlargest {largest:.2g}")]
