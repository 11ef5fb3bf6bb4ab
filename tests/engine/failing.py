"""Runs a headwater command in which the Nth operation that commits something fails or is the last.

    python failing.py HOW N COMMAND …        HOW: kill, eio, enospc

Operations are every fsync, rename and replace of this process, which does the shards' work itself (--workers 0).
`kill` ends the process before the operation, `eio` and `enospc` make it fail. The number of operations is written
to the file named by OPERATIONS.
"""

import errno
import os
import pathlib
import sys
from collections.abc import Callable
from typing import Any

HOW, LAST = sys.argv[1], int(sys.argv[2])
count = 0


def failing(operation: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*arguments: Any, **named: Any) -> Any:
        global count
        count += 1
        if count == LAST:
            if HOW == "kill":
                os._exit(137)
            raise OSError(
                getattr(errno, HOW.upper()), os.strerror(getattr(errno, HOW.upper())), str(arguments[0])
            )
        return operation(*arguments, **named)

    return wrapped


os.fsync = failing(os.fsync)
pathlib.Path.replace = failing(pathlib.Path.replace)  # type: ignore[method-assign]
pathlib.Path.rename = failing(pathlib.Path.rename)  # type: ignore[method-assign]

from headwater.cli import main  # noqa: E402

sys.argv = ["headwater", *sys.argv[3:]]
try:
    main()
finally:
    pathlib.Path(os.environ["OPERATIONS"]).write_text(str(count), encoding="utf-8")
