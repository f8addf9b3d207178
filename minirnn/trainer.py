"""What a model is trained with, and the methods that train it: Keras's names and arguments, over the loop in ``training.py``.

Comes in: an optimizer, a loss and metrics; then data. Goes out: a history, figures, or predictions.

Source: Keras 3.15, ``keras/src/trainers/trainer.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from minirnn import losses, metrics, optimizers, training
from minirnn.batches import read_rows
from minirnn.callbacks import History
from minirnn.inputs import check_batches
from minirnn.layers.dense import Dense
from minirnn.metrics import BinaryAccuracy, Mean

if TYPE_CHECKING:
    from minirnn.model import Sequential


class Trainer:
    """The part of a model that learns."""

    def __init__(self) -> None:
        self.stop_training = False
        self.history: Any = None
        self.compiled = False
        self.loss: Any = None
        self.optimizer: Any = None
        self.metrics: list[BinaryAccuracy] = []
        self.metric_identifiers: list[Any] = []
        self.loss_tracker = Mean("loss")

    @property
    def _model(self) -> Sequential:
        return cast("Sequential", self)

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: str | bool = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Say how the model is trained.

        Parameters
        ----------
        optimizer : a name, or an ``optimizers.RMSprop``
        loss : a name, or a loss of ``minirnn.losses``
        metrics : list of names or metrics, e.g. ``["accuracy"]``

        Raises
        ------
        ValueError
            For unknown names, and for arguments of Keras's that minirnn lacks.

        Examples
        --------
        >>> import minirnn
        >>> from minirnn import layers
        >>> model = minirnn.Sequential([layers.Input((5,)), layers.Embedding(9, 4), layers.SimpleRNN(3), layers.Dense(1, "sigmoid")])
        >>> model.compile(optimizers.RMSprop(learning_rate=1e-4), loss="binary_crossentropy", metrics=["accuracy"])
        >>> model.metrics_names
        ['loss', 'accuracy']
        """
        unsupported = {
            "loss_weights": loss_weights,
            "weighted_metrics": weighted_metrics,
            "run_eagerly": run_eagerly or None,
            "steps_per_execution": None if steps_per_execution == 1 else steps_per_execution,
            "jit_compile": None if jit_compile == "auto" else jit_compile,
            "auto_scale_loss": None if auto_scale_loss is True else auto_scale_loss,
        }
        for argument, value in unsupported.items():
            if value is not None:
                raise ValueError(f"compile: {argument} is not supported by minirnn, received {value!r}. Leave it out.")
        if metrics is not None and not isinstance(metrics, list | tuple):
            raise ValueError(f"compile: metrics must be a list, received {metrics!r}. Write [{metrics!r}].")
        chosen, chosen_loss, identifiers = optimizers.get(optimizer), losses.get(loss), list(metrics or [])
        resolved = self.resolve_metrics(identifiers)
        if self._model.built:
            self._model.notice_frozen_layers()
            chosen.build(self._model.parameters)
        self.optimizer, self.loss, self.metric_identifiers, self.metrics = chosen, chosen_loss, identifiers, resolved
        self.compiled = True
        self._model.forget_plans()

    def resolve_metrics(self, identifiers: list[Any]) -> list[BinaryAccuracy]:
        """Give the metrics by their names; "accuracy" means another one when the model has more outputs than one."""
        outputs = self._model.output_shape[-1] if self._model.built else 1
        resolved: list[BinaryAccuracy] = []
        for identifier in identifiers:
            metric = metrics.get(identifier, outputs)
            taken = [other.name for other in resolved]
            if metric.name in taken:
                metric.name = next(name for n in range(1, 99) if (name := f"{metric.name}_{n}") not in taken)
            resolved.append(metric)
        return resolved

    @property
    def loss_reads_logits(self) -> bool:
        """Whether the loss is taken on the last layer's logits, before its sigmoid: cross-entropy is."""
        head = self._model.layers[-1]
        return isinstance(self.loss, losses.BinaryCrossentropy) and isinstance(head, Dense) and head.activation == "sigmoid"

    @property
    def losses(self) -> list[float]:
        """The penalties that join the loss, in Keras's order: on the last outputs, layer by layer, then on trainable weights."""
        layers = self._model.layers
        penalties = [penalty for layer in layers for penalty in layer.activity_penalties()]
        if self._model.trainable:
            penalties += [penalty for layer in layers for penalty in layer.weight_penalties()]
        return [float(penalty) for penalty in penalties]

    def require_compiled(self, function: str) -> None:
        """Raise ValueError unless the model is compiled with a loss."""
        if not self.compiled:
            raise ValueError(f"{function}: the model is not compiled. Call compile(optimizer, loss) first.")
        if self.loss is None:
            raise ValueError(f"{function}: the model was compiled without a loss. Pass loss='binary_crossentropy' to compile.")

    @property
    def trackers(self) -> list[Mean]:
        """The running means of an epoch: the loss, then the metrics."""
        return [self.loss_tracker, *self.metrics]

    @property
    def metrics_names(self) -> list[str]:
        """Their names."""
        return [tracker.name for tracker in self.trackers]

    def reset_metrics(self) -> None:
        """Start the running means again."""
        for tracker in self.trackers:
            tracker.reset()

    def metric_results(self) -> dict[str, float]:
        """Give the running means by name."""
        return {tracker.name: tracker.result() for tracker in self.trackers}

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | str = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> History:
        """Train the model.

        Parameters
        ----------
        x : ids (N,T), a ``OneHot`` (N,T,V), or vectors (N,T,E)
        y : labels (N,) or as the outputs
        batch_size : examples per update; default 32
        epochs : number of the last epoch; with ``initial_epoch`` 0, how many there are
        verbose : 0 silent, 1 a progress bar, 2 a line per epoch, "auto" a bar on a terminal and lines elsewhere
        callbacks : list of ``minirnn.callbacks``
        validation_split : share cut off the end, before shuffling
        validation_data : (x, y) or (x, y, sample_weight); goes before validation_split
        shuffle : True for a fresh permutation each epoch, "batch" to shuffle inside fixed batches, or False
        class_weight : dict of class to weight
        sample_weight : (N,)
        initial_epoch : number of the first epoch, from 0
        validation_batch_size : default batch_size
        validation_freq : after every how many epochs, or after which ones (from 1), there is a validation

        Returns
        -------
        History
            Whose ``history`` has a list per name: loss, the metrics, and each with ``val_``.

        Raises
        ------
        ValueError, TypeError
            For data or arguments that do not fit; nothing is changed then.
        FloatingPointError
            When the loss is no longer finite: the weights are those with which the epoch began.

        Examples
        --------
        >>> import minirnn
        >>> from minirnn import layers
        >>> ids, y = np.array([[0, 0, 1, 5], [0, 1, 7, 5]]), np.array([0, 1])
        >>> model = minirnn.Sequential([layers.Embedding(9, 4), layers.SimpleRNN(3), layers.Dense(1, "sigmoid")], seed=7)
        >>> model.compile("rmsprop", "binary_crossentropy")
        >>> history = model.fit(ids, y, epochs=30, verbose=0)
        >>> history.history["loss"][0] > history.history["loss"][-1]
        True
        """
        for argument, value in (("steps_per_epoch", steps_per_epoch), ("validation_steps", validation_steps)):
            if value is not None:
                raise ValueError(f"fit: {argument} is not supported by minirnn, received {value!r}: every epoch reads all examples.")
        return training.fit(
            self._model,
            x,
            y,
            batch_size,
            epochs,
            verbose,
            callbacks,
            validation_split,
            validation_data,
            shuffle,
            class_weight,
            sample_weight,
            initial_epoch,
            validation_batch_size,
            validation_freq,
        )

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Give the loss, or [loss, metrics...], or with ``return_dict`` both by name.

        Raises
        ------
        ValueError, TypeError
            For data or arguments that do not fit.

        Examples
        --------
        >>> import minirnn
        >>> from minirnn import layers
        >>> ids, y = np.array([[0, 0, 1, 5], [0, 1, 7, 5]]), np.array([0, 1])
        >>> model = minirnn.Sequential([layers.Embedding(9, 4), layers.SimpleRNN(3), layers.Dense(1, "sigmoid")], seed=7)
        >>> model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
        >>> sorted(model.evaluate(ids, y, verbose=0, return_dict=True))
        ['accuracy', 'loss']
        """
        _no_steps("evaluate", steps)
        return self._as_asked(training.evaluate(self._model, x, y, batch_size, verbose, sample_weight, callbacks), return_dict)

    def predict(
        self, x: Any, batch_size: int | None = None, verbose: int | str = "auto", steps: int | None = None, callbacks: Any = None
    ) -> np.ndarray:
        """Give the outputs (N,...) in order.

        Raises
        ------
        ValueError, TypeError
            For data that does not fit.

        Examples
        --------
        >>> import minirnn
        >>> from minirnn import layers
        >>> ids, y = np.array([[0, 0, 1, 5], [0, 1, 7, 5]]), np.array([0, 1])
        >>> model = minirnn.Sequential([layers.Embedding(9, 4), layers.SimpleRNN(3), layers.Dense(1, "sigmoid")], seed=7)
        >>> model.predict(ids, verbose=0).shape
        (2, 1)
        """
        _no_steps("predict", steps)
        return training.predict(self._model, x, batch_size, verbose, callbacks)

    def train_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False) -> Any:
        """Take one step on one batch; give its loss, or [loss, metrics...], before the update."""
        x, y, weights = training.check_examples("train_on_batch", self._model, x, y, sample_weight, class_weight)
        check_batches("train_on_batch", self._model.layers, len(x), len(x))
        self._model.prepare("train_on_batch", x)
        self.reset_metrics()
        training.train_batch(self._model, x, y, np.arange(len(x)), weights)
        return self._as_asked(self.metric_results(), return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Give the loss of one batch, or [loss, metrics...]."""
        x, y, weights = training.check_examples("test_on_batch", self._model, x, y, sample_weight, None)
        check_batches("test_on_batch", self._model.layers, len(x), len(x))
        self._model.prepare("test_on_batch", x)
        self.reset_metrics()
        training.measure(self._model, self._model.forward(read_rows(x, np.arange(len(x)))), y, np.arange(len(x)), weights)
        return self._as_asked(self.metric_results(), return_dict)

    def predict_on_batch(self, x: Any) -> np.ndarray:
        """Give the outputs for one batch."""
        return self._model(x)

    def predict_one(self, x: Any) -> Any:
        """Give the output for one example, as fast as can be: a float where the model has one output, else an array. minirnn's own.

        Parameters
        ----------
        x : ids (T,), or whatever one example is, without the axis of the batch

        Raises
        ------
        ValueError, TypeError
            For an example that does not fit.

        Examples
        --------
        >>> import minirnn
        >>> from minirnn import layers
        >>> ids, y = np.array([[0, 0, 1, 5], [0, 1, 7, 5]]), np.array([0, 1])
        >>> model = minirnn.Sequential([layers.Embedding(9, 4), layers.SimpleRNN(3), layers.Dense(1, "sigmoid")], seed=7)
        >>> bool(abs(model.predict_one(ids[1]) - model.predict(ids, verbose=0)[1, 0]) < 1e-6)
        True
        """
        output = training.predict_one(self._model, x)
        return float(output[0]) if output.shape == (1,) else output

    def _as_asked(self, logs: dict[str, float], return_dict: bool) -> Any:
        if return_dict:
            return dict(sorted(logs.items()))
        values = list(logs.values())
        return values if len(values) > 1 else values[0]

    def snapshot(self) -> tuple[np.ndarray, Any]:
        """Copies of the weights and of the optimizer's state, for ``restore``."""
        return self._model.parameters.values.copy(), self.optimizer.snapshot()

    def restore(self, snapshot: tuple[np.ndarray, Any]) -> None:
        """Put back what ``snapshot`` gave."""
        values, state = snapshot
        self._model.parameters.values[...] = values
        self.optimizer.restore(state)


def _no_steps(function: str, steps: Any) -> None:
    if steps is not None:
        raise ValueError(f"{function}: steps is not supported by minirnn, received {steps!r}: all examples are read.")
