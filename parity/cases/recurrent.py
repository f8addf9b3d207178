"""SimpleRNN, argument by argument: output, the gradient on the input, and that of kernel, recurrent kernel and bias."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.case import SetUp, Sides
from parity.cases.draws import keep_mask, masks, numbers, rnn_weights
from parity.cases.layers import layer_sides

B, T, E, H = 3, 5, 4, 6


def _rnn(
    sizes: tuple[int, int, int, int] = (B, T, E, H), masked: bool = False, batches: int = 1, scale: float = 1.0, **arguments: Any
) -> SetUp:
    """Set up one layer with those arguments; dropout shares get masks that both sides use."""

    def set_up() -> Sides:
        B, T, E, H = sizes
        rng = np.random.default_rng(31)
        weights = rnn_weights(rng, E, H, arguments.get("use_bias", True), scale)
        xs = [numbers(rng, B, T, E) for _ in range(batches)]
        dys = [numbers(rng, B, T, H) if arguments.get("return_sequences") else numbers(rng, B, H) for _ in range(batches)]
        shares = [(arguments.get("dropout", 0.0), E), (arguments.get("recurrent_dropout", 0.0), H)]
        keep = [keep_mask(rng, share, B, width) if share else None for share, width in shares]
        options: dict[str, Any] = {"keep": keep} if any(share for share, _ in shares) else {}
        if masked:
            options["mask"] = masks(rng, B, T)
        return layer_sides(("SimpleRNN", {"units": H, **arguments}), weights, xs, dys, **options)

    return set_up


UNITS = (1, 3, 8, 9, 16, 17, 33, 64, 100, 130)
"""Below, at, between and above the kernel's blocks of eight."""


def _sizes(H: int) -> tuple[int, int, int, int]:
    """B, T, E, H: few rows and steps, no multiple of anything, and never the same twice."""
    return 1 + H % 11, 2 + H % 4, 1 + 3 * H % 19, H


CASES: dict[str, SetUp] = {
    "simple_rnn": _rnn(),
    **{f"simple_rnn.{activation}": _rnn(activation=activation) for activation in ("sigmoid", "relu", "linear")},
    "simple_rnn.no_bias": _rnn(use_bias=False),
    "simple_rnn.sequences": _rnn(return_sequences=True),
    "simple_rnn.backwards": _rnn(go_backwards=True),
    "simple_rnn.backwards.sequences": _rnn(go_backwards=True, return_sequences=True),
    "simple_rnn.unroll": _rnn(unroll=True),
    "simple_rnn.mask": _rnn(masked=True),
    "simple_rnn.mask.sequences": _rnn(masked=True, return_sequences=True),
    "simple_rnn.mask.backwards": _rnn(masked=True, go_backwards=True),
    "simple_rnn.mask.backwards.sequences": _rnn(masked=True, go_backwards=True, return_sequences=True),
    "simple_rnn.mask.zero_output": _rnn(masked=True, zero_output_for_mask=True),
    "simple_rnn.mask.zero_output.sequences": _rnn(masked=True, zero_output_for_mask=True, return_sequences=True),
    "simple_rnn.stateful": _rnn(stateful=True, batches=3),
    "simple_rnn.stateful.mask.sequences": _rnn(stateful=True, batches=3, masked=True, return_sequences=True),
    "simple_rnn.dropout": _rnn(dropout=0.5),
    "simple_rnn.recurrent_dropout": _rnn(recurrent_dropout=0.25, return_sequences=True),
    "simple_rnn.both_dropouts": _rnn(dropout=0.25, recurrent_dropout=0.5),
    "simple_rnn.both_dropouts.mask.backwards": _rnn(dropout=0.25, recurrent_dropout=0.5, masked=True, go_backwards=True),
    "simple_rnn.saturated": _rnn(scale=12.0),
    "simple_rnn.one_step": _rnn((4, 1, 3, 5)),
    "simple_rnn.one_row": _rnn((1, 6, 3, 5)),
    "simple_rnn.eight_units": _rnn((13, 100, 16, 8), scale=0.7),
    "simple_rnn.denormal_weights": _rnn(scale=2.0**-130),
    **{f"simple_rnn.units_{H}": _rnn(_sizes(H), scale=0.7) for H in UNITS},
}
