"""Stop a training whose loss is no longer a number.

Comes in: the running loss after every batch. Goes out: ``model.stop_training = True``, or a RuntimeError. One NaN or infinite batch makes
the running mean NaN or infinite, so none is missed.

Source: ``keras/src/callbacks/terminate_on_nan.py``, Keras 3.15.1.
"""

from __future__ import annotations

import math

from minirnn.callbacks.callback import Callback, Logs
from minirnn.progress import announce


class TerminateOnNaN(Callback):
    """Stop training at the first batch after which the loss is NaN or infinite.

    Parameters
    ----------
    raise_error : raise a RuntimeError at once, without the rest of the epoch and without the end hooks of any callback. Otherwise
        the epoch is finished off (validation, logs) and training ends as if it had run out.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> guard = TerminateOnNaN()
    >>> guard.set_model(SimpleNamespace(stop_training=False))
    >>> guard.on_train_batch_end(3, {"loss": float("nan")})
    Batch 3: Invalid loss, terminating training
    >>> guard.model.stop_training
    True
    """

    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Look at the running loss.

        Raises
        ------
        RuntimeError
            The loss is NaN or infinite, and `raise_error` is set.
        """
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(f"NaN or Inf loss encountered at batch {batch}. Loss value: {loss}. Terminating training immediately.")
        announce(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True
