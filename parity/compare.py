"""The yardstick: how far minirnn and Keras are from the truth, and whether that is near enough.

Comes in: one tensor thrice, from minirnn and from Keras in float32, and from the NumPy reference in float64, the truth. Goes out: a
verdict, with the statistics of all three distances (``errors.py``).

    error(a)   = max |a - truth| / ULP
    allowed    = 2 error(Keras) + max(FEW, growth)      minirnn passes when error(minirnn) <= allowed

So nothing is typed in: what is hard for Keras, a long recurrence say, may be as hard for minirnn, and no harder than twice. FEW is what one
float32 sigmoid (4 ULP, the worst of the activations on lanes), a product, a slope and a sum may cost where Keras happens to be exact. Where
errors grow with the steps of a recurrence or of an optimizer, ``growth`` is what the formula of ``growth.py`` says of that very case; it is
0 elsewhere.

The truth is checked too, or a fault in minirnn's reference and kernel alike would pass as Keras's error: Keras in float64 must give it.
Both round in float64, whose errors are 2^-29 of float32's, and each may be off by what is allowed:

    |Keras64 - truth| / ULP <= 2^-29 · 2 allowed

Keras's float32 answer must hold half of the 24 digits: an error beyond that is no rounding, but a difference, which must be listed. Else
twice such an error would allow minirnn anything; and where Keras gives no float64 answer (on JAX and torch, and in what ``fit`` reports),
this is what checks the truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from parity.errors import Errors, distance, errors_of, place, unit_of, written

FEW = 6.0
"""Units in the last place that are granted on top."""

PRECISION_RATIO = 2.0**-29
"""float64's rounding error over float32's."""

HALF_THE_DIGITS = 2.0**12
"""The largest error [ULP] that may still be rounding."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said about one tensor.

    Attributes
    ----------
    case, tensor : names
    shape : of the tensor
    error, keras_error : distance to the truth [ULP]; without a truth, the number of elements that differ, and 0
    allowed : largest error that passes [ULP]
    at : index of minirnn's worst element
    passed : whether it does
    note : why not, or what else there is to know
    exact : whether equality was asked for, bit by bit
    intended : why minirnn differs here on purpose; None where it does not
    growth : what the formula for growing errors grants [ULP]; 0 where it is not asked
    length : steps of a case whose errors are drawn over its length; None for others
    statistics : by pair, ``minirnn-truth``, ``keras-truth`` and ``minirnn-keras``
    worst : the element at ``at``: its value on every side, floats in base 16, and what it was computed from, where one number was
    """

    case: str
    tensor: str
    shape: tuple[int, ...]
    error: float
    keras_error: float
    allowed: float
    at: tuple[int, ...]
    passed: bool
    note: str = ""
    exact: bool = False
    intended: str | None = None
    growth: float = 0.0
    length: int | None = None
    statistics: dict[str, Errors] = field(default_factory=dict)
    worst: dict[str, str] = field(default_factory=dict)


def compare_equal(case: str, tensor: str, ours: np.ndarray, keras: np.ndarray, *, intended: str | None = None) -> Verdict:
    """Require the same dtype, shape and values; the error is the number of elements that differ.

    Parameters
    ----------
    intended : why minirnn differs here on purpose; then something has to differ
    """
    note = mismatch(ours, keras, "Keras")
    count, at, worst = ours.size, (), {}
    if not note:
        differs = ours != keras
        if ours.dtype.kind == "f":
            differs &= ~(np.isnan(ours) & np.isnan(keras))
        count = int(np.count_nonzero(differs))
        note = "differs" if count else "equal"
        if count:
            at = place(np.asarray(differs))
            worst = {"minirnn": written(ours[at]), "keras": written(keras[at])}
    passed = note == "equal"
    if intended is not None:
        passed, note = (True, f"intended: {intended}") if not passed else (False, f"an intended difference has disappeared: {intended}")
    return Verdict(case, tensor, ours.shape, count, 0, 0, at, passed, note, exact=True, intended=intended, worst=worst)


def compare_to_truth(
    case: str,
    tensor: str,
    ours: np.ndarray,
    keras: np.ndarray,
    truth: np.ndarray,
    keras_truth: np.ndarray | None = None,
    *,
    by_element: bool = False,
    intended: str | None = None,
    growth: np.ndarray | None = None,
    length: int | None = None,
    inputs: Mapping[str, np.ndarray] | None = None,
) -> Verdict:
    """Hold minirnn to twice Keras's error.

    Parameters
    ----------
    ours, keras : float32
    truth : float64
    keras_truth : Keras's own answer in float64, which must be the truth; None where Keras cannot give one
    by_element : measure each element in its own ULP
    intended : why minirnn differs here on purpose; then Keras must be further from minirnn's truth than rounding explains
    growth : the error, absolute, that the formula for growing errors grants each element
    length : of a case whose errors are drawn over its length
    inputs : by name, what each element was computed from, one number each
    """
    note = mismatch(ours, keras, "Keras") or ("" if ours.shape == truth.shape else f"shape {ours.shape}, the truth {truth.shape}")
    if note:
        return Verdict(case, tensor, ours.shape, np.inf, 0, 0, (), False, note, intended=intended, length=length)
    unit = unit_of(truth, by_element)
    statistics = {
        "minirnn-truth": errors_of(ours, truth, unit),
        "keras-truth": errors_of(keras, truth, unit),
        "minirnn-keras": errors_of(ours, keras, unit),
    }
    error, keras_error, at = statistics["minirnn-truth"].max_ulp, statistics["keras-truth"].max_ulp, statistics["minirnn-truth"].at
    grown = 0.0 if growth is None else float(np.max(growth / unit, initial=0))
    allowed = 2 * keras_error + max(FEW, grown)
    passed, note = error <= allowed, ""
    if intended is not None:
        passed = keras_error > 2 * error + max(FEW, grown)
        note = f"intended: {intended}" if passed else f"an intended difference has disappeared: {intended}"
    elif (truth_error := _largest(keras_truth, truth, unit)) > PRECISION_RATIO * 2 * allowed:
        passed, note = False, f"the float64 reference is {truth_error:.2g} ULP off Keras in float64"
    elif keras_error > HALF_THE_DIGITS:
        passed, note = False, "Keras is elsewhere, and no intended difference is listed"
    return Verdict(
        case,
        tensor,
        ours.shape,
        error,
        keras_error,
        allowed,
        at,
        passed,
        note,
        intended=intended,
        growth=grown,
        length=length,
        statistics=statistics,
        worst=_worst(at, {"minirnn": ours, "keras": keras, "truth": truth, **(inputs or {})}) if ours.size else {},
    )


def _largest(keras_truth: np.ndarray | None, truth: np.ndarray, unit: np.ndarray) -> float:
    """Give the largest distance of Keras's answer in float64 to the truth; 0 where there is none."""
    return 0.0 if keras_truth is None else float(np.max(distance(np.asarray(keras_truth, np.float64), truth) / unit, initial=0))


def mismatch(ours: np.ndarray, other: np.ndarray, whose: str) -> str:
    """Say how dtype or shape differ from the other's; nothing where they do not."""
    for what, own, theirs in (("dtype", ours.dtype, other.dtype), ("shape", ours.shape, other.shape)):
        if own != theirs:
            return f"{what} {own}, {whose} {theirs}"
    return ""


def _worst(at: tuple[int, ...], sides: Mapping[str, Any]) -> dict[str, str]:
    """Give the value of every side there; an input of another shape than the tensor has no value there."""
    shape = sides["truth"].shape
    return {name: written(side[at]) for name, side in sides.items() if side.shape == shape}
