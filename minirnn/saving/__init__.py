"""Models on disk: Keras's ``.keras`` file, and its ``.weights.h5``, written and read without Keras.

Comes in: a model and a path. Goes out: a file, whole or not at all; and from a file the same model, or one error that says what is wrong
with which layer or argument, and has changed nothing.

A file is read as data: a zip (``archive``), a configuration that names classes and numbers (``architecture``, ``settings``), and numbers
under known names (``hdf5``, ``weights``). Nothing in it is ever executed or imported, no other file is opened on its account, and what it
declares is compared with what its architecture needs before memory is given to it.

Source: Keras 3.15, ``keras/src/saving/saving_api.py`` and ``saving_lib.py``.
"""

from __future__ import annotations

import errno
import json
import os
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minirnn.files import atomic_write
from minirnn.layers.layer import Layer
from minirnn.optimizers.schedules import LearningRateSchedule
from minirnn.saving.architecture import build_with, read_architecture, weight_shapes, write_architecture
from minirnn.saving.archive import open_archive, read_file, read_member, write_members
from minirnn.saving.errors import FormatError, blaming
from minirnn.saving.hdf5 import open_hdf5, write_hdf5
from minirnn.saving.settings import read_settings, write_settings
from minirnn.saving.weights import (
    collect,
    largest_size,
    leaves,
    read_optimizer,
    read_weights,
    restore_optimizer,
    smallest_size,
)

if TYPE_CHECKING:
    from minirnn.model import Sequential

__all__ = ["FormatError", "load_model", "load_weights", "save_model", "save_weights"]

KERAS_VERSION = "3.15.1"
"""Whose layout is written."""

CONFIG, WEIGHTS = "config.json", "model.weights.h5"

CONFIG_LIMIT = 1 << 22
"""Bytes that a configuration may have: 4 MiB, some two thousand layers."""


def save_model(model: Sequential, filepath: Any, overwrite: bool = True) -> None:
    """Write architecture, weights, compile settings and optimizer state to a ``.keras`` file, as Keras does.

    Parameters
    ----------
    model : to save
    filepath : ends in ``.keras``
    overwrite : False: an existing file is left alone, and FileExistsError raised (Keras asks on the terminal)

    Raises
    ------
    ValueError
        The path has another ending, or the model holds something that Keras's layout cannot: a function for an initializer, say.
    TypeError
        `model` is not a Sequential model, or `filepath` not a path.
    OSError
        The path cannot be written; found before any work. Whatever fails, a file that was there before stays as it was.

    Examples
    --------
    >>> import tempfile, minirnn
    >>> model = minirnn.Sequential([minirnn.Input((3,)), minirnn.layers.Dense(1)])
    >>> path = tempfile.mkdtemp() + "/model.keras"
    >>> save_model(model, path)
    >>> bool((load_model(path).get_weights()[0] == model.get_weights()[0]).all())
    True
    """
    path = _path_to_write("save_model", model, filepath, ".keras", overwrite)
    if not model.built:
        if any(layer.values for layer in model.layers):
            raise ValueError(f"save_model: model '{model.name}' has weights but is not built, and a file could not tell its input's shape.")
        warnings.warn(
            f"save_model: model '{model.name}' is not built, so the file holds its architecture and no weights.", UserWarning, stacklevel=3
        )
    with atomic_write(path) as stream:
        metadata = {"keras_version": KERAS_VERSION, "date_saved": time.strftime("%Y-%m-%d@%H:%M:%S")}
        weights = write_hdf5(collect(model))
        config = _as_json({**write_architecture(model), "compile_config": write_settings(model)})
        if len(config) > CONFIG_LIMIT:
            raise ValueError(
                f"save_model: the configuration has {len(config):,} bytes, more than the {CONFIG_LIMIT:,} that are read again."
            )
        write_members(stream, {"metadata.json": _as_json(metadata), CONFIG: config, WEIGHTS: weights})


def load_model(
    filepath: Any, custom_objects: Mapping[str, type[Any]] | None = None, compile: bool = True, safe_mode: bool = True
) -> Sequential:
    """Read a model from a ``.keras`` file, written by minirnn or by Keras.

    Parameters
    ----------
    filepath : of the file
    custom_objects : classes of your own, of layers and of learning rate schedules, by the names under which they were saved
    compile : whether to compile the model as it was, optimizer state included
    safe_mode : of no account: minirnn never runs anything from a file, with either value

    Returns
    -------
    Sequential
        Built, and compiled if it was.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is damaged or hostile (`FormatError`), or holds what minirnn does not have: the message names the file and the layer or
        argument.
    TypeError
        An argument is of the wrong type.

    Examples
    --------
    >>> import tempfile, minirnn
    >>> model = minirnn.Sequential([minirnn.Input((3,)), minirnn.layers.Dense(1)])
    >>> path = tempfile.mkdtemp() + "/model.keras"
    >>> model.save(path)
    >>> load_model(path).count_params()
    4
    """
    from minirnn.model import Sequential

    path = _path_of("load_model", filepath)
    custom_layers, custom_schedules = _checked_custom(custom_objects)
    where = f"load_model: {path!r}"
    with open_archive(path, where) as archive:
        with blaming(f"{where}: {CONFIG} is not JSON"):
            config = json.loads(read_member(archive, CONFIG, CONFIG_LIMIT, where))
        architecture = read_architecture(config, custom_layers, where)
        settings = read_settings(config.get("compile_config"), where, custom_schedules) if compile else None
        shapes = weight_shapes(architecture, where)
        contents = read_member(archive, WEIGHTS, largest_size(shapes), where)
    if len(contents) < smallest_size(shapes):
        raise FormatError(
            f"{where}: its layers need at least {smallest_size(shapes):,} bytes of weights, the file has {len(contents):,}. "
            f"{CONFIG} and {WEIGHTS} do not belong together."
        )
    with open_hdf5(contents, where) as file:
        weights = read_weights(file, architecture.layers, shapes, architecture.dtype, where)
        with blaming(where):
            model = Sequential(trainable=architecture.trainable, name=architecture.name, dtype=architecture.dtype.name)
            if architecture.input_layer is not None:
                model.add(architecture.input_layer)
                shape = architecture.input_layer.batch_shape
            of_leaf = iter(weights)
            for layer in architecture.layers:
                own = [next(of_leaf) for _ in layer.walk()]
                if any(own):
                    build_with(layer, shape, own)
                model.add(layer)
                if architecture.input_layer is not None:
                    shape = model.output_shape
            if settings is not None:
                model.compile(**settings)
        if settings is not None:
            state = read_optimizer(file, model, where)
            if state is not None:
                restore_optimizer(model, state)
    return model


def save_weights(model: Sequential, filepath: Any, overwrite: bool = True) -> None:
    """Write the weights, and the optimizer's state if the model is compiled, to a ``.weights.h5`` file, as Keras does.

    Parameters
    ----------
    model : built
    filepath : ends in ``.weights.h5``
    overwrite : as in `save_model`

    Raises
    ------
    ValueError
        The path has another ending, or the model is not built.
    TypeError, OSError
        As `save_model`.

    Examples
    --------
    >>> import tempfile, minirnn
    >>> model = minirnn.Sequential([minirnn.Input((3,)), minirnn.layers.Dense(1)])
    >>> path = tempfile.mkdtemp() + "/model.weights.h5"
    >>> save_weights(model, path)
    """
    path = _path_to_write("save_weights", model, filepath, ".weights.h5", overwrite)
    _require_built("save_weights", model)
    with atomic_write(path) as stream:
        stream.write(write_hdf5(collect(model)))


def load_weights(model: Sequential, filepath: Any) -> None:
    """Take the weights from a ``.weights.h5`` or ``.keras`` file; if the model is compiled, the optimizer's state too.

    Parameters
    ----------
    model : built, of the architecture that was saved; layers are matched by class and order, not by name
    filepath : of the file

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The path has another ending, the model is not built, or the file is damaged, hostile (`FormatError`) or of another architecture.
        The model is then as it was.

    Examples
    --------
    >>> import tempfile, minirnn
    >>> one, other = (minirnn.Sequential([minirnn.Input((3,)), minirnn.layers.Dense(1)]) for _ in range(2))
    >>> path = tempfile.mkdtemp() + "/one.weights.h5"
    >>> one.save_weights(path)
    >>> load_weights(other, path)
    >>> bool((one.get_weights()[0] == other.get_weights()[0]).all())
    True
    """
    path = _path_of("load_weights", filepath)
    _require_model("load_weights", model)
    if not path.endswith((".weights.h5", ".keras")):
        raise ValueError(f"load_weights: filepath must end in '.weights.h5' or '.keras', received {path!r}.")
    _require_built("load_weights", model)
    where = f"load_weights: {path!r}"
    layers = leaves(model.layers)
    shapes = [{name: layer.values[name].shape for name in layer.weight_names if name in layer.values} for layer in layers]
    if path.endswith(".keras"):
        with open_archive(path, where) as archive:
            contents = read_member(archive, WEIGHTS, largest_size(shapes), where)
    else:
        contents = read_file(path, where, largest_size(shapes))
    with open_hdf5(contents, where) as file:
        weights = read_weights(file, model.layers, shapes, model.dtype, where)
        state = read_optimizer(file, model, where) if model.compiled else None
    for layer, of_layer in zip(layers, weights, strict=True):
        for name, value in of_layer.items():
            layer.values[name][...] = value
    if state is not None:
        restore_optimizer(model, state)


def _path_of(function: str, filepath: Any) -> str:
    if not isinstance(filepath, str | os.PathLike) or not isinstance(os.fspath(filepath), str):
        raise TypeError(f"{function}: filepath must be a path, received {filepath!r} of type {type(filepath).__name__}.")
    return str(os.fspath(filepath))


def _path_to_write(function: str, model: Any, filepath: Any, ending: str, overwrite: bool) -> Path:
    _require_model(function, model)
    path = _path_of(function, filepath)
    if not path.endswith(ending):
        raise ValueError(f"{function}: filepath must end in {ending!r}, received {path!r}. Keras's older '.h5' files are not written.")
    if not overwrite and os.path.exists(path):
        raise FileExistsError(errno.EEXIST, f"{function}: the file exists; pass overwrite=True to replace it", path)
    return Path(path)


def _require_model(function: str, model: Any) -> None:
    from minirnn.model import Sequential

    if not isinstance(model, Sequential):
        raise TypeError(f"{function}: model must be a minirnn.Sequential, received {model!r} of type {type(model).__name__}.")


def _require_built(function: str, model: Sequential) -> None:
    if not model.built:
        raise ValueError(f"{function}: model '{model.name}' has no weights yet. Give it an Input, build it, or call it on data.")


def _checked_custom(custom_objects: Any) -> tuple[dict[str, type[Layer]], dict[str, type[LearningRateSchedule]]]:
    """Give the classes of layers and those of schedules, by name."""
    custom = custom_objects or {}
    if not isinstance(custom, Mapping):
        raise TypeError(f"load_model: custom_objects must be a dict of names to classes, received {custom_objects!r}.")
    for name, kind in custom.items():
        if not isinstance(kind, type) or not issubclass(kind, Layer | LearningRateSchedule):
            raise TypeError(
                f"load_model: custom_objects must hold subclasses of minirnn's Layer or LearningRateSchedule, received {kind!r} "
                f"for {name!r}."
            )
    layers = {name: kind for name, kind in custom.items() if issubclass(kind, Layer)}
    return layers, {name: kind for name, kind in custom.items() if name not in layers}


def _as_json(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry, default=_plain).encode()


def _plain(value: Any) -> Any:
    """Give a NumPy number as Python's; nothing else may be in a configuration."""
    if isinstance(value, np.generic):
        return value.item()
    raise ValueError(f"save_model: {value!r} of type {type(value).__name__} cannot be written to a configuration.")
