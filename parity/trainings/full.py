"""A run of the trainings from beginning to end: the reviews, all trainings, the comparison, its files, and what ``parity`` shows of it.

Comes in: which Keras, which experiments, a folder. Goes out: a `Report`, its records, ``trainings.json`` and pictures in the folder; for
``python -m parity --full`` also the report's own section.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Sequence
from pathlib import Path

from minirnn import corpus, machine
from minirnn.corpus import Corpus
from minirnn.runs import Settings
from parity.full import Plate, Section
from parity.trainings import report, run, workload
from parity.trainings.report import Report
from parity.trainings.run import EXPERIMENTS, Request
from parity.trainings.trainers import TRAINERS
from parity.trainings.workload import MODELS

PROJECT = Path(__file__).resolve().parents[2]
COMPARED = ("minirnn", "parity", ":!parity/results")
BESIDE = PROJECT.parent / "shared" / "data"
"""Where IMDB lies beside the project, when it is nowhere else."""

Say = Callable[[str], None]


def carry_out(
    backends: Sequence[str],
    folder: Path,
    say: Say,
    *,
    built_in: bool = False,
    examples: int | None = None,
    experiments: Sequence[str] = EXPERIMENTS,
    models: Sequence[str] = MODELS,
    epochs: int = 10,
    seeds: int = 5,
    hours: float = 1.0,
    reuse: str = "none",
) -> tuple[Report, dict[str, Plate]]:
    """Train, compare, and leave records, ``trainings.json`` and pictures in the folder.

    Parameters
    ----------
    backends : Keras's; one that is not installed is left out, and named
    folder : for everything that is written
    say : prints a line
    built_in : train on the built-in reviews, not on IMDB
    examples : train on so many reviews; None for all
    experiments, models, epochs, seeds, hours, reuse : see `Request`
    """
    reviews = find_reviews(built_in)
    if reviews.missing:
        say(f"IMDB is not here, so the trainings run on the {reviews.short_name}. {corpus.HOW_TO_GET_IMDB}")
    given = workload.draw(reviews, Settings(), examples)
    folder = workload.set_up(folder, given)
    wanted = [trainer for trainer in TRAINERS.values() if not trainer.is_keras or trainer.backend in backends]
    absent = {trainer.backend: trainer.missing() for trainer in wanted if trainer.missing()}
    for backend, module in absent.items():
        say(f"Keras on {backend} is left out: {module} is not installed")
    names = tuple(trainer.name for trainer in wanted if trainer.backend not in absent or reuse == "all")
    request = Request(names, tuple(experiments), tuple(models), epochs, seeds, hours, reuse)
    found = report.make(given, run.run(folder, given, request, say), where())
    found.save(folder / "trainings.json")
    from parity.trainings import figures  # here because matplotlib takes 0.4 s to import

    plates = figures.plates(found)
    for name, plate in plates.items():
        plate.figure.savefig(folder / f"{name}.png", dpi=160, facecolor="white")
    return found, plates


def whole(backends: Sequence[str], folder: Path, say: Say) -> Section:
    """Give what ``python -m parity --full`` shows of it."""
    found, plates = carry_out(backends, folder, say)
    judged, floor = len(found.findings), sum(finding.by_floor for finding in found.findings)
    failed = [finding for finding in found.findings if not finding.passed]
    words = [
        f"{len(found.ran.records)} trainings of the seed's two models, {judged} findings, {len(failed)} FAILED; "
        f"{floor} miss their target where Keras differs from itself as much.",
        *(f"FAILED: {finding}" for finding in failed),
        *found.ran.left_out,
    ]
    return Section("Whole trainings", found.passed, words, json.loads(json.dumps(report.as_json(found))), plates)


def find_reviews(built_in: bool) -> Corpus:
    """Choose the reviews without asking the network: IMDB where it is known to be, else beside the project, else the built-in ones."""
    found = corpus.choose(built_in=built_in, download=False)
    if found.missing and (BESIDE / "imdb.npz").is_file():
        return corpus.choose(BESIDE)
    return found


def where() -> dict[str, str]:
    """Say where this ran."""
    return {
        "processor": f"{machine.processor()}, {machine.processors()} processors",
        "system": f"{platform.system()} {platform.machine()}",
        "commit": machine.commit(PROJECT, COMPARED),
    }
