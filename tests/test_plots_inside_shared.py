"""What all pictures of a network's inside have in common: refusals, words, named axes, files, colours."""

import re
import sys
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from inside_cases import INDEX, PER_TRACE, TEXT, everything, network, painted, read
from matplotlib.colors import to_hex, to_rgb
from matplotlib.image import imread
from trace_cases import model_of, review_of

import minirnn
from minirnn import layers, plots
from minirnn.plots.signed import signed_colors, strength_colors


@pytest.mark.parametrize("name", ["gradient", "contributions", "saliency"])
def test_what_goes_back_needs_a_label(name):
    with pytest.raises(ValueError, match=f"{name}_picture: .* y=1"):
        PER_TRACE[name](read(y=None))


@pytest.mark.parametrize("name", ["states", "gradient", "contributions", "saturation"])
def test_an_unknown_layer_is_named_with_those_there_are(name):
    trace = read()

    with pytest.raises(ValueError, match=f"no layer 'lstm'; it has '{trace.layers[0].name}'"):
        PER_TRACE[name](trace, "lstm")


def test_a_model_that_only_reads_to_the_end_has_no_path_of_probabilities():
    with pytest.raises(ValueError, match="no Flatten"):
        plots.probability_picture(minirnn.trace(model_of("flatten"), review_of("flatten"), 1))


def test_without_a_label_the_way_forward_is_drawn():
    trace = read(y=None)

    assert plots.states_picture(trace).title and plots.probability_picture(trace).title and plots.saturation_picture(trace).title


@pytest.mark.parametrize("name", PER_TRACE)
def test_numbers_that_no_scale_has_are_said_to_be_so(name):
    model = network()
    weights = model.get_weights()
    weights[1][2, 3] = np.nan
    model.set_weights(weights)

    with pytest.raises(ValueError, match=f"{name}_picture: .* finite numbers"):
        PER_TRACE[name](minirnn.trace(model, TEXT, 1, word_index=INDEX))


def test_where_no_unit_ever_fires_nothing_is_taught_and_the_scale_is_still_one():
    model = minirnn.Sequential(
        [layers.Input((9,)), layers.Embedding(13, 4), layers.SimpleRNN(6, "relu"), layers.Dense(1, "sigmoid")], seed=3
    )
    model.compile("rmsprop", "binary_crossentropy")
    weights = model.get_weights()
    weights[3] -= 9
    model.set_weights(weights)
    trace = minirnn.trace(model, TEXT, 1, word_index=INDEX)

    band = painted(plots.contributions_picture(trace)).texts[0].get_text()
    assert band == "3 × padding give 0.0\N{NO-BREAK SPACE}%"
    assert "from -1 to 1" in plots.states_picture(trace).description


def test_every_picture_has_words_and_names_its_model_and_text():
    for picture in everything():
        assert picture.title in picture.description
        assert picture.source in picture.description
        assert network().name.split("_")[0] in picture.source
    assert "“<start> not bad and not dull”" in everything()[0].source


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("place", range(7))
def test_axes_are_named(place, narrow):
    axes = painted(everything()[place], narrow)

    bars = [other for other in axes.get_figure().axes if other is not axes]
    assert all(bar.get_xlabel() or bar.get_ylabel() for bar in bars)
    if axes.axison:
        assert axes.get_xlabel() and axes.get_ylabel()
    assert len(axes.get_figure().legends) <= 1 and axes.get_legend() is None


@pytest.mark.parametrize("place", range(7))
def test_svgs_are_well_formed_take_the_pages_colours_and_share_no_names(place):
    picture = everything()[place]
    wide, narrow = plots.to_svg(picture), plots.to_svg(picture, narrow=True)

    for svg in (wide, narrow):
        assert ElementTree.fromstring(svg).tag.endswith("svg")
        assert "var(--ink)" in svg and "<text" in svg
        assert not [color for color in plots.VARIABLES if color in svg]
    names = [set(re.findall(r' id="([^"]+)"', svg)) for svg in (wide, narrow)]
    assert not names[0] & names[1]


def test_pictures_whose_titles_begin_alike_share_no_names():
    first, second = (plots.saturation_picture(np.array([[0.5, value]])) for value in (0.62, 0.621))

    assert first.title == second.title
    names = [set(re.findall(r' id="([^"]+)"', plots.to_svg(picture))) for picture in (first, replace_source(second))]
    assert not names[0] & names[1]


def replace_source(picture):
    return picture._replace(source="others")


def test_a_png_is_as_high_as_the_picture_asks(tmp_path):
    for picture in everything():
        plots.save_png(picture, tmp_path / "picture.png")

        height, width, _ = imread(tmp_path / "picture.png").shape
        assert (width, height) == (1280, round(160 * picture.heights.png)) or abs(height - 160 * picture.heights.png) <= 1


def test_a_picture_shows_itself_in_a_notebook_sharp_on_fine_screens():
    picture = everything()[0]

    png, size = picture._repr_png_()

    assert png.startswith(b"\x89PNG")
    assert size == {"width": 640, "height": 416}
    assert repr(picture) == f"<Picture: {picture.title}>"


def test_matplotlib_is_left_as_it_was():
    before = dict(matplotlib.rcParams)

    for picture in everything():
        picture._repr_png_()
        plots.to_svg(picture)

    assert dict(matplotlib.rcParams) == before
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def lightness(color):
    """CIELAB L* on white."""
    red, green, blue, alpha = color
    seen = alpha * np.array([red, green, blue]) + 1 - alpha
    linear = np.where(seen <= 0.04045, seen / 12.92, ((seen + 0.055) / 1.055) ** 2.4)
    return 116 * np.cbrt(linear @ [0.2126, 0.7152, 0.0722]) - 16


def test_both_ends_of_signed_colours_are_equally_strong_and_the_way_there_is_even():
    levels = np.array([lightness(color) for color in signed_colors()(np.linspace(0, 1, 21))])

    assert abs(levels[0] - levels[-1]) < 1.5
    assert levels[10] > 99
    for way in (levels[:11], levels[10:][::-1], [lightness(color) for color in strength_colors()(np.linspace(1, 0, 11))]):
        rises = np.diff(way)
        assert rises.min() > 0.6 * rises.mean() and rises.max() < 1.5 * rises.mean()


def test_signs_have_the_colours_of_the_lines():
    assert to_hex(signed_colors()(1.0)) == plots.COLORS["embedding"]
    assert to_rgb(plots.COLORS["one-hot"])[0] > signed_colors()(0.0)[0] > signed_colors()(0.0)[1]  # the same hue, a little darker
