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
import zlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib
from matplotlib.figure import Figure

from minirnn.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORS = {"one-hot": "#d55e00", "embedding": "#0072b2"}
INK, MUTED, GRID, FILL, PAPER = "#1b1b1b", "#5a5a5a", "#dcdcdc", "#9ecae1", "#fefefe"

VARIABLES = {
    INK: "ink",
    MUTED: "muted",
    GRID: "grid",
    FILL: "fill",
    PAPER: "paper",
    COLORS["one-hot"]: "onehot",
    COLORS["embedding"]: "embedding",
}
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


PNG_WIDTH = 8.0
PNG: Any = {"dpi": 160, "facecolor": "white", "format": "png"}


class Heights(NamedTuple):
    """Inches that a drawing is high: as a PNG of 8.0 inches' width, as a wide SVG of 8.6, and as a narrow one of 3.9.

    Examples
    --------
    >>> Heights(png=7.0).narrow
    5.2
    """

    png: float = 5.2
    wide: float = 4.9
    narrow: float = 5.2


class Picture(NamedTuple):
    """A drawing and its words. As the last line of a notebook's cell it shows itself.

    Attributes
    ----------
    title : what is to be seen.
    description : the same for those who do not see it.
    source : the reviews it was made from.
    paint : function that draws into empty axes; told whether there is little room.
    heights : how high it is.

    Examples
    --------
    >>> picture = Picture("A falling line", "It goes from 1 to 0.", "two numbers", lambda axes, narrow: axes.plot([1, 0], color=INK))
    >>> picture.title, picture.heights.png
    ('A falling line', 5.2)
    """

    title: str
    description: str
    source: str
    paint: Callable[[Axes, bool], None]
    heights: Heights = Heights()

    def __repr__(self) -> str:
        return f"<Picture: {self.title}>"

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """Give a notebook the PNG, and half its dots as the size to show it at, so that it is sharp on fine screens."""
        stream = io.BytesIO()
        with matplotlib.rc_context(RC):
            _titled(self).savefig(stream, **PNG)
        width, height = (round(side * PNG["dpi"] / 2) for side in (PNG_WIDTH, self.heights.png))
        return stream.getvalue(), {"width": width, "height": height}


def save_png(picture: Picture, path: str | os.PathLike[str]) -> None:
    """Write the picture as a PNG, whole or not at all: 1280 dots wide, and 832 high unless it needs more.

    Raises
    ------
    OSError
        The file cannot be written.

    Examples
    --------
    >>> picture = Picture("A falling line", "It goes from 1 to 0.", "two numbers", lambda axes, narrow: axes.plot([1, 0], color=INK))
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/line.png"
    >>> save_png(picture, path)
    >>> os.path.getsize(path) > 1000
    True
    """
    with matplotlib.rc_context(RC), atomic_path(path) as partial:
        _titled(picture).savefig(partial, **PNG)


def to_svg(picture: Picture, *, narrow: bool = False) -> str:
    """Give the picture as an SVG element without its title, in the page's own colours and font.

    Parameters
    ----------
    narrow : drawn for a telephone, with fewer inches for the same letters.

    Examples
    --------
    >>> picture = Picture("A falling line", "It goes from 1 to 0.", "two numbers", lambda axes, narrow: axes.plot([1, 0], color=INK))
    >>> svg = to_svg(picture)
    >>> svg[:4], "var(--" in svg
    ('<svg', True)
    """
    with matplotlib.rc_context(RC):
        figure, axes = _figure(*((3.9, picture.heights.narrow) if narrow else (8.6, picture.heights.wide)))
        picture.paint(axes, narrow)
        # Two drawings on one page must not share names: the second's clip paths would be those of the first. Titles of two models'
        # pictures may begin alike, so the name is made from all the words.
        words = f"{picture.title}\n{picture.description}\n{picture.source}"
        return page_svg(figure, f"picture{zlib.crc32(words.encode()):08x}{'narrow' if narrow else 'wide'}")


def page_svg(figure: Figure, mark: str, variables: Mapping[str, str] = VARIABLES) -> str:
    """Give a figure as an SVG element for a page: text stays text, and colours become the page's.

    Parameters
    ----------
    mark : goes before every name in it, so that no other drawing on the page shares them.
    variables : colour to the CSS variable that takes its place.

    Examples
    --------
    >>> figure = Figure()
    >>> axes = figure.add_subplot()
    >>> bars = axes.bar([1, 2], [3, 4], color=FILL)
    >>> svg = page_svg(figure, "bars")
    >>> "var(--fill)" in svg, ' id="bars-' in svg
    (True, True)
    """
    stream = io.StringIO()
    with matplotlib.rc_context(SVG):
        figure.savefig(
            stream, format="svg", transparent=True, metadata={"Date": None}, dpi=200
        )  # dots are for what has too many points to be drawn one by one
    svg = stream.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    for color, variable in variables.items():
        svg = svg.replace(color, f"var(--{variable})")
    return re.sub(r'((?: id="|url\(#|href="#))', rf"\g<1>{mark}-", svg)


def _titled(picture: Picture) -> Figure:
    """Draw the picture with its title and its data's name, for a white page."""
    figure, axes = _figure(PNG_WIDTH, picture.heights.png)
    # Before it is painted: what looks for room must know what the title takes of it.
    axes.set_title("\n".join(textwrap.wrap(picture.title, 68)), loc="left", fontsize=14, pad=14, x=0)
    figure.suptitle(f"Data: {picture.source}", x=0.005, ha="left", fontsize=10, color=MUTED)
    picture.paint(axes, False)
    return figure


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def legend(axes: Axes, columns: int) -> None:
    """Name the lines below the axes, where no curve can ever run through the words."""
    handles, labels = axes.get_legend_handles_labels()
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.legend(handles, labels, loc="outside lower left", ncols=columns, frameon=False, fontsize=10, borderaxespad=0)
