"""Ids to one-hot: ids of any shape come in, and V numbers for each go out, a 1 at the id and 0 elsewhere.

::

    one_hot[..., v]  =  1 if ids[...] == v else 0          v = 0..V-1

`to_categorical` writes the array, float64 as in Keras. `OneHot` only says what it would be: it keeps the ids, and a model trains on them
alone, since one-hot times a matrix picks rows of the matrix. 20,000 reviews of 100 ids with V = 200 take 8 MB, not 1.6 GB.

Source: ``keras/src/utils/numerical_utils.py`` (Keras 3.15) for `to_categorical`. `OneHot` is minirnn's own.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from minirnn.mapped import Pages, first_place, limits

Array = NDArray[Any]


def to_categorical(x: ArrayLike, num_classes: int | None = None) -> Array:
    """Return classes as a dense one-hot array.

    Parameters
    ----------
    x : array-like of int
        Class ids; negative ones count from the last class. Other numbers are converted to int64 as NumPy does (0.9 becomes 0).
        A last axis of size 1 is dropped, unless it is the only one.
    num_classes : int, optional
        Number of classes V; the largest id + 1 when left out or 0.

    Returns
    -------
    numpy.ndarray x.shape + (V,) float64
        1 at the class, 0 elsewhere.

    Raises
    ------
    ValueError
        When `x` is empty and `num_classes` is left out, `num_classes` is negative, or `x` is not numbers in a rectangle.
    TypeError
        When `num_classes` is not an integer, or `x` is not numbers.
    IndexError
        When an id is not in -V..V-1.

    Examples
    --------
    >>> to_categorical([0, 2], num_classes=3)
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    try:
        ids = np.array(x, dtype="int64")
    except (TypeError, ValueError) as error:
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(f"to_categorical: x must be whole numbers in a rectangle, received {type(x).__name__} ({error}).") from error
    shape = ids.shape[:-1] if ids.ndim > 1 and ids.shape[-1] == 1 else ids.shape
    flat = ids.reshape(-1)
    if not num_classes and not flat.size:
        raise ValueError(f"to_categorical: x is empty, received shape {shape}, so num_classes must be given. Pass the number of classes.")
    V = _class_count("to_categorical", num_classes) if num_classes else int(flat.max()) + 1
    if V < 0:
        raise ValueError(f"to_categorical: num_classes must be 0 or more, received {V}. Pass the largest id + 1.")
    if flat.size and not -V <= flat.min() <= flat.max() < V:
        first = np.argmax((flat < -V) | (flat >= V))
        place = tuple(int(axis) for axis in np.unravel_index(first, ids.shape))
        raise IndexError(
            f"to_categorical: classes must be {-V}..{V - 1} (num_classes={V}), received {flat[first]} at {place}. "
            "Pass a larger num_classes."
        )
    dense = np.zeros((flat.size, V))
    dense[np.arange(flat.size), flat] = 1
    return dense.reshape(*shape, V)


def _class_count(function: str, num_classes: Any) -> int:
    """Return `num_classes` as an integer, or say that it is none."""
    if not isinstance(num_classes, bool | np.bool_):
        try:
            return operator.index(num_classes)
        except TypeError:
            pass
    raise TypeError(
        f"{function}: num_classes must be an integer or None, received {num_classes!r} of type {type(num_classes).__name__}. "
        "Leave it out to take the largest id + 1."
    )


class OneHot:
    """A one-hot array that is not written out: ids, and how many classes there are.

    It stands where the dense array would: it has its shape and dtype, is indexed and cut like it, and becomes it with ``np.asarray``.
    Indexing the ids' axes gives another `OneHot` that shares the ids; once the class axis is touched, or only one id is left,
    the answer is dense, and equals what the dense array would answer.

    Parameters
    ----------
    ids : array-like of int, any shape
        0..V-1. They are checked and copied once, as int32 (int64 when V needs it), so that no later change can make them invalid. Those of
        a mapped file (``np.memmap``) are checked, but neither copied nor converted: a model checks each part again when it reads it.
    num_classes : int, optional
        V; the largest id + 1 when left out.
    dtype : dtype-like
        Of the dense array that this stands for.

    Attributes
    ----------
    ids : numpy.ndarray
        The ids; to be read, not written.
    num_classes : int
        V.
    dtype : numpy.dtype
        Of the dense array.

    Raises
    ------
    TypeError
        When the ids are not integers, or `num_classes` is not an integer.
    ValueError
        When an id is not in 0..V-1, `num_classes` is not positive, or is left out and there are no ids.

    Examples
    --------
    >>> x = OneHot([[1, 0, 2]], num_classes=4)
    >>> x.shape, x.nbytes
    ((1, 3, 4), 12)
    >>> x[0, 2]
    array([0., 0., 1., 0.], dtype=float32)
    """

    def __init__(self, ids: ArrayLike, num_classes: int | None = None, dtype: DTypeLike = "float32") -> None:
        try:
            given = np.asarray(ids)
        except ValueError as error:
            raise ValueError(f"OneHot: ids must be a rectangle ({error}). Pad ragged lists with pad_sequences.") from error
        if given.dtype.kind not in "iu":
            raise TypeError(
                f"OneHot: ids must be integers, received dtype {given.dtype} and shape {given.shape}. "
                "Convert whole numbers with ids.astype('int32'); pad ragged lists with pad_sequences."
            )
        if num_classes is None:
            if not given.size:
                raise ValueError(f"OneHot: there are no ids, received shape {given.shape}, so num_classes must be given.")
            V = limits(given)[1] + 1
        else:
            V = _class_count("OneHot", num_classes)
        if num_classes is not None and V < 1:
            raise ValueError(f"OneHot: num_classes must be 1 or more, received {V}. Pass the largest id + 1.")
        lowest, highest = limits(given)
        if lowest < 0 or highest >= V:
            place = first_place(given, lambda piece: (piece < 0) | (piece >= V))
            assert place is not None
            raise ValueError(
                f"OneHot: ids must be 0..{V - 1} (num_classes={V}), received {given[place]} at {place}. "
                "Pass a larger num_classes, or load the reviews with num_words=num_classes."
            )
        try:
            self.dtype: np.dtype[Any] = np.dtype(dtype)
        except TypeError:
            raise TypeError(f"OneHot: dtype must name a NumPy dtype, received {dtype!r}. Use 'float32' or 'float64'.") from None
        in_file = Pages(given).file is not None
        self.ids: Array = given if in_file else np.array(given, dtype=np.int32 if V <= 2**31 else np.int64, order="C")
        self.num_classes: int = V

    def sharing(self, ids: Array, dtype: np.dtype[Any]) -> OneHot:
        """Return a `OneHot` of as many classes, with ids that are checked already, without a copy."""
        other = object.__new__(OneHot)
        other.ids, other.num_classes, other.dtype = ids, self.num_classes, dtype
        return other

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the dense array: the ids' own, and V."""
        return (*self.ids.shape, self.num_classes)

    @property
    def ndim(self) -> int:
        """Number of axes, the class axis included."""
        return self.ids.ndim + 1

    @property
    def size(self) -> int:
        """Number of numbers in the dense array."""
        return self.ids.size * self.num_classes

    @property
    def nbytes(self) -> int:
        """Bytes of the ids, which are all that is kept."""
        return self.ids.nbytes

    def __len__(self) -> int:
        if self.ids.ndim == 0:
            raise TypeError("OneHot: a single id has no length, received ids of shape (). Use .shape.")
        return len(self.ids)

    def __repr__(self) -> str:
        return f"OneHot(shape={self.shape}, dtype={self.dtype}, ids={self.ids.dtype})"

    def astype(self, dtype: DTypeLike) -> OneHot:
        """Return the same one-hot array as another dtype, sharing the ids."""
        return self.sharing(self.ids, np.dtype(dtype))

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:
        if copy is False:
            raise ValueError(
                f"OneHot: the dense array of shape {self.shape} does not exist yet, so copy=False cannot be kept. Leave it out."
            )
        dense = np.zeros(self.shape, dtype=self.dtype if dtype is None else dtype)
        np.put_along_axis(dense, self.ids[..., np.newaxis], 1, axis=-1)
        return dense

    def __getitem__(self, key: Any) -> Any:
        leading = self._leading(key if isinstance(key, tuple) else (key,))
        if leading is not None:
            chosen = self.ids[leading]
            if chosen.ndim:
                return self.sharing(chosen, self.dtype)
        # Both are views that repeat what is there; indexed alike, they give any part of the dense array without the rest.
        ids = np.broadcast_to(self.ids[..., np.newaxis], self.shape)
        classes = np.broadcast_to(np.arange(self.num_classes), self.shape)
        return (ids[key] == classes[key]).astype(self.dtype)

    def _leading(self, keys: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """Return the part of an index that concerns the ids, or None when the class axis is cut, moved or picked from."""
        if keys and isinstance(keys[-1], slice) and keys[-1] == slice(None):
            spans = [_axes(key) for key in keys]
            if any(key is Ellipsis for key in keys) or sum(spans) == self.ndim:
                return keys[:-1]
        followed = any(key is Ellipsis for key in keys[:-1])
        return None if followed or sum(map(_axes, keys)) > self.ids.ndim else keys


def _axes(key: Any) -> int:
    """Return how many axes one part of an index uses up."""
    if key is None or key is Ellipsis or isinstance(key, bool | np.bool_):
        return 0
    if isinstance(key, list | np.ndarray):
        mask = np.asarray(key)
        return mask.ndim if mask.dtype == np.bool_ else 1
    return 1
