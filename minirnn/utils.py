"""Keras's public names for preparing sequences and seeds, handed on from the modules that define them."""

from minirnn.one_hot import to_categorical
from minirnn.randomness import set_random_seed
from minirnn.sequences import pad_sequences

__all__ = ["pad_sequences", "set_random_seed", "to_categorical"]
