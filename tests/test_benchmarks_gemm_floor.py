"""The floor for large H does exactly the products of a training step: their values, and how many operations they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import peer_cases
import pytest

from benchmarks import gemm_floor
from benchmarks.drawn import Sizes, draw

WORK = peer_cases.WORKLOADS["a short last batch"]


def operations(work: Sizes, ids: np.ndarray, model: str) -> int:
    """Count an epoch's operations from the formula in the module's header."""
    total = 0
    for start in range(0, work.N, work.B):
        batch = ids[start : start + work.B]
        total += 3 * (work.T - 1) * 2 * len(batch) * work.H**2
        if model == "embedding":
            total += 3 * 2 * len(set(batch.ravel().tolist())) * work.E * work.H
    return total


@pytest.mark.parametrize("model", ["embedding", "one_hot"])
@pytest.mark.parametrize("name", peer_cases.WORKLOADS)
def test_the_operations_are_those_of_the_formula(name: str, model: str) -> None:
    work = peer_cases.WORKLOADS[name]
    arrays = draw(work)

    session = gemm_floor.Session(work, arrays, model)

    assert session.operations == operations(work, arrays.ids, model)
    assert len(session.batches) == work.batches


def test_the_products_are_those_of_a_training_step() -> None:
    rng = np.random.default_rng(5)
    T, B, E, H, V = 6, 3, 4, 5, 9
    arrays = draw(replace(WORK, N=B, T=T, V=V, E=E, H=H, B=B))
    table, Wx, Wh, *_ = arrays.weights["embedding"]
    distinct, places = np.unique(arrays.ids, return_inverse=True)
    places = places.reshape(B, T)
    buffers = gemm_floor.make_buffers(replace(WORK, T=T, E=E, H=H), B, V, Wx, Wh)
    buffers.rows[: len(distinct)] = table[distinct]
    # the states and gradients of a network with these weights, in float64
    hs, dh, dzs = [np.zeros((B, H))], rng.standard_normal((B, H)), np.zeros((T, B, H))
    for t in range(T):
        hs.append(np.tanh(table[arrays.ids[:, t]].astype(float) @ Wx + hs[-1] @ Wh))
    dh_prev, dprojected = np.zeros((T, B, H)), np.zeros((len(distinct), H))
    for t in reversed(range(T)):
        dzs[t] = dh * (1 - hs[t + 1] ** 2)
        dh_prev[t] = dh = dzs[t] @ Wh.T
        np.add.at(dprojected, places[:, t], dzs[t])
    buffers.hs[:], buffers.dzs[:], buffers.dprojected[: len(distinct)] = hs[:-1], dzs, dprojected

    gemm_floor.run_products(buffers.products(len(distinct)))

    pre_activations = buffers.projected[places].transpose(1, 0, 2).copy()
    pre_activations[1:] += buffers.recurrent
    expected = {
        "states": (np.tanh(pre_activations), np.array(hs[1:])),
        "dh_prev": (buffers.dh_prev, dh_prev[1:]),
        "dWh": (buffers.dWh, sum(hs[t].T @ dzs[t] for t in range(T))),
        "dWx": (buffers.dWx, sum(table[arrays.ids[:, t]].T @ dzs[t] for t in range(T))),
        "drows": (buffers.drows[: len(distinct)], dprojected @ Wx.T),
    }
    for name, (found, truth) in expected.items():
        np.testing.assert_allclose(found, truth, rtol=0, atol=1e-5, err_msg=name)


def test_an_epoch_does_every_batch_and_reports_no_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    session = gemm_floor.Session(WORK, draw(WORK))
    done: list[int] = []
    monkeypatch.setattr(gemm_floor, "run_products", lambda batch: done.append(sum(product.operations for product in batch)))

    assert session.epoch() is None
    assert session.evaluate(3) is None
    assert sum(done) == session.operations


def test_threads_are_at_most_those_allowed() -> None:
    with gemm_floor.threadpool_limits(1, user_api="blas"):
        assert gemm_floor.threads_allowed() == 1
        assert gemm_floor.Session(WORK, draw(WORK)).threads == 1
