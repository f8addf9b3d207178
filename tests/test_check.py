"""``minirnn.check``: right functions pass, in whatever words; wrong ones get the first difference, and the hint that is theirs."""

import numpy as np
import pytest
from check_solutions import IN_OTHER_WORDS, SOLUTIONS, my_bce_logits, my_embedding_backward, my_rnn_backward, my_rnn_forward

import minirnn
from minirnn.checking import EXERCISES, backward, forward, optimizer, stopping
from minirnn.checking.judging import true_values
from minirnn.checking.verdict import WIDTH

KNOWN = [(name, mistake) for name, exercise in EXERCISES.items() for mistake in exercise.mistakes]


def _in_one_line(verdict):
    return " ".join(verdict.message.split())


# ---------------------------------------------------------------------------------------------------------------------- what is right


@pytest.mark.parametrize("name", EXERCISES)
def test_a_plain_solution_passes(name):
    verdict = minirnn.check(SOLUTIONS[name], name)
    assert verdict.passed, verdict
    assert verdict
    assert f"{name}: passed. All {verdict.cases} cases" in str(verdict)
    assert not verdict.hint


@pytest.mark.parametrize(("function", "name"), IN_OTHER_WORDS, ids=lambda part: getattr(part, "__name__", part))
def test_other_orders_of_summation_and_other_formulas_pass(function, name):
    verdict = minirnn.check(function, name)
    assert verdict.passed, verdict


@pytest.mark.parametrize("name", EXERCISES)
def test_what_rounding_is_allowed_is_small_beside_the_numbers(name):
    exercise = EXERCISES[name]
    for case in exercise.cases:
        arguments = case.arguments()
        for output, expected in zip(exercise.outputs, true_values(exercise, case), strict=True):
            allowed = output.allowed(arguments, expected)
            assert np.all(allowed <= 1e-11 * max(np.abs(expected).max(), 1)), (case, output.name, allowed)


def test_rounding_is_said_and_warnings_of_numpy_are_passed_on():
    def loss_with_a_plain_sigmoid(logits, y):
        return my_bce_logits(logits, y)[0], (1 / (1 + np.exp(-logits)) - y) / len(y)

    verdict = minirnn.check(loss_with_a_plain_sigmoid, "bce_logits")
    assert verdict.passed
    assert "which is float64's rounding" in _in_one_line(verdict)
    assert "NumPy warned: overflow encountered in exp" in _in_one_line(verdict)


@pytest.mark.parametrize("name", EXERCISES)
def test_every_exercise_tries_the_edges(name):
    sizes = [case.sizes for case in EXERCISES[name].cases]
    assert any(1 in case.values() for case in sizes)
    assert any(len(set(case.values())) == len(case) and min(case.values()) > 1 for case in sizes), "no case with sizes that all differ"


# -------------------------------------------------------------------------------------------------------------------- known mistakes


@pytest.mark.parametrize(("name", "mistake"), KNOWN, ids=[f"{name}: {mistake.name}" for name, mistake in KNOWN])
def test_a_known_mistake_gets_its_own_hint(name, mistake):
    with np.errstate(all="ignore"):
        verdict = minirnn.check(mistake.twin, name)
    assert not verdict
    assert verdict.mistake == mistake.name
    assert mistake.when in verdict.hint
    assert mistake.fix in verdict.hint
    lines = verdict.message.split("\n")
    assert f"{name}: not yet." in lines[0]
    assert max(map(len, lines)) <= WIDTH
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize(
    ("whole", "name"),
    [
        (forward._recur(lambda x, h, Wx, Wh, b: np.tanh(x @ Wx + h @ Wh + b)), "rnn_forward"),
        (backward._back(), "rnn_backward"),
        (optimizer._step(), "rmsprop_step"),
        (lambda val_losses, patience: stopping._stop(val_losses, patience, False, 0, False, False), "early_stopping"),
    ],
    ids=["rnn_forward", "rnn_backward", "rmsprop_step", "early_stopping"],
)
def test_what_the_twins_are_made_of_is_right_when_nothing_is_broken(whole, name):
    verdict = minirnn.check(whole, name)
    assert verdict.passed, verdict


def test_of_two_mistakes_the_first_is_named_with_reserve():
    def neither_bias_nor_order(x, Wx, Wh, b):
        return my_rnn_forward(x, Wx, Wh.T, 0 * b)

    verdict = minirnn.check(neither_bias_nor_order, "rnn_forward")
    assert verdict.mistake == "bias forgotten"
    assert verdict.hint.startswith("On this case your numbers are exactly")


# ---------------------------------------------------------------------------------------------------------------- unknown differences


def _scaled(name, factor):
    def function(*arguments):
        returned = SOLUTIONS[name](*arguments)
        if isinstance(returned, dict):
            returned = tuple(returned.values())
        return tuple(factor * part for part in returned) if isinstance(returned, tuple) else factor * returned

    return function


@pytest.mark.parametrize("name", [name for name in EXERCISES if name not in ("pad_sequences", "early_stopping")])
def test_a_difference_of_a_billionth_is_seen_and_no_mistake_is_made_up(name):
    verdict = minirnn.check(_scaled(name, 1 + 1e-9), name)
    assert not verdict
    assert verdict.mistake == ""
    assert "exactly those" not in verdict.message


@pytest.mark.parametrize(
    ("wrong", "name", "said"),
    [
        (lambda x, Wx, Wh, b: my_rnn_forward(x, Wx, 0.9 * Wh, b), "rnn_forward", "Up to slot 1 all is right"),
        (lambda x, Wx, Wh, b: my_rnn_forward(x, 0.9 * Wx, Wh, b), "rnn_forward", "It is wrong from the very first step"),
        (lambda x, Wx, Wh, b: 0 * my_rnn_forward(x, Wx, Wh, b), "rnn_forward", "All of hs is 0"),
        (lambda dh, x, Wx, Wh, hs: my_rnn_backward(dh, x, Wx, 0.9 * Wh, hs), "rnn_backward", "it goes wrong at t=0"),
        (lambda dx, ids, V: my_embedding_backward(dx, ids, V) * len(ids), "embedding_backward", "times 2. Here that is B"),
        (lambda dx, ids, V: -my_embedding_backward(dx, ids, V), "embedding_backward", "wrong sign"),
        (lambda ids, table: table[ids][:, :, ::-1], "embedding_forward", "axis 2 is turned round"),
        (lambda ids, table: np.roll(table, 1, axis=1)[ids] * (ids < 9)[..., None], "embedding_forward", ""),
        (lambda losses, patience: SOLUTIONS["early_stopping"](losses, 1), "early_stopping", "Then 2 epochs in a row bring nothing less"),
    ],
)
def test_an_unknown_mistake_is_described_by_what_is_true_of_its_numbers(wrong, name, said):
    verdict = minirnn.check(wrong, name)
    assert not verdict
    assert verdict.mistake == ""
    assert "exactly those" not in verdict.message
    assert said in _in_one_line(verdict)


@pytest.mark.parametrize(("number", "place"), [(8, (2, 4, 1)), (8, (0, 5, 5)), (14, (3, 17, 2))])
def test_one_wrong_number_is_found_at_its_place(number, place):
    calls = 0

    def wrong_once(*arguments):
        nonlocal calls
        hs = my_rnn_forward(*arguments)
        if calls == number:
            hs[place] += 1
        calls += 1
        return hs

    verdict = minirnn.check(wrong_once, "rnn_forward")
    b, slot, j = place
    assert f"Case {number + 1} of 15 fails" in verdict.message
    assert f"hs[{b}, {slot}, {j}]: row b={b}, slot {slot} (the state after step t={slot - 1}), unit j={j}" in verdict.message
    assert verdict.received[place] - verdict.expected[place] == pytest.approx(1)
    np.testing.assert_allclose(my_rnn_forward(**verdict.inputs), verdict.expected, atol=1e-13)


def test_of_several_places_the_first_is_the_one_the_loop_comes_to_first():
    def wrong_in_two_steps(*arguments):
        gradients = my_rnn_backward(*arguments)
        if arguments[1].shape[1] == 5:
            gradients["dx"][0, 1, 0] += 1
            gradients["dx"][2, 3, 0] += 1
        return gradients

    verdict = minirnn.check(wrong_in_two_steps, "rnn_backward")
    assert "dx[2, 3, 0]: row b=2, step t=3" in verdict.message  # the way back comes to t=3 before t=1


# -------------------------------------------------------------------------------------------------------------------- how it behaves


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
