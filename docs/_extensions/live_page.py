"""The interactive page in the built site, on the model that the course trains: for readers who have nothing installed.

Comes in: a site that is built. Goes out: ``explain.html`` beside its first page, as `minirnn explain` writes it; that page and the course's
tenth link to it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

NAME = "explain.html"
TEXT = "not bad at all, I expected to be bored and loved every minute"


def write(app: Any, failed: Exception | None) -> None:
    """Train the course's embedding model once more, and write the page about it."""
    if failed is not None or app.builder.format != "html":
        return
    import course

    from minirnn import explain, job
    from minirnn.preparation import prepare
    from minirnn.runs import Settings

    reviews = course.reviews()
    model, _ = course.trained("embedding", prepare(reviews, Settings()))
    html = explain.page(
        model,
        TEXT,
        word_index=reviews.word_index(),
        untrained=job.build("embedding", Settings()),
        label="positive",
        title="the course's embedding model",
        source=f"trained on {reviews.short_name}",
        untrained_note=f"the weights that its training began with, drawn from its seed, {Settings().seed}",
    )
    explain.write_page(Path(app.outdir) / NAME, html)


def setup(app: Any) -> dict[str, Any]:
    """Have the page written when all others are."""
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
