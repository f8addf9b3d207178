"""The callbacks against Keras's own, both driven by the same series of losses: same epochs, weights, files and bytes.

The first value is never NaN here: there the two differ on purpose (test_a_nan_that_comes_first_is_where_keras_differs).
"""

import tempfile
import warnings
from math import nan
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scripted_model import ScriptedModel, run

from minirnn import callbacks, optimizers

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what Keras's own dependencies warn about is not tested here
    keras = pytest.importorskip("keras")

# TensorFlow hands its variables to NumPy in a way that NumPy 2 warns about when Keras reads a learning rate
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")

# Few distinct values make ties and near misses common; float32 neighbours of 0.5 try the rounding of the comparison.
NEIGHBOURS = [float(np.nextafter(np.float32(0.5), np.float32(direction))) for direction in (0, 1)]
VALUES = st.one_of(
    st.sampled_from([0.5, 0.6, 0.7, 0.8, 0.9, 1.0, float("inf"), *NEIGHBOURS]),
    st.floats(-4, 4, width=32, allow_subnormal=False),
)
SERIES = st.tuples(VALUES, st.lists(st.one_of(VALUES, st.just(nan)), max_size=12)).map(lambda drawn: [drawn[0], *drawn[1]])
MIN_DELTAS = st.sampled_from([0, 0.1, -0.1, 1e-3, 1e-8, 1.8e-8, 4e-8, 1])
MODES = st.sampled_from(["min", "max", "auto"])


def stopping(package, losses, arguments):
    model = ScriptedModel()
    stopper = package.EarlyStopping(**arguments)
    ran = run(stopper, model, [{"val_loss": loss} for loss in losses])
    kept = None if stopper.best_weights is None else stopper.best_weights[0].tolist()
    return ran, stopper.stopped_epoch, stopper.best, stopper.best_epoch, stopper.wait, kept, model.epoch, model.stop_training


@settings(max_examples=150, deadline=None)
@given(
    losses=SERIES,
    arguments=st.fixed_dictionaries(
        {
            "patience": st.integers(-1, 4),
            "min_delta": MIN_DELTAS,
            "mode": MODES,
            "baseline": st.sampled_from([None, 0.5, 0.75, 2.0]),
            "restore_best_weights": st.booleans(),
            "start_from_epoch": st.integers(0, 3),
        }
    ),
)
@example(  # one float32 step down, but for min_delta: an improvement in float64, a tie in float32
    losses=[0.5, NEIGHBOURS[0], 0.5],
    arguments={"patience": 1, "min_delta": 1.8e-8, "restore_best_weights": True},
)
def test_early_stopping_equals_keras(losses, arguments):
    if any(np.isnan(loss) for loss in losses[arguments.get("start_from_epoch", 0) :][:1]):
        return  # the first value that is looked at is NaN: the intended difference

    assert stopping(callbacks, losses, arguments) == stopping(keras.callbacks, losses, arguments)


def test_a_comparison_in_float64_would_be_caught(monkeypatch):
    """The planted fault: without Keras's rounding the example above must fail."""
    losses, arguments = [0.5, NEIGHBOURS[0], 0.5], {"patience": 1, "min_delta": 1.8e-8}
    monkeypatch.setattr("minirnn.callbacks.monitor._as_float32", float)

    assert stopping(callbacks, losses, arguments) != stopping(keras.callbacks, losses, arguments)


def test_a_nan_that_comes_first_is_where_keras_differs():
    arguments = {"patience": 2, "restore_best_weights": True}

    keras_ran, *_, keras_weights, _ = stopping(keras.callbacks, [nan, 0.5, 0.4], arguments)
    ran, *_, weights, _ = stopping(callbacks, [nan, 0.5, 0.4], arguments)

    assert (keras_ran, keras_weights) == (3, 0)
    assert (ran, weights) == (3, 2)


def test_early_stopping_says_the_same_as_keras(capsys):
    said = []
    for package in (callbacks, keras.callbacks):
        stopping(package, [1.0, 0.8, 0.9, 0.95], {"patience": 2, "restore_best_weights": True, "verbose": 1})
        said.append(capsys.readouterr().out)

    assert said[0] == said[1] != ""


def reduced(package, optimizer, losses, arguments):
    """Return the learning rate and the reducer's state after each epoch, and what it wrote into the logs."""
    model, reducer, states = ScriptedModel(optimizer), package.ReduceLROnPlateau(**arguments), []
    reducer.set_model(model)
    reducer.on_train_begin()
    for epoch, loss in enumerate(losses):
        logs = {"val_loss": loss}
        reducer.on_epoch_end(epoch, logs)
        rate = float(np.float32(optimizer.learning_rate))
        states.append((rate, logs, reducer.best, reducer.wait, reducer.cooldown_counter, reducer.in_cooldown()))
    return states


@settings(max_examples=150, deadline=None)
@given(
    losses=SERIES,
    learning_rate=st.sampled_from([0.1, 0.5, 1e-3, 0.3]),
    arguments=st.fixed_dictionaries(
        {
            "factor": st.sampled_from([0.1, 0.5, 0.3, 0.99, 0.0]),
            "patience": st.integers(-1, 4),
            "min_delta": MIN_DELTAS,
            "mode": MODES,
            "cooldown": st.integers(0, 3),
            "min_lr": st.sampled_from([0.0, 0.1, 0.01, 0.25]),
        }
    ),
)
def test_reduce_lr_on_plateau_equals_keras(losses, learning_rate, arguments):
    ours = reduced(callbacks, optimizers.RMSprop(learning_rate), losses, arguments)

    assert ours == reduced(keras.callbacks, keras.optimizers.RMSprop(learning_rate), losses, arguments)


SCHEDULES = [
    lambda epoch, rate: rate * 0.1,
    lambda epoch: 1.0 / (3.0 + epoch),
    lambda epoch, rate: rate if epoch < 2 else rate * np.exp(-0.1),
    lambda epoch, rate=0.5: np.float32(rate * 0.7),
]


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("learning_rate", [0.1, 1e-3])
def test_learning_rate_scheduler_equals_keras(schedule, learning_rate, capsys):
    said, written = [], []
    for package, make in ((callbacks, optimizers.RMSprop), (keras.callbacks, keras.optimizers.RMSprop)):
        scheduler, model, of_the_epochs = package.LearningRateScheduler(schedule, verbose=1), ScriptedModel(make(learning_rate)), []
        scheduler.set_model(model)
        scheduler.on_train_begin()
        for epoch in range(5):
            logs = {"loss": 0.5}
            scheduler.on_epoch_begin(epoch)
            scheduler.on_epoch_end(epoch, logs)
            of_the_epochs.append(logs)
        said.append(capsys.readouterr().out)
        written.append(of_the_epochs)

    assert said[0] == said[1] != ""
    assert written[0] == written[1]


def test_reduce_lr_on_plateau_says_the_same_as_keras(capsys):
    said = []
    for package, optimizer in ((callbacks, optimizers.RMSprop(0.1)), (keras.callbacks, keras.optimizers.RMSprop(0.1))):
        reduced(package, optimizer, [0.9] * 5, {"patience": 1, "factor": 0.3, "verbose": 1})
        said.append(capsys.readouterr().out)

    assert said[0] == said[1] != ""


def saved(package, losses, arguments, batches):
    """Return the files that a checkpoint leaves, and its best value."""
    arguments = dict(arguments)
    by_batch = arguments["save_freq"] != "epoch"
    name = ("{epoch}-{batch}" if by_batch else "{epoch}-{val_loss:.3f}") + (".weights.h5" if arguments["save_weights_only"] else ".keras")
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = package.ModelCheckpoint(f"{folder}/new/{name}", **arguments)
        run(checkpoint, ScriptedModel(), [{"val_loss": loss} for loss in losses], batches=batches)
        return checkpoint.best, {path.name: path.read_text() for path in Path(folder).rglob("*") if path.is_file()}


@settings(max_examples=60, deadline=None)
@given(
    losses=SERIES,
    batches=st.integers(1, 4),
    arguments=st.fixed_dictionaries(
        {
            "save_best_only": st.booleans(),
            "save_weights_only": st.booleans(),
            "mode": MODES,
            "save_freq": st.one_of(st.just("epoch"), st.integers(1, 7)),
            "initial_value_threshold": st.sampled_from([None, 0.5, 0.75]),
        }
    ),
)
def test_model_checkpoint_equals_keras(losses, batches, arguments):
    if arguments["save_best_only"]:
        arguments["save_freq"] = "epoch"  # Keras raises TypeError on the two together

    assert saved(callbacks, losses, arguments, batches) == saved(keras.callbacks, losses, arguments, batches)


@pytest.mark.parametrize("arguments", [{}, {"save_best_only": True}, {"save_best_only": True, "initial_value_threshold": 0.6}])
def test_model_checkpoint_says_the_same_as_keras(tmp_path, capsys, arguments):
    said = []
    for package in (callbacks, keras.callbacks):
        checkpoint = package.ModelCheckpoint(f"{tmp_path}/{{epoch}}.keras", verbose=1, **arguments)
        run(checkpoint, ScriptedModel(), [{"val_loss": loss} for loss in (0.84152, 0.5, 0.9)])
        said.append(capsys.readouterr().out)

    assert said[0] == said[1] != ""


NAMES = st.sampled_from(["loss", "accuracy", "learning_rate", "val_loss", "val_accuracy", "note"])
CELLS = st.one_of(
    st.floats(),
    st.floats(width=32).map(np.float32),
    st.integers(),
    st.text(alphabet='ab ,;"\n', max_size=5),
    st.lists(st.floats(), max_size=3),
    st.floats(-3, 3, width=32).map(lambda value: np.array([value, 0.1], dtype=np.float32)),
    st.floats(-3, 3).map(np.array),
)


@settings(max_examples=100, deadline=None)
@given(
    trainings=st.lists(st.lists(st.dictionaries(NAMES, CELLS, max_size=5), min_size=1, max_size=4), min_size=1, max_size=3),
    separator=st.sampled_from([",", ";", "\t"]),
    append=st.booleans(),
)
def test_csv_logger_writes_the_same_bytes_as_keras(trainings, separator, append):
    with tempfile.TemporaryDirectory() as folder:
        contents = []
        for package, name in ((callbacks, "ours.csv"), (keras.callbacks, "keras.csv")):
            path = Path(folder, name)
            logger = package.CSVLogger(str(path), separator=separator, append=append)
            for epochs in trainings:
                run(logger, ScriptedModel(), epochs)
            contents.append(path.read_bytes())

    assert contents[0] == contents[1]


def test_history_equals_keras():
    histories = []
    for package in (callbacks, keras.callbacks):
        history = package.History()
        for epochs in ([{"loss": 0.7}, {"loss": 0.5, "val_loss": 0.6}], [{"loss": 0.4}]):
            run(history, ScriptedModel(), epochs)
        histories.append((history.history, history.epoch))

    assert histories[0] == histories[1]


@pytest.mark.parametrize("hook", [name for name in vars(callbacks.Callback) if name.startswith("on_")])
def test_every_hook_is_keras_hook(hook):
    assert callable(getattr(keras.callbacks.Callback, hook))
