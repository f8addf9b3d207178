"""The command python -m parity: what it prints and writes, its exit status, and processes that fail."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from parity_reports import OF_BACKEND, failed, measured

from minirnn import callbacks
from parity import backends, full, intended, page, worker
from parity.__main__ import main
from parity.cases import CASES
from parity.full import Section
from parity.table import line

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture
def scripted(tmp_path, monkeypatch):
    """Let processes that say what a test wants stand in for Keras on each backend; figures, which take seconds, are left out."""
    monkeypatch.setattr(page, "drawings", lambda report: {})

    def stand_in(**endings):
        for backend, (messages, ending) in endings.items():
            said = "".join(json.dumps(message) + "\n" for message in messages)
            body = f"import os, sys, time\nif sys.argv[1] == {backend!r}:\n    print({said!r}, end='', flush=True)\n    {ending}\n"
            script = tmp_path / "worker.py"
            script.write_text((script.read_text() if script.exists() else "") + body)
        monkeypatch.setattr(backends, "WORKER", (str(tmp_path / "worker.py"),))
        monkeypatch.setattr(backends, "missing", lambda backend: "" if backend in endings else f"{backend} not installed; pip install it")
        return tmp_path / "report"

    return stand_in


def told(*verdicts, done=True):
    cases = list(dict.fromkeys(verdict.case for verdict in verdicts))
    messages = [{"header": OF_BACKEND}]
    for case in cases:
        mine = [asdict(verdict) for verdict in verdicts if verdict.case == case]
        messages += [{"begin": case}, {"end": case, "seconds": 0.1, "seeds": [31], "verdicts": mine}]
    return messages + [{"done": 1.0, "import_seconds": 2.0}] * done


# ---------------------------------------------------------------------------------------------------------------- with a real Keras


def test_from_end_to_end_on_tensorflow(tmp_path):
    pytest.importorskip("tensorflow")
    command = [sys.executable, "-m", "parity", "--backend", "tensorflow", "--only", "dense.linear", "--out", str(tmp_path / "out")]

    run = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)

    said = run.stdout.splitlines()
    assert run.returncode == 0, run.stdout + run.stderr
    assert said[0].startswith("parity of minirnn")
    assert [text.split()[1] for text in said if text.startswith("dense.linear")] == ["output", "dkernel", "dbias", "dx"]
    assert "overall: 4 tensors on 1 backend, all passed" in said
    assert max(map(len, said[6:-1])) <= 140
    report = json.loads((tmp_path / "out" / "parity.json").read_text())
    assert report["passed"]
    assert report["backends"]["tensorflow"]["denormals"]["NumPy"] == "kept"
    assert report["cases"]["dense.linear"]["seeds"] == [23]
    assert "All 4 tensors passed." in (tmp_path / "out" / "parity.html").read_text()


def test_a_case_that_raises_has_failed_and_the_others_go_on(monkeypatch):
    pytest.importorskip("tensorflow")
    messages = []
    monkeypatch.setattr(callbacks, "EarlyStopping", lambda **_: (_ for _ in ()).throw(RuntimeError("out of order")))

    worker.work("tensorflow", "early_stopping.patience", messages.append)

    ends = [message for message in messages if "end" in message]
    assert len(ends) == 5
    assert all(not end["verdicts"][0]["passed"] and end["verdicts"][0]["note"] == "RuntimeError: out of order" for end in ends)
    assert "done" in messages[-1]


def test_a_process_on_the_wrong_backend_says_so(tmp_path):
    pytest.importorskip("tensorflow")

    run = subprocess.run(
        [sys.executable, "-m", "parity.worker", "jax", "dense"],
        cwd=PROJECT,
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode != 0
    assert "Keras is on tensorflow, not on jax" in run.stderr


# ------------------------------------------------------------------------------------------------------------- with scripted processes


def test_every_backend_that_is_installed_is_compared_and_the_others_are_named(scripted, capsys):
    out = scripted(tensorflow=(told(measured("simple_rnn", "output")), ""), jax=(told(measured("simple_rnn", "output")), ""))

    assert main(["--only", "simple_rnn", "--out", str(out)]) == 0

    said = capsys.readouterr().out
    assert "left out  Keras on torch: torch not installed; pip install it" in said
    assert said.index("Keras on tensorflow 1.2.3") < said.index("Keras on jax 1.2.3")
    assert "overall: 2 tensors on 2 backends, all passed" in said
    assert set(json.loads((out / "parity.json").read_text())["backends"]) == {"tensorflow", "jax"}


def test_a_tensor_that_fails_fails_the_command_and_is_named(scripted, capsys):
    out = scripted(jax=(told(measured("simple_rnn", "output"), failed()), ""))

    assert main(["--backend", "jax", "--only", "simple_rnn", "--out", str(out)]) == 1

    said = capsys.readouterr().out
    assert "jax  simple_rnn  dkernel" in said
    assert "the reason" in said
    assert "overall: 2 tensors on 1 backend, 1 FAILED" in said
    assert not json.loads((out / "parity.json").read_text())["passed"]


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("sys.exit('Illegal instruction')", 1),
        ("os.kill(os.getpid(), 9)", -9),
        ("sys.exit(0)", 0),
        ("""print('{"end": "simple_rnn.re', flush=True); time.sleep(1); os.kill(os.getpid(), 9)""", -9),
    ],
)
def test_a_process_that_crashes_fails_with_its_last_words_and_the_others_go_on(ending, code, scripted, capsys):
    messages = [*told(measured("simple_rnn", "output"), done=False), {"begin": "simple_rnn.relu"}]
    out = scripted(tensorflow=(messages, ending), jax=(told(measured("simple_rnn", "output")), ""))

    assert main(["--only", "simple_rnn", "--out", str(out)]) == 1

    said = capsys.readouterr().out
    assert f"FAILED: Keras on tensorflow: the process ended in case simple_rnn.relu, exit code {code}" in said
    assert ("Illegal instruction" in said) == ("Illegal" in ending)
    assert "Keras on jax: 1 tensors in 1 cases, all passed" in said
    report = json.loads((out / "parity.json").read_text())
    assert "simple_rnn.relu" in report["failures"][0]
    assert not report["passed"]


def test_a_process_that_dies_while_it_loads_fails(scripted, capsys):
    out = scripted(torch=([], "raise ImportError('libtorch is broken')"))

    assert main(["--only", "simple_rnn", "--out", str(out)]) == 1

    assert "before the first case" in capsys.readouterr().out
    assert "libtorch is broken" in (out / "parity.html").read_text()


def test_an_entry_of_the_intended_differences_that_nothing_meets_fails_a_run_of_all_cases(scripted, capsys, monkeypatch):
    entry = {"case": "simple_rnn.gone", "tensors": ["output", "d*"], "backends": ["jax", "torch"], "reason": "none", "source": "none"}
    monkeypatch.setattr(intended, "INTENDED", [entry])
    out = scripted(jax=(told(measured("simple_rnn", "output")), ""))

    assert main(["--backend", "jax", "--out", str(out)]) == 1
    assert "intended.json lists simple_rnn.gone, d*, on jax" in capsys.readouterr().out
    assert main(["--backend", "jax", "--only", "simple_rnn", "--out", str(out)]) == 0


def test_a_pattern_of_cases_and_tensors_meets_what_it_names():
    entry = {"case": "decision.*", "tensors": ["*.kernel"], "backends": ["jax", "torch"], "reason": "", "source": ""}

    assert intended.stale([("jax", "decision.D4.a", "rnn.kernel")], ["jax"], [entry]) == []
    assert intended.stale([("jax", "decision.D4.a", "rnn.bias"), ("torch", "decision.D4.a", "rnn.kernel")], ["jax"], [entry])


def test_ctrl_c_ends_the_processes_and_writes_nothing(tmp_path):
    script = tmp_path / "worker.py"
    script.write_text("import os, sys, time\nopen(sys.argv[2], 'w').write(str(os.getpid()))\ntime.sleep(600)\n")
    started = tmp_path / "started"
    code = f"""
        import signal, sys
        from parity import __main__, backends
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts jobs with it ignored
        backends.WORKER, backends.missing = ({str(script)!r},), lambda backend: ""
        backends.start = lambda stack, wanted, only: [stack.enter_context(backends.BackendProcess("jax", {str(started)!r}))]
        sys.exit(__main__.main(["--backend", "jax", "--out", {str(tmp_path / "out")!r}]))
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for _ in range(600):
            if started.exists() and started.read_text():
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)

    assert process.returncode == 130
    assert said.splitlines()[-1] == "interrupted; nothing was written"
    assert list((tmp_path / "out").iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)


def test_full_adds_a_section_that_can_fail_the_run(scripted, capsys, monkeypatch):
    out = scripted(jax=(told(measured("simple_rnn", "output")), ""))
    asked = []

    def whole(wanted, folder):
        asked.append((wanted, folder))
        return Section("Whole trainings", False, ("They part.",), {"passed": False}, {})

    monkeypatch.setattr(full, "whole_trainings", whole)

    assert main(["--only", "simple_rnn", "--full", "--out", str(out)]) == 1

    assert asked == [(["jax"], out)]
    report = json.loads((out / "parity.json").read_text())
    assert report["trainings"] == {"title": "Whole trainings", "words": ["They part."], "passed": False}
    assert "They part." in (out / "parity.html").read_text()


def test_trainings_that_break_off_fail_and_what_was_compared_before_is_kept(scripted, capsys, monkeypatch):
    out = scripted(jax=(told(measured("simple_rnn", "output")), ""))
    monkeypatch.setattr(full, "MODULE", "parity.no_such_module")

    assert main(["--only", "simple_rnn", "--full", "--out", str(out)]) == 1

    assert "They did not come to their end: ModuleNotFoundError" in capsys.readouterr().out
    assert len(json.loads((out / "parity.json").read_text())["tensors"]) == 1


def test_nothing_to_run_fails(capsys, scripted, monkeypatch):
    assert main(["--only", "lstm"]) == 1
    assert "no case is named like 'lstm'" in capsys.readouterr().err

    monkeypatch.setattr(backends, "missing", lambda backend: "keras not installed; pip install it")
    assert main(["--only", "dense"]) == 1
    assert "Keras on torch: keras not installed; pip install it" in capsys.readouterr().err


def test_the_command_lists_its_cases(capsys):
    assert main(["--list"]) == 0
    assert capsys.readouterr().out.split() == list(CASES)


def test_what_is_missing_is_said_with_the_way_to_install_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "torch" else object())

    assert backends.missing("jax") == ""
    assert backends.missing("torch") == 'torch not installed; pip install -e ".[test,torch]"'


def test_long_names_are_cut_in_their_middle_and_lines_stay_narrow():
    name = "simple_rnn.stateful.mask.zero_output.sequences.and.more.words"

    text = line(measured(name, "drnn_with_a_long_name.recurrent_kernel@100"))

    assert len(text) <= 140
    assert "…" in text
    assert text.startswith("simple_rnn.stateful.m")
    assert "and.more.words" in text
