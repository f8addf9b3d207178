"""What each step from a reference to its kernel gains: the figures of the course's page "The house".

Comes in: nothing but sizes, those of the seed workload. Goes out: a JSON file in ``benchmarks/results``, which the page reads; no
time is taken while the site is built. Two ladders are measured, each rung in turn, round after round:

    batch    the recurrent part of one batch, forward and back, as ``rungs.py`` writes it six times; one thread
    epoch    `fit` for an epoch: layer by layer in NumPy, layer by layer in kernels, one compiled call a batch, one for many batches

Before anything is timed, every rung's numbers are compared with the first one's in float64, or its loss with the first one's loss.

    python -m benchmarks.ladder
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

import minirnn
from benchmarks.drawn import Sizes, draw
from benchmarks.header import header
from benchmarks.rungs import RUNGS
from benchmarks.spread import median, ratio, show_ratio, show_seconds
from minirnn import callbacks, layers, optimizers

RESULTS = Path(__file__).resolve().parent / "results"
ROUNDS = 15
ROUND_SECONDS = 0.1
"""A round lasts that long, and at least one call."""
BATCH_TOLERANCE = 1e-5
"""Of the largest number of an array: float32 sums of some thousand terms, against float64."""
LOSS_TOLERANCE = 1e-5

Rung = dict[str, Any]
Call = Callable[[], Any]


class LayerByLayer(minirnn.Sequential):
    """A model that never takes the express way: the loop of ``training.py``, a layer at a time."""

    def express_way(self, x: Any, purpose: str) -> None:
        """Give none."""


def batch_rungs(work: Sizes) -> list[tuple[Rung, Call]]:
    """Give each rung of ``rungs.py``, compared with the first in float64, and the call that does it once."""
    arrays = draw(work)
    ids = np.ascontiguousarray(arrays.ids[: work.B])
    embeddings, Wx, Wh, b = arrays.weights["embedding"][:4]
    dh_last = np.random.default_rng(work.seed).normal(size=(work.B, work.H)).astype(np.float32) / work.B
    wide = [array.astype(np.float64) for array in (embeddings, Wx, Wh, b)]

    def once(forward: Callable[..., Any], backward: Callable[..., Any], weights: list[np.ndarray], dh: np.ndarray) -> list[np.ndarray]:
        embeddings, Wx, Wh, b = weights
        hs = forward(ids, embeddings, Wx, Wh, b)
        return [hs, *backward(dh, ids, embeddings, Wx, Wh, hs)]

    truth = once(*RUNGS["numpy"], wide, dh_last.astype(np.float64))
    rungs: list[tuple[Rung, Call]] = []
    for name, (forward, backward) in RUNGS.items():

        def call(forward: Callable[..., Any] = forward, backward: Callable[..., Any] = backward) -> list[np.ndarray]:
            return once(forward, backward, [embeddings, Wx, Wh, b], dh_last)

        error = max(float(np.abs(mine - true).max() / np.abs(true).max()) for mine, true in zip(call(), truth, strict=True))
        if error > BATCH_TOLERANCE:
            raise ValueError(f"ladder: {name} differs from float64 by {error:.1e}, {BATCH_TOLERANCE:.0e} is allowed. It does other work.")
        rungs.append(({"name": name, "error": error, "rounds": []}, call))
    return rungs


def epoch_rungs(work: Sizes) -> list[tuple[Rung, Call]]:
    """Give each way of training an epoch, its first loss compared with the first one's, and the call that does it once."""
    arrays = draw(work)
    listener = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    ways: dict[str, tuple[type[minirnn.Sequential], str, list[Any]]] = {
        "layers_numpy": (LayerByLayer, "numpy", []),
        "layers_kernels": (LayerByLayer, "numba", []),
        "express_batch": (minirnn.Sequential, "numba", [listener]),
        "express": (minirnn.Sequential, "numba", []),
    }
    rungs: list[tuple[Rung, Call]] = []
    for name, (kind, backend, watchers) in ways.items():
        model = kind(
            [layers.Input((work.T,)), layers.Embedding(work.V, work.E), layers.SimpleRNN(work.H), layers.Dense(1, activation="sigmoid")],
            backend=backend,
        )
        model.compile(optimizers.RMSprop(learning_rate=work.learning_rate), loss="binary_crossentropy")
        model.set_weights([weight.copy() for weight in arrays.weights["embedding"]])

        def call(model: minirnn.Sequential = model, watchers: list[Any] = watchers) -> float:
            history = model.fit(arrays.ids, arrays.labels, batch_size=work.B, shuffle=False, verbose=0, callbacks=watchers)
            return float(history.history["loss"][0])

        loss = call()
        error = abs(loss - rungs[0][0]["loss"]) if rungs else 0.0
        if error > LOSS_TOLERANCE:
            raise ValueError(f"ladder: {name} has the loss {loss}, off by {error:.1e}; {LOSS_TOLERANCE:.0e} is allowed.")
        rungs.append(({"name": name, "loss": loss, "error": error, "rounds": []}, call))
    return rungs


def take_rounds(rungs: list[tuple[Rung, Call]], rounds: int, seconds: float = ROUND_SECONDS) -> list[Rung]:
    """Time all rungs in turn, so many times; a first call of each, which may compile, has gone before."""
    for _ in range(rounds):
        for rung, call in rungs:
            times: list[float] = []
            while sum(times) < seconds:
                start = time.perf_counter()
                call()
                times.append(time.perf_counter() - start)
            rung["rounds"].append([statistics.median(times)])
    for number, (rung, _) in enumerate(rungs):
        rung |= {
            "seconds": median(rung),
            "of_the_first": ratio(rung, rungs[0][0]),
            "of_the_one_before": ratio(rung, rungs[max(number - 1, 0)][0]),
        }
    return [rung for rung, _ in rungs]


def measure(work: Sizes, rounds: int, seconds: float = ROUND_SECONDS) -> dict[str, Any]:
    """Take both ladders and give the report, as it goes into JSON."""
    threads = minirnn.get_num_threads()
    try:
        minirnn.set_num_threads(1)
        batch = take_rounds(batch_rungs(work), rounds, seconds)
        epoch = take_rounds(epoch_rungs(work), rounds, seconds)
    finally:
        minirnn.set_num_threads(threads)
    sizes = {letter: getattr(work, letter) for letter in "NTVEHB"}
    return {"header": header(1, work.seed), "sizes": sizes, "rounds": rounds, "round_seconds": seconds, "batch": batch, "epoch": epoch}


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Interleaved rounds of each ladder.")] = ROUNDS,
    out: Annotated[Path, typer.Option(help="Folder for the JSON file; none in it is ever overwritten.", file_okay=False)] = RESULTS,
) -> None:
    """Time each step from the reference to the kernel, and write what the course's page shows."""
    report = measure(Sizes(), rounds)
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"ladder-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    with path.open("x", encoding="utf-8") as file:
        file.write(json.dumps(report, indent=1) + "\n")
    for ladder in ("batch", "epoch"):
        for rung in report[ladder]:
            figures = show_seconds(rung["seconds"]), show_ratio(rung["of_the_one_before"]), show_ratio(rung["of_the_first"])
            print(f"{ladder:6} {rung['name']:15} {figures[0]:>9}   of the one before {figures[1]:>6}   of the first {figures[2]:>7}")
    print(f"written: {path}")


if __name__ == "__main__":
    typer.run(main)
