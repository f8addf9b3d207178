"""The cases, in the order of the data flow: a name, and the set-up that prepares it."""

from __future__ import annotations

from parity.case import SetUp
from parity.cases import (
    activations,
    both_ways,
    callbacks,
    datasets,
    decisions,
    growth,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    penalties,
    recurrent,
    schedules,
    sequences,
    stacks,
    trained,
)

CASES: dict[str, SetUp] = {
    name: set_up
    for module in (
        datasets,
        sequences,
        initializers,
        activations,
        layers,
        recurrent,
        both_ways,
        stacks,
        losses,
        metrics,
        optimizers,
        schedules,
        penalties,
        callbacks,
        models,
        trained,
        growth,
        decisions,
    )
    for name, set_up in module.CASES.items()
}
