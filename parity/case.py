"""What a case is: a name, and a set-up that prepares everything and gives calls without arguments, one per side.

Comes in: a set-up function. Goes out: verdicts. Whoever runs the calls, the table, pytest or a timer, only calls them, so nothing of the
set-up enters a measurement.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from parity.compare import Verdict, compare_equal, compare_to_truth

Tensors = dict[str, np.ndarray]
Call = Callable[[], Tensors]

COMPUTES_IN_FLOAT64 = ("tensorflow",)
"""Keras's backends on which a float64 layer is one; on JAX, Keras rounds to float32 on the way, and cannot check the truth."""


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
    """

    ours: Call
    keras: Call
    truth: Call | None = None
    keras_truth: Call | None = None
    by_element: bool = False


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
    for other in (keras, ours if truth is None else truth):
        if other.keys() != ours.keys():
            raise ValueError(f"run_case: in case {name} one side gives {sorted(ours)}, the other {sorted(other)}.")
    if truth is None:
        return [compare_equal(name, tensor, ours[tensor], keras[tensor]) for tensor in ours]
    return [
        compare_to_truth(
            name,
            tensor,
            ours[tensor],
            keras[tensor],
            truth[tensor],
            keras_truth.get(tensor),
            by_element=sides.by_element,
            intended=intended_difference(name, tensor, backend),
        )
        for tensor in ours
    ]


def intended_difference(case: str, tensor: str, backend: str) -> str | None:
    """Give the reason why minirnn differs from that backend here, from ``intended.json``; None where it must not."""
    for entry in INTENDED:
        if (
            fnmatchcase(case, entry["case"])
            and backend in entry["backends"]
            and any(fnmatchcase(tensor, name) for name in entry["tensors"])
        ):
            return str(entry["reason"])
    return None


INTENDED = json.loads((Path(__file__).parent / "intended.json").read_text(encoding="utf-8"))
