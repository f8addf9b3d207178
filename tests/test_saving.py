"""The `.keras` and `.weights.h5` files: what goes in comes out, bit for bit, and what fails changes nothing."""

import io
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import minirnn
from minirnn import initializers, layers, losses, metrics, optimizers, saving
from minirnn.layers.layer import Layer

V, E, H, T, N = 11, 4, 6, 5, 23
OPTIMIZERS = [{}, {"momentum": 0.5}, {"centered": True}, {"momentum": 0.9, "centered": True, "clipnorm": 1.0, "weight_decay": 0.01}]


def make(seed=3, dtype="float32", freeze=(), **arguments):
    """Given: an embedding model with two recurrent layers, compiled."""
    stack = [
        layers.Input((T,)),
        layers.Embedding(V, E, mask_zero=True, name="words"),
        layers.SimpleRNN(H, return_sequences=True),
        layers.SimpleRNN(H - 3, activation="relu", use_bias=False, go_backwards=True),
        layers.Dense(1, activation="sigmoid"),
    ]
    model = minirnn.Sequential(stack, dtype=dtype, seed=seed)
    for place in freeze:
        model.layers[place].trainable = False
    accuracy = metrics.BinaryAccuracy(name="strict", threshold=0.7)
    loss = losses.BinaryCrossentropy(label_smoothing=0.1)
    model.compile(optimizers.RMSprop(0.003, **arguments), loss, metrics=["accuracy", accuracy])
    return model


def examples():
    rng = np.random.default_rng(8)
    return rng.integers(0, V, (N, T)), rng.integers(0, 2, N)


def train(model, epochs=1):
    model.fit(*examples(), batch_size=7, epochs=epochs, shuffle=False, verbose=0)
    return model


def assert_same(model, other):
    """Then: all that a file holds is equal, numbers bit for bit."""
    assert [type(layer) for layer in model.layers] == [type(layer) for layer in other.layers]
    assert [layer.get_config() for layer in model.layers] == [layer.get_config() for layer in other.layers]
    assert (model.name, model.dtype, model.input_shape) == (other.name, other.dtype, other.input_shape)
    for own, weight in zip(model.get_weights(), other.get_weights(), strict=True):
        assert own.dtype == weight.dtype
        assert own.tobytes() == weight.tobytes()
    assert model.compiled == other.compiled
    if model.compiled:
        assert model.optimizer.get_config() == other.optimizer.get_config()
        assert (model.optimizer.iterations, model.optimizer.learning_rate) == (other.optimizer.iterations, other.optimizer.learning_rate)
        assert list(model.optimizer.state) == list(other.optimizer.state)
        for name, vector in model.optimizer.state.items():
            assert vector.tobytes() == other.optimizer.state[name].tobytes(), name
        assert type(model.loss) is type(other.loss)
        assert model.loss.get_config() == other.loss.get_config()
        assert model.metrics_names == other.metrics_names


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("arguments", OPTIMIZERS, ids=str)
def test_a_trained_model_comes_back(tmp_path, dtype, arguments):
    model = train(make(dtype=dtype, **arguments))

    model.save(tmp_path / "model.keras")
    loaded = minirnn.models.load_model(tmp_path / "model.keras")

    assert loaded.optimizer.iterations == 4
    assert loaded.optimizer.learning_rate == 0.003
    assert loaded.metrics[1].threshold == 0.7
    assert_same(model, loaded)
    np.testing.assert_array_equal(loaded.predict(examples()[0], verbose=0), model.predict(examples()[0], verbose=0))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("arguments", OPTIMIZERS, ids=str)
def test_training_goes_on_as_if_nothing_had_happened(tmp_path, dtype, arguments):
    model = train(make(dtype=dtype, **arguments))
    model.save(tmp_path / "model.keras")

    train(model, epochs=2)
    loaded = train(saving.load_model(tmp_path / "model.keras"), epochs=2)

    assert_same(model, loaded)


NUMBERS = st.integers(2, 9)
DENSES = st.builds(
    lambda units, activation, bias, kernel: layers.Dense(units, activation, bias, kernel_initializer=kernel),
    NUMBERS,
    st.sampled_from(["tanh", "sigmoid", "relu", None]),
    st.booleans(),
    st.sampled_from(["he_normal", initializers.RandomUniform(-0.3, 0.2, seed=5), initializers.Constant(0.25)]),
)
RNNS = st.builds(
    lambda units, backwards, masked, dropout, seed: layers.SimpleRNN(
        units, return_sequences=True, go_backwards=backwards, zero_output_for_mask=masked, dropout=dropout, recurrent_dropout=0.1, seed=seed
    ),
    NUMBERS,
    st.booleans(),
    st.booleans(),
    st.sampled_from([0.0, 0.3]),
    st.sampled_from([None, 12]),
)
DROPOUTS = st.builds(
    lambda rate, shared: layers.Dropout(rate, noise_shape=(None, 1, None) if shared else None), st.floats(0, 1), st.booleans()
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.tuples(NUMBERS, NUMBERS, NUMBERS), middle=st.lists(st.one_of(DENSES, RNNS, DROPOUTS), max_size=5), embed=st.booleans())
def test_every_architecture_comes_back(tmp_path, sizes, middle, embed):
    steps, vocabulary, width = sizes
    first = [layers.Input((steps,)), layers.Embedding(vocabulary, width)] if embed else [layers.Input((steps, width))]
    model = minirnn.Sequential([*first, *middle, layers.Flatten(), layers.Dense(3)])

    model.save(tmp_path / "model.keras")

    assert_same(model, saving.load_model(tmp_path / "model.keras"))


def test_the_archive_is_laid_out_as_keras_does_it(tmp_path):
    make().save(tmp_path / "model.keras")

    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        members = archive.infolist()

    assert [info.filename for info in members] == ["metadata.json", "config.json", "model.weights.h5"]
    assert {info.compress_type for info in members} == {zipfile.ZIP_STORED}
    assert {info.date_time for info in members} == {(1980, 1, 1, 0, 0, 0)}
    assert {info.external_attr >> 16 for info in members} == {0o600}


def test_the_same_model_gives_the_same_bytes(tmp_path, monkeypatch):
    model = train(make())
    for second in (1, 2):
        monkeypatch.setattr(saving.time, "strftime", lambda form, second=second: f"2026-11-23@10:00:0{second}")
        model.save(tmp_path / f"{second}.keras")

    first, second = (zipfile.ZipFile(tmp_path / f"{name}.keras") for name in (1, 2))
    with first, second:
        assert [name for name in first.namelist() if first.read(name) != second.read(name)] == ["metadata.json"]


def test_an_uncompiled_model_comes_back_uncompiled(tmp_path):
    model = minirnn.Sequential([layers.Input((T, E)), layers.Flatten(), layers.Dense(2)])

    model.save(tmp_path / "model.keras")

    assert_same(model, saving.load_model(tmp_path / "model.keras"))


def test_compile_false_leaves_the_settings_out(tmp_path):
    make().save(tmp_path / "model.keras")

    loaded = saving.load_model(tmp_path / "model.keras", compile=False)

    assert not loaded.compiled
    assert loaded.optimizer is None


def test_a_model_built_by_its_data_comes_back_built(tmp_path):
    model = minirnn.Sequential([layers.Embedding(V, E), layers.SimpleRNN(H), layers.Dense(1)])
    before = model(examples()[0])

    model.save(tmp_path / "model.keras")

    np.testing.assert_array_equal(saving.load_model(tmp_path / "model.keras")(examples()[0]), before)


def test_an_unbuilt_model_comes_back_unbuilt_with_a_warning(tmp_path):
    model = minirnn.Sequential([layers.Embedding(V, E), layers.Dense(2)])
    model.compile("rmsprop", "mse")

    with pytest.warns(UserWarning, match="not built"):
        model.save(tmp_path / "model.keras")
    loaded = saving.load_model(tmp_path / "model.keras")

    assert not loaded.built
    assert loaded.compiled
    assert [layer.get_config() for layer in loaded.layers] == [layer.get_config() for layer in model.layers]


def test_weights_that_a_file_could_not_place_are_not_dropped(tmp_path):
    model = minirnn.Sequential([layers.Embedding(V, E, weights=np.ones((V, E))), layers.Dense(2)])

    with pytest.raises(ValueError, match="has weights but is not built"):
        model.save(tmp_path / "model.keras")


@pytest.mark.parametrize("freeze", [(0,), (1, 3), (0, 1, 2, 3)])
def test_frozen_layers_have_no_optimizer_state_and_come_back_frozen(tmp_path, freeze):
    model = train(make(freeze=freeze))

    model.save(tmp_path / "model.keras")

    assert_same(model, saving.load_model(tmp_path / "model.keras"))


def test_a_layer_frozen_after_training_leaves_the_others_state_in_place(tmp_path):
    model = train(make())
    model.layers[0].trainable = False

    model.save(tmp_path / "model.keras")
    loaded = saving.load_model(tmp_path / "model.keras")

    for slot, own in zip(loaded.parameters.slots, model.parameters.slots, strict=True):
        expected = model.optimizer.state["velocity"][own.slice] * own.layer.trainable
        np.testing.assert_array_equal(loaded.optimizer.state["velocity"][slot.slice], expected)


class Scaled(Layer):
    """A layer of the user's own."""

    weight_names = ("scale",)

    def make_weights(self, input_shape, rng):
        self.add_weight("scale", (input_shape[-1],), initializers.RandomNormal(), rng)

    def forward(self, x, mask=None, training=False):
        return x * self.values["scale"]


def test_a_layer_of_ones_own_comes_back_through_custom_objects(tmp_path):
    model = minirnn.Sequential([layers.Input((E,)), Scaled(), layers.Dense(2), Scaled()])
    model.save(tmp_path / "model.keras")

    assert_same(model, saving.load_model(tmp_path / "model.keras", custom_objects={"Scaled": Scaled}))
    with pytest.raises(saving.FormatError, match=r"'scaled\w*' \(Scaled\): .*custom_objects"):
        saving.load_model(tmp_path / "model.keras")


@pytest.mark.parametrize("ending", [".weights.h5", ".keras"])
def test_weights_and_optimizer_state_go_into_a_model_that_is_there(tmp_path, ending):
    model, other = train(make(seed=3)), make(seed=4)
    path = tmp_path / f"it{ending}"
    model.save(path) if ending == ".keras" else model.save_weights(path)
    own = [value for layer in other.layers for value in layer.values.values()]

    other.load_weights(path)

    for weight, expected, before in zip(other.weights, model.weights, own, strict=True):
        np.testing.assert_array_equal(weight, expected)
        assert np.shares_memory(weight, before)
    np.testing.assert_array_equal(other.optimizer.state["velocity"], model.optimizer.state["velocity"])
    assert other.optimizer.iterations == 4


def test_weights_of_another_training_come_without_its_state(tmp_path):
    train(make()).save_weights(tmp_path / "a.weights.h5")
    other = make(seed=4, momentum=0.5)

    with pytest.warns(UserWarning, match="state is not taken over: the file has 10 variables of it, this model needs 18"):
        other.load_weights(tmp_path / "a.weights.h5")

    assert other.optimizer.iterations == 0
    np.testing.assert_array_equal(other.weights[0], train(make()).weights[0])


def test_the_state_in_a_file_does_not_trouble_an_uncompiled_model(tmp_path):
    model = train(make())
    model.save_weights(tmp_path / "a.weights.h5")
    other = minirnn.Sequential([layers.Input((T,)), *(type(layer).from_config(layer.get_config()) for layer in model.layers)])

    other.load_weights(tmp_path / "a.weights.h5")

    np.testing.assert_array_equal(other.weights[2], model.weights[2])


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ([layers.Embedding(V, E), layers.SimpleRNN(H), layers.Dense(1)], r"other architecture: they hold \['simple_rnn_1'\]"),
        ([layers.Embedding(V, E + 3), layers.Dense(2)], "other architecture"),
        (
            [layers.Embedding(V, E), layers.SimpleRNN(H, return_sequences=True), layers.SimpleRNN(H), layers.Dense(1)],
            r"has 3 weights .*, the file has 2 at 'layers/simple_rnn_1/cell'",
        ),
        (
            [layers.Embedding(V + 1, E), *make().layers[1:3], layers.Dense(1)],
            r"embeddings must have shape \(12, 4\), the file has \(11, 4\)",
        ),
    ],
)
def test_a_failed_load_changes_nothing(tmp_path, others, message):
    train(make()).save_weights(tmp_path / "a.weights.h5")
    model = minirnn.Sequential([layers.Input((T,)), *others])
    model.compile("rmsprop", "mse")
    before = [weight.tobytes() for weight in model.weights]

    with pytest.raises(saving.FormatError, match=message):
        model.load_weights(tmp_path / "a.weights.h5")

    assert [weight.tobytes() for weight in model.weights] == before
    assert model.optimizer.iterations == 0


def test_a_failed_save_leaves_the_last_good_file(tmp_path, monkeypatch):
    path = tmp_path / "model.keras"
    make().save(path)
    good = path.read_bytes()

    def fails_halfway(stream, members):
        stream.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(saving, "write_members", fails_halfway)
    with pytest.raises(OSError, match="No space"):
        train(make()).save(path)

    assert path.read_bytes() == good
    assert os.listdir(tmp_path) == ["model.keras"]


def test_what_a_configuration_cannot_hold_is_an_error_and_leaves_the_file(tmp_path):
    path = tmp_path / "model.keras"
    make().save(path)
    good = path.read_bytes()
    model = minirnn.Sequential([layers.Input((E,)), layers.Dense(2, kernel_initializer=lambda shape, dtype: np.ones(shape, dtype))])

    with pytest.raises(ValueError, match="cannot be written to a file"):
        model.save(path)

    assert path.read_bytes() == good


def test_a_path_that_cannot_be_written_is_found_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(saving, "collect", lambda model: pytest.fail("it began to work"))

    with pytest.raises(OSError, match="cannot write"):
        make().save(tmp_path / "no such folder" / "model.keras")
    with pytest.raises(OSError, match="cannot write"):
        make().save_weights(tmp_path / "no such folder" / "a.weights.h5")


def test_overwrite_false_keeps_what_is_there(tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(b"precious")

    with pytest.raises(FileExistsError, match="overwrite=True"):
        make().save(path, overwrite=False)

    assert path.read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda model: model.save("model.h5"), ValueError, r"must end in '\.keras', received 'model\.h5'"),
        (lambda model: model.save_weights("model.h5"), ValueError, r"must end in '\.weights\.h5'"),
        (lambda model: model.load_weights("model.h5"), ValueError, r"must end in '\.weights\.h5' or '\.keras'"),
        (lambda model: model.save(io.BytesIO()), TypeError, "filepath must be a path"),
        (lambda model: saving.save_model("model", "model.keras"), TypeError, "must be a minirnn.Sequential"),
        (lambda model: saving.load_model(3), TypeError, "filepath must be a path"),
        (lambda model: saving.load_model("a.keras", custom_objects={"Dense": int}), TypeError, "subclasses of minirnn's Layer"),
        (lambda model: saving.load_model("no such file.keras"), FileNotFoundError, "no such file"),
        (lambda model: model.load_weights("no such file.weights.h5"), FileNotFoundError, "no such file"),
        (lambda model: saving.load_model("."), ValueError, "a folder"),
        (lambda model: minirnn.Sequential([layers.Dense(2)]).save_weights("a.weights.h5"), ValueError, "no weights yet"),
        (lambda model: minirnn.Sequential([layers.Dense(2)]).load_weights("a.weights.h5"), ValueError, "no weights yet"),
    ],
)
def test_wrong_arguments_are_refused(tmp_path, monkeypatch, call, kind, message):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(kind, match=message):
        call(make())


def test_files_are_written_and_read_without_keras_and_h5py_waits_until_then(tmp_path):
    make().save(tmp_path / "model.keras")
    program = """
import sys
import minirnn.models
assert "h5py" not in sys.modules, "h5py is imported before it is needed"
model = minirnn.models.load_model(sys.argv[1])
model.save(sys.argv[1])
print([name for name in sys.modules if name.split(".")[0] in ("keras", "tensorflow")])
"""

    run = subprocess.run([sys.executable, "-c", program, str(tmp_path / "model.keras")], capture_output=True, text=True, check=False)

    assert run.stderr == ""
    assert run.stdout.strip() == "[]"
