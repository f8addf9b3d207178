"""The one source of random numbers: every draw in minirnn comes from a NumPy Generator that starts here.

Comes in: a seed. Goes out: a ``numpy.random.Generator`` (PCG64), one per model, layer or initializer, passed along by hand.

Only what is given no seed of its own falls back on the global generator of this module. Python's ``random`` and the global state of
``numpy.random`` are neither read nor changed: minirnn never depends on them, and a program that does is left in peace.

Source: ``keras.utils.set_random_seed`` (Keras 3.15) for the name, the argument and its errors.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np

_global: np.random.Generator = np.random.Generator(np.random.PCG64())


def set_random_seed(seed: int) -> None:
    """Start the global generator again from `seed`, so that everything unseeded that follows is reproducible.

    Python's ``random`` and ``numpy.random`` keep their states: minirnn reads neither.

    Parameters
    ----------
    seed : int
        Any non-negative Python integer.

    Raises
    ------
    ValueError
        When `seed` is not a Python integer (a NumPy integer is not one, as in Keras), or is negative.

    Examples
    --------
    >>> set_random_seed(3)
    >>> first = global_generator().random()
    >>> set_random_seed(3)
    >>> first == global_generator().random()
    True
    """
    global _global
    if not isinstance(seed, int):
        raise ValueError(
            f"set_random_seed: seed must be a Python integer, received {seed!r} of type {type(seed).__name__}. Convert it with int(seed)."
        )
    if seed < 0:
        raise ValueError(f"set_random_seed: seed must be 0 or more, received {seed}. Pass a non-negative integer.")
    _global = generator(seed)


def global_generator() -> np.random.Generator:
    """Return the generator that unseeded draws use.

    Ask for it at each draw: `set_random_seed` puts a new one in its place.

    Returns
    -------
    numpy.random.Generator
        Seeded by `set_random_seed`, and until then by the operating system.
    """
    return _global


@contextlib.contextmanager
def set_aside() -> Iterator[None]:
    """Leave the global generator as it is for a while: what is unseeded meanwhile draws from another one.

    Examples
    --------
    >>> set_random_seed(3)
    >>> with set_aside():
    ...     drawn = global_generator().random()
    >>> drawn == global_generator().random()
    False
    """
    global _global
    kept, _global = _global, np.random.Generator(np.random.PCG64())
    try:
        yield
    finally:
        _global = kept


def generator(seed: int | None = None) -> np.random.Generator:
    """Return a new generator with a stream of its own.

    Parameters
    ----------
    seed : int or None
        An integer gives the stream of that seed, always the same one; negative seeds are taken too, as Keras's layers take them.
        None spawns a stream from the global generator: different at each call, independent of every other, and reproducible
        after `set_random_seed`.

    Returns
    -------
    numpy.random.Generator
        On PCG64.

    Examples
    --------
    >>> generator(7).random() == generator(7).random()
    True
    """
    if seed is None:
        return _global.spawn(1)[0]
    # SeedSequence takes naturals only; a second word keeps -3 apart from 3.
    entropy = int(seed) if seed >= 0 else [-int(seed), 1]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))
