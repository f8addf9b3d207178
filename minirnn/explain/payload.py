"""What a page holds of a model: its layers, its weights, those it had before training, and its vocabulary.

Comes in: a built model and its word index. Goes out: a dict that becomes JSON, with the arrays in base64, bit by bit as they are.

A page has room for `BUDGET` bytes, and the only thing that grows without end is the table with a row per id: the embeddings, or with
one-hot input the rows of Wx. When not all rows fit, the page holds those of the most frequent ids and of the text's own, and says of every
other word that it does not.

With one-hot input, dL/dx_t has V numbers and |dL/dx_t|² = dzᵀ · (Wxᵀ Wx) · dz, so that the saliency needs Wxᵀ Wx, H·H numbers from all V
rows, and is exact whichever rows the page holds.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minirnn.explain.words import word_list
from minirnn.layers import Bidirectional, Dense, Dropout, Embedding, Layer, SimpleRNN
from minirnn.model import Sequential
from minirnn.tokens import vocabulary

BUDGET = 2_000_000
"""Bytes that a page may have."""

UNSUPPORTED = "explain shows models of Embedding or one-hot input, SimpleRNN, Bidirectional, Dropout and Dense that end in one sigmoid."


def check_model(model: Sequential) -> None:
    """Raise ValueError unless a page can compute this model: what it cannot, and what it can, is said."""
    if not model.built:
        raise ValueError(f"explain: model '{model.name}' has no weights yet. Train it, or load a trained one.")
    _check_shapes(model)
    if lost := [layer.name for layer in model.layers if not all(np.isfinite(weight).all() for weight in layer.get_weights())]:
        raise ValueError(
            f"explain: layer '{lost[0]}' has weights that are not finite numbers, as after a training whose loss is nan. Train it again "
            f"with a smaller learning_rate, or with clipnorm."
        )
    V, sequence, recurrent = vocabulary(model), True, 0
    if V < 4:
        raise ValueError(f"explain: the model's vocabulary has {V} ids, and ids 0 to 3 are marks. {UNSUPPORTED}")
    for place, layer in enumerate(model.layers):
        here = f"explain: layer '{layer.name}' ({type(layer).__name__})"
        if type(layer) not in (Embedding, SimpleRNN, Bidirectional, Dense, Dropout):
            raise ValueError(f"{here} is not shown. {UNSUPPORTED}")
        if place == 0 and isinstance(layer, Dense | Dropout):
            raise ValueError(f"{here} stands before any recurrent layer on one-hot input. {UNSUPPORTED}")
        if isinstance(layer, Embedding) and place:
            raise ValueError(f"{here} is not the first layer. {UNSUPPORTED}")
        if isinstance(layer, SimpleRNN | Bidirectional):
            recurrent += 1
            if layer.stateful:
                raise ValueError(f"{here} is stateful: what it says depends on the texts before. Build the model without stateful=True.")
            sequence = sequence and layer.return_sequences
            if any(part.zero_output_for_mask and not part.return_sequences for part in _leaves(layer)):  # type: ignore[attr-defined]
                raise ValueError(f"{here} gives 0 after a masked last step, so that no shorter text can be read. {UNSUPPORTED}")
        if any(leaf.activity_regularizer is not None for leaf in (layer, *_leaves(layer))):
            raise ValueError(f"{here} has an activity_regularizer, whose gradient the page does not compute. Build the model without it.")
    last = model.layers[-1]
    if not recurrent or sequence:
        why = "there is no recurrent layer" if not recurrent else "the last recurrent layer returns a sequence"
        raise ValueError(f"explain: model '{model.name}' gives no answer that depends on its last state: {why}. {UNSUPPORTED}")
    if not (isinstance(last, Dense) and last.units == 1 and last.activation == "sigmoid"):
        raise ValueError(f"explain: model '{model.name}' ends in '{last.name}', not in Dense(1, activation='sigmoid'). {UNSUPPORTED}")


def _check_shapes(model: Sequential) -> None:
    shape = model.input_shape
    expected = len(shape) == 2 if isinstance(model.layers[0], Embedding) else len(shape) == 3 and shape[2] is not None
    if not expected:
        raise ValueError(f"explain: the model reads {shape}; expected ids (None, T), or one-hot vectors (None, T, V). {UNSUPPORTED}")


def payload(model: Sequential, untrained: Sequential, word_index: Mapping[str, int], ids: Sequence[int], room: int) -> dict[str, Any]:
    """Give what a page needs to compute.

    Parameters
    ----------
    model, untrained : of one architecture, checked
    word_index : word -> rank
    ids : of the text, so that its words are there in any case
    room : bytes that it may have as JSON

    Raises
    ------
    ValueError
        Even without any table of ids it is too large.
    """
    V = vocabulary(model)
    words = word_list(word_index, V)
    fixed = json_bytes(words) + 2 * sum(_base64_bytes(weight.nbytes) for weight in _fixed_weights(model)) + 2000 * (1 + len(model.layers))
    row_bytes = 2 * sum(weight[:1].nbytes for weight in _tables(model)) * 4 / 3
    most = int((room - fixed) / row_bytes)
    rows = held_rows(V, ids, most)
    if rows is None:
        raise ValueError(
            f"explain: model '{model.name}' has {model.count_params():,} weights, which a page of {BUDGET / 1e6:g} MB does not hold. "
            f"Explain one with fewer units."
        )
    return {
        "V": V,
        "T": model.input_shape[1],
        "input": "ids" if isinstance(model.layers[0], Embedding) else "onehot",
        "words": words,
        "rows": rows,
        "layers": [_described(layer) for layer in model.layers],
        "trained": _weights(model, rows),
        "untrained": _weights(untrained, rows),
    }


def held_rows(V: int, ids: Sequence[int], most: int) -> dict[str, Any] | None:
    """Choose at most ``most`` ids whose rows a page holds: 0..count-1, and ``others`` of the text; None where the text's own do not fit.

    >>> held_rows(9, [1, 4, 7], most=6)
    {'count': 5, 'others': [7]}
    >>> held_rows(9, [1, 4, 7], most=9)
    {'count': 9, 'others': []}
    """
    if most >= V:
        return {"count": V, "others": []}
    for count in range(most, 3, -1):
        others = sorted({word_id for word_id in ids if word_id >= count})
        if count + len(others) <= most:
            return {"count": count, "others": others}
    return None


def encoded(array: np.ndarray) -> dict[str, Any]:
    """Give an array as base64, little-endian, with its dtype and shape.

    >>> encoded(np.array([[1.0, -2.0]], np.float32))
    {'dtype': 'float32', 'shape': [1, 2], 'base64': 'AACAPwAAAMA='}
    """
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return {"dtype": array.dtype.name, "shape": list(array.shape), "base64": base64.b64encode(little.tobytes()).decode("ascii")}


def json_bytes(value: Any) -> int:
    """Count the bytes of a value as JSON on a page."""
    import json

    return len(json.dumps(value, separators=(",", ":")))


def _described(layer: Layer) -> dict[str, Any]:
    if isinstance(layer, Bidirectional):
        parts = {"forward": _described(layer.forward_layer), "backward": _described(layer.backward_layer)}
        return {"kind": "bidirectional", "name": layer.name, "merge": layer.merge_mode, "sequences": layer.return_sequences, **parts}
    if isinstance(layer, SimpleRNN):
        return {
            "kind": "rnn",
            "name": layer.name,
            "units": layer.units,
            "activation": layer.activation,
            "backwards": layer.go_backwards,
            "sequences": layer.return_sequences,
            "zeroWhereMasked": layer.zero_output_for_mask,
        }
    if isinstance(layer, Dense):
        return {"kind": "dense", "name": layer.name, "units": layer.units, "activation": layer.activation}
    if isinstance(layer, Embedding):
        return {"kind": "embedding", "name": layer.name, "maskZero": layer.mask_zero}
    return {"kind": "dropout", "name": layer.name}


def _weights(model: Sequential, rows: Mapping[str, Any]) -> dict[str, Any]:
    """Give per layer (and direction) its weights by name, the first layer's tables without the rows that do not fit."""
    kept = [*range(rows["count"]), *rows["others"]]
    first = model.layers[0]
    arrays: list[dict[str, Any]] = []
    for layer in model.layers:
        for leaf in _leaves(layer):
            tables = {"embeddings"} if isinstance(leaf, Embedding) else {"kernel"} if layer is first else set()
            arrays.append({name: encoded(value[kept] if name in tables else value) for name, value in leaf.values.items()})
    given: dict[str, Any] = {"layers": arrays}
    if not isinstance(first, Embedding):
        Wx = np.concatenate(_tables(model), axis=1).astype(np.float64)
        given["gram"] = encoded(Wx.T @ Wx)
    return given


def _leaves(layer: Layer) -> list[Layer]:
    return [*layer.parts] if isinstance(layer, Bidirectional) else [layer]


def _tables(model: Sequential) -> list[np.ndarray]:
    """Give the weights that have a row per id."""
    name = "embeddings" if isinstance(model.layers[0], Embedding) else "kernel"
    return [leaf.values[name] for leaf in _leaves(model.layers[0])]


def _fixed_weights(model: Sequential) -> list[np.ndarray]:
    """Give the other weights, and the room that Wxᵀ Wx takes."""
    tables = _tables(model)
    others = [weight for layer in model.layers for leaf in _leaves(layer) for weight in leaf.values.values()]
    others = [weight for weight in others if not any(weight is table for table in tables)]
    width = sum(table.shape[1] for table in tables)
    return [*others, np.empty((width, width))]


def _base64_bytes(number: int) -> int:
    return 4 * -(-number // 3)
