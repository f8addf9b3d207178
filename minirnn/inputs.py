"""What a user hands to ``fit``, ``evaluate`` and ``predict``, checked once, before any work.

Comes in: x, y and weights as the user has them. Goes out: x as an array or a ``OneHot``, y as floats (N,K), weights as floats (N,); or one
error that says which argument, what came, what was expected, and the usual fix. After this nothing is checked, cast or copied again,
batch after batch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minirnn.jit import for_kernels
from minirnn.layers.embedding import Embedding, inspect_ids
from minirnn.layers.layer import Layer
from minirnn.one_hot import OneHot
from minirnn.reading import IdReader, readable_ids


def check_x(function: str, x: Any, first: Layer, dtype: np.dtype[Any]) -> Any:
    """Give the inputs (N,...) in the form that the first layer reads.

    Raises
    ------
    ValueError
        For ragged or empty data, ids that are out of range or not whole, numbers that are not finite, a OneHot of another V.
    TypeError
        For things that are not numbers.
    """
    if isinstance(x, OneHot):
        if isinstance(first, Embedding):
            raise ValueError(f"{function}: an Embedding takes ids, received a OneHot. Pass its .ids.")
        if not len(x):
            raise ValueError(f"{function}: x is empty, received shape {x.shape}. Give at least one example.")
        ids = readable_ids(function, x.ids, x.num_classes, x.num_classes) if x.ids.ndim == 2 else x.ids
        return ids if isinstance(ids, IdReader) else x.sharing(ids, x.dtype)
    array = as_rectangle(function, "x", x)
    if isinstance(first, Embedding):
        if array.ndim != 2:
            raise ValueError(f"{function}: x must be ids of shape (N,T), received shape {array.shape}. Use pad_sequences.")
        inspect_ids(function, array, first.input_dim)
        return readable_ids(function, array, first.input_dim)
    array = array.astype(dtype, copy=False)
    if not np.isfinite(array).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{function}: x holds {array[place]} at {place}. Every input must be a finite number.")
    return array


def as_rectangle(function: str, argument: str, values: Any) -> np.ndarray:
    """Give numbers as an array with at least one example.

    Raises
    ------
    ValueError
        For ragged or empty data.
    TypeError
        For things that are not numbers.
    """
    if values is None:
        raise ValueError(f"{function}: {argument} is missing. Give an array of numbers.")
    try:
        array = np.asarray(values)
    except ValueError:
        array = np.empty(1, object)
    if array.dtype == object:
        raise ValueError(
            f"{function}: {argument} must be a rectangle of numbers, received a {type(values).__name__} of dtype object, as sequences of "
            f"different lengths give. Bring them to one length with pad_sequences."
        )
    if array.dtype.kind not in "iubf":
        raise TypeError(f"{function}: {argument} must be numbers, received dtype {array.dtype}.")
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"{function}: {argument} is empty, received shape {array.shape}. Give at least one example.")
    return array


def check_y(function: str, y: Any, N: int, output_shape: tuple[int, ...], dtype: np.dtype[Any], bounded: bool) -> np.ndarray:
    """Give the labels as floats (N,K), a row per example.

    Parameters
    ----------
    output_shape : of one example's output, e.g. (1,)
    bounded : whether labels must lie in 0..1

    Raises
    ------
    ValueError
        When their number differs from x's, their shape from the output's, or one is not finite or out of range.
    """
    if y is None:
        raise ValueError(f"{function}: y is missing. Give a label for each of the {N} examples.")
    array = as_rectangle(function, "y", y)
    if len(array) != N:
        raise ValueError(f"{function}: x and y must have the same length, received {N} and {len(array)}.")
    if array.shape[1:] != output_shape and (*array.shape[1:], 1) != output_shape:
        raise ValueError(
            f"{function}: y has shape {array.shape}, the model's output {(N, *output_shape)}; they must be the same, or lack only a last 1."
        )
    labels = for_kernels(array.reshape(N, math.prod(output_shape)), dtype)
    lowest, highest = labels.min(), labels.max()  # of N labels, with no array of N truths
    if not (np.isfinite(lowest) and np.isfinite(highest)) or (bounded and (lowest < 0 or highest > 1)):
        wrong = ~np.isfinite(labels)
        if bounded:
            wrong |= (labels < 0) | (labels > 1)
        place = int(np.argwhere(wrong)[0, 0])
        limits = "in 0..1" if bounded else "finite"
        raise ValueError(f"{function}: labels must be {limits}, received {labels[place, np.argmax(wrong[place])]} at example {place}.")
    return labels


def check_weights(function: str, weights: Any, N: int, dtype: np.dtype[Any]) -> np.ndarray | None:
    """Give sample weights as floats (N,); None stays None.

    Raises
    ------
    ValueError
        When their number differs from x's, or one is not finite.
    """
    if weights is None:
        return None
    array = as_rectangle(function, "sample_weight", weights)
    if array.size != N or len(array) != N:
        raise ValueError(f"{function}: sample_weight must have one number per example, received shape {array.shape} for {N} examples.")
    if not np.isfinite(array).all():
        raise ValueError(f"{function}: sample_weight must be finite.")
    return array.reshape(N).astype(dtype)


def weights_of_classes(function: str, class_weight: Any, y: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Turn a weight per class into one per example (N,); classes that are not named weigh 1. Labels are rounded, or, with K > 1, the
    largest one counts.

    Raises
    ------
    ValueError
        When class_weight is not a dict of whole numbers to finite ones.
    """
    named = isinstance(class_weight, dict) and all(isinstance(label, int | np.integer) for label in class_weight)
    if not named or not all(isinstance(weight, int | float | np.number) for weight in class_weight.values()):
        raise ValueError(f"{function}: class_weight must be a dict such as {{0: 1.0, 1: 2.0}}, received {class_weight!r}.")
    classes = y.argmax(axis=1) if y.shape[1] > 1 else np.rint(y[:, 0]).astype(int)
    weights = np.ones(len(y), dtype)
    for label, weight in class_weight.items():
        if not np.isfinite(weight):
            raise ValueError(f"{function}: class_weight must be finite, received {weight!r} for class {label!r}.")
        weights[classes == label] = weight
    return weights


def split_validation(function: str, share: float, x: Any, *others: np.ndarray | None) -> tuple[list[Any], list[Any]]:
    """Cut the last share off, before any shuffling: floor(N (1 - share)) examples stay.

    Raises
    ------
    ValueError
        When the share is not in 0..1, or one part would be empty.
    """
    N = len(x)
    if isinstance(share, bool) or not isinstance(share, int | float | np.number) or not 0 < share < 1:
        raise ValueError(f"{function}: validation_split must be between 0 and 1, received {share!r}.")
    at = math.floor(N * (1 - share))
    if at in (0, N):
        raise ValueError(f"{function}: {N} examples are not enough for validation_split={share}: one part would be empty.")
    parts = [x, *others]
    return [None if part is None else part[:at] for part in parts], [None if part is None else part[at:] for part in parts]


def check_batches(function: str, layers: Sequence[Layer], N: int, batch_size: int) -> None:
    """Check that every batch has the rows whose states a stateful layer carries.

    Raises
    ------
    ValueError
        When one has not: before the first batch, not at the last.
    """
    for layer in layers:
        if getattr(layer, "stateful", False) and layer.built:
            assert layer.input_shape is not None
            B = layer.input_shape[0]
            if batch_size != B or N % batch_size:
                raise ValueError(
                    f"{function}: stateful layer '{layer.name}' was built for batches of {B} rows, received {N} examples in batches of "
                    f"{batch_size}. Use batch_size={B}, and a number of examples that it divides."
                )


def check_count(function: str, argument: str, value: Any, least: int) -> int:
    """Give a whole number of at least ``least``.

    Raises
    ------
    ValueError
        Otherwise.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{function}: {argument} must be a whole number of at least {least}, received {value!r}.")
    return int(value)
