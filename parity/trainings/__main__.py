"""The command ``python -m parity.trainings``: train, compare, and leave a table, figures and JSON."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from parity.trainings import report
from parity.trainings.full import PROJECT, carry_out
from parity.trainings.run import EXPERIMENTS
from parity.trainings.trainers import KERAS_BACKENDS
from parity.trainings.workload import MODELS


def main(arguments: list[str] | None = None) -> int:
    """Run the trainings; give 1 when a finding fails or nothing could be judged."""
    parser = argparse.ArgumentParser(prog="python -m parity.trainings", description="Train the seed's two models in minirnn and in Keras.")
    parser.add_argument("--backend", nargs="+", choices=(*KERAS_BACKENDS, "all"), default=["all"], help="Keras's (default: all installed)")
    parser.add_argument("--experiment", nargs="+", choices=EXPERIMENTS, default=list(EXPERIMENTS), help="default: all three")
    parser.add_argument("--model", nargs="+", choices=MODELS, default=list(MODELS), help="default: both")
    parser.add_argument("--epochs", type=_positive, default=10, metavar="N", help="epochs of the drift (default: 10)")
    parser.add_argument("--seeds", type=_positive, default=5, metavar="N", help="seeds of each distribution (default: 5)")
    parser.add_argument("--examples", type=_positive, metavar="N", help="train on the first N reviews alone, for a quick look")
    parser.add_argument("--hours", type=float, default=1.0, metavar="H", help="leave out what would take a Keras longer (default: 1)")
    parser.add_argument(
        "--reuse", choices=("none", "keras", "all"), default="none", help="records in DIR to compare without training again"
    )
    parser.add_argument("--reviews", action="store_true", help="train on the built-in reviews, not on IMDB")
    parser.add_argument("--out", type=Path, default=PROJECT / "runs" / "trainings", metavar="DIR", help="default: runs/trainings")
    chosen = parser.parse_args(arguments)

    backends = KERAS_BACKENDS if "all" in chosen.backend else chosen.backend
    found, plates = carry_out(
        backends,
        chosen.out,
        lambda line: print(line, flush=True),
        built_in=chosen.reviews,
        examples=chosen.examples,
        experiments=chosen.experiment,
        models=chosen.model,
        epochs=chosen.epochs,
        seeds=chosen.seeds,
        hours=chosen.hours,
        reuse=chosen.reuse,
    )
    print("\n" + "\n".join(report.lines(found)))
    for name, plate in plates.items():
        print(f"{name}.png: {plate.caption}")
    print(f"records, trainings.json and pictures are in {chosen.out}")
    return 0 if found.passed else 1


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, received {number}")
    return number


if __name__ == "__main__":
    sys.exit(main())
