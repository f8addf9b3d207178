"""The house's docstrings, made into what Sphinx reads.

Comes in: the lines of a docstring. Goes out: reStructuredText. A section with a line of dashes under its name becomes a field::

    Parameters                              :Parameters:
    ----------
    units : H, a positive integer      ->       ``units``
    x (B,T,E) float: the input                      H, a positive integer
    maxlen : int, optional                      ``x`` : ``(B,T,E) float``
        Length of every row.                        the input
                                                ``maxlen`` : int, optional
                                                    Length of every row.

Everywhere, a shape is set in the letters of code, a name that the reference describes is a link to it, a bar is a bar (not a
substitution), and an indented block of equations keeps its columns. Napoleon and numpydoc take the text after a colon for a type; here
it is mostly the meaning, so neither is used.
"""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent
from typing import Any

LISTS = ("Parameters", "Attributes", "Returns", "Yields", "Raises", "Warns")
TITLES = ("Examples", "Notes", "Source", "See Also", "References", "Methods")
NAMES = r"[*]{0,2}\w+(?:, ?[*]{0,2}\w+)*"
SIZE = r"(?:[A-Z]\d?|\d+)(?:[+\-*·/](?:[A-Z]\d?|\d+))*|None|\.\.\."
SHAPE = re.compile(rf"\((?=[^)]*[A-Z])(?:{SIZE})(?:, ?(?:{SIZE}))*,?\)")
"""Sizes in parentheses: (B,T,E), (T+1,B,H), (N,), (None, T), (N,...)."""
CODE = re.compile(r"(``.+?``|:[\w:]+:`[^`]*`|`[^`]+`)")
ENTRY = re.compile(r"^\.\. auto(?:function|class|exception):: (\S+)$", re.MULTILINE)
WRAPPED = 96
"""A line this long goes on in the next one; a shorter one, with an indented line under it, is a type over its meaning."""


def _described() -> dict[str, str]:
    """What the reference describes, by its whole name, and by its last word where that is no everyday word and no other's."""
    pages = (Path(__file__).parent.parent / "reference").glob("*.rst")
    whole = [name for page in sorted(pages) for name in ENTRY.findall(page.read_text(encoding="utf-8"))]
    last = [name.rpartition(".")[2] for name in whole]
    telling = {word: name for word, name in zip(last, whole, strict=True) if last.count(word) == 1 and (not word.islower() or "_" in word)}
    return {name: name for name in whole} | telling


DESCRIBED = _described()


def restructured(lines: list[str]) -> list[str]:
    """Give the whole docstring as reStructuredText."""
    out: list[str] = []
    section, block = "", []
    for place, line in enumerate([*lines, "", "End", "---"]):
        following = ([*lines, "", "End", "---"])[place + 1 : place + 2]
        is_title = line.strip() in (*LISTS, *TITLES, "End") and following and re.fullmatch(r"-{3,}", following[0].strip())
        if is_title:
            out += _section(section, block)
            section, block = line.strip(), []
        elif not (re.fullmatch(r"-{3,}", line.strip()) and not block):
            block.append(line)
    return out


def _section(name: str, block: list[str]) -> list[str]:
    if name in LISTS:
        return [f":{name}:", *("    " + line if line else "" for line in _entries(name, dedent("\n".join(block)).split("\n"))), ""]
    title = [f".. rubric:: {'Example' if name == 'Examples' else name}", ""] if name else []
    return title + _prose(block) + [""]


def _entries(name: str, lines: list[str]) -> list[str]:
    """A definition list: a name, what it is, and under it what it means."""
    out: list[str] = [""]
    for head, body in _grouped(lines):
        what = ""
        shaped = re.fullmatch(rf"({NAMES}) (\([^)]*\)[^:]*): (.+)", head)
        named = re.fullmatch(rf"({NAMES}) ?: (.+)", head)
        if shaped:
            term, what, body = shaped[1], shaped[2].rstrip(), [shaped[3], *body]
        elif named and body and len(head) < WRAPPED:
            term, what = named[1], named[2]
        elif named:
            term, body = named[1], [named[2], *body]
        elif name in ("Returns", "Yields") and not body:
            out += [*_prose([head]), ""]
            continue
        elif name in ("Returns", "Yields"):
            out += [_text(head), *("    " + line if line else "" for line in _prose(body)), ""]
            continue
        else:
            bare = re.fullmatch(rf"({NAMES}) (\([^)]*\).*)", head)
            term, what = (bare[1], bare[2]) if bare else (head, "")
        if name in ("Raises", "Warns"):
            terms = ", ".join(f":py:class:`{one}`" for one in term.split(", "))
        else:
            terms = ", ".join(f"``{one}``" for one in term.split(", "))
        shape = re.fullmatch(r"(\([^)]*\)(?: \w+)?)(.*)", what)
        kind = f" : ``{shape[1]}``{_text(shape[2])}" if shape else f" : {_text(what)}" if what else ""
        out += [terms + kind, *("    " + line if line else "" for line in _prose(body) or ["\\"]), ""]
    return out


def _grouped(lines: list[str]) -> list[tuple[str, list[str]]]:
    groups: list[tuple[str, list[str]]] = []
    for line in lines:
        if line and not line.startswith(" "):
            groups.append((line, []))
        elif groups:
            groups[-1][1].append(line)
    return [(head, dedent("\n".join(body)).strip("\n").split("\n") if any(body) else []) for head, body in groups]


def _prose(lines: list[str]) -> list[str]:
    """Text as it is, but for shapes and bars; examples, tables and blocks of equations untouched."""
    out: list[str] = []
    literal = example = False
    inset = 0  # of a table, which is no quotation
    for place, line in enumerate(lines):
        indented = line.startswith(" ")
        if line.lstrip().startswith((">>>", "===")):  # an example, or a table, whose columns must stay
            example = True
            inset = len(line) - len(line.lstrip()) if line.lstrip().startswith("===") else 0
        elif not line.strip():
            example, inset = False, 0
        if literal and line.strip() and not indented:
            literal = False
        starts_block = indented and not literal and not example and (place == 0 or not lines[place - 1].strip())
        if starts_block:  # an indented block after an empty line is a block of equations, with or without its two colons
            before = next((given for given in reversed(out) if given.strip()), "")
            if not before.endswith("::") and not re.match(r"\s*(\d+\.|[-*]|\.\.) ", before):
                out += [".. code-block:: text", ""]
            literal = True
        out.append(line[inset:] if literal or example else _text(line))
    return out


def _text(line: str) -> str:
    pieces = CODE.split(line)
    return "".join(_linked(piece) if place % 2 else SHAPE.sub(_code, piece.replace("|", "\\|")) for place, piece in enumerate(pieces))


def _linked(code: str) -> str:
    name = code.strip("`").removesuffix("()")
    return f":py:obj:`{name} <{DESCRIBED[name]}>`" if name in DESCRIBED and not code.startswith(":") else code


def _code(shape: re.Match[str]) -> str:
    """Letters of code may only stand between spaces and punctuation; elsewhere an escaped space, which is not shown, makes room."""
    before, after = shape.string[: shape.start()][-1:], shape.string[shape.end() :][:1]
    return ("" if before in " \"'([{<-/:" else "\\ ") + f"``{shape[0]}``" + ("" if after in " \"')]}>-/:.,;!?" else "\\ ")


def process(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Sphinx's event: change the lines in place."""
    lines[:] = restructured(lines)


def setup(app: Any) -> dict[str, Any]:
    """Connect to autodoc."""
    app.connect("autodoc-process-docstring", process)
    return {"parallel_read_safe": True, "version": "1"}
