import json
import re

import pytest

from parity import figures, readme
from parity.record import KINDS


@pytest.fixture
def report():
    def tensor(kind, error, keras_error, intended=None):
        statistics = {} if kind == KINDS[0] else {"minirnn-truth": {}}
        return {"kind": kind, "error": error, "keras_error": keras_error, "allowed": 10.0, "statistics": statistics, "intended": intended}

    return {
        "header": {"versions": {"keras": "3.15.1"}, "processor": "a CPU", "processors": 2, "commit": "abcdef", "date": "2026-01-02T03:04"},
        "backends": {"tensorflow": {"version": "2.21"}, "jax": {"version": "0.10"}},
        "cases": {"one": {}, "two": {}},
        "tensors": [
            tensor(KINDS[0], 0, 0),
            tensor(KINDS[0], 3, 0, "a reason"),
            *(tensor(KINDS[2], error, 2.0) for error in (1.0, 2.0, 4.0)),
            tensor(KINDS[2], 1.0, 1e9, "on purpose"),
        ],
        "decisions": [
            {
                "name": "D4",
                "topic": "a point",
                "backends": {"tensorflow": {"word": "equal", "reason": ""}, "jax": {"word": "intended", "reason": "because"}},
            }
        ],
        "failures": [],
    }


def test_a_row_per_kind_leaves_out_what_differs_on_purpose(report, monkeypatch):
    monkeypatch.setattr(figures, "drawings", lambda report: {})

    said = readme.section(report, "docs/images", [])

    assert "6 tensors, from 2 cases on 2 backends" in said
    assert "| 1 equal, bit by bit | 1 differ on purpose |" in said
    assert re.search(rf"\| {KINDS[2]} \| 3 \| 2, 3.96, 4 \| 2, 2, 2 \| 67% \| 40% \|", said)


def test_a_decision_names_the_side_that_each_backend_takes(report):
    assert readme.decisions(report)[-1] == "| D4 | a point | as minirnn | **otherwise** | because |"


def test_a_run_that_failed_is_not_shown(report, tmp_path, capsys):
    path = tmp_path / "parity.json"
    path.write_text(json.dumps(report | {"failures": ["a tensor"]}), encoding="utf-8")

    with pytest.raises(SystemExit):
        readme.main([str(path)])

    assert "has failures" in capsys.readouterr().err
