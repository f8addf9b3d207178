"""A lens on training: what goes on in the weights, epoch by epoch, at a cost that nobody has to think about.

Comes in: the moments of `fit`, and the model. Goes out: per name a list, one figure an epoch, as in `History`, and copies of the weights.
Everything is read from what a training leaves lying about, and nothing is computed twice, so no bit of the training changes and no batch is
taken one by one. Each figure says what it is of:

    layer.weight.gradient   |dW|            Frobenius norm of the mean gradient on the epoch's last batch, after clipping where there is any
    layer.weight.update     |W - W before|  how far the whole epoch moved the weight: the sum of its steps, not the sum of their lengths
    layer.weight.norm       |W|             at the end of the epoch
    layer.radius            max |λ(Wh)|     spectral radius of a recurrent kernel at the end of the epoch
    layer.turn              degrees         by which Wh turns, at each step, what it carries best (see `reach`)
    layer.saturated         0..1            share of the states of the last batch near a bound of the activation (see `reach`)
    layer.reach             steps           how far back the output's gradient gets, on the last batch (see `reach`)
    layer.aligned_reach     steps           how far back it pulls the same way
    layer.words.norm        |table|         of the word part of z, a row for each word: embeddings · Wx (V,H), or one-hot Wx; b is not in it
    layer.words.update                      how far the whole epoch moved it
    layer.words.moved       share           how far it is from where the training began, in units of its norm there

Last-batch figures are of its states and gradients, which are from before its own update, and of the weights after it; of its first `rows`
rows, and a last batch may be short. Reach is there for a SimpleRNN whose last state a Dense reads, words for one that reads an Embedding or
the model's input.

They are taken when the epoch's last batch is done: before the validation, whose forward passes go over the same arrays, and so before any
callback can restore weights. A NaN stands where there is nothing to read: no bounds, no states left by an epoch that failed.

Cost: 0.65 ms of one processor an epoch of the job, on a busy machine, half of that for the reach; 1.3 ms with a probe of 32 reviews. The
fastest epochs beside it, validation included, took 15 ms (one-hot) and 28 (embedding): 4 % and 2 %. ``python -m benchmarks.inspector``
measures it again, trainings with and without in turn. A spectral radius costs H^3, the words V·E·H, a snapshot the model's memory: leave
out what a small training of a large model need not know.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minirnn.callbacks.callback import Callback, Logs

if TYPE_CHECKING:  # and where they are used: they import numba, and callbacks alone need not
    from minirnn.layers import Dense, Embedding, SimpleRNN
    from minirnn.layers.layer import Layer
    from minirnn.reach import Passage

FIGURES = ("gradient", "update", "norm", "radius", "saturated", "reach", "words")
"""What can be recorded; "radius", "reach" and "words" stand for two and three lists a layer."""


class Inspector(Callback):
    """Record norms, spectral radius, saturation, reach, word part and weights of every epoch.

    Parameters
    ----------
    record : names out of ``"gradient"``, ``"update"``, ``"norm"``, ``"radius"``, ``"saturated"``, ``"reach"`` and ``"words"``.
    snapshots : keep the weights after every so many epochs, and those before the first; 0 for none. Each is as large as the model.
    saturation : |h| beyond which a tanh unit counts as saturated, 0..1.
    rows : at most so many rows of the last batch are looked at, where states are.
    probe : examples, as `fit` takes them, whose states are read by the NumPy reference in place of the last batch's: always the same ones,
        for more time (see above).

    Attributes
    ----------
    records : dict of str to list of float
        One figure an epoch. The names are those above, ``"simple_rnn.recurrent_kernel.gradient"`` for instance.
    epoch : list of int
        The epochs, counted from 0.
    snapshots : dict of int to list of arrays
        The weights in the order of ``get_weights``, by the number of epochs that made them: 0 is before the training.

    A second `fit` starts them afresh.

    Raises
    ------
    ValueError
        For unknown names and numbers out of range; at the beginning of a training, for a probe that does not fit the model.
    TypeError
        For a record that is no names.

    Examples
    --------
    >>> import numpy as np, minirnn
    >>> from minirnn import layers
    >>> rnn, head = layers.SimpleRNN(3, name="rnn"), layers.Dense(1, "sigmoid", name="head")
    >>> model = minirnn.Sequential([layers.Input((5,)), layers.Embedding(9, 4, name="words"), rnn, head], backend="numpy", seed=1)
    >>> model.compile(loss="binary_crossentropy")
    >>> inspector = Inspector()
    >>> ids = np.arange(30).reshape(6, 5) % 9
    >>> history = model.fit(ids, [0, 1, 0, 1, 1, 0], epochs=2, verbose=0, callbacks=[inspector])
    >>> len(inspector.records["rnn.recurrent_kernel.gradient"]), sorted(inspector.snapshots)
    (2, [0, 1, 2])
    """

    def __init__(
        self, record: Iterable[str] = FIGURES, *, snapshots: int = 1, saturation: float = 0.99, rows: int = 64, probe: Any = None
    ) -> None:
        if not isinstance(record, Iterable):
            raise TypeError(f"Inspector: record must be names out of {list(FIGURES)}, received {record!r}. Leave it out for all.")
        wanted = (record,) if isinstance(record, str) else tuple(record)
        if unknown := [name for name in wanted if name not in FIGURES]:
            raise ValueError(f"Inspector: record holds {unknown}, which cannot be recorded. Choose from {list(FIGURES)}.")
        for argument, value, least in (("snapshots", snapshots, 0), ("rows", rows, 1)):
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
                raise ValueError(f"Inspector: {argument} must be a whole number of at least {least}, received {value!r}.")
        if isinstance(saturation, bool) or not isinstance(saturation, int | float | np.number) or not 0 <= saturation <= 1:
            raise ValueError(f"Inspector: saturation must be a number in 0..1, received {saturation!r}. It is a bound on |h|.")
        self.record = wanted
        self.snapshots_every = int(snapshots)
        self.saturation = float(saturation)
        self.rows = int(rows)
        self.probe = probe
        self._forget()

    def _forget(self) -> None:
        self.records: dict[str, list[float]] = {}
        self.epoch: list[int] = []
        self.snapshots: dict[int, list[np.ndarray]] = {}
        self._taken: dict[str, float] | None = None
        self._training = False

    def to_dict(self) -> dict[str, np.ndarray]:
        """Give everything as a flat dict of arrays, as ``np.savez`` takes it: ``"epoch"`` and the records (epochs,); ``"snapshots"`` (S,),
        the numbers of epochs, and ``"snapshots.<layer>.<weight>"`` (S, ...).
        """
        arrays = {"epoch": np.array(self.epoch, np.int64), **{name: np.array(values) for name, values in self.records.items()}}
        if self.snapshots:
            arrays["snapshots"] = np.array(list(self.snapshots), np.int64)
            for place, name in enumerate(self._weight_names):
                arrays[f"snapshots.{name}"] = np.stack([weights[place] for weights in self.snapshots.values()])
        return arrays

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the training before, and look at the model: which layers recur, which read words, which are read by a Dense."""
        from minirnn.layers import SimpleRNN

        self._forget()
        names = _names(self.model.layers)
        leaves = [leaf for layer in self.model.layers for leaf in layer.walk()]
        self._rnns = [(leaf, names[id(leaf)]) for leaf in leaves if isinstance(leaf, SimpleRNN)]
        self._weight_names = [f"{names[id(slot.layer)]}.{slot.name}" for slot in self.model.parameters.slots]
        self._readers = _readers(self.model.layers) if "reach" in self.record else {}
        self._words = _words(self.model.layers) if "words" in self.record else {}
        self._first_tables = self._tables = self._read_tables()
        if self.probe is not None:
            self._examples = self.model.check("Inspector: probe", self.probe)
            self._read_probe()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Keep the weights with which the epoch begins."""
        self._epoch, self._taken = epoch, None
        if self.snapshots_every and not self.snapshots:
            self.snapshots[epoch] = self.model.get_weights()
        self._before = self.model.parameters.values.copy()
        self._tables = self._read_tables()
        way = self.model.express_taken
        if way is not None:
            way.last_rows = None  # so that afterwards it is known which way the batches went
        self._training = True

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Take the epoch's figures, if this is its validation."""
        if self._training:
            self._take()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Take them, if there was no validation, and write them down."""
        if self._training:
            self._take()
        self.epoch.append(epoch)
        for name, value in (self._taken or {}).items():
            self.records.setdefault(name, []).append(value)

    def _take(self) -> None:
        self._training = False
        with np.errstate(all="ignore"):  # a training that fails is not to fail here
            self._taken = dict(self._figures())
        if self.snapshots_every and (self._epoch + 1) % self.snapshots_every == 0:
            self.snapshots[self._epoch + 1] = self.model.get_weights()

    def _figures(self) -> Iterator[tuple[str, float]]:
        from minirnn.reach import eigenvalues_of, leading_turn, reach, saturated_share

        record, parameters = self.record, self.model.parameters
        for slot, name in zip(parameters.slots, self._weight_names, strict=True):
            if "gradient" in record:
                yield f"{name}.gradient", _norm(parameters.gradients[slot.slice])
            if "update" in record:
                yield f"{name}.update", _norm(parameters.values[slot.slice] - self._before[slot.slice])
            if "norm" in record:
                yield f"{name}.norm", _norm(parameters.values[slot.slice])
        if self.probe is not None:
            self._read_probe()
        tables = self._read_tables()
        for rnn, name in self._rnns:
            Wh = rnn.values["recurrent_kernel"]
            if "radius" in record:
                eigenvalues = eigenvalues_of(Wh)
                yield f"{name}.radius", float(np.abs(eigenvalues).max())
                yield f"{name}.turn", leading_turn(eigenvalues)
            if "saturated" in record or id(rnn) in self._readers:
                passage = self._passage(rnn)
                if "saturated" in record:
                    yield f"{name}.saturated", saturated_share(passage, rnn.activation, self.saturation)
                if id(rnn) in self._readers:
                    dense, part = self._readers[id(rnn)]
                    yield from zip(
                        (f"{name}.reach", f"{name}.aligned_reach"),
                        reach(passage, Wh, dense.values["kernel"][part], rnn.activation),
                        strict=True,
                    )
            if id(rnn) in tables:
                table = tables[id(rnn)]
                yield f"{name}.words.norm", _norm(table)
                yield f"{name}.words.update", _norm(table - self._tables[id(rnn)])
                first = self._first_tables[id(rnn)]
                yield f"{name}.words.moved", _norm(table - first) / (_norm(first) or math.nan)

    def _read_tables(self) -> dict[int, np.ndarray]:
        """Give the word part (V,H) of every layer that has one, a copy."""
        return {key: _table(embedding, rnn) for key, (embedding, rnn) in self._words.items()}

    def _passage(self, rnn: SimpleRNN) -> Passage:
        """Give what a layer went through on the last batch, or on the probe."""
        from minirnn.reach import Passage

        way = self.model.express_taken
        if self.probe is not None or way is None or way.last_rows is None:
            return rnn.last_passage().first(self.rows)
        chunks = [chunk.first(self.rows) for chunk in way.last_passages()]
        if not chunks:
            return Passage(np.zeros((1, 0, rnn.units)))  # the epoch failed
        hs = chunks[0].hs if len(chunks) == 1 else np.concatenate([chunk.hs for chunk in chunks], axis=1)
        masks = [chunk.visible for chunk in chunks if chunk.visible is not None]
        return Passage(hs, np.concatenate(masks, axis=1) if masks else None).first(self.rows)

    def _read_probe(self) -> None:
        """Run the probe through the layers' NumPy reference. What a stateful layer carries stays what it was."""
        from minirnn.batches import read_rows

        leaves = [leaf for layer in self.model.layers for leaf in layer.walk()]
        before = [(leaf, leaf.backend, getattr(leaf, "state", None)) for leaf in leaves]
        try:
            for leaf in leaves:
                leaf.backend = "numpy"
            self.model.forward(read_rows(self._examples, np.arange(len(self._examples))), training=False)
        finally:
            for leaf, backend, state in before:
                leaf.backend = backend
                if hasattr(leaf, "state"):
                    leaf.state = state


def _norm(array: np.ndarray) -> float:
    flat = array.reshape(-1)
    square = float(flat @ flat)
    if not 1e-30 < square < 1e30:  # float32 has no squares far below and above: a gradient of 1e-23 would be 0, and its share inf
        square = float(np.square(flat, dtype=np.float64).sum())
    return math.sqrt(square)


def _names(layers: Sequence[Layer]) -> dict[int, str]:
    """Give the name under which each layer's figures stand: its own, and inside another one that other's too where two are called alike."""
    own = [leaf.name for layer in layers for leaf in layer.walk()]
    return {
        id(leaf): leaf.name if leaf is layer or own.count(leaf.name) == 1 else f"{layer.name}.{leaf.name}"
        for layer in layers
        for leaf in layer.walk()
    }


def _words(layers: Sequence[Layer]) -> dict[int, tuple[Embedding | None, SimpleRNN]]:
    """Give the recurrent layers that read words, by id, each with the embedding they read, None for one-hot."""
    from minirnn.layers import Embedding, SimpleRNN

    found: dict[int, tuple[Embedding | None, SimpleRNN]] = {}
    before: Layer | None = None
    for layer in layers:
        if before is None or isinstance(before, Embedding):
            found |= {id(leaf): (before, leaf) for leaf in layer.walk() if isinstance(leaf, SimpleRNN)}
        before = layer
    return found


def _table(embedding: Embedding | None, rnn: SimpleRNN) -> np.ndarray:
    """Give the word part (V,H), a copy."""
    Wx = rnn.values["kernel"]
    return Wx.copy() if embedding is None else embedding.values["embeddings"] @ Wx


def _readers(layers: Sequence[Layer]) -> dict[int, tuple[Dense, slice]]:
    """Give the recurrent layers whose last state a Dense reads, by id, with that layer and the rows of its kernel that do."""
    from minirnn.layers import Bidirectional, Dense, Dropout, SimpleRNN

    found: dict[int, tuple[Dense, slice]] = {}
    lasting = [layer for layer in layers if not isinstance(layer, Dropout)]
    for layer, reader in itertools.pairwise(lasting):
        if isinstance(layer, SimpleRNN | Bidirectional) and not layer.return_sequences and isinstance(reader, Dense):
            if isinstance(layer, SimpleRNN):
                found[id(layer)] = (reader, slice(None))
            elif layer.merge_mode == "concat":
                H = layer.forward_layer.units
                found |= {id(layer.forward_layer): (reader, slice(H)), id(layer.backward_layer): (reader, slice(H, None))}
            elif layer.merge_mode in ("sum", "ave"):  # half of each is the same number of steps
                found |= {id(part): (reader, slice(None)) for part in layer.parts}
    return found
