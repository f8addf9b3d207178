"""Objects that are nothing but their arguments: initializers, regularizers, constraints, schedules. They are written down, and read again.

Comes in: an object. Goes out: its configuration, the constructor's arguments as plain values under Keras's names, and Keras's record of it,
``{"module", "class_name", "config", "registered_name"}``; and from a record the object. A class is looked up in a table, never imported.

Source: Keras 3.15, ``keras/src/saving/serialization_lib.py``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self, TypeVar

import numpy as np

from minirnn.registry import lookup

T = TypeVar("T", bound="Configured")


class Configured:
    """What every such object is. A subclass names the arguments of its constructor."""

    arguments: ClassVar[tuple[str, ...]] = ()
    """The constructor's arguments, in Keras's order; each is kept under its own name, and together they are the configuration."""

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain values, under Keras's names."""
        return {name: getattr(self, name) for name in self.arguments}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Build the object whose `get_config` gave `config`."""
        return cls(**config)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


def not_negative(function: str, argument: str, value: Any) -> Any:
    """Return an argument that is a finite number, 0 or more, else raise ValueError; a number of NumPy's becomes Python's."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating) or not math.isfinite(value) or value < 0:
        raise ValueError(f"{function}: {argument} must be a finite number, 0 or more, received {value!r}.")
    return value if isinstance(value, int) else float(value)


def write_record(kind: str, thing: Any, table: Mapping[str, type[Configured]]) -> dict[str, Any]:
    """Return Keras's record of an object.

    Parameters
    ----------
    kind : what it is, in the singular: ``"regularizer"``
    thing : the object
    table : the classes that Keras has too, by name

    Raises
    ------
    ValueError
        When its class is not one of them: nobody could read the record.

    Examples
    --------
    >>> from minirnn.constraints import CLASSES, NonNeg
    >>> write_record("constraint", NonNeg(), CLASSES)
    {'module': 'keras.constraints', 'class_name': 'NonNeg', 'config': {}, 'registered_name': None}
    """
    if type(thing) not in table.values():
        raise ValueError(f"{kind} {thing!r} is not one that Keras has, so it cannot be written to a file. Save the weights alone.")
    return {"module": f"keras.{kind}s", "class_name": type(thing).__name__, "config": thing.get_config(), "registered_name": None}


def read_record(kind: str, record: Any, table: Mapping[str, type[T]]) -> T:
    """Return the object that a record describes; nothing in it is executed.

    Parameters
    ----------
    kind : what it is, in the singular: ``"regularizer"``
    record : what `write_record`, or Keras, wrote
    table : the classes that are known, by name

    Raises
    ------
    ValueError
        When the class is missing, unknown, or one that somebody registered under one of Keras's names.
    TypeError
        When the class does not take the arguments.
    """
    arguments = record.get("config", {})
    if "class_name" not in record or not isinstance(arguments, dict):
        raise ValueError(f"{kind}s.deserialize: expected a dict with 'class_name' and 'config', received {record!r}.")
    thing = lookup(kind, record["class_name"], table)
    if record.get("registered_name") not in (None, record["class_name"]):
        raise ValueError(f"{kind}s.deserialize: {record['registered_name']!r} is not one of Keras's own classes; refused.")
    try:
        return thing.from_config(arguments)
    except TypeError as error:
        raise TypeError(f"{kind}s.deserialize: {thing.__name__} does not take config {arguments!r}: {error}.") from error
