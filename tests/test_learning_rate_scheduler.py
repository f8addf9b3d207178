"""LearningRateScheduler: what the function is given, what it may return, what is said and written down, and inside fit."""

import numpy as np
import pytest
from scripted_model import ScriptedModel, run
from training_cases import draw_examples, sentiment_model

from minirnn.callbacks import LambdaCallback, LearningRateScheduler
from minirnn.optimizers import RMSprop, schedules


def drive(schedule, epochs=3, learning_rate=0.5, verbose=0):
    """The learning rate in each epoch."""
    model, during = ScriptedModel(RMSprop(learning_rate)), []
    run(
        LearningRateScheduler(schedule, verbose),
        model,
        [{"loss": 0.5}] * epochs,
        on_epoch=lambda _: during.append(model.optimizer.learning_rate),
    )
    return during


class OfTheEpoch:
    def __call__(self, epoch):
        return 1.0 / (2.0 + epoch)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (lambda epoch, rate: rate / 2, [0.25, 0.125, 0.0625]),
        (lambda epoch: 1.0 / (2.0 + epoch), [1 / 2, 1 / 3, 1 / 4]),
        (OfTheEpoch(), [1 / 2, 1 / 3, 1 / 4]),
        (schedules.InverseTimeDecay(0.5, 1, 1.0), [1 / 2, 1 / 4, 1 / 6]),
        (lambda epoch, rate=2.0: rate, [0.5, 0.5, 0.5]),
        (lambda *given: float(len(given)), [2.0, 2.0, 2.0]),
        (lambda epoch, rate: np.float32(0.125), [0.125, 0.125, 0.125]),
        (lambda epoch, rate: np.float64(epoch), [0.0, 1.0, 2.0]),
    ],
)
def test_what_the_function_returns_is_set(schedule, expected):
    assert drive(schedule) == expected


def test_a_function_without_a_signature_is_given_both(monkeypatch):
    monkeypatch.setattr("inspect.signature", lambda _: (_ for _ in ()).throw(ValueError("no signature found")))

    assert drive(lambda epoch, rate: rate / 2) == [0.25, 0.125, 0.0625]


def test_the_function_is_given_the_rate_as_keras_keeps_it():
    seen = []
    drive(lambda epoch, rate: seen.append((epoch, rate)) or rate * 0.5, epochs=2, learning_rate=0.1)

    assert seen == [(0, 0.10000000149011612), (1, 0.05000000074505806)]
    assert type(seen[0][1]) is float


def test_a_type_error_inside_the_function_comes_through():
    with pytest.raises(TypeError, match="unsupported operand"):
        drive(lambda epoch, rate: rate + "a")


@pytest.mark.parametrize("wrong", [1, None, "0.1", np.array([0.5]), True, np.int64(1)])
def test_only_a_float_may_be_returned(wrong):
    with pytest.raises(ValueError, match=r"output of the schedule function should be a float, received .* for epoch 0"):
        drive(lambda epoch, rate: wrong)


def test_a_rate_that_is_none_is_refused():
    for wrong in (-0.5, np.nan, np.inf):
        with pytest.raises(ValueError, match="learning_rate must be 0 or more"):
            drive(lambda epoch, rate, wrong=wrong: wrong)


@pytest.mark.parametrize("schedule", [0.5, None, [0.5, 0.25]])
def test_what_cannot_be_called_is_refused(schedule):
    with pytest.raises(TypeError, match="LearningRateScheduler: schedule must be a function"):
        LearningRateScheduler(schedule)


def test_what_it_says(capsys):
    drive(lambda epoch, rate: rate * 0.5, epochs=2, learning_rate=0.01, verbose=1)
    assert capsys.readouterr().out == (
        "\nEpoch 1: LearningRateScheduler setting learning rate to 0.004999999888241291.\n"
        "\nEpoch 2: LearningRateScheduler setting learning rate to 0.0024999999441206455.\n"
    )
    drive(lambda epoch, rate: rate)
    assert capsys.readouterr().out == ""


def test_a_schedule_of_the_optimizer_is_refused_before_the_first_epoch():
    model = sentiment_model()
    model.compile(RMSprop(schedules.CosineDecay(0.5, 10)), "binary_crossentropy")

    with pytest.raises(TypeError, match="LearningRateScheduler: the optimizer's learning_rate comes from a schedule"):
        model.fit(*draw_examples(), verbose=0, callbacks=[LearningRateScheduler(lambda epoch, rate: rate)])

    assert model.optimizer.iterations == 0


def test_in_fit_the_rate_holds_from_the_epoch_s_first_batch_and_is_in_the_history():
    model, during = sentiment_model(0.5), []
    spy = LambdaCallback(on_train_batch_begin=lambda *_, **__: during.append(model.optimizer.learning_rate))
    # set again before the epoch ends: the history has what the epoch ended with
    late = LambdaCallback(on_train_batch_end=lambda *_, **__: setattr(model.optimizer, "learning_rate", 2.0**-9))

    history = model.fit(
        *draw_examples(),
        batch_size=23,
        epochs=3,
        verbose=0,
        callbacks=[LearningRateScheduler(lambda epoch: 2.0 ** -(4 + epoch)), spy, late],
    )

    assert during == [2.0**-4, 2.0**-5, 2.0**-6]
    assert history.history["learning_rate"] == [2.0**-9] * 3


def test_in_fit_the_weights_move_by_the_rate_that_is_set():
    model, before = sentiment_model(2.0**-5), sentiment_model().get_weights()

    model.fit(*draw_examples(), verbose=0, callbacks=[LearningRateScheduler(lambda epoch: 0.0)])
    np.testing.assert_equal(model.get_weights(), before)
    model.fit(*draw_examples(), verbose=0, callbacks=[LearningRateScheduler(lambda epoch: 2.0**-5)])

    assert (model.get_weights()[1] != before[1]).all()
