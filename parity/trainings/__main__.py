"""The command ``python -m parity.trainings``: train, compare, and leave a table, figures and JSON."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path

from minirnn import corpus
from minirnn.corpus import Corpus
from minirnn.runs import Settings
from parity.trainings import report, run, workload
from parity.trainings.run import EXPERIMENTS, Request
from parity.trainings.trainers import KERAS_BACKENDS, TRAINERS
from parity.trainings.workload import MODELS

PROJECT = Path(__file__).resolve().parents[2]
BESIDE = PROJECT.parent / "shared" / "data"
"""Where IMDB lies beside the project, when it is nowhere else."""


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

    reviews = find_reviews(chosen.reviews)
    if reviews.missing:
        print(f"IMDB is not here, so the trainings run on the {reviews.short_name}. {corpus.HOW_TO_GET_IMDB}")
    given = workload.draw(reviews, Settings(), chosen.examples)
    folder = workload.set_up(chosen.out, given)
    wanted = [trainer for trainer in TRAINERS.values() if not trainer.is_keras or {trainer.backend, "all"} & set(chosen.backend)]
    absent = {trainer.backend: trainer.missing() for trainer in wanted if trainer.missing()}
    for backend, module in absent.items():
        print(f"Keras on {backend} is left out: {module} is not installed")
    names = tuple(trainer.name for trainer in wanted if trainer.backend not in absent or chosen.reuse == "all")
    request = Request(names, tuple(chosen.experiment), tuple(chosen.model), chosen.epochs, chosen.seeds, chosen.hours, chosen.reuse)
    ran = run.run(folder, given, request, lambda line: print(line, flush=True))
    found = report.make(given, ran, machine())
    print("\n" + "\n".join(report.lines(found)))
    found.save(folder / "trainings.json")
    from parity.trainings import figures  # here because matplotlib takes 0.4 s to import

    for name, plate in figures.plates(found).items():
        plate.figure.savefig(folder / f"{name}.png", dpi=160, facecolor="white")
        print(f"{name}.png: {plate.caption}")
    print(f"records, trainings.json and pictures are in {folder}")
    return 0 if found.passed else 1


def find_reviews(built_in: bool) -> Corpus:
    """Choose the reviews without asking the network: IMDB where it is known to be, else beside the project, else the built-in ones."""
    found = corpus.choose(built_in=built_in, download=False)
    if found.missing and (BESIDE / "imdb.npz").is_file():
        return corpus.choose(BESIDE)
    return found


def machine() -> dict[str, str]:
    """Say where this ran."""
    from parity.header import _commit, _processor

    return {
        "processor": f"{_processor()}, {os.cpu_count()} processors",
        "system": f"{platform.system()} {platform.machine()}",
        "commit": _commit(),
    }


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, received {number}")
    return number


if __name__ == "__main__":
    sys.exit(main())
