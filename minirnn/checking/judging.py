"""Judge a reader's function: call it on every case, find the first difference, and the mistake whose numbers it gives.

Comes in: an exercise and a function. Goes out: a `Verdict`.

A known mistake is named only if it is certain: its twin, run on the case that failed, gives the very numbers that the reader's function
gave, in the output that differs, and they are not the right ones. Of several such, the one that agrees on most of the other cases. Where
it does not agree on all of them, the hint says so; then another case must show it, too, and what may come by chance, zeros say, is no sign.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minirnn.checking.asking import Answer, ask, shape_text
from minirnn.checking.comparing import Difference, Fact, first_difference, fits
from minirnn.checking.exercise import Case, Exercise, Mistake
from minirnn.checking.verdict import Verdict, message


class Found(NamedTuple):
    """A known mistake, and on how many cases the function makes it."""

    mistake: Mistake
    everywhere: bool


def judge(exercise: Exercise, function: Callable[..., Any]) -> Verdict:
    """Check the function on every case of the exercise."""
    refused = _other_parameters(exercise, function)
    if refused is not None:
        return refused
    largest, allowed, warned = 0.0, 0.0, ""
    for number, case in enumerate(exercise.cases):
        answer, truth = ask(exercise, function, case), true_values(exercise, case)
        difference = first_difference(exercise, case, answer, truth)
        if difference:
            return _failed(exercise, function, number, answer, truth, difference)
        if answer.changed:
            return _failed(exercise, function, number, answer, truth, Difference(()))
        assert answer.values is not None
        for output, value, expected in zip(exercise.outputs, answer.values, truth, strict=True):
            if output.kind == "float" and expected.size:
                largest = max(largest, float(np.abs(np.asarray(value) - expected).max()))
                allowed = max(allowed, float(np.max(output.allowed(case.arguments(), expected))))
        if answer.warned and not warned:
            warned = f"On a case, {case.title}, NumPy warned: {answer.warned}. The numbers are right all the same."
    again = ask(exercise, function, case)
    difference = first_difference(exercise, case, again, truth)
    if difference:
        return _failed(exercise, function, number, again, truth, difference._replace(hint=AGAIN), again=True)
    return _passed(exercise, largest, allowed, warned)


CHANGED_ARRAY = (
    "a += ..., a *= ... and a[...] = ... write into the array that the caller gave and may need again: write a = a + ..., or work on "
    "a.copy()."
)
CHANGED_LIST = "insert, append and del change the list that the caller gave and may need again: build a new one, [0] * k + s, say."
AGAIN = (
    "Something is kept from one call to the next: a global array, or a default argument that is written into. Make it anew in each call."
)


def true_values(exercise: Exercise, case: Case) -> tuple[np.ndarray, ...]:
    """What the library gives, a tuple of arrays."""
    returned = exercise.truth(*case.arguments().values())
    return tuple(np.asarray(value) for value in (returned if isinstance(returned, tuple) else (returned,)))


def _other_parameters(exercise: Exercise, function: Callable[..., Any]) -> Verdict | None:
    """A verdict if the function cannot be called with the exercise's arguments, or names them in another order."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some compiled functions do not tell
        return None
    names = list(signature.parameters)
    hint = ""
    try:
        signature.bind(*exercise.parameters)
    except TypeError:
        count = len(exercise.parameters)
        hint = f"It is called with {count} arguments, by position: def {_name(exercise, function)}({', '.join(exercise.parameters)})."
    if sorted(names) == sorted(exercise.parameters) and tuple(names) != exercise.parameters:
        head = f"def {_name(exercise, function)}({', '.join(exercise.parameters)})"
        hint = f"The arguments come by position, in the exercise's order: {head}."
    if not hint:
        return None
    facts = (("yours", f"{_name(exercise, function)}{signature}"), ("expected", exercise.signature), ("hint", hint))
    headline = f"{exercise.name}: not yet. Its parameters are not those of the exercise, so it was not called."
    return Verdict(exercise.name, False, len(exercise.cases), message(headline, facts), hint)


def _name(exercise: Exercise, function: Callable[..., Any]) -> str:
    name = str(getattr(function, "__name__", type(function).__name__))
    return name if name.isidentifier() else f"my_{exercise.name}"


def _passed(exercise: Exercise, largest: float, allowed: float, warned: str) -> Verdict:
    headline = f"{exercise.name}: passed. All {len(exercise.cases)} cases agree with minirnn's own."
    facts: list[Fact] = [("tried", "; ".join(dict.fromkeys(case.title for case in exercise.cases)))]
    if any(output.kind == "float" for output in exercise.outputs) and allowed:
        same = "to the last bit" if largest == 0 else f"to {largest:.1g}, which is float64's rounding"
        facts.append(("agrees", same))
    if warned:
        facts.append(("note", warned))
    return Verdict(exercise.name, True, len(exercise.cases), message(headline, facts))


def _failed(
    exercise: Exercise,
    function: Callable[..., Any],
    number: int,
    answer: Answer,
    truth: tuple[np.ndarray, ...],
    difference: Difference,
    again: bool = False,
) -> Verdict:
    case, count = exercise.cases[number], len(exercise.cases)
    found = [] if again else known_mistakes(exercise, function, number, answer, truth, difference)
    hint = _hint_of(found, answer) or difference.hint
    if again:
        headline = "Called a second time with the same arguments, it gives another answer."
    elif number == 0:
        headline = f"The first of {count} cases fails."
    else:
        headline = f"Case {number + 1} of {count} fails, the {f'{number} before it are' if number > 1 else 'one before it is'} right."
    if not hint and exercise.reckon and difference.output is not None:
        hint = exercise.reckon(case.arguments(), truth)
    facts: list[Fact] = [("case", str(case)), *_given(exercise, case, answer), *difference.facts]
    if answer.changed:
        also = "also " if difference.facts else ""
        facts.append(("changed", f"it {also}wrote into its argument{'s' * (len(answer.changed) > 1)} {', '.join(answer.changed)}"))
        if not found:
            changed = CHANGED_LIST if isinstance(case.arguments()[answer.changed[0]], list) else CHANGED_ARRAY
            hint = f"{hint} {changed}".strip()
    facts += [("hint", hint)] * bool(hint)
    received: Any = answer.values
    expected: Any = truth
    if len(truth) == 1:
        received, expected = None if answer.values is None else answer.values[0], truth[0]
    return Verdict(
        exercise.name,
        False,
        count,
        message(f"{exercise.name}: not yet. {headline}", facts),
        hint,
        found[0].mistake.name if len(found) == 1 else "",
        case.arguments(),
        received,
        expected,
        answer.error,
    )


def _given(exercise: Exercise, case: Case, answer: Answer) -> list[Fact]:
    """The arguments that are short enough to be read; and where an exception was raised, the shapes of the arrays."""
    shown = []
    for (name, value), letters in zip(case.arguments().items(), exercise.shapes, strict=True):
        if answer.error is not None and isinstance(value, np.ndarray):
            shown.append(
                f"{name} {letters.split(' ')[0]} = {shape_text(value.shape)}" if letters[0] == "(" else f"{name} {shape_text(value.shape)}"
            )
        elif isinstance(value, list) or (isinstance(value, np.ndarray) and value.dtype.kind == "i" and value.size <= 24):
            text = str(value.tolist() if isinstance(value, np.ndarray) else value)
            if len(text) <= 160:
                shown.append(f"{name} = {text}")
        elif isinstance(value, int | float):
            shown.append(f"{name} = {value:g}")
    return [("given", ", ".join(shown))] if shown else []


# --------------------------------------------------------------------------------------------------------------------- known mistakes


def known_mistakes(
    exercise: Exercise, function: Callable[..., Any], number: int, answer: Answer, truth: tuple[np.ndarray, ...], difference: Difference
) -> list[Found]:
    """The mistakes whose numbers these are: one that agrees on every case, or else those that agree best; none if none agrees."""
    candidates = []
    for mistake in exercise.mistakes:
        twin = _of_twin(exercise, mistake, exercise.cases[number])
        if _same_failure(exercise, number, answer, twin, truth, difference.output):
            candidates.append(mistake)
    if not candidates:
        return []
    answers = [ask(exercise, function, case) for case in exercise.cases]
    scores = [
        sum(
            _same_answer(exercise, case, given, _of_twin(exercise, mistake, case))
            for case, given in zip(exercise.cases, answers, strict=True)
        )
        for mistake in candidates
    ]
    best = max(scores)
    if best == len(answers):
        return [Found(candidates[scores.index(best)], True)]
    if (
        answer.values is None
        or difference.output is None
        or not _telling(exercise, answer.values[difference.output], truth, difference.output)
    ):
        return []
    named = {
        mistake.when: mistake
        for mistake, score in zip(candidates, scores, strict=True)
        if score == best and _seen_elsewhere(exercise, mistake, answers, number, difference.output)
    }
    return [Found(mistake, False) for mistake in list(named.values())[:2]]


def _telling(exercise: Exercise, value: Any, truth: Sequence[np.ndarray], output: int) -> bool:
    """Whether a wrong output is unlikely to come about by chance: not a shape, nor two small numbers, nor zeros or NaN."""
    given = np.asarray(value)
    if given.shape != truth[output].shape or not any(of.letters for of in exercise.outputs):
        return False
    wrong = given[given != truth[output]]
    return bool((np.isfinite(wrong) & (wrong != 0)).any())


def _seen_elsewhere(exercise: Exercise, mistake: Mistake, answers: Sequence[Answer], number: int, output: int) -> bool:
    """Whether the function makes the mistake on another case, too."""
    return any(
        _same_failure(exercise, other, answer, _of_twin(exercise, mistake, case), true_values(exercise, case), output)
        for other, (case, answer) in enumerate(zip(exercise.cases, answers, strict=True))
        if other != number
    )


def _of_twin(exercise: Exercise, mistake: Mistake, case: Case) -> Answer:
    with np.errstate(all="ignore"):
        return ask(exercise, mistake.twin, case)


def _same_failure(exercise: Exercise, number: int, answer: Answer, twin: Answer, truth: Sequence[np.ndarray], output: int | None) -> bool:
    """Whether the twin fails on the case as the function did: the same numbers in the output that differs, or the same exception."""
    if output is None:
        return answer.error is not None and _same_error(answer, twin)
    if answer.values is None or twin.values is None:
        return False
    case, of = exercise.cases[number], exercise.outputs[output]
    arguments, expected = case.arguments(), np.asarray(twin.values[output])
    if fits(expected, truth[output], of.allowed(arguments, truth[output])):
        return False
    return fits(answer.values[output], expected, _allowed(of, arguments, expected, truth[output]))


def _same_answer(exercise: Exercise, case: Case, answer: Answer, twin: Answer) -> bool:
    """Whether function and twin do the same with a whole case."""
    if answer.values is None or twin.values is None:
        return answer.error is not None and _same_error(answer, twin)
    arguments, truth = case.arguments(), true_values(exercise, case)
    return all(
        fits(value, np.asarray(wrong), _allowed(output, arguments, np.asarray(wrong), true))
        for output, value, wrong, true in zip(exercise.outputs, answer.values, twin.values, truth, strict=True)
    )


def _allowed(output: Any, arguments: dict[str, Any], wrong: np.ndarray, true: np.ndarray) -> Any:
    """How far rounding may take a number from the twin's: the truth's own share, grown with the numbers where those are larger."""
    if output.kind == "int":
        return 0.0
    with np.errstate(all="ignore"):
        of_truth = float(np.max(output.allowed(arguments, true), initial=0.0))
        size = float(np.max(np.abs(wrong[np.isfinite(wrong)]), initial=0.0))
        wanted = float(np.max(np.abs(true), initial=0.0))
    grown = size / wanted if wanted else 1.0
    return of_truth * max(1.0, grown)


def _same_error(answer: Answer, twin: Answer) -> bool:
    return type(answer.error) is type(twin.error) and str(answer.error) == str(twin.error)


def _hint_of(found: list[Found], answer: Answer) -> str:
    if not found:
        return ""
    when = ", or when ".join(one.mistake.when for one in found)
    fix = " ".join(dict.fromkeys(one.mistake.fix for one in found))
    if answer.error is not None:
        return f"It is the error that one gets when {when}. {fix}"
    here = "Your" if found[0].everywhere else "On this case your"
    return f"{here} numbers are exactly those one gets when {when}. {fix}"
