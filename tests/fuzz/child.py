"""The watched process: reads the files that it is told to, through the shard function, and says what came of each.

One JSON object a line in, {"path", "kind", "source"}; one a line out, {"problem", "detail", "expected", "peak",
"documents": [[offset, hash of the text], …]}. `expected` is an error that names the file, as users get it. The kind
`init` makes a first recipe of a folder, which must be one.
"""

import contextlib
import faulthandler
import hashlib
import json
import resource
import sys
import traceback
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from headwater.engine.workspace import Output
from headwater.errors import HeadwaterError
from headwater.recipe.load import parse_recipe
from headwater.recipe.sources import SOURCES
from headwater.sources.init import init
from headwater.sources.read import read_shard

ADDRESS_SPACE = 6 << 30  # a second net; the first is the peak that the parent looks at


def _peak() -> int:
    """The largest resident size in bytes since `_forget_peak`."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def _forget_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _rows(path: Path, columns: list[str] | None) -> list[dict[str, Any]]:
    with pq.ParquetFile(path) as file:  # a small file takes longer to share out than to read
        rows: list[dict[str, Any]] = file.read(columns, use_threads=False).to_pylist()
    return rows


def _read_once(
    path: Path, kind: str, source: dict[str, Any], looked_at: bool = True
) -> tuple[str, list[list[str]], str]:
    """A hash of all output bytes, and, if they are to be looked at, the documents and what is wrong with them."""
    model = SOURCES[kind](name="texts", kind=kind, paths=["*"], **source)
    out = Output(path.parent / "stage", "shard")
    try:
        files = [{"path": str(path), "relative": path.name, "bytes": path.stat().st_size}]
        result = read_shard(
            out, files=files, source=model.model_dump(mode="json"), holdout={"share": 0.1, "salt": "s"}
        )
        digest = hashlib.sha256(json.dumps(result, sort_keys=True).encode())
        for suffix in ("parquet", "quarantine.parquet"):
            digest.update(out.path(suffix).read_bytes())
        if not looked_at:
            return digest.hexdigest(), [], ""
        documents = _rows(out.path("parquet"), ["id", "text", "locator"])
        lost = _rows(out.path("quarantine.parquet"), None)
    finally:
        out.discard()
    account = result["files"][path.name]
    problem = ""
    if len(documents) != account["documents"] or len(lost) != sum(account["quarantined"].values()):
        problem = f"{len(documents)} documents and {len(lost)} lost, where the account says {account}"
    if account["read"] != len(documents) + len(lost) + sum(account["gated"].values()):
        problem = f"the account does not balance: {account}"
    if len({row["id"] for row in documents}) != len(documents):
        problem = "two documents have one id"
    if any("\0" in row["text"] or not row["text"].strip() for row in documents):
        problem = "a text is empty or holds NUL"
    hashes = [
        [row["locator"].rpartition("#")[2], hashlib.sha256(row["text"].encode()).hexdigest()[:16]]
        for row in documents
    ]
    return digest.hexdigest(), hashes, problem


def _first_recipe(folder: Path) -> tuple[str, list[list[str]], str]:
    """The recipe that `headwater init` makes of the folder, and whether it can be read."""
    text = init(folder)
    recipe = parse_recipe(text.encode(), "recipe.yaml")
    missing = "" if recipe.sources else "a recipe without a source"
    return text, [], missing


def _read(path: Path, kind: str, source: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"problem": "", "detail": "", "expected": "", "documents": []}
    read = partial(_first_recipe, path) if kind == "init" else partial(_read_once, path, kind, source)
    try:
        first, answer["documents"], answer["problem"] = read()
        if not answer["problem"] and (read() if kind == "init" else read(looked_at=False))[0] != first:
            answer["problem"] = "the same file gives other bytes the second time"
    except HeadwaterError as error:
        answer["expected"] = f"{type(error).__name__}: {error}"
        if path.name not in str(error):
            answer["problem"] = f"an error that does not name the file: {error}"
    except MemoryError:
        answer["problem"], answer["detail"] = "out of memory", traceback.format_exc()
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        answer["problem"] = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
        answer["detail"] = traceback.format_exc()
    return answer


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, resource.getrlimit(resource.RLIMIT_AS)[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.enable()  # whoever ends this process by SIGABRT learns where it was
    answers = sys.stdout
    sys.stdout = sys.stderr
    for line in sys.stdin:
        task = json.loads(line)
        _forget_peak()
        before = _peak()
        answer = _read(Path(task["path"]), task["kind"], task["source"])
        print(json.dumps({**answer, "peak": _peak() - before}), file=answers, flush=True)


main()
