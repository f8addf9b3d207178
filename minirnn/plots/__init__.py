"""Pictures: of a run, and of what goes on inside a network. One function a picture, each of which gives a `Picture`.

Comes in: numbers, as the library gave them. Goes out: drawings for PNG files, pages and notebooks. Nothing is computed here that the
library does not compute, but for the projection of words' vectors to two directions, and nothing is trained.
"""

from minirnn.plots.contributions import contributions_picture
from minirnn.plots.gradient import gradient_picture
from minirnn.plots.picture import COLORS, FILL, GRID, INK, MUTED, PAPER, RC, SVG, VARIABLES, Heights, Picture, page_svg, save_png, to_svg
from minirnn.plots.plateau import reach_picture, words_picture
from minirnn.plots.probability import probability_picture
from minirnn.plots.saliency import saliency_picture
from minirnn.plots.states import saturation_picture, states_picture
from minirnn.plots.training import accuracy_picture, lengths_picture, loss_picture
from minirnn.plots.vectors import vectors_picture

__all__ = [
    "COLORS",
    "FILL",
    "GRID",
    "INK",
    "MUTED",
    "PAPER",
    "RC",
    "SVG",
    "VARIABLES",
    "Heights",
    "Picture",
    "accuracy_picture",
    "contributions_picture",
    "gradient_picture",
    "lengths_picture",
    "loss_picture",
    "page_svg",
    "probability_picture",
    "reach_picture",
    "saliency_picture",
    "saturation_picture",
    "save_png",
    "states_picture",
    "to_svg",
    "vectors_picture",
    "words_picture",
]
