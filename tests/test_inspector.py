"""The Inspector: each figure is what a direct computation gives, on both ways of training, and the training does not notice."""

import itertools

import numpy as np
import pytest
from test_express import CASES, examples, make

import minirnn
from minirnn import layers, optimizers
from minirnn.callbacks import Callback, CallbackList, EarlyStopping, Inspector, TerminateOnNaN
from minirnn.express import plan
from minirnn.jit import COMPILED, compiled_kernels
from minirnn.reach import Passage, reach, saturated_share

N, T, V, E, H = 23, 5, 11, 4, 6

STACKS = {
    "embedding": lambda: [layers.Embedding(V, E), layers.SimpleRNN(H)],
    "stack": lambda: [layers.Embedding(V, E), layers.SimpleRNN(3, return_sequences=True), layers.SimpleRNN(H)],
    "both ways": lambda: [layers.Embedding(V, E, mask_zero=True), layers.Bidirectional(layers.SimpleRNN(H))],
    "both ways, added": lambda: [layers.Embedding(V, E), layers.Bidirectional(layers.SimpleRNN(H), merge_mode="sum")],
    "frozen": lambda: [layers.Embedding(V, E, trainable=False), layers.SimpleRNN(H, use_bias=False)],
    "dropout": lambda: [layers.Embedding(V, E), layers.SimpleRNN(H, recurrent_dropout=0.3, seed=5), layers.Dropout(0.2, seed=6)],
    "without recurrence": lambda: [layers.Embedding(V, E), layers.Flatten()],
}


def model_of(stack, backend="numpy", optimizer=None):
    model = minirnn.Sequential([layers.Input((T,)), *STACKS[stack](), layers.Dense(1, "sigmoid")], backend=backend, seed=7)
    model.compile(optimizer or optimizers.RMSprop(0.05), "binary_crossentropy")
    return model


def data():
    rng = np.random.default_rng(2)
    return rng.integers(0, V, (N, T)).astype(np.int32), rng.integers(0, 2, N)


def fit(model, *callbacks, epochs=3, **options):
    x, y = data()
    return model.fit(x, y, batch_size=8, epochs=epochs, verbose=0, callbacks=list(callbacks), **options)


def recurrent(model):
    return [leaf for layer in model.layers for leaf in layer.walk() if isinstance(leaf, layers.SimpleRNN)]


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("stack", STACKS)
def test_the_figures_of_weights_are_those_of_the_weights(stack, backend):
    model, inspector = model_of(stack, backend), Inspector()
    first = model.get_weights()

    fit(model, inspector, validation_split=0.2)

    records, kept = inspector.records, inspector.snapshots
    assert list(kept) == [0, 1, 2, 3]
    assert inspector.epoch == [0, 1, 2]
    assert {len(values) for values in records.values()} == {3}
    for found, expected in ((kept[0], first), (kept[3], model.get_weights())):
        assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))
    for place, slot in enumerate(model.parameters.slots):
        name = f"{slot.layer.name}.{slot.name}"
        np.testing.assert_allclose(records[f"{name}.norm"], [np.linalg.norm(kept[n][place]) for n in (1, 2, 3)], rtol=1e-6)
        updates = [np.linalg.norm(kept[n][place] - kept[n - 1][place]) for n in (1, 2, 3)]
        np.testing.assert_allclose(records[f"{name}.update"], updates, rtol=1e-5)
        assert (updates[0] > 0) == slot.layer.trainable
    for rnn in recurrent(model):
        place = next(n for n, slot in enumerate(model.parameters.slots) if slot.layer is rnn and slot.name == "recurrent_kernel")
        radii = [np.abs(np.linalg.eigvals(kept[n][place].astype(float))).max() for n in (1, 2, 3)]
        np.testing.assert_allclose(records[f"{rnn.name}.radius"], radii, rtol=1e-5)
        leading = [max(np.linalg.eigvals(kept[n][place].astype(float)), key=lambda value: value.real) for n in (1, 2, 3)]
        np.testing.assert_allclose(records[f"{rnn.name}.turn"], np.abs(np.angle(leading, deg=True)), atol=1e-3)
    assert not recurrent(model) or records[f"{recurrent(model)[0].name}.words.norm"]


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("validated", [False, True])
def test_the_gradient_is_that_of_the_epoch_s_last_batch(backend, validated):
    model, inspector = model_of("stack", backend), Inspector()

    fit(model, inspector, epochs=1, validation_split=0.2 if validated else 0.0)

    for slot in model.parameters.slots:  # validation leaves gradients alone
        expected = np.linalg.norm(slot.layer.gradients[slot.name])
        assert expected > 0
        assert inspector.records[f"{slot.layer.name}.{slot.name}.gradient"] == [pytest.approx(expected, rel=1e-6)]


@pytest.mark.parametrize("one_hot", [False, True])
def test_the_word_part_is_the_table_that_the_ids_pick_from(one_hot):
    x, y = data()
    first = [layers.Input((T, V))] if one_hot else [layers.Input((T,)), layers.Embedding(V, E)]
    model = minirnn.Sequential([*first, layers.SimpleRNN(H, name="rnn"), layers.Dense(1, "sigmoid")], backend="numpy")
    model.compile(optimizers.RMSprop(0.05), "binary_crossentropy")
    inspector = Inspector()

    model.fit(minirnn.OneHot(x, V) if one_hot else x, y, batch_size=8, epochs=3, verbose=0, callbacks=[inspector])

    tables = [weights[0] if one_hot else weights[0] @ weights[1] for weights in inspector.snapshots.values()]
    records = {name.removeprefix("rnn.words."): values for name, values in inspector.records.items() if ".words." in name}
    assert tables[0].shape == (V, H)
    np.testing.assert_allclose(records["norm"], [np.linalg.norm(table) for table in tables[1:]], rtol=1e-6)
    np.testing.assert_allclose(records["update"], [np.linalg.norm(b - a) for a, b in itertools.pairwise(tables)], rtol=1e-5)
    np.testing.assert_allclose(
        records["moved"], [np.linalg.norm(table - tables[0]) / np.linalg.norm(tables[0]) for table in tables[1:]], rtol=1e-5
    )


class ReadLast(Callback):
    """Read the last batch's states before any validation can write over them, in the plainest way."""

    def on_train_batch_end(self, batch, logs=None):
        self.passages = [Passage(*(None if part is None else part.copy() for part in rnn.last_passage())) for rnn in recurrent(self.model)]


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("stack", [name for name in STACKS if name not in ("embedding", "without recurrence")])
def test_the_figures_of_states_are_of_the_last_batch_layer_by_layer(stack, backend):
    model, inspector, reader = model_of(stack, backend), Inspector(saturation=0.1), ReadLast()

    fit(model, inspector, reader, epochs=2, validation_split=0.2)

    rnns, head = recurrent(model), model.layers[-1].values["kernel"]
    for number, (rnn, passage) in enumerate(zip(rnns, reader.passages, strict=True)):
        assert passage.hs.shape[:2] == (T + 1, 18 % 8)  # of 18 examples
        share = saturated_share(passage, "tanh", 0.1)
        assert 0 < share < 1
        assert inspector.records[f"{rnn.name}.saturated"][-1] == share
        if rnn.return_sequences:
            assert f"{rnn.name}.reach" not in inspector.records
            continue
        rows = head[number * H : number * H + H] if stack == "both ways" else head
        expected = reach(passage, rnn.values["recurrent_kernel"], rows, "tanh")
        assert (inspector.records[f"{rnn.name}.reach"][-1], inspector.records[f"{rnn.name}.aligned_reach"][-1]) == expected


@pytest.mark.skipif(not COMPILED, reason="without compiled kernels there is no express way")
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_both_ways_of_training_leave_the_same_states(case, monkeypatch):
    case = case | {"dtype": "float64"}
    found = []
    for way in (True, False):
        with monkeypatch.context() as patch:
            if not way:
                patch.setattr(plan, "COMPILED", False)
            model, (x, y), inspector = make(**case), examples(**case), Inspector(saturation=0.2, rows=1000)
            model.compile(optimizers.RMSprop(0.01), "binary_crossentropy")
            assert (model.express_way(x, "train") is not None) is way
            size = case.get("batch_size", 32)
            model.fit(x, y, batch_size=size, epochs=2, verbose=0, validation_split=0.25, callbacks=[inspector])
            found.append({name.split(".", 1)[1]: values for name, values in inspector.records.items()})

    one, other = found
    assert set(one) == set(other)
    for name, values in other.items():
        np.testing.assert_allclose(one[name], values, rtol=1e-7, atol=1e-9, err_msg=name)


def test_the_first_rows_alone_are_looked_at():
    few, many = Inspector(rows=2, saturation=0.3), Inspector(saturation=0.3)

    fit(model_of("embedding"), few, many, epochs=1)

    name = _name(few, "saturated")
    assert few.records[name] != many.records[name]


def _name(inspector, ending):
    return next(name for name in inspector.records if name.endswith(ending))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("probe", [False, True])
@pytest.mark.parametrize("case", [{}, {"embed": False}, {"V": 3_000}, {"mask_zero": True, "H": 20}])
def test_no_bit_of_the_training_changes(case, probe, threads):
    x, y = examples(**case)
    before = minirnn.get_num_threads()
    minirnn.set_num_threads(threads)
    try:
        trained = []
        for inspectors in ([], [Inspector(probe=x[:7] if probe else None)]):
            model = make(**case)
            model.compile(optimizers.RMSprop(0.01), "binary_crossentropy", metrics=["accuracy"])
            history = model.fit(x, y, batch_size=32, epochs=3, verbose=0, validation_split=0.25, callbacks=inspectors).history
            trained.append((model, history))
    finally:
        minirnn.set_num_threads(before)

    (bare, expected), (inspected, history) = trained
    assert history == expected
    for found, wanted in zip(inspected.get_weights(), bare.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(inspected.optimizer.state["velocity"], bare.optimizer.state["velocity"])


def test_no_batch_is_taken_alone_and_nothing_more_is_compiled():
    assert not CallbackList([Inspector(), Inspector(probe=np.zeros((2, T), int))]).listens_to_batches
    x, y = examples()
    model = make()
    model.compile("rmsprop", "binary_crossentropy")
    model.fit(x, y, verbose=0)
    before = {name: len(kernel.signatures) for name, kernel in compiled_kernels().items()}

    model.fit(x, y, verbose=0, callbacks=[Inspector(probe=x[:5])], validation_split=0.1)

    assert {name: len(kernel.signatures) for name, kernel in compiled_kernels().items()} == before


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("stack", ["embedding", "both ways"])
def test_a_probe_is_read_in_place_of_the_last_batch(stack, backend):
    probe = np.random.default_rng(8).integers(0, V, (6, T))
    model, inspector = model_of(stack, backend), Inspector(["saturated"], saturation=0.3, probe=probe)

    fit(model, inspector)

    reading = model_of(stack)  # the reference, with the weights that are there now
    reading.set_weights(model.get_weights())
    reading(probe)
    for rnn, own in zip(recurrent(model), recurrent(reading), strict=True):
        expected = saturated_share(own.last_passage(), "tanh", 0.3)
        assert 0 < expected < 1
        assert inspector.records[f"{rnn.name}.saturated"][-1] == pytest.approx(expected, abs=1e-9)
        assert rnn.backend == backend


def test_a_probe_leaves_what_a_stateful_layer_carries():
    carried = []
    for probe in (None, np.ones((3, T), int)):
        rnn = layers.SimpleRNN(H, stateful=True)
        stack = [layers.Input((T,), batch_size=3), layers.Embedding(V, E), rnn, layers.Dense(1, "sigmoid")]
        model = minirnn.Sequential(stack, backend="numpy", seed=1)
        model.compile("rmsprop", "binary_crossentropy")
        x, y = data()
        model.fit(x[:21], y[:21], batch_size=3, epochs=2, verbose=0, callbacks=[Inspector(probe=probe)])
        carried.append(rnn.state)

    np.testing.assert_array_equal(*carried)


def test_weights_that_a_callback_restores_are_not_those_that_are_recorded():
    inspector = Inspector()
    model = model_of("embedding", optimizer=optimizers.RMSprop(0.5))
    x, y = data()

    stopper = EarlyStopping(patience=2, restore_best_weights=True)
    model.fit(x, y, batch_size=8, epochs=30, verbose=0, validation_split=0.4, callbacks=[stopper, inspector])

    best = stopper.best_epoch + 1
    assert best < len(inspector.epoch) < 30
    assert all(np.array_equal(one, other) for one, other in zip(inspector.snapshots[best], model.get_weights(), strict=True))
    assert not np.array_equal(inspector.snapshots[len(inspector.epoch)][0], model.get_weights()[0])


def test_an_evaluation_alone_is_no_epoch():
    inspector = Inspector()
    model = model_of("embedding")
    fit(model, inspector, epochs=2, validation_split=0.2, validation_freq=2)
    before = {name: list(values) for name, values in inspector.records.items()}

    x, y = data()
    model.evaluate(x, y, verbose=0, callbacks=[inspector])

    assert inspector.records == before
    assert {len(values) for values in before.values()} == {2}


@pytest.mark.parametrize("case", [{}, {"embed": False}])
def test_an_epoch_that_fails_is_recorded_as_far_as_there_is_something_to_read(case):
    x, y = examples(N=300, **case)
    model, inspector = make(**case), Inspector()
    model.compile(optimizers.RMSprop(0.01), "binary_crossentropy")
    model.layers[-1].values["kernel"][0] = np.nan

    model.fit(x, y, batch_size=32, epochs=2, verbose=0, callbacks=[TerminateOnNaN(), inspector])

    assert len(inspector.epoch) == 1
    assert all(len(values) == 1 for values in inspector.records.values())
    assert np.isnan(inspector.records[_name(inspector, "aligned_reach")][0])


def test_a_second_training_starts_afresh_and_counts_on_from_where_it_begins():
    inspector = Inspector(["norm"], snapshots=2)
    model = model_of("embedding")

    fit(model, inspector, epochs=3)
    assert list(inspector.snapshots) == [0, 2]
    fit(model, inspector, epochs=6, initial_epoch=3)

    assert inspector.epoch == [3, 4, 5]
    assert list(inspector.snapshots) == [3, 4, 6]


def test_only_what_is_wanted_is_recorded():
    inspector = Inspector("radius", snapshots=0)
    fit(model_of("both ways"), inspector)

    assert {name.split(".")[-1] for name in inspector.records} == {"radius", "turn"}
    assert len(inspector.records) == 4
    assert inspector.snapshots == {}
    assert set(inspector.to_dict()) == {"epoch", *inspector.records}


def test_everything_goes_into_a_file_of_arrays_and_comes_back(tmp_path):
    inspector = Inspector()
    model = model_of("embedding")
    fit(model, inspector)
    slots = [f"{slot.layer.name}.{slot.name}" for slot in model.parameters.slots]

    np.savez(tmp_path / "figures.npz", **inspector.to_dict())

    with np.load(tmp_path / "figures.npz", allow_pickle=False) as arrays:
        assert set(arrays) == {"epoch", "snapshots", *inspector.records, *(f"snapshots.{name}" for name in slots)}
        assert arrays["snapshots"].tolist() == [0, 1, 2, 3]
        assert arrays[f"snapshots.{slots[0]}"].shape == (4, V, E)
        np.testing.assert_array_equal(arrays[f"snapshots.{slots[0]}"][2], inspector.snapshots[2][0])
        assert arrays[f"{slots[2]}.norm"].tolist() == inspector.records[f"{slots[2]}.norm"]


def test_layers_that_are_called_alike_are_told_apart():
    both = layers.Bidirectional(layers.SimpleRNN(3, name="one"), name="both")
    twin = layers.SimpleRNN(4, name="forward_one", return_sequences=True)
    model = minirnn.Sequential([layers.Input((T,)), layers.Embedding(V, E), twin, both, layers.Dense(1, "sigmoid")], backend="numpy")
    model.compile("rmsprop", "binary_crossentropy")
    inspector = Inspector(["radius"])

    fit(model, inspector)

    names = {name.removesuffix(".radius") for name in inspector.records if name.endswith(".radius")}
    assert names == {"forward_one", "both.forward_one", "backward_one"}


@pytest.mark.parametrize("scale", [1e-25, 1.0, 1e25])
def test_norms_are_right_where_float32_has_no_squares(scale):
    model = model_of("embedding")
    rng = np.random.default_rng(5)
    model.set_weights([rng.normal(size=weight.shape) * scale for weight in model.get_weights()])
    expected = [np.linalg.norm(weight.astype(float)) for weight in model.get_weights()]

    inspector = Inspector(["norm"], snapshots=0)
    inspector.set_model(model)
    inspector.on_train_begin()
    inspector.on_epoch_begin(0)
    inspector.on_epoch_end(0)

    np.testing.assert_allclose([value for (value,) in inspector.records.values()], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"record": ["radius", "radios"]}, r"record holds \['radios'\]"),
        ({"snapshots": -1}, "snapshots must be a whole number of at least 0, received -1"),
        ({"snapshots": True}, "snapshots must be a whole number"),
        ({"rows": 0}, "rows must be a whole number of at least 1"),
        ({"saturation": 1.5}, r"saturation must be a number in 0\.\.1, received 1\.5"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        Inspector(**arguments)


def test_a_record_that_is_no_names_is_refused():
    with pytest.raises(TypeError, match=r"record must be names out of \['gradient', .*\], received 5"):
        Inspector(5)


def test_a_probe_that_does_not_fit_is_refused_before_the_training():
    model = model_of("embedding")
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"Inspector: probe: id 11 .* is not in 0\.\.10"):
        fit(model, Inspector(probe=np.full((2, T), 11)))
    assert all(np.array_equal(one, other) for one, other in zip(model.get_weights(), before, strict=True))
