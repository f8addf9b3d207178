"""Callback, CallbackList, LambdaCallback, History, TerminateOnNaN: who is called when, with what, and at what price."""

from math import inf, nan

import numpy as np
import pytest
from scripted_model import ScriptedModel, run

from minirnn import callbacks
from minirnn.callbacks import Callback, CallbackList, History, LambdaCallback, ModelCheckpoint, ProgressBar, TerminateOnNaN

HOOKS = [name for name in vars(Callback) if name.startswith("on_")]
KERAS_HOOKS = {
    *(f"on_{mode}_{moment}" for mode in ("train", "test", "predict") for moment in ("begin", "end", "batch_begin", "batch_end")),
    *(f"on_{scope}_{moment}" for scope in ("epoch", "batch") for moment in ("begin", "end")),
}


class Recorder(Callback):
    """Notes every hook that is called; derived hooks are made below, one a name."""

    def __init__(self, name="recorder", notes=None):
        self.name = name
        self.notes = [] if notes is None else notes


def _noting(hook):
    def method(self, *arguments, logs=None):
        self.notes.append((self.name, hook, *arguments))

    return method


for _hook in HOOKS:
    setattr(Recorder, _hook, _noting(_hook))


def call(callback, hook):
    """Call a hook with the arguments that it takes."""
    if "epoch" in hook or "batch" in hook:
        getattr(callback, hook)(3, {"loss": 0.5})
    else:
        getattr(callback, hook)({"loss": 0.5})


def test_every_keras_hook_exists_and_does_nothing():
    assert set(HOOKS) == KERAS_HOOKS
    for hook in HOOKS:
        assert call(Callback(), hook) is None


@pytest.mark.parametrize("moment", ["begin", "end"])
def test_train_batch_hooks_forward_to_the_older_names(moment):
    seen = []
    callback = Callback()
    setattr(callback, f"on_batch_{moment}", lambda batch, logs=None: seen.append((batch, logs)))

    getattr(callback, f"on_train_batch_{moment}")(4, {"loss": 0.5})

    assert seen == [(4, {"loss": 0.5})]


def test_model_and_params_are_handed_on():
    model, callback = ScriptedModel(), Callback()

    CallbackList([callback], model=model, verbose=0, epochs=7, steps=5)

    assert callback.model is model
    assert callback.params == {"verbose": 0, "epochs": 7, "steps": 5}


def test_callback_without_super_init_works():
    class Careless(Callback):
        def __init__(self):
            pass

    assert Careless().model is None
    assert Careless().params is None


@pytest.mark.parametrize("hook", HOOKS)
def test_list_calls_every_callback_in_order(hook):
    notes = []
    both = CallbackList([Recorder("first", notes), [Recorder("second", notes)]])

    call(both, hook)

    assert [note[:2] for note in notes] == [("first", hook), ("second", hook)]


def test_list_appends_history_and_progress_after_the_given_ones():
    given = Callback()

    in_order = CallbackList(given, add_history=True, add_progbar=True, verbose=0, epochs=2, steps=3).callbacks

    assert [type(callback) for callback in in_order] == [Callback, History, ProgressBar]
    assert in_order[0] is given


def test_list_does_not_double_a_history():
    history, model = History(), ScriptedModel()

    both = CallbackList([history], add_history=True, model=model)

    assert both.callbacks == [history]
    assert model.history is history


def test_logs_are_sorted_python_floats_and_shared():
    seen = []

    def add_rate(epoch, logs):
        logs["learning_rate"] = 0.01

    both = CallbackList([LambdaCallback(on_epoch_end=add_rate), LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs))])
    both.on_epoch_end(0, {"loss": np.float32(0.5), "accuracy": np.array(0.25), "steps": 3})

    assert list(seen[0].items()) == [("accuracy", 0.25), ("loss", 0.5), ("steps", 3.0), ("learning_rate", 0.01)]
    assert {type(value) for value in seen[0].values()} == {float}


def test_predict_outputs_stay_arrays():
    seen = []
    outputs = np.array([[0.5]], dtype=np.float32)
    both = CallbackList([LambdaCallback(on_predict_batch_end=lambda batch, logs: seen.append(logs))])

    both.on_predict_batch_end(0, {"outputs": outputs})

    assert seen[0]["outputs"] is outputs


@pytest.mark.parametrize(
    ("hook", "listens"),
    [
        ("on_train_batch_begin", "listens_to_batches"),
        ("on_train_batch_end", "listens_to_batches"),
        ("on_batch_begin", "listens_to_batches"),
        ("on_batch_end", "listens_to_batches"),
        ("on_test_batch_begin", "listens_to_test_batches"),
        ("on_test_batch_end", "listens_to_test_batches"),
        ("on_predict_batch_begin", "listens_to_predict_batches"),
        ("on_predict_batch_end", "listens_to_predict_batches"),
    ],
)
@pytest.mark.parametrize("how", ["class", "instance"])
def test_listening_is_noticed_in_class_and_instance(hook, listens, how):
    def method(*arguments, logs=None):
        pass

    callback = type("Listener", (Callback,), {hook: method})() if how == "class" else LambdaCallback(**{hook: method})

    both = CallbackList([History(), callback])

    for name in ("listens_to_batches", "listens_to_test_batches", "listens_to_predict_batches"):
        assert getattr(both, name) is (name == listens)


def test_nobody_listens_to_batches_by_default(tmp_path):
    quiet = [History(), callbacks.EarlyStopping(), ModelCheckpoint(tmp_path / "m.keras"), callbacks.CSVLogger(tmp_path / "log.csv")]
    both = CallbackList(quiet, add_progbar=True, verbose=2, epochs=2, steps=3)

    both.on_train_begin()
    both.on_epoch_begin(0)

    assert not both.listens_to_batches
    both.release()


def test_listener_added_later_is_noticed():
    both = CallbackList([History()])

    both.append(TerminateOnNaN())

    assert both.listens_to_batches


def test_a_list_in_a_list_listens_for_its_members():
    assert CallbackList([CallbackList([TerminateOnNaN()])]).listens_to_batches
    assert not CallbackList([CallbackList([History()])]).listens_to_batches


def test_leaving_the_with_block_by_an_error_releases_all_even_if_one_fails():
    released = []

    class Holder(Callback):
        def release(self):
            released.append(self)
            if len(released) == 1:
                raise OSError("disk full")

    holders = [Holder(), Holder()]

    with pytest.raises(OSError, match="disk full"), CallbackList(holders):
        raise KeyboardInterrupt

    assert set(released) == set(holders)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (History, r"received the class History, expected an instance. Write History\(\)"),
        ([print], "expected instances of minirnn.callbacks.Callback"),
        ("history", "received 'history' of type str"),
    ],
)
def test_what_is_no_callback_is_refused(given, message):
    with pytest.raises(TypeError, match=message):
        CallbackList(given)


def test_history_keeps_what_every_epoch_reported():
    history, model = History(), ScriptedModel()

    run(history, model, [{"loss": 0.7}, {"loss": 0.5, "val_loss": 0.6}])

    assert history.history == {"loss": [0.7, 0.5], "val_loss": [0.6]}
    assert history.epoch == [0, 1]
    assert model.history is history


def test_history_of_a_second_fit_grows_while_its_epochs_start_again():
    history = History()
    run(history, ScriptedModel(), [{"loss": 0.7}, {"loss": 0.5}])

    run(history, ScriptedModel(), [{"loss": 0.4}])

    assert history.history == {"loss": [0.7, 0.5, 0.4]}
    assert history.epoch == [0]


@pytest.mark.parametrize("hook", HOOKS)
def test_lambda_callback_takes_every_hook(hook):
    seen = []

    call(LambdaCallback(**{hook: lambda *arguments, logs=None: seen.append(hook)}), hook)

    assert seen == [hook]


def test_lambda_callback_refuses_a_misspelt_hook():
    with pytest.raises(ValueError, match=r"unknown callback hook 'on_epoch_ends': did you mean 'on_epoch_end'\?"):
        LambdaCallback(on_epoch_ends=print)


def test_lambda_callback_refuses_what_cannot_be_called():
    with pytest.raises(TypeError, match="on_train_end must be a function, received 3"):
        LambdaCallback(on_train_end=3)


@pytest.mark.parametrize("loss", [nan, inf, -inf])
def test_terminate_on_nan_stops_and_says_at_which_batch(loss, capsys):
    model, guard = ScriptedModel(), TerminateOnNaN()
    guard.set_model(model)

    guard.on_train_batch_end(5, {"loss": loss})

    assert model.stop_training
    assert capsys.readouterr().out == "Batch 5: Invalid loss, terminating training\n"


def test_terminate_on_nan_raises_when_asked_to():
    guard = TerminateOnNaN(raise_error=True)

    with pytest.raises(RuntimeError, match=r"NaN or Inf loss encountered at batch 5\. Loss value: nan"):
        guard.on_train_batch_end(5, {"loss": nan})


@pytest.mark.parametrize("logs", [{"loss": 0.5}, {"loss": np.float32(1e30)}, {"accuracy": nan}, {}, None])
def test_terminate_on_nan_lets_the_rest_pass(logs):
    model, guard = ScriptedModel(), TerminateOnNaN(raise_error=True)
    guard.set_model(model)

    guard.on_train_batch_end(0, logs)

    assert not model.stop_training
