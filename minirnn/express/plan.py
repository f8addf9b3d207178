"""Which models take the express way, and what their batches need on it: workspace, sizes, and the call itself.

Comes in: a built and compiled model; checked examples and the rows of some batches. Goes out: what ``training.py`` would have got from as
many batches of its own: outputs, losses, and in a training the weights, one step on for each.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minirnn import activations, products
from minirnn.batches import TokenRows, read_rows
from minirnn.express.arrays import BLOCK, Batches, Network, Settings, Sizes, Work
from minirnn.express.kernel import run_batches_jit
from minirnn.jit import COMPILED, uncompiled
from minirnn.layers.dense import Dense
from minirnn.layers.distinct import Workspace, pays, workspace
from minirnn.layers.embedding import Embedding
from minirnn.layers.recurrent_steps import HELD
from minirnn.layers.simple_rnn import SimpleRNN
from minirnn.losses import BinaryCrossentropy
from minirnn.reach import Passage
from minirnn.simd import LANES
from minirnn.threads import CROWDED, MOST, share

if TYPE_CHECKING:
    from minirnn.model import Sequential

whole_lanes = uncompiled(products.whole_lanes)

CHUNK = 32
"""Rows of a batch that one thread takes through time at least: fewer leave a processor waiting for its own last product."""

PREDICTED, NEAR_NUMBERS = 512, 1 << 19
"""Most rows of a batch where no more is asked than outputs, and most numbers in its states."""

CACHE_LINE = 64
"""Bytes. NumPy starts arrays anywhere; a register of 64 bytes that lies across two lines is read twice."""

CALL_SECONDS = 0.05
"""How long a call may take, about: Ctrl-C waits for its end."""

SHORT_SECONDS = 1e-4
"""A call of less than that is not worth telling another thread about it, which takes half as long."""


def parts(model: Sequential, one_hot: bool, purpose: str) -> tuple[Embedding | None, SimpleRNN, Dense] | None:
    """Give the embedding (None for one-hot input), the RNN and the head of a model that can take this way; None if it cannot.

    Parameters
    ----------
    model : built; unless it is to predict, compiled
    one_hot : whether its inputs are ids that stand for one-hot vectors
    purpose : "train", "evaluate" or "predict"
    """
    kinds = [type(layer) for layer in model.layers]
    if model.backend != "numba" or not COMPILED or kinds != ([SimpleRNN, Dense] if one_hot else [Embedding, SimpleRNN, Dense]):
        return None
    embedding: Any = None if one_hot else model.layers[0]
    rnn: Any = model.layers[-2]
    head: Any = model.layers[-1]
    if head.activation != "sigmoid" or any(layer.activity_regularizer is not None for layer in model.layers):
        return None
    if rnn.return_sequences or rnn.stateful or rnn.zero_output_for_mask:
        return None
    if purpose != "predict" and (type(model.loss) is not BinaryCrossentropy or any(layer.regularizers for layer in model.layers)):
        return None
    if purpose == "train":
        changes_plainly = all(layer.trainable and not layer.constraints for layer in model.layers)
        if not model.optimizer.plain or not changes_plainly or rnn.dropout or rnn.recurrent_dropout:
            return None
    return embedding, rnn, head


class Express:
    """A model's express way, with the workspace of its batches.

    Parameters
    ----------
    model : whose weights are read, and trained
    embedding : its first layer, None where ids stand for one-hot vectors
    rnn, head : its other layers

    Attributes
    ----------
    last_rows : rows of the last batch that was trained on, whose states ``last_passages`` gives; 0 where they are lost, None before it
    """

    def __init__(self, model: Sequential, embedding: Embedding | None, rnn: SimpleRNN, head: Dense) -> None:
        self.model, self.embedding, self.rnn, self.head = model, embedding, rnn, head
        self._works: dict[str, tuple[tuple[Any, ...], Work, Workspace | None]] = {}
        self._seconds: dict[str, float] = {}
        self.last_rows: int | None = None
        self._ones = np.ones(0, model.dtype)  # weights of examples that have none, kept: two million take 2 ms to make
        self._calls_alone = self._crowds = 0  # how many calls not to ask for help, and how often in a row asking was of no use

    def batches_at_once(self, left: int) -> int:
        """How many of the batches that are left the next call of ``train`` should take."""
        if not self.model.optimizer.foresees_rates:
            return 1
        return min(left, max(1, int(CALL_SECONDS / self._seconds["train"]))) if "train" in self._seconds else min(left, 2)

    def train(self, x: Any, y: np.ndarray, weights: np.ndarray | None, rows: np.ndarray, batch_size: int) -> tuple[np.ndarray, list[float]]:
        """Train on these rows (M,), batch by batch; give outputs (M,K), and the loss of each batch before its step. One that is not finite
        is the last, and its step was not taken.
        """
        optimizer = self.model.optimizer
        steps = math.ceil(len(rows) / batch_size)
        tokens = read_rows(x, rows)
        slot = self._looked_up()
        sparse = pays(slot.shape, batch_size * tokens.ids.shape[1])
        velocity, last_step, taken = optimizer.begin_steps(slot if sparse else None, self.model.backend)
        self.model.parameters.clear_gradients()
        rates = optimizer.coming_rates(steps)
        outputs, losses = self._run("train", tokens, y, weights, rows, batch_size, rates, velocity, last_step, sparse, taken)
        finite = np.isfinite(losses)
        count = steps if finite.all() else int(finite.argmin())
        optimizer.end_steps(count)
        self.last_rows = len(rows) - (steps - 1) * batch_size if count == steps else 0
        if count < steps:
            del self._works["train"]  # the sums of the batch that failed still lie there
        if self.embedding is not None:
            self.rnn.note_rows("kernel", None)
        slot.layer.note_rows(slot.name, self._last_words(count) if sparse and count == steps else None)
        return outputs, losses[: count + 1].tolist()

    def last_passages(self) -> Iterator[Passage]:
        """Give what each chunk of the last batch went through that was trained on: views into the workspace, where the next batch goes."""
        if not self.last_rows:
            return
        _, work, _ = self._works["train"]
        (_, T1, n, P), H = work.hs.shape, self.rnn.units
        for c in range(math.ceil(self.last_rows / n)):
            rows = min(self.last_rows - c * n, n)
            width = math.ceil(rows / 4) * 4 if H <= LANES else rows  # as the kernel lays them out
            hs = work.hs[c].ravel()[: T1 * width * P].reshape(T1, width, P)[:, :rows, :H]
            visible = work.visible[c].ravel()[: (T1 - 1) * width].reshape(T1 - 1, width)[:, :rows] != 0 if self._masked else None
            yield Passage(hs, visible)

    def evaluate(
        self, x: Any, y: np.ndarray, weights: np.ndarray | None, rows: np.ndarray, batch_size: int
    ) -> tuple[np.ndarray, list[float]]:
        """Give outputs (M,K) for these rows (M,), and the loss of each batch."""
        outputs, losses = self._run("evaluate", read_rows(x, rows), y, weights, rows, batch_size)
        return outputs, losses.tolist()

    def predict(self, x: Any, rows: np.ndarray) -> np.ndarray:
        """Give outputs (M,K) for these rows (M,)."""
        tokens = read_rows(x, rows)
        B = len(rows) if len(rows) <= CHUNK else self.predicted_at_once(tokens.ids.shape[1])
        return self._run("one" if len(rows) == 1 else "predict", tokens, None, None, rows, B)[0]

    def predicted_at_once(self, T: int) -> int:
        """Rows of a batch where no more is asked than outputs: enough for all threads, as long as their states stay near them."""
        fitting = NEAR_NUMBERS // (T * whole_lanes(self.rnn.units))
        return int(min(max(fitting // CHUNK, 2), PREDICTED // CHUNK)) * CHUNK

    def _last_words(self, count: int) -> np.ndarray:
        """The distinct words of the last of so many batches that were trained on: those that have a gradient now."""
        work, turn = self._works["train"][1], max(count - 1, 0) % 2
        return work.distinct[turn, : work.counts[turn]]

    @property
    def _masked(self) -> bool:
        return self.embedding is not None and self.embedding.mask_zero

    def _looked_up(self) -> Any:
        """The slot of the weight whose rows the ids pick."""
        return self.model.parameters.slots[0]

    def _run(
        self,
        purpose: str,
        tokens: TokenRows,
        y: np.ndarray | None,
        weights: np.ndarray | None,
        rows: np.ndarray,
        batch_size: int,
        rates: np.ndarray | None = None,
        velocity: np.ndarray | None = None,
        last_step: np.ndarray | None = None,
        sparse: bool | None = None,
        taken: int = 0,
    ) -> tuple[np.ndarray, np.ndarray]:
        model, training = self.model, rates is not None
        model.parameters.hold()
        parameters, dtype, K = model.parameters, model.dtype, self.head.units
        M, T, V = len(rows), tokens.ids.shape[1], self._looked_up().shape[0]
        if sparse is None:
            # Without a way back a table for all words costs a quarter. One review of 100 ids, E=16, H=8, on all words and on its distinct
            # ones: V=200 31, 33 us; 500 34, 33; 1,000 35, 33; 2,000 40, 32. And the job's networks then need one form of the kernel
            sparse = pays(self._looked_up().shape, 4 * batch_size * T)
        work, sizes, search = self._workspace(purpose, batch_size, T, V, training, sparse)
        S = math.ceil(M / batch_size)
        if y is None:
            y, label_rows = np.zeros((1, K), dtype), np.zeros(M, np.intp)
        else:
            label_rows = rows
        if weights is None:
            if len(self._ones) != len(y) or self._ones.dtype != dtype:
                self._ones = np.ones(len(y), dtype)
            weights = self._ones
        outputs, losses = np.empty((M, K), dtype), np.zeros(S)
        nothing = work.nothing
        batches = Batches(tokens.ids, tokens.rows, y, weights, label_rows, outputs, losses, losses if rates is None else rates)
        network = Network(
            parameters.values,
            parameters.gradients,
            nothing if velocity is None else velocity,
            work.counts if last_step is None else last_step,
        )
        optimizer, rnn = model.optimizer, self.rnn
        settings = Settings(
            activations.CODES[rnn.activation],
            rnn.go_backwards,
            self._masked,
            training,
            optimizer.rho if training else 0.0,
            optimizer.epsilon if training else 0.0,
            model.loss.label_smoothing if training or purpose == "evaluate" else 0.0,
            taken,
        )
        start = time.perf_counter()
        self._calls_alone = max(0, self._calls_alone - 1)
        alone = self._calls_alone > 0 or self._seconds.get(purpose, 1.0) * S < SHORT_SECONDS
        counters = share(run_batches_jit, (batches, network, work, sizes, settings, 0 if rnn.units > LANES else None, search), alone)
        if not alone:
            self._crowds = min(self._crowds + 1, 6) if counters[CROWDED] else 0
            self._calls_alone = 2**self._crowds if self._crowds else 0
        self._seconds[purpose] = (time.perf_counter() - start) / S
        return outputs, losses

    def _workspace(self, purpose: str, B: int, T: int, V: int, training: bool, sparse: bool) -> tuple[Work, Sizes, Workspace | None]:
        E = 0 if self.embedding is None else self.embedding.output_dim
        H, K, dtype = self.rnn.units, self.head.units, self.model.dtype
        chunks = min(MOST, max(1, -(-B // CHUNK)))
        n = -(-B // (4 * chunks)) * 4
        sizes = Sizes(B, n, chunks, T, V, E, H, K, self.rnn.use_bias, self.head.use_bias)
        wanted = (sizes, training, sparse, self._masked, dtype)
        if purpose not in self._works or self._works[purpose][0] != wanted:
            work = make_work(*wanted)
            self._works[purpose] = wanted, work, workspace(V, B * T) if sparse else None
        return self._works[purpose][1], sizes, self._works[purpose][2]


def make_work(sizes: Sizes, training: bool, sparse: bool, masked: bool, dtype: np.dtype[Any]) -> Work:
    """Make the workspace for batches of those sizes; what they do not need is left tiny."""
    B, n, C, T, V, E, H, K, _, _ = sizes
    P, Q = whole_lanes(H), whole_lanes(E)
    U = min(V, B * T) if sparse else V

    def zeros(*shape: int, of: Any = dtype) -> np.ndarray:
        size = math.prod(shape) * np.dtype(of).itemsize
        memory = np.zeros(size + CACHE_LINE, np.uint8)
        start = -memory.ctypes.data % CACHE_LINE
        return memory[start : start + size].view(of).reshape(shape)

    back = C if training else 1  # no way back: one row of each, and nobody reads it
    return Work(
        distinct=zeros(2, U if sparse else 1, of=np.int32),
        places=zeros(2, B * T if sparse else 1, of=np.int32),
        counts=zeros(2, of=np.int64),
        local_rows=np.arange(C * n, dtype=np.intp),
        numbers=np.arange(max(U // MOST + 1, H + n, E, BLOCK), dtype=np.int32),
        nothing=zeros(max(Q, LANES)),
        bias=zeros(P),
        packed=zeros(E * P + H * Q),
        recurrent=zeros(2 * max(H * P, LANES * LANES)),
        gathered=zeros(U if sparse else 1, max(E, 1)),
        table=zeros(U, P),
        steps=zeros(C, T, n, of=np.int32),
        visible=zeros(C if masked else 1, T if masked else 1, n),
        hs=zeros(C, T + 1, n, P),
        dh=zeros(back, n, P),
        dz=zeros(back, max(HELD, n) * P if training and H > LANES else 1),
        kept=zeros(C, n + 1, P),
        dlogits=zeros(C, n, K),
        dtable=zeros(back, U if training else 1, P),
        dWh=zeros(back, max(H, LANES), P),
        dhead=zeros(back, H + 1, K),
        chunk_losses=zeros(C, of=np.float64),
        dWx=zeros(MOST, max(E, 1) if training else 1, P),
        db=zeros(MOST, P),
        block=zeros(MOST, BLOCK * (P + Q) if training else 1),
    )
