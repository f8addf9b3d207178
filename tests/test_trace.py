"""A trace against the library it looks into: outputs, gradients and states are the model's own, and every step's share adds up."""

import json

import numpy as np
import pytest
from trace_cases import IDS, STACKS, VECTORS, E, H, T, V, label_of, model_of, review_of

import minirnn
from minirnn import OneHot, layers, training
from minirnn.batches import read_rows
from minirnn.jit import DEFAULT_BACKEND
from minirnn.layers import SimpleRNN

WORDS = {"film": 1, "good": 2, "bad": 7}


def traced(name, **options):
    return minirnn.trace(model_of(name), review_of(name), label_of(name), **options)


def gradients(name):
    """Loss and gradients of the model itself, in float64, by its own way back."""
    model = model_of(name, dtype="float64", backend="numpy")
    x, y, _ = training.check_examples("test", model, review_of(name)[None], np.asarray(label_of(name))[None], None, None)
    model.prepare("test", x)
    outputs = model.forward(read_rows(x, np.zeros(1, np.intp)))
    loss, gradient = training.measure(model, outputs, y, np.zeros(1, np.intp), None)
    model.parameters.clear_gradients()
    model.backward(gradient, from_logits=model.loss_reads_logits)
    found = {}
    for layer in model.layers:
        for leaf in layer.walk():
            if isinstance(leaf, SimpleRNN):
                found[leaf.name if leaf is layer else f"{layer.name}.{leaf.name}"] = leaf
    return loss, list(found.values())


@pytest.mark.parametrize("name", STACKS)
def test_contributions_of_all_steps_are_the_layer_s_gradient(name):
    trace = traced(name)
    loss, leaves = gradients(name)

    assert trace.loss == pytest.approx(loss, rel=1e-12)
    for found, leaf in zip(trace.layers, leaves, strict=True):
        for mine, steps, theirs in (("dWx", "dWx_steps", "kernel"), ("dWh", "dWh_steps", "recurrent_kernel"), ("db", "db_steps", "bias")):
            if theirs in leaf.gradients:
                expected = leaf.gradients[theirs]
                assert np.abs(expected).max() > 1e-4
                np.testing.assert_allclose(getattr(found, steps).sum(axis=0), expected, rtol=1e-11, atol=1e-14)
                np.testing.assert_allclose(getattr(found, mine), expected, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("name", STACKS)
def test_the_last_probability_is_predict_s(name):
    trace, model = traced(name), model_of(name, dtype="float64", backend="numpy")
    predicted = model.predict(review_of(name)[None], verbose=0)[0]

    np.testing.assert_allclose(trace.output, predicted, rtol=1e-12)
    if name == "flatten":
        assert trace.outputs is None
        assert trace.probs is None
    elif name == "sequence":
        np.testing.assert_allclose(trace.outputs, predicted, rtol=1e-12)
    else:
        assert trace.probs[trace.positions[-1]] == pytest.approx(predicted[0], rel=1e-12)
        assert trace.prob == trace.output[0]


@pytest.mark.parametrize("name", [name for name in STACKS if name not in ("flatten", "sequence")])
def test_the_probability_after_each_step_is_that_of_a_shorter_review(name):
    trace = traced(name)
    model = minirnn.Sequential(model_of(name).layers, dtype="float64", backend="numpy")
    model.build((None, None, *model_of(name).input_shape[2:]))
    model.set_weights(model_of(name).get_weights())
    backwards = trace.positions[0] != 0

    for t in range(T):
        part = slice(t, None) if backwards else slice(None, t + 1)
        assert trace.probs[t] == pytest.approx(model.predict(review_of(name)[part][None], verbose=0)[0, 0], rel=1e-11)


@pytest.mark.parametrize("name", STACKS)
def test_every_array_has_the_shape_and_the_dtype_that_is_documented(name):
    trace = traced(name)

    for found in trace.layers:
        E_in, units = found.Wx.shape
        shapes = {
            "positions": (T,),
            "Wh": (units, units),
            "b": (units,),
            "hs": (T + 1, units),
            "dWh_steps": (T, units, units),
            "dWx_steps": (T, E_in, units),
            "jacobian_norms": (T,),
            "jacobian_product": (T,),
            **dict.fromkeys(["z_input", "z_recurrent", "z", "h", "dh", "dz", "db_steps"], (T, units)),
        }
        assert {key: getattr(found, key).shape for key in shapes} == shapes
        assert {getattr(found, key).dtype for key in shapes if key != "positions"} == {np.dtype(np.float64)}
        assert (found.x is None) != (found.ids is None)
    assert trace.saliency.shape == (T,)
    assert (trace.mask is None) == (
        "mask" not in name and name not in ("stack", "bidirectional-stack", "vectors", "hidden-sequence", "sequence")
    )


@pytest.mark.parametrize("name", STACKS)
def test_each_state_follows_from_the_one_before(name):
    for found in traced(name).layers:
        activation = {"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0)}[found.activation]
        expected = activation(found.z_input + found.z_recurrent + found.b)
        if found.mask is not None:
            expected = np.where(found.mask[:, None], expected, found.hs[:-1])
        np.testing.assert_allclose(found.z, found.z_input + found.z_recurrent + found.b, rtol=1e-14)
        np.testing.assert_allclose(found.h, expected, rtol=1e-13)
        assert not found.hs[0].any()


def test_the_input_part_is_the_row_of_the_table_without_the_bias():
    embedded, one_hot = traced("embedding").layers[0], traced("one-hot-backwards").layers[0]
    embeddings = model_of("embedding").get_weights()[0]

    np.testing.assert_allclose(embedded.z_input, embeddings[IDS].astype(np.float64) @ embedded.Wx, rtol=1e-12)
    np.testing.assert_array_equal(one_hot.z_input, one_hot.Wx[IDS[::-1]])
    np.testing.assert_array_equal(one_hot.positions, np.arange(T)[::-1])


def loss_with(name, change):
    """The loss of the float64 model whose layer weights a function has changed."""
    model = model_of(name, dtype="float64", backend="numpy")
    change(model)
    return model.evaluate(review_of(name)[None], np.asarray(label_of(name))[None], verbose=0)


@pytest.mark.parametrize("name", ["embedding", "mask", "stack", "concat", "dense-between", "backwards"])
def test_saliency_is_the_norm_of_the_gradient_on_a_token_s_vector(name):
    trace, step = traced(name), 2.0**-17
    ids = np.array([6, 0, 3, 10, 2, 1, 5])  # each id once, so that a row of the embeddings is one step's vector
    trace = minirnn.trace(model_of(name), ids, 1)

    for t, v in enumerate(ids):
        numeric = np.zeros(E)
        for i in range(E):
            losses = []
            for sign in (1, -1):
                model = model_of(name, dtype="float64", backend="numpy")
                model.weights[0][v, i] += sign * step
                losses.append(model.evaluate(ids[None], [1], verbose=0))
            numeric[i] = (losses[0] - losses[1]) / (2 * step)
        assert trace.saliency[t] == pytest.approx(np.linalg.norm(numeric), abs=1e-9)


@pytest.mark.parametrize("name", ["embedding", "one-hot", "one-hot-sum", "backwards-mask", "vectors", "stack-backwards"])
def test_leaning_is_the_first_order_share_of_a_token_in_the_logit(name):
    trace = traced(name)
    logit = np.log(trace.prob / (1 - trace.prob))
    scale = 1 - 1e-6

    for t in range(T):
        x = np.asarray(review_of(name), np.float64) if name in ("vectors", "one-hot", "one-hot-sum", "stack-backwards") else None
        if x is None:
            continue  # ids cannot be scaled; the case is covered by the sum below
        x = x.copy()
        x[t] *= scale
        p = minirnn.trace(model_of(name), x).prob
        assert (logit - np.log(p / (1 - p))) / 1e-6 == pytest.approx(trace.leaning[t], abs=1e-5)
    vectors = trace.layers[0].x
    if vectors is not None:
        by_hand = np.sum(vectors * (trace.layers[0].dz @ trace.layers[0].Wx.T), axis=1) / trace.dlogits[0]
        np.testing.assert_allclose(trace.leaning[trace.layers[0].positions], by_hand, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", ["embedding", "mask", "no-bias-relu", "backwards"])
def test_jacobians_carry_the_gradient_from_the_end(name):
    found = traced(name).layers[0]

    passed = found.dh[-1]
    for t in reversed(range(1, T)):
        np.testing.assert_allclose(found.dh[t], passed, rtol=1e-11, atol=1e-15)
        passed = passed @ found.jacobian(t)
        product = np.linalg.multi_dot([found.jacobian(s) for s in reversed(range(t, T))]) if t < T - 1 else found.jacobian(t)
        assert found.jacobian_product[t - 1] == pytest.approx(np.linalg.norm(product, 2), rel=1e-11)
        assert found.jacobian_norms[t] == pytest.approx(np.linalg.svd(found.jacobian(t))[1][0], rel=1e-11)
    assert found.jacobian_product[-1] == 1


def test_masked_steps_carry_state_and_gradient_through_unchanged_and_teach_nothing():
    trace = traced("mask")
    found = trace.layers[0]

    np.testing.assert_array_equal(trace.mask, IDS != 0)
    assert not found.h[:2].any()
    assert not found.dz[:2].any()
    np.testing.assert_array_equal(found.dh[0], found.dh[1])
    assert found.jacobian_norms[0] == 1


def test_a_mask_may_be_given_instead_of_the_model_s_own():
    masked, given = traced("mask"), traced("embedding", mask=IDS != 0)

    np.testing.assert_allclose(given.probs, masked.probs, rtol=1e-14)
    np.testing.assert_allclose(given.layers[0].dWh, masked.layers[0].dWh, rtol=1e-12)
    np.testing.assert_allclose(traced("mask", mask=np.ones(T, bool)).probs, traced("embedding").probs, rtol=1e-14)


@pytest.mark.parametrize("name", ["embedding", "stack", "one-hot-backwards", "concat"])
@pytest.mark.parametrize("reach", [0, 1, 3, T, T + 2])
def test_bptt_cuts_the_gradient_so_many_steps_from_the_end(name, reach):
    whole, cut = traced(name), traced(name, bptt=reach)

    for mine, all_of_it in zip(cut.layers, whole.layers, strict=True):
        assert not mine.dh[: max(0, T - reach)].any()
        assert not mine.dz[: max(0, T - reach)].any()
        if mine is cut.layers[-1]:
            np.testing.assert_array_equal(mine.dh[max(0, T - reach) :], all_of_it.dh[max(0, T - reach) :])
    assert cut.loss == whole.loss
    assert cut.bptt == reach


def test_without_a_label_nothing_goes_back_and_no_loss_is_needed():
    model = minirnn.Sequential(model_of("stack").layers)

    trace = minirnn.trace(model, IDS)

    assert [trace.y, trace.loss, trace.saliency, trace.leaning, trace.dlogits] == [None] * 5
    assert [trace.layers[0].dh, trace.layers[0].dWh_steps, trace.layers[0].dWx, trace.layers[0].contribution_norms] == [None] * 4
    assert trace.layers[0].jacobian_product.shape == (T,)
    with pytest.raises(ValueError, match=r"trace: the model is not compiled"):
        minirnn.trace(model, IDS, 1)


@pytest.mark.parametrize("name", ["embedding", "one-hot", "concat"])
def test_norms_of_contributions_are_those_of_the_built_ones(name):
    for found in traced(name).layers:
        built = {"Wh": found.dWh_steps, "Wx": found.dWx_steps, "b": found.db_steps}
        for weight, norms in found.contribution_norms.items():
            np.testing.assert_allclose(norms, np.linalg.norm(built[weight].reshape(T, -1), axis=1), rtol=1e-12)


def test_the_model_is_left_as_it_was():
    model = model_of("stack", dtype="float32")
    model.fit(np.tile(IDS, (9, 1)), np.arange(9) % 2, verbose=0)
    before, gradients_before, velocity = model.get_weights(), model.parameters.gradients.copy(), model.optimizer.state["velocity"].copy()

    trace = minirnn.trace(model, IDS, 1)
    trace.layers[0].Wh[...] = 7

    assert all(np.array_equal(now, then) for now, then in zip(model.get_weights(), before, strict=True))
    np.testing.assert_array_equal(model.parameters.gradients, gradients_before)
    np.testing.assert_array_equal(model.optimizer.state["velocity"], velocity)
    assert model.layers[0].backend == model.backend == DEFAULT_BACKEND


def test_a_stateful_model_is_read_from_nought():
    layer = SimpleRNN(H, stateful=True)
    model = minirnn.Sequential([layers.Input((T,), batch_size=3), layers.Embedding(V, E), layer, layers.Dense(1, "sigmoid")])
    first = minirnn.trace(model, IDS).prob
    model.predict(np.tile(IDS, (3, 1)), batch_size=3, verbose=0)

    assert layer.state is not None
    assert minirnn.trace(model, IDS).prob == first


@pytest.mark.parametrize("form", ["ids", "list", "one row", "OneHot", "dense"])
def test_every_form_of_a_review_gives_the_same(form):
    name = "one-hot" if form in ("OneHot", "dense") else "embedding"
    x = {"ids": IDS, "list": IDS.tolist(), "one row": IDS[None], "OneHot": OneHot(IDS[None], V), "dense": np.asarray(OneHot(IDS, V))}[form]

    trace = minirnn.trace(model_of(name), x, [1])

    np.testing.assert_allclose(trace.probs, traced(name).probs, rtol=1e-13)
    np.testing.assert_allclose(trace.saliency, traced(name).saliency, rtol=1e-11)
    np.testing.assert_allclose(trace.leaning, traced(name).leaning, rtol=1e-9, atol=1e-13)


def test_a_text_is_encoded_padded_and_given_its_words():
    trace = minirnn.trace(model_of("embedding"), "A GOOD film, not bad: unheard-of!", 1, word_index={**WORDS, "not": 30})

    assert trace.words == ["<pad>", "<pad>", "<start>", "good", "film", "<oov>", "bad"]
    np.testing.assert_array_equal(trace.ids, [0, 0, 1, 5, 4, 2, 10])
    assert trace.padding == 2


def test_ids_get_words_with_a_word_index():
    one_hot = minirnn.trace(model_of("one-hot"), OneHot([0, 1, 2, 4, 5, 10, 10], V), word_index=WORDS)

    assert one_hot.words == ["<pad>", "<start>", "<oov>", "film", "good", "bad", "bad"]
    assert minirnn.trace(model_of("one-hot"), OneHot(IDS, V)).words is None
    assert minirnn.trace(model_of("embedding"), IDS).tokens() == [f"#{v}" for v in IDS]
    assert minirnn.trace(model_of("vectors"), VECTORS).tokens() == [f"#{t}" for t in range(T)]


def test_the_table_has_a_line_per_step_and_padding_in_one():
    words = {**WORDS, "a": 3}
    text = str(minirnn.trace(model_of("embedding"), "good film", 0, word_index=words))

    lines = text.splitlines()
    assert lines[0].startswith("Trace of sequential") or "7 steps: P(positive)" in lines[0]
    assert "label negative" in lines[0]
    assert lines[-1].split()[1] == "film"
    assert lines[3].split()[:4] == ["0-3", "4", "x", "padding"]
    assert len(lines) == 3 + 1 + 3
    assert lines[2].split() == ["step", "token", "P(positive)", "|h|", "|dL/dh|", "saliency", "leaning"]


@pytest.mark.parametrize("name", ["backwards", "concat", "vectors", "flatten", "sequence"])
def test_every_trace_can_be_read(name):
    trace = traced(name)
    text = str(trace)

    assert len(text.splitlines()) >= T + 2
    assert all(f"{found.name}: {found.units} units" in text for found in trace.layers)
    assert f"{T} steps" in repr(trace)


@pytest.mark.parametrize(
    ("norms", "said"),
    [
        ([0.009, 2.0, 0.001, 1.0], "reaches 2 steps back: before that, |dL/dh| is under 1 %"),
        ([0.009, 0.002, 2.0, 1.0], "reaches 1 step back: before that, |dL/dh| is under 1 %"),
        ([0.02, 0.002, 0.003, 1.0], "reaches all the way back"),
    ],
)
def test_the_table_says_how_far_the_gradient_reaches_though_it_may_sink_on_the_way(norms, said):
    trace = traced("embedding")
    layer = trace.layers[0]
    layer.dh = np.zeros_like(layer.dh)
    layer.dh[-4:, 2] = norms
    layer.dh[:-4, 1] = 0.02 * (norms[0] == 0.02)

    assert said in str(trace).splitlines()[1]


def test_a_trace_of_one_step_is_in_the_singular():
    model = minirnn.Sequential([layers.Input((1,)), layers.Embedding(V, E), layers.SimpleRNN(H), layers.Dense(1, "sigmoid")], seed=1)
    trace = minirnn.trace(model, [4])

    assert ", 1 step: P(positive)" in str(trace)
    assert ": 1 step, P(positive)" in repr(trace)


def test_a_model_whose_weights_are_lost_can_still_be_traced(tmp_path):
    model = model_of("embedding")
    weights = model.get_weights()
    weights[2][1, 3] = np.nan
    model.set_weights(weights)

    trace = minirnn.trace(model, IDS, 1)

    layer = trace.layers[0]
    assert np.isfinite(layer.h[0]).sum() == H - 1  # where the numbers go wrong can be seen
    assert np.isnan(trace.to_dict()[f"{layer.name}.jacobian_norms"]).all()
    assert np.isnan(layer.jacobian_product[:-1]).all()
    assert layer.jacobian_product[-1] == 1


@pytest.mark.parametrize("name", ["one-hot", "concat", "vectors"])
def test_a_trace_becomes_arrays_and_json(name, tmp_path):
    trace = traced(name)
    arrays = trace.to_dict()

    np.savez(tmp_path / "trace.npz", **arrays)
    with np.load(tmp_path / "trace.npz") as kept:
        assert set(kept) == set(arrays)
    read = json.loads(trace.to_json(tmp_path / "trace.json"))
    assert json.loads((tmp_path / "trace.json").read_text(encoding="utf-8")) == read
    first = trace.layers[0]
    np.testing.assert_array_equal(read[f"{first.name}.dWh_steps"], first.dWh_steps)
    np.testing.assert_array_equal(read["probs"], trace.probs)
    assert set(read) == {"model", *arrays}
    assert trace[first.name] is first
    with pytest.raises(KeyError, match=first.name):
        trace["no such layer"]


@pytest.mark.parametrize(
    ("name", "x", "options", "message"),
    [
        ("embedding", np.tile(IDS, (2, 1)), {}, r"one review, received 2 of them"),
        ("embedding", IDS + 5, {}, r"id 15 at \(b, t\) = \(0, 3\) is not in 0..10"),
        ("one-hot", IDS, {}, r"OneHot\(ids, 11\)"),
        ("one-hot", IDS[:4], {}, r"whole numbers of shape \(4,\)"),
        ("embedding", IDS, {"mask": [1] * T}, r"mask must be bool of shape \(T,\) = \(7,\)"),
        ("embedding", IDS, {"bptt": -1}, r"bptt"),
        ("vectors", VECTORS, {"word_index": WORDS}, r"word_index gives ids their words, received vectors"),
        ("embedding", IDS, {"y": 2}, r"labels must be in 0..1"),
        ("embedding", IDS, {"y": [1, 0]}, r"y has shape"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(name, x, options, message):
    with pytest.raises(ValueError, match=message):
        minirnn.trace(model_of(name), x, **options)


def test_a_model_without_weights_or_steps_is_named():
    with pytest.raises(ValueError, match=r"has no weights yet"):
        minirnn.trace(minirnn.Sequential([layers.Embedding(V, E), layers.SimpleRNN(H)]), IDS)
    with pytest.raises(ValueError, match=r"no recurrent layer"):
        minirnn.trace(minirnn.Sequential([layers.Input((4,)), layers.Dense(1)]), np.ones(4))
    with pytest.raises(TypeError, match=r"must be a Sequential, received SimpleRNN"):
        minirnn.trace(SimpleRNN(H), IDS)


def test_a_planted_fault_in_the_way_back_is_caught(monkeypatch):
    from minirnn.tracing.recurrent import LayerTrace

    right = LayerTrace.carry_back

    def transposed(self, dhs, reach):
        self.Wh = self.Wh.T.copy()
        found = right(self, dhs, reach)
        self.Wh = self.Wh.T.copy()
        return found

    monkeypatch.setattr(LayerTrace, "carry_back", transposed)
    with pytest.raises(AssertionError):
        test_contributions_of_all_steps_are_the_layer_s_gradient("embedding")


def test_imdb_s_own_reviews_read_as_the_model_reads_them(imdb_folder):
    from minirnn.datasets import imdb

    index = imdb.get_word_index(imdb_folder)
    model = minirnn.Sequential([layers.Input((20,)), layers.Embedding(200, E), layers.SimpleRNN(H), layers.Dense(1, "sigmoid")], seed=4)

    trace = minirnn.trace(model, "not bad at all, I expected to be bored and loved every minute", word_index=index)

    assert trace.words[-5:] == ["<oov>", "and", "<oov>", "every", "<oov>"]
    assert trace.prob == pytest.approx(model.predict_one(trace.ids), abs=1e-6)
