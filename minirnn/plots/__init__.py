"""Pictures: of a run, and of what goes on inside a network. One function a picture, each of which gives a `Picture`.

Comes in: numbers, as the library gave them. Goes out: drawings for PNG files, pages and notebooks. Nothing is computed here that the
library does not compute, and nothing is trained.
"""

from minirnn.plots.picture import COLORS, FILL, GRID, INK, MUTED, RC, SVG, VARIABLES, Picture, page_svg, save_png, to_svg
from minirnn.plots.training import accuracy_picture, lengths_picture, loss_picture

__all__ = [
    "COLORS",
    "FILL",
    "GRID",
    "INK",
    "MUTED",
    "RC",
    "SVG",
    "VARIABLES",
    "Picture",
    "accuracy_picture",
    "lengths_picture",
    "loss_picture",
    "page_svg",
    "save_png",
    "to_svg",
]
