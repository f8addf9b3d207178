"""What the curves of a run show, each in one sentence.

Comes in: histories. Goes out: the titles of the pictures, computed from the numbers. Two values are called different only where they
differ by more than chance alone would make them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

GUESSING = math.log(2)
"""Loss, in nats, of answering one half to everything."""

LOSS_NOISE = 0.01
"""Differences of two mean losses below this are not told apart: over 5,000 reviews such a mean has a standard error of about 0.006."""


class Curve(NamedTuple):
    """The history of one model.

    Attributes
    ----------
    name : "one-hot" or "embedding".
    history : name to values, one an epoch: loss, accuracy, val_loss, val_accuracy.
    best_epoch : the epoch that was restored, counted from 1.
    test_accuracy : share of the test reviews that the restored model gets right.
    """

    name: str
    history: Mapping[str, Sequence[float]]
    best_epoch: int
    test_accuracy: float

    def at_best(self, metric: str) -> float:
        """Value of a metric at the restored epoch."""
        return float(self.history[metric][self.best_epoch - 1])


def loss_title(curves: Sequence[Curve]) -> str:
    """Say what the losses show.

    >>> slow = Curve("one-hot", {"val_loss": [0.7, 0.69, 0.55]}, 3, 0.73)
    >>> fast = Curve("embedding", {"val_loss": [0.6, 0.545]}, 2, 0.73)
    >>> loss_title([slow, fast])
    'Both encodings end near the same validation loss (0.550 and 0.545): one-hot at epoch 3, embedding at epoch 2'
    """
    best = {curve.name: curve.at_best("val_loss") for curve in curves}
    shown = {name: loss_text(loss) for name, loss in best.items()}
    learned = [curve for curve in curves if best[curve.name] < GUESSING - LOSS_NOISE]
    stuck = [curve for curve in curves if curve not in learned]
    if stuck:
        epochs = max(len(curve.history["val_loss"]) for curve in stuck)
        after = f"after {epochs} epoch{'s' * (epochs > 1)}"
        losses = " and ".join(shown[curve.name] for curve in stuck)
        if learned:
            (only,) = learned
            return (
                f"{only.name.capitalize()} gets below guessing (validation loss {shown[only.name]} at epoch {only.best_epoch}); "
                f"{stuck[0].name} does not, {after} ({losses})"
            )
        who = f"The {stuck[0].name} model is no" if len(stuck) == 1 else "Neither encoding is"
        return f"{who} better than guessing {after}: validation loss {losses}"
    if len(learned) == 1:
        (only,) = learned
        return f"The {only.name} model does best on unseen reviews at epoch {only.best_epoch}: validation loss {shown[only.name]}"
    first, second = learned
    when = f"{first.name} at epoch {first.best_epoch}, {second.name} at epoch {second.best_epoch}"
    if abs(best[first.name] - best[second.name]) < LOSS_NOISE:
        return f"Both encodings end near the same validation loss ({shown[first.name]} and {shown[second.name]}): {when}"
    lower, higher = sorted(learned, key=lambda curve: best[curve.name])
    return (
        f"The {lower.name} model reaches the lower validation loss: {shown[lower.name]} at epoch {lower.best_epoch}, "
        f"{higher.name} {shown[higher.name]} at epoch {higher.best_epoch}"
    )


def accuracy_title(curves: Sequence[Curve], tests: int) -> str:
    r"""Say what the accuracies show; they differ only beyond twice the standard error of a difference of two shares of `tests` reviews.

    >>> accuracy_title([Curve("one-hot", {}, 3, 0.731), Curve("embedding", {}, 2, 0.734)], 25_000)
    'On the test reviews both encodings are right about equally often: one-hot 73.1\xa0%, embedding 73.4\xa0%'
    """
    if len(curves) == 1:
        return f"The {curves[0].name} model judges {percent(curves[0].test_accuracy)} of the test reviews right"
    first, second = curves
    both = f"{first.name} {percent(first.test_accuracy)}, {second.name} {percent(second.test_accuracy)}"
    p = (first.test_accuracy + second.test_accuracy) / 2
    if abs(first.test_accuracy - second.test_accuracy) <= 2 * math.sqrt(2 * p * (1 - p) / max(tests, 1)):
        return f"On the test reviews both encodings are right about equally often: {both}"
    better = max(curves, key=lambda curve: curve.test_accuracy)
    return f"On the test reviews the {better.name} model is right more often: {both}"


def percent(share: float) -> str:
    r"""Write a share as a percentage, with a space that no line is broken at.

    >>> percent(0.7312)
    '73.1\xa0%'
    """
    return f"{share * 100:.1f}\N{NO-BREAK SPACE}%"


def loss_text(loss: float) -> str:
    """Write a loss with three decimals, or in powers of ten when they would not show it.

    >>> loss_text(0.54321), loss_text(0.0000123)
    ('0.543', '1.2e-05')
    """
    return f"{loss:.3f}" if loss >= 0.001 or loss == 0 else f"{loss:.1e}"
