"""Callbacks: objects that `fit`, `evaluate` and `predict` call at every begin and end, to watch, to save or to stop.

Comes in: epoch and batch numbers, and the logs (name to value). Goes out: a history, files, a progress line, a learning rate, or
``model.stop_training``. One concept a file; this one only hands the names on. Read `callback` first: it lists the hooks and their order.

Source: the names, arguments and arithmetic are those of ``keras/src/callbacks`` in Keras 3.15.1, except where a module says otherwise.
"""

from minirnn.callbacks.callback import Callback
from minirnn.callbacks.callback_list import CallbackList
from minirnn.callbacks.csv_logger import CSVLogger
from minirnn.callbacks.early_stopping import EarlyStopping
from minirnn.callbacks.history import History
from minirnn.callbacks.inspector import Inspector
from minirnn.callbacks.lambda_callback import LambdaCallback
from minirnn.callbacks.learning_rate_scheduler import LearningRateScheduler
from minirnn.callbacks.model_checkpoint import ModelCheckpoint
from minirnn.callbacks.monitor import MonitorCallback
from minirnn.callbacks.progress_bar import ProgressBar
from minirnn.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau
from minirnn.callbacks.terminate_on_nan import TerminateOnNaN

ProgbarLogger = ProgressBar
"""Keras's name of `ProgressBar`."""

__all__ = [
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "Inspector",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "MonitorCallback",
    "ProgbarLogger",
    "ProgressBar",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]
