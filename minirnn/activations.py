"""Activation functions, and their slopes written in terms of their own outputs.

Comes in: the pre-activation z. Goes out: h of the same shape; and, for the way back, dh/dz from h alone, so z need not be kept.

    linear   h = z                      dh/dz = 1
    tanh     h = tanh(z)                dh/dz = 1 - h²
    sigmoid  h = 1 / (1 + exp(-z))      dh/dz = h (1 - h)
    relu     h = max(z, 0)              dh/dz = 1 where h > 0, else 0

Each stands twice: for NumPy arrays of any dtype, complex included (``activate_ref``, ``slope_ref``: the definition), and for
``simd`` lanes (``activate_lanes``, ``slope_lanes``), without a branch, since the scalar tanh of the C library, which numba would
call, is a third of a forward pass.

tanh and sigmoid on lanes are one exponential. With y = k ln 2 + r, |r| <= ln 2 / 2,

    exp(y) - 1 = 2^k (exp(r) - 1) + 2^k - 1            tanh(z) = e / (e + 2),  e = exp(2 |z|) - 1,  with the sign of z

which is exact near 0, odd, monotone to within its error, and never leaves [-1, 1]. Against float64 the float32 form is at most 2.5
units in the last place off, 0.32 on average (``tests/test_activations.py``); NumPy's is 1.4 and 0.30, the usual ratio of polynomials
of degree 13 and 6 is 4.5 and 1.0. It takes a fifth longer than that ratio, which is 3 % of a training epoch.

Source: Keras 3.15, ``keras/src/activations/activations.py`` (names, relu's arguments); the polynomials were fitted here, by least
squares on Chebyshev nodes (float32), or are Taylor's (float64).
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
    store,
    store_part,
    where_positive,
    with_sign_of,
)

LINEAR, TANH, SIGMOID, RELU = range(4)
"""How a kernel is told its activation: a number, since a compiled loop cannot take a Python function."""


def linear(x: Any) -> np.ndarray:
    """Return x unchanged, as an array."""
    return np.asarray(x)


def tanh(x: Any) -> np.ndarray:
    """Hyperbolic tangent of each element."""
    return np.asarray(np.tanh(x))


def sigmoid(x: Any) -> np.ndarray:
    """Logistic function of each element, from the exponential that cannot overflow: exp(-|x|)."""
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
    """Give the activation of that name, as Keras does; None gives linear."""
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


def _expm1_near_zero(r: Any) -> Any:
    """exp(r) - 1 for |r| <= ln 2 / 2, to the dtype of the lanes."""
    return _expm1_single(r) if r.dtype == np.float32 else _expm1_double(r)


if COMPILED:
    from numba import types
    from numba.extending import overload

    @overload(_expm1_near_zero)
    def _expm1_by_dtype(r):  # type: ignore[no-untyped-def]  # numba compares the two signatures, annotations included
        single, double = (lambda r: _expm1_single(r)), (lambda r: _expm1_double(r))
        return single if r.dtype is types.float32 else double


@inline
def _tanh_lanes(z: Any) -> Any:
    a = minimum(magnitude(z), 20.0)  # tanh(20) is 1 in float64 too, and 2^58 overflows nothing
    k = round_lanes(a * 2.8853900817779268)  # 2 / ln 2
    p = _expm1_near_zero(fma(k, -0.6931471805599453, a + a))
    power = power_of_two(k)
    e = fma(power, p, power - 1.0)
    return with_sign_of(e / (e + 2.0), z)


@inline
def _sigmoid_lanes(z: Any) -> Any:
    a = minimum(magnitude(z), 87.0)  # exp(-87) is the last normal float32
    k = round_lanes(a * -1.4426950408889634)  # -1 / ln 2
    p = _expm1_near_zero(fma(k, -0.6931471805599453, 0.0 - a))
    power = power_of_two(k)
    e = fma(power, p, power)
    return where_positive(z, 1.0, e) / (e + 1.0)


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
    whole = size - size % WIDE
    for k in range(0, whole, WIDE):
        store(z, k, activate_lanes(load_wide(z, k), activation))
    if whole < size:
        n = size - whole
        store_part(z, whole, activate_lanes(load_wide_part(z, whole, n), activation), n)


@subroutine
def slope_run(dh: Any, h: Any, size: int, activation: int, dz: Any) -> None:
    """dz = dh · dh/dz at h, for so many numbers."""
    whole = size - size % WIDE
    for k in range(0, whole, WIDE):
        store(dz, k, load_wide(dh, k) * slope_lanes(load_wide(h, k), activation))
    if whole < size:
        n = size - whole
        store_part(dz, whole, load_wide_part(dh, whole, n) * slope_lanes(load_wide_part(h, whole, n), activation), n)
