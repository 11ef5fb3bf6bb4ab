"""Pages of reference documentation as examples of text: Python's own documentation server on its standard library.

The labelled sets hold no such page: definition lists, signatures, docstrings line by line between `<br>`, tables as
layout. Every block of these is text but the line of links at the top and lists of links to other modules.
"""

import importlib
import pydoc

import numpy as np

from headwater.sources.extract.blocks import blocks_of
from headwater.sources.extract.columns import LINK_SIZE, SIZE
from pages import Page

# Small and large, with classes and without. Which blocks they have differs a little between versions of Python.
MODULES = (
    "argparse", "base64", "calendar", "collections", "difflib", "fractions", "heapq", "json", "random", "string",
    "textwrap", "zipfile",
)  # fmt: skip
_HEAD = 6  # blocks of the heading, after the module's name: index, file, a link to the manual


def reference_pages() -> list[tuple[Page, np.ndarray]]:
    """Each page and its labels, float32 [blocks]."""
    found = []
    for name in MODULES:
        module, writer = importlib.import_module(name), pydoc.HTMLDoc()
        page = writer.page(pydoc.describe(module), writer.document(module, name))
        blocks = blocks_of(page).blocks
        labels = (blocks[:, LINK_SIZE] <= 0.5 * blocks[:, SIZE]).astype(np.float32)
        labels[1:_HEAD] *= blocks[1:_HEAD, LINK_SIZE] == 0
        labels[0] = 1
        found.append((Page(name, "reference", page, "python"), labels))
    return found
