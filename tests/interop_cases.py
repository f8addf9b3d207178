"""The models that pass between minirnn and Keras, written once for both: the two packages' layers and arguments have the same names.

Keras's process and the test's own import this file, so it imports neither package.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

V, E, H, T = 23, 5, 7, 4
B, N, EPOCHS = 3, 6, 2
"""A batch holds 12 ids and the vocabulary 22 words, so that none need repeat in a batch: Keras on TensorFlow trains an embedding's repeated
rows by another rule than Keras on JAX (D2)."""

STEPS = EPOCHS * N // B
"""That a training takes."""

LEARNING_RATE = 0.0078125  # 2^-7, the same number in float32 and float64


class Case(NamedTuple):
    """A model: what it is fed, its layers, and how it is trained. An argument that is an object is (namespace, class, arguments).

    ``frozen`` holds places in the list of layers; ``repeated`` lets a batch hold an id more than once;
    ``own`` holds arguments of the optimizer that are minirnn's own.
    """

    input: dict[str, Any]
    layers: list[tuple[str, dict[str, Any]]]
    optimizer: dict[str, Any] = {}  # noqa: RUF012
    dtype: str = "float32"
    loss: str | tuple[str, str, dict[str, Any]] = "binary_crossentropy"
    frozen: tuple[int, ...] = ()
    repeated: bool = False
    own: dict[str, Any] = {}  # noqa: RUF012


IDS, VECTORS = {"shape": (T,)}, {"shape": (T, V)}
OUT = ("Dense", {"units": 1, "activation": "sigmoid"})
ONE_HOT = [("SimpleRNN", {"units": H}), OUT]
MASKED = [
    ("Embedding", {"input_dim": V, "output_dim": E, "mask_zero": True, "name": "words"}),
    ("SimpleRNN", {"units": H, "return_sequences": True, "dropout": 0.1, "recurrent_dropout": 0.2}),
    ("SimpleRNN", {"units": H - 3, "activation": "relu", "use_bias": False, "go_backwards": True, "kernel_initializer": "he_normal"}),
    ("Dropout", {"rate": 0.3, "seed": 7}),
    OUT,
]
FLAT = [
    ("Embedding", {"input_dim": V, "output_dim": E, "embeddings_initializer": "normal"}),
    ("Flatten", {}),
    ("Dense", {"units": 3, "activation": "tanh"}),
    ("Dense", {"units": 2, "activation": "linear", "bias_initializer": "ones"}),
]
BOTH_WAYS = [
    ("Embedding", {"input_dim": V, "output_dim": E, "mask_zero": True}),
    ("Bidirectional", {"layer": ("layers", "SimpleRNN", {"units": H - 3, "return_sequences": True}), "merge_mode": "concat"}),
    ("Bidirectional", {"layer": ("layers", "SimpleRNN", {"units": H}), "merge_mode": "ave", "name": "both"}),
    OUT,
]
REGULARIZED = [
    ("Embedding", {"input_dim": V, "output_dim": E, "embeddings_regularizer": ("regularizers", "L2", {"l2": 0.0625})}),
    (
        "SimpleRNN",
        {
            "units": H,
            "kernel_regularizer": ("regularizers", "L1", {"l1": 0.03125}),
            "recurrent_regularizer": ("regularizers", "OrthogonalRegularizer", {"factor": 0.0625, "mode": "columns"}),
            "bias_regularizer": ("regularizers", "L1L2", {"l1": 0.0625, "l2": 0.125}),
        },
    ),
    ("Dense", {**OUT[1], "kernel_regularizer": "l2"}),
]
CONSTRAINED = [
    (
        "SimpleRNN",
        {
            "units": H,
            "kernel_constraint": ("constraints", "MaxNorm", {"max_value": 0.75, "axis": 0}),
            "recurrent_constraint": ("constraints", "UnitNorm", {"axis": 1}),
            "bias_constraint": "non_neg",
        },
    ),
    ("Dense", {**OUT[1], "kernel_constraint": ("constraints", "MinMaxNorm", {"min_value": 0.25, "max_value": 0.5, "rate": 0.5})}),
]
SCHEDULE = ("optimizers.schedules", "PiecewiseConstantDecay", {"boundaries": [2, 5], "values": [2.0**-6, 2.0**-8, 2.0**-7]})
PER_STEP = [
    ("SimpleRNN", {"units": H, "return_sequences": True, "unroll": True, "zero_output_for_mask": True}),
    ("Dense", {"units": 2, "activation": "relu", "use_bias": False}),
    ("Flatten", {}),
    OUT,
]

ALL_AT_ONCE = {"momentum": 0.75, "centered": True, "weight_decay": 0.125, "clipvalue": 0.0625, "name": "steps"}
EPSILON = 2.0**-12
"""Instead of Keras's 1e-7, beside which the rounding of a small gradient becomes a large part of its step."""

CASES = {
    "one-hot": Case(VECTORS, ONE_HOT, {"epsilon": 1e-7}),
    "one-hot float64": Case(VECTORS, ONE_HOT, {"momentum": 0.5, "centered": True}, dtype="float64"),
    "any length": Case({"shape": (None, V), "dtype": "float32"}, ONE_HOT, {"rho": 0.75, "epsilon": 2.0**-20}),
    "stateful": Case({"shape": (T, V), "batch_size": B}, [("SimpleRNN", {"units": H, "stateful": True}), OUT]),
    "logits": Case(
        VECTORS,
        [*ONE_HOT[:1], ("Dense", {"units": 2})],
        loss=("losses", "BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.125}),
    ),
    "per step": Case(VECTORS, PER_STEP, {"momentum": 0.5}),
    "flat": Case(IDS, FLAT, {"weight_decay": 0.125}, loss="mse"),
    "frozen embedding": Case(IDS, [*FLAT[:3], OUT], {"momentum": 0.5, "centered": True}, frozen=(0,)),
    "frozen between": Case(IDS, MASKED, {"centered": True}, frozen=(1, 4)),
    "int ids": Case({"shape": (T,), "dtype": "int32", "name": "tokens"}, MASKED),
    "masked": Case(IDS, MASKED),
    "repeated ids": Case(IDS, MASKED, {"momentum": 0.5}, repeated=True),
    "masked float64": Case(IDS, MASKED, {"momentum": 0.5, "weight_decay": 0.125}, dtype="float64"),
    "per lookup": Case(IDS, MASKED, {"momentum": 0.5}, repeated=True, own={"embedding_update": "per_lookup"}),
    "both ways": Case(IDS, BOTH_WAYS, {"momentum": 0.5}),
    "masking": Case(VECTORS, [("Masking", {"mask_value": 0.0}), *ONE_HOT]),
    "regularized": Case(IDS, REGULARIZED, {"momentum": 0.5}),
    "constrained": Case(VECTORS, CONSTRAINED),
    "schedule": Case(VECTORS, ONE_HOT, {"learning_rate": SCHEDULE, "momentum": 0.5}),
    "momentum": Case(IDS, MASKED, {"momentum": 0.5}),
    "centered": Case(IDS, MASKED, {"centered": True}),
    "all at once": Case(IDS, MASKED, ALL_AT_ONCE),
    "clipnorm": Case(IDS, MASKED, {"clipnorm": 0.015625, "momentum": 0.5}),
    "global_clipnorm": Case(IDS, MASKED, {"global_clipnorm": 0.03125}),
}


def build(package: Any, case: Case) -> Any:
    """Make a case's model, of minirnn or of Keras, and compile it."""

    def made(value: Any) -> Any:
        if not isinstance(value, tuple):
            return value
        namespace, kind, arguments = value
        return getattr(attrgetter(namespace)(package), kind)(**{name: made(one) for name, one in arguments.items()})

    layers = [made(("layers", kind, {**arguments, "dtype": case.dtype})) for kind, arguments in case.layers]
    for place in case.frozen:
        layers[place].trainable = False
    options, own = ({"dtype": case.dtype}, case.own) if package.__name__ == "minirnn" else ({}, {})  # in Keras each layer has its dtype
    model = package.Sequential([package.layers.Input(**case.input), *layers], name="passed_on", **options)
    metrics = ["accuracy", package.metrics.BinaryAccuracy(name="strict", threshold=0.75)]
    optimizer = ("optimizers", "RMSprop", {"learning_rate": LEARNING_RATE, "epsilon": EPSILON, **case.optimizer, **own})
    model.compile(made(optimizer), loss=made(case.loss), metrics=metrics)
    rng = np.random.default_rng(5)
    model.set_weights([rng.normal(0, 0.5, weight.shape).astype(case.dtype) for weight in model.get_weights()])
    return model


def examples(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Give inputs, no id twice in a batch except the padding, and labels."""
    rng = np.random.default_rng(8)
    batches = [1 + rng.permutation(V - 1)[: B * T].reshape(B, T) for _ in range(N // B)]
    ids = np.concatenate(batches)
    if case.repeated:
        ids %= 5
    (kind, arguments), outputs = case.layers[0], case.layers[-1][1]["units"]
    if arguments.get("mask_zero") or kind == "Masking":
        ids[1, :2], ids[5, -1], ids[3] = 0, 0, 0  # padded before, behind, and altogether; what is masked brings no gradient twice
    y = rng.integers(0, 2, (N, outputs)).astype("float32")
    one_hot = np.eye(V, dtype=case.dtype)[ids]
    if kind == "Masking":
        one_hot[ids == 0] = 0
    return (ids if kind == "Embedding" else one_hot), y


def train(model: Any, case: Case) -> Any:
    """Go on training for some epochs, in the data's order."""
    reset(model)
    with without_dropout(model):
        model.fit(*examples(case), batch_size=B, epochs=EPOCHS, shuffle=False, verbose=0)
    return model


def reset(model: Any) -> None:
    """Forget carried states, which no file holds."""
    for layer in model.layers:
        if getattr(layer, "stateful", False):
            layer.reset_state()


@contextmanager
def without_dropout(model: Any) -> Iterator[None]:
    """Drop nothing for a while, since the two packages draw different masks; the file holds the rates all the same."""
    droppers = [getattr(layer, "cell", layer) for layer in model.layers]
    rates = [
        (layer, name, getattr(layer, name))
        for layer in droppers
        for name in ("rate", "dropout", "recurrent_dropout")
        if hasattr(layer, name)
    ]
    for layer, name, _ in rates:
        setattr(layer, name, 0.0)
    yield
    for layer, name, rate in rates:
        setattr(layer, name, rate)
