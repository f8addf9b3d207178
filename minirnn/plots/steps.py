"""The axis of reading: words in the order in which a layer reads them, with padding as one band.

Comes in: a trace, and the input step that is read at each step of reading. Goes out: places on an axis, their words, and the band.

A network that reads 100 steps reads a text of 13 words after 87 of padding; drawn step by step, the words would have an eighth of the
picture. Padding before the first word, or after the last one, becomes a grey band that says how many steps it stands for.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minirnn.plots.picture import MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minirnn.tracing import LayerTrace, Trace

PAD = "<pad>"
LONGEST_WORD = 16
"""Letters of a word that an axis shows."""

ROOM = {False: 440.0, True: 185.0}
"""Points that the axes are wide, about: in a wide picture, and in a narrow one."""

BAND = 0.09
"""Width of a band, as a share of what the words take."""

LINE = 10.5
"""Points from one upright label of nine points to the next."""


class Steps(NamedTuple):
    """The steps of reading that are drawn; step number k stands at place k.

    Attributes
    ----------
    shown (K,) int : which steps of reading, in their order.
    labels : a word each, or an id, or the number of the step.
    before, after : steps of padding that a band stands for.
    backwards : whether the last word is read first.
    kind : "word", "id" or "step": what the labels are.
    """

    shown: np.ndarray
    labels: list[str]
    before: int
    after: int
    backwards: bool
    kind: str

    @property
    def band(self) -> float:
        """Width of a band, in steps."""
        return BAND * len(self.shown)

    @property
    def limits(self) -> tuple[float, float]:
        """Where the axis begins and ends."""
        return -0.5 - self.band * bool(self.before), len(self.shown) - 0.5 + self.band * bool(self.after)

    def name(self, k: int) -> str:
        """Name step number k in a sentence: a word that comes again is told from the others by its turn."""
        label = self.labels[k]
        quoted = f"“{label}”" if self.kind == "word" else f"{self.kind} {label}"
        if self.labels.count(label) == 1:
            return quoted
        return f"{quoted} ({ordinal(self.labels[: k + 1].count(label))} time)"

    def opening(self, k: int) -> str:
        """Name step number k at the beginning of a sentence."""
        name = self.name(k)
        return name[0].upper() + name[1:] if self.kind != "word" else name


def read_steps(trace: Trace, positions: np.ndarray, padding: bool = False) -> Steps:
    """Lay out the steps of reading.

    Parameters
    ----------
    trace : its words, ids and mask say what is padding.
    positions (T,) int : the input step that is read at each step of reading.
    padding : whether every step of padding is drawn, and no band.
    """
    positions = np.asarray(positions)
    is_pad = padding_of(trace, len(positions))[positions]
    words = np.flatnonzero(~is_pad)
    if padding or not len(words):
        first, last = 0, len(positions)
    else:
        first, last = int(words[0]), int(words[-1]) + 1
    shown = np.arange(first, last)
    kind = "word" if trace.words is not None else "id" if trace.ids is not None else "step"
    names = trace.words or ([str(number) for number in trace.ids] if trace.ids is not None else [str(t + 1) for t in range(len(positions))])
    labels = [names[position] for position in positions[shown]]
    backwards = len(positions) > 1 and bool(positions[0] > positions[-1])
    return Steps(shown, labels, first, len(positions) - last, backwards, kind)


def padding_of(trace: Trace, T: int) -> np.ndarray:
    """Say which input steps (T,) bool are padding: id 0 where there are ids, else what the mask hides."""
    if trace.words is not None:
        return np.array([word == PAD for word in trace.words], dtype=bool)
    if trace.ids is not None:
        return np.asarray(trace.ids) == 0
    return np.zeros(T, dtype=bool) if trace.mask is None else ~np.asarray(trace.mask, dtype=bool)


def draw_steps(axes: Axes, steps: Steps, importance: np.ndarray, what: str, narrow: bool, said_of_padding: str = "") -> None:
    """Write the words below the axis and draw the bands; where not all words have room, the important ones are written.

    Parameters
    ----------
    importance (K,) : of two words that would touch, the one with the higher number is written.
    what : what the written words have in common, if some are left out: "where the state moves most".
    said_of_padding : goes on the bands, after the number of steps.
    """
    low, high = steps.limits
    axes.set_xlim(low, high)
    unit = ROOM[narrow] / (high - low)
    chosen = apart(importance, LINE / unit)
    labels = [plain(shorten(steps.labels[k])) for k in chosen]
    longest = max(map(len, labels))
    rotation = 0 if unit > 6.5 * longest else 45 if unit > 20 else 90
    turned: Any = {"rotation": rotation, "fontsize": 9 if rotation == 90 else 10}
    if rotation == 45:
        turned |= {"ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(chosen, labels, **turned)
    axes.grid(visible=False, axis="x")
    way = "the last first" if steps.backwards else "in the order of reading"
    said = f"{steps.kind}s, {way}"
    newline = "\n" if narrow else "; "
    if len(chosen) < len(steps.labels):
        said += f"{newline}named {what}"
    axes.set_xlabel(said, fontsize=10 if narrow else 12)
    draw_band(axes, low, steps.band, steps.before, said_of_padding)
    draw_band(axes, high - steps.band, steps.band, steps.after, said_of_padding)


def draw_band(axes: Axes, left: float, width: float, count: int, said: str = "") -> None:
    """Draw the grey band of `count` steps of padding, if there are any, and what is said of them."""
    if count:
        axes.axvspan(left, left + width, color=MUTED, alpha=0.18, linewidth=0)
        style: Any = {"ha": "center", "va": "bottom", "rotation": 90, "fontsize": 10, "color": MUTED}
        axes.text(left + width / 2, 0.03, f"{count} × padding{said}", transform=axes.get_xaxis_transform(), **style)


def apart(importance: np.ndarray, distance: float) -> list[int]:
    """Choose places, the most important first, of which no two are nearer than `distance`.

    >>> apart(np.array([0.1, 0.9, 0.8, 0.2, 0.7]), 1.5)
    [1, 4]
    """
    chosen: list[int] = []
    for k in np.argsort(-np.asarray(importance), kind="stable"):
        if all(abs(int(k) - other) >= distance for other in chosen):
            chosen.append(int(k))
    return sorted(chosen)


def ordinal(number: int) -> str:
    """Write 1st, 2nd, 3rd, 4th, 11th.

    >>> [ordinal(number) for number in (1, 2, 3, 4, 11, 12, 23)]
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '23rd']
    """
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def shorten(word: str) -> str:
    """Cut a word that an axis has no room for."""
    return word if len(word) <= LONGEST_WORD else word[: LONGEST_WORD - 1] + "…"


def plain(word: str) -> str:
    r"""Write a word so that matplotlib does not take its dollar signs for a formula.

    >>> plain("a $2 film for $5")
    'a \\$2 film for \\$5'
    """
    return word.replace("$", r"\$")


def choose_layer(function: str, trace: Trace, layer: str | None) -> LayerTrace:
    """Give the layer of that name, or the one nearest the output.

    Raises
    ------
    ValueError
        The trace has no layer of that name.
    """
    if layer is None:
        return trace.layers[-1]
    try:
        return trace[layer]
    except KeyError:
        names = ", ".join(repr(one.name) for one in trace.layers)
        raise ValueError(
            f"{function}: the trace has no layer {layer!r}; it has {names}. Leave layer out for the one nearest the output."
        ) from None


def require_gradient(function: str, trace: Trace) -> None:
    """Raise ValueError if the trace was made without a label."""
    if trace.loss is None:
        raise ValueError(
            f"{function}: nothing went back in this trace, because it has no label. Make it with minirnn.trace(model, x, y=1)."
        )


def require_finite(function: str, trace: Trace) -> None:
    """Raise ValueError if a state or a gradient of the trace is no finite number: there is no place for it on any scale."""
    found = [trace.saliency, trace.leaning, trace.output, *(array for layer in trace.layers for array in (layer.hs, layer.dh))]
    if not all(array is None or np.isfinite(array).all() for array in found):
        raise ValueError(
            f"{function}: the states or gradients of model '{trace.model}' are not all finite numbers, as after a training whose loss is "
            f"nan. Train with a smaller learning_rate, or with clipnorm."
        )


def source_of(trace: Trace, layer: LayerTrace | None = None) -> str:
    """Name the model and the text that a picture was made from."""
    layers = trace.layers if layer is None else [layer]
    shapes = " + ".join(f"{one.name} ({one.units})" for one in layers)
    positions = trace.positions if layer is None else layer.positions
    steps = read_steps(trace, np.sort(positions))
    text = " ".join(steps.labels)
    if steps.kind == "word":
        return f"{trace.model}: {shapes} reading “{textwrap.shorten(text, 60, placeholder=' …')}”"
    return f"{trace.model}: {shapes} reading {count(len(steps.labels), steps.kind)}"


def count(number: int, noun: str) -> str:
    """Write a number and its noun.

    >>> count(1, "unit"), count(8, "unit")
    ('1 unit', '8 units')
    """
    return f"{number:,} {noun}{'s' * (number != 1)}"
