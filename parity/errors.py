"""How far one tensor is from another: the statistics of its errors.

Comes in: a tensor, what it is held against, and the unit in which distances count. Goes out: `Errors`, plain numbers.

    error_i = |tensor_i - against_i| / unit           in ULP, units in the last place of float32
    bias    = mean of (tensor_i - against_i) / unit   0 where rounding errs to both sides alike

Most tensors are sums, whose rounding errors are of the size of their largest terms, so their unit is the ULP of the tensor's largest
element; functions that work element by element are held to each element's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

EDGES = 2.0 ** np.arange(-6, 13)
"""Upper bounds [ULP] of the bins of a histogram, after a first bin for errors of 0 and before a last one for all larger errors."""


@dataclass(frozen=True, slots=True)
class Errors:
    """The errors of one tensor.

    Attributes
    ----------
    max_ulp, mean_ulp : [ULP]
    p999_ulp : the smallest error that 99.9 % of all elements do not exceed [ULP]; of fewer than 1000 elements, the largest
    max_abs, max_rel : largest absolute error, and largest relative one; relative to 0 it is 0 or infinite
    bias_ulp : mean signed error [ULP]
    at : index of the element with the largest error in ULP
    histogram : number of elements in each bin of `EDGES`
    """

    max_ulp: float
    mean_ulp: float
    p999_ulp: float
    max_abs: float
    max_rel: float
    bias_ulp: float
    at: tuple[int, ...]
    histogram: tuple[int, ...]


def errors_of(tensor: np.ndarray, against: np.ndarray, unit: np.ndarray) -> Errors:
    """Measure a tensor.

    Parameters
    ----------
    tensor, against : of one shape; two infinities alike, or two NaNs, are 0 apart, and a NaN is infinitely far from a number
    unit : of the errors, float64: one for all, or one for each element
    """
    tensor, against = np.asarray(tensor, np.float64), np.asarray(against, np.float64)
    distances = distance(tensor, against)
    if not distances.size:
        return Errors(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, (), (0,) * (len(EDGES) + 2))
    ulps = distances / unit
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(distances == 0, 0, distances / np.abs(against))
        signed = np.where(distances == 0, 0, (tensor - against) / unit)
    bins = np.where(ulps == 0, 0, 1 + np.searchsorted(EDGES, ulps))
    return Errors(
        max_ulp=float(np.max(ulps)),
        mean_ulp=float(np.mean(ulps)),
        p999_ulp=float(np.sort(ulps, axis=None)[-(-999 * ulps.size // 1000) - 1]),
        max_abs=float(np.max(distances)),
        max_rel=float(np.max(np.where(np.isnan(relative), np.inf, relative))),
        bias_ulp=float(np.mean(signed)),
        at=place(ulps),
        histogram=tuple(np.bincount(bins.ravel(), minlength=len(EDGES) + 2).tolist()),
    )


def distance(tensor: np.ndarray, against: np.ndarray) -> np.ndarray:
    """|tensor - against| (float64): 0 where both are the same infinity or both NaN, and infinite where only one of them is."""
    with np.errstate(invalid="ignore"):
        distances = np.abs(tensor - against)
    same = (tensor == against) | (np.isnan(tensor) & np.isnan(against))
    return np.where(same, 0, np.where(np.isnan(distances), np.inf, distances))


def unit_of(truth: np.ndarray, by_element: bool) -> np.ndarray:
    """One ULP of float32 at each element, or at the largest one."""
    sizes = np.where(np.isfinite(truth), np.abs(truth), 0)
    return np.spacing((sizes if by_element else np.max(sizes, initial=0)).astype(np.float32)).astype(np.float64)


def place(errors: np.ndarray) -> tuple[int, ...]:
    """Give the index of the largest of them."""
    return tuple(int(i) for i in np.unravel_index(np.argmax(errors), errors.shape)) if errors.size else ()


def written(value: Any) -> str:
    """Write a number so that it reads back the same: a float in base 16, anything else as it is.

    >>> written(np.float32(0.1)), written(np.int64(3))
    ('0x1.99999a0000000p-4', '3')
    """
    return float(value).hex() if np.asarray(value).dtype.kind == "f" else str(value)
