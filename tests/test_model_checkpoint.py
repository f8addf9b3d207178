"""ModelCheckpoint: what is saved when and where, the cases of Keras's own test, and paths that cannot be written."""

from math import nan

import pytest
from scripted_model import ScriptedModel, run

from minirnn.callbacks import ModelCheckpoint


def files(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def losses(*values):
    return [{"loss": value, "val_loss": value} for value in values]


def test_saves_every_epoch_over_one_file_and_makes_its_folder(tmp_path):
    run(ModelCheckpoint(tmp_path / "new" / "deeper" / "model.keras"), ScriptedModel(), losses(0.3, 0.2, 0.4))

    assert files(tmp_path) == {"new/deeper/model.keras": "model 2"}


def test_formats_the_path_with_epoch_and_logs(tmp_path):
    run(ModelCheckpoint(f"{tmp_path}/{{epoch:02d}}-{{val_loss:.2f}}.keras"), ScriptedModel(), losses(0.3, 0.254))

    assert files(tmp_path) == {"01-0.30.keras": "model 0", "02-0.25.keras": "model 1"}


def test_formats_folders_too(tmp_path):
    run(ModelCheckpoint(f"{tmp_path}/epoch-{{epoch}}/model.keras"), ScriptedModel(), losses(0.3, 0.2))

    assert set(files(tmp_path)) == {"epoch-1/model.keras", "epoch-2/model.keras"}


def test_weights_only(tmp_path):
    run(ModelCheckpoint(tmp_path / "best.weights.h5", save_weights_only=True), ScriptedModel(), losses(0.3, 0.2))

    assert files(tmp_path) == {"best.weights.h5": "weights 1"}


def test_save_best_only_keeps_the_first_of_equal_values(tmp_path):
    checkpoint = ModelCheckpoint(tmp_path / "best.keras", save_best_only=True)

    run(checkpoint, ScriptedModel(), losses(0.3, 0.2, 0.2, 0.25))

    assert files(tmp_path) == {"best.keras": "model 1"}
    assert checkpoint.best == 0.2


def test_save_best_only_of_a_metric_that_should_rise(tmp_path):
    checkpoint = ModelCheckpoint(tmp_path / "best.keras", monitor="val_accuracy", save_best_only=True)

    run(checkpoint, ScriptedModel(accuracy="up"), [{"val_accuracy": value} for value in (0.5, 0.8, 0.6)])

    assert files(tmp_path) == {"best.keras": "model 1"}


def test_mode_overrides_the_direction(tmp_path):
    run(ModelCheckpoint(tmp_path / "worst.keras", mode="max", save_best_only=True), ScriptedModel(), losses(0.3, 0.5, 0.4))

    assert files(tmp_path) == {"worst.keras": "model 1"}


def test_best_is_kept_from_one_fit_to_the_next(tmp_path):
    checkpoint = ModelCheckpoint(tmp_path / "best.keras", save_best_only=True)
    run(checkpoint, ScriptedModel(), losses(0.3, 0.2))

    run(checkpoint, ScriptedModel(), losses(0.9, 0.8, 0.25))

    assert files(tmp_path) == {"best.keras": "model 1"}


@pytest.mark.parametrize(("threshold", "saved"), [(0.25, {"best.keras": "model 1"}), (0.1, {}), (0, {})])
def test_initial_value_threshold_must_be_beaten(tmp_path, threshold, saved):
    run(
        ModelCheckpoint(tmp_path / "best.keras", save_best_only=True, initial_value_threshold=threshold),
        ScriptedModel(),
        losses(0.3, 0.2),
    )

    assert files(tmp_path) == saved


def test_a_nan_is_never_the_best(tmp_path):
    run(ModelCheckpoint(tmp_path / "best.keras", save_best_only=True), ScriptedModel(), losses(nan, 0.3, nan))

    assert files(tmp_path) == {"best.keras": "model 1"}


def test_missing_monitor_warns_and_saves_anyway(tmp_path):
    checkpoint = ModelCheckpoint(tmp_path / "best.keras", monitor="unknown", save_best_only=True, mode="min")

    with pytest.warns(UserWarning, match="Can save best model only with unknown available. Available are: loss,val_loss"):
        run(checkpoint, ScriptedModel(), losses(0.3))

    assert files(tmp_path) == {"best.keras": "model 0"}


def test_array_under_monitor_warns_and_saves_anyway(tmp_path):
    with pytest.warns(UserWarning, match="only when val_loss is a scalar value"):
        run(ModelCheckpoint(tmp_path / "best.keras", save_best_only=True), ScriptedModel(), [{"val_loss": [0.3, 0.4]}])

    assert files(tmp_path) == {"best.keras": "model 0"}


def test_unknown_monitor_is_no_error_where_it_is_not_needed(tmp_path):
    run(ModelCheckpoint(tmp_path / "model.keras", monitor="unknown"), ScriptedModel(), losses(0.3, 0.2))

    assert files(tmp_path) == {"model.keras": "model 1"}


def test_whole_number_save_freq_counts_batches_across_epochs(tmp_path):
    checkpoint = ModelCheckpoint(f"{tmp_path}/{{epoch}}-{{batch}}.keras", save_freq=2)

    run(checkpoint, ScriptedModel(), losses(0.3, 0.2), batches=3)

    assert set(files(tmp_path)) == {"1-2.keras", "2-1.keras", "2-3.keras"}


@pytest.mark.parametrize("weights_only", [False, True])
def test_save_freq_of_three_epochs_as_in_keras_own_test(tmp_path, weights_only):
    ending = ".weights.h5" if weights_only else ".keras"
    checkpoint = ModelCheckpoint(f"{tmp_path}/{{epoch:02d}}{ending}", save_freq=15, save_weights_only=weights_only)

    run(checkpoint, ScriptedModel(), losses(*range(10)), batches=5)

    assert set(files(tmp_path)) == {f"03{ending}", f"06{ending}", f"09{ending}"}


def test_whole_number_save_freq_with_save_best_only(tmp_path):
    checkpoint = ModelCheckpoint(f"{tmp_path}/{{epoch}}-{{batch}}.keras", monitor="loss", save_freq=1, save_best_only=True)

    run(checkpoint, ScriptedModel(), losses(0.3, 0.4, 0.2), batches=2)

    assert set(files(tmp_path)) == {"1-1.keras", "3-1.keras"}


@pytest.mark.parametrize(("save_freq", "wanted"), [("epoch", False), (4, True)])
def test_batches_are_wanted_only_when_they_count(tmp_path, save_freq, wanted):
    assert ModelCheckpoint(tmp_path / "model.keras", save_freq=save_freq).wants_batch() is wanted


def test_verbose_texts_of_save_best_only(tmp_path, capsys):
    path = tmp_path / "best.keras"

    run(ModelCheckpoint(path, save_best_only=True, verbose=1), ScriptedModel(), losses(0.84152, 0.9))

    assert capsys.readouterr().out == (
        f"\nEpoch 1: val_loss improved from None to 0.84152, saving model to {path}\n"
        f"\nEpoch 1: finished saving model to {path}\n"
        "\nEpoch 2: val_loss did not improve from 0.84152\n"
    )


def test_verbose_texts_of_every_epoch(tmp_path, capsys):
    path = tmp_path / "model.keras"

    run(ModelCheckpoint(path, verbose=1), ScriptedModel(), losses(0.5))

    assert capsys.readouterr().out == f"\nEpoch 1: saving model to {path}\n\nEpoch 1: finished saving model to {path}\n"


def test_unknown_name_in_the_path_is_an_error_that_says_what_is_known(tmp_path):
    checkpoint = ModelCheckpoint(f"{tmp_path}/{{epoch}}-{{val_f1}}.keras")

    with pytest.raises(KeyError, match=r"Failed to format this callback filepath: .*Reason: .*val_f1.*Known here: epoch, loss, val_loss"):
        run(checkpoint, ScriptedModel(), losses(0.5))


def test_batch_is_not_known_at_the_end_of_an_epoch(tmp_path):
    with pytest.raises(KeyError, match=r"Reason: .*batch.*Known here: epoch, loss, val_loss"):
        run(ModelCheckpoint(f"{tmp_path}/{{batch}}.keras"), ScriptedModel(), losses(0.5))


@pytest.mark.parametrize("name", ["{epoch.keras", "{}.keras", "{0}.keras", "epoch}.keras"])
def test_path_that_cannot_be_formatted_is_refused_at_once(tmp_path, name):
    with pytest.raises(ValueError, match=r"ModelCheckpoint: filepath .* cannot be formatted"):
        ModelCheckpoint(tmp_path / name)


@pytest.mark.parametrize("save_freq", ["batch", 0, -3, 2.5, None, True])
def test_wrong_save_freq_is_refused(tmp_path, save_freq):
    with pytest.raises(ValueError, match="Unrecognized save_freq"):
        ModelCheckpoint(tmp_path / "model.keras", save_freq=save_freq)


@pytest.mark.parametrize(
    ("name", "weights_only", "message"),
    [
        ("model.h5", False, r"must end in '.keras'"),
        ("model", False, r"must end in '.keras'"),
        ("model.keras", True, r"must end in '.weights.h5'"),
        ("model.h5", True, r"must end in '.weights.h5'"),
    ],
)
def test_wrong_ending_is_refused(tmp_path, name, weights_only, message):
    with pytest.raises(ValueError, match=message):
        ModelCheckpoint(tmp_path / name, save_weights_only=weights_only)


def test_path_that_is_no_path_is_refused():
    with pytest.raises(TypeError, match=r"filepath must be a string or a pathlib.Path, received 7 of type int"):
        ModelCheckpoint(7)


def test_nan_threshold_is_refused(tmp_path):
    with pytest.raises(ValueError, match="initial_value_threshold must be a number, received NaN"):
        ModelCheckpoint(tmp_path / "model.keras", initial_value_threshold=nan)


def test_folder_in_place_of_the_file_is_refused_at_once(tmp_path):
    (tmp_path / "model.keras").mkdir()

    with pytest.raises(IsADirectoryError, match="Please specify a non-directory path"):
        ModelCheckpoint(tmp_path / "model.keras")


def test_folder_in_place_of_a_formatted_file_is_refused_when_it_is_met(tmp_path):
    (tmp_path / "2.keras").mkdir()

    with pytest.raises(IsADirectoryError, match="Please specify a non-directory path"):
        run(ModelCheckpoint(f"{tmp_path}/{{epoch}}.keras"), ScriptedModel(), losses(0.3, 0.2))

    assert files(tmp_path) == {"1.keras": "model 0"}


def test_path_through_a_file_is_refused_at_once(tmp_path):
    (tmp_path / "note").write_text("not a folder")

    with pytest.raises(NotADirectoryError, match="ModelCheckpoint: cannot write below"):
        ModelCheckpoint(tmp_path / "note" / "new" / "model.keras")


def test_folder_without_permission_is_refused_at_once(tmp_path, monkeypatch):
    def refuse(dir):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("minirnn.callbacks.paths.tempfile.TemporaryFile", refuse)  # the super-user may write anywhere

    with pytest.raises(PermissionError, match="ModelCheckpoint: cannot write below"):
        ModelCheckpoint(tmp_path / "model.keras")


def test_construction_leaves_nothing_behind(tmp_path):
    ModelCheckpoint(tmp_path / "new" / "model.keras")

    assert list(tmp_path.iterdir()) == []
