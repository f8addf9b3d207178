"""The folder of a run: never written over unasked, found again through ``latest``, and read with care."""

import pytest
from small_run import HISTORIES, outcome, record

from minirnn import runs


def test_runs_that_begin_in_one_second_get_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    folders = [runs.new_folder() for _ in range(3)]

    assert len({str(folder) for folder in folders}) == 3
    assert all(folder.parent.name == "runs" and folder.is_dir() for folder in folders)


def test_a_folder_that_holds_a_run_is_not_written_over_unless_asked(tmp_path):
    runs.write_record(tmp_path, record())
    for name in ("report.html", "notes.txt", "inspector-onehot.npz", "inspector-embedding.npz", "reach.png", "words.png"):
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
