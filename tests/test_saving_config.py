"""Configurations that minirnn does not have or that make no sense: the error names the file, the layer and the argument."""

import json
import zipfile

import numpy as np
import pytest
from saved_model import T, V, make, members, put, refused

import minirnn
from minirnn import initializers, layers, losses, optimizers, saving

WORDS, RNN, DROP, HEAD = (("config", "layers", place, "config") for place in (1, 2, 3, 4))
OPTIMIZER = ("compile_config", "optimizer", "config")
LATER = {"module": "keras.regularizers", "class_name": "L3", "config": {}, "registered_name": None}
MINE = {"module": "mine", "class_name": "L2", "config": {"l2": 0.01}, "registered_name": "mine>L2"}
WRONG = {"module": "keras.constraints", "class_name": "MaxNorm", "config": {"max": 2}, "registered_name": None}
FUNCTION = {"module": "builtins", "class_name": "function", "config": "system", "registered_name": "function"}
ORTHOGONAL = {"module": "keras.regularizers", "class_name": "OrthogonalRegularizer", "config": {}, "registered_name": None}

EDITS = [
    (("class_name",), "Functional", "it holds a Functional model, 'a_model'; minirnn reads Sequential models only"),
    (("config", "layers"), None, "a model's config needs 'layers'"),
    (("config", "name"), 3, "'name'"),
    (("config", "layers", 2), 5, "layer 1: expected a layer's record with 'class_name' and 'config', received 5"),
    (("config", "layers", 2, "class_name"), "LSTM", r"layer 'rnn' \(LSTM\): unknown layer 'LSTM'"),
    (("config", "layers", 2, "class_name"), "Lambda", r"layer 'rnn' \(Lambda\): unknown layer 'Lambda'"),
    (("config", "layers", 2, "class_name"), "TFSMLayer", "unknown layer"),
    (("config", "layers", 2, "class_name"), "SimpleRnn", "did you mean 'SimpleRNN'"),
    (("config", "layers", 2, "module"), "os", "'SimpleRNN' is not one of Keras's own"),
    (("config", "layers", 2, "module"), "keras_evil", "'SimpleRNN' is not one of Keras's own"),
    (("config", "layers", 2, "registered_name"), "mine>SimpleRNN", "not one of Keras's own"),
    (("config", "layers", 0, "config", "batch_shape"), [None, -3], "InputLayer: Input: sizes must be"),
    (("config", "layers", 0, "config", "batch_shape"), "x", "InputLayer: Input: sizes must be"),
    (("config", "layers", 0, "config", "sparse"), True, "InputLayer: Input: sparse is not supported"),
    ((*RNN, "units"), 0, r"layer 'rnn' \(SimpleRNN\): SimpleRNN: units must be a positive integer"),
    ((*RNN, "units"), None, "units"),
    ((*RNN, "units"), 1e300, "units"),
    ((*RNN, "use_bias"), "no", r"layer 'rnn' \(SimpleRNN\): use_bias must be true or false, received 'no'"),
    ((*RNN, "activation"), "tahn", "unknown activation 'tahn': did you mean 'tanh'"),
    ((*RNN, "activation"), {"class_name": "function", "config": "system", "module": "os"}, r"layer 'rnn' \(SimpleRNN\)"),
    ((*RNN, "kernel_initializer", "class_name"), "GlorotUnifrom", "unknown initializer 'GlorotUnifrom': did you mean 'glorot_uniform'"),
    ((*RNN, "kernel_initializer", "config", "seed"), {"class_name": "SeedGenerator"}, r"layer 'rnn' \(SimpleRNN\).*seed"),
    ((*RNN, "kernel_regularizer"), LATER, r"layer 'rnn' \(SimpleRNN\): unknown regularizer 'L3'"),
    ((*RNN, "kernel_regularizer"), MINE, r"layer 'rnn' \(SimpleRNN\): .*'mine>L2' is not one of Keras's own"),
    ((*RNN, "kernel_regularizer"), FUNCTION, r"layer 'rnn' \(SimpleRNN\): .*expected a dict with 'class_name' and 'config'"),
    ((*RNN, "bias_regularizer"), ORTHOGONAL, r"layer 'rnn': .*does not fit the bias of shape \(6,\): .*expected a matrix"),
    ((*RNN, "recurrent_constraint"), WRONG, r"layer 'rnn' \(SimpleRNN\): .*MaxNorm does not take config \{'max': 2\}"),
    ((*RNN, "return_state"), True, "gives more than one array"),
    ((*RNN, "implementation"), 2, r"layer 'rnn' \(SimpleRNN\): implementation=2 is not supported by minirnn"),
    ((*RNN, "dtype"), "float64", r"layer 'rnn' \(SimpleRNN\): dtype: float64, but layer 'words' \(Embedding\) has float32"),
    ((*RNN, "name"), "words", r"layer 'words' \(SimpleRNN\): there is another layer of that name"),
    ((*WORDS, "activity_regularizer"), LATER, r"layer 'words' \(Embedding\): unknown regularizer 'L3'"),
    ((*WORDS, "dtype", "config", "name"), "mixed_float16", "dtype"),
    ((*WORDS, "input_dim"), 10**15, "its layers need at least 16,0.* bytes of weights"),
    ((*WORDS, "input_dim"), V + 1, r"layer 'words' \(Embedding\): embeddings must have shape \(12, 4\), the file has \(11, 4\)"),
    ((*RNN, "units"), 2 * 10**9, "its layers need at least"),
    ((*DROP, "rate"), "NaN", r"layer 'drop' \(Dropout\): Dropout: rate must be a number"),
    ((*HEAD, "units"), 2, r"layer 'head' \(Dense\): kernel must have shape \(6, 2\), the file has \(6, 1\)"),
    ((*HEAD, "use_bias"), False, r"layer 'head' \(Dense\) has 1 weights \['kernel'\], the file has 2"),
    (("compile_config",), [1], "compile settings must be an object"),
    (("compile_config", "optimizer", "class_name"), "RMSProb", r"optimizer: unknown optimizer 'RMSProb'.*compile=False"),
    (("compile_config", "optimizer"), None, "compile settings: optimizer"),
    ((*OPTIMIZER, "learning_rate"), {"class_name": "CosineDecay", "config": {}}, "optimizer: CosineDecay.* missing"),
    ((*OPTIMIZER, "learning_rate"), [0.1], "learning_rate must be a float"),
    ((*OPTIMIZER, "learning_rate"), float("nan"), "learning_rate must be 0 or more, received nan"),
    ((*OPTIMIZER, "use_ema"), True, "optimizer: RMSprop: use_ema is not supported"),
    ((*OPTIMIZER, "amsgrad"), False, "optimizer: RMSprop: unrecognized|amsgrad=False is not supported"),
    (("compile_config", "loss"), "binary_crossentropi", "loss: unknown loss .* did you mean 'binary_crossentropy'"),
    (("compile_config", "loss"), {"class_name": "function", "config": "system", "module": "os"}, "loss: unknown loss 'system'"),
    (("compile_config", "loss", "config", "reduction"), "sum", "loss: BinaryCrossentropy: reduction"),
    (("compile_config", "metrics"), ["acuracy"], "metrics: unknown metric 'acuracy'"),
    (("compile_config", "metrics"), "accuracy", "metrics: expected a list"),
    (("compile_config", "loss_weights"), [0.5], r"loss_weights=\[0.5\] is not supported by minirnn"),
    (("compile_config", "steps_per_execution"), 3, "steps_per_execution=3 is not supported"),
]


@pytest.mark.parametrize(("place", "value", "message"), EDITS)
def test_a_configuration_is_refused_by_layer_and_argument(tmp_path, place, value, message):
    config = json.loads(members()["config.json"])
    entry = config
    for key in place[:-1]:
        entry = entry[key]
    entry[place[-1]] = value

    refused(put(tmp_path, config=json.dumps(config)), message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "config.json is not JSON"),
        (b"\xff\xfe{", "config.json is not JSON"),
        (b"{" * 100_000, "config.json is not JSON"),
        (b"[" * 3_000_000, "config.json is not JSON"),
        (b"null", "config.json: expected a model's record"),
        (b"{}", "config.json: expected a model's record"),
        (b" " * (saving.CONFIG_LIMIT + 1), "declares 4,194,305 bytes, more than the 4,194,304"),
    ],
    ids=["empty", "not text", "deep objects", "deep lists", "null", "nothing in it", "too long"],
)
def test_what_is_no_configuration_is_refused(tmp_path, text, message):
    refused(put(tmp_path, config=text), message)


@pytest.mark.parametrize("name", ["quantization_config", "lora_rank", "something_new"])
def test_an_argument_that_minirnn_lacks_passes_when_it_is_not_used(tmp_path, name):
    config = json.loads(members()["config.json"])
    config["config"]["layers"][1]["config"][name] = None

    assert saving.load_model(put(tmp_path, config=json.dumps(config))).layers[0].input_dim == V


def test_what_keras_can_do_without_minirnn_can_too(tmp_path):
    """Given a file without metadata, build_config, modules, dtypes and optional arguments."""
    config = json.loads(members()["config.json"])
    for entry in config["config"]["layers"]:
        for key in ("module", "registered_name", "build_config"):
            entry.pop(key, None)
        needed = {"name", "batch_shape", "input_dim", "output_dim", "units", "rate"}
        entry["config"] = {key: value for key, value in entry["config"].items() if key in needed}
    del config["config"]["layers"][0], config["config"]["dtype"], config["build_config"], config["compile_config"]

    model = saving.load_model(put(tmp_path, metadata=None, config=json.dumps(config)))

    assert model.input_shape == (None, T)
    np.testing.assert_array_equal(model.weights[2], make().weights[2])


def test_unused_arguments_that_an_older_keras_would_stumble_over_are_not_written():
    text = members()["config.json"].decode()

    assert "glorot_uniform" not in text and '"GlorotUniform"' in text  # the records that could hold them are there
    for name in ("ragged", "optional", "input_axes", "output_axes", "quantization_config"):
        assert f'"{name}"' not in text, name


def test_an_argument_of_a_newer_keras_is_written_where_it_says_something(tmp_path):
    model = minirnn.Sequential(
        [layers.Input((3,)), layers.Dense(2, kernel_initializer=initializers.GlorotUniform(input_axes=[0], output_axes=[1]))]
    )
    model.save(tmp_path / "model.keras")

    (dense,) = saving.load_model(tmp_path / "model.keras").layers

    assert dense.kernel_initializer.get_config() == {"seed": None, "input_axes": [0], "output_axes": [1]}


@pytest.mark.parametrize(("dtype", "told"), [("float32", None), ("float64", "float64")])
def test_keras_is_told_to_compute_a_float64_model_s_loss_in_float64(tmp_path, dtype, told):
    model = minirnn.Sequential([layers.Input((3,)), layers.Dense(2)], dtype=dtype)
    model.compile("rmsprop", losses.MeanSquaredError())
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        config = json.loads(archive.read("config.json"))

    assert config["compile_config"]["loss"]["config"].get("dtype") == told
    assert saving.load_model(tmp_path / "model.keras").loss.get_config() == model.loss.get_config()


def test_what_keras_lacks_stands_beside_the_config_that_it_reads(tmp_path):
    model = minirnn.Sequential([layers.Input((3,)), layers.Dense(2)])
    model.compile(optimizers.RMSprop(embedding_update="per_lookup"), "mse")
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        record = json.loads(archive.read("config.json"))["compile_config"]["optimizer"]

    assert "embedding_update" not in record["config"]
    assert saving.load_model(tmp_path / "model.keras").optimizer.embedding_update == "per_lookup"


@pytest.mark.parametrize("own", [{"learning_rate": 0.5}, [], {"embedding_update": "often"}])
def test_what_stands_there_is_checked(tmp_path, own):
    config = json.loads(members()["config.json"])
    config["compile_config"]["optimizer"]["minirnn"] = own

    refused(put(tmp_path, config=json.dumps(config)), "compile settings: optimizer: .*embedding_update")
