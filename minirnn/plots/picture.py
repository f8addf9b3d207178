"""What every picture is: a title that says what is to be seen, the same in words, and a drawing, as PNG or as SVG for a page.

Comes in: a function that draws into empty axes, and its words. Goes out: a PNG file, or an SVG element in a page's own colours, wide or
narrow.

Colours are blue and vermillion, which colour-blind readers tell apart; solid and dashed lines tell validation from training without colour.
matplotlib's figures are used as objects, without pyplot, so a program's own pictures and settings stay as they are.

Source: the two colours are from M. Okabe and K. Ito, "Color Universal Design", 2008.
"""

from __future__ import annotations

import io
import os
import re
import textwrap
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib
from matplotlib.figure import Figure

from minirnn.files import atomic_path

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


def legend(axes: Axes, columns: int) -> None:
    """Name the lines below the axes, where no curve can ever run through the words."""
    handles, labels = axes.get_legend_handles_labels()
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.legend(handles, labels, loc="outside lower left", ncols=columns, frameon=False, fontsize=10, borderaxespad=0)
