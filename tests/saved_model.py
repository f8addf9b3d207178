"""A good file to damage: its members, and a way to write it with some of them changed."""

import functools
import tempfile
import zipfile
from pathlib import Path

import pytest

import minirnn
from minirnn import layers, saving

V, E, H, T = 11, 4, 6, 5


def make():
    stack = [
        layers.Input((T,)),
        layers.Embedding(V, E, name="words"),
        layers.SimpleRNN(H, name="rnn"),
        layers.Dropout(0.3, name="drop"),
        layers.Dense(1, "sigmoid", name="head"),
    ]
    model = minirnn.Sequential(stack, seed=3, name="a_model")
    model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
    return model


@functools.cache
def members():
    """The members of a good file by name, and under "whole" the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        make().save(path)
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()} | {"whole": path.read_bytes()}


def put(folder, compression=zipfile.ZIP_STORED, **others):
    """Write the good file with some members (metadata, config, model) replaced, or None to leave one out; give its path."""
    path = folder / "model.keras"
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name in ("metadata.json", "config.json", "model.weights.h5"):
            contents = others.get(name.split(".")[0], members()[name])
            if contents is not None:
                archive.writestr(name, contents)
    return path


def refused(path, message):
    with pytest.raises(saving.FormatError, match=message) as caught:
        saving.load_model(path)
    assert str(caught.value).startswith(f"load_model: {str(path)!r}: ")
