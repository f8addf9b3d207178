"""What is timed, as plain values: each workload's name, kind and sizes, the sweeps through them, and what `--quick` makes of it.

Comes in: whether a quick look is enough, and names. Goes out: workloads in the order in which they run. Inside a sweep that order goes from
the cheap point to the dear one, so that whoever is too slow for a point need not be tried at the next.

Kinds: `train` one epoch, `predict`, `latency-predict`, `latency-call` and `latency-one` (one review), `pad`, and `job` (a whole process).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks.drawn import Sizes

BASE = Sizes(N=4_096, V=10_000)
"""Where the sweeps meet: B=64, T=100, V=10,000, H=8, E=16; 64 batches."""

VALIDATED = 5_000


@dataclass(frozen=True)
class Workload:
    """One thing that is timed.

    Attributes
    ----------
    name : for `--only` and the JSON
    section : its table
    title : its row
    kind : see the module
    sizes : of the arrays
    model : which of the two
    validation : rows that are evaluated after the epoch, the first ones
    per : what a time in the tables is of, "epoch", "step" or "call"
    streamed : the ids stay in their file and are read through a map
    epochs : of a job
    shared : name of the processes in which a peer goes through several workloads; "" starts one for this alone
    fresh : a peer with kernels on disk runs it with an empty cache first
    cap_seconds : of one call; who needs longer is left out, with the reason
    budget_seconds : of a peer's rounds; it has at least one
    """

    name: str
    section: str
    title: str
    kind: str
    sizes: Sizes
    model: str = "embedding"
    validation: int = 0
    per: str = "epoch"
    streamed: bool = False
    epochs: int = 0
    shared: str = ""
    fresh: bool = False
    cap_seconds: float = 60.0
    budget_seconds: float = 8.0

    @property
    def divisor(self) -> int:
        """How many of `per` one call holds."""
        return self.sizes.batches if self.per == "step" else 1


SECTIONS = {
    "seed": "The seed's epochs",
    "predict": "Predicting",
    "latency": "One review",
    "pad": "Padding",
    "step": "Steps at V=10,000",
    "H": "Sweep over H, the units",
    "T": "Sweep over T, the time steps",
    "V": "Sweep over V, the vocabulary",
    "B": "Sweep over B, the rows of a batch",
    "N": "Sweep over N, the reviews",
    "job": "The whole job",
}
SWEEPS = ("H", "T", "V", "B", "N")

STEPS = ((8, 16, 64), (32, 32, 64), (128, 64, 16), (512, 128, 6))
"""(H, E, batches) of the issue's steps; the first is the point where the sweeps meet."""

POINTS: dict[str, tuple[tuple[int, int], ...]] = {
    "H": ((8, 64), (16, 64), (32, 64), (64, 32), (128, 16), (256, 8), (512, 6)),
    "T": ((25, 128), (50, 128), (100, 64), (200, 32), (400, 16), (800, 8), (1600, 6)),
    "V": ((200, 64), (1_000, 64), (5_000, 64), (10_000, 64), (20_000, 64), (50_000, 64), (88_584, 64)),
    "B": ((1024, 12), (256, 24), (64, 64), (16, 128), (4, 128), (1, 128)),
    "N": ((2_000, 32), (20_000, 313), (200_000, 3_125), (2_000_000, 31_250)),
}
"""Letter -> (value, batches of an epoch); fewer where a step is dear, so that a slow peer still ends."""

QUICK_POINTS = {"H": (8, 64, 256), "T": (25, 100, 400), "V": (200, 10_000, 88_584), "B": (256, 64, 4), "N": (2_000, 20_000)}
QUICK_BATCHES = 12
QUICK_CAP, QUICK_BUDGET = 5.0, 0.5


def at(letter: str, value: int) -> Sizes:
    """Give the sizes of a sweep's point: one letter changed, and E = 2H up to 128 with H."""
    if letter == "H":
        return replace(BASE, H=value, E=min(2 * value, 128))
    return replace(BASE, **{letter: value})


def step_workload(H: int, E: int, batches: int) -> Workload:
    """Make one of the issue's steps."""
    sizes = replace(BASE, H=H, E=E, N=batches * BASE.B)
    return Workload(f"step-{H}-{E}", "step", f"a step, H={H}, E={E}", "train", sizes, per="step", budget_seconds=6)


def sweep_workload(letter: str, value: int, batches: int) -> Workload:
    """Make one point of a sweep."""
    sizes = at(letter, value)
    if letter == "N":
        cap = 120.0 if value > 1_000_000 else 40.0
        # One round each at the largest: it is an epoch of many minutes' worth of others, and thousands of steps are spread enough.
        budget = 0.0 if value > 100_000 else 3.0
        return Workload(
            f"N={value}", "N", f"N={value:,}, from a file", "train", sizes, streamed=True, cap_seconds=cap, budget_seconds=budget
        )
    sizes = replace(sizes, N=batches * sizes.B)
    return Workload(f"{letter}={value}", letter, f"{letter}={value:,}", "train", sizes, shared=letter, cap_seconds=25.0, budget_seconds=1.5)


def everything() -> list[Workload]:
    """Make the full run."""
    seed, reviews, one = Sizes(), Sizes(N=25_000), Sizes(N=64)
    return [
        Workload("seed-embedding", "seed", "embedding epoch", "train", seed, fresh=True),
        Workload("seed-embedding-validated", "seed", "embedding epoch, validated", "train", seed, validation=VALIDATED),
        Workload("seed-one-hot", "seed", "one-hot epoch", "train", seed, model="one_hot", fresh=True),
        Workload("seed-one-hot-validated", "seed", "one-hot epoch, validated", "train", seed, model="one_hot", validation=VALIDATED),
        Workload("predict", "predict", "predict 25,000 reviews", "predict", reviews, per="call"),
        Workload("latency-predict", "latency", "one review: predict(x[None])", "latency-predict", one, per="call", budget_seconds=3),
        Workload("latency-call", "latency", "one review: model(x[None])", "latency-call", one, per="call", budget_seconds=3),
        Workload("latency-one", "latency", "one review: the quickest call there is", "latency-one", one, per="call", budget_seconds=3),
        Workload("pad", "pad", "pad_sequences, 25,000 lists", "pad", replace(reviews, V=10_000), per="call"),
        *(step_workload(*step) for step in STEPS),
        *(sweep_workload(letter, *point) for letter in SWEEPS for point in POINTS[letter] if letter == "N" or at(letter, point[0]) != BASE),
        Workload("job", "job", "from the start of the process to the best model", "job", reviews, per="call", epochs=5, budget_seconds=40),
    ]


def quickened(workload: Workload) -> Workload:
    """Give the same work, smaller: a look, not a result."""
    sizes = workload.sizes
    if workload.section == "seed":
        sizes = replace(sizes, N=960)
    elif workload.section in ("predict", "pad", "job"):
        sizes = replace(sizes, N=2_500)
    elif workload.section != "latency" and workload.section != "N":
        sizes = replace(sizes, N=min(sizes.N, QUICK_BATCHES * sizes.B))
    return replace(
        workload,
        sizes=sizes,
        title=workload.title.replace("25,000", "2,500"),
        validation=workload.validation and 240,
        epochs=workload.epochs and 2,
        shared="" if workload.section == "N" else "quick",
        fresh=False,
        cap_seconds=QUICK_CAP,
        budget_seconds=QUICK_BUDGET,
    )


def workloads(quick: bool = False) -> list[Workload]:
    """Give what a run consists of."""
    full = everything()
    if not quick:
        return full
    left_out = {"seed-embedding-validated", "seed-one-hot-validated", "step-512-128"}
    quick_points = {f"{letter}={value}" for letter, values in QUICK_POINTS.items() for value in values}
    return [quickened(w) for w in full if (w.name in quick_points if w.section in SWEEPS else w.name not in left_out)]


def points(letter: str, chosen: Sequence[Workload]) -> list[Workload]:
    """Give a sweep's points that are among the chosen workloads, by their value; the common one is a step's."""
    meeting = [w for w in chosen if letter != "N" and w.name == "step-8-16"]
    return sorted([w for w in chosen if w.section == letter] + meeting, key=lambda w: getattr(w.sizes, letter))


def select(chosen: Sequence[Workload], names: Sequence[str]) -> list[Workload]:
    """Keep those that are named, or whose section is; a sweep comes with the point where all meet.

    Raises
    ------
    ValueError
        A name is nobody's.
    """
    known = {w.name for w in chosen} | {w.section for w in chosen}
    if unknown := [name for name in names if name not in known]:
        sections = ", ".join(dict.fromkeys(w.section for w in chosen))
        raise ValueError(f"{', '.join(unknown)}: choose from the sections {sections}, or from {', '.join(w.name for w in chosen)}")
    swept = {w.name for name in names if name in SWEEPS for w in points(name, chosen)}
    return [w for w in chosen if w.name in names or w.section in names or w.name in swept]
