"""Bytes of a program to text: declared (`coding: gbk`), UTF-8, detected, or GB 2312 by its pairs.

A program is ASCII with a few comments, which is too little for a detector: four Chinese characters in GBK look like
Latin letters with accents. So, where UTF-8 does not fit, bytes that all stand in pairs of GB 2312, most of them of
its frequent characters, are taken for Chinese before any Latin code page is.
"""

import codecs
import json
import re
from typing import Any

from headwater.sources.archives import is_gb2312
from headwater.sources.encoding import UndecodableError, codec, decode, encoding_of

_DECLARED = re.compile(
    rb"coding[:=][ \t]{0,8}[\"']?([\w.-]{2,30})|\A\s{0,16}<\?xml[^>\n]{0,80}encoding=[\"']([\w.-]{2,30})"
)
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_EAST_ASIAN = ("gb18030", "big5hkscs", "cp932", "euc_jp", "cp949")
GIT_LOOKS_AT = 8000  # bytes in which git looks for a NUL
_BINARY = (
    b"%PDF", b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"\x7fELF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"7z\xbc\xaf", b"Rar!",
    b"\xd0\xcf\x11\xe0", b"PAR1", b"\xca\xfe\xba\xbe", b"BZh", b"\xfd7zXZ", b"wOFF", b"wOF2", b"OggS", b"RIFF", b"!<arch>",
)  # fmt: skip


def is_binary(data: bytes) -> bool:
    """As git sees it: a NUL near the beginning, but for UTF-16 and UTF-32 with their marks."""
    if data.startswith(_BINARY):
        return True
    return b"\0" in data[:GIT_LOOKS_AT] and not data.startswith(_MARKS[1:])


def decode_program(data: bytes, encoding: str = "auto") -> tuple[str, str]:
    """(text, encoding). UndecodableError where nothing fits."""
    if encoding != "auto":
        return decode(data, encoding), codec(encoding) or encoding
    try:
        return data.decode("utf-8").removeprefix("\ufeff"), "utf-8"
    except UnicodeDecodeError:
        pass
    if not data.startswith(_MARKS) and (found := _DECLARED.search(data[:1000])) is not None:
        name = codec((found[1] or found[2]).decode("ascii", "replace"))
        if name not in (None, "utf-8"):
            try:
                return data.decode(str(name)), str(name)
            except (UnicodeError, ValueError):
                pass
    chinese = is_gb2312(data)
    try:
        name = encoding_of(data)
        if name.startswith("cp125") and _latin(data):
            return data.decode("cp1252", "replace"), "cp1252"  # too few to tell Western from Turkish
        if not chinese or name in _EAST_ASIAN or data.startswith(_MARKS):
            return decode(data, name), name
    except UndecodableError:
        if not chinese:
            text = data.decode("utf-8", "replace")
            if len(data) > 1000 and text.count("\ufffd") * 1000 <= len(
                text
            ):  # a broken comment in sound UTF-8
                return text.removeprefix("\ufeff"), "utf-8"
            if _latin(data):
                return data.decode("cp1252", "replace"), "cp1252"
            raise
    return data.decode("gb18030", "replace"), "gb18030"


def _latin(data: bytes) -> bool:
    """A program with a few single accented letters, © or a degree sign: each stands between ASCII."""
    foreign = re.findall(rb"[\x80-\xff]+", data)
    single = sum(len(run) == 1 for run in foreign)
    return len(foreign) <= max(4, len(data) // 200) and single >= 0.8 * len(foreign)


class NotebookError(ValueError):
    pass


def notebook(text: str) -> tuple[str, str | None]:
    """A Jupyter notebook's cells as Markdown, code in fences, outputs left out; and the kernel's language.

    Version 4 and, with its worksheets, version 3.
    """
    try:
        book: Any = json.loads(text)
    except RecursionError as error:
        raise NotebookError("JSON nested too deep") from error
    except ValueError as error:
        raise NotebookError(str(error)) from error
    if not isinstance(book, dict):
        raise NotebookError("no object")
    about: dict[str, Any] = book["metadata"] if isinstance(book.get("metadata"), dict) else {}
    language = None
    for place, key in (("kernelspec", "language"), ("language_info", "name")):
        if isinstance(about.get(place), dict) and isinstance(about[place].get(key), str):
            language = about[place][key].lower()
            break
    cells = book.get("cells")
    if cells is None and isinstance(book.get("worksheets"), list):
        cells = [
            cell
            for sheet in book["worksheets"]
            if isinstance(sheet, dict)
            for cell in sheet.get("cells") or []
        ]
    if not isinstance(cells, list):
        raise NotebookError("no cells")
    parts = []
    for cell in cells:
        if not isinstance(cell, dict):
            continue
        source = cell.get("source", cell.get("input", ""))
        if isinstance(source, list):
            source = "".join(part for part in source if isinstance(part, str))
        if not isinstance(source, str) or not source.strip():
            continue
        if cell.get("cell_type") == "code":
            fence = "```" if "```" not in source else "````"
            parts.append(f"{fence}{language or 'python'}\n{source.rstrip()}\n{fence}")
        elif cell.get("cell_type") == "heading":
            level = cell.get("level")
            parts.append(
                "#" * (level if isinstance(level, int) and 0 < level < 7 else 1) + " " + source.strip()
            )
        else:
            parts.append(source.strip())
    return "\n\n".join(parts) + "\n" if parts else "", language
