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
    """Give the element. Docutils leaves room around the minus of h_(t-1) as if it stood on the line; in an index there is none."""
    written = re.sub(r"&(?!lt;|gt;|amp;|#)\w+;", lambda entity: html.unescape(entity[0]), tex2mathml(latex, as_block=block))
    element = ElementTree.fromstring(written)
    for one in element.iter():
        if re.fullmatch(r"(?:\{.*\})?(?:msub|msup|msubsup)", one.tag):
            for index in list(one)[1:]:
                for sign in index.iter():
                    if sign.tag.endswith("mo"):
                        sign.attrib |= {"lspace": "0", "rspace": "0"}
    return ElementTree.tostring(element, encoding="unicode")


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
