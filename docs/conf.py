"""How Sphinx builds the site: `python -m pip install -e ".[docs]" && sphinx-build docs docs/_build`.

The course's pages are notebooks kept as text. Each is executed in a kernel of its own while the site is built, so every number on it comes
from this very minirnn, and a page whose code fails fails the build. Nothing is fetched, neither by the build nor by the reader's browser.
"""

import logging
import os
import shutil
import sys
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_extensions"), str(HERE), str(HERE.parent)]  # the minirnn that is described is the one beside this folder

project = "minirnn"
author = "the minirnn authors"
language = "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "command_line",
    "docstrings",
    "korean_search",
    "languages",
    "live_page",
    "mathml",
]
exclude_patterns = ["_build", "jupyter_execute", "images", "README.md"]  # the second holds what the pages print

# --------------------------------------------------------------------------------------------------------------------------- the theme

html_theme = "furo"
html_title = "minirnn"
html_static_path = ["_static"]
html_css_files = ["minirnn.css"]
templates_path = ["_templates"]
html_math_renderer = "mathml"
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#00609b", "color-brand-content": "#00609b", "color-api-name": "#b04a00"},
    "dark_css_variables": {"color-brand-primary": "#6db9ee", "color-brand-content": "#6db9ee", "color-api-name": "#ff9d5c"},
}

# ------------------------------------------------------------------------------------------------------------------ pages that are run

nb_execution_mode = "cache"  # within one build: a page's Korean twin has the same cells, and is shown what they printed
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_execution_timeout = 300  # seconds a cell; the first one that trains also compiles, and machines are busy
nb_merge_streams = True
nb_ipywidgets_js = {}  # it would be fetched

logging.getLogger("traitlets").setLevel(logging.WARNING)  # nbclient says of every page that it is run
KERNEL = """
c.InlineBackend.figure_formats = {"svg"}
c.HistoryManager.enabled = False
c.IPKernelApp.log_level = "ERROR"  # it warns of a connection that stays on this machine

# What a cell prints is sent when the cell ends or shows a picture. Sent every 0.2 s, as is usual, it comes in pieces that may end within a
# line, and nb_merge_streams puts a line break after each.
from ipykernel.iostream import OutStream

OutStream.flush_interval = 600
"""

myst_enable_extensions = ["amsmath", "attrs_block", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

# ----------------------------------------------------------------------------------------------------------------------- the reference

default_role = "py:obj"  # a name between backticks is a link where the reference has it, and else set in the letters of code
autodoc_typehints = "none"  # the docstrings say shape and dtype, which the annotations do not
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
add_module_names = False
toc_object_entries_show_parents = "hide"


def setup(app: Sphinx) -> None:
    """Say where a page's kernel finds its settings, and what a page may import: minirnn, and course.py from this folder."""
    cache = Path(app.doctreedir) / "cells"
    shutil.rmtree(cache, ignore_errors=True)  # what an earlier build left was printed by another minirnn
    app.config.nb_execution_cache_path = str(cache)
    profile = Path(app.doctreedir) / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text(KERNEL, encoding="utf-8")
    os.environ["IPYTHONDIR"] = str(profile.parent)
    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
