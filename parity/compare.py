"""The yardstick: how far minirnn and Keras are from the truth, and whether that is near enough.

Comes in: one tensor thrice, from minirnn and from Keras in float32, and from the NumPy reference in float64, the truth. Goes out: a
verdict.

Errors are counted in ULP, units in the last place of float32. Most tensors are sums, whose rounding errors are of the size of their
largest terms, so their ULP is that of the tensor's largest element; functions that work element by element are held to each element's own.

    error(a)   = max |a - truth| / ULP
    allowed    = 2 error(Keras) + FEW                 minirnn passes when error(minirnn) <= allowed

So nothing is typed in: what is hard for Keras, a long recurrence say, may be as hard for minirnn, and no harder than twice. FEW is what one
float32 sigmoid (4 ULP, the worst of the activations on lanes), a product, a slope and a sum may cost where Keras happens to be exact.

The truth is checked too, or a fault in minirnn's reference and kernel alike would pass as Keras's error: Keras in float64 must give it.
Both round in float64, whose errors are 2^-29 of float32's, and each may be off by what is allowed:

    |Keras64 - truth| / ULP <= 2^-29 · 2 allowed

Where Keras gives no float64 answer (on JAX, and in what ``fit`` reports), its float32 answer must at least hold half of the 24 digits: more
is no rounding, but a difference, and a difference must be listed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
    error, keras_error : distance to the truth [ULP]
    allowed : largest error that passes [ULP]
    at : index of minirnn's worst element
    passed : whether it does
    note : why not, or what else there is to know
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


def compare_equal(case: str, tensor: str, ours: np.ndarray, keras: np.ndarray) -> Verdict:
    """Require the same dtype, shape and values; the error is the number of elements that differ."""
    for what, own, theirs in (("dtype", ours.dtype, keras.dtype), ("shape", ours.shape, keras.shape)):
        if own != theirs:
            return Verdict(case, tensor, ours.shape, np.inf, 0, 0, (), False, f"{what} {own}, Keras {theirs}")
    differs = ours != keras
    if ours.dtype.kind == "f":
        differs &= ~(np.isnan(ours) & np.isnan(keras))
    count = int(np.count_nonzero(differs))
    at = _place(np.asarray(differs)) if count else ()
    return Verdict(case, tensor, ours.shape, count, 0, 0, at, count == 0, "differs" if count else "equal")


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
) -> Verdict:
    """Hold minirnn to twice Keras's error.

    Parameters
    ----------
    ours, keras : float32
    truth : float64
    keras_truth : Keras's own answer in float64, which must be the truth; None where Keras cannot give one
    by_element : measure each element in its own ULP
    intended : why minirnn differs here on purpose; then Keras must be further from minirnn's truth than rounding explains
    """
    for what, own, theirs in (("dtype", ours.dtype, keras.dtype), ("shape", ours.shape, keras.shape), ("shape", ours.shape, truth.shape)):
        if own != theirs:
            return Verdict(case, tensor, ours.shape, np.inf, 0, 0, (), False, f"{what} {own}, expected {theirs}")
    unit = _unit(truth, by_element)
    errors, keras_error = _errors(ours, truth) / unit, float(np.max(_errors(keras, truth) / unit, initial=0))
    error, allowed = float(np.max(errors, initial=0)), 2 * keras_error + FEW
    passed, note = error <= allowed, ""
    if intended is not None:
        passed = keras_error > 2 * error + FEW
        note = f"intended: {intended}" if passed else f"an intended difference has disappeared: {intended}"
    elif keras_truth is not None:
        truth_error = float(np.max(_errors(keras_truth, truth) / unit, initial=0))
        if truth_error > PRECISION_RATIO * 2 * allowed:
            passed, note = False, f"the float64 reference is {truth_error:.2g} ULP off Keras in float64"
    elif keras_error > HALF_THE_DIGITS:
        passed, note = False, "Keras is elsewhere, and no intended difference is listed"
    return Verdict(case, tensor, ours.shape, error, keras_error, allowed, _place(errors), passed, note)


def _errors(given: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """|given - truth| (float64): 0 where both are the same infinity or both NaN, and infinite where only one of them is."""
    given = np.asarray(given, np.float64)
    with np.errstate(invalid="ignore"):
        errors = np.abs(given - truth)
    same = (given == truth) | (np.isnan(given) & np.isnan(truth))
    return np.where(same, 0, np.where(np.isnan(errors), np.inf, errors))


def _unit(truth: np.ndarray, by_element: bool) -> np.ndarray:
    """One ULP of float32 at each element, or at the largest one."""
    sizes = np.where(np.isfinite(truth), np.abs(truth), 0)
    return np.spacing((sizes if by_element else np.max(sizes, initial=0)).astype(np.float32)).astype(np.float64)


def _place(errors: np.ndarray) -> tuple[int, ...]:
    if not errors.size:
        return ()
    return tuple(int(i) for i in np.unravel_index(np.argmax(errors), errors.shape))
