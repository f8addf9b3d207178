import numpy as np
import pytest
from gradient_check import SmallModel
from rnn_cases import B, E, H, T, small_input

import minirnn
from minirnn.batches import TokenRows
from minirnn.layers import Bidirectional, Dense, Embedding, Input, SimpleRNN
from minirnn.layers.token_rnn import TokenBidirectional
from minirnn.optimizers import RMSprop

V = 11
MODES = ("concat", "sum", "ave", "mul")


def merged(mode, y, y_other):
    return {"concat": np.concatenate([y, y_other], -1), "sum": y + y_other, "ave": (y + y_other) / 2, "mul": y * y_other}[mode]


@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_it_is_two_layers_put_together(mode, sequences):
    x, mask = small_input()
    both = Bidirectional(SimpleRNN(H, return_sequences=sequences, activation="sigmoid"), mode)
    found = both(x, mask)
    apart = [SimpleRNN(H, "sigmoid", return_sequences=sequences, go_backwards=way, zero_output_for_mask=sequences) for way in (False, True)]
    for layer, part in zip(apart, both.parts, strict=True):
        layer.build(x.shape)
        layer.set_weights(part.get_weights())
    y, y_other = (layer(x, mask) for layer in apart)
    np.testing.assert_array_equal(found, merged(mode, y, y_other[:, ::-1] if sequences else y_other))
    assert found.shape == tuple(B if size is None else size for size in both.output_shape)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_gradients(mode, sequences, masked):
    x, mask = small_input()
    rnn = SimpleRNN(H, return_sequences=sequences, recurrent_dropout=0.3, dropout=0.2)
    SmallModel([Bidirectional(rnn, mode), Dense(2)], x, mask if masked else None).check()


@pytest.mark.parametrize("embedding", [True, False], ids=["embedding", "one-hot"])
def test_gradients_of_the_token_step(embedding):
    ids = np.random.default_rng(3).integers(0, V, (B, T))
    tokens = TokenRows(ids, np.arange(B), None if embedding else V)
    step = TokenBidirectional(Embedding(V, E, mask_zero=True) if embedding else None, Bidirectional(SimpleRNN(H, return_sequences=True)))
    SmallModel([step, Bidirectional(SimpleRNN(2, "sigmoid"), "ave")], tokens).check()


def sentiment(**options):
    stack = [Embedding(V, E, mask_zero=True), Bidirectional(SimpleRNN(H, return_sequences=True)), Bidirectional(SimpleRNN(5), "ave")]
    return minirnn.Sequential([Input((T,)), *stack, Dense(1, "sigmoid")], seed=3, **options)


def examples(N=20):
    rng = np.random.default_rng(4)
    ids = rng.integers(0, V, (N, T))
    return ids, (ids == 3).any(axis=1).astype(int)


@pytest.mark.parametrize("update", ["summed", "per_lookup"])
def test_one_step_for_two_layers_trains_as_one_after_the_other_and_as_the_reference(update):
    ids, y = examples()
    weights = []
    for backend, together in (("numba", True), ("numba", False), ("numpy", True)):
        model = sentiment(backend=backend)
        model.compile(RMSprop(0.01, embedding_update=update), loss="binary_crossentropy")
        if not together:
            model.plan = lambda one_hot, layers=model.layers: layers
        model.fit(ids, y, batch_size=7, epochs=2, verbose=0)
        weights.append(model.get_weights())
    for first, *others in zip(*weights, strict=True):
        for other in others:
            np.testing.assert_allclose(first, other, atol=2e-5)


def test_it_learns():
    ids, y = examples(60)
    model = sentiment()
    model.compile(RMSprop(0.02), loss="binary_crossentropy", metrics=["accuracy"])
    assert model.fit(ids, y, epochs=40, verbose=0).history["accuracy"][-1] > 0.95


def test_weights_come_forward_layer_first_and_can_be_given():
    x, _ = small_input()
    first = Bidirectional(SimpleRNN(H))
    first.build(x.shape)
    assert [weight.shape for weight in first.get_weights()] == 2 * [(E, H), (H, H), (H,)]
    assert first.count_params() == 2 * (E * H + H * H + H)
    second = Bidirectional(SimpleRNN(H), weights=first.get_weights())
    np.testing.assert_array_equal(second(x), first(x))


def test_freezing_it_freezes_both():
    ids, y = examples()
    model = sentiment()
    model.layers[1].trainable = False
    model.compile(RMSprop(0.1), loss="binary_crossentropy")
    before = model.get_weights()
    model.fit(ids, y, verbose=0)
    moved = [not np.array_equal(old, new) for old, new in zip(before, model.get_weights(), strict=True)]
    assert moved == [True, *6 * [False], *8 * [True]]
    assert "Non-trainable params: 64" in capture_summary(model)


def capture_summary(model):
    lines = []
    model.summary(print_fn=lines.append)
    return "".join(lines)


def test_states_go_in_and_come_out():
    x, _ = small_input()
    layer = Bidirectional(SimpleRNN(H, return_state=True))
    starts = np.random.default_rng(5).normal(size=(2, B, H))
    output, state, state_other = layer(x, initial_state=list(starts))
    np.testing.assert_array_equal(output, np.concatenate([state, state_other], -1))
    np.testing.assert_array_equal(state, layer.forward_layer(x, initial_state=starts[0])[0])
    assert np.abs(state - layer(x)[1]).max() > 1e-3


def test_without_merging_both_outputs_come_apart():
    x, _ = small_input()
    layer = Bidirectional(SimpleRNN(H, return_sequences=True), None)
    y, y_other = layer(x)
    np.testing.assert_array_equal(y, layer.forward_layer(x))
    np.testing.assert_array_equal(y_other, layer.backward_layer(x)[:, ::-1])


def test_states_are_carried_and_forgotten():
    x, _ = small_input()
    layer = Bidirectional(SimpleRNN(H, stateful=True))
    layer.build(x.shape)
    first, second = layer(x), layer(x)
    assert np.abs(first - second).max() > 1e-3
    layer.reset_states()
    np.testing.assert_array_equal(layer(x), first)


def test_a_layer_of_its_own_can_go_backwards():
    layer = Bidirectional(SimpleRNN(3), backward_layer=SimpleRNN(5, "relu", go_backwards=True))
    assert layer(small_input()[0]).shape == (B, 8)


def test_a_saved_model_is_the_same_and_trains_on(tmp_path):
    ids, y = examples()
    model = sentiment()
    model.compile(RMSprop(0.01), loss="binary_crossentropy")
    model.fit(ids, y, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    loaded, other = minirnn.models.load_model(tmp_path / "model.keras"), sentiment()
    other.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_equal(loaded.get_weights(), model.get_weights())
    np.testing.assert_equal(other.get_weights(), model.get_weights())
    for each in (model, loaded):
        each.fit(ids, y, shuffle=False, verbose=0)
    np.testing.assert_equal(loaded.get_weights(), model.get_weights())


def test_both_layers_have_every_argument_of_the_one_given_functions_too():
    given = SimpleRNN(
        3, "relu", kernel_constraint=abs, recurrent_initializer=lambda shape, dtype: np.full(shape, 0.25), bias_regularizer="l2"
    )
    layer = Bidirectional(given, "sum")
    layer(small_input()[0])
    for part, go_backwards in zip(layer.parts, (False, True), strict=True):
        assert (part.activation, part.units, part.go_backwards) == ("relu", 3, go_backwards)
        assert part.kernel_constraint is abs
        assert part.bias_regularizer.l2 == 0.01
        np.testing.assert_array_equal(part.values["recurrent_kernel"], 0.25)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Bidirectional(Dense(3)), "layer must be a SimpleRNN"),
        (lambda: Bidirectional({"class_name": "LSTM", "config": {}}), "layer must be a SimpleRNN, received 'LSTM'"),
        (lambda: Bidirectional(SimpleRNN(3), "add"), "merge_mode must be one of .* received 'add'"),
        (lambda: Bidirectional(SimpleRNN(3), backward_layer=SimpleRNN(3)), "must read in opposite directions"),
        (
            lambda: Bidirectional(SimpleRNN(3), backward_layer=SimpleRNN(3, go_backwards=True, return_sequences=True)),
            "return_sequences must be the same for both layers, received False and True",
        ),
        (
            lambda: Bidirectional(SimpleRNN(3), "sum", backward_layer=SimpleRNN(4, go_backwards=True)),
            "needs two layers of the same units, received 3 and 4",
        ),
        (lambda: Bidirectional(SimpleRNN(3))(small_input()[0], initial_state=np.zeros((B, 3))), "must be a list of two states"),
        (
            lambda: minirnn.Sequential([Input((T, E)), Bidirectional(SimpleRNN(3), None)]),
            "gives more than one array",
        ),
    ],
)
def test_what_does_not_fit_is_said(make, message):
    with pytest.raises(ValueError, match=message):
        make()
