"""Names to things: the one place where a string such as ``"tanh"`` becomes an activation, an initializer or a loss.

Comes in: what kind of thing is wanted, the name that the user wrote, and the table of known names. Goes out: the table's entry, or an
error that says which name was probably meant.

Source: names are matched exactly, case included, as Keras 3.15 matches them; the suggestion is minirnn's own.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


class UnknownNameError(ValueError):
    """Nothing is known by that name."""


def lookup(kind: str, identifier: str, table: Mapping[str, T]) -> T:
    """Return the entry of `table` that is called `identifier`.

    Parameters
    ----------
    kind : str
        What the table holds, in the singular, for the message: ``"activation"``.
    identifier : str
        The name as the user wrote it.
    table : mapping of str to object
        Known names. One entry may stand under several names; the first is the one that a message shows.

    Returns
    -------
    object
        ``table[identifier]``.

    Raises
    ------
    UnknownNameError
        When `identifier` is not a string or not in `table`; a ValueError.

    Examples
    --------
    >>> lookup("activation", "tanh", {"linear": 0, "tanh": 1})
    1
    >>> lookup("activation", "tahn", {"linear": 0, "tanh": 1})
    Traceback (most recent call last):
    minirnn.registry.UnknownNameError: unknown activation 'tahn': did you mean 'tanh'? Known: linear, tanh.
    """
    if not isinstance(identifier, str):
        raise UnknownNameError(
            f"unknown {kind} {identifier!r} of type {type(identifier).__name__}: expected a name. Known: {', '.join(_main_names(table))}."
        )
    if identifier in table:
        return table[identifier]
    meant = _closest(identifier, table)
    suggestion = f"did you mean {meant!r}? " if meant is not None else ""
    raise UnknownNameError(f"unknown {kind} {identifier!r}: {suggestion}Known: {', '.join(_main_names(table))}.")


def _closest(identifier: str, table: Mapping[str, object]) -> str | None:
    """Return the known name nearest to `identifier`, or None when none is near; case and underscores do not count."""
    names: dict[str, str] = {}
    for name in table:
        names.setdefault(_letters(name), name)
    matches = difflib.get_close_matches(_letters(identifier), list(names), n=1)
    return names[matches[0]] if matches else None


def _letters(name: str) -> str:
    return name.strip().lower().replace("_", "")


def _main_names(table: Mapping[str, object]) -> list[str]:
    """Return the first name of each entry, sorted: aliases would only make a message long."""
    first_names: dict[int, str] = {}
    for name, entry in table.items():
        first_names.setdefault(id(entry), name)
    return sorted(first_names.values())
