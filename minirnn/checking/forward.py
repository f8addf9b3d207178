"""The exercise ``rnn_forward``: the state carried through time.

Comes in: nothing. Goes out: ``EXERCISE``. Truth: ``layers/recurrence.py``'s reference.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minirnn.activations import CODES
from minirnn.checking.exercise import ROUNDING, Arguments, Exercise, Mistake, Output
from minirnn.checking.recurrent_cases import cases, draw
from minirnn.layers.recurrence import rnn_forward_ref


def _make(rng: np.random.Generator, **sizes: Any) -> Arguments:
    x, Wx, Wh, b = draw(rng, **sizes)
    return {"x": x, "Wx": Wx, "Wh": Wh, "b": b}


def true_states(x: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, b: np.ndarray) -> np.ndarray:
    """hs (B,T+1,H), by the library's reference."""
    (B, T, E), H = x.shape, len(b)
    hs = np.zeros((T + 1, B, H))
    table = x.reshape(B * T, E) @ Wx + b
    rnn_forward_ref(table, np.arange(B * T).reshape(B, T), np.arange(B), False, None, None, Wh, hs, CODES["tanh"])
    return np.ascontiguousarray(hs.transpose(1, 0, 2))


def _allowed(arguments: Arguments, expected: np.ndarray) -> float:
    """A state is off by the rounding of E + H + 1 terms, and carries on what the T states before it were off.

    The terms are below |z| in sum; with weights as these cases have them, what is carried on does not grow.
    """
    x, Wx, Wh, b = arguments.values()
    T, (E, H) = x.shape[1], Wx.shape
    largest = float((np.abs(x) @ np.abs(Wx)).max() + np.abs(Wh).sum(axis=0).max() + np.abs(b).max())
    return ROUNDING * T * (E + H + 1) * max(largest, 1.0)


def _place(b: int, slot: int, j: int) -> str:
    return f"row b={b}, slot {slot} ({f'the state after step t={slot - 1}' if slot else 'the initial state'}), unit j={j}"


# --------------------------------------------------------------------------------------------------------------------------- mistakes

Step = Callable[..., np.ndarray]


def _recur(step: Step) -> Callable[..., np.ndarray]:
    """The loop with another step: x_t (B,E), h_prev (B,H) and the weights -> h_t (B,H)."""

    def function(x: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, b: np.ndarray) -> np.ndarray:
        B, T, _ = x.shape
        hs = np.zeros((B, T + 1, len(b)))
        for t in range(T):
            hs[:, t + 1] = step(x[:, t], hs[:, t], Wx, Wh, b)
        return hs

    return function


def _slot_of_its_own_step(x: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, b: np.ndarray) -> np.ndarray:
    B, T, _ = x.shape
    hs = np.zeros((B, T + 1, len(b)))
    for t in range(T):
        hs[:, t] = np.tanh(x[:, t] @ Wx + hs[:, t - 1] @ Wh + b)
    return hs


def _first_input_unread(x: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, b: np.ndarray) -> np.ndarray:
    B, T, _ = x.shape
    hs = np.zeros((B, T + 1, len(b)))
    for t in range(1, T):
        hs[:, t] = np.tanh(x[:, t] @ Wx + hs[:, t - 1] @ Wh + b)
    return hs


def _so_far(x: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, b: np.ndarray, steps: int) -> np.ndarray:
    hs = true_states(x, Wx, Wh, b)
    hs[:, steps + 1 :] = 0
    return hs


def _state_runs_on(x: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, b: np.ndarray) -> np.ndarray:
    B, T, _ = x.shape
    hs = np.zeros((B, T + 1, len(b)))
    h = np.zeros(len(b))
    for n in range(B):
        for t in range(T):
            hs[n, t + 1] = h = np.tanh(x[n, t] @ Wx + h @ Wh + b)
    return hs


MISTAKES = (
    Mistake(
        "recurrent weights transposed",
        "Wh is transposed",
        "States are rows, so they stand to the left: h_prev @ Wh, or Σ_i h_prev[i] Wh[i,j]. (Wh @ h_prev and h_prev @ Wh.T sum over the "
        "other index.)",
        _recur(lambda x, h, Wx, Wh, b: np.tanh(x @ Wx + h @ Wh.T + b)),
    ),
    Mistake(
        "bias forgotten",
        "the bias is left out",
        "b (H,) is added at every step: z_t = x_t·Wx + h_prev·Wh + b.",
        _recur(lambda x, h, Wx, Wh, b: np.tanh(x @ Wx + h @ Wh)),
    ),
    Mistake(
        "state not carried",
        "each step starts from a state of zeros",
        "Step t reads what step t-1 wrote: h_prev is hs[:, t], and h_prev·Wh is part of z_t. Without it the network remembers nothing.",
        _recur(lambda x, h, Wx, Wh, b: np.tanh(x @ Wx + b)),
    ),
    Mistake(
        "first step off by one",
        "step t writes slot t",
        "Slot 0 is the initial state and stays 0: step t reads slot t and writes slot t+1. With hs[:, t - 1] the first step reads slot -1, "
        "which is the last one.",
        _slot_of_its_own_step,
    ),
    Mistake(
        "first input unread",
        "the loop begins at t=1, reads x[:, t] and writes slot t, so the first input is never read and the last slot never written",
        "Either let t run over 0..T-1 and write slot t+1, or let it run over 1..T and read x[:, t - 1].",
        _first_input_unread,
    ),
    Mistake(
        "last step missing",
        "the last step is not taken, and its slot is left 0",
        "There are T steps, range(T), and T+1 slots: hs.shape[1] is one more than x.shape[1].",
        lambda x, Wx, Wh, b: _so_far(x, Wx, Wh, b, x.shape[1] - 1),
    ),
    Mistake(
        "first step only",
        "only the first step is taken",
        "Is the return inside the loop? It ends the function at t=0: indent it as far as the for.",
        lambda x, Wx, Wh, b: _so_far(x, Wx, Wh, b, 1),
    ),
    Mistake(
        "one input late",
        "step t reads the input of step t-1",
        "Step t reads x[:, t], which is the word at t: it is the slots of hs that are one ahead, not the inputs.",
        lambda x, Wx, Wh, b: true_states(np.roll(x, 1, axis=1), Wx, Wh, b),
    ),
    Mistake(
        "no initial slot",
        "the initial state is missing",
        "hs has T+1 slots: start from np.zeros((B, T + 1, H)), leave slot 0 alone, and let step t write slot t+1. The way back needs it.",
        lambda x, Wx, Wh, b: true_states(x, Wx, Wh, b)[:, 1:],
    ),
    Mistake(
        "last state only",
        "only the last state is returned",
        "Return all states, hs (B,T+1,H): the way back needs each of them. The last is hs[:, -1].",
        lambda x, Wx, Wh, b: true_states(x, Wx, Wh, b)[:, -1],
    ),
    Mistake(
        "time first",
        "time comes before the batch",
        "hs is (B,T+1,H). Transpose at the end, hs.transpose(1, 0, 2), or write hs[:, t + 1] from the start.",
        lambda x, Wx, Wh, b: true_states(x, Wx, Wh, b).transpose(1, 0, 2),
    ),
    Mistake(
        "read backwards",
        "the input is read from its end",
        "Step 0 reads x[:, 0]. Only the way back runs from T-1 to 0.",
        lambda x, Wx, Wh, b: true_states(x[:, ::-1], Wx, Wh, b),
    ),
    Mistake(
        "no activation",
        "the tanh is left out",
        "h_t = tanh(z_t). Without it the states grow without bound, and all steps together are one linear map.",
        _recur(lambda x, h, Wx, Wh, b: x @ Wx + h @ Wh + b),
    ),
    Mistake(
        "sigmoid",
        "the activation is the sigmoid",
        "SimpleRNN's states go through tanh, -1..1; the sigmoid is for the output, the probability.",
        _recur(lambda x, h, Wx, Wh, b: 1 / (1 + np.exp(-(x @ Wx + h @ Wh + b)))),
    ),
    Mistake(
        "bias outside the activation",
        "the bias is added after the tanh",
        "The bias is part of z: tanh(x_t·Wx + h_prev·Wh + b), with b inside the brackets.",
        _recur(lambda x, h, Wx, Wh, b: np.tanh(x @ Wx + h @ Wh) + b),
    ),
    Mistake(
        "only the input activated",
        "the recurrent part is added after the tanh",
        "Both parts are in z: tanh(x_t·Wx + h_prev·Wh + b), with h_prev·Wh inside the brackets.",
        _recur(lambda x, h, Wx, Wh, b: np.tanh(x @ Wx + b) + h @ Wh),
    ),
    Mistake(
        "state added to",
        "each step adds to the old state instead of replacing it",
        "h_t = tanh(z_t): the old state comes in through h_prev·Wh, and only there.",
        _recur(lambda x, h, Wx, Wh, b: h + np.tanh(x @ Wx + h @ Wh + b)),
    ),
    Mistake(
        "state without weights",
        "the old state is added to z without Wh",
        "The old state goes through its own weights: h_prev @ Wh.",
        _recur(lambda x, h, Wx, Wh, b: np.tanh(x @ Wx + h + b)),
    ),
    Mistake(
        "state runs on",
        "a row of the batch starts from the state the row before it ended with",
        "Each review starts from a state of zeros: set h back to 0 at the start of each row.",
        _state_runs_on,
    ),
)

EXERCISE = Exercise(
    "rnn_forward",
    "the state carried through time",
    ("x", "Wx", "Wh", "b"),
    ("(B,T,E)", "(E,H)", "(H,H)", "(H,)"),
    (Output("hs", "(B,T+1,H)", "float", _place, _allowed, walk=1, steps="slot"),),
    true_states,
    cases(_make),
    MISTAKES,
)
