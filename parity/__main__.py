"""The command ``python -m parity``: a header, a verdict per tensor, one per backend, and one overall."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from parity import backends, full, header, intended, record, table
from parity.backends import INSTALL, BackendProcess, Outcome


def main(arguments: list[str] | None = None) -> int:
    """Run the cases; give 1 when anything fails."""
    parser = argparse.ArgumentParser(prog="python -m parity", description="Compare minirnn with Keras, given identical weights.")
    parser.add_argument("--backend", choices=(*INSTALL, "all"), default="all", help="Keras's backend (default: all that are installed)")
    parser.add_argument("--only", metavar="NAME", default="", help="run the cases whose name holds NAME")
    parser.add_argument("--full", action="store_true", help="train the seed's models to the end as well; this takes hours")
    parser.add_argument("--out", type=Path, metavar="DIR", default=Path("parity-report"), help="for the report (default: parity-report)")
    parser.add_argument("--list", action="store_true", help="name the cases, and run none")
    chosen = parser.parse_args(arguments)

    from parity.cases import CASES  # here because it imports all of minirnn

    names = [name for name in CASES if chosen.only in name]
    if not names:
        print(f"python -m parity: no case is named like {chosen.only!r}; --list names them", file=sys.stderr)
        return 1
    if chosen.list:
        print("\n".join(names))
        return 0
    absent = {backend: why for backend in INSTALL if chosen.backend in (backend, "all") and (why := backends.missing(backend))}
    wanted = [backend for backend in INSTALL if chosen.backend in (backend, "all") and backend not in absent]
    if not wanted:
        print("\n".join(f"Keras on {backend}: {why}" for backend, why in absent.items()), file=sys.stderr)
        return 1
    chosen.out.mkdir(parents=True, exist_ok=True)  # now, or hours of training end in "permission denied"
    facts = header.common()
    print("\n".join(header.lines(facts)))
    for backend, why in absent.items():
        print(f"left out  Keras on {backend}: {why}")
    print(table.EXPLANATION)
    try:
        outcomes = compare(wanted, chosen.only)
        trainings = full.whole_trainings(wanted, chosen.out) if chosen.full else None
    except KeyboardInterrupt:
        print("\ninterrupted; nothing was written", file=sys.stderr)
        return 130
    complete = not chosen.only and not any(outcome.crash for outcome in outcomes)
    met = [(outcome.backend, verdict.case, verdict.tensor) for outcome in outcomes for verdict in outcome.verdicts]
    stale = intended.stale(met, wanted) if complete else []
    print("\n".join(table.ending(outcomes, stale)))
    report = record.of_run(facts, outcomes, absent, stale, trainings)
    record.write(chosen.out / "parity.json", report)
    from parity import page  # here because matplotlib takes 0.4 s to import

    page.write(chosen.out / "parity.html", report, trainings.plates if trainings else {})
    print(f"written: {chosen.out / 'parity.json'}, {chosen.out / 'parity.html'}")
    return 0 if report["passed"] else 1


def compare(wanted: Sequence[str], only: str) -> list[Outcome]:
    """Run the backends side by side, and print what they find one after the other."""
    with ExitStack() as stack:
        processes = backends.start(stack, wanted, only)
        for process in processes:
            _print(process)
        return [process.outcome for process in processes]


def _print(process: BackendProcess) -> None:
    for verdicts in process.messages():
        if not verdicts:
            print(f"\n{header.backend_line(process.outcome.backend, process.outcome.header)}\n{table.head()}", flush=True)
        for verdict in verdicts:
            print(table.line(verdict), flush=True)
    if process.outcome.crash:
        print(f"\nFAILED: Keras on {process.outcome.backend}: {process.outcome.crash}", flush=True)
    print(table.overall(process.outcome), flush=True)


if __name__ == "__main__":
    sys.exit(main())
