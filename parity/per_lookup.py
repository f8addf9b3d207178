"""TensorFlow's RMSprop for an embedding, recomputed in NumPy around minirnn's reference layers.

Comes in: a model [Embedding, SimpleRNN, Dense with a sigmoid], ids (N,T) and labels. Goes out: its weights after one epoch. For a row v of
the embedding, looked up at the places i of a batch, with the gradient g_i at each:

    velocity_v <- rho velocity_v + (1 - rho) Σ_i g_i²        instead of (Σ_i g_i)²
    w_v        <- w_v - learning_rate Σ_i g_i / sqrt(velocity_v + epsilon)

Source: Keras 3.15.1 on TensorFlow 2.21, where an embedding's gradient is a list of rows whose repetitions are not merged before they are
squared.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.activations import sigmoid
from parity.case import Tensors


def train(model: Any, ids: np.ndarray, y: np.ndarray, batch_size: int, learning_rate: float, rho: float, epsilon: float) -> Tensors:
    """Take one step per batch, in the data's order, and give the weights."""
    embedding, rnn, dense = model.layers
    weights = {(layer, name): value for layer in model.layers for name, value in layer.values.items()}
    velocities = {key: np.zeros_like(value) for key, value in weights.items()}
    number = model.dtype.type
    learning_rate, keep, take, epsilon = number(learning_rate), number(rho), number(1 - rho), number(epsilon)
    for start in range(0, len(ids), batch_size):
        batch, labels = ids[start : start + batch_size], y[start : start + batch_size, None]
        for layer in model.layers:
            for gradient in layer.gradients.values():
                gradient.fill(0)
        dense.forward(rnn.forward(embedding.forward(batch)))
        dlogits = ((sigmoid(dense.logits) - labels) / len(batch)).astype(model.dtype)
        dx = rnn.backward(dense.backward_from_logits(dlogits))
        embedding.backward(dx)
        squares = np.zeros_like(embedding.values["embeddings"])
        np.add.at(squares, batch, dx * dx)
        for (layer, name), weight in weights.items():
            gradient, velocity = layer.gradients[name], velocities[layer, name]
            velocity *= keep
            velocity += take * (squares if layer is embedding else gradient * gradient)
            weight -= learning_rate * gradient / np.sqrt(velocity + epsilon)
    return {f"{layer.name}.{name}": value.copy() for (layer, name), value in weights.items()}
