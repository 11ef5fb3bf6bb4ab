"""The pipeline joins the stages: what one makes is what the next one reads, through the workspace.

    ingest -> measure -> curate (decontaminate, edit, judge, find duplicates; ledger) -> pool, training set
           -> train -> evaluate

Each function takes what the one before it returned, does only what is not in the workspace yet, and can be
called by itself. A stage's folder is named by its settings and each shard in it is keyed by its content, so a
change makes again exactly what depends on it.
"""
