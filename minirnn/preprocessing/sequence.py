"""Keras's older name for `minirnn.utils.pad_sequences`, handed on."""

from minirnn.sequences import pad_sequences

__all__ = ["pad_sequences"]
