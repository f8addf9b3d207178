"""Benchmarks: a peer whose figures differ is found, whatever it does, and is not timed."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from bench_cases import TRAIN, entry

from benchmarks.equality import compare, judge
from benchmarks.workloads import Workload

ONE_HOT, PAD, PREDICT = (replace(TRAIN, **changed) for changed in ({"model": "one_hot"}, {"kind": "pad"}, {"kind": "predict"}))
NAN = float("nan")


@pytest.mark.parametrize(
    ("workload", "changed", "equal"),
    [
        (TRAIN, {}, True),
        (TRAIN, {"before": 1.001}, False),
        (TRAIN, {"before": NAN}, False),
        (TRAIN, {"figures": [[0.9], [0.81], [0.7]]}, False),
        (TRAIN, {"figures": [[0.9], [NAN]]}, False),
        (TRAIN, {"figures": [[0.9]]}, True),
        (TRAIN, {"figures": []}, False),
        (TRAIN, {"peer": "keras-tensorflow", "figures": [[0.91], [0.81]]}, True),
        (TRAIN, {"peer": "keras-tensorflow-xla", "before": 1.001}, False),
        (ONE_HOT, {"peer": "keras-tensorflow", "figures": [[0.91], [0.81]]}, False),
        (PREDICT, {"before": None}, True),
        (PREDICT, {"figures": [[0.9001]]}, False),
        (PREDICT, {"peer": "keras-tensorflow", "figures": [[0.9001]]}, False),
        (PAD, {"figures": [[0.9 + 1e-9]]}, False),
    ],
)
def test_a_figure_that_differs_is_found(workload: Workload, changed: dict[str, Any], equal: bool) -> None:
    verdict = compare(entry("keras-jax", []) | changed, entry("minirnn", []), workload)

    assert verdict[0] is equal


def test_a_validation_loss_is_compared_too() -> None:
    reference, other = (entry("minirnn", [], figures=[[0.9, loss]]) for loss in (0.5, 0.6))

    assert not compare(other | {"peer": "torch"}, reference, TRAIN)[0]


def test_who_differs_is_not_timed() -> None:
    entries = [entry("minirnn", []), entry("keras-jax", [], figures=[[0.5]]), entry("floor", [], before=None, figures=[[None]])]

    judge(entries, TRAIN)

    assert [e["status"] for e in entries] == ["timed", "failed", "timed"]
    assert "differs by 4.0e-01" in entries[1]["reason"]
    assert "NumPy" in entries[2]["equality"]


def test_who_squares_lookups_is_compared_with_his_like() -> None:
    figures = [[0.91], [0.5]]
    entries = [
        entry("minirnn", []),
        entry("minirnn-per-lookup", [], figures=figures),
        entry("keras-tensorflow", [], figures=[[0.91], [0.6]]),  # the second epoch is not compared on this path
        entry("keras-tensorflow-xla", [], figures=[[0.92], [0.5]]),
    ]

    judge(entries, TRAIN)

    assert [e["status"] for e in entries] == ["timed", "timed", "timed", "failed"]


def test_without_minirnn_another_is_the_reference() -> None:
    entries = [entry("torch", [], before=math.pi), entry("jax-scan", [])]

    judge(entries, TRAIN)

    assert [e["status"] for e in entries] == ["failed", "timed"]
    assert entries[1]["equality"] == "the reference"
