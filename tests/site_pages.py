"""The site's pages as text, and what the reference says it describes. Nothing here needs Sphinx."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

DOCS = Path(__file__).resolve().parent.parent / "docs"
NAMESPACES = ("minirnn", "minirnn.plots", "minirnn.tracing", "minirnn.checking", "minirnn.explain")
"""Modules whose ``__all__`` is public; those that it names are public too."""

FENCE = re.compile(r"^(?P<fence>(?:`{3,}|:{3,}))(?P<what>.*)$")
PROSE = tuple(f"{{{name}}}" for name in ("admonition", "attention", "hint", "important", "note", "seealso", "tip", "warning"))
"""Directives whose contents are text as well."""
ENTRY = re.compile(r"^\.\. auto(?:function|class|exception|method|property|data):: (\S+)$", re.MULTILINE)


class Page(NamedTuple):
    """What of a course page must be the same in both languages."""

    cells: list[str]
    levels: list[int]
    links: list[str]
    front: str


def read_page(path: Path) -> Page:
    """Take a page apart: its cells, the levels of its headings, its links, and what stands above it all."""
    text = path.read_text(encoding="utf-8")
    front = ""
    if text.startswith("---\n"):
        front, _, text = text[4:].partition("\n---\n")
    cells: list[str] = []
    levels: list[int] = []
    links: list[str] = []
    open_fences: list[str] = []
    literal: list[str] | None = None  # the lines of the innermost fence, where it holds no prose
    for line in text.splitlines():
        mark = FENCE.match(line)
        if open_fences and line.strip() == open_fences[-1]:
            open_fences.pop()
            if literal and literal[0].startswith("{code-cell}"):
                cells.append("\n".join(literal[1:]))
            literal = None
        elif literal is not None:
            literal.append(line)
        elif mark:
            open_fences.append(mark["fence"])
            literal = None if mark["what"].startswith(PROSE) else [mark["what"]]
        elif heading := re.match(r"(#+) ", line):
            levels.append(len(heading[1]))
        else:
            links += re.findall(r"\]\(([^)\s]+)\)", line)
    assert not open_fences, f"{path}: {open_fences} not closed"
    return Page(cells, levels, links, front)


def course(language: str) -> dict[str, Path]:
    """The pages of one language's course, by name."""
    return {path.stem: path for path in sorted((DOCS / language).glob("*.md"))}


def public(module_name: str) -> Iterator[tuple[str, Any]]:
    """Every public function and class of a module and of the public modules in it, by its dotted name."""
    module = importlib.import_module(module_name)
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.ismodule(value):
            yield from public(value.__name__)
        elif callable(value):
            yield f"{module_name}.{name}", value


def resolve(dotted: str) -> Any:
    """Give what a dotted name stands for."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for name in parts[length:]:
            value = getattr(value, name)
        return value
    raise ModuleNotFoundError(dotted)


def described() -> list[str]:
    """The dotted names that the reference describes."""
    return [name for page in sorted((DOCS / "reference").glob("*.rst")) for name in ENTRY.findall(page.read_text(encoding="utf-8"))]
