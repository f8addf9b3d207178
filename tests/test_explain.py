"""What a page holds, which models it refuses, and the command that writes it."""

from __future__ import annotations

import base64
import json
import re

import numpy as np
import pytest
from explain_cases import MODELS, TEXT, WORD_INDEX, T, V, model_of
from small_run import write_imdb
from typer.testing import CliRunner

import minirnn
from minirnn import job, runs
from minirnn.cli import app
from minirnn.datasets import imdb
from minirnn.explain import page, write_page
from minirnn.explain.command import first_weights
from minirnn.explain.payload import check_model
from minirnn.explain.words import DIGITS, word_list
from minirnn.layers import Bidirectional, Dense, Embedding, Flatten, SimpleRNN
from minirnn.runs import SavedModel

OPTIONS = {"units": 3, "embedding-dim": 5, "num-words": 11, "maxlen": 7, "batch-size": 8, "backend": "numpy", "seed": 23}
SMALL = [word for name, value in OPTIONS.items() for word in (f"--{name}", str(value))]


def payload_of(html):
    (found,) = re.findall(r'<script type="application/json" id="payload">(.*?)</script>', html, re.DOTALL)
    return json.loads(found)


def decoded(array):
    values = np.frombuffer(base64.b64decode(array["base64"]), np.dtype(array["dtype"]).newbyteorder("<"))
    return values.reshape(array["shape"])


def unfolded(words):
    """Undo the front coding, as the page does."""
    found, before = [], ""
    for entry in words.split(" "):
        before = before[: DIGITS.index(entry[0])] + entry[1:]
        found.append(before)
    return found


# ------------------------------------------------------------------------------------------------------------------------- payload


@pytest.mark.parametrize("kind", MODELS)
def test_a_page_holds_every_weight_bit_by_bit_and_the_untrained_ones(kind):
    model, untrained = model_of(kind), model_of(kind, seed=8)

    held = payload_of(page(model, TEXT, word_index=WORD_INDEX, untrained=untrained))["model"]

    for name, source in (("trained", model), ("untrained", untrained)):
        arrays = [decoded(array) for layer in held[name]["layers"] for array in layer.values()]
        assert len(arrays) == len(source.weights)
        for array, weight in zip(arrays, source.weights, strict=True):
            assert array.dtype == weight.dtype
            assert array.tobytes() == weight.tobytes()


def test_float64_weights_stay_float64():
    model = model_of("one-hot", dtype="float64")

    held = payload_of(page(model, TEXT, word_index=WORD_INDEX))["model"]

    assert decoded(held["trained"]["layers"][0]["kernel"]).tobytes() == model.weights[0].tobytes()


def test_the_words_can_be_read_back_with_their_ids():
    index = {"bet": 1, "better": 2, "best": 3, "zoo": 4, "Bad Word": 5, "a\U0001f600b": 6, "a\U0001f600c": 7, "é": 9}

    held = word_list(index, V=9)

    words = unfolded(held["words"])
    assert words == sorted(set(index) - {"Bad Word"})  # the tokenizer makes no such word
    ids = held["ids"] or list(range(held["first"], held["first"] + len(held["known"])))
    assert {words[place]: word_id for place, word_id in zip(held["known"], ids, strict=True)} == {
        "bet": 4,
        "better": 5,
        "best": 6,
        "zoo": 7,
    }


def test_the_words_of_imdb_take_what_they_are_said_to(imdb_folder):
    index = imdb.get_word_index(imdb_folder)

    held = word_list(index, V=10_000)

    words = unfolded(held["words"])
    assert set(words) == set(index)
    assert [index[words[place]] for place in held["known"]] == list(range(1, 9_997))
    assert len(held["words"]) < 405_000


def test_a_page_stays_under_two_megabytes_and_keeps_the_texts_words():
    V = 88_000
    model = minirnn.Sequential([minirnn.Input((T,)), Embedding(V, 16), SimpleRNN(32), Dense(1, activation="sigmoid")], seed=2)
    index = {f"w{rank:05x}": rank for rank in range(1, V)}

    html = page(model, "w00001 w15000 w11111", word_index=index)

    assert 1_900_000 < len(html.encode()) < 2_000_000
    held = payload_of(html)["model"]
    count = held["rows"]["count"]
    assert 4 < count < V
    assert held["rows"]["others"] == [0x11111 + 3, 0x15000 + 3]
    table = decoded(held["trained"]["layers"][0]["embeddings"])
    assert np.array_equal(table, model.weights[0][[*range(count), 0x11111 + 3, 0x15000 + 3]])


def test_a_network_too_large_for_a_page_is_refused():
    model = minirnn.Sequential([minirnn.Input((T,)), Embedding(V, 3), SimpleRNN(500), Dense(1, activation="sigmoid")])

    with pytest.raises(ValueError, match=r"has 252,558 weights, which a page of 2 MB does not hold"):
        page(model, TEXT, word_index=WORD_INDEX)


# -------------------------------------------------------------------------------------------------------------------------- markup


def test_a_text_never_becomes_markup():
    text = "not bad</script><script>alert(1)</script><!-- <b>\u2028@@policy@@"

    html = page(model_of("embedding"), text, word_index=WORD_INDEX, title="<i>model</i>", source="<u>reviews</u>")

    about = payload_of(html)
    assert (about["text"], about["title"], about["source"]) == (text, "<i>model</i>", "<u>reviews</u>")
    for markup in ("alert(1)</script>", "<!-- <b>", "<i>", "<u>"):
        assert markup not in html
    assert "<title>&lt;i&gt;model&lt;/i&gt;, explained</title>" in html


def test_a_page_asks_for_nothing():
    html = page(model_of("embedding"), TEXT, word_index=WORD_INDEX)

    assert "default-src 'none'" in html
    assert "unsafe" not in html
    assert not re.search(r"https?://|\bsrc=|@import|url\(|<link (?!rel=\"icon\" href=\"data:,\")", html)


def test_a_page_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    path.write_text("the page before")

    with pytest.raises(UnicodeEncodeError):
        write_page(path, "<!DOCTYPE html> \ud800")

    assert path.read_text() == "the page before"
    assert [entry.name for entry in tmp_path.iterdir()] == ["page.html"]


# ------------------------------------------------------------------------------------------------------------------------- refused


def ids(*layers):
    return minirnn.Sequential([minirnn.Input((T,)), Embedding(V, 4), *layers])


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda: ids(Flatten(), Dense(1, activation="sigmoid")), "'flatten.*' \\(Flatten\\) is not shown"),
        (lambda: ids(SimpleRNN(3, return_sequences=True), Dense(1, activation="sigmoid")), "the last recurrent layer returns a sequence"),
        (lambda: ids(SimpleRNN(3), Dense(2, activation="sigmoid")), "not in Dense\\(1, activation='sigmoid'\\)"),
        (lambda: ids(SimpleRNN(3), Dense(1)), "not in Dense\\(1, activation='sigmoid'\\)"),
        (lambda: ids(SimpleRNN(3), Dense(1, activation="sigmoid", activity_regularizer="l2")), "has an activity_regularizer"),
        (
            lambda: ids(Bidirectional(SimpleRNN(3, activity_regularizer="l2")), Dense(1, activation="sigmoid")),
            "has an activity_regularizer",
        ),
        (lambda: ids(SimpleRNN(3, zero_output_for_mask=True), Dense(1, activation="sigmoid")), "gives 0 after a masked last step"),
        (
            lambda: minirnn.Sequential(
                [minirnn.Input((T,), batch_size=1), Embedding(V, 4), SimpleRNN(3, stateful=True), Dense(1, activation="sigmoid")]
            ),
            "is stateful",
        ),
        (lambda: minirnn.Sequential([minirnn.Input((T, 3)), SimpleRNN(2), Dense(1, activation="sigmoid")]), "the model's vocabulary has 3"),
        (
            lambda: minirnn.Sequential([minirnn.Input((T, V)), Dense(4), SimpleRNN(2), Dense(1, activation="sigmoid")]),
            "stands before any recurrent layer on one-hot input",
        ),
        (lambda: minirnn.Sequential([Embedding(V, 4), SimpleRNN(2)]), "has no weights yet"),
    ],
)
def test_a_model_that_a_page_cannot_show_is_refused_before_anything_is_written(build, reason):
    with pytest.raises(ValueError, match=reason):
        check_model(build())


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_model_whose_weights_are_lost_is_refused(number):
    model = model_of("stack")
    weights = model.get_weights()
    weights[2][1, 2] = number
    model.set_weights(weights)

    with pytest.raises(ValueError, match=f"explain: layer '{model.layers[1].name}' has weights that are not finite"):
        page(model, TEXT, word_index=WORD_INDEX)


def test_a_wrong_label_and_a_strange_untrained_model_are_refused():
    with pytest.raises(ValueError, match="label must be 'positive' or 'negative', received 'good'"):
        page(model_of("embedding"), TEXT, word_index=WORD_INDEX, label="good")
    with pytest.raises(ValueError, match="must have the trained one's weights in number and shape"):
        page(model_of("embedding"), TEXT, word_index=WORD_INDEX, untrained=model_of("one-hot"))


# ------------------------------------------------------------------------------------------------------------------------- command


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of both models on a small archive: the run's folder, and the archive's."""
    folder = tmp_path_factory.mktemp("explained")
    reviews = write_imdb(folder / "reviews")
    run = folder / "run"
    answer = CliRunner().invoke(app, ["train", "--data", str(reviews), "--epochs", "2", "--quiet", "--out", str(run), *SMALL])
    assert answer.exit_code == 0, answer.output
    return run, reviews


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MINIRNN_DATA", raising=False)
    monkeypatch.delenv("MINIRNN_DEBUG", raising=False)
    monkeypatch.setenv("MINIRNN_CACHE", "cache")
    monkeypatch.setenv("KERAS_HOME", "keras")


def call(*words):
    return CliRunner().invoke(app, ["explain", *map(str, words)])


def test_the_command_writes_the_page_of_the_best_model(trained, tmp_path):
    run, _ = trained
    best = runs.find_models(run)[0]

    answer = call(run, "the film was great, frankly", "--label", "negative", "--out", tmp_path / "a page.html")

    assert answer.exit_code == 0, answer.output
    assert f"{best.title}: " in answer.output
    assert "1 of 5 words are not in its vocabulary: frankly" in answer.output
    assert "a page.html" in answer.output
    about = payload_of((tmp_path / "a page.html").read_text(encoding="utf-8"))
    assert (about["text"], about["label"], about["title"]) == ("the film was great, frankly", "negative", best.title)
    assert about["source"] == "trained on IMDB"
    p = re.search(r"P\(positive\) = (0\.\d{4})", answer.output)[1]
    assert p in CliRunner().invoke(app, ["predict", str(run), "the film was great, frankly"]).output


@pytest.mark.parametrize("encoding", ["onehot", "embedding"])
def test_the_untrained_copy_has_the_first_weights_of_that_run(encoding, trained):
    run, _ = trained

    assert call(run, "great", "--encoding", encoding).exit_code == 0

    about = payload_of((runs.Path("explain.html")).read_text(encoding="utf-8"))
    arrays = [decoded(array) for layer in about["model"]["untrained"]["layers"] for array in layer.values()]
    settings = runs.read_record(run).settings
    for array, weight in zip(arrays, job.build(encoding, settings).weights, strict=True):
        assert array.tobytes() == weight.tobytes()
    assert "drawn from its seed, 23" in about["untrainedNote"]


def test_a_model_file_alone_gets_fresh_weights_and_the_page_says_so(trained, tmp_path):
    run, reviews = trained
    alone = tmp_path / "mine.keras"
    alone.write_bytes((run / runs.MODEL_FILES["embedding"]).read_bytes())

    answer = call(alone, "great", "--data", reviews)

    assert answer.exit_code == 0, answer.output
    about = payload_of((tmp_path / "explain.html").read_text(encoding="utf-8"))
    assert "fresh weights drawn with seed 0" in about["untrainedNote"]
    arrays = [decoded(array) for layer in about["model"]["untrained"]["layers"] for array in layer.values()]
    assert [array.shape for array in arrays] == [(11, 5), (5, 3), (3, 3), (3,), (3, 1), (1,)]
    assert np.abs(arrays[0]).max() <= 0.05  # as the configuration's own initializer draws them
    assert np.allclose(arrays[2].T @ arrays[2], np.eye(3), atol=1e-6)


def test_a_file_in_a_run_that_the_run_did_not_make_gets_fresh_weights_too(trained):
    run, _ = trained
    model = model_of("embedding")

    assert first_weights(SavedModel(run / runs.MODEL_FILES["embedding"], runs.read_record(run)), model) == (None, "")


def test_pictures_of_the_same_text_are_left_in_a_folder(trained, tmp_path):
    run, _ = trained

    answer = call(run, "the film was awful", "--label", "positive", "--pictures", tmp_path / "a" / "folder")

    assert answer.exit_code == 0, answer.output
    names = sorted(path.stem for path in (tmp_path / "a" / "folder").iterdir())
    assert names == ["contributions", "gradient", "probability", "saliency", "saturation", "states", "vectors"]
    assert all(name in answer.output for name in names)
    assert all(path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" for path in (tmp_path / "a" / "folder").iterdir())


def test_wrong_words_of_a_command_line_are_one_message(trained, tmp_path):
    run, reviews = trained
    keras = tmp_path / "flat.keras"
    ids(Flatten(), Dense(1, activation="sigmoid")).save(keras)

    for words, message in [
        ((run, "  "), "TEXT is empty"),
        ((tmp_path / "nowhere", "good"), "no such run folder"),
        ((keras, "good", "--data", reviews), "is not shown"),
        ((run, "good", "--out", tmp_path), "add a file name"),
        ((run, "good", "--label", "bad"), "'bad' is not one of"),
    ]:
        answer = call(*words)
        assert answer.exit_code == 2, answer.output
        assert message in re.sub(r"[\s│]+", " ", answer.output)
        assert "Traceback" not in answer.output
    assert not (tmp_path / "explain.html").exists()
