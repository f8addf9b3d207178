import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minirnn import ragged
from minirnn.ragged import BACKENDS, pad_flat
from minirnn.sequences import pad_sequences

MODES = ["pre", "post"]
SEQUENCES = [[7], [], [2, 5, 6, 9], [3, 3]]
FLAT, OFFSETS = np.array([7, 2, 5, 6, 9, 3, 3], dtype=np.int32), [0, 1, 1, 5, 7]


@pytest.mark.parametrize("backend", BACKENDS)
@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(st.lists(st.integers(-9, 9), max_size=6), min_size=1, max_size=6),
    maxlen=st.sampled_from([None, 0, 1, 2, 5, 8]),
    padding=st.sampled_from(MODES),
    truncating=st.sampled_from(MODES),
    lead=st.integers(0, 3),
)
def test_flat_ids_pad_as_their_lists_do(backend, rows, maxlen, padding, truncating, lead):
    flat = np.array([99] * lead + [item for row in rows for item in row] + [98], dtype=np.int16)
    offsets = lead + np.cumsum([0, *map(len, rows)])
    padded = pad_flat(flat, offsets, maxlen, padding, truncating, value=-1, backend=backend)
    expected = pad_sequences(rows, maxlen, "int16", padding, truncating, value=-1)
    assert padded.dtype == expected.dtype
    assert padded.shape == expected.shape
    np.testing.assert_array_equal(padded, expected)


@pytest.mark.parametrize("name", BACKENDS["numpy"])
@pytest.mark.parametrize("pad_before", [True, False])
@pytest.mark.parametrize("keep_last", [True, False])
def test_the_kernel_writes_what_the_reference_writes(name, pad_before, keep_last):
    rng = np.random.default_rng(4)
    offsets = np.cumsum([0, *rng.integers(0, 9, size=23)])
    flat = rng.random(offsets[-1])
    written = []
    for backend in BACKENDS:
        padded = np.full((23, 5), -1.0)
        BACKENDS[backend][name](flat, offsets, padded, pad_before, keep_last)
        written.append(padded)
    np.testing.assert_array_equal(written[0], written[1])


def test_without_a_backend_the_default_one_pads(monkeypatch):
    called = []
    monkeypatch.setattr(ragged, "DEFAULT_BACKEND", "numpy")
    monkeypatch.setitem(BACKENDS, "numpy", {"pad_flat": lambda *arguments: called.append(arguments)})
    pad_flat(FLAT, OFFSETS)
    assert len(called) == 1


def test_no_sequences_give_no_rows():
    assert pad_flat(FLAT, [0], maxlen=3).shape == (0, 3)


@pytest.mark.parametrize(
    ("arguments", "choices", "error", "message"),
    [
        ((FLAT.reshape(1, 7), OFFSETS), {}, ValueError, r"received shapes \(1, 7\) and \(5,\)"),
        ((FLAT, []), {}, ValueError, r"received shapes \(7,\) and \(0,\)"),
        ((FLAT, [0.0, 7.0]), {}, TypeError, "offsets must be integers, received dtype float64"),
        ((FLAT, [0, 5, 3]), {}, ValueError, "offsets must rise"),
        ((FLAT, [0, 8]), {}, ValueError, "at most 7, the size of flat"),
        ((FLAT, [-1, 3]), {}, ValueError, "offsets must rise"),
        ((FLAT, [0]), {}, ValueError, "pad_flat: there are no sequences, so maxlen must be given"),
        ((FLAT, OFFSETS, -1), {}, ValueError, "pad_flat: maxlen must be a non-negative integer or None, received -1"),
        ((FLAT, OFFSETS, 2.0), {}, TypeError, "pad_flat: maxlen must be an integer or None, received 2.0"),
        ((FLAT, OFFSETS), {"padding": "prae"}, ValueError, "unknown padding 'prae': did you mean 'pre'"),
        ((FLAT, OFFSETS), {"backend": "nunba"}, ValueError, "unknown backend 'nunba': did you mean 'numba'"),
    ],
)
def test_bad_input_is_named(arguments, choices, error, message):
    with pytest.raises(error, match=message):
        pad_flat(*arguments, **choices)
