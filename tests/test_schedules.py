"""Learning rate schedules: their formulas, their errors, and RMSprop driven by them."""

import json
import math
import warnings
import zipfile

import numpy as np
import pytest
from faults import planted
from flat_weights import Weights
from hypothesis import given
from hypothesis import strategies as st
from training_cases import draw_examples, sentiment_model

import minirnn
from minirnn import saving
from minirnn.jit import DEFAULT_BACKEND
from minirnn.optimizers import BACKENDS, RMSprop, schedules
from minirnn.optimizers.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    LearningRateSchedule,
    PiecewiseConstantDecay,
    PolynomialDecay,
)

ALL = [
    ExponentialDecay(0.5, 10, 0.25, staircase=True, name="stairs"),
    InverseTimeDecay(0.5, 10, 0.25),
    PolynomialDecay(0.5, 10, 0.125, power=2.0, cycle=True),
    PiecewiseConstantDecay([3, 8], [0.5, 0.25, 0.125]),
    CosineDecay(0.125, 10, alpha=0.25, warmup_target=0.5, warmup_steps=4),
    CosineDecayRestarts(0.5, 10, t_mul=1.5, m_mul=0.75, alpha=0.125),
]
by_name = pytest.mark.parametrize("schedule", ALL, ids=lambda schedule: type(schedule).__name__)


class Reciprocal(LearningRateSchedule):
    def __init__(self, scale=1.0):
        self.scale = scale

    def __call__(self, step):
        return self.scale / (step + 2)

    def get_config(self):
        return {"scale": self.scale}


# -------------------------------------------------------------------------------------------------------------------------- the formulas


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        (ExponentialDecay(0.5, 4, 0.0625), {0: 0.5, 1: 0.25, 2: 0.125, 4: 0.03125, 8: 0.5 / 256}),
        (ExponentialDecay(0.5, 4, 0.25, staircase=True), {0: 0.5, 3: 0.5, 4: 0.125, 7: 0.125, 8: 0.03125}),
        (InverseTimeDecay(0.5, 4, 2), {0: 0.5, 1: 1 / 3, 2: 0.25, 4: 1 / 6}),
        (InverseTimeDecay(0.5, 4, 1, staircase=True), {3: 0.5, 4: 0.25, 11: 1 / 6}),
        (PolynomialDecay(0.5, 8, 0.25, power=2), {0: 0.5, 4: 0.3125, 8: 0.25, 9: 0.25}),
        (PolynomialDecay(0.5, 8, 0.25, cycle=True), {0: 0.5, 4: 0.375, 8: 0.25, 12: 0.3125, 16: 0.25, 18: 0.3125}),
        (PolynomialDecay(0.5, 8), {8: 0.0001}),
        (PolynomialDecay(0.5, 8, 0.25, power=0), {0: 0.5, 8: 0.5}),
        (PiecewiseConstantDecay([2, 5], [1, 0.5, 0.25]), {0: 1.0, 2: 1.0, 3: 0.5, 5: 0.5, 6: 0.25}),
        (CosineDecay(0.5, 8), {0: 0.5, 4: 0.25, 8: 0.0, 9: 0.0}),
        (CosineDecay(0.5, 8, alpha=0.5), {4: 0.375, 8: 0.25}),
        (CosineDecay(0, 8, warmup_target=0.5, warmup_steps=4), {0: 0.0, 1: 0.125, 4: 0.5, 8: 0.25, 12: 0.0, 13: 0.0}),
        (CosineDecay(0.5, 8, warmup_target=0.25), {0: 0.25, 4: 0.125}),
        (CosineDecayRestarts(0.5, 8), {0: 0.5, 4: 0.25, 8: 0.5, 16: 0.25, 24: 0.5, 40: 0.25}),
        (CosineDecayRestarts(0.5, 8, t_mul=1, m_mul=0.5), {4: 0.25, 8: 0.25, 12: 0.125, 16: 0.125}),
        (CosineDecayRestarts(0.5, 8, alpha=0.5), {4: 0.375, 8: 0.5}),
    ],
)
def test_rates_by_hand(schedule, rates):
    assert {step: schedule(step) for step in rates} == pytest.approx(rates, rel=1e-15, abs=1e-17)


@given(t_mul=st.sampled_from([1, 2, 3, 5, 6, 7, 10, 1.25, 1.5]), first=st.sampled_from([64, 256]))
def test_every_period_starts_at_the_top_and_the_step_before_is_at_the_bottom(t_mul, first):
    # with t_mul 3, the sixth period is where log(3^5) / log(3) = 4.999... would miss the start
    schedule, start = CosineDecayRestarts(0.5, first, t_mul=t_mul), first
    for i in range(1, 12):
        if start == int(start):
            assert schedule(int(start)) == 0.5, i
            assert schedule(int(start) - 1) < 0.01, i
        start += first * t_mul**i


def test_a_floor_of_logarithms_would_be_caught(monkeypatch):
    faulty = planted(CosineDecayRestarts._period, "while self._start(i + 1) <= at:", "while False:")
    monkeypatch.setattr(CosineDecayRestarts, "_period", faulty)
    with pytest.raises(AssertionError):
        test_every_period_starts_at_the_top_and_the_step_before_is_at_the_bottom()


def test_periods_that_shrink_end():
    schedule = CosineDecayRestarts(0.5, 8, t_mul=0.5)

    assert [schedule(step) for step in (0, 8, 12, 14)] == [0.5] * 4
    with pytest.raises(ValueError, match=r"t_mul=0.5 all periods together last 16 steps"):
        schedule(16)


@by_name
def test_any_kind_of_step_number_gives_a_float(schedule):
    rates = [schedule(step) for step in (7, 7.0, np.int64(7), np.float32(7), np.array(7))]

    assert {type(rate) for rate in rates} == {float}
    assert len(set(rates)) == 1


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: ExponentialDecay(0.5, 0, 0.5), ValueError, "ExponentialDecay: decay_steps must be more than 0, received 0"),
        (lambda: InverseTimeDecay(0.5, -1, 0.5), ValueError, "InverseTimeDecay: decay_steps must be more than 0, received -1"),
        (lambda: PolynomialDecay(0.5, 0), ValueError, "PolynomialDecay: decay_steps must be more than 0"),
        (lambda: CosineDecay(0.5, 0), ValueError, "CosineDecay: decay_steps must be more than 0"),
        (lambda: CosineDecayRestarts(0.5, 0), ValueError, "CosineDecayRestarts: first_decay_steps must be more than 0"),
        (lambda: CosineDecayRestarts(0.5, 9, t_mul=0), ValueError, "t_mul must be more than 0"),
        (lambda: ExponentialDecay("0.5", 9, 0.5), TypeError, "initial_learning_rate must be a number, received '0.5' of type str"),
        (lambda: ExponentialDecay(math.nan, 9, 0.5), ValueError, "initial_learning_rate must be 0 or more, received nan"),
        (lambda: ExponentialDecay(0.5, 9, -0.5), ValueError, "decay_rate must be 0 or more"),
        (lambda: PolynomialDecay(0.5, 9, power=True), TypeError, "power must be a number"),
        (lambda: CosineDecay(0.5, 9, warmup_target=-1.0), ValueError, "warmup_target must be 0 or more"),
        (lambda: PiecewiseConstantDecay([1, 2], [0.5, 0.25]), ValueError, "received 2 boundaries and 2 values"),
        (lambda: PiecewiseConstantDecay([], [0.5]), ValueError, "boundaries must be one or more"),
        (lambda: PiecewiseConstantDecay([2, 1], [0.5, 0.25, 0.125]), ValueError, r"must ascend, received \[2, 1\]"),
        (lambda: PiecewiseConstantDecay([2], [0.5, "a"]), TypeError, "a value must be a number"),
        (lambda: PiecewiseConstantDecay(2, [0.5, 0.25]), TypeError, "boundaries must be a list of numbers, received 2 of type int"),
        (lambda: LearningRateSchedule()(0), NotImplementedError, r"must override __call__\(self, step\)"),
        (lambda: LearningRateSchedule().get_config(), NotImplementedError, r"must override get_config\(self\)"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_made(make, error, message):
    with pytest.raises(error, match=message):
        make()


# ---------------------------------------------------------------------------------------------------------------------- configurations


@by_name
def test_a_schedule_comes_back_from_its_configuration(schedule):
    again = schedules.deserialize(json.loads(json.dumps(schedules.serialize(schedule))))

    assert type(again) is type(schedule)
    assert vars(again) == vars(schedule)
    assert [again(step) for step in range(50)] == [schedule(step) for step in range(50)]


def test_a_schedule_of_ones_own_comes_back_through_custom_objects():
    entry = schedules.serialize(Reciprocal(0.5))

    assert entry == {"module": None, "class_name": "Reciprocal", "config": {"scale": 0.5}, "registered_name": "Reciprocal"}
    assert schedules.deserialize(entry, {"Reciprocal": Reciprocal})(0) == 0.25
    with pytest.raises(ValueError, match="unknown learning rate schedule 'Reciprocal'"):
        schedules.deserialize(entry)


@pytest.mark.parametrize(
    ("work", "error", "message"),
    [
        (lambda: schedules.serialize(0.5), TypeError, "must be a LearningRateSchedule, received 0.5 of type float"),
        (lambda: schedules.deserialize(None), ValueError, "expected a dict with 'class_name' and 'config'"),
        (lambda: schedules.deserialize({"class_name": "CosineDecay"}), ValueError, "expected a dict"),
        (lambda: schedules.deserialize({"class_name": "CosinDecay", "config": {}}), ValueError, "did you mean 'CosineDecay'"),
        (lambda: schedules.deserialize({"class_name": "CosineDecay", "config": {"rate": 1}}), TypeError, "rate"),
    ],
)
def test_a_configuration_that_is_none_is_refused(work, error, message):
    with pytest.raises(error, match=message):
        work()


# ------------------------------------------------------------------------------------------------------------------------------ RMSprop


@pytest.mark.parametrize("backend", BACKENDS)
@by_name
def test_each_step_has_the_rate_of_the_steps_before_it(schedule, backend):
    weights, other = Weights([[1.0, -2.0]], "float64"), Weights([[1.0, -2.0]], "float64")
    scheduled, by_hand = RMSprop(schedule, weight_decay=0.5), RMSprop(0.1, weight_decay=0.5)

    for step, gradient in enumerate(np.random.default_rng(3).normal(size=(20, 2))):
        by_hand.learning_rate = schedule(step)
        found, expected = weights.step(scheduled, [gradient], backend), other.step(by_hand, [gradient], backend)

        np.testing.assert_array_equal(found[0], expected[0])
        assert scheduled.learning_rate == schedule(step + 1)


def test_a_function_gives_the_rate_once_a_step():
    rates = iter([0.5, 0.25])
    weights, optimizer = Weights([[1.0]], "float64"), RMSprop(lambda: next(rates), rho=0.0, epsilon=0.0, weight_decay=0.5)

    assert [weights.step(optimizer, [[2.0]])[0][0] for _ in range(2)] == [1 - 0.25 - 0.5, 0.25 - 0.03125 - 0.25]


def test_what_gives_the_rate_can_be_replaced_but_not_by_a_number():
    optimizer = RMSprop(0.5)
    assert not optimizer.scheduled
    optimizer.learning_rate = Reciprocal()
    assert (optimizer.scheduled, optimizer.learning_rate) == (True, 0.5)
    for number in (0.1, 1, np.float32(0.1)):
        with pytest.raises(TypeError, match=r"learning_rate comes from .*Reciprocal.* so it cannot be set to"):
            optimizer.learning_rate = number
    optimizer.learning_rate = lambda: 0.125
    assert optimizer.learning_rate == 0.125
    with pytest.raises(TypeError, match=r"cannot be set to 0\.25"):
        optimizer.learning_rate = 0.25


@pytest.mark.parametrize("wrong", [-0.5, math.nan, math.inf, "0.1", None, np.array([0.1]), 1j, True])
def test_a_rate_that_is_none_stops_before_anything_is_changed(wrong):
    weights, optimizer = Weights([[1.0, 2.0]]), RMSprop(lambda: wrong, clipvalue=0.5)

    with pytest.raises(ValueError, match=r"learning_rate must be finite and 0 or more, received .* at step 0 from <function"):
        weights.step(optimizer, [[3.0, 4.0]])

    np.testing.assert_array_equal(weights.layers[0].values["kernel"], [[1.0, 2.0]])
    np.testing.assert_array_equal(weights.layers[0].gradients["kernel"], [[3.0, 4.0]])
    assert optimizer.iterations == 0


def test_a_rate_that_grows_beyond_all_numbers_is_named_with_its_step():
    optimizer = RMSprop(ExponentialDecay(0.5, 1, 10.0))
    optimizer.iterations = 999

    with pytest.raises(ValueError, match=r"received .*inf.* at step 999"):
        _ = optimizer.learning_rate


def test_a_class_in_the_place_of_a_schedule_is_named():
    with pytest.raises(TypeError, match=r"the class CosineDecay.* Write CosineDecay\(\.\.\.\)"):
        RMSprop(CosineDecay)


@by_name
def test_the_optimizer_s_configuration_holds_the_schedule(schedule):
    config = RMSprop(schedule, momentum=0.5).get_config()
    again = RMSprop.from_config(config)

    assert config["learning_rate"] == schedules.serialize(schedule)
    assert again.get_config() == config
    assert again.learning_rate == schedule(0)


# ------------------------------------------------------------------------------------------------------------------------------- saving


def trained(learning_rate, epochs=1):
    model = sentiment_model(backend=DEFAULT_BACKEND)
    model.compile(RMSprop(learning_rate, momentum=0.5), "binary_crossentropy")
    model.fit(*draw_examples(), batch_size=5, epochs=epochs, shuffle=False, verbose=0)
    return model


@by_name
def test_a_training_goes_on_after_loading_as_if_it_had_not_stopped(tmp_path, schedule):
    whole, half = trained(schedule, epochs=2), trained(schedule)
    half.save(tmp_path / "model.keras")

    loaded = saving.load_model(tmp_path / "model.keras")
    loaded.fit(*draw_examples(), batch_size=5, shuffle=False, verbose=0)

    assert loaded.optimizer.iterations == whole.optimizer.iterations > 6
    for weight, expected in zip(loaded.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_a_schedule_of_ones_own_is_saved_and_needs_its_class_back(tmp_path):
    trained(Reciprocal(0.25)).save(tmp_path / "model.keras")

    with pytest.raises(saving.FormatError, match=r"learning_rate: 'Reciprocal' is not one of Keras's schedules; pass it in custom_objects"):
        saving.load_model(tmp_path / "model.keras")
    loaded = saving.load_model(tmp_path / "model.keras", custom_objects={"Reciprocal": Reciprocal})

    assert loaded.optimizer.learning_rate == 0.25 / (loaded.optimizer.iterations + 2)


def test_a_function_cannot_be_saved_but_the_weights_can(tmp_path):
    model = trained(lambda: 0.125)

    with pytest.raises(ValueError, match=r"is a function, which cannot be written.*or save the weights alone"):
        model.save(tmp_path / "model.keras")
    assert not (tmp_path / "model.keras").exists()
    model.save_weights(tmp_path / "model.weights.h5")
    other = trained(Reciprocal())
    other.load_weights(tmp_path / "model.weights.h5")

    np.testing.assert_array_equal(other.optimizer.state["velocity"], model.optimizer.state["velocity"])
    assert other.optimizer.iterations == model.optimizer.iterations


def test_the_state_of_a_training_with_a_number_is_not_that_of_one_with_a_schedule(tmp_path):
    number, schedule = trained(0.125), trained(Reciprocal())
    number.save_weights(tmp_path / "number.weights.h5")
    schedule.save_weights(tmp_path / "schedule.weights.h5")

    for model, name in ((number, "schedule"), (schedule, "number")):
        before = model.optimizer.iterations
        with pytest.warns(UserWarning, match="state is not taken over.*a learning rate schedule in one of them"):
            model.load_weights(tmp_path / f"{name}.weights.h5")
        assert model.optimizer.iterations == before


def test_an_untrained_model_with_a_schedule_is_saved_and_loaded(tmp_path):
    model = sentiment_model()
    model.compile(RMSprop(Reciprocal()), "binary_crossentropy")
    model.save_weights(tmp_path / "model.weights.h5")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.load_weights(tmp_path / "model.weights.h5")

    assert model.optimizer.iterations == 0


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ('"decay_steps": 10', '"decay_steps": 0', "decay_steps must be more than 0"),
        ('"decay_steps": 10', '"decay_steps": "10"', "decay_steps must be a number"),
        ('"cycle": true', '"cycle": 1', "cycle must be true or false"),
        ('"power": 2.0', '"speed": 2.0', "speed=2.0 is not supported"),
        ('"PolynomialDecay", "config"', '"PolynomialDecoy", "config"', "did you mean 'PolynomialDecay'"),
        ('"module": "keras.optimizers.schedules"', '"module": "os"', "'PolynomialDecay' is not one of Keras's schedules"),
    ],
)
def test_a_schedule_in_a_file_is_read_as_data(tmp_path, right, wrong, message):
    trained(ALL[2]).save(tmp_path / "good.keras")
    with zipfile.ZipFile(tmp_path / "good.keras") as good, zipfile.ZipFile(tmp_path / "bad.keras", "w") as bad:
        for name in good.namelist():
            text = good.read(name)
            if name == "config.json":
                assert text.count(right.encode()) == 1
                text = text.replace(right.encode(), wrong.encode())
            bad.writestr(name, text)

    with pytest.raises(saving.FormatError, match=f"compile settings: optimizer: .*{message}.*compile=False"):
        saving.load_model(tmp_path / "bad.keras")


def test_schedules_stand_where_keras_has_them():
    assert minirnn.optimizers.schedules.ExponentialDecay is ExponentialDecay
