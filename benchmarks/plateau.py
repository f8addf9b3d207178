"""What a plateau depends on: the job's trainings with one thing changed, over some seeds. What ``minirnn/plateau.py`` says was found, is
found here.

Run it as ``python -m benchmarks.plateau``: IMDB is looked for as the command does, and its built-in reviews, which show no plateau, are not
taken in its place. Takes about three minutes, and prints a line for each change: for each seed the epoch at which the model had made a
tenth of its gain in validation loss, and half of it (`minirnn.plateau.course_of`); - where it learned nothing, or too little to tell.

    as it is        the job's own model
    identity        Wh begins as the identity: what a word leaves in the state stays
    turn of 0, ...  Wh begins as a rotation whose slowest turn is so many degrees a step, the other three 60, 110 and 150
    Wx · 0.3        one-hot words begin as small as embedded ones
    3 · E           embedded words begin as large as one-hot ones
    3 · rate        three times the learning rate
    same matrix     both encodings begin with the Wh that one of them drew
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

import numpy as np

from minirnn import corpus, job, preparation, runs, tokens
from minirnn.callbacks import EarlyStopping
from minirnn.model import Sequential
from minirnn.plateau import course_of

TURNS = (0, 5, 10, 20, 40)
OTHERS = (60, 110, 150)
"""Degrees a step."""

Change = Callable[[Sequential, int], None]
"""Changes the first weights of a model that a seed made."""


def rotation(slowest: float, H: int, seed: int) -> np.ndarray:
    """Give an orthogonal matrix (H,H) in directions that the seed draws: it turns by the slowest and the others, and by 180 from there."""
    if H % 2:
        raise ValueError(f"rotation: H must be even, a turn takes two units; received {H}.")
    basis = np.linalg.qr(np.random.default_rng(seed).normal(size=(H, H)))[0]
    turns = np.zeros((H, H))
    for place, degrees in zip(range(0, H, 2), (slowest, *OTHERS, *[180.0] * H), strict=False):
        angle = np.radians(degrees)
        turns[place : place + 2, place : place + 2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return basis @ turns @ basis.T


def recurrent(model: Sequential) -> np.ndarray:
    """Give Wh itself."""
    return model.layers[-2].values["recurrent_kernel"]


def start_with(matrix: Callable[[int, int], np.ndarray]) -> Change:
    """Let Wh begin as ``matrix(H, seed)``."""

    def change(model: Sequential, seed: int) -> None:
        recurrent(model)[...] = matrix(model.layers[-2].units, seed)  # type: ignore[attr-defined]

    return change


def scale_first(factor: float) -> Change:
    """Let the first weight, one-hot's Wx or the embeddings, begin so many times as large."""

    def change(model: Sequential, seed: int) -> None:
        model.weights[0][...] *= factor

    return change


def same(drawn_by: str) -> Change:
    """Let Wh begin as that encoding's model of this seed draws it."""
    return start_with(lambda H, seed: recurrent(job.build(drawn_by, runs.Settings(seed=seed, units=H))))


def changes(encoding: str) -> dict[str, tuple[Change | None, float]]:
    """Give what is done to a model of that encoding, by name: to its first weights, and to the learning rate."""
    smaller = {"Wx · 0.3": (scale_first(0.3), 1.0)} if encoding == "onehot" else {"3 · E": (scale_first(3.0), 1.0)}
    return {
        "as it is": (None, 1.0),
        "identity": (start_with(lambda H, seed: np.eye(H)), 1.0),
        **{f"turn of {turn}": (start_with(lambda H, seed, turn=turn: rotation(turn, H, seed)), 1.0) for turn in TURNS},
        **smaller,
        "3 · rate": (None, 3.0),
        **{f"same matrix, {runs.TITLES[drawn_by]}'s": (same(drawn_by), 1.0) for drawn_by in runs.ENCODINGS},
    }


def course(encoding: str, seed: int, prepared: preparation.Prepared, change: Change | None, faster: float) -> str:
    """Train as the job does, with that change, and give the two epochs."""
    settings = runs.Settings(seed=seed, learning_rate=runs.Settings().learning_rate * faster)
    model = job.build(encoding, settings)
    if change is not None:
        change(model, seed)
    history = model.fit(
        tokens.as_input(model, prepared.train.ids),
        prepared.train.labels,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        verbose=0,
        validation_data=(tokens.as_input(model, prepared.validation.ids), prepared.validation.labels),
        callbacks=[EarlyStopping(patience=settings.patience)],
    ).history
    found = course_of(history["val_loss"])
    return "-" if found.kind in ("never", "little") else f"{found.start},{found.half}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, and print a line for each change."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 0, 1, 2, 3, 4, 5])
    parser.add_argument("--data", help="imdb.npz, or a folder that holds it")
    parser.add_argument("--only", help="changes whose name holds this")
    asked = parser.parse_args(arguments)
    chosen = corpus.choose(asked.data)
    if chosen.kind != "imdb":
        sys.exit(f"IMDB is not here. {corpus.HOW_TO_GET_IMDB}")
    prepared = preparation.prepare(chosen, runs.Settings())
    print(f"{chosen.name}; seeds {asked.seeds}: epochs of a tenth and of half of the gain")
    for encoding in runs.ENCODINGS:
        for name, (change, faster) in changes(encoding).items():
            if asked.only is None or asked.only in name:
                found = [course(encoding, seed, prepared, change, faster) for seed in asked.seeds]
                print(f"{runs.TITLES[encoding]:10} {name:26}" + "".join(f"{epochs:>8}" for epochs in found), flush=True)


if __name__ == "__main__":
    main()
