"""minirnn.datasets.imdb: Keras's contract on the reviews, and the way between ids and words."""

import functools
import importlib
import json

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minirnn.datasets import imdb

V = 40
"""Ranks in the synthetic archive are 1..V."""


def objects(rows):
    array = np.empty(len(rows), dtype=object)
    for n, row in enumerate(rows):
        array[n] = row
    return array


def save_archive(path, train_lengths, test_lengths, seed=5):
    rng = np.random.default_rng(seed)
    arrays = {}
    for split, lengths in (("train", train_lengths), ("test", test_lengths)):
        # Low ranks are frequent and repeat within a review, as in text; rank V occurs in each split.
        rows = [np.minimum(V, (V * rng.random(length) ** 3).astype(int) + 1).tolist() for length in lengths]
        rows[0] = [V, *rows[0]]
        arrays[f"x_{split}"] = objects(rows)
        arrays[f"y_{split}"] = rng.integers(0, 2, len(rows))
    np.savez_compressed(path, **arrays)
    return path


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return save_archive(tmp_path_factory.mktemp("reviews") / "small.npz", train_lengths=range(3, 26), test_lengths=range(1, 18))


@pytest.fixture(scope="module")
def keras_imdb():
    """Keras's own module, made to read the file that ``path`` names instead of checking the hash of its cache."""
    pytest.importorskip("keras")
    module = importlib.import_module("keras.src.datasets.imdb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "get_file", lambda fname, **_: fname)
        yield module


def assert_same_split(ours, keras):
    x, y = ours
    x_keras, y_keras = keras
    assert x.dtype == object
    assert x.ndim == 1
    assert y.dtype == y_keras.dtype
    assert [list(review) for review in x_keras] == x.tolist()
    assert y.tolist() == y_keras.tolist()
    for review in x:
        assert type(review) is list
        assert {type(word_id) for word_id in review} <= {int}


# load_data against Keras

OPTIONS = [
    {},
    {"num_words": 12},
    {"num_words": 12, "oov_char": None},
    {"num_words": 1},
    {"num_words": 0},
    {"num_words": 10**30},
    {"num_words": 20.5},
    {"skip_top": 1},
    {"skip_top": 2},
    {"skip_top": 9, "num_words": 20},
    {"skip_top": 9, "oov_char": None},
    {"skip_top": 100, "oov_char": None},
    {"maxlen": 12},
    {"maxlen": 0},
    {"maxlen": 9, "start_char": None},
    {"maxlen": 12, "num_words": 15, "skip_top": 5},
    {"seed": 7},
    {"seed": 0},
    {"start_char": None},
    {"start_char": 0},
    {"start_char": 77, "num_words": 50},
    {"start_char": None, "index_from": 0},
    {"start_char": None, "index_from": None},
    {"index_from": 0},
    {"index_from": 11, "num_words": 20},
    {"index_from": -1},
    {"oov_char": 99, "num_words": 12},
    {"oov_char": -1, "num_words": 12},
    {"oov_char": 2**31 - 1, "num_words": 12},
    {"num_words": np.int64(12), "maxlen": np.int32(12), "start_char": np.int64(1), "index_from": np.int64(3)},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_argument_gives_what_keras_gives(archive, keras_imdb, options):
    ours = imdb.load_data(archive, **options)
    keras = keras_imdb.load_data(archive, **options)
    for split in (0, 1):
        assert_same_split(ours[split], keras[split])


@settings(max_examples=60, deadline=None)
@given(
    num_words=st.none() | st.integers(0, V + 9),
    skip_top=st.integers(0, V + 9),
    maxlen=st.none() | st.integers(6, 30),
    seed=st.integers(0, 2**32 - 1),
    start_char=st.none() | st.integers(0, 5),
    oov_char=st.none() | st.integers(0, 5),
    index_from=st.integers(0, 6),
)
def test_any_combination_of_arguments_gives_what_keras_gives(archive, keras_imdb, **options):
    ours = imdb.load_data(archive, **options)
    keras = keras_imdb.load_data(archive, **options)
    for split in (0, 1):
        assert_same_split(ours[split], keras[split])


def test_reviews_of_one_length_stay_lists_where_keras_makes_a_rectangle(tmp_path, keras_imdb):
    path = save_archive(tmp_path / "equal.npz", train_lengths=[4, 5, 5], test_lengths=[2, 3])
    (x_train, y_train), test = imdb.load_data(path)
    (x_keras, y_keras), test_keras = keras_imdb.load_data(path)
    assert x_keras.shape == (3, 6)
    assert x_train.shape == (3,)
    assert_same_split((x_train, y_train), (x_keras, y_keras))
    assert_same_split(test, test_keras)


@pytest.mark.parametrize("maxlen", [1, 2, -3])
def test_dropping_every_review_is_the_error_of_keras(archive, keras_imdb, maxlen):
    with pytest.raises(ValueError) as caught_keras:
        keras_imdb.load_data(archive, maxlen=maxlen)
    with pytest.raises(ValueError) as caught:
        imdb.load_data(archive, maxlen=maxlen)
    assert str(caught.value) == str(caught_keras.value)


def test_the_signature_is_that_of_keras(keras_imdb):
    import inspect

    for name in ("load_data", "get_word_index"):
        ours, keras = (inspect.signature(getattr(module, name)).parameters.values() for module in (imdb, keras_imdb))
        assert [(p.name, p.default, p.kind) for p in ours] == [(p.name, p.default, p.kind) for p in keras]


def test_the_word_index_is_that_of_keras(tmp_path, keras_imdb):
    path = tmp_path / "index.json"
    path.write_text(json.dumps({"the": 1, "amÉlie": 2, "it's": 3}))
    assert imdb.get_word_index(path) == keras_imdb.get_word_index(path) == {"the": 1, "amÉlie": 2, "it's": 3}


# load_data by itself


def test_the_largest_id_is_cut_when_no_limit_is_given(archive):
    (whole, _), _ = imdb.load_data(archive, num_words=V + 4)
    (cut, _), _ = imdb.load_data(archive)
    assert max(map(max, whole)) == V + 3
    assert max(map(max, cut)) < V + 3
    assert [[2 if word_id == V + 3 else word_id for word_id in review] for review in whole] == cut.tolist()


def test_an_empty_review_is_its_start_alone(tmp_path):
    path = tmp_path / "empty.npz"
    np.savez(path, x_train=objects([[], [5]]), y_train=np.array([0, 1]), x_test=objects([[]]), y_test=np.array([1]))
    (x_train, _), (x_test, _) = imdb.load_data(path, num_words=20)
    assert sorted(x_train.tolist()) == [[1], [1, 8]]
    assert x_test.tolist() == [[1]]
    assert imdb.load_data(path, start_char=None)[1][0].tolist() == [[]]


def test_a_returned_review_is_the_callers_own(archive):
    (first, _), _ = imdb.load_data(archive)
    kept = first[1].copy()
    first[0].append(7)
    assert first[1] == kept
    assert imdb.load_data(archive)[0][0][0] != first[0]


def test_an_unknown_argument_is_named(archive):
    with pytest.raises(TypeError, match=r"load_data: unknown argument nb_words, test_split\. It takes path, num_words, skip_top"):
        imdb.load_data(archive, nb_words=5, test_split=0.2)


@pytest.mark.parametrize(
    "options",
    [
        {"num_words": "200"},
        {"skip_top": None},
        {"maxlen": [100]},
        {"start_char": 1.0},
        {"start_char": "<start>"},
        {"oov_char": 2.5},
        {"index_from": None},
        {"index_from": 3.0},
    ],
    ids=str,
)
def test_an_argument_of_the_wrong_type_is_named(tmp_path, options):
    with pytest.raises(TypeError, match=f"load_data: {next(iter(options))} must be a (whole )?number, received"):
        imdb.load_data(tmp_path / "not looked at.npz", **options)


@pytest.mark.parametrize("options", [{"start_char": 2**31}, {"index_from": -(2**31)}, {"oov_char": 2**40}], ids=str)
def test_an_id_beyond_32_bits_is_refused(tmp_path, options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} must fit 32 bits"):
        imdb.load_data(tmp_path / "not looked at.npz", **options)


def test_the_environment_says_where_reviews_and_word_index_are(tmp_path, monkeypatch):
    save_archive(tmp_path / "imdb.npz", train_lengths=[4, 9], test_lengths=[2, 3, 5])
    (tmp_path / "imdb_word_index.json").write_text('{"the": 1}')
    monkeypatch.setenv("MINIRNN_DATA", str(tmp_path))
    (x_train, _), (x_test, _) = imdb.load_data()
    assert (len(x_train), len(x_test)) == (2, 3)
    assert imdb.get_word_index() == {"the": 1}
    assert imdb.encode("the") == [1, 4]
    assert imdb.decode([1, 4]) == "<start> the"


# encode and decode

WORDS = {"the": 1, "and": 2, "film": 3, "it's": 4, "naïve": 5, "br": 6, "amÉlie": 7, "zebra": 8}


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("The film", [1, 4, 6]),
        ("the,film;the!the.film", [1, 4, 6, 4, 4, 6]),
        ("the\tfilm\nand", [1, 4, 6, 5]),
        ("it's the-film", [1, 7, 4, 6]),
        ("the<br /><br />film", [1, 4, 9, 9, 6]),
        ("NAïVE", [1, 8]),
        ("NAÏVE", [1]),
        ("AMÉLIE amélie", [1, 10]),
        ("the unheard film", [1, 4, 6]),
        ("", [1]),
        (" . ", [1]),
    ],
)
def test_encode_splits_words_as_the_data_set_did(text, ids):
    assert imdb.encode(text, word_index=WORDS) == ids


def test_encode_cuts_as_load_data_cuts():
    assert imdb.encode("the film zebra", num_words=6, word_index=WORDS) == [1, 4, 2, 2]
    assert imdb.encode("the film zebra", num_words=6, oov_char=None, word_index=WORDS) == [1, 4]
    assert imdb.encode("the film zebra", num_words=7, start_char=None, oov_char=9, word_index=WORDS) == [4, 6, 9]
    assert imdb.encode("the zebra", start_char=None, index_from=0, word_index=WORDS) == [1, 8]


def test_decode_names_the_ids_that_are_no_words():
    assert imdb.decode([0, 0, 1, 4, 2, 11], word_index=WORDS) == "<pad> <pad> <start> the <oov> zebra"
    assert imdb.decode([], word_index=WORDS) == ""


def test_decode_without_markers_reads_their_ids_as_words():
    assert imdb.decode([1, 2, 8], index_from=0, start_char=None, oov_char=None, word_index=WORDS) == "the and zebra"


def test_decode_takes_padded_rows():
    assert imdb.decode(np.array([0, 1, 6], np.int32), word_index=WORDS) == "<pad> <start> film"


@given(st.lists(st.sampled_from(sorted(WORDS)), max_size=9), st.integers(3, 20))
def test_decode_undoes_encode(words, index_from):
    ids = imdb.encode(" ".join(words), index_from=index_from, word_index=WORDS)
    assert imdb.decode(ids, index_from=index_from, word_index=WORDS) == " ".join(["<start>", *words])


@given(st.lists(st.integers(1, len(WORDS)), max_size=9), st.integers(0, 20), st.none() | st.integers(1, 12))
def test_encode_undoes_decode(ranks, index_from, num_words):
    ids = [rank + index_from for rank in ranks]
    assume(num_words is None or all(word_id < num_words for word_id in ids))
    text = imdb.decode(ids, index_from=index_from, start_char=None, oov_char=None, word_index=WORDS)
    assert imdb.encode(text, num_words=num_words, start_char=None, index_from=index_from, word_index=WORDS) == ids


@pytest.mark.parametrize(("ids", "place"), [([1, 4, 12], 2), ([3], 0), ([1, -4], 1)])
def test_decode_names_an_id_without_a_word(ids, place):
    with pytest.raises(ValueError, match=rf"decode: ids\[{place}\] = {ids[place]} has no word; ids run from 4 to 11"):
        imdb.decode(ids, word_index=WORDS)


@pytest.mark.parametrize("ids", [[4.0], [[4, 5]], ["the"], np.array([[4, 5]]), [None]])
def test_decode_refuses_what_is_not_one_review(ids):
    with pytest.raises(TypeError, match=r"decode: ids must be the whole numbers of one review, received \w+ at ids\[0\]"):
        imdb.decode(ids, word_index=WORDS)


@pytest.mark.parametrize("text", [b"the film", ["the", "film"], None])
def test_encode_refuses_what_is_not_a_text(text):
    with pytest.raises(TypeError, match="encode: text must be a str"):
        imdb.encode(text, word_index=WORDS)


# The real reviews


@functools.cache
def real_reviews(folder):
    return imdb.load_data(folder / "imdb.npz", num_words=200)


def test_the_real_reviews_are_in_the_order_that_everybody_knows(imdb_folder):
    (x_train, y_train), (x_test, y_test) = real_reviews(imdb_folder)
    assert len(x_train) == len(y_train) == len(x_test) == len(y_test) == 25_000
    assert (len(x_train[0]), len(x_train[1])) == (218, 189)
    assert y_train[:20].tolist() == [1, 0, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0, 1]
    assert max(map(max, x_train)) == 199


def test_the_real_lengths_are_those_published(imdb_folder):
    from sklearn.model_selection import train_test_split

    (x_train, y_train), (x_test, _) = real_reviews(imdb_folder)
    kept, _, _, _ = train_test_split(x_train, y_train, test_size=0.2, random_state=42)
    lengths = [len(review) for review in kept]
    assert np.mean(lengths) == pytest.approx(239.00925, abs=1e-9)
    assert np.median(lengths) == 178.0
    assert np.mean([len(review) for review in [*x_train, *x_test]]) == pytest.approx(234.75892, abs=1e-9)


def test_the_real_reviews_equal_what_keras_makes_of_the_file(imdb_folder, keras_imdb):
    ours = real_reviews(imdb_folder)
    keras = keras_imdb.load_data(imdb_folder / "imdb.npz", num_words=200)
    for split in (0, 1):
        assert ours[split][0].tolist() == keras[split][0].tolist()
        assert ours[split][1].tolist() == keras[split][1].tolist()


def test_a_real_review_reads_as_english_and_encodes_to_itself(imdb_folder):
    word_index = imdb.get_word_index(imdb_folder)
    (x_train, _), _ = imdb.load_data(imdb_folder, num_words=len(word_index) + 4, maxlen=600)
    text = imdb.decode(x_train[0], word_index=word_index)
    assert text.startswith("<start> this film was just brilliant casting location scenery story direction")
    assert "<oov>" not in text
    assert imdb.encode(text.removeprefix("<start> "), word_index=word_index) == x_train[0]


def test_the_real_word_index_has_every_rank_once(imdb_folder):
    word_index = imdb.get_word_index(imdb_folder / "imdb_word_index.json")
    assert (word_index["the"], word_index["and"]) == (1, 2)
    assert sorted(word_index.values()) == list(range(1, 88_585))


@pytest.mark.parametrize("length", [1000, 1_000_000])
def test_a_real_file_that_is_cut_off_is_refused(imdb_folder, tmp_path, length):
    cut = tmp_path / "imdb.npz"
    with open(imdb_folder / "imdb.npz", "rb") as stream:
        cut.write_bytes(stream.read(length))
    with pytest.raises(ValueError, match="not a complete zip"):
        imdb.load_data(cut)
