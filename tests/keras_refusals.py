"""Models that Keras can make and minirnn cannot: how Keras makes each, and what minirnn says of its file.

Keras's process and the test's own import this file, so it imports neither package.
"""

T, V, E, H = 4, 23, 5, 7


def stack(keras, *layers, input_shape=(T, V)):
    return keras.Sequential([keras.layers.Input(input_shape), *layers], name="a_model")


def compiled(keras, **settings):
    model = stack(keras, keras.layers.SimpleRNN(H), keras.layers.Dense(1, "sigmoid"))
    model.compile(**{"optimizer": "rmsprop", "loss": "binary_crossentropy", **settings})
    return model


def with_layer(make, **options):
    return lambda keras: stack(keras, make(keras.layers), **options)


def with_rnn(**arguments):
    return lambda keras: stack(keras, keras.layers.SimpleRNN(H, name="memory", **arguments))


def with_dense(**arguments):
    return lambda keras: stack(keras, keras.layers.Dense(2, name="head", **arguments))


def with_settings(**settings):
    return lambda keras: compiled(keras, **{name: value(keras) if callable(value) else value for name, value in settings.items()})


def functional(keras):
    x = keras.layers.Input((T, V), name="reviews")
    return keras.Model(x, keras.layers.Dense(1)(keras.layers.SimpleRNN(H)(x)), name="a_graph")


def nested(keras):
    return stack(keras, stack(keras, keras.layers.SimpleRNN(H)), keras.layers.Dense(1))


def mixed(keras):
    return stack(keras, keras.layers.SimpleRNN(H, dtype="float64", name="memory"), keras.layers.Dense(1, dtype="float32", name="head"))


def lora(keras):
    model = stack(keras, keras.layers.Embedding(V, E, name="words"), input_shape=(T,))
    model.layers[0].enable_lora(2)
    return model


def quantised(keras):
    model = stack(keras, keras.layers.Dense(2, name="head"))
    model.quantize("int8")
    return model


def custom_layer(keras):
    @keras.saving.register_keras_serializable(package="mine")
    class Attention(keras.layers.Layer):
        def call(self, x):
            return x

    return stack(keras, Attention(name="attention"), keras.layers.Dense(1))


def custom_activation(keras):
    @keras.saving.register_keras_serializable(package="mine")
    def squash(x):
        return x

    return stack(keras, keras.layers.Dense(2, activation=squash, name="head"))


def custom_initializer(keras):
    @keras.saving.register_keras_serializable(package="mine")
    class Halves(keras.initializers.Initializer):
        def __call__(self, shape, dtype=None):
            return keras.ops.ones(shape, dtype) / 2

    return stack(keras, keras.layers.Dense(2, kernel_initializer=Halves(), name="head"))


def initializer_function(keras):
    @keras.saving.register_keras_serializable(package="mine")
    def halves(shape, dtype=None):
        return keras.ops.ones(shape, dtype) / 2

    return stack(keras, keras.layers.Dense(2, kernel_initializer=halves, name="head"))


def custom_loss(keras):
    @keras.saving.register_keras_serializable(package="mine")
    def my_loss(y, p):
        return keras.ops.mean(y - p)

    return compiled(keras, loss=my_loss)


def custom_metric(keras):
    @keras.saving.register_keras_serializable(package="mine")
    def my_metric(y, p):
        return keras.ops.mean(y - p)

    return compiled(keras, metrics=[my_metric])


def compiled_with(name, message, **settings):
    return with_settings(**settings), f"compile settings: {name}: {message}.*compile=False"


ADVICE = "Make the model in Keras from what is known; a layer of your own can be passed in custom_objects"


def lacking(name, kind, make):
    return with_layer(make), rf"layer '{name}' \({kind}\): unknown layer '{kind}'.*Known: .*SimpleRNN\. {ADVICE}"


LAYERS = {
    "LSTM": lacking("lstm", "LSTM", lambda layers: layers.LSTM(H)),
    "GRU": lacking("gru", "GRU", lambda layers: layers.GRU(H)),
    "Conv1D": lacking("conv1d", "Conv1D", lambda layers: layers.Conv1D(H, 2)),
    "RNN": lacking("rnn", "RNN", lambda layers: layers.RNN(layers.SimpleRNNCell(H))),
    "TimeDistributed": lacking("time_distributed", "TimeDistributed", lambda layers: layers.TimeDistributed(layers.Dense(2))),
    "Activation": lacking("activation", "Activation", lambda layers: layers.Activation("tanh")),
    "SpatialDropout1D": lacking("spatial_dropout1d", "SpatialDropout1D", lambda layers: layers.SpatialDropout1D(0.5)),
    "Bidirectional": (
        with_layer(lambda layers: layers.Bidirectional(layers.LSTM(H), name="both")),
        rf"layer 'both' \(Bidirectional\): layer \(LSTM\): unknown layer 'LSTM'.*{ADVICE}",
    ),
    "nested": (nested, rf"layer 'a_model' \(Sequential\): unknown layer 'Sequential'.*{ADVICE}"),
    "functional": (functional, r"a Functional model, 'a_graph'; minirnn reads Sequential models only.*set_weights"),
    "custom layer": (
        custom_layer,
        r"layer 'attention' \(Attention\): class 'Attention' is not one of Keras's own; pass it in custom_objects",
    ),
}

ARGUMENTS = {
    "activation": (with_rnn(activation="gelu"), rf"layer 'memory' \(SimpleRNN\): unknown activation 'gelu'.*Known: .*tanh\. {ADVICE}"),
    "softmax": (with_dense(activation="softmax"), rf"layer 'head' \(Dense\): unknown activation 'softmax'.*{ADVICE}"),
    "custom activation": (custom_activation, r"layer 'head' \(Dense\): Dense: activation must be a name.*mine>squash"),
    "a function": (with_dense(activation=lambda x: x), r"layer 'head' \(Dense\): Dense: activation must be a name"),
    "custom initializer": (custom_initializer, rf"layer 'head' \(Dense\): unknown initializer 'Halves'.*Known: .*zeros\. {ADVICE}"),
    "initializer function": (initializer_function, rf"layer 'head' \(Dense\): unknown initializer 'mine>halves'.*{ADVICE}"),
    "mixed dtypes": (
        mixed,
        r"layer 'head' \(Dense\): dtype: float32, but layer 'memory' \(SimpleRNN\) has float64; .* all layers .* one\. Make them alike",
    ),
    "mixed_float16": (with_dense(dtype="mixed_float16"), r"layer 'head' \(Dense\): dtype: .*must be 'float32' or 'float64'"),
    "float16": (with_dense(dtype="float16"), r"layer 'head' \(Dense\): dtype: .*must be 'float32' or 'float64'"),
    "lora": (lora, r"layer 'words' \(Embedding\): .*lora_rank is not supported by minirnn, received 2\. Leave it out"),
    "quantised": (quantised, r"layer 'head' \(Dense\): dtype: QuantizedDTypePolicy is not supported .*without quantizing it"),
    "channels_first": (
        with_layer(lambda layers: layers.Flatten(data_format="channels_first", name="row")),
        r"layer 'row' \(Flatten\): Flatten: data_format is not supported by minirnn, received 'channels_first'\. Leave it out",
    ),
    "sparse input": (
        lambda keras: keras.Sequential([keras.layers.Input((V,), sparse=True), keras.layers.Dense(2)]),
        r"InputLayer: Input: sparse is not supported by minirnn, received True\. Leave it out",
    ),
}

RMSPROP = {
    "use_ema": {"use_ema": True},
    "gradient_accumulation_steps": {"gradient_accumulation_steps": 2},
    "loss_scale_factor": {"loss_scale_factor": 2.0},
}

SETTINGS = {
    "Adam": compiled_with("optimizer", "unknown optimizer 'Adam': Known: RMSprop", optimizer="adam"),
    "SGD": compiled_with("optimizer", "unknown optimizer 'SGD'", optimizer=lambda keras: keras.optimizers.SGD(momentum=0.5)),
    "LossScaleOptimizer": compiled_with(
        "optimizer",
        "unknown optimizer 'LossScaleOptimizer'",
        optimizer=lambda keras: keras.optimizers.LossScaleOptimizer(keras.optimizers.RMSprop()),
    ),
    **{
        name: compiled_with(
            "optimizer", f"RMSprop: {name} is not supported", optimizer=lambda keras, own=own: keras.optimizers.RMSprop(**own)
        )
        for name, own in RMSPROP.items()
    },
    "hinge": compiled_with("loss", "unknown loss 'hinge': Known: binary_crossentropy", loss="hinge"),
    "focal": compiled_with("loss", "unknown loss 'BinaryFocalCrossentropy'", loss=lambda keras: keras.losses.BinaryFocalCrossentropy()),
    "reduction": compiled_with(
        "loss", "BinaryCrossentropy: reduction must be 'sum_over_", loss=lambda keras: keras.losses.BinaryCrossentropy(reduction="sum")
    ),
    "custom loss": (custom_loss, "compile settings: loss: unknown loss 'mine>my_loss'.*compile=False"),
    "list of losses": compiled_with("loss", ".* one loss .* not a list or dict", loss=["binary_crossentropy"]),
    "dict of losses": compiled_with("loss", ".* one loss .* not a list or dict", loss={"head": "binary_crossentropy"}),
    "AUC": compiled_with("metrics", "unknown metric 'AUC'", metrics=lambda keras: [keras.metrics.AUC()]),
    "mae": compiled_with("metrics", "unknown metric 'mae': Known: accuracy", metrics=["mae"]),
    "nested metrics": compiled_with("metrics", "expected a list of metrics for the one output", metrics=[["accuracy"]]),
    "dict of metrics": compiled_with("metrics", "expected a list of metrics for the one output", metrics={"head": "accuracy"}),
    "custom metric": (custom_metric, "compile settings: metrics: unknown metric 'mine>my_metric'.*compile=False"),
    "weighted_metrics": (with_settings(weighted_metrics=["accuracy"]), "settings: weighted_metrics=.* is not supported.*compile=False"),
    "loss_weights": (with_settings(loss_weights=[0.5]), "compile settings: loss_weights=.* is not supported.*compile=False"),
    "steps_per_execution": (with_settings(steps_per_execution=3), "settings: steps_per_execution=3 is not supported.*compile=False"),
}

MODELS = LAYERS | ARGUMENTS | SETTINGS
"""By name: how Keras makes it, and what the message must say."""
