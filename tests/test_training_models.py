"""Single batches, evaluation and prediction; and every kind of model that can be trained: stateful, stacked, on ids and on one-hot."""

import numpy as np
import pytest
from training_cases import E, H, N, T, V, draw_examples, hits, losses_of_each, sentiment_model

import minirnn
from minirnn import OneHot, losses, optimizers
from minirnn.jit import HAVE_NUMBA
from minirnn.layers import Dense, Embedding, Flatten, Input, SimpleRNN
from parity.compare import compare_to_truth


@pytest.fixture
def examples():
    return draw_examples()


# --------------------------------------------------------------------------------------------------------------------------- single batches


def test_train_on_batch_embedding_oracle():
    """Keras 3.15.1 on JAX gives these columns; on TensorFlow repeated ids step further."""
    stack = [Input((3,)), Embedding(4, 1), Flatten(), Dense(1, use_bias=False, kernel_initializer="ones")]
    model = minirnn.Sequential(stack, backend="numpy")
    model.layers[0].set_weights([np.array([[0.1], [0.2], [0.3], [0.4]])])
    model.compile(optimizers.RMSprop(0.1), "mse")
    expected = [[0.1, 0.516228, 0.616228, 0.4], [0.1, 0.516228, 0.616228, 0.716228], [0.416228, 0.678274, 0.616228, 0.716228]]

    columns = []
    for ids in ([1, 1, 2], [3, 3, 3], [1, 0, 0]):
        model.train_on_batch(np.array([ids]), [2.0])
        columns.append(model.layers[0].get_weights()[0][:, 0])

    np.testing.assert_allclose(columns, expected, atol=2e-6)


def test_train_on_batch_is_one_step_of_fit(examples):
    x, y = examples
    by_batch, by_fit = sentiment_model(0.01), sentiment_model(0.01)

    loss, accuracy = by_batch.train_on_batch(x, y)
    logs = by_fit.fit(x, y, batch_size=N, shuffle=False, verbose=0).history

    assert ([loss], [accuracy]) == (logs["loss"], logs["accuracy"])
    np.testing.assert_equal(by_batch.get_weights(), by_fit.get_weights())


def test_batches_on_their_own_do_not_add_up(examples):
    x, y = examples
    model = sentiment_model()

    first, second = model.train_on_batch(x[:4], y[:4]), model.train_on_batch(x[4:], y[4:])

    assert first[0] == pytest.approx(losses_of_each(model, x[:4], y[:4]).mean(), rel=1e-6)
    assert second[0] == pytest.approx(losses_of_each(model, x[4:], y[4:]).mean(), rel=1e-6)
    assert model.test_on_batch(x[:4], y[:4]) == first


def test_test_on_batch_changes_nothing(examples):
    model = sentiment_model(0.1)
    before = model.get_weights()

    model.test_on_batch(*examples)

    np.testing.assert_equal(model.get_weights(), before)
    assert model.optimizer.iterations == 0


def test_evaluate_gives_a_list_a_number_or_a_dict(examples):
    x, y = examples
    model = sentiment_model()
    loss, accuracy = losses_of_each(model, x, y).mean(), hits(model, x, y).mean()

    assert model.evaluate(x, y, batch_size=6, verbose=0) == pytest.approx([loss, accuracy], rel=1e-6)
    as_dict = model.evaluate(x, y, verbose=0, return_dict=True)
    assert list(as_dict) == ["accuracy", "loss"]
    assert as_dict["loss"] == pytest.approx(loss, rel=1e-6)
    assert sentiment_model_without_metrics().evaluate(x, y, verbose=0) == pytest.approx(loss, rel=1e-6)


def sentiment_model_without_metrics():
    model = sentiment_model()
    model.compile(optimizers.RMSprop(), "binary_crossentropy")
    return model


@pytest.mark.parametrize("batch_size", [1, 4, N, 100, None])
def test_predict_keeps_the_order_whatever_the_batch(examples, batch_size):
    x, _ = examples
    model = sentiment_model()

    outputs = model.predict(x, batch_size=batch_size, verbose=0)

    assert (outputs.shape, outputs.dtype) == ((N, 1), np.float32)
    np.testing.assert_allclose(outputs, model.predict_on_batch(x), rtol=1e-6)


def test_predict_needs_no_compile(examples):
    model = minirnn.Sequential([Embedding(V, E), SimpleRNN(H, return_sequences=True)], backend="numpy")

    assert model.predict(examples[0], verbose=0).shape == (N, T, H)


@pytest.mark.parametrize("argument", ["steps_per_epoch", "validation_steps"])
def test_steps_are_refused_not_ignored(examples, argument):
    with pytest.raises(ValueError, match=f"{argument} is not supported"):
        sentiment_model().fit(*examples, **{argument: 2})


# ------------------------------------------------------------------------------------------------------- stateful layers, stacks, encodings


def stateful_model(**options):
    stack = [Input((T,), batch_size=3), Embedding(V, E), SimpleRNN(H, stateful=True), Dense(1, "sigmoid")]
    return sentiment_model(stack=stack, **options)


def test_a_stateful_layer_carries_its_state_from_batch_to_batch(examples):
    x, _ = examples
    model, long = (
        stateful_model(),
        minirnn.Sequential([Input((2 * T,)), Embedding(V, E), SimpleRNN(H), Dense(1, "sigmoid")], backend="numpy"),
    )
    long.set_weights(model.get_weights())

    outputs = model.predict(x[:6], batch_size=3, verbose=0)

    np.testing.assert_allclose(outputs[3:], long(np.concatenate([x[:3], x[3:6]], axis=1)), rtol=1e-6)


def test_reset_states_forgets(examples):
    x, _ = examples
    model = stateful_model()
    first = model.predict(x[:3], batch_size=3, verbose=0)
    second = model.predict(x[:3], batch_size=3, verbose=0)

    model.reset_states()

    assert (first != second).all()
    np.testing.assert_array_equal(model.predict(x[:3], batch_size=3, verbose=0), first)


@pytest.mark.parametrize(("count", "batch_size"), [(7, 3), (6, 2), (6, None)])
@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_a_stateful_model_refuses_other_batches_before_the_first(examples, method, count, batch_size):
    x, y = examples
    model = stateful_model(learning_rate=0.1)
    before = model.get_weights()
    arguments = (x[:count],) if method == "predict" else (x[:count], y[:count])

    with pytest.raises(ValueError, match=rf"{method}: stateful layer .* batches of 3 rows"):
        getattr(model, method)(*arguments, batch_size=batch_size, verbose=0)

    np.testing.assert_equal(model.get_weights(), before)


STACKS = {
    "embedding": [Input((T,)), Embedding(V, E), SimpleRNN(H), Dense(1, "sigmoid")],
    "mask": [Input((T,)), Embedding(V, E, mask_zero=True), SimpleRNN(H, go_backwards=True), Dense(1, "sigmoid")],
    "stack": [Input((T,)), Embedding(V, E, mask_zero=True), SimpleRNN(H, return_sequences=True), SimpleRNN(3), Dense(1, "sigmoid")],
    "flatten": [Input((T,)), Embedding(V, E), SimpleRNN(H, "relu", return_sequences=True), Flatten(), Dense(1, "sigmoid")],
}


def copy_of(stack):
    return [layer if not hasattr(layer, "from_config") else type(layer).from_config(layer.get_config()) for layer in stack]


@pytest.mark.skipif(not HAVE_NUMBA, reason="numba is not installed: there is one backend")
@pytest.mark.parametrize("name", STACKS)
def test_the_backends_train_to_the_same_weights(examples, name):
    """The kernels may be as far from float64 as the reference in float32 is, twice over; see parity/compare.py."""
    x, y = examples
    first = sentiment_model(2.0**-7, stack=copy_of(STACKS[name]))
    weights = {}
    for backend, dtype in (("numba", "float32"), ("numpy", "float32"), ("numpy", "float64")):
        model = sentiment_model(2.0**-7, stack=copy_of(STACKS[name]), backend=backend, dtype=dtype)
        model.set_weights(first.get_weights())
        model.fit(x, y, batch_size=5, epochs=2, shuffle=False, verbose=0)
        weights[backend, dtype] = model.get_weights()

    for place, truth in enumerate(weights["numpy", "float64"]):
        verdict = compare_to_truth(name, str(place), weights["numba", "float32"][place], weights["numpy", "float32"][place], truth)
        assert verdict.passed, verdict


@pytest.mark.parametrize("name", STACKS)
def test_every_stack_learns(examples, name):
    x, y = examples

    logs = sentiment_model(0.01, stack=copy_of(STACKS[name])).fit(x, y, batch_size=5, epochs=15, verbose=0).history

    assert logs["loss"][-1] < 0.8 * logs["loss"][0]


@pytest.mark.parametrize(
    "backend", ["numpy", pytest.param("numba", marks=pytest.mark.skipif(not HAVE_NUMBA, reason="numba is not installed"))]
)
def test_dense_one_hot_arrays_train_as_unmaterialised_ones(examples, backend):
    x, y = OneHot(examples[0], V), examples[1]
    stack = [Input((T, V)), SimpleRNN(H), Dense(1, "sigmoid")]
    first = sentiment_model(stack=copy_of(stack))
    trained = {}
    for name, given, dtype in (("ids", x, "float32"), ("dense", np.asarray(x), "float32"), ("truth", x, "float64")):
        model = sentiment_model(2.0**-7, stack=copy_of(stack), dtype=dtype, backend=backend if dtype == "float32" else "numpy")
        model.set_weights(first.get_weights())
        model.fit(given, y, batch_size=5, epochs=2, shuffle=False, verbose=0)
        trained[name] = model.get_weights()

    for place, truth in enumerate(trained["truth"]):
        verdict = compare_to_truth("one-hot", str(place), trained["ids"][place], trained["dense"][place], truth)
        assert verdict.passed, verdict


def test_in_float64_ids_and_dense_one_hot_agree_to_float64(examples):
    x, y = OneHot(examples[0], V), examples[1]
    models = []
    for given in (x, np.asarray(x)):
        models.append(sentiment_model(0.01, stack=[Input((T, V)), SimpleRNN(H), Dense(1, "sigmoid")], dtype="float64"))
        models[-1].fit(given, y, batch_size=5, epochs=2, verbose=0)

    for ours, dense in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_allclose(ours, dense, rtol=1e-11, atol=1e-13)


def test_outputs_at_padding_weigh_nothing(examples):
    x, _ = examples
    x = np.where(np.arange(T) < np.arange(N)[:, None] % T, 0, np.maximum(x, 1))
    y = np.random.default_rng(6).integers(0, 2, (N, T, 1))
    model = sentiment_model(stack=[Input((T,)), Embedding(V, E, mask_zero=True), SimpleRNN(H, return_sequences=True), Dense(1, "sigmoid")])
    p = model.predict(x, verbose=0)[..., 0].astype(np.float64)
    each = -np.log(np.where(y[..., 0] == 1, p, 1 - p))

    loss, accuracy = model.evaluate(x, y, batch_size=N, verbose=0)

    assert loss == pytest.approx(each[x != 0].mean(), rel=1e-6)
    assert accuracy == pytest.approx(((p > 0.5) == y[..., 0])[x != 0].mean())


def test_the_order_of_words_can_be_learned():
    """Whether id 1 comes before id 2: no bag of words can tell."""
    rng = np.random.default_rng(7)
    x = np.array([rng.permutation(6) for _ in range(400)])
    y = np.argmax(x == 1, axis=1) < np.argmax(x == 2, axis=1)
    stack = [Input((6,)), Embedding(6, 4), SimpleRNN(8), Dense(1, "sigmoid")]
    model = sentiment_model(0.01, stack=stack)

    model.fit(x, y, epochs=15, verbose=0)

    assert model.evaluate(x, y, verbose=0)[1] > 0.95


def test_other_losses_train_too(examples):
    x, y = examples
    for loss in (losses.MeanSquaredError(), losses.BinaryCrossentropy(label_smoothing=0.1)):
        history = sentiment_model(0.01, loss=loss).fit(x, y, epochs=10, verbose=0).history
        assert history["loss"][-1] < history["loss"][0]


def test_from_logits_with_a_linear_head_is_the_sigmoid_head(examples):
    x, y = examples
    weights = sentiment_model().get_weights()
    trained = []
    for activation, loss in (("sigmoid", "binary_crossentropy"), (None, losses.BinaryCrossentropy(from_logits=True))):
        model = sentiment_model(0.01, loss=loss, stack=[Input((T,)), Embedding(V, E), SimpleRNN(H), Dense(1, activation)])
        model.set_weights(weights)
        model.fit(x, y, batch_size=5, epochs=2, shuffle=False, verbose=0)
        trained.append(model.get_weights())

    np.testing.assert_equal(*trained)


def test_progress_is_printed_by_epoch(examples, capsys):
    sentiment_model().fit(*examples, epochs=2, verbose=2)

    said = capsys.readouterr().out
    assert "Epoch 1/2" in said
    assert said.count("loss:") == 2


def test_silence_is_silent(examples, capsys):
    sentiment_model().fit(*examples, epochs=2, verbose=0, validation_split=0.2)

    assert capsys.readouterr().out == ""
