"""The words' vectors: a projection that keeps the variance, colours from the predictions, labels that do not touch."""

import numpy as np
import pytest
from inside_cases import INDEX, network, painted
from matplotlib.text import Text
from trace_cases import model_of

import minirnn
from minirnn import plots
from minirnn.layers import Dense, Input
from minirnn.plots.labels import place_labels
from minirnn.plots.picture import _titled


def test_vectors_are_the_embeddings_rows_in_the_two_directions_of_most_variance():
    model = network()
    vectors = model.layers[0].get_weights()[0].astype(float)[4:12]

    picture = plots.vectors_picture(model, INDEX)

    axes = painted(picture)
    places = np.asarray(axes.collections[0].get_offsets())
    eigenvalues = np.linalg.eigvalsh(np.cov(vectors.T))[::-1]
    np.testing.assert_allclose(np.cov(places.T), np.diag(eigenvalues[:2]), atol=1e-12)
    assert f"({eigenvalues[0] / eigenvalues.sum():.0%}".replace("%", "\xa0%") in axes.get_xlabel()
    named = [text.get_text() for text in axes.texts]
    assert sorted(named) == ["awful", "bad", "dull", "good", "great"]
    rows = {word: rank - 1 for word, rank in INDEX.items()}
    assert {text.get_text(): text.xy for text in axes.texts} == {word: tuple(places[rows[word]]) for word in named}


@pytest.mark.parametrize("kind", ["embedding", "one-hot"])
def test_a_words_colour_is_what_it_alone_does_to_the_prediction(kind):
    model = model_of(kind)
    words = {"good": 1, "bad": 2, "film": 3, "plot": 4}

    axes = painted(plots.vectors_picture(model, words))

    reviews = np.zeros((5, 7), np.int32)
    reviews[1:, -1] = [4, 5, 6, 7]
    probs = model.predict(minirnn.OneHot(reviews, 11) if kind == "one-hot" else reviews, verbose=0)[:, 0]
    np.testing.assert_allclose(axes.collections[0].get_array(), probs[1:].astype(float) - probs[0], atol=1e-7)


def test_one_hot_rows_of_both_ways_are_put_side_by_side():
    model = model_of("one-hot-sum")

    picture = plots.vectors_picture(model, {"good": 1, "bad": 2, "film": 3})

    assert "both ways" in picture.source
    assert "3 words' vectors of 12 numbers" in picture.description


def test_the_title_calls_words_apart_only_beyond_chance():
    model = network(V=60, T=3, seed=4)
    groups = {"good": plots.vectors.POSITIVE_WORDS[:12], "bad": plots.vectors.NEGATIVE_WORDS[:12]}
    words = {word: rank for rank, word in enumerate(groups["good"] + groups["bad"], 1)}
    weights = model.get_weights()
    by_chance = plots.vectors_picture(model, words).title
    weights[0][4:16, 1] += 9
    model.set_weights(weights)

    apart = plots.vectors_picture(model, words).title

    assert by_chance.endswith("with 12 and 12 words that may be chance")
    assert (
        apart == "The first direction tells positive words from negative ones: in 100\xa0% of the pairs the positive one lies further right"
    )


def test_labels_do_not_overlap_nor_leave_the_axes():
    model = network(V=60, T=3, seed=4)
    names = plots.vectors.POSITIVE_WORDS + plots.vectors.NEGATIVE_WORDS
    figure = _titled(plots.vectors_picture(model, {word: rank for rank, word in enumerate(names, 1)}))
    figure.draw_without_rendering()

    boxes = [Text.get_window_extent(text) for text in figure.axes[0].texts]  # without the line to its point

    assert len(boxes) > 12
    assert not [(a, b) for k, a in enumerate(boxes) for b in boxes[:k] if a.overlaps(b)]
    frame = figure.axes[0].get_window_extent()
    assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1 for box in boxes)


def test_a_word_without_room_is_left_out():
    twins = np.zeros((40, 2)) + 50

    places = place_labels(twins, np.full((40, 2), 20.0), (0, 0, 100, 100), twins)

    assert None in places and places[0] is not None


def test_models_without_words_are_refused():
    model = minirnn.Sequential([Input((4,)), Dense(1, "sigmoid")], seed=1)

    with pytest.raises(ValueError, match="begins with Dense"):
        plots.vectors_picture(model, INDEX)
    with pytest.raises(ValueError, match="2 of them are words"):
        plots.vectors_picture(network(V=6), INDEX)
