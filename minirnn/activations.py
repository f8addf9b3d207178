"""Activation functions, and their slopes written in terms of their own outputs.

Comes in: the pre-activation z. Goes out: h of the same shape; and, for the way back, dh/dz from h alone, so z need not be kept.

    linear   h = z                      dh/dz = 1
    tanh     h = tanh(z)                dh/dz = 1 - h²
    sigmoid  h = 1 / (1 + exp(-z))      dh/dz = h (1 - h)
    relu     h = max(z, 0)              dh/dz = 1 where h > 0, else 0

Each stands twice: for NumPy arrays of any dtype, complex included (``activate_ref``, ``slope_ref``: the definition), and for
``simd`` lanes (``activate_lanes``, ``slope_lanes``), without a branch, since the scalar tanh of the C library, which numba would
call, is a third of a forward pass.

On lanes, tanh takes |z| apart: |z| = k · 1.5 ln 2 + r, so that exp(2|z|) = 8^k exp(2r), and with τ = tanh(r)

    tanh|z| = β + (τ - β) / D        D = ((8^k + 1) + τ (8^k - 1)) / 2        β = 0 where k = 0, else 1

Where k = 0, D is exactly 1 and the result is τ, a polynomial whose error is hardly more than its last rounding; beyond, from a half on,
1 - tanh|z| is at most a half, and its roundings weigh the less the smaller it is. A ratio of two rounded numbers, which the usual forms
are, has no such place to hide. It is odd, never leaves [-1, 1], and gives subnormal numbers back as they are.

Against float64, float32 tanh is at most 1.77 units in the last place off over all its inputs, and 0.28 on average over -4..4
(``tests/test_activations.py``). Measured alike, Keras 3.15 is 5.2 and 0.67 off on TensorFlow, 4.5 and 0.73 on JAX, 0.5 and 0.25 on torch,
and NumPy 1.4 and 0.36. What else was tried: one exponential, e / (e + 2) of e = exp(2|z|) - 1, has 20 instructions where this has 21, is a
tenth faster, but 2.46 off; a fifth coefficient takes another tenth for 1.61; (D - 1 + τ) / D saves one instruction for a mean of 0.40.

sigmoid comes from e = exp(-|z|) = 2^k exp(r), |z| = r - k ln 2, and q = e / (1 + e): it is 1 - q for z > 0, else e - e q. The latter is q
again, but what q was rounded to weighs little in it where e is small.

Source: Keras 3.15, ``keras/src/activations/activations.py`` (names, relu's arguments); the polynomials were fitted here.
tanh's: for the least largest error in units of the result's last place (float32), by interpolation at Chebyshev nodes (float64). exp's:
by least squares on such nodes (float32), or Taylor's (float64).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minirnn.jit import COMPILED, inline, subroutine
from minirnn.registry import lookup
from minirnn.simd import (
    WIDE,
    fma,
    load_wide,
    load_wide_part,
    magnitude,
    maximum,
    minimum,
    power_of_two,
    round_lanes,
    stay_apart,
    store,
    store_part,
    where_positive,
    with_sign_of,
)

__all__ = ["get", "linear", "relu", "sigmoid", "tanh"]

LINEAR, TANH, SIGMOID, RELU = range(4)
"""How a kernel is told its activation: a number, since a compiled loop cannot take a Python function."""


def linear(x: Any) -> np.ndarray:
    """Return x unchanged, as an array.

    Examples
    --------
    >>> linear([-1.0, 2.0]).tolist()
    [-1.0, 2.0]
    """
    return np.asarray(x)


def tanh(x: Any) -> np.ndarray:
    """Hyperbolic tangent of each element.

    Examples
    --------
    >>> tanh([0.0, 1.0]).round(4).tolist()
    [0.0, 0.7616]
    """
    return np.asarray(np.tanh(x))


def sigmoid(x: Any) -> np.ndarray:
    """Logistic function of each element, from the exponential that cannot overflow: exp(-|x|).

    Examples
    --------
    >>> sigmoid([-1000.0, 0.0, 2.0]).round(4).tolist()
    [0.0, 0.5, 0.8808]
    """
    x = np.asarray(x)
    sign = np.where(x.real >= 0, 1, -1).astype(x.real.dtype)
    e = np.exp(-sign * x)
    return np.where(sign > 0, 1, e) / (1 + e)


def relu(x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> np.ndarray:
    """Keep what is above the threshold; see Keras for the other arguments.

    Parameters
    ----------
    x : array of any shape
    negative_slope : slope up to the threshold
    max_value : where to cap the output; None for nowhere
    threshold : up to it, the output is ``negative_slope * (x - threshold)``

    Examples
    --------
    >>> relu([-2.0, 3.0, 9.0], negative_slope=0.5, max_value=6.0).tolist()
    [-1.0, 3.0, 6.0]
    """
    x = np.asarray(x)
    above = x if max_value is None else np.where(x.real >= max_value, np.asarray(max_value, x.dtype), x)
    slope = np.asarray(negative_slope, x.dtype)
    below = slope * (x - np.asarray(threshold, x.dtype)) if negative_slope else slope  # 0 times minus infinity is NaN
    return np.where(x.real <= threshold, below, above)


ACTIVATIONS: dict[str, Callable[[Any], np.ndarray]] = {"linear": linear, "tanh": tanh, "sigmoid": sigmoid, "relu": relu}
"""By Keras's names, in the order of the codes LINEAR, TANH, SIGMOID, RELU."""

CODES = {name: code for code, name in enumerate(ACTIVATIONS)}


def name_of(identifier: Any, function: str = "activations.get") -> str:
    """Give the name of an activation: of None ("linear"), of a name, or of one of this module's functions.

    Raises
    ------
    ValueError
        When the name is unknown; the nearest known one is suggested.
    TypeError
        When it is neither None, nor a name, nor one of this module's functions.
    """
    if identifier is None:
        return "linear"
    if isinstance(identifier, str):
        lookup("activation", identifier, ACTIVATIONS)
        return identifier
    for name, known in ACTIVATIONS.items():
        if identifier is known:
            return name
    raise TypeError(
        f"{function}: activation must be a name or a function of minirnn.activations, received {identifier!r}. "
        f"Known: {', '.join(sorted(ACTIVATIONS))}. A function of your own has no kernel and no slope here."
    )


def get(identifier: Any) -> Callable[[Any], np.ndarray]:
    """Give the activation of that name, as Keras does; None gives linear.

    Examples
    --------
    >>> get("relu")([-1.0, 1.0]).tolist()
    [0.0, 1.0]
    """
    return ACTIVATIONS[name_of(identifier)]


def activate_ref(z: np.ndarray, activation: int) -> np.ndarray:
    """Apply the activation with that code."""
    return tuple(ACTIVATIONS.values())[activation](z)


def slope_ref(h: np.ndarray, activation: int) -> np.ndarray:
    """dh/dz from h, for the activation with that code."""
    if activation == TANH:
        return 1 - h * h
    if activation == SIGMOID:
        return h * (1 - h)
    if activation == RELU:
        return (h.real > 0).astype(h.dtype)
    return np.ones_like(h)


@inline
def _expm1_single(r: Any) -> Any:
    """exp(r) - 1 for |r| <= ln 2 / 2, to float32."""
    q = fma(r, 0.0013930881493344146, 0.008363335599909018)
    q = fma(q, r, 0.04166650812227045)
    q = fma(q, r, 0.16666576039474873)
    q = fma(q, r, 0.5)
    return fma(q, r * r, r)


@inline
def _expm1_double(r: Any) -> Any:
    """exp(r) - 1 for |r| <= ln 2 / 2, to float64."""
    q = fma(r, 1 / 6227020800, 1 / 479001600)
    q = fma(q, r, 1 / 39916800)
    q = fma(q, r, 1 / 3628800)
    q = fma(q, r, 1 / 362880)
    q = fma(q, r, 1 / 40320)
    q = fma(q, r, 1 / 5040)
    q = fma(q, r, 1 / 720)
    q = fma(q, r, 1 / 120)
    q = fma(q, r, 1 / 24)
    q = fma(q, r, 1 / 6)
    q = fma(q, r, 0.5)
    return fma(q, r * r, r)


@inline
def _exp_of_minus_single(a: Any) -> Any:
    """exp(-a) for a >= 0, to float32, and its last normal number for all larger a. ln 2 in two parts, since k of its errors add up."""
    a = minimum(a, 87.3365)
    k = round_lanes(a * -1.4426950408889634)
    p = _expm1_single(fma(k, 1.9046542121259336e-09, fma(k, -0.6931471824645996, 0.0 - a)))
    power = power_of_two(k)
    return fma(power, p, power)


@inline
def _exp_of_minus_double(a: Any) -> Any:
    """The same, to float64."""
    a = minimum(a, 708.396)
    k = round_lanes(a * -1.4426950408889634)
    p = _expm1_double(fma(k, -2.3190468138462996e-17, fma(k, -0.6931471805599453, 0.0 - a)))
    power = power_of_two(k)
    return fma(power, p, power)


@inline
def _tanh_of_rest_single(a: Any, k: Any) -> Any:
    """tanh(r), r = a - k · 1.5 ln 2 in -0.4905..0.5494, to float32. One number is near enough to 1.5 ln 2: 0.04 ULP."""
    r = fma(k, -1.0397207708399179, a)
    s = r * r
    q = fma(s, 0.016409242525696754, -0.05265798419713974)
    q = fma(q, s, 0.1332060694694519)
    q = fma(q, s, -0.33332958817481995)
    return fma(q, r * s, r)


@inline
def _tanh_of_rest_double(a: Any, k: Any) -> Any:
    """The same, to float64, with 1.5 ln 2 in two parts."""
    r = fma(k, -9.029685343895233e-17, fma(k, -1.0397207708399179, a))
    s = r * r
    q = fma(s, -2.0623823522132464e-05, 8.514341572314256e-05)
    q = fma(q, s, -0.0002346531962537472)
    q = fma(q, s, 0.0005889422616109194)
    q = fma(q, s, -0.0014556630886192262)
    q = fma(q, s, 0.003592110535979724)
    q = fma(q, s, -0.008863234409732714)
    q = fma(q, s, 0.021869488494183218)
    q = fma(q, s, -0.05396825396744531)
    q = fma(q, s, 0.13333333333332725)
    q = fma(q, s, -0.3333333333333333)
    return fma(q, r * s, r)


def _exp_of_minus(a: Any) -> Any:
    """exp(-a) for a >= 0, to the dtype of the lanes."""
    return _exp_of_minus_single(a) if a.dtype == np.float32 else _exp_of_minus_double(a)


def _tanh_of_rest(a: Any, k: Any) -> Any:
    """tanh(a - k · 1.5 ln 2), to the dtype of the lanes."""
    return _tanh_of_rest_single(a, k) if a.dtype == np.float32 else _tanh_of_rest_double(a, k)


if COMPILED:
    from numba import types
    from numba.extending import overload

    @overload(_exp_of_minus)
    def _exp_by_dtype(a):  # type: ignore[no-untyped-def]  # numba compares the two signatures, annotations included
        single, double = (lambda a: _exp_of_minus_single(a)), (lambda a: _exp_of_minus_double(a))
        return single if a.dtype is types.float32 else double

    @overload(_tanh_of_rest)
    def _tanh_by_dtype(a, k):  # type: ignore[no-untyped-def]
        single, double = (lambda a, k: _tanh_of_rest_single(a, k)), (lambda a, k: _tanh_of_rest_double(a, k))
        return single if a.dtype is types.float32 else double


@inline
def _tanh_lanes(z: Any) -> Any:
    a = minimum(magnitude(z), 20.0)  # tanh(20) is 1 in float64 too, and 8^19 overflows nothing
    # a / (1.5 ln 2), less so much that k is 1 from 0.5494 on: tanh is a half there, and 1 - tanh needs to be no more than that
    k = round_lanes(fma(a, 0.9617966939259756, -0.0284))
    tau = _tanh_of_rest(a, k)
    half = power_of_two(k * 3.0 - 1.0)  # of 8^k
    base = minimum(k, 1.0)
    return with_sign_of(base + (tau - base) / fma(tau, half - 0.5, half + 0.5), z)


@inline
def _sigmoid_lanes(z: Any) -> Any:
    e = _exp_of_minus(magnitude(z))
    whole = where_positive(z, 1.0, e)
    return fma(whole * -1.0, e / (e + 1.0), whole)


@inline
def activate_lanes(z: Any, activation: int) -> Any:
    """Apply the activation with that code to lanes."""
    if activation == TANH:
        return _tanh_lanes(z)
    if activation == SIGMOID:
        return _sigmoid_lanes(z)
    if activation == RELU:
        return maximum(z, 0.0)
    return z


@inline
def slope_lanes(h: Any, activation: int) -> Any:
    """dh/dz from h, for lanes."""
    if activation == TANH:
        return fma(h * -1.0, h, 1.0)
    if activation == SIGMOID:
        return fma(h * -1.0, h, h)
    if activation == RELU:
        return where_positive(h, 1.0, 0.0)
    return where_positive(h, 1.0, 1.0)


@subroutine
def activate_run(z: Any, size: int, activation: int) -> None:
    """Turn so many numbers into their activations in place: one contiguous run, so wide lanes pass over it whatever H is."""
    stay_apart()
    whole = size - size % WIDE
    for k in range(0, whole, WIDE):
        store(z, k, activate_lanes(load_wide(z, k), activation))
    if whole < size:
        n = size - whole
        store_part(z, whole, activate_lanes(load_wide_part(z, whole, n), activation), n)


@subroutine
def sigmoid_run(z: Any, size: int) -> None:
    """Turn so many numbers into their sigmoids in place. Where no other activation is needed, none is compiled."""
    stay_apart()
    whole = size - size % WIDE
    for k in range(0, whole, WIDE):
        store(z, k, _sigmoid_lanes(load_wide(z, k)))
    if whole < size:
        store_part(z, whole, _sigmoid_lanes(load_wide_part(z, whole, size - whole)), size - whole)


@subroutine
def slope_run(dh: Any, h: Any, size: int, activation: int, dz: Any) -> None:
    """dz = dh · dh/dz at h, for so many numbers."""
    stay_apart()
    whole = size - size % WIDE
    for k in range(0, whole, WIDE):
        store(dz, k, load_wide(dh, k) * slope_lanes(load_wide(h, k), activation))
    if whole < size:
        n = size - whole
        store_part(dz, whole, load_wide_part(dh, whole, n) * slope_lanes(load_wide_part(h, whole, n), activation), n)
