"""The progress line: its words, what it leaves on a terminal and in a file, its price, and Ctrl-C."""

import contextlib
import functools
import importlib.util
import io
import os
import re
import signal
import subprocess
import sys
import warnings
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minirnn import progress
from minirnn.callbacks import CallbackList, EarlyStopping, LambdaCallback, ModelCheckpoint, ProgbarLogger, ProgressBar
from minirnn.progress import ProgressLine, announce, choose_form

BAR = "━" * 20
LOGS = {"accuracy": 0.7321, "loss": 0.5432}


class Terminal(io.StringIO):
    """A standard output that says it is a terminal, and can say what stands on it."""

    def isatty(self):
        return True

    def rows(self):
        """Follow the two controls that the line uses: carriage return and erase line."""
        rows = []
        for row in re.sub(r"\x1b\[[0-9;]*m", "", self.getvalue()).split("\n"):
            last = row.split("\r\x1b[2K")[-1]
            assert not re.search(r"[\x00-\x1f]", last), f"another control code: {last!r}"
            rows.append(last)
        return rows


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def on_terminal(test):
    """Run a test with the fixture `terminal` as standard output (pytest puts its own there after a fixture is set up)."""

    @functools.wraps(test)
    def run(*arguments, terminal, **fixtures):
        with contextlib.redirect_stdout(terminal):
            test(*arguments, terminal=terminal, **fixtures)

    return run


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("NO_COLOR", raising=False)
    progress._console.cache_clear()
    yield Terminal()
    assert progress._open_line is None, "a test left its line open"
    progress._console.cache_clear()


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


@pytest.mark.parametrize(
    ("verbose", "on_terminal", "form"),
    [
        (0, True, "silent"),
        (0, False, "silent"),
        (False, True, "silent"),
        (1, True, "live"),
        (True, True, "live"),
        (1, False, "bar"),
        (2, True, "line"),
        (2, False, "line"),
        ("auto", True, "live"),
        ("auto", False, "joined"),
    ],
)
def test_form_table(verbose, on_terminal, form):
    assert choose_form(verbose, on_terminal) == form


@pytest.mark.parametrize("verbose", [3, -1, None, "Auto", 1.5])
def test_unknown_verbose_is_refused_before_any_work(verbose):
    with pytest.raises(ValueError, match=r"verbose must be 0 .* or 'auto', received"):
        CallbackList(add_progbar=True, verbose=verbose, epochs=2, steps=3)


@pytest.mark.parametrize("steps", [None, -1, 2.5, True])
def test_unknown_steps_are_refused(steps):
    with pytest.raises(ValueError, match="steps must be the number of batches of an epoch"):
        CallbackList(add_progbar=True, verbose=1, epochs=2, steps=steps)


@pytest.mark.parametrize("term", ["dumb", "unknown"])
@on_terminal
def test_terminal_that_cannot_be_drawn_on_counts_as_none(terminal, monkeypatch, term):
    monkeypatch.setenv("TERM", term)

    assert choose_form(1) == "bar"


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
def test_moving_line_shows_what_is_left(terminal):
    clock = Clock()
    line = ProgressLine(200, "live", clock=clock)
    clock.now += 3.0  # the first step compiles, and is left out of the mean
    line.update(1, {"loss": 0.75})
    clock.now += 4.9
    line.update(50, {"loss": 0.5})

    assert terminal.rows() == [f" 50/200 {BAR} 15s 100ms/step - loss: 0.5000"]
    assert terminal.getvalue().endswith(f"\x1b[32m{BAR[:5]}\x1b[0m\x1b[37m{BAR[5:]}\x1b[0m \x1b[1m15s\x1b[0m 100ms/step - loss: 0.5000")
    line.abandon()


@on_terminal
def test_line_is_drawn_at_most_every_interval(terminal):
    clock = Clock()
    line = ProgressLine(1000, "live", clock=clock)
    for step in range(1000):
        clock.now += 1e-3
        if line.due():
            line.update(step + 1, LOGS)

    # One second: about ten drawings, each after the first erasing the one before.
    assert 8 <= terminal.getvalue().count("\x1b[2K") <= 10
    line.abandon()


@on_terminal
def test_a_short_epoch_is_drawn_once(terminal, clock):
    fit(verbose=1, epochs=1, clock=clock, seconds=0.001)

    assert "\r" not in terminal.getvalue()


@on_terminal
def test_line_wider_than_the_terminal_is_cut_while_it_moves_and_whole_at_the_end(terminal, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    clock = Clock()
    line = ProgressLine(10, "live", clock=clock)
    clock.now += 1.0
    line.update(1, {"accuracy": 0.5, "loss": 0.5, "precision": 0.5})
    moving = terminal.rows()[-1]
    line.finish({})

    assert len(moving) == 60
    assert moving.endswith("…")
    assert terminal.rows()[-2] == f"10/10 {BAR} 1s 0s/step - accuracy: 0.5000 - loss: 0.5000 - precision: 0.5000"


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


def test_zero_steps_do_not_crash(capsys):
    for form in ("bar", "line", "joined"):
        ProgressLine(0, form).finish({})

    assert capsys.readouterr().out.count("0/0") == 3


def test_whatever_a_callback_puts_in_the_logs_is_shown(capsys, clock):
    ProgressLine(3, "line").finish({"note": "warm-up", "rates": [0.25, 0.75], "loss": float("nan"), "margin": -0.5})

    assert capsys.readouterr().out.endswith("- note: warm-up - rates: 0.5000 - loss: nan - margin: -0.5000\n")


def test_output_that_cannot_say_the_bar_gets_a_plain_one(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", write_through=True))

    ProgressLine(4, "bar").finish({})

    assert raw.getvalue().startswith(b"4/4 ==================== 0s")


def test_progbar_logger_is_keras_name_of_the_bar():
    assert ProgbarLogger is ProgressBar


def test_announce_keeps_its_line_end_where_there_is_no_bar(capsys):
    announce("\nEpoch 1: saving model to m.keras")

    assert capsys.readouterr().out == "\nEpoch 1: saving model to m.keras\n"


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
import time
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


LINES = {
    "total": st.integers(3, 2000),
    "first": st.floats(0.001, 5),
    "rest": st.floats(0.06, 9000),  # Keras draws nothing within 0.05 s of its last drawing
    "values": st.lists(st.floats(0, 1e6), min_size=1, max_size=3),
}


@pytest.mark.parametrize(("verbose", "form"), [(1, "bar"), (2, "line")])
@settings(max_examples=60, deadline=None)
@given(**LINES)
def test_finished_line_is_keras_line(verbose, form, total, first, rest, values):
    logs = {f"metric_{place}": value for place, value in enumerate(values)}
    clock, written, keras_written = Clock(), io.StringIO(), io.StringIO()
    keras_line = _keras_line(total, verbose, clock)
    line = ProgressLine(total, form, clock=clock)

    clock.now += first
    line.update(1, logs)
    with contextlib.redirect_stdout(keras_written):
        if verbose == 1:  # Keras's logger tells the line of the steps only then
            keras_line.update(1, list(logs.items()), finalize=False)
        clock.now += rest
        keras_line.update(total, list(logs.items()), finalize=True)
    with contextlib.redirect_stdout(written):
        line.finish(logs)

    assert written.getvalue().rstrip("\n") == _last_drawing(keras_written)


@settings(max_examples=60, deadline=None)
@given(**LINES)
def test_moving_line_is_keras_line(total, first, rest, values):
    logs = {f"metric_{place}": value for place, value in enumerate(values)}
    clock, keras_written = Clock(), io.StringIO()
    keras_line = _keras_line(total, 1, clock)
    line = ProgressLine(total, "bar", clock=clock)
    half = total // 2 + 1

    clock.now += first
    line.update(1, logs)
    with contextlib.redirect_stdout(keras_written):
        keras_line.update(1, list(logs.items()), finalize=False)
        clock.now += rest
        keras_line.update(half, list(logs.items()), finalize=False)

    assert "".join(text for text, _ in line._pieces(half, clock.now, finished=False)) == _last_drawing(keras_written)


@functools.cache
def _keras_progbar():
    """Load Keras's module a second time, so that replacing its clock touches nobody else's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Keras's own dependencies warn about is not tested here
        pytest.importorskip("keras")
    spec = importlib.util.find_spec("keras.src.utils.progbar")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _keras_line(total, verbose, clock):
    module = _keras_progbar()
    module.time = SimpleNamespace(time=clock)
    return module.Progbar(total, verbose=verbose, stateless_metrics=set())


def _last_drawing(stream):
    """Take from what Keras wrote the colours, all but the last drawing, and the blanks with which it wipes the one before."""
    return re.sub(r"\x1b\[\d+m", "", stream.getvalue()).split("\r")[-1].rstrip("\n ")
