"""Plateaus: told from slow and from quick starts, and every claim about one only where the figures bear it out."""

import itertools
import math

import numpy as np
import pytest

from minirnn import layers, optimizers, plateau
from minirnn.callbacks import Inspector
from minirnn.findings import GUESSING
from minirnn.model import Sequential
from minirnn.plateau import Inside, course_of, heading, inside_of, paragraphs, rise_of

EPOCHS = 40


def falling_at(epoch, *, steepness=1.0, depth=0.15, epochs=EPOCHS):
    """A validation loss that falls below guessing by `depth`, half of it at `epoch`."""
    return [GUESSING - depth / (1 + math.exp(-steepness * (t - epoch))) for t in range(1, epochs + 1)]


def straight(depth=0.15, epochs=EPOCHS):
    return [GUESSING - depth * t / epochs for t in range(1, epochs + 1)]


def decaying(pace, depth=0.15, epochs=EPOCHS):
    return [GUESSING - depth * (1 - math.exp(-t / pace)) for t in range(1, epochs + 1)]


def inside(val_loss, aligned=None, *, name="one-hot", reach=None, moved=0.02, update=0.1, first_turn=0.0):
    n = len(val_loss)
    aligned = [2.0] * n if aligned is None else aligned
    return Inside(
        name,
        100,
        val_loss,
        reach or [3 * steps for steps in aligned],
        aligned,
        [moved * t for t in range(1, n + 1)],
        [update] * n,
        first_turn,
    )


def stepping(at, before=1.0, after=40.0, epochs=EPOCHS):
    """An aligned reach that is long from epoch `at` on."""
    return [before if t < at else after for t in range(1, epochs + 1)]


def text(*insides):
    return " ".join(paragraphs(insides))


@pytest.mark.parametrize(
    ("val_loss", "kind"),
    [
        (falling_at(20), "plateau"),
        (falling_at(8), "plateau"),
        (straight(), "gradual"),
        (straight(epochs=100), "gradual"),
        (decaying(40, depth=0.3), "gradual"),
        (decaying(4), "at once"),
        (falling_at(20, steepness=0.15), "gradual"),
        (falling_at(20, depth=0.04), "little"),
        (falling_at(20, depth=0.06), "plateau"),
        (falling_at(200), "never"),
        ([0.71] * 9, "never"),
        ([0.66], "little"),
        ([0.55], "at once"),
        ([math.nan, math.nan], "never"),
        ([0.69, 0.5, 0.4], "at once"),
        ([0.69, 0.69, 0.5], "gradual"),  # two epochs are no plateau
    ],
)
def test_a_plateau_is_told_from_other_beginnings(val_loss, kind):
    assert course_of(val_loss).kind == kind


def test_start_and_half_are_the_epochs_of_a_tenth_and_of_half_the_gain():
    course = course_of([0.70, GUESSING - 0.01, GUESSING - 0.02, GUESSING - 0.09, GUESSING - 0.11, GUESSING - 0.2, GUESSING - 0.19])

    assert (course.start, course.half, course.waited) == (3, 5, 2)
    assert course.gain == pytest.approx(0.2)


@pytest.mark.parametrize(("at", "explains"), [(3, False), (9, False), (16, True), (18, True), (20, True), (21, False), (35, False)])
def test_the_reach_explains_a_fall_only_if_it_grows_when_the_loss_falls(at, explains):
    one = inside(falling_at(20), stepping(at))
    assert course_of(one.val_loss)[:3] == ("plateau", 18, 20)

    assert (rise_of(one, course_of(one.val_loss)) is not None) is explains
    assert ("the loss falls when the words begin to add up" in text(one)) is explains
    assert ("does not explain" in text(one)) is not explains


@pytest.mark.parametrize(("after", "explains"), [(2.9, False), (3.1, True), (0.2, False)])
def test_and_only_if_it_grows_beyond_what_one_batch_may_be_off(after, explains):
    assert ("the loss falls when the words begin to add up" in text(inside(falling_at(20), stepping(18, 1.0, after)))) is explains


def test_the_sentence_has_the_figures_of_the_run():
    words = text(inside(falling_at(20), stepping(16, 1.25, 40.0)))

    assert "At epoch 18 the one-hot model has made a tenth" in words
    assert "half of it at epoch 20: 17 epochs of almost nothing, then four times as much in 2." in words
    assert "it is 1.2 steps, in the median. At epoch 16, 2 epochs before that tenth" in words
    assert "from epoch 20 on it is 40 steps" in words


def test_a_model_without_a_plateau_gets_no_reasons_for_one():
    for val_loss in (straight(), decaying(4), falling_at(200), falling_at(20, depth=0.04)):
        words = text(inside(val_loss, stepping(18)))
        assert "plateau of" not in words
        assert "did not rest" not in words
        assert "direction" not in words
        assert heading([inside(val_loss)]) == "How far back the gradient of the one-hot model gets"


@pytest.mark.parametrize(("reach", "first_turn", "says", "not_said"), [
    (9.0, 11.0, "turned least by 11° a step: what a word left in the state pointed the other way 16 steps later at the", "hardly farther"),
    (9.0, 90.0, "pointed the other way 2 steps later", "hardly farther"),
    (9.0, 0.0, "does not keep its direction", "orthogonal"),
    (1.4, 11.0, "gets hardly farther back", "direction: counted"),
])  # fmt: skip
def test_a_gradient_is_turned_only_where_it_gets_far_and_adds_up_little(reach, first_turn, says, not_said):
    words = text(inside(falling_at(20), stepping(18), reach=[reach] * EPOCHS, first_turn=first_turn))

    assert says in words
    assert not_said not in words


@pytest.mark.parametrize(("resting", "says"), [(0.05, True), (0.02, False)])
def test_weights_rest_or_do_not(resting, says):
    one = inside(falling_at(20), stepping(18))._replace(update=[resting] * 17 + [0.1] * 23)

    assert ("did not rest" in text(one)) is says
    assert ("50% as far" in text(one)) is says


@pytest.mark.parametrize(("moved", "says"), [(0.05, "20.0% of its first size with embedding, and by 5.0%"), (0.11, ""), (0.0, "")])
def test_one_word_part_changes_sooner_only_if_it_is_twice_as_fast(moved, says):
    words = text(inside(straight(), moved=moved), inside(straight(), name="embedding", moved=0.2))

    assert ("another pace" in words) is bool(says)
    assert says in words


def test_it_is_said_of_the_model_of_which_it_is_true():
    slow, fast = falling_at(20), decaying(4)
    usual = [inside(slow, stepping(18)), inside(fast, [50.0] * EPOCHS, name="embedding", moved=0.2)]
    other = [inside(fast, [50.0] * EPOCHS, moved=0.2), inside(slow, stepping(18), name="embedding")]

    assert heading(usual) == "Why the one-hot model waits for 17 epochs, and the embedding model does not"
    assert heading(other) == "Why the embedding model waits for 17 epochs, and the one-hot model does not"
    assert "On the plateau of the embedding model it is 1.0 steps" in text(*other)
    assert "product of two matrices" in text(*usual)
    assert "product of two matrices" not in text(*other)
    assert heading([usual[0], other[1]]) == "Why the one-hot model waits for 17 epochs and the embedding model for 17"
    assert heading([usual[0], inside(straight(), name="embedding")]) == "Why the one-hot model waits for 17 epochs"


def test_figures_that_are_not_known_are_not_spoken_of():
    unknown = [math.nan] * EPOCHS

    words = text(inside(falling_at(20), unknown, reach=unknown))

    assert "it is not known" in words
    assert "nan" not in words
    assert "nan" not in text(inside([math.nan] * 3, unknown[:3]))
    lost_at_the_end = text(inside([0.6, 0.5, 0.4], [9.0, 8.0, math.nan], reach=[9.0] * 3))
    assert "it is 9.0 steps after the first epoch, and an unknown number of steps at the end" in lost_at_the_end


@pytest.mark.parametrize("one_hot", [False, True])
def test_what_is_gathered_is_what_was_recorded(one_hot):
    first = [layers.Input((5, 9))] if one_hot else [layers.Input((5,)), layers.Embedding(9, 4)]
    model = Sequential([*first, layers.SimpleRNN(3, name="rnn"), layers.Dense(1, "sigmoid")], backend="numpy", seed=4)
    model.compile(optimizers.RMSprop(0.05), "binary_crossentropy")
    ids, inspector = np.random.default_rng(1).integers(0, 9, (14, 5)), Inspector()
    x = np.eye(9, dtype=np.float32)[ids] if one_hot else ids
    history = model.fit(x, np.arange(14) % 2, epochs=2, verbose=0, callbacks=[inspector], validation_split=0.2).history

    found = inside_of("one-hot", 5, history["val_loss"], inspector.to_dict())

    records, kept = inspector.records, list(inspector.snapshots.values())
    assert (found.name, found.steps, found.val_loss) == ("one-hot", 5, history["val_loss"])
    assert (found.reach, found.aligned, found.moved) == (
        records["rnn.reach"],
        records["rnn.aligned_reach"],
        records["rnn.words.moved"],
    )
    moved = [math.sqrt(sum(float(((b - a) ** 2).sum()) for a, b in zip(*pair, strict=True))) for pair in itertools.pairwise(kept)]
    assert found.update == pytest.approx(moved, rel=1e-5)
    values = np.linalg.eigvals(kept[0][-4])
    assert found.first_turn == pytest.approx(abs(np.angle(max(values, key=lambda value: value.real), deg=True)))
    assert plateau.paragraphs([found])
