"""Where minirnn differs from Keras on purpose: the entries of ``intended.json``, and whether each still has something to say.

Comes in: that file, a list of

    case      name of the case, or a pattern of names
    tensors   names of tensors, or patterns
    backends  Keras's backends on which they differ
    reason    why
    source    where in Keras the difference comes from

Goes out: the reason for a tensor. A listed difference that is no more fails its tensor (``compare.py``); an entry or one of its tensors
that no case has fails the whole run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

INTENDED: list[dict[str, Any]] = json.loads((Path(__file__).parent / "intended.json").read_text(encoding="utf-8"))


def reason(case: str, tensor: str, backend: str) -> str | None:
    """Give the reason why minirnn differs from that backend here; None where it must not."""
    for entry in INTENDED:
        if (
            backend in entry["backends"]
            and fnmatchcase(case, entry["case"])
            and any(fnmatchcase(tensor, name) for name in entry["tensors"])
        ):
            return str(entry["reason"])
    return None


def stale(tensors: Iterable[tuple[str, str, str]], backends: Sequence[str], entries: Sequence[dict[str, Any]] | None = None) -> list[str]:
    """Name what is listed and was not met in a run of all cases.

    Parameters
    ----------
    tensors : all that were compared: backend, case, tensor
    backends : those that ran
    entries : `INTENDED`, unless others are given
    """
    met = list(tensors)
    return [
        f"intended.json lists {entry['case']}, {pattern}, on {backend}, and there is no such tensor"
        for entry in (INTENDED if entries is None else entries)
        for backend in entry["backends"]
        if backend in backends
        for pattern in entry["tensors"]
        if not any(where == backend and fnmatchcase(case, entry["case"]) and fnmatchcase(tensor, pattern) for where, case, tensor in met)
    ]
