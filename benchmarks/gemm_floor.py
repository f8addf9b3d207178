"""The machine's limit where H is large: the matrix products of an epoch, through BLAS, and nothing besides.

Comes in: the workload's sizes, ids (N,T) and the first weights in Keras's order. Goes out: a `Session` whose epoch is the products alone,
without lookup, tanh, head or update. Nothing that trains through the same BLAS can be faster. For U distinct ids in a batch:

    projected   (U,H) = rows·Wx                      once a batch     2UEH operations, only with an embedding
    recurrent   (B,H) = h_prev·Wh                    each step but the first, whose state is zero     2BH²
    dh_prev     (B,H) = dz·Whᵀ                       as often         2BH²
    dWh         (H,H) = h_prevᵀ·dz, over all steps   once a batch     2(T-1)BH²
    dWx         (E,H) = rowsᵀ·dprojected             once a batch     2UEH, only with an embedding
    drows       (U,E) = dprojected·Wxᵀ               once a batch     2UEH, only with an embedding

What was tried, in ms a step on one core (Zen 5, NumPy 2.4 with OpenBLAS 0.3.31, least of 20; V=10,000, B=64, T=100):

    h_prev·Wh of all steps     one call of np.matmul on (T,B,H), which takes them one at a time, 1.98 (H=128), 0.02 (H=8); a loop in Python
                               2.09, 0.11; scipy.linalg.blas.sgemm in that loop, Fortran order 2.34, 0.09
    Whᵀ as a copy, as a view   the same with OpenBLAS's AVX2 kernels; 18.9, 24 with its AVX-512 kernels (H=512)
    all products               103 (H=512), 7.3 (H=128), 0.61 (H=32) with AVX2; 59, 4.2, 0.36 with AVX-512
                               on two threads 54, 4.2, 0.51 and 33, 2.6, 0.30

OpenBLAS does not know this processor and takes its AVX2 kernels. It takes the others when the environment of the process says so before
NumPy is imported: `AVX512_KERNELS`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

if TYPE_CHECKING:
    from benchmarks.drawn import Arrays, Sizes

AVX512_KERNELS = {"OPENBLAS_CORETYPE": "SkylakeX"}
"""What tells OpenBLAS, in a process's environment, to use AVX-512 on a processor that it does not know."""


class Product(NamedTuple):
    """left·right, written to `out`; all three may be stacks of matrices."""

    left: np.ndarray
    right: np.ndarray
    out: np.ndarray

    @property
    def operations(self) -> int:
        """Multiplications and additions."""
        return 2 * self.out.size * self.left.shape[-1]


@dataclass
class Buffers:
    """What the products of a batch read and write; what is in it does not matter to the time, as long as it is ordinary numbers.

    Attributes
    ----------
    hs, dzs (T,B,H) : state before each step, gradient on its pre-activation
    Wh, Wh_transposed, dWh (H,H)
    recurrent, dh_prev (T-1,B,H) : what goes from step to step, forward and backward
    rows, drows (U,E) : the batch's distinct rows of E, at most U of them; E = 0 without an embedding
    Wx, dWx (E,H)
    projected, dprojected (U,H)
    """

    hs: np.ndarray
    dzs: np.ndarray
    Wh: np.ndarray
    Wh_transposed: np.ndarray
    dWh: np.ndarray
    recurrent: np.ndarray
    dh_prev: np.ndarray
    rows: np.ndarray
    drows: np.ndarray
    Wx: np.ndarray
    dWx: np.ndarray
    projected: np.ndarray
    dprojected: np.ndarray

    def products(self, distinct: int) -> list[Product]:
        """List the products of a batch with so many distinct ids, in the order of a training step."""
        H = len(self.Wh)
        h_prev, dz = (stack[1:].reshape(-1, H) for stack in (self.hs, self.dzs))
        rows, drows, projected, dprojected = (a[:distinct] for a in (self.rows, self.drows, self.projected, self.dprojected))
        recurrent = [
            Product(self.hs[1:], self.Wh, self.recurrent),
            Product(self.dzs[1:], self.Wh_transposed, self.dh_prev),
            Product(h_prev.T, dz, self.dWh),
        ]
        if not self.Wx.size:
            return recurrent
        after = [Product(rows.T, dprojected, self.dWx), Product(dprojected, self.Wx.T, drows)]
        return [Product(rows, self.Wx, projected), *recurrent, *after]


def make_buffers(work: Sizes, B: int, U: int, Wx: np.ndarray | None, Wh: np.ndarray) -> Buffers:
    """Make the buffers for batches of B rows with at most U distinct ids, filled with numbers of the size that they have in training."""
    rng = np.random.default_rng(work.seed)
    T, H, E = work.T, work.H, 0 if Wx is None else work.E

    def drawn(*shape: int) -> np.ndarray:
        return rng.uniform(-0.5, 0.5, shape).astype(np.float32)

    return Buffers(
        hs=drawn(T, B, H),
        dzs=drawn(T, B, H),
        Wh=Wh,
        Wh_transposed=np.ascontiguousarray(Wh.T),
        dWh=drawn(H, H),
        recurrent=drawn(T - 1, B, H),
        dh_prev=drawn(T - 1, B, H),
        rows=drawn(U, E),
        drows=drawn(U, E),
        Wx=drawn(0, H) if Wx is None else Wx,
        dWx=drawn(E, H),
        projected=drawn(U, H),
        dprojected=drawn(U, H),
    )


def run_products(products: list[Product]) -> None:
    """Do them."""
    for left, right, out in products:
        np.matmul(left, right, out=out)


def threads_allowed() -> int:
    """Give the threads that BLAS has by its own account, from its environment and the processors of this process."""
    return max((pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"), default=1)


class Session:
    """The products of a workload's batches.

    Parameters
    ----------
    work : sizes N T V E H B, seed
    arrays : ids (N,T) int32; weights, a list for each model
    model : "embedding" or "one_hot", which has no projections
    """

    def __init__(self, work: Sizes, arrays: Arrays, model: str = "embedding") -> None:
        starts = range(0, work.N, work.B)
        sizes = [min(work.B, work.N - start) for start in starts]
        distinct = [len(np.unique(arrays.ids[start : start + work.B])) for start in starts]
        Wx, Wh = (arrays.weights[model][1], arrays.weights[model][2]) if model == "embedding" else (None, arrays.weights[model][1])
        buffers = {B: make_buffers(work, B, max(distinct), Wx, Wh) for B in sorted(set(sizes))}
        self.batches = [buffers[B].products(U) for B, U in zip(sizes, distinct, strict=True)]
        self.threads = self.fastest_threads()

    def fastest_threads(self) -> int:
        """Try a batch with every number of threads that is allowed: small products lose more by handing work over than they gain."""

        def seconds(threads: int) -> float:
            with threadpool_limits(threads, user_api="blas"):
                times = []
                for _ in range(4):  # the first one starts the threads
                    start = time.perf_counter()
                    run_products(self.batches[0])
                    times.append(time.perf_counter() - start)
            return min(times)

        return min(range(1, threads_allowed() + 1), key=seconds)

    @property
    def operations(self) -> int:
        """Multiplications and additions of an epoch."""
        return sum(product.operations for batch in self.batches for product in batch)

    def epoch(self) -> None:
        """Do the products of all batches; there is no loss in it."""
        with threadpool_limits(self.threads, user_api="blas"):
            for batch in self.batches:
                run_products(batch)

    def evaluate(self, n: int) -> None:
        """Give nothing: nothing is trained."""
