"""Calls of the recurrence for its twins, and a small input for the layer: every size differs from the others."""

import itertools

import numpy as np

from minirnn.activations import LINEAR, RELU, SIGMOID, TANH

N, B, T, R = 7, 4, 5, 11  # examples, rows of the batch, steps, rows of the table
ROWS = [5, 0, 3, 6]
UNITS = [1, 3, 8, 10, 16, 17]  # below, at, between and above the lanes


def random_ids(rng, N, T, R):
    ids = rng.integers(0, R, (N, T)).astype(np.int32)
    ids[0, 0], ids[0, -1] = 0, R - 1
    ids[-1] = 0  # the last example is all padding
    ids[3] = 2  # and one repeats an id at every step
    return ids


def random_mask(rng, rows, ids):
    mask = rng.random((len(rows), ids.shape[1])) > 0.3
    mask[0] = True
    mask[-1] = False
    return mask


def forward_case(H, activation=TANH, backwards=False, mask=False, keep=False, B=B, T=T):
    def arguments(dtype):
        rng = np.random.default_rng(H)
        ids = random_ids(rng, N, T, R)
        rows = np.array(ROWS[-B:])
        hs = rng.normal(size=(T + 1, B, H)).astype(dtype) * 0.5
        return [
            rng.normal(size=(R, H)).astype(dtype),
            ids,
            rows,
            backwards,
            random_mask(rng, rows, ids) if mask else None,
            (rng.random((B, H)) > 0.4).astype(dtype) / dtype.type(0.6) if keep else None,
            (rng.normal(size=(H, H)) / np.sqrt(H)).astype(dtype),
            hs,
            activation,
        ]

    return arguments


def backward_case(H, activation=TANH, backwards=False, mask=False, keep=False, dhs=False, B=B, T=T):
    def arguments(dtype):
        _, *way, Wh, hs, code = forward_case(H, activation, backwards, mask, keep, B, T)(dtype)
        rng = np.random.default_rng(H + 100)
        outer = rng.normal(size=(B, T, H)).astype(dtype) if dhs else None
        dh = rng.normal(size=(B, H)).astype(dtype)
        # what stands in the gradients before shows whether they are added to
        return [outer, dh, *way, Wh, np.tanh(hs), rng.normal(size=(R, H)).astype(dtype), rng.normal(size=(H, H)).astype(dtype), code]

    return arguments


def cases(make, *switches):
    """Each size with each combination of what can be None, activations and directions by turns; and the edges."""
    chosen = {}
    combinations = list(itertools.product([False, True], repeat=len(switches)))
    for turn, (H, combination) in enumerate(itertools.product(UNITS, combinations)):
        given = dict(zip(switches, combination, strict=True))
        activation, backwards = (TANH, RELU, SIGMOID, LINEAR)[(turn + turn // 4) % 4], turn // 2 % 2 == 1
        name = "-".join([f"H{H}", f"a{activation}", *(["back"] if backwards else []), *(switch for switch in switches if given[switch])])
        chosen[name] = make(H, activation, backwards, **given)
    chosen["one-step"] = make(3, T=1, mask=True)
    chosen["one-row"] = make(8, B=1, mask=True)  # the row that is all padding
    chosen["one-row-one-step"] = make(10, B=1, T=1)
    return chosen


CASES = {"forward": cases(forward_case, "mask", "keep"), "backward": cases(backward_case, "mask", "keep", "dhs")}


E, H = 3, 4


def small_input(seed=5):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(B, T, E))
    mask = rng.random((B, T)) > 0.35
    mask[1], mask[2, 0], mask[2, -1] = False, False, False
    return x, mask
