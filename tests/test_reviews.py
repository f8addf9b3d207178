"""The built-in reviews: the contract of imdb, balanced, the same everywhere, and unsolvable without word order."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

import minirnn
from minirnn import layers, optimizers
from minirnn.datasets import reviews
from minirnn.utils import pad_sequences, set_random_seed


@pytest.fixture(scope="module")
def loaded() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    return reviews.load_data(num_words=200)


def test_splits_are_as_large_as_imdbs_and_balanced(loaded):
    for x, y in loaded:
        assert x.shape == y.shape == (25_000,)
        assert x.dtype == object
        assert y.dtype == np.int64
        assert y.sum() == 12_500


def test_ids_are_those_of_imdb_and_two_hundred_words_are_enough(loaded):
    words = reviews.get_word_index()
    assert sorted(words.values()) == list(range(1, len(words) + 1))
    for x, _ in loaded:
        ids = set().union(*x)
        assert min(ids) == 1  # starts
        assert 2 not in ids  # nothing is cut
        assert max(ids) == len(words) + 3 < 200
        assert all(review[0] == 1 for review in x[:100])


def test_the_same_reviews_on_every_platform():
    split = reviews.generate(0)
    digest = hashlib.sha256(split.flat.astype("<i4").tobytes() + split.lengths.astype("<i8").tobytes()).hexdigest()
    assert digest[:16] == "af7b94452417acd9"


def test_no_test_review_stands_in_training(loaded):
    train, test = ({tuple(review) for review in x} for x, _ in loaded)
    assert not train & test


def test_text_survives_the_way_to_ids_and_back(loaded):
    words = reviews.get_word_index()
    text = reviews.decode(loaded[0][0][7], word_index=words)
    assert reviews.encode(text.removeprefix("<start> ")) == loaded[0][0][7]


def test_num_words_cuts_rare_words():
    (x, _), _ = reviews.load_data(num_words=20)
    ids = set().union(*x)
    assert max(ids) == 19
    assert 2 in ids


def test_maxlen_drops_long_reviews():
    (x, y), _ = reviews.load_data(num_words=200, maxlen=30)
    assert 0 < len(x) == len(y) < 25_000
    assert max(map(len, x)) < 30


def test_bad_argument_is_named():
    with pytest.raises(TypeError, match=r"reviews\.load_data: num_words must be a number, received 'many'"):
        reviews.load_data(num_words="many")


def test_a_negative_review_is_a_positive_one_with_the_words_in_another_order():
    # given each template that can be turned round, with one filling
    positive, negative = reviews._templates()[len(reviews.FELT)], reviews._templates()[0]
    # then the same bags of words occur on both sides
    assert sorted(sorted(s) for s in positive) == sorted(sorted(s) for s in negative)
    assert sorted(positive) != sorted(negative)


def test_a_bag_of_words_cannot_tell_what_the_network_can(loaded):
    from sklearn.linear_model import LogisticRegression

    (x_train, y_train), (x_test, y_test) = loaded

    def bags(x):
        rows = np.repeat(np.arange(len(x)), [len(review) for review in x])
        places = rows * 200 + np.concatenate(list(x))
        return np.bincount(places, minlength=len(x) * 200).reshape(len(x), 200).astype(np.float32)

    # given a logistic regression on counts of words, of all reviews
    bag = LogisticRegression(max_iter=1000).fit(bags(x_train), y_train).score(bags(x_test), y_test)
    # when the seed's embedding model reads them in order, for three epochs at ten times the job's learning rate
    set_random_seed(42)
    model = minirnn.Sequential([layers.Embedding(200, 16), layers.SimpleRNN(8), layers.Dense(1, activation="sigmoid")])
    model.compile(optimizers.RMSprop(1e-3), loss="binary_crossentropy", metrics=["accuracy"])
    model.fit(pad_sequences(x_train, maxlen=100), y_train, batch_size=64, epochs=3, verbose=0)
    _, network = model.evaluate(pad_sequences(x_test, maxlen=100), y_test, verbose=0)
    # then only the network sees it
    assert bag < 0.6
    assert network > 0.95
