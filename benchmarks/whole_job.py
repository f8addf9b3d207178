"""The whole job in a process that has just started: reviews from disk, padding, a few epochs with early stopping, the best weights back.

Comes in: a peer, the workload, and where IMDB lies, if anywhere; without it, reviews are drawn. Goes out: the losses, and the seconds of
each part; the seconds of the whole are taken outside, from the start of the process on.

Source of the job: the seed's embedding model; the last 5,000 of 25,000 reviews are for validation. It ends after a fixed number of epochs,
and keeps the order of the reviews, so that everyone ends at the same loss.
"""

from __future__ import annotations

import importlib
import time
from pathlib import Path
from typing import Any

from benchmarks.drawn import draw_reviews, draw_weights
from benchmarks.fit_session import build
from benchmarks.peers import Peer, import_peer
from benchmarks.workloads import Workload


def run_job(peer: Peer, workload: Workload, imdb: str | None) -> dict[str, Any]:
    """Do it, and give `figures` (the losses of every epoch, then those of validation) and the seconds of the parts."""
    clock = time.perf_counter
    start = clock()
    api = import_peer(peer)
    imported = clock()
    work = workload.sizes
    reviews, labels = load_reviews(api, peer, workload, imdb)
    ids = api.utils.pad_sequences(reviews, maxlen=work.T)
    read = clock()
    model = build(api, peer, workload.model, work, draw_weights(work)[workload.model])
    import numpy as np

    trained = model.fit(
        ids,
        np.asarray(labels),
        batch_size=work.B,
        epochs=workload.epochs,
        validation_split=0.2,
        shuffle=False,
        verbose=0,
        callbacks=[api.callbacks.EarlyStopping(patience=3, restore_best_weights=True)],
    ).history
    done = clock()
    parts = {"import_seconds": imported - start, "reviews_seconds": read - imported, "training_seconds": done - read}
    return {"figures": [[float(loss) for loss in trained[name]] for name in ("loss", "val_loss")], **parts}


def load_reviews(api: Any, peer: Peer, workload: Workload, imdb: str | None) -> tuple[Any, Any]:
    """Give the first N training reviews and their labels, by the peer's own loader."""
    work = workload.sizes
    if imdb is None:
        return draw_reviews(work)
    if peer.module == "keras":
        # A copy of IMDB whose contents are the same and whose bytes are not would be downloaded anew: past that check, then.
        loader = importlib.import_module("keras.src.datasets.imdb")
        loader.get_file = lambda **_: str(Path(imdb) / "imdb.npz")
        (reviews, labels), _ = loader.load_data(num_words=work.V)
    else:
        from minirnn.datasets import imdb as loader

        (reviews, labels), _ = loader.load_data(str(Path(imdb) / "imdb.npz"), num_words=work.V)
    return reviews[: work.N], labels[: work.N]
