"""Keras's record of an object: ``{"module", "class_name", "config", "registered_name"}``.

Comes in: an object's class name and arguments. Goes out: the record, and back: the class name and arguments that a record holds. A name
is looked up in minirnn's own tables, never imported.

Source: Keras 3.15, ``keras/src/saving/serialization_lib.py``.
"""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class Record(NamedTuple):
    """An object as a file describes it.

    Attributes
    ----------
    class_name : e.g. ``"SimpleRNN"``
    config : the constructor's arguments
    own : whether the class is one of Keras's, not one that somebody registered
    """

    class_name: str
    config: dict[str, Any]
    own: bool


def record(module: str | None, class_name: str, config: dict[str, Any]) -> dict[str, Any]:
    """Give the record of an object of Keras's, or with no module, of one that somebody registers under its class name."""
    registered_name = class_name if module is None else None
    return {"module": module, "class_name": class_name, "config": config, "registered_name": registered_name}


def read_record(kind: str, entry: Any) -> Record:
    """Take a record apart.

    Raises
    ------
    ValueError
        It is not a record.
    """
    if not isinstance(entry, dict) or not isinstance(entry.get("class_name"), str) or not isinstance(entry.get("config"), dict):
        raise ValueError(f"expected a {kind}'s record with 'class_name' and 'config', received {shown(entry)}.")
    module = entry.get("module", "keras")
    own = isinstance(module, str) and module.split(".")[0] == "keras" and entry.get("registered_name") in (None, entry["class_name"])
    return Record(entry["class_name"], entry["config"], own)


def own_record(kind: str, entry: Any) -> Record:
    """Take a record apart that must be of one of Keras's own classes."""
    found = read_record(kind, entry)
    if not found.own:
        raise ValueError(f"{kind} {found.class_name!r} of module {shown(entry.get('module'))} is not one of Keras's own; refused.")
    return found


def name_or_record(kind: str, entry: Any) -> str | Record:
    """Give the name of a thing that is written by name, or as one of Keras's functions; else its record, taken apart."""
    if isinstance(entry, str):
        return entry
    if isinstance(entry, dict) and entry.get("class_name") == "function" and isinstance(entry.get("config"), str):
        return str(entry["config"])
    return own_record(kind, entry)


def construct(kind: type[T], config: dict[str, Any]) -> T:
    """Make an object of minirnn's from the arguments that Keras wrote.

    An argument that minirnn's class does not have is passed over when it is None, which is how Keras says "not used".

    Raises
    ------
    ValueError
        For any other such argument, and for something else than true or false where that is wanted.
    """
    defaults = _defaults(kind)
    arguments = {}
    for name, value in config.items():
        if name in defaults:
            if isinstance(defaults[name], bool) and not isinstance(value, bool):
                raise ValueError(f"{name} must be true or false, received {shown(value)}.")
            arguments[name] = value
        elif value is not None:
            raise ValueError(f"{name}={shown(value)} is not supported by minirnn.")
    return kind(**arguments)


def _defaults(kind: type) -> dict[str, Any]:
    """Give the constructor's arguments with their defaults, those of the classes it hands ``**kwargs`` to among them."""
    defaults: dict[str, Any] = {}
    for base in kind.__mro__:
        if "__init__" in vars(base) and base is not object:
            parameters = inspect.signature(vars(base)["__init__"]).parameters.values()
            named = [parameter for parameter in parameters if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)]
            defaults = {parameter.name: parameter.default for parameter in named if parameter.name != "self"} | defaults
            if all(parameter.kind != parameter.VAR_KEYWORD for parameter in parameters):
                break
    return defaults


def shown(value: Any) -> str:
    """Give a value as text, cut to a length that a message bears."""
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:120]}..."
