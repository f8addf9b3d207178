"""Benchmarks: a run times those who can, says why the others cannot, and refuses who does other work. No time is asserted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import pytest
from bench_cases import SMALL, TRAIN, entry

from benchmarks import measure
from benchmarks.drawn import Sizes
from benchmarks.measure import Run
from benchmarks.peer_process import PeerFailed, PeerProcess, PeerTooSlow
from benchmarks.peers import PEERS, Peer, not_asked
from benchmarks.workloads import Workload, sweep_workload

KINDS = PEERS["minirnn-numpy"].kinds
PADDING = replace(TRAIN, name="padding", kind="pad", sizes=replace(SMALL, N=30))
LATENCY = replace(TRAIN, name="latency", kind="latency-call")


def planted(name: str, monkeypatch: pytest.MonkeyPatch, **options: Any) -> str:
    """Put a peer among the others that is minirnn on NumPy, with something changed."""
    peer = Peer(name, "minirnn", kinds=KINDS, build_options={"backend": "numpy"})
    monkeypatch.setitem(PEERS, name, replace(peer, **options))
    return name


def go(peers: Sequence[str], *chosen: Workload, **options: Any) -> list[dict[str, dict[str, Any]]]:
    """Run, and give the entries of each workload by their peers' names."""
    results = Run(peers, chosen, rounds=2, threads=1, **options).go()
    assert json.loads(json.dumps(results)) == results
    return [{e["peer"]: e for e in result["entries"]} for result in results]


def test_a_peer_with_another_result_is_refused_and_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    planted("forgetful", monkeypatch, optimizer_options={"rho": 0.8})

    (entries,) = go(["minirnn-numpy", "forgetful"], TRAIN)

    assert entries["minirnn-numpy"]["status"] == "timed"
    assert len(entries["minirnn-numpy"]["rounds"]) in (1, 2), "fewer where the budget is used up"
    assert entries["forgetful"]["status"] == "failed"
    assert "it differs by" in entries["forgetful"]["reason"]
    assert entries["forgetful"]["rounds"] == []


def test_those_who_cannot_say_why_and_harm_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    planted("absent", monkeypatch, needs=("no_such_module",))
    planted("misspelt", monkeypatch, build_options={"bakend": "numpy"})

    (entries,) = go(["minirnn-numpy", "absent", "misspelt"], TRAIN)

    assert entries["minirnn-numpy"]["equality"] == "the reference"
    assert entries["minirnn-numpy"]["peak_bytes"] > 1_000_000
    assert entries["absent"] == {"peer": "absent", "status": "skipped", "reason": "no_such_module is not installed"}
    assert entries["misspelt"]["status"] == "failed"
    assert "bakend" in entries["misspelt"]["reason"]


def test_several_workloads_share_a_process_and_are_compared_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = [replace(w, shared="both") for w in (replace(TRAIN, validation=20, model="one_hot"), LATENCY)]

    epoch, latency = go(["minirnn", "minirnn-numpy"], *chosen)

    assert [len(figures) for figures in epoch["minirnn"]["figures"]][:1] == [2], "loss and validation loss"
    assert "equal before" in epoch["minirnn-numpy"]["equality"]
    assert latency["minirnn-numpy"]["equality"].startswith("equal (")
    assert epoch["minirnn"]["import_seconds"] > 0
    assert latency["minirnn"]["import_seconds"] is None


def test_ids_may_be_a_file_and_lists_ragged() -> None:
    streamed, padding = go(["minirnn", "minirnn-numpy"], replace(TRAIN, streamed=True), PADDING)

    assert "equal before" in streamed["minirnn-numpy"]["equality"]
    assert padding["minirnn"]["status"] == "timed"
    assert padding["minirnn-numpy"]["status"] == "not asked"


def test_the_job_ends_at_a_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    planted("numpy-job", monkeypatch, kinds=("job",))
    monkeypatch.setattr(measure, "imdb_folder", lambda: None)
    job = Workload("job", "job", "the job", "job", Sizes(N=60, T=9, V=50, B=16), epochs=2)

    (entries,) = go(["numpy-job"], job)

    losses, validation = entries["numpy-job"]["figures"]
    assert len(losses) == len(validation) == 2
    assert entries["numpy-job"]["rounds"][0][0] > entries["numpy-job"]["parts"]["training_seconds"]


def test_when_the_time_is_over_nothing_more_begins() -> None:
    first, second = go(["minirnn-numpy"], TRAIN, LATENCY, limit_seconds=0)

    assert {e["minirnn-numpy"]["status"] for e in (first, second)} == {"left out"}
    assert "were over" in second["minirnn-numpy"]["reason"]


def test_who_was_slow_at_a_point_is_not_asked_for_the_next() -> None:
    run = Run(["torch"], [], rounds=1, threads=1, pace={("T", "torch"): 1e-3})
    point = sweep_workload("T", 1600, 4)
    torch = replace(PEERS["torch"], needs=(), module="json")

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PEERS, "torch", torch)
        slow = run._reason_to_skip({"peer": "torch"}, point)
        run.pace["T", "torch"] = 1e-6
        fast = run._reason_to_skip({"peer": "torch"}, point)

    assert slow is not None
    assert slow["status"] == "left out"
    assert "410 s or more are to be expected; 25 s are allowed" in slow["reason"]
    assert fast is None


def test_who_does_not_answer_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(["minirnn"], [], rounds=1, threads=1)
    late = entry("minirnn", [])

    run._stop(late, TRAIN, PeerTooSlow("no answer within 60 s"))

    assert (late["status"], late["reason"]) == ("left out", "no answer within 60 s")


def test_a_process_that_does_not_answer_is_ended() -> None:
    with PeerProcess(PEERS["minirnn"], threads=1) as process:
        with pytest.raises(PeerTooSlow, match="no answer within 0 s"):
            process.ask("finish", within=1e-6)
        assert not process.alive


def test_a_peer_that_raises_answers_on() -> None:
    with PeerProcess(PEERS["minirnn-numpy"], threads=1) as process:
        with pytest.raises(PeerFailed, match="ModuleNotFoundError"):
            process.ask("prepare", within=60, peer=asdict(Peer("nobody", "no_such_module")), workload={}, folder="")
        assert process.ask("finish", within=60)["peak_bytes"] > 0


def test_a_peer_that_dies_is_reported() -> None:
    with PeerProcess(PEERS["minirnn-numpy"], threads=1) as process:
        process.process.kill()
        with pytest.raises(PeerFailed, match="its process ended"):
            process.ask("finish", within=60)


def test_what_does_not_fit_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "available_bytes", lambda: 1_000)
    monkeypatch.setitem(PEERS, "keras-jax", replace(PEERS["keras-jax"], needs=(), module="json"))
    one_hot = replace(TRAIN, model="one_hot")
    run = Run([], [], rounds=1, threads=1)

    assert "GB are free" in str(run._reason_to_skip({"peer": "keras-jax"}, one_hot))
    assert run._reason_to_skip({"peer": "keras-jax"}, TRAIN) is None
    assert run._reason_to_skip({"peer": "minirnn"}, one_hot) is None


def test_ids_too_many_for_the_disk_are_a_reason() -> None:
    with measure.arrays_of(replace(TRAIN, sizes=Sizes(N=10**12))) as folder:
        assert isinstance(folder, str)
        assert "GB on the disk" in folder


def test_a_quick_look_asks_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    point = sweep_workload("T", 25, 1)

    assert not_asked(PEERS["keras-torch"], point, quick=False) is None
    assert "--quick asks" in str(not_asked(PEERS["keras-torch"], point, quick=True))
