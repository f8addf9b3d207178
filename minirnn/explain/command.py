"""What `minirnn explain` does: a saved model and a text in, a page out.

Comes in: a saved model, a text, perhaps its label. Goes out: the page, and on the terminal what the model answers and where the page is.
"""

from __future__ import annotations

import os
from pathlib import Path

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
) -> None:
    """Write the page about what a model makes of a text, and say what it answers.

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
    ids = pad_sequences([reading.ids], maxlen=model.input_shape[1])
    p = float(model.predict(as_input(model, ids), verbose=0)[0, 0])
    say(f"{saved.title}: {'positive' if p > 0.5 else 'negative'}, P(positive) = {p:.4f}")
    if words := judge.remark(reading, model.input_shape[1]):
        say(f"({words})")
    say(f"The page is {Path(out)} ({size(len(html.encode()))}): open it in a browser.")


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
