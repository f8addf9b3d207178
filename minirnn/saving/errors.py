"""How a file that cannot be read is reported: one error, which says whose fault it is.

Comes in: whatever goes wrong while a file is taken apart. Goes out: `FormatError`, whose message begins with the file, and then the layer
or argument in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class FormatError(ValueError):
    """A file is not what its name says: damaged, hostile, or made for something that minirnn lacks.

    Examples
    --------
    >>> import pathlib, tempfile, minirnn
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.keras"
    >>> size = path.write_bytes(b"no zip")
    >>> minirnn.saving.load_model(path)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    minirnn.saving.errors.FormatError: load_model: ...: not a complete .keras archive ...
    """


@contextmanager
def blaming(where: str) -> Iterator[None]:
    """Turn every error inside into a `FormatError` that begins with ``where``; one that is a `FormatError` already passes.

    Every kind of error, because bytes that someone else chose can raise nearly anything in a parser; nothing is hidden by it, the first
    error stays attached.
    """
    try:
        yield
    except FormatError:
        raise
    except Exception as error:
        kind = "" if isinstance(error, ValueError | TypeError | OSError) else f"{type(error).__name__} "
        raise FormatError(f"{where}: {kind}{str(error)[:600]}".rstrip()) from error
