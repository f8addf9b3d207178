"""The data sets: IMDB as Keras has it, and the built-in reviews under the same contract."""

from minirnn.datasets import imdb, reviews

__all__ = ["imdb", "reviews"]
