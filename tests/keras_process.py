"""Keras in a process of its own, so that the test's process has minirnn alone."""

import os
import pickle
import subprocess
import sys
import tempfile
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

OLDEST = "3.8.0"
"""The first Keras that pyproject.toml names."""


class KerasProcess:
    """Calls of ``keras_jobs`` in another process, which lives until `close`.

    Parameters
    ----------
    backend : Keras's
    folder : where another Keras is installed; None for the installed one
    """

    def __init__(self, backend, folder=None):
        paths = [*([str(folder)] if folder else []), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": os.pathsep.join(paths)}
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (until close)
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("keras_jobs.py"))],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )

    def __call__(self, job, **arguments):
        """Have a job done; RuntimeError with Keras's own words when it cannot be."""
        try:
            pickle.dump((job, arguments), self._process.stdin)
            self._process.stdin.flush()
            done, answer = pickle.load(self._process.stdout)
        except (EOFError, BrokenPipeError):
            self._errors.seek(0)
            raise RuntimeError(f"Keras's process ended: {self._errors.read()[-2000:].decode(errors='replace')}") from None
        if not done:
            raise RuntimeError(f"{job} failed in Keras: {answer}")
        return answer

    def close(self):
        self._process.kill()  # it has answered everything, and TensorFlow takes its time to leave
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
        self._errors.close()


def start(which, folder):
    """Start the Keras that a test asks for, "3.8.0 on tensorflow" or "installed on jax"; skip where there is none.

    Parameters
    ----------
    which : version and backend
    folder : where an older version is installed to
    """
    version, backend = which.split(" on ")
    for package in ("keras", backend):
        if PathFinder.find_spec(package) is None:  # which looks on the disk, whatever a test has hidden
            pytest.skip(f"{package} is not installed")
    if version == "installed":
        keras = KerasProcess(backend)
    else:
        _install(version, folder)
        keras = KerasProcess(backend, folder)
    try:
        found = keras("versions")
    except RuntimeError as error:
        if version == "installed":
            raise
        pytest.skip(f"Keras {version} does not run beside what is installed: {str(error).splitlines()[-1]}")
    assert found["backend"] == backend
    assert version in ("installed", found["keras"])
    return keras


def _install(version, folder):
    """Install a Keras beside the installed one, whose dependencies it shares."""
    options = ["--quiet", "--no-deps", "--no-compile", "--no-input", "--disable-pip-version-check", "--retries", "0", "--timeout", "10"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(folder), f"keras=={version}"]
    try:
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=90)
    except subprocess.TimeoutExpired:
        pytest.skip(f"Keras {version} could not be installed within 90 s")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"Keras {version} cannot be installed here: {(error.stderr.strip() or 'pip failed').splitlines()[-1]}")
