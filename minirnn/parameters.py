"""All weights of a model in one flat vector; every layer holds named views into it.

Comes in: built layers. Goes out: ``values`` and ``gradients``, two vectors of the same length, and the ``slots`` that say which part is
whose. The optimizer sees only the vectors: one update is one pass over memory, whatever the layers are. Trainable weights come first, so
that what the optimizer may change is one slice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from minirnn.layers import distinct
from minirnn.layers.embedding import Embedding
from minirnn.layers.layer import Layer

NO_ROWS = np.empty(0, np.int32)


@dataclass(frozen=True, slots=True)
class Slot:
    """One weight's place.

    Attributes
    ----------
    layer : whose weight it is
    name : under which the layer keeps it, e.g. ``"recurrent_kernel"``
    shape : of the weight
    slice : where it lies in the flat vectors
    trainable : whether the optimizer may change it
    """

    layer: Layer
    name: str
    shape: tuple[int, ...]
    slice: slice
    trainable: bool


class Parameters:
    """The weights of some layers, laid out in one vector. The layers' arrays become views into it.

    Parameters
    ----------
    layers : built layers, in order
    dtype : of the vectors

    Attributes
    ----------
    values, gradients (P,) : all weights, and what backward adds up for them
    slots : one per weight, in the order of ``get_weights``
    trainable : the slice of the vectors that the optimizer may change
    squares (P,) : the square of each gradient, for an embedding that of each lookup's; None unless ``square_lookups`` wants it
    penalized : whether weights or outputs of these layers cost something
    """

    def __init__(self, layers: Sequence[Layer], dtype: np.dtype[np.floating]) -> None:
        leaves = [leaf for layer in layers for leaf in layer.walk()]
        weights = [(layer, name) for layer in leaves for name in layer.weight_names if name in layer.values]
        places: dict[tuple[int, str], slice] = {}
        end = 0
        for wanted in (True, False):
            for layer, name in weights:
                if layer.trainable is wanted:
                    places[id(layer), name] = slice(end, end + layer.values[name].size)
                    end += layer.values[name].size
            if wanted:
                self.trainable = slice(0, end)
        self.values = np.zeros(end, dtype)
        self.gradients = np.zeros(end, dtype)
        self.slots: list[Slot] = []
        for layer, name in weights:
            place, shape = places[id(layer), name], layer.values[name].shape
            self.values[place] = layer.values[name].ravel()
            layer.values[name] = self.values[place].reshape(shape)
            layer.gradients[name] = self.gradients[place].reshape(shape)
            layer.touched[name] = None
            self.slots.append(Slot(layer, name, shape, place, layer.trainable))
        self.penalized = any(layer.regularizers or layer.activity_regularizer is not None for layer in leaves)
        self._constrained = [slot for slot in self.slots if slot.trainable and slot.name in slot.layer.constraints]
        self._looked_up = [slot for slot in self.slots if slot.name in vars(type(slot.layer)).get("looked_up", ())]
        self._looked_up.sort(key=lambda slot: slot.slice.start)
        self.squares: np.ndarray | None = None

    def square_lookups(self, wanted: bool) -> None:
        """Have embeddings add up the square of each lookup's gradient, or no longer."""
        self.squares = np.zeros_like(self.gradients) if wanted else None
        self._summed = np.ones(len(self.gradients), bool)
        for slot in self.slots:
            if isinstance(slot.layer, Embedding):
                slot.layer.squares = self._squares_of(slot)
                self._summed[slot.slice] = slot.layer.squares is None

    def _squares_of(self, slot: Slot) -> np.ndarray | None:
        if self.squares is None or slot.name in slot.layer.regularizers:
            return None  # what the weight costs has a gradient on every row, and TensorFlow then sums the lookups too
        return self.squares[slot.slice].reshape(slot.shape)

    def square_gradients(self) -> np.ndarray:
        """Fill in the squares of all gradients that are not looked up, and give the trainable ones."""
        assert self.squares is not None
        np.multiply(self.gradients, self.gradients, out=self.squares, where=self._summed)
        return self.squares[self.trainable]

    def clear_gradients(self) -> None:
        """Set to 0 what backward adds to: of weights that are looked up, the rows that it has added to since the last time."""
        start = 0
        for slot in self._looked_up:
            rows = slot.layer.touched[slot.name]
            if rows is not None:
                self.gradients[start : slot.slice.start].fill(0)
                distinct.BACKENDS[slot.layer.backend].clear(self.gradients[slot.slice].reshape(slot.shape), rows)
                start = slot.slice.stop
        self.gradients[start:].fill(0)
        for slot in self._looked_up:
            slot.layer.touched[slot.name] = NO_ROWS
        if self.squares is not None:
            self.squares.fill(0)

    def known_rows(self) -> list[tuple[Slot, np.ndarray]]:
        """Give the trainable weights of which only some rows have a gradient, and those rows (U,), in the order of the flat vectors."""
        rows = [(slot, slot.layer.touched[slot.name]) for slot in self._looked_up if slot.trainable]
        return [(slot, known) for slot, known in rows if known is not None]

    def constrain(self) -> None:
        """Make every trainable weight that has a constraint what it allows."""
        for slot in self._constrained:
            value = self.values[slot.slice].reshape(slot.shape)
            value[...] = slot.layer.constraints[slot.name](value)

    def hold(self) -> None:
        """Take the layers back where another model that shares them has laid them out since, with the weights that they have now."""
        for slot in self.slots:
            value = slot.layer.values[slot.name]
            if value.base is not self.values:
                self.values[slot.slice] = value.ravel()
                slot.layer.values[slot.name] = self.values[slot.slice].reshape(slot.shape)
                slot.layer.gradients[slot.name] = self.gradients[slot.slice].reshape(slot.shape)
                slot.layer.touched[slot.name] = None
                if isinstance(slot.layer, Embedding):
                    slot.layer.squares = self._squares_of(slot)
