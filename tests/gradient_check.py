"""Gradients by two ways that know nothing of backward: the complex step, and central differences.

    complex step          dL/dw = Im L(w + i s) / s             no subtraction, so s can be 1e-30 and the answer is exact to rounding
    central differences   dL/dw = (L(w + s) - L(w - s)) / 2 s   errs by s² L'''/6 and by eps L / s

A ``SmallModel`` is a row of layers on the numpy backend. It runs in float64, and, since the references work at any dtype, in complex
numbers too: the complex step goes through the layers themselves.
"""

import numpy as np
from twins import require, verdict

from minirnn.layers.penalized import bare, priced
from minirnn.layers.token_rnn import TokenBidirectional, TokenRNN

COMPLEX_STEP = 1e-30
STEP = 2.0**-17  # near the cube root of eps, where both errors of a central difference are about 5e-11
CENTRAL_ERROR = STEP**2 + np.finfo(np.float64).eps / STEP


def complex_step(loss, arrays):
    """Gradient of loss(arrays) on every array, by name."""
    gradients = {}
    for name, array in arrays.items():
        gradients[name] = np.zeros(array.shape)
        for place in np.ndindex(array.shape):
            shifted = array.astype(np.complex128)
            shifted[place] += 1j * COMPLEX_STEP
            gradients[name][place] = np.imag(loss({**arrays, name: shifted})) / COMPLEX_STEP
    return gradients


def central_differences(loss, arrays):
    """The same gradient from real numbers."""
    gradients = {}
    for name, array in arrays.items():
        gradients[name] = np.zeros(array.shape)
        for place in np.ndindex(array.shape):
            losses = []
            for step in (STEP, -STEP):
                shifted = array.astype(np.float64)
                shifted[place] += step
                losses.append(float(np.real(loss({**arrays, name: shifted}))))
            gradients[name][place] = (losses[0] - losses[1]) / (2 * STEP)
    return gradients


def check_gradients(loss, arrays, found):
    """Fail unless the gradients found are those of the loss, by both ways.

    Allowed, of the largest entry or of 1: 1e-12 against the complex step; 100 times a central difference's own error against the other,
    since the third derivatives here are below 100.
    """
    assert found.keys() == arrays.keys()
    for way, allowed in ((complex_step, 1e-12), (central_differences, 100 * CENTRAL_ERROR)):
        expected = way(loss, arrays)
        require(verdict(f"d{name}", found[name], expected[name], allowed * max(1.0, np.abs(expected[name]).max())) for name in arrays)


class SmallModel:
    """Layers in a row, with random weights, under a loss that weighs each output by a number of its own.

    Parameters
    ----------
    steps : layers that are not built yet, or token steps of such layers; what they cost joins the loss
    x : (B,...) ids, token rows, or floats, whose gradient is checked too
    mask : (B,T) bool, or None
    head : outputs -> (loss, gradient on the outputs); None for the weighing
    """

    def __init__(self, steps, x, mask=None, head=None, seed=11):
        rng = np.random.default_rng(seed)
        self.layers = [layer for step in steps for layer in parts_of(step)]
        self.steps = [priced(step, parts_of(step)[-1]) for step in steps]
        self.x, self.mask = x, mask
        shape = x.shape
        self.x_is_real = isinstance(x, np.ndarray) and x.dtype.kind == "f"
        for layer in self.layers:
            layer.dtype, layer.backend = np.dtype(np.float64), "numpy"
            layer.build(shape, rng)
            shape = layer.output_shape
        self.leaves = [leaf for layer in self.layers for leaf in layer.walk()]
        for leaf in self.leaves:
            for value in leaf.values.values():
                value[...] = rng.normal(scale=0.6, size=value.shape)
        weighing = rng.normal(size=shape)
        self.head = head or (lambda outputs: ((outputs * weighing).sum(), weighing))

    def arrays(self):
        """What the loss depends on, by name."""
        weights = {f"{place}.{name}": value.copy() for place, leaf in enumerate(self.leaves) for name, value in leaf.values.items()}
        return {**weights, "x": self.x} if self.x_is_real else weights

    def outputs(self, arrays):
        """Run forward in training, under the same dropout masks each time."""
        dtype = np.result_type(np.float64, *arrays.values())
        for place, layer in enumerate(self.leaves):
            layer.dtype = dtype
            for name in layer.values:
                layer.values[name] = arrays[f"{place}.{name}"].astype(dtype)
                layer.gradients[name] = np.zeros_like(layer.values[name])
            if hasattr(layer, "_rng"):
                layer._rng = np.random.default_rng(place)
        y, mask = arrays.get("x", self.x), self.mask
        for step in self.steps:
            y, mask = step.forward(y, mask, True), step.compute_mask(y, mask)
        return y

    def loss(self, arrays):
        """The loss and the penalties, a real or a complex number."""
        loss = self.head(self.outputs(arrays))[0]
        for layer in self.layers:
            loss = loss + sum(layer.weight_penalties()) + sum(layer.activity_penalties())
        return loss

    def gradients(self):
        """What the layers' own backward gives, by name."""
        arrays = self.arrays()
        passed = self.head(self.outputs(arrays))[1]
        for step in reversed(self.steps):
            passed = step.backward(passed)
        for layer in self.layers:
            layer.add_penalty_gradients()
        found = {f"{place}.{name}": gradient for place, leaf in enumerate(self.leaves) for name, gradient in leaf.gradients.items()}
        return {**found, "x": passed} if self.x_is_real else found

    def check(self):
        """Fail unless backward gives the gradients of the loss."""
        check_gradients(self.loss, self.arrays(), self.gradients())


def parts_of(step):
    """The layers that a step computes."""
    if isinstance(step, TokenRNN):
        return [layer for layer in (step.embedding, step.rnn) if layer is not None]
    if isinstance(step, TokenBidirectional):
        return [layer for layer in (bare(step.ways[0]).embedding, step.both) if layer is not None]
    return [step]
