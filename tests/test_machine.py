import subprocess

import numpy as np
import pytest

from minirnn import machine


def test_what_is_installed_has_its_version_and_what_is_not_says_so():
    assert machine.version("numpy") == np.__version__
    assert machine.version("no-such-package") == "not installed"


def test_vector_instructions_are_among_those_that_matter():
    assert set(machine.vector_instructions()) <= set(machine.VECTOR_INSTRUCTIONS)


@pytest.mark.parametrize(
    ("product", "said"), [(np.multiply, "kept"), (lambda a, b: np.zeros_like(a), "flushed to zero")], ids=["IEEE 754", "flushing"]
)
def test_denormals_are_kept_or_flushed(product, said):
    assert machine.denormals(product) == said


@pytest.fixture
def tree(tmp_path):
    def git(*arguments):
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", "-C", str(tmp_path), *who, *arguments], check=True, capture_output=True)

    git("init")
    (tmp_path / "kernel.py").write_text("1")
    git("add", ".")
    git("commit", "-m", "first")
    return tmp_path


def test_a_commit_is_named_and_what_lies_beside_it_is_not_hidden(tree):
    clean = machine.commit(tree)
    (tree / "kernel.py").write_text("2")

    assert len(clean) == 12
    assert machine.commit(tree) == f"{clean} with changes"
    assert machine.commit(tree, ("elsewhere",)) == clean


def test_no_commit_outside_a_working_tree(tmp_path):
    assert machine.commit(tmp_path / "nowhere") == "unknown"
