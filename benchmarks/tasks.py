"""The call that is timed, for each kind of workload.

Comes in: a peer, its module, a workload and the folder with the arrays. Goes out: a `Task`, whose `once` is timed and does nothing but the
work; what of its outcome is compared with the others' is worked out afterwards, by `figures`.

    train              one epoch, and the validation after it; figures: the losses, in nats
    predict            all reviews; figures: the mean, and the first 32 probabilities
    latency-predict    `predict` of one review; figures: its probability
    latency-call       the model called with one review, back as an array; the same figures
    latency-one        the quickest call for one review; the same figures
    pad                lists to (N,T); figures: a checksum
"""

from __future__ import annotations

import timeit
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.drawn import Arrays, draw_reviews, load
from benchmarks.peers import LIMITS, Peer, Session, open_session
from benchmarks.workloads import Workload

COMPARED_ROWS = 256
"""Enough to compare a loss, few enough to leave no trace in the peak memory of a peer that needs dense one-hot arrays."""
SHOWN = 32
LEAST_SECONDS = 1e-3
"""Calls that are shorter are timed several at a time."""


@dataclass
class Task:
    """One workload of one peer, ready.

    Attributes
    ----------
    once : the timed call
    figures : turns what `once` gave into numbers to compare
    before : the loss before training, or None where there is none
    trains : whether a call changes the weights, so that each has figures of its own
    way : the name of the call, where one was chosen among several
    """

    once: Callable[[], Any]
    figures: Callable[[Any], list[float | None]]
    before: Callable[[], float | None] = lambda: None
    trains: bool = False
    way: str = ""


def open_task(api: Any, peer: Peer, workload: Workload, folder: Path) -> Task:
    """Set a workload up."""
    if workload.kind == "pad":
        return padding(api, workload)
    arrays = load(folder, streamed=workload.streamed)
    session = open_session(api, peer, workload.model, workload.sizes, arrays)
    if workload.kind == "train":
        return training(api, peer, workload, arrays, session)
    if workload.kind == "predict":
        task = Task(lambda: session.predict(arrays.ids), lambda p: [float(p.mean(dtype=float)), *map(float, p[:SHOWN])])
    else:
        task = latency(workload.kind, session, arrays.ids)
    # What a limit gives is no probability; it has compared its own states with NumPy's.
    return replace(task, figures=lambda _: [None]) if peer.name in LIMITS else task


def training(api: Any, peer: Peer, workload: Workload, arrays: Arrays, session: Session) -> Task:
    """One epoch; the loss before it is that of another model with the same first weights."""
    n = workload.validation

    def once() -> list[float | None]:
        if not n:
            return [session.epoch()]
        if hasattr(session, "validated_epoch"):
            validated: list[float | None] = session.validated_epoch(n)
            return validated
        return [session.epoch(), session.evaluate(n)]

    def before() -> float | None:
        few = min(COMPARED_ROWS, workload.sizes.N)
        return open_session(api, peer, workload.model, replace(workload.sizes, N=few), arrays.first(few)).evaluate(few)

    return Task(once, lambda losses: losses, before, trains=True, way=getattr(session, "way", ""))


def latency(kind: str, session: Any, ids: np.ndarray) -> Task:
    """One review, in one of three ways."""
    one, review, way = ids[:1].copy(), ids[0].copy(), ""
    if kind == "latency-predict":
        call = partial(session.predict, one)
    elif kind == "latency-call":
        call = partial(session.call, one)
    elif hasattr(session, "ways"):
        way, call = quickest({name: partial(call, review) for name, call in session.ways().items()})
    else:
        call = partial(session.predict, one)
    return Task(call, lambda p: [float(np.ravel(p)[0])], way=way)


def quickest(calls: dict[str, Callable[[], Any]]) -> tuple[str, Callable[[], Any]]:
    """Choose the call that takes least, its first time apart."""
    seconds = {}
    for name, call in calls.items():
        call()
        seconds[name] = min(timeit.repeat(call, number=1, repeat=3)) if len(calls) > 1 else 0.0
    name = min(seconds, key=lambda name: seconds[name])
    return name, calls[name]


def padding(api: Any, workload: Workload) -> Task:
    """Ragged lists to a rectangle, cut and padded in front."""
    reviews, _ = draw_reviews(workload.sizes)
    T = workload.sizes.T
    return Task(lambda: api.utils.pad_sequences(reviews, maxlen=T), lambda ids: [float(zlib.crc32(np.ascontiguousarray(ids, np.int32)))])
