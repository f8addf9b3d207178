"""The embedding: each id picks a row of a table of weights.

Comes in: ids (B,T), integers 0..V-1. Goes out: x (B,T,E), with x_bt = embeddings[ids_bt].

Backward: d_embeddings[v] += Σ dx_bt over all places (b,t) where ids_bt = v. Padding repeats an id in nearly every row, so the sum must
count repetitions: ``embeddings[ids] += dx`` in NumPy counts each id once, and is wrong.

In front of a SimpleRNN none of this runs: ``token_rnn.py`` computes both layers as one step.

Source: Keras 3.15, ``keras/src/layers/core/embedding.py``. Ids out of range raise; Keras wraps negative ones around, and depending on its
backend raises or gives NaN for large ones.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, ClassVar, cast

import numpy as np

from minirnn import constraints, initializers, regularizers
from minirnn.batches import TokenRows
from minirnn.jit import jit
from minirnn.layers import lookups
from minirnn.layers.distinct import Search
from minirnn.layers.layer import Kernels, Layer, Shape, not_supported, positive_integer
from minirnn.mapped import first_place, limits


def embedding_forward_ref(embeddings: np.ndarray, ids: np.ndarray, rows: np.ndarray, x: np.ndarray) -> None:
    """x (B,T,E) = embeddings (V,E) at ids (N,T) of those rows (B,)."""
    x[...] = embeddings[ids[rows]]


@jit
def embedding_forward_jit(embeddings: np.ndarray, ids: np.ndarray, rows: np.ndarray, x: np.ndarray) -> None:
    """The same, compiled."""
    B, T, E = x.shape
    for b in range(B):
        for t in range(T):
            v = ids[rows[b], t]
            for i in range(E):
                x[b, t, i] = embeddings[v, i]


def embedding_backward_ref(dx: np.ndarray, ids: np.ndarray, rows: np.ndarray, dembeddings: np.ndarray) -> None:
    """Add dx (B,T,E) into dembeddings (V,E), repeated ids as often as they stand there."""
    np.add.at(dembeddings, ids[rows], dx)


@jit
def embedding_backward_jit(dx: np.ndarray, ids: np.ndarray, rows: np.ndarray, dembeddings: np.ndarray) -> None:
    """The same, compiled."""
    B, T, E = dx.shape
    for b in range(B):
        for t in range(T):
            v = ids[rows[b], t]
            for i in range(E):
                dembeddings[v, i] += dx[b, t, i]


BACKENDS = {
    "numpy": Kernels(embedding_forward_ref, embedding_backward_ref),
    "numba": Kernels(embedding_forward_jit, embedding_backward_jit),
}


class Embedding(Layer):
    """Turn ids into dense vectors.

    Parameters
    ----------
    input_dim : V, a positive integer; ids are 0..V-1
    output_dim : E, a positive integer
    embeddings_initializer : of the weight (V,E)
    embeddings_regularizer, activity_regularizer : what a large weight and large x cost
    embeddings_constraint : what the weight must be after every update
    mask_zero : id 0 is padding: later layers skip it
    weights : array (V,E), or a list of one: the first values
    input_length : accepted with a warning, as Keras 3 does; here it also tells the layer T

    Raises
    ------
    ValueError
        For sizes that are not positive integers, and for arguments of Keras's that minirnn lacks.

    Examples
    --------
    >>> layer = Embedding(input_dim=5, output_dim=2, embeddings_initializer="ones")
    >>> layer(np.array([[0, 4, 4]])).shape
    (1, 3, 2)
    >>> layer.count_params()
    10
    """

    weight_names: ClassVar[tuple[str, ...]] = ("embeddings",)
    looked_up: ClassVar[tuple[str, ...]] = ("embeddings",)

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: Any = None,
        lora_alpha: Any = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        input_length = kwargs.pop("input_length", None)
        if input_length is not None:
            warnings.warn("Embedding: input_length is deprecated in Keras 3; give the model an Input instead.", UserWarning, stacklevel=2)
            lengths = input_length if isinstance(input_length, Sequence) else (input_length,)
            kwargs.setdefault("input_shape", tuple(lengths))
        super().__init__(**kwargs)
        not_supported("Embedding", lora_rank=lora_rank, lora_alpha=lora_alpha, quantization_config=quantization_config)
        self.input_dim = positive_integer("Embedding", "input_dim", input_dim)
        self.output_dim = positive_integer("Embedding", "output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.squares: np.ndarray | None = None
        """(V,E), where an optimizer wants the squares of each lookup's gradient (``lookups.py``); else None."""
        self._search = Search()
        if weights is not None:
            self.build((None, None))
            self.set_weights(weights if isinstance(weights, list | tuple) else [weights])

    def twin(self, dtype: Any, backend: str) -> Embedding:
        """Give a layer of the same kind and arguments, with a copy of the weights, that no optimizer asks for squares."""
        other = cast("Embedding", super().twin(dtype, backend))
        other.squares, other._search = None, Search()
        return other

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(B,T) -> (B,T,E)."""
        return (*input_shape, self.output_dim)

    def make_weights(self, input_shape: Shape, rng: np.random.Generator) -> None:
        """One weight, embeddings (V,E)."""
        if not self.values:
            assert self.embeddings_initializer is not None
            shape, regularizer, constraint = (self.input_dim, self.output_dim), self.embeddings_regularizer, self.embeddings_constraint
            self.add_weight("embeddings", shape, self.embeddings_initializer, rng, regularizer, constraint)

    def __call__(self, x: Any, mask: Any = None, training: bool = False) -> np.ndarray:
        """Look ids up, of any shape; whole numbers in a float array are taken too."""
        ids = check_ids("Embedding", x, self.input_dim)
        if not self.built:
            self.build((None, *ids.shape[1:]))
        x_out = np.array(self.values["embeddings"][ids])
        self.note_activity(x_out)
        return x_out

    def compute_mask(self, x: Any, mask: np.ndarray | None) -> np.ndarray | None:
        """True where the id is not 0, with ``mask_zero``; else None."""
        if not self.mask_zero:
            return None
        tokens = token_rows(x)
        return np.asarray(tokens.ids[tokens.rows] != 0)

    def forward(self, x: Any, mask: np.ndarray | None = None, training: bool = False) -> np.ndarray:
        """Ids (B,T) -> x (B,T,E)."""
        self._tokens = token_rows(x)
        x_out = self.scratch("x", (*self._tokens.shape, self.output_dim))
        BACKENDS[self.backend].forward(self.values["embeddings"], self._tokens.ids, self._tokens.rows, x_out)
        return x_out

    def backward(self, dy: np.ndarray) -> None:
        """Add dy (B,T,E) into the rows that were read. Ids have no gradient."""
        dx = np.ascontiguousarray(dy, self.dtype)
        ids, rows = self._tokens.ids, self._tokens.rows
        found = self._search(self._tokens, self.gradients["embeddings"].shape, self.backend)
        self.note_rows("embeddings", None if found is None else found.distinct)
        BACKENDS[self.backend].backward(dx, ids, rows, self.gradients["embeddings"])
        if self.squares is not None:
            lookups.BACKENDS[self.backend].square(dx, ids, rows, self.squares)

    def get_config(self) -> dict[str, Any]:
        """Give the constructor's arguments, in Keras's names and order."""
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": initializers.serialize(self.embeddings_initializer),
            "embeddings_regularizer": regularizers.serialize(self.embeddings_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "embeddings_constraint": constraints.serialize(self.embeddings_constraint),
            "mask_zero": self.mask_zero,
        }


def token_rows(x: Any) -> TokenRows:
    """Give ids (B,T) as rows of themselves; token rows as they are."""
    return x if isinstance(x, TokenRows) else TokenRows(x, np.arange(len(x)))


def check_ids(function: str, x: Any, V: int) -> np.ndarray:
    """Give ids as an integer array, 0..V-1.

    Raises
    ------
    ValueError
        When a number is not whole, or out of range: the message names it, its place and V.
    TypeError
        When they are not numbers.
    """
    ids = np.asarray(x)
    inspect_ids(function, ids, V)
    return ids if ids.dtype.kind in "iu" else ids.astype(np.int64)


def inspect_ids(function: str, ids: np.ndarray, V: int) -> None:
    """Raise ValueError or TypeError unless numbers are ids 0..V-1; a file is read piece by piece."""
    if ids.dtype.kind not in "iubf":
        raise TypeError(f"{function}: ids must be integers, received dtype {ids.dtype}. Ragged lists go through pad_sequences first.")
    if ids.dtype.kind == "f":
        place = first_place(ids, lambda piece: ~np.isfinite(piece) | (piece != np.floor(piece)))
        if place is not None:
            raise ValueError(f"{function}: ids must be whole numbers, received {ids[place]} at {place}. Convert words to ids first.")
    lowest, highest = limits(ids)
    if lowest < 0 or highest >= V:
        place = first_place(ids, lambda piece: (piece < 0) | (piece >= V))
        assert place is not None
        axes = "(b, t)" if ids.ndim == 2 else "index"
        raise ValueError(
            f"{function}: id {int(ids[place])} at {axes} = {place} is not in 0..{V - 1}. "
            f"Load the data with num_words={V}, or give the layer a larger input_dim."
        )
