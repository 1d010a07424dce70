"""Sphinx's settings: pages are executed when they are built, an error in one ends the build, and nothing comes from the network."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent

project = "jaxtut"
author = "the jaxtut authors"
extensions = ["myst_nb"]
exclude_patterns = ["_static"]
suppress_warnings = []
nitpicky = True

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_execution_timeout = 600  # seconds a cell; the machines of continuous integration are slow
nb_merge_streams = True

# What the cells import beside the packages, `models` and `showing`, stands in this folder; `jaxtut` stands beside Python.
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# The models are small: threads would wait for each other longer than they compute.
os.environ.setdefault("OMP_NUM_THREADS", "1")

html_theme = "furo"
html_title = "jaxtut"
html_static_path = ["_static"]
html_css_files = ["cells.css"]
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
