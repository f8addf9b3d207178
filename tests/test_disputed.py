"""The review that the report looks into: which one it is, and that the sentences say no more than that."""

import numpy as np
import pytest

from minirnn import disputed

LABELS = np.array([1, 0, 1, 0, 1])
ONE_HOT = np.array([0.9, 0.2, 0.6, 0.95, 0.1])
EMBEDDING = np.array([0.8, 0.3, 0.1, 0.05, 0.2])


def reviews(*lengths):
    """Ids (5,60) with so many words each, padded in front."""
    ids = np.zeros((5, 60), int)
    for n, length in enumerate(lengths):
        ids[n, 60 - length :] = 7
    return ids


def test_two_models_dispute_the_review_on_which_they_are_furthest_apart():
    review = disputed.find({"one-hot": ONE_HOT, "embedding": EMBEDDING}, reviews(5, 9, 2, 40, 3), LABELS)

    assert (review.place, review.label, review.among, review.short) == (3, 0, 5, True)
    assert review.probs == {"one-hot": 0.95, "embedding": 0.05}
    assert review.gap == pytest.approx(0.9)
    assert review.median == pytest.approx(0.1)


def test_a_review_whose_words_a_picture_cannot_hold_is_left_out():
    longer = disputed.find({"one-hot": ONE_HOT, "embedding": EMBEDDING}, reviews(5, 9, 2, 41, 3), LABELS)

    assert (longer.place, longer.among) == (2, 4)


def test_where_all_are_long_all_are_chosen_from():
    review = disputed.find({"one-hot": ONE_HOT, "embedding": EMBEDDING}, reviews(50, 50, 50, 50, 50), LABELS)

    assert (review.place, review.short) == (3, False)
    assert "of at most" not in disputed.paragraphs(review, "IMDB")[0]


def test_where_no_more_is_read_of_any_nothing_is_said_of_lengths():
    review = disputed.find({"one-hot": ONE_HOT, "embedding": EMBEDDING}, reviews(5, 9, 2, 40, 3)[:, -40:], LABELS)

    assert (review.place, review.among, review.short) == (3, 5, False)


def test_one_model_is_shown_with_the_review_that_it_gets_most_wrong():
    review = disputed.find({"embedding": EMBEDDING}, reviews(5, 9, 2, 4, 3), LABELS)

    assert (review.place, review.gap) == (2, pytest.approx(0.9))
    assert disputed.heading(review) == "The test review that the embedding model gets most wrong, word by word"
    words = disputed.paragraphs(review, "IMDB")[0]
    assert "embedding 0.10, and the label is positive" in words
    assert "at most 0.30 away" in words


def test_the_sentences_name_data_figures_and_what_is_missing():
    review = disputed.find({"one-hot": ONE_HOT, "embedding": EMBEDDING}, reviews(5, 9, 2, 40, 3), LABELS)

    first, *_, last = disputed.paragraphs(review, "IMDB", "imdb_word_index.json is not here")

    assert "5 test reviews (IMDB) of at most 40 words" in first
    assert "one-hot 0.95, embedding 0.05, 0.90 apart. Its label is negative" in first
    assert "at most 0.10 apart" in first
    assert last == "Numbers stand for words here: imdb_word_index.json is not here"
    assert len(disputed.paragraphs(review, "IMDB")) == 2
