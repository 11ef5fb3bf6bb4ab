"""Errors that are meant for a person: what was wrong, where, what was expected, what to try.

The command line turns each into one message and its exit code; anything else is a bug and shows a traceback.
"""


class HeadwaterError(Exception):
    """Something a person can act on. Exit code 1."""

    exit_code = 1


class RecipeError(HeadwaterError):
    """The recipe or the command line is wrong. Exit code 2."""

    exit_code = 2


class QuarantineLimit(HeadwaterError):
    """More input was quarantined than the recipe allows. Exit code 3."""

    exit_code = 3
