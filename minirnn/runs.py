"""A run on disk: its folder, its settings and figures in ``run.json``, and the way back to its models.

Comes in: settings and figures. Goes out: files, and what they say when they are read again. A run folder holds::

    run.json                       all settings, the data's origin, versions, seeds, figures; status: running, finished, interrupted, failed
    history-<encoding>.csv         loss and accuracy of every finished epoch, counted from 0 as Keras does
    inspector-<encoding>.npz       what the Inspector recorded: a figure an epoch under each name, and the weights of some epochs
    best-...-model.keras           the model of the epoch with the lowest val_loss
    *.png, report.html             pictures, and the page that holds it all

``run.json`` is written when the run begins and again after each model, so a run that was interrupted can be read too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from minirnn.files import atomic_write

RECORD = "run.json"
LATEST = "latest"
ENCODINGS = ("onehot", "embedding")
TITLES = {"onehot": "one-hot", "embedding": "embedding"}
MODEL_FILES = {"onehot": "best-simplernn-model.keras", "embedding": "best-embedding-model.keras"}
HISTORY_FILES = {"onehot": "history-onehot.csv", "embedding": "history-embedding.csv"}
INSPECTOR_FILES = {"onehot": "inspector-onehot.npz", "embedding": "inspector-embedding.npz"}
PICTURE_FILES = ("lengths.png", "loss.png", "accuracy.png", "reach.png", "words.png")
REPORT = "report.html"


@dataclass(frozen=True)
class Settings:
    """What a run is asked to do.

    Attributes
    ----------
    epochs, batch_size, learning_rate, patience : of the training; RMSprop, early stopping on val_loss.
    units : H, of the SimpleRNN.
    embedding_dim : E, of the Embedding.
    num_words : V; ids are 0..V-1.
    maxlen : T, ids of a review that are kept: its last ones.
    seed : of first weights and shuffling.
    encoding : "onehot", "embedding", or "both".
    backend : "numba", "numpy", or "auto": numba where it is installed.
    """

    epochs: int = 100
    batch_size: int = 64
    learning_rate: float = 1e-4
    units: int = 8
    embedding_dim: int = 16
    num_words: int = 200
    maxlen: int = 100
    patience: int = 3
    seed: int = 42
    encoding: str = "both"
    backend: str = "auto"

    @property
    def encodings(self) -> tuple[str, ...]:
        """The encodings to train, in order."""
        return ENCODINGS if self.encoding == "both" else (self.encoding,)


@dataclass(frozen=True)
class Outcome:
    """The figures of one trained model.

    Attributes
    ----------
    encoding : "onehot" or "embedding".
    parameters : number of weights.
    input_bytes, input_bytes_dense : bytes of the training input as it is kept, and as the array that the encoding stands for (float32).
    epochs, best_epoch : epochs trained, and the one whose weights were restored, counted from 1.
    stopped_early : whether patience ran out before the epochs did.
    val_loss, val_accuracy : of the restored epoch. Losses in nats.
    test_loss, test_accuracy : of the restored weights on the test set.
    seconds : wall time of the training, with validation and checkpoints.
    epoch_seconds : wall time of each epoch, with validation; the first one of a process may compile.
    """

    encoding: str
    parameters: int
    input_bytes: int
    input_bytes_dense: int
    epochs: int
    best_epoch: int
    stopped_early: bool
    val_loss: float
    val_accuracy: float
    test_loss: float
    test_accuracy: float
    seconds: float
    epoch_seconds: list[float]

    @property
    def title(self) -> str:
        """The encoding's name for people."""
        return TITLES[self.encoding]


@dataclass
class Record:
    """All that a run says about itself; ``run.json`` is this as JSON.

    Attributes
    ----------
    settings : what was asked.
    data : kind, name, path, origin, sha256 and the numbers of reviews.
    lengths : statistics of the training reviews, in ids.
    seeds, versions, machine : what is needed to repeat it.
    started : local time, ISO 8601.
    status : "running", "finished", "interrupted" or "failed".
    models : per encoding the figures, once its model is trained.
    """

    settings: Settings
    data: dict[str, Any]
    lengths: dict[str, float]
    seeds: dict[str, int]
    versions: dict[str, str]
    machine: dict[str, Any]
    started: str
    status: str = "running"
    models: dict[str, Outcome] = field(default_factory=dict)


def new_folder(out: str | os.PathLike[str] | None = None, *, overwrite: bool = False) -> Path:
    """Make the folder of a run.

    Parameters
    ----------
    out : the folder; None for a new one in ``runs``, named by the time.
    overwrite : take a folder that holds a run already; the files of that run are removed, others stay.

    Raises
    ------
    FileExistsError
        `out` is a file, or holds a run already.
    OSError
        The folder cannot be made.
    """
    if out is not None:
        folder = Path(out).expanduser()
        if folder.exists() and not folder.is_dir():
            raise FileExistsError(f"--out {folder} is a file. Name a folder.")
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / RECORD).exists() and not overwrite:
            raise FileExistsError(f"--out {folder} holds a run already. Name another folder, or add --overwrite to replace it.")
        for name in (RECORD, *MODEL_FILES.values(), *HISTORY_FILES.values(), *INSPECTOR_FILES.values(), *PICTURE_FILES, REPORT):
            (folder / name).unlink(missing_ok=True)
        return folder
    stamp = datetime.now().strftime("%Y-%m-%d-%H%M%S")
    for n in range(1, 1000):
        folder = Path("runs", stamp if n == 1 else f"{stamp}-{n}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise FileExistsError(f"runs: a thousand runs began at {stamp}. Name a folder with --out.")


def point_latest(folder: Path) -> None:
    """Make ``latest``, beside the run folder, mean this run: a symbolic link, or a text file where links are not possible."""
    latest = folder.parent / LATEST
    if latest.exists() and not latest.is_symlink() and not latest.is_file():
        return  # a folder of the user's own
    latest.unlink(missing_ok=True)
    try:
        latest.symlink_to(folder.name, target_is_directory=True)
    except OSError:
        with atomic_write(latest, "w") as stream:
            stream.write(folder.name + "\n")


def write_record(folder: Path, record: Record) -> None:
    """Write ``run.json``."""
    with atomic_write(folder / RECORD, "w") as stream:
        json.dump(asdict(record), stream, indent=2, ensure_ascii=False)
        stream.write("\n")


def write_figures(path: Path, figures: Mapping[str, Any]) -> None:
    """Write arrays under their names, whole or not at all; ``np.load`` reads them, and needs no pickle to."""
    import numpy as np  # here because the command's help needs none

    with atomic_write(path) as stream:
        np.savez(stream, **figures)


def read_record(folder: Path) -> Record:
    """Read ``run.json``.

    Raises
    ------
    OSError
        It is not there.
    ValueError
        It is not what `write_record` writes.
    """
    path = folder / RECORD
    try:
        contents = json.loads(path.read_text(encoding="utf-8"))
        contents["settings"] = Settings(**contents["settings"])
        contents["models"] = {encoding: Outcome(**figures) for encoding, figures in contents["models"].items()}
        record = Record(**contents)
        if not isinstance(record.data, dict) or not set(record.models) <= set(ENCODINGS):
            raise ValueError("data or models are not what they should be")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path}: not the record of a run ({error}). Name a model file of the folder instead.") from None
    return record


@dataclass(frozen=True)
class SavedModel:
    """A model file and, when it lies in a run folder, the run's record."""

    path: Path
    record: Record | None

    @property
    def title(self) -> str:
        """The file's name, and the encoding it holds when that is known."""
        known = {name: TITLES[encoding] for encoding, name in MODEL_FILES.items()}
        return f"{self.path.name} ({known[self.path.name]})" if self.path.name in known else self.path.name


def find_models(target: str | os.PathLike[str]) -> list[SavedModel]:
    """Find the models of a run folder, or the one model of a file; the one with the lowest val_loss is first.

    Parameters
    ----------
    target : a run folder, ``latest``, or a ``.keras`` file.

    Raises
    ------
    FileNotFoundError
        Nothing is there, or the folder holds no model.
    ValueError
        The folder's ``run.json`` is damaged.
    """
    place = Path(target).expanduser()
    if place.name == LATEST and place.is_file():
        place = place.parent / place.read_text(encoding="utf-8").strip()
    if place.is_file():
        record = read_record(place.parent) if (place.parent / RECORD).is_file() else None
        return [SavedModel(place, record)]
    if not place.is_dir():
        raise FileNotFoundError(f"{place}: no such run folder or model file. `minirnn train` makes one and says where.")
    record = read_record(place) if (place / RECORD).is_file() else None
    present = [encoding for encoding, name in MODEL_FILES.items() if (place / name).is_file()]
    if not present:
        why = "the run ended before its first epoch did" if record else "it is not a run folder"
        raise FileNotFoundError(f"{place} holds no model: {why}. Name a folder that `minirnn train` left, or a .keras file.")
    if record is not None:
        # A model without figures was interrupted: it is best known to be unknown, so it comes last.
        present.sort(key=lambda encoding: record.models[encoding].val_loss if encoding in record.models else float("inf"))
    return [SavedModel(place / MODEL_FILES[encoding], record) for encoding in present]


def what_is_left(folder: Path) -> str:
    """Say in one line what an interrupted run leaves: finished epochs, the best weights so far, and whether only the report is missing."""
    left = []
    for encoding in ENCODINGS:
        history, model = folder / HISTORY_FILES[encoding], folder / MODEL_FILES[encoding]
        if model.is_file():
            with open(history, encoding="utf-8") as stream:
                epochs = sum(1 for line in stream if line.strip()) - 1
            left.append(
                f"{TITLES[encoding]}: {epochs} finished epoch{'s' * (epochs != 1)} in {history.name}, the best weights in {model.name}"
            )
    if not left:
        return f"No epoch was finished; {folder} holds {RECORD} alone."
    record = read_record(folder)
    trained = set(record.models) == set(record.settings.encodings)
    return f"In {folder}: {'; '.join(left)}." + " The training was done and the models tested; only the report is missing." * trained
