"""The points on which Keras's own backends disagree, D1 to D12: what each side does, in a word.

Comes in: a small experiment per point, run on both sides. Goes out: an outcome that is compared as it stands, so minirnn's choice is seen
to be Keras's on this backend, or is listed in ``intended.json`` with its reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minirnn
from minirnn import layers
from minirnn.callbacks import LambdaCallback
from parity import keras_backend
from parity.case import SetUp, Sides


class Side:
    """minirnn, or Keras, under the names that both have."""

    def __init__(self, package: Any) -> None:
        self.layers, self.optimizers, self.losses = package.layers, package.optimizers, package.losses
        self.Sequential, self.Input, self.utils = package.Sequential, package.Input, package.utils
        self.LambdaCallback = LambdaCallback if package is minirnn else package.callbacks.LambdaCallback

    def model(self, shape: tuple[int, ...], *stack: Any, dtype: str = "float32", batch_size: int | None = None) -> Any:
        """A model of those layers, its inputs of that dtype."""
        return self.Sequential([self.Input(shape, batch_size=batch_size, dtype=dtype), *stack])


def _attempt(experiment: Callable[[], str]) -> str:
    """The outcome, or that the side refuses, whatever its error is called."""
    try:
        return experiment()
    except Exception:
        return "refuses"


def _certain_and_wrong(side: Side) -> str:
    model = side.model((1,), side.layers.Dense(1, "sigmoid", kernel_initializer="ones"))
    model.compile(loss="binary_crossentropy")
    return f"{float(model.evaluate(np.full((1, 1), -40.0, np.float32), np.ones((1, 1), np.float32), verbose=0)):.3f}"


def _two_lookups(side: Side) -> str:
    head = side.layers.Dense(1, kernel_initializer="ones", use_bias=False)
    model = side.model((2,), side.layers.Embedding(3, 1, embeddings_initializer="zeros"), side.layers.Flatten(), head, dtype="int32")
    model.compile(side.optimizers.RMSprop(0.125), loss=side.losses.MeanSquaredError())
    model.train_on_batch(np.array([[1, 1]]), np.ones((1, 1), np.float32))
    return f"{float(model.get_weights()[0][1, 0]):.4f}"


def _unknown_id(side: Side) -> str:
    model = side.model((2,), side.layers.Embedding(3, 1), dtype="int32")
    return "NaN" if np.isnan(model.predict(np.array([[1, 7]]), verbose=0)).any() else "a number"


def _before_the_first_step(side: Side) -> str:
    layer, mask = side.layers.SimpleRNN(1, return_sequences=True), np.array([[False, True]])
    output = layer(np.ones((1, 2, 1), np.float32), mask=_array(side, mask), initial_state=_array(side, np.ones((1, 1), np.float32)))
    return "0" if float(keras_backend.array(output)[0, 0, 0]) == 0 else "the state"


def _unrolled_zeros(side: Side) -> str:
    layer = side.layers.SimpleRNN(1, return_sequences=True, unroll=True, zero_output_for_mask=True)
    output = layer(np.ones((1, 2, 1), np.float32), mask=_array(side, np.array([[True, False]])))
    return "0" if float(keras_backend.array(output)[0, 1, 0]) == 0 else "the last output"


def _two_epochs(side: Side) -> str:
    """The losses tell which example came when: example i has loss i², and nothing is learned."""
    side.utils.set_random_seed(1)
    orders: list[list[float]] = []
    seen = side.LambdaCallback(
        on_epoch_begin=lambda epoch, logs=None: orders.append([]), on_train_batch_end=lambda batch, logs: orders[-1].append(logs["loss"])
    )
    model = side.model((1,), side.layers.Dense(1, kernel_initializer="zeros", use_bias=False))
    model.compile(side.optimizers.RMSprop(0.0), loss=side.losses.MeanSquaredError())
    model.fit(np.ones((12, 1), np.float32), np.arange(12.0)[:, None], batch_size=1, epochs=2, verbose=0, callbacks=[seen])
    return "the same order" if np.allclose(orders[0], orders[1]) else "a fresh order"


def _stateful_predict(side: Side) -> str:
    layer = side.layers.SimpleRNN(1, stateful=True, kernel_initializer="ones", recurrent_initializer="ones")
    model = side.model((1, 1), layer, batch_size=1)
    outputs = model.predict(np.full((2, 1, 1), 0.5, np.float32), batch_size=1, verbose=0)
    return "carried from batch to batch" if outputs[0, 0] != outputs[1, 0] else "forgotten"


def _no_loss(side: Side) -> str:
    model = side.model((1,), side.layers.Dense(1))
    model.compile("rmsprop")
    model.fit(np.ones((2, 1), np.float32), np.ones((2, 1), np.float32), verbose=0)
    return "runs"


def _count_of_steps(side: Side) -> str:
    counted = side.optimizers.RMSprop().iterations
    return "int64" if isinstance(counted, int) else str(counted.dtype)  # minirnn counts in Python, and writes int64


def _double_precision(side: Side) -> str:
    layer = side.layers.Dense(1, kernel_initializer="ones", dtype="float64")
    output = keras_backend.array(layer(np.array([[1.0, 2.0**-40]])))
    return "float64" if float(output[0, 0]) != 1.0 else "float32"


def _one_state_for_two(side: Side) -> str:
    layer = side.layers.SimpleRNN(3)
    layer(np.ones((2, 4, 5), np.float32), initial_state=_array(side, np.ones((1, 3), np.float32)))
    return "broadcasts"


def _shared_optimizer(side: Side) -> str:
    optimizer = side.optimizers.RMSprop()
    for _ in range(2):
        model = side.model((1,), side.layers.Dense(1))
        model.compile(optimizer, loss=side.losses.MeanSquaredError())
        model.fit(np.ones((2, 1), np.float32), np.ones((2, 1), np.float32), verbose=0)
    return "runs"


def _array(side: Side, array: np.ndarray) -> Any:
    return array if side.layers is layers else keras_backend.load().ops.convert_to_tensor(array)


EXPERIMENTS: dict[str, Callable[[Side], str]] = {
    "D1.loss_of_a_certain_and_wrong_answer": _certain_and_wrong,
    "D2.step_of_a_row_that_is_looked_up_twice": _two_lookups,
    "D3.an_id_that_the_embedding_does_not_have": _unknown_id,
    "D4.output_before_the_first_unmasked_step": _before_the_first_step,
    "D5.zero_output_for_mask_with_unroll": _unrolled_zeros,
    "D6.order_of_two_epochs_after_set_random_seed": _two_epochs,
    "D7.stateful_inside_predict": _stateful_predict,
    "D8.fit_without_a_loss": _no_loss,
    "D9.dtype_of_the_count_of_steps": _count_of_steps,
    "D10.arithmetic_of_a_float64_layer": _double_precision,
    "D11.initial_state_of_one_row_for_two": _one_state_for_two,
    "D12.one_optimizer_in_two_models": _shared_optimizer,
}


def _decision(experiment: Callable[[Side], str]) -> SetUp:
    def set_up() -> Sides:
        def outcome(package: Any) -> dict[str, np.ndarray]:
            return {"outcome": np.array(_attempt(lambda: experiment(Side(package))), "U40")}

        return Sides(lambda: outcome(minirnn), lambda: outcome(keras_backend.load()))

    return set_up


CASES: dict[str, SetUp] = {f"decision.{name}": _decision(experiment) for name, experiment in EXPERIMENTS.items()}
