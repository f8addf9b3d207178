"""Threads: one compiled call that several of them carry out together, with the same result for any number of them.

Comes in: a kernel whose work is cut into numbered tasks. Goes out: its result, when all tasks are done. Each thread calls the same kernel,
which takes the next number, waits until the tasks before it that it needs are done, does its task, and counts it as done:

    ticket = take(counters, TAKEN)
    wait_for(counters, so_many)         those before it that it needs
    ...
    take(counters, DONE)

How the work is cut depends on the sizes of the arrays alone, and sums of several tasks are added in the order of their numbers, so the bits
do not depend on who did what. And nobody has to come: the calling thread can do all tasks by itself, so a helping thread that starts late,
or is busy with the call of another one of the user's threads, delays nothing. That is why this is safe in a pool of threads, in a worker of
joblib, and after a fork, where two of numba's own threading layers end the process.

A helping thread waits in the operating system between calls. Within a call, which trains for some milliseconds, it waits for a task
of some microseconds by looking; to be woken up would take longer than the task. Where there are more threads than processors, a task may be
held by a thread that the operating system has put aside for milliseconds. So the calling thread counts what it loses by waiting
(`CROWD`); where that is too much it goes on alone, and asks for help again only after a while.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from minirnn.jit import COMPILED, subroutine
from minirnn.machine import processors

TAKEN, DONE, STOPPED, CROWDED = range(4)
"""What the counters of a call count: tasks taken, tasks done, and whether to do no more, or to do the rest alone."""

MOST = 8
"""Threads that a call can keep busy: into so many parts the rows of a batch are cut at most."""

CROWD = 0.45
"""Share of a call that the calling thread may spend waiting. Two threads that spend more wait longer than one alone would work."""

PATIENCE = 1_000_000
"""Ticks of the processor's clock before it judges: a third of a millisecond."""

LOOKS = 2_000
"""How often a thread looks before it gives way to others, each time: about as long as a task takes."""

if COMPILED:
    from minirnn.threads_llvm import give_way, look, take, ticks
else:

    def take(counters: np.ndarray, which: int) -> int:
        """Add 1 to a counter as one act, and give what it was."""
        counters[which] += 1
        return int(counters[which]) - 1

    def look(counters: np.ndarray, which: int) -> int:
        """Read a counter, and from then on see what was written before it came to be what it is."""
        return int(counters[which])

    def ticks() -> int:
        """Read the processor's clock, in cycles or what it has in their place."""
        return time.perf_counter_ns()

    def give_way() -> None:
        """Let another thread run, if one waits for this processor."""


@subroutine
def wait_for(counters: Any, tasks: int) -> None:
    """Return when so many tasks are done."""
    looks = 0
    while look(counters, DONE) < tasks:
        looks += 1
        if looks > LOOKS:
            give_way()


__all__ = [
    "CROWDED",
    "DONE",
    "MOST",
    "STOPPED",
    "TAKEN",
    "get_num_threads",
    "look",
    "set_num_threads",
    "share",
    "take",
    "ticks",
    "too_crowded",
    "wait_for",
]

_wanted: int | None = None


def set_num_threads(n: int | None) -> None:
    """Say how many threads a training or a prediction may use; the result is the same to the last bit for any number.

    Parameters
    ----------
    n : 1 or more; None for the default: what the environment says in MINIRNN_NUM_THREADS, NUMBA_NUM_THREADS or OMP_NUM_THREADS (joblib
        sets the latter two in its workers), but no more than the processors that this process may use

    Raises
    ------
    ValueError
        When n is not a whole number of at least 1.

    Examples
    --------
    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    >>> set_num_threads(None)
    """
    global _wanted
    if n is not None and (isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1):
        raise ValueError(f"set_num_threads: n must be a whole number of at least 1, or None for the default, received {n!r}.")
    _wanted = None if n is None else int(n)


def get_num_threads() -> int:
    """Give the number of threads that a training or a prediction may use.

    Examples
    --------
    >>> get_num_threads() >= 1
    True
    """
    if _wanted is not None:
        return _wanted
    for variable in ("MINIRNN_NUM_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
        text = os.environ.get(variable, "")
        if text.isdecimal() and int(text) > 0:
            return min(int(text), processors())
    return processors()


class _Helpers:
    """Threads that wait for calls to help with; daemons, so that they keep no process alive."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[tuple[Callable[..., None], tuple[Any, ...]]] = queue.SimpleQueue()
        self._count = 0
        self._lock = threading.Lock()

    def ask(self, count: int, kernel: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        """Have so many threads call the kernel as soon as they are free."""
        with self._lock:
            while self._count < count:
                threading.Thread(target=self._serve, name=f"minirnn-{self._count + 1}", daemon=True).start()
                self._count += 1
        for _ in range(count):
            self._calls.put((kernel, arguments))

    def _serve(self) -> None:
        while True:
            kernel, arguments = self._calls.get()
            kernel(*arguments)
            del kernel, arguments  # or the arrays of the last call would live on


_helpers = _Helpers()


def _after_fork() -> None:
    global _helpers
    _helpers = _Helpers()  # the child has none of the threads, and perhaps a lock that nobody will open


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@subroutine
def too_crowded(counters: Any, began: int, waited: int) -> bool:
    """Tell whether the calling thread, which began then and has waited for so many ticks, had better go on alone; if so, say it to all."""
    passed = ticks() - began
    if passed > PATIENCE and waited > CROWD * passed and look(counters, CROWDED) == 0:
        take(counters, CROWDED)
        return True
    return False


def share(kernel: Callable[..., None], arguments: tuple[Any, ...], alone: bool = False) -> np.ndarray:
    """Call ``kernel(counters, True, *arguments)``, and have other threads call it with False; return when all tasks are done.

    Parameters
    ----------
    kernel : takes tasks until there are none, and with True returns only when all are done; it raises nothing
    arguments : the same for all threads
    alone : whether the work is too short for others to come

    Returns
    -------
    counters (8,) int64
    """
    counters = np.zeros(8, np.int64)  # a cache line
    helping = 0 if alone or not COMPILED else min(get_num_threads(), MOST) - 1
    if helping:
        _helpers.ask(helping, kernel, (counters, False, *arguments))
    kernel(counters, True, *arguments)
    return counters
