"""One review's way through a network and back, with every number kept.

Comes in: a model, a review, and its label if the way back is wanted. Goes out: a `Trace`. In this order:

    twin        the model's layers once more, float64, on the NumPy reference, with copies of the weights
    forward     the review through the twins; of each recurrent layer what it read, and its states
    loss        as ``fit`` takes it, penalties included, and its gradient on the logits
    backward    the layers from the end; through each recurrent layer step by step (``recurrent.py``)
    saliency    the norm of the gradient that reaches each token's vector

The model itself is neither changed nor trained, and what a stateful layer carries is not used: the review is read from a state of 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from minirnn import training
from minirnn.batches import TokenRows, read_rows
from minirnn.datasets import imdb
from minirnn.inputs import check_count, check_y
from minirnn.layers.bidirectional import Bidirectional
from minirnn.layers.dense import Dense
from minirnn.layers.embedding import Embedding
from minirnn.layers.simple_rnn import SimpleRNN
from minirnn.model import Sequential
from minirnn.one_hot import OneHot
from minirnn.sequences import pad_sequences
from minirnn.tokens import as_input, vocabulary
from minirnn.tracing.record import Trace
from minirnn.tracing.round_trip import RoundTrip, is_recurrent
from minirnn.tracing.stopping import outputs_if_stopped

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def trace(
    model: Sequential,
    x: Any,
    y: ArrayLike | None = None,
    *,
    word_index: Mapping[str, int] | None = None,
    mask: ArrayLike | None = None,
    bptt: int | None = None,
) -> Trace:
    """Read one review, and keep every number on the way: states, probabilities, and with a label all gradients.

    Parameters
    ----------
    model : built; to go back, compiled too
    x : ids (T,) or (1,T); a ``OneHot`` or vectors (T,E) or (1,T,E); or a text, which is encoded as the built-in reviews and IMDB are, and
        padded in front to the model's length
    y : label, 0 or 1, or as the model's output. None: nothing goes back.
    word_index : word -> rank, from ``get_word_index``: gives ids their words, and a text its ids (None: IMDB's index for a text)
    mask (T,) bool : instead of the model's own mask: False where a step is padding that states are carried over unchanged
    bptt : the gradient is carried back over so many steps from the end, and is 0 on what was read before; None for all the way

    Returns
    -------
    Trace

    Raises
    ------
    ValueError
        For more than one review, data that does not fit the model, a model that is not built or has no recurrent layer, and a label without
        a loss.
    TypeError
        For data that is not numbers.
    FileNotFoundError
        For a text, when no word index was given and IMDB's is not here.

    Examples
    --------
    >>> import minirnn
    >>> from minirnn import layers
    >>> model = minirnn.Sequential(
    ...     [layers.Input((5,)), layers.Embedding(80, 4), layers.SimpleRNN(3), layers.Dense(1, "sigmoid")], seed=1
    ... )
    >>> model.compile("rmsprop", "binary_crossentropy")
    >>> trace = minirnn.trace(model, "not bad", 1, word_index={"not": 21, "bad": 75})
    >>> trace.words
    ['<pad>', '<pad>', '<start>', 'not', 'bad']
    >>> trace["simple_rnn"].z.shape, trace["simple_rnn"].dWh_steps.shape
    ((5, 3), (5, 3, 3))
    >>> bool(abs(trace.probs[-1] - model.predict_one(trace.ids)) < 1e-6)
    True
    """
    if not isinstance(model, Sequential):
        raise TypeError(f"trace: model must be a Sequential, received {type(model).__name__}. Load a file with minirnn.models.load_model.")
    if not model.built:
        raise ValueError(f"trace: model '{model.name}' has no weights yet. Give it an Input, build it, or call it on data.")
    if not any(is_recurrent(layer) for layer in model.layers):
        raise ValueError(f"trace: model '{model.name}' has no recurrent layer, so there are no steps to follow.")
    if y is not None:
        model.require_compiled("trace")
    reach = None if bptt is None else check_count("trace", "bptt", bptt, 0)
    twin = _twin(model)
    rows = _as_read(twin, twin.check("trace", _one_review(model, x, word_index)))
    ids = rows.ids[rows.rows[0]] if isinstance(rows, TokenRows) else None
    if ids is None and word_index is not None:
        raise ValueError("trace: word_index gives ids their words, received vectors. Pass one-hot words as OneHot(ids, V), or leave it.")
    chosen_mask = None if mask is None else _checked_mask(mask, rows.shape[1])
    trip = RoundTrip(twin.layers, rows, chosen_mask)
    head = twin.layers[-1]
    one_sigmoid = isinstance(head, Dense) and head.activation == "sigmoid" and trip.output.shape == (1,)
    # the way back first: the shortened reviews go through the same layers, and overwrite what these hold
    way_back = {} if y is None else _back(twin, trip, y, reach, one_sigmoid)
    return Trace(
        model=model.name,
        ids=ids,
        words=None if ids is None or (word_index is None and not isinstance(x, str)) else _words(ids, word_index),
        positions=trip.recurrent[0].positions,
        mask=trip.mask,
        output=trip.output,
        outputs=outputs_if_stopped(twin.layers, rows, chosen_mask),
        one_sigmoid=one_sigmoid,
        layers=trip.recurrent,
        **way_back,
    )


def _back(twin: Sequential, trip: RoundTrip, y: Any, bptt: int | None, one_sigmoid: bool) -> dict[str, Any]:
    """Take the loss, carry its gradient back, and give what belongs to the whole model of it."""
    shape = trip.output.shape
    label = check_y("trace", y if np.shape(y) == (1, *shape) else np.asarray(y)[None], 1, shape, twin.dtype, twin.loss.bounded_labels)
    twin.output_mask = trip.output_mask
    loss, gradient = training.measure(twin, trip.output[None], label, np.zeros(1, np.intp), None)
    T = trip.recurrent[0].steps
    reach = T if bptt is None else bptt
    leaning = None
    if one_sigmoid:
        # before the loss's own way back, which leaves dh and dz behind
        dlogit = trip.back(np.ones((1, 1)), True, reach, with_prices=False)
        leaning = trip.along_tokens(dlogit)
    dx = trip.back(gradient, twin.loss_reads_logits, reach)
    return {
        "y": label.reshape(shape),
        "loss": loss,
        "dlogits": gradient.reshape(shape) if twin.loss_reads_logits else None,
        "bptt": bptt,
        "saliency": np.linalg.norm(dx, axis=1),
        "leaning": leaning,
    }


def _twin(model: Sequential) -> Sequential:
    """Give the model once more, in float64, on the NumPy reference; it starts from a state of 0, whatever batches it was built for."""
    layers = [layer.twin("float64", "numpy") for layer in model.layers]
    for layer in layers:
        for leaf in layer.walk():
            if isinstance(leaf, SimpleRNN | Bidirectional):
                leaf.stateful = False
    twin = Sequential(layers, name=model.name, dtype="float64", backend="numpy")
    twin.build((None, *model.input_shape[1:]))
    twin.loss, twin.trainable = model.loss, model.trainable
    return twin


def _as_read(twin: Sequential, x: Any) -> Any:
    """Give a batch of one in the form in which the first layer reads it: token rows, or vectors (1,T,E)."""
    rows = read_rows(x, np.zeros(1, np.intp))
    first = twin.layers[0]
    if isinstance(rows, TokenRows) and not isinstance(first, Embedding) and not (rows.num_classes and is_recurrent(first)):
        return rows.array(np.float64)
    return rows


def _one_review(model: Sequential, x: Any, word_index: Mapping[str, int] | None) -> Any:
    """Give a batch of one."""
    if isinstance(x, str):
        ids = imdb.encode(x, vocabulary(model), word_index=word_index)
        return as_input(model, pad_sequences([ids], maxlen=model.input_shape[1]))
    batch, axes = x if isinstance(x, OneHot) else np.asarray(x), len(model.input_shape)
    if axes == 3 and batch.dtype.kind in "iu" and batch.shape[-1:] != model.input_shape[-1:]:
        raise ValueError(
            f"trace: model '{model.name}' reads vectors of shape (T,{model.input_shape[-1]}), received whole numbers of shape "
            f"{batch.shape}. Ids of one-hot words go in as OneHot(ids, {model.input_shape[-1]})."
        )
    if batch.ndim == axes - 1:
        return batch[None]
    if batch.ndim == axes and len(batch) != 1:
        raise ValueError(f"trace: x must be one review, received {len(batch)} of them, shape {batch.shape}. Trace them one by one: x[0].")
    return batch


def _words(ids: np.ndarray, word_index: Mapping[str, int] | None) -> list[str]:
    return imdb.decode(ids.tolist(), word_index=word_index).split(" ")


def _checked_mask(mask: ArrayLike, T: int) -> np.ndarray:
    array = np.asarray(mask)
    if array.shape != (T,) or array.dtype != np.bool_:
        raise ValueError(f"trace: mask must be bool of shape (T,) = ({T},), received {array.dtype} of shape {array.shape}. Try ids != 0.")
    return array
