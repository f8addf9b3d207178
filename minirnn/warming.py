"""Warm up: compile and keep every kernel that the job and a prediction need, before anybody waits for them.

Comes in: dtype and sizes. Goes out: the kernels on disk (``kernel_cache.py``), and what each took.

The two models of the job are trained, evaluated and asked on a few drawn ids, so what is compiled is what they call, whatever that is.
"""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from minirnn import kernel_cache, layers
from minirnn.inputs import check_count
from minirnn.jit import COMPILED, HAVE_NUMBA
from minirnn.kernel_cache import Ready
from minirnn.model import Sequential
from minirnn.one_hot import OneHot
from minirnn.optimizers import RMSprop
from minirnn.randomness import set_aside


def warmup(
    dtype: str = "float32",
    *,
    units: int = 8,
    embedding_dim: int = 16,
    num_words: int = 200,
    maxlen: int = 100,
    batch_size: int = 64,
    verbose: int = 1,
) -> list[Ready]:
    """Compile what the job's two models need, or find it on disk; a later process then starts at once.

    Parameters
    ----------
    dtype : of the models, ``"float32"`` or ``"float64"``
    units, embedding_dim, num_words, maxlen, batch_size : H, E, V, T and B of the models; the way a step is computed may depend on them
    verbose : 0 silent, 1 a line a kernel and where they are

    Returns
    -------
    list of Ready
        Per kernel and signature that this process had not called yet, in the order of the calls: its name, the seconds that it took,
        whether it was found on disk, and its file, None where none could be written. Empty where nothing is compiled (numba is missing).

    Raises
    ------
    ValueError
        For a dtype or a size that a model does not take.
    """
    sizes = {"units": units, "embedding_dim": embedding_dim, "num_words": num_words, "maxlen": maxlen, "batch_size": batch_size}
    for argument, size in sizes.items():
        check_count("warmup", argument, size, 1)
    begin, ready = time.perf_counter(), list[Ready]()

    def note(one: Ready) -> None:
        ready.append(one)
        if verbose:
            print(f"{one.kernel:<40} {one.seconds:6.2f} s  {'found' if one.loaded else 'compiled'}", flush=True)

    with set_aside():  # layers take seeds from the stream that the user's models will draw from
        models = [_model(encoding, dtype, units, embedding_dim, num_words, maxlen) for encoding in ("one-hot", "embedding")]
    ids = np.random.default_rng(0).integers(0, num_words, (2 * batch_size + 3, maxlen)).astype(np.int32)
    with kernel_cache.watched(note):
        for model, x in zip(models if COMPILED else [], (OneHot(ids, num_words), ids), strict=COMPILED):
            _use(model, x, np.arange(len(ids)) % 2, batch_size)
    if verbose:
        print(_sum_up(ready, time.perf_counter() - begin), flush=True)
    return ready


def _model(encoding: str, dtype: str, units: int, embedding_dim: int, num_words: int, maxlen: int) -> Sequential:
    """Make a model of the job. Its layers have names of their own: numbered ones would change those of the user's models."""
    one_hot = encoding == "one-hot"
    stack: list[Any] = [layers.Input((maxlen, num_words) if one_hot else (maxlen,))]
    if not one_hot:
        stack.append(layers.Embedding(num_words, embedding_dim, name="warm_embedding"))
    stack += [layers.SimpleRNN(units, name="warm_rnn"), layers.Dense(1, activation="sigmoid", name="warm_dense")]
    model = Sequential(stack, name=f"warm {encoding}", dtype=dtype, seed=0)
    model.compile(RMSprop(learning_rate=1e-4), "binary_crossentropy", metrics=["accuracy"])
    return model


def _use(model: Sequential, x: Any, y: np.ndarray, batch_size: int) -> None:
    """All that the job does, and what a user asks of a trained model: whole batches, a short one, and a single review."""
    model.fit(x, y, batch_size=batch_size, validation_data=(x, y), verbose=0)
    model.evaluate(x, y, batch_size=batch_size, verbose=0)
    model.predict(x, verbose=0)
    model.predict_one(x[0])


def _sum_up(ready: list[Ready], seconds: float) -> str:
    """Say how much was done, where it is, and what keeps it from being used."""
    if not COMPILED:
        why = "NUMBA_DISABLE_JIT is set" if HAVE_NUMBA else "numba cannot be imported"
        return f"Nothing is compiled here: {why}, and kernels run as plain Python."
    if not ready:
        return "Nothing left to do: this process has called every kernel already."
    found, given = sum(one.loaded for one in ready), kernel_cache.given_folder()
    lines = [f"{len(ready)} kernels in {seconds:.1f} s: {len(ready) - found} compiled, {found} found."]
    for folder in sorted({one.path.parent for one in ready if one.path is not None}):
        chosen = bool(given) and folder == kernel_cache.folders()[0]
        lines.append(f"They are in {folder}{' (NUMBA_CACHE_DIR)' if chosen else ''}, for processors of the kind {processor()}.")
        if given and not chosen:
            lines.append(f"NUMBA_CACHE_DIR is {given}, which cannot be written to.")
    if any(one.path is None for one in ready):
        lines.append(why_not_kept(ready))
    return "\n".join(lines)


def why_not_kept(ready: list[Ready]) -> str:
    """Say how many kernels could not be kept, and what to do about it."""
    lost, tried = sum(one.path is None for one in ready), ", ".join(map(str, kernel_cache.folders()))
    return (
        f"{lost} of {len(ready)} kernels could not be kept, so each process compiles them anew: cannot write to {tried}. "
        f"Set NUMBA_CACHE_DIR to a folder that can be written to, and has room."
    )


def processor() -> str:
    """Name the kind of processor that kernels are compiled for; another kind compiles, and keeps, its own."""
    import llvmlite.binding

    return os.environ.get("NUMBA_CPU_NAME") or str(llvmlite.binding.get_host_cpu_name())
