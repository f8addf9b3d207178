"""Search that finds Korean words whatever particle they carry.

Comes in: the text of a page. Goes out: its words, as Sphinx splits and stems English ones; and for a Korean word each of its beginnings
from two syllables on, so that 패딩 is found where the page says 패딩을 or 패딩에서. Sphinx alone would look for whole words, and for
their parts only from three letters on.
"""

from __future__ import annotations

import re
from typing import Any

from sphinx.search.en import SearchEnglish

HANGUL = re.compile(r"[가-힣]+")


class SearchEnglishAndKorean(SearchEnglish):
    """English words, and the beginnings of Korean ones."""

    lang = "en"

    def split(self, text: str) -> list[str]:
        """Give the words to be found."""
        words = super().split(text)
        beginnings = [run[:length] for word in words for run in HANGUL.findall(word) for length in range(min(2, len(run)), len(run) + 1)]
        return words + beginnings


def setup(app: Any) -> dict[str, Any]:
    """Search in both languages; the site needs no other."""
    app.add_search_language(SearchEnglishAndKorean)
    return {"parallel_read_safe": True, "version": "1"}
