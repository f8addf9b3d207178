"""The split and the padding, on an archive of 45 + 30 reviews; and the published length statistics on the real one."""

import numpy as np
import pytest
from small_run import TEST, write_imdb

from minirnn.corpus import Corpus
from minirnn.preparation import length_statistics, prepare, prepare_test
from minirnn.runs import Settings

TINY = Settings(num_words=11, maxlen=7)


@pytest.fixture
def imdb(tmp_path):
    return Corpus("imdb", write_imdb(tmp_path / "reviews") / "imdb.npz", "the path given")


def test_the_real_reviews_have_the_published_lengths(imdb_folder):
    prepared = prepare(Corpus("imdb", imdb_folder / "imdb.npz"), Settings())

    figures = length_statistics(prepared.lengths, 100)
    assert (figures["mean"], figures["median"]) == (239.00925, 178.0)
    assert [part.ids.shape for part in prepared[:3]] == [(20_000, 100), (5_000, 100), (25_000, 100)]
    assert prepared.train.ids[0, -10:].tolist() == [6, 2, 46, 7, 14, 20, 10, 10, 2, 158]


def test_the_split_is_four_to_one_and_no_review_is_lost(imdb):
    prepared = prepare(imdb, TINY)

    assert [len(part.labels) for part in prepared[:3]] == [36, 9, TEST]
    assert [part.ids.shape[1] for part in prepared[:3]] == [7, 7, 7]
    (reviews, labels), _ = imdb.load(11)
    assert prepared.train.labels.sum() + prepared.validation.labels.sum() == labels.sum()
    assert sorted(prepared.lengths) != []
    assert set(prepared.lengths) <= {len(review) for review in reviews}


def test_ids_and_labels_stay_together(imdb):
    prepared = prepare(imdb, Settings(num_words=11, maxlen=30))

    for ids, labels in prepared[:3]:
        says_great = (ids == 6).any(axis=1)  # rank 3 + 3
        np.testing.assert_array_equal(says_great, labels == 1)


def test_the_test_set_alone_is_that_of_the_whole(imdb):
    alone, whole = prepare_test(imdb, 11, 7), prepare(imdb, TINY).test

    np.testing.assert_array_equal(alone.ids, whole.ids)
    np.testing.assert_array_equal(alone.labels, whole.labels)


def test_length_statistics_are_those_of_the_definition():
    assert length_statistics(np.array([2, 3, 7, 10]), 7) == {"mean": 5.5, "median": 5.0, "shortest": 2, "longest": 10, "cut_share": 0.25}
