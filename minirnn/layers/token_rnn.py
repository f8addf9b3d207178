"""Tokens into a SimpleRNN without building x: project the vocabulary once, then look rows up.

Comes in: ids (B,T). Goes out: what SimpleRNN gives. An id picks a row e_v of the embedding, and x_t · Wx + b is then one of only V
different rows, so they are computed once a batch and ``recurrence.py`` reads them by id:

    table    = embeddings · Wx + b        (V,H)
    one-hot:   onehot_v · Wx is row v of Wx, so table = Wx + b

Backward, from the gradient ``dtable`` (V,H) that the recurrence has added up:

    d_embeddings += dtable · Wxᵀ          (V,E)
    dWx          += embeddingsᵀ · dtable  (E,H);   one-hot: dWx += dtable
    db           += Σ_v dtable_v

Where the vocabulary is large, a row for each word of the batch is enough (``distinct.py``): rows of the weight that ids pick are gathered,
stand for all V of them above, and what they get is scattered back.

The layers keep their weights and gradients; this is the way two layers are computed, not a third layer. A model takes it by itself
wherever an Embedding, or one-hot input, meets a SimpleRNN without input dropout (a dropped input differs from row to row, and no table
can be shared). For the seed workload it replaces a product of 6,400 x 16 by 16 x 8 by one of 200 x 16 by 16 x 8.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minirnn.jit import jit
from minirnn.layers import distinct, lookups
from minirnn.layers.bidirectional import Bidirectional
from minirnn.layers.distinct import DistinctTokens, Search
from minirnn.layers.embedding import Embedding, token_rows
from minirnn.layers.layer import Kernels, Layer
from minirnn.layers.penalized import bare, priced
from minirnn.layers.simple_rnn import SimpleRNN
from minirnn.products import FIRST, ONE, pack, product, whole_lanes
from minirnn.simd import hold, pointer


def project_ref(embeddings: np.ndarray | None, Wx: np.ndarray, b: np.ndarray | None, table: np.ndarray) -> None:
    """Fill table (V,H) from embeddings (V,E), or None for one-hot; Wx (E,H); b (H,) or None."""
    table[...] = Wx if embeddings is None else embeddings @ Wx
    if b is not None:
        table += b


@jit
def project_jit(embeddings: np.ndarray | None, Wx: np.ndarray, b: np.ndarray | None, table: np.ndarray) -> None:
    """The same, compiled."""
    V, H = table.shape
    P = whole_lanes(H)
    bias, same_row = np.zeros(P, table.dtype), np.zeros(V, np.int32)
    if b is not None:
        for j in range(H):
            bias[j] = b[j]
    if embeddings is None:
        for v in range(V):
            for j in range(H):
                table[v, j] = Wx[v, j] + bias[j]
    else:
        E = Wx.shape[0]
        packed, rows = np.empty(E * P, table.dtype), table if P == H else np.empty((V, P), table.dtype)
        pack(pointer(Wx), H, ONE, E, H, pointer(packed))
        product(pointer(embeddings), E, ONE, V, pointer(packed), E, FIRST, E, P, pointer(bias), pointer(same_row), FIRST, pointer(rows), P)
        hold((packed, bias, same_row, rows))
        if P != H:
            table[...] = rows[:, :H]


def project_backward_ref(
    dtable: np.ndarray,
    embeddings: np.ndarray | None,
    Wx: np.ndarray,
    dembeddings: np.ndarray | None,
    dWx: np.ndarray,
    db: np.ndarray | None,
) -> None:
    """Add the gradients that dtable (V,H) stands for to those of the embeddings (V,E), of Wx (E,H) and of b (H,)."""
    if db is not None:
        db += dtable.sum(axis=0)
    if embeddings is None or dembeddings is None:  # both, or neither
        dWx += dtable
    else:
        dWx += embeddings.T @ dtable
        dembeddings += dtable @ Wx.T


@jit
def project_backward_jit(
    dtable: np.ndarray,
    embeddings: np.ndarray | None,
    Wx: np.ndarray,
    dembeddings: np.ndarray | None,
    dWx: np.ndarray,
    db: np.ndarray | None,
) -> None:
    """The same, compiled."""
    V, H = dtable.shape
    if db is not None:
        for v in range(V):
            for j in range(H):
                db[j] += dtable[v, j]
    if embeddings is None or dembeddings is None:  # both, or neither
        for v in range(V):
            for j in range(H):
                dWx[v, j] += dtable[v, j]
    else:
        E = Wx.shape[0]
        P, Q = whole_lanes(H), whole_lanes(E)
        numbers, packed = np.arange(max(V, E)).astype(np.int32), np.empty(H * Q, dtable.dtype)
        d = dtable if P == H else np.zeros((V, P), dtable.dtype)
        sums, rows = np.zeros((E, P), dtable.dtype), np.zeros((V, Q), dtable.dtype)
        if P != H:
            d[:, :H] = dtable
        pack(pointer(Wx), ONE, H, H, E, pointer(packed))
        product(pointer(embeddings), ONE, E, E, pointer(d), ONE, P, V, P, pointer(sums), pointer(numbers), P, pointer(sums), P)
        product(pointer(d), P, ONE, V, pointer(packed), H, FIRST, H, Q, pointer(rows), pointer(numbers), Q, pointer(rows), Q)
        hold((packed, numbers, d, sums, rows))
        for i in range(E):
            for j in range(H):
                dWx[i, j] += sums[i, j]
        for v in range(V):
            for i in range(E):
                dembeddings[v, i] += rows[v, i]


BACKENDS = {"numpy": Kernels(project_ref, project_backward_ref), "numba": Kernels(project_jit, project_backward_jit)}


class TokenRNN:
    """The step that an Embedding (or one-hot input) and a SimpleRNN make together.

    Parameters
    ----------
    embedding : the layer whose rows the ids pick; None when they stand for one-hot vectors
    rnn : the layer that runs over them
    """

    def __init__(self, embedding: Embedding | None, rnn: SimpleRNN) -> None:
        self.embedding = embedding
        self.rnn = rnn
        self._looked_up: tuple[Layer, str] = (rnn, "kernel") if embedding is None else (embedding, "embeddings")
        self._search = Search()

    def forward(self, tokens: Any, mask: np.ndarray | None = None, training: bool = False) -> np.ndarray:
        """Tokens (B,T) -> (B,H) or (B,T,H)."""
        found = tokens if isinstance(tokens, DistinctTokens) else self.distinct(tokens)
        self._tokens = tokens = token_rows(tokens) if found is None else found.tokens
        self._distinct = None if found is None else found.distinct
        if self.embedding is not None:
            mask = self.embedding.compute_mask(tokens, None)
        layer, name = self._looked_up
        self._picked = self._pick("picked", layer.values[name])
        table = self._rows("table", len(self._picked), self.rnn.units)
        BACKENDS[self.rnn.backend].forward(*self._projection(), table)
        if found is None:
            return self.rnn.recur(table, tokens.ids, tokens.rows, mask, training)
        return self.rnn.recur(table, found.places, np.arange(len(found.places)), mask, training)

    def backward(self, dy: np.ndarray) -> None:
        """Add to the gradients of both layers. Tokens have no gradient."""
        layer, name = self._looked_up
        if self.embedding is not None:
            self.rnn.note_rows("kernel", None)
        layer.note_rows(name, self._distinct)
        dtable = self._rows("dtable", len(self._picked), self.rnn.units)
        embeddings, Wx, _ = self._projection()
        if self.embedding is None or self.embedding.squares is None:
            self.rnn.recur_back(dy, dtable)
        else:
            ids, rows = self._tokens.ids, self._tokens.rows
            dlookups = self.rnn.scratch("dlookups", (rows.size * ids.shape[1], self.rnn.units))
            self.rnn.recur_back(dy, dlookups, each_lookup=True)
            dtable.fill(0)
            lookups.BACKENDS[self.rnn.backend].merge(dlookups, ids, rows, Wx, dtable, self.embedding.squares)
        gradients = self.rnn.gradients
        dpicked = self._pick("dpicked", layer.gradients[name])
        dembeddings, dWx = (None, dpicked) if self.embedding is None else (dpicked, gradients["kernel"])
        BACKENDS[self.rnn.backend].backward(dtable, embeddings, Wx, dembeddings, dWx, gradients.get("bias"))
        if self._distinct is not None:
            distinct.BACKENDS[self.rnn.backend].scatter(dpicked, self._distinct, layer.gradients[name])

    def compute_mask(self, tokens: Any, mask: np.ndarray | None) -> np.ndarray | None:
        """The mask that goes on: the embedding's, if states do."""
        if not self.rnn.return_sequences:
            return None
        return mask if self.embedding is None else self.embedding.compute_mask(token_rows(tokens), None)

    def distinct(self, tokens: Any) -> DistinctTokens | None:
        """Give the tokens with their distinct ids, or None where a table for the whole vocabulary is the better way."""
        if self.embedding is not None and self.embedding.squares is not None:
            return None  # each lookup has a square of its own to leave in the vocabulary's
        layer, name = self._looked_up
        return self._search(token_rows(tokens), layer.values[name].shape, self.rnn.backend)

    def _projection(self) -> tuple[np.ndarray | None, np.ndarray, np.ndarray | None]:
        embeddings, Wx = (None, self._picked) if self.embedding is None else (self._picked, self.rnn.values["kernel"])
        return embeddings, Wx, self.rnn.values.get("bias")

    def _pick(self, name: str, weight: np.ndarray) -> np.ndarray:
        """The rows (U,·) of a weight, or of its gradient, that stand in the batch; the array itself (V,·) where all are taken."""
        if self._distinct is None:
            return weight
        picked = self._rows(name, len(self._distinct), weight.shape[1])
        distinct.BACKENDS[self.rnn.backend].gather(weight, self._distinct, picked)
        return picked

    def _rows(self, name: str, count: int, width: int) -> np.ndarray:
        """A workspace of so many rows, cut from one that does not change its size with every batch."""
        if self._distinct is None:
            return self.rnn.scratch(name, (count, width))
        B, T = len(self._tokens.rows), self._tokens.ids.shape[1]
        return self.rnn.scratch(name, (B * T, width))[:count]


class TokenBidirectional:
    """The step that an Embedding (or one-hot input) and a Bidirectional make together: each direction reads a table of its own.

    Parameters
    ----------
    embedding : the layer whose rows the ids pick; None when they stand for one-hot vectors
    both : the layer that runs over them
    """

    def __init__(self, embedding: Embedding | None, both: Bidirectional) -> None:
        self.ways = [priced(TokenRNN(embedding, rnn), rnn) for rnn in both.parts]
        self.both = both

    def forward(self, tokens: Any, mask: np.ndarray | None = None, training: bool = False) -> np.ndarray:
        """Tokens (B,T) -> as the layer."""
        found = bare(self.ways[0]).distinct(tokens)  # once for both, which read the same ids
        return self.both.merge(*(way.forward(found or tokens, mask, training) for way in self.ways))

    def backward(self, dy: np.ndarray) -> None:
        """Add to the gradients of all layers."""
        for way, d in zip(self.ways, self.both.split(dy), strict=True):
            way.backward(d)

    def compute_mask(self, tokens: Any, mask: np.ndarray | None) -> np.ndarray | None:
        """The mask that goes on: the embedding's, if states do."""
        return self.ways[0].compute_mask(tokens, mask)


def token_step(embedding: Embedding | None, rnn: Any) -> TokenRNN | TokenBidirectional | None:
    """Give the one step that two layers make together; None where they have to be computed one after the other."""
    if isinstance(rnn, SimpleRNN) and rnn.dropout == 0:
        return TokenRNN(embedding, rnn)
    if isinstance(rnn, Bidirectional) and all(part.dropout == 0 for part in rnn.parts):
        if embedding is not None and embedding.squares is not None:
            return None  # a lookup's gradient is the sum of what both directions give it, and they meet only in x
        return TokenBidirectional(embedding, rnn)
    return None
