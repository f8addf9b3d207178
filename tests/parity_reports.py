"""Small outcomes of parity, made by hand, for the tests of what is written about them."""

import numpy as np

from parity.backends import Outcome
from parity.compare import Verdict, compare_equal, compare_to_truth

TRUTH = np.array([[0.5, -3.0, 2.5], [1.0, 0.25, -2.0]])  # all of them float32 numbers; the ULP of the largest is 2^-22
ULP = 2.0**-22
FACTS = {
    "date": "2026-01-02T03:04:05+00:00",
    "commit": "0123456789ab",
    "minirnn": "0.1.0",
    "python": "3.11.7",
    "versions": {"numpy": "2.4", "numba": "0.68", "keras": "3.15.1"},
    "processor": "a processor & <another>",
    "processors": 2,
    "vector_instructions": ["avx2", "fma"],
    "platform": "Linux x86_64",
    "blas": "openblas",
    "dtype": "float32",
    "backend": "numba",
    "threads": "one",
    "tanh": "expm1",
    "seeds": "fixed",
}
OF_BACKEND = {"version": "1.2.3", "checks_truth": True, "denormals": {"NumPy": "kept", "Keras": "kept"}}


def off_by(ulps):
    tensor = TRUTH.astype(np.float32)
    tensor[1, 2] += ulps * ULP
    return tensor


def measured(case, tensor, error=1.0, keras_error=2.0, **options):
    return compare_to_truth(case, tensor, off_by(error), off_by(-keras_error), TRUTH, **options)


def outcome(backend="tensorflow", verdicts=None, crash=""):
    if verdicts is None:
        verdicts = [
            measured("simple_rnn", "output"),
            measured("simple_rnn", "dx", 0, 0),
            measured("growth.simple_rnn.1", "output", 1, 1, length=1),
            measured("growth.simple_rnn.10", "output", 3, 4, length=10, growth=np.full(TRUTH.shape, 9 * ULP)),
            compare_equal("pad_sequences.pre", "padded", np.arange(3), np.arange(3)),
            compare_equal("decision.D3.ids_out_of_range", "raises", np.array(1), np.array(0), intended="D3, an error & no <NaN>"),
        ]
    cases = dict.fromkeys(verdict.case for verdict in verdicts)
    return Outcome(
        backend, dict(OF_BACKEND), list(verdicts), dict.fromkeys(cases, 0.5), {case: [31] for case in cases}, 3.0, 0.5 * len(cases), crash
    )


def failed(case="simple_rnn", tensor="dkernel"):
    return Verdict(case, tensor, (2, 3), 50.0, 1.0, 8.0, (0, 1), False, "the reason")
