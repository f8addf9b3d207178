"""Bad input: a clear error that names function, argument, what came and what was expected; and nothing of the model has changed."""

import copy
import re

import numpy as np
import pytest

import minirnn
from minirnn import OneHot, initializers
from minirnn.layers import Dense, Embedding, Flatten, Input, SimpleRNN

N, T, V = 6, 5, 11
IDS = np.random.default_rng(1).integers(0, V, (N, T))
LABELS = np.array([0, 1, 1, 0, 1, 0])
VECTORS = np.random.default_rng(2).normal(size=(N, T, V))


def token_model(add_input=True):
    stack = [Embedding(V, 4), SimpleRNN(3), Dense(1, "sigmoid")]
    return compiled(minirnn.Sequential([Input((T,)), *stack] if add_input else stack, backend="numpy", seed=1))


def vector_model():
    return compiled(minirnn.Sequential([Input((T, V)), SimpleRNN(3), Dense(1, "sigmoid")], backend="numpy", seed=1))


def compiled(model):
    model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
    return model


def everything(model):
    """All that a call could change, as values that compare."""
    weights = [weight.tobytes() for weight in model.weights]
    state = {name: vector.tobytes() for name, vector in model.optimizer.state.items()}
    means = [(tracker.total, tracker.count) for tracker in model.trackers]
    draws = copy.deepcopy((model.shuffle_rng.bit_generator.state, model._init_rng.bit_generator.state))
    return weights, state, means, draws, model.optimizer.iterations, model.built, model.history, model.stop_training


def put(ids, place, value):
    changed = np.array(ids, dtype=np.result_type(ids, value) if isinstance(value, float) else ids.dtype)
    changed[place] = value
    return changed


BAD_X = {
    "an id beyond the last": (put(IDS, (2, 3), V), ValueError, r"id 11 at \(b, t\) = \(2, 3\) is not in 0..10.*num_words=11"),
    "a negative id": (put(IDS, (4, 0), -1), ValueError, r"id -1 at \(b, t\) = \(4, 0\) is not in 0..10"),
    "an id that is not whole": (put(IDS, (1, 2), 1.5), ValueError, r"whole numbers, received 1.5 at \(1, 2\)"),
    "an id that is NaN": (put(IDS, (0, 4), float("nan")), ValueError, r"whole numbers, received nan at \(0, 4\)"),
    "an id that is infinite": (put(IDS, (0, 4), float("inf")), ValueError, r"whole numbers, received inf at \(0, 4\)"),
    "ragged lists": ([[1, 2], [3]], ValueError, "x must be a rectangle.*received a list.*pad_sequences"),
    "ragged objects": (np.array([[1, 2], [3]], object), ValueError, "x must be a rectangle.*received a ndarray.*pad_sequences"),
    "no examples": (np.zeros((0, T), int), ValueError, r"x is empty, received shape \(0, 5\)"),
    "no steps": (np.zeros((N, 0), int), ValueError, r"x is empty, received shape \(6, 0\)"),
    "one number": (3, ValueError, "x is empty"),
    "nothing": (None, ValueError, "x is missing"),
    "words": (np.array([["good", "film"]]), TypeError, "x must be numbers, received dtype <U4"),
    "one review": (IDS[0], ValueError, r"ids of shape \(N,T\), received shape \(5,\)"),
    "an axis too many": (IDS[..., None], ValueError, r"ids of shape \(N,T\), received shape \(6, 5, 1\)"),
    "one-hot": (OneHot(IDS, V), ValueError, "an Embedding takes ids, received a OneHot"),
}
CALLS = {
    "fit": lambda model, x: model.fit(x, LABELS, verbose=0),
    "evaluate": lambda model, x: model.evaluate(x, LABELS, verbose=0),
    "predict": lambda model, x: model.predict(x, verbose=0),
    "train_on_batch": lambda model, x: model.train_on_batch(x, LABELS),
    "test_on_batch": lambda model, x: model.test_on_batch(x, LABELS),
    "Sequential": lambda model, x: model(x),
    "fit: validation_data": lambda model, x: model.fit(IDS, LABELS, validation_data=(x, LABELS), verbose=0),
}


@pytest.mark.parametrize("function", CALLS)
@pytest.mark.parametrize("case", BAD_X)
def test_bad_ids(case, function):
    x, error, message = BAD_X[case]
    model = token_model()
    before = everything(model)

    with pytest.raises(error, match=rf"(?s)^{function}: .*{message}"):
        CALLS[function](model, x)

    assert everything(model) == before


@pytest.mark.parametrize("case", BAD_X)
def test_bad_ids_do_not_build_a_model(case):
    x, error, _ = BAD_X[case]
    model = token_model(add_input=False)
    before = everything(model)

    with pytest.raises(error):
        model.fit(x, LABELS, verbose=0)

    assert everything(model) == before
    assert not model.built


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (VECTORS[..., :7], r"x of shape \(6, 5, 7\) does not fit a model built for \(None, 5, 11\).*T,11"),
        (OneHot(IDS, V + 1), r"x of shape \(6, 5, 12\) does not fit"),
        (IDS, r"x must have shape \(None, 5, 11\), received \(6, 5\)"),
        (put(VECTORS, (3, 1, 2), float("nan")), r"x holds nan at \(3, 1, 2\). Every input must be a finite number"),
        (put(VECTORS, (3, 1, 2), float("-inf")), r"x holds -inf at \(3, 1, 2\)"),
        (OneHot(np.zeros((0, T), int), V), r"x is empty, received shape \(0, 5, 11\)"),
        (VECTORS[:, :0], "x is empty"),
    ],
)
def test_bad_vectors(x, message):
    model = vector_model()
    before = everything(model)

    with pytest.raises(ValueError, match=rf"(?s)^fit: .*{message}"):
        model.fit(x, LABELS, verbose=0)

    assert everything(model) == before


@pytest.mark.parametrize("method", ["predict", "evaluate", "fit"])
def test_a_length_that_only_a_later_layer_minds_is_found_before_any_kernel_runs(method):
    """Flatten takes any length; the Dense behind it would read beyond its weights."""
    model = compiled(minirnn.Sequential([Input((T,)), Embedding(V, 4), Flatten(), Dense(1, "sigmoid")]))
    arguments = (np.zeros((N, 9), int),) if method == "predict" else (np.zeros((N, 9), int), LABELS)

    with pytest.raises(ValueError, match=rf"^{method}: x of shape \(6, 9\) does not fit a model built for \(None, 5\)"):
        getattr(model, method)(*arguments, verbose=0)


def test_a_recurrent_model_takes_other_lengths_as_keras_does():
    assert token_model().predict(IDS[:, :3], verbose=0).shape == (N, 1)


BAD_Y = {
    "fewer than x": (LABELS[:4], ValueError, "x and y must have the same length, received 6 and 4"),
    "missing": (None, ValueError, "y is missing"),
    "NaN": (np.array([0, 1, np.nan, 0, 1, 0]), ValueError, "labels must be in 0..1, received nan at example 2"),
    "above 1": (np.array([0, 1, 1, 2, 1, 0]), ValueError, "labels must be in 0..1, received 2.0 at example 3"),
    "below 0": (np.array([0, 1, 1, 0, -1, 0]), ValueError, "labels must be in 0..1, received -1.0 at example 4"),
    "another width": (np.eye(3)[[0, 1, 2, 0, 1, 2]], ValueError, r"y has shape \(6, 3\), the model's output \(6, 1\)"),
    "words": (np.array(["good"] * N), TypeError, "y must be numbers, received dtype <U4"),
    "ragged": ([[0], [1], [0, 1], [0], [1], [1]], ValueError, "y must be a rectangle"),
    "none at all": (np.zeros(0), ValueError, r"y is empty, received shape \(0,\)"),
}


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
@pytest.mark.parametrize("case", BAD_Y)
@pytest.mark.parametrize("add_input", [True, False])
def test_bad_labels(case, method, add_input):
    y, error, message = BAD_Y[case]
    model = token_model(add_input)
    before = everything(model)

    with pytest.raises(error, match=rf"(?s)^{method}: .*{message}"):
        getattr(model, method)(IDS, y)

    assert everything(model) == before


def test_squared_error_takes_labels_of_any_size_but_finite_ones():
    model = token_model()
    model.compile("rmsprop", "mse")

    model.evaluate(IDS, LABELS * 7, verbose=0)

    with pytest.raises(ValueError, match="labels must be finite, received inf at example 1"):
        model.fit(IDS, put(LABELS, 1, float("inf")), verbose=0)


BAD_ARGUMENTS = {
    "batch_size zero": ({"batch_size": 0}, "batch_size must be a whole number of at least 1, received 0"),
    "batch_size negative": ({"batch_size": -3}, "batch_size must be a whole number of at least 1, received -3"),
    "batch_size not whole": ({"batch_size": 2.5}, "batch_size must be a whole number of at least 1, received 2.5"),
    "batch_size True": ({"batch_size": True}, "batch_size must be a whole number of at least 1, received True"),
    "epochs": ({"epochs": -1}, "epochs must be a whole number of at least 0, received -1"),
    "initial_epoch": ({"initial_epoch": -2}, "initial_epoch must be a whole number of at least 0, received -2"),
    "validation_batch_size": ({"validation_split": 0.5, "validation_batch_size": 0}, "validation_batch_size must be a whole number"),
    "validation_freq": ({"validation_split": 0.5, "validation_freq": 0}, "validation_freq must be a positive integer"),
    "validation_split": ({"validation_split": 1.0}, "validation_split must be between 0 and 1, received 1.0"),
    "validation_data": ({"validation_data": IDS}, r"validation_data must be \(x, y\).*received ndarray"),
    "validation_data of one": ({"validation_data": (IDS,)}, "validation_data must be"),
    "validation labels": ({"validation_data": (IDS, LABELS[:2])}, "validation_data: x and y must have the same length"),
    "validation weights": ({"validation_data": (IDS, LABELS, [1.0])}, r"validation_data: sample_weight .* received shape \(1,\)"),
    "shuffle": ({"shuffle": "epoch"}, "shuffle must be True, False or 'batch', received 'epoch'"),
    "sample_weight": ({"sample_weight": np.ones(N - 1)}, r"sample_weight must have one number per example, received shape \(5,\) for 6"),
    "sample_weight NaN": ({"sample_weight": np.full(N, np.nan)}, "sample_weight must be finite"),
    "class_weight": ({"class_weight": [1.0, 2.0]}, r"class_weight must be a dict such as .*received \[1.0, 2.0\]"),
    "class_weight by name": ({"class_weight": {"good": 2.0}}, "class_weight must be a dict"),
    "class_weight NaN": ({"class_weight": {0: float("nan")}}, "class_weight must be finite, received nan for class 0"),
    "both weights": ({"class_weight": {0: 2.0}, "sample_weight": np.ones(N)}, "either class_weight or sample_weight, not both"),
    "steps_per_epoch": ({"steps_per_epoch": 3}, "steps_per_epoch is not supported"),
}


@pytest.mark.parametrize("case", BAD_ARGUMENTS)
@pytest.mark.parametrize("add_input", [True, False])
def test_bad_arguments_of_fit(case, add_input):
    arguments, message = BAD_ARGUMENTS[case]
    model = token_model(add_input)
    before = everything(model)

    with pytest.raises(ValueError, match=f"(?s)^fit: ?.*{message}"):
        model.fit(IDS, LABELS, **{"verbose": 0, **arguments})

    assert everything(model) == before


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"callbacks": ["EarlyStopping"]}, TypeError, "received 'EarlyStopping' of type str"),
        ({"verbose": "loud"}, ValueError, "verbose must be"),
    ],
)
def test_bad_listeners_of_fit(arguments, error, message):
    model = token_model()
    weights = model.get_weights()

    with pytest.raises(error, match=message):
        model.fit(IDS, LABELS, **{"verbose": 0, **arguments})

    np.testing.assert_equal(model.get_weights(), weights)


def test_a_model_must_be_compiled_with_a_loss():
    model = minirnn.Sequential([Input((T,)), Embedding(V, 4), SimpleRNN(3), Dense(1, "sigmoid")])

    with pytest.raises(ValueError, match=r"fit: the model is not compiled. Call compile"):
        model.fit(IDS, LABELS, verbose=0)

    model.compile("rmsprop")
    with pytest.raises(ValueError, match=r"evaluate: the model was compiled without a loss"):
        model.evaluate(IDS, LABELS, verbose=0)


@pytest.mark.parametrize("units", [0, -3, 2.5, "8", None, True, np.int64(8)])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda size: SimpleRNN(size), "SimpleRNN: units must be a positive integer"),
        (lambda size: Dense(size), "Dense: units must be a positive integer"),
        (lambda size: Embedding(size, 4), "Embedding: input_dim must be a positive integer"),
        (lambda size: Embedding(4, size), "Embedding: output_dim must be a positive integer"),
    ],
    ids=["SimpleRNN", "Dense", "input_dim", "output_dim"],
)
def test_sizes_are_positive_integers(make, message, units):
    with pytest.raises(ValueError, match=f"{message}, received {re.escape(repr(units))}"):
        make(units)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SimpleRNN(3, "tahn"), "unknown activation 'tahn': did you mean 'tanh'"),
        (lambda: Dense(3, "sigmiod"), "unknown activation 'sigmiod': did you mean 'sigmoid'"),
        (lambda: Dense(3, kernel_initializer="glorot_unifrom"), "did you mean 'glorot_uniform'"),
        (lambda: SimpleRNN(3, recurrent_initializer="orthognal"), "did you mean 'orthogonal'"),
        (lambda: initializers.get("zeross"), "did you mean 'zeros'"),
        (lambda: token_model().compile("rmsprob", "mse"), "unknown optimizer 'rmsprob': did you mean 'rmsprop'"),
        (lambda: token_model().compile("rmsprop", "binary_crosentropy"), "unknown loss .*did you mean 'binary_crossentropy'"),
        (lambda: token_model().compile("rmsprop", "mse", metrics=["acuracy"]), "unknown metric .*did you mean 'accuracy'"),
    ],
)
def test_a_name_that_is_unknown_gets_the_nearest_known_one(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_monitor_that_is_not_in_the_logs_is_a_warning_that_names_what_there_is():
    with pytest.warns(UserWarning, match="val_loss.*not available.*accuracy.*loss"):
        token_model().fit(IDS, LABELS, verbose=0, callbacks=[minirnn.callbacks.EarlyStopping(patience=1)])
