import numpy as np
import pytest
from faults import planted
from hypothesis import given, settings
from hypothesis import strategies as st
from rnn_cases import ROWS, N, T, random_ids
from twins import compare_twins, twin_params

from minirnn.batches import TokenRows
from minirnn.layers import distinct
from minirnn.layers.distinct import BACKENDS, Search, pays, workspace

V = 11
PICKED = [0, 3, 4, 10]


def find_case(ids, V, rows=None):
    def arguments(dtype):  # ids have none of it
        chosen = np.arange(len(ids)) if rows is None else np.array(rows)
        places = np.full((len(chosen), ids.shape[1]), -7, np.int32)
        return [ids, chosen, workspace(V, places.size), np.full(min(V, places.size), -7, np.int32), places]

    return arguments


def rows_case(E, *kinds):
    def arguments(dtype):
        rng = np.random.default_rng(E)
        made = {
            "weight": rng.normal(size=(V, E)).astype(dtype),
            "picked": rng.normal(size=(len(PICKED), E)).astype(dtype),
            "distinct": np.array(PICKED, np.int32),
        }
        return [made[kind] for kind in kinds]

    return arguments


def drawn(V, N=6, T=9, dtype="int32"):
    return np.random.default_rng(V).integers(0, V, (N, T)).astype(dtype)


CASES = {
    "find": {
        "small": find_case(random_ids(np.random.default_rng(3), N, T, V), V, ROWS),
        "int64": find_case(drawn(11, dtype="int64"), 11),
        "more-ids-than-lookups": find_case(drawn(88_584), 88_584),
        "every-id": find_case(np.arange(12).reshape(3, 4)[::-1].astype("int32"), 12),
        "one-id": find_case(np.zeros((2, 3), "int32"), 1),
        "last-id": find_case(np.full((2, 3), 70_000, "int32"), 70_001),
        "one-row": find_case(drawn(50), 50, [4]),
        "a-row-twice": find_case(drawn(50), 50, [4, 4, 1]),
    },
    "gather": {f"E{E}": rows_case(E, "weight", "distinct", "picked") for E in (1, 8, 19)},
    "scatter": {f"E{E}": rows_case(E, "picked", "distinct", "weight") for E in (1, 8, 19)},
    "clear": {f"E{E}": rows_case(E, "weight", "distinct") for E in (1, 8, 19)},
}


@pytest.mark.parametrize(("entry", "case", "dtype"), twin_params(CASES))
def test_kernel_equals_reference(entry, case, dtype):
    compare_twins(BACKENDS, entry, case, dtype)


@settings(max_examples=100, deadline=None)
@given(V=st.integers(1, 5000), N=st.integers(1, 9), T=st.integers(1, 40), seed=st.integers(0, 99))
def test_kernel_equals_reference_for_any_ids(V, N, T, seed):
    ids = np.random.default_rng(seed).integers(0, V, (N, T)).astype(np.int32)
    compare_twins(BACKENDS, "find", find_case(ids, V), "float64")


@pytest.mark.parametrize("backend", BACKENDS)
def test_places_name_the_ids_ascending_and_once(backend):
    search, ids = Search(), drawn(300)
    for rows in ([2, 5, 0], [1], [3, 3, 4, 0, 5, 2], [5, 2]):  # more, fewer and other rows than before
        found = search(TokenRows(ids, np.array(rows)), (300, 64), backend)
        assert (np.diff(found.distinct) > 0).all()
        np.testing.assert_array_equal(found.distinct[found.places], ids[rows])


def test_the_workspace_is_left_as_it_was_found():
    *arguments, places = find_case(drawn(300), 300)(None)
    BACKENDS["numba"].find(*arguments, places)
    assert (arguments[2][0] == -1).all()


def test_a_search_serves_vocabularies_of_any_size():
    search = Search()
    for V in (30, 7000, 200):
        found = search(TokenRows(drawn(V), np.arange(6)), (V, 300), "numba")
        np.testing.assert_array_equal(found.distinct, np.unique(drawn(V)))


def test_a_small_vocabulary_is_computed_whole():
    assert not pays((200, 16), 6400)
    assert pays((10_000, 16), 6400)
    assert pays((200, 512), 6400)  # wide rows are dear
    assert not pays((200, 16), 100)
    assert pays((10_000, 16), 100)
    assert Search()(TokenRows(np.zeros((64, 100), np.int32), np.arange(64)), (200, 16), "numba") is None


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("target[counts[k]] = source[u]", "target[u] = source[u]"),  # not sorted
        ("for digit in range(2)", "for digit in range(1)"),
        ("new = slot_of[v] < 0", "new = slot_of[v] <= 0"),  # an id found twice
        ("places[b, t] = slot_of[ids[row, t]]", "places[b, t] = slot_of[ids[b, t]]"),
    ],
)
def test_planted_faults_are_found(line, fault, monkeypatch):
    monkeypatch.setattr(distinct, "jit", lambda kernel: kernel)  # compiled, the faults would write beyond their arrays
    source = getattr(distinct.find_distinct_jit, "py_func", distinct.find_distinct_jit)
    monkeypatch.setitem(BACKENDS, "numba", BACKENDS["numba"]._replace(find=planted(source, line, fault)))
    with pytest.raises((AssertionError, IndexError)):
        compare_all_finds()


def compare_all_finds():
    for case in CASES["find"].values():
        compare_twins(BACKENDS, "find", case, "float64")
