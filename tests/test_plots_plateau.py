"""The pictures of a plateau: every value drawn is one that was recorded, and the fall is marked where the sentences have it."""

import math

import pytest
from matplotlib.figure import Figure
from small_run import insides

from minirnn import plots
from minirnn.plateau import course_of

MAKERS = [plots.reach_picture, plots.words_picture]


def lines(picture, narrow=False):
    axes = Figure().add_subplot()
    picture.paint(axes, narrow)
    return axes, {line.get_label(): line.get_xydata().tolist() for line in axes.get_lines()}


def by_epoch(values):
    return [[epoch, value] for epoch, value in enumerate(values, start=1)]


def test_the_lines_are_the_figures():
    slow, fast = insides()
    _, reach = lines(plots.reach_picture([slow, fast], "IMDB"))
    _, words = lines(plots.words_picture([slow, fast], "IMDB"))

    for inside in (slow, fast):
        assert reach[f"{inside.name}, pulls the same way"] == by_epoch(inside.aligned)
        assert reach[f"{inside.name}, whatever its direction"] == by_epoch(inside.reach)
        assert words[inside.name] == by_epoch(inside.moved)


def test_the_start_is_marked_on_the_line():
    slow, _ = insides()
    start = course_of(slow.val_loss).start
    assert start == 3

    for maker, values in zip(MAKERS, (slow.aligned, slow.moved), strict=True):
        _, drawn = lines(maker([slow], "IMDB"))
        assert drawn["one-hot: a tenth of the gain, epoch 3"] == [[3, values[2]]]


def test_a_model_that_learned_nothing_has_no_mark():
    flat = insides()[0]._replace(val_loss=[0.69] * 5)
    for maker in MAKERS:
        assert not any("tenth" in label for label in lines(maker([flat], "IMDB"))[1])


def test_a_model_that_learned_too_little_to_tell_when_has_no_mark():
    little = insides()[0]._replace(val_loss=[0.69, 0.685, 0.68, 0.675, 0.672])
    assert course_of(little.val_loss).kind == "little"
    for maker in MAKERS:
        assert not any("tenth" in label for label in lines(maker([little], "IMDB"))[1])


def test_a_reach_that_is_not_known_is_not_given_in_numbers():
    slow, fast = insides()
    lost = slow._replace(aligned=[math.nan] * 5)

    assert plots.reach_picture([lost], "IMDB").title == "How far back the gradient of the one-hot model gets after 5 epochs is not known"
    assert plots.reach_picture([lost, fast], "IMDB").title.endswith("over an unknown number of steps and 50 steps after its last epoch")


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("maker", MAKERS)
def test_axes_are_named_and_all_is_in_sight(maker, narrow):
    axes, drawn = lines(maker(insides(), "IMDB"), narrow)

    assert axes.get_xlabel() == "epoch"
    assert axes.get_ylabel()
    bottom, top = axes.get_ylim()
    assert all(bottom <= value <= top for label, points in drawn.items() if not label.startswith("_") for _, value in points)


def test_the_title_claims_the_rise_only_where_there_is_one():
    slow, fast = insides()
    long = [0.69] * 9 + [0.62, 0.56, 0.55]
    risen = slow._replace(val_loss=long, aligned=[1.0] * 9 + [20, 30, 30], reach=[9.0] * 12, moved=[0.1] * 12)

    assert plots.reach_picture([risen, fast], "IMDB").title == (
        "The one-hot model's loss falls when its words begin to add up: over 30 steps, not 1.0"
    )
    assert (
        plots.reach_picture([fast], "IMDB").title == "The gradient of the embedding model pulls the same way over 50 steps after 3 epochs"
    )


def test_one_epoch_makes_a_picture_too(tmp_path):
    short = [
        inside._replace(**{name: getattr(inside, name)[:1] for name in ("val_loss", "reach", "aligned", "moved", "update")})
        for inside in insides()
    ]
    for maker in MAKERS:
        plots.save_png(maker(short, "IMDB"), tmp_path / "one.png")
        assert "<svg" in plots.to_svg(maker(short, "IMDB"), narrow=True)
