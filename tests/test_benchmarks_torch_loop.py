"""The PyTorch peer trains the same model as minirnn: losses, weights and probabilities agree epoch after epoch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import peer_cases
import pytest

from benchmarks.drawn import MODELS, draw

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from benchmarks import torch_loop  # noqa: E402  it imports PyTorch


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", peer_cases.WORKLOADS)
def test_losses_equal_minirnns(name: str, model: str) -> None:
    peer_cases.compare(torch_loop.Session, peer_cases.WORKLOADS[name], model)


def test_pytorchs_own_rmsprop_is_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def outside_the_root(parameters: Any, learning_rate: float) -> Any:
        return torch.optim.RMSprop(parameters, lr=learning_rate, alpha=torch_loop.RHO, eps=torch_loop.EPSILON)

    monkeypatch.setattr(torch_loop, "RMSprop", outside_the_root)

    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        peer_cases.compare(torch_loop.Session, peer_cases.WORKLOADS["more words than a batch looks up"], "embedding")


def test_the_second_bias_stays_zero() -> None:
    work = peer_cases.WORKLOADS["a short last batch"]
    session = torch_loop.Session(work, draw(work))

    session.epoch()

    assert not session.network.rnn.bias_hh_l0.any()


def test_ids_may_be_a_mapped_file(tmp_path: Path) -> None:
    work = peer_cases.WORKLOADS["a short last batch"]
    arrays = draw(work)
    np.save(tmp_path / "ids.npy", arrays.ids)
    mapped = replace(arrays, ids=np.load(tmp_path / "ids.npy", mmap_mode="r"))

    assert torch_loop.Session(work, mapped).epoch() == torch_loop.Session(work, arrays).epoch()


@pytest.mark.parametrize("rows", [1, 4, 100])
def test_probabilities_do_not_depend_on_how_many_rows_are_taken_at_a_time(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    work = peer_cases.WORKLOADS["a short last batch"]
    session = torch_loop.Session(work, draw(work))
    at_once = session.predict(session.arrays.ids), session.evaluate(work.N)

    monkeypatch.setattr(torch_loop.Session, "forward_rows", rows)

    np.testing.assert_allclose(session.predict(session.arrays.ids), at_once[0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(session.evaluate(work.N), at_once[1], rtol=0, atol=1e-6)
