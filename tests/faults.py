"""Plant a fault: a copy of a function with one line changed. A check that does not fail on it checks nothing."""

import inspect
import textwrap


def planted(function, line, fault):
    """Copy a function, with ``fault`` in the place of ``line``, which must stand in its source exactly once."""
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(line) == 1, f"{line!r} stands {source.count(line)} times in {function.__name__}"
    scope = dict(vars(inspect.getmodule(function)))
    exec(source.replace(line, fault), scope)
    return scope[function.__name__]
