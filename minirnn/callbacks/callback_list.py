"""Many callbacks behind one: each hook of the list calls that hook of every callback, in order.

Comes in: the callbacks of one run, its model and its parameters. Goes out: calls, and the answer to "does anybody listen to batches?",
by which the training loop skips the logs of a batch that nobody reads::

    with CallbackList(callbacks, add_history=True, add_progbar=True, model=model, verbose=1, epochs=3, steps=313) as callbacks:
        callbacks.on_train_begin()
        ...
            if callbacks.listens_to_batches:      # asked anew each batch: a progress line wants one batch in hundreds
                callbacks.on_train_batch_end(batch, running_means())

Leaving the ``with`` block, by an error or Ctrl-C too, closes files and ends an unfinished progress line.

Source: ``keras/src/callbacks/callback_list.py``, Keras 3.15.1: order, sorted logs, defaults. Nothing here runs in another thread.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from types import TracebackType
from typing import Any

import numpy as np

from minirnn.callbacks.callback import BATCH_HOOKS, Callback, Logs, overrides_a_hook
from minirnn.callbacks.history import History
from minirnn.callbacks.progress_bar import ProgressBar


class CallbackList(Callback):
    """Call a list of callbacks as one.

    Parameters
    ----------
    callbacks : Callback, list of Callback (nested lists too), or None
    add_history : append a `History` unless there is one.
    add_progbar : append a `ProgressBar` unless there is one.
    model : the model that runs; its ``history`` becomes the `History` in the list.
    params : ``verbose``, ``epochs`` and ``steps`` of the run, given to every callback.

    Attributes
    ----------
    callbacks : list of Callback
        In calling order: the given ones, then History, then ProgressBar.

    Raises
    ------
    TypeError
        Something in `callbacks` is not an instance of `Callback`.

    Examples
    --------
    >>> history = History()
    >>> callbacks = CallbackList([history])
    >>> callbacks.on_train_begin()
    >>> callbacks.on_epoch_end(0, {"loss": 0.5, "accuracy": 0.75})
    >>> history.history
    {'accuracy': [0.75], 'loss': [0.5]}
    >>> callbacks.listens_to_batches
    False
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        self.callbacks: list[Callback] = list(_flatten(callbacks))
        for wanted, kind in ((add_history, History), (add_progbar, ProgressBar)):
            if wanted and not any(isinstance(callback, kind) for callback in self.callbacks):
                self.callbacks.append(kind())
        self._find_listeners()
        if model is not None:
            self.set_model(model)
        self.set_params(params)

    def append(self, callback: Callback) -> None:
        """Add a callback at the end of the list."""
        self.callbacks.extend(_flatten(callback))
        self._find_listeners()

    def set_model(self, model: Any) -> None:
        """Give every callback the model."""
        self._model = model
        for callback in self.callbacks:
            callback.set_model(model)

    def set_params(self, params: dict[str, Any]) -> None:
        """Give every callback the parameters of the run."""
        self.params = params
        if params:
            for callback in self.callbacks:
                callback.set_params(params)

    @property
    def listens_to_batches(self) -> bool:
        """True when a callback wants the training batch that just ended. Ask it each batch; about 0.2 us when nobody does."""
        return any(callback.wants_batch() for callback in self._train_listeners)

    @property
    def listens_to_test_batches(self) -> bool:
        """The same for a batch of `evaluate` or of a validation."""
        return any(callback.wants_batch() for callback in self._test_listeners)

    @property
    def listens_to_predict_batches(self) -> bool:
        """The same for a batch of `predict`."""
        return any(callback.wants_batch() for callback in self._predict_listeners)

    def wants_batch(self) -> bool:
        """Tell whether a callback in this list wants the training batch that just ended (a list may stand inside a list)."""
        return self.listens_to_batches

    def release(self) -> None:
        """Release every callback, the others too when one of them raises."""
        with ExitStack() as stack:
            for callback in reversed(self.callbacks):
                stack.callback(callback.release)

    def __enter__(self) -> CallbackList:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.release()

    def _find_listeners(self) -> None:
        """Note who overrides the batch hooks, so that the others cost nothing in the loop."""
        self._train_listeners, self._test_listeners, self._predict_listeners = (
            [callback for callback in self.callbacks if overrides_a_hook(callback, BATCH_HOOKS[mode])]
            for mode in ("train", "test", "predict")
        )

    def on_train_begin(self, logs: Logs | None = None) -> None:  # noqa: D102 (every hook here says what Callback's says)
        self._find_listeners()
        logs = _sorted_floats(logs)
        for callback in self.callbacks:
            callback.on_train_begin(logs)

    def on_train_end(self, logs: Logs | None = None) -> None:  # noqa: D102
        logs = _sorted_floats(logs)
        for callback in self.callbacks:
            callback.on_train_end(logs)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:  # noqa: D102
        logs = _sorted_floats(logs)
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:  # noqa: D102
        logs = _sorted_floats(logs)
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, logs)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:  # noqa: D102
        logs = _sorted_floats(logs)
        for callback in self._train_listeners:
            callback.on_batch_begin(batch, logs=logs)

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:  # noqa: D102
        logs = _sorted_floats(logs)
        for callback in self._train_listeners:
            callback.on_batch_end(batch, logs=logs)

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:  # noqa: D102
        logs = _sorted_floats(logs)
        for callback in self._train_listeners:
            callback.on_train_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:  # noqa: D102
        logs = _sorted_floats(logs)
        for callback in self._train_listeners:
            callback.on_train_batch_end(batch, logs=logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:  # noqa: D102
        self._find_listeners()
        logs = _sorted_floats(logs)
        for callback in self.callbacks:
            callback.on_test_begin(logs)

    def on_test_end(self, logs: Logs | None = None) -> None:  # noqa: D102
        logs = _sorted_floats(logs)
        for callback in self.callbacks:
            callback.on_test_end(logs)

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:  # noqa: D102
        logs = _sorted_floats(logs)
        for callback in self._test_listeners:
            callback.on_test_batch_begin(batch, logs=logs)

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:  # noqa: D102
        logs = _sorted_floats(logs)
        for callback in self._test_listeners:
            callback.on_test_batch_end(batch, logs=logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:  # noqa: D102
        self._find_listeners()
        logs = _sorted_floats(logs)
        for callback in self.callbacks:
            callback.on_predict_begin(logs)

    def on_predict_end(self, logs: Logs | None = None) -> None:  # noqa: D102
        logs = _sorted_floats(logs)
        for callback in self.callbacks:
            callback.on_predict_end(logs)

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:  # noqa: D102
        logs = _sorted_floats(logs)
        for callback in self._predict_listeners:
            callback.on_predict_batch_begin(batch, logs=logs)

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:  # noqa: D102
        logs = _sorted_floats(logs)
        for callback in self._predict_listeners:
            callback.on_predict_batch_end(batch, logs=logs)


def _flatten(callbacks: Any) -> Iterable[Callback]:
    """Yield the callbacks of nested lists in order, and refuse what is none."""
    if callbacks is None:
        return
    if isinstance(callbacks, list | tuple):
        for inner in callbacks:
            yield from _flatten(inner)
    elif isinstance(callbacks, Callback):
        yield callbacks
    elif isinstance(callbacks, type):
        raise TypeError(f"callbacks: received the class {callbacks.__name__}, expected an instance. Write {callbacks.__name__}().")
    else:
        raise TypeError(
            f"callbacks: received {callbacks!r} of type {type(callbacks).__name__}, expected instances of minirnn.callbacks.Callback. "
            "Derive your class from it."
        )


def _sorted_floats(logs: Logs | None) -> Logs:
    """Copy logs with sorted names and with scalars as Python floats, so that files and histories hold plain numbers."""
    if not logs:
        return {}
    return {name: _as_float(logs[name]) for name in sorted(logs)}


def _as_float(value: Any) -> Any:
    """Make a scalar a float; leave an array (the outputs of `predict`) and whatever is no number as they are."""
    if type(value) is float:
        return value
    if isinstance(value, np.ndarray) and value.ndim > 0:
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return value
