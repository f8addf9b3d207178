import numpy as np
import pytest
from faults import planted
from gradient_check import SmallModel, check_gradients
from rnn_cases import CASES, B, H, backward_case, small_input
from twins import compare_twins

from minirnn.activations import CODES, TANH
from minirnn.layers import Dense, SimpleRNN
from minirnn.layers.recurrence import BACKENDS


def small_model(masked=False, above=(), **options):
    x, mask = small_input()
    return SmallModel([SimpleRNN(H, **options), *above], x, mask if masked else None)


@pytest.mark.parametrize("activation", CODES)
@pytest.mark.parametrize("sequences", [False, True])
def test_gradients_of_each_activation(activation, sequences):
    small_model(activation=activation, return_sequences=sequences).check()


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"go_backwards": True},
        {"recurrent_dropout": 0.4},
        {"dropout": 0.4},
        {"dropout": 0.3, "recurrent_dropout": 0.3, "go_backwards": True},
        {"use_bias": False},
        {"zero_output_for_mask": True},
    ],
    ids=lambda options: "-".join(options),
)
def test_gradients_with_masks_and_dropout(options, masked, sequences):
    small_model(masked, return_sequences=sequences, **options).check()


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("below", "above"), [({}, {}), ({"go_backwards": True, "recurrent_dropout": 0.4}, {"dropout": 0.4})])
def test_gradients_of_a_stack(below, above, masked):
    small_model(masked, [SimpleRNN(5, **above), Dense(2, "sigmoid")], return_sequences=True, **below).check()


def test_gradients_from_a_carried_state():
    # outputs before a row's first unmasked step are 0, and so is the gradient on them
    x, mask = small_input()
    model = SmallModel([SimpleRNN(H, stateful=True, return_sequences=True)], x, mask)
    state = np.random.default_rng(6).normal(size=(B, H))
    outputs = model.outputs
    model.outputs = lambda arrays: (setattr(model.layers[0], "state", state), outputs(arrays))[1]
    model.check()


def test_gradients_add_up_over_two_backward_passes():
    model = small_model(return_sequences=True)
    once = {name: gradient.copy() for name, gradient in model.gradients().items()}
    layer = model.layers[0]
    layer.backward(model.head(layer.forward(model.x, training=True))[1])
    for name, gradient in layer.gradients.items():
        np.testing.assert_allclose(gradient, 2 * once[f"0.{name}"], rtol=1e-14)


FORWARD_FAULTS = {
    "off by one step": ("hs[t + 1] = h_t if", "hs[t] = h_t if"),
    "one state for all steps": ("h_prev = hs[t]", "h_prev = hs[0]"),
    "mask ignored": ("h_t if mask is None else np.where(mask[:, at, None], h_t, h_prev)", "h_t"),
    "mask resets the state": ("h_t, h_prev)", "h_t, 0)"),
    "mask read in the order of processing": ("mask[:, at, None]", "mask[:, t, None]"),
    "direction ignored": ("T - 1 - t if backwards else t", "t"),
    "transposed Wh": ("@ Wh", "@ Wh.T"),
    "dropped state": ("h_prev * keep", "h_prev"),
}
BACKWARD_FAULTS = {
    "transpose of Wh dropped": ("dz_t @ Wh.T", "dz_t @ Wh"),
    "off by one step": ("(hs[t] if keep is None else hs[t] * keep).T", "(hs[t + 1] if keep is None else hs[t + 1] * keep).T"),
    "slope of the step before": ("slope_ref(hs[t + 1]", "slope_ref(hs[t]"),
    "mask ignored": ("dh_prev if mask is None else np.where(mask[:, at, None], dh_prev, dh)", "dh_prev"),
    "mask resets the gradient": ("dh_prev, dh)", "dh_prev, 0)"),
    "masked steps reach the weights": ("np.where(mask[:, at, None], dz_t, 0)", "dz_t"),
    "repeated ids lost": ("np.add.at(dtable, ids[rows, at], dz_t)", "dtable[ids[rows, at]] = dz_t"),
    "direction ignored": ("T - 1 - t if backwards else t", "t"),
    "weights see the undropped state": ("(hs[t] if keep is None else hs[t] * keep).T", "hs[t].T"),
    "dropout not applied backward": ("dh_prev *= keep", "pass"),
    "last state only": ("dh += dhs[:, t]", "dh += dhs[:, t] * (t == T - 1)"),
    "assigned, not added": ("dWh += ", "dWh[...] = "),
}
FAULTS = [("forward", *fault) for fault in FORWARD_FAULTS.items()] + [("backward", *fault) for fault in BACKWARD_FAULTS.items()]


def check_everything():
    small_model(True, return_sequences=True, go_backwards=True, recurrent_dropout=0.4).check()


def check_reference():
    """The pair itself, on ids that repeat, down to the gradient on the initial state."""
    outer, dh, ids, rows, backwards, mask, keep, Wh, hs, dtable, dWh, code = backward_case(3, TANH, True, True, True, True)(
        np.dtype("float64")
    )
    arrays = {"table": np.random.default_rng(2).normal(size=dtable.shape), "Wh": Wh, "h0": hs[0]}

    def states(arrays):
        stack = np.zeros(hs.shape, np.result_type(*arrays.values()))
        stack[0] = arrays["h0"]
        BACKENDS["numpy"].forward(arrays["table"], ids, rows, backwards, mask, keep, arrays["Wh"], stack, code)
        return stack

    def loss(arrays):
        stack = states(arrays)
        return (stack[1:].transpose(1, 0, 2) * outer).sum() + (stack[-1] * dh).sum()

    found = {"table": np.zeros_like(dtable), "Wh": np.zeros_like(dWh), "h0": dh.copy()}
    BACKENDS["numpy"].backward(outer, found["h0"], ids, rows, backwards, mask, keep, Wh, states(arrays), found["table"], found["Wh"], code)
    check_gradients(loss, arrays, found)


def check_twins(side):
    for case in CASES[side].values():
        compare_twins(BACKENDS, side, case, "float64")


def test_the_checks_pass_without_a_fault():
    check_everything()
    check_reference()


@pytest.mark.parametrize(("side", "name", "change"), FAULTS, ids=[f"{side}: {name}" for side, name, _ in FAULTS])
def test_planted_faults_are_found(side, name, change, monkeypatch):
    reference = getattr(BACKENDS["numpy"], side)
    wrong = planted(reference, *change)
    monkeypatch.setitem(BACKENDS, "numpy", BACKENDS["numpy"]._replace(**{side: wrong}))
    with pytest.raises(AssertionError, match="WRONG"):
        check_twins(side)
    with pytest.raises(AssertionError, match="WRONG"):
        check_reference()
    if name != "repeated ids lost":  # each real-valued input has a row of the table to itself
        with pytest.raises(AssertionError, match="WRONG"):
            check_everything()


@pytest.mark.parametrize(
    ("method", "line", "fault"),
    [
        ("backward", 'self.gradients["bias"] += dtable.sum(axis=0)', "pass"),
        ("backward", "dx *= self._input_keep[:, None]", "pass"),
        ("backward", '@ self.values["kernel"].T', '@ self.values["kernel"].T[::-1]'),
        ("forward", 'table += self.values["bias"]', "pass"),
        ("forward", "x = x * self._input_keep[:, None]", "pass"),
    ],
)
def test_faults_planted_in_the_layer_are_found(method, line, fault, monkeypatch):
    monkeypatch.setattr(SimpleRNN, method, planted(getattr(SimpleRNN, method), line, fault))
    with pytest.raises(AssertionError, match="WRONG"):
        small_model(dropout=0.4).check()
