"""Optimizers: what turns gradients into steps.

Comes in: a name, or an optimizer. Goes out: an optimizer. The arithmetic is in `rmsprop_step` and `rows`; `schedules` give a step's size.

Source: Keras 3.15, ``keras/src/optimizers/__init__.py``.
"""

from __future__ import annotations

from typing import Any

from minirnn.optimizers import schedules
from minirnn.optimizers.rmsprop import RMSprop
from minirnn.optimizers.rmsprop_step import BACKENDS, rmsprop_jit, rmsprop_ref
from minirnn.registry import lookup

__all__ = ["BACKENDS", "OPTIMIZERS", "RMSprop", "get", "rmsprop_jit", "rmsprop_ref", "schedules"]

OPTIMIZERS = {"rmsprop": RMSprop}


def get(identifier: Any) -> RMSprop:
    """Give an optimizer by Keras's name, in any case, or as it is.

    Raises
    ------
    ValueError
        When the name is unknown.
    TypeError
        When it is neither a name nor an optimizer.

    Examples
    --------
    >>> get("rmsprop").learning_rate
    0.001
    """
    if isinstance(identifier, RMSprop):
        return identifier
    if isinstance(identifier, str):
        return lookup("optimizer", identifier.lower(), OPTIMIZERS)()
    raise TypeError(f"optimizers.get: optimizer must be a name or an optimizer of minirnn.optimizers, received {identifier!r}.")
