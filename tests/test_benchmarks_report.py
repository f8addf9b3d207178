"""Benchmarks: tables and pictures say what the JSON says, about everyone; the command never overwrites what was measured."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import typer
from bench_cases import canned
from matplotlib.image import imread
from typer.testing import CliRunner

from benchmarks import __main__ as command_module
from benchmarks import plots, report
from benchmarks.__main__ import FULL_MARKS, SHORT_MARKS, benchmark, write_once, write_readmes
from benchmarks.spread import Spread, ratio, show_seconds
from minirnn.files import replace_section


def test_the_spread_of_known_figures() -> None:
    assert Spread.of([5.0, 1.0, 2.0, 4.0, 3.0]) == Spread(least=1.0, lower=2.0, median=3.0, upper=4.0, samples=5)
    assert Spread.of([7.0]) == Spread(7.0, 7.0, 7.0, 7.0, 1)
    with pytest.raises(ValueError, match="at least one figure"):
        Spread.of([])


def test_a_ratio_is_taken_round_by_round() -> None:
    # The machine halves its speed in the last two of three rounds, in the middle of the first pair; the fourth round has no partner.
    mine, unit = {"rounds": [[3.0], [6.0], [6.0]]}, {"rounds": [[1.0], [2.0], [2.0], [9.0]]}

    assert ratio(mine, unit) == 3.0
    assert ratio(mine, None) is None
    assert ratio(None, unit) is None


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(12.345, "12.3 s"), (0.9996, "1,000 ms"), (0.01351, "13.5 ms"), (4.2e-5, "42.0 µs"), (None, "–")],
)
def test_times_are_shown_with_three_digits(seconds: float | None, shown: str) -> None:
    assert show_seconds(seconds) == shown


def test_the_short_table_sets_minirnn_against_the_best_peer_and_the_floor() -> None:
    epoch, sweep = report.short_rows(canned())

    # 0.02/4 and 0.04/8; 0.02/0.01, 0.04/0.02, 0.08/0.04
    assert epoch == ("The seed's epochs: a small epoch", "40.0 ms", "6.00 s", "keras-tensorflow", "0.00500", "20.0 ms", "2.00")
    # 6.4 ms / 3,200 and 12.8 ms / 12,800; 3.2 ms / 3,200 and 25.6 ms / 12,800
    assert sweep == (
        "a token, T=50 … 200 (2 points)",
        "1,000 … 2,000 ns",
        "1,000 … 2,000 ns",
        "jax-scan",
        "0.500 … 2.00",
        "500 ns",
        "4.00",
    )


def test_the_full_table_holds_everyone_from_fast_to_slow() -> None:
    rows = list(report.full_rows(canned()["workloads"][0]))

    assert [row[1] for row in rows] == ["floor", "minirnn", "minirnn-numpy", "keras-tensorflow"]
    assert rows[1][2:] == (
        *("40.0 ms", "30.0 ms … 60.0 ms", "3", "1.00", "2.00"),
        *("250 ms", "1.50 s", "3.25 s", "123 MB", "100 MB", "equal"),
    )
    assert rows[3][5:7] == ("200", "400")


def test_a_step_is_an_epoch_by_its_batches() -> None:
    measured = canned()
    measured["workloads"][0] |= {"per": "step"}

    # 96 rows in batches of 64 are two steps.
    assert report.short_rows(measured)[0][1] == "20.0 ms"
    assert next(report.full_rows(measured["workloads"][0]))[2] == "10.0 ms"


def test_the_markdown_names_machine_and_absentees() -> None:
    measured = canned()
    before = copy.deepcopy(measured)

    text = report.full_markdown(measured)

    assert measured == before
    assert "A CPU, 4 logical processors, 2 threads for everyone" in text
    assert "keras 3.15.1, BLAS: a BLAS; commit abcdef, 2026-01-02" in text
    assert "10 minutes. Not in this run: gemm.\n" in text
    assert "- torch at small, T=200, T=50: skipped: torch is not installed" in text
    assert "- keras-jax at T=200: left out: too slow" in text
    for part in text.split("###")[1:]:
        table = [line for line in part.splitlines() if line.startswith("|")]
        assert {line.count("|") for line in table} == {len(report.FULL_COLUMNS) + 1}


# --- pictures


def test_a_title_counts_the_points_where_minirnn_is_ahead() -> None:
    points = report.sweep(canned(), "T")

    assert [point["sizes"]["T"] for point in points] == [50, 200]
    assert plots.title_of("T", points) == "minirnn is the fastest at 1 of 2 points of T: the best peer takes 0.500 to 2.00 times its time"


def test_a_picture_draws_everyone_who_was_timed(tmp_path: Path) -> None:
    figure = plots.draw_sweep(canned(), "T")
    (axes,) = figure.axes

    lines = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert set(lines) == {"minirnn", "jax-scan", "floor: C, AVX2"}
    assert lines["minirnn"] == [[50, pytest.approx(2000)], [200, pytest.approx(1000)]]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert "(ns)" in axes.get_ylabel()
    assert [path.name for path in plots.save_pictures(canned(), tmp_path)] == ["bench-T.png"]
    assert imread(tmp_path / "bench-T.png").shape[:2] == (756, 1344)


def test_styles_tell_peers_apart() -> None:
    assert len(set(plots.STYLES.values())) == len(plots.STYLES)
    assert len({style.marker for style in plots.STYLES.values()}) == len(plots.STYLES)


# --- the command


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with both READMEs."""
    (tmp_path / "benchmarks").mkdir()
    for path, marks in ((tmp_path / "README.md", SHORT_MARKS), (tmp_path / "benchmarks" / "README.md", FULL_MARKS)):
        path.write_text(f"above ×\n{marks[0]}\nold\n{marks[1]}\nbelow\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def command() -> Any:
    """Give a call that runs the command on some words."""
    app = typer.Typer()
    app.command()(benchmark)
    return lambda *words: CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}).invoke(app, words)


def test_a_look_and_an_interrupted_run_say_so() -> None:
    assert report.headline(canned()).startswith("A CPU")
    assert report.headline(canned() | {"quick": True, "whole": False}).startswith(
        "A quick look, not a result. Interrupted before its end. A CPU"
    )


def test_only_what_stands_between_the_marks_is_replaced(project: Path) -> None:
    for _ in range(2):
        write_readmes(canned(), project)

    text = (project / "README.md").read_text(encoding="utf-8")
    picture = f"\n![{plots.title_of('T', report.sweep(canned(), 'T'))}](docs/images/bench-T.png)\n"
    assert text == f"above ×\n{SHORT_MARKS[0]}\n{report.short_markdown(canned())}{picture}{SHORT_MARKS[1]}\nbelow\n"
    assert report.full_markdown(canned()) in (project / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert (project / "docs" / "images" / "bench-T.png").is_file()


BEGIN, END = SHORT_MARKS


@pytest.mark.parametrize("text", ["nothing", BEGIN, END + BEGIN, (BEGIN + END) * 2])
def test_a_readme_without_its_marks_is_left_alone(tmp_path: Path, text: str) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(text, encoding="utf-8")

    with pytest.raises(ValueError, match="once each"):
        replace_section(readme, BEGIN, END, "new")

    assert readme.read_text(encoding="utf-8") == text


def test_both_readmes_have_their_marks() -> None:
    for path, marks in (
        (command_module.PROJECT / "README.md", SHORT_MARKS),
        (command_module.PROJECT / "benchmarks" / "README.md", FULL_MARKS),
    ):
        text = path.read_text(encoding="utf-8")
        assert [text.count(mark) for mark in marks] == [1, 1]


def test_a_measurement_is_never_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class AtNoon(command_module.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls(2026, 1, 2, 12, tzinfo=tz)

    monkeypatch.setattr(command_module, "datetime", AtNoon)
    path = write_once(tmp_path / "new", True, {"first": 1})

    with pytest.raises(FileExistsError):
        write_once(tmp_path / "new", True, {"second": 2})

    assert json.loads(path.read_text(encoding="utf-8")) == {"first": 1}
    assert path.name == "benchmarks-quick-20260102T120000Z.json"


def test_the_command_prints_tables_from_json(command: Any, tmp_path: Path) -> None:
    measured = tmp_path / "run.json"
    measured.write_text(json.dumps(canned()), encoding="utf-8")

    shown = command("--table", str(measured))

    assert shown.exit_code == 0, shown.output
    assert shown.output == report.short_markdown(canned()) + "\n" + report.full_markdown(canned())


def test_an_older_kind_of_json_is_refused(command: Any, tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text('{"entries": []}', encoding="utf-8")

    refused = command("--table", str(tmp_path / "old.json"))

    assert refused.exit_code == 2
    assert "older kind" in refused.output


@pytest.mark.parametrize(
    ("words", "named"),
    [(("--peers", "kreas"), "choose from floor"), (("--peers", ","), "nobody"), (("--only", "sped"), "choose from the sections")],
)
def test_the_command_knows_its_names(command: Any, words: tuple[str, ...], named: str) -> None:
    refused = command(*words)

    assert refused.exit_code == 2
    assert named in " ".join(refused.output.replace("│", " ").split())


def test_the_command_measures_and_writes_json(command: Any, tmp_path: Path) -> None:
    words = ("--quick", "--only", "latency-call", "--peers", "minirnn-numpy,minirnn", "--rounds", "1", "--threads", "1")

    ran = command(*words, "--out", str(tmp_path / "new"))

    assert ran.exit_code == 0, ran.output
    (written,) = (tmp_path / "new").iterdir()
    found = json.loads(written.read_text(encoding="utf-8"))
    assert [e["peer"] for e in found["workloads"][0]["entries"]] == ["minirnn", "minirnn-numpy"]
    assert found["header"]["threads"] == 1
    assert found["whole"] is True
    assert "one review: model(x[None])" in ran.output


def test_an_interrupted_run_keeps_what_it_has(command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(run: Any) -> None:
        run.results += [*canned()["workloads"][:1], {"name": "unfinished"}]
        raise KeyboardInterrupt

    monkeypatch.setattr(command_module.Run, "go", interrupted)

    ran = command("--out", str(tmp_path))

    assert ran.exit_code == 130, ran.output
    (written,) = tmp_path.glob("*.json")
    found = json.loads(written.read_text(encoding="utf-8"))
    assert (found["whole"], [w["name"] for w in found["workloads"]]) == (False, ["small"])
