"""What a model is trained with, as Keras's ``compile_config``, and back.

Comes in: a compiled model. Goes out: records of its optimizer, loss and metrics; and from such records the arguments of ``compile``.

Source: Keras 3.15, ``keras/src/trainers/trainer.py`` (``get_compile_config``, ``compile_from_config``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from minirnn import losses, metrics, optimizers
from minirnn.optimizers import schedules
from minirnn.registry import lookup
from minirnn.saving.errors import FormatError, blaming
from minirnn.saving.records import construct, name_or_record, read_record, record, shown

if TYPE_CHECKING:
    from minirnn.model import Sequential

Custom = Mapping[str, type[schedules.LearningRateSchedule]]

_ONLY: dict[str, tuple[Any, ...]] = {
    "loss_weights": (None,),
    "weighted_metrics": (None, []),
    "run_eagerly": (True, False),
    "steps_per_execution": (1,),
    "jit_compile": (True, False, "auto"),
    "auto_scale_loss": (True,),
}
"""Settings that Keras writes and minirnn lacks, with the values that ask for nothing; how Keras compiles changes no number."""

_OWN = ("embedding_update",)
"""Arguments of optimizers that are minirnn's own."""


def write_settings(model: Sequential) -> dict[str, Any]:
    """Give a model's compile settings; nothing for a model that is not compiled.

    Raises
    ------
    ValueError
        The optimizer, the loss or a metric is of a class of the user's own.
    """
    if not model.compiled:
        return {}
    loss = model.loss
    return {
        "optimizer": _optimizer_record(model.optimizer),
        "loss": None if loss is None else _record("loss", loss, losses.LOSSES, {**loss.get_config(), **_dtype_of_loss(model)}),
        "loss_weights": None,
        "metrics": _metrics(model) or None,
        "weighted_metrics": None,
        "run_eagerly": False,
        "steps_per_execution": 1,
        "jit_compile": "auto",
    }


def _optimizer_record(optimizer: optimizers.RMSprop) -> dict[str, Any]:
    """Give the record, with what Keras lacks beside its config: inside, Keras would refuse it, here it looks past it."""
    config = optimizer.get_config()
    own = {name: config.pop(name) for name in _OWN if name in config}
    entry = _record("optimizer", optimizer, optimizers.OPTIMIZERS, config)
    return {**entry, "minirnn": own} if own else entry


def _dtype_of_loss(model: Sequential) -> dict[str, str]:
    """Keras computes a loss in float32 unless told otherwise, and with it every gradient of a float64 model."""
    return {} if model.dtype == np.float32 else {"dtype": model.dtype.name}


def _metrics(model: Sequential) -> list[Any]:
    written: list[Any] = []
    for identifier, metric in zip(model.metric_identifiers, model.metrics, strict=True):
        config: dict[str, Any] = {"name": metric.name, "dtype": "float32"}
        if type(metric) is metrics.BinaryAccuracy:
            config |= {"threshold": metric.threshold}
        written.append(identifier if isinstance(identifier, str) else _record("metric", metric, metrics.METRICS, config))
    return written


def _record(kind: str, thing: Any, table: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    if type(thing) not in table.values():
        raise ValueError(f"{kind} {type(thing).__name__} is not one that Keras has, so it cannot be written. Save the weights alone.")
    modules = {"optimizer": "keras.optimizers", "loss": "keras.losses", "metric": "keras.metrics"}
    return record(modules[kind], type(thing).__name__, config)


def read_settings(config: Any, where: str, custom: Custom | None = None) -> dict[str, Any] | None:
    """Give the arguments of ``compile`` that the settings say; None for a model that was not compiled.

    Parameters
    ----------
    config : what ``compile_config`` holds
    where : how errors begin
    custom : schedule classes of the caller's own, by name

    Raises
    ------
    FormatError
        For an optimizer, a loss, a metric or an argument that minirnn does not have.
    """
    if not config:
        return None
    hint = "Pass compile=False to load the model without its compile settings."
    if not isinstance(config, dict):
        raise FormatError(f"{where}: compile settings must be an object, received {shown(config)}. {hint}")
    chosen = {}
    for kind, read in (("optimizer", lambda entry: _optimizer(entry, custom or {})), ("loss", _loss), ("metrics", _read_metrics)):
        try:
            with blaming(f"{where}: compile settings: {kind}"):
                chosen[kind] = read(config.get(kind))
        except FormatError as error:
            raise FormatError(f"{error} {hint}") from error
    for name, value in config.items():
        if name not in chosen and value not in _ONLY.get(name, (None,)):
            raise FormatError(f"{where}: compile settings: {name}={shown(value)} is not supported by minirnn. {hint}")
    return chosen


def _optimizer(entry: Any, custom: Custom) -> Any:
    found = name_or_record("optimizer", entry)
    if isinstance(found, str):
        return optimizers.get(found)
    classes = {kind.__name__: kind for kind in optimizers.OPTIMIZERS.values()}
    kept, rate = entry.get("minirnn", {}), found.config.get("learning_rate")
    if not isinstance(kept, dict) or not set(kept) <= set(_OWN):
        raise ValueError(f"minirnn's own arguments are {list(_OWN)}, received {shown(kept)}.")
    schedule = {"learning_rate": _schedule(rate, custom)} if isinstance(rate, dict) else {}
    return construct(lookup("optimizer", found.class_name, classes), {**found.config, **schedule, **kept})


def _schedule(entry: Any, custom: Custom) -> schedules.LearningRateSchedule:
    found = read_record("learning rate schedule", entry)
    if found.class_name in custom:
        return custom[found.class_name].from_config(found.config)
    if not found.own:
        raise ValueError(f"learning_rate: {found.class_name!r} is not one of Keras's schedules; pass it in custom_objects if it is yours.")
    return construct(lookup("learning rate schedule", found.class_name, schedules.SCHEDULES), found.config)


def _loss(entry: Any) -> Any:
    if entry is None:
        return None
    if isinstance(entry, list) or (isinstance(entry, dict) and "class_name" not in entry):
        raise ValueError(f"received {shown(entry)}; minirnn's models have one output, and take one loss for it, not a list or dict.")
    found = name_or_record("loss", entry)
    if isinstance(found, str):
        return losses.get(found)
    config = {name: value for name, value in found.config.items() if name != "dtype"}  # minirnn's is the model's
    return construct(lookup("loss", found.class_name, losses.LOSSES), config)


def _read_metrics(entry: Any) -> list[Any]:
    if not isinstance(entry, list | None) or any(isinstance(one, list) for one in entry or []):
        raise ValueError(f"expected a list of metrics for the one output, received {shown(entry)}.")
    chosen: list[Any] = []
    for one in entry or []:
        found = name_or_record("metric", one)
        if isinstance(found, str):
            metrics.get(found)  # for its error
            chosen.append(found)
        else:
            config = {name: value for name, value in found.config.items() if name != "dtype"}  # minirnn's means are float64
            chosen.append(construct(lookup("metric", found.class_name, metrics.METRICS), config))
    return chosen
