"""First values of the weights, under Keras's names: a shape comes in, an array of that shape goes out.

Here a name, a configuration or a function becomes an initializer, and an initializer a configuration. The initializers themselves stand
in `constant_values` and, with their equations, in `random_values`.

Seeds: an integer seed gives an initializer its own stream, started anew at every call, so the same shape gives the same values. With
``seed=None`` the values come from the ``rng`` that the caller passes (a model passes its own), or else from the global generator, and
differ from call to call. (Keras fixes an unseeded initializer's seed when it is built: two layers that share one start equal.)

Source: Keras 3.15, ``keras/src/initializers/__init__.py``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from minirnn.configured import read_record
from minirnn.initializers.constant_values import Constant, Identity, Ones, Zeros
from minirnn.initializers.initializer import Array, Generator, Initializer, Shape
from minirnn.initializers.random_values import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
)
from minirnn.registry import lookup

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "deserialize",
    "get",
    "serialize",
]


class Given(Initializer):
    """Values that come from elsewhere: a function of (shape, dtype) that the user wrote, or an array of the weight's own shape."""

    def __init__(self, origin: Callable[..., Any] | Array | np.generic) -> None:
        self.origin = origin

    def fill(self, shape: Shape, dtype: np.dtype[Any], rng: Generator | None) -> Array:
        """Return a copy of the array, or what the function makes; `rng` is not passed on, as Keras's functions do not take one."""
        values = np.array(self.origin(shape, dtype=dtype.name) if callable(self.origin) else self.origin, dtype=dtype)
        if values.shape != shape:
            raise ValueError(f"initializer {self.origin!r}: expected values of shape {shape}, received shape {values.shape}.")
        return values


TABLE: dict[str, type[Initializer]] = {
    "constant": Constant,
    "glorot_normal": GlorotNormal,
    "glorot_uniform": GlorotUniform,
    "he_normal": HeNormal,
    "he_uniform": HeUniform,
    "identity": Identity,
    "lecun_normal": LecunNormal,
    "lecun_uniform": LecunUniform,
    "ones": Ones,
    "orthogonal": Orthogonal,
    "random_normal": RandomNormal,
    "random_uniform": RandomUniform,
    "truncated_normal": TruncatedNormal,
    "variance_scaling": VarianceScaling,
    "zeros": Zeros,
}
TABLE |= {initializer.__name__: initializer for initializer in TABLE.values()}
TABLE |= {"normal": RandomNormal, "one": Ones, "uniform": RandomUniform, "zero": Zeros}
TABLE |= {"IdentityInitializer": Identity, "OrthogonalInitializer": Orthogonal}


def get(identifier: Any) -> Initializer | None:
    """Return the initializer that `identifier` means.

    Parameters
    ----------
    identifier : str, dict, Initializer, class, callable, numpy.ndarray or None
        A name of Keras's ("glorot_uniform", "GlorotUniform", "uniform", ...); a configuration, as `serialize` writes it; an object or a
        class; a function of (shape, dtype); an array that holds the values themselves.

    Returns
    -------
    Initializer or None
        None for None. A function or an array comes back as an `Initializer` too, so that a layer may always pass ``rng``.

    Raises
    ------
    ValueError
        When nothing of that name is known, or `identifier` is none of the above.
    TypeError
        When a configuration has arguments that the initializer does not take.

    Examples
    --------
    >>> get("uniform")
    RandomUniform(seed=None, minval=-0.05, maxval=0.05)
    """
    if identifier is None or isinstance(identifier, Initializer):
        return identifier
    if isinstance(identifier, str):
        return lookup("initializer", identifier, TABLE)()
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if inspect.isclass(identifier):
        return get(identifier())
    if callable(identifier) or isinstance(identifier, np.ndarray | np.generic):
        return Given(identifier)
    raise ValueError(
        f"initializers.get: identifier must be a name, a configuration, an initializer, a function or an array, received {identifier!r} "
        f"of type {type(identifier).__name__}. Write for example 'glorot_uniform'."
    )


def serialize(initializer: Initializer | None) -> dict[str, Any] | None:
    """Return the configuration of `initializer` as Keras writes it in a ``.keras`` file; None for None.

    Raises
    ------
    ValueError
        When the values come from a function or an array, which a configuration cannot hold.

    Examples
    --------
    >>> serialize(Orthogonal())["config"]
    {'seed': None, 'gain': 1.0}
    """
    if initializer is None:
        return None
    if isinstance(initializer, Given):
        raise ValueError(
            f"initializers.serialize: {initializer.origin!r} cannot be written to a file. Use an initializer by name, or write a subclass "
            "of Initializer, or save the weights alone."
        )
    return {
        "module": "keras.initializers",
        "class_name": type(initializer).__name__,
        "config": initializer.get_config(),
        "registered_name": None,
    }


def deserialize(config: dict[str, Any]) -> Initializer:
    """Return the initializer that `serialize`, or Keras, wrote as `config`; nothing in it is executed.

    Raises
    ------
    ValueError
        When the class is missing or unknown.
    TypeError
        When the class does not take the arguments.

    Examples
    --------
    >>> deserialize(serialize(Constant(0.5)))((2,)).tolist()
    [0.5, 0.5]
    """
    if config.get("class_name") == "function" and isinstance(config.get("config"), str):  # how Keras writes a function
        return lookup("initializer", config["config"], TABLE)()
    return read_record("initializer", config, TABLE)
