"""One progress line: its words, what it leaves on a terminal and in a file, and that they are Keras's words."""

import contextlib
import functools
import importlib.util
import io
import re
import sys
import warnings
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from screen import BAR, LOGS, Clock, on_terminal

from minirnn.progress import ProgressLine, announce, choose_form


@pytest.mark.parametrize(
    ("verbose", "drawable", "form"),
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
def test_form_table(verbose, drawable, form):
    assert choose_form(verbose, drawable) == form


@pytest.mark.parametrize("term", ["dumb", "unknown"])
@on_terminal
def test_terminal_that_cannot_be_drawn_on_counts_as_none(terminal, monkeypatch, term):
    monkeypatch.setenv("TERM", term)

    assert choose_form(1) == "bar"


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


def test_zero_steps_do_not_crash(capsys):
    for form in ("bar", "line", "joined"):
        ProgressLine(0, form).finish({})

    assert capsys.readouterr().out.count("0/0") == 3


def test_whatever_a_callback_puts_in_the_logs_is_shown(capsys):
    ProgressLine(3, "line").finish({"note": "warm-up", "rates": [0.25, 0.75], "loss": float("nan"), "margin": -0.5})

    assert capsys.readouterr().out.endswith("- note: warm-up - rates: 0.5000 - loss: nan - margin: -0.5000\n")


def test_output_that_cannot_say_the_bar_gets_a_plain_one(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", write_through=True))

    ProgressLine(4, "bar").finish({})

    assert raw.getvalue().startswith(b"4/4 ==================== 0s")


def test_announce_keeps_its_line_end_where_there_is_no_bar(capsys):
    announce("\nEpoch 1: saving model to m.keras")

    assert capsys.readouterr().out == "\nEpoch 1: saving model to m.keras\n"


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
