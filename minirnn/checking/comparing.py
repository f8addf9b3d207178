"""The first difference between an answer and the truth: the output, the place, and both values.

Comes in: an exercise, a case, an `Answer` and the truth. Goes out: a `Difference`, or None. What is looked at, in this order: it ran and
returned what it should, and then for each output its type, dtype, shape, and values. How far a value may be off is derived with each
exercise (``Output.allowed``), from the number of float64 roundings on its way.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minirnn.checking.asking import Answer, shape_text
from minirnn.checking.exercise import Arguments, Case, Exercise, Output
from minirnn.checking.patterns import pattern

Fact = tuple[str, str]


class Difference(NamedTuple):
    """What is wrong first.

    Attributes
    ----------
    facts : what to print: a word, and what it is.
    hint : what can be said without knowing the mistake; may be "".
    output : number of the output that differs; None if it is no output's.
    """

    facts: tuple[Fact, ...]
    hint: str = ""
    output: int | None = None


def first_difference(exercise: Exercise, case: Case, answer: Answer, truth: tuple[np.ndarray, ...]) -> Difference | None:
    """Compare what was answered with the truth."""
    arguments = case.arguments()
    if answer.values is None:
        return Difference((("problem", answer.problem),), answer.hint)
    for number, (output, value, expected) in enumerate(zip(exercise.outputs, answer.values, truth, strict=True)):
        difference = _wrong_kind(output, value, expected, case) or _wrong_values(output, np.asarray(value), expected, case, arguments)
        if difference:
            return difference._replace(facts=(*difference.facts, *_all_of_it(exercise, answer.values, truth)), output=number)
    return None


def fits(value: Any, expected: np.ndarray, allowed: Any) -> bool:
    """Whether a value is the expected one: kind, shape and, up to rounding, numbers."""
    if isinstance(value, list | tuple | dict | str) or value is None:
        return False
    given = np.asarray(value)
    if given.dtype.kind not in "iuf" or (given.dtype != expected.dtype and not (given.dtype.kind in "iu" and expected.dtype.kind == "i")):
        return False
    return given.shape == expected.shape and not _off(given, expected, allowed).any()


def _off(given: np.ndarray, expected: np.ndarray, allowed: Any) -> np.ndarray:
    """Where two arrays of one shape differ by more than rounding, or in being NaN or infinite."""
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(given - expected) <= allowed
    return ~(near | (given == expected) | (np.isnan(given) & np.isnan(expected)))


# ------------------------------------------------------------------------------------------------------------------- type, dtype, shape


def _wrong_kind(output: Output, value: Any, expected: np.ndarray, case: Case) -> Difference | None:
    number = output.letters == ""
    if not isinstance(value, np.ndarray | np.number | (int | float if number else np.ndarray)) or isinstance(value, bool):
        wanted = {"int": "a whole number", "float": "a float"}[output.kind] if number else f"a NumPy array {output.letters}"
        hint = f"Make an array of it: np.array({output.name})." if isinstance(value, list | tuple) and not number else ""
        return Difference((("problem", f"{output.name} is of type {type(value).__name__}, expected {wanted}"),), hint)
    given = np.asarray(value)
    integers, floats = given.dtype.kind in "iu", given.dtype == np.float64
    if not (integers if output.kind == "int" else floats or (number and isinstance(value, int))):
        wanted = "whole numbers (int)" if output.kind == "int" and not number else "a whole number" if output.kind == "int" else "float64"
        return Difference((("problem", f"{output.name} is {_dtype(value)}, expected {wanted}"),), _dtype_hint(given, output))
    if given.shape != expected.shape:
        wanted = "a number" if number else f"{shape_text(expected.shape)}, which is {output.letters}"
        problem = f"{output.name} has shape {shape_text(given.shape)}, expected {wanted}"
        return Difference((("problem", problem),), _shape_hint(given.shape, expected.shape, case))
    return None


def _dtype(value: Any) -> str:
    return str(value.dtype) if isinstance(value, np.ndarray | np.generic) else f"a {type(value).__name__}"


def _dtype_hint(given: np.ndarray, output: Output) -> str:
    if output.kind == "int":
        return "np.zeros and division make floats; ids pick rows of a table, which only whole numbers can: np.zeros(..., dtype=int)."
    if given.dtype.kind in "iu":
        return "An array made like an array of ids, or with dtype=int, cuts every fraction off: np.zeros(...) without a dtype is float64."
    if given.dtype.kind == "f":
        return "The arguments are float64 and so is the truth, so that a mistake can be told from rounding: leave the dtype out."
    return ""


def _shape_hint(given: tuple[int, ...], expected: tuple[int, ...], case: Case) -> str:
    if not expected:
        return "It is one number: sum or average over everything, or take it out of its array."
    if sorted(given) == sorted(expected):
        return "These are the right sizes in another order: transpose, or name the axes in the order of the exercise."
    if len(given) == len(expected) + 1:
        left = [axis for axis in range(len(given)) if given[:axis] + given[axis + 1 :] == expected]
        if left:
            letters = [letter for letter, size in case.sizes.items() if size == given[left[0]]]
            named = f" (here {' or '.join(letters)})" if letters else ""
            return f"There is one axis too many, number {left[0]} of size {given[left[0]]}{named}: sum or average over it."
    if len(given) + 1 == len(expected) and any(expected[:axis] + expected[axis + 1 :] == given for axis in range(len(expected))):
        return "One axis is missing: is something summed over it, or only its last place returned?"
    if np.prod(given) == np.prod(expected):
        return "There are as many numbers as there should be: reshape, or keep the axes apart."
    if len(given) == len(expected):
        (*differing,) = (axis for axis in range(len(given)) if given[axis] != expected[axis])
        if len(differing) == 1 and given[differing[0]] + 1 == expected[differing[0]]:
            return f"Axis {differing[0]} is one place short: with states, slot 0 is the initial one, so T steps need T+1 slots."
    return ""


# ------------------------------------------------------------------------------------------------------------------------------ values


def _wrong_values(output: Output, given: np.ndarray, expected: np.ndarray, case: Case, arguments: Arguments) -> Difference | None:
    allowed = output.allowed(arguments, expected)
    off = _off(given, expected, allowed)
    if not off.any():
        return None
    place = _first(off, output)
    at = f"[{', '.join(map(str, place))}]" if place else ""
    yours, wanted = two_numbers(given[place], expected[place])
    facts = [("place", f"{output.name}{at}: {output.place(*place)}"), ("yours", yours), ("expected", wanted)]
    if output.letters:
        facts += [*_rows(given, expected, place), ("in all", _in_all(output, given, expected, off, allowed))]
    return Difference(tuple(facts), pattern(output, given, expected, off, case))


def _first(off: np.ndarray, output: Output) -> tuple[int, ...]:
    """The first place that is off, in the order in which the function works: along ``walk``, and from its end if it runs back."""
    if output.walk is None:
        return tuple(int(axis) for axis in np.argwhere(off)[0])
    ahead = np.moveaxis(off, output.walk, 0)
    step, *others = (int(axis) for axis in np.argwhere(ahead[::-1] if output.backwards else ahead)[0])
    others.insert(output.walk, len(ahead) - 1 - step if output.backwards else step)
    return tuple(others)


def two_numbers(one: Any, other: Any) -> tuple[str, str]:
    """Both with as many digits as it takes to tell them apart, and two more."""
    if isinstance(one, int | np.integer) and isinstance(other, int | np.integer):
        return str(one), str(other)
    one, other = float(one), float(other)
    for digits in range(4, 18):
        if f"{one:.{digits}g}" != f"{other:.{digits}g}":
            return f"{one:.{digits + 2}g}", f"{other:.{digits + 2}g}"
    return repr(one), repr(other)


def _rows(given: np.ndarray, expected: np.ndarray, place: tuple[int, ...]) -> list[Fact]:
    """Short rows of whole numbers are easier to read as a whole."""
    mine, wanted = given[place[:-1]], expected[place[:-1]]
    if not 1 < wanted.size <= 20 or not (np.isfinite(mine).all() and (mine == np.round(mine)).all() and (wanted == np.round(wanted)).all()):
        return []
    rows = [f"[{' '.join(str(int(number)) for number in row)}]" for row in (mine, wanted)]
    where = f"[{', '.join(map(str, place[:-1]))}]" if len(place) > 1 else ""
    return [("its row", f"yours    {rows[0]}\nexpected {rows[1]}")] if where else [("all of it", f"yours    {rows[0]}\nexpected {rows[1]}")]


def _in_all(output: Output, given: np.ndarray, expected: np.ndarray, off: np.ndarray, allowed: Any) -> str:
    said = f"{int(off.sum())} of {off.size} numbers of {output.name} differ"
    bad = int((~np.isfinite(given)).sum())
    if bad:
        return f"{said}; {bad} are NaN or infinite"
    if output.kind == "int":
        return said
    with np.errstate(over="ignore"):
        said = f"{said}, by up to {np.abs(given - expected).max():.2g}"
    return f"{said}; rounding explains no more than {np.max(allowed):.1g}" if np.any(allowed) else said


def _all_of_it(exercise: Exercise, values: tuple[Any, ...], truth: tuple[np.ndarray, ...]) -> list[Fact]:
    """For a few numbers: everything that was returned."""
    if len(truth) == 1 or any(output.letters for output in exercise.outputs):
        return []
    return [("returned", f"({', '.join(map(str, values))}), expected ({', '.join(str(expected) for expected in truth)})")]
