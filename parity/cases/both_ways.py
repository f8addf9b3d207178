"""Bidirectional, and states that go into a recurrent layer and come out of it: outputs, states, and the gradients on all of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity import keras_side, minirnn_side
from parity.case import SetUp, Sides
from parity.cases.draws import masks, numbers, rnn_weights
from parity.cases.layers import layer_sides

B, T, E, H, H2 = 3, 5, 4, 6, 7


def _rnn(units: int = H, **arguments: Any) -> tuple[str, dict[str, Any]]:
    return "SimpleRNN", {"units": units, **arguments}


def _width(merge_mode: str | None, *units: int) -> int:
    return sum(units) if merge_mode == "concat" else units[0]


def _both(
    merge_mode: str = "concat", masked: bool = False, other: tuple[str, dict[str, Any]] | None = None, batches: int = 1, **arguments: Any
) -> SetUp:
    """Set up a Bidirectional of a SimpleRNN with those arguments."""

    def set_up() -> Sides:
        rng = np.random.default_rng(35)
        units = (H, other[1]["units"] if other else H)
        weights = [weight for H in units for weight in rnn_weights(rng, E, H, arguments.get("use_bias", True))]
        width = _width(merge_mode, *units)
        xs = [numbers(rng, B, T, E) for _ in range(batches)]
        dys = [numbers(rng, B, T, width) if arguments.get("return_sequences") else numbers(rng, B, width) for _ in xs]
        spec = ("Bidirectional", {"layer": _rnn(**arguments), "merge_mode": merge_mode, **({"backward_layer": other} if other else {})})
        return layer_sides(spec, weights, xs, dys, **({"mask": masks(rng, B, T)} if masked else {}))

    return set_up


def _states(masked: bool = False, both: bool = False, merge_mode: str | None = "concat", **arguments: Any) -> SetUp:
    """Set up a layer that starts from given states and gives the last ones."""

    def set_up() -> Sides:
        rng = np.random.default_rng(36)
        ways, spec = 1, _rnn(return_state=True, **arguments)
        if both:
            ways, spec = 2, ("Bidirectional", {"layer": spec, "merge_mode": merge_mode})
        weights = [weight for _ in range(ways) for weight in rnn_weights(rng, E, H)]
        outputs, width = (2, H) if both and merge_mode is None else (1, _width(merge_mode, *ways * [H]))
        shape = (B, T, width) if arguments.get("return_sequences") else (B, width)
        x, starts = numbers(rng, B, T, E), [numbers(rng, B, H) for _ in range(ways)]
        dys = [*(numbers(rng, *shape) for _ in range(outputs)), *(numbers(rng, B, H) for _ in range(ways))]
        given = (spec, weights, x, starts, dys, masks(rng, B, T) if masked else None)
        return Sides(
            lambda: minirnn_side.state_tensors(*given),
            lambda: keras_side.state_tensors(*given),
            lambda: minirnn_side.state_tensors(*given, **minirnn_side.TRUTH),
            lambda: keras_side.state_tensors(*given, dtype="float64"),
        )

    return set_up


CASES: dict[str, SetUp] = {
    **{f"bidirectional.{mode}": _both(mode) for mode in ("concat", "sum", "ave", "mul")},
    "bidirectional.sequences": _both(return_sequences=True),
    "bidirectional.sequences.mul.mask": _both("mul", masked=True, return_sequences=True),
    "bidirectional.mask": _both(masked=True),
    "bidirectional.backward_layer": _both(other=_rnn(H2, activation="relu", go_backwards=True)),
    "bidirectional.no_bias": _both("sum", use_bias=False),
    "bidirectional.stateful": _both("ave", batches=3, stateful=True),
    "states": _states(),
    "states.sequences": _states(return_sequences=True),
    "states.mask": _states(masked=True),
    "states.mask.sequences": _states(masked=True, return_sequences=True),
    "states.backwards": _states(go_backwards=True),
    "states.bidirectional": _states(both=True),
    "states.bidirectional.apart.sequences": _states(both=True, merge_mode=None, return_sequences=True),
}
