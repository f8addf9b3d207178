"""Which reviews are used, what they are called, and that others never stand in for reviews that somebody named."""

import pytest
from small_run import TRAIN, write_imdb

from minirnn import corpus
from minirnn.corpus import Corpus
from minirnn.datasets import store


@pytest.fixture
def imdb(tmp_path):
    return Corpus("imdb", write_imdb(tmp_path / "reviews") / "imdb.npz", "the path given")


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """No reviews in any usual place, and no network."""

    def refuse(name):
        raise store.DataNotFoundError("no connection")

    monkeypatch.delenv("MINIRNN_DATA", raising=False)
    monkeypatch.setenv("MINIRNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(store, "fetch", refuse)


def test_without_imdb_the_built_in_reviews_stand_in_and_say_why(nowhere):
    chosen = corpus.choose()

    assert chosen.kind == "reviews"
    assert chosen.name == "built-in reviews (generated, not IMDB)"
    assert "no connection" in chosen.missing


def test_the_built_in_reviews_can_be_asked_for_and_then_nothing_is_missing(imdb):
    assert corpus.choose(built_in=True) == Corpus("reviews")


def test_a_named_place_without_reviews_is_an_error_and_not_a_reason_for_other_reviews(nowhere, tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="path given"):
        corpus.choose(tmp_path)
    monkeypatch.setenv("MINIRNN_DATA", str(tmp_path / "gone"))
    with pytest.raises(FileNotFoundError, match="MINIRNN_DATA"):
        corpus.choose()


def test_both_kinds_cannot_be_asked_for_at_once(tmp_path):
    with pytest.raises(ValueError, match="exclude each other"):
        corpus.choose(tmp_path, built_in=True)


def test_the_bare_file_name_means_the_file_in_this_folder(imdb, nowhere, monkeypatch):
    monkeypatch.chdir(imdb.path.parent)

    chosen = corpus.choose("imdb.npz")

    assert chosen.path.is_absolute()
    assert len(chosen.load(None)[0][0]) == TRAIN


def test_a_corpus_says_whose_it_is_and_what_it_holds(imdb):
    assert imdb.name == f"IMDB, {imdb.path} (the path given)"
    assert imdb.word_index()["great"] == 3
    assert len(imdb.sha256()) == 64


def test_a_run_finds_its_own_reviews_again_and_never_others(imdb, nowhere):
    described = {"kind": "imdb", "path": str(imdb.path), "origin": "MINIRNN_DATA"}

    assert corpus.recall(described) == Corpus("imdb", imdb.path, "MINIRNN_DATA")
    assert corpus.recall({"kind": "reviews"}) == Corpus("reviews")
    with pytest.raises(store.DataNotFoundError):
        corpus.recall(described | {"path": "/gone/imdb.npz"})
    with pytest.raises(ValueError, match="other words"):
        corpus.recall({"kind": "reviews"}, imdb.path)


def test_the_built_in_reviews_are_as_many_as_those_of_imdb():
    (x_train, y_train), (x_test, _) = Corpus("reviews").load(200)

    assert (len(x_train), len(x_test), len(y_train)) == (25_000, 25_000, 25_000)
    assert Corpus("reviews").word_index()
