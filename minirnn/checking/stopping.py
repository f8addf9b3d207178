"""The exercise ``early_stopping``: when training ends, and which epoch was the best.

Comes in: nothing. Goes out: ``EXERCISE``. Truth: ``callbacks.EarlyStopping``, asked epoch by epoch.
"""

from __future__ import annotations

from functools import partial
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np

from minirnn.callbacks import EarlyStopping
from minirnn.checking.exercise import Arguments, Case, Exercise, Mistake, Output

# --------------------------------------------------------------------------------------------------------------------------- the cases

GIVEN: tuple[tuple[str, list[float], int], ...] = (
    ("one epoch", [0.7], 1),
    ("better every epoch", [0.9, 0.8, 0.7, 0.6], 2),
    ("worse every epoch", [0.6, 0.7, 0.8, 0.9], 2),
    ("patience 1", [0.9, 0.8, 0.85, 0.7, 0.6], 1),
    ("better again just before patience ends", [0.9, 0.7, 0.8, 0.75, 0.6, 0.65, 0.7, 0.75, 0.5], 3),
    ("a tie with the best", [0.8, 0.7, 0.7, 0.7, 0.6], 2),
    ("all epochs alike", [0.5, 0.5, 0.5, 0.5, 0.5, 0.5], 3),
    ("worse, then a little better, but not than the best", [0.5, 0.9, 0.8, 0.7, 0.6, 0.4], 3),
    ("patience ends with the last epoch", [0.9, 0.6, 0.7, 0.8], 2),
    ("the epochs end before patience does", [0.9, 0.6, 0.7, 0.8], 5),
    ("the best of all would come after the end", [0.7, 0.6, 0.65, 0.64, 0.63, 0.1], 3),
)


def _losses(rng: np.random.Generator, epochs: int, patience: int) -> Arguments:
    """A curve that falls and flattens, to two places, so that there are ties."""
    curve = 0.5 + 0.3 * np.exp(-np.arange(epochs) / 4) + rng.normal(0, 0.02, epochs)
    return {"val_losses": [float(loss) for loss in np.round(curve, 2)], "patience": patience}


CURVES = ((12, 1), (15, 2), (20, 3), (30, 3), (40, 4), (40, 5), (60, 7))


def _given(rng: np.random.Generator, val_losses: list[float], patience: int) -> Arguments:
    return {"val_losses": list(val_losses), "patience": patience}


CASES = (
    *(
        Case(title, {"epochs": len(losses), "patience": patience}, seed, partial(_given, val_losses=losses, patience=patience))
        for seed, (title, losses, patience) in enumerate(GIVEN, 1)
    ),
    *(
        Case("a noisy curve", {"epochs": epochs, "patience": patience}, seed, partial(_losses, epochs=epochs, patience=patience))
        for seed, (epochs, patience) in enumerate(CURVES, 1 + len(GIVEN))
    ),
)


# ------------------------------------------------------------------------------------------------------------------------------ truth


def _true(val_losses: list[float], patience: int) -> tuple[int, int]:
    model: Any = SimpleNamespace(stop_training=False)
    stopper = EarlyStopping(patience=patience)
    stopper.set_model(model)
    stopper.on_train_begin()
    epoch = -1
    for epoch, loss in enumerate(val_losses):
        stopper.on_epoch_end(epoch, {"val_loss": loss})
        if model.stop_training:
            break
    return epoch + 1, stopper.best_epoch + 1


# --------------------------------------------------------------------------------------------------------------------------- mistakes


def _stop(val_losses: list[float], patience: int, ties: bool, late: int, before: bool, total: bool) -> tuple[int, int]:
    """Early stopping with some of: ties improve, patience off by ``late``, compared with the epoch before, wait never set back."""
    best, best_epoch, wait, previous = np.inf, 0, 0, np.inf
    for epoch, loss in enumerate(val_losses, 1):
        better = loss < (previous if before else best) or (ties and loss == (previous if before else best))
        previous = loss
        if better:
            wait = wait if total else 0
        else:
            wait += 1
        if loss < best or (ties and loss == best):
            best, best_epoch = loss, epoch
        if not better and wait >= patience + late:
            return epoch, best_epoch
    return len(val_losses), best_epoch


TIES = (
    "an epoch that only equals the best counts as an improvement",
    "Better means less: loss < best. An equal loss is no improvement, and the earlier epoch stays the best.",
)
LATE = (
    "training runs one epoch too long",
    "Stop in the epoch in which wait reaches patience: wait >= patience after wait was raised, not wait > patience.",
)
EARLY = (
    "training ends one epoch too early",
    "With patience=3, three epochs in a row bring nothing better, and after the third it ends: wait starts at 0 at the best epoch.",
)
BEFORE = (
    "each epoch is compared with the one before",
    "Compare with the best so far: a curve that jumps up and creeps down again is not better than it was.",
)
TOTAL = (
    "wait is never set back to 0",
    "An improvement starts the wait anew: patience counts epochs in a row.",
)


def _rules() -> tuple[Mistake, ...]:
    """Each rule broken alone, then two at a time: their numbers look like neither's alone."""
    mistakes = []
    for ties, late, before, total in product((False, True), (0, 1, -1), (False, True), (False, True)):
        parts = [
            part for part, broken in ((TIES, ties), (LATE, late == 1), (EARLY, late == -1), (BEFORE, before), (TOTAL, total)) if broken
        ]
        if 1 <= len(parts) <= 2:
            when, fix = " and ".join(part[0] for part in parts), " ".join(part[1] for part in parts)
            name = {TIES[0]: "ties improve", LATE[0]: "too late", EARLY[0]: "too early", BEFORE[0]: "epoch before", TOTAL[0]: "no reset"}
            twin = partial(_stop, ties=ties, late=late, before=before, total=total)
            mistakes.append(Mistake(", ".join(name[part[0]] for part in parts), when, fix, twin))
    return tuple(sorted(mistakes, key=lambda mistake: mistake.name.count(",")))


def _last_of_best(val_losses: list[float], patience: int) -> tuple[int, int]:
    epochs, best = _true(val_losses, patience)
    seen = val_losses[:epochs]
    return epochs, max(epoch for epoch, loss in enumerate(seen, 1) if loss == val_losses[best - 1])


MISTAKES = (
    *_rules(),
    Mistake(
        "both from 0",
        "epochs are counted from 0",
        "The first epoch is 1: if training ends in the loop's epoch e, e + 1 epochs were trained; the best one is counted likewise.",
        lambda val_losses, patience: tuple(number - 1 for number in _true(val_losses, patience)),
    ),
    Mistake(
        "best from 0",
        "the best epoch is counted from 0",
        "The first epoch is 1: np.argmin(...) + 1, or enumerate(val_losses, 1).",
        lambda val_losses, patience: (_true(val_losses, patience)[0], _true(val_losses, patience)[1] - 1),
    ),
    Mistake(
        "epochs from 0",
        "the number of epochs is the index of the last one, counted from 0",
        "If training ends in the loop's epoch e, counted from 0, e + 1 epochs were trained.",
        lambda val_losses, patience: (_true(val_losses, patience)[0] - 1, _true(val_losses, patience)[1]),
    ),
    Mistake(
        "never stops",
        "training never ends early",
        "Count the epochs since the best one, and end when there are patience of them.",
        lambda val_losses, patience: (len(val_losses), int(np.argmin(val_losses)) + 1),
    ),
    Mistake(
        "best of all",
        "the best epoch is looked for in all epochs, also those after the end",
        "What comes after the end was never trained: look for the best among the epochs up to it.",
        lambda val_losses, patience: (_true(val_losses, patience)[0], int(np.argmin(val_losses)) + 1),
    ),
    Mistake(
        "looked ahead",
        "the least of all losses is found first, and patience counted from there",
        "Training does not know what is to come: go through the epochs in order, and end at the first place where patience runs out.",
        lambda val_losses, patience: (
            min(int(np.argmin(val_losses)) + 1 + patience, len(val_losses)),
            int(np.argmin(val_losses)) + 1,
        ),
    ),
    Mistake(
        "last as best",
        "the last epoch is given as the best",
        "The best is the one with the least loss; at the end training has gone on past it.",
        lambda val_losses, patience: (_true(val_losses, patience)[0],) * 2,
    ),
    Mistake(
        "patience before the end",
        "the best epoch is taken to be patience epochs before the last one",
        "That holds only if patience ended the training; when the epochs ran out first, it is elsewhere. Remember it when it comes.",
        lambda val_losses, patience: (_true(val_losses, patience)[0], _true(val_losses, patience)[0] - patience),
    ),
    Mistake(
        "last of equal ones",
        "of equally good epochs the last is given as the best",
        "The first that reached the loss is the best one: replace best only by a loss that is less.",
        _last_of_best,
    ),
    Mistake(
        "greatest",
        "the greatest loss counts as the best",
        "A loss is better when it is less.",
        lambda val_losses, patience: _true([-loss for loss in val_losses], patience),
    ),
    Mistake(
        "order",
        "the best epoch comes first",
        "Return the number of epochs trained, then the best epoch.",
        lambda val_losses, patience: _true(val_losses, patience)[::-1],
    ),
)


def _reckon(arguments: Arguments, truth: tuple[np.ndarray, ...]) -> str:
    """How the two numbers come about."""
    losses, patience = arguments.values()
    epochs, best = (int(number) for number in truth)
    after = epochs - best
    said = f"Up to its end, epoch {epochs}, the least loss is {losses[best - 1]:g}, first reached in epoch {best}."
    if after < patience:
        return f"{said} Fewer than patience={patience} epochs come after it, so training runs on to the last, {len(losses)}."
    return (
        f"{said} Then {after} epoch{'s' * (after > 1)} in a row bring{'s' * (after == 1)} nothing less, which is patience: it ends there."
    )


EXERCISE = Exercise(
    "early_stopping",
    "when training ends, and which epoch was the best",
    ("val_losses", "patience"),
    ("a list of floats, one an epoch", "int, 1 or more"),
    (
        Output("epochs", "", "int", lambda: "how many epochs were trained"),
        Output("best_epoch", "", "int", lambda: "the best epoch, the first being 1"),
    ),
    _true,
    CASES,
    MISTAKES,
    _reckon,
)
