"""The job on an archive of 45 + 30 reviews: the models, the figures, the files, and what a run leaves that does not finish."""

import csv
import html
import json
from dataclasses import asdict

import numpy as np
import pytest
from small_run import write_imdb

from minirnn import job, runs, tokens
from minirnn.corpus import Corpus
from minirnn.datasets import store
from minirnn.models import load_model
from minirnn.one_hot import OneHot
from minirnn.preparation import prepare, prepare_test
from minirnn.runs import Settings

TINY = {
    "units": 3,
    "embedding_dim": 5,
    "num_words": 11,
    "maxlen": 7,
    "batch_size": 8,
    "epochs": 2,
    "backend": "numpy",
    "learning_rate": 0.01,
}


@pytest.fixture(scope="module")
def imdb(tmp_path_factory):
    return Corpus("imdb", write_imdb(tmp_path_factory.mktemp("reviews")) / "imdb.npz", "the path given")


@pytest.fixture(scope="module")
def finished(imdb, tmp_path_factory):
    """The folder and the record of a run of both models, trained for three epochs."""
    folder = tmp_path_factory.mktemp("run")
    return folder, run(imdb, folder, epochs=3)


def run(imdb, folder, **changes):
    settings = Settings(**TINY | changes)
    return job.run(settings, imdb, prepare(imdb, settings), folder, loudness=0, say=lambda line: None)


@pytest.mark.parametrize(("encoding", "shapes"), [("onehot", [(11, 3), (3, 3), (3,), (3, 1), (1,)]), ("embedding", [(11, 5), (5, 3)])])
def test_the_models_are_those_of_the_job(encoding, shapes):
    model = job.build(encoding, Settings(**TINY))

    assert [weight.shape for weight in model.get_weights()][: len(shapes)] == shapes
    assert tokens.vocabulary(model) == 11
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01)


def test_the_default_models_have_the_published_numbers_of_weights():
    assert [job.build(encoding, Settings()).count_params() for encoding in ("onehot", "embedding")] == [1_681, 3_409]


def test_the_models_read_one_hot_vectors_and_ids():
    ids = np.arange(14, dtype=np.int32).reshape(2, 7) % 11

    assert isinstance(tokens.as_input(job.build("onehot", Settings(**TINY)), ids), OneHot)
    assert tokens.as_input(job.build("embedding", Settings(**TINY)), ids) is ids


def test_the_seed_decides_the_first_weights():
    first, again, other = (job.build("embedding", Settings(**TINY | {"seed": seed})).get_weights()[0] for seed in (4, 4, 5))

    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_run_leaves_all_its_files(finished):
    folder, _ = finished

    expected = {
        "run.json", "report.html", "lengths.png", "loss.png", "accuracy.png", "reach.png", "words.png",
        "inspector-onehot.npz", "inspector-embedding.npz",
        "history-onehot.csv", "history-embedding.csv", "best-simplernn-model.keras", "best-embedding-model.keras",
    }  # fmt: skip
    assert {path.name for path in folder.iterdir()} == expected
    assert all((folder / name).stat().st_size for name in expected)


def test_the_report_looks_into_a_test_review_with_the_numbers_of_a_trace(finished):
    folder, _ = finished

    page = html.unescape((folder / "report.html").read_text(encoding="utf-8")).replace("‑", "-")

    assert "The test review that the two models judge most differently, word by word" in page
    assert page.count("<h3>One-hot: ") == page.count("<h3>Embedding: ") == 4  # what pushes, the probability, the gradient, the words
    assert "is not here" not in page


def test_without_a_word_index_the_report_shows_numbers_and_says_why(tmp_path, monkeypatch):
    alone = write_imdb(tmp_path / "data") / "imdb.npz"
    (tmp_path / "data" / "imdb_word_index.json").unlink()
    monkeypatch.delenv("MINIRNN_DATA", raising=False)
    for folder_of in ("cache_folder", "keras_folder"):
        monkeypatch.setattr(store, folder_of, lambda: tmp_path / "nowhere")
    monkeypatch.setattr(store, "fetch", lambda name: pytest.fail("the network was asked"))
    folder = tmp_path / "run"
    folder.mkdir()

    run(Corpus("imdb", alone, "the path given"), folder, encoding="embedding")

    page = html.unescape((folder / "report.html").read_text(encoding="utf-8"))
    assert "Numbers stand for words here: " in page
    assert "imdb_word_index.json" in page


@pytest.mark.parametrize("encoding", ["onehot", "embedding"])
def test_the_history_on_disk_has_a_line_for_each_epoch(finished, encoding):
    folder, _ = finished

    with open(folder / f"history-{encoding}.csv", newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    assert set(rows[0]) == {"epoch", "accuracy", "loss", "val_accuracy", "val_loss"}


@pytest.mark.parametrize("encoding", ["onehot", "embedding"])
def test_what_was_recorded_inside_has_a_figure_for_each_epoch_and_the_weights_that_were_restored(finished, encoding):
    folder, run_record = finished

    with np.load(folder / runs.INSPECTOR_FILES[encoding], allow_pickle=False) as file:
        figures = dict(file)
    restored = load_model(folder / runs.MODEL_FILES[encoding]).get_weights()

    assert figures["epoch"].tolist() == [0, 1, 2]
    assert all(len(values) == 3 for name, values in figures.items() if not name.startswith("snapshots"))
    assert figures["snapshots"].tolist() == [0, 1, 2, 3]
    kept = [values[run_record.models[encoding].best_epoch] for name, values in figures.items() if name.startswith("snapshots.")]
    assert all(np.array_equal(one, other) for one, other in zip(kept, restored, strict=True))


def test_a_large_model_is_kept_less_often_and_a_short_last_batch_is_not_trusted(imdb):
    settings = Settings(**TINY)  # 36 reviews in batches of 8: the last has 4
    inspector = job.make_inspector("embedding", settings, prepare(imdb, settings))
    assert inspector.snapshots_every == 1
    assert len(inspector.probe) == job.LEAST_READ

    settings = Settings(**TINY | {"batch_size": 18, "num_words": 20_000, "embedding_dim": 50, "epochs": 100})
    inspector = job.make_inspector("embedding", settings, prepare(imdb, settings))
    assert inspector.snapshots_every == 27  # 4.2 MB a time
    assert inspector.probe is None


@pytest.mark.parametrize("encoding", ["onehot", "embedding"])
def test_the_saved_model_is_the_one_that_the_figures_are_of(imdb, finished, encoding):
    folder, record = finished

    model = load_model(folder / runs.MODEL_FILES[encoding])
    test = prepare_test(imdb, 11, 7)
    measured = model.evaluate(tokens.as_input(model, test.ids), test.labels, batch_size=8, verbose=0, return_dict=True)
    assert measured["loss"] == pytest.approx(record.models[encoding].test_loss, abs=1e-6)
    assert measured["accuracy"] == record.models[encoding].test_accuracy


def test_the_figures_are_those_of_the_restored_epoch(imdb, tmp_path):
    settings = Settings(**TINY | {"epochs": 12, "patience": 2, "learning_rate": 0.3})
    figures, history = job.train("embedding", settings, prepare(imdb, settings), tmp_path, loudness=0)

    best = int(np.argmin(history["val_loss"]))
    assert figures.best_epoch == best + 1
    assert figures.val_loss == min(history["val_loss"])
    assert figures.val_accuracy == history["val_accuracy"][best]
    assert figures.epochs == len(history["loss"]) == len(figures.epoch_seconds)
    assert figures.stopped_early
    assert figures.best_epoch < figures.epochs < 12
    model, test = load_model(tmp_path / "best-embedding-model.keras"), prepare_test(imdb, 11, 7)
    assert model.evaluate(test.ids, test.labels, verbose=0)[0] == pytest.approx(figures.test_loss, abs=1e-6)


def test_the_input_is_counted_as_kept_and_as_written_out(finished):
    one_hot, embedding = finished[1].models.values()

    assert (one_hot.input_bytes, embedding.input_bytes) == (36 * 7 * 4, 36 * 7 * 4)
    assert (one_hot.input_bytes_dense, embedding.input_bytes_dense) == (36 * 7 * 11 * 4, 36 * 7 * 4)


def test_two_trainings_with_one_seed_have_the_same_history(imdb, tmp_path):
    settings = Settings(**TINY)
    prepared = prepare(imdb, settings)

    histories = [job.train("onehot", settings, prepared, tmp_path, loudness=0)[1] for _ in range(2)]

    assert histories[0] == histories[1]


def test_what_a_run_writes_down_reads_back_the_same(imdb, finished):
    folder, written = finished

    assert asdict(runs.read_record(folder)) == asdict(written)
    contents = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert contents["status"] == "finished"
    assert contents["data"]["sha256"] == imdb.sha256()
    assert contents["seeds"] == {"order": 113, "split": 42, "weights and shuffling": 42}
    assert contents["versions"]["numpy"] == np.__version__


def stop_in_epoch(monkeypatch, wanted, error):
    """Let the training raise at the end of an epoch, after the history and before the checkpoint of that epoch."""
    of_checkpoint = job.ModelCheckpoint.on_epoch_end

    def fail(self, epoch, logs=None):
        if epoch == wanted:
            raise error
        of_checkpoint(self, epoch, logs)

    monkeypatch.setattr(job.ModelCheckpoint, "on_epoch_end", fail)


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt(), "interrupted"), (FloatingPointError("nan"), "failed")])
def test_a_run_that_does_not_finish_says_so_and_keeps_what_it_had(imdb, tmp_path, monkeypatch, error, status):
    stop_in_epoch(monkeypatch, 1, error)

    with pytest.raises(type(error)):
        run(imdb, tmp_path)

    assert runs.read_record(tmp_path).status == status
    assert load_model(tmp_path / "best-simplernn-model.keras").count_params() == 11 * 3 + 9 + 3 + 3 + 1
    assert runs.what_is_left(tmp_path).startswith(f"In {tmp_path}: one-hot: 2 finished epochs in history-onehot.csv, the best weights in")
    assert "only the report" not in runs.what_is_left(tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_an_interruption_of_the_report_leaves_all_that_was_trained(imdb, tmp_path, monkeypatch):
    monkeypatch.setattr(job, "leave_pictures", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))

    with pytest.raises(KeyboardInterrupt):
        run(imdb, tmp_path)

    assert set(runs.read_record(tmp_path).models) == {"onehot", "embedding"}
    assert runs.what_is_left(tmp_path).endswith("The training was done and the models tested; only the report is missing.")


def test_an_interruption_before_the_first_epoch_leaves_the_record_alone(imdb, tmp_path, monkeypatch):
    monkeypatch.setattr(job, "build", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))

    with pytest.raises(KeyboardInterrupt):
        run(imdb, tmp_path)

    assert runs.what_is_left(tmp_path) == f"No epoch was finished; {tmp_path} holds run.json alone."
    with pytest.raises(FileNotFoundError, match="before its first epoch"):
        runs.find_models(tmp_path)
