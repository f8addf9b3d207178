"""Exercises: write a part of the network yourself, and have it checked.

Comes in: a reader's function and the name of an exercise. Goes out: a `Verdict`, which says that it passes, or shows the first difference
and, where the numbers are those of a known mistake, says which.

An exercise (``exercise.py``) has cases, a truth, which is the library's own float64 reference, and known mistakes, each a small wrong twin
of the truth. ``asking.py`` calls the function, ``comparing.py`` finds the first difference, ``judging.py`` the mistake; ``patterns.py``
describes differences that no known mistake makes. The exercises themselves are in the order of the network: ``tokens.py``,
``embeddings.py``, ``forward.py``, ``backward.py``, ``loss.py``, ``optimizer.py``, ``stopping.py``.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

from minirnn.checking import backward, embeddings, forward, loss, optimizer, stopping, tokens
from minirnn.checking.exercise import Exercise
from minirnn.checking.judging import judge
from minirnn.checking.verdict import Verdict

__all__ = ["Verdict", "check", "exercises"]

EXERCISES: dict[str, Exercise] = {
    exercise.name: exercise
    for exercise in (
        *tokens.EXERCISES,
        *embeddings.EXERCISES,
        forward.EXERCISE,
        backward.EXERCISE,
        loss.EXERCISE,
        optimizer.EXERCISE,
        stopping.EXERCISE,
    )
}


def check(function: Callable[..., Any], name: str) -> Verdict:
    """Check your own version of a part of the network against minirnn's.

    The function is called on many cases, from the smallest to the largest, with NumPy arrays (float64; ids are int) and by position. It
    must return new arrays and leave its arguments as they are. Where several things are returned, a dict with their names will do, too.
    Nothing is printed: the verdict shows itself in a notebook, and ``print`` shows it elsewhere.

    ===========================================================================  ===============================================
    exercise                                                                     what it asks for
    ===========================================================================  ===============================================
    ``pad_sequences(sequences, maxlen)``                                         zeros in front, the last maxlen ids kept: (N,T)
    ``to_categorical(ids, num_classes)``                                         a 1 at the id, 0 elsewhere: (...,V)
    ``embedding_forward(ids, embeddings)``                                       each id picks its row of the table: x (B,T,E)
    ``embedding_backward(dx, ids, V)``                                           the gradient goes back to those rows: (V,E)
    ``rnn_forward(x, Wx, Wh, b)``                                                all states, hs (B,T+1,H), slot 0 zeros
    ``rnn_backward(dh_last, x, Wx, Wh, hs)``                                     dx, dWx, dWh, db
    ``bce_logits(logits, y)``                                                    the loss, and the gradient on the logits
    ``rmsprop_step(weights, gradients, velocity, learning_rate, rho, epsilon)``  new weights, new velocity
    ``early_stopping(val_losses, patience)``                                     epochs trained, the best one counted from 1
    ===========================================================================  ===============================================

    Parameters
    ----------
    function : yours, not called
    name : of the exercise

    Returns
    -------
    Verdict
        True if every case agrees. If not, it shows the first that does not: the case, the place, your value and the expected one, and a
        hint. ``inputs``, ``received`` and ``expected`` hold that case's arrays.

    Raises
    ------
    TypeError
        When `function` cannot be called.
    ValueError
        When there is no exercise of that name.

    Examples
    --------
    >>> import minirnn
    >>> import numpy as np
    >>> def my_embedding_backward(dx, ids, V):
    ...     dembeddings = np.zeros((V, dx.shape[2]))
    ...     np.add.at(dembeddings, ids, dx)
    ...     return dembeddings
    >>> minirnn.check(my_embedding_backward, "embedding_backward").passed
    True

    Fancy indexing with ``+=`` writes each row once, however often its id occurs; the smallest case that shows it is shown:

    >>> def my_embedding_backward(dx, ids, V):
    ...     dembeddings = np.zeros((V, dx.shape[2]))
    ...     dembeddings[ids] += dx
    ...     return dembeddings
    >>> verdict = minirnn.check(my_embedding_backward, "embedding_backward")
    >>> verdict.passed, verdict.mistake
    (False, 'repeats lost')
    >>> print(verdict)
    embedding_backward: not yet. Case 3 of 9 fails, the 2 before it are right.
      case     one row in which an id repeats: B=1, T=4, V=2, E=3 (seed 3)
      given    ids = [[1, 1, 0, 0]], V = 2
      place    dembeddings[0, 0]: the row of id v=0, component 0
      yours    -0.238554
      expected -1.2937
      in all   6 of 6 numbers of dembeddings differ, by up to 3.3; rounding explains no
               more than 4e-15
      hint     Your numbers are exactly those one gets when an id that occurs several
               times gets the gradient of its last place only. NumPy's dembeddings[ids]
               += dx (or = dx) writes each row once, however often its id stands in ids.
               np.add.at(dembeddings, ids, dx) adds as often as an id stands there, and
               so does a loop over all places (b,t).
    """
    if not callable(function):
        raise TypeError(_not_callable(function, name))
    if not isinstance(name, str) or name not in EXERCISES:
        near = difflib.get_close_matches(str(name), EXERCISES, 1)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"check: there is no exercise named {name!r}.{meant} There are:\n{exercises()}")
    return judge(EXERCISES[name], function)


def _not_callable(function: Any, name: Any) -> str:
    said = f"check: function must be a function, received {type(function).__name__}."
    if callable(name):
        return f"{said} The function comes first: check({getattr(name, '__name__', 'my_function')}, {function!r})."
    return f"{said} Give the function itself, without calling it: check(my_{name}, {name!r})."


class Listing(str):
    """A text that shows itself without quotes."""

    def __repr__(self) -> str:
        return str(self)


def exercises() -> Listing:
    """List the exercises: what each function is given, and what it returns.

    >>> import minirnn
    >>> minirnn.exercises().splitlines()[0]
    'pad_sequences(sequences, maxlen) -> ids (N,T)'
    """
    lines = []
    for exercise in EXERCISES.values():
        given = "; ".join(f"{name} {shape}" for name, shape in zip(exercise.parameters, exercise.shapes, strict=True))
        lines.append(f"{exercise.signature}\n    {exercise.purpose}\n    given: {given}")
    return Listing("\n".join(lines))
