"""Callbacks on scripted series of losses: the same epochs, decisions, files, learning rates, and weights put back.

A case drives one callback over all its series. Each series is a row of every tensor: one that was written by hand, and SERIES that are
drawn, with ties, and with NaN in places that are not the first (there the two differ on purpose).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from minirnn import callbacks, optimizers
from parity import keras_backend
from parity.case import SetUp, Sides, Tensors

BY_HAND = (1.0, 0.8, 0.9, 0.7, 0.75, 0.72, 0.71, 0.69, 0.8, 0.65, 0.66, 0.64)
SERIES, EPOCHS, NAN_FREE = 7, len(BY_HAND), 3
"""Series that are drawn, their length, and how many epochs at their beginning have no NaN."""


class ScriptedModel:
    """A model whose one weight is the epoch that has just ended, and which writes down what is saved."""

    def __init__(self, optimizer: Any = None) -> None:
        self.optimizer = optimizer
        self.stop_training = False
        self.metrics: list[Any] = []
        self.weight = np.array([-1.0])
        self.saved: list[str] = []

    def get_weights(self) -> list[np.ndarray]:
        """A copy of the weight."""
        return [self.weight.copy()]

    def set_weights(self, weights: list[np.ndarray]) -> None:
        """Take that weight."""
        self.weight = np.array(weights[0])

    def save(self, path: str, overwrite: bool = True) -> None:
        """Write down that the model was saved."""
        self.saved.append(f"model at {self.weight[0]:g} to {Path(path).name}")

    def save_weights(self, path: str, overwrite: bool = True) -> None:
        """Write down that the weights were saved."""
        self.saved.append(f"weights at {self.weight[0]:g} to {Path(path).name}")


def draw_series(by_hand: tuple[float, ...] = BY_HAND) -> list[tuple[float, ...]]:
    """Give the series of a case."""
    rng = np.random.default_rng(91)
    losses = rng.integers(4, 12, (SERIES, EPOCHS)) / 8 - 0.03125 * np.arange(EPOCHS)  # they fall, but not always
    losses[:, NAN_FREE:][rng.random((SERIES, EPOCHS - NAN_FREE)) < 0.1] = np.nan
    losses[1, 4:7] = losses[1, 3]
    return [by_hand, *(tuple(map(float, row)) for row in losses)]


def _drive(callback: Any, model: ScriptedModel, losses: tuple[float, ...], batches: int, note: Callable[[dict[str, Any]], None]) -> int:
    """Call the hooks as ``fit`` does; give the number of epochs that ran."""
    callback.set_model(model)
    callback.on_train_begin()
    epochs = 0
    for epoch, loss in enumerate(losses):
        callback.on_epoch_begin(epoch)
        for batch in range(batches):
            callback.on_train_batch_end(batch, {"loss": loss})
        model.weight[0] = epoch
        logs = {"val_loss": loss}
        callback.on_epoch_end(epoch, logs)
        note(logs)
        epochs += 1
        if model.stop_training:
            break
    callback.on_train_end()
    return epochs


def _rows(rows: list[dict[str, Any]]) -> Tensors:
    """One row per series."""
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


# ---------------------------------------------------------------------------------------------------------------------- early stopping

STOPPING: dict[str, dict[str, Any]] = {
    **{f"patience_{patience}": {"patience": patience} for patience in (0, 1, 2, 3, 9)},
    "min_delta": {"patience": 2, "min_delta": 0.15},
    "min_delta.negative": {"patience": 2, "min_delta": -0.15},
    "baseline": {"patience": 2, "baseline": 0.5},
    "baseline.within_reach": {"patience": 3, "baseline": 0.85},
    "start_from_epoch": {"patience": 2, "start_from_epoch": 2},
    "mode_min": {"patience": 2, "mode": "min"},
    "mode_max": {"patience": 1, "mode": "max"},
    "ties": {"patience": 2},
    "not_restored": {"patience": 2, "restore_best_weights": False},
    "everything": {"patience": 3, "min_delta": 0.0625, "baseline": 0.9, "start_from_epoch": 1, "mode": "min"},
}
OWN_SERIES = {
    "baseline": (1.0, 0.9, 0.8, 0.7, 0.6, 0.65),
    "start_from_epoch": (0.1, 0.2, 0.9, 0.95, 0.99),
    "ties": (0.5, 0.5, 0.5, 0.5),
}


def _stopping(package: Any, series: list[tuple[float, ...]], arguments: dict[str, Any]) -> Tensors:
    rows = []
    for losses in series:
        model, stopper = ScriptedModel(), package.EarlyStopping(**{"restore_best_weights": True, **arguments})
        epochs = _drive(stopper, model, losses, 0, lambda _: None)
        rows.append(
            {
                "epochs": epochs,
                "stopped_epoch": stopper.stopped_epoch,
                "best_epoch": stopper.best_epoch,
                "best": np.float32(stopper.best),
                "wait": stopper.wait,
                "restored_epoch": model.weight[0],
            }
        )
    return _rows(rows)


# -------------------------------------------------------------------------------------------------------------------- model checkpoint

CHECKPOINTS: dict[str, dict[str, Any]] = {
    "every_epoch": {},
    "save_best_only": {"save_best_only": True},
    "mode_max": {"save_best_only": True, "mode": "max"},
    "save_weights_only": {"save_weights_only": True},
    "save_weights_only.best": {"save_weights_only": True, "save_best_only": True},
    "save_freq_1": {"save_freq": 1},
    "save_freq_7": {"save_freq": 7},
    "save_freq_10.weights": {"save_freq": 10, "save_weights_only": True},
    "threshold": {"save_best_only": True, "initial_value_threshold": 0.75},
    "threshold.max": {"save_best_only": True, "initial_value_threshold": 0.75, "mode": "max"},
}
BATCHES = 4


def _checkpoints(package: Any, series: list[tuple[float, ...]], arguments: dict[str, Any]) -> Tensors:
    name = "{epoch}-{batch}" if "save_freq" in arguments else "{epoch}-{val_loss:.3f}"
    ending = ".weights.h5" if arguments.get("save_weights_only") else ".keras"
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for losses in series:
            model, checkpoint = ScriptedModel(), package.ModelCheckpoint(f"{folder}/{name}{ending}", **arguments)
            _drive(checkpoint, model, losses, BATCHES, lambda _: None)
            best = np.nan if checkpoint.best is None else checkpoint.best
            rows.append({"count": len(model.saved), "saved": "; ".join(model.saved), "best": np.float32(best)})
    return _rows(rows)


# ---------------------------------------------------------------------------------------------------------------------- learning rates

PLATEAUS: dict[str, dict[str, Any]] = {
    **{f"patience_{patience}": {"patience": patience} for patience in (0, 1, 2, 3)},
    "factor": {"patience": 1, "factor": 0.3},
    "factor_0": {"patience": 2, "factor": 0.0},
    "cooldown_1": {"patience": 1, "factor": 0.5, "cooldown": 1},
    "cooldown_3": {"patience": 2, "factor": 0.5, "cooldown": 3},
    "min_delta": {"patience": 2, "factor": 0.5, "min_delta": 0.15},
    "min_delta.negative": {"patience": 2, "factor": 0.5, "min_delta": -0.15},
    "min_lr": {"patience": 1, "factor": 0.5, "min_lr": 0.03},
    "mode_min": {"patience": 2, "factor": 0.5, "mode": "min"},
    "mode_max": {"patience": 1, "factor": 0.5, "mode": "max"},
    "everything": {"patience": 1, "factor": 0.7, "cooldown": 1, "min_delta": 0.0625, "min_lr": 0.01, "mode": "min"},
}
SCHEDULERS: dict[str, Callable[..., Any]] = {
    "of_the_epoch": lambda epoch: 1.0 / (3.0 + epoch),
    "of_both": lambda epoch, learning_rate: learning_rate * 0.7,
    "held_then_decayed": lambda epoch, learning_rate: learning_rate if epoch < 4 else learning_rate * np.exp(-0.1),
    "float32": lambda epoch, learning_rate: np.float32(learning_rate * 0.3 + 0.001 * epoch),
}


def _plateaus(package: Any, rmsprop: Any, series: list[tuple[float, ...]], arguments: dict[str, Any]) -> Tensors:
    return _rows([_reduced(ScriptedModel(rmsprop(0.1)), package.ReduceLROnPlateau(**arguments), losses) for losses in series])


def _reduced(model: ScriptedModel, reducer: Any, losses: tuple[float, ...]) -> dict[str, Any]:
    row: dict[str, list[Any]] = {"learning_rates": [], "logged": [], "waits": [], "cooldowns": []}

    def note(logs: dict[str, Any]) -> None:
        row["learning_rates"].append(np.float32(model.optimizer.learning_rate))
        row["logged"].append(logs["learning_rate"])
        row["waits"].append(reducer.wait)
        row["cooldowns"].append(reducer.cooldown_counter)

    _drive(reducer, model, losses, 0, note)
    return {**row, "best": np.float32(reducer.best)}


def _scheduled(package: Any, rmsprop: Any, schedule: Callable[..., Any]) -> Tensors:
    rates: list[float] = []
    model = ScriptedModel(rmsprop(0.1))
    _drive(package.LearningRateScheduler(schedule), model, BY_HAND, 0, lambda logs: rates.append(logs["learning_rate"]))
    return {"logged": np.array(rates), "learning_rate": np.array(model.optimizer.learning_rate, np.float32)}


# --------------------------------------------------------------------------------------------------------------------------- the cases


def _both(decide: Callable[..., Tensors], *inputs: Any, with_optimizer: bool = False) -> SetUp:
    def set_up() -> Sides:
        keras = keras_backend.load()
        own = (callbacks, optimizers.RMSprop) if with_optimizer else (callbacks,)
        theirs = (keras.callbacks, keras.optimizers.RMSprop) if with_optimizer else (keras.callbacks,)
        return Sides(lambda: decide(*own, *inputs), lambda: decide(*theirs, *inputs))

    return set_up


CASES: dict[str, SetUp] = {
    **{
        f"early_stopping.{name}": _both(_stopping, draw_series(OWN_SERIES.get(name, BY_HAND)), arguments)
        for name, arguments in STOPPING.items()
    },
    **{f"model_checkpoint.{name}": _both(_checkpoints, draw_series(), arguments) for name, arguments in CHECKPOINTS.items()},
    **{
        f"reduce_lr_on_plateau.{name}": _both(_plateaus, draw_series(), arguments, with_optimizer=True)
        for name, arguments in PLATEAUS.items()
    },
    **{f"learning_rate_scheduler.{name}": _both(_scheduled, schedule, with_optimizer=True) for name, schedule in SCHEDULERS.items()},
}
