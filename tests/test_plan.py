"""In which steps a model computes its layers: tokens and the recurrence behind them are one."""

import numpy as np
import pytest

import minirnn
from minirnn.batches import TokenRows
from minirnn.layers import Dense, Dropout, Embedding, Flatten, Input, SimpleRNN
from minirnn.layers.token_rnn import TokenRNN

T, V, E, H = 5, 11, 4, 6
SHAPES = [(V, E), (E, H), (H, H), (H,), (H, 1), (1,)]


def sentiment_model(*, add_input=True, **options):
    stack = [Embedding(V, E), SimpleRNN(H), Dense(1, "sigmoid")]
    return minirnn.Sequential([Input((T,)), *stack] if add_input else stack, **{"backend": "numpy", "seed": 1, **options})


def ids_of(N, T=T, seed=2):
    return np.random.default_rng(seed).integers(0, V, (N, T))


def kinds(steps):
    return [type(step).__name__ for step in steps]


@pytest.mark.parametrize(
    ("stack", "from_ids", "from_one_hot"),
    [
        ([Embedding(V, E), SimpleRNN(H), Dense(1)], ["TokenRNN", "Dense"], ["TokenRNN", "Dense"]),
        ([SimpleRNN(H), Dense(1)], ["SimpleRNN", "Dense"], ["TokenRNN", "Dense"]),
        ([SimpleRNN(H, return_sequences=True), SimpleRNN(2)], ["SimpleRNN", "SimpleRNN"], ["TokenRNN", "SimpleRNN"]),
        ([Embedding(V, E), SimpleRNN(H, dropout=0.5)], ["Embedding", "SimpleRNN"], ["Embedding", "SimpleRNN"]),
        ([Embedding(V, E), SimpleRNN(H, recurrent_dropout=0.5)], ["TokenRNN"], ["TokenRNN"]),
        ([Embedding(V, E), Dropout(0.5), SimpleRNN(H)], ["Embedding", "Dropout", "SimpleRNN"], ["Embedding", "Dropout", "SimpleRNN"]),
        ([Embedding(V, E), Flatten(), Dense(1)], ["Embedding", "Flatten", "Dense"], ["Embedding", "Flatten", "Dense"]),
    ],
)
def test_tokens_and_the_recurrence_behind_them_are_one_step(stack, from_ids, from_one_hot):
    model = minirnn.Sequential(stack)

    assert kinds(model.plan(one_hot=False)) == from_ids
    assert kinds(model.plan(one_hot=True)) == from_one_hot


def test_the_plan_follows_the_layers():
    model = minirnn.Sequential([Input((T,)), Embedding(V, E)])
    assert kinds(model.plan(one_hot=False)) == ["Embedding"]

    model.add(SimpleRNN(H))

    assert isinstance(model.plan(one_hot=False)[0], TokenRNN)


def test_one_step_gives_what_two_layers_give():
    model, x = sentiment_model(dtype="float64"), ids_of(7)
    embedding, rnn, dense = model.layers

    expected = dense(rnn(embedding(x)))

    np.testing.assert_allclose(model(x), expected, rtol=1e-14)


def test_forward_reads_rows_of_a_data_set_by_number():
    model, x, rows = sentiment_model(), ids_of(9), np.array([7, 0, 3, 3])

    outputs = model.forward(TokenRows(x, rows))

    np.testing.assert_array_equal(outputs, model(x[rows]))


def test_a_call_gives_an_array_of_its_own():
    model, x = sentiment_model(), ids_of(4)

    first = model(x)
    kept = first.copy()
    model(x[::-1])

    np.testing.assert_array_equal(first, kept)


def test_dropout_works_in_training_only():
    model = minirnn.Sequential([Input((9,)), Dropout(0.5, seed=1)], backend="numpy")
    x = np.ones((4, 9), np.float32)

    np.testing.assert_array_equal(model(x), x)
    assert set(model(x, training=True).ravel()) == {0.0, 2.0}
