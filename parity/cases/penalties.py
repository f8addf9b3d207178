"""Regularizers and constraints: each by itself, and each argument of each layer in a model that trains.

By itself: a regularizer's value and gradient, a constraint's projected weight. In a model: the loss with its penalties, the gradient of
every weight, the losses of ten steps of RMSprop, the weights after the first and the tenth, and what ``evaluate`` says then, in batches
of two sizes.

Mostly no id occurs twice in a batch, so that D2, by which TensorFlow trains repeated ids its own way, does not show. Where ids repeat, an
``embeddings_regularizer`` makes TensorFlow sum their gradients, as everyone else does; an ``activity_regularizer`` does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minirnn import constraints, regularizers
from minirnn.one_hot import OneHot
from parity import keras_backend, keras_side, minirnn_side
from parity.case import SetUp, Sides, Tensors
from parity.cases.draws import numbers
from parity.cases.stacks import HEAD, embedding, model_weights, rnn

Spec = tuple[str, dict[str, Any]]

B, T, E, H, O, V = 5, 4, 3, 6, 7, 23
SHOWN = (1, 10)
"""Steps after which the weights are compared."""
OPTIMIZER = {"learning_rate": 2.0**-6, "rho": 0.875, "epsilon": 2.0**-23}


def regularizer(kind: str, **arguments: Any) -> dict[str, Any]:
    """Describe a regularizer as both packages read it."""
    return {"module": "keras.regularizers", "class_name": kind, "config": arguments, "registered_name": None}


def constraint(kind: str, **arguments: Any) -> dict[str, Any]:
    """Describe a constraint likewise."""
    return {"module": "keras.constraints", "class_name": kind, "config": arguments, "registered_name": None}


L1 = regularizer("L1", l1=2.0**-5)
L2 = regularizer("L2", l2=2.0**-4)
L1_L2 = regularizer("L1L2", l1=2.0**-6, l2=2.0**-3)
ROWS = regularizer("OrthogonalRegularizer", factor=0.5, mode="rows")
COLUMNS = regularizer("OrthogonalRegularizer", factor=0.25, mode="columns")

# ------------------------------------------------------------------------------------------------------------------------ by themselves


def _regularizer(ours: Any, theirs: Any = None, shape: tuple[int, ...] = (7, 5), zeros: int = 0, scale: float = 1.0) -> SetUp:
    """Set up one regularizer, under the name or the description by which each package gets it; some first rows are zeros."""

    def set_up() -> Sides:
        w = numbers(np.random.default_rng(75), *shape, scale=scale)
        w[:zeros] = 0

        def own(dtype: str) -> Tensors:
            chosen, weight = regularizers.get(ours), w.astype(dtype)
            assert chosen is not None
            return {"value": np.asarray(chosen(weight), dtype), "gradient": chosen.gradient(weight)}

        def keras(dtype: str) -> Tensors:
            chosen = keras_backend.load().regularizers.get(ours if theirs is None else theirs)
            value, gradient = keras_backend.value_and_gradient(keras_side.in_float64(chosen), w.astype(dtype))
            return {"value": value, "gradient": gradient}

        # by a name the factor is 0.01, which Keras rounds to float32 on its way to float64
        checked = None if isinstance(ours, str) else lambda: keras("float64")
        return Sides(lambda: own("float32"), lambda: keras("float32"), lambda: own("float64"), checked)

    return set_up


def _constraint(chosen: Any, shape: tuple[int, ...] = (7, 5), zeros: int = 0) -> SetUp:
    """Set up one constraint on weights whose norms are below, above and at any bound."""

    def set_up() -> Sides:
        w = numbers(np.random.default_rng(76), *shape) * np.linspace(0.05, 2, shape[-1], dtype=np.float32)
        w[..., :zeros] = 0

        def own(dtype: str) -> Tensors:
            projection = constraints.get(chosen)
            assert projection is not None
            return {"weight": projection(w.astype(dtype))}

        def keras(dtype: str) -> Tensors:
            return {"weight": keras_backend.array(keras_backend.load().constraints.get(chosen)(w.astype(dtype)))}

        return Sides(lambda: own("float32"), lambda: keras("float32"), lambda: own("float64"), lambda: keras("float64"))

    return set_up


# -------------------------------------------------------------------------------------------------------------------------- in a model


def _model(*specs: Spec, theirs: Sequence[Spec] | None = None, reads: str = "numbers", update: str = "summed", **optimizer: Any) -> SetUp:
    """Set up a model that reads numbers (B,T,E), ids (B,T), few ids often, or one-hot ids (B,T,V).

    ``theirs`` is Keras's model, where it needs other layers; ``update`` is minirnn's ``embedding_update``.
    """

    def set_up() -> Sides:
        rng = np.random.default_rng(77)
        weights = model_weights(rng, specs, V if reads == "one_hot" else E, T)
        ids = rng.permutation(V)[: B * T].reshape(B, T).astype(np.int32)
        ids = ids % 4 if reads == "few_ids" else ids
        x = {"numbers": numbers(rng, B, T, E), "one_hot": OneHot(ids, V)}.get(reads, ids)
        y = np.array([1, 1, 0, 1, 1], np.float32)[:, None]  # with as many of each, the bias's gradient is what is left of large terms
        arguments, of_ids = {**OPTIMIZER, **optimizer}, reads in ("ids", "few_ids")

        def ours(**options: Any) -> Tensors:
            own_arguments = {**arguments, "embedding_update": update}

            def model() -> Any:
                return minirnn_side.build_model(specs, x.shape[1:], weights, **options)

            return {**minirnn_side.loss_tensors(model(), {}, x, y), **minirnn_side.step_tensors(model(), own_arguments, x, y, SHOWN, B - 2)}

        def keras(dtype: str) -> Tensors:
            array = ids if of_ids else np.asarray(x, dtype)

            def model() -> Any:
                return keras_side.build_model(theirs or specs, array.shape[1:], weights, dtype, "int32" if of_ids else None)

            steps = keras_side.step_tensors(model(), arguments, array, y, SHOWN, B - 2)
            return {**keras_side.loss_tensors(model(), {}, array, y), **steps}

        return Sides(ours, lambda: keras("float32"), lambda: ours(**minirnn_side.TRUTH), lambda: keras("float64"))

    return set_up


def _hidden(**arguments: Any) -> Spec:
    return "Dense", {"name": "hidden", "units": O, "activation": "tanh", **arguments}


def _head(**arguments: Any) -> Spec:
    return HEAD[0], {**HEAD[1], **arguments}


def _output_of(name: str, **arguments: Any) -> Spec:
    """A layer that changes no number: what is said of its output is said of the output of the layer before."""
    return "Flatten", {"name": name, **arguments}


EMBEDDING: dict[str, dict[str, Any]] = {
    "embeddings_regularizer": {"embeddings_regularizer": L1_L2},
    "activity_regularizer": {"activity_regularizer": L2},
    "embeddings_constraint": {"embeddings_constraint": constraint("MaxNorm", max_value=0.5, axis=1)},
    "everything": {
        "embeddings_regularizer": L2,
        "activity_regularizer": L1,
        "embeddings_constraint": constraint("MinMaxNorm", min_value=0.25, max_value=0.5, rate=0.5, axis=1),
    },
}
SIMPLE_RNN: dict[str, dict[str, Any]] = {
    "kernel_regularizer": {"kernel_regularizer": L1_L2},
    "recurrent_regularizer": {"recurrent_regularizer": ROWS},
    "bias_regularizer": {"bias_regularizer": L2},
    "activity_regularizer": {"activity_regularizer": L1_L2},
    "kernel_constraint": {"kernel_constraint": constraint("UnitNorm", axis=0)},
    "recurrent_constraint": {"recurrent_constraint": constraint("MaxNorm", max_value=0.75, axis=0)},
    "bias_constraint": {"bias_constraint": constraint("NonNeg")},
}
DENSE: dict[str, dict[str, Any]] = {
    "kernel_regularizer": {"kernel_regularizer": COLUMNS},
    "bias_regularizer": {"bias_regularizer": L1},
    "activity_regularizer": {"activity_regularizer": L1_L2},
    "kernel_constraint": {"kernel_constraint": constraint("MinMaxNorm", min_value=0.5, max_value=0.75, rate=0.25, axis=0)},
    "bias_constraint": {"bias_constraint": constraint("MaxNorm", max_value=0.5, axis=0)},
}
EVERYTHING = (
    rnn(
        H,
        kernel_regularizer=L2,
        recurrent_regularizer=L1,
        bias_regularizer=L1_L2,
        kernel_constraint=constraint("NonNeg"),
        recurrent_constraint=constraint("UnitNorm", axis=1),
        bias_constraint=constraint("MaxNorm", max_value=1, axis=0),
    ),
    _hidden(kernel_regularizer=ROWS, bias_regularizer=L2, activity_regularizer=L1, kernel_constraint=constraint("UnitNorm")),
    _head(kernel_regularizer=L2, activity_regularizer=L1_L2, bias_constraint=constraint("NonNeg")),
)
REPEATED = embedding(input_dim=V, output_dim=E, embeddings_regularizer=L2)
PENALIZED = rnn(H, activity_regularizer=L1_L2, kernel_regularizer=L2)
IN_KERAS = (rnn(H, kernel_regularizer=L2), _output_of("states", activity_regularizer=L1_L2))

CASES: dict[str, SetUp] = {
    "penalty.L1": _regularizer(L1),
    "penalty.L1.zeros": _regularizer(L1, zeros=2),
    "penalty.L2": _regularizer(L2),
    "penalty.L1L2": _regularizer(L1_L2, shape=(3, 4, 5)),
    "penalty.L1L2.vector": _regularizer(L1_L2, shape=(13,)),
    "penalty.orthogonal.rows": _regularizer(ROWS),
    "penalty.orthogonal.columns": _regularizer(COLUMNS),
    "penalty.orthogonal.short_rows": _regularizer(ROWS, scale=2.0**-26),
    "penalty.orthogonal.zeros": _regularizer(ROWS, zeros=2),
    "penalty.orthogonal.one_row": _regularizer(ROWS, shape=(1, 5)),
    "penalty.name.l1": _regularizer("l1"),
    "penalty.name.l2": _regularizer("l2"),
    "penalty.name.l1_l2": _regularizer("l1_l2", theirs=regularizer("L1L2", l1=0.01, l2=0.01)),
    "penalty.name.l1l2": _regularizer("l1l2"),
    "penalty.name.orthogonal": _regularizer("orthogonal_regularizer"),
    "penalty.constraint.NonNeg": _constraint(constraint("NonNeg"), zeros=1),
    "penalty.constraint.MaxNorm": _constraint(constraint("MaxNorm", max_value=1.5, axis=0), zeros=1),
    "penalty.constraint.MaxNorm.default": _constraint("max_norm"),
    "penalty.constraint.MaxNorm.0": _constraint(constraint("MaxNorm", max_value=0, axis=0)),
    "penalty.constraint.MaxNorm.rows": _constraint(constraint("MaxNorm", max_value=0.5, axis=-1)),
    "penalty.constraint.MaxNorm.axes": _constraint(constraint("MaxNorm", max_value=0.5, axis=[0, 1]), shape=(3, 4, 5)),
    "penalty.constraint.UnitNorm": _constraint(constraint("UnitNorm", axis=1), zeros=1),
    "penalty.constraint.UnitNorm.vector": _constraint("unit_norm", shape=(13,)),
    "penalty.constraint.MinMaxNorm": _constraint(constraint("MinMaxNorm", min_value=0.5, max_value=1.5, rate=1.0, axis=0), zeros=1),
    "penalty.constraint.MinMaxNorm.rate": _constraint(constraint("MinMaxNorm", min_value=0.5, max_value=1.5, rate=0.25, axis=1)),
    **{
        f"penalty.embedding.{name}": _model(embedding(input_dim=V, output_dim=E, **ours), rnn(H), HEAD, reads="ids")
        for name, ours in EMBEDDING.items()
    },
    "penalty.embedding.repeated": _model(REPEATED, rnn(H), HEAD, reads="few_ids"),
    "penalty.embedding.repeated.per_lookup": _model(REPEATED, rnn(H), HEAD, reads="few_ids", update="per_lookup"),
    "penalty.embedding.outputs.per_lookup": _model(
        embedding(input_dim=V, output_dim=E, activity_regularizer=L2), rnn(H), HEAD, reads="few_ids", update="per_lookup"
    ),
    **{f"penalty.simple_rnn.{name}": _model(rnn(H, **ours), HEAD) for name, ours in SIMPLE_RNN.items()},
    **{f"penalty.dense.{name}": _model(rnn(H), _hidden(**ours), HEAD) for name, ours in DENSE.items()},
    "penalty.head.activity_regularizer": _model(rnn(H), _head(activity_regularizer=L1_L2)),
    "penalty.flatten.activity_regularizer": _model(rnn(H, return_sequences=True), _output_of("flat", activity_regularizer=L2), HEAD),
    "penalty.states": _model(PENALIZED, HEAD, theirs=(*IN_KERAS, HEAD)),
    "penalty.states.tokens": _model(
        embedding(input_dim=V, output_dim=E), PENALIZED, HEAD, theirs=(embedding(input_dim=V, output_dim=E), *IN_KERAS, HEAD), reads="ids"
    ),
    "penalty.states.one_hot": _model(PENALIZED, HEAD, theirs=(*IN_KERAS, HEAD), reads="one_hot"),
    "penalty.L1_of_NonNeg": _model(rnn(H, kernel_regularizer=L1, kernel_constraint=constraint("NonNeg")), HEAD),
    "penalty.frozen": _model(rnn(H), _hidden(trainable=False, kernel_regularizer=L2, activity_regularizer=L1), HEAD),
    "penalty.everything": _model(*EVERYTHING),
    "penalty.everything.clipnorm": _model(*EVERYTHING, clipnorm=0.25),
    "penalty.everything.global_clipnorm": _model(*EVERYTHING, global_clipnorm=0.5, momentum=0.5, weight_decay=0.125),
}
