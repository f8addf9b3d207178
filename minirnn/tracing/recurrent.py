"""One recurrent layer, step by step: what ``layers/recurrence.py`` computes and forgets.

Comes in: the layer's weights, what it read, the states it went through, and the gradient that reaches them from above. Goes out: for each
step t = 1..T, in the order of processing

    z_t        = x_t · Wx + h_(t-1) · Wh + b            its three parts apart
    h_t        = activation(z_t)                        h_(t-1) where the mask says "padding"
    dh_t       = dL/dh_t                                 what comes from above, and what comes back from step t+1
    dz_t       = dh_t · activation'(z_t)                0 where masked
    dWh       += h_(t-1)ᵀ · dz_t,  dWx += x_tᵀ · dz_t,  db += dz_t           this step's own contribution
    J_t        = dh_t/dh_(t-1) = diag(activation'(z_t)) · Whᵀ                 the identity where masked
    dh_T/dh_t  = J_T ··· J_(t+1)

Source: R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural networks", ICML 2013, for the Jacobians and
what their product says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from minirnn.activations import CODES, slope_ref


@dataclass(eq=False)
class LayerTrace:
    """A SimpleRNN while it reads one review; every array is float64, and in the order of processing.

    Attributes
    ----------
    name : of the layer, with the name of the Bidirectional around it in front, if there is one
    activation : its name
    positions (T,) : the input step that each step of processing reads; T-1..0 in a layer that goes backwards
    mask (T,) bool, or None : False where the state is carried over unchanged
    Wx (E,H), Wh (H,H), b (H,) : the weights; b is 0 in a layer without a bias
    x (T,E), or None : what the layer read; None for one-hot input, which ``ids`` stand for
    ids (T,), or None : the ids of one-hot input
    z_input (T,H) : x_t · Wx
    z_recurrent (T,H) : h_(t-1) · Wh
    hs (T+1,H) : the states; slot 0 is the initial state, 0
    dh (T,H), dz (T,H) : gradients of the loss, in nats per unit; None without a label

    Examples
    --------
    >>> import minirnn
    >>> from minirnn.layers import Dense, Embedding, Input, SimpleRNN
    >>> model = minirnn.Sequential([Input((4,)), Embedding(9, 3), SimpleRNN(5), Dense(1, "sigmoid")], seed=1)
    >>> model.compile("rmsprop", "binary_crossentropy")
    >>> layer = minirnn.trace(model, [0, 1, 4, 5], y=1)["simple_rnn"]
    >>> bool(np.allclose(layer.z, layer.z_input + layer.z_recurrent + layer.b))
    True
    >>> bool(np.allclose(layer.dWh, layer.dWh_steps.sum(axis=0)))
    True
    """

    name: str
    activation: str
    positions: np.ndarray
    mask: np.ndarray | None
    Wx: np.ndarray
    Wh: np.ndarray
    b: np.ndarray
    x: np.ndarray | None
    ids: np.ndarray | None
    z_input: np.ndarray
    hs: np.ndarray
    z_recurrent: np.ndarray = field(init=False)
    dh: np.ndarray | None = None
    dz: np.ndarray | None = None

    def __post_init__(self) -> None:
        self.z_recurrent = self.hs[:-1] @ self.Wh

    @property
    def units(self) -> int:
        """H."""
        return len(self.Wh)

    @property
    def steps(self) -> int:
        """T."""
        return len(self.positions)

    @property
    def z(self) -> np.ndarray:
        """What the activation is applied to (T,H): the two parts and b. At a masked step it is computed, and not used."""
        return self.z_input + self.z_recurrent + self.b

    @property
    def h(self) -> np.ndarray:
        """The state after each step (T,H)."""
        return self.hs[1:]

    @cached_property
    def slopes(self) -> np.ndarray:
        """activation'(z_t) (T,H), from h_t; 0 at masked steps, where h does not depend on z."""
        slopes = slope_ref(self.h, CODES[self.activation])
        return slopes if self.mask is None else np.where(self.mask[:, None], slopes, 0)

    # ------------------------------------------------------------------------------------------------------------------ the way back

    def carry_back(self, dhs: np.ndarray, reach: int) -> tuple[np.ndarray, np.ndarray]:
        """Give dh and dz (T,H) from what reaches the states from above.

        Parameters
        ----------
        dhs (T,H) : gradient on each state from the layer above
        reach : steps from the end that the gradient is carried back to; on states before, it is 0
        """
        T, H = self.h.shape
        dh, dz, passed = np.zeros((T, H)), np.zeros((T, H)), np.zeros(H)
        for t in reversed(range(max(0, T - reach), T)):
            dh[t] = dhs[t] + passed
            dz[t] = dh[t] * self.slopes[t]
            passed = dz[t] @ self.Wh.T if self.mask is None or self.mask[t] else dh[t]
        return dh, dz

    def dx(self, dz: np.ndarray) -> np.ndarray:
        """Give the gradient on the layer's input (T,E), in the order of the input; (T,V) for one-hot input."""
        dx = np.empty((self.steps, len(self.Wx)))
        dx[self.positions] = dz @ self.Wx.T
        return dx

    # ----------------------------------------------------------------------------------------------------------------- contributions

    @property
    def dWh_steps(self) -> np.ndarray | None:
        """What each step adds to the gradient of Wh (T,H,H): h_(t-1)ᵀ · dz_t."""
        return None if self.dz is None else self.hs[:-1, :, None] * self.dz[:, None, :]

    @property
    def dWx_steps(self) -> np.ndarray | None:
        """What each step adds to the gradient of Wx (T,E,H): x_tᵀ · dz_t. For one-hot input that is dz_t in the row of the id."""
        if self.dz is None:
            return None
        if self.x is not None:
            return np.asarray(self.x[:, :, None] * self.dz[:, None, :])
        steps = np.zeros((self.steps, *self.Wx.shape))
        steps[np.arange(self.steps), self.ids] = self.dz
        return steps

    @property
    def db_steps(self) -> np.ndarray | None:
        """What each step adds to the gradient of b (T,H): dz_t."""
        return self.dz

    @property
    def dWh(self) -> np.ndarray | None:
        """The gradient of Wh (H,H): the contributions of all steps."""
        return None if self.dz is None else self.hs[:-1].T @ self.dz

    @property
    def dWx(self) -> np.ndarray | None:
        """The gradient of Wx (E,H): the contributions of all steps."""
        if self.dz is None:
            return None
        if self.ids is None:
            assert self.x is not None
            return np.asarray(self.x.T @ self.dz)
        dWx = np.zeros(self.Wx.shape)
        np.add.at(dWx, self.ids, self.dz)
        return dWx

    @property
    def db(self) -> np.ndarray | None:
        """The gradient of b (H,): the contributions of all steps."""
        return None if self.dz is None else np.asarray(self.dz.sum(axis=0))

    @property
    def contribution_norms(self) -> dict[str, np.ndarray] | None:
        """How much each step taught each weight: the norms (T,) of the contributions, by "Wh", "Wx" and "b".

        A contribution is a column times a row, so its norm is the product of theirs, and it need not be built.
        """
        if self.dz is None:
            return None
        row = np.linalg.norm(self.dz, axis=1)
        x = np.ones(self.steps) if self.x is None else np.linalg.norm(self.x, axis=1)
        return {"Wh": np.linalg.norm(self.hs[:-1], axis=1) * row, "Wx": x * row, "b": row}

    # --------------------------------------------------------------------------------------------------------------------- Jacobians

    def jacobian(self, t: int) -> np.ndarray:
        """dh_t/dh_(t-1) (H,H) of the step with number t, from 0: entry (j, i) is how much unit j gains from unit i."""
        if self.mask is not None and not self.mask[t]:
            return np.eye(self.units)
        return np.asarray(self.slopes[t][:, None] * self.Wh.T)

    @cached_property
    def jacobian_norms(self) -> np.ndarray:
        """|dh_t/dh_(t-1)| (T,), largest singular value: how far one step can stretch what it carries; NaN where not finite."""
        return np.array([_largest_singular_value(self.jacobian(t)) for t in range(self.steps)])

    @cached_property
    def jacobian_product(self) -> np.ndarray:
        """|dh_T/dh_t| (T,), largest singular value of the product of all later Jacobians; 1 at the last step. Where it falls towards 0 the
        gradient vanishes, whatever comes from above; it is of the whole way, also where ``bptt`` cuts the gradient.
        """
        product, norms = np.eye(self.units), np.ones(self.steps)
        for t in reversed(range(1, self.steps)):
            product = product @ self.jacobian(t)
            norms[t - 1] = _largest_singular_value(product)
        return norms

    def arrays(self) -> dict[str, np.ndarray]:
        """All of it by name, without what is not there."""
        forward = ("positions", "mask", "Wx", "Wh", "b", "x", "ids", "z_input", "z_recurrent", "z", "hs")
        back = ("dh", "dz", "dWh_steps", "dWx_steps", "db_steps", "dWh", "dWx", "db")
        names = (*forward, *back, "jacobian_norms", "jacobian_product")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


def _largest_singular_value(matrix: np.ndarray) -> float:
    # LAPACK does not converge on NaN, and a trace of a training that failed is there to show where the numbers go wrong
    return float(np.linalg.norm(matrix, 2)) if np.isfinite(matrix).all() else np.nan
