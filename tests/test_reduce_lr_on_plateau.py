"""ReduceLROnPlateau: as measured on Keras, every argument, what it says and writes down, and inside fit."""

from math import nan

import numpy as np
import pytest
from scripted_model import ScriptedModel, run
from training_cases import draw_examples, sentiment_model

from minirnn.callbacks import EarlyStopping, MonitorCallback, ReduceLROnPlateau
from minirnn.optimizers import RMSprop, schedules


def rates(losses, learning_rate=0.5, name="val_loss", reducer=None, **arguments):
    """The learning rate after each epoch."""
    reducer, model, after = reducer or ReduceLROnPlateau(**{"factor": 0.5, **arguments}), ScriptedModel(RMSprop(learning_rate)), []
    run(reducer, model, [{name: loss} for loss in losses], on_epoch=lambda _: after.append(model.optimizer.learning_rate))
    return after


FALLING, FLAT = [0.9, 0.8, 0.7, 0.6], [0.9] * 7


@pytest.mark.parametrize(
    ("losses", "arguments", "expected"),
    [
        (FALLING, {"patience": 1}, [0.5] * 4),
        (FLAT, {"patience": 2}, [0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.0625]),
        (FLAT, {"patience": 0}, [0.5 / 2**epoch for epoch in range(7)]),
        (FLAT, {"patience": 1}, [0.5 / 2**epoch for epoch in range(7)]),
        (FLAT, {}, [0.5] * 7),  # the default patience is 10
        (FLAT, {"patience": 1, "cooldown": 2}, [0.5, 0.25, 0.25, 0.125, 0.125, 0.0625, 0.0625]),
        (FLAT, {"patience": 2, "cooldown": 2}, [0.5, 0.5, 0.25, 0.25, 0.25, 0.125, 0.125]),
        (FLAT, {"patience": 1, "min_lr": 0.125}, [0.5, 0.25, 0.125, 0.125, 0.125, 0.125, 0.125]),
        (FLAT, {"patience": 1, "min_lr": 0.2}, [0.5, 0.25, 0.2, 0.2, 0.2, 0.2, 0.2]),
        (FLAT[:3], {"patience": 1, "factor": 0}, [0.5, 0.0, 0.0]),
        (FALLING, {"patience": 1, "min_delta": 0.15}, [0.5, 0.25, 0.25, 0.125]),
        (FALLING, {"patience": 1, "min_delta": -0.15}, [0.5, 0.25, 0.25, 0.125]),
        (FALLING, {"patience": 1, "mode": "max"}, [0.5, 0.25, 0.125, 0.0625]),
        ([0.9, nan, 0.8, nan, nan], {"patience": 2}, [0.5, 0.5, 0.5, 0.5, 0.25]),
        ([nan, 0.9, 0.8], {"patience": 2}, [0.5, 0.5, 0.5]),  # in Keras, the NaN would be the best for ever
    ],
)
def test_when_the_rate_falls(losses, arguments, expected):
    assert rates(losses, **arguments) == expected


def test_an_improvement_during_cooldown_is_noticed_and_ends_nothing():
    assert rates([0.9, 0.9, 0.5, 0.6, 0.6], patience=1, cooldown=3) == [0.5, 0.25, 0.25, 0.25, 0.125]


def test_the_rate_is_written_down_as_it_was_in_the_epoch_and_as_keras_keeps_it():
    reducer, seen = ReduceLROnPlateau(patience=1, factor=0.5), []
    model = ScriptedModel(RMSprop(0.1))
    reducer.set_model(model)
    reducer.on_train_begin()
    for epoch in range(3):
        logs = {"val_loss": 0.9}
        reducer.on_epoch_end(epoch, logs)
        seen.append(logs["learning_rate"])

    assert seen == [0.10000000149011612, 0.10000000149011612, 0.05000000074505806]
    assert type(seen[0]) is float


def test_one_instance_serves_several_trainings():
    reducer = ReduceLROnPlateau(patience=2, factor=0.5, cooldown=5)
    rates([0.1] * 4, reducer=reducer)
    assert reducer.in_cooldown()

    assert rates([0.9] * 3, reducer=reducer) == [0.5, 0.5, 0.25]
    assert (reducer.best, reducer.wait, reducer.cooldown_counter) == (0.9, 0, 5)


def test_auto_asks_the_model_s_metric_for_its_direction():
    reducer, model = ReduceLROnPlateau("val_accuracy", factor=0.5, patience=1), ScriptedModel(RMSprop(0.5), accuracy="up")

    run(reducer, model, [{"val_accuracy": value} for value in (0.7, 0.8, 0.75)])

    assert model.optimizer.learning_rate == 0.25
    assert isinstance(reducer, MonitorCallback)
    with pytest.raises(ValueError, match="ReduceLROnPlateau: monitor='val_f1' is neither a loss nor one of the model's metrics"):
        run(ReduceLROnPlateau("val_f1"), model, [{"val_f1": 0.5}])


def test_a_missing_quantity_is_warned_of_and_nothing_is_done():
    with pytest.warns(UserWarning, match=r"conditioned on metric `val_loss` which is not available. Available metrics are: loss,learning"):
        assert rates([0.9], name="loss", patience=0) == [0.5]


def test_what_it_says(capsys):
    rates([0.9] * 4, learning_rate=0.1, patience=2, factor=0.1, verbose=1)
    assert capsys.readouterr().out == "\nEpoch 3: ReduceLROnPlateau reducing learning rate to 0.010000000149011612.\n"
    rates([0.9] * 4, patience=1)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"factor": 1.0}, ValueError, "ReduceLROnPlateau: factor must be from 0 to below 1, received 1.0"),
        ({"factor": -0.5}, ValueError, "factor must be from 0 to below 1, received -0.5"),
        ({"factor": "0.5"}, TypeError, "factor must be a number"),
        ({"patience": None}, TypeError, "patience must be a number"),
        ({"cooldown": "1"}, TypeError, "cooldown must be a number"),
        ({"min_lr": nan}, ValueError, "min_lr must be a number, received NaN"),
        ({"epsilon": 0.1}, TypeError, "unexpected keyword argument 'epsilon'"),
        ({"monitor": 1}, TypeError, "ReduceLROnPlateau: monitor must be the name"),
    ],
)
def test_arguments_that_make_no_sense_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        ReduceLROnPlateau(**arguments)


def test_a_schedule_is_refused_before_the_first_epoch():
    model, before = sentiment_model(), sentiment_model().get_weights()
    model.compile(RMSprop(schedules.CosineDecay(0.5, 10)), "binary_crossentropy")

    with pytest.raises(TypeError, match=r"ReduceLROnPlateau: the optimizer's learning_rate comes from a schedule.*leave this callback out"):
        model.fit(*draw_examples(), verbose=0, callbacks=[ReduceLROnPlateau()])

    np.testing.assert_equal(model.get_weights(), before)


def test_in_fit_later_callbacks_and_the_history_see_the_rate():
    x, y = draw_examples()
    model = sentiment_model(2.0**-6)
    stopper = EarlyStopping("learning_rate", mode="max", patience=2)

    history = model.fit(x, y, epochs=9, verbose=0, callbacks=[ReduceLROnPlateau("loss", 0.25, 1, min_delta=9.0), stopper])

    # the last reduction comes after the epoch that is written down last
    assert history.history["learning_rate"] == [2.0**-6, 2.0**-6, 2.0**-8]
    assert model.optimizer.learning_rate == 2.0**-10
