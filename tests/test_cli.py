"""The command as a user meets it: the whole job, its errors, Ctrl-C, and models asked again."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from small_run import TEST, write_imdb
from typer.testing import CliRunner

from minirnn import __version__, job, runs
from minirnn.cli import app
from minirnn.corpus import Corpus
from minirnn.datasets import store

PROJECT = Path(__file__).resolve().parent.parent
OPTIONS = {"units": 3, "embedding-dim": 5, "num-words": 11, "maxlen": 7, "batch-size": 8, "backend": "numpy", "learning-rate": 0.05}
SMALL = [word for name, value in OPTIONS.items() for word in (f"--{name}", str(value))]


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    """A folder that holds a small imdb.npz and its word index."""
    return write_imdb(tmp_path_factory.mktemp("reviews"))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """An empty working folder, no reviews in any usual place, and no network."""

    def refuse(name):
        raise store.DataNotFoundError("no connection")

    monkeypatch.chdir(tmp_path)
    for name in ("MINIRNN_DATA", "MINIRNN_DEBUG", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"MINIRNN_CACHE": "cache", "KERAS_HOME": "keras", "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(store, "fetch", refuse)


@pytest.fixture(scope="module")
def trained(reviews, tmp_path_factory):
    """A run of both models: its folder, and what the command printed."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    answer = CliRunner().invoke(app, ["train", "--data", str(reviews), "--epochs", "12", "--out", str(folder), *SMALL])
    assert answer.exit_code == 0, answer.output
    return folder, answer.output


@pytest.fixture
def _no_pictures(monkeypatch):
    """Leave out the pictures and the page, which take most of the time of a small run."""
    monkeypatch.setattr(job, "leave_pictures", lambda *_: None)


def call(*words, **more):
    return CliRunner().invoke(app, [str(word) for word in words], **more)


def refused(answer, code=2):
    """Check that an answer is one message without a traceback, and give it in one line."""
    assert answer.exit_code == code, answer.output
    assert "Traceback" not in answer.output
    return re.sub(r"[\s│]+", " ", answer.output)


# --------------------------------------------------------------------------------------------------------------------------- train


def test_train_prints_the_lengths_and_ends_with_the_comparison(trained, reviews):
    folder, output = trained

    assert f"Data: IMDB, {reviews / 'imdb.npz'} (the path given)" in output
    assert "36 training, 9 validation, 30 test" in output
    assert re.search(r"Length of a training review, in ids: mean [\d.]+, median [\d.]+", output)
    assert "Epoch 2/12" in output
    table = output[output.index("SimpleRNN on IMDB") :]
    for row in (
        "parameters",
        "training input, as kept",
        "epochs",
        "best val_loss",
        "its val_accuracy",
        "test accuracy",
        "seconds of training",
    ):
        assert re.search(rf"^{row}.*\d.* \d", table, re.MULTILINE)
    assert output.rstrip().endswith(f"Everything is in {folder}: open {folder / 'report.html'}")


def test_train_says_which_epoch_it_restored(trained):
    assert trained[1].count("Restoring model weights from the end of the best epoch:") == 2


@pytest.mark.usefixtures("_no_pictures")
def test_a_run_without_a_name_gets_the_time_and_latest_points_to_it(reviews):
    answer = call("train", "--data", reviews, "--epochs", 1, "--encoding", "embedding", "--quiet", *SMALL)

    assert answer.exit_code == 0
    (folder,) = [path for path in Path("runs").iterdir() if path.name != "latest"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d-\d{6}", folder.name)
    assert Path("runs/latest").resolve() == folder.resolve()
    assert call("evaluate").exit_code == 0


@pytest.mark.usefixtures("_no_pictures")
def test_quiet_shows_the_comparison_alone(reviews):
    answer = call("train", "--data", reviews, "--epochs", 1, "--encoding", "embedding", "--quiet", "--out", "run", *SMALL)

    assert answer.output.startswith("SimpleRNN on IMDB")
    assert "Epoch" not in answer.output


@pytest.mark.usefixtures("_no_pictures")
def test_every_option_reaches_the_run(reviews):
    call("train", "--data", reviews, "--epochs", 1, "--seed", 9, "--patience", 5, "--encoding", "onehot", "--quiet", "--out", "run", *SMALL)

    assert runs.read_record(Path("run")).settings == runs.Settings(1, 8, 0.05, 3, 5, 11, 7, 5, 9, "onehot", "numpy")


def test_without_imdb_the_built_in_reviews_are_used_and_named_everywhere(reviews, monkeypatch):
    small = Corpus("imdb", reviews / "imdb.npz", "").load(11)
    monkeypatch.setattr(Corpus, "load", lambda self, num_words: small)

    answer = call("train", "--epochs", 1, "--encoding", "embedding", "--out", "run", *SMALL)

    assert answer.exit_code == 0, answer.output
    (notice,) = [line for line in answer.output.splitlines() if "not found" in line]
    assert "built-in reviews (generated, not IMDB)" in notice
    assert "minirnn data download" in notice
    assert "SimpleRNN on the built-in reviews (generated, not IMDB)" in answer.output
    assert "SimpleRNN on IMDB" not in answer.output
    page = Path("run/report.html").read_text(encoding="utf-8")
    assert "built-in reviews (generated, not IMDB)" in page
    assert runs.read_record(Path("run")).data["kind"] == "reviews"


@pytest.mark.parametrize("through", ["option", "variable"])
def test_a_wrong_place_for_the_data_is_an_error_and_no_reason_for_other_reviews(monkeypatch, through):
    monkeypatch.setenv("MINIRNN_DATA", "/gone" if through == "variable" else "")

    words = refused(call("train", *(["--data", "/gone"] if through == "option" else [])))

    assert "/gone" in words
    assert not Path("runs").exists()


def test_damaged_reviews_are_an_error_and_leave_no_folder():
    Path("imdb.npz").write_bytes(b"PK\x03\x04 not a zip")

    assert "imdb.npz" in refused(call("train", "--data", "imdb.npz"))
    assert not Path("runs").exists()


def test_a_folder_with_a_run_is_kept(trained, reviews):
    folder, _ = trained
    before = (folder / "run.json").read_bytes()

    assert "--overwrite" in refused(call("train", "--data", reviews, "--out", folder, *SMALL))

    assert (folder / "run.json").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("train --epoch 3", "--epochs"),
        ("train --leaning-rate 1", "--learning-rate"),
        ("trian", "'train'"),
        ("train --epochs 0", "'--epochs'"),
        ("train --epochs -3", "'--epochs'"),
        ("train --batch-size 0", "'--batch-size'"),
        ("train --units 2.5", "'--units'"),
        ("train --num-words 4", "'--num-words'"),
        ("train --learning-rate 0", "'--learning-rate'"),
        ("train --learning-rate nan", "'--learning-rate'"),
        ("train --learning-rate inf", "'--learning-rate'"),
        ("train --encoding onehto", "'onehot'"),
        ("train --backend cuda", "'numba'"),
        ("train --seed -1", "'--seed'"),
        ("train --quiet --verbose", "exclude each other"),
        ("train --reviews --data x", "exclude each other"),
        ("evaluate nowhere", "no such run folder"),
        ("predict nowhere text", "no such run folder"),
        ("predict", "RUN_OR_MODEL"),
        ("data --data /gone", "/gone"),
    ],
)
def test_a_mistake_is_one_clear_message(words, names):
    assert names in refused(call(*words.split()))


@pytest.mark.parametrize("how", [["--debug"], []])
def test_the_traceback_is_there_for_those_who_ask(monkeypatch, how):
    if not how:
        monkeypatch.setenv("MINIRNN_DEBUG", "1")

    answer = call("train", "--data", "/gone", *how)

    assert isinstance(answer.exception, FileNotFoundError)


def test_a_loss_that_is_not_finite_ends_with_a_message(reviews, monkeypatch):
    def diverge(*arguments):
        raise FloatingPointError("fit: the loss is nan at epoch 1, batch 2 of 5.")

    monkeypatch.setattr(job, "train", diverge)

    assert "the loss is nan" in refused(call("train", "--data", reviews, "--out", "run", *SMALL), code=1)
    assert runs.read_record(Path("run")).status == "failed"


# -------------------------------------------------------------------------------------------------------------------------- Ctrl-C


@pytest.mark.skipif(os.name == "nt", reason="a signal cannot be sent to one process there")
def test_ctrl_c_keeps_the_finished_epochs_and_the_best_weights(reviews, tmp_path):
    words = ["train", "--data", reviews, "--epochs", "1000000", "--patience", "1000000", "--out", "run", *SMALL]
    environment = os.environ | {"PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1"}
    # A shell's background jobs ignore SIGINT, and hand that on: a user's terminal does not.
    start = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); from minirnn.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", start, *map(str, words)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        for line in process.stdout:
            if line.startswith("Epoch 5/"):
                break
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    finally:
        process.kill()

    assert process.returncode == 130
    assert "Traceback" not in output + errors
    assert "\x1b[?25l" not in output  # the cursor is never hidden
    (line,) = errors.strip().splitlines()
    found = re.fullmatch(
        r"Interrupted\. In run: one-hot: (\d+) finished epochs in history-onehot\.csv, the best weights in best-simplernn-model\.keras\.",
        line,
    )
    assert int(found[1]) >= 5
    assert len(Path("run/history-onehot.csv").read_text().splitlines()) == int(found[1]) + 1
    assert runs.read_record(Path("run")).status == "interrupted"
    assert "test accuracy" in call("evaluate", "run").output


def test_ctrl_c_before_the_training_is_quiet_too(reviews, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Corpus, "load", interrupt)

    assert refused(call("train", "--data", reviews), code=130).strip().endswith("Interrupted.")


# -------------------------------------------------------------------------------------------------------- predict, evaluate, data


def test_predict_judges_every_text_by_the_words_of_its_run(trained):
    answer = call("predict", trained[0], "great great film", "awful awful film")

    assert answer.exit_code == 0, answer.output
    lines = answer.output.splitlines()
    assert re.fullmatch(r"best-(simplernn|embedding)-model\.keras \((one-hot|embedding)\), trained on IMDB", lines[0])
    first, second = (re.fullmatch(r"(positive|negative)  (0\.\d{4}) +(.*)", line) for line in lines[2:4])
    assert (first[3], second[3]) == ("great great film", "awful awful film")
    assert float(first[2]) > float(second[2])
    assert (first[1], second[1]) == ("positive", "negative")
    assert float(second[2]) < 0.5


def test_predict_says_softly_which_words_it_does_not_know(trained):
    output = call("predict", trained[0], "great, plotless film!", "xyzzy", "the film").output

    assert "(1 of 3 words are not in its vocabulary: plotless)" in output
    assert "it knows none of the words" in output
    assert output.count("       (") == 2  # and nothing of the third text


def test_predict_says_when_only_the_end_of_a_text_is_read(trained):
    assert "only the last 7 of 10 ids are read" in call("predict", trained[0], "great " * 9).output


@pytest.mark.parametrize("words", [["-"], []])
def test_predict_reads_a_text_a_line_from_standard_input(trained, words):
    answer = call("predict", trained[0], *words, input="great film\n\nawful plot\n")

    assert re.findall(r"0\.\d{4} +(.*)", answer.output) == ["great film", "awful plot"]


def test_predict_without_a_text_is_a_mistake(trained):
    assert "no text" in refused(call("predict", trained[0], input="\n"))


@pytest.mark.parametrize(("encoding", "name"), [("onehot", "simplernn"), ("embedding", "embedding")])
def test_the_model_can_be_chosen_by_its_encoding_or_by_its_file(trained, encoding, name):
    by_encoding = call("predict", trained[0], "great film", "--encoding", encoding).output
    by_file = call("predict", trained[0] / f"best-{name}-model.keras", "great film").output

    assert by_encoding.startswith(f"best-{name}-model.keras")
    assert by_encoding == by_file


def test_a_model_without_its_run_is_taken_for_one_of_imdb_and_that_is_said(trained, reviews):
    Path("alone.keras").write_bytes((trained[0] / "best-embedding-model.keras").read_bytes())

    answer = call("predict", "alone.keras", "great film", "--data", reviews)

    assert answer.exit_code == 0, answer.output
    assert "taken for a model of IMDB" in answer.output


def test_a_damaged_model_is_an_error(trained):
    Path("damaged.keras").write_bytes(b"PK\x03\x04 half a model")

    assert "damaged.keras" in refused(call("predict", "damaged.keras", "great film"))


def test_evaluate_gives_the_figures_that_train_gave(trained):
    output = call("evaluate", trained[0]).output

    assert f"Test on {TEST} reviews of IMDB, " in output
    for figures in runs.read_record(trained[0]).models.values():
        assert re.search(rf"\({figures.title}\) +{figures.test_loss:.4f} +{figures.test_accuracy:.4f}", output)


def test_evaluate_says_when_the_reviews_are_no_longer_those_of_the_run(trained, tmp_path):
    other = write_imdb(tmp_path / "other")
    with open(other / "imdb.npz", "ab") as stream:
        stream.write(b"\0" * 4)

    assert "its contents differ" in call("evaluate", trained[0], "--data", other).output


@pytest.mark.usefixtures("_no_pictures")
def test_an_encoding_that_the_run_lacks_is_an_error(reviews):
    call("train", "--data", reviews, "--epochs", 1, "--encoding", "embedding", "--quiet", "--out", "run", *SMALL)

    assert "holds no one-hot model" in refused(call("evaluate", "run", "--encoding", "onehot"))


def test_data_shows_files_origin_and_sizes(reviews):
    output = call("data", "--data", reviews).output

    assert re.search(rf"imdb\.npz: {re.escape(str(reviews / 'imdb.npz'))} \(found through the path given, [\d.]+ kB\)", output)
    assert "45 training and 30 test reviews" in output
    assert "built-in reviews (generated, not IMDB): 25,000 training and 25,000 test reviews" in output


def test_data_says_how_to_get_imdb_where_it_is_not():
    output = call("data").output

    assert "imdb.npz: not here" in output
    assert "minirnn data download" in output


def test_download_without_a_network_is_an_error_that_says_so():
    assert "no connection" in refused(call("data", "download"))


def test_download_says_where_the_files_are(monkeypatch, reviews):
    monkeypatch.setattr(store, "fetch", lambda name: store.Found(reviews / name, "download"))

    output = call("data", "download").output

    assert output.count(str(reviews)) == 2


# ---------------------------------------------------------------------------------------------------------------------------- help


def test_the_version_is_that_of_the_package():
    assert call("--version").output == f"minirnn {__version__}\n"


def test_help_names_every_option_and_its_default():
    output = call("train", "--help").output

    for name, default in {
        "epochs": 100,
        "batch-size": 64,
        "learning-rate": 0.0001,
        "units": 8,
        "embedding-dim": 16,
        "num-words": 200,
    }.items():
        assert re.search(rf"--{name} .*\[default: {default}\]", output)
    for name in ("maxlen", "patience", "seed", "encoding", "backend", "out", "overwrite", "data", "reviews", "verbose", "quiet", "debug"):
        assert f"--{name}" in output


def test_help_loads_nothing_heavy():
    heavy = "('numpy', 'numba', 'matplotlib', 'sklearn', 'h5py', 'pooch')"
    code = f"import minirnn.cli, sys; print([name for name in {heavy} if name in sys.modules])"

    answer = subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(PROJECT)}, capture_output=True, text=True)

    assert answer.stdout.strip() == "[]"
