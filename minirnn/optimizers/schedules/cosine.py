"""Schedules along half a cosine, once or again and again.

Comes in: the number of a step t, from 0. Goes out: its learning rate r. With p from 0 to 1 the share of the way that is done:

    fall(p)  = alpha + (1 - alpha) (1 + cos(π p)) / 2                1 at the start, alpha at the end

    CosineDecay            r = r0 fall(p),  p = t / D, at most 1
      with a warmup        r = r0 + (target - r0) t / W              while t < W
                           r = target fall((t - W) / D)              from then on
    CosineDecayRestarts    r = r0 fall(p), its cosine part times m^i, in period i, whose length is D t_mul^i

Period i starts at D S(i), S(i) = 1 + t_mul + ... + t_mul^(i-1) = (t_mul^i - 1) / (t_mul - 1), so t / D lies in period
floor(log(1 + (t_mul - 1) t / D) / log t_mul). A logarithm of 3^5 over one of 3 is 4.999..., one period short: i is therefore
corrected by the sums themselves.

Source: Keras 3.15, ``keras/src/optimizers/schedules/learning_rate_schedule.py``; Loshchilov and Hutter, SGDR, ICLR 2017.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

from minirnn.configured import Configured
from minirnn.optimizers.schedules.schedule import LearningRateSchedule, power, require_number


class CosineDecay(Configured, LearningRateSchedule):
    """Fall along half a cosine, if wished after a straight way up.

    Parameters
    ----------
    initial_learning_rate : of step 0
    decay_steps : steps of the fall
    alpha : where it ends, as a share of where it starts
    name : as in Keras
    warmup_target : where the way up ends and the fall starts; None for no warmup
    warmup_steps : steps of the way up

    Raises
    ------
    TypeError, ValueError
        An argument is not a number, is below 0, or ``decay_steps`` is 0.

    Examples
    --------
    >>> schedule = CosineDecay(0.0, decay_steps=10, alpha=0.5, warmup_target=0.25, warmup_steps=4)
    >>> schedule(0), schedule(2), schedule(4), schedule(99)
    (0.0, 0.125, 0.25, 0.125)
    """

    arguments: ClassVar[tuple[str, ...]] = ("initial_learning_rate", "decay_steps", "alpha", "name", "warmup_target", "warmup_steps")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        require_number("CosineDecay", "initial_learning_rate", initial_learning_rate)
        require_number("CosineDecay", "decay_steps", decay_steps, positive=True)
        require_number("CosineDecay", "alpha", alpha)
        require_number("CosineDecay", "warmup_steps", warmup_steps)
        if warmup_target is not None:
            require_number("CosineDecay", "warmup_target", warmup_target)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> float:
        """Give the learning rate of a step."""
        start, t = float(self.initial_learning_rate), float(step)
        if self.warmup_target is not None:
            target, W = float(self.warmup_target), float(self.warmup_steps)
            if t < W:
                return start + (target - start) * (t / W)
            start, t = target, t - W
        return start * _fall(min(t / float(self.decay_steps), 1.0), float(self.alpha))


class CosineDecayRestarts(Configured, LearningRateSchedule):
    """Fall along half a cosine, start again at the top, and so on, in periods that grow.

    Parameters
    ----------
    initial_learning_rate : of step 0
    first_decay_steps : steps of the first period
    t_mul : length of a period over that of the one before
    m_mul : height of a period over that of the one before
    alpha : where a fall ends, as a share of ``initial_learning_rate``
    name : as in Keras

    Raises
    ------
    TypeError, ValueError
        An argument is not a number, is below 0, or ``first_decay_steps`` or ``t_mul`` is 0. Called: with ``t_mul`` below 1 the periods
        come to an end, and the step lies behind it (Keras gives NaN).

    Examples
    --------
    >>> schedule = CosineDecayRestarts(0.5, first_decay_steps=10)
    >>> [round(schedule(step), 3) for step in (0, 5, 9, 10, 20, 29, 30)]
    [0.5, 0.25, 0.012, 0.5, 0.25, 0.003, 0.5]
    """

    arguments: ClassVar[tuple[str, ...]] = ("initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha", "name")

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        require_number("CosineDecayRestarts", "initial_learning_rate", initial_learning_rate)
        require_number("CosineDecayRestarts", "first_decay_steps", first_decay_steps, positive=True)
        require_number("CosineDecayRestarts", "t_mul", t_mul, positive=True)
        require_number("CosineDecayRestarts", "m_mul", m_mul)
        require_number("CosineDecayRestarts", "alpha", alpha)
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: Any) -> float:
        """Give the learning rate of a step."""
        i, p = self._period(float(step) / float(self.first_decay_steps))
        alpha = float(self.alpha)
        return float(self.initial_learning_rate) * (alpha + (1 - alpha) * power(float(self.m_mul), i) * (1 + math.cos(math.pi * p)) / 2)

    def _period(self, at: float) -> tuple[int, float]:
        """Give the number of the period in which ``at`` lies, in lengths of the first one, and the share of it that is done."""
        t_mul = float(self.t_mul)
        if t_mul == 1:
            i = math.floor(at)
            return i, at - i
        left = 1 + (t_mul - 1) * at
        if left <= 0:
            raise ValueError(
                f"CosineDecayRestarts: with t_mul={self.t_mul!r} all periods together last "
                f"{float(self.first_decay_steps) / (1 - t_mul):g} steps, and the training is longer. Choose t_mul of 1 or more."
            )
        i = math.floor(math.log(left) / math.log(t_mul))
        while self._start(i + 1) <= at:
            i += 1
        while self._start(i) > at:
            i -= 1
        return i, (at - self._start(i)) / t_mul**i

    def _start(self, i: int) -> float:
        t_mul = float(self.t_mul)
        return (power(t_mul, i) - 1) / (t_mul - 1)


def _fall(p: float, alpha: float) -> float:
    return alpha + (1 - alpha) * (1 + math.cos(math.pi * p)) / 2
