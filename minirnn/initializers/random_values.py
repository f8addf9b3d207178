"""First weights that are drawn: the classes, and above them the arithmetic that they name.

Every draw is made in float64 and rounded to the wanted dtype at the end, so that a float32 model and its float64 twin start at the same
point. With u uniform in [0, 1), n standard normal, and t standard normal drawn again while |t| > 2::

    uniform             minval + (maxval - minval)·u
    normal              mean + stddev·n
    truncated normal    mean + stddev·t
    variance scaling    s = scale / max(1, fan),   fan = fan_in, fan_out, or (fan_in + fan_out)/2
                        uniform             in [-limit, limit), limit = sqrt(3 s)
                        untruncated normal  stddev = sqrt(s)
                        truncated normal    stddev = sqrt(s) / 0.8796..., so that after the cut the variance is s
    glorot              scale 1, fan_avg;  he: scale 2, fan_in;  lecun: scale 1, fan_in
    orthogonal          N (max(r,c), min(r,c)) normal;  Q·R = N;  gain · Q·sign(diag R), transposed if r < c

Source: Keras 3.15, ``keras/src/initializers/random_initializers.py``; Glorot and Bengio 2010; He et al. 2015; LeCun et al. 1998;
Saxe et al. 2014; for the signs of diag R, Mezzadri 2007, "How to generate random matrices from the classical compact groups".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from minirnn.initializers.initializer import Array, Generator, Initializer, Shape
from minirnn.randomness import generator, global_generator
from minirnn.registry import lookup

TRUNCATED_STDDEV = 0.87962566103423978
"""Standard deviation of a standard normal variable cut at -2 and 2."""


def uniform(shape: Shape, minval: float, maxval: float, dtype: np.dtype[Any], rng: Generator) -> Array:
    """Return values of `dtype`, uniform in the half-open interval [minval, maxval)."""
    values = np.asarray(minval + (maxval - minval) * rng.random(shape), dtype=dtype)
    # Rounding to a narrower dtype can land on maxval itself (test_uniform_never_returns_maxval fails without this line).
    return np.asarray(np.minimum(values, np.nextafter(dtype.type(maxval), dtype.type(minval))))


def normal(shape: Shape, mean: float, stddev: float, dtype: np.dtype[Any], rng: Generator) -> Array:
    """Return values of `dtype`, normal."""
    return np.asarray(mean + stddev * rng.standard_normal(shape), dtype=dtype)


def truncated_normal(shape: Shape, mean: float, stddev: float, dtype: np.dtype[Any], rng: Generator) -> Array:
    """Return values of `dtype`, normal, none further than two `stddev` from `mean` (before rounding)."""
    values = rng.standard_normal(math.prod(shape))
    outside = np.flatnonzero(np.abs(values) > 2.0)
    while outside.size:
        values[outside] = rng.standard_normal(outside.size)
        outside = outside[np.abs(values[outside]) > 2.0]
    return np.asarray(mean + stddev * values.reshape(shape), dtype=dtype)


def orthogonal(shape: Shape, gain: float, dtype: np.dtype[Any], rng: Generator) -> Array:
    """Return `gain` times a matrix with orthonormal columns (rows, if it is wide), of `dtype`.

    More than two axes are filled as the matrix (product of all but the last, last).
    """
    rows, columns = math.prod(shape[:-1]), shape[-1]
    Q, R = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    # LAPACK fixes the signs of R's diagonal in its own way; with them undone, Q is uniform over the orthogonal matrices.
    Q = Q * np.sign(np.diagonal(R))
    if rows < columns:
        Q = Q.T
    return np.ascontiguousarray(gain * Q.reshape(shape), dtype=dtype)


def compute_fans(shape: Shape, input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None) -> tuple[int, int]:
    """Return (fan_in, fan_out): how many units a weight of `shape` reads from and writes to.

    A matrix has its two sizes; a vector its length twice; a scalar 1 and 1. More axes are read as a convolution kernel
    (window..., inputs, outputs), each position of the window a unit of its own. Given both, `input_axes` and `output_axes` decide.
    """
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[axis] for axis in input_axes), math.prod(shape[axis] for axis in output_axes)
    if len(shape) == 0:
        return 1, 1
    if len(shape) == 1:
        return shape[0], shape[0]
    window = math.prod(shape[:-2])
    return shape[-2] * window, shape[-1] * window


class RandomInitializer(Initializer):
    """An initializer that draws. `seed` is a Python integer, or None for the caller's stream; a subclass writes `draw`."""

    kinds: ClassVar[str] = "f"
    arguments: ClassVar[tuple[str, ...]] = ("seed",)

    def __init__(self, seed: int | None = None) -> None:
        if seed is not None and not isinstance(seed, int):
            raise ValueError(
                f"{type(self).__name__}: seed must be a Python integer or None, received {seed!r} of type {type(seed).__name__}. "
                "Convert it with int(seed); Keras's SeedGenerator is not supported."
            )
        self.seed = seed

    def fill(self, shape: Shape, dtype: np.dtype[Any], rng: Generator | None) -> Array:
        """Choose the stream and draw from it."""
        if self.seed is not None:
            rng = generator(self.seed)
        return self.draw(shape, dtype, global_generator() if rng is None else rng)

    def draw(self, shape: Shape, dtype: np.dtype[Any], rng: Generator) -> Array:
        """Return values drawn from `rng`."""
        raise NotImplementedError(f"{type(self).__name__} must implement draw(shape, dtype, rng).")


class RandomUniform(RandomInitializer):
    """Uniform in [minval, maxval): `minval` may be drawn, `maxval` never is. ValueError when `minval` is the greater.

    Examples
    --------
    >>> w = RandomUniform(-0.5, 0.25, seed=1)((200, 100))
    >>> round(float(w.min()), 2), round(float(w.max()), 2)
    (-0.5, 0.25)
    """

    arguments: ClassVar[tuple[str, ...]] = ("seed", "minval", "maxval")

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        if not minval <= maxval:
            raise ValueError(f"RandomUniform: minval must not exceed maxval, received minval={minval}, maxval={maxval}. Exchange them.")
        self.minval = minval
        self.maxval = maxval

    def draw(self, shape: Shape, dtype: np.dtype[Any], rng: Generator) -> Array:
        """Return values drawn from `rng`."""
        return uniform(shape, self.minval, self.maxval, dtype, rng)


class RandomNormal(RandomInitializer):
    """Normal with the given mean and standard deviation.

    Examples
    --------
    >>> w = RandomNormal(stddev=0.5, seed=1)((200, 100))
    >>> round(float(w.std()), 2)
    0.5
    """

    arguments: ClassVar[tuple[str, ...]] = ("seed", "mean", "stddev")

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def draw(self, shape: Shape, dtype: np.dtype[Any], rng: Generator) -> Array:
        """Return values drawn from `rng`."""
        return normal(shape, self.mean, self.stddev, dtype, rng)


class TruncatedNormal(RandomNormal):
    """Normal, values further than two standard deviations from the mean drawn again; `stddev` is that before the cut.

    Examples
    --------
    >>> w = TruncatedNormal(stddev=0.5, seed=1)((200, 100))
    >>> bool(abs(w).max() <= 2 * 0.5)
    True
    """

    def draw(self, shape: Shape, dtype: np.dtype[Any], rng: Generator) -> Array:
        """Return values drawn from `rng`."""
        return truncated_normal(shape, self.mean, self.stddev, dtype, rng)


class VarianceScaling(RandomInitializer):
    """Values of mean 0 whose variance is `scale` divided by the number of units that the weight joins.

    Parameters
    ----------
    scale : float
        Positive factor.
    mode : {"fan_in", "fan_out", "fan_avg"}
        Which units are counted.
    distribution : {"truncated_normal", "untruncated_normal", "uniform"}
        "normal" is another name of the first; case does not matter.
    seed : int or None
        An integer, or None for the caller's stream.
    input_axes, output_axes : sequence of int, optional
        The axes of the weight that count as inputs and as outputs, when both are given.

    Raises
    ------
    ValueError
        When `scale` is not positive, or `mode` or `distribution` is unknown.

    Examples
    --------
    >>> w = VarianceScaling(3.0, mode="fan_out", seed=1)((200, 100))
    >>> round(float(w.std()), 2), round((3 / 100) ** 0.5, 2)
    (0.17, 0.17)
    """

    arguments: ClassVar[tuple[str, ...]] = ("seed", "scale", "mode", "distribution", "input_axes", "output_axes")

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(seed)
        if not scale > 0.0:
            raise ValueError(f"VarianceScaling: scale must be greater than 0, received {scale!r}.")
        modes = {name: name for name in ("fan_in", "fan_out", "fan_avg")}
        distributions = {name: name for name in ("truncated_normal", "untruncated_normal", "uniform")}
        distributions["normal"] = distributions["truncated_normal"]
        self.scale = scale
        self.mode = lookup("VarianceScaling mode", mode, modes)
        self.distribution = lookup("VarianceScaling distribution", str(distribution).lower(), distributions)
        self.input_axes = input_axes
        self.output_axes = output_axes

    def draw(self, shape: Shape, dtype: np.dtype[Any], rng: Generator) -> Array:
        """Return values drawn from `rng`."""
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return uniform(shape, -limit, limit, dtype, rng)
        if self.distribution == "untruncated_normal":
            return normal(shape, 0.0, math.sqrt(variance), dtype, rng)
        return truncated_normal(shape, 0.0, math.sqrt(variance) / TRUNCATED_STDDEV, dtype, rng)


class _NamedScaling(VarianceScaling):
    """A `VarianceScaling` whose scale, mode and distribution are its name."""

    arguments: ClassVar[tuple[str, ...]] = ("seed", "input_axes", "output_axes")
    scaling: ClassVar[tuple[float, str, str]]

    def __init__(self, seed: int | None = None, input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None) -> None:
        super().__init__(*self.scaling, seed, input_axes, output_axes)


class GlorotUniform(_NamedScaling):
    """Uniform in [-L, L), L = sqrt(6 / (fan_in + fan_out)); also called Xavier. Keras's default for kernels.

    Examples
    --------
    >>> w = GlorotUniform(seed=1)((200, 100))
    >>> round(float(w.std()), 2), round((2 / (200 + 100)) ** 0.5, 2)
    (0.08, 0.08)
    """

    scaling = (1.0, "fan_avg", "uniform")


class GlorotNormal(_NamedScaling):
    """Truncated normal of standard deviation sqrt(2 / (fan_in + fan_out)).

    Examples
    --------
    >>> w = GlorotNormal(seed=1)((200, 100))
    >>> round(float(w.std()), 2), round((2 / (200 + 100)) ** 0.5, 2)
    (0.08, 0.08)
    """

    scaling = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_NamedScaling):
    """Uniform in [-L, L), L = sqrt(6 / fan_in); meant for relu.

    Examples
    --------
    >>> w = HeUniform(seed=1)((200, 100))
    >>> round(float(w.std()), 2), round((2 / 200) ** 0.5, 2)
    (0.1, 0.1)
    """

    scaling = (2.0, "fan_in", "uniform")


class HeNormal(_NamedScaling):
    """Truncated normal of standard deviation sqrt(2 / fan_in); meant for relu.

    Examples
    --------
    >>> w = HeNormal(seed=1)((200, 100))
    >>> round(float(w.std()), 2), round((2 / 200) ** 0.5, 2)
    (0.1, 0.1)
    """

    scaling = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_NamedScaling):
    """Uniform in [-L, L), L = sqrt(3 / fan_in).

    Examples
    --------
    >>> w = LecunUniform(seed=1)((200, 100))
    >>> round(float(w.std()), 2), round((1 / 200) ** 0.5, 2)
    (0.07, 0.07)
    """

    scaling = (1.0, "fan_in", "uniform")


class LecunNormal(_NamedScaling):
    """Truncated normal of standard deviation sqrt(1 / fan_in).

    Examples
    --------
    >>> w = LecunNormal(seed=1)((200, 100))
    >>> round(float(w.std()), 2), round((1 / 200) ** 0.5, 2)
    (0.07, 0.07)
    """

    scaling = (1.0, "fan_in", "truncated_normal")


class Orthogonal(RandomInitializer):
    """`gain` times a matrix with orthonormal columns (rows, if it is wide). Keras's default for recurrent kernels.

    Examples
    --------
    >>> Wh = Orthogonal(seed=1)((3, 3), dtype="float64")
    >>> bool(np.allclose(Wh.T @ Wh, np.eye(3)))
    True
    """

    arguments: ClassVar[tuple[str, ...]] = ("seed", "gain")

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def draw(self, shape: Shape, dtype: np.dtype[Any], rng: Generator) -> Array:
        """Return values drawn from `rng`; ValueError for fewer than two axes."""
        if len(shape) < 2:
            raise ValueError(f"Orthogonal: shape must have two axes or more, received {shape}. Use another initializer for this weight.")
        return orthogonal(shape, self.gain, dtype, rng)
