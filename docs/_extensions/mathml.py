"""Formulas as MathML, which browsers set themselves: no script, and nothing is fetched.

Comes in: LaTeX between dollars. Goes out: a ``<math>`` element, made by docutils while the site is built.
"""

from __future__ import annotations

import html
import re
from typing import Any
from xml.etree import ElementTree

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

ElementTree.register_namespace("", "http://www.w3.org/1998/Math/MathML")


def formula(latex: str, *, block: bool) -> str:
    """Give the element, with the room that TeX would leave: none around the minus of h_(t-1), some around log."""
    written = re.sub(r"&(?!lt;|gt;|amp;|#)\w+;", lambda entity: html.unescape(entity[0]), tex2mathml(latex, as_block=block))
    element = ElementTree.fromstring(written)
    for one in element.iter():
        if _kind(one) in ("msub", "msup", "msubsup"):
            for index in list(one)[1:]:
                for sign in index.iter():
                    if _kind(sign) == "mo":
                        sign.attrib |= {"lspace": "0", "rspace": "0"}
        elif _kind(one) in ("math", "mrow", "mtd"):
            _space_functions(one)
    return ElementTree.tostring(element, encoding="unicode")


def _space_functions(row: ElementTree.Element) -> None:
    """Leave a thin space between a function's name, which docutils marks with an invisible sign behind it, and what stands beside it."""
    for place, sign in reversed(list(enumerate(row))):
        if sign.text == "\N{FUNCTION APPLICATION}" and place > 0:
            after, before = row[place + 1 : place + 2], row[max(place - 2, 0) : place - 1]
            if after and after[0].text not in ("(", "["):
                sign.set("rspace", "0.167em")
            if before and (_kind(before[0]) != "mo" or before[0].text == ")"):
                row.insert(place - 1, ElementTree.Element(sign.tag.removesuffix("mo") + "mspace", width="0.167em"))


def _kind(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def show_inline(self: Any, node: nodes.math) -> None:
    """Write a formula within a line."""
    self.body.append(formula(node.astext(), block=False))
    raise nodes.SkipNode


def show_block(self: Any, node: nodes.math_block) -> None:
    """Write a formula that has lines of its own."""
    self.body.append(f'<div class="math-block">{formula(node.astext(), block=True)}</div>')
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, Any]:
    """Make it the way in which formulas are shown."""
    app.add_html_math_renderer("mathml", inline_renderers=(show_inline, None), block_renderers=(show_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
