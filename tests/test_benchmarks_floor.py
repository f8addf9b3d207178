"""The floor does the arithmetic that it is timed for, and a floor that does not is found out. No time is asserted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchmarks import floor
from benchmarks.floor_case import ALIGNMENT, UNITS, make_case, states_ref


def skip_unless_built(build: floor.Build) -> None:
    try:
        floor.compiled(build)
    except floor.FloorUnavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture
def built() -> None:
    """Skip where the floor cannot be built."""
    skip_unless_built(floor.AVX2)


@settings(max_examples=15, deadline=None)
@given(
    rows=st.sampled_from([16, 32, 8, 1]),
    T=st.integers(1, 50),
    V=st.sampled_from([1, 5, 40, 700]),  # with more words than a batch has ids, only rows that were written are cleared
    groups=st.integers(1, 5),
    batch_groups=st.integers(1, 3),
    seed=st.integers(0, 99),
)
@pytest.mark.parametrize("build", floor.BUILDS, ids=lambda build: build.name)
def test_every_floor_equals_numpy(build: floor.Build, rows: int, T: int, V: int, groups: int, batch_groups: int, seed: int) -> None:
    skip_unless_built(build)
    case = make_case(N=groups * rows, T=T, V=V, B=batch_groups * rows, seed=seed)
    assume(not build.rows_in_lanes or case.group % 16 == 0)

    run_epoch = floor.epoch_call(case, build)
    run_epoch()

    assert case.dtable.dtype == case.dU.dtype == np.float32
    assert floor.worst_error(case, build) < floor.TOLERANCE / 10
    run_epoch()
    assert floor.worst_error(case, build) < floor.TOLERANCE / 10, "a second epoch starts from nothing again"


@pytest.mark.parametrize("build", floor.BUILDS, ids=lambda build: build.name)
def test_a_case_can_go_from_one_build_to_another(build: floor.Build) -> None:
    skip_unless_built(build)
    case = make_case(N=96, T=9, V=11)

    for each in (build, floor.AVX2, build):
        floor.checked_call(case, each)

    assert np.abs(case.dU).max() > 0


def test_sixteen_lanes_need_sixteen_rows() -> None:
    with pytest.raises(floor.FloorUnavailable, match="16 rows at a time"):
        floor.epoch_call(make_case(N=24, B=8, T=3, V=5), floor.AVX512)


@pytest.mark.parametrize("N", [1, 16, 41, 96])
@pytest.mark.usefixtures("built")
def test_forward_alone_gives_the_last_states(N: int) -> None:
    case = make_case(N=96, T=9, V=11)

    states = floor.checked_predict(case, N)()

    assert states.shape == (N, UNITS)
    np.testing.assert_allclose(states, states_ref(case, case.ids[:N])[-1], atol=1e-6)


@pytest.mark.usefixtures("built")
def test_wrong_states_are_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floor, "states_ref", lambda case, ids: states_ref(replace(case, U=case.U.T), ids))

    with pytest.raises(ArithmeticError, match=r"states are .* away from NumPy"):
        floor.checked_predict(make_case(N=96, T=9, V=11), 96)


@pytest.mark.usefixtures("built")
def test_the_native_floor_is_one_that_runs_here(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = replace(floor.AVX512, name="another machine's", flags=("-no-such-flag-at-all",))
    monkeypatch.setattr(floor, "BUILDS", (elsewhere, floor.AVX2))
    case = make_case(N=96, T=9, V=11)

    build, run_epoch = floor.fastest_call(case)
    run_epoch()

    assert build == floor.AVX2
    assert floor.worst_error(case, build) < floor.TOLERANCE


def test_without_any_build_the_native_floor_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floor, "BUILDS", (replace(floor.AVX2, name="unbuilt", flags=("-no-such-flag-at-all",)),))

    with pytest.raises(floor.FloorUnavailable, match=r"cannot build floor\.c|no C compiler"):
        floor.fastest_call(make_case(N=96, T=9, V=11))


def test_arrays_start_where_a_register_may() -> None:
    case = make_case(N=32, T=3, V=5, B=32)

    assert all(array.ctypes.data % ALIGNMENT == 0 for array in (case.table, case.U, case.dh_last, case.hs, case.dtable, case.dU))


@pytest.mark.usefixtures("built")
def test_a_wrong_floor_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    reference = floor.last_batch_ref
    monkeypatch.setattr(floor, "last_batch_ref", lambda case: reference(replace(case, U=case.U.T)))

    with pytest.raises(ArithmeticError, match="away from NumPy"):
        floor.checked_call(make_case(N=96, T=9, V=11))


def test_without_a_compiler_the_floor_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floor.shutil, "which", lambda _: None)

    with pytest.raises(floor.FloorUnavailable, match="no C compiler"):
        floor.compiled.__wrapped__(floor.AVX2)


def test_what_a_compiler_refuses_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    if floor.shutil.which("cc") is None:
        pytest.skip("no C compiler")

    with pytest.raises(floor.FloorUnavailable, match=r"cannot build floor\.c"):
        floor.compiled.__wrapped__(replace(floor.AVX2, flags=("-no-such-flag-at-all",)))


@pytest.mark.parametrize(("N", "B"), [(0, 32), (32, 0)])
def test_sizes_that_c_would_overrun_are_refused(N: int, B: int) -> None:
    with pytest.raises(ValueError, match="FloorCase"):
        make_case(N=N, B=B, T=3, V=5)


@pytest.mark.parametrize("token", [-1, 5])
def test_ids_that_c_would_read_outside_are_refused(token: int) -> None:
    case = make_case(N=32, B=32, T=3, V=5)
    case.ids[-1, -1] = token

    with pytest.raises(ValueError, match=r"ids must be 0\.\.4"):
        replace(case)
