"""Compare a kernel with its reference: same call, same arguments, judged against the truth, and one verdict line per array.

A case is a function of a dtype that gives the arguments of one call, afresh. Every array among them is compared after the call, whether
the twins write to it or not, so that a kernel that writes where it should only read is caught too.
"""

import inspect

import numpy as np
import pytest

DTYPES = ("float32", "float64")


def entries(table):
    """The functions of one backend, by name."""
    if isinstance(table, dict):
        return table
    if isinstance(table, tuple):
        return table._asdict()
    return {table.__name__.rsplit("_", 1)[0]: table}


def twin_params(cases):
    """One parameter set (entry, case, dtype) for each case of each entry."""
    return [
        pytest.param(entry, case, dtype, id=f"{entry}-{name}-{dtype}")
        for entry, named in cases.items()
        for name, case in named.items()
        for dtype in DTYPES
    ]


def verdict(name, found, expected, allowed):
    """A line on one array: its worst error, where, what is allowed, and whether that holds."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape, f"{name}: shape {found.shape}, expected {expected.shape}"
    if not found.size:
        return True, f"{name} {found.shape}: empty"
    errors = np.abs(found - expected)
    where = np.unravel_index(np.nanargmax(errors) if not np.isnan(errors).all() else 0, errors.shape)
    holds = bool((errors <= allowed).all())  # false for a NaN
    place = tuple(int(i) for i in where)
    line = f"{name} {found.shape}: worst {errors[where]:.3g} at {place}, allowed {allowed:.3g}: {'ok' if holds else 'WRONG'}"
    return holds, line


def require(verdicts):
    """Fail with all lines unless every verdict holds."""
    verdicts = list(verdicts)
    assert verdicts, "nothing was compared"
    assert all(holds for holds, _ in verdicts), "\n" + "\n".join(line for _, line in verdicts)


def after(function, names, arguments):
    """The arguments as a call leaves them, and what it returned."""
    arguments = [argument.copy() if isinstance(argument, np.ndarray) else argument for argument in arguments]
    returned = function(*arguments)
    left = {name: argument for name, argument in zip(names, arguments, strict=True) if isinstance(argument, np.ndarray)}
    return left if returned is None else {**left, "returned": np.asarray(returned)}


def widened(argument):
    """A float32 array as float64: what the exact answer is computed from."""
    return argument.astype(np.float64) if isinstance(argument, np.ndarray) and argument.dtype == np.float32 else argument


def allowed_error(reference, truth, dtype):
    """How far a kernel may be from the truth.

    float32: four times as far as the reference in float32 is (both round as often, in another order), whatever T and H make of that, and
    four units in the last place of the largest entry, for where the reference happens to be exact. float64, where the reference itself is
    the truth: 1e-12 of the largest entry, which is the rounding of 9,000 additions; no case here has a third of that.
    """
    if not truth.size:
        return 0.0
    scale = float(np.abs(truth).max())
    if dtype == "float64":
        return 1e-12 * scale
    return 4 * float(np.abs(reference - truth).max()) + 4 * float(np.finfo(np.float32).eps) * scale


def compare(reference, kernel, arguments, dtype):
    """Fail unless the kernel leaves every array as the reference does, and returns the same."""
    names = list(inspect.signature(reference).parameters)
    given = dict(zip(names, arguments, strict=True))
    found, plain = after(kernel, names, arguments), after(reference, names, arguments)
    truth = after(reference, names, [widened(argument) for argument in arguments])
    verdicts = []
    for name, expected in plain.items():
        if name in given:
            assert found[name].dtype == expected.dtype, f"{name}: dtype {found[name].dtype}, expected {expected.dtype}"
            if np.array_equal(expected, given[name]):
                same = np.array_equal(found[name], given[name])
                verdicts.append((same, f"{name} {expected.shape}: {'left alone, ok' if same else 'WRONG, was written to'}"))
                continue
        allowed = allowed_error(expected, truth[name], dtype)
        verdicts.append(verdict(name, found[name].astype(truth[name].dtype), truth[name], allowed))
    require(verdicts)


def compare_twins(table, entry, case, dtype):
    """Fail unless both backends of a table's entry do the same."""
    compare(entries(table["numpy"])[entry], entries(table["numba"])[entry], case(np.dtype(dtype)), dtype)
