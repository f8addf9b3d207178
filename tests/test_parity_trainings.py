"""Whole trainings: minirnn keeps to Keras's path, faults leave it by the name of a weight, records hold what was compared."""

import json
from dataclasses import replace

import numpy as np
import pytest
from faults import planted

from minirnn import optimizers
from minirnn.express import plan
from minirnn.jit import DEFAULT_BACKEND
from minirnn.layers import lookups, recurrence
from minirnn.runs import Settings
from parity.trainings import __main__ as command
from parity.trainings import drift, record, report, run, seeds, stopping, worker, workload
from parity.trainings.record import Job, Record
from parity.trainings.run import Ran, Request
from parity.trainings.train import move, train
from parity.trainings.trainers import TRAINERS, ours_like
from parity.trainings.workload import Workload

SETTINGS = Settings(num_words=13, maxlen=7, embedding_dim=5, units=6, batch_size=16, patience=1, learning_rate=2.0**-9)
N, VALIDATION = 75, 21


@pytest.fixture(scope="module")
def given():
    rng = np.random.default_rng(11)
    ids = rng.integers(0, SETTINGS.num_words, (N + VALIDATION, SETTINGS.maxlen)).astype(np.int32)
    ids[:9, :4] = 0
    labels = (np.sum(ids > 6, axis=1) > 3).astype(np.int64)
    return Workload("drawn", SETTINGS, ids[:N], labels[:N], ids[N:], labels[N:], workload.first_weights(SETTINGS))


@pytest.fixture(scope="module")
def keras(given):
    """Keras's own trainings, once for all tests."""
    pytest.importorskip("tensorflow")
    done = [train(Job("drift", model, "keras-tensorflow", 2), given) for model in workload.MODELS]
    return {one.job.model: one for one in done}


def beside(keras, given):
    """Train minirnn beside a training of Keras, in both dtypes."""
    ours = ours_like(TRAINERS["keras-tensorflow"], keras.job.model).name
    own = [train(replace(keras.job, trainer=name), given) for name in (ours, f"{ours}-float64")]
    return {one.job.trainer: one for one in (*own, keras)}


def failed(findings):
    return {finding.what for finding in findings if not finding.passed}


# ------------------------------------------------------------------------------------------------------------------------------- drift


@pytest.mark.parametrize("model", workload.MODELS)
def test_minirnn_keeps_to_the_path_of_keras(model, keras, given):
    drifts = drift.pairs(beside(keras[model], given))

    findings = drift.judge(drifts)

    assert [finding.what for finding in findings] == [*drifts[0].largest, "val_loss"]
    assert not failed(findings), findings
    assert drifts[0].points == [1, 2, 5, 10]  # five steps make an epoch


def test_the_embedding_models_of_two_kinds_part_at_once(keras, given):
    summed = train(replace(keras["embedding"].job, trainer="minirnn"), given)

    apart = drift.compare(summed, keras["embedding"], drift.KINDS)

    assert apart.relative["embedding.embeddings"][0] > 1e-4
    assert apart.relative["simple_rnn.kernel"][0] < 1e-6  # whose first step is the same


RIGHT_STEP, WRONG_STEP = "dWh += (hs[t] if keep is None else hs[t] * keep).T @ dz_t", "dWh += hs[t + 1].T @ dz_t"


def test_a_step_shifted_is_seen_at_step_1_in_the_recurrent_kernel_alone(keras, given, monkeypatch):
    faulty = planted(recurrence.rnn_backward_ref, RIGHT_STEP, WRONG_STEP)
    monkeypatch.setattr(plan, "COMPILED", False)  # the fault is planted in the loop, so the loop must run
    pair = recurrence.BACKENDS[DEFAULT_BACKEND]
    monkeypatch.setitem(recurrence.BACKENDS, DEFAULT_BACKEND, pair._replace(backward=faulty))

    findings = {finding.what: finding for finding in drift.judge(drift.pairs(beside(keras["onehot"], given)))}

    first = {what for what, finding in findings.items() if not finding.passed and "after step 1," in finding.words}
    assert first == {"simple_rnn.recurrent_kernel"}


def test_rho_on_the_wrong_term_is_seen_in_every_weight(keras, given, monkeypatch):
    right = "(learning_rate, rho, 1 - rho, momentum, epsilon)"
    faulty = planted(optimizers.rmsprop_ref, right, "(learning_rate, 1 - rho, rho, momentum, epsilon)")
    monkeypatch.setattr(plan, "COMPILED", False)
    monkeypatch.setitem(optimizers.BACKENDS, DEFAULT_BACKEND, faulty)

    findings = drift.judge(drift.pairs(beside(keras["onehot"], given)))

    assert failed(findings) >= set(keras["onehot"].weights)


def test_squares_of_lookups_that_are_lost_are_seen_in_the_embedding(keras, given, monkeypatch):
    faulty = planted(
        lookups.merge_lookups_ref, "np.add.at(squares, where, np.square(dlookups @ Wx.T))", "squares[where] += np.square(dlookups @ Wx.T)"
    )
    monkeypatch.setitem(lookups.BACKENDS, DEFAULT_BACKEND, lookups.BACKENDS[DEFAULT_BACKEND]._replace(merge=faulty))

    findings = {finding.what: finding for finding in drift.judge(drift.pairs(beside(keras["embedding"], given)))}

    assert not findings["embedding.embeddings"].passed
    assert "after step 1," in findings["embedding.embeddings"].words


POINTS = [1, 2, 5]


def scripted(trainer, values, model="onehot", **more):
    """A record of one weight, (2,), whose second element takes those values after the steps of `POINTS`."""
    weights = {"dense.kernel": np.array([[1.0, value] for value in values], TRAINERS[trainer].dtype)}
    logs = {"loss": [0.5], "val_loss": [more.pop("val_loss", 0.6)]}
    return Record(Job("drift", model, trainer, 1), "abc", logs, 0.1, {}, points=POINTS, weights=weights, **more)


def judged(ours, exact, theirs):
    records = (scripted("minirnn", ours), scripted("minirnn-float64", exact), scripted("keras-jax", theirs))
    return drift.judge(drift.pairs({one.job.trainer: one for one in records}))[0]


ULP = 2.0**-23  # of 1, the largest element


@pytest.mark.parametrize(
    ("theirs", "passed"),
    [(0.5 + (4 * 2 + 6) * ULP, True), (0.5 + (4 * 2 + 7) * ULP, False), (np.nan, False)],
    ids=["within", "beyond", "NaN"],
)
def test_four_times_the_floor_and_a_few_ulp_are_allowed(theirs, passed):
    finding = judged([0.5, 0.5, 0.5], [0.5, 0.5 + 2 * ULP, 0.5], [0.5, 0.5, theirs])  # the floor stays where it was at step 2

    assert finding.passed is passed
    assert "after step 5" in finding.words


def test_beyond_the_horizon_nothing_is_judged_and_the_finding_says_so():
    finding = judged([0.5, 0.5, 0.5], [0.5, 0.6, 0.6], [0.5, 0.7, 0.9])

    assert finding.passed
    assert "judged to step 1, by 2 the floor has lost half of its digits" in finding.words


def test_a_floor_that_is_lost_from_the_start_is_no_proof():
    assert not judged([0.5, 0.5, 0.5], [0.6, 0.6, 0.6], [0.5, 0.5, 0.5]).passed


def test_a_val_loss_beyond_its_target_passes_only_where_the_floor_is_as_high():
    def finding(exact):
        ours, theirs = scripted("minirnn", [1] * 3, val_loss=0.6), scripted("keras-jax", [1] * 3, val_loss=0.6002)
        twin = scripted("minirnn-float64", [1] * 3, val_loss=exact)
        return drift.judge(drift.pairs({one.job.trainer: one for one in (ours, theirs, twin)}))[-1]

    assert not finding(0.60004).passed
    assert finding(0.60006).passed
    assert finding(0.60006).by_floor
    assert "missed" in finding(0.60006).words


def test_trainings_on_other_reviews_are_not_compared():
    one, other = scripted("minirnn", [1, 1, 1]), replace(scripted("keras-jax", [1, 1, 1]), workload="def")

    with pytest.raises(ValueError, match="were not trained on the same"):
        drift.compare(one, other, drift.OURS)


# ---------------------------------------------------------------------------------------------------------------------------- stopping


def stopped(trainer, stop, best, **more):
    """A record whose val_loss falls to the best epoch and rises to the last."""
    kept = {"stopped_epoch": stop, "best_epoch": best, "restored_best": True, "checkpoint_best": True} | more
    done = scripted(trainer, [1, 1, 1], **kept)
    done.logs["val_loss"] = [0.6 + 0.01 * abs(epoch - best) for epoch in range(1, stop + 1)]
    return done


def ends(*records):
    return {finding.keras: finding for finding in stopping.judge({one.job.trainer: one for one in records}, 3) if finding.what == "epochs"}


def test_stopping_elsewhere_fails_unless_keras_does_not_agree_with_itself():
    ours, same, other = stopped("minirnn", 9, 6), stopped("keras-jax", 9, 6), stopped("keras-jax", 8, 5)

    assert ends(ours, same)["keras-jax"].passed
    assert not ends(ours, other)["keras-jax"].passed
    found = ends(ours, other, stopped("keras-jax-moved", 7, 4))
    assert found.keys() == {"keras-jax"}
    assert found["keras-jax"].passed
    assert found["keras-jax"].by_floor
    assert "nor does Keras agree with itself: Keras JAX: 8 and 5, Keras JAX, 1 ULP away: 7 and 4" in found["keras-jax"].words


@pytest.mark.parametrize(
    "ours", [stopped("minirnn", 10, 6), stopped("minirnn", 9, 6, best_epoch=5)], ids=["patience off by one", "not the least"]
)
def test_a_wrong_decision_fails_also_where_keras_does_not_agree_with_itself(ours):
    records = (ours, stopped("keras-jax", 8, 5), stopped("keras-jax-moved", 7, 4))

    findings = stopping.judge({one.job.trainer: one for one in records}, 3)

    assert failed(findings) == {"decision"}


def test_keras_of_other_mathematics_excuses_nothing():
    records = [
        scripted(name, [1, 1, 1], "embedding", stopped_epoch=stop, best_epoch=stop - 1)
        for name, stop in (("minirnn", 9), ("keras-jax", 8), ("keras-tensorflow", 7))
    ]

    assert not ends(*records)["keras-jax"].passed


def test_weights_that_are_not_the_best_epochs_fail():
    findings = stopping.judge({"minirnn": stopped("minirnn", 9, 6, restored_best=False), "keras-jax": stopped("keras-jax", 9, 6)}, 3)

    assert failed(findings) == {"weights kept"}


def test_a_training_stops_restores_and_saves_its_best_epoch(given):
    overfitting = replace(given, labels=given.labels[::-1].copy())

    done = train(Job("stopping", "embedding", "minirnn", 60), overfitting)

    assert done.stopped_epoch == len(done.logs["val_loss"]) == done.best_epoch + 1 < 60
    assert np.argmin(done.logs["val_loss"]) + 1 == done.best_epoch
    assert done.restored_best
    assert done.checkpoint_best


# ------------------------------------------------------------------------------------------------------------------------------- seeds

LOW, HIGH = [0.51, 0.52, 0.53, 0.54, 0.55], [0.56, 0.57, 0.58, 0.59, 0.69]


def test_p_of_five_against_five():
    assert seeds.permutation_p(LOW, HIGH) == pytest.approx(2 / 252)
    assert seeds.permutation_p(LOW, LOW[::-1]) == 1


def test_p_is_scipys_exact_rank_test_where_nothing_ties():
    one, other = [0.1, 0.4, 0.5, 0.9], [0.3, 0.6, 0.7, 0.8, 1.0]

    assert seeds.permutation_p(one, other) == pytest.approx(seeds.stats.mannwhitneyu(one, other, method="exact").pvalue)


def test_only_pairs_of_the_same_mathematics_are_judged():
    values = {"minirnn": LOW, "minirnn-per-lookup": HIGH, "keras-jax": LOW, "keras-tensorflow": HIGH, "keras-torch": [0.5]}

    comparisons = seeds.compare("embedding", "val_loss", values)
    findings = seeds.judge(comparisons)

    assert {finding.keras for finding in findings} == {"keras-jax", "keras-tensorflow"}
    assert not failed(findings)
    assert len(comparisons) == 6  # one seed alone is no distribution


def test_distributions_that_differ_fail():
    findings = seeds.judge(seeds.compare("onehot", "val_loss", {"minirnn": LOW, "keras-jax": HIGH}))

    assert [finding.passed for finding in findings] == [False]


def test_a_seed_draws_its_own_weights_and_order(given):
    first, again, other = (train(Job("seeds", "embedding", "minirnn", 2, seed), given).logs for seed in (1, 1, 2))

    assert first == again != other


# ------------------------------------------------------------------------------------------------------------------- records and the run


def test_a_record_comes_back_as_it_was(given, tmp_path):
    done = train(Job("drift", "embedding", "minirnn", 1), given)
    done.save(tmp_path)

    back = record.load(tmp_path, done.job, given.digest())

    assert replace(back, weights={}) == replace(done, weights={})
    assert all(np.array_equal(back.weights[name], done.weights[name]) for name in done.weights)
    assert back.weights["embedding.embeddings"].dtype == np.float32
    assert record.load(tmp_path, done.job, "another digest") is None
    assert record.load(tmp_path, replace(done.job, epochs=2), given.digest()) is None


def test_the_workload_comes_back_as_it_was(given, tmp_path):
    assert workload.load(workload.set_up(tmp_path / "new", given)).digest() == given.digest()
    assert replace(given, settings=replace(SETTINGS, patience=2)).digest() != given.digest()


def test_weights_move_to_a_neighbour_and_zeros_stay():
    (moved,) = move([np.array([0.0, 1.0, -1.5, 3.0], np.float32)])

    assert moved[0] == 0
    assert set(np.abs(moved[1:] - [1.0, -1.5, 3.0]) / np.spacing(np.float32(1))) <= {0.5, 1, 2}


def test_workers_train_and_say_when_they_cannot(given, tmp_path):
    folder, said = workload.set_up(tmp_path, given), []
    request = Request(("minirnn",), ("drift",), ("onehot",), epochs=1)

    ran = run.run(folder, given, request, said.append)

    assert [one.job.name for one in ran.records] == ["drift-onehot-minirnn"]
    assert said == [f"  drift-onehot-minirnn: epochs: 1, val_loss {ran.records[0].logs['val_loss'][0]:.6f}"]
    with pytest.raises(worker.WorkerFailed, match="ended with status 1: KeyError: 'lstm'"):
        worker.run(folder, [Job("drift", "lstm", "minirnn", 1)], 1.0, said.append)


def test_a_trainer_that_fails_is_left_out_and_named(given, tmp_path, monkeypatch):
    def fail(*_):
        raise worker.WorkerFailed("out of memory")

    monkeypatch.setattr(worker, "run", fail)

    ran = run.run(workload.set_up(tmp_path, given), given, Request(("minirnn",), ("drift",), ("onehot",)), lambda line: None)

    assert (ran.records, ran.left_out) == ([], ["drift, onehot, minirnn: out of memory"])


def test_a_folder_of_another_workload_is_refused(given, tmp_path):
    folder = workload.set_up(tmp_path, given)

    with pytest.raises(ValueError, match="holds another workload"):
        run.run(folder, replace(given, settings=replace(SETTINGS, patience=2)), Request(()))


def test_what_would_take_hours_is_left_out():
    slow = replace(scripted("keras-torch", [1, 1, 1]), seconds=60.0)
    ours = [
        replace(scripted("minirnn", [1, 1, 1]), job=Job("seeds", "onehot", "minirnn", 100, seed), logs={"loss": [0.5] * 40})
        for seed in (0, 1)
    ]
    wanted = [Job("seeds", "onehot", "keras-torch", 100, seed) for seed in (0, 1)]
    ran = Ran([slow, *ours])

    assert run.too_long(Request((), hours=1.4), ran, wanted) is None
    assert "an epoch takes it 60 s, some 80 epochs 1.3 hours; --hours grants 1.2" in run.too_long(Request((), hours=1.2), ran, wanted)


@pytest.mark.usefixtures("_in_this_process")
def test_a_drift_that_takes_too_long_ends_with_an_epoch_and_is_compared_as_far_as_it_goes(given, tmp_path):
    request = Request(("minirnn",), ("drift",), ("onehot",), epochs=3, hours=0.0)

    ran = run.run(workload.set_up(tmp_path, given), given, request, lambda line: None)

    assert ran.records[0].points == [1, 2, 5]
    assert "so after 1 of 3 the hours had run out" in ran.left_out[0]
    assert drift.compare(ran.records[0], train(replace(ran.records[0].job), given), drift.OURS).points == [1, 2, 5]


@pytest.fixture
def _in_this_process(monkeypatch):
    def do(folder, jobs, hours, say):
        for job in jobs:
            train(job, workload.load(folder), hours).save(folder)

    monkeypatch.setattr(worker, "run", do)


@pytest.mark.usefixtures("_in_this_process", "keras")
def test_the_command_leaves_table_json_and_pictures(tmp_path, capsys):
    asked = ["--reviews", "--examples", "40", "--backend", "tensorflow", "--experiment", "drift", "--model", "onehot", "--epochs", "1"]

    status = command.main([*asked, "--out", str(tmp_path)])

    said = capsys.readouterr().out
    told = json.loads((tmp_path / "trainings.json").read_text())
    assert status == 0, said
    assert "3 trainings, 6 findings, all passed" in said
    assert told["passed"]
    assert {pair["role"] for pair in told["drift"]} == {drift.OURS, drift.ROUNDING}
    assert told["head"]["reviews"] == "built-in reviews (generated, not IMDB)"
    assert (tmp_path / "parity-drift.png").stat().st_size > 10_000
    assert command.main([*asked, "--out", str(tmp_path), "--reuse", "all"]) == 0  # from the records alone


def test_a_report_of_nothing_does_not_pass(given):
    nothing = report.make(given, Ran(), {})

    assert not nothing.passed
    assert list(report.lines(nothing))[-1].endswith("nothing could be judged")
