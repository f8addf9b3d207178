"""The express way against the loop, layer by layer: the same weights, velocities, outputs and losses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import DTYPES

import minirnn
from minirnn import layers, optimizers
from minirnn.express import kernel, plan
from minirnn.jit import COMPILED
from minirnn.optimizers import schedules

pytestmark = pytest.mark.skipif(not COMPILED, reason="without compiled kernels there is no express way")

CASES = {
    "embedding": {},
    "one-hot": {"embed": False},
    "masked": {"mask_zero": True},
    "masked backwards": {"mask_zero": True, "go_backwards": True, "H": 5},
    "backwards": {"go_backwards": True, "embed": False},
    "many words": {"V": 3_000},
    "many words, one-hot": {"V": 3_000, "embed": False},
    "many words, masked": {"V": 3_000, "mask_zero": True, "H": 12, "E": 9},
    "wide": {"H": 33, "E": 17},
    "wide, masked": {"H": 24, "mask_zero": True},
    "wide, backwards, one-hot": {"H": 16, "embed": False, "go_backwards": True},
    "one unit": {"H": 1, "E": 1},
    "without biases": {"use_bias": False},
    "two outputs": {"K": 2},
    "relu": {"activation": "relu", "H": 9},
    "sigmoid": {"activation": "sigmoid"},
    "one row a batch": {"batch_size": 1, "N": 9},
    "a batch larger than the data": {"batch_size": 500},
    "more rows than parts": {"batch_size": 300, "N": 700, "T": 3},
    "one step": {"T": 1},
}


def make(embed=True, V=30, E=6, H=8, K=1, T=7, mask_zero=False, use_bias=True, activation="tanh", go_backwards=False, dtype="float32", **_):
    minirnn.utils.set_random_seed(11)
    first = [layers.Input((T,)), layers.Embedding(V, E, mask_zero=mask_zero)] if embed else [layers.Input((T, V))]
    rnn = layers.SimpleRNN(H, activation, use_bias, go_backwards=go_backwards)
    return minirnn.Sequential([*first, rnn, layers.Dense(K, "sigmoid", use_bias)], dtype=dtype)


def examples(embed=True, V=30, T=7, K=1, N=100, **_):
    rng = np.random.default_rng(V + T)
    ids = np.minimum(rng.zipf(1.3, (N, T)), V) - 1
    ids[rng.random((N, T)) < 0.2] = 0
    ids = ids.astype(np.int32)
    return ids if embed else minirnn.OneHot(ids, V), rng.integers(0, 2, (N, K)).astype(np.float32)


def trained(way, monkeypatch, optimizer=None, epochs=2, fit=None, **case):
    """What is left of a training, with the express way or without it."""
    with monkeypatch.context() as patch:
        if not way:
            patch.setattr(plan, "COMPILED", False)
        model = make(**case)
        x, y = examples(**case)
        model.compile(optimizer or optimizers.RMSprop(0.01), minirnn.losses.BinaryCrossentropy(label_smoothing=0.1), metrics=["accuracy"])
        assert (model.express_way(x, "train") is not None) is way
        arguments = {"validation_split": 0.25 if len(x) > 8 else 0.0} | (fit or {})
        history = model.fit(x, y, batch_size=case.get("batch_size", 32), epochs=epochs, verbose=0, **arguments).history
        return model, history, model.predict(x, verbose=0)


def compare(one, other, dtype="float32"):
    # Rounding in another order, carried through some steps: an update of a tiny gradient is as large as any other.
    close = {"rtol": 1e-4, "atol": 3e-5} if dtype == "float32" else {"rtol": 1e-9, "atol": 1e-12}
    (mine, history, outputs), (theirs, expected, others) = one, other
    for name, values in expected.items():
        np.testing.assert_allclose(history[name], values, **close, err_msg=name)
    for found, wanted in zip(mine.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(found, wanted, **close)
    velocity = theirs.optimizer.state["velocity"]
    np.testing.assert_allclose(mine.optimizer.state["velocity"], velocity, rtol=close["rtol"] * 10, atol=close["atol"] * velocity.max())
    np.testing.assert_allclose(outputs, others, **close)
    assert mine.optimizer.iterations == theirs.optimizer.iterations


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_equals_the_loop(case, dtype, monkeypatch):
    case = case | {"dtype": dtype}
    compare(trained(True, monkeypatch, **case), trained(False, monkeypatch, **case), dtype)


@settings(max_examples=25, deadline=None)
@given(
    H=st.integers(1, 20),
    E=st.integers(1, 12),
    T=st.integers(1, 6),
    V=st.integers(2, 90),
    batch_size=st.integers(1, 70),
    N=st.integers(10, 150),
    embed=st.booleans(),
    mask_zero=st.booleans(),
)
def test_equals_the_loop_for_any_sizes(H, E, T, V, batch_size, N, embed, mask_zero):
    case = {"H": H, "E": E, "T": T, "V": V, "batch_size": batch_size, "N": N, "embed": embed, "mask_zero": mask_zero and embed}
    with pytest.MonkeyPatch.context() as patch:
        case |= {"dtype": "float64", "epochs": 1}
        compare(trained(True, patch, **case), trained(False, patch, **case), "float64")


def test_schedules_and_weights_of_examples_count(monkeypatch):
    weights = np.linspace(0.5, 2, 100)
    for fit in ({"sample_weight": weights}, {"class_weight": {0: 1.0, 1: 3.0}}, {"shuffle": "batch"}, {"shuffle": False}):
        one, other = (
            trained(way, monkeypatch, optimizers.RMSprop(schedules.ExponentialDecay(0.02, 3, 0.5)), fit=fit) for way in (True, False)
        )
        compare(one, other)


def test_a_rate_that_a_function_gives_is_asked_for_once_a_step():
    asked = []
    model = make()
    x, y = examples()
    model.compile(optimizers.RMSprop(lambda: asked.append(model.optimizer.iterations) or 0.01), "binary_crossentropy")
    model.fit(x, y, batch_size=32, epochs=2, verbose=0)
    assert asked == list(range(8))


def test_gradients_are_those_of_the_last_batch(monkeypatch):
    for case in ({}, {"V": 3_000}):
        one, other = (trained(way, monkeypatch, epochs=1, **case)[0] for way in (True, False))
        np.testing.assert_allclose(one.parameters.gradients, other.parameters.gradients, rtol=1e-4, atol=1e-6)
        # and the loop clears what the express way has left
        x, _ = examples(**case)
        for model in (one, other):
            model.forward(minirnn.batches.read_rows(x, np.arange(5)), training=True)
            model.parameters.clear_gradients()
            assert not model.parameters.gradients.any()


def test_the_two_ways_can_follow_one_another(monkeypatch):
    x, y = examples(V=3_000)

    def steps(ways):
        model = make(V=3_000)
        model.compile(optimizers.RMSprop(0.01), "binary_crossentropy")
        for way in ways:
            with monkeypatch.context() as patch:
                if not way:
                    patch.setattr(plan, "COMPILED", False)
                model.fit(x[:60] if way else x[40:], y[:60] if way else y[40:], batch_size=20, shuffle=False, verbose=0)
        return model

    def loop_alone():
        model = make(V=3_000)
        model.compile(optimizers.RMSprop(0.01), "binary_crossentropy")
        with monkeypatch.context() as patch:
            patch.setattr(plan, "COMPILED", False)
            for first in (True, False, True):
                model.fit(x[:60] if first else x[40:], y[:60] if first else y[40:], batch_size=20, shuffle=False, verbose=0)
        return model

    mixed, alone = steps([True, False, True]), loop_alone()
    for found, wanted in zip(mixed.get_weights(), alone.get_weights(), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=3e-5)
    np.testing.assert_allclose(mixed.optimizer.state["velocity"], alone.optimizer.state["velocity"], rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize("H", [8, 20])
def test_a_loss_that_is_not_finite_stops_it_and_restores_the_epoch_s_first_weights(H):
    model = make(H=H)
    x, y = examples(N=300)
    model.compile(optimizers.RMSprop(0.01), "binary_crossentropy")
    model.fit(x, y, batch_size=32, epochs=1, verbose=0)
    before, steps = [weight.copy() for weight in model.get_weights()], model.optimizer.iterations
    velocity = model.optimizer.state["velocity"].copy()
    weights = np.ones(300)
    weights[200] = 1e39  # float32's infinity: the loss of one batch is infinite
    with pytest.warns(RuntimeWarning, match="overflow"), pytest.raises((FloatingPointError, ValueError), match=r"fit: the loss is|finite"):
        model.fit(x, y, batch_size=32, sample_weight=weights, shuffle=False, verbose=0)
    for found, wanted in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(model.optimizer.state["velocity"], velocity)
    assert model.optimizer.iterations == steps
    # and nothing of what failed is left for the next training
    other = make(H=H)
    other.compile(optimizers.RMSprop(0.01), "binary_crossentropy")
    other.set_weights(before)
    other.optimizer.build(other.parameters)
    other.optimizer.state["velocity"][...] = velocity
    for one in (model, other):
        one.fit(x, y, batch_size=32, shuffle=False, verbose=0)
    for found, wanted in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_no_batch_is_learned_from_after_the_one_that_failed():
    model = make(V=3_000)  # computed on distinct words: elsewhere a NaN among the weights spoils each batch
    x, y = examples(V=3_000, N=300)
    model.compile(optimizers.RMSprop(0.01), "binary_crossentropy")
    model.layers[0].values["embeddings"][2_999] = np.nan
    x[...] = np.minimum(x, 2_998)
    x[200, 3] = 2_999  # in the seventh batch of 32
    way = model.express_way(x, "train")
    before = model.get_weights()
    outputs, losses = way.train(x, y, None, np.arange(300), 32)
    assert np.isnan(losses[-1])
    assert np.isfinite(losses[:-1]).all()
    assert len(losses) == 7
    assert model.optimizer.iterations == 6
    assert np.isfinite(outputs[:192]).all()
    assert not np.array_equal(model.get_weights()[1], before[1])
    assert np.isfinite(model.get_weights()[1]).all()


@pytest.mark.parametrize(
    "options",
    [
        {"momentum": 0.5},
        {"centered": True},
        {"weight_decay": 0.01},
        {"clipnorm": 1.0},
        {"clipvalue": 1.0},
        {"global_clipnorm": 1.0},
        {"embedding_update": "per_lookup"},
    ],
)
def test_an_optimizer_that_does_more_takes_the_loop(options):
    model = make()
    model.compile(optimizers.RMSprop(**options), "binary_crossentropy")
    assert model.express_way(examples()[0], "train") is None
    assert model.express_way(examples()[0], "predict") is not None


@pytest.mark.parametrize(
    "stack",
    [
        [layers.Embedding(30, 4), layers.SimpleRNN(3, return_sequences=True), layers.SimpleRNN(2), layers.Dense(1, "sigmoid")],
        [layers.Embedding(30, 4), layers.SimpleRNN(3), layers.Dense(1)],
        [layers.Embedding(30, 4), layers.SimpleRNN(3, dropout=0.1), layers.Dense(1, "sigmoid")],
        [layers.Embedding(30, 4), layers.SimpleRNN(3, recurrent_dropout=0.1), layers.Dense(1, "sigmoid")],
        [layers.Embedding(30, 4, embeddings_regularizer="l2"), layers.SimpleRNN(3), layers.Dense(1, "sigmoid")],
        [layers.Embedding(30, 4), layers.SimpleRNN(3, activity_regularizer="l2"), layers.Dense(1, "sigmoid")],
        [layers.Embedding(30, 4), layers.SimpleRNN(3, kernel_constraint="max_norm"), layers.Dense(1, "sigmoid")],
        [layers.Embedding(30, 4, trainable=False), layers.SimpleRNN(3), layers.Dense(1, "sigmoid")],
        [layers.Embedding(30, 4), layers.Bidirectional(layers.SimpleRNN(3)), layers.Dense(1, "sigmoid")],
        [layers.Embedding(30, 4), layers.Flatten(), layers.Dense(1, "sigmoid")],
    ],
)
def test_other_networks_take_the_loop(stack):
    model = minirnn.Sequential([layers.Input((7,)), *stack])
    model.compile(loss="binary_crossentropy")
    assert model.express_way(examples()[0], "train") is None


def test_another_loss_takes_the_loop():
    model = make()
    model.compile(loss="mse")
    assert model.express_way(examples()[0], "train") is None
    assert model.express_way(examples()[0], "evaluate") is None


def test_vectors_take_the_loop():
    model = make(embed=False, V=4)
    model.compile(loss="binary_crossentropy")
    assert model.express_way(np.zeros((3, 7, 4), np.float32), "train") is None


@pytest.mark.parametrize("case", [{}, {"H": 20}, {"embed": False}, {"mask_zero": True}, {"V": 3_000}, {"K": 3}])
def test_an_example_gets_the_same_bits_in_any_company(case):
    model = make(**case)
    x, _ = examples(**case)
    together = model.predict(x, verbose=0)
    for n in (0, 37, 99):
        alone = model.predict_one(x[n])
        np.testing.assert_array_equal(np.ravel(alone), together[n])
        assert isinstance(alone, float) == (case.get("K", 1) == 1)
        np.testing.assert_array_equal(model.predict(x[n : n + 1], batch_size=7, verbose=0)[0], together[n])


def test_predict_one_says_what_does_not_fit():
    model = make()
    with pytest.raises(ValueError, match=r"predict_one: id 30 .* is not in 0\.\.29"):
        model.predict_one([1, 2, 30])
    with pytest.raises(ValueError, match=r"predict_one: x must be ids of shape"):
        model.predict_one([[1, 2, 3]])


def test_predict_one_of_any_model():
    model = minirnn.Sequential([layers.Input((3, 2)), layers.SimpleRNN(4, return_sequences=True)])
    x = np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)
    np.testing.assert_array_equal(model.predict_one(x), model.predict(x[None], verbose=0)[0])


@pytest.mark.parametrize("left_out", ["sum_chunks", "pack_weights"])
def test_a_planted_fault_is_caught(left_out, monkeypatch):
    # a task that does nothing: the weights packed once and never again, or gradients of chunks that are not added up
    source = {name: getattr(kernel, name) for name in vars(kernel)}
    faulty = types_function(kernel.run_batches_jit, source | {left_out: lambda *arguments: None}, left_out)
    monkeypatch.setattr(plan, "run_batches_jit", faulty)
    one = trained(True, monkeypatch, epochs=1, batch_size=40, T=3, N=80)
    monkeypatch.undo()
    other = trained(False, monkeypatch, epochs=1, batch_size=40, T=3, N=80)
    with pytest.raises(AssertionError):
        compare(one, other)


def types_function(kernel_, names, left_out):
    """The kernel compiled anew, with one name meaning something else."""
    import types

    import numba

    names[left_out] = numba.njit(names[left_out])
    function = types.FunctionType(kernel_.py_func.__code__, names, "faulty")
    return numba.njit(function, nogil=True, error_model="numpy")
