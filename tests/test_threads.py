"""Any number of threads, the same bits; and nothing that a user does with threads or processes of his own stops a training."""

import multiprocessing
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import minirnn
from minirnn import layers, threads
from minirnn.jit import COMPILED, jit
from minirnn.simd import hold, pointer
from minirnn.threads import (
    CROWDED,
    DONE,
    PATIENCE,
    TAKEN,
    get_num_threads,
    set_num_threads,
    share,
    take,
    ticks,
    too_crowded,
    wait_for,
)

N, T, V, B = 150, 9, 40, 64  # three chunks of rows would be one, two in the last batch


@pytest.fixture(autouse=True)
def default_again():
    yield
    set_num_threads(None)


def train(H=8, embed=True, vocabulary=V, batch_size=B, **fit):
    """Weights after two epochs, the history, and predictions."""
    rng = np.random.default_rng(5)
    ids, labels = rng.integers(0, vocabulary, (N, T)).astype(np.int32), rng.integers(0, 2, N)
    minirnn.utils.set_random_seed(3)
    first = [layers.Input((T,)), layers.Embedding(vocabulary, 6)] if embed else [layers.Input((T, vocabulary))]
    model = minirnn.Sequential([*first, layers.SimpleRNN(H), layers.Dense(1, activation="sigmoid")])
    model.compile(loss="binary_crossentropy", metrics=["accuracy"])
    x = ids if embed else minirnn.OneHot(ids, vocabulary)
    history = model.fit(x, labels, batch_size=batch_size, epochs=2, verbose=0, validation_split=0.3, **fit)
    return [*model.get_weights(), model.predict(x, verbose=0)], history.history


def same(found, expected):
    assert found[1] == expected[1]
    for mine, other in zip(found[0], expected[0], strict=True):
        np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize("case", [{}, {"H": 20}, {"embed": False}, {"vocabulary": 5_000}, {"H": 11, "batch_size": 90}])
def test_results_do_not_depend_on_the_number_of_threads(case, monkeypatch):
    monkeypatch.setattr("minirnn.express.plan.SHORT_SECONDS", 0.0)  # share even the shortest call
    set_num_threads(1)
    expected = train(**case)
    for n in (2, 3, 8):
        set_num_threads(n)
        same(train(**case), expected)


def test_trainings_in_threads_of_the_user_s_do_not_disturb_each_other(monkeypatch):
    monkeypatch.setattr("minirnn.express.plan.SHORT_SECONDS", 0.0)
    set_num_threads(1)
    minirnn.utils.set_random_seed(3)
    ids, labels = np.random.default_rng(5).integers(0, V, (N, T)), np.random.default_rng(6).integers(0, 2, N)

    def make(_):
        model = minirnn.Sequential([layers.Input((T,)), layers.Embedding(V, 6), layers.SimpleRNN(8), layers.Dense(1, activation="sigmoid")])
        model.compile(loss="binary_crossentropy")
        return model

    models = [make(None) for _ in range(6)]
    for model in models[1:]:
        model.set_weights(models[0].get_weights())

    def fit(model):
        model.fit(ids, labels, batch_size=B, epochs=3, verbose=0, shuffle=False)
        return model.get_weights()

    expected = fit(models[0])
    set_num_threads(3)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(fit, models[1:]):
            for mine, other in zip(found, expected, strict=True):
                np.testing.assert_array_equal(mine, other)


def train_and_send(pipe):
    pipe.send([array.tobytes() for array in train()[0]])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_process_trains_as_its_parent_does():
    set_num_threads(2)
    expected = [array.tobytes() for array in train()[0]]  # the helping threads run now
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(target=train_and_send, args=(theirs,))
    child.start()
    assert ours.poll(60), "the child hangs"
    assert ours.recv() == expected
    child.join(10)
    assert child.exitcode == 0


def test_workers_of_joblib_train_as_their_parent_does():
    joblib = pytest.importorskip("joblib")
    program = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "import joblib, test_threads\n"
        "jobs = joblib.Parallel(n_jobs=2)(joblib.delayed(lambda: [a.tobytes() for a in test_threads.train()[0]])() for _ in range(3))\n"
        "assert all(job == [a.tobytes() for a in test_threads.train()[0]] for job in jobs)\n"
    )
    del joblib
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


@jit
def count_jit(counters, leads, who, done_by):
    count = pointer(counters)
    while True:
        ticket = take(count, TAKEN)
        if ticket >= done_by.size:
            break
        wait_for(count, ticket)  # one after the other
        done_by[ticket] = done_by[ticket - 1] + 1 if ticket else 1
        take(count, DONE)
    if leads:
        wait_for(count, done_by.size)
    hold((counters, who, done_by))


@pytest.mark.parametrize("n", [1, 2, 5, 30])
def test_each_task_is_done_once_and_after_those_before_it(n):
    set_num_threads(n)
    done_by = np.zeros(3_000, np.int64)
    counters = share(count_jit, (np.zeros(1, np.int64), done_by))
    np.testing.assert_array_equal(done_by, np.arange(1, 3_001))
    assert counters[DONE] == 3_000
    assert counters[TAKEN] >= 3_000


@pytest.mark.skipif(not COMPILED, reason="one thread alone does plain Python's tasks")
def test_a_helping_thread_that_is_busy_delays_nothing():
    set_num_threads(2)
    gate = threading.Event()
    share(lambda counters, leads: leads or gate.wait(60), ())  # the one helping thread is now held
    done_by = np.zeros(50, np.int64)
    share(count_jit, (np.zeros(1, np.int64), done_by))
    gate.set()
    np.testing.assert_array_equal(done_by, np.arange(1, 51))


def test_the_number_of_threads_is_the_user_s_then_the_environment_s_then_the_machine_s(monkeypatch):
    for variable in ("MINIRNN_NUM_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(threads, "processors", lambda: 6)
    assert get_num_threads() == 6
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert get_num_threads() == 4
    monkeypatch.setenv("MINIRNN_NUM_THREADS", "99")
    assert get_num_threads() == 6
    minirnn.set_num_threads(3)
    assert minirnn.get_num_threads() == 3
    minirnn.set_num_threads(None)
    monkeypatch.setenv("MINIRNN_NUM_THREADS", "nonsense")
    assert get_num_threads() == 4


@jit
def judge_jit(counters, passed, waited):
    crowded = too_crowded(pointer(counters), ticks() - passed, waited)
    hold((counters,))
    return crowded


@pytest.mark.parametrize(
    ("passed", "waited", "crowded"),
    [
        (10 * PATIENCE, 9 * PATIENCE, True),
        (10 * PATIENCE, 3 * PATIENCE, False),
        (PATIENCE // 10, PATIENCE // 10, False),  # too early to tell
    ],
)
def test_a_thread_that_mostly_waits_goes_on_alone(passed, waited, crowded):
    counters = np.zeros(8, np.int64)
    assert judge_jit(counters, passed, waited) is crowded
    assert counters[CROWDED] == crowded
    judge_jit(counters, passed, waited)
    assert counters[CROWDED] == crowded  # said once


def test_where_asking_for_help_was_of_no_use_it_is_asked_for_less_and_less(monkeypatch):
    alone = []

    def crowded_share(kernel, arguments, by_itself=False):
        counters = share(kernel, arguments, alone=True)
        alone.append(by_itself)
        counters[CROWDED] = 1
        return counters

    monkeypatch.setattr("minirnn.express.plan.share", crowded_share)
    monkeypatch.setattr("minirnn.express.plan.SHORT_SECONDS", 0.0)
    ids = np.zeros((2, T), np.int32)
    model = minirnn.Sequential([layers.Input((T,)), layers.Embedding(V, 6), layers.SimpleRNN(8), layers.Dense(1, activation="sigmoid")])
    for _ in range(15):
        model.predict(ids, verbose=0)
    # one call alone after the first, three after the second, seven after the third
    assert [n for n, by_itself in enumerate(alone) if not by_itself] == [0, 2, 6, 14]


@pytest.mark.parametrize("n", [0, -1, 2.0, True, "2"])
def test_a_number_of_threads_that_is_none_is_refused(n):
    with pytest.raises(ValueError, match=r"set_num_threads: n must be a whole number of at least 1, or None .* received"):
        set_num_threads(n)
