"""The pictures: every value drawn is the one that was given, every axis is named, and a title claims no more than the numbers hold."""

import re
import sys
from math import nan
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread
from small_run import FAST, SLOW, curves

from minirnn import plots
from minirnn.findings import Curve

LENGTHS = np.array([3, 5, 8, 13, 21, 34, 55, 89, 144, 233])


def pictures():
    return [
        plots.lengths_picture(LENGTHS, 40, "IMDB"),
        plots.loss_picture(curves(), "IMDB"),
        plots.accuracy_picture(curves(), "IMDB", 25_000),
    ]


def painted(picture, narrow=False):
    axes = Figure().add_subplot()
    picture.paint(axes, narrow)
    return axes


def lines(axes):
    return {line.get_label(): line.get_xydata().tolist() for line in axes.get_lines()}


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_both_axes_are_named_and_the_lines_too(place, narrow):
    axes = painted(pictures()[place], narrow)

    assert axes.get_xlabel()
    assert axes.get_ylabel()
    assert axes.get_legend() is not None or axes.get_figure().legends


@pytest.mark.parametrize(("metric", "place"), [("loss", 1), ("accuracy", 2)])
def test_training_and_validation_of_both_models_are_drawn_from_epoch_1(metric, place):
    drawn = lines(painted(pictures()[place]))

    for name, history in (("one-hot", SLOW), ("embedding", FAST)):
        epochs = range(1, len(history["loss"]) + 1)
        assert drawn[f"{name}, training"] == [[epoch, value] for epoch, value in zip(epochs, history[metric], strict=True)]
        assert drawn[f"{name}, validation"] == [[epoch, value] for epoch, value in zip(epochs, history[f"val_{metric}"], strict=True)]


def test_the_restored_epochs_are_marked_with_their_values():
    drawn = lines(painted(pictures()[1]))

    assert drawn["restored epoch 4: 0.602"] == [[4, 0.602]]
    assert drawn["restored epoch 2: 0.561"] == [[2, 0.561]]
    assert "restored epoch 2: 72.0\xa0%, test 71.5\xa0%" in lines(painted(pictures()[2]))


def test_loss_and_accuracy_have_units_and_lengths_say_how_wide_a_bar_is():
    assert [painted(picture).get_ylabel() for picture in pictures()] == [
        "training reviews per 4 ids",
        "binary cross-entropy loss (nats)",
        "reviews judged right (%)",
    ]


def test_the_histogram_counts_every_review_once_also_the_longest():
    axes = painted(plots.lengths_picture(np.r_[LENGTHS, 90_000], 40, "IMDB"))

    (outline,) = axes.patches
    steps = outline.get_xy()
    heights = steps[1:-1:2, 1][: len(np.unique(steps[:, 0])) - 1]
    assert heights.sum() == len(LENGTHS) + 1
    assert axes.get_xlabel().endswith("holds 1 longer one")


def test_models_differ_in_colour_and_training_differs_from_validation_without_it():
    styles = {line.get_label(): (line.get_color(), line.get_linestyle()) for line in painted(pictures()[1]).get_lines()}

    assert styles["one-hot, training"][0] != styles["embedding, training"][0]
    assert styles["one-hot, training"][1] != styles["one-hot, validation"][1]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_png_is_written_whole_at_a_legible_size(tmp_path, place):
    plots.save_png(pictures()[place], tmp_path / "picture.png")

    height, width, _ = imread(tmp_path / "picture.png").shape
    assert (width, height) == (1280, 832)
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]


def test_a_png_that_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path):
    with pytest.raises(OSError, match="no-folder"):
        plots.save_png(pictures()[0], tmp_path / "no-folder" / "picture.png")

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_svg_is_well_formed_and_takes_its_colours_from_the_page(place, narrow):
    svg = plots.to_svg(pictures()[place], narrow=narrow)

    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    assert "var(--ink)" in svg
    assert not [color for color in plots.VARIABLES if color in svg]


def test_names_inside_the_svgs_of_a_page_are_all_different():
    names = [set(re.findall(r' id="([^"]+)"', plots.to_svg(picture, narrow=narrow))) for picture in pictures() for narrow in (False, True)]

    assert len(set.union(*names)) == sum(map(len, names))


def test_references_inside_an_svg_lead_somewhere():
    svg = plots.to_svg(pictures()[1])

    names = set(re.findall(r' id="([^"]+)"', svg))
    references = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', svg))
    assert references
    assert {first or second for first, second in references} <= names


def test_matplotlib_is_left_as_it_was(tmp_path):
    before = dict(matplotlib.rcParams)

    plots.save_png(pictures()[0], tmp_path / "picture.png")
    plots.to_svg(pictures()[1])

    assert dict(matplotlib.rcParams) == before
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


@pytest.mark.parametrize("epochs", [1, 2])
def test_a_very_short_training_is_drawn_too(tmp_path, epochs):
    history = {name: values[:epochs] for name, values in FAST.items()}

    plots.save_png(plots.loss_picture([Curve("embedding", history, epochs, 0.6)], "IMDB"), tmp_path / "loss.png")

    assert (tmp_path / "loss.png").stat().st_size > 10_000


def test_a_value_that_is_not_finite_leaves_a_gap_and_not_an_error(tmp_path):
    history = FAST | {"val_loss": [nan, 0.561, 0.57]}

    plots.save_png(plots.loss_picture([Curve("embedding", history, 2, 0.6)], "IMDB"), tmp_path / "loss.png")

    assert (tmp_path / "loss.png").exists()


def test_the_lengths_title_is_computed_from_the_lengths():
    assert (
        plots.lengths_picture(LENGTHS, 40, "IMDB").title
        == "The median review has 27.5 ids; keeping the last 40 cuts 40.0\xa0% of the reviews"
    )
    assert plots.lengths_picture(LENGTHS, 233, "IMDB").title.endswith("none has more than the 233 that are kept")


def test_every_picture_names_its_data_in_words_too():
    for picture in pictures():
        assert "IMDB" in picture.source
        assert "IMDB" in picture.description
