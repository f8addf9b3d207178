"""EarlyStopping on scripted series of losses: it stops at the same epoch, and puts back the same weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn import callbacks
from parity import keras_side
from parity.case import SetUp, Sides, Tensors

SERIES = (1.0, 0.8, 0.9, 0.7, 0.75, 0.72, 0.71, 0.69, 0.8)
STOPPING: dict[str, tuple[tuple[float, ...], dict[str, Any]]] = {
    **{f"patience_{patience}": (SERIES, {"patience": patience}) for patience in (0, 1, 2, 3, 9)},
    "min_delta": (SERIES, {"patience": 2, "min_delta": 0.15}),
    "baseline": ((1.0, 0.9, 0.8, 0.7, 0.6, 0.65), {"patience": 2, "baseline": 0.5}),
    "start_from_epoch": ((0.1, 0.2, 0.9, 0.95, 0.99), {"patience": 2, "start_from_epoch": 2}),
    "mode_max": (SERIES, {"patience": 1, "mode": "max"}),
    "ties": ((0.5, 0.5, 0.5, 0.5), {"patience": 2}),
    "not_restored": (SERIES, {"patience": 2, "restore_best_weights": False}),
}


class ScriptedModel:
    """A model whose one weight is the epoch that has just ended."""

    def __init__(self) -> None:
        self.stop_training = False
        self.metrics: list[Any] = []
        self.weight = np.array([-1.0])

    def get_weights(self) -> list[np.ndarray]:
        """A copy of the weight."""
        return [self.weight.copy()]

    def set_weights(self, weights: list[np.ndarray]) -> None:
        """Take that weight."""
        self.weight = np.array(weights[0])


def _decisions(package: Any, losses: tuple[float, ...], arguments: dict[str, Any]) -> Tensors:
    model = ScriptedModel()
    stopper = package.EarlyStopping(**{"monitor": "val_loss", "restore_best_weights": True, **arguments})
    stopper.set_model(model)
    stopper.on_train_begin()
    epochs = 0
    for epoch, loss in enumerate(losses):
        model.weight[0] = epoch
        stopper.on_epoch_end(epoch, {"val_loss": loss})
        epochs += 1
        if model.stop_training:
            break
    stopper.on_train_end()
    return {
        "epochs": np.array(epochs),
        "stopped_epoch": np.array(stopper.stopped_epoch),
        "best_epoch": np.array(stopper.best_epoch),
        "best": np.array(stopper.best, np.float32),
        "restored_epoch": model.weight,
    }


def _early_stopping(losses: tuple[float, ...], arguments: dict[str, Any]) -> SetUp:
    def set_up() -> Sides:
        theirs = keras_side.load().callbacks
        return Sides(lambda: _decisions(callbacks, losses, arguments), lambda: _decisions(theirs, losses, arguments))

    return set_up


CASES: dict[str, SetUp] = {f"early_stopping.{name}": _early_stopping(*case) for name, case in STOPPING.items()}
