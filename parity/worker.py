"""Keras on one backend, in a process of its own: runs the cases, and says each verdict as soon as there is one.

Comes in: the backend, and which cases, as arguments. Goes out: lines of JSON on the standard output:

    {"header": ...}                                what holds for this backend
    {"begin": case}                                so that it is known where a process died
    {"end": case, "seconds", "seeds", "verdicts"}
    {"done": seconds, "import_seconds": ...}       at the end, or the process has crashed

What libraries print goes to the standard error, so that the answers stay clean.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from parity.compare import Verdict


def judged(name: str, backend: str) -> list[Verdict]:
    """Run a case; one that raises has failed, and the others go on."""
    from parity.case import run_case
    from parity.cases import CASES

    try:
        return run_case(name, CASES[name], backend)
    except Exception as error:
        return [Verdict(name, "-", (), math.inf, 0, 0, (), False, f"{type(error).__name__}: {error}".splitlines()[0])]


def work(backend: str, only: str, say: Callable[[dict[str, Any]], None]) -> None:
    """Run the cases whose name holds ``only``."""
    start = time.perf_counter()
    from parity import header, keras_backend
    from parity.case import seeds_drawn_from
    from parity.cases import CASES

    keras_backend.load()
    if keras_backend.backend() != backend:
        raise RuntimeError(f"Keras is on {keras_backend.backend()}, not on {backend}; the environment variable KERAS_BACKEND chooses.")
    say({"header": header.of_backend(backend)})
    imported = time.perf_counter()
    for name in CASES:
        if only not in name:
            continue
        say({"begin": name})
        began = time.perf_counter()
        with seeds_drawn_from() as seeds:
            verdicts = judged(name, backend)
        seconds = round(time.perf_counter() - began, 3)
        say({"end": name, "seconds": seconds, "seeds": sorted(set(seeds)), "verdicts": [asdict(verdict) for verdict in verdicts]})
    say({"done": round(time.perf_counter() - imported, 3), "import_seconds": round(imported - start, 3)})


def main(arguments: list[str]) -> None:
    """Answer on what was the standard output, and let everyone else write to the standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    work(*arguments, lambda message: print(json.dumps(message), file=answers, flush=True))


if __name__ == "__main__":
    main(sys.argv[1:])
