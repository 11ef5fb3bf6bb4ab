"""Questions to a workspace: why, sql, funnel, preview, doctor. They read what is committed and change nothing.

The command line and the report ask the same functions, so they cannot disagree.
"""
