"""What the command shows: lines, tables, and errors in one clear message.

Comes in: words, records, errors. Goes out: text on standard output; errors and warnings on standard error.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from typing import ParamSpec

import typer

P = ParamSpec("P")

_USAGE = (ValueError, TypeError, FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError)
"""What can be mended by calling the command differently: exit code 2, as for a wrong option. The rest is 1."""


def say(line: str = "") -> None:
    """Show a line."""
    typer.echo(line)


def warn(line: str) -> None:
    """Show a line on standard error."""
    typer.secho(line, fg=typer.colors.YELLOW, err=True)


def show_table(title: str, heads: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Show a table of numbers: in each row its name, then a cell for each of the other columns' ``heads``."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for place, head in enumerate(heads):
        table.add_column(Text(head), justify="right" if place else "left", overflow="fold")
    for name, cells in rows:
        table.add_row(Text(name), *map(Text, cells))
    say(title)
    Console(highlight=False).print(table)


def in_plain_words(command: Callable[P, None]) -> Callable[P, None]:
    """Show the errors of a command as one message without a traceback, unless its ``debug`` argument is true.

    Wrong values and missing files end with exit code 2, other failures with 1, Ctrl-C with 130.
    """

    @functools.wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        from minirnn.interrupt import Interrupter  # here because --help needs none of it

        try:
            with Interrupter() as interrupter:
                command(*args, **kwargs)
                interrupter.pass_on()
        except BrokenPipeError:
            raise  # whoever reads the output has gone: nothing to tell
        except (ValueError, TypeError, OSError, ArithmeticError, MemoryError) as error:
            if kwargs.get("debug"):
                raise
            typer.secho(f"Error: {error_message(error)}", fg=typer.colors.RED, err=True)
            raise typer.Exit(2 if isinstance(error, _USAGE) else 1) from None
        except KeyboardInterrupt:
            typer.echo("Interrupted.", err=True)
            raise typer.Exit(130) from None

    return guarded


def error_message(error: BaseException) -> str:
    """Give the words of an error; of the system's errors, the reason and the file, without the number.

    >>> error_message(FileNotFoundError(2, "No such file or directory", "imdb.npz"))
    'No such file or directory: imdb.npz'
    """
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.strerror}: {os.fspath(error.filename)}"
    return str(error) or type(error).__name__
