r"""The files of a paper's LaTeX source: their encodings, which one is the main file, and what it reads.

The main file is named by 00README, or holds \documentclass; of several in one folder the best name and then the
longest text wins, and the others are reported. Files are read from the same archive only, by name, never from disk.
"""

import json
import posixpath
import re
from dataclasses import dataclass

from headwater.sources.encoding import UndecodableError, codec, decode
from headwater.sources.extract.latex import paper_of
from headwater.sources.extract.latex_interpreter import Paper

SUFFIXES = (".tex", ".ltx", ".latex", ".ctex", ".sty", ".inc", ".def", ".txt", ".text", "")
MAIN_SUFFIXES = (".tex", ".ltx", ".latex", ".ctex", ".txt", "")
_CLASS = re.compile(r"^[^%\n]*?\\document(?:class|style)\s*+(?:\[[^\]]{0,500}\])?\s*+\{([^}]{0,100})\}", re.M)
_PLAIN_TEX = re.compile(r"^[^%\n]*?\\(?:bye\b|magnification|input\s+(?:amstex|phyzzx|harvmac))", re.M)
_TEX = re.compile(
    r"\\(?:begin|section|document(?:class|style)|chapter|input|bye|def|centerline|author|title)\b"
)
_INPUTENC = re.compile(rb"\\usepackage\s*+\[([^\]]{1,100})\]\s*+\{inputen[cx]\}")
_CJK = re.compile(rb"\\begin\s*+\{CJK\*?\}\s*+(?:\[[^\]]{0,40}\]\s*+)?\{([^}]{1,20})\}")
_MAGIC = re.compile(rb"%\s*!\s*TEX\s+(?:encoding|TS-encoding)\s*=\s*([\w .-]{1,30})", re.I)
_NAMES = ("main", "ms", "paper", "article", "arxiv", "manuscript", "root", "thesis")
_ENCODINGS = {
    "latin1": "cp1252", "latin9": "iso8859-15", "ansinew": "cp1252", "applemac": "mac-roman", "latin2": "iso8859-2",
    "gbk": "gb18030", "gb": "gb18030", "bg5": "big5hkscs", "big5": "big5hkscs", "sjis": "cp932", "jis": "cp932",
    "ks": "cp949", "utf8x": "utf-8", "cp1251": "cp1251", "koi8-r": "koi8-r", "next": "cp1252", "decmulti": "cp1252",
    "isolatin": "cp1252", "macosroman": "mac-roman",
}  # fmt: skip
REPLACED = 1000  # one character in so many may be broken


@dataclass(frozen=True)
class Project:
    """A paper's main file and the result of reading it."""

    main: str
    paper: Paper


def decode_tex(data: bytes, declared: str | None = None) -> str:
    """A TeX file's text: UTF-8, else what it or its main file declares, else a guess. Raises UndecodableError.

    A few broken bytes in what is nearly all ASCII (a name in an old code page) do not cost the paper.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    tried = [name for name in (declared_encoding(data), declared) if name and name != "utf-8"]
    if not tried and (b"ctex" in data[:4096] or b"xeCJK" in data[:4096]):
        tried = ["gb18030"]
    for name in tried:
        try:
            return data.decode(name)
        except UnicodeDecodeError:
            continue
    try:
        return decode(data)
    except UndecodableError:
        few = sum(byte > 127 for byte in data[: 1 << 20]) * REPLACED <= min(len(data), 1 << 20) * 3
        text = data.decode("cp1252", "replace") if few else data.decode("utf-8", "replace")
        if few or text.count("\ufffd") * REPLACED <= len(text):
            return text
        raise


def declared_encoding(data: bytes) -> str | None:
    """What inputenc, a CJK environment or an editor's line says of a source's encoding, as Python knows it."""
    head = data[: 1 << 16]
    for pattern in (_MAGIC, _INPUTENC, _CJK):
        if found := pattern.search(head):
            label = found[1].decode("ascii", "ignore").split(",")[-1].strip()
            return _ENCODINGS.get(label.lower()) or codec(label)
    return None


def is_tex(text: str) -> bool:
    return _TEX.search(text[: 1 << 20]) is not None


def papers_of(files: dict[str, bytes]) -> tuple[list[str], list[str], dict[str, str]]:
    """The main files of what an archive holds, a paper each; main files that are none (a supplement); and what could
    not be decoded, with the reason."""
    texts, broken = {}, {}
    for name, data in files.items():
        if suffix_of(name) in MAIN_SUFFIXES:
            try:
                texts[name] = decode_tex(data)
            except UndecodableError as error:
                broken[name] = str(error)
    chosen, ignored = _readme(files)
    candidates = [name for name, text in texts.items() if name not in ignored and _is_main(text)]
    if chosen := [name for name in chosen if name in texts]:
        return chosen[:1], [name for name in candidates if name not in chosen[:1]], broken
    if not candidates:
        tex = [n for n in texts if suffix_of(n) not in (".txt", "") or is_tex(texts[n])]
        plain = [name for name in tex if _PLAIN_TEX.search(texts[name])] or tex
        return [max(plain, key=lambda name: (len(texts[name]), name))] if plain else [], [], broken
    mains: list[str] = []
    others: list[str] = []
    by_depth = sorted(candidates, key=lambda n: (n.count("/"), posixpath.dirname(n), *_rank(n, texts[n])))
    for name in by_depth:
        folder = posixpath.dirname(name)
        inside = any(
            not above or folder == above or folder.startswith(above + "/")
            for above in map(posixpath.dirname, mains)
        )
        (others if inside else mains).append(name)
    return mains, others, broken


def _is_main(text: str) -> bool:
    found = _CLASS.search(text)
    return found is not None and found[1] not in ("subfiles", "standalone")


def _rank(name: str, text: str) -> tuple[int, int, str]:
    stem = posixpath.basename(name).rpartition(".")[0].lower()
    named = next((place for place, start in enumerate(_NAMES) if stem.startswith(start)), len(_NAMES))
    return (0 if "\\begin{document}" in text else 1) * 100 + named, -len(text), name


def _readme(files: dict[str, bytes]) -> tuple[list[str], set[str]]:
    """Top-level files and ignored ones, as arXiv's 00README (XXX or JSON) names them."""
    top, ignored = list[str](), set[str]()
    for name, data in files.items():
        folder, base = posixpath.split(name)
        if not base.lower().startswith("00readme"):
            continue
        if base.lower().endswith(".json"):
            try:
                listed = json.loads(data)["sources"]
                told = [(str(entry["filename"]), str(entry.get("usage"))) for entry in listed]
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                continue
        else:
            lines = [line.split() for line in data.decode("utf-8", "replace").splitlines()[:200]]
            told = [(line[0], line[1]) for line in lines if len(line) == 2]
        for file, usage in told:
            path = posixpath.join(folder, file)
            if usage in ("toplevel", "toplevelfile"):
                top.append(path)
            elif usage == "ignore":
                ignored.add(path)
    return top, ignored


def suffix_of(name: str) -> str:
    base = posixpath.basename(name)
    return posixpath.splitext(base)[1].lower() if not base.startswith("00") else ""


def read_project(main: str, files: dict[str, bytes]) -> Paper:
    """The paper whose main file is `main`. Raises UndecodableError where that cannot be decoded."""
    declared = declared_encoding(files[main])
    folder = posixpath.dirname(main)

    def inputs(written: str) -> tuple[str, str] | None:
        written = written.strip().strip('"')
        for name in (written, f"{written}.tex"):
            path = posixpath.normpath(posixpath.join(folder, name))
            if path in files and path != main:
                try:
                    return path, decode_tex(files[path], declared)
                except UndecodableError:
                    return None
        return None

    return paper_of(main, decode_tex(files[main]), inputs)
