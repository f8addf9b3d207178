"""What ``--full`` adds: whole trainings, in the package ``parity.trainings``.

Comes in: Keras's backends that are installed, a folder. Goes out: a `Section` of the report.

The package offers ``whole(backends, folder, say) -> Section`` in ``parity/trainings/full.py``. It brings its own processes, prints through
``say``, leaves its files in the folder, and may take hours.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

MODULE = "parity.trainings.full"


class Plate(NamedTuple):
    """A matplotlib Figure, and a sentence that says what to look for in it."""

    figure: Any
    caption: str


class Section(NamedTuple):
    """A part of the report that another package made.

    Attributes
    ----------
    title : its heading
    passed : whether all of it is as it should be; if not, the run fails
    words : what was found, a paragraph each
    record : everything, as JSON can hold it
    plates : its figures, by name
    """

    title: str
    passed: bool
    words: Sequence[str]
    record: Mapping[str, Any]
    plates: Mapping[str, Plate]


def whole_trainings(backends: Sequence[str], out: Path, say: Callable[[str], None] = print) -> Section:
    """Run them; where they cannot be run to their end, that is a section that failed, and what was compared before is not lost."""
    try:
        section: Section = importlib.import_module(MODULE).whole(backends, out / "trainings", say)
    except Exception as error:
        section = Section("Whole trainings", False, (f"They did not come to their end: {type(error).__name__}: {error}",), {}, {})
    say("")
    for words in section.words:
        say(words)
    return section
