"""The command ``python -m parity``: a header, a verdict per tensor, and one overall."""

from __future__ import annotations

import argparse
import math
import os
import sys
import time

from parity.compare import Verdict

COLUMNS = "{case:<42}{tensor:<24}{shape:>12}{error:>10}{keras:>10}{allowed:>10}{at:>15}  {verdict}"


def main(arguments: list[str] | None = None) -> int:
    """Run the cases; give 1 when a tensor fails."""
    parser = argparse.ArgumentParser(prog="python -m parity", description="Compare minirnn with Keras, given identical weights.")
    parser.add_argument("--backend", choices=("tensorflow", "jax"), default="tensorflow", help="Keras's backend (default: tensorflow)")
    parser.add_argument("--only", metavar="NAME", default="", help="run the cases whose name holds NAME")
    parser.add_argument("--list", action="store_true", help="name the cases, and run none")
    chosen = parser.parse_args(arguments)
    os.environ["KERAS_BACKEND"] = chosen.backend  # Keras reads it when it is imported
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

    from parity import keras_side
    from parity.cases import CASES
    from parity.header import header

    names = [name for name in CASES if chosen.only in name]
    if not names:
        parser.error(f"no case is named like {chosen.only!r}; --list names them")
    if chosen.list:
        print("\n".join(names))
        return 0
    try:
        keras_side.load()
    except ImportError as error:
        parser.error(f"Keras on {chosen.backend} cannot be imported ({error}). Install what parity needs: pip install -e '.[test]'")
    print("\n".join(header(chosen.backend)))
    print("errors are distances to the truth, in ULP of float32; for exact cases, the number of elements that differ\n")
    print(
        COLUMNS.format(
            case="case", tensor="tensor", shape="shape", error="minirnn", keras="Keras", allowed="allowed", at="worst at", verdict="verdict"
        )
    )
    start, verdicts = time.perf_counter(), []
    for name in names:
        for verdict in judged(name, chosen.backend):
            verdicts.append(verdict)
            print(line(verdict), flush=True)
    failures = [verdict for verdict in verdicts if not verdict.passed]
    outcome = f"{len(failures)} FAILED" if failures else "all passed"
    print(f"\n{len(verdicts)} tensors in {len(names)} cases, {outcome}, in {time.perf_counter() - start:.0f} s")
    for verdict in failures:
        print(f"  {verdict.case}  {verdict.tensor}")
    return 1 if failures else 0


def judged(name: str, backend: str) -> list[Verdict]:
    """Run a case; one that raises has failed, and the others go on."""
    from parity.case import run_case
    from parity.cases import CASES

    try:
        return run_case(name, CASES[name], backend)
    except Exception as error:
        return [Verdict(name, "-", (), math.inf, 0, 0, (), False, f"{type(error).__name__}: {error}".splitlines()[0])]


def line(verdict: Verdict) -> str:
    """Give a verdict as a line of the table."""
    word = ("ok" if verdict.passed else "FAILED") + (f" ({verdict.note})" if verdict.note else "")
    return COLUMNS.format(
        case=verdict.case,
        tensor=verdict.tensor,
        shape=",".join(map(str, verdict.shape)) or "scalar",
        error=f"{verdict.error:.3g}",
        keras=f"{verdict.keras_error:.3g}",
        allowed=f"{verdict.allowed:.3g}",
        at=",".join(map(str, verdict.at)),
        verdict=word,
    )


if __name__ == "__main__":
    sys.exit(main())
