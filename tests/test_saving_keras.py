"""The files against Keras itself: it opens minirnn's, minirnn opens its, and both lay them out alike."""

import io
import json
import warnings
import zipfile
from contextlib import contextmanager

import numpy as np
import pytest

import minirnn
from minirnn import saving

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what Keras's own dependencies warn about is not tested here
    keras = pytest.importorskip("keras")

h5py = pytest.importorskip("h5py")

# TensorFlow 2.21's arrays answer NumPy 2's copy keyword with this warning whenever Keras writes a file
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")

V, E, H, T, N = 11, 4, 6, 5, 23


def embedding_stack(layers):
    return [
        layers.Input((T,)),
        layers.Embedding(V, E, mask_zero=True),
        layers.SimpleRNN(H, return_sequences=True, dropout=0.1),
        layers.SimpleRNN(H - 3, activation="relu", use_bias=False, go_backwards=True),
        layers.Dropout(0.3, seed=7),
        layers.Dense(1, activation="sigmoid"),
    ]


def one_hot_stack(layers):
    return [layers.Input((T, V)), layers.SimpleRNN(H, kernel_initializer="he_normal"), layers.Dense(1, activation="sigmoid", name="out")]


def flat_stack(layers):
    return [layers.Input((T,)), layers.Embedding(V, E, name="words"), layers.Flatten(), layers.Dense(3, "tanh"), layers.Dense(1, "sigmoid")]


def penalized_stack(layers):
    l2 = {"module": "keras.regularizers", "class_name": "L2", "config": {"l2": 0.125}, "registered_name": None}
    l1 = {**l2, "class_name": "L1", "config": {"l1": 0.0625}}
    columns = {**l2, "class_name": "OrthogonalRegularizer", "config": {"factor": 0.25, "mode": "columns"}}
    rows = {"module": "keras.constraints", "class_name": "MaxNorm", "config": {"max_value": 0.5, "axis": 1}, "registered_name": None}
    drawn = {**rows, "class_name": "MinMaxNorm", "config": {"min_value": 0.5, "max_value": 1.5, "rate": 0.75, "axis": [0]}}
    return [
        layers.Input((T,)),
        layers.Embedding(V, E, embeddings_regularizer=l1, activity_regularizer=l2, embeddings_constraint=rows),
        layers.SimpleRNN(
            H,
            kernel_regularizer="l2",
            recurrent_regularizer=columns,
            bias_regularizer=l1,
            kernel_constraint="unit_norm",
            recurrent_constraint=drawn,
            bias_constraint="non_neg",
        ),
        layers.Dropout(0.25, activity_regularizer=l2),
        layers.Dense(3, "relu", kernel_regularizer=l1, bias_regularizer=l2, kernel_constraint="max_norm", bias_constraint="max_norm"),
        layers.Dense(1, "sigmoid", activity_regularizer=l1),
    ]


def both_ways_stack(layers):
    inside = layers.SimpleRNN(3, kernel_regularizer="l1", recurrent_regularizer="l2", bias_constraint="non_neg")
    return [layers.Input((T,)), layers.Embedding(V, E), layers.Bidirectional(inside, activity_regularizer="l2"), layers.Dense(1, "sigmoid")]


STACKS = [embedding_stack, one_hot_stack, flat_stack, penalized_stack]
OPTIMIZERS = [{}, {"momentum": 0.5}, {"centered": True, "momentum": 0.9, "clipvalue": 0.5, "weight_decay": 0.02}]
NEWER = {"ragged", "optional", "input_axes", "output_axes", "quantization_config"}
"""Arguments that Keras 3.8 does not take; unused, they are not written, or it would refuse the file."""

CASES = [(stack, arguments) for stack in STACKS for arguments in OPTIMIZERS[: 3 if stack is embedding_stack else 1]]


def examples(stack):
    rng = np.random.default_rng(8)
    ids = rng.integers(0, V, (N, T))
    return (np.eye(V, dtype="float32")[ids] if stack is one_hot_stack else ids), rng.integers(0, 2, (N, 1))


def trained(package, stack, arguments, **options):
    model = package.Sequential(stack(package.layers), name="a_model", **options)
    accuracy = package.metrics.BinaryAccuracy(name="strict", threshold=0.7)
    model.compile(package.optimizers.RMSprop(0.003, **arguments), loss="binary_crossentropy", metrics=["accuracy", accuracy])
    with eagerly(model):
        model.fit(*examples(stack), batch_size=9, verbose=0)
    return model


@contextmanager
def eagerly(model):
    """Spare Keras the compilation of a graph for three batches; its configuration never shows it."""
    model.run_eagerly = True
    yield
    model.run_eagerly = False


def state_in_keras_order(model):
    slots = model.parameters.slots
    return [vector[slot.slice].reshape(slot.shape) for vector in model.optimizer.state.values() for slot in slots]


def assert_same_model(ours, theirs, stack):
    for own, weight in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(own, weight)
    variables = [variable.numpy() for variable in theirs.optimizer.variables]
    assert ours.optimizer.iterations == variables[0] == 3
    assert np.float32(ours.optimizer.learning_rate) == variables[1] == np.float32(0.003)
    for own, variable in zip(state_in_keras_order(ours), variables[2:], strict=True):
        assert own.any()
        np.testing.assert_array_equal(own, variable)
    x, y = examples(stack)
    np.testing.assert_allclose(ours(x), theirs(x), rtol=0, atol=1e-6)
    with eagerly(theirs):
        given = theirs.evaluate(x, y, verbose=0, return_dict=True)
    own = ours.evaluate(x, y, verbose=0, return_dict=True)
    assert list(own) == sorted(given)
    for name, value in own.items():
        assert value == pytest.approx(given[name], abs=1e-5)


@pytest.mark.parametrize(("stack", "arguments"), CASES)
def test_keras_opens_what_minirnn_wrote(tmp_path, stack, arguments):
    ours = trained(minirnn, stack, arguments)

    ours.save(tmp_path / "model.keras")
    theirs = keras.saving.load_model(tmp_path / "model.keras")

    assert_same_model(ours, theirs, stack)
    assert [layer.name for layer in theirs.layers] == [layer.name for layer in ours.layers]


@pytest.mark.parametrize(("stack", "arguments"), CASES)
def test_minirnn_opens_what_keras_wrote(tmp_path, stack, arguments):
    theirs = trained(keras, stack, arguments)

    theirs.save(tmp_path / "model.keras")
    ours = saving.load_model(tmp_path / "model.keras")

    assert_same_model(ours, theirs, stack)
    assert ours.name == "a_model"


def test_penalties_of_layers_inside_others_pass_both_ways(tmp_path):
    ours, theirs = (trained(package, both_ways_stack, {}) for package in (minirnn, keras))
    ours.save(tmp_path / "ours.keras")
    theirs.save(tmp_path / "theirs.keras")

    assert_same_model(ours, keras.saving.load_model(tmp_path / "ours.keras"), both_ways_stack)
    again = saving.load_model(tmp_path / "theirs.keras")
    assert_same_model(again, theirs, both_ways_stack)
    x, _ = examples(both_ways_stack)
    again(x)
    theirs(x)
    assert again.losses == pytest.approx([float(loss) for loss in theirs.losses], rel=1e-5)


def test_float64_stays_float64_in_keras(tmp_path):
    ours = trained(minirnn, one_hot_stack, {}, dtype="float64")
    ours.save(tmp_path / "model.keras")

    theirs = keras.saving.load_model(tmp_path / "model.keras")

    assert theirs.get_weights()[0].dtype == np.float64
    x = np.random.default_rng(4).random((N, T, V))
    np.testing.assert_allclose(ours(x), theirs(x), rtol=0, atol=1e-13)


def test_weights_files_pass_both_ways(tmp_path):
    ours, theirs = trained(minirnn, embedding_stack, {}), trained(keras, embedding_stack, {})
    before = theirs.get_weights()
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    ours.save_weights(tmp_path / "ours.weights.h5")
    expected = ours.get_weights()

    theirs.load_weights(tmp_path / "ours.weights.h5")
    ours.load_weights(tmp_path / "theirs.weights.h5")

    for given, own in zip(theirs.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(given, own)
    for own, weight in zip(ours.get_weights(), before, strict=True):
        np.testing.assert_array_equal(own, weight)


def contents(path):
    """Every group and dataset with its attributes, shape and dtype; and the configuration."""
    with zipfile.ZipFile(path) as archive:
        weights, config = archive.read("model.weights.h5"), json.loads(archive.read("config.json"))
    found = {}
    with h5py.File(io.BytesIO(weights)) as file:
        file.visititems(
            lambda name, item: found.update({name: (getattr(item, "shape", None), getattr(item, "dtype", None), list(item.attrs))})
        )
        names = {name: item.attrs["name"] for name, item in file.items() if "name" in item.attrs}
    return found, names, config


@pytest.mark.parametrize(("stack", "arguments"), CASES)
def test_both_lay_the_same_model_out_alike(tmp_path, stack, arguments):
    keras.backend.clear_session()
    trained(minirnn, stack, arguments).save(tmp_path / "ours.keras")
    trained(keras, stack, arguments).save(tmp_path / "theirs.keras")

    (ours, own_names, own_config), (theirs, names, config) = contents(tmp_path / "ours.keras"), contents(tmp_path / "theirs.keras")

    assert ours == theirs
    assert own_names == names
    assert list(own_config) == list(config)
    assert [entry["class_name"] for entry in own_config["config"]["layers"]] == [
        entry["class_name"] for entry in config["config"]["layers"]
    ]
    for own, entry in zip(own_config["config"]["layers"], config["config"]["layers"], strict=True):
        assert own.get("build_config", {}) == entry.get("build_config", own.get("build_config", {}))
        for key, value in entry["config"].items():
            if key in NEWER:
                assert not value and key not in own["config"]
            elif key != "name":
                assert plain(own["config"][key]) == plain(value), f"{own['class_name']}: {key}"
    assert own_config["compile_config"]["optimizer"]["config"].keys() == config["compile_config"]["optimizer"]["config"].keys()


def plain(value):
    """A record without the numbers by which Keras marks that an object is shared, and without what older Keras does not know."""
    if not isinstance(value, dict):
        return value
    return {key: plain(entry) for key, entry in value.items() if key != "shared_object_id" and (entry or key not in NEWER)}


def test_a_model_that_keras_compiled_but_never_trained_opens(tmp_path):
    theirs = keras.Sequential(flat_stack(keras.layers))
    theirs.compile("rmsprop", loss=keras.losses.binary_crossentropy, metrics=[keras.metrics.binary_accuracy])
    theirs.save(tmp_path / "model.keras")

    ours = saving.load_model(tmp_path / "model.keras")

    assert ours.optimizer.iterations == 0
    assert ours.metrics_names == ["loss", "binary_accuracy"]
    assert not ours.optimizer.state["velocity"].any()


def test_an_optimizer_that_minirnn_lacks_is_named_and_can_be_left_out(tmp_path):
    theirs = keras.Sequential(flat_stack(keras.layers))
    theirs.compile(keras.optimizers.Adam(amsgrad=True), "mse")
    with eagerly(theirs):
        theirs.fit(*examples(flat_stack), verbose=0)
    theirs.save(tmp_path / "model.keras")

    with pytest.raises(saving.FormatError, match=r"optimizer: unknown optimizer 'Adam'.*compile=False"):
        saving.load_model(tmp_path / "model.keras")
    ours = saving.load_model(tmp_path / "model.keras", compile=False)

    np.testing.assert_array_equal(ours.get_weights()[1], theirs.get_weights()[1])


def test_a_layer_frozen_after_training_opens_with_keras_s_own_warning(tmp_path):
    theirs = trained(keras, flat_stack, {})
    theirs.layers[0].trainable = False
    theirs.save(tmp_path / "model.keras")

    with pytest.warns(UserWarning, match="state is not taken over: the file has 7 variables of it, this model needs 6"):
        ours = saving.load_model(tmp_path / "model.keras")

    assert ours.optimizer.iterations == 0
    np.testing.assert_array_equal(ours.get_weights()[0], theirs.get_weights()[0])
