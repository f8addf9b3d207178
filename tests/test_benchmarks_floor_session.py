"""The floors as peers: they run both models from the same table, and say where they cannot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks import floor, floor_native, floor_session
from benchmarks.drawn import MODELS, Sizes, draw
from benchmarks.floor_case import UNITS
from benchmarks.peers import Unavailable


@pytest.fixture
def built() -> None:
    """Skip where the floor cannot be built."""
    try:
        floor.compiled(floor.AVX2)
    except floor.FloorUnavailable as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("module", [floor_session, floor_native])
@pytest.mark.usefixtures("built")
def test_as_a_peer_it_runs_both_models_from_the_same_table(module: Any, model: str) -> None:
    work = Sizes(N=12, T=5, V=7, E=4, B=8)
    arrays = draw(work)
    session = module.Session(work, arrays, model)

    assert (session.epoch(), session.evaluate(3)) == (None, None)
    embeddings, Wx, _, b, *_ = arrays.weights["embedding"]
    np.testing.assert_allclose(session.case.table, embeddings @ Wx + b, atol=1e-6)
    assert session.predict(arrays.ids[:5]).shape == (5, UNITS)


def test_as_a_peer_it_has_eight_units() -> None:
    work = Sizes(N=12, T=5, V=7, E=4, H=6, B=8)

    with pytest.raises(Unavailable, match="H=8, the workload has H=6"):
        floor_session.Session(work, draw(work))
