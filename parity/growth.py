"""How far rounding alone may carry a result that is made of many steps: the growth that `compare` grants a recurrence or an optimizer.

Comes in: a case's own weights and inputs. Goes out: for each element of each tensor, an absolute error.

Every float32 operation gives its exact result times (1 + δ), |δ| <= u = 2^-24. To first order, what S operations do to a result is

    error = Σ_i c_i δ_i,    c_i: how strongly the result feels operation i

The usual worst case, u Σ|c_i|, grows like S and is never met; a check that granted it would let faults through. Roundings err to both sides
alike and know nothing of each other, so the error is a sum of many independent terms of mean 0, and is normal with

    σ² = Σ_i c_i² var(δ_i),    var(δ) = u²/3   (even over the whole ±u)

which grows like sqrt(S), as long as the c_i neither grow nor fade. The largest of n such errors exceeds λσ with a probability below CHANCE:

    growth = λ σ,    λ = sqrt(2 ln(2n / CHANCE))

`simple_rnn` finds σ without any c_i: it runs the equations in float64 ``COPIES`` times, each with a random error put in after every
operation, and takes the spread of the results. The c_i, the slopes 1 - h² and powers of Wh, forward and back, are then those of this very
case. Errors are 2^-24 of the numbers that carry them, float64 rounds at 2^-53, so nothing but the errors put in is seen.

`steps` is for an optimizer that is given its gradients, so that no error feeds back: after S steps a weight has been rounded S times, and
has taken S steps that are themselves off by a share r u of their length, all of which may err to the same side:

    growth = λ u sqrt(Σ_s w_s² / 3) + r u Σ_s |w_s - w_{s-1}|

RMSprop's running mean remembers 1 / (1 - ρ) steps, each of which rounds thrice; the root halves what it is given; the rest of the formula
is four operations: r = 3 / (2 (1 - ρ)) + 4, and momentum μ, which remembers likewise, adds 2 / (1 - μ).

Source: N. Higham and T. Mary, "A New Approach to Probabilistic Rounding Error Analysis", SIAM J. Sci. Comput. 41 (2019) A2815-A2835.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from parity.case import Tensors

U = 2.0**-24
"""The largest relative error of one rounding to float32."""

TANH = 1.5
"""Operations that minirnn's tanh counts for: its error is 0.75 u in root mean square over its worst octave, as much as ±1.3 u evenly."""

CHANCE = 1e-6
"""Probability with which a tensor that has only been rounded is rejected."""

COPIES = 32
"""Runs with random errors: the spread they give is right to 13 %."""


class Rounding:
    """Puts a random error where float32 would round."""

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)

    def after(self, value: np.ndarray, operations: float = 1.0) -> np.ndarray:
        """Give the value as that many units of u may leave it."""
        return value * (1 + operations * U * self._rng.uniform(-1, 1, value.shape))

    def total(self, products: np.ndarray, axis: int = -1) -> np.ndarray:
        """Give the sum of products, each of them and each partial sum rounded."""
        products = self.after(products)
        partial = np.cumsum(products, axis)
        errors = U * self._rng.uniform(-1, 1, partial.shape) * partial
        return np.sum(products, axis) + np.sum(errors, axis) - np.take(errors, 0, axis)  # the first term alone is no sum


def simple_rnn(weights: Sequence[np.ndarray], x: np.ndarray, dy: np.ndarray) -> Tensors:
    """Give the growth for a SimpleRNN with tanh, by the names of ``minirnn_side.layer_tensors``.

    Parameters
    ----------
    weights : Wx (E,H), Wh (H,H), b (H,)
    x (B,T,E) : inputs
    dy : gradient on the last state (B,H), or on all of them (B,T,H)
    """
    copies = _simple_rnn(weights, x, dy, Rounding(), COPIES)
    exact = _simple_rnn(weights, x, dy, None, 1)
    return {name: _granted(values - exact[name]) for name, values in copies.items()}


def steps(weights: Sequence[np.ndarray], roundings: float) -> np.ndarray:
    """Give the growth for weights after optimizer steps on given gradients.

    Parameters
    ----------
    weights : before the first step, and after each
    roundings : r, see `of_rmsprop`
    """
    path = np.array(weights, np.float64)
    random_walk = U * np.sqrt(np.sum(path[1:] ** 2, axis=0) / 3)
    return _normal_factor(path[0].size) * random_walk + roundings * U * np.sum(np.abs(np.diff(path, axis=0)), axis=0)


def of_rmsprop(rho: float = 0.9, momentum: float = 0.0) -> float:
    """Give r for a step of RMSprop.

    >>> round(of_rmsprop(rho=0.5), 6), round(of_rmsprop(rho=0.5, momentum=0.5), 6)
    (7.0, 11.0)
    """
    return 3 / (2 * (1 - rho)) + 4 + (2 / (1 - momentum) if momentum else 0)


def _granted(errors: np.ndarray) -> np.ndarray:
    """λσ of each element, from errors (COPIES, ...)."""
    return _normal_factor(errors[0].size) * np.sqrt(np.mean(errors**2, axis=0))


def _normal_factor(n: int) -> float:
    """λ: the largest of n normal errors exceeds λσ with a probability below `CHANCE`."""
    return math.sqrt(2 * math.log(2 * max(n, 1) / CHANCE))


def _simple_rnn(weights: Sequence[np.ndarray], x: np.ndarray, dy: np.ndarray, rounding: Rounding | None, copies: int) -> Tensors:
    """Run the equations forward and back, ``copies`` times side by side: every array has them as its first axis."""
    Wx, Wh, b = (weight.astype(np.float64) for weight in weights)
    (B, T, E), H = x.shape, len(b)
    after = rounding.after if rounding else lambda value, operations=1.0: value
    total = rounding.total if rounding else lambda products, axis=-1: np.sum(products, axis)
    W = np.concatenate([Wx, Wh, b[None]])
    hs, inputs = [np.zeros((copies, B, H))], []
    for t in range(T):
        # z_t = [x_t, h_{t-1}, 1] [Wx; Wh; b],  h_t = tanh(z_t)
        inputs.append(np.concatenate([np.broadcast_to(x[:, t], (copies, B, E)), hs[t], np.ones((copies, B, 1))], axis=-1))
        hs.append(after(np.tanh(total(inputs[t][..., :, None] * W, axis=-2)), TANH))
    dW, dx, dh = np.zeros((copies, *W.shape)), np.zeros((copies, B, T, E)), np.zeros((copies, B, H))
    for t in reversed(range(T)):
        if dy.ndim == 3:
            dh = after(dh + dy[:, t])
        elif t == T - 1:
            dh = dh + dy
        # dz_t = dh_t (1 - h_t²),  [dx_t, dh_{t-1}] = dz_t [Wx; Wh]ᵀ,  dW += [x_t, h_{t-1}, 1]ᵀ dz_t
        dz = after(dh * after(1 - after(hs[t + 1] ** 2)))
        dW = after(dW + total(inputs[t][..., :, None] * dz[..., None, :], axis=1))
        back = total(dz[..., None, :] * W[:-1], axis=-1)
        dx[:, :, t], dh = back[..., :E], back[..., E:]
    return {
        "output": hs[-1] if dy.ndim == 2 else np.stack(hs[1:], axis=2),
        "dkernel": dW[:, :E],
        "drecurrent_kernel": dW[:, E:-1],
        "dbias": dW[:, -1],
        "dx": dx,
    }
