"""How many of the public set's files are decoded to the right text, and by whom? Bar: 97%.

    ./run bench encoding

The folder a file lies in names its encoding. A detector is right where its answer decodes the file to the same text
as that (so gb18030 for GB2312 is right); one that says nothing has not decoded it. charset-normalizer and chardet are
asked where they are installed (chardet: `pip install chardet` into an environment of its own). One line of JSON each.
"""

import json
import os
import time
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from headwater.sources.encoding import UndecodableError, codec, decode


def ours(data: bytes) -> str | None:
    try:
        return decode(data)
    except UndecodableError:
        return None


def charset_normalizer(data: bytes) -> str | None:
    best = import_module("charset_normalizer").from_bytes(data).best()
    return None if best is None else _decoded(data, best.encoding)


def chardet(data: bytes) -> str | None:
    name = import_module("chardet").detect(data)["encoding"]
    return None if name is None else _decoded(data, name)


def _decoded(data: bytes, name: str) -> str | None:
    """By the superset that a name stands for, so that nobody is wrong for saying Shift_JIS instead of cp932."""
    try:
        return data.decode(codec(name) or name)
    except (UnicodeError, LookupError):
        return None


def main() -> None:
    folder = Path(os.environ.get("HEADWATER_TEST_DATA", "shared/data")) / "truth/encoding/files"
    files = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = codec(path.parent.name.removesuffix("-russian"))
            assert name is not None, path
            files.append((path, path.read_bytes().decode(name).removeprefix("\ufeff")))
    detectors: dict[str, Callable[[bytes], str | None]] = {
        "headwater": ours, "charset-normalizer": charset_normalizer, "chardet": chardet
    }  # fmt: skip
    for package, detect in detectors.items():
        try:
            number = version(package)
        except PackageNotFoundError:
            print(json.dumps({"detector": package, "installed": False}))
            continue
        wrong, nothing, start = [], [], time.process_time()
        for path, truth in files:
            text = detect(path.read_bytes())
            if text is None:
                nothing.append(f"{path.parent.name}/{path.name}")
            elif text.removeprefix("\ufeff") != truth:
                wrong.append(f"{path.parent.name}/{path.name}")
        right = len(files) - len(wrong) - len(nothing)
        line = {
            "detector": f"{package} {number}", "files": len(files), "right": right,
            "share": round(right / len(files), 4), "wrong": wrong, "nothing": nothing,
            "cpu_seconds": round(time.process_time() - start, 2),
        }  # fmt: skip
        print(json.dumps(line))


if __name__ == "__main__":
    main()
