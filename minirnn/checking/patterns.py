"""What a difference looks like, where no known mistake makes those numbers.

Comes in: an output, what was given and what was expected, of one shape, and where they differ. Goes out: a sentence that is true of the
numbers, which says where to look and does not guess why; or "".
"""

from __future__ import annotations

import numpy as np

from minirnn.checking.exercise import Case, Output

CLOSE = 1e-9
"""Relative: far above rounding, far below chance."""


def pattern(output: Output, given: np.ndarray, expected: np.ndarray, off: np.ndarray, case: Case) -> str:
    """The first of these that is true of the numbers."""
    if not np.isfinite(given).all():
        if np.isfinite(expected).all():
            return (
                "NaN comes from 0/0, from inf - inf or from the logarithm of a negative number, infinity from an overflow or from 1/0. "
                + ("Print what goes into that place.")
            )
        return ""
    if not given.any():
        return f"All of {output.name} is 0: is anything written to it, or is another array returned?"
    return _as_a_whole(output, given, expected, case) or _moved(given, expected) or _along_the_way(output, off) or _by_rows(output, off)


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and bool(np.abs(one - other).max() <= CLOSE * max(float(np.abs(other).max()), 1e-300))


def _as_a_whole(output: Output, given: np.ndarray, expected: np.ndarray, case: Case) -> str:
    """A sign, a factor."""
    if output.kind == "int" or not expected.any():
        return ""
    if _same(given, -expected):
        return f"{output.name} has the wrong sign, all of it."
    largest = np.unravel_index(int(np.argmax(np.abs(expected))), expected.shape)
    factor = float(given[largest] / expected[largest])
    if not np.isfinite(factor) or not factor or not _same(given, factor * expected):
        return ""
    if np.count_nonzero(expected) == 1 and not any(abs(whole - round(whole)) <= CLOSE * whole for whole in (factor, 1 / factor)):
        return ""  # any two numbers are each other's multiple; by a whole number they are not by chance
    named = [letter for letter, size in case.sizes.items() if size > 1 and np.isclose(factor, size, rtol=CLOSE)]
    named += [f"1/{letter}" for letter, size in case.sizes.items() if size > 1 and np.isclose(factor * size, 1, rtol=CLOSE)]
    known = f" Here that is {' or '.join(named)}: a sum where a mean belongs, or the other way round?" if named else ""
    return f"All of {output.name} is the right answer times {factor:.6g}.{known}"


def _moved(given: np.ndarray, expected: np.ndarray) -> str:
    """The right numbers in another place."""
    if given.ndim == 2 and _same(given, expected.T):
        return "These are the right numbers transposed."
    for axis in range(given.ndim):
        if given.shape[axis] > 1 and _same(given, np.flip(expected, axis)):
            return f"These are the right numbers in the wrong order: axis {axis} is turned round."
    for axis in range(given.ndim):
        if given.shape[axis] > 2:
            mine, wanted = np.moveaxis(given, axis, 0), np.moveaxis(expected, axis, 0)
            if wanted[1:].any() and _same(mine[:-1], wanted[1:]):
                return f"What belongs at place k of axis {axis} stands at k-1: an index is off by one."
            if wanted[:-1].any() and _same(mine[1:], wanted[:-1]):
                return f"What belongs at place k of axis {axis} stands at k+1: an index is off by one."
    return ""


def _along_the_way(output: Output, off: np.ndarray) -> str:
    """How far the loop over time came before it went wrong."""
    if output.walk is None or off.shape[output.walk] < 2:
        return ""
    wrong = np.array([place.any() for place in np.moveaxis(off, output.walk, 0)])
    order = np.flatnonzero(wrong[::-1] if output.backwards else wrong)
    first, last = int(order[0]), len(wrong) - 1
    if len(order) == 1 and first < last:
        return f"Only {output.steps} {last - first if output.backwards else first} is wrong, all others are right."
    if output.backwards:
        if first == 0:
            return "It is wrong from the very first step of the way back, t=T-1, before anything is carried: look at one step alone."
        right = "step of the input is" if first == 1 else f"{first} steps of the input are"
        return f"The last {right} right; it goes wrong at t={last - first}: look at what a step hands to the one before it."
    if first == 0:
        return "Slot 0 is the initial state: leave it 0, and let step t read slot t and write slot t+1."
    if first == 1:
        return "It is wrong from the very first step, where h_prev is 0 and only x_t·Wx + b counts: look at one step alone."
    return f"Up to slot {first - 1} all is right: look at what step t={first - 1} takes over from the state before."


def _by_rows(output: Output, off: np.ndarray) -> str:
    """Which rows are right."""
    if off.ndim < 2 or len(off) < 2:
        return ""
    right = np.flatnonzero(~off.reshape(len(off), -1).any(axis=1))
    if not len(right):
        return ""
    wrong = np.setdiff1d(np.arange(len(off)), right)
    few, name = (right, "right") if len(right) < len(wrong) else (wrong, "wrong")
    letter = output.letters.strip("()").split(",")[0].lower()
    if len(few) > 8 or not letter.isalpha():
        return ""
    verb, other = "is" if len(few) == 1 else "are", "wrong" if name == "right" else "right"
    return f"Only {letter}={', '.join(map(str, few))} {verb} {name}, all others are {other}."
