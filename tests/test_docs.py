"""The course's two languages say the same, the reference leaves nothing public out, and what they share is honest about its reviews."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from site_pages import DOCS, NAMESPACES, course, described, public, read_page, resolve

ENGLISH, KOREAN = course("en"), course("ko")
HANGUL = re.compile(r"[ㄱ-ㆎ가-힣]")


def load(name: str) -> ModuleType:
    """Import a module of docs/, which no path leads to."""
    spec = importlib.util.spec_from_file_location(name.replace("/", "_"), DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


# --------------------------------------------------------------------------------------------------------------------------- the course


def test_each_page_has_its_twin() -> None:
    assert sorted(ENGLISH) == sorted(KOREAN)


@pytest.mark.parametrize("name", sorted(ENGLISH.keys() & KOREAN.keys()))
def test_twins_have_the_same_cells_and_headings(name: str) -> None:
    english, korean = read_page(ENGLISH[name]), read_page(KOREAN[name])
    assert korean.cells == english.cells
    assert korean.levels == english.levels
    assert [link.replace("../ko/", "../en/") for link in korean.links] == [link.replace("../ko/", "../en/") for link in english.links]
    assert korean.front == english.front


@pytest.mark.parametrize("name", sorted(ENGLISH))
def test_english_pages_are_english_and_korean_pages_korean(name: str) -> None:
    assert not HANGUL.search("".join(read_page(ENGLISH[name]).cells))
    assert len(HANGUL.findall(KOREAN[name].read_text(encoding="utf-8"))) > 100


@pytest.mark.parametrize(
    "path", [*ENGLISH.values(), *KOREAN.values(), DOCS / "index.md"], ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_links_lead_somewhere_and_nothing_is_fetched(path: Path) -> None:
    for link in read_page(path).links:
        if not re.match(r"https?://|#", link):
            assert (path.parent / link.partition("#")[0]).is_file(), f"{path.name}: {link}"
    assert not re.search(r"!\[[^\]]*\]\(https?:|<(?:script|link|img|iframe)\b", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(name for name in ENGLISH if read_page(ENGLISH[name]).cells))
def test_cells_are_python_and_pages_are_notebooks(name: str) -> None:
    page = read_page(ENGLISH[name])
    assert "file_format: mystnb" in page.front
    for cell in page.cells:
        code = "\n".join(line for line in cell.split("\n") if not re.match(r":[a-z-]+:|%", line))
        ast.parse(code)


# ------------------------------------------------------------------------------------------------------------------------ the reference


def test_every_public_name_is_in_the_reference() -> None:
    entries = {id(resolve(name)) for name in described()}
    missing = [name for root in NAMESPACES for name, value in public(root) if id(value) not in entries]
    assert not missing, f"write an entry in docs/reference for {missing}"


def test_every_command_is_in_the_reference() -> None:
    from minirnn.cli import app

    names = {str(one.name or (one.callback and one.callback.__name__)) for one in app.registered_commands}
    names |= {str(group.name) for group in app.registered_groups}
    page = (DOCS / "reference" / "command.rst").read_text(encoding="utf-8")
    assert {"train", "explain", "data"} <= names
    assert names <= set(re.findall(r"^\.\. command-line:: (.+)$", page, re.MULTILINE))


def test_the_reference_names_each_thing_once() -> None:
    names = described()
    assert len(names) > 100
    assert len(names) == len(set(names))


def test_a_public_name_without_an_entry_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    import minirnn.losses

    monkeypatch.setattr(minirnn.losses, "hinge", lambda y_true, y_pred: 0.0, raising=False)
    monkeypatch.setattr(minirnn.losses, "__all__", [*minirnn.losses.__all__, "hinge"])
    with pytest.raises(AssertionError, match=r"minirnn\.losses\.hinge"):
        test_every_public_name_is_in_the_reference()


# ---------------------------------------------------------------------------------------------------------- how docstrings are rewritten

DOCSTRING = """Fill slots of ``hs``; |h| stays below 1 in (B,T,H). See `OneHot`, `load_data`.

Equations:

    z_t = x_t · Wx        (B,H)

Parameters
----------
table (R,H) float: x · Wx + b, a row per input
units : H, a positive integer
maxlen : int, optional
    Length T of every row.
keep, mask (B,T) bool, or None: False where (B,H) is carried

Returns
-------
numpy.ndarray (N,T) or (N,T)+S
    A new array.

Raises
------
ValueError, TypeError
    When it does not fit.

Examples
--------
>>> f((1, 2))
(N, 2)
"""

REWRITTEN = r"""Fill slots of ``hs``; \|h\| stays below 1 in ``(B,T,H)``. See :py:obj:`OneHot <minirnn.OneHot>`, `load_data`.

Equations:

.. code-block:: text

    z_t = x_t · Wx        (B,H)


:Parameters:

    ``table`` : ``(R,H) float``
        x · Wx + b, a row per input

    ``units``
        H, a positive integer

    ``maxlen`` : int, optional
        Length T of every row.

    ``keep``, ``mask`` : ``(B,T) bool``, or None
        False where ``(B,H)`` is carried


:Returns:

    numpy.ndarray ``(N,T)`` or ``(N,T)``\ +S
        A new array.


:Raises:

    :py:class:`ValueError`, :py:class:`TypeError`
        When it does not fit.


.. rubric:: Example

>>> f((1, 2))
(N, 2)


"""


def test_docstrings_become_what_sphinx_reads() -> None:
    assert load("_extensions/docstrings").restructured(DOCSTRING.split("\n")) == REWRITTEN.split("\n")


# ------------------------------------------------------------------------------------------------------------------ what the pages share


def test_pages_take_the_built_in_reviews_where_imdb_has_no_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given: reviews, no word index, and a network that must not be asked
    for name in ("MINIRNN_CACHE", "KERAS_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setattr("minirnn.datasets.store.fetch", lambda *given: pytest.fail("the network was asked"))
    (tmp_path / "imdb.npz").write_bytes(b"reviews")
    monkeypatch.setenv("MINIRNN_DATA", str(tmp_path))
    shared = load("course")

    # when, then
    assert shared.reviews().kind == "reviews"
    (tmp_path / "imdb_word_index.json").write_text('{"good": 1}')
    assert shared.reviews().kind == "imdb"
    monkeypatch.setenv("MINIRNN_DATA", "")
    assert shared.reviews().kind == "reviews"


def test_pages_train_no_longer_than_they_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINIRNN_COURSE_EPOCHS", raising=False)
    assert load("course").EPOCHS == 100
    monkeypatch.setenv("MINIRNN_COURSE_EPOCHS", "3")
    assert load("course").EPOCHS == 3


def test_what_a_cell_prints_stays_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sphinx")
    client, notebooks = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")

    # given: the settings of the site's kernels, and a cell that takes its time within a line
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "profile_default").mkdir()
    (tmp_path / "profile_default" / "ipython_kernel_config.py").write_text(load("conf").KERNEL)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    cell = notebooks.v4.new_code_cell("import time\nprint('loop', end='')\ntime.sleep(0.6)\nprint(' 3.5e-07')")

    # when
    client.NotebookClient(notebooks.v4.new_notebook(cells=[cell]), kernel_name="python3").execute()

    # then
    assert [output.text for output in cell.outputs] == ["loop 3.5e-07\n"]


# --------------------------------------------------------------------------------------------------------------------------- the search


def test_korean_words_are_found_by_their_beginnings() -> None:
    pytest.importorskip("sphinx")
    from sphinx.search.en import SearchEnglish

    search = load("_extensions/korean_search").SearchEnglishAndKorean({})

    assert search.split("Padding 패딩에서 h") == ["Padding", "패딩에서", "h", "패딩", "패딩에", "패딩에서"]
    assert search.language_name == SearchEnglish.language_name  # the browser's stemmer is called after it
