"""What an exercise is made of: its outputs, its cases, the truth, and the mistakes that are known by their numbers.

Comes in: nothing; these are the records that the modules of exercises fill and ``judge.py`` reads. The truth of an exercise is always a
function of the library. A mistake is a small wrong twin of it and a sentence; the sentence is only ever said to a reader whose numbers are
the twin's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Arguments = dict[str, Any]

ROUNDING = float(np.finfo(np.float64).eps)
"""Relative error of one float64 operation, at most half of this."""


@dataclass(frozen=True)
class Output:
    """One thing that the function returns.

    Attributes
    ----------
    name : as in the exercise's signature.
    letters : its shape in letters, "(B,T,E)"; "" for a number.
    kind : "float" (float64) or "int" (of any width).
    place : an index -> where that is, in words.
    allowed : arguments and expected values -> how far rounding alone may take a number from them: one float, or one for each number.
        Integers have none.
    walk : axis along which the function works, so that the first difference is the first one made; ``backwards`` if from its end.
    backwards : see ``walk``.
    steps : what a place on that axis is called, "slot" or "t".
    """

    name: str
    letters: str
    kind: str
    place: Callable[..., str]
    allowed: Callable[[Arguments, np.ndarray], Any] = lambda arguments, expected: 0.0
    walk: int | None = None
    backwards: bool = False
    steps: str = ""


@dataclass(frozen=True)
class Case:
    """One call of the function.

    Attributes
    ----------
    title : what is special about it.
    sizes : letter -> size.
    seed : of the Generator that ``make`` draws from.
    make : Generator -> the arguments, by name and in order.
    """

    title: str
    sizes: Mapping[str, int]
    seed: int
    make: Callable[[np.random.Generator], Arguments]

    def arguments(self) -> Arguments:
        """Draw the arguments; the same ones each time, in new arrays."""
        return self.make(np.random.default_rng(self.seed))

    def __str__(self) -> str:
        sizes = ", ".join(f"{letter}={size}" for letter, size in self.sizes.items())
        return f"{self.title}: {sizes} (seed {self.seed})"


@dataclass(frozen=True)
class Mistake:
    """A known mistake.

    Attributes
    ----------
    name : a few words, for tests and for search.
    when : ends the sentence "Your numbers are exactly those one gets when ...".
    fix : what to do, and why.
    twin : the wrong function; it takes and returns what the exercise's does.
    """

    name: str
    when: str
    fix: str
    twin: Callable[..., Any]


@dataclass(frozen=True)
class Exercise:
    """A function to be written.

    Attributes
    ----------
    name, purpose : what ``exercises()`` prints.
    parameters : their names, in order.
    shapes : what each of them is: "(B,T,E)" for an array, or in words.
    outputs : what it returns: one, or a tuple of several.
    truth : the library's own, with the same arguments.
    cases : from the smallest to the largest, so that the first that fails is the easiest to look into.
    mistakes : the more usual ones first.
    reckon : arguments and truth -> how the truth comes about, where that can be said in a sentence; or None.
    """

    name: str
    purpose: str
    parameters: tuple[str, ...]
    shapes: tuple[str, ...]
    outputs: tuple[Output, ...]
    truth: Callable[..., Any]
    cases: tuple[Case, ...]
    mistakes: tuple[Mistake, ...]
    reckon: Callable[[Arguments, tuple[np.ndarray, ...]], str] | None = None

    @property
    def signature(self) -> str:
        """The function's head and what it returns: "rnn_forward(x, Wx, Wh, b) -> hs (B,T+1,H)"."""
        outputs = ", ".join(f"{output.name} {output.letters}".strip() for output in self.outputs)
        return f"{self.name}({', '.join(self.parameters)}) -> {outputs if len(self.outputs) == 1 else f'({outputs})'}"
