"""The seed's checkpoints, best-simplernn-model.keras and best-embedding-model.keras: what either program writes, the other uses."""

import numpy as np
import pytest
from keras_process import OLDEST
from small_run import write_imdb
from typer.testing import CliRunner

from minirnn import job, saving, tokens
from minirnn.cli import app
from minirnn.corpus import Corpus
from minirnn.preparation import prepare
from minirnn.runs import MODEL_FILES, Settings

pytest.importorskip("h5py")
pytestmark = pytest.mark.usefixtures("minirnn_alone")

KERAS = ["installed on tensorflow", f"{OLDEST} on tensorflow"]
SIZES = {"units": 3, "embedding_dim": 5, "num_words": 11, "maxlen": 7, "batch_size": 8, "learning_rate": 0.05, "epochs": 3}
WORDS = [word for name, value in SIZES.items() for word in (f"--{name.replace('_', '-')}", str(value))]


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    return write_imdb(tmp_path_factory.mktemp("reviews"))


@pytest.fixture(scope="module")
def run(reviews, tmp_path_factory):
    """The folder of a run of both models, without pictures."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "leave_pictures", lambda *_: None)
        call("train", "--data", reviews, "--out", folder, *WORDS)
    return folder


@pytest.fixture(scope="module")
def prepared(reviews):
    """The reviews as the job prepares them: padded, and split as the seed does it."""
    return prepare(Corpus("imdb", reviews / "imdb.npz"), Settings(**SIZES))


def call(*words):
    answer = CliRunner().invoke(app, [str(word) for word in words])
    assert answer.exit_code == 0, answer.output
    return answer.output


@pytest.mark.parametrize("encoding", MODEL_FILES)
@pytest.mark.parametrize("which", KERAS)
def test_keras_uses_the_checkpoint_that_the_command_left(processes, run, prepared, which, encoding):
    path = run / MODEL_FILES[encoding]
    ids, labels = prepared.validation

    probs, figures, before, after = processes(which)("open_checkpoint", path=str(path), x=ids, y=labels)

    model = saving.load_model(path)
    x = tokens.as_input(model, ids)
    np.testing.assert_allclose(probs, model.predict(x, verbose=0), rtol=0, atol=1e-6)
    np.testing.assert_allclose(figures, model.evaluate(x, labels, verbose=0), rtol=1e-6)
    assert before == model.optimizer.iterations > 0
    assert after == before + -(-len(labels) // 8)


@pytest.mark.parametrize("encoding", MODEL_FILES)
@pytest.mark.parametrize("which", KERAS)
def test_the_command_uses_the_checkpoint_that_the_seed_left(processes, tmp_path, reviews, prepared, which, encoding):
    path, parts = tmp_path / MODEL_FILES[encoding], {}
    for part in ("train", "validation"):
        name = part[:5] if part == "train" else "val"
        parts[f"{name}_input"], parts[f"{name}_target"] = getattr(prepared, part)
    dim = None if encoding == "onehot" else SIZES["embedding_dim"]

    best, probs = processes(which)("seed", path=str(path), units=SIZES["units"], embedding_dim=dim, **parts)

    model, (ids, labels) = saving.load_model(path), prepared.validation
    x = tokens.as_input(model, ids)
    np.testing.assert_allclose(model.predict(x, verbose=0), probs, rtol=0, atol=1e-6)
    assert model.evaluate(x, labels, verbose=0)[0] == pytest.approx(best, rel=1e-6)
    before = model.optimizer.iterations
    model.fit(x, labels, batch_size=8, verbose=0)
    assert model.optimizer.iterations > before > 0
    assert "test accuracy" in call("evaluate", path, "--data", reviews)
    assert "P(positive)" in call("predict", path, "the plot was great", "--data", reviews)
