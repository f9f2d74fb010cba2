"""
Sphinx's settings.  The modules' own documentation is made by pydoctor.
"""

from __future__ import annotations

from pathlib import Path

from zcons_twisted import __version__

project = "zcons_twisted"
author = "The zcons_twisted authors"
copyright = "2026, The zcons_twisted authors"
release = version = __version__

html_theme = "furo"
html_title = f"zcons_twisted {release}"
exclude_patterns = ["_build"]
nitpicky = True
# A warning is an error here, and there is nothing to copy when this is absent.
html_static_path = ["_static"] if Path(__file__).with_name("_static").is_dir() else []
# File names and options are quoted as they are, "--on-halt" for example.
smartquotes = False

man_pages = [
    ("reference/zconsole", "zconsole", "sit down at a zone's console", author, 1),
    (
        "reference/server-options",
        "twistd-zconsole",
        "serve the consoles of zones",
        author,
        8,
    ),
]
