"""Keras's older name for preparing sequences, handed on."""

from minirnn.preprocessing import sequence

__all__ = ["sequence"]
