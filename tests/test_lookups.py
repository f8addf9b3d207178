import numpy as np
import pytest
from faults import planted
from rnn_cases import ROWS, B, N, T, random_ids
from twins import compare_twins, twin_params

import minirnn
from minirnn.layers import Dense, Embedding, Flatten, Input, SimpleRNN, lookups
from minirnn.layers.lookups import BACKENDS
from minirnn.optimizers import RMSprop

V, E, H = 11, 5, 3


def square_case(E):
    def arguments(dtype):
        rng = np.random.default_rng(E)
        return [rng.normal(size=(B, T, E)).astype(dtype), random_ids(rng, N, T, V), np.array(ROWS), rng.normal(size=(V, E)).astype(dtype)]

    return arguments


def merge_case(E, H):
    def arguments(dtype):
        rng = np.random.default_rng(E + H)
        sizes = [(B * T, H), (E, H), (V, H), (V, E)]
        dlookups, Wx, dtable, squares = (rng.normal(size=size).astype(dtype) for size in sizes)
        return [dlookups, random_ids(rng, N, T, V), np.array(ROWS), Wx, dtable, squares]

    return arguments


CASES = {
    "square": {f"E{E}": square_case(E) for E in (1, 8, 19)},
    "merge": {f"E{E}-H{H}": merge_case(E, H) for E, H in ((1, 1), (16, 8), (5, 3), (9, 17), (24, 16))},
}


@pytest.mark.parametrize(("entry", "case", "dtype"), twin_params(CASES))
def test_kernel_equals_reference(entry, case, dtype):
    compare_twins(BACKENDS, entry, case, dtype)


def test_a_lookup_lost_is_seen(monkeypatch):
    faulty = planted(lookups.square_lookups_ref, "np.add.at(squares, ids[rows], dx * dx)", "squares[ids[rows]] += dx * dx")
    monkeypatch.setitem(BACKENDS, "numba", BACKENDS["numba"]._replace(square=faulty))
    with pytest.raises(AssertionError, match="squares"):
        compare_twins(BACKENDS, "square", square_case(8), "float64")


# the oracle: Keras 3.15 on TensorFlow and on JAX, an embedding of one number trained by hand-picked ids towards 2
BATCHES = np.array([[1, 1, 2], [3, 3, 3], [1, 0, 0]])
TENSORFLOW = [[0.1, 0.647214, 0.616228, 0.4], [0.1, 0.647214, 0.616228, 0.947722], [0.547156, 0.822709, 0.616228, 0.947722]]
JAX = [[0.1, 0.516228, 0.616228, 0.4], [0.1, 0.516228, 0.616228, 0.716228], [0.416228, 0.678274, 0.616228, 0.716228]]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("way", "expected"), [("per_lookup", TENSORFLOW), ("summed", JAX)])
def test_rows_move_as_on_keras_backends(way, expected, backend):
    embedding, dense = Embedding(4, 1), Dense(1, use_bias=False, kernel_initializer="ones")
    model = minirnn.Sequential([Input((3,)), embedding, Flatten(), dense], backend=backend)
    embedding.set_weights([np.array([[0.1], [0.2], [0.3], [0.4]])])
    model.compile(RMSprop(0.1, embedding_update=way), loss="mse")
    for ids, column in zip(BATCHES, expected, strict=True):
        model.train_on_batch(ids[None], np.array([2.0]))
        np.testing.assert_allclose(embedding.get_weights()[0][:, 0], column, atol=2e-6)


def trained(optimizer, ids, y, backend=None, plan=None):
    model = minirnn.Sequential([Input((T,)), Embedding(V, E, mask_zero=True), SimpleRNN(H), Dense(1, "sigmoid")], seed=4, backend=backend)
    model.compile(optimizer, loss="binary_crossentropy")
    if plan is not None:
        model.plan = lambda one_hot: model.layers
    model.fit(ids, y, batch_size=7, epochs=3, verbose=0)
    return model.get_weights()


@pytest.fixture
def examples():
    rng = np.random.default_rng(2)
    return random_ids(rng, N, T, V), rng.integers(0, 2, N)


@pytest.mark.parametrize("optimizer", [{}, {"momentum": 0.5}, {"clipnorm": 0.01}, {"weight_decay": 0.1}], ids=str)
def test_one_step_for_two_layers_equals_one_after_the_other(examples, optimizer):
    given = dict(learning_rate=0.01, embedding_update="per_lookup", **optimizer)
    together, apart = trained(RMSprop(**given), *examples), trained(RMSprop(**given), *examples, plan="apart")
    reference, default = trained(RMSprop(**given), *examples, backend="numpy"), trained(RMSprop(0.01, **optimizer), *examples)
    for weight, other, third in zip(together, apart, reference, strict=True):
        np.testing.assert_allclose(weight, other, atol=2e-5)
        np.testing.assert_allclose(weight, third, atol=2e-5)
    assert np.abs(together[0] - default[0]).max() > 1e-3


def test_scaling_all_gradients_together_sums_the_lookups_as_tensorflow_does(examples):
    # a limit far above the norm: nothing is scaled, and yet the lookups are summed
    found = trained(RMSprop(0.01, embedding_update="per_lookup", global_clipnorm=1e3), *examples)
    for weight, other in zip(found, trained(RMSprop(0.01), *examples), strict=True):
        np.testing.assert_allclose(weight, other, atol=2e-5)


def test_a_model_compiled_anew_trains_the_default_way(examples):
    ids, y = examples
    models = [minirnn.Sequential([Input((T,)), Embedding(V, E), SimpleRNN(H), Dense(1, "sigmoid")], seed=4) for _ in range(2)]
    models[0].compile(RMSprop(embedding_update="per_lookup"), loss="binary_crossentropy")
    for model in models:
        model.compile(RMSprop(), loss="binary_crossentropy")
        model.fit(ids, y, verbose=0)
    np.testing.assert_equal(models[0].get_weights(), models[1].get_weights())


def test_a_layer_shared_by_two_models_is_trained_each_models_way(examples):
    ids, y = examples
    embedding = Embedding(V, E)
    first = minirnn.Sequential([Input((T,)), embedding, SimpleRNN(H), Dense(1, "sigmoid")], seed=4)
    second = minirnn.Sequential([Input((T,)), embedding, Flatten(), Dense(1, "sigmoid")], seed=5)
    first.compile(RMSprop(embedding_update="per_lookup"), loss="binary_crossentropy")
    second.compile(RMSprop(), loss="binary_crossentropy")
    first.fit(ids, y, verbose=0)
    assert embedding.squares is not None
    second.fit(ids, y, verbose=0)
    assert embedding.squares is None
    first.fit(ids, y, verbose=0)
    assert embedding.squares is not None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"embedding_update": "sparse"}, "embedding_update must be 'summed' or 'per_lookup', received 'sparse'"),
        ({"embedding_update": "per_lookup", "centered": True}, "does not go with centered=True"),
        ({"embedding_update": "per_lookup", "clipvalue": 0.5}, "does not go with clipvalue=0.5"),
    ],
)
def test_what_cannot_be_done_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        RMSprop(**arguments)


def test_the_choice_is_kept_in_the_config_only_where_it_is_one():
    assert "embedding_update" not in RMSprop().get_config()
    assert RMSprop.from_config(RMSprop(embedding_update="per_lookup").get_config()).embedding_update == "per_lookup"
