"""The ladder of the course's page: every rung does the same work, one that does not is refused, and the report is whole."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks import ladder
from benchmarks.drawn import Sizes
from benchmarks.rungs import RUNGS

SMALL = Sizes(N=26, T=5, V=11, E=4, H=6, B=3)


def drawn(dtype: type) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """Ids that repeat within a row, asymmetric weights, and a gradient on the last state."""
    rng = np.random.default_rng(3)
    B, T, V, E, H = 3, 5, 11, 4, 6
    ids = np.array([[0, 0, 7, 10, 7], [3, 3, 3, 1, 0], [0, 0, 0, 0, 0]], np.int32)
    assert ids.shape == (B, T)
    weights = [rng.normal(size=shape).astype(dtype) / 2 for shape in ((V, E), (E, H), (H, H), (H,))]
    return ids, weights, rng.normal(size=(B, H)).astype(dtype)


@pytest.mark.parametrize("name", RUNGS)
def test_every_rung_gives_the_gradient_of_what_it_computes(name: str) -> None:
    forward, backward = RUNGS[name]
    ids, weights, dh_last = drawn(np.float64)
    _, Wx, Wh, _ = weights

    hs = forward(ids, *weights)
    gradients = backward(dh_last, ids, weights[0], Wx, Wh, hs)

    assert hs.shape == (6, 3, 6) and not hs[0].any()
    for place, gradient in enumerate(gradients):
        for index in np.ndindex(gradient.shape):
            step = [weight.copy() for weight in weights]
            step[place][index] += 1e-6
            up = np.sum(forward(ids, *step)[-1] * dh_last)
            step[place][index] -= 2e-6
            down = np.sum(forward(ids, *step)[-1] * dh_last)
            assert gradient[index] == pytest.approx((up - down) / 2e-6, abs=2e-8), (name, place, index)


def test_a_rung_that_does_other_work_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    forward, backward = RUNGS["table"]

    def forgetful(dh_last: np.ndarray, ids: np.ndarray, embeddings: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, hs: np.ndarray):
        return backward(dh_last, ids, embeddings, Wx, Wh.T.copy(), hs)

    monkeypatch.setitem(RUNGS, "forgetful", (forward, forgetful))

    with pytest.raises(ValueError, match="forgetful differs from float64"):
        ladder.batch_rungs(SMALL)


def test_a_report_holds_every_rung_with_its_ratios_and_what_they_were_taken_on() -> None:
    report = ladder.measure(SMALL, rounds=3, seconds=1e-9)

    assert json.loads(json.dumps(report)) == report
    assert [rung["name"] for rung in report["batch"]] == list(RUNGS)
    assert [rung["name"] for rung in report["epoch"]] == ["layers_numpy", "layers_kernels", "express_batch", "express"]
    assert report["header"]["threads"] == 1 and report["sizes"]["V"] == 11
    for rung in report["batch"] + report["epoch"]:
        assert len(rung["rounds"]) == 3 and rung["seconds"] > 0
    assert report["batch"][0]["of_the_first"] == 1
    middle = report["batch"][2]
    assert middle["of_the_one_before"] == pytest.approx(
        np.median([mine[0] / other[0] for mine, other in zip(middle["rounds"], report["batch"][1]["rounds"], strict=True)])
    )


def test_layer_by_layer_takes_no_express_way() -> None:
    model = ladder.LayerByLayer([ladder.layers.Input((5,)), ladder.layers.Embedding(11, 4), ladder.layers.SimpleRNN(6)])

    assert model.express_way(np.zeros((2, 5), np.int32), "train") is None
