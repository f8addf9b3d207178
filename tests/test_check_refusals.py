"""How ``minirnn.check`` deals with what is no wrong number: exceptions, other types and shapes, changed arguments, wrong names."""

import numpy as np
import pytest
from check_solutions import SOLUTIONS, my_rnn_backward, my_rnn_forward

import minirnn
from minirnn.checking import EXERCISES


def _in_one_line(verdict):
    return " ".join(verdict.message.split())


def test_a_function_that_writes_into_its_arguments_is_caught_even_if_its_answer_is_right():
    def in_place(dh_last, x, Wx, Wh, hs):
        gradients = my_rnn_backward(dh_last, x, Wx, Wh, hs)
        dh_last *= 0.5
        return gradients

    verdict = minirnn.check(in_place, "rnn_backward")
    assert not verdict
    assert "it wrote into its argument dh_last" in verdict.message
    assert "a.copy()" in verdict.hint


def test_lists_that_are_filled_in_place_are_caught():
    def fill(sequences, maxlen):
        for sequence in sequences:
            sequence[:] = [0] * (maxlen - len(sequence)) + sequence[-maxlen:]
        return np.array(sequences)

    verdict = minirnn.check(fill, "pad_sequences")
    assert "wrote into its argument sequences" in verdict.message
    assert "build a new one" in verdict.hint


def test_a_function_that_keeps_something_between_calls_is_caught():
    sums = {}

    def into_a_global(dx, ids, V):
        total = sums.setdefault((dx.shape, V), np.zeros((V, dx.shape[2])))
        np.add.at(total, ids, dx)
        return total.copy()

    verdict = minirnn.check(into_a_global, "embedding_backward")
    assert "Called a second time with the same arguments" in verdict.message
    assert "kept from one call to the next" in verdict.hint


def test_an_exception_is_reported_with_its_case_and_the_line_that_raised_it():
    def one_too_far(x, Wx, Wh, b):
        hs = np.zeros((len(x), x.shape[1] + 1, len(b)))
        for t in range(1, x.shape[1] + 1):
            hs[:, t] = np.tanh(x[:, t] @ Wx + hs[:, t - 1] @ Wh + b)
        return hs

    verdict = minirnn.check(one_too_far, "rnn_forward")
    assert isinstance(verdict.error, IndexError)
    assert "case     all sizes 1: B=1, T=1, E=1, H=1" in verdict.message
    assert "raised IndexError: index 1 is out of bounds" in verdict.message
    assert "hs[:, t] = np.tanh(x[:, t] @ Wx" in verdict.message
    assert "Wh (H,H) = (1,1)" in verdict.message


def test_an_exception_that_comes_late_names_the_case_that_raised_it():
    def no_long_ones(x, Wx, Wh, b):
        if x.shape[1] > 30:
            raise RuntimeError
        return my_rnn_forward(x, Wx, Wh, b)

    verdict = minirnn.check(no_long_ones, "rnn_forward")
    assert "Case 15 of 15 fails, the 14 before it are right." in verdict.message
    assert "raised RuntimeError" in verdict.message


@pytest.mark.parametrize(
    ("wrong", "name", "said"),
    [
        (lambda *arguments: None, "rnn_forward", "returned None"),
        (lambda *arguments: my_rnn_forward(*arguments).tolist(), "rnn_forward", "hs is of type list, expected a NumPy array (B,T+1,H)"),
        (lambda *arguments: my_rnn_forward(*arguments).astype("f4"), "rnn_forward", "hs is float32, expected float64"),
        (lambda *arguments: my_rnn_forward(*arguments)[:, :, None], "rnn_forward", "hs has shape (1,2,1,1), expected (1,2,1)"),
        (lambda *arguments: my_rnn_forward(*arguments) * np.nan, "rnn_forward", "2 are NaN or infinite"),
        (lambda *arguments: (my_rnn_forward(*arguments), 1), "rnn_forward", "returned a tuple of 2, expected hs alone"),
        (lambda *arguments: SOLUTIONS["pad_sequences"](*arguments) * 1.0, "pad_sequences", "ids is float64, expected whole numbers (int)"),
        (lambda *arguments: my_rnn_backward(*arguments)["dWh"], "rnn_backward", "returned one float64 array (1,1), expected 4 values"),
        (lambda *arguments: tuple(my_rnn_backward(*arguments))[:3], "rnn_backward", "returned 3 values, expected 4: (dx, dWx, dWh, db)"),
        (lambda *arguments: {"dx": 0, "dWX": 0}, "rnn_backward", "It lacks dWx, dWh, db. It does not ask for dWX."),
        (lambda logits, y: (str(len(y)), y), "bce_logits", "loss is of type str, expected a float"),
        (lambda logits, y: (y, y), "bce_logits", "loss has shape (1,1), expected a number"),
        (lambda losses, patience: (float(len(losses)), 1), "early_stopping", "epochs is a float, expected a whole number"),
    ],
)
def test_what_came_instead_is_said(wrong, name, said):
    verdict = minirnn.check(wrong, name)
    assert not verdict
    assert said in _in_one_line(verdict)


def test_other_parameters_are_said_before_anything_is_called():
    def my_forward(x, Wx, Wh):
        raise AssertionError("called")

    verdict = minirnn.check(my_forward, "rnn_forward")
    assert not verdict
    assert "my_forward(x, Wx, Wh)" in verdict.message
    assert "It is called with 4 arguments" in verdict.hint


def test_the_right_parameters_in_another_order_are_said():
    verdict = minirnn.check(lambda x, Wh, Wx, b: my_rnn_forward(x, Wx, Wh, b), "rnn_forward")
    assert "The arguments come by position" in verdict.hint


def test_a_verdict_shows_itself_in_a_notebook_and_prints_nothing(capsys):
    verdict = minirnn.check(SOLUTIONS["rmsprop_step"], "rmsprop_step")
    assert repr(verdict) == str(verdict) == verdict.message
    assert capsys.readouterr().out == ""


def test_an_unknown_exercise_lists_those_there_are():
    with pytest.raises(ValueError, match=r"no exercise named 'rnn_forwards'\. Did you mean 'rnn_forward'") as caught:
        minirnn.check(my_rnn_forward, "rnn_forwards")
    for exercise in EXERCISES.values():
        assert exercise.signature in str(caught.value)
        assert f"``{exercise.name}({', '.join(exercise.parameters)})``" in minirnn.check.__doc__
    assert repr(minirnn.exercises()) in str(caught.value)


@pytest.mark.parametrize(
    ("function", "name", "said"),
    [
        (np.zeros(3), "rnn_forward", "without calling it"),
        ("rnn_forward", my_rnn_forward, "The function comes first: check\\(my_rnn_forward, 'rnn_forward'\\)"),
    ],
)
def test_what_is_no_function_is_refused(function, name, said):
    with pytest.raises(TypeError, match=said):
        minirnn.check(function, name)
