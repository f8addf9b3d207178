"""What `minirnn explain` does: a saved model and a text in, a page out.

Comes in: a saved model, a text, perhaps its label. Goes out: the page, pictures if they are wanted, and on the terminal what the model
answers and where everything is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minirnn import job, judge, runs
from minirnn.console import say
from minirnn.explain.assembly import page, write_page
from minirnn.model import Sequential
from minirnn.report import size
from minirnn.runs import SavedModel
from minirnn.sequences import pad_sequences
from minirnn.tokens import as_input, vocabulary


def show_explanation(
    saved: SavedModel,
    text: str,
    *,
    label: str | None = None,
    out: str | os.PathLike[str] = "explain.html",
    data: str | os.PathLike[str] | None = None,
    pictures: str | os.PathLike[str] | None = None,
) -> None:
    """Write the page about what a model makes of a text, and say what it answers.

    Parameters
    ----------
    label : "positive" or "negative", the right answer; None for the model's own
    out : the page's file
    data : where the reviews are whose words the model knows
    pictures : a folder for `minirnn.plots`' pictures of the same text; None for none

    Raises
    ------
    OSError, ValueError
        The model, or the word index of its reviews, cannot be read; a page cannot compute this model; the page cannot be written.
    """
    if not text.strip():
        raise ValueError("TEXT is empty. Give a review in quotes.")
    model, reviews = judge.open_model(saved, data)
    word_index = reviews.word_index()
    untrained, note = first_weights(saved, model)
    html = page(
        model,
        text,
        word_index=word_index,
        untrained=untrained,
        label=label,
        title=saved.title,
        source=f"{'trained on' if saved.record else 'words as in'} {reviews.short_name}",
        untrained_note=note,
    )
    write_page(out, html)
    reading = judge.read_text(text, vocabulary(model), word_index)
    x = as_input(model, pad_sequences([reading.ids], maxlen=model.input_shape[1]))
    p = float(model.predict(x, verbose=0)[0, 0])
    say(f"{saved.title}: {'positive' if p > 0.5 else 'negative'}, P(positive) = {p:.4f}")
    if words := judge.remark(reading, model.input_shape[1]):
        say(f"({words})")
    say(f"The page is {Path(out)} ({size(len(html.encode()))}): open it in a browser.")
    if pictures is not None:
        written = write_pictures(Path(pictures), model, x, int(p > 0.5) if label is None else int(label == "positive"), word_index)
        say(f"The pictures are in {Path(pictures)}: {', '.join(written)}.")


def write_pictures(folder: Path, model: Sequential, x: Any, label: int, word_index: Mapping[str, int]) -> list[str]:
    """Write the pictures of one review (1,T) or (1,T,V) as PNG files, and give their names.

    Raises
    ------
    OSError
        The folder cannot be made, or a file not be written.
    """
    from minirnn import plots  # here because matplotlib takes 0.4 s to import
    from minirnn.tracing import trace

    if model.loss is None:
        model.compile(loss="binary_crossentropy")
    found = trace(model, x, label, word_index=word_index)
    drawn = {
        "saliency": plots.saliency_picture(found),
        "probability": plots.probability_picture(found),
        "states": plots.states_picture(found),
        "saturation": plots.saturation_picture(found),
        "gradient": plots.gradient_picture(found),
        "contributions": plots.contributions_picture(found),
        "vectors": plots.vectors_picture(model, word_index),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in drawn.items():
        plots.save_png(picture, folder / f"{name}.png")
    return [f"{name}.png" for name in drawn]


def first_weights(saved: SavedModel, model: Sequential) -> tuple[Sequential | None, str]:
    """Give the model as its own run began it, and where these weights come from; None when no run is known to have made it.

    A run's seed gives its first weights bit by bit, so they need not have been kept.
    """
    encoding = next((encoding for encoding, name in runs.MODEL_FILES.items() if name == saved.path.name), None)
    if saved.record is None or encoding is None:
        return None, ""
    settings = saved.record.settings
    untrained = job.build(encoding, settings)
    if [weight.shape for weight in untrained.weights] != [weight.shape for weight in model.weights]:
        return None, ""
    return untrained, f"the weights that this very run began with, drawn from its seed, {settings.seed}"
