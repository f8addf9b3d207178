"""The page: whole, well-formed, without the network, and every figure on it is one of the run's."""

from html.parser import HTMLParser

import pytest
from small_run import HISTORIES, curves, insides, outcome, record

from minirnn import plateau, plots
from minirnn.report import Section, command, comparison, page, remarks, size, write_report
from minirnn.runs import Settings

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Reader(HTMLParser):
    """Check that every element is closed in order, and keep what is read."""

    def __init__(self):
        super().__init__()
        self.open, self.text, self.attributes, self.elements = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(text):
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def shown(run, histories=HISTORIES):
    return page(run, histories, [plots.loss_picture(curves(), "IMDB"), plots.accuracy_picture(curves(), "IMDB", 25_000)])


def test_the_page_is_well_formed_and_has_each_picture_wide_and_narrow():
    reader = read(shown(record()))

    assert reader.elements.count("svg") == 4
    assert reader.elements.count("h1") == 1


def test_the_page_asks_the_network_for_nothing():
    reader = read(shown(record()))

    assert not {"script", "iframe", "object"} & set(reader.elements)
    for name, value in reader.attributes:
        if name in ("src", "href", "xlink:href", "srcset"):
            assert value.startswith(("#", "data:"))
    assert "@import" not in shown(record())


def test_the_page_names_the_data_and_holds_the_figures_of_the_run():
    text = " ".join(read(shown(record())).text)

    for expected in ("/home/a user/imdb.npz (the path given)", "1,681", "3,409", "1.6 GB", "0.6020", "0.5610", "0.7150", "239.01", "178"):
        assert expected in text


def test_built_in_reviews_are_never_shown_as_imdb():
    text = " ".join(read(page(record("reviews"), HISTORIES, [plots.loss_picture(curves(), "built-in reviews (generated, not IMDB)")])).text)

    assert "built-in reviews (generated, not IMDB)" in text
    assert "No figure on this page says anything about IMDB" in text
    assert "--reviews" in text


def test_the_section_that_explains_stands_between_the_pictures_and_the_epochs():
    pictures = [plots.reach_picture(insides(), "IMDB"), plots.words_picture(insides(), "IMDB")]
    section = Section(plateau.heading(insides()), plateau.paragraphs(insides()), pictures)
    reader = read(page(record(), HISTORIES, [plots.loss_picture(curves(), "IMDB")], [section]))

    text = " ".join(reader.text).replace("‑", "-")
    places = [text.index(words) for words in ("The two encodings", section.title, "Every epoch")]
    assert places == sorted(places)
    assert all(words in text for words in section.paragraphs)
    assert (reader.elements.count("h3"), reader.elements.count("svg")) == (2, 6)


def test_text_from_outside_cannot_become_markup():
    run = record()
    run.data["name"] = '<script>alert("x")</script>'
    run.data["path"] = "<img src=x>"

    reader = read(shown(run))

    assert "script" not in reader.elements
    assert "img" not in reader.elements


def test_every_epoch_is_there_and_the_restored_one_is_marked():
    text = " ".join(read(shown(record())).text)

    assert "4 (restored)" in text
    assert "2 (restored)" in text
    assert "0.6980" in text


def test_one_encoding_alone_makes_a_page_too():
    run = record(encodings=("embedding",), encoding="embedding")

    text = " ".join(read(shown(run, {"embedding": HISTORIES["embedding"]})).text)

    assert "The embedding model" in text.replace("‑", "-")


def test_the_page_is_written_whole_or_not_at_all(tmp_path):
    target = tmp_path / "report.html"
    target.write_text("before", encoding="utf-8")
    broken = {"onehot": {"loss": []}, "embedding": {"loss": []}}

    with pytest.raises((IndexError, KeyError)):
        write_report(target, record(), broken, [])

    assert target.read_text(encoding="utf-8") == "before"
    write_report(target, record(), HISTORIES, [])
    assert target.read_text(encoding="utf-8").endswith("</html>\n")


def test_the_comparison_has_what_the_job_is_asked_for():
    heads, rows = comparison(record())

    assert heads == ["one-hot", "embedding"]
    cells = dict(rows)
    assert cells["parameters"] == ["1,681", "3,409"]
    assert cells["training input, as kept"] == ["8.0 MB", "8.0 MB"]
    assert cells["training input, written out"] == ["1.6 GB", "8.0 MB"]
    assert cells["epochs"] == ["5", "3"]
    assert cells["best val_loss (nats)"] == ["0.6020", "0.5610"]
    assert cells["its val_accuracy"] == ["0.6700", "0.7200"]
    assert cells["test accuracy"] == ["0.6600", "0.7150"]
    assert cells["seconds of training"] == ["4.75", "4.75"]
    assert cells["seconds per later epoch, median"] == ["0.250", "0.250"]


@pytest.mark.parametrize(
    ("seconds", "median"), [([0.9], "0.900"), ([0.9, 0.1], "0.100"), ([0.9, 0.3, 0.1], "0.200"), ([0.9, 0.3, 0.1, 0.2], "0.200")]
)
def test_the_median_is_that_of_the_epochs_after_the_first_which_may_compile(seconds, median):
    run = record(encodings=("onehot",))
    run.models["onehot"] = outcome("onehot", epoch_seconds=seconds)

    assert dict(comparison(run)[1])["seconds per later epoch, median"] == [median]


def test_a_first_epoch_that_compiled_and_a_training_that_was_cut_short_are_pointed_out():
    run = record()
    run.models["onehot"] = outcome("onehot", epoch_seconds=[4.0, 0.03, 0.03])
    run.models["embedding"] = outcome("embedding", stopped_early=False)

    compiled, used_up = remarks(run)

    assert "4.0 s" in compiled
    assert "all its 3 epochs" in used_up
    run.models = {"embedding": outcome("embedding", stopped_early=False, epochs=1, epoch_seconds=[0.9])}
    assert remarks(run) == ["The embedding model used its one epoch: early stopping did not act."]
    assert remarks(record()) == []


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1_000, "1.0 kB"), (8_000_000, "8.0 MB"), (1_600_000_000, "1.6 GB")]
)
def test_sizes_have_a_unit(number, text):
    assert size(number) == text


def test_the_command_that_repeats_a_run_holds_what_differs_from_the_defaults():
    assert command(Settings(), "imdb") == "minirnn train"
    assert command(Settings(learning_rate=0.002, maxlen=50), "reviews") == "minirnn train --reviews --learning-rate 0.002 --maxlen 50"
