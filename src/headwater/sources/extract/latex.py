r"""LaTeX to text: a small TeX that expands a paper's own macros and knows what the usual commands mean for a reader.

Formulas stay LaTeX with those macros expanded, `$...$` in a line and `$$...$$` on lines of their own; sections become
Markdown headings, lists have marks, a table's cells stand between bars, captions are paragraphs, footnotes follow
the paragraph they belong to. Citations are numbers in brackets, in the order of first citation (a mark keeps the
grammar of "as [3] shows"); the bibliography is cut. References to sections, formulas and floats are their numbers.
Authors' names and addresses leave the text: the names become a field.

Nothing raises for bad LaTeX, and time is linear: groups are a stack, expansion has a budget (latex_macros.py), what is
not closed is closed by a paragraph's or the text's end.
"""

from headwater.sources.extract.latex_actions import ACTIONS
from headwater.sources.extract.latex_interpreter import Inputs, Interpreter, Paper


def paper_of(name: str, text: str, inputs: Inputs = lambda name: None) -> Paper:
    """The text of a paper whose main file is `text`; `inputs` hands out the files that it reads."""
    return Interpreter(name, text, inputs, ACTIONS).run()
