"""The command `minirnn`: train, predict, explain, evaluate, warmup, data.

Comes in: the words of a command line. Goes out: the same job that the library does, its progress and its figures as text, and a run folder.

Everything heavy is imported inside the command that needs it, so that ``minirnn --help`` answers at once.
"""

from __future__ import annotations

import math
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from minirnn import runs
from minirnn.console import in_plain_words, say, show_table, warn
from minirnn.runs import Settings

DEFAULT = Settings()

app = typer.Typer(
    name="minirnn",
    help="Train a SimpleRNN on movie reviews, from scratch, and look at what it learned.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="Show which reviews are there and where they come from; download IMDB.", invoke_without_command=True)
app.add_typer(data_app, name="data")


class Encoding(StrEnum):
    """What `train` trains."""

    both = "both"
    onehot = "onehot"
    embedding = "embedding"


class OneEncoding(StrEnum):
    """Which model of a run is meant."""

    onehot = "onehot"
    embedding = "embedding"


class Label(StrEnum):
    """The right answer."""

    positive = "positive"
    negative = "negative"


class Backend(StrEnum):
    """What computes."""

    auto = "auto"
    numba = "numba"
    numpy = "numpy"


class Dtype(StrEnum):
    """In what numbers a model computes."""

    float32 = "float32"
    float64 = "float64"


def _positive(value: float) -> float:
    if not (math.isfinite(value) and value > 0):
        raise typer.BadParameter(f"{value} is not a finite number above 0.")
    return value


def _show_version(wanted: bool) -> None:
    if wanted:
        from minirnn import __version__

        say(f"minirnn {__version__}")
        raise typer.Exit


Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="PATH", help="imdb.npz, or a folder that holds it. Goes before MINIRNN_DATA and the caches."),
]
Debug = Annotated[bool, typer.Option("--debug", envvar="MINIRNN_DEBUG", help="Show the traceback of an error.")]
Target = Annotated[str, typer.Argument(metavar="RUN_OR_MODEL", help="A run folder that `train` left, runs/latest, or a .keras file.")]
Which = Annotated[OneEncoding | None, typer.Option("--encoding", help="Which model of the run.")]


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")] = False,
) -> None:
    pass


@app.command()
@in_plain_words
def train(
    data: Data = None,
    reviews: Annotated[bool, typer.Option("--reviews", help="Use the built-in reviews (generated, not IMDB).")] = False,
    encoding: Annotated[Encoding, typer.Option(help="Which model to train.")] = Encoding.both,
    epochs: Annotated[int, typer.Option(min=1, help="At most this many epochs.")] = DEFAULT.epochs,
    patience: Annotated[int, typer.Option(min=0, help="Stop after this many epochs without a better val_loss.")] = DEFAULT.patience,
    batch_size: Annotated[int, typer.Option(min=1, help="Reviews per update.")] = DEFAULT.batch_size,
    learning_rate: Annotated[float, typer.Option(callback=_positive, help="Of RMSprop.")] = DEFAULT.learning_rate,
    units: Annotated[int, typer.Option(min=1, help="Units of the SimpleRNN.")] = DEFAULT.units,
    embedding_dim: Annotated[int, typer.Option(min=1, help="Width of the Embedding.")] = DEFAULT.embedding_dim,
    num_words: Annotated[
        int, typer.Option(min=5, help="Size of the vocabulary: ids 0 to 3 are marks, the rest words.")
    ] = DEFAULT.num_words,
    maxlen: Annotated[int, typer.Option(min=1, help="Keep this many ids of a review, its last ones.")] = DEFAULT.maxlen,
    seed: Annotated[int, typer.Option(min=0, help="Of first weights and shuffling; the split is always the same.")] = DEFAULT.seed,
    backend: Annotated[Backend, typer.Option(help="auto: numba where it is installed.")] = Backend.auto,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="The run folder.", show_default="runs/<time>, and runs/latest points to it"),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run that --out holds.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more: where data was looked for, every checkpoint.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show only the comparison and the run folder.")] = False,
    debug: Debug = False,
) -> None:
    """Do the whole job: train a SimpleRNN on one-hot words and one on embedded words, test and compare them.

    Finds IMDB (--data, MINIRNN_DATA, minirnn's cache, Keras's cache, a download)
    or else takes the built-in reviews, and says so.

    Leaves a run folder with the histories, the best models, pictures, run.json
    and report.html.
    """
    if verbose and quiet:
        raise typer.BadParameter("--verbose and --quiet exclude each other.")
    from minirnn import corpus

    chosen = corpus.choose(data, built_in=reviews)
    if chosen.missing:
        warn(f"IMDB was not found and could not be downloaded, so these are the {chosen.name}. {corpus.HOW_TO_GET_IMDB}")
        if verbose:
            warn(chosen.missing)
    tell = (lambda line: None) if quiet else say
    tell(f"Data: {chosen.name}")
    settings = Settings(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        units=units,
        embedding_dim=embedding_dim,
        num_words=num_words,
        maxlen=maxlen,
        patience=patience,
        seed=seed,
        encoding=encoding.value,
        backend=backend.value,
    )
    from minirnn import job, preparation

    prepared = preparation.prepare(chosen, settings)
    folder = runs.new_folder(out, overwrite=overwrite)
    try:
        record = job.run(settings, chosen, prepared, folder, loudness=0 if quiet else 2 if verbose else 1, say=tell)
    except KeyboardInterrupt:
        typer.echo(f"Interrupted. {runs.what_is_left(folder)}", err=True)
        raise typer.Exit(130) from None
    finally:
        if out is None and any((folder / name).exists() for name in runs.MODEL_FILES.values()):
            runs.point_latest(folder)
    from minirnn import report

    heads, rows = report.comparison(record)
    tell("")
    show_table(f"SimpleRNN on the {chosen.name}" if chosen.path is None else f"SimpleRNN on {chosen.name}", ["", *heads], rows)
    for sentence in report.remarks(record):
        tell(sentence)
    say(f"Everything is in {folder}: open {folder / runs.REPORT}")


@app.command()
@in_plain_words
def predict(
    run: Target,
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="Reviews; - reads one a line from standard input.")] = None,
    encoding: Which = None,
    data: Data = None,
    debug: Debug = False,
) -> None:
    """Judge texts: positive or negative, and the probability of being positive.

    Of a run with two models, the one with the lower validation loss answers,
    unless --encoding names one. Words are looked up in the index of the reviews
    that the run was trained on.
    """
    given = texts or []
    if not given and sys.stdin.isatty():
        raise typer.BadParameter("give a TEXT in quotes, or - to read from standard input.")
    if "-" in given or not given:
        lines = [line.strip() for line in sys.stdin]
        at = given.index("-") if given else 0
        given = [*given[:at], *(line for line in lines if line), *given[at + 1 :]]
    if not given:
        raise typer.BadParameter("standard input holds no text.")
    from minirnn import judge

    judge.show_predictions(_chosen(run, encoding)[0], given, data)


@app.command()
@in_plain_words
def explain(
    run: Target,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The review that the page shows first.")],
    label: Annotated[Label | None, typer.Option(help="The right answer, for the loss.", show_default="the model's own")] = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The page.")] = Path("explain.html"),
    pictures: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Leave pictures of the same text there too.")] = None,
    encoding: Which = None,
    data: Data = None,
    debug: Debug = False,
) -> None:
    """Write a page that shows, word by word, how a trained network reads a text.

    One HTML file: it holds the weights, computes in the browser and asks the
    network for nothing. On it the text can be edited, and parts of the network
    switched off. Of a run with two models, the one with the lower validation
    loss is shown, unless --encoding names one.
    """
    from minirnn.explain import command

    answer = None if label is None else label.value
    command.show_explanation(_chosen(run, encoding)[0], text, label=answer, out=out, data=data, pictures=pictures)


@app.command()
@in_plain_words
def evaluate(
    run: Target = f"runs/{runs.LATEST}",
    encoding: Which = None,
    data: Data = None,
    debug: Debug = False,
) -> None:
    """Test models on the test reviews of the data that they were trained on: loss and accuracy."""
    from minirnn import judge

    judge.show_evaluation(_chosen(run, encoding), data)


def _chosen(target: str, encoding: OneEncoding | None) -> list[runs.SavedModel]:
    """Give the models meant, the best one first."""
    models = runs.find_models(target)
    if encoding is None or Path(target).is_file():
        return models
    named = [model for model in models if model.path.name == runs.MODEL_FILES[encoding.value]]
    if not named:
        raise FileNotFoundError(f"{target} holds no {runs.TITLES[encoding.value]} model, only {models[0].path.name}. Leave --encoding out.")
    return named


@app.command()
@in_plain_words
def warmup(
    dtype: Annotated[Dtype, typer.Option(help="Of the models.")] = Dtype.float32,
    units: Annotated[int, typer.Option(min=1, help="Units of the SimpleRNN.")] = DEFAULT.units,
    embedding_dim: Annotated[int, typer.Option(min=1, help="Width of the Embedding.")] = DEFAULT.embedding_dim,
    num_words: Annotated[int, typer.Option(min=5, help="Size of the vocabulary.")] = DEFAULT.num_words,
    maxlen: Annotated[int, typer.Option(min=1, help="Ids of a review.")] = DEFAULT.maxlen,
    batch_size: Annotated[int, typer.Option(min=1, help="Reviews per update.")] = DEFAULT.batch_size,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show only what is wrong.")] = False,
    debug: Debug = False,
) -> None:
    """Compile ahead what training and prediction need, and keep it for later processes.

    Kernels are kept in NUMBA_CACHE_DIR where it is set, else with the package, or
    in minirnn's cache if that cannot be written to. For an image or a read-only
    installation, run this while it is built: what is there is then only read.
    They fit one kind of processor; NUMBA_CPU_NAME=generic makes them fit all.

    Ends with exit code 1 if a kernel could not be kept.
    """
    from minirnn import warming

    ready = warming.warmup(
        dtype.value,
        units=units,
        embedding_dim=embedding_dim,
        num_words=num_words,
        maxlen=maxlen,
        batch_size=batch_size,
        verbose=0 if quiet else 1,
    )
    if any(one.path is None for one in ready):
        if quiet:
            warn(warming.why_not_kept(ready))
        raise typer.Exit(1)


@data_app.callback()
@in_plain_words
def data(context: typer.Context, data: Data = None, debug: Debug = False) -> None:
    """Show which reviews are there, where they come from and how large they are."""
    if context.invoked_subcommand is None:
        from minirnn import judge

        judge.show_data(data)


@data_app.command()
@in_plain_words
def download(debug: Debug = False) -> None:
    """Download IMDB as Keras publishes it, 19 MB, verified, into minirnn's cache."""
    from minirnn.datasets import store
    from minirnn.report import size

    for name in (store.REVIEWS, store.WORD_INDEX):
        path = store.fetch(name).path
        say(f"{name}: {path} ({size(path.stat().st_size)})")


def main() -> None:
    """Run the command."""
    app()


if __name__ == "__main__":
    main()
