"""Keras's namespace ``models``: it only hands names on."""

from minirnn.model import Sequential
from minirnn.saving import load_model

__all__ = ["Sequential", "load_model"]
