"""What a model with penalties costs, and the gradients of that."""

import numpy as np
import pytest
from gradient_check import SmallModel
from penalty_cases import BOTH, penalized_model, price_of_outputs, price_of_weights
from training_cases import E, H, N, T, V, draw_examples, losses_of_each, sentiment_model

import minirnn
from minirnn import optimizers
from minirnn.batches import TokenRows
from minirnn.constraints import MaxNorm, UnitNorm
from minirnn.jit import HAVE_NUMBA
from minirnn.layers import Bidirectional, Dense, Dropout, Embedding, Flatten, Input, SimpleRNN
from minirnn.layers.penalized import Penalized
from minirnn.layers.token_rnn import TokenBidirectional, TokenRNN
from minirnn.regularizers import L1, L2, OrthogonalRegularizer

BACKENDS = ["numpy", *(["numba"] if HAVE_NUMBA else [])]


@pytest.fixture
def examples():
    return draw_examples()


# --------------------------------------------------------------------------------------------------------------------------- gradients


def floats(*shape):
    return np.random.default_rng(5).normal(size=shape)


def tokens():
    return TokenRows(np.random.default_rng(6).integers(0, V, (3, T)), np.array([2, 0, 2, 1]))


def mask():
    return np.array([[True, False, True, True, False], [False] * 5, [True] * 5])


STACKS = {
    "dense": lambda: SmallModel([Dense(4, "tanh", kernel_regularizer=BOTH, bias_regularizer=L2(0.5))], floats(3, 5)),
    "dense outputs": lambda: SmallModel([Dense(4, "sigmoid", activity_regularizer=BOTH), Dense(2)], floats(3, 5)),
    "rnn": lambda: SmallModel(
        [SimpleRNN(4, kernel_regularizer=BOTH, recurrent_regularizer=OrthogonalRegularizer(0.5), bias_regularizer=L1(0.5))], floats(3, 5, 6)
    ),
    "rnn outputs": lambda: SmallModel([SimpleRNN(4, activity_regularizer=BOTH)], floats(3, 5, 6)),
    "rnn sequences": lambda: SmallModel([SimpleRNN(4, return_sequences=True, activity_regularizer=BOTH)], floats(3, 5, 6)),
    "rnn masked": lambda: SmallModel(
        [SimpleRNN(4, return_sequences=True, zero_output_for_mask=True, activity_regularizer=L2(0.5))], floats(3, 5, 6), mask()
    ),
    "tokens": lambda: SmallModel(
        [TokenRNN(Embedding(V, E, embeddings_regularizer=BOTH), SimpleRNN(H, activity_regularizer=BOTH))], tokens()
    ),
    "both ways": lambda: SmallModel(
        [Bidirectional(SimpleRNN(4, kernel_regularizer=BOTH, activity_regularizer=L2(0.5)), activity_regularizer=BOTH)], floats(3, 5, 6)
    ),
    "tokens both ways": lambda: SmallModel(
        [TokenBidirectional(Embedding(V, E), Bidirectional(SimpleRNN(H, activity_regularizer=L2(0.5)), "mul", activity_regularizer=BOTH))],
        tokens(),
    ),
    "embedding": lambda: SmallModel([Embedding(V, E, embeddings_regularizer=L2(0.5), activity_regularizer=BOTH), SimpleRNN(H)], tokens()),
    "dropout": lambda: SmallModel([Dropout(0.5, activity_regularizer=BOTH), Dense(2)], floats(3, 5)),
    "flatten": lambda: SmallModel([Flatten(activity_regularizer=BOTH), Dense(2)], floats(3, 5, 2)),
    "orthogonal outputs": lambda: SmallModel([Dense(4, activity_regularizer=OrthogonalRegularizer(0.5))], floats(3, 5)),
}


@pytest.mark.parametrize("stack", STACKS)
def test_gradients_with_penalties(stack):
    STACKS[stack]().check()


def test_a_price_that_is_not_divided_by_the_batch_is_found(monkeypatch):
    fault = lambda self: self.layer.activity_regularizer.gradient(self._y)  # noqa: E731
    monkeypatch.setattr(Penalized, "_dpenalty", fault)
    with pytest.raises(AssertionError, match="WRONG"):
        STACKS["rnn outputs"]().check()


def test_the_way_past_the_logits_is_the_same():
    head, x, dlogits = Dense(2, "sigmoid", activity_regularizer=BOTH, dtype="float64"), floats(3, 5), floats(3, 2)
    head(x)
    step = Penalized(head, head)
    probs = step.forward(x)

    by_outputs = step.backward(dlogits / (probs * (1 - probs))).copy()
    kernel = head.gradients["kernel"].copy()
    by_logits = step.backward_from_logits(dlogits)

    np.testing.assert_allclose(by_logits, by_outputs, rtol=1e-12)
    np.testing.assert_allclose(head.gradients["kernel"], 2 * kernel, rtol=1e-12)


# -------------------------------------------------------------------------------------------------------------------------------- losses


def test_the_losses_of_a_model_are_in_keras_s_order(examples):
    x, _ = examples
    model = penalized_model()
    assert model.losses == pytest.approx(price_of_weights(model), rel=1e-6)  # no outputs yet

    model(x)

    assert model.losses == pytest.approx([*price_of_outputs(model, x), *price_of_weights(model)], rel=1e-6)
    assert model.layers[2].losses == pytest.approx([price_of_outputs(model, x)[1], price_of_weights(model)[3]], rel=1e-6)
    assert minirnn.Sequential([Dense(2, kernel_regularizer="l2")]).losses == []


def test_a_layer_called_by_itself_knows_what_it_costs():
    for layer, x in ((Embedding(V, E), np.arange(6).reshape(2, 3)), (Dense(4, "tanh"), floats(2, 3))):
        layer.activity_regularizer = L2(0.5)
        assert layer.losses == []
        y = layer(x)
        assert layer.losses == [pytest.approx(0.5 * np.sum(y**2) / 2)]


def test_layers_inside_others_cost_something_too():
    both = Bidirectional(SimpleRNN(H, recurrent_regularizer=L2(0.5), activity_regularizer=L1(0.25)), activity_regularizer=L2(0.125))
    model, x = minirnn.Sequential([both]), floats(3, 5, 6)
    ahead, back = both.parts
    y = model(x)

    expected = [0.125 * np.sum(y**2) / 3, *(0.25 * np.abs(half).sum() / 3 for half in np.split(y, 2, axis=-1))]
    expected += [0.5 * np.sum(part.get_weights()[1] ** 2) for part in (ahead, back)]

    assert model.losses == pytest.approx(expected, rel=1e-6)
    assert both.losses == pytest.approx(expected, rel=1e-6)
    both.trainable = False
    assert len(model.losses) == 3
    assert model.parameters.penalized
    both(x)
    assert both.losses == pytest.approx(expected[:3], rel=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_penalties_join_every_loss_that_is_reported(examples, backend):
    x, y = examples
    model = penalized_model(backend=backend)
    expected = losses_of_each(model, x, y).mean() + sum(price_of_weights(model)) + sum(price_of_outputs(model, x))

    found = [
        model.evaluate(x, y, verbose=0)[0],
        model.test_on_batch(x, y)[0],
        model.train_on_batch(x, y)[0],
        *model.fit(x, y, verbose=0, validation_data=(x, y)).history["val_loss"],
        *model.history.history["loss"],
    ]

    assert found == pytest.approx([expected] * 5, rel=1e-6)


def test_each_batch_pays_for_its_outputs_by_its_own_rows(examples):
    x, y = examples
    model = penalized_model()
    assert N % 7
    outputs = sum(sum(price_of_outputs(model, x[start : start + 7])) * len(x[start : start + 7]) for start in range(0, N, 7)) / N

    expected = losses_of_each(model, x, y).mean() + sum(price_of_weights(model)) + outputs

    assert model.evaluate(x, y, batch_size=7, verbose=0)[0] == pytest.approx(expected, rel=1e-6)


def test_sample_weights_do_not_weigh_penalties(examples):
    x, y = examples
    model = penalized_model()
    penalties = sum(price_of_weights(model)) + sum(price_of_outputs(model, x))
    plain, doubled = model.test_on_batch(x, y)[0], model.test_on_batch(x, y, sample_weight=np.full(N, 2.0))[0]

    assert doubled - penalties == pytest.approx(2 * (plain - penalties), rel=1e-5)


def test_weights_that_are_not_trained_cost_nothing_and_outputs_do(examples):
    x, y = examples
    model = penalized_model(0.01)
    for layer in model.layers:
        layer.trainable = False
    model.layers[0].trainable = True
    model.compile(optimizers.RMSprop(0.01), "binary_crossentropy")
    before = model.get_weights()

    model.train_on_batch(x, y)

    assert len(model.losses) == 3
    model.set_weights(before)
    model(x)
    assert model.losses == pytest.approx([*price_of_outputs(model, x), price_of_weights(model)[0]], rel=1e-6)
    whole = minirnn.Sequential(model.layers, trainable=False)
    whole(x)
    assert len(whole.losses) == 2


def test_a_model_without_penalties_takes_the_same_steps_as_ever(examples):
    model = sentiment_model()

    assert not model.parameters.penalized
    assert [type(step) for step in model.plan(one_hot=False)] == [TokenRNN, Dense]
    assert model.losses == []


def test_what_the_output_costs_decides_what_is_one_step():
    def steps(embedding_cost, rnn_cost, one_hot=False):
        stack = [SimpleRNN(H, activity_regularizer=rnn_cost), Dense(1)]
        stack = stack if one_hot else [Embedding(V, E, activity_regularizer=embedding_cost), *stack]
        return [(type(step).__name__, type(getattr(step, "step", None)).__name__) for step in minirnn.Sequential(stack).plan(one_hot)][:-1]

    assert steps(None, None) == [("TokenRNN", "NoneType")]
    assert steps(None, "l2") == [("Penalized", "TokenRNN")]
    assert steps("l2", None) == [("Penalized", "Embedding"), ("SimpleRNN", "NoneType")]
    assert steps("l2", "l2") == [("Penalized", "Embedding"), ("Penalized", "SimpleRNN")]
    assert steps(None, "l2", one_hot=True) == [("Penalized", "TokenRNN")]


# ------------------------------------------------------------------------------------------------------------------------- at the edge


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            lambda: Dense(3, name="d", bias_regularizer=OrthogonalRegularizer()),
            r"Dense: layer 'd': .* does not fit the bias of",
        ),
        (
            lambda: Dense(3, name="d", kernel_constraint=MaxNorm(2, axis=2)),
            r"layer 'd': MaxNorm\(.*axis=2\) does not fit the kernel",
        ),
        (
            lambda: SimpleRNN(3, name="r", return_sequences=True, activity_regularizer=OrthogonalRegularizer()),
            r"layer 'r': .* does not fit the output of shape \(None, 5, 3\)",
        ),
    ],
)
def test_what_does_not_fit_is_said_before_any_training(layer, message):
    with pytest.raises(ValueError, match=message):
        minirnn.Sequential([Input((5, 4)), layer()])


@pytest.mark.parametrize("make", [lambda **k: Dense(2, **k), lambda **k: SimpleRNN(2, **k), lambda **k: Embedding(5, 2, **k), Flatten])
def test_unknown_names_are_named_at_once(make):
    with pytest.raises(ValueError, match="unknown regularizer 'l5'"):
        make(activity_regularizer="l5")


@pytest.mark.parametrize(
    "layer",
    [
        lambda: Dense(3, kernel_regularizer="l1", bias_regularizer=L2(0.5), kernel_constraint=MaxNorm(3, 1), bias_constraint="non_neg"),
        lambda: Embedding(5, 2, embeddings_regularizer=L1(0.5), activity_regularizer="l1_l2", embeddings_constraint=UnitNorm([0, 1])),
        lambda: SimpleRNN(3, "tanh", True, "ones", "ones", "ones", "l1", "l2", L1(0.5), L2(0.5), "max_norm", "unit_norm", "non_neg"),
        lambda: Dropout(0.5, activity_regularizer=L2(0.5)),
        lambda: Flatten(activity_regularizer=L2(0.5)),
    ],
)
def test_configurations_come_back(layer):
    config = layer().get_config()
    assert type(layer()).from_config(config).get_config() == config
    given = {name for name, value in config.items() if isinstance(value, dict) and ("regularizer" in name or "constraint" in name)}
    assert given == {name for name in config if "regularizer" in name or "constraint" in name} - (
        {"activity_regularizer"} if isinstance(layer(), Dense) else set()
    )
