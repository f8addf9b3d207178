"""minirnn: recurrent networks from scratch, in NumPy and numba.

The glossary of letters, in every equation and shape of the package. Indices are the lower-case letters; units use i and j, so that h
stays the state. A gradient is ``d`` + the name of what it is the gradient of, in its shape.

    ======  =============================================================  =======================
    letter  meaning                                                        Keras's word
    ======  =============================================================  =======================
    N       examples in the data set
    B       rows in this batch                                             batch_size
    T       time steps after padding                                       maxlen, timesteps
    V       vocabulary size; ids are 0..V-1                                input_dim, num_classes
    E       width entering the recurrent layer (one-hot: E = V)            output_dim, features
    H       hidden units                                                   units
    O, K    outputs of a layer; all outputs of an example in one row       units
    ids     integer tokens (N,T) or (B,T)
    x       input of the recurrent layer (B,T,E)
    hs      states (T+1,B,H), time first; slot 0 is the initial state      states
    z       what the activation is applied to: h = tanh(z)
    Wx      weights from input to state (E,H)                              kernel
    Wh      weights from state to state (H,H)                              recurrent_kernel
    b       (H,)                                                           bias
    logits  outputs before the sigmoid; probs after it
    ======  =============================================================  =======================

Public names are loaded at their first use, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_MODULES = (
    "datasets",
    "preprocessing",
    "sequences",
    "utils",
    "initializers",
    "activations",
    "regularizers",
    "constraints",
    "layers",
    "losses",
    "metrics",
    "optimizers",
    "callbacks",
    "models",
    "saving",
    "plots",
)
_NAMES = {
    "OneHot": "minirnn.one_hot",
    "Input": "minirnn.layers",
    "Sequential": "minirnn.model",
    "set_num_threads": "minirnn.threads",
    "get_num_threads": "minirnn.threads",
    "warmup": "minirnn.warming",
    "trace": "minirnn.tracing",
    "Trace": "minirnn.tracing",
    "check": "minirnn.checking",
    "exercises": "minirnn.checking",
}

__all__ = [*_MODULES, *_NAMES]  # in the order of the data flow

if TYPE_CHECKING:
    from minirnn import (
        activations,
        callbacks,
        constraints,
        datasets,
        initializers,
        layers,
        losses,
        metrics,
        models,
        optimizers,
        plots,
        preprocessing,
        regularizers,
        saving,
        sequences,
        utils,
    )
    from minirnn.checking import check, exercises
    from minirnn.layers import Input
    from minirnn.model import Sequential
    from minirnn.one_hot import OneHot
    from minirnn.threads import get_num_threads, set_num_threads
    from minirnn.tracing import Trace, trace
    from minirnn.warming import warmup


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"minirnn.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'minirnn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
