"""The experiments on the plateau: each changes what its name says, and nothing else."""

import numpy as np
import pytest

from benchmarks import plateau
from minirnn import job, runs
from minirnn.reach import eigenvalues_of, leading_turn


@pytest.mark.parametrize("turn", plateau.TURNS)
def test_a_rotation_turns_by_what_is_asked_and_changes_no_length(turn):
    Wh = plateau.rotation(turn, 8, seed=3)

    np.testing.assert_allclose(Wh @ Wh.T, np.eye(8), atol=1e-12)
    assert leading_turn(eigenvalues_of(Wh)) == pytest.approx(turn, abs=1e-5)
    turns = sorted(np.abs(np.angle(eigenvalues_of(Wh), deg=True)))
    np.testing.assert_allclose(turns, np.repeat([turn, 60, 110, 150], 2), atol=1e-5)
    assert not np.allclose(Wh, plateau.rotation(turn, 8, seed=4))


def test_a_turn_takes_two_units():
    with pytest.raises(ValueError, match="H must be even"):
        plateau.rotation(10, 7, seed=1)


@pytest.mark.parametrize("encoding", runs.ENCODINGS)
def test_a_change_is_one_of_one_weight(encoding):
    settings = runs.Settings(seed=5)
    for name, (change, faster) in plateau.changes(encoding).items():
        model, other = job.build(encoding, settings), job.build(encoding, settings)
        if change is not None:
            change(model, 5)
        changed = [n for n, pair in enumerate(zip(model.get_weights(), other.get_weights(), strict=True)) if not np.array_equal(*pair)]
        own = name == f"same matrix, {runs.TITLES[encoding]}'s"
        wanted = [] if change is None or own else [0] if "·" in name else [len(other.get_weights()) - 4]
        assert changed == wanted, name
        assert (faster == 3) is (name == "3 · rate")


def test_both_encodings_begin_with_the_same_matrix():
    settings = runs.Settings(seed=5)
    onehot, embedding = (job.build(encoding, settings) for encoding in runs.ENCODINGS)
    assert not np.allclose(plateau.recurrent(onehot), plateau.recurrent(embedding))

    plateau.same("onehot")(embedding, 5)

    np.testing.assert_array_equal(plateau.recurrent(onehot), plateau.recurrent(embedding))
