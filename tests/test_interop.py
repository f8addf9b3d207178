"""Models pass between minirnn and Keras, both ways, and go on training where they were; Keras runs in a process of its own.

What is equal is equal bit by bit. What is computed is judged as in ``parity``: minirnn's distance to the truth, the same training in
float64, is at most twice Keras's, plus a few units in the last place.
"""

import numpy as np
import pytest
from interop_cases import CASES, EPSILON, LEARNING_RATE, STEPS, B, build, examples, reset, train
from keras_process import OLDEST

import minirnn
from minirnn import saving
from minirnn.saving.weights import trained_slots
from parity.compare import FEW, compare_to_truth

pytest.importorskip("h5py")
pytestmark = pytest.mark.usefixtures("minirnn_alone")

INSTALLED, OLD, JAX = "installed on tensorflow", f"{OLDEST} on tensorflow", "installed on jax"
IN_OLD = [
    "one-hot float64",
    "stateful",
    "logits",
    "flat",
    "frozen between",
    "masked",
    "all at once",
    "per lookup",
    "both ways",
    "regularized",
    "constrained",
    "schedule",
]
IN_JAX = ["one-hot", "repeated ids"]  # where every batch shape is compiled, which takes its time
HERE = [name for name in CASES if name != "repeated ids"]
PAIRS = [(which, name) for which, names in ((INSTALLED, HERE), (OLD, IN_OLD), (JAX, IN_JAX)) for name in names]


def vectors(model):
    """The optimizer's state as Keras lists it."""
    return [vector[slot.slice].reshape(slot.shape) for vector in model.optimizer.state.values() for slot in trained_slots(model)]


def fixed(model):
    """How many variables of an optimizer come before its state; with a schedule there is no learning rate among them."""
    return 1 if model.optimizer.scheduled else 2


def assert_holds(model, found, case):
    """Then: minirnn's model and what Keras reports of its own hold the same numbers, bit by bit, and predict alike."""
    assert found["trainable"] == [layer.trainable for layer in model.layers]
    for own, weight in zip(model.get_weights(), found["weights"], strict=True):
        assert (own.dtype, own.tobytes()) == (weight.dtype, weight.tobytes())
    assert found["names"][: fixed(model)] == ["iteration", "learning_rate"][: fixed(model)]
    assert found["optimizer"][0] == model.optimizer.iterations
    assert found["learning_rate"] == np.float32(model.optimizer.learning_rate)
    slots = trained_slots(model)
    expected = [f"{slot.name}_{name}" for name in model.optimizer.state for slot in slots]
    for own, variable, name, end in zip(
        vectors(model), found["optimizer"][fixed(model) :], found["names"][fixed(model) :], expected, strict=True
    ):
        assert name.endswith(end)
        assert (own.dtype, own.tobytes()) == (variable.dtype, variable.tobytes()), name
    assert all(vector.any() for vector in vectors(model)) or not model.optimizer.iterations
    reset(model)
    predictions = model.predict(examples(case)[0], batch_size=B, verbose=0)
    allowed = FEW * np.finfo(case.dtype).eps * max(1, np.abs(predictions).max())
    np.testing.assert_allclose(predictions, found["predictions"], rtol=0, atol=allowed)
    assert np.ptp(predictions) > 0.01


def kinds(model, weights, states):
    """All weights, all velocities, all momentums, all averages, each kind as one array: a scalar bias can be what is left of terms that
    cancel, and rounding is of the size of the terms.
    """
    count = len(trained_slots(model))
    parts = {"weights": weights} | {name: states[k * count : (k + 1) * count] for k, name in enumerate(model.optimizer.state)}
    return {name: np.concatenate([array.ravel() for array in arrays]) for name, arrays in parts.items()}


def verdicts(model, found, truth):
    """One per kind of number, after a training."""
    assert found["optimizer"][0] == model.optimizer.iterations
    ours, expected = (kinds(one, one.get_weights(), vectors(one)) for one in (model, truth))
    theirs = kinds(model, found["weights"], found["optimizer"][fixed(model) :])
    return [compare_to_truth("", name, ours[name], theirs[name], expected[name]) for name in ours]


def twin(case, path):
    """A float64 model with the numbers of a float32 one's file."""
    model = build(minirnn, case._replace(dtype="float64"))
    model.load_weights(path)
    return model


def assert_went_on_alike(model, found, case, path, keras_loss="float64"):
    """Then: both have trained on from the file to the same numbers."""
    if case.dtype == "float32":
        truth = train(twin(case, path), case)
        assert [verdict for verdict in verdicts(model, found, truth) if not verdict.passed] == []
        return
    # Keras's own losses are float32, and with them its gradients
    allowed = FEW * STEPS * np.finfo(keras_loss).eps
    for own, given in zip(model.get_weights() + vectors(model), found["weights"] + found["optimizer"][fixed(model) :], strict=True):
        assert np.abs(own - given).max() <= allowed * np.abs(given).max()


@pytest.mark.parametrize(("which", "name"), PAIRS)
def test_keras_goes_on_with_what_minirnn_wrote(processes, tmp_path, which, name):
    keras, case, path = processes(which), CASES[name], str(tmp_path / "a.keras")
    train(build(minirnn, case), case).save(path)

    opened, after = keras("resume", case=case, path=path)

    ours = saving.load_model(path)
    assert opened["layers"] == [layer.name for layer in ours.layers]
    assert_holds(ours, opened, case)
    assert_went_on_alike(train(ours, case), after, case, path)


@pytest.mark.parametrize(("which", "name"), PAIRS)
def test_minirnn_goes_on_with_what_keras_wrote(processes, tmp_path, which, name):
    keras, case, path = processes(which), CASES[name], str(tmp_path / "a.keras")

    saved, after = keras("write", case=case, path=path)  # Keras itself never stops training

    ours = saving.load_model(path, compile=not case.own)
    if case.own:
        ours.compile(minirnn.optimizers.RMSprop(LEARNING_RATE, epsilon=EPSILON, **case.optimizer, **case.own), case.loss)
        ours.load_weights(path)
    assert saved["layers"] == [layer.name for layer in ours.layers]
    assert ours.optimizer.iterations == STEPS
    assert ours.optimizer.scheduled or ours.optimizer.learning_rate == LEARNING_RATE
    assert_holds(ours, saved, case)
    assert_went_on_alike(train(ours, case), after, case, path, keras_loss="float32")


@pytest.mark.parametrize("which", [INSTALLED, OLD])
@pytest.mark.parametrize("name", ["all at once", "frozen between"])
def test_files_of_weights_pass_both_ways(processes, tmp_path, which, name):
    keras, case = processes(which), CASES[name]
    ours_path, theirs_path = str(tmp_path / "ours.weights.h5"), str(tmp_path / "theirs.weights.h5")
    train(build(minirnn, case), case).save_weights(ours_path)
    saved, after_theirs = keras("write", case=case, path=theirs_path)
    opened, after_ours = keras("resume_weights", case=case, path=ours_path)

    for path, found, after in ((ours_path, opened, after_ours), (theirs_path, saved, after_theirs)):
        ours = build(minirnn, case)
        ours.load_weights(path)
        assert_holds(ours, found, case)
        assert_went_on_alike(train(ours, case), after, case, path)


def everything(path):
    """What a file holds, as minirnn reads it: bytes, and configurations."""
    model = saving.load_model(path)
    numbers = [value.tobytes() for value in model.get_weights() + vectors(model)]
    layers = [(type(layer), layer.get_config()) for layer in model.layers]
    metrics = [(metric.name, metric.threshold) for metric in model.metrics]
    loss = (type(model.loss), model.loss.get_config())
    return numbers, layers, model.optimizer.iterations, model.optimizer.get_config(), loss, metrics, model.name, model.input_shape


@pytest.mark.parametrize("name", ["all at once", "frozen embedding", "stateful", "logits", "both ways", "regularized", "constrained"])
def test_nothing_is_lost_when_each_saves_it_in_turn(processes, tmp_path, name):
    case = CASES[name]
    model = train(build(minirnn, case), case)
    model.optimizer.learning_rate = 0.003  # as a callback would; not the one that it was compiled with, and no float32
    paths = [str(tmp_path / f"{turn}.keras") for turn in range(7)]
    model.save(paths[0])
    first = everything(paths[0])

    for turn, which in enumerate((INSTALLED, None, OLD, INSTALLED, None, OLD)):
        if which is None:
            saving.load_model(paths[turn]).save(paths[turn + 1])
        else:
            found = processes(which)("resave", case=case, path=paths[turn], to=paths[turn + 1])
            assert_holds(model, found, case)
        assert everything(paths[turn + 1]) == first, f"lost at turn {turn}, {which}"

    assert saving.load_model(paths[-1]).optimizer.learning_rate == 0.003


def test_a_lost_optimizer_state_would_be_noticed(processes, tmp_path):
    keras, case, path = processes(INSTALLED), CASES["momentum"], str(tmp_path / "a.keras")
    train(build(minirnn, case), case).save(path)
    _, after = keras("resume", case=case, path=path)
    truth = train(twin(case, path), case)

    for lost in ("velocity", "momentum"):
        forgetful = saving.load_model(path)
        forgetful.parameters.hold()
        forgetful.optimizer.state[lost][...] = 0
        assert not all(verdict.passed for verdict in verdicts(train(forgetful, case), after, truth)), lost


@pytest.mark.parametrize("folder", ["모델 폴더", "é \U0001f600 #%20"])
def test_paths_beyond_ascii_pass_both_ways(processes, tmp_path, folder):
    keras, case = processes(INSTALLED), CASES["flat"]
    place = tmp_path / folder
    place.mkdir()
    build(minirnn, case).save(place / "순환 신경망.keras")

    opened = keras("resave", case=case, path=str(place / "순환 신경망.keras"), to=str(place / "다시.keras"))

    assert_holds(saving.load_model(place / "다시.keras"), opened, case)
