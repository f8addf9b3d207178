"""compile: what a model is trained with, by name or as it is, and what is refused."""

import numpy as np
import pytest

import minirnn
from minirnn import losses, metrics, optimizers
from minirnn.layers import Dense, Embedding, Input, SimpleRNN

T, V, E, H = 5, 11, 4, 6
SHAPES = [(V, E), (E, H), (H, H), (H,), (H, 1), (1,)]


def sentiment_model(*, add_input=True, **options):
    stack = [Embedding(V, E), SimpleRNN(H), Dense(1, "sigmoid")]
    return minirnn.Sequential([Input((T,)), *stack] if add_input else stack, **{"backend": "numpy", "seed": 1, **options})


def ids_of(N, T=T, seed=2):
    return np.random.default_rng(seed).integers(0, V, (N, T))


def test_compile_takes_names_and_objects():
    model = sentiment_model()

    model.compile("RMSprop", "bce", metrics=["accuracy"])
    assert isinstance(model.optimizer, optimizers.RMSprop)
    assert isinstance(model.loss, losses.BinaryCrossentropy)
    assert model.metrics_names == ["loss", "accuracy"]

    model.compile(optimizers.RMSprop(0.5), losses.MeanSquaredError(), metrics=[metrics.BinaryAccuracy("hits", 0.25)])
    assert model.optimizer.learning_rate == 0.5
    assert [(metric.name, metric.threshold) for metric in model.metrics] == [("hits", 0.25)]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"optimizer": "rmsporp"}, ValueError, "did you mean 'rmsprop'"),
        ({"loss": "binary_crossentrpy"}, ValueError, "did you mean 'binary_crossentropy'"),
        ({"metrics": ["acuracy"]}, ValueError, "did you mean 'accuracy'"),
        ({"metrics": "accuracy"}, ValueError, r"Write \['accuracy'\]"),
        ({"metrics": [None]}, TypeError, "received None"),
        ({"optimizer": 0.1}, TypeError, "received 0.1"),
        ({"loss": 3}, TypeError, "received 3"),
        ({"loss_weights": [1.0]}, ValueError, "loss_weights is not supported"),
        ({"weighted_metrics": ["accuracy"]}, ValueError, "weighted_metrics is not supported"),
        ({"run_eagerly": True}, ValueError, "run_eagerly is not supported"),
        ({"steps_per_execution": 4}, ValueError, "steps_per_execution is not supported"),
        ({"jit_compile": True}, ValueError, "jit_compile is not supported"),
        ({"auto_scale_loss": False}, ValueError, "auto_scale_loss is not supported"),
    ],
)
def test_a_compile_that_fails_changes_nothing(arguments, error, message):
    model = sentiment_model()
    model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
    before = (model.optimizer, model.loss, model.metrics)

    with pytest.raises(error, match=message):
        model.compile(**{"loss": "mse", **arguments})

    assert (model.optimizer, model.loss, model.metrics) == before


def test_an_optimizer_trains_one_model():
    optimizer, other = optimizers.RMSprop(), sentiment_model()
    sentiment_model().compile(optimizer, "mse")
    other.compile("rmsprop", "mse")
    before = other.optimizer

    with pytest.raises(ValueError, match="already trains another model"):
        other.compile(optimizer, "mse")

    assert other.optimizer is before


def test_the_same_optimizer_keeps_its_state_when_compiled_again():
    model, optimizer = sentiment_model(), optimizers.RMSprop()
    model.compile(optimizer, "mse")
    model.train_on_batch(ids_of(3), [0, 1, 1])
    velocity = optimizer.state["velocity"].copy()

    model.compile(optimizer, "binary_crossentropy")

    assert optimizer.iterations == 1
    np.testing.assert_array_equal(optimizer.state["velocity"], velocity)


def test_metrics_of_one_name_are_numbered():
    model = sentiment_model()

    model.compile("rmsprop", "mse", metrics=["accuracy", "acc", "accuracy", "accuracy"])

    assert model.metrics_names == ["loss", "accuracy", "acc", "accuracy_1", "accuracy_2"]


@pytest.mark.parametrize(("units", "kind"), [(1, metrics.BinaryAccuracy), (3, metrics.CategoricalAccuracy)])
@pytest.mark.parametrize("add_input", [True, False])
def test_accuracy_looks_at_the_number_of_outputs_even_when_it_is_known_late(units, kind, add_input):
    model = minirnn.Sequential([Input((7,)), Dense(units, "sigmoid")] if add_input else [Dense(units, "sigmoid")], backend="numpy")
    model.compile("rmsprop", "bce", metrics=["accuracy"])

    model.test_on_batch(np.ones((2, 7)), np.ones((2, units)))

    assert type(model.metrics[0]) is kind


def test_frozen_layers_stay_as_they_are():
    model, x, y = sentiment_model(), ids_of(6), [0, 1, 1, 0, 1, 0]
    model.compile("rmsprop", "binary_crossentropy")
    model.fit(x, y, verbose=0)
    model.layers[0].trainable = False
    model.compile("rmsprop", "binary_crossentropy")
    before = model.get_weights()

    model.fit(x, y, verbose=0)

    changed = [bool((weight != old).any()) for weight, old in zip(model.get_weights(), before, strict=True)]
    assert changed == [False, True, True, True, True, True]


def test_a_model_that_is_not_trainable_trains_nothing():
    model = sentiment_model(trainable=False)
    model.compile("rmsprop", "binary_crossentropy")
    before = model.get_weights()

    model.fit(ids_of(3), [0, 1, 1], verbose=0)

    np.testing.assert_equal(model.get_weights(), before)
