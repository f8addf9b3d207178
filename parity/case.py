"""What a case is: a name, and a set-up that prepares everything and gives calls without arguments, one per side.

Comes in: a set-up function. Goes out: verdicts. Whoever runs the calls, the table, pytest or a timer, only calls them, so nothing of the
set-up enters a measurement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np

from parity.compare import Verdict, compare_equal, compare_to_truth
from parity.intended import reason

Tensors = dict[str, np.ndarray]
Call = Callable[[], Tensors]

COMPUTES_IN_FLOAT64 = ("tensorflow",)
"""Keras's backends on which a float64 layer is one. On JAX and torch, Keras makes float32 of a product of two float64 matrices
(``backend/common/dtypes.py``), and cannot check the truth.
"""


@dataclass(frozen=True)
class Sides:
    """One case, ready to run.

    Attributes
    ----------
    ours : minirnn as users run it, in float32
    keras : Keras in float32
    truth : the float64 reference; None where the two must be equal, bit by bit
    keras_truth : Keras in float64, for those tensors whose truth it can check; None for none
    by_element : whether errors are measured in each element's own ULP
    growth : where errors grow with the steps of a recurrence or of an optimizer, the absolute error that a formula of ``growth.py`` grants
        each element of each tensor; None where they do not
    length : those steps, where errors are to be drawn over them
    inputs : for functions that work element by element, what each element was computed from, by name
    """

    ours: Call
    keras: Call
    truth: Call | None = None
    keras_truth: Call | None = None
    by_element: bool = False
    growth: Call | None = None
    length: int | None = None
    inputs: Mapping[str, np.ndarray] | None = None


SetUp = Callable[[], Sides]


def run_case(name: str, set_up: SetUp, backend: str = "tensorflow") -> list[Verdict]:
    """Run a case, and give a verdict per tensor.

    Parameters
    ----------
    name : of the case
    set_up : gives its calls
    backend : Keras's, by which intended differences are looked up
    """
    sides = set_up()
    ours, keras = sides.ours(), sides.keras()
    truth = None if sides.truth is None else sides.truth()
    keras_truth = sides.keras_truth() if sides.keras_truth is not None and backend in COMPUTES_IN_FLOAT64 else {}
    growth = {} if sides.growth is None else sides.growth()
    for other in (keras, ours if truth is None else truth):
        if other.keys() != ours.keys():
            raise ValueError(f"run_case: in case {name} one side gives {sorted(ours)}, the other {sorted(other)}.")
    if truth is None:
        return [compare_equal(name, tensor, ours[tensor], keras[tensor], intended=reason(name, tensor, backend)) for tensor in ours]
    return [
        compare_to_truth(
            name,
            tensor,
            ours[tensor],
            keras[tensor],
            truth[tensor],
            keras_truth.get(tensor),
            by_element=sides.by_element,
            intended=reason(name, tensor, backend),
            growth=growth.get(tensor),
            length=sides.length,
            inputs=sides.inputs,
        )
        for tensor in ours
    ]


@contextmanager
def seeds_drawn_from() -> Iterator[list[int]]:
    """Listen to which seeds a case makes its generators from: what is heard cannot be wrong, as what is written down beside it could."""
    seeds: list[int] = []
    make = np.random.default_rng

    def listen(seed: Any = None) -> np.random.Generator:
        if isinstance(seed, int):
            seeds.append(seed)
        return make(seed)

    with mock.patch("numpy.random.default_rng", listen):
        yield seeds
