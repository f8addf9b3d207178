import numpy as np
import pytest
from twins import compare_twins, twin_params

from minirnn.optimizers import BACKENDS

P = 13


def case(momentum=False, centered=False, P=P, squares=False):
    def arguments(dtype):
        rng = np.random.default_rng(P)
        values, gradients, momentums, averages = (rng.normal(size=P).astype(dtype) for _ in range(4))
        gradients[P // 2] = 0
        velocity = (rng.random(P) + 1).astype(dtype)
        averages *= dtype.type(0.3)  # a mean's square stays below the mean of squares
        optional = [momentums if momentum else None, averages if centered else None, 3 * gradients**2 if squares else None]
        return [values, gradients, velocity, *optional, 0.1, 0.8, 0.7, 1e-3]

    return arguments


CASES = {
    "rmsprop": {
        "plain": case(),
        "momentum": case(momentum=True),
        "centered": case(centered=True),
        "both": case(True, True),
        "squares": case(squares=True),
        "one-weight": case(P=1),
        "many-weights": case(P=1001),
    }
}


@pytest.mark.parametrize(("entry", "case", "dtype"), twin_params(CASES))
def test_kernel_equals_reference(entry, case, dtype):
    compare_twins(BACKENDS, entry, case, dtype)
