"""Sequential: its layers, shapes and weights, and what it refuses."""

import numpy as np
import pytest

import minirnn
from minirnn import layers
from minirnn.layers import Dense, Embedding, Input, SimpleRNN

T, V, E, H = 5, 11, 4, 6
SHAPES = [(V, E), (E, H), (H, H), (H,), (H, 1), (1,)]


def sentiment_model(*, add_input=True, **options):
    stack = [Embedding(V, E), SimpleRNN(H), Dense(1, "sigmoid")]
    return minirnn.Sequential([Input((T,)), *stack] if add_input else stack, **{"backend": "numpy", "seed": 1, **options})


def ids_of(N, T=T, seed=2):
    return np.random.default_rng(seed).integers(0, V, (N, T))


# --------------------------------------------------------------------------------------------------------------------------- structure


def test_a_model_with_an_input_is_built_as_layers_are_added():
    model = minirnn.Sequential()
    model.add(Input((T,)))
    model.add(Embedding(V, E))

    assert model.built
    assert model.output_shape == (None, T, E)

    model.add(SimpleRNN(H))

    assert (model.input_shape, model.output_shape) == ((None, T), (None, H))
    assert [layer.output_shape for layer in model.layers] == [(None, T, E), (None, H)]


def test_a_model_without_an_input_is_built_by_the_first_inputs():
    model = sentiment_model(add_input=False)
    assert not model.built

    model(ids_of(3))

    assert model.built
    assert [weight.shape for weight in model.get_weights()] == SHAPES
    assert model.input_shape == (None, T)


def test_build_gives_the_shape_by_hand():
    model = sentiment_model(add_input=False)

    model.build((None, T))

    assert [weight.shape for weight in model.get_weights()] == SHAPES


def test_input_shape_of_the_first_layer_stands_for_an_input():
    model = minirnn.Sequential([Dense(3, input_shape=(7,)), Dense(2)])

    assert (model.input_shape, model.output_shape) == ((None, 7), (None, 2))


@pytest.mark.parametrize("name", ["input_shape", "output_shape"])
def test_a_model_that_is_not_built_has_no_shape(name):
    with pytest.raises(AttributeError, match="not built"):
        getattr(sentiment_model(add_input=False), name)


def test_an_empty_model_cannot_be_built_or_called():
    with pytest.raises(ValueError, match="no layers"):
        minirnn.Sequential().build((None, T))
    with pytest.raises(ValueError, match="no layers"):
        minirnn.Sequential().predict(ids_of(2), verbose=0)


@pytest.mark.parametrize("late", [[Input((T,)), Embedding(V, E), Input((T,))], [Embedding(V, E), Input((T,))]])
def test_input_comes_first_and_once(late):
    with pytest.raises(ValueError, match="Input must come first"):
        minirnn.Sequential(late)


def test_names_differ():
    with pytest.raises(ValueError, match="'twin' is in the model already"):
        minirnn.Sequential([Dense(3, name="twin"), Dense(2, name="twin")])


@pytest.mark.parametrize("thing", ["dense", Dense, None, np.tanh])
def test_only_layers_are_added(thing):
    with pytest.raises(TypeError, match="expected a layer"):
        minirnn.Sequential([thing])


def test_a_layer_that_does_not_fit_is_not_added():
    model = minirnn.Sequential([Input((T,))])

    with pytest.raises(ValueError, match="Put an Embedding before it"):
        model.add(SimpleRNN(H))

    assert model.layers == []
    model.add(Embedding(V, E))
    assert model.built


def test_pop_takes_the_last_layer_away_and_the_others_keep_their_weights():
    model = sentiment_model()
    before = model.get_weights()

    popped = model.pop()

    assert popped.units == 1
    assert model.output_shape == (None, H)
    np.testing.assert_equal(model.get_weights(), before[:4])
    assert model(ids_of(3)).shape == (3, H)


def test_pop_is_seen_by_the_next_call():
    model, x = sentiment_model(), ids_of(3)
    outputs = model(x)
    assert outputs.shape == (3, 1)

    model.pop()

    assert model(x).shape == (3, H)


def test_nothing_can_be_popped_from_an_empty_model():
    with pytest.raises(ValueError, match="has no layers"):
        minirnn.Sequential().pop()


def test_layers_can_be_changed_after_training():
    model = sentiment_model()
    model.compile("rmsprop", "binary_crossentropy")
    model.fit(ids_of(4), [0, 1, 1, 0], verbose=0)
    model.pop()
    model.add(Dense(3, "sigmoid"))

    model.fit(ids_of(4), np.eye(3)[[0, 2, 1, 1]], verbose=0)

    assert model.output_shape == (None, 3)
    assert model.optimizer.iterations == 1


def test_get_layer_by_name_and_by_index():
    model = sentiment_model()

    assert model.get_layer(index=-1) is model.layers[2]
    assert model.get_layer(model.layers[1].name) is model.layers[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"name": "lstm"}, "no layer is named 'lstm'"), ({"index": 3}, "out of range"), ({}, "either"), ({"name": "x", "index": 0}, "either")],
)
def test_get_layer_says_what_there_is(arguments, message):
    with pytest.raises(ValueError, match=message):
        sentiment_model().get_layer(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"), [({"backend": "torch"}, "'numba' or 'numpy'"), ({"dtype": "float16"}, "'float32' or 'float64'")]
)
def test_unknown_backends_and_dtypes_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        minirnn.Sequential(**arguments)


def test_default_names_are_numbered():
    first, second = minirnn.Sequential(), minirnn.Sequential()

    assert first.name != second.name
    assert second.name.startswith("sequential")
    assert minirnn.Sequential(name="mine").name == "mine"


# ----------------------------------------------------------------------------------------------------------------------------- weights


def test_count_params_is_keras_s_number():
    model = minirnn.Sequential([Input((100,)), Embedding(200, 16), SimpleRNN(8), Dense(1)])

    assert model.count_params() == 200 * 16 + 8 * (16 + 8 + 1) + 8 + 1


def test_count_params_needs_weights():
    with pytest.raises(ValueError, match="no weights yet"):
        sentiment_model(add_input=False).count_params()


def test_get_weights_gives_copies_in_keras_s_order():
    model = sentiment_model()

    weights = model.get_weights()
    for weight in weights:
        weight += 1

    assert [weight.shape for weight in weights] == SHAPES
    assert all((weight != own).all() for weight, own in zip(weights, model.get_weights(), strict=True))


def test_set_weights_takes_values_and_keeps_the_dtype():
    rng = np.random.default_rng(3)
    model, given = sentiment_model(), [rng.normal(size=shape) for shape in SHAPES]

    model.set_weights(given)

    assert all(weight.dtype == np.float32 for weight in model.get_weights())
    np.testing.assert_equal(model.get_weights(), [weight.astype(np.float32) for weight in given])


def test_set_weights_reaches_the_forward_pass_and_the_optimizer():
    model, other = sentiment_model(seed=1), sentiment_model(seed=2)
    x = ids_of(4)
    for each in (model, other):
        each.compile("rmsprop", "binary_crossentropy")
    model.predict(x, verbose=0)  # the weights lie in one vector by now

    model.set_weights(other.get_weights())

    np.testing.assert_array_equal(model.predict(x, verbose=0), other.predict(x, verbose=0))
    assert model.train_on_batch(x, [0, 1, 1, 1]) == other.train_on_batch(x, [0, 1, 1, 1])
    np.testing.assert_equal(model.get_weights(), other.get_weights())


@pytest.mark.parametrize("change", [lambda w: w[:-1], lambda w: [*w, w[0]], lambda w: [w[1], w[0], *w[2:]], lambda w: [*w[:-1], 0.0]])
def test_set_weights_of_other_shapes_changes_nothing(change):
    model = sentiment_model()
    before = model.get_weights()

    with pytest.raises(ValueError, match="expected weights of shapes"):
        model.set_weights(change([weight + 1 for weight in before]))

    np.testing.assert_equal(model.get_weights(), before)


def test_same_seed_same_weights():
    np.testing.assert_equal(sentiment_model(seed=7).get_weights(), sentiment_model(seed=7).get_weights())
    assert (sentiment_model(seed=7).get_weights()[0] != sentiment_model(seed=8).get_weights()[0]).any()


def test_without_a_seed_set_random_seed_decides():
    models = []
    for _ in range(2):
        minirnn.utils.set_random_seed(4)
        models.append([sentiment_model(seed=None).get_weights() for _ in range(2)])

    np.testing.assert_equal(models[0], models[1])
    assert (models[0][0][0] != models[0][1][0]).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtype_is_that_of_weights_and_outputs(dtype):
    model = sentiment_model(dtype=dtype)

    assert {weight.dtype.name for weight in model.get_weights()} == {dtype}
    assert model.predict(ids_of(3), verbose=0).dtype == dtype


def test_a_layer_with_weights_of_its_own_takes_the_model_s_dtype():
    table = np.random.default_rng(5).normal(size=(V, E))

    model = minirnn.Sequential([Input((T,)), Embedding(V, E, weights=table), Dense(1)], dtype="float64", backend="numpy")

    assert model(ids_of(2)).dtype == np.float64
    assert {weight.dtype.name for weight in model.get_weights()} == {"float64"}
    assert {layer.dtype.name for layer in model.layers} == {"float64"}


# ----------------------------------------------------------------------------------------------------------------------------- summary


def test_summary_prints_layers_shapes_and_counts(capsys):
    model = sentiment_model(name="small")

    model.summary()

    said = capsys.readouterr().out
    assert 'Model: "small"' in said
    assert "(None, 5, 4)" in said
    for layer in model.layers:
        assert f"{layer.name} ({type(layer).__name__})" in said
    total = sum(np.prod(shape) for shape in SHAPES)
    assert f"Total params: {total} ({total * 4}.00 B)" in said
    assert "Non-trainable params: 0 (0.00 B)" in said


def test_summary_gives_its_text_once_to_print_fn():
    texts = []

    sentiment_model().summary(print_fn=texts.append)

    assert len(texts) == 1
    assert "Output Shape" in texts[0]


def test_summary_of_a_model_that_is_not_built():
    texts = []

    sentiment_model(add_input=False).summary(print_fn=texts.append)

    assert texts[0].count("0 (unbuilt)") == 3


def test_summary_counts_the_optimizer_and_what_is_frozen():
    model, texts = sentiment_model(), []
    model.layers[0].trainable = False
    model.compile("rmsprop", "binary_crossentropy")

    model.summary(print_fn=texts.append)

    total = model.count_params()
    assert f" Trainable params: {total - V * E}" in texts[0]
    assert f"Non-trainable params: {V * E}" in texts[0]
    assert "Optimizer params" in texts[0]


def test_the_public_names_are_keras_s():
    assert minirnn.Sequential is minirnn.models.Sequential
    assert minirnn.Input is layers.Input
