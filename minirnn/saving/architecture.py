"""The layers of a model as Keras's configuration, and back.

Comes in: a model. Goes out: the ``config.json`` of a ``.keras`` file without its compile settings; and from such a configuration the
layers, not built yet, and the shape and dtype to build them with. A configuration names classes and gives numbers: classes are looked up
here, and what they would allocate is known before anything is.

Source: Keras 3.15, ``keras/src/models/sequential.py`` and ``keras/src/layers/layer.py`` (``get_config``, ``get_build_config``).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minirnn.layers import Bidirectional, Dense, Dropout, Embedding, Flatten, Masking, SimpleRNN
from minirnn.layers.input_layer import InputLayer
from minirnn.layers.layer import Layer, Shape, float_dtype
from minirnn.registry import UnknownNameError, lookup
from minirnn.saving.errors import FormatError, blaming
from minirnn.saving.records import Record, construct, own_record, read_record, record, shown

if TYPE_CHECKING:
    from minirnn.model import Sequential

LAYERS: dict[str, type[Layer]] = {kind.__name__: kind for kind in (Bidirectional, Dense, Dropout, Embedding, Flatten, Masking, SimpleRNN)}

_PARTS = {"Bidirectional": ("layer", "backward_layer")}
"""Arguments that are layers themselves."""

_NEWER: dict[str, dict[str, Any]] = {
    "keras.layers": {"ragged": False, "optional": False},
    "keras.initializers": {"input_axes": None, "output_axes": None},
}
"""By module, arguments that Keras 3.8 does not know, with the values that ask for nothing. An older Keras refuses a whole file for an
argument that it does not know, so these are written only when they say something."""


class Architecture(NamedTuple):
    """What a configuration says.

    Attributes
    ----------
    name, trainable, dtype : of the model
    input_layer : None when the model was not built
    layers : not built yet
    """

    name: str
    trainable: bool
    dtype: np.dtype[Any]
    input_layer: InputLayer | None
    layers: list[Layer]


# ------------------------------------------------------------------------------------------------------------------------------ writing


def write_architecture(model: Sequential) -> dict[str, Any]:
    """Give a model's configuration.

    Raises
    ------
    ValueError
        A layer has something that cannot be written, such as an initializer that is a function.
    """
    config: dict[str, Any] = {"name": model.name, "trainable": model.trainable, "dtype": _policy(model.dtype.name), "layers": []}
    entry = record("keras", "Sequential", config)
    input_layer = model.input_layer
    if model.built and input_layer is None:
        input_layer = InputLayer(batch_shape=model.input_shape, name="input_layer")
    if input_layer is not None:
        arguments = input_layer.get_config()
        if arguments["dtype"] == "float32":
            # Keras casts to it, minirnn does not: a float64 model must get its inputs unrounded there too
            arguments["dtype"] = model.dtype.name
        config["layers"].append(record("keras.layers", "InputLayer", arguments))
    config["layers"] += [_layer_entry(layer, model) for layer in model.layers]
    config["layers"] = _for_older_keras(config["layers"])
    if model.built:
        config["build_input_shape"] = list(model.input_shape)
        entry["build_config"] = {"input_shape": list(model.input_shape)}
    return entry


def _layer_entry(layer: Layer, model: Sequential) -> dict[str, Any]:
    kind = type(layer)
    entry = record("keras.layers" if LAYERS.get(kind.__name__) is kind else None, kind.__name__, layer.get_config())
    for config in (entry["config"], *(entry["config"][part]["config"] for part in _PARTS.get(kind.__name__, ()))):
        config["dtype"] = _policy(model.dtype.name)
    if layer.input_shape is not None:
        entry["build_config"] = {"input_shape": list(layer.input_shape)}
    return entry


def _for_older_keras(entry: Any) -> Any:
    """Give a record, or records, without the arguments that only a newer Keras takes and that are not used."""
    if isinstance(entry, list):
        return [_for_older_keras(one) for one in entry]
    if not isinstance(entry, dict):
        return entry
    kept = {key: _for_older_keras(value) for key, value in entry.items()}
    unused = _NEWER.get(str(entry.get("module")), {})
    if unused:
        kept["config"] = {key: value for key, value in kept["config"].items() if key not in unused or value is not unused[key]}
    return kept


def _policy(dtype: str) -> dict[str, Any]:
    return record("keras", "DTypePolicy", {"name": dtype})


# ------------------------------------------------------------------------------------------------------------------------------ reading


def read_architecture(entry: Any, custom: Mapping[str, type[Layer]], where: str) -> Architecture:
    """Make the layers that a configuration describes.

    Parameters
    ----------
    entry : what ``config.json`` holds
    custom : layer classes of the caller's own, by name
    where : how errors begin

    Raises
    ------
    FormatError
        For anything that minirnn does not have: the message names the layer and the argument.
    """
    with blaming(f"{where}: config.json"):
        model = own_record("model", entry)
        if model.class_name != "Sequential":
            raise FormatError(
                f"{where}: it holds a {model.class_name} model, {shown(model.config.get('name'))}; minirnn reads Sequential models only. "
                f"If its layers are in one row, make a keras.Sequential of them, give it the weights with set_weights, and save that."
            )
        name, trainable = model.config.get("name"), model.config.get("trainable", True)
        entries = model.config.get("layers")
        if not isinstance(entries, list) or not isinstance(name, str) or not isinstance(trainable, bool):
            raise ValueError("a model's config needs 'layers' (a list), 'name' (a string) and 'trainable' (true or false).")
        first = entries[0] if entries else None
        has_input = isinstance(first, dict) and first.get("class_name") == "InputLayer"
    input_layer = _read_input(first, where) if has_input else _input_of(model.config.get("build_input_shape"), where)
    described = [_read_layer(layer_entry, place, custom, where) for place, layer_entry in enumerate(entries[has_input:])]
    dtype = _common_dtype(model, described, where)
    layers: list[Layer] = []
    for label, kind, config in described:
        with blaming(f"{where}: {label}"), _advising():
            config = {**config, "dtype": dtype.name, **_read_parts(kind, config, dtype, f"{where}: {label}")}
            layer = construct(kind, config) if LAYERS.get(kind.__name__) is kind else kind.from_config(config)
            if layer.name in [other.name for other in layers]:
                raise ValueError("there is another layer of that name.")
            layers.append(layer)
    return Architecture(name, trainable, dtype, input_layer, layers)


@contextmanager
def _advising() -> Iterator[None]:
    """Say what can be done about a name that minirnn does not know."""
    try:
        yield
    except UnknownNameError as error:
        raise ValueError(
            f"{error} Make the model in Keras from what is known; a layer of your own can be passed in custom_objects."
        ) from error


def _read_input(entry: Any, where: str) -> InputLayer:
    with blaming(f"{where}: InputLayer"):
        return construct(InputLayer, {**own_record("layer", entry).config, "dtype": _dtype_name(entry["config"].get("dtype"))})


def _input_of(shape: Any, where: str) -> InputLayer | None:
    with blaming(f"{where}: build_input_shape"):
        return None if shape is None else InputLayer(batch_shape=shape)


def _read_layer(entry: Any, place: int, custom: Mapping[str, type[Layer]], where: str) -> tuple[str, type[Layer], dict[str, Any]]:
    """Give how messages call a layer, its class and its arguments."""
    with blaming(f"{where}: layer {place}"):
        found = read_record("layer", entry)
        label = f"layer {shown(found.config.get('name', place))} ({found.class_name[:80]})"
    with blaming(f"{where}: {label}"), _advising():
        kind = custom.get(found.class_name)
        if kind is None:
            if not found.own:
                raise ValueError(f"class {found.class_name!r} is not one of Keras's own; pass it in custom_objects if it is yours.")
            kind = lookup("layer", found.class_name, LAYERS)
    return label, kind, found.config


def _read_parts(kind: type[Layer], config: dict[str, Any], dtype: np.dtype[Any], where: str) -> dict[str, Layer]:
    """Make the layers that a layer has for arguments."""
    parts = {}
    for argument in _PARTS.get(kind.__name__, ()) if LAYERS.get(kind.__name__) is kind else ():
        if config.get(argument) is not None:
            found = own_record("layer", config[argument])
            with blaming(f"{where}: {argument} ({found.class_name[:80]})"), _advising():
                parts[argument] = construct(lookup("layer", found.class_name, LAYERS), {**found.config, "dtype": dtype.name})
    return parts


def _common_dtype(model: Record, described: list[tuple[str, type[Layer], dict[str, Any]]], where: str) -> np.dtype[Any]:
    """Give the dtype that all weights share: minirnn has one per model, Keras one per layer."""
    chosen: tuple[str, str] | None = None
    for label, kind, config in described:
        with blaming(f"{where}: {label}: dtype"):
            name = _dtype_name(config.get("dtype"))
            if name is None or not (kind.weight_names or kind.__name__ in _PARTS):
                continue
            if chosen is not None and chosen[1] != name:
                raise ValueError(f"{name}, but {chosen[0]} has {chosen[1]}; in minirnn all layers of a model have one. Make them alike.")
            chosen = (label, float_dtype(kind.__name__, name).name)
    with blaming(f"{where}: dtype"):
        return float_dtype("Sequential", _dtype_name(model.config.get("dtype")) if chosen is None else chosen[1])


def _dtype_name(entry: Any) -> str | None:
    """Give the name of a dtype that is written as a name, or as a record of Keras's policy."""
    if isinstance(entry, dict):
        policy = read_record("dtype", entry)
        if not isinstance(policy.config.get("name"), str):
            raise ValueError(
                f"{policy.class_name} is not supported by minirnn, which computes in float32 or float64. "
                f"Save the model without quantizing it."
            )
        return str(policy.config["name"])
    if entry is not None and not isinstance(entry, str):
        raise ValueError(f"expected a dtype's name or policy, received {shown(entry)}.")
    return entry


# ----------------------------------------------------------------------------------------------------------------------- before building


def weight_shapes(architecture: Architecture, where: str) -> list[dict[str, tuple[int, ...]]]:
    """Give the shapes of the weights that each layer would make, those inside others too, without making any: a configuration can ask for
    terabytes.

    Raises
    ------
    FormatError
        A layer does not fit the shape that it is given.
    """
    if architecture.input_layer is None:
        return [{} for layer in architecture.layers for _ in layer.walk()]
    shape, shapes = architecture.input_layer.batch_shape, []
    for layer in architecture.layers:
        with blaming(f"{where}: layer {layer.name!r}"):
            shapes += [_shapes_of(leaf, shape) for leaf in layer.walk()]
            shape = layer.compute_output_shape(shape)
    return shapes


def _shapes_of(layer: Layer, input_shape: Shape) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    plan = copy.copy(layer)
    # a layer makes every weight by this one method; the copy's only writes down what is asked of it
    vars(plan)["add_weight"] = lambda name, shape, *_, **__: shapes.update({name: shape})
    plan.make_weights(input_shape, np.random.default_rng(0))
    return shapes


def build_with(layer: Layer, input_shape: Shape, weights: Sequence[Mapping[str, np.ndarray]]) -> None:
    """Build a layer, and those inside it, on these weights instead of first ones: nothing is drawn."""

    def taking(leaf: Layer, own: Mapping[str, np.ndarray]) -> Callable[..., None]:
        add_weight: Any = leaf.add_weight

        def take(name: str, shape: tuple[int, ...], _: Any, *others: Any, **named: Any) -> None:
            add_weight(name, shape, lambda *_: own[name], *others, **named)

        return take

    for leaf, own in zip(layer.walk(), weights, strict=True):
        vars(leaf)["add_weight"] = taking(leaf, own)
    try:
        layer.build(input_shape, np.random.default_rng(0))
    finally:
        for leaf in layer.walk():
            del vars(leaf)["add_weight"]
