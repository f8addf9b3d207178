"""Learning rate schedules: the learning rate as a function of the step, under Keras's names.

Comes in: a schedule, for ``RMSprop(learning_rate=schedule)``, or its configuration. Goes out: the configuration, or the schedule. The
schedules themselves stand in `decays` and `cosine`, with their equations.

Source: Keras 3.15, ``keras/src/optimizers/schedules/learning_rate_schedule.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minirnn.optimizers.schedules.cosine import CosineDecay, CosineDecayRestarts
from minirnn.optimizers.schedules.decays import ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay, PolynomialDecay
from minirnn.optimizers.schedules.schedule import LearningRateSchedule
from minirnn.registry import lookup

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]

SCHEDULES: dict[str, type[LearningRateSchedule]] = {
    kind.__name__: kind
    for kind in (CosineDecay, CosineDecayRestarts, ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay, PolynomialDecay)
}


def serialize(learning_rate_schedule: LearningRateSchedule) -> dict[str, Any]:
    """Give the configuration of a schedule as Keras writes it in a ``.keras`` file.

    Raises
    ------
    TypeError
        It is not a schedule.
    NotImplementedError
        It is of a class that does not override ``get_config``.

    Examples
    --------
    >>> serialize(InverseTimeDecay(0.5, 10, 0.25))["config"]
    {'initial_learning_rate': 0.5, 'decay_steps': 10, 'decay_rate': 0.25, 'staircase': False, 'name': 'InverseTimeDecay'}
    """
    if not isinstance(learning_rate_schedule, LearningRateSchedule):
        raise TypeError(
            f"schedules.serialize: learning_rate_schedule must be a LearningRateSchedule, received {learning_rate_schedule!r} "
            f"of type {type(learning_rate_schedule).__name__}."
        )
    kind = type(learning_rate_schedule)
    own = SCHEDULES.get(kind.__name__) is kind
    return {
        "module": "keras.optimizers.schedules" if own else None,
        "class_name": kind.__name__,
        "config": learning_rate_schedule.get_config(),
        "registered_name": None if own else kind.__name__,
    }


def deserialize(config: dict[str, Any], custom_objects: Mapping[str, type[LearningRateSchedule]] | None = None) -> LearningRateSchedule:
    """Give the schedule that `serialize`, or Keras, wrote as `config`; nothing in it is executed.

    Parameters
    ----------
    config : with ``class_name`` and ``config``
    custom_objects : classes of one's own, by name

    Raises
    ------
    ValueError
        The class is missing or unknown, or an argument out of range.
    TypeError
        The class does not take the arguments.

    Examples
    --------
    >>> deserialize(serialize(ExponentialDecay(0.1, decay_steps=100, decay_rate=0.5))).decay_steps
    100
    """
    arguments = config.get("config") if isinstance(config, dict) else None
    if not isinstance(arguments, dict) or "class_name" not in config:
        raise ValueError(f"schedules.deserialize: expected a dict with 'class_name' and 'config', received {config!r}.")
    kind = lookup("learning rate schedule", config["class_name"], {**SCHEDULES, **(custom_objects or {})})
    return kind.from_config(arguments)
