"""All numbers of one review's way through a network: as attributes, as a table to read, as arrays, and as JSON.

Comes in: what ``walk.py`` found. Goes out: a `Trace`.

Per-step arrays of a `Trace` are in the order of the input, so that they stand beside the words; those of its layers are in the order of
processing, which is another in layers that go backwards.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minirnn.files import atomic_write
from minirnn.tracing.recurrent import LayerTrace

ANSWERS = ("negative", "positive")


@dataclass(eq=False)
class Trace:
    """What went on inside a network while it read one review; ``minirnn.trace`` makes it. All floats are float64.

    Attributes
    ----------
    model : name of the model
    ids (T,) int : what was read, padding included; None for vectors
    words : list of T words, "<pad>", "<start>" and "<oov>" among them; None without a word index
    positions (T,) int : the input step that is read at each step of reading; T-1..0 where the first recurrent layer goes backwards
    mask (T,) bool : False where a step is padding that the first recurrent layer skips; None where it skips nothing
    output (O,) or (T,O) : what the model says of the whole review
    outputs (T,O) : what it would say if reading stopped after the input step t; None for models that only read to the end
    one_sigmoid : whether the output is one probability
    layers : a `LayerTrace` per SimpleRNN, in the order of the model; two for a Bidirectional. ``trace["name"]`` gives one by its name.
    y, loss : the label, as the output; the loss in nats, penalties included. Like all below, None without a label.
    dlogits : gradient of the loss on the last layer's logits, where the loss reads those
    saliency (T,) : |dL/dx_t|, the Euclidean norm of the loss's gradient on the token's vector: how much a small change of it would matter
    leaning (T,) : x_t · dlogit/dx_t, the token's share of the logit to first order: above 0 it pushes towards "positive"; None unless
        ``one_sigmoid``
    bptt : steps from the end that the gradient was carried back, or None for all

    Examples
    --------
    >>> import minirnn
    >>> from minirnn.layers import Dense, Embedding, Input, SimpleRNN
    >>> model = minirnn.Sequential([Input((4,)), Embedding(9, 3), SimpleRNN(5), Dense(1, "sigmoid")], seed=1)
    >>> trace = minirnn.trace(model, "not bad", word_index={"not": 1, "bad": 2})
    >>> len(trace), trace.padding, trace.tokens()
    (4, 1, ['<pad>', '<start>', 'not', 'bad'])
    >>> trace["simple_rnn"].h.shape
    (4, 5)
    """

    model: str
    ids: np.ndarray | None
    words: list[str] | None
    positions: np.ndarray
    mask: np.ndarray | None
    output: np.ndarray
    outputs: np.ndarray | None
    one_sigmoid: bool
    layers: list[LayerTrace] = field(default_factory=list)
    y: np.ndarray | None = None
    loss: float | None = None
    dlogits: np.ndarray | None = None
    saliency: np.ndarray | None = None
    leaning: np.ndarray | None = None
    bptt: int | None = None

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, name: str) -> LayerTrace:
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(f"no recurrent layer is named {name!r}. There are: {', '.join(layer.name for layer in self.layers)}.")

    @property
    def probs(self) -> np.ndarray | None:
        """The probability of "positive" if reading stopped after the input step t (T,); None unless the output is one probability.

        The last step of reading is ``positions[-1]``; there it is what ``predict`` gives.
        """
        return self.outputs[:, 0] if self.one_sigmoid and self.outputs is not None else None

    @property
    def prob(self) -> float | None:
        """The probability of "positive"; None unless the output is one probability."""
        return float(self.output[0]) if self.one_sigmoid else None

    @property
    def padding(self) -> int:
        """How many steps of the input's beginning are id 0."""
        return 0 if self.ids is None else int(np.argmax(np.append(self.ids, 1) != 0))

    def tokens(self) -> list[str]:
        """Give what stands at each input step (T,) as text: the word, else the id, else the number of the step."""
        if self.words is not None:
            return self.words
        return [f"#{number}" for number in (range(len(self)) if self.ids is None else self.ids.tolist())]

    def to_dict(self) -> dict[str, Any]:
        """Give every number by name, without what is not there: those of a layer under "name.z" and so on.

        Returns
        -------
        dict
            Arrays, numbers and the list of words. ``np.savez(path, **trace.to_dict())`` keeps them. The contributions ``dWx_steps``,
            (T,E,H), are the largest: with one-hot input E is V.
        """
        names = ("ids", "words", "positions", "mask", "output", "outputs", "probs", "y", "loss", "dlogits", "saliency", "leaning", "bptt")
        arrays: dict[str, Any] = {name: value for name in names if (value := getattr(self, name)) is not None}
        for layer in self.layers:
            arrays |= {f"{layer.name}.{name}": array for name, array in layer.arrays().items()}
        return arrays

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Give the same as JSON text, arrays as nested lists, and write it to a file, whole or not at all, if one is named.

        Raises
        ------
        OSError
            It cannot be written.
        """
        contents = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in self.to_dict().items()}
        text = json.dumps({"model": self.model, **contents}, ensure_ascii=False)
        if path is not None:
            with atomic_write(path, "w") as stream:
                stream.write(text)
        return text

    def __repr__(self) -> str:
        answer = "" if self.prob is None else f", P(positive) {self.prob:.4f}"
        return f"<Trace of {self.model}: {_steps(len(self))}{answer}>"

    def __str__(self) -> str:
        """A table: a line per step of reading, padding in one."""
        lines = [self._headline(), *(f"{layer.name}: {layer.units} units, {layer.activation}{_reach(layer)}" for layer in self.layers)]
        heads = ["step", "token", *self._columns()]
        rows = [[str(at), self.tokens()[at], *cells] for at, *cells in zip(self.positions, *self._columns().values(), strict=True)]
        if self.padding > 2:
            padded = [row for row in rows if int(row[0]) < self.padding]
            merged = [f"0-{self.padding - 1}", f"{self.padding} x padding", *padded[-1][2:]]
            others = [row for row in rows if int(row[0]) >= self.padding]
            rows = [merged, *others] if rows[0] is padded[0] else [*others, merged]
        widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
        for row in (heads, *rows):
            cells = [
                cell.ljust(width) if head == "token" else cell.rjust(width) for head, cell, width in zip(heads, row, widths, strict=True)
            ]
            lines.append("  ".join(cells).rstrip())
        return "\n".join(lines)

    def _columns(self) -> dict[str, list[str]]:
        """What the table says of each step of reading, by the heads of its columns."""
        order, first = self.positions, self.layers[0]
        columns = {} if self.probs is None else {"P(positive)": [f"{p:.4f}" for p in self.probs[order]]}
        columns["|h|"] = [f"{norm:.3f}" for norm in np.linalg.norm(first.h, axis=1)]
        if self.saliency is not None and first.dh is not None:
            columns["|dL/dh|"] = [f"{norm:.2e}" for norm in np.linalg.norm(first.dh, axis=1)]
            columns["saliency"] = [f"{norm:.2e}" for norm in self.saliency[order]]
        if self.leaning is not None:
            columns["leaning"] = [f"{share:+.3f}" for share in self.leaning[order]]
        return columns

    def _headline(self) -> str:
        answer = f"output {np.array2string(self.output, precision=4)}"
        if self.prob is not None:
            answer = f"P(positive) {self.prob:.4f}: {ANSWERS[self.prob > 0.5]}"
        if self.loss is not None and self.y is not None:
            label = ANSWERS[int(self.y[0])] if self.one_sigmoid and self.y[0] in (0, 1) else np.array2string(self.y)
            answer += f"; label {label}, loss {self.loss:.4f} nats"
        return f"Trace of {self.model}, {_steps(len(self))}: {answer}"


def _reach(layer: LayerTrace) -> str:
    """Say how far back a layer's gradient reaches: the first step at which its norm is a hundredth of that at the end, or more."""
    if layer.dh is None:
        return ""
    norms = np.linalg.norm(layer.dh, axis=1)
    if not norms[-1] > 0:
        return ""
    first = int(np.flatnonzero(norms >= norms[-1] / 100)[0])
    if first == 0:
        return "; the gradient reaches all the way back"
    return f"; the gradient reaches {_steps(layer.steps - 1 - first)} back: before that, |dL/dh| is under 1 % of its last value"


def _steps(number: int) -> str:
    return f"{number} step{'s' * (number != 1)}"
