"""Benchmarks: the comparison of losses can fail, peers that fail harm nobody, a table says what its JSON says. No time is asserted."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from benchmarks import floor, measure, report
from benchmarks.__main__ import benchmark
from benchmarks.peers import PEERS, Peer
from benchmarks.seed_epoch import SeedEpoch, draw
from minirnn.files import replace_section

SMALL = SeedEpoch(N=96, T=7, V=13, E=5, B=64, seed=3)


@pytest.fixture
def built() -> None:
    """Skip where the floor cannot be built."""
    try:
        floor.compiled()
    except floor.FloorUnavailable as reason:
        pytest.skip(str(reason))


def entry(peer: str, model: str, rounds: list[list[float]], **more: object) -> dict[str, object]:
    """One timed entry, as a run leaves it."""
    return {
        "peer": peer,
        "model": model,
        "status": "timed",
        "rounds": rounds,
        "losses": [0.9, 0.8],
        "loss_before": 1.0,
        "digest": "abc",
        "equality": "equal",
        "import_seconds": 0.25,
        "first_epoch_seconds": 1.5,
        "peak_bytes": 123_400_000,
        **more,
    }


@pytest.fixture
def canned() -> dict[str, object]:
    """A report whose every figure can be worked out by hand."""
    head = {"date": "2026-01-02T03:04:05+00:00", "commit": "abcdef", "cpu": "A CPU", "processors": 2, "threads": 2, "platform": "Linux"}
    head |= {"python": "3.11.7", "versions": {"keras": "3.15.1", "jax": "not installed"}, "dtype": "float32", "seed": 42}
    work = {"N": 20_000, "T": 100, "V": 200, "E": 16, "H": 8, "B": 64, "learning_rate": 1e-4, "seed": 42}
    floor_entry = entry("floor", "recurrent part", [[0.010], [0.020], [0.040]], equality="checked")
    entries = [
        entry("keras-tensorflow", "embedding", [[4.0], [8.0], [16.0]]),
        entry("minirnn", "embedding", [[0.019, 0.020, 0.5], [0.040], [0.080]], fresh_install={"first_epoch_seconds": 3.25}),
        floor_entry,
        {"peer": "keras-jax", "model": "embedding", "status": "skipped", "reason": "jax is not installed"},
    ]
    return {"header": head, "workload": work, "entries": entries}


# --- the workload


def test_the_workload_is_the_same_bytes_for_everyone() -> None:
    assert draw(SMALL).digest() == draw(SMALL).digest()
    assert draw(SMALL).digest() != draw(replace(SMALL, seed=4)).digest()


def test_the_workload_repeats_ids_as_reviews_do() -> None:
    arrays = draw(replace(SMALL, N=2_000, T=50, V=101))

    assert arrays.ids.shape == (2_000, 50)
    assert arrays.ids.dtype == np.int32
    assert (arrays.ids.min(), arrays.ids.max()) == (0, 100)
    assert 0.3 < (arrays.ids == 2).mean() < 0.5
    assert arrays.ids[:, -1].all(), "padding stands in front"
    assert 0.4 < arrays.labels.mean() < 0.6


def test_both_models_start_as_the_same_function() -> None:
    weights = draw(SMALL).weights
    embeddings, Wx, *rest = weights["embedding"]

    np.testing.assert_allclose(weights["one_hot"][0], embeddings @ Wx, rtol=1e-5, atol=1e-6)
    for mine, theirs in zip(weights["one_hot"][1:], rest, strict=True):
        np.testing.assert_array_equal(mine, theirs)


# --- equality


@pytest.mark.parametrize(
    ("changed", "equal"),
    [
        ({}, True),
        ({"loss_before": 1.001}, False),
        ({"losses": [0.9, 0.81, 0.7]}, False),
        ({"losses": [0.9, float("nan")]}, False),
        ({"loss_before": float("nan")}, False),
        ({"losses": [0.9]}, True),
        ({"digest": "other"}, False),
        ({"peer": "keras-tensorflow", "losses": [0.9, 0.81]}, True),
        ({"peer": "keras-tensorflow", "loss_before": 1.001}, False),
    ],
)
def test_a_loss_that_differs_is_found(changed: dict[str, object], equal: bool) -> None:
    reference = entry("minirnn", "embedding", [])

    verdict = measure.compare_losses(entry("keras-jax", "embedding", []) | changed, reference)

    assert verdict[0] is equal


def test_one_hot_on_tensorflow_has_no_exemption() -> None:
    reference = entry("minirnn", "one_hot", [])

    equal, _ = measure.compare_losses(entry("keras-tensorflow", "one_hot", [], losses=[0.9, 0.81]), reference)

    assert not equal


def test_who_fails_the_comparison_is_not_timed() -> None:
    entries = [entry("minirnn", "embedding", []), entry("keras-jax", "embedding", [], losses=[0.5])]

    measure.judge(entries)

    assert [e["status"] for e in entries] == ["timed", "failed"]
    assert "differs by 4.0e-01" in str(entries[1]["reason"])


# --- the run


@pytest.mark.usefixtures("built")
def test_a_run_times_those_who_can_and_says_why_the_others_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PEERS, "absent", Peer("absent", "absent", needs=("no_such_module",)))

    ran = measure.run(["floor", "absent"], SMALL, rounds=2, threads=1)

    by_name = {e["peer"]: e for e in ran["entries"]}
    assert by_name["floor"]["status"] == "timed"
    assert len(by_name["floor"]["rounds"]) == 2
    assert by_name["floor"]["peak_bytes"] > 1_000_000
    assert by_name["absent"]["reason"] == "no_such_module is not installed"
    assert json.loads(json.dumps(ran)) == ran
    assert "floor" in report.markdown(ran)


def test_a_peer_that_raises_harms_nobody_else() -> None:
    # The worker knows no peer of this name, so its process answers with an error.
    with measure.PeerProcess(PEERS["floor"], threads=None) as process:
        with pytest.raises(measure.PeerFailed, match="KeyError: 'nobody'"):
            process.ask("prepare", peer="nobody", model="embedding", work={})
        assert process.ask("finish")["peak_bytes"] > 0


def test_a_peer_that_dies_is_reported() -> None:
    with measure.PeerProcess(PEERS["floor"], threads=None) as process:
        process.process.kill()
        with pytest.raises(measure.PeerFailed, match="its process ended"):
            process.ask("finish")


def test_a_dense_one_hot_that_does_not_fit_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "available_bytes", lambda: 1_000)
    keras = replace(PEERS["keras-tensorflow"], needs=())

    assert "GB are free" in str(measure.reason_to_skip(keras, "one_hot", SMALL))
    assert measure.reason_to_skip(keras, "embedding", SMALL) is None
    assert measure.reason_to_skip(PEERS["minirnn"], "one_hot", SMALL) is None


# --- statistics and table


def test_the_spread_of_known_figures() -> None:
    assert report.Spread.of([5.0, 1.0, 2.0, 4.0, 3.0]) == report.Spread(least=1.0, lower=2.0, median=3.0, upper=4.0, samples=5)
    assert report.Spread.of([7.0]) == report.Spread(7.0, 7.0, 7.0, 7.0, 1)
    with pytest.raises(ValueError, match="at least one figure"):
        report.Spread.of([])


def test_a_ratio_is_taken_round_by_round() -> None:
    # The machine halves its speed in the last two of three rounds, in the middle of the first pair.
    mine, unit = entry("minirnn", "embedding", [[3.0], [6.0], [6.0]]), entry("floor", "recurrent part", [[1.0], [2.0], [2.0]])

    assert report.ratio(mine, unit) == 3.0
    assert report.ratio(mine, None) is None


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(12.345, "12.3 s"), (0.9996, "1000 ms"), (0.01351, "13.5 ms"), (4.2e-5, "42.0 µs"), (None, "–")],
)
def test_times_are_shown_with_three_digits(seconds: float | None, shown: str) -> None:
    assert report.show_seconds(seconds) == shown


def test_the_table_holds_everyone_from_fast_to_slow(canned: dict[str, object]) -> None:
    rows = report.rows(canned)

    assert [row[0] for row in rows] == ["floor", "minirnn", "keras-tensorflow"]
    assert rows[0][2:7] == ("20.0 ms", "15.0 ms … 30.0 ms", "10.0 ms", "1.00", "0.500")
    assert rows[1][2:] == ("40.0 ms", "30.0 ms … 60.0 ms", "20.0 ms", "2.00", "1.00", "250 ms", "3.25 s", "1.50 s", "123 MB")
    assert rows[2][5:] == ("400", "200", "250 ms", "1.50 s", "–", "123 MB")


def test_the_markdown_names_machine_and_absentees(canned: dict[str, object]) -> None:
    before = copy.deepcopy(canned)

    text = report.markdown(canned)

    assert canned == before
    assert "A CPU, 2 logical processors, threads: 2" in text
    assert "keras 3.15.1; commit abcdef, 2026-01-02" in text
    assert "- keras-jax, embedding: skipped, jax is not installed" in text
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 2 + 3
    assert {line.count("|") for line in table} == {len(report.COLUMNS) + 1}


def test_only_what_stands_between_the_marks_is_replaced(tmp_path, canned: dict[str, object]) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"# above ×\n{report.BEGIN}\nold\n{report.END}\nbelow\n", encoding="utf-8")

    for _ in range(2):
        replace_section(readme, report.BEGIN, report.END, report.markdown(canned))

    expected = f"# above ×\n{report.BEGIN}\n{report.markdown(canned)}{report.END}\nbelow\n"
    assert readme.read_text(encoding="utf-8") == expected


@pytest.mark.parametrize("text", ["nothing", report.BEGIN, report.END + report.BEGIN, (report.BEGIN + report.END) * 2])
def test_a_readme_without_its_marks_is_left_alone(tmp_path, text: str) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(text, encoding="utf-8")

    with pytest.raises(ValueError, match="once each"):
        replace_section(readme, report.BEGIN, report.END, "new")

    assert readme.read_text(encoding="utf-8") == text


# --- the command


@pytest.fixture
def command() -> object:
    """Give a call that runs the command on some words."""
    app = typer.Typer()
    app.command()(benchmark)
    return lambda *words: CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}).invoke(app, words)


def test_the_command_prints_a_table_from_json(command, tmp_path, canned: dict[str, object]) -> None:
    measured = tmp_path / "seed.json"
    measured.write_text(json.dumps(canned), encoding="utf-8")

    shown = command("--table", str(measured))

    assert shown.exit_code == 0
    assert shown.output == report.markdown(canned)


def test_the_command_knows_its_peers(command) -> None:
    refused = command("--peers", "kreas")

    assert refused.exit_code == 2
    assert "choose from floor, minirnn" in refused.output


def test_the_command_overwrites_no_measurement(command, tmp_path) -> None:
    measured = tmp_path / "seed.json"
    measured.write_text("{}", encoding="utf-8")

    refused = command("--peers", "floor", "--out", str(measured))

    assert refused.exit_code == 2
    assert measured.read_text(encoding="utf-8") == "{}"


@pytest.mark.usefixtures("built")
def test_the_command_measures_and_writes_json(command, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.__main__.QUICK", SMALL)
    measured = tmp_path / "new" / "seed.json"

    ran = command("--quick", "--peers", "floor", "--rounds", "1", "--out", str(measured))

    assert ran.exit_code == 0, ran.output
    assert json.loads(measured.read_text(encoding="utf-8"))["workload"]["N"] == SMALL.N
