"""Why a model learns nothing for a while and then falls off a plateau: sentences from the curves of one run, and no more than they hold.

Comes in: val_loss and what the `Inspector` recorded, epoch by epoch. Goes out: when a model began to learn, whether that was a plateau, and
what changed in it. Every sentence stands on figures of the run that it is about; where they say something else, it is not said.

When, from val_loss and guessing (ln 2):

    gain      = ln 2 - lowest val_loss; below `findings.LOSS_NOISE` nothing was learned, below five times that a tenth cannot be seen:
                the losses of a run are of the same reviews, so half the noise of two is allowed for
    start     = first epoch at which a tenth of the gain is made
    half      = first epoch at which half of it is
    at once     start is epoch 1 or 2
    plateau     at least 3 epochs before the start, and more of them than from the start to the half: a straight line takes a quarter as
                many for the first tenth as for the next four, a decay like exp(-t/τ) a fifth, so this is four times later than either
    gradual     everything between

What changed, from the aligned reach (`reach`): a review is judged by a sum over its words, and it says over how many steps words add up.

    before, after = medians of the aligned reach before the start, and from the half on
    rise          = first epoch at which it is above the mean of the two, the geometric one
    it is the reach  where after is three times before or more, and the rise lies between the middle of the plateau and the half

Three, because the figure is of one batch: the job's 32 reviews are within a factor of two of all.

What was found before these sentences were written, on IMDB with seven seeds, by experiments that ``python -m benchmarks.plateau`` repeats:
the plateau is not of the encoding but of the first recurrent matrix, a random orthogonal one. Started as the identity instead, every one-
hot model starts at epoch 2 or 3, where it took 4 to 37, and every embedding model at epoch 1, where four took 1 to 14 and three never got
so far. Started as a rotation whose slowest turn is 0, 10 or 40 degrees a step, one-hot starts at epochs 2 to 9, 5 to 16 but for one, and
38 or later or never. A smaller Wx does not remove the plateau: three seeds of seven then never leave it. A learning rate three times as
high makes it about three times as short. Of fourteen pairs that begin with the same matrix, the embedding model starts sooner in eight,
within an epoch of the other in one, and in five patience stops it first. So a run may as well show a one-hot model that starts sooner than
the embedding model; seeds 2 and 6 do.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from minirnn.findings import GUESSING, LOSS_NOISE
from minirnn.reach import eigenvalues_of, leading_turn

GROWTH = 3.0
"""How many times longer an aligned reach must be to be called longer."""


class Inside(NamedTuple):
    """What was recorded of one model of the job.

    Attributes
    ----------
    name : "one-hot" or "embedding".
    steps : T, ids that are read.
    val_loss : one an epoch, as all that follow.
    reach, aligned : steps.
    moved : how far the word part is from where it began, in units of its first size.
    update : how far the epoch moved all weights together.
    first_turn : degrees a step, of the recurrent matrix before the training.
    """

    name: str
    steps: int
    val_loss: Sequence[float]
    reach: Sequence[float]
    aligned: Sequence[float]
    moved: Sequence[float]
    update: Sequence[float]
    first_turn: float


class Course(NamedTuple):
    """When a model learned; epochs from 1.

    Attributes
    ----------
    kind : "never", "little", "at once", "plateau" or "gradual".
    start, half : the epochs at which a tenth and half of the gain were made; 0 for never.
    gain : nats below guessing, at the best epoch.
    """

    kind: str
    start: int
    half: int
    gain: float

    @property
    def waited(self) -> int:
        """Epochs before the start."""
        return self.start - 1


def course_of(val_loss: Sequence[float]) -> Course:
    """Say when a model learned.

    >>> course = course_of([0.69, 0.69, 0.69, 0.69, 0.69, 0.68, 0.62, 0.55, 0.54])
    >>> course.kind, course.start, course.half, round(course.gain, 3)
    ('plateau', 7, 8, 0.153)
    >>> course_of([0.66, 0.62, 0.58, 0.55, 0.54]).kind
    'at once'
    """
    gain = GUESSING - min((loss for loss in val_loss if math.isfinite(loss)), default=GUESSING)
    if gain < LOSS_NOISE:
        return Course("never", 0, 0, gain)
    start, half = (_first(val_loss, GUESSING - share) for share in (gain / 10, gain / 2))
    if gain < 5 * LOSS_NOISE:
        return Course("little", start, half, gain)
    if start <= 2:
        kind = "at once"
    else:
        kind = "plateau" if start > 3 and start - 1 > half - start else "gradual"
    return Course(kind, start, half, gain)


class Rise(NamedTuple):
    """How the aligned reach grew as a plateau ended: before it and after it, in steps, and at which epoch it was half the way."""

    before: float
    after: float
    epoch: int


def rise_of(inside: Inside, course: Course) -> Rise | None:
    """Give the rise that came with the end of a plateau; None where the aligned reach did not grow, or not then."""
    before, after = _median(inside.aligned[: course.waited]), _median(inside.aligned[course.half - 1 :])
    if course.kind != "plateau" or not after >= GROWTH * before > 0:
        return None
    epoch = next(n for n, steps in enumerate(inside.aligned, start=1) if steps >= math.sqrt(before * after))
    return Rise(before, after, epoch) if course.waited / 2 < epoch <= course.half else None


def heading(insides: Sequence[Inside]) -> str:
    """Give the section's title.

    >>> flat = [0.69] * 9 + [0.6, 0.55]
    >>> slow = Inside("one-hot", 100, flat, [9.0] * 11, [1.0] * 9 + [20, 30], [0.1] * 11, [0.1] * 11, 11.0)
    >>> fast = Inside("embedding", 100, [0.62, 0.55], [50.0] * 2, [40.0] * 2, [0.2] * 2, [0.1] * 2, 0.0)
    >>> heading([slow, fast])
    'Why the one-hot model waits for 9 epochs, and the embedding model does not'
    >>> heading([fast])
    'How far back the gradient of the embedding model gets'
    """
    courses = {inside.name: course_of(inside.val_loss) for inside in insides}
    waiting = [name for name, course in courses.items() if course.kind == "plateau"]
    others = [name for name in courses if name not in waiting]
    if not waiting:
        return f"How far back the gradient of the {' and the '.join(courses)} model gets"
    first = f"Why the {waiting[0]} model waits for {courses[waiting[0]].waited} epochs"
    if len(waiting) > 1:
        return f"{first} and the {waiting[1]} model for {courses[waiting[1]].waited}"
    at_once = others and courses[others[0]].kind == "at once"
    return f"{first}, and the {others[0]} model does not" if at_once else first


def paragraphs(insides: Sequence[Inside]) -> list[str]:
    """Say when each model began to learn, and what changed in it then.

    Parameters
    ----------
    insides : of the models of one run.
    """
    courses = [course_of(inside.val_loss) for inside in insides]
    pairs = list(zip(insides, courses, strict=True))
    steps = insides[0].steps
    about = (
        f"A gradient shows over how many steps a network adds words up: its aligned reach is 1 if only the last word counts, and {steps} "
        f"if all {steps} count alike."
    )
    return [
        " ".join(_when(*pair) for pair in pairs),
        " ".join([about, *(_carried(*pair) for pair in pairs)]),
        *(words for pair in pairs if (words := " ".join([*_turned(*pair), *_moving(*pair)]))),
        *_word_part(insides),
        "These figures are of this run alone: another --seed draws other first weights. The reach is measured at the end of each epoch, on "
        "a few of the training reviews.",
    ]


def _when(inside: Inside, course: Course) -> str:
    """Say when a model began to learn."""
    name, epochs = f"The {inside.name} model", _count(len(inside.val_loss), "epoch")
    lowest = f"{GUESSING - course.gain:.3f}"
    if course.kind == "never":
        return f"{name} did not get below guessing in {epochs}: its lowest validation loss is {lowest}, that of guessing is 0.693."
    if course.kind == "little":
        return (
            f"{name}'s lowest validation loss in {epochs} is {lowest}, {course.gain:.3f} below that of guessing: too little to tell a "
            f"tenth of it, where a plateau would end, from chance."
        )
    tenth = f"At epoch {course.start} the {inside.name} model has made a tenth of all that its validation loss will fall below guessing"
    if course.kind == "at once":
        return f"{tenth}: it starts at once."
    rest = f"{tenth}, and half of it at epoch {course.half}"
    if course.kind == "plateau":
        falling = course.half - course.start
        return f"{rest}: {course.waited} epochs of almost nothing, then four times as much in {falling}. A plateau and a fall."
    return f"{rest}: slowly at first, but not a plateau."


def _carried(inside: Inside, course: Course) -> str:
    """Say over how many steps its words add up, and when that changed."""
    name = f"the {inside.name} model"
    known = [steps for steps in inside.aligned if math.isfinite(steps)]
    if not known:
        return f"Of {name} it is not known."
    rise = rise_of(inside, course)
    if rise is not None:
        return (
            f"On the plateau of {name} it is {steps_text(rise.before)}, in the median. At epoch {rise.epoch}, "
            f"{_compare(rise.epoch, course.start)}, it is half the way up, as the picture's scale has it, and from epoch {course.half} on "
            f"it is {steps_text(rise.after)}: the loss falls when the words begin to add up."
        )
    if course.kind == "plateau":
        before, after = _median(inside.aligned[: course.waited]), _median(inside.aligned[course.half - 1 :])
        return (
            f"On the plateau of {name} it is {steps_text(before)}, and {steps_text(after)} from epoch {course.half} on, in the median. "
            f"That does not explain why the loss fell when it did."
        )
    if course.kind in ("never", "little"):
        least, most = steps_text(min(known)), steps_text(max(known))
        return f"Of {name} it is {least} throughout." if least == most else f"Of {name} it is between {least} and {most} throughout."
    return f"Of {name} it is {steps_text(inside.aligned[0])} after the first epoch, and {steps_text(inside.aligned[-1])} at the end."


def _turned(inside: Inside, course: Course) -> list[str]:
    """Say whether the gradient of a model on a plateau was lost or turned."""
    if rise_of(inside, course) is None:
        return []
    reach, aligned = (_median(values[: course.waited]) for values in (inside.reach, inside.aligned))
    where = f"On the plateau of the {inside.name} model the gradient"
    if not reach >= GROWTH * aligned:
        return [
            f"{where} itself gets hardly farther back: counted by its strength, whatever its direction, it reaches {steps_text(reach)}."
        ]
    words = f"{where} is not lost, it does not keep its direction: counted by its strength alone, it reaches {steps_text(reach)} back."
    if inside.first_turn >= 1:
        words += (
            f" The recurrent matrix began as a random orthogonal one, which turned even what it turned least by {inside.first_turn:.0f}° a "
            f"step: what a word left in the state pointed the other way {_count(round(180 / inside.first_turn), 'step')} later at the "
            f"latest, and the same word counted as praise at one place and as blame at another."
        )
    return [words]


def _moving(inside: Inside, course: Course) -> list[str]:
    """Say whether weights rested on a plateau."""
    if course.kind != "plateau":
        return []
    resting, falling = _median(inside.update[: course.waited]), _median(inside.update[course.waited : course.half])
    if not resting >= falling / GROWTH > 0:
        return []
    return [
        f"The {inside.name} model's weights did not rest meanwhile: an epoch of the plateau moved them {resting / falling:.0%} as far as "
        f"one of the fall. RMSprop divides each gradient by its usual size, so that small gradients do not make small steps."
    ]


def _word_part(insides: Sequence[Inside]) -> list[str]:
    """Say whose word part changes sooner."""
    if len(insides) < 2 or not all(inside.moved and inside.moved[0] > 0 for inside in insides):
        return []
    slower, faster = sorted(insides, key=lambda inside: inside.moved[0])
    if faster.moved[0] < 2 * slower.moved[0]:
        return []
    words = (
        f"What the models know of each word changes at another pace too: the first epoch moved the word part of z by "
        f"{faster.moved[0]:.1%} of its first size with {faster.name}, and by {slower.moved[0]:.1%} with {slower.name}."
    )
    return [words + " Embedded, it is a product of two matrices that both move." * (faster.name == "embedding")]


def _compare(epoch: int, start: int) -> str:
    if epoch == start:
        return "with that tenth"
    apart = _count(abs(epoch - start), "epoch")
    return f"{apart} {'before' if epoch < start else 'after'} that tenth"


def _first(values: Sequence[float], bound: float) -> int:
    return next(n for n, value in enumerate(values, start=1) if value <= bound)


def _median(values: Sequence[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return statistics.median(known) if known else math.nan


def steps_text(steps: float) -> str:
    """Write a reach, with a decimal where that says something.

    >>> steps_text(1.04), steps_text(41.7), steps_text(math.nan)
    ('1.0 steps', '42 steps', 'an unknown number of steps')
    """
    if not math.isfinite(steps):
        return "an unknown number of steps"
    return f"{steps:.1f} steps" if steps < 9.95 else f"{steps:.0f} steps"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def inside_of(name: str, steps: int, val_loss: Sequence[float], arrays: Mapping[str, np.ndarray]) -> Inside:
    """Gather what the sentences need.

    Parameters
    ----------
    name, steps, val_loss : of `Inside`.
    arrays : what an `Inspector` recorded of a model of one SimpleRNN, by its ``to_dict``, or from a run's file.
    """

    def only(ending: str) -> np.ndarray:
        (found,) = (values for key, values in arrays.items() if key.endswith(ending))
        return found

    updates = [values for key, values in arrays.items() if key.endswith(".update") and not key.endswith(".words.update")]
    first_Wh = next(values[0] for key, values in arrays.items() if key.startswith("snapshots.") and key.endswith(".recurrent_kernel"))
    curves = (only(".reach"), only(".aligned_reach"), only(".words.moved"), np.sqrt(np.sum(np.square(updates), axis=0)))
    reach, aligned, moved, update = (curve.tolist() for curve in curves)
    return Inside(name, steps, list(val_loss), reach, aligned, moved, update, leading_turn(eigenvalues_of(first_Wh)))
