"""What is compiled: each kernel once for the job, and never again because an array came in another form.

A signature more is a second or two more of the first `fit`, so their number is pinned here. If it changes on purpose, say so in `JOB`.
"""

import itertools
import json
import subprocess
import sys

import pytest

from minirnn.jit import COMPILED

JOB = {
    "express.kernel.run_batches_jit": 1,
}
"""How many signatures of which kernel the job compiles: training, validation, evaluation and prediction of both models."""

LAYER_BY_LAYER = {
    "layers.dense.dense_backward_jit": 1,
    "layers.dense.dense_forward_jit": 1,
    "layers.recurrence.rnn_backward_jit": 1,
    "layers.recurrence.rnn_forward_jit": 1,
    "layers.token_rnn.project_backward_jit": 2,  # with an embedding, and without
    "layers.token_rnn.project_jit": 2,
    "losses.bce_logits_jit": 1,
    "metrics.binary_matches_jit": 1,
    "optimizers.rmsprop_step.rmsprop_jit": 1,
}
"""What comes on top where the same models take the loop that is read aloud."""

STAGES = """
import json, sys, tempfile
from pathlib import Path
import numpy as np
import minirnn
from minirnn import OneHot, job, runs
from minirnn.jit import compiled_kernels
from minirnn.kernel_cache import watched

ready = []
watch = watched(ready.append)
watch.__enter__()
settings = runs.Settings()  # what is compiled may depend on sizes, so these are the job's
N, T, V = 150, settings.maxlen, settings.num_words
ids = np.random.default_rng(1).integers(0, V, (N, T)).astype(np.int32)
labels = np.arange(N) % 2

def everything(model, x, y):
    model.fit(x, y, batch_size=settings.batch_size, validation_split=0.3, verbose=0)
    model.evaluate(x, y, batch_size=settings.batch_size, verbose=0)
    model.predict(x, verbose=0)
    model.predict_one(x[0])

def signatures():
    return {name: [str(signature) for signature in kernel.signatures] for name, kernel in compiled_kernels().items()}

def locked(array):
    array = array.copy(order="K")
    array.flags.writeable = False
    return array

onehot, embedding = (job.build(encoding, settings) for encoding in ("onehot", "embedding"))
everything(onehot, OneHot(ids, V), labels)
everything(embedding, ids, labels)
stages = {"the job": signatures()}
onehot.train_on_batch(OneHot(ids, V), labels)
embedding.train_on_batch(ids, labels)
stages["layer by layer"] = signatures()

np.save(Path(sys.argv[1]) / "ids.npy", ids)
in_file = [np.load(Path(sys.argv[1]) / "ids.npy", mmap_mode=mode) for mode in ("r", "r+", "c")]
floats = labels[:, None].astype("float32")
forms = {
    "int64 ids": (ids.astype("int64"), labels),
    "uint8 ids": (ids.astype("uint8"), labels),
    "big-endian ids": (ids.astype(">i4"), labels),
    "float ids": (ids.astype("float64"), labels),
    "lists": (ids.tolist(), labels.tolist()),
    "Fortran's order": (np.asfortranarray(ids), np.asfortranarray(floats)),
    "every other step": (np.repeat(ids, 2, axis=1)[:, ::2], labels),
    "arrays that cannot be written to": (locked(ids), locked(floats)),
    "a file": (in_file[0], labels),
    "a file that can be written to": (in_file[1], labels),
    "a private map": (in_file[2], labels),
    "float64 labels": (ids, floats.astype("float64")),
    "bool labels": (ids, labels.astype(bool)),
}
for name, (x, y) in forms.items():
    everything(embedding, x, y)
    embedding.train_on_batch(x, y)
    stages[name] = signatures()
    if np.asarray(x).dtype.kind in "iu":
        everything(onehot, OneHot(x, V), y)
        onehot.train_on_batch(OneHot(x, V), y)
        stages[name + ", one-hot"] = signatures()

embedding.compile(minirnn.optimizers.RMSprop(rho=0, momentum=0, epsilon=1), "bce", metrics=[minirnn.metrics.BinaryAccuracy(threshold=0)])
everything(embedding, ids, labels)
stages["whole numbers for hyper-parameters"] = signatures()

rnn, vectors = minirnn.layers.SimpleRNN(8), np.ones((3, T, 4), "float32")
mask = np.ones((3, T), bool)
rnn(vectors, mask)
stages["a layer alone"] = signatures()
for x, seen in [(vectors.astype("float64"), mask.tolist()), (locked(vectors), locked(mask)), (np.asfortranarray(vectors), mask[:, ::-1])]:
    rnn(x, seen)
stages["a layer alone on other forms"] = signatures()
dense = minirnn.layers.Dense(3)
dense(vectors[0])
stages["another layer"] = signatures()
dense(locked(vectors[0]))
dense(vectors[0].T.copy().T)
stages["another layer on other forms"] = signatures()
print(json.dumps([any(not one.loaded for one in ready), stages]))
"""

FREE = ("layer by layer", "a layer alone", "another layer")
"""Stages that compile for a reason, e.g. a mask."""


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("forms")
    for _ in range(2):  # a process that compiles a kernel compiles those that it calls, which one that finds it on disk need not
        process = subprocess.run([sys.executable, "-W", "error", "-c", STAGES, str(folder)], capture_output=True, text=True, check=False)
        assert process.returncode == 0, process.stderr
        compiled, found = json.loads(process.stdout)
        if not compiled:
            break
    return found


pytestmark = pytest.mark.skipif(not COMPILED, reason="nothing is compiled")


@pytest.mark.parametrize(("stage", "pinned"), [("the job", JOB), ("layer by layer", JOB | LAYER_BY_LAYER)])
def test_each_kernel_is_compiled_as_often_as_it_must(stages, stage, pinned):
    found = {name: signatures for name, signatures in stages[stage].items() if signatures}

    counts = {name: len(signatures) for name, signatures in found.items()}
    listed = [f"{name}: {counts.get(name, 0)} signatures, pinned {pinned.get(name, 0)}" for name in sorted(found.keys() | pinned.keys())]
    extra = [f"  {name}{signature}" for name in found for signature in found[name] if counts[name] != pinned.get(name)]
    assert counts == pinned, "\n".join([*listed, *extra])


def test_no_form_of_the_arrays_compiles_a_kernel_again(stages):
    names = list(stages)
    new = [
        f"{stage}: {kernel}{signature}"
        for before, stage in itertools.pairwise(names)
        for kernel, signatures in stages[stage].items()
        for signature in signatures
        if stage not in FREE and signature not in stages[before].get(kernel, [])
    ]
    assert not new, "\n".join(["compiled a second time, for:", *new])
