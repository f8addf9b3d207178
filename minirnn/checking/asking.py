"""Call a reader's function with the arguments of a case, and take what it returns apart.

Comes in: an exercise, a function, a case. Goes out: an `Answer`: as many values as the exercise has outputs, or what went wrong. Nothing is
converted here but numbers to arrays of no axis: what is of the wrong type stays what it is, and ``comparing.py`` says so.
"""

from __future__ import annotations

import inspect
import traceback
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from minirnn.checking.exercise import Arguments, Case, Exercise


class Answer(NamedTuple):
    """What a function did with a case.

    Attributes
    ----------
    values : one for each output, in order; None if there are none to be had.
    problem : why not, and a hint; "" and "" if there are.
    hint : see ``problem``.
    error : what the function raised.
    changed : names of arguments that are not what they were.
    warned : the first RuntimeWarning, NumPy's "overflow encountered in exp" say; "" if there was none.
    """

    values: tuple[Any, ...] | None
    problem: str = ""
    hint: str = ""
    error: Exception | None = None
    changed: tuple[str, ...] = ()
    warned: str = ""


def ask(exercise: Exercise, function: Callable[..., Any], case: Case) -> Answer:
    """Call the function with the case's arguments, by position."""
    arguments = case.arguments()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RuntimeWarning)
        try:
            returned = function(*arguments.values())
        except Exception as error:
            return Answer(None, *_raised(function, error), error, changed_arguments(arguments, case.arguments()))
    warned = ""
    for warning in caught:
        if not issubclass(warning.category, RuntimeWarning):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        elif not warned:
            warned = str(warning.message)
    values, problem, hint = _take_apart(exercise, returned)
    return Answer(values, problem, hint, None, changed_arguments(arguments, case.arguments()), warned)


def changed_arguments(after: Arguments, before: Arguments) -> tuple[str, ...]:
    """Names of the arguments that a call has written into."""
    return tuple(
        name
        for name, value in before.items()
        if not (np.array_equal(after[name], value) if isinstance(value, np.ndarray) else after[name] == value)
    )


def _raised(function: Callable[..., Any], error: Exception) -> tuple[str, str]:
    """What was raised, and in which line of the reader's; and a hint for the errors that NumPy words for those who know it."""
    said = f"raised {type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")
    file = getattr(getattr(inspect.unwrap(function), "__code__", None), "co_filename", None)
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    if own and own[-1].line:
        said += f"\nin line {own[-1].lineno}: {own[-1].line}"
    text = str(error)
    if isinstance(error, IndexError) and "out of bounds" in text:
        return said, "An axis of n places has the indices 0..n-1. Loops over time run over range(T), the slots of hs from 0 to T."
    if isinstance(error, IndexError) and "must be integers" in text.replace("of integer", "must be integers"):
        return said, "Only whole numbers pick rows: make the array with dtype=int."
    if isinstance(error, ValueError) and ("matmul" in text or "broadcast" in text or "not aligned" in text):
        return said, "Write the shapes of both sides beside that line, in letters: the axis that is summed over must be the same letter."
    return said, ""


def _take_apart(exercise: Exercise, returned: Any) -> tuple[tuple[Any, ...] | None, str, str]:
    """The values, or None with the problem and a hint."""
    names = tuple(output.name for output in exercise.outputs)
    wanted = names[0] if len(names) == 1 else f"({', '.join(names)})"
    if returned is None:
        return None, "returned None", f"A function without a return gives None: end it with return {wanted.strip('()')}."
    if len(names) == 1:
        if isinstance(returned, Mapping) and set(returned) == set(names):
            return (returned[names[0]],), "", ""
        if isinstance(returned, tuple) and len(returned) == 1:
            return returned, "", ""
        if isinstance(returned, tuple):
            return None, f"returned a tuple of {len(returned)}, expected {wanted} alone", f"End it with return {wanted}."
        return (returned,), "", ""
    if isinstance(returned, Mapping):
        missing, strange = [name for name in names if name not in returned], [str(key) for key in returned if key not in names]
        if not missing and not strange:
            return tuple(returned[name] for name in names), "", ""
        said = f"returned a dict with the names {', '.join(map(str, returned)) or '(none)'}; expected {', '.join(names)}"
        return (
            None,
            said,
            " ".join([f"It lacks {', '.join(missing)}."] * bool(missing) + [f"It does not ask for {', '.join(strange)}."] * bool(strange)),
        )
    if isinstance(returned, tuple | list):
        if len(returned) == len(names):
            return tuple(returned), "", ""
        return None, f"returned {len(returned)} values, expected {len(names)}: {wanted}", f"End it with return {wanted.strip('()')}."
    return None, f"returned one {kind_of(returned)}, expected {len(names)} values: {wanted}", f"End it with return {wanted.strip('()')}."


def kind_of(value: Any) -> str:
    """What a value is, in a word or two: "list", "float64 array (3,5)"."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} array {shape_text(value.shape)}"
    return type(value).__name__


def shape_text(shape: tuple[int, ...]) -> str:
    """(3,5,4), as the letters are written."""
    return f"({','.join(map(str, shape))}{',' * (len(shape) == 1)})"
