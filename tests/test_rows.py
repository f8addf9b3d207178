import functools

import numpy as np
import pytest
from faults import planted
from twins import DTYPES, compare_twins, twin_params

import minirnn
from minirnn import constraints, optimizers
from minirnn.express import plan
from minirnn.layers import Dense, Embedding, Input, SimpleRNN, distinct
from minirnn.one_hot import OneHot
from minirnn.optimizers import RMSprop, rows
from minirnn.optimizers.rows import BACKENDS

V, E = 23, 19
LEARNING_RATE, RHO, EPSILON = 0.01, 0.9, 1e-7


def rows_case(E, some, missed, rho=RHO):
    def arguments(dtype):
        rng = np.random.default_rng(E)
        values, gradients = (rng.normal(size=(V, E)).astype(dtype) for _ in range(2))
        velocity, last_step = (rng.random((V, E)) + 0.5).astype(dtype), np.full(V, 2000)
        velocity[2] = 0  # never looked up before
        last_step[some] -= np.array(missed, int)
        return [values, gradients, velocity, np.array(some, np.int32), last_step, 2001, LEARNING_RATE, rho, EPSILON]

    return arguments


def settle_case(E, missed, rho=RHO):
    def arguments(dtype):
        velocity, last_step = (np.random.default_rng(E).random((V, E)) + 0.5).astype(dtype), np.full(V, 2000)
        last_step[: len(missed)] -= np.array(missed, int)
        return [velocity, last_step, 2000, rho]

    return arguments


CASES = {
    "update": {
        **{f"E{E}": rows_case(E, [0, 2, 5, 22], [0, 9, 1, 70]) for E in (1, 8, 16, 19, 33)},
        "none": rows_case(3, [], []),
        "all": rows_case(3, list(range(V)), list(range(V))),
        "blocks": rows_case(17, [1, 3, 4, 6], [31, 32, 33, 64]),
        "gone": rows_case(9, [1, 3], [1999, 900]),  # below the smallest normal float32 on the way
        "keep-all": rows_case(9, [1, 3], [50, 3], rho=1.0),
        "keep-none": rows_case(9, [1, 3], [50, 0], rho=0.0),
    },
    "settle": {
        **{f"E{E}": settle_case(E, [0, 1, 31, 32, 33, 500]) for E in (1, 8, 16, 19, 33)},
        "gone": settle_case(5, [1999, 840, 1]),
        "up-to-date": settle_case(5, []),
        "keep-none": settle_case(5, [3, 0, 1], rho=0.0),
    },
}


@pytest.mark.parametrize(("entry", "case", "dtype"), twin_params(CASES))
def test_kernel_equals_reference(entry, case, dtype):
    compare_twins(BACKENDS, entry, case, dtype)


# --------------------------------------------------------------------------------------------------- as the dense kernel, to the last bit


def bits(*arrays):
    return [array.tobytes() for array in arrays]


def rare_rows(step, rng):
    """Rows of a step: the first in every one, others by turns, and a few once in a long while."""
    often = rng.choice(np.arange(1, 12), rng.integers(1, 6), replace=False)
    return np.unique([0, *often, *([12 + step // 50 % 9] if step % 50 == 7 else []), *([21, 22] if step in (3, 1500) else [])]).astype(
        np.int32
    )


def compare_with_dense(backend, dtype, steps=1600, rho=RHO):
    """Take the same steps with the dense kernel and by rows; the velocities of rows that are left alone go all the way down to 0."""
    rng = np.random.default_rng(5)
    start, nothing = rng.normal(size=(V, E)).astype(dtype), np.zeros((V, E), dtype)
    dense, dense_velocity, lazy, velocity = start.copy(), nothing.copy(), start.copy(), nothing.copy()
    last_step, gone = np.zeros(V, np.int64), False
    for step in range(1, steps + 1):
        some, gradients = rare_rows(step, rng), nothing.copy()
        gradients[some] = rng.normal(size=(len(some), E)) * 10.0 ** rng.integers(-17, 1)
        flat = [array.reshape(-1) for array in (dense, gradients, dense_velocity)]
        optimizers.BACKENDS[backend](*flat, None, None, None, LEARNING_RATE, rho, 0.0, EPSILON)
        BACKENDS[backend].update(lazy, gradients, velocity, some, last_step, step, LEARNING_RATE, rho, EPSILON)
        assert bits(lazy[some], velocity[some]) == bits(dense[some], dense_velocity[some]), step
        if step % 400 == 0:
            assert bits(lazy) == bits(dense)
            BACKENDS[backend].settle(velocity, last_step, step, rho)
            assert bits(velocity) == bits(dense_velocity), step
        gone |= bool(((dense_velocity == 0) & (start != dense)).any())
    return gone


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_steps_by_rows_are_dense_steps(backend, dtype):
    gone = compare_with_dense(backend, dtype)
    assert gone or dtype == "float64"  # a velocity that had been more than 0 is flushed within these steps
    compare_with_dense(backend, dtype, 400, rho=0.3)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("settle_ref(v, last_step[rows], step - 1, rho)", "settle_ref(v, last_step[rows], step - 2, rho)"),  # one decay missed
        ("settle_ref(v, last_step[rows], step - 1, rho)", "settle_ref(v, last_step[rows], step, rho)"),
        ("= w, v, step", "= w, v, step - 1"),
        ("w, v = values[rows], velocity[rows]", "rows = rows[1:]; w, v = values[rows], velocity[rows]"),  # a row forgotten
        ("w, v = values[rows], velocity[rows]", "rows = rows[:-1]; w, v = values[rows], velocity[rows]"),
    ],
)
def test_planted_faults_are_found(line, fault, monkeypatch):
    monkeypatch.setitem(BACKENDS, "numpy", BACKENDS["numpy"]._replace(update=planted(rows.update_rows_ref, line, fault)))
    with pytest.raises(AssertionError):
        compare_with_dense("numpy", "float32", 60)


def test_a_velocity_that_is_not_flushed_is_found(monkeypatch):
    monkeypatch.setitem(BACKENDS, "numpy", BACKENDS["numpy"]._replace(settle=planted(rows.settle_ref, "v[v < tiny] = 0", "pass")))
    with pytest.raises(AssertionError):
        compare_with_dense("numpy", "float32")


# ---------------------------------------------------------------------------------------------------------------------- in a training

T, H, WORDS, N = 6, 5, 60, 40
MODELS = {
    "embedding": lambda: [Input((T,)), Embedding(WORDS, E, mask_zero=True), SimpleRNN(H), Dense(1, "sigmoid")],
    "frozen": lambda: [Input((T,)), Embedding(WORDS, E, trainable=False), SimpleRNN(H), Dense(1, "sigmoid")],
    "one-hot": lambda: [Input((T, WORDS)), SimpleRNN(H), Dense(1, "sigmoid")],
}


def examples(seed=2):
    rng = np.random.default_rng(seed)
    ids = np.minimum(rng.zipf(1.4, (N, T)) - 1, WORDS - 1).astype(np.int32)
    return ids, rng.integers(0, 2, N)


def made_model(name="embedding", backend="numba", dtype="float32", **options):
    model = minirnn.Sequential(MODELS[name](), seed=6, backend=backend, dtype=dtype)
    model.compile(RMSprop(**{"learning_rate": 0.01, **options}), loss="binary_crossentropy")
    return model


def train(model, batches, seed=2):
    """Train on batches of these sizes, cut from the examples at random."""
    ids, y = examples(seed)
    rng = np.random.default_rng(seed)
    for size in batches:
        chosen = rng.choice(N, size, replace=False)
        x = ids[chosen]
        model.train_on_batch(OneHot(x, WORDS) if len(model.input_shape) == 3 else x, y[chosen])


def outcome(model):
    return bits(model.parameters.values, *model.optimizer.state.values())


@pytest.fixture(autouse=True)
def few_words(monkeypatch):
    """Have all but the largest batches computed on their distinct words, though there are but a few words."""
    for module in (distinct, plan):
        monkeypatch.setattr(module, "pays", lambda shape, lookups: lookups < 40 * T)


@pytest.fixture
def dense_kernel(monkeypatch):
    """Have the optimizer take the dense kernel, whatever rows are known; gradients are computed as before."""

    def choose():
        monkeypatch.setattr(RMSprop, "_by_rows", lambda self, parameters: [])

    return choose


SIZES = [3, 5, 2, 40, 3, 1, 1, 1, 7, 3] * 4


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", MODELS)
def test_a_training_by_rows_is_a_training(name, backend, dtype, dense_kernel):
    lazy, dense = made_model(name, backend, dtype), made_model(name, backend, dtype)
    train(lazy, SIZES)
    assert name == "frozen" or len(lazy.optimizer._lazy._last_steps) == 1
    dense_kernel()
    train(dense, SIZES)
    assert outcome(lazy) == outcome(dense)


@pytest.mark.parametrize("backend", BACKENDS)
def test_batches_by_rows_and_dense_ones_by_turns(backend, dense_kernel, monkeypatch):
    monkeypatch.setattr(distinct, "pays", lambda shape, lookups: lookups < 6 * T)
    lazy, dense = made_model(backend=backend), made_model(backend=backend)
    train(lazy, SIZES)
    dense_kernel()
    train(dense, SIZES)
    assert outcome(lazy) == outcome(dense)


FORBIDDEN = [{"momentum": 0.5}, {"centered": True}, {"weight_decay": 0.1}, {"clipnorm": 1.0}, {"clipvalue": 0.5}, {"global_clipnorm": 1.0}]


@pytest.mark.parametrize("options", [*FORBIDDEN, {"embedding_update": "per_lookup"}], ids=str)
def test_options_that_reach_every_row_take_the_dense_kernel(options, monkeypatch):
    def refused(*arguments):
        raise AssertionError("by rows")

    monkeypatch.setitem(BACKENDS, "numba", BACKENDS["numba"]._replace(update=refused))
    train(made_model(**options), [3, 5])
    with pytest.raises(AssertionError, match="by rows"):
        train(made_model(), [3, 5])


@pytest.mark.parametrize(
    "options", [{"embeddings_constraint": constraints.MaxNorm(0.1)}, {"embeddings_regularizer": "l2"}], ids=["constraint", "regularizer"]
)
def test_a_weight_that_moves_without_a_lookup_takes_the_dense_kernel(options):
    layers = [Input((T,)), Embedding(WORDS, E, **options), SimpleRNN(H), Dense(1, "sigmoid")]
    model = minirnn.Sequential(layers, seed=6)
    model.compile("rmsprop", loss="binary_crossentropy")
    before = model.get_weights()[0]
    train(model, [3])
    assert model.optimizer._by_rows(model.parameters) == []
    assert (model.get_weights()[0] != before).any(axis=1).all()


def test_reading_the_state_changes_nothing():
    watched, unwatched = made_model(), made_model()
    for size in SIZES:
        train(watched, [size], seed=size)
        assert watched.optimizer.state["velocity"].shape == watched.parameters.values.shape
        train(unwatched, [size], seed=size)
    assert outcome(watched) == outcome(unwatched)


def test_an_option_set_between_steps_finds_the_state_settled(dense_kernel):
    def trained():
        model = made_model()
        train(model, SIZES)
        model.optimizer.rho = 0.5
        train(model, SIZES, seed=3)
        model.optimizer.weight_decay = 0.1
        train(model, [2, 3], seed=4)
        model.optimizer.weight_decay = None
        train(model, SIZES, seed=5)
        return outcome(model)

    lazy = trained()
    dense_kernel()
    assert lazy == trained()
    with pytest.raises(ValueError, match=r"rho must be in 0..1, received 2.0"):
        made_model().optimizer.rho = 2.0


def test_a_snapshot_is_restored_with_what_rows_had_missed(dense_kernel):
    def trained():
        model = made_model()
        train(model, SIZES)
        kept = model.snapshot()
        train(model, SIZES, seed=3)
        for _ in range(2):
            model.optimizer.rho = 0.5
            model.restore(kept)
            model.optimizer.rho = 0.9
            train(model, [2, 3], seed=4)
        return outcome(model)

    lazy = trained()
    dense_kernel()
    assert lazy == trained()


@pytest.mark.parametrize("way", ["express", "layer-by-layer", "reference"])
def test_a_loss_that_is_not_finite_leaves_the_weights_and_velocities_of_before(way, monkeypatch):
    if way == "layer-by-layer":
        monkeypatch.setattr(minirnn.Sequential, "express_way", lambda *arguments: None)
    made = functools.partial(made_model, backend="numpy" if way == "reference" else "numba")
    model, (ids, y) = made(), examples()
    model.fit(ids, y, batch_size=3, epochs=2, verbose=0)
    before = outcome(model)
    model.optimizer.learning_rate = 1e38
    with pytest.raises(FloatingPointError), np.errstate(all="ignore"):
        model.fit(ids, y, batch_size=3, verbose=0)
    model.optimizer.learning_rate = 0.01
    assert outcome(model) == before
    twin = made()
    twin.fit(ids, y, batch_size=3, epochs=2, verbose=0)
    train(model, SIZES)
    train(twin, SIZES)
    assert outcome(model) == outcome(twin)


def test_a_model_saved_in_the_middle_goes_on_as_it_would_have(tmp_path):
    model = made_model()
    train(model, SIZES)
    model.save(tmp_path / "model.keras")
    loaded = minirnn.models.load_model(tmp_path / "model.keras")
    for one in (model, loaded):
        train(one, SIZES, seed=3)
    assert outcome(loaded) == outcome(model)


def test_layers_frozen_and_thawed_start_afresh():
    model = made_model()
    train(model, SIZES)
    for trainable in (False, True):
        model.layers[0].trainable = trainable
        model.compile(model.optimizer if trainable else RMSprop(0.01), loss="binary_crossentropy")
        train(model, [3, 2])
    assert model.optimizer._lazy.step == model.optimizer.iterations == 2
