"""What an optimizer sees of a model: some weights in one vector, their gradients, and the slots."""

import numpy as np

from minirnn.layers import Dense
from minirnn.parameters import Parameters


class Weights:
    def __init__(self, values, dtype="float32", frozen=0):
        layers = []
        for value in values:
            layer = Dense(len(value), use_bias=False, trainable=len(layers) >= frozen)
            layer.dtype = np.dtype(dtype)
            layer.build((None, 1))
            layer.set_weights([np.array(value, dtype)[None]])
            layers.append(layer)
        self.layers = layers
        self.parameters = Parameters(layers, np.dtype(dtype))

    def step(self, optimizer, gradients, backend="numpy"):
        for layer, gradient in zip(self.layers, gradients, strict=True):
            layer.gradients["kernel"][...] = gradient
        optimizer.apply(self.parameters, backend)
        return [layer.values["kernel"][0].copy() for layer in self.layers]
