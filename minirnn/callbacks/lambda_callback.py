"""A callback made of plain functions.

Comes in: functions, by the name of their hook. Goes out: a callback that calls them.

Source: ``keras/src/callbacks/lambda_callback.py``, Keras 3.15.1, which stores a misspelt hook and never calls it; here it is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minirnn.callbacks.callback import Callback
from minirnn.registry import lookup

_HOOKS = {name: name for name in vars(Callback) if name.startswith("on_")}

Hook = Callable[..., Any]


class LambdaCallback(Callback):
    """Call the given functions at their hooks.

    Parameters
    ----------
    on_epoch_begin, on_epoch_end : function of ``(epoch, logs)``
    on_train_begin, on_train_end : function of ``(logs)``
    on_train_batch_begin, on_train_batch_end : function of ``(batch, logs)``
    hooks : any other hook of `Callback` by name, with that hook's arguments.

    Raises
    ------
    ValueError
        A name that is no hook; the message offers the nearest one.
    TypeError
        A hook that cannot be called.

    Examples
    --------
    >>> stopwatch = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
    >>> stopwatch.on_epoch_end(0, {"loss": 0.5})
    0 0.5
    """

    def __init__(
        self,
        on_epoch_begin: Hook | None = None,
        on_epoch_end: Hook | None = None,
        on_train_begin: Hook | None = None,
        on_train_end: Hook | None = None,
        on_train_batch_begin: Hook | None = None,
        on_train_batch_end: Hook | None = None,
        **hooks: Hook | None,
    ) -> None:
        hooks.update(
            on_epoch_begin=on_epoch_begin,
            on_epoch_end=on_epoch_end,
            on_train_begin=on_train_begin,
            on_train_end=on_train_end,
            on_train_batch_begin=on_train_batch_begin,
            on_train_batch_end=on_train_batch_end,
        )
        for name, hook in hooks.items():
            lookup("callback hook", name, _HOOKS)
            if hook is None:
                continue
            if not callable(hook):
                raise TypeError(f"LambdaCallback: {name} must be a function, received {hook!r}. Pass the function itself, not its result.")
            setattr(self, name, hook)
