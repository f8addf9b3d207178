"""The exercise ``rnn_backward``: the gradient carried back through time.

Comes in: nothing. Goes out: ``EXERCISE``. Truth: ``layers/recurrence.py``'s reference for dz_t and dWh, and from dz_t, as the layer does,
dx, dWx and db.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minirnn.activations import CODES
from minirnn.checking.exercise import ROUNDING, Arguments, Exercise, Mistake, Output
from minirnn.checking.forward import true_states
from minirnn.checking.recurrent_cases import cases, draw
from minirnn.layers.recurrence import rnn_backward_ref

Gradients = tuple[np.ndarray, ...]


def _make(rng: np.random.Generator, **sizes: Any) -> Arguments:
    x, Wx, Wh, b = draw(rng, **sizes)
    return {"dh_last": rng.normal(size=(len(x), len(b))), "x": x, "Wx": Wx, "Wh": Wh, "hs": true_states(x, Wx, Wh, b)}


def _true_gradients(dh_last: np.ndarray, x: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, hs: np.ndarray) -> Gradients:
    (B, T, E), H = x.shape, len(Wh)
    dtable, dWh = np.zeros((B * T, H)), np.zeros((H, H))
    ids, time_first = np.arange(B * T).reshape(B, T), hs.transpose(1, 0, 2)
    rnn_backward_ref(None, dh_last.copy(), ids, np.arange(B), False, None, None, Wh, time_first, dtable, dWh, CODES["tanh"])
    return (dtable @ Wx.T).reshape(x.shape), x.reshape(B * T, E).T @ dtable, dWh, dtable.sum(axis=0)


def _allowed(arguments: Arguments, expected: np.ndarray) -> float:
    """A gradient is a sum over B, T and E or H terms, each carried back through T products of H terms and slopes 1 - h² below 1.

    1 - h² of a state near ±1 keeps the rounding of the 1: so the scale is that of the gradient that came in, even if what goes out is less.
    """
    dh_last, x, Wx, Wh, _ = arguments.values()
    (B, T, E), H = x.shape, len(Wh)
    came_in = float(np.abs(dh_last).max()) * max(1.0, float(np.abs(x).max()), float(np.abs(Wx).sum(axis=1).max()))
    return ROUNDING * T * (B + E + H) * max(came_in, float(np.abs(expected).max()))


# --------------------------------------------------------------------------------------------------------------------------- mistakes


def _back(
    slope: Callable[..., np.ndarray] = lambda h_t, h_prev: 1 - h_t * h_t,
    carry: Callable[..., np.ndarray] = lambda dz_t, dh, Wh: dz_t @ Wh.T,
    steps: Callable[[int], Any] = lambda T: range(T - 1, -1, -1),
    to_weights: Callable[..., np.ndarray] = lambda dz_t, dh: dz_t,
    to_input: Callable[..., np.ndarray] = lambda dz_t, dh, Wx: dz_t @ Wx.T,
    state: Callable[..., np.ndarray] = lambda h_t, h_prev: h_prev,
    keep: float = 1,
    finish: Callable[..., Any] = lambda dx, dWx, dWh, db: (dx, dWx, dWh, db),
) -> Callable[..., Any]:
    """The way back with one part another: the slope, what is carried, the order of steps, what weights and input get, the share kept."""

    def function(dh_last: np.ndarray, x: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, hs: np.ndarray) -> Any:
        T, dh = x.shape[1], dh_last
        dx, dWx, dWh, db = np.zeros_like(x), np.zeros_like(Wx), np.zeros_like(Wh), np.zeros(len(Wh))
        for t in steps(T):
            h_prev, h_t = hs[:, t], hs[:, t + 1]
            dz_t = dh * slope(h_t, h_prev)
            given = to_weights(dz_t, dh)
            dWx = keep * dWx + x[:, t].T @ given
            dWh = keep * dWh + state(h_t, h_prev).T @ given
            db = keep * db + given.sum(axis=0)
            dx[:, t] = to_input(dz_t, dh, Wx)
            dh = carry(dz_t, dh, Wh)
        return finish(dx, dWx, dWh, db)

    return function


def _share_of_batch(dh_last: np.ndarray, x: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, hs: np.ndarray) -> Gradients:
    dx, dWx, dWh, db = _true_gradients(dh_last, x, Wx, Wh, hs)
    return dx, dWx / len(x), dWh / len(x), db / len(x)


def _bias_per_row(dh_last: np.ndarray, x: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, hs: np.ndarray) -> Gradients:
    total = np.zeros_like(dh_last)
    _back(to_weights=lambda dz_t, dh: total.__iadd__(dz_t))(dh_last, x, Wx, Wh, hs)
    return (*_true_gradients(dh_last, x, Wx, Wh, hs)[:3], total)


MISTAKES = (
    Mistake(
        "recurrent transpose missing",
        "the gradient is carried back with Wh instead of its transpose",
        "Forward, z_t = ... + h_prev·Wh; so backward, dh_prev = dz_t · Whᵀ: dz_t @ Wh.T. H×H fits either way, so NumPy cannot notice.",
        _back(carry=lambda dz_t, dh, Wh: dz_t @ Wh),
    ),
    Mistake(
        "input transpose missing",
        "dx is taken through Wx instead of its transpose",
        "Forward, z_t = x_t·Wx + ...; so backward, dx_t = dz_t · Wxᵀ: dz_t @ Wx.T.",
        _back(to_input=lambda dz_t, dh, Wx: dz_t @ Wx),
    ),
    Mistake(
        "last step only",
        "only the last step gives the weights a gradient, as if reading began there",
        "The weights are used at every step, and h_prev depends on them too: carry dh_prev = dz_t · Whᵀ on to step t-1, down to t=0.",
        _back(steps=lambda T: [T - 1]),
    ),
    Mistake(
        "input gradient of the last step only",
        "only the last step gives its input a gradient, though all of them give the weights one",
        "dx_t = dz_t · Wxᵀ belongs inside the loop: written down before it, the input of every earlier step learns nothing, and so does "
        "what stands in front of the layer.",
        _back(finish=lambda dx, dWx, dWh, db: (np.concatenate([np.zeros_like(dx[:, :-1]), dx[:, -1:]], axis=1), dWx, dWh, db)),
    ),
    Mistake(
        "first step missing",
        "the loop ends at t=1, and the first step gives no gradient",
        "range leaves its end out: range(T - 1, -1, -1), or reversed(range(T)), goes down to t=0.",
        _back(steps=lambda T: range(T - 1, 0, -1)),
    ),
    Mistake(
        "gradients overwritten",
        "each step overwrites dWx, dWh and db, so that only step t=0, the last of the loop, is left",
        "The weights are used at every step, so their gradients are sums over the steps: dWh += h_prev.T @ dz_t, and so on.",
        _back(keep=0),
    ),
    Mistake(
        "gradient not carried",
        "every step starts from dh_last again",
        "dh_last is the gradient on the last state only. At the end of each step dh becomes dh_prev = dz_t · Whᵀ for the step before.",
        _back(carry=lambda dz_t, dh, Wh: dh),
    ),
    Mistake(
        "carried gradient added to",
        "what is carried back is added to dh instead of replacing it",
        "The old dh was the gradient on h_t and is used up: dh = dz_t @ Wh.T, not +=. (Add only what reaches h_prev from elsewhere, as "
        "from an output at every step.)",
        _back(carry=lambda dz_t, dh, Wh: dh + dz_t @ Wh.T),
    ),
    Mistake(
        "slope from z",
        "the slope is taken as 1 - tanh(h_t)², as if h_t were z_t",
        "tanh'(z) = 1 - tanh(z)², and tanh(z_t) is h_t already: the slope is 1 - h_t².",
        _back(slope=lambda h_t, h_prev: 1 - np.tanh(h_t) ** 2),
    ),
    Mistake(
        "slope of the state before",
        "the slope is taken from h_prev",
        "dz_t needs the slope at z_t, whose tanh is slot t+1 of hs: 1 - hs[:, t + 1]². Slot t is the state before.",
        _back(slope=lambda h_t, h_prev: 1 - h_prev * h_prev),
    ),
    Mistake(
        "slope forgotten",
        "the slope of tanh is left out, so that dz_t = dh_t",
        "Between h_t and z_t there is a tanh: dz_t = dh_t · (1 - h_t²).",
        _back(slope=lambda h_t, h_prev: np.ones_like(h_t)),
    ),
    Mistake(
        "slope without the square",
        "the slope is taken as 1 - h_t",
        "tanh'(z) = 1 - tanh(z)²: the slope is 1 - h_t², with the square.",
        _back(slope=lambda h_t, h_prev: 1 - h_t),
    ),
    Mistake(
        "slope of the sigmoid",
        "the slope is the sigmoid's, h_t·(1 - h_t)",
        "The states went through tanh, whose slope is 1 - h_t².",
        _back(slope=lambda h_t, h_prev: h_t * (1 - h_t)),
    ),
    Mistake(
        "state after instead of before",
        "dWh is taken with the state after the step instead of the one before it",
        "Forward, h_prev is what meets Wh at step t; so dWh += h_prevᵀ · dz_t, with h_prev = hs[:, t], not hs[:, t + 1].",
        _back(state=lambda h_t, h_prev: h_t),
    ),
    Mistake(
        "dWh transposed",
        "dWh is transposed",
        "dWh[i,j] belongs to Wh[i,j], from unit i before to unit j after: h_prev.T @ dz_t, not dz_t.T @ h_prev.",
        _back(finish=lambda dx, dWx, dWh, db: (dx, dWx, dWh.T, db)),
    ),
    Mistake(
        "weights from dh",
        "the weights get dh_t instead of dz_t",
        "The weights are in z_t, so the slope is between: dz_t = dh_t · (1 - h_t²), and then dWh += h_prevᵀ · dz_t, dWx += x_tᵀ · dz_t, "
        "db += Σ_b dz_t.",
        _back(to_weights=lambda dz_t, dh: dh),
    ),
    Mistake(
        "input from dh",
        "dx is taken from dh_t instead of dz_t",
        "x_t is in z_t, so the slope is between: dx_t = dz_t · Wxᵀ.",
        _back(to_input=lambda dz_t, dh, Wx: dh @ Wx.T),
    ),
    Mistake(
        "slope not carried",
        "dh_t is carried back instead of dz_t",
        "h_prev is in z_t, so the slope is between: dh_prev = dz_t · Whᵀ.",
        _back(carry=lambda dz_t, dh, Wh: dh @ Wh.T),
    ),
    Mistake(
        "time forwards",
        "the loop runs from the first step to the last",
        "The gradient comes in at the end and runs back: for t in reversed(range(T)).",
        _back(steps=range),
    ),
    Mistake(
        "dx in the loop's order",
        "dx stands in the order of the loop, the last step first",
        "The loop runs from the end, so a list that it appends to is turned round: write dx[:, t] = ..., or reverse the list.",
        _back(finish=lambda dx, dWx, dWh, db: (dx[:, ::-1], dWx, dWh, db)),
    ),
    Mistake(
        "mean over the batch",
        "the weights' gradients are divided by B",
        "The mean over the batch is already in dh_last, because the loss took it: here they are plain sums over b.",
        _share_of_batch,
    ),
    Mistake(
        "bias per row",
        "db keeps a row for each example",
        "b is shared by all rows of the batch: sum dz_t over b as well, dz_t.sum(axis=0).",
        _bias_per_row,
    ),
    Mistake(
        "order",
        "the gradients stand in another order: dx, dWh, dWx, db",
        "Return dx, dWx, dWh, db, or a dict with these names.",
        _back(finish=lambda dx, dWx, dWh, db: (dx, dWh, dWx, db)),
    ),
)

EXERCISE = Exercise(
    "rnn_backward",
    "the gradient carried back through time",
    ("dh_last", "x", "Wx", "Wh", "hs"),
    ("(B,H)", "(B,T,E)", "(E,H)", "(H,H)", "(B,T+1,H)"),
    (
        Output(
            "dx", "(B,T,E)", "float", lambda b, t, i: f"row b={b}, step t={t}, component {i}", _allowed, walk=1, backwards=True, steps="t"
        ),
        Output("dWx", "(E,H)", "float", lambda i, j: f"from component {i} of x to unit j={j}", _allowed),
        Output("dWh", "(H,H)", "float", lambda i, j: f"from unit i={i} to unit j={j}", _allowed),
        Output("db", "(H,)", "float", lambda j: f"unit j={j}", _allowed),
    ),
    _true_gradients,
    cases(_make),
    MISTAKES,
)
