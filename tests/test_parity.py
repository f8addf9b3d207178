"""Every case of parity against Keras on TensorFlow, one test each; and faults planted in minirnn, which parity has to reject by name."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from faults import planted

from minirnn import callbacks, losses, optimizers
from minirnn.constraints import MaxNorm
from minirnn.jit import DEFAULT_BACKEND
from minirnn.layers import Layer, dense, embedding, recurrence, token_rnn
from minirnn.layers.layer import Kernels
from minirnn.layers.penalized import Penalized
from minirnn.parameters import Parameters
from minirnn.regularizers import L1L2, OrthogonalRegularizer
from parity.case import run_case
from parity.cases import CASES
from parity.compare import FEW, compare_equal, compare_to_truth
from parity.table import line

# TensorFlow hands its variables to NumPy in a way that NumPy 2 warns about when Keras reads a learning rate
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")

PROJECT = Path(__file__).resolve().parent.parent
MODULES = {"rnn": recurrence, "token": token_rnn, "dense": dense, "embedding": embedding}


@pytest.fixture(scope="module", autouse=True)
def _keras():
    pytest.importorskip("tensorflow")
    keras_backend = pytest.importorskip("parity.keras_backend")
    keras_backend.load()


@pytest.mark.parametrize("name", CASES)
def test_minirnn_equals_keras(name):
    verdicts = run_case(name, CASES[name])

    assert verdicts
    assert all(verdict.passed for verdict in verdicts), "\n" + "\n".join(map(line, verdicts))


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed; it is in the extra 'bench'")
def test_the_embedding_model_trains_as_on_jax(tmp_path):
    command = [sys.executable, "-m", "parity", "--backend", "jax", "--only", "model.embedding.epoch", "--out", str(tmp_path)]

    run = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stdout + run.stderr


# ------------------------------------------------------------------------------------------------------------------- planted faults

SHIFTED = ("dWh += (hs[t] if keep is None else hs[t] * keep).T @ dz_t", "dWh += hs[t + 1].T @ dz_t")
RESET = ("np.where(mask[:, at, None], h_t, h_prev)", "np.where(mask[:, at, None], h_t, 0)")
FAULTS = {
    "recurrent gradient without the transpose": (
        ("rnn", "backward", "dz_t @ Wh.T", "dz_t @ Wh"),
        "simple_rnn",
        {"dkernel", "drecurrent_kernel", "dbias", "dx"},
    ),
    "recurrent kernel's gradient a step late": (("rnn", "backward", *SHIFTED), "simple_rnn", {"drecurrent_kernel"}),
    "no slope": (
        ("rnn", "backward", "dh * slope_ref(hs[t + 1], activation)", "dh"),
        "simple_rnn",
        {"dkernel", "drecurrent_kernel", "dbias", "dx"},
    ),
    "recurrence without its transpose": (("rnn", "forward", "@ Wh", "@ Wh.T"), "simple_rnn.relu", {"output"}),
    "mask ignored": (("rnn", "forward", "h_t if mask is None else", "h_t if True else"), "simple_rnn.mask", {"output"}),
    "mask resets the state": (("rnn", "forward", *RESET), "simple_rnn.mask.sequences", {"output"}),
    "mask ignored on the way back": (
        ("rnn", "backward", "np.where(mask[:, at, None], dz_t, 0)", "dz_t"),
        "simple_rnn.mask",
        {"dkernel", "dbias"},
    ),
    "direction ignored": (("rnn", "forward", "T - 1 - t if backwards else t", "t"), "simple_rnn.backwards", {"output"}),
    "recurrent dropout ignored": (("rnn", "forward", "h_prev * keep", "h_prev"), "simple_rnn.recurrent_dropout", {"output"}),
    "token step without the bias": (("token", "forward", "if b is not None:", "if False:"), "model.embedding", {"output", "loss"}),
    "embedding's gradient lost": (("token", "backward", "dembeddings += ", "_ = "), "model.embedding", {"dembedding.embeddings"}),
    "repeated ids lost": (
        ("embedding", "backward", "np.add.at(dembeddings, ids[rows], dx)", "dembeddings[ids[rows]] += dx"),
        "embedding",
        {"dembeddings"},
    ),
    "dense without the bias": (("dense", "forward", "if b is not None:", "if False:"), "dense.linear", {"output"}),
}


def rejected(name):
    return {verdict.tensor for verdict in run_case(name, CASES[name]) if not verdict.passed}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_a_layer_is_rejected_by_the_name_of_its_tensor(fault, monkeypatch):
    (module, way, right, wrong), case, tensors = FAULTS[fault]
    pairs = MODULES[module].BACKENDS
    faulty = planted(getattr(pairs["numpy"], way), right, wrong)
    monkeypatch.setitem(pairs, "numpy", Kernels(**pairs["numpy"]._asdict()))  # the truth stays right, also where it is the default
    monkeypatch.setitem(pairs, DEFAULT_BACKEND, pairs[DEFAULT_BACKEND]._replace(**{way: faulty}))

    assert tensors <= rejected(case)
    if way == "backward":
        assert "output" not in rejected(case)


@pytest.mark.parametrize(
    ("right", "wrong", "case"),
    [
        ("np.sqrt(d)", "(np.sqrt(velocity) + epsilon)", "rmsprop.epsilon"),
        ("(learning_rate, rho, 1 - rho, momentum, epsilon)", "(learning_rate, 1 - rho, rho, momentum, epsilon)", "rmsprop.defaults"),
        ("d -= averages * averages", "d += averages * averages", "rmsprop.centered"),
        ("step = momentums", "pass", "rmsprop.momentum"),
    ],
    ids=["epsilon outside the root", "rho on the wrong term", "average on the wrong side", "momentum unused"],
)
def test_a_fault_in_rmsprop_is_rejected(right, wrong, case, monkeypatch):
    monkeypatch.setitem(optimizers.BACKENDS, DEFAULT_BACKEND, planted(optimizers.rmsprop_ref, right, wrong))

    assert {"kernel@100", "bias@100"} <= rejected(case)


@pytest.mark.parametrize(
    ("owner", "method", "right", "wrong", "case", "tensors"),
    [
        (L1L2, "gradient", "2 * self.l2", "self.l2", "penalty.L2", {"gradient"}),
        (OrthogonalRegularizer, "gradient", "(dn - n * along)", "dn", "penalty.orthogonal.rows", {"gradient"}),
        (MaxNorm, "lengths", "np.minimum", "np.maximum", "penalty.constraint.MaxNorm", {"weight"}),
        (Layer, "note_activity", "/ y.dtype.type(max(len(y), 1))", "", "penalty.head.activity_regularizer", {"loss", "step_loss"}),
        (Penalized, "backward_from_logits", "* slope", "", "penalty.head.activity_regularizer", {"drnn.kernel", "ddense.kernel"}),
        (Layer, "add_penalty_gradients", "+= regularizer", "= regularizer", "penalty.simple_rnn.kernel_regularizer", {"rnn.kernel@10"}),
        (Parameters, "constrain", "self._constrained", "()", "penalty.simple_rnn.kernel_constraint", {"rnn.kernel@1", "rnn.kernel@10"}),
    ],
    ids=["l2 halved", "length not fixed", "norm unbounded", "not by the batch", "no slope", "gradient replaced", "not constrained"],
)
def test_a_fault_in_a_penalty_or_a_constraint_is_rejected(owner, method, right, wrong, case, tensors, monkeypatch):
    monkeypatch.setattr(owner, method, planted(getattr(owner, method), right, wrong))

    assert tensors <= rejected(case)


def test_a_fault_in_the_loss_is_rejected(monkeypatch):
    faulty = planted(losses.bce_logits_ref, "(sigmoid(z) - label) * scale", "(sigmoid(z) - label)")
    monkeypatch.setitem(losses.BACKENDS[DEFAULT_BACKEND], "bce_logits", faulty)

    assert rejected("binary_crossentropy.logits") == {"dscores"}


def test_patience_off_by_one_is_rejected(monkeypatch):
    class Patient(callbacks.EarlyStopping):
        def __init__(self, patience=0, **arguments):
            super().__init__(patience=patience + 1, **arguments)

    monkeypatch.setattr(callbacks, "EarlyStopping", Patient)

    assert {"epochs", "stopped_epoch"} <= rejected("early_stopping.patience_2")


STOP, SAVE, REDUCE, SCHEDULE = (
    callbacks.EarlyStopping,
    callbacks.ModelCheckpoint,
    callbacks.ReduceLROnPlateau,
    callbacks.LearningRateScheduler,
)
PUT_BACK = "self.model.set_weights(self.best_weights)"
REDUCED = "max(before * self.factor, self.min_lr)"
DECISIONS = {
    "wrong epoch restored": (
        (STOP, "on_epoch_end", "if self.restore_best_weights:", "if self.restore_best_weights and self.best_weights is None:"),
        "early_stopping.patience_2",
        {"restored_epoch"},
    ),
    "nothing restored": ((STOP, "on_train_end", PUT_BACK, "pass"), "early_stopping.patience_2", {"restored_epoch"}),
    "wrong best epoch": (
        (STOP, "on_epoch_end", "best_epoch = epoch", "best_epoch = epoch - 1"),
        "early_stopping.patience_2",
        {"best_epoch"},
    ),
    "early epochs looked at": (
        (STOP, "on_epoch_end", "or epoch < self.start_from_epoch", ""),
        "early_stopping.start_from_epoch",
        {"best", "epochs"},
    ),
    "any value the best": ((SAVE, "_is_best", "    if improved:", "    if True:"), "model_checkpoint.save_best_only", {"best", "saved"}),
    "a batch late": (
        (SAVE, "on_train_batch_end", ">= self.save_freq", "> self.save_freq"),
        "model_checkpoint.save_freq_7",
        {"saved"},
    ),
    "an epoch late": (
        (REDUCE, "on_epoch_end", "self.wait >= self.patience", "self.wait > self.patience"),
        "reduce_lr_on_plateau.patience_2",
        {"learning_rates"},
    ),
    "no cooldown": (
        (REDUCE, "on_epoch_end", "self.cooldown_counter = self.cooldown", "pass"),
        "reduce_lr_on_plateau.cooldown_3",
        {"cooldowns", "learning_rates"},
    ),
    "no least rate": ((REDUCE, "_reduce", REDUCED, "before * self.factor"), "reduce_lr_on_plateau.min_lr", {"learning_rates"}),
    "the next epoch's rate": (
        (SCHEDULE, "on_epoch_begin", "self.schedule(epoch, before)", "self.schedule(epoch + 1, before)"),
        "learning_rate_scheduler.float32",
        {"logged"},
    ),
}


@pytest.mark.parametrize("fault", DECISIONS)
def test_a_fault_in_a_callback_is_rejected(fault, monkeypatch):
    (kind, method, right, wrong), case, tensors = DECISIONS[fault]
    monkeypatch.setattr(kind, method, planted(getattr(kind, method), right, wrong))

    assert tensors <= rejected(case)


def test_ties_that_count_as_improvements_are_rejected(monkeypatch):
    faulty = planted(callbacks.MonitorCallback._is_improvement, "< _as_float32(reference)", "<= _as_float32(reference)")
    monkeypatch.setattr(callbacks.MonitorCallback, "_is_improvement", faulty)

    assert {"epochs", "restored_epoch"} <= rejected("early_stopping.ties")
    assert "saved" in rejected("model_checkpoint.save_best_only")


def test_a_schedule_a_step_late_is_rejected(monkeypatch):
    late = planted(optimizers.RMSprop.apply, "self.learning_rate", "self._learning_rate.at(self.iterations + 1)")
    monkeypatch.setattr(optimizers.RMSprop, "apply", late)

    assert {"kernel@1", "kernel@100"} <= rejected("rmsprop.schedule.exponential")


def test_a_fault_planted_in_the_source_is_rejected_by_the_command(tmp_path):
    """What a reader who distrusts all this would do: a tanh that is cut at 5, compiled anew, in a copy of the project."""
    for package in ("minirnn", "parity"):
        shutil.copytree(PROJECT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    source = tmp_path / "minirnn" / "activations.py"
    right, wrong = "a = minimum(magnitude(z), 20.0)", "a = minimum(magnitude(z), 5.0)"
    assert source.read_text(encoding="utf-8").count(right) == 1
    source.write_text(source.read_text(encoding="utf-8").replace(right, wrong), encoding="utf-8")

    command = [sys.executable, "-m", "parity", "--backend", "tensorflow", "--only", "activations.tanh"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    verdicts = [said.split() for said in run.stdout.splitlines() if said.startswith("activations.")]
    failed = {case for case, *_, word in verdicts if word == "FAILED"}
    assert run.returncode == 1, run.stdout + run.stderr
    assert failed == {"activations.tanh.kernel"}


def test_a_fault_in_reference_and_kernel_alike_is_rejected(monkeypatch):
    """Else the faulty truth would make Keras look wrong, and minirnn right."""
    faulty = planted(recurrence.rnn_backward_ref, "dz_t @ Wh.T", "dz_t @ Wh")
    for backend, pair in recurrence.BACKENDS.items():
        monkeypatch.setitem(recurrence.BACKENDS, backend, pair._replace(backward=faulty))

    verdicts = {verdict.tensor: verdict for verdict in run_case("simple_rnn", CASES["simple_rnn"])}

    assert verdicts["output"].passed
    assert not verdicts["dx"].passed
    assert "float64 reference" in verdicts["dx"].note


# ----------------------------------------------------------------------------------------------------------------------- the yardstick

TRUTH = np.array([[0.5, -3.0, 2.5], [1.0, 0.25, -2.0]])  # all of them float32 numbers; the ULP of the largest is 2^-22
ULP = 2.0**-22


def off_by(ulps):
    tensor = TRUTH.astype(np.float32)
    tensor[1, 2] += ulps * ULP
    return tensor


@pytest.mark.parametrize(("error", "passed"), [(2 * 3 + FEW, True), (2 * 3 + FEW + 1, False)])
def test_twice_the_error_of_keras_and_a_few_ulp_are_allowed(error, passed):
    verdict = compare_to_truth("case", "tensor", off_by(error), off_by(-3), TRUTH)

    assert (verdict.error, verdict.keras_error, verdict.allowed) == (error, 3, 2 * 3 + FEW)
    assert (verdict.at, verdict.passed) == ((1, 2), passed)


def test_by_element_an_error_counts_in_the_ulp_of_its_element():
    ours = TRUTH.astype(np.float32)
    ours[1, 1] += 4 * 2.0**-25  # 0.25's own ULP

    assert compare_to_truth("case", "tensor", ours, off_by(0), TRUTH, by_element=True).error == 4


@pytest.mark.parametrize("ours", [off_by(0).astype(np.float64), off_by(0)[:, :2], np.where(TRUTH == 2.5, np.nan, off_by(0))])
def test_dtype_shape_and_nan_are_rejected(ours):
    verdict = compare_to_truth("case", "tensor", ours, off_by(0), TRUTH)

    assert not verdict.passed
    assert verdict.error == np.inf


def test_keras_in_float64_must_give_the_truth():
    wrong_truth = TRUTH.copy()
    wrong_truth[0, 0] += ULP * 1e-6

    assert compare_to_truth("case", "tensor", off_by(0), off_by(0), TRUTH, TRUTH).passed
    assert not compare_to_truth("case", "tensor", off_by(0), off_by(0), TRUTH, wrong_truth).passed


def test_a_keras_that_is_elsewhere_must_be_listed():
    elsewhere = off_by(2**13)

    assert not compare_to_truth("case", "tensor", off_by(0), elsewhere, TRUTH).passed
    assert not compare_to_truth("case", "tensor", off_by(0), elsewhere, TRUTH, TRUTH).passed
    assert compare_to_truth("case", "tensor", off_by(0), elsewhere, TRUTH, intended="a reason").passed


def test_an_intended_difference_that_has_disappeared_fails():
    verdict = compare_to_truth("case", "tensor", off_by(0), off_by(1), TRUTH, intended="a reason")

    assert not verdict.passed
    assert "disappeared" in verdict.note


@pytest.mark.parametrize(
    ("keras", "passed"),
    [(np.array([3, 1, 4]), True), (np.array([3, 1, 5]), False), (np.array([3.0, 1, 4]), False), (np.array([[3, 1, 4]]), False)],
    ids=["equal", "value", "dtype", "shape"],
)
def test_exact_answers_are_equal_in_dtype_shape_and_value(keras, passed):
    assert compare_equal("case", "tensor", np.array([3, 1, 4]), keras).passed is passed


def test_an_exact_difference_can_be_intended_and_must_then_be_there():
    ours, keras = np.array([3, 1, 4]), np.array([3, 1, 5])

    assert compare_equal("case", "tensor", ours, keras, intended="a reason").passed
    gone = compare_equal("case", "tensor", ours, ours, intended="a reason")
    assert not gone.passed
    assert "disappeared" in gone.note


def test_growth_takes_the_place_of_the_few_where_it_is_more():
    growth = np.full(TRUTH.shape, 20 * ULP)

    assert compare_to_truth("case", "tensor", off_by(26), off_by(-3), TRUTH, growth=growth).passed
    assert not compare_to_truth("case", "tensor", off_by(27), off_by(-3), TRUTH, growth=growth).passed
    assert compare_to_truth("case", "tensor", off_by(0), off_by(0), TRUTH, growth=growth / 20).allowed == FEW


def test_the_worst_place_has_every_digit_of_every_side_and_what_it_was_computed_from():
    verdict = compare_to_truth("case", "tensor", off_by(5), off_by(-3), TRUTH, inputs={"z": 2 * TRUTH, "of another shape": np.ones(2)})

    assert {name: float.fromhex(value) for name, value in verdict.worst.items()} == {
        "minirnn": -2 + 5 * ULP,
        "keras": -2 - 3 * ULP,
        "truth": -2,
        "z": -4,
    }


def test_all_three_distances_are_measured():
    pairs = compare_to_truth("case", "tensor", off_by(5), off_by(-3), TRUTH).statistics

    assert {pair: errors.max_ulp for pair, errors in pairs.items()} == {"minirnn-truth": 5, "keras-truth": 3, "minirnn-keras": 8}
