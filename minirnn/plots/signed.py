"""Colours of numbers with a sign, and of numbers that are only large or small.

Comes in: a value. Goes out: blue for what is above 0 and vermillion for what is below, the stronger the larger it is.

A value is shown by how little of the page shines through: 0 is the page itself, white or dark, and both ends are equally strong
(CIELAB lightness 46 and 47 on white, where the lines' own vermillion would have 54). Blue means positive in every picture.
"""

from __future__ import annotations

from matplotlib.colors import LinearSegmentedColormap, ListedColormap, to_rgb

from minirnn.plots.picture import COLORS

POSITIVE, NEGATIVE = COLORS["embedding"], COLORS["one-hot"]
"""Lines and marks of what is above 0, and of what is below."""

BLUE, VERMILLION = "#0072b2", "#b84f00"


def signed_colors(strongest: float = 1.0) -> LinearSegmentedColormap:
    """Give the colours of numbers from below 0 to above 0.

    Parameters
    ----------
    strongest : opacity of both ends, 0..1; less than 1 where words are to be read on them

    Examples
    --------
    >>> colors = signed_colors()
    >>> [round(float(value), 2) for value in colors(1.0)], [round(float(value), 2) for value in colors(0.0)]
    ([0.0, 0.45, 0.7, 1.0], [0.72, 0.31, 0.0, 1.0])
    >>> abs(float(colors(0.5)[3])) < 0.01  # in the middle one sees the page
    True
    """
    low, high = to_rgb(VERMILLION), to_rgb(BLUE)
    # The colour changes in the middle, where nothing of it is seen.
    places = [(0.0, (*low, strongest)), (0.5, (*low, 0.0)), (0.5, (*high, 0.0)), (1.0, (*high, strongest))]
    return LinearSegmentedColormap.from_list("signed", places)


def strength_colors(strongest: float = 1.0) -> ListedColormap:
    """Give the colours of numbers that have no sign, from none of it to blue.

    Parameters
    ----------
    strongest : opacity of the end, 0..1

    Examples
    --------
    >>> float(strength_colors()(0.0)[3]), float(strength_colors()(1.0)[3])
    (0.0, 1.0)
    """
    return ListedColormap([(*to_rgb(BLUE), strongest * step / 255) for step in range(256)], name="strength")
