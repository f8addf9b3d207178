"""The peer on PyTorch: `nn.RNN` in the training loop that its users write, on minirnn's mathematics.

Comes in: the workload's sizes, ids (N,T), labels (N,) and the first weights in Keras's order. Goes out: a `Session` that trains epochs.

    embedding   nn.Embedding -> nn.RNN(tanh), last state -> nn.Linear        the loss is BCEWithLogitsLoss, the mean over a batch
    one-hot     zeros.scatter_ (B,T,V) -> nn.RNN(tanh), last state -> nn.Linear

PyTorch's layers hold their matrices transposed (O,I), and `nn.RNN` adds two biases, of which the second stays at zero and is not trained.
`torch.optim.RMSprop` adds epsilon outside the root, where Keras has it inside, so that the update is written here, in `torch._foreach_*` as
PyTorch's own are: five calls for all weights together.

What was tried (CPU time of one step of the seed's sizes, one thread, least of 20): time-major instead of `batch_first` 2.64 ms against 2.68
with an embedding; int64 ids the same as int32; one-hot by `scatter_` 3.3 ms, `F.one_hot(...).float()` 4.1, since that makes int64 first.

Source: PyTorch 2.13, the documentation of `nn.RNN` and `torch.optim.RMSprop`; the update is that of `minirnn/optimizers/rmsprop.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

if TYPE_CHECKING:
    from benchmarks.drawn import Arrays, Sizes

RHO, EPSILON = 0.9, 1e-7
"""Keras's defaults."""

FORWARD_NUMBERS = 2**22
"""Without a gradient, a layer's result holds at most so many numbers (rows·T·width), or a training batch's. CPU time a row, two threads,
H=8: 44 µs at 64 rows, 16 at 256, 8 at 4,096; H=128: least at 128 to 256 rows; one-hot, V=200: least at 64 to 256, thrice that at 1,024."""


class RMSprop:
    """The update that Keras and minirnn make: v <- rho v + (1 - rho) g², w <- w - learning_rate g / sqrt(v + epsilon)."""

    def __init__(self, parameters: Iterable[nn.Parameter], learning_rate: float) -> None:
        self.parameters = [p for p in parameters if p.requires_grad]
        self.velocities = [torch.zeros_like(p) for p in self.parameters]
        self.learning_rate = learning_rate

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for p in self.parameters:
            p.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move all weights by their gradients."""
        gradients = [p.grad for p in self.parameters]
        torch._foreach_mul_(self.velocities, RHO)
        torch._foreach_addcmul_(self.velocities, gradients, gradients, 1 - RHO)
        roots = torch._foreach_add(self.velocities, EPSILON)
        torch._foreach_sqrt_(roots)
        torch._foreach_addcdiv_(self.parameters, gradients, roots, -self.learning_rate)


class Network(nn.Module):
    """Ids (B,T) to logits (B,).

    Parameters
    ----------
    model : "embedding" or "one_hot"
    weights : in Keras's order, [E (V,E),] Wx, Wh (H,H), b (H,), dense (H,1), dense bias (1,)
    """

    def __init__(self, model: str, weights: list[np.ndarray]) -> None:
        super().__init__()
        *embeddings, Wx, Wh, b, dense, dense_bias = (torch.tensor(w) for w in weights)
        self.embedding = nn.Embedding.from_pretrained(embeddings[0], freeze=False) if model == "embedding" else None
        self.rnn = nn.RNN(*Wx.shape, batch_first=True)
        self.head = nn.Linear(len(dense), 1)
        with torch.no_grad():
            self.rnn.weight_ih_l0.copy_(Wx.T)
            self.rnn.weight_hh_l0.copy_(Wh.T)
            self.rnn.bias_ih_l0.copy_(b)
            self.rnn.bias_hh_l0.zero_()
            self.head.weight.copy_(dense.T)
            self.head.bias.copy_(dense_bias)
        self.rnn.bias_hh_l0.requires_grad_(False)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Give the logits (B,) of ids (B,T) int32."""
        if self.embedding is None:
            x = torch.zeros(*ids.shape, self.rnn.input_size).scatter_(2, ids.long().unsqueeze(2), 1.0)
        else:
            x = self.embedding(ids)
        _, h_last = self.rnn(x)
        return self.head(h_last[0])[:, 0]


class Session:
    """One model with its data, ready to train.

    Parameters
    ----------
    work : sizes N T V E H B, learning_rate
    arrays : ids (N,T) int32, which may be an `np.memmap`; labels (N,) float32; weights, a list for each model
    model : "embedding" or "one_hot"
    """

    def __init__(self, work: Sizes, arrays: Arrays, model: str = "embedding") -> None:
        self.work, self.arrays, self.model = work, arrays, model
        self.network = Network(model, arrays.weights[model])
        self.optimizer = RMSprop(self.network.parameters(), work.learning_rate)
        self.loss = nn.BCEWithLogitsLoss()

    @property
    def forward_rows(self) -> int:
        """Rows at a time where there is no update: many, since a call costs nearly the same for one row as for hundreds."""
        widest = self.work.V if self.model == "one_hot" else max(self.work.E, self.work.H)
        return max(self.work.B, FORWARD_NUMBERS // (self.work.T * widest))

    def batches(self, n: int, rows: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Give ids and labels of the first n rows, so many at a time, the last, short batch kept."""
        for start in range(0, n, rows):
            # Copied batch by batch, so that a file that is mapped is never held as a whole.
            taken = slice(start, min(start + rows, n))
            yield torch.tensor(self.arrays.ids[taken]), torch.tensor(self.arrays.labels[taken])

    def epoch(self) -> float:
        """Train one epoch over all rows in their order; return the mean of the examples' losses, each before its batch's update."""
        total = 0.0
        # As TensorFlow and JAX do on their own: velocities of rows without a gradient decay into subnormal numbers, which are slow.
        torch.set_flush_denormal(True)
        try:
            for ids, labels in self.batches(self.work.N, self.work.B):
                self.optimizer.zero_grad()
                loss = self.loss(self.network(ids), labels)
                loss.backward()
                self.optimizer.step()
                total += loss.item() * len(ids)
        finally:
            torch.set_flush_denormal(False)
        return total / self.work.N

    @torch.inference_mode()
    def evaluate(self, n: int) -> float:
        """Give the mean loss of the first n rows."""
        return sum(self.loss(self.network(ids), labels).item() * len(ids) for ids, labels in self.batches(n, self.forward_rows)) / n

    @torch.inference_mode()
    def predict(self, ids: np.ndarray) -> np.ndarray:
        """Give the probabilities (N,) float32 of ids (N,T)."""
        rows = self.forward_rows
        parts = [torch.sigmoid(self.network(torch.tensor(ids[start : start + rows]))) for start in range(0, len(ids), rows)]
        return torch.cat(parts).numpy()
