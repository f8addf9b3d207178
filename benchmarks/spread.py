"""Order statistics of what was timed, and the figures written short.

Comes in: an entry's rounds, each a list of seconds. Goes out: one figure a round, their spread, quotients of two entries, and words.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Spread:
    """Order statistics of some seconds: quartiles as the inclusive method takes them, so one sample is its own quartiles."""

    least: float
    lower: float
    median: float
    upper: float
    samples: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spread:
        """Sum up at least one figure."""
        if not seconds:
            raise ValueError("Spread.of: seconds must hold at least one figure, received none. Time at least one round.")
        quartiles = statistics.quantiles(seconds, n=4, method="inclusive") if len(seconds) > 1 else [seconds[0]] * 3
        lower, median, upper = quartiles
        return cls(min(seconds), lower, median, upper, len(seconds))


def round_medians(entry: dict[str, Any]) -> list[float]:
    """Give one figure a round: the median of its calls, in seconds."""
    return [statistics.median(times) for times in entry["rounds"]]


def median(entry: dict[str, Any]) -> float:
    """Give the median of the rounds, in seconds."""
    return statistics.median(round_medians(entry))


def ratio(entry: dict[str, Any] | None, unit: dict[str, Any] | None) -> float | None:
    """Divide round by round and take the median, so that a machine that slows down in the middle slows both sides of each quotient.

    Rounds that only one of them has, because the other's budget was used up, are not counted.
    """
    if entry is None or unit is None:
        return None
    return statistics.median(mine / theirs for mine, theirs in zip(round_medians(entry), round_medians(unit), strict=False))


def three_digits(value: float) -> str:
    """Write a positive figure with three digits that count, a large one as a whole number."""
    return f"{value:,.{max(0, 2 - math.floor(math.log10(value)))}f}"


def show_seconds(seconds: float | None) -> str:
    """Write a time in the unit that suits it."""
    if seconds is None:
        return "–"
    unit, factor = ("s", 1.0) if seconds >= 1 else ("ms", 1e3) if seconds >= 1e-3 else ("µs", 1e6)
    return f"{three_digits(seconds * factor)} {unit}"


def show_ratio(value: float | None) -> str:
    """Write a ratio, or a dash where there is nothing to divide by."""
    return "–" if value is None else three_digits(value)


def show_bytes(value: float | None) -> str:
    """Write a size in memory."""
    return "–" if value is None else f"{value / 1e6:,.0f} MB"
