"""The words' vectors in two dimensions: an Embedding's rows, or what a one-hot model's rows of Wx add to z.

Comes in: a model and the index of its words. Goes out: a `Picture`.

    X = vectors - their mean        X = U S Vᵀ        places = U S, its first two columns        share of variance = s² / Σ s²

The colour of a word is what it does alone: the model's probability of "positive" for a review of that one word, minus the probability
for a review of none. Both are the model's own predictions, padded in front to its T.

Source: K. Pearson, 1901, for the projection; H. Mann and D. Whitney, 1947, for whether two groups of words differ by more than chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from minirnn.layers import Bidirectional, Embedding, SimpleRNN
from minirnn.one_hot import OneHot
from minirnn.plots.labels import place_labels
from minirnn.plots.picture import INK, MUTED, PAPER, Heights, Picture, legend
from minirnn.plots.saliency import measure
from minirnn.plots.sentiment import NEGATIVE_WORDS, POSITIVE_WORDS
from minirnn.plots.signed import signed_colors
from minirnn.plots.steps import count, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INDEX_FROM = 3
"""The id of a word is its rank + 3, in IMDB and in the built-in reviews; lower ids are marks."""

LABELS = 12
"""Words of each list that are labelled; in a narrow picture half as many."""

SIZE = 10.0

CERTAIN = 0.05
"""Two groups are called apart where chance alone would part them so far less often than this."""

MOST = 20_000
"""Words up to which each is given to the model by itself."""


def vectors_picture(model: Any, word_index: Mapping[str, int]) -> Picture:
    r"""Draw where the words' vectors lie, in the two directions in which they differ most.

    Parameters
    ----------
    model : a built Sequential whose first layer with weights is an Embedding, or a SimpleRNN that reads one-hot input
    word_index : word to rank, as ``minirnn.datasets.imdb.get_word_index`` gives it

    Raises
    ------
    ValueError
        The model looks nothing up, or knows fewer than three words of the index.

    Examples
    --------
    >>> import minirnn
    >>> from minirnn.layers import Dense, Embedding, Input, SimpleRNN
    >>> model = minirnn.Sequential([Input((4,)), Embedding(9, 3), SimpleRNN(5), Dense(1, "sigmoid")], seed=1)
    >>> vectors_picture(model, {"good": 1, "bad": 2, "great": 3, "film": 4}).title
    'Positive words lie further right than negative ones in 100\xa0% of the pairs; with 2 and 1 words that may be chance'
    """
    what, vectors = word_vectors(model)
    V = len(vectors)
    words = {rank + INDEX_FROM: word for word, rank in word_index.items() if INDEX_FROM < rank + INDEX_FROM < V}
    if len(words) < 3:
        raise ValueError(
            f"vectors_picture: the model has {V} ids, and {len(words)} of them are words of word_index; at least 3 are needed."
        )
    ids = np.array(sorted(words))
    places, shares = principal(vectors[ids])
    rows = {words[int(one)]: row for row, one in enumerate(ids)}
    good, bad = ([word for word in group if word in rows] for group in (POSITIVE_WORDS, NEGATIVE_WORDS))
    if good and bad and places[[rows[word] for word in good], 0].mean() < places[[rows[word] for word in bad], 0].mean():
        places[:, 0] *= -1  # a direction has no sign of its own: positive words are put to the right
    effect = effect_alone(model, ids)

    def paint(axes: Axes, narrow: bool) -> None:
        largest = 1.0 if effect is None else max(float(np.abs(effect).max()), 1e-12)
        colors: Any = {"color": MUTED} if effect is None else {"c": effect, "cmap": signed_colors(), "vmin": -largest, "vmax": largest}
        many = len(ids) > 1000
        dots = axes.scatter(
            places[:, 0], places[:, 1], s=7 if many else 22, edgecolors=MUTED, linewidths=0.15 if many else 0.4, rasterized=many, **colors
        )
        axes.set_aspect("equal", adjustable="datalim")
        axes.margins(0.08)
        for name, share, label in (("x", shares[0], "first"), ("y", shares[1], "second")):
            getattr(axes, f"set_{name}label")(f"{label} direction ({share:.0%} of the variance)".replace("%", "\N{NO-BREAK SPACE}%"))
        named = [
            (group[: LABELS // 2 if narrow else LABELS], mark, label)
            for group, mark, label in ((good, "^", "positive word"), (bad, "v", "negative word"))
        ]
        for group, mark, label in named:
            if group:
                chosen = [rows[word] for word in group]
                shade: Any = (
                    {"color": INK} if effect is None else {"c": effect[chosen], "cmap": signed_colors(), "vmin": -largest, "vmax": largest}
                )
                axes.scatter(places[chosen, 0], places[chosen, 1], s=60, marker=mark, edgecolors=INK, linewidths=1.1, zorder=3, **shade)
                axes.plot([], [], linestyle="none", marker=mark, markersize=8, color=INK, markerfacecolor="none", label=label)
        figure = axes.get_figure(root=True)
        assert figure is not None
        if effect is not None:
            where: Any = {"location": "bottom", "aspect": 40, "pad": 0.02} if narrow else {"aspect": 30, "pad": 0.02}
            said = "change of the probability\nby the word alone" if narrow else "change of the probability by the word alone"
            bar = figure.colorbar(dots, ax=axes, label=said, **where)
            bar.outline.set_visible(False)  # type: ignore[operator]
        if good or bad:
            legend(axes, 2)
        _label(axes, [word for group, _, _ in named for word in group], rows, places)

    title = vectors_title(places, [rows[word] for word in good], [rows[word] for word in bad], shares)
    size = f"{len(ids)} words' vectors of {count(vectors.shape[1], 'number')}"
    said = f"Scatter plot of {size} ({what}) in two directions that hold {shares[0] + shares[1]:.0%} of their variance. {title}."
    if effect is not None:
        ranked = np.argsort(effect)
        up, down = (", ".join(f"{words[int(ids[k])]} {effect[k]:+.2f}" for k in some) for some in (ranked[::-1][:5], ranked[:5]))
        said += f" Alone, these raise the probability most: {up}; these lower it most: {down}."
    source = f"model “{model.name}”, {what}, {count(len(ids), 'word')}"
    return Picture(title, f"{said} Data: {source}.", source, paint, Heights(6.0, 5.6, 5.4))


def word_vectors(model: Any) -> tuple[str, np.ndarray]:
    """Give the vectors (V,...) that a model looks up for its ids, float64, and what they are.

    Raises
    ------
    ValueError
        Its first layer with weights is neither an Embedding nor a recurrent layer.
    """
    first = next((layer for layer in model.layers if len(layer.weights)), None)
    if isinstance(first, Embedding):
        return f"rows of {first.name}", first.get_weights()[0].astype(float)
    if isinstance(first, SimpleRNN):
        return f"rows of Wx of {first.name}", first.get_weights()[0].astype(float)
    if isinstance(first, Bidirectional):
        tables = [part.get_weights()[0].astype(float) for part in first.parts]
        return f"rows of Wx of {first.name}, both ways", np.concatenate(tables, axis=1)
    kind = "no layer with weights" if first is None else type(first).__name__
    raise ValueError(f"vectors_picture: the model's words have no vectors: it begins with {kind}. It needs an Embedding, or a SimpleRNN.")


def principal(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Project vectors (N,E) to the two directions in which they differ most.

    Returns
    -------
    places (N,2), shares (2,)
        Shares of the variance; the second is 0 where there is one direction only.

    Examples
    --------
    >>> places, shares = principal(np.array([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]]))
    >>> np.abs(places).round(6).tolist(), shares.round(6).tolist()
    ([[5.0, 0.0], [0.0, 0.0], [5.0, 0.0]], [1.0, 0.0])
    """
    N, E = vectors.shape
    padded = np.zeros((N, max(E, 2)))
    padded[:, :E] = vectors - vectors.mean(axis=0)
    U, S, Vt = np.linalg.svd(padded, full_matrices=False)
    largest = np.abs(Vt).argmax(axis=1)
    signs = np.sign(Vt[np.arange(len(Vt)), largest])  # the same picture from every LAPACK
    variance = S**2 / max(float((S**2).sum()), np.finfo(float).tiny)
    return (U * S * signs)[:, :2], variance[:2]


def effect_alone(model: Any, ids: np.ndarray) -> np.ndarray | None:
    """Give what each word alone does to the probability of "positive", compared with no word at all.

    Returns
    -------
    (len(ids),) float64, or None
        None where the model has no single sigmoid output, carries states from one call to the next, or has too many words.
    """
    last = model.layers[-1]
    code = getattr(getattr(last, "activation", None), "__name__", getattr(last, "activation", None))
    if model.output_shape[-1] != 1 or len(model.output_shape) != 2 or code != "sigmoid" or len(ids) > MOST:
        return None
    if any(getattr(layer, "stateful", False) for layer in model.layers):
        return None
    T = model.input_shape[1] or 1
    texts = np.zeros((len(ids) + 1, T), np.int32)
    texts[1:, -1] = ids
    one_hot = not any(isinstance(layer, Embedding) for layer in model.layers)
    probs = model.predict(OneHot(texts, model.input_shape[-1]) if one_hot else texts, verbose=0)[:, 0].astype(float)
    return probs[1:] - probs[0]


def vectors_title(places: np.ndarray, good: list[int], bad: list[int], shares: np.ndarray) -> str:
    """Say whether the first direction tells positive words from negative ones.

    Parameters
    ----------
    places (N,2), shares (2,) : of all words
    good, bad : rows of the words of each list
    """
    plane = f"{shares.sum():.0%}".replace("%", "\N{NO-BREAK SPACE}%")
    if not good or not bad:
        return f"Two directions hold {plane} of what tells the {count(len(places), 'word')} apart"
    from scipy.stats import mannwhitneyu  # here because it takes 0.3 s to import

    test = mannwhitneyu(places[good, 0], places[bad, 0])
    pairs = f"{test.statistic / (len(good) * len(bad)):.0%}".replace("%", "\N{NO-BREAK SPACE}%")
    if test.pvalue < CERTAIN:
        return f"The first direction tells positive words from negative ones: in {pairs} of the pairs the positive one lies further right"
    return (
        f"Positive words lie further right than negative ones in {pairs} of the pairs; "
        f"with {len(good)} and {len(bad)} words that may be chance"
    )


def _label(axes: Axes, words: list[str], rows: Mapping[str, int], places: np.ndarray) -> None:
    """Write the words beside their points where there is room, with a line from a word that had to go further away."""
    figure = axes.get_figure(root=True)
    if not words or figure is None:
        return
    figure.draw_without_rendering()  # lays the axes out, so that points on the page are known
    scale = 72 / figure.dpi
    spots = axes.transData.transform(places[[rows[word] for word in words]]) * scale
    frame = axes.get_window_extent()
    room = (frame.x0 * scale, frame.y0 * scale, frame.x1 * scale, frame.y1 * scale)
    sizes = np.array([[measure(word, SIZE) * 1.04 + 2, SIZE * 1.3] for word in words])
    halo: Any = {"boxstyle": "square,pad=0.05", "facecolor": PAPER, "alpha": 0.7, "linewidth": 0}
    for word, spot in zip(words, place_labels(spots, sizes, room, spots), strict=True):
        if spot is None:
            continue
        far = np.hypot(*spot) - 0.5 * measure(word, SIZE) > 12
        line: Any = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.7, "shrinkA": 0, "shrinkB": 4} if far else None
        style: Any = {"ha": "center", "va": "center", "fontsize": SIZE, "color": INK, "arrowprops": line, "zorder": 4, "bbox": halo}
        axes.annotate(plain(word), tuple(places[rows[word]]), spot, textcoords="offset points", **style)
