"""RMSprop: each weight takes steps of its own size, by how large its gradients have lately been.

Comes in: the flat vectors of weights and gradients. Goes out: the weights, one step on. It knows nothing of layers.

The step itself is in ``rmsprop_step.py``, and for weights of which a batch looks up some rows in ``rows.py``. Before it, in this order: the
gradients are clipped, and the weights decay by ``w weight_decay learning_rate``; after it, weights that have a constraint are made to keep
it. All vectors start at 0; there is no bias correction.

Source: Keras 3.15, ``keras/src/optimizers/rmsprop.py`` and ``base_optimizer.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minirnn.optimizers import rows
from minirnn.optimizers.learning_rate import LearningRate, deserialize
from minirnn.optimizers.rmsprop_step import BACKENDS, Vector
from minirnn.optimizers.rows import LazyRows
from minirnn.optimizers.schedules import LearningRateSchedule
from minirnn.parameters import Parameters, Slot


class RMSprop:
    """RMSprop with Keras's arguments.

    Parameters
    ----------
    learning_rate : size of a step: a float, a schedule of ``optimizers.schedules``, or a function without arguments
    rho : how much of the old velocity is kept, 0..1
    momentum : how much of the old step is kept
    epsilon : added to the velocity inside the root
    centered : divide by the spread of the gradients instead of their size
    weight_decay : share of each weight lost per step, times the learning rate; None for none
    clipnorm : largest norm of one weight's gradient
    clipvalue : largest absolute value of a gradient's element
    global_clipnorm : largest norm of all gradients together
    name : as in Keras
    embedding_update : what is squared for a row of an embedding that a batch looks up many times. ``"summed"``: the sum of the lookups'
        gradients, as on Keras's JAX and torch backends. ``"per_lookup"``: each of them, as on its TensorFlow backend, whose trainings it
        reproduces; an epoch takes longer. minirnn's own

    Raises
    ------
    ValueError
        For numbers out of range, more than one kind of clipping, and arguments of Keras's that minirnn lacks.

    Examples
    --------
    >>> optimizer = RMSprop(learning_rate=1e-4)
    >>> optimizer.learning_rate, optimizer.rho, optimizer.epsilon
    (0.0001, 0.9, 1e-07)
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str = "rmsprop",
        *,
        embedding_update: str = "summed",
        **unknown: Any,
    ) -> None:
        if unknown:
            raise ValueError(f"RMSprop: unrecognized arguments {sorted(unknown)}. The step size is learning_rate.")
        for argument, value in (
            ("use_ema", use_ema or None),
            ("ema_overwrite_frequency", ema_overwrite_frequency),
            ("loss_scale_factor", loss_scale_factor),
            ("gradient_accumulation_steps", gradient_accumulation_steps),
        ):
            if value is not None:
                raise ValueError(f"RMSprop: {argument} is not supported by minirnn, received {value!r}. Leave it out.")
        self._learning_rate = LearningRate("RMSprop", learning_rate)
        self._rho = _number("rho", rho, 1.0)
        self.momentum = _number("momentum", momentum, 1.0)
        self.epsilon = _number("epsilon", epsilon)
        self.centered = centered
        self.weight_decay = None if weight_decay is None else _number("weight_decay", weight_decay)
        self.clipnorm = None if clipnorm is None else _number("clipnorm", clipnorm)
        self.clipvalue = None if clipvalue is None else _number("clipvalue", clipvalue)
        self.global_clipnorm = None if global_clipnorm is None else _number("global_clipnorm", global_clipnorm)
        if sum(limit is not None for limit in (clipnorm, clipvalue, global_clipnorm)) > 1:
            raise ValueError("RMSprop: only one of clipnorm, clipvalue and global_clipnorm can be set.")
        self.embedding_update = _embedding_update(embedding_update, centered, clipvalue)
        self.ema_momentum = ema_momentum
        self.name = name
        self.iterations = 0
        self._state: dict[str, np.ndarray] = {}
        self._lazy = LazyRows()
        self._parameters: Parameters | None = None

    @property
    def learning_rate(self) -> Any:
        """Size of the next step, a float. It can be set between steps: to a number, unless it is ``scheduled``, or to a schedule."""
        return self._learning_rate.at(self.iterations)

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self._learning_rate.set(value)

    @property
    def scheduled(self) -> bool:
        """Whether a schedule or a function gives the learning rate, so that it is no number of the optimizer's own."""
        return self._learning_rate.scheduled

    @property
    def rho(self) -> float:
        """How much of the old velocity the next step keeps, 0..1. It can be set between steps."""
        return self._rho

    @rho.setter
    def rho(self, value: float) -> None:
        rho = _number("rho", value, 1.0)
        self._settle()  # by the old one, under which the steps were taken
        self._rho = rho

    @property
    def state(self) -> dict[str, np.ndarray]:
        """Vectors as long as the weights, by name, as they are after the last step; to be written to, too. Ask again after the next step:
        velocities of rows without a gradient are brought up to date when they are asked for.
        """
        self._settle()
        return self._state

    def snapshot(self) -> tuple[int, float, dict[str, np.ndarray], LazyRows]:
        """The count of steps, and a copy of the state, for ``restore``; what rows have put off stays put off, which ``state`` would not."""
        return self.iterations, self._rho, {name: vector.copy() for name, vector in self._state.items()}, self._lazy.copy()

    def restore(self, snapshot: tuple[int, float, dict[str, np.ndarray], LazyRows]) -> None:
        """Put back what ``snapshot`` gave, as often as wanted."""
        self.iterations, rho, copies, lazy = snapshot
        self._lazy = lazy.copy()
        for name, vector in copies.items():
            self._state[name][...] = vector
        self._lazy.settle(self._state["velocity"], rho)  # rho may have been set since

    def _settle(self) -> None:
        if self._state:
            self._lazy.settle(self._state["velocity"], self._rho)

    def build(self, parameters: Parameters, replacing: Parameters | None = None) -> None:
        """Make the state for these parameters, all zeros, and start counting; for parameters it has already, do nothing.

        Parameters
        ----------
        parameters : that it is to train
        replacing : what the same model's parameters were before its layers changed

        Raises
        ------
        ValueError
            When it already trains another model.
        """
        if self._parameters is parameters:
            return
        if self._parameters is not None and self._parameters is not replacing:
            raise ValueError("RMSprop: this optimizer already trains another model. Give each model an optimizer of its own.")
        self._parameters = parameters
        self.iterations = 0
        names = ["velocity", *(["momentum"] if self.momentum > 0 else []), *(["average_gradient"] if self.centered else [])]
        self._state = {name: np.zeros_like(parameters.values) for name in names}
        self._lazy = LazyRows()
        parameters.square_lookups(self.embedding_update == "per_lookup")

    def apply(self, parameters: Parameters, backend: str = "numpy") -> None:
        """Take one step from ``parameters.gradients``."""
        self.build(parameters)
        part = parameters.trainable
        values, gradients = parameters.values, parameters.gradients
        learning_rate = self.learning_rate  # once, for a function may give another one when it is asked again
        squares = parameters.square_gradients() if self.embedding_update == "per_lookup" else None
        if self.clipnorm or self.clipvalue or self.global_clipnorm:
            squares = self._clip(parameters, gradients[part], squares)
        if self.weight_decay:
            values[part] -= values[part] * values.dtype.type(self.weight_decay) * values.dtype.type(learning_rate)
        by_rows = self._by_rows(parameters)
        velocity, lazy = self._state["velocity"], self._lazy
        lazy.backend = backend
        lazy.settle_others([slot for slot, _ in by_rows], velocity, self.rho)
        start = part.start
        for slot, some in by_rows:
            self._step_all(slice(start, slot.slice.start), parameters, squares, learning_rate, backend)
            views = [vector[slot.slice].reshape(slot.shape) for vector in (values, gradients, velocity)]
            rows.BACKENDS[backend].update(*views, some, lazy.last_step(slot), lazy.step + 1, learning_rate, self.rho, self.epsilon)
            start = slot.slice.stop
        self._step_all(slice(start, part.stop), parameters, squares, learning_rate, backend)
        lazy.step += 1
        parameters.constrain()
        self.iterations += 1

    @property
    def plain(self) -> bool:
        """Whether a step is nothing but the velocity's, so that a compiled loop can take it."""
        clips = self.clipnorm or self.clipvalue or self.global_clipnorm
        return not (self.momentum or self.centered or self.weight_decay or clips or self.embedding_update == "per_lookup")

    @property
    def foresees_rates(self) -> bool:
        """Whether the learning rates of coming steps can be told now: not if a function is to be asked before each."""
        return self._learning_rate.foreseen

    def coming_rates(self, steps: int) -> np.ndarray:
        """Give the learning rates of the next steps, float64."""
        return np.array([self._learning_rate.at(self.iterations + step) for step in range(steps)])

    def begin_steps(self, slot: Slot | None, backend: str) -> tuple[np.ndarray, np.ndarray, int]:
        """Hand the state to a loop that takes steps itself.

        Parameters
        ----------
        slot : of the weight of which it updates only the rows that it looks up; None where it updates all of all weights

        Returns
        -------
        velocity (P,) : of all weights
        last_step (V,) : see ``rows.py``; empty without a slot
        step : how many steps there have been
        """
        assert self._parameters is not None
        self._lazy.backend = backend
        self._lazy.settle_others([] if slot is None else [slot], self._state["velocity"], self.rho)
        return self._state["velocity"], np.empty(0, np.int64) if slot is None else self._lazy.last_step(slot), self._lazy.step

    def end_steps(self, steps: int) -> None:
        """Take note of so many steps that such a loop has taken."""
        self._lazy.step += steps
        self.iterations += steps

    def _by_rows(self, parameters: Parameters) -> list[tuple[Slot, np.ndarray]]:
        """Give the weights of which only some rows need a step now, and those rows: where a row without a gradient has but a velocity that
        decays (``rows.py``).
        """
        clips = self.clipnorm or self.clipvalue or self.global_clipnorm
        if len(self._state) > 1 or self.weight_decay or clips or self.embedding_update == "per_lookup":
            return []
        return [(slot, some) for slot, some in parameters.known_rows() if slot.name not in slot.layer.constraints]

    def _step_all(self, part: slice, parameters: Parameters, squares: Vector | None, learning_rate: float, backend: str) -> None:
        """Take a step on all weights of that part; ``squares`` are of the trainable weights, which come first."""
        momentums, averages = self._state.get("momentum"), self._state.get("average_gradient")
        BACKENDS[backend](
            parameters.values[part],
            parameters.gradients[part],
            self._state["velocity"][part],
            None if momentums is None else momentums[part],
            None if averages is None else averages[part],
            None if squares is None else squares[part],
            learning_rate,
            self.rho,
            self.momentum,
            self.epsilon,
        )

    def _clip(self, parameters: Parameters, gradients: Vector, squares: Vector | None) -> Vector | None:
        """Clip in place; give the squares that the update is to use. With them, a norm is over all lookups, as TensorFlow takes it."""
        sizes = gradients * gradients if squares is None else squares
        if self.clipvalue:
            np.clip(gradients, -self.clipvalue, self.clipvalue, out=gradients)
        elif self.global_clipnorm:
            norm = float(np.sqrt(np.sum(sizes)))
            share = self.global_clipnorm / max(norm, self.global_clipnorm) if np.isfinite(norm) else np.nan  # an infinite one spreads too
            gradients *= gradients.dtype.type(share)
            return None  # TensorFlow sums the lookups when it scales by a number that all weights share
        elif self.clipnorm:
            for slot in parameters.slots:
                if slot.trainable:
                    # NaN is larger than no number, so max() must see it first: a NaN norm spreads, as in Keras
                    share = gradients.dtype.type(self.clipnorm / max(float(np.sqrt(np.sum(sizes[slot.slice]))), self.clipnorm))
                    gradients[slot.slice] *= share
                    if squares is not None:
                        squares[slot.slice] *= share * share
        return squares

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments, in Keras's names."""
        return {
            "name": self.name,
            "learning_rate": self._learning_rate.serialize(),
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": False,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": None,
            "loss_scale_factor": None,
            "gradient_accumulation_steps": None,
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
            # Keras refuses arguments that it does not know: this one is named where it says something, and in files stands beside the rest
            **({} if self.embedding_update == "summed" else {"embedding_update": self.embedding_update}),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, type[LearningRateSchedule]] | None = None) -> RMSprop:
        """Make an optimizer from what ``get_config`` gave; ``custom_objects`` are schedules of one's own, by name."""
        return cls(**{name: deserialize(value, custom_objects) if name == "learning_rate" else value for name, value in config.items()})


def _embedding_update(chosen: Any, centered: bool, clipvalue: float | None) -> str:
    if chosen not in ("summed", "per_lookup"):
        raise ValueError(f"RMSprop: embedding_update must be 'summed' or 'per_lookup', received {chosen!r}.")
    if chosen == "per_lookup" and (centered or clipvalue):
        with_what = "centered=True: v - a² turns negative" if centered else f"clipvalue={clipvalue!r}: each lookup would have to be clipped"
        raise ValueError(f"RMSprop: embedding_update='per_lookup' does not go with {with_what}. Leave one of the two out.")
    return str(chosen)


def _number(argument: str, value: Any, below: float = float("inf")) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating):
        raise ValueError(f"RMSprop: {argument} must be a number, received {value!r} of type {type(value).__name__}.")
    if not 0 <= value <= below or not np.isfinite(value):
        limits = "0 or more" if below == float("inf") else f"in 0..{below:g}"
        raise ValueError(f"RMSprop: {argument} must be {limits}, received {value!r}.")
    return float(value)
