"""How far back a network reads: the two sums against the library's own way back and against differences, and their limits."""

import numpy as np
import pytest

from minirnn.layers import SimpleRNN
from minirnn.reach import Passage, reach, saturated_share

B, T, E, H, K = 5, 7, 4, 4, 2  # E = H, so that Wx can be the identity


def layer(activation="tanh", **options):
    rnn = SimpleRNN(H, activation, dtype="float64", **options)
    rnn.build((None, T, E), np.random.default_rng(3))
    rng = np.random.default_rng(4)
    rnn.set_weights([np.eye(E), rng.normal(size=(H, H)) * 0.6, rng.normal(size=H) * 0.3])
    return rnn, rng.normal(size=(B, T, E)), rng.normal(size=(H, K))


def by_backward(rnn, x, mask, head):
    """The gradient of each logit on z at each step, (K,B,T,H): with Wx = 1, what BPTT gives for x."""
    dz = []
    for k in range(head.shape[1]):
        rnn.forward(x, mask)
        dz.append(rnn.backward(np.repeat(head[None, :, k], len(x), axis=0)))
    return np.array(dz)


@pytest.mark.parametrize("options", [{}, {"go_backwards": True}, {"activation": "sigmoid"}, {"activation": "relu"}])
@pytest.mark.parametrize("masked", [False, True])
def test_the_sums_are_those_of_the_way_back(options, masked):
    rnn, x, head = layer(**options)
    mask = np.arange(T) < np.array([7, 5, 3, 0, 6])[:, None] if masked else None
    dz = by_backward(rnn, x, mask, head)
    order = np.arange(T)[::-1] if options.get("go_backwards") else np.arange(T)
    last = order[-1] if mask is None else np.array([order[mask[b, order]][-1] if mask[b].any() else 0 for b in range(B)])

    found = reach(rnn.last_passage(), rnn.values["recurrent_kernel"], head, rnn.activation)

    norms = np.sqrt((dz**2).sum(axis=(0, 3)))  # (B,T)
    at_end = dz[:, np.arange(B), last]  # (K,B,H)
    assert found[0] == pytest.approx(norms.sum() / norms[np.arange(B), last].sum(), rel=1e-12)
    assert found[1] == pytest.approx(np.linalg.norm(dz.sum(axis=(1, 2))) / np.linalg.norm(at_end.sum(axis=1)), rel=1e-12)


def test_the_aligned_sum_is_the_slope_of_the_mean_logit_in_the_bias():
    rnn, x, head = layer()
    head = head[:, :1]
    bias, step = rnn.values["bias"], 1e-6

    def mean_logit(change):
        bias[...] += change
        value = float((rnn.forward(x) @ head).mean())
        bias[...] -= change
        return value

    slope = [(mean_logit(step * unit) - mean_logit(-step * unit)) / (2 * step) for unit in np.eye(H)]
    h_T = rnn.forward(x)
    at_end = (head[:, 0] * (1 - h_T**2)).mean(axis=0)

    _, aligned = reach(rnn.last_passage(), rnn.values["recurrent_kernel"], head, "tanh")

    assert aligned == pytest.approx(np.linalg.norm(slope) / np.linalg.norm(at_end), rel=1e-8)


def test_recurrent_dropout_is_part_of_the_way_back():
    rnn, x, head = layer(recurrent_dropout=0.4)
    rnn.forward(x, training=True)
    passage = rnn.last_passage()
    dz = rnn.backward(np.repeat(head[None, :, 0], B, axis=0))

    found = reach(passage, rnn.values["recurrent_kernel"], head[:, :1], "tanh")

    norms = np.linalg.norm(dz, axis=2)
    assert passage.keep is not None
    assert found[0] == pytest.approx(norms.sum() / norms[:, -1].sum(), rel=1e-12)


def test_a_memory_that_turns_reaches_far_and_adds_nothing_up():
    turn = np.array([[np.cos(np.pi / 4), -np.sin(np.pi / 4)], [np.sin(np.pi / 4), np.cos(np.pi / 4)]])
    still = Passage(np.zeros((9, 3, 2)))  # eight steps, a whole turn

    assert reach(still, np.eye(2), np.ones((2, 1)), "tanh") == pytest.approx((8, 8))
    assert reach(still, turn, np.ones((2, 1)), "tanh") == pytest.approx((8, 0))
    assert reach(still, 0.5 * np.eye(2), np.ones((2, 1)), "tanh") == pytest.approx([2 - 0.5**7] * 2)
    assert reach(still, np.zeros((2, 2)), np.ones((2, 1)), "tanh") == pytest.approx((1, 1))


def test_where_there_is_nothing_to_read_it_is_unknown():
    head = np.ones((2, 1))
    for passage in (Passage(np.zeros((1, 3, 2))), Passage(np.zeros((5, 0, 2))), Passage(np.zeros((5, 3, 2)), np.zeros((4, 3), bool))):
        assert np.isnan(reach(passage, np.eye(2), head, "tanh")).all()
        assert np.isnan(saturated_share(passage, "tanh", 0.9))
    assert np.isnan(reach(Passage(np.zeros((5, 3, 2))), np.eye(2), np.zeros((2, 1)), "tanh")).all()
    assert np.isnan(saturated_share(Passage(np.ones((5, 3, 2))), "relu", 0.9))


def test_the_saturated_share_counts_both_bounds_and_no_padding():
    hs = np.zeros((4, 3, 2))
    hs[0] = 1.0  # where they started does not count
    hs[1, 0, 0], hs[2, 1, 1], hs[3, 2] = 0.995, -0.999, 0.98
    visible = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 1]], bool)

    assert saturated_share(Passage(hs), "tanh", 0.99) == 2 / 18
    assert saturated_share(Passage(hs, visible), "tanh", 0.99) == 2 / 12
    assert saturated_share(Passage(hs), "tanh", 0.9) == 4 / 18
    assert saturated_share(Passage(hs), "sigmoid", 0.99) == (18 - 2 - 1) / 18  # 0 is a sigmoid's bound, and 0.98 is not near enough
    assert saturated_share(Passage(hs).first(1), "tanh", 0.99) == 1 / 6
