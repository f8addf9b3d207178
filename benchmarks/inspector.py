"""What the Inspector costs: the job's trainings with it and without it, in turn, epoch by epoch.

Run it as ``python -m benchmarks.inspector``; ``--rounds`` and ``--epochs`` say how often and how long. It needs no IMDB: what an epoch
costs does not depend on which words it reads. Prints a table, and writes nothing.

Comes in: nothing. Goes out: per encoding the seconds of an epoch, validation included, and what each way of inspecting adds to it: as the
difference of whole epochs, which a busy machine drowns, and as the processor's time inside the Inspector itself, which it does not.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import numpy as np

from benchmarks.spread import Spread, show_seconds
from minirnn import job, runs
from minirnn.callbacks import Callback, Inspector, LambdaCallback
from minirnn.one_hot import OneHot

TRAINING, VALIDATION = 20_000, 5_000


class Watch(Callback):
    """Take the seconds of each epoch. It goes before the others, so that it sees them begin; its `stop` goes after them."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.stop = LambdaCallback(on_epoch_end=lambda epoch, logs: self.seconds.append(time.perf_counter() - self._start))
        self._start = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start."""
        self._start = time.perf_counter()


class Timed(Inspector):
    """An Inspector that knows how long it takes, in seconds of its thread's processor, one figure an epoch."""

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin with no figures."""
        super().on_train_begin(logs)
        self.own: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Take the time of the beginning."""
        start = time.thread_time()
        super().on_epoch_begin(epoch, logs)
        self.own.append(time.thread_time() - start)

    def on_test_begin(self, logs: Any = None) -> None:
        """Add that of the figures."""
        start = time.thread_time()
        super().on_test_begin(logs)
        self.own[-1] += time.thread_time() - start

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Add that of writing them down."""
        start = time.thread_time()
        super().on_epoch_end(epoch, logs)
        self.own[-1] += time.thread_time() - start


def examples(settings: runs.Settings) -> tuple[np.ndarray, np.ndarray]:
    """Draw ids and labels of the job's sizes, frequent words first."""
    rng = np.random.default_rng(5)
    ids = np.minimum(rng.zipf(1.3, (TRAINING + VALIDATION, settings.maxlen)), settings.num_words) - 1
    return ids.astype(np.int32), rng.integers(0, 2, TRAINING + VALIDATION)


def epoch_seconds(encoding: str, settings: runs.Settings, ids: np.ndarray, labels: np.ndarray, inspectors: list[Timed]) -> float:
    """Train, and give the median of the epochs after the first."""
    model = job.build(encoding, settings)
    x: Any = ids if encoding == "embedding" else OneHot(ids, settings.num_words)
    watch = Watch()
    model.fit(
        x[:TRAINING],
        labels[:TRAINING],
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        verbose=0,
        validation_data=(x[TRAINING:], labels[TRAINING:]),
        callbacks=[watch, *inspectors, watch.stop],
    )
    return statistics.median(watch.seconds[1:])


def ways(x: Any) -> dict[str, list[Timed]]:
    """Give what is compared; the first is the unit."""
    return {
        "no inspector": [],
        "Inspector()": [Timed()],
        "without reach": [Timed(["gradient", "update", "norm", "radius", "saturated", "words"])],
        "with a probe of 32 reviews": [Timed(probe=x[:32])],
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--epochs", type=int, default=12)
    asked = parser.parse_args()
    settings = runs.Settings(epochs=asked.epochs)
    ids, labels = examples(settings)
    for encoding in runs.ENCODINGS:
        x: Any = ids if encoding == "embedding" else OneHot(ids, settings.num_words)
        taken: dict[str, list[float]] = {name: [] for name in ways(x)}
        own: dict[str, list[float]] = {name: [] for name in ways(x)}
        for number in range(asked.rounds + 1):  # the first one compiles, and is not counted
            for name, inspectors in ways(x).items():
                seconds = epoch_seconds(encoding, settings, ids, labels, inspectors)
                if number:
                    taken[name].append(seconds)
                    own[name] += [statistics.median(inspector.own) for inspector in inspectors]
        unit = next(iter(taken))
        print(f"{runs.TITLES[encoding]}: seconds per epoch with validation, median of {asked.rounds} rounds of {asked.epochs - 1} epochs")
        for name, seconds in taken.items():
            spread = Spread.of(seconds)
            words = f"  {name:28} {show_seconds(spread.median):>8}  [{show_seconds(spread.lower)}, {show_seconds(spread.upper)}]"
            if name != unit:
                share = statistics.median(mine / bare - 1 for mine, bare in zip(seconds, taken[unit], strict=True))
                inside = statistics.median(own[name])
                words += f"  {share:+.1%}; inside it {show_seconds(inside)}, {inside / min(taken[unit]):.1%} of the fastest epoch without"
            print(words)


if __name__ == "__main__":
    main()
