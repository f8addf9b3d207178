"""EarlyStopping: the tables measured on Keras, every argument, and what minirnn does differently on NaN."""

import warnings
from math import inf, nan

import pytest
from scripted_model import ScriptedModel, run

from minirnn.callbacks import EarlyStopping, MonitorCallback


def stop(losses, **arguments):
    model = ScriptedModel()
    stopper = EarlyStopping(**{"restore_best_weights": True, **arguments})
    ran = run(stopper, model, [{"val_loss": loss} for loss in losses])
    return stopper, model, ran


@pytest.mark.parametrize(
    ("patience", "stopped", "restored"),
    [(-3, 2, 1), (0, 2, 1), (1, 2, 1), (2, 5, 3), (3, 6, 3), (9, 0, 7)],
)
def test_patience_as_measured_on_keras(patience, stopped, restored):
    stopper, model, _ = stop([1, 0.8, 0.9, 0.7, 0.75, 0.72, 0.71, 0.69, 0.8], patience=patience)

    assert (stopper.stopped_epoch, stopper.best_epoch, model.epoch) == (stopped, restored, restored)


@pytest.mark.parametrize("patience", [0, 1, 2, 3])
def test_patience_as_in_keras_own_test(patience):
    stopper, _, _ = stop([10.0, 9.0, 8.0, 9.0, 8.9, 8.8, 8.7, 8.6, 8.5], patience=patience)

    assert stopper.stopped_epoch == max(patience, 1) + 2


@pytest.mark.parametrize(
    ("losses", "patience", "ran", "restored"),
    [
        ([1, 0.9, 0.8, 0.7, 0.6, 0.65], 2, 6, 4),  # improving epochs never stop, though wait has long reached patience
        ([1, 1.1], 2, 2, 0),
        ([0.9, 0.8, 0.7, 0.71, 0.72, 0.73], 5, 5, 2),
        ([0.9, 0.4, 0.45, 0.46, 0.47], 3, 5, 1),  # the baseline is beaten at epoch 1, and the wait starts again
    ],
)
def test_baseline(losses, patience, ran, restored):
    stopper, model, epochs = stop([*losses, *losses], patience=patience, baseline=0.5)

    assert epochs == ran
    assert stopper.stopped_epoch == ran - 1
    assert model.epoch == restored


def test_wait_grows_while_the_baseline_is_not_met():
    stopper, _, _ = stop([1, 0.9, 0.8, 0.7, 0.6, 0.65], patience=2, baseline=0.5)

    assert stopper.wait == 6


def test_start_from_epoch_ignores_earlier_values():
    stopper, model, _ = stop([0.1, 0.2, 0.9, 0.95, 0.99], patience=2, start_from_epoch=2)

    assert (stopper.best, stopper.best_epoch, stopper.stopped_epoch, model.epoch) == (0.9, 2, 4, 2)


def test_equal_values_are_no_improvement():
    stopper, _, ran = stop([0.5, 0.5, 0.5, 0.5], patience=2)

    assert (stopper.best_epoch, ran) == (0, 3)


@pytest.mark.parametrize("min_delta", [0.25, -0.25])
def test_min_delta_must_be_exceeded_whatever_its_sign(min_delta):
    stopper, _, ran = stop([1.0, 0.75, 0.7, 0.5], patience=2, min_delta=min_delta)

    assert (stopper.best, stopper.best_epoch) == (0.7, 2)
    assert ran == 4


def test_best_weights_are_restored_when_training_ends_by_itself():
    stopper, model, ran = stop([0.2, 0.15, 0.1, 0.11], patience=9)

    assert (ran, stopper.stopped_epoch, model.epoch) == (4, 0, 2)


def test_best_weights_are_restored_when_another_callback_stops():
    model = ScriptedModel()
    stopper = EarlyStopping(patience=5, baseline=0.5, restore_best_weights=True)

    def stop_at_three(epoch):
        model.stop_training = model.stop_training or epoch == 3

    ran = run(stopper, model, [{"val_loss": loss} for loss in (0.9, 0.8, 0.7, 0.71, 0.72, 0.73)], on_epoch=stop_at_three)

    assert (ran, stopper.stopped_epoch, model.epoch) == (4, 0, 2)


def test_weights_stay_without_restore_best_weights():
    stopper, model, ran = stop([0.2, 0.1, 0.3, 0.4], patience=2, restore_best_weights=False)

    assert stopper.best_weights is None
    assert model.epoch == ran - 1 == 3


def test_kept_weights_do_not_follow_the_model():
    stopper, _, _ = stop([0.2, 0.1, 0.3, 0.4], patience=2)

    assert stopper.best_weights[0][0] == 1


def test_a_nan_that_comes_first_is_never_the_best():
    stopper, model, ran = stop([nan, 0.5, 0.4, 0.45], patience=2)

    assert (stopper.best, stopper.best_epoch, ran, model.epoch) == (0.4, 2, 4, 2)


def test_a_nan_is_no_improvement():
    stopper, model, ran = stop([0.5, nan, nan, 0.1], patience=2)

    assert (stopper.best, ran, model.epoch) == (0.5, 3, 0)


def test_nothing_but_nan_stops_and_keeps_the_weights(capsys):
    stopper, model, ran = stop([nan, nan, nan, nan], patience=2, verbose=1)

    assert (stopper.best, stopper.best_weights, ran, model.epoch) == (None, None, 2, 1)
    assert "No epoch had a val_loss to compare" in capsys.readouterr().out


def test_infinity_can_be_improved_on():
    stopper, _, _ = stop([inf, 3.0, inf], patience=2)

    assert (stopper.best, stopper.best_epoch) == (3.0, 1)


def test_the_first_epoch_never_stops():
    stopper, _, ran = stop([nan, 0.5, 0.6], patience=0)

    assert (stopper.stopped_epoch, ran) == (2, 3)


def test_a_second_training_starts_afresh():
    stopper = EarlyStopping(patience=2, restore_best_weights=True)
    run(stopper, ScriptedModel(), [{"val_loss": loss} for loss in (0.1, 0.2, 0.3)])

    model = ScriptedModel()
    ran = run(stopper, model, [{"val_loss": loss} for loss in (0.9, 0.8, 0.85, 0.7, 0.75)])

    assert (ran, stopper.best, stopper.stopped_epoch, model.epoch) == (5, 0.7, 0, 3)


def test_verbose_says_what_was_stopped_and_restored(capsys):
    stop([1, 0.8, 0.9, 0.95], patience=2, verbose=1)

    assert capsys.readouterr().out == ("Epoch 4: early stopping\nRestoring model weights from the end of the best epoch: 2.\n")


def test_verbose_0_says_nothing(capsys):
    stop([1, 0.8, 0.9, 0.95], patience=2)

    assert capsys.readouterr().out == ""


def test_a_missing_monitor_warns_and_names_what_there_is():
    stopper = EarlyStopping(monitor="val_loss")
    stopper.set_model(ScriptedModel())
    stopper.on_train_begin()

    with pytest.warns(UserWarning, match=r"conditioned on metric `val_loss` which is not available. Available metrics are: accuracy,loss$"):
        stopper.on_epoch_end(0, {"accuracy": 0.5, "loss": 0.7})

    assert stopper.wait == 0


@pytest.mark.parametrize(
    ("mode", "monitor", "larger_is_better"),
    [
        ("max", "val_mse", True),
        ("min", "val_loss", False),
        ("auto", "val_mse", False),
        ("auto", "loss", False),
        ("auto", "acc", True),
        ("auto", "val_accuracy", True),
        ("auto", "hinge", False),
        ("auto", "f1_score", True),
        ("min", "accuracy", False),
    ],
)
def test_direction_table(mode, monitor, larger_is_better):
    model = ScriptedModel(mse="down", acc="up", accuracy="up", hinge="down", f1_score="up")
    stopper = EarlyStopping(monitor=monitor, mode=mode, patience=3)

    run(stopper, model, [{monitor: value} for value in (0.5, 0.7, 0.3, 0.6)])

    assert stopper.best == (0.7 if larger_is_better else 0.3)


def test_direction_that_cannot_be_told_is_an_error_that_names_the_metrics():
    stopper = EarlyStopping(monitor="val_unknown")
    stopper.set_model(ScriptedModel(accuracy="up"))
    stopper.on_train_begin()

    with pytest.raises(ValueError, match=r"monitor='val_unknown' .*\(accuracy\).*Pass mode='max' or mode='min'"):
        stopper.on_epoch_end(0, {"val_unknown": 1.0})


def test_unknown_mode_warns_at_the_line_that_wrote_it_and_means_auto():
    with pytest.warns(UserWarning, match="EarlyStopping mode 'lowest' is unknown, fallback to auto mode") as caught:
        stopper = EarlyStopping(mode="lowest")

    assert stopper.mode == "auto"
    assert caught[0].filename == __file__


def test_min_delta_as_in_keras_own_monitor_test():
    monitor = MonitorCallback(mode="max", min_delta=0.5)

    assert monitor._is_improvement(0.75, 0)
    assert monitor._is_improvement(0.5, None)
    assert not monitor._is_improvement(0.5, 0)
    assert not monitor._is_improvement(0.2, 0.5)


def test_values_too_large_for_float32_are_compared_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stopper, _, _ = stop([1e300, 2.0, 1e300], patience=2)

    assert stopper.best == 2.0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"patience": "3"}, TypeError, "EarlyStopping: patience must be a number, received '3' of type str"),
        ({"min_delta": None}, TypeError, "min_delta must be a number, received None"),
        ({"min_delta": nan}, ValueError, "min_delta must be a number, received NaN"),
        ({"baseline": nan}, ValueError, "baseline must be a number, received NaN"),
        ({"start_from_epoch": True}, TypeError, "start_from_epoch must be a number, received True"),
        ({"monitor": 7}, TypeError, "monitor must be the name of a quantity in the logs, received 7"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        EarlyStopping(**arguments)
