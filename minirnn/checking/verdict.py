"""What ``check`` returns: a verdict that is true or false, and that prints as its message.

Comes in: a headline, and facts: a word, and what it is. Goes out: lines of at most `WIDTH` letters, the words in one column.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

WIDTH = 84
"""Letters in a line: what a page of the course shows without scrolling."""

COLUMN = 11
"""Where the facts begin."""


@dataclass(frozen=True, repr=False, eq=False)
class Verdict:
    """The answer of ``check``: it is true if the function passed, and prints as its message.

    Attributes
    ----------
    exercise : its name.
    passed : whether every case agrees.
    cases : how many cases the exercise has.
    message : what is printed.
    hint : the message's hint; "" where there is none.
    mistake : name of the known mistake whose numbers these are; "" if they are no known mistake's.
    inputs : the arguments of the case that failed, by name, to look into it; empty if none did.
    received : what the function returned there.
    expected : what it should have returned.
    error : the exception it raised there, or None.

    Examples
    --------
    >>> import minirnn
    >>> verdict = minirnn.check(lambda ids, embeddings: embeddings[ids], "embedding_forward")
    >>> bool(verdict), verdict.cases
    (True, 9)
    """

    exercise: str
    passed: bool
    cases: int
    message: str
    hint: str = ""
    mistake: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    received: Any = None
    expected: Any = None
    error: Exception | None = None

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        return self.message

    __repr__ = __str__


def message(headline: str, facts: Iterable[tuple[str, str]]) -> str:
    """Put a headline and facts into lines.

    >>> print(message("Not yet.", [("place", "hs[0, 1, 2]"), ("hint", "Look again.")]))
    Not yet.
      place    hs[0, 1, 2]
      hint     Look again.
    """
    lines = textwrap.wrap(headline, WIDTH)
    for word, said in facts:
        for number, line in enumerate(said.split("\n")):
            indent = " " * COLUMN
            first = f"  {word}".ljust(COLUMN) if number == 0 else indent
            lines += textwrap.wrap(
                line,
                WIDTH,
                initial_indent=first,
                subsequent_indent=indent,
                break_long_words=False,
                break_on_hyphens=False,
                replace_whitespace=False,
                drop_whitespace=True,
            )
    return "\n".join(lines)
