"""How Sphinx builds the site: `python -m pip install -e ".[docs]" && sphinx-build docs docs/_build`.

The course's pages are notebooks kept as text. Each is executed in a kernel of its own while the site is built, so every number on it comes
from this very minirnn, and a page whose code fails fails the build. Nothing is fetched, neither by the build nor by the reader's browser.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))  # without an installation too, the minirnn that is described is the one beside this folder

# What a page may import: minirnn, and course.py from this folder.
os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])

project = "minirnn"
author = "the minirnn authors"
language = "en"

extensions = ["myst_nb"]
exclude_patterns = ["_build", "jupyter_execute", "images", "README.md"]  # the second holds what the pages print

html_theme = "furo"
html_title = "minirnn"
html_static_path = ["_static"]
templates_path = ["_templates"]

nb_execution_mode = "force"  # cached outputs would be those of another minirnn
nb_execution_raise_on_error = True
nb_execution_timeout = 120  # seconds a cell; the first one that trains also compiles
nb_merge_streams = True

myst_enable_extensions = ["amsmath", "attrs_block", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
