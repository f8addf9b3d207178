"""The command's own help as a page.

Comes in: ``.. command-line:: train``, or another command's words. Goes out: how it is called, its help, and a definition list of its
arguments and options with their defaults, read from the very functions that typer makes the command of.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from enum import Enum
from typing import Any, get_args, get_type_hints

import typer
from sphinx.util.docutils import SphinxDirective

from minirnn import cli


def commands(app: typer.Typer = cli.app, before: str = "") -> dict[str, Callable[..., Any]]:
    """Give the function behind every command, by the command's words."""
    found = {}
    for one in app.registered_commands:
        assert one.callback is not None
        found[before + (one.name or one.callback.__name__.replace("_", "-"))] = one.callback
    for group in app.registered_groups:
        inner = group.typer_instance
        assert inner is not None and group.name is not None
        if inner.registered_callback is not None and inner.registered_callback.callback is not None:
            found[before + group.name] = inner.registered_callback.callback
        found |= commands(inner, f"{before}{group.name} ")
    return found


def described(words: str) -> list[str]:
    """Give a command in reStructuredText."""
    function = commands()[words]
    arguments, options = [], []
    hints = get_type_hints(function, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        kind, *extras = get_args(hints[name]) if hasattr(hints[name], "__metadata__") else (hints[name],)
        info = next((extra for extra in extras if isinstance(extra, typer.models.ParameterInfo)), None)
        if info is not None and not info.hidden:
            (arguments if isinstance(info, typer.models.ArgumentInfo) else options).append((name, kind, info, parameter.default))
    usage = " ".join(["minirnn", words, *("[OPTIONS]" if options else "",), *(_usage(*one) for one in arguments)])
    out = [".. code-block:: text", "", f"    {usage}", ""]
    for paragraph in inspect.getdoc(function).split("\n\n"):  # type: ignore[union-attr]
        out += [marked(" ".join(paragraph.split())), ""]
    for title, group in (("Arguments", arguments), ("Options", options)):
        lines = [line for one in group for line in entry(*one)]
        if lines:
            out += [f":{title}:", "", *("    " + line for line in lines), ""]
    return out


def _usage(name: str, kind: Any, info: Any, default: Any) -> str:
    metavar = (info.metavar or name.upper()) + ("..." if "list" in str(kind) else "")
    return metavar if default is inspect.Parameter.empty else f"[{metavar}]"


def entry(name: str, kind: Any, info: Any, default: Any) -> list[str]:
    """Give an argument or option as an entry of a definition list."""
    kinds = [one for one in (get_args(kind) or (kind,)) if one is not type(None)]
    choices = [member.value for member in kinds[0]] if isinstance(kinds[0], type) and issubclass(kinds[0], Enum) else []
    metavar = info.metavar or ("|".join(choices) if choices else getattr(kinds[0], "__name__", "").upper())
    if isinstance(info, typer.models.ArgumentInfo):
        head = f"``{info.metavar or name.upper()}``"
    else:
        first = [info.default] if isinstance(info.default, str) and info.default.startswith("-") else []  # where Annotated is used
        names = ", ".join(f"``{one}``" for one in [*first, *(info.param_decls or ())] or [f"--{name.replace('_', '-')}"])
        head = names if kinds[0] is bool else f"{names} : ``{metavar}``"
    said = [marked(info.help or "")]
    shown = info.show_default if isinstance(info.show_default, str) else default
    if shown not in (None, False, inspect.Parameter.empty):
        said.append(f"Default: ``{getattr(shown, 'value', shown)}``.")
    if info.envvar:
        said.append(f"Environment: ``{info.envvar}``.")
    return [head, "    " + " ".join(said), ""]


def marked(text: str) -> str:
    """Set what one types in the letters of code."""
    return re.sub(r"(?<![\w`-])(--[a-z][a-z-]*|MINIRNN_\w+|NUMBA_[\w=]+)", r"``\1``", text.replace("|", "\\|"))


class CommandLine(SphinxDirective):
    """``.. command-line:: train``."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[Any]:
        """Read what `described` gives."""
        return self.parse_text_to_nodes("\n".join(described(self.arguments[0])))


def setup(app: Any) -> dict[str, Any]:
    """Add the directive."""
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True, "version": "1"}
