"""Two languages in one site: each page says which it is in, links to its twin, and has its theme's words in that language.

Comes in: a page about to be written, ``en/02-padding`` or ``ko/02-padding`` say. Goes out: its ``lang``, its twin's address for the
template ``page.html``, and Korean in place of "Next", "On this page" and the like. Pages outside the two folders are English and have no
twin.
"""

from __future__ import annotations

from typing import Any

TWINS = {"en": "ko", "ko": "en"}
NAMES = {"en": "English", "ko": "한국어"}

KOREAN = {
    "Back to top": "맨 위로",
    "Contents": "목차",
    "Home": "처음",
    "Next": "다음",
    "On this page": "이 페이지에서",
    "Previous": "이전",
    "Search": "검색",
    "Skip to content": "본문으로 건너뛰기",
}
FOLDED = {"Show code cell source": "코드 보기", "Hide code cell source": "코드 접기", "Show code cell output": "출력 보기"}
FOLDED |= {"Hide code cell output": "출력 접기", "Show code cell content": "내용 보기", "Hide code cell content": "내용 접기"}
"""What the line over a folded cell says."""


def in_korean(words: str) -> str:
    """Give the theme's words in Korean, or as they are where there is no translation."""
    return KOREAN.get(words.strip(), words)


def describe(app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> str | None:
    """Sphinx's event: tell the template what page this is."""
    language, _, rest = pagename.partition("/")
    context["page_language"] = language if language in TWINS else "en"
    context["language_names"] = NAMES
    if language not in TWINS:
        return None
    if language == "ko":
        context["language"] = "ko"
        context["_"] = context["gettext"] = in_korean
        for english, korean in FOLDED.items():
            context["body"] = context["body"].replace(f">{english}<", f">{korean}<")
    for neighbour in ("prev", "next"):  # the other language's book is not this one's next chapter
        way = context.get(neighbour)
        if way and way["link"].startswith(("../en/", "../ko/", "../reference/")):
            context[neighbour] = None
    twin = f"{TWINS[language]}/{rest}"
    if twin in app.env.found_docs:
        context["twin_language"], context["twin"] = TWINS[language], twin
    return None


def setup(app: Any) -> dict[str, Any]:
    """Connect to the writing of pages."""
    app.connect("html-page-context", describe)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "version": "1"}
