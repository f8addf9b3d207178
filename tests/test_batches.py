import numpy as np
import pytest

from minirnn.batches import TokenRows, read_rows
from minirnn.one_hot import OneHot

IDS = np.random.default_rng(1).integers(0, 11, (7, 5)).astype(np.int32)
ROWS = np.array([5, 0, 3, 5])


def test_ids_are_named_not_copied():
    batch = read_rows(IDS, ROWS)
    assert isinstance(batch, TokenRows)
    assert batch.ids is IDS
    assert batch.rows is ROWS
    assert batch.num_classes is None
    assert batch.shape == (4, 5)
    np.testing.assert_array_equal(batch.array("float32"), IDS[ROWS])
    assert batch.array("float32").dtype == IDS.dtype  # ids stay ids


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_hot_tokens_stand_for_their_vectors(dtype):
    one_hot = OneHot(IDS, 11)
    batch = read_rows(one_hot, ROWS)
    assert batch.ids is one_hot.ids
    assert batch.shape == (4, 5, 11)
    vectors = batch.array(dtype)
    assert vectors.dtype == dtype
    assert vectors.shape == batch.shape
    np.testing.assert_array_equal(vectors, np.eye(11)[IDS[ROWS]])


@pytest.mark.parametrize("x", [IDS.astype("float32"), np.random.default_rng(2).normal(size=(7, 5, 3)), np.zeros((7, 5, 3), np.int32)])
def test_anything_else_is_a_copy(x):
    batch = read_rows(x, ROWS)
    assert isinstance(batch, np.ndarray)
    assert not np.shares_memory(batch, x)
    np.testing.assert_array_equal(batch, x[ROWS])


def test_a_batch_cannot_be_changed():
    with pytest.raises(AttributeError):
        read_rows(IDS, ROWS).rows = ROWS[:1]
