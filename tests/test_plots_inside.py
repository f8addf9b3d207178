"""The pictures of a network's inside: what is drawn is what the trace holds, for every kind of layer and text."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from inside_cases import INDEX, PER_TRACE, TEXT, WORDS, lines, network, painted, read, ticks
from matplotlib.colors import to_hex
from trace_cases import STACKS, label_of, model_of, review_of

import minirnn
from minirnn import plots
from minirnn.layers import Dense, Embedding, Input, SimpleRNN


def test_the_heat_map_is_the_states_of_the_words_in_the_order_of_reading():
    trace = read()

    axes = painted(plots.states_picture(trace))

    (image,) = axes.get_images()
    np.testing.assert_array_equal(image.get_array(), trace.layers[0].h[4:].T)
    assert image.get_clim() == (-1, 1)
    assert ticks(axes) == WORDS
    assert [text.get_text() for text in axes.texts] == ["4 × padding"]


def test_padding_is_drawn_step_by_step_when_asked():
    trace = read()

    axes = painted(plots.states_picture(trace, padding=True))

    np.testing.assert_array_equal(axes.get_images()[0].get_array(), trace.layers[0].h.T)
    assert ticks(axes) == ["<pad>"] * 4 + WORDS
    assert not axes.texts


def test_many_units_are_sorted_by_the_state_they_end_in():
    trace = read(H=19)

    axes = painted(plots.states_picture(trace))

    drawn = np.asarray(axes.get_images()[0].get_array())
    assert (np.diff(drawn[:, -1]) <= 0).all()
    np.testing.assert_array_equal(np.sort(drawn[:, 1]), np.sort(trace.layers[0].h[5]))


def test_the_probability_is_drawn_at_every_word_and_ends_at_what_predict_says():
    model = network()
    trace = minirnn.trace(model, TEXT, 1, word_index=INDEX)

    drawn = lines(painted(plots.probability_picture(trace)))["probability of “positive”"]

    np.testing.assert_array_equal(drawn, np.c_[range(6), trace.probs[4:]])
    assert drawn[-1, 1] == pytest.approx(float(model.predict(trace.ids[None].astype(np.int32), verbose=0)[0, 0]), abs=1e-6)


def test_changes_of_mind_are_marked_where_they_happen():
    trace = replace(read(), outputs=np.r_[[0.9] * 4, 0.4, 0.3, 0.6, 0.7, 0.5, 0.2][:, None])

    picture = plots.probability_picture(trace)

    marked = lines(painted(picture))["changes its mind"].tolist()
    assert marked == [[0, 0.4], [2, 0.6], [4, 0.5]]  # what padding said counts; exactly 0.5 is negative, as in the metrics
    assert picture.title == "It changes its mind 3 times, the last time at “not” (2nd time), and ends at 0.20: negative"


def test_the_gradient_and_the_jacobian_product_meet_at_the_end_each_on_its_scale():
    trace = read()
    layer = trace.layers[0]

    axes = painted(plots.gradient_picture(trace, padding=False))

    drawn = lines(axes)
    gradient, product = drawn["gradient |dL/dh_t|, left scale"], drawn["Jacobian product |dh_T/dh_t|, right scale"]
    norms = np.linalg.norm(layer.dh, axis=1)
    np.testing.assert_array_equal(gradient, np.c_[range(6), norms[4:][::-1]])
    np.testing.assert_allclose(product[:, 1], layer.jacobian_product[4:][::-1] * norms[-1])
    assert (gradient[:, 1] <= product[:, 1] * (1 + 1e-12)).all()  # the product is a bound where only the last state has a loss
    (right,) = axes.child_axes
    axes.get_figure().draw_without_rendering()
    np.testing.assert_allclose(right.get_ylim(), np.array(axes.get_ylim()) / norms[-1])
    assert axes.get_yscale() == "log"
    assert ticks(axes)[:2] == ["dull  0", "not  1"]
    whole = lines(painted(plots.gradient_picture(trace)))["gradient |dL/dh_t|, left scale"]  # the way through the padding is drawn too
    np.testing.assert_array_equal(whole, np.c_[range(10), norms[::-1]])


@pytest.mark.parametrize("H", [6, 19])
def test_the_matrix_holds_the_size_of_each_steps_contribution(H):
    trace = read(H=H)
    layer = trace.layers[0]

    total, Wh, Wx, b = (np.asarray(image.get_array()) for image in painted(plots.contributions_picture(trace)).get_images())

    steps = np.abs(layer.dWh_steps[4:])  # (K,H,H), to unit j in the last axis
    expected = steps.transpose(2, 1, 0).reshape(H * H, -1) if H == 6 else np.linalg.norm(steps, axis=1).T
    np.testing.assert_allclose(Wh, expected / expected.max())
    columns = np.linalg.norm(layer.dWx_steps[4:], axis=1).T
    np.testing.assert_allclose(Wx, columns / columns.max())
    np.testing.assert_allclose(b, np.abs(layer.db_steps[4:]).T / np.abs(layer.db_steps[4:]).max())
    everything = np.sqrt(sum((part[4:].reshape(6, -1) ** 2).sum(1) for part in (layer.dWh_steps, layer.dWx_steps, layer.db_steps)))
    np.testing.assert_allclose(total, everything[None] / everything.max())


def test_one_hot_contributions_are_those_to_the_rows_of_wx():
    trace = minirnn.trace(model_of("one-hot"), review_of("one-hot"), 1)

    Wx = np.asarray(painted(plots.contributions_picture(trace, padding=True)).get_images()[2].get_array())

    columns = np.linalg.norm(trace.layers[0].dWx_steps, axis=1).T
    np.testing.assert_allclose(Wx, columns / columns.max())


def test_each_word_has_the_colour_of_its_push_and_a_line_as_thick_as_its_sensitivity():
    trace = read()

    axes = painted(plots.saliency_picture(trace))

    texts, push = axes.texts, trace.leaning[4:]
    assert [text.get_text() for text in texts] == ["4 × padding", *WORDS]
    patches = [text.get_bbox_patch() for text in texts[1:]]
    assert [to_hex(patch.get_facecolor()[:3]) for patch in patches] == [
        plots.COLORS["embedding"] if value >= 0 else plots.COLORS["one-hot"] for value in push
    ]
    np.testing.assert_allclose([patch.get_alpha() for patch in patches], 0.55 * np.abs(push) / np.abs(push).max())
    thick = np.array([patch.get_height() for patch in axes.patches])
    np.testing.assert_allclose(thick / thick.max(), trace.saliency[4:] / trace.saliency[4:].max())


def test_a_model_of_several_outputs_has_its_words_coloured_by_sensitivity():
    model = minirnn.Sequential([Input((5,)), Embedding(9, 4), SimpleRNN(6), Dense(3)], seed=1)
    model.compile("rmsprop", "mse")
    trace = minirnn.trace(model, np.array([0, 4, 5, 4, 8]), np.array([0.0, 1.0, 0.5]))

    picture = plots.saliency_picture(trace)

    alphas = [text.get_bbox_patch().get_alpha() for text in painted(picture).texts[1:]]
    np.testing.assert_allclose(alphas, 0.55 * trace.saliency[1:] / trace.saliency[1:].max())
    assert picture.title.startswith("The output is most sensitive to id ")


def test_saturation_counts_every_state_of_a_word_once():
    trace = read(H=7, scale=30)
    size = np.abs(trace.layers[0].h[4:])

    picture = plots.saturation_picture(trace)

    bars = painted(picture).patches
    assert sum(bar.get_height() for bar in bars) == pytest.approx(1)
    beyond = sum(bar.get_height() for bar in bars[20:])
    assert beyond == pytest.approx((size > 0.99).mean()) and beyond > 0
    assert picture.title.startswith(f"{100 * beyond:.1f}\xa0% of the states are saturated")
    heights = np.array([bar.get_height() for bar in bars]).reshape(2, 20).sum(0)
    np.testing.assert_allclose(heights, np.histogram(size, np.linspace(0, 1, 21))[0] / size.size)


def test_states_may_be_an_array_of_any_shape():
    states = np.random.default_rng(0).uniform(-0.9, 0.9, size=(3, 5, 4))

    picture = plots.saturation_picture(states, source="three reviews")

    assert (
        picture.title
        == f"No state is saturated: the largest |h| is {np.abs(states).max():.2f}, half are below {np.median(np.abs(states)):.2f}"
    )
    assert picture.source == "three reviews"


def test_states_beyond_one_are_not_called_saturated():
    assert (
        plots.saturation_picture(np.array([[0.5, 4.0, -2.0]])).title
        == "Half of the states are at most 2 away from 0; the farthest is 4 away"
    )


@pytest.mark.parametrize("kind", [kind for kind in STACKS if kind != "hidden-sequence"])
@pytest.mark.parametrize("name", ["states", "gradient", "contributions", "saliency", "saturation"])
def test_every_kind_of_layer_is_drawn(kind, name):
    trace = minirnn.trace(model_of(kind), review_of(kind), label_of(kind))

    for layer in trace.layers if name != "saliency" else [None]:
        picture = PER_TRACE[name](trace) if layer is None else PER_TRACE[name](trace, layer.name)
        painted(picture).get_figure().draw_without_rendering()
        assert trace.model in picture.source and (layer is None or layer.name in picture.source)


def test_a_layer_that_goes_backwards_is_drawn_in_the_order_it_reads():
    trace = minirnn.trace(model_of("concat"), review_of("concat"), 1)
    forward, backward = trace.layers

    axes = painted(plots.states_picture(trace, backward.name))

    np.testing.assert_array_equal(axes.get_images()[0].get_array(), backward.h[:5].T)  # padding, read last, is a band
    assert ticks(axes) == ["5", "1", "3", "10", "3"]
    assert axes.get_xlabel() == "ids, the last first"
    assert ticks(painted(plots.states_picture(trace, forward.name))) == ["3", "10", "3", "1", "5"]


def test_vectors_have_the_numbers_of_their_steps_and_masked_ones_are_padding():
    trace = minirnn.trace(model_of("vectors"), review_of("vectors"), 1)

    axes = painted(plots.states_picture(trace))

    assert ticks(axes) == ["3", "4", "5", "6", "7"]
    assert axes.texts[0].get_text() == "2 × padding"


@pytest.mark.parametrize(
    ("text", "options"), [("bad", {"T": 1}), ("", {}), ("not bad " * 50, {"T": 100}), (TEXT, {"H": 1}), (TEXT, {"H": 128})]
)
@pytest.mark.parametrize("name", PER_TRACE)
def test_short_and_long_texts_and_few_and_many_units_are_drawn_legibly(name, text, options):
    picture = PER_TRACE[name](read(text, **options))

    for narrow in (False, True):
        axes = painted(picture, narrow)
        figure = axes.get_figure()
        figure.draw_without_rendering()
        if name != "saliency":
            labels = [label for label in axes.get_xticklabels() if label.get_text()]
            boxes = [label.get_window_extent() for label in labels]
            assert min(label.get_fontsize() for label in labels) >= 9
            if labels[0].get_rotation() in (0, 90):
                assert not any(a.overlaps(b) for a, b in pairwise(boxes))


@pytest.mark.parametrize("narrow", [False, True])
def test_the_words_of_the_text_do_not_touch_and_stay_inside(narrow):
    picture = plots.saliency_picture(read("not bad and not dull good great awful film " * 9, T=80))

    axes = painted(picture, narrow)
    figure = axes.get_figure()
    figure.set_size_inches(3.9 if narrow else 8.6, picture.heights.narrow if narrow else picture.heights.wide)
    figure.draw_without_rendering()

    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y0 >= 0 for box in boxes)


def test_a_text_of_nothing_but_padding_is_drawn_step_by_step():
    trace = minirnn.trace(network(), np.zeros(10, np.int32), 1, word_index=INDEX)

    assert ticks(painted(plots.states_picture(trace))) == ["<pad>"] * 10


def test_where_words_have_no_room_those_that_move_the_state_most_are_written():
    trace = read("not bad and not dull good great awful film " * 11, T=90)
    moves = np.linalg.norm(np.diff(trace.layers[0].hs, axis=0), axis=1)

    axes = painted(plots.states_picture(trace))

    assert moves.argmax() in axes.get_xticks()
    assert 20 < len(axes.get_xticks()) < 60
    assert axes.get_xlabel().endswith("named where the state moves most")


def test_a_dollar_sign_in_a_word_is_no_formula():
    trace = read()
    trace = replace(trace, words=[word.replace("bad", "$5$") for word in trace.words])

    assert ">$5$<" in plots.to_svg(plots.saliency_picture(trace)).replace(" ", "")
