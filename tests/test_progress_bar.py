"""The progress callback: what fit, evaluate and predict leave on a terminal and in a file, its price, and Ctrl-C."""

import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest
from screen import BAR, LOGS, Clock, on_terminal

from minirnn import progress
from minirnn.callbacks import CallbackList, EarlyStopping, LambdaCallback, ModelCheckpoint, ProgbarLogger, ProgressBar
from minirnn.progress import ProgressLine


@pytest.fixture
def clock(monkeypatch):
    """Time that stands still until a test moves it, for lines that ProgressBar makes."""
    still = Clock()
    monkeypatch.setattr(ProgressLine.__init__, "__defaults__", ("", still))
    return still


def fit(*, verbose, epochs=2, steps=4, callbacks=(), clock=None, seconds=0.0):
    """Drive the hooks as fit does, with validation."""
    with CallbackList(list(callbacks), add_progbar=True, model=SimpleNamespace(), verbose=verbose, epochs=epochs, steps=steps) as both:
        both.on_train_begin()
        for epoch in range(epochs):
            both.on_epoch_begin(epoch)
            for batch in range(steps):
                if clock is not None:
                    clock.now += seconds
                if both.listens_to_batches:
                    both.on_train_batch_end(batch, LOGS)
            both.on_test_begin()
            for batch in range(3):
                assert not both.listens_to_test_batches
                both.on_test_batch_end(batch, {"loss": 9.0})
            both.on_test_end({"loss": 9.0})
            both.on_epoch_end(epoch, {**LOGS, "val_loss": 0.0005})
        both.on_train_end(LOGS)


@pytest.mark.parametrize("verbose", [3, -1, None, "Auto", 1.5])
def test_unknown_verbose_is_refused_before_any_work(verbose):
    with pytest.raises(ValueError, match=r"verbose must be 0 .* or 'auto', received"):
        CallbackList(add_progbar=True, verbose=verbose, epochs=2, steps=3)


@pytest.mark.parametrize("steps", [None, -1, 2.5, True])
def test_unknown_steps_are_refused(steps):
    with pytest.raises(ValueError, match="steps must be the number of batches of an epoch"):
        CallbackList(add_progbar=True, verbose=1, epochs=2, steps=steps)


def test_forced_colour_does_not_make_a_file_a_terminal(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")

    fit(verbose=1)

    assert "\x1b" not in capsys.readouterr().out


def test_auto_off_a_terminal_is_one_plain_line_an_epoch(capsys, clock):
    fit(verbose="auto", clock=clock, seconds=0.25)

    values = "accuracy: 0.7321 - loss: 0.5432 - val_loss: 5.0000e-04"
    assert capsys.readouterr().out == "".join(f"Epoch {epoch}/2 - 4/4 - 1s - 250ms/step - {values}\n" for epoch in (1, 2))


def test_verbose_1_off_a_terminal_is_heading_and_finished_bar(capsys, clock):
    fit(verbose=1, epochs=1, clock=clock, seconds=2.0)
    fit(verbose=1, epochs=2, clock=clock, seconds=2.0)

    line = f"4/4 {BAR} 8s 2s/step - accuracy: 0.7321 - loss: 0.5432 - val_loss: 5.0000e-04\n"
    assert capsys.readouterr().out == line + f"Epoch 1/2\n{line}Epoch 2/2\n{line}"


def test_verbose_2_is_heading_and_line_without_bar(capsys, clock):
    fit(verbose=2, clock=clock, seconds=0.25)

    line = "4/4 - 1s - 250ms/step - accuracy: 0.7321 - loss: 0.5432 - val_loss: 5.0000e-04\n"
    assert capsys.readouterr().out == f"Epoch 1/2\n{line}Epoch 2/2\n{line}"


def test_verbose_0_is_silent(capsys):
    fit(verbose=0)

    assert capsys.readouterr().out == ""


@on_terminal
def test_terminal_shows_the_same_words_in_colour(terminal, clock):
    fit(verbose="auto", clock=clock, seconds=0.25)

    line = f"4/4 {BAR} 1s 250ms/step - accuracy: 0.7321 - loss: 0.5432 - val_loss: 5.0000e-04"
    assert terminal.rows() == ["Epoch 1/2", line, "Epoch 2/2", line, ""]
    assert "\x1b[32m" in terminal.getvalue()
    assert "\x1b[?25l" not in terminal.getvalue()  # the cursor is never hidden


@on_terminal
def test_no_color_is_honoured(terminal, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    fit(verbose=1)

    assert "\x1b[32m" not in terminal.getvalue()


@on_terminal
def test_a_short_epoch_is_drawn_once(terminal, clock):
    fit(verbose=1, epochs=1, clock=clock, seconds=0.001)

    assert "\r" not in terminal.getvalue()


@on_terminal
def test_message_makes_the_moving_line_give_way(terminal, clock, tmp_path):
    checkpoint = ModelCheckpoint(tmp_path / "model.keras", verbose=1)
    model = SimpleNamespace(save=lambda path: None)
    both = CallbackList([checkpoint], add_progbar=True, model=model, verbose=1, epochs=1, steps=2)
    both.on_train_begin()
    both.on_epoch_begin(0)
    clock.now += 1.0
    both.on_train_batch_end(0, LOGS)
    both.on_epoch_end(0, LOGS)

    assert terminal.rows() == [
        f"Epoch 1: saving model to {tmp_path / 'model.keras'}",
        "",
        f"Epoch 1: finished saving model to {tmp_path / 'model.keras'}",
        f"2/2 {BAR} 1s 0s/step - accuracy: 0.7321 - loss: 0.5432",
        "",
    ]


@on_terminal
def test_line_inside_a_line_leaves_both_whole(terminal, clock):
    """An evaluate() in a callback draws its own line while the epoch's stands unfinished."""

    def evaluate(epoch, logs):
        inner = CallbackList(add_progbar=True, verbose=1, epochs=1, steps=2)
        inner.on_test_begin()
        clock.now += 1.0
        inner.on_test_batch_end(0, {"loss": 0.25})
        inner.on_test_end({"loss": 0.25})

    fit(verbose=1, epochs=1, callbacks=[LambdaCallback(on_epoch_end=evaluate)], clock=clock, seconds=1.0)

    rows = terminal.rows()
    assert len(rows) == 3
    assert rows[0].startswith(f"2/2 {BAR} 1s")
    assert rows[1].startswith(f"4/4 {BAR} 5s")


@pytest.mark.parametrize("verbose", [1, 2, "auto"])
def test_evaluate_and_predict_have_lines_too(capsys, clock, verbose):
    for mode, logs in (("test", {"loss": 0.25}), ("predict", None)):
        both = CallbackList(add_progbar=True, verbose=verbose, epochs=1, steps=3)
        getattr(both, f"on_{mode}_begin")()
        clock.now += 6.0
        for batch in range(3):
            getattr(both, f"on_{mode}_batch_end")(batch, {"loss": 0.5} if mode == "test" else {"outputs": [[0.5]]})
        getattr(both, f"on_{mode}_end")(logs)

    start = f"3/3 {BAR} 6s " if verbose == 1 else "3/3 - 6s - "
    step = "0s/step" if verbose == 1 else "2s/step"  # a bar leaves the first step out of the mean, and here the rest took no time
    assert capsys.readouterr().out == f"{start}{step} - loss: 0.2500\n{start}{step}\n"


def test_evaluate_after_fit_shows_its_line_again(capsys):
    bar = ProgressBar()
    bar.set_params({"verbose": 2, "epochs": 1, "steps": 1})
    bar.on_train_begin()
    bar.on_train_end()
    bar.on_test_begin()
    bar.on_test_end({"loss": 0.5})

    assert "loss: 0.5000" in capsys.readouterr().out


def test_progbar_logger_is_keras_name_of_the_bar():
    assert ProgbarLogger is ProgressBar


@on_terminal
def test_a_batch_is_wanted_only_when_a_drawing_is_due(terminal, clock):
    both = CallbackList([EarlyStopping()], add_progbar=True, model=SimpleNamespace(), verbose=1, epochs=3, steps=99)
    both.on_train_begin()
    both.on_epoch_begin(0)

    assert both.listens_to_batches  # the end of the first step
    both.on_train_batch_end(0, LOGS)
    assert not both.listens_to_batches
    clock.now += progress.INTERVAL
    assert both.listens_to_batches
    both.on_train_batch_end(1, LOGS)
    assert not both.listens_to_batches
    both.release()


@on_terminal
def test_batches_of_a_validation_are_never_wanted(terminal, clock):
    both = CallbackList(add_progbar=True, verbose=1, epochs=3, steps=99)
    both.on_train_begin()
    both.on_epoch_begin(0)
    both.on_test_begin()
    clock.now += 9.0

    assert not both.listens_to_test_batches
    both.on_test_end({"loss": 0.5})
    assert both.listens_to_batches
    both.release()


@on_terminal
def test_an_error_ends_the_open_line(terminal, clock):
    with pytest.raises(KeyboardInterrupt), CallbackList(add_progbar=True, verbose=1, epochs=3, steps=9) as both:
        _interrupted_epoch(both, clock)

    assert terminal.getvalue().endswith("\n")
    assert terminal.rows()[1].startswith("1/9 ")


def _interrupted_epoch(both, clock):
    both.on_train_begin()
    both.on_epoch_begin(0)
    clock.now += 1.0
    both.on_train_batch_end(0, LOGS)
    raise KeyboardInterrupt


INTERRUPTED = """
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job starts with SIGINT ignored
from minirnn.callbacks import CallbackList
try:
    with CallbackList(add_progbar=True, verbose="auto", epochs=3, steps=1000) as callbacks:
        callbacks.on_train_begin()
        callbacks.on_epoch_begin(0)
        for batch in range(1000):
            time.sleep(0.02)
            if callbacks.listens_to_batches:
                callbacks.on_train_batch_end(batch, {"loss": 0.5})
except KeyboardInterrupt:
    print("stopped by Ctrl-C")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_ctrl_c_on_a_real_terminal_leaves_it_sane():
    import pty

    ours, theirs = pty.openpty()
    root = os.path.dirname(os.path.dirname(progress.__file__))
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "PYTHONPATH": root, "PYTHONIOENCODING": "utf-8"}
    child = subprocess.Popen([sys.executable, "-c", INTERRUPTED], stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    seen = b""
    try:
        while b"loss: 0.5000" not in seen:
            seen += os.read(ours, 4096)
        child.send_signal(signal.SIGINT)
        while chunk := _read_to_the_end(ours):
            seen += chunk
    finally:
        child.kill() if child.poll() is None and child.wait(20) is None else child.wait()
        os.close(ours)

    text = seen.decode()
    assert text.startswith("Epoch 1/3\r\n")
    assert text.endswith("loss: 0.5000\r\nstopped by Ctrl-C\r\n")
    assert "\x1b[?25" not in text  # the cursor was neither hidden nor had to be shown again


def _read_to_the_end(descriptor):
    try:
        return os.read(descriptor, 4096)
    except OSError:  # Linux's way of saying that the other end is closed
        return b""
