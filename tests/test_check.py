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


def _as_tuple(returned):
    if isinstance(returned, dict):
        return tuple(returned.values())
    return returned if isinstance(returned, tuple) else (returned,)


def _scaled(name, factor):
    def function(*arguments):
        scaled = tuple(factor * part for part in _as_tuple(SOLUTIONS[name](*arguments)))
        return scaled if len(scaled) > 1 else scaled[0]

    return function


@pytest.mark.parametrize("name", [name for name in EXERCISES if name not in ("pad_sequences", "early_stopping")])
def test_a_difference_of_a_billionth_is_seen_and_no_mistake_is_made_up(name):
    verdict = minirnn.check(_scaled(name, 1 + 1e-9), name)
    assert not verdict
    assert verdict.mistake == ""
    assert "exactly those" not in _in_one_line(verdict)


@pytest.mark.parametrize("name", EXERCISES)
def test_numbers_drawn_at_random_are_no_known_mistake(name):
    rng = np.random.default_rng(7)

    def drawn(*arguments):
        parts = [np.asarray(part) for part in _as_tuple(EXERCISES[name].truth(*arguments))]
        wrong = [part + rng.integers(1, 9, part.shape) if part.dtype.kind == "i" else part + rng.normal(size=part.shape) for part in parts]
        return tuple(wrong) if len(wrong) > 1 else wrong[0]

    verdict = minirnn.check(drawn, name)
    assert not verdict
    assert verdict.mistake == ""
    assert "exactly those" not in _in_one_line(verdict)


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
