"""Learning rate schedules against Keras's: the same rates, configurations, trainings and files."""

import json
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minirnn
from minirnn import saving
from minirnn.optimizers import RMSprop, schedules

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what Keras's own dependencies warn about is not tested here
    keras = pytest.importorskip("keras")

# TensorFlow hands its variables to NumPy in a way that NumPy 2 warns about when Keras writes a file
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")

EIGHTHS = st.integers(0, 16).map(lambda eighths: eighths / 8)  # the same numbers in float32 and float64
STEPS = st.integers(1, 40)
ARGUMENTS = {
    "ExponentialDecay": st.fixed_dictionaries(
        {"initial_learning_rate": EIGHTHS, "decay_steps": STEPS, "decay_rate": EIGHTHS}, optional={"staircase": st.booleans()}
    ),
    "InverseTimeDecay": st.fixed_dictionaries(
        {"initial_learning_rate": EIGHTHS, "decay_steps": STEPS, "decay_rate": EIGHTHS}, optional={"staircase": st.booleans()}
    ),
    "PolynomialDecay": st.fixed_dictionaries(
        {"initial_learning_rate": EIGHTHS, "decay_steps": STEPS, "end_learning_rate": EIGHTHS},
        optional={"power": EIGHTHS, "cycle": st.booleans()},
    ),
    "PiecewiseConstantDecay": st.lists(STEPS, min_size=1, max_size=4, unique=True).flatmap(
        lambda drawn: st.fixed_dictionaries(
            {"boundaries": st.just(sorted(drawn)), "values": st.lists(EIGHTHS, min_size=len(drawn) + 1, max_size=len(drawn) + 1)}
        )
    ),
    "CosineDecay": st.fixed_dictionaries(
        {"initial_learning_rate": EIGHTHS, "decay_steps": STEPS},
        optional={"alpha": EIGHTHS, "warmup_target": EIGHTHS, "warmup_steps": STEPS},
    ),
    "CosineDecayRestarts": st.fixed_dictionaries(
        {"initial_learning_rate": EIGHTHS, "first_decay_steps": st.sampled_from([2, 4, 8, 16])},
        optional={"t_mul": st.sampled_from([1.0, 1.5, 2.0, 3.0]), "m_mul": EIGHTHS, "alpha": EIGHTHS},
    ),
}


@pytest.mark.parametrize("kind", ARGUMENTS)
@settings(max_examples=25, deadline=None)
@given(drawn=st.data())
def test_rates_and_configurations_equal_keras(kind, drawn):
    arguments = drawn.draw(ARGUMENTS[kind])
    ours, theirs = getattr(schedules, kind)(**arguments), getattr(keras.optimizers.schedules, kind)(**arguments)

    assert schedules.serialize(ours) == keras.optimizers.schedules.serialize(theirs)
    # Keras divides, multiplies and takes a cosine or a power in float32: ten roundings, of numbers up to the largest rate
    rates = [(ours(step), float(theirs(step))) for step in range(0, 90, 7)]
    allowed = 10 * np.finfo(np.float32).eps * max(1.0, *(rate for rate, _ in rates))
    for rate, given_rate in rates:
        assert abs(rate - given_rate) <= allowed, (arguments, rates)


def test_the_constructors_take_the_same_arguments_with_the_same_defaults():
    from inspect import signature

    for kind in ARGUMENTS:
        own, theirs = signature(getattr(schedules, kind)).parameters, signature(getattr(keras.optimizers.schedules, kind)).parameters
        assert [(name, parameter.default) for name, parameter in own.items()] == [
            (name, parameter.default) for name, parameter in theirs.items()
        ]


# Source: Keras 3.15, keras/src/optimizers/schedules/learning_rate_schedule_test.py
def test_keras_constants():
    assert schedules.ExponentialDecay(0.05, 10, 0.96)(5) == pytest.approx(0.05 * 0.96**0.5)
    assert schedules.ExponentialDecay(0.1, 3, 0.96, staircase=True)(100) == pytest.approx(0.1 * 0.96**33)
    table = schedules.PiecewiseConstantDecay([100, 110, 120], [1.0, 0.1, 0.01, 0.001])
    assert [table(step) for step in (0, 100, 105, 110, 115, 120, 125)] == [1.0, 1.0, 0.1, 0.1, 0.01, 0.01, 0.001]
    assert schedules.PolynomialDecay(0.05, 10, 0.001, power=0.5)(5) == pytest.approx((0.05 - 0.001) * 0.5**0.5 + 0.001)
    assert schedules.PolynomialDecay(0.05, 10, 0.001, cycle=True)(15) == pytest.approx((0.05 - 0.001) * 0.25 + 0.001)
    assert schedules.InverseTimeDecay(0.1, 10, 0.96)(3) == pytest.approx(0.1 / (1 + 3 / 10 * 0.96))


def trained(package, learning_rate, momentum=0.5):
    layers = package.layers
    stack = [layers.Input((5,)), layers.Embedding(11, 4), layers.SimpleRNN(6), layers.Dense(1, "sigmoid")]
    model = package.Sequential(stack, name="a_model")
    model.compile(package.optimizers.RMSprop(learning_rate, momentum=momentum), loss="binary_crossentropy")
    fit(model)
    return model


def fit(model):
    rng = np.random.default_rng(8)
    model.run_eagerly = True  # spares Keras the compilation of a graph for three batches
    model.fit(rng.integers(0, 11, (23, 5)), rng.integers(0, 2, (23, 1)), batch_size=9, shuffle=False, verbose=0)
    model.run_eagerly = False


def schedule_of(package):
    return package.optimizers.schedules.CosineDecay(0.0, 20, alpha=0.25, warmup_target=2.0**-7, warmup_steps=2)


def assert_same_state(ours, theirs):
    variables = [variable.numpy() for variable in theirs.optimizer.variables]
    assert ours.optimizer.iterations == variables[0] == 3
    assert ours.optimizer.learning_rate == pytest.approx(float(theirs.optimizer.learning_rate), rel=1e-6)
    assert ours.optimizer.get_config()["learning_rate"] == theirs.optimizer.get_config()["learning_rate"]
    slots = ours.parameters.slots
    own = [vector[slot.slice].reshape(slot.shape) for vector in ours.optimizer.state.values() for slot in slots]
    for state, variable in zip(own, variables[1:], strict=True):
        np.testing.assert_array_equal(state, variable)
    for weight, expected in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_keras_opens_what_minirnn_wrote_with_its_schedule(tmp_path):
    ours = trained(minirnn, schedule_of(minirnn))

    ours.save(tmp_path / "model.keras")

    assert_same_state(ours, keras.saving.load_model(tmp_path / "model.keras"))


def test_minirnn_opens_what_keras_wrote_with_its_schedule(tmp_path):
    theirs = trained(keras, schedule_of(keras))

    theirs.save(tmp_path / "model.keras")

    assert_same_state(saving.load_model(tmp_path / "model.keras"), theirs)


def test_weights_pass_both_ways(tmp_path):
    ours, theirs = trained(minirnn, schedule_of(minirnn)), trained(keras, schedule_of(keras))
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    ours.load_weights(tmp_path / "theirs.weights.h5")
    assert_same_state(ours, theirs)

    fit(ours)
    ours.optimizer.iterations = 3
    ours.save_weights(tmp_path / "ours.weights.h5")
    theirs.load_weights(tmp_path / "ours.weights.h5")
    assert_same_state(ours, theirs)


@pytest.mark.filterwarnings("ignore:.*lambda:UserWarning")
def test_a_function_that_keras_wrote_is_named_and_not_executed(tmp_path):
    trained(keras, lambda: 0.125).save(tmp_path / "model.keras")

    with pytest.raises(saving.FormatError, match=r"learning rate schedule '__lambda__'.*compile=False"):
        saving.load_model(tmp_path / "model.keras")


def test_what_can_be_set_can_be_set_in_keras():
    """A schedule in the place of a number, and of a schedule; a number in the place of a schedule is a TypeError."""
    for make, package in ((RMSprop, schedules), (keras.optimizers.RMSprop, keras.optimizers.schedules)):
        optimizer = make(0.5)
        optimizer.learning_rate = 1
        assert float(optimizer.learning_rate) == 1.0
        optimizer.learning_rate = package.InverseTimeDecay(0.25, 10, 1.0)
        assert float(optimizer.learning_rate) == 0.25
        with pytest.raises(TypeError):
            optimizer.learning_rate = 0.5
        optimizer.learning_rate = package.InverseTimeDecay(0.125, 10, 1.0)
        assert float(optimizer.learning_rate) == 0.125
        assert json.dumps(optimizer.get_config()["learning_rate"]).count("InverseTimeDecay") == 2
