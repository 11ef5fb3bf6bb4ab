"""Errors that are meant for a person: what was wrong, where, what was expected, what to try.

The command line turns each into one message and its exit code; anything else is a bug and shows a traceback.
"""

import errno


class HeadwaterError(Exception):
    """Something a person can act on. Exit code 1."""

    exit_code = 1


class RecipeError(HeadwaterError):
    """The recipe or the command line is wrong. Exit code 2."""

    exit_code = 2


class QuarantineLimit(HeadwaterError):
    """More input was quarantined than the recipe allows. Exit code 3."""

    exit_code = 3


_ADVICE = {
    errno.ENOSPC: "free some space (`headwater gc` shows what can go) and run the same command again",
    errno.EDQUOT: "the quota is used up; free some space and run the same command again",
    errno.EFBIG: "the file would be larger than this system allows (ulimit -f)",
    errno.EMFILE: "too many files are open; raise the limit (ulimit -n) or use fewer --workers",
    errno.EIO: "the disk cannot read or write it; what was committed is kept",
    errno.EROFS: "it is read-only; name another folder with --workspace",
    errno.ENOENT: "it, or the folder that it should lie in, is not there: look at the path",
    errno.EACCES: "give yourself the right to it, or name another folder",
}


def of_system(error: OSError) -> HeadwaterError:
    """What the operating system refused, with the file and what to do about it."""
    where = f" ({error.filename})" if error.filename else ""
    advice = _ADVICE.get(error.errno or 0, "what was finished is kept; the same command goes on from there")
    return HeadwaterError(f"{error.strerror or error}{where}; {advice}")


def redacted(url: str) -> str:
    """A URL without what stands before an @ in it."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def of_store(url: str, error: Exception) -> HeadwaterError:
    """What a store, or its library, had against a URL."""
    if isinstance(error, ImportError):
        advice = "it reads such stores; it comes with pip"
    elif isinstance(error, ValueError) and url.partition("://")[0] in str(error):
        advice = "the library for it is not installed, or there is none"
    else:
        advice = (
            "is it there, and are its credentials and endpoint in the environment? What was finished is kept"
        )
    return HeadwaterError(f"{redacted(url)}: {type(error).__name__}: {error}; {advice}")
