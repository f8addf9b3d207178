r"""The page: skeleton, style, scripts and payload in one HTML text.

Comes in: a model and what is to be said about it. Goes out: HTML that a browser opens from disk, without network or server.

Its Content-Security-Policy lets nothing be fetched and nothing run but the scripts whose hashes it names. What comes from outside, the text
above all, stands in the JSON alone, where ``<`` is written as ``\u003c``; the scripts put it on the page as text, never as markup.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from html import escape
from importlib import resources
from typing import Any

from minirnn.datasets import imdb
from minirnn.explain.payload import BUDGET, check_model, payload
from minirnn.files import atomic_write
from minirnn.model import Sequential
from minirnn.tokens import vocabulary

_COMPUTING = ("algebra.js", "weights.js", "network.js", "words.js")
_SHOWING = ("view.js", "findings.js", "text.js", "formula.js", "plots.js", "gradient.js", "controls.js", "page.js")
SCRIPTS = (*_COMPUTING, *_SHOWING)
"""In the order in which they run."""


def page(
    model: Sequential,
    text: str,
    *,
    word_index: Mapping[str, int] | None = None,
    untrained: Sequential | None = None,
    label: str | None = None,
    title: str = "",
    source: str = "",
    untrained_note: str = "",
) -> str:
    """Give the page about what a model makes of a text.

    Parameters
    ----------
    model : of Embedding or one-hot input, SimpleRNN, Bidirectional, Dropout and Dense, that ends in one sigmoid
    text : what the page shows first; its reader can edit it
    word_index : word -> rank; IMDB's when left out
    untrained : the same architecture with the weights it began with; a fresh one, of seed 0, when left out
    label : "positive" or "negative", the right answer; None for the model's own
    title : what the model is called
    source : which reviews its words come from
    untrained_note : where the first weights come from

    Returns
    -------
    str
        HTML of less than 2 MB.

    Raises
    ------
    ValueError
        A page cannot compute this model, or `label` is neither word.
    TypeError
        `text` is not a str.

    Examples
    --------
    >>> from minirnn import Input, Sequential, layers
    >>> model = Sequential([Input((5,)), layers.Embedding(9, 2), layers.SimpleRNN(3), layers.Dense(1, activation="sigmoid")])
    >>> html = page(model, "not bad", word_index={"not": 1, "bad": 2})
    >>> html.startswith("<!DOCTYPE html>"), "http://" in html
    (True, False)
    """
    check_model(model)
    if label not in (None, "positive", "negative"):
        raise ValueError(f"explain: label must be 'positive' or 'negative', received {label!r}. Leave it out for the model's own answer.")
    words = imdb.get_word_index() if word_index is None else word_index
    ids = imdb.encode(text, vocabulary(model), word_index=words)
    if untrained is None:
        untrained, untrained_note = fresh(model), "fresh weights drawn with seed 0, because the first ones of this model are not known"
    elif [weight.shape for weight in untrained.weights] != [weight.shape for weight in model.weights]:
        raise ValueError("explain: the untrained model must have the trained one's weights in number and shape. Build both alike.")
    skeleton, style = _asset("page.html"), _asset("page.css")
    scripts = [_asset(name) for name in SCRIPTS]
    about: dict[str, Any] = {
        "text": text,
        "label": label,
        "title": title or model.name,
        "source": source,
        "untrainedNote": untrained_note,
        "parameters": model.count_params(),
    }
    around = sum(len(part.encode()) for part in (skeleton, style, *scripts)) + len(_json(about)) + 2000
    about["model"] = payload(model, untrained, words, ids, BUDGET - around)
    replacements = {
        "policy": _policy(style, scripts),
        "title": escape(title or model.name),
        "style": style,
        "payload": _json(about),
        "scripts": "".join(f"<script>{script}</script>\n" for script in scripts),
    }
    # One pass over the skeleton, so that nothing put in is searched again.
    parts = skeleton.split("@@")
    return "".join(replacements[part] if place % 2 else part for place, part in enumerate(parts))


def write_page(path: str | os.PathLike[str], html: str) -> None:
    """Write a page, whole or not at all.

    Raises
    ------
    OSError
        It cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/page.html"
    >>> write_page(path, "<!doctype html>")
    >>> os.path.getsize(path)
    15
    """
    with atomic_write(path, "w", newline="") as stream:
        stream.write(html)


def fresh(model: Sequential) -> Sequential:
    """Give a model of the same architecture with first weights drawn by its own initializers from seed 0."""
    from minirnn.saving.architecture import read_architecture, write_architecture

    made = read_architecture(write_architecture(model), {}, "explain")
    layers: list[Any] = [made.input_layer] * (made.input_layer is not None) + list(made.layers)
    return Sequential(layers, dtype=made.dtype.name, seed=0)


def _asset(name: str) -> str:
    return resources.files("minirnn.explain").joinpath("assets", name).read_text(encoding="utf-8")


def _json(value: Any) -> str:
    """Write JSON that can stand inside a script element: ASCII, and without a ``<``."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def _policy(style: str, scripts: list[str]) -> str:
    def allowed(contents: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(contents.encode()).digest()).decode()}'"

    listed = " ".join(map(allowed, scripts))
    return f"default-src 'none'; script-src {listed}; style-src {allowed(style)}; img-src data:; base-uri 'none'; form-action 'none'"
