"""Whether two peers did the same work: their figures, side by side, before anything is timed and again when all is.

Comes in: a workload's entries, with the figures of every call so far. Goes out: a verdict in each; one that differs has failed, and is
timed no further.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.peers import LIMITS, REFERENCE_PER_LOOKUP, REFERENCES, SQUARE_LOOKUPS
from benchmarks.workloads import Workload

BEFORE_TOLERANCE = 1e-6
"""On the loss before training, in nats: minirnn and Keras, on TensorFlow and on JAX, are 1e-7 apart here."""
AFTER_TOLERANCE = 1e-5
"""On an epoch's training loss, in nats, and on probabilities. RMSprop divides by the root of a running mean, so rounding grows from step to
step: 4e-7 apart over eight epochs of the seed. The one known difference in the arithmetic, `EMBEDDING_DIFFERS`, is 1e-2."""
TOLERANCES = {"pad": 0.0}
"""On the figures of other kinds than those that have `AFTER_TOLERANCE`."""

EMBEDDING_DIFFERS = "Keras on TensorFlow adds up the squares of a repeated id's gradients, the others square their sum"

Entry = dict[str, Any]


def squares_lookups(entry: Entry, workload: Workload) -> bool:
    """Tell whether an entry squares the gradient of each lookup of an id (`EMBEDDING_DIFFERS`)."""
    return workload.kind in ("train", "job") and workload.model == "embedding" and entry["peer"] in SQUARE_LOOKUPS


def furthest(ours: Sequence[Sequence[float]], theirs: Sequence[Sequence[float]]) -> float:
    """Give the largest difference of figures that both have; a NaN counts as infinitely far, which Python's max would pass over."""
    apart = [abs(a - b) for mine, other in zip(ours, theirs, strict=False) for a, b in zip(mine, other, strict=True)]
    return math.inf if not apart or any(map(math.isnan, apart)) else max(apart)


def compare(entry: Entry, reference: Entry | None, workload: Workload) -> tuple[bool, str]:
    """Compare an entry with the reference of its workload: the loss before training, and the figures of every call that both have made.

    Returns
    -------
    equal : False only where something that must be equal is not
    verdict : one line that says what was compared
    """
    if entry["peer"] in LIMITS:
        return True, "a limit; its own numbers were checked against NumPy's"
    if reference is None:
        return True, "not compared: nobody else has done this"
    if entry is reference:
        return True, "the reference"
    before = 0.0
    if workload.kind == "train":
        before = furthest([[entry["before"]]], [[reference["before"]]])
        if not before <= BEFORE_TOLERANCE:
            return False, f"before training its loss differs by {before:.1e}, allowed {BEFORE_TOLERANCE:.0e}"
    calls = min(len(entry["figures"]), len(reference["figures"]))
    if squares_lookups(entry, workload) and squares_lookups(reference, workload):
        calls = 1  # from the second epoch on rounding grows a millionfold on this path, in Keras as here (parity/trainings)
    after, allowed = furthest(entry["figures"][:calls], reference["figures"]), TOLERANCES.get(workload.kind, AFTER_TOLERANCE)
    if squares_lookups(entry, workload) != squares_lookups(reference, workload):
        return True, f"equal before ({before:.0e}); differs by design after ({after:.0e})"
    if not after <= allowed:
        return False, f"it differs by {after:.1e} within {calls} calls, allowed {allowed:.0e}"
    return True, f"equal before ({before:.0e}) and after ({after:.0e})" if workload.kind == "train" else f"equal ({after:.0e})"


def judge(entries: Iterable[Entry], workload: Workload) -> None:
    """Put the verdict into every entry that runs; one that differs has failed."""
    running = {entry["peer"]: entry for entry in entries if entry["status"] == "timed"}
    reference = next((running[name] for name in REFERENCES if name in running), None)
    per_lookup = running.get(REFERENCE_PER_LOOKUP)
    for entry in running.values():
        chosen = per_lookup if per_lookup is not None and squares_lookups(entry, workload) else reference
        equal, entry["equality"] = compare(entry, chosen, workload)
        if not equal:
            fail(entry, entry["equality"])


def fail(entry: Entry, reason: object) -> None:
    """Mark an entry that ran and is wrong."""
    entry |= {"status": "failed", "reason": str(reason)}
