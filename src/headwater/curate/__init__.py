"""Curation: measured documents -> what is kept, edited, dropped, and why.

    presets/        the public recipes as data       plan.py       a recipe -> ordered steps, reasons numbered
    decisions.py    where every document stands      rules.py      signals against thresholds
    line_rules.py   why a line goes                  repeats.py    lines repeated over the corpus
    edits.py        a new edition of the texts       duplicates/   clusters and survivors
    contamination.py  held-out text cut out          ledger.py     what became of every document
    tokenization.py, pool.py, training_set.py, card.py   what is kept -> tokens -> a training set and its card

Rules are data and judge signals that were measured before; nothing here measures a document.
"""
