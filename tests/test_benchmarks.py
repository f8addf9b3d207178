"""Benchmarks: what is drawn is what it says, the same for everyone; workloads are those of the issue, and can be chosen by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bench_cases import SMALL

from benchmarks import drawn
from benchmarks.drawn import MODELS, Sizes, draw, draw_reviews, load
from benchmarks.peers import KIND_NOT_DONE, PEERS, not_asked
from benchmarks.workloads import BASE, QUICK_POINTS, SECTIONS, SWEEPS, points, select, workloads

# --- arrays


@pytest.mark.parametrize("streamed", [False, True])
def test_what_is_read_is_what_was_drawn(tmp_path: Path, streamed: bool) -> None:
    in_memory = draw(SMALL)

    draw(SMALL, tmp_path)
    read = load(tmp_path, streamed=streamed)

    assert isinstance(read.ids, np.memmap) is streamed
    np.testing.assert_array_equal(read.ids, in_memory.ids)
    np.testing.assert_array_equal(read.labels, in_memory.labels)
    for model in MODELS:
        for mine, theirs in zip(read.weights[model], in_memory.weights[model], strict=True):
            assert mine.dtype == np.float32
            np.testing.assert_array_equal(mine, theirs)


def test_another_seed_draws_other_ids() -> None:
    assert (draw(SMALL).ids != draw(replace(SMALL, seed=4)).ids).any()


def test_blocks_differ_and_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "BLOCK", 40)

    ids = draw(SMALL).ids

    assert ids.shape == (96, 7)
    assert (ids[:40] != ids[40:80]).any()
    assert ids[80:].any()


@pytest.mark.parametrize(("V", "missing"), [(101, 0.4), (10_000, 0.057), (88_584, 0.0)])
def test_ids_repeat_as_in_reviews(V: int, missing: float) -> None:
    arrays = draw(Sizes(N=2_000, T=50, V=V))

    assert arrays.ids.dtype == np.int32
    assert (arrays.ids.min(), arrays.ids.max() < V) == (0, True)
    assert abs((arrays.ids == 2).mean() - missing) < 0.05
    assert (arrays.ids == 4).mean() > 5 * (arrays.ids == 40).mean(), "Zipf"
    assert arrays.ids[:, -1].all(), "padding stands in front"
    assert 0.4 < arrays.labels.mean() < 0.6


def test_both_models_start_as_the_same_function() -> None:
    weights = draw(SMALL).weights
    embeddings, Wx, *rest = weights["embedding"]

    np.testing.assert_allclose(weights["one_hot"][0], embeddings @ Wx, rtol=1e-5, atol=1e-6)
    for mine, theirs in zip(weights["one_hot"][1:], rest, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_reviews_are_as_long_as_imdbs() -> None:
    reviews, labels = draw_reviews(Sizes(N=2_000, V=500))
    lengths = np.array([len(review) for review in reviews])

    assert len(reviews) == len(labels) == 2_000
    assert 160 < np.median(lengths) < 196
    assert 210 < lengths.mean() < 260
    assert (lengths.min() >= 11, lengths.max() <= 2_494) == (True, True)
    assert min(map(min, reviews)) > 0
    assert set(labels) == {0, 1}


# --- workloads


def test_names_are_unique_and_sections_known() -> None:
    for quick in (False, True):
        chosen = workloads(quick)
        assert len({w.name for w in chosen}) == len(chosen)
        assert {w.section for w in chosen} <= set(SECTIONS)
        assert {w.kind for w in chosen} - {"train"} == set(KIND_NOT_DONE)


@pytest.mark.parametrize(
    ("letter", "values"),
    [
        ("H", [8, 16, 32, 64, 128, 256, 512]),
        ("T", [25, 50, 100, 200, 400, 800, 1600]),
        ("V", [200, 1_000, 5_000, 10_000, 20_000, 50_000, 88_584]),
        ("B", [1, 4, 16, 64, 256, 1024]),
        ("N", [2_000, 20_000, 200_000, 2_000_000]),
    ],
)
def test_a_sweep_has_the_issues_points(letter: str, values: list[int]) -> None:
    swept = points(letter, workloads())

    assert [getattr(w.sizes, letter) for w in swept] == values
    for w in swept:
        if letter == "H":
            assert min(2 * w.sizes.H, 128) == w.sizes.E
        others = {"T", "V", "B"} - {letter}
        assert all(getattr(w.sizes, other) == getattr(BASE, other) for other in others)
        assert letter == "N" or w.sizes.N % w.sizes.B == 0
        assert w.streamed is (letter == "N")


def test_a_quick_look_is_smaller_everywhere() -> None:
    full = {w.name: w for w in workloads()}

    for quick in workloads(quick=True):
        assert quick.sizes.N <= full[quick.name].sizes.N
        assert quick.cap_seconds < full[quick.name].cap_seconds
        assert not quick.fresh
    for letter, values in QUICK_POINTS.items():
        assert [getattr(w.sizes, letter) for w in points(letter, workloads(quick=True))] == sorted(values)


def test_workloads_are_chosen_by_name_or_section() -> None:
    names = [w.name for w in select(workloads(), ["pad", "T"])]

    assert names[:2] == ["pad", "step-8-16"], "the point where the sweeps meet comes along"
    assert names[2:] == ["T=25", "T=50", "T=200", "T=400", "T=800", "T=1600"]
    with pytest.raises(ValueError, match="nothing: choose from the sections seed"):
        select(workloads(), ["pad", "nothing"])


def test_a_sweep_goes_from_the_cheap_point_to_the_dear_one() -> None:
    for letter in SWEEPS:
        values = [getattr(w.sizes, letter) for w in workloads() if w.section == letter]
        assert values == sorted(values, reverse=letter == "B")


# --- who is asked what


@pytest.mark.parametrize("name", PEERS)
def test_everyone_is_asked_for_something(name: str) -> None:
    asked = [w.name for w in workloads() if not_asked(PEERS[name], w, False) is None]

    assert asked
    if name.startswith("keras"):
        assert {"seed-embedding", "seed-one-hot", "predict", "latency-one", *(f"H={H}" for H in (16, 512))} <= set(asked)


def test_each_limit_is_asked_where_it_is_one() -> None:
    by_name = {w.name: w for w in workloads()}

    assert not_asked(PEERS["floor"], by_name["seed-one-hot"], False) is None
    assert "H=8" in str(not_asked(PEERS["floor"], by_name["H=16"], False))
    assert "from H=32" in str(not_asked(PEERS["gemm"], by_name["V=200"], False))
    assert not_asked(PEERS["gemm"], by_name["H=512"], False) is None


@pytest.mark.parametrize("quick", [False, True])
def test_every_workload_is_minirnns(quick: bool) -> None:
    assert all(not_asked(PEERS["minirnn"], w, quick) is None for w in workloads(quick))
