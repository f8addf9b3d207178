"""Training: the one loop, written out so that it can be read aloud.

Comes in: a compiled model and data. Goes out: a trained model, and the history of its epochs. For each batch:

    outputs   = forward(x[rows])
    loss, d   = loss(outputs, y[rows])          d: its gradient on the logits; the penalties on weights and outputs join the loss
    gradients = backward(d)
    weights   = optimizer(weights, gradients)

Most models of one SimpleRNN have an express way (``express/``): the same steps, many batches in one compiled call. It is taken where
nobody listens to single batches, or batch by batch where somebody does; any other model takes this loop.

Rows are numbers into the data, in the order of a fresh permutation each epoch; the last, short batch is kept. The loss and the metrics of
an epoch are means over its examples, each taken before the update of its batch, under weights that move, as Keras reports them; those of
the validation are under the weights that the epoch ends with.

Source: Keras 3.15, ``keras/src/trainers/trainer.py`` and ``backend/tensorflow/trainer.py`` (hooks, averages, defaults).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minirnn import losses
from minirnn.batches import read_rows
from minirnn.callbacks import CallbackList, History, TerminateOnNaN
from minirnn.inputs import check_batches, check_count, check_weights, check_y, split_validation, weights_of_classes
from minirnn.one_hot import OneHot
from minirnn.reading import IdReader

if TYPE_CHECKING:
    from minirnn.express import Express
    from minirnn.model import Sequential

TOGETHER = 16
"""Batches of an evaluation or a prediction that are computed in one call where nobody listens to each."""

Examples = tuple[Any, np.ndarray, np.ndarray | None]
"""x as the model reads it, y (N,K), and weights (N,) or None."""


def fit(
    model: Sequential,
    x: Any,
    y: Any,
    batch_size: int | None,
    epochs: int,
    verbose: int | str,
    callbacks: Any,
    validation_split: float,
    validation_data: Any,
    shuffle: bool | str,
    class_weight: Any,
    sample_weight: Any,
    initial_epoch: int,
    validation_batch_size: int | None,
    validation_freq: Any,
) -> History:
    """Train the model; ``Sequential.fit`` documents the arguments."""
    batch_size = check_count("fit", "batch_size", 32 if batch_size is None else batch_size, 1)
    epochs = check_count("fit", "epochs", epochs, 0)
    initial_epoch = check_count("fit", "initial_epoch", initial_epoch, 0)
    if shuffle not in (True, False, "batch"):
        raise ValueError(f"fit: shuffle must be True, False or 'batch', received {shuffle!r}.")
    shuffle = shuffle if shuffle == "batch" else bool(shuffle)  # 1 and NumPy's True are True too
    x, y, weights = check_examples("fit", model, x, y, sample_weight, class_weight)
    validation: Examples | None = None
    if validation_data is not None:
        validation = check_validation(model, validation_data)
    elif validation_split:
        (x, y, weights), (val_x, val_y, val_weights) = split_validation("fit", validation_split, x, y, weights)
        validation = (val_x, val_y, val_weights)
    val_batch_size = batch_size if validation_batch_size is None else check_count("fit", "validation_batch_size", validation_batch_size, 1)
    validates = validation_epochs(validation_freq)
    check_batches("fit", model.layers, len(x), batch_size)
    if validation is not None:
        check_batches("fit: validation", model.layers, len(validation[0]), val_batch_size)
    model.prepare("fit", x)
    if validation is not None:
        model.check_shape("fit: validation", validation[0].shape)

    steps = math.ceil(len(x) / batch_size)
    listener = CallbackList(callbacks, add_history=True, add_progbar=verbose != 0, model=model, verbose=verbose, epochs=epochs, steps=steps)
    model.stop_training = False
    logs: dict[str, float] = {}
    with listener:
        listener.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            listener.on_epoch_begin(epoch)
            train_epoch(model, listener, x, y, weights, batch_size, shuffle, epoch)
            logs = model.metric_results()
            if validation is not None and validates(epoch + 1):
                val_logs = run_evaluation(model, *validation, val_batch_size, listener)
                logs.update({f"val_{name}": value for name, value in val_logs.items()})
            listener.on_epoch_end(epoch, logs)
            if model.stop_training:
                break
        listener.on_train_end(logs)
    history: History = model.history
    return history


def train_epoch(
    model: Sequential,
    listener: CallbackList,
    x: Any,
    y: np.ndarray,
    weights: np.ndarray | None,
    batch_size: int,
    shuffle: bool | str,
    epoch: int,
) -> None:
    """Train on all examples once; a loss that is not finite ends it, with the weights of its beginning unless a callback takes care."""
    nan_is_handled = any(isinstance(callback, TerminateOnNaN) for callback in listener.callbacks)
    steps, step = math.ceil(len(x) / batch_size), 0
    model.reset_metrics()
    good = model.snapshot()
    way = model.express_way(x, "train")

    def at_once() -> int:
        return 1 if way is None or listener.listens_to_batches else way.batches_at_once(steps - step)

    for rows in batches(len(x), batch_size, shuffle, model.shuffle_rng, x, at_once):
        listener.on_train_batch_begin(step)
        losses = train_batches(model, way, x, y, rows, batch_size, weights)
        step += len(losses)
        if not math.isfinite(losses[-1]) and not nan_is_handled:
            model.restore(good)
            model.reset_states()  # what a stateful layer carries has met the same numbers
            raise FloatingPointError(
                f"fit: the loss is {losses[-1]} at epoch {epoch + 1}, batch {step} of {steps}. The weights are again those with "
                f"which this epoch began. Try a smaller learning_rate, or clipnorm."
            )
        if listener.listens_to_batches:
            listener.on_train_batch_end(step - 1, model.metric_results())
        if model.stop_training:
            break


def batches(
    N: int, batch_size: int, shuffle: bool | str, rng: np.random.Generator, x: Any = None, at_once: Callable[[], int] = lambda: 1
) -> Iterator[np.ndarray]:
    """Give the rows of each batch, the last one short if need be, or of so many batches at once; x, which they number, is told their order
    first if it reads ahead.
    """
    order = shuffled(N, rng) if shuffle is True else None
    if isinstance(x, IdReader):
        x.expect(order)
    start = 0
    while start < N:
        stop = min(start + batch_size * at_once(), N)
        rows = np.arange(start, stop) if order is None else order[start:stop].astype(np.intp)
        if shuffle == "batch":
            for first in range(0, len(rows), batch_size):
                rng.shuffle(rows[first : first + batch_size])
        yield rows
        start = stop


def shuffled(N: int, rng: np.random.Generator) -> np.ndarray:
    """Give 0..N-1 in random order: ``rng.permutation(N)``, number by number, in half its memory."""
    order = np.arange(N, dtype=np.int32 if N <= 2**31 else np.int64)
    rng.shuffle(order)
    return order


def train_batches(
    model: Sequential, way: Express | None, x: Any, y: np.ndarray, rows: np.ndarray, batch_size: int, weights: np.ndarray | None
) -> list[float]:
    """One step for each batch of these rows, on the express way if there is one. Gives the losses before the updates; one that is not
    finite is the last.
    """
    if way is None:
        return [train_batch(model, x, y, rows, weights)]
    outputs, losses = way.train(x, y, weights, rows, batch_size)
    note(model, outputs, y, rows[: len(losses) * batch_size], batch_size, losses)
    return losses


def note(model: Sequential, outputs: np.ndarray, y: np.ndarray, rows: np.ndarray, batch_size: int, losses: list[float]) -> None:
    """Take the losses of batches, and the metrics on their outputs, into the epoch's means."""
    for start, loss in zip(range(0, len(rows), batch_size), losses, strict=True):
        model.loss_tracker.add(loss, min(batch_size, len(rows) - start))
    for metric in model.metrics:
        metric.update(outputs[: len(rows)], y, rows, None, "numpy")  # once for many batches: not worth half a second of compiling


def train_batch(model: Sequential, x: Any, y: np.ndarray, rows: np.ndarray, weights: np.ndarray | None) -> float:
    """One step: forward, loss, backward, update. Gives the loss before the update."""
    model.parameters.hold()
    outputs = model.forward(read_rows(x, rows), training=True)
    loss, gradient = measure(model, outputs, y, rows, weights)
    if math.isfinite(loss):
        model.parameters.clear_gradients()
        model.backward(gradient, from_logits=model.loss_reads_logits)
        model.optimizer.apply(model.parameters, model.backend)
    return loss


def measure(
    model: Sequential, outputs: np.ndarray, y: np.ndarray, rows: np.ndarray, weights: np.ndarray | None
) -> tuple[float, np.ndarray]:
    """Give the loss of a batch and its gradient, and take the loss and the metrics into the epoch's means."""
    B, loss = len(rows), model.loss
    outputs = outputs.reshape(B, -1)
    scores = model.layers[-1].logits.reshape(B, -1) if model.loss_reads_logits else outputs  # type: ignore[attr-defined]
    mask = position_weights = None
    if model.output_mask is not None:
        mask = np.repeat(model.output_mask, scores.shape[1] // model.output_mask.shape[1], axis=1)
    if weights is not None or mask is not None:
        position_weights = weigh_positions(scores, None if weights is None else weights[rows], mask)
    gradient = np.empty_like(scores)
    kernel = losses.BACKENDS[model.backend][loss.kernel_name(model.loss_reads_logits)]
    value = float(kernel(scores, y, rows, position_weights, loss.label_smoothing, gradient))
    if model.parameters.penalized:
        value += sum(model.losses)
    model.loss_tracker.add(value, B)
    for metric in model.metrics:
        metric.update(outputs, y, rows, mask, model.backend)
    return value, gradient


def weigh_positions(scores: np.ndarray, weights: np.ndarray | None, mask: np.ndarray | None) -> np.ndarray:
    """Give the weight (B,K) of each output: its example's weight (B,), and 0 where the mask (B,K) says padding. The mean is then over what
    is not padding, so the rest weighs the more.
    """
    positions = np.ones_like(scores)
    if weights is not None:
        positions *= weights[:, None]
    if mask is not None:
        positions *= mask * (mask.size / max(int(mask.sum()), 1))
    return positions


def run_evaluation(
    model: Sequential, x: Any, y: np.ndarray, weights: np.ndarray | None, batch_size: int, listener: CallbackList
) -> dict[str, float]:
    """Give the loss and the metrics on those examples; the epoch's own means are left as they are."""
    own_means = [(tracker.total, tracker.count) for tracker in model.trackers]
    model.reset_metrics()
    listener.on_test_begin()
    way = model.express_way(x, "evaluate")
    together = 1
    if way is not None and not listener.listens_to_test_batches:
        batch_size, together = way.predicted_at_once(x.shape[1]), TOGETHER  # the mean over all examples stays what it is
    for step, rows in enumerate(batches(len(x), batch_size, False, model.shuffle_rng, x, lambda: together)):
        listener.on_test_batch_begin(step)
        if way is None:
            measure(model, model.forward(read_rows(x, rows), training=False), y, rows, weights)
        else:
            outputs, losses = way.evaluate(x, y, weights, rows, batch_size)
            note(model, outputs, y, rows, batch_size, losses)
        if listener.listens_to_test_batches:
            listener.on_test_batch_end(step, model.metric_results())
    logs = model.metric_results()
    listener.on_test_end(logs)
    for tracker, means in zip(model.trackers, own_means, strict=True):
        tracker.total, tracker.count = means
    return logs


def evaluate(
    model: Sequential, x: Any, y: Any, batch_size: int | None, verbose: int | str, sample_weight: Any, callbacks: Any
) -> dict[str, float]:
    """Give the loss and the metrics; ``Sequential.evaluate`` documents the arguments."""
    batch_size = check_count("evaluate", "batch_size", 32 if batch_size is None else batch_size, 1)
    x, y, weights = check_examples("evaluate", model, x, y, sample_weight, None)
    check_batches("evaluate", model.layers, len(x), batch_size)
    model.prepare("evaluate", x)
    steps = math.ceil(len(x) / batch_size)
    with CallbackList(callbacks, add_progbar=verbose != 0, model=model, verbose=verbose, epochs=1, steps=steps) as listener:
        return run_evaluation(model, x, y, weights, batch_size, listener)


def predict(model: Sequential, x: Any, batch_size: int | None, verbose: int | str, callbacks: Any) -> np.ndarray:
    """Give the outputs (N,...); ``Sequential.predict`` documents the arguments."""
    batch_size = check_count("predict", "batch_size", 32 if batch_size is None else batch_size, 1)
    x = model.check("predict", x)
    check_batches("predict", model.layers, len(x), batch_size)
    model.prepare("predict", x)
    N = len(x)
    steps = math.ceil(N / batch_size)
    outputs = None
    with CallbackList(callbacks, add_progbar=verbose != 0, model=model, verbose=verbose, epochs=1, steps=steps) as listener:
        listener.on_predict_begin()
        way = model.express_way(x, "predict")
        together = (
            1 if way is None or listener.listens_to_predict_batches else max(1, TOGETHER * way.predicted_at_once(x.shape[1]) // batch_size)
        )
        for step, rows in enumerate(batches(N, batch_size, False, model.shuffle_rng, x, lambda: together)):
            listener.on_predict_batch_begin(step)
            batch = model.forward(read_rows(x, rows), training=False) if way is None else way.predict(x, rows)
            if outputs is None:
                outputs = np.empty((N, *batch.shape[1:]), model.dtype)
            outputs[rows[0] : rows[-1] + 1] = batch
            if listener.listens_to_predict_batches:
                listener.on_predict_batch_end(step, {"outputs": np.array(batch)})
        listener.on_predict_end()
    assert outputs is not None
    return outputs


def predict_one(model: Sequential, x: Any) -> np.ndarray:
    """Give the output of one example; ``Sequential.predict_one`` documents the argument."""
    x = model.check("predict_one", x[None] if isinstance(x, np.ndarray | OneHot) else np.asarray(x)[None])
    check_batches("predict_one", model.layers, 1, 1)
    model.prepare("predict_one", x)
    way = model.express_way(x, "predict")
    row = np.zeros(1, np.intp)
    return (np.array(model.forward(read_rows(x, row), training=False)) if way is None else way.predict(x, row))[0]


def check_examples(function: str, model: Sequential, x: Any, y: Any, sample_weight: Any, class_weight: Any) -> Examples:
    """Check data against a compiled model; nothing is changed."""
    model.require_compiled(function)
    x = model.check(function, x)
    output_shape = model.example_output_shape(x)
    labels = check_y(function, y, len(x), output_shape, model.dtype, model.loss.bounded_labels)
    weights = check_weights(function, sample_weight, len(x), model.dtype)
    if class_weight is not None:
        if weights is not None:
            raise ValueError(f"{function}: give either class_weight or sample_weight, not both.")
        weights = weights_of_classes(function, class_weight, labels, model.dtype)
    return x, labels, weights


def check_validation(model: Sequential, validation_data: Any) -> Examples:
    """Check ``validation_data``."""
    if not isinstance(validation_data, tuple | list) or len(validation_data) not in (2, 3):
        raise ValueError(f"fit: validation_data must be (x, y) or (x, y, sample_weight), received {type(validation_data).__name__}.")
    x, y, *rest = validation_data
    return check_examples("fit: validation_data", model, x, y, rest[0] if rest else None, None)


def validation_epochs(freq: Any) -> Any:
    """Give the test "is there a validation after this epoch", counted from 1."""
    if isinstance(freq, int) and not isinstance(freq, bool) and freq > 0:
        return lambda epoch: epoch % freq == 0
    if isinstance(freq, list | tuple | set):
        return lambda epoch: epoch in freq
    raise ValueError(f"fit: validation_freq must be a positive integer or a list of epochs from 1, received {freq!r}.")
