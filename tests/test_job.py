"""The job, its data and its folder, on an archive of 45 + 30 reviews; and the published length statistics on the real one."""

import csv
import json
import os
import signal
from dataclasses import asdict

import numpy as np
import pytest
from small_run import HISTORIES, TEST, TRAIN, outcome, record, write_imdb

from minirnn import corpus, job, runs
from minirnn.corpus import Corpus
from minirnn.datasets import store
from minirnn.interrupt import Interrupter
from minirnn.models import load_model
from minirnn.one_hot import OneHot
from minirnn.preparation import length_statistics, prepare, prepare_test
from minirnn.runs import Settings

TINY = {"units": 3, "embedding_dim": 5, "num_words": 11, "maxlen": 7, "batch_size": 8, "epochs": 2, "backend": "numpy", "learning_rate": 0.01}


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


def run(imdb, folder, **changes):
    settings = Settings(**TINY | changes)
    return job.run(settings, imdb, prepare(imdb, settings), folder, loudness=0, say=lambda line: None)


# ------------------------------------------------------------------------------------------------------------------------ the data


def test_the_real_reviews_have_the_published_lengths(imdb_folder):
    prepared = prepare(Corpus("imdb", imdb_folder / "imdb.npz"), Settings())

    figures = length_statistics(prepared.lengths, 100)
    assert (figures["mean"], figures["median"]) == (239.00925, 178.0)
    assert [part.ids.shape for part in prepared[:3]] == [(20_000, 100), (5_000, 100), (25_000, 100)]
    assert prepared.train.ids[0, -10:].tolist() == [6, 2, 46, 7, 14, 20, 10, 10, 2, 158]


def test_the_split_is_four_to_one_and_no_review_is_lost(imdb):
    prepared = prepare(imdb, Settings(**TINY))

    assert [len(part.labels) for part in prepared[:3]] == [36, 9, TEST]
    assert [part.ids.shape[1] for part in prepared[:3]] == [7, 7, 7]
    (reviews, labels), _ = imdb.load(11)
    assert prepared.train.labels.sum() + prepared.validation.labels.sum() == labels.sum()
    assert sorted(prepared.lengths) != []
    assert set(prepared.lengths) <= {len(review) for review in reviews}


def test_ids_and_labels_stay_together(imdb):
    prepared = prepare(imdb, Settings(**TINY | {"maxlen": 30}))

    for ids, labels in prepared[:3]:
        says_great = (ids == 6).any(axis=1)  # rank 3 + 3
        np.testing.assert_array_equal(says_great, labels == 1)


def test_the_test_set_alone_is_that_of_the_whole(imdb):
    alone, whole = prepare_test(imdb, 11, 7), prepare(imdb, Settings(**TINY)).test

    np.testing.assert_array_equal(alone.ids, whole.ids)
    np.testing.assert_array_equal(alone.labels, whole.labels)


def test_length_statistics_are_those_of_the_definition():
    assert length_statistics(np.array([2, 3, 7, 10]), 7) == {"mean": 5.5, "median": 5.0, "shortest": 2, "longest": 10, "cut_share": 0.25}


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


# ---------------------------------------------------------------------------------------------------------------------- the models


@pytest.mark.parametrize(("encoding", "shapes"), [("onehot", [(11, 3), (3, 3), (3,), (3, 1), (1,)]), ("embedding", [(11, 5), (5, 3)])])
def test_the_models_are_those_of_the_job(encoding, shapes):
    model = job.build(encoding, Settings(**TINY))

    assert [weight.shape for weight in model.get_weights()][: len(shapes)] == shapes
    assert job.vocabulary(model) == 11
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01)


def test_the_default_models_have_the_published_numbers_of_weights():
    assert [job.build(encoding, Settings()).count_params() for encoding in ("onehot", "embedding")] == [1_681, 3_409]


def test_the_models_read_one_hot_vectors_and_ids():
    ids = np.arange(14, dtype=np.int32).reshape(2, 7) % 11

    assert isinstance(job.as_input(job.build("onehot", Settings(**TINY)), ids), OneHot)
    assert job.as_input(job.build("embedding", Settings(**TINY)), ids) is ids


def test_the_seed_decides_the_first_weights():
    first, again, other = (job.build("embedding", Settings(**TINY | {"seed": seed})).get_weights()[0] for seed in (4, 4, 5))

    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


# ------------------------------------------------------------------------------------------------------------------------- the run


def test_a_run_leaves_all_its_files(imdb, tmp_path):
    run(imdb, tmp_path)

    expected = {
        "run.json", "report.html", "lengths.png", "loss.png", "accuracy.png", "reviews",
        "history-onehot.csv", "history-embedding.csv", "best-simplernn-model.keras", "best-embedding-model.keras",
    }  # fmt: skip
    assert {path.name for path in tmp_path.iterdir()} == expected
    assert all((tmp_path / name).stat().st_size for name in expected)


def test_the_history_on_disk_has_a_line_for_each_epoch(imdb, tmp_path):
    run(imdb, tmp_path, encoding="embedding")

    with open(tmp_path / "history-embedding.csv", newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert set(rows[0]) == {"epoch", "accuracy", "loss", "val_accuracy", "val_loss"}


@pytest.mark.parametrize("encoding", ["onehot", "embedding"])
def test_the_saved_model_is_the_one_that_the_figures_are_of(imdb, tmp_path, encoding):
    figures = run(imdb, tmp_path, encoding=encoding, epochs=4).models[encoding]

    model = load_model(tmp_path / runs.MODEL_FILES[encoding])
    test = prepare_test(imdb, 11, 7)
    measured = model.evaluate(job.as_input(model, test.ids), test.labels, batch_size=8, verbose=0, return_dict=True)
    assert measured["loss"] == pytest.approx(figures.test_loss, abs=1e-6)
    assert measured["accuracy"] == figures.test_accuracy


def test_the_figures_are_those_of_the_restored_epoch(imdb, tmp_path):
    settings = Settings(**TINY | {"epochs": 12, "patience": 2, "learning_rate": 0.3})
    figures, history = job.train("embedding", settings, prepare(imdb, settings), tmp_path, loudness=0)

    best = int(np.argmin(history["val_loss"]))
    assert figures.best_epoch == best + 1
    assert figures.val_loss == min(history["val_loss"])
    assert figures.val_accuracy == history["val_accuracy"][best]
    assert figures.epochs == len(history["loss"]) == len(figures.epoch_seconds)
    assert figures.stopped_early == (figures.epochs < 12) is True


def test_the_input_is_counted_as_kept_and_as_written_out(imdb, tmp_path):
    one_hot, embedding = run(imdb, tmp_path).models.values()

    assert (one_hot.input_bytes, embedding.input_bytes) == (36 * 7 * 4, 36 * 7 * 4)
    assert (one_hot.input_bytes_dense, embedding.input_bytes_dense) == (36 * 7 * 11 * 4, 36 * 7 * 4)


def test_two_runs_with_one_seed_have_the_same_figures(imdb, tmp_path):
    first, second = (run(imdb, runs.new_folder(tmp_path / name), encoding="onehot").models["onehot"] for name in ("one", "two"))

    assert (first.val_loss, first.test_loss) == (second.val_loss, second.test_loss)


def test_what_a_run_writes_down_reads_back_the_same(imdb, tmp_path):
    written = run(imdb, tmp_path)

    assert asdict(runs.read_record(tmp_path)) == asdict(written)
    contents = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
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
    assert not (tmp_path / "report.html").exists()


def test_an_interruption_before_the_first_epoch_leaves_the_record_alone(imdb, tmp_path, monkeypatch):
    monkeypatch.setattr(job, "build", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))

    with pytest.raises(KeyboardInterrupt):
        run(imdb, tmp_path)

    assert runs.what_is_left(tmp_path) == f"No epoch was finished; {tmp_path} holds run.json alone."
    with pytest.raises(FileNotFoundError, match="before its first epoch"):
        runs.find_models(tmp_path)


# ---------------------------------------------------------------------------------------------------------------------- the folder


def test_runs_that_begin_in_one_second_get_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    folders = [runs.new_folder() for _ in range(3)]

    assert len({str(folder) for folder in folders}) == 3
    assert all(folder.parent.name == "runs" and folder.is_dir() for folder in folders)


def test_a_folder_that_holds_a_run_is_not_written_over_unless_asked(tmp_path):
    runs.write_record(tmp_path, record())
    for name in ("report.html", "notes.txt"):
        (tmp_path / name).touch()

    with pytest.raises(FileExistsError, match="--overwrite"):
        runs.new_folder(tmp_path)
    assert (tmp_path / "report.html").exists()

    runs.new_folder(tmp_path, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(FileExistsError, match="is a file"):
        runs.new_folder(tmp_path / "file")


def leave_models(folder, names, models=None):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / runs.MODEL_FILES[name]).touch()
    if models is not None:
        run_record = record()
        run_record.models = models
        runs.write_record(folder, run_record)
    return folder


@pytest.mark.parametrize("linked", [True, False])
def test_latest_leads_to_the_last_run_with_links_and_without(tmp_path, monkeypatch, linked):
    if not linked:
        monkeypatch.setattr(type(tmp_path), "symlink_to", lambda *_, **__: (_ for _ in ()).throw(OSError("no links here")))
    for name, encoding in (("first", "onehot"), ("second", "embedding")):
        runs.point_latest(leave_models(tmp_path / name, [encoding]))

    (found,) = runs.find_models(tmp_path / "latest")

    assert (tmp_path / "latest").is_symlink() == linked
    assert found.path.name == "best-embedding-model.keras"


def test_a_folder_of_the_users_own_called_latest_is_left_alone(tmp_path):
    (tmp_path / "latest").mkdir()

    runs.point_latest(leave_models(tmp_path / "first", ["onehot"]))

    assert (tmp_path / "latest").is_dir()
    assert not (tmp_path / "latest").is_symlink()


@pytest.mark.parametrize("better", ["onehot", "embedding"])
def test_the_model_with_the_lower_val_loss_comes_first(tmp_path, better):
    models = {name: outcome(name, val_loss=0.5 if name == better else 0.6) for name in HISTORIES}
    leave_models(tmp_path, ["onehot", "embedding"], models)

    assert runs.find_models(tmp_path)[0].path.name == runs.MODEL_FILES[better]


def test_a_model_whose_training_was_interrupted_comes_after_one_with_figures(tmp_path):
    leave_models(tmp_path, ["onehot", "embedding"], {"embedding": outcome("embedding", val_loss=0.69)})

    assert [model.path.name for model in runs.find_models(tmp_path)] == ["best-embedding-model.keras", "best-simplernn-model.keras"]


def test_a_model_file_brings_the_record_beside_it(tmp_path):
    leave_models(tmp_path, ["onehot"], {})

    (found,) = runs.find_models(tmp_path / "best-simplernn-model.keras")

    assert found.record.data["kind"] == "imdb"


@pytest.mark.parametrize("contents", ["", "[]", '{"settings": {}}', '{"settings": {"epoch": 3}, "models": {}}', "[" * 100_000])
def test_a_damaged_record_is_an_error_that_names_it(tmp_path, contents):
    leave_models(tmp_path, ["onehot"])
    (tmp_path / "run.json").write_text(contents, encoding="utf-8")

    with pytest.raises(ValueError, match=r"run\.json: not the record of a run"):
        runs.find_models(tmp_path)


@pytest.mark.parametrize(("name", "says"), [("gone", "no such run folder"), ("", "not a run folder")])
def test_a_place_without_models_is_an_error(tmp_path, name, says):
    with pytest.raises(FileNotFoundError, match=says):
        runs.find_models(tmp_path / name)


# ----------------------------------------------------------------------------------------------------------------------- Ctrl-C


def test_ctrl_c_comes_at_once_outside_the_compiler():
    with pytest.raises(KeyboardInterrupt), Interrupter():
        os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_inside_the_compiler_waits_for_the_end_of_the_batch(capsys):
    inside = {"__name__": "numba.core.compiler", "os": os, "signal": signal}
    exec("def compile_kernel():\n    os.kill(os.getpid(), signal.SIGINT)\n    return 'compiled'", inside)

    with Interrupter() as interrupter:
        assert not interrupter.wants_batch()
        assert inside["compile_kernel"]() == "compiled"
        assert interrupter.wants_batch()
        with pytest.raises(KeyboardInterrupt):
            interrupter.on_train_batch_end(0)
        interrupter.on_epoch_end(0)  # passed on once, not twice

    assert "as soon as the kernels are compiled" in capsys.readouterr().err


def test_a_second_ctrl_c_does_not_wait():
    inside = {"__name__": "llvmlite.binding", "os": os, "signal": signal}
    exec("def compile_kernel():\n    os.kill(os.getpid(), signal.SIGINT)\n    os.kill(os.getpid(), signal.SIGINT)", inside)

    with pytest.raises(KeyboardInterrupt), Interrupter():
        inside["compile_kernel"]()


def test_the_handler_that_was_there_is_put_back():
    before = signal.getsignal(signal.SIGINT)

    with Interrupter():
        assert signal.getsignal(signal.SIGINT) is not before

    assert signal.getsignal(signal.SIGINT) is before
