r"""Scientific papers: LaTeX sources and PDF. The record is a paper, wherever its files lie.

Read are a .tex file, one compressed, an archive of a paper's files (.tar, .tar.gz, .zip; arXiv's e-prints, which have
no suffix), an archive of papers in folders, and arXiv's bulk archives (`arXiv_src_YYMM_NNN.tar`: a tar of .gz, each a
tar or a single .tex; `arXiv_pdf_*.tar`). Next to LaTeX sources a PDF is a figure, and is no record.

Gated are `empty`, `withdrawn` (arXiv's %auto-ignore), `other_main` (a second paper-like file beside the main one: a
supplement or a template), `postscript`, `not_wanted`. Quarantined are `encoding`, `no_text` (a scan, or glyphs without
Unicode), `encrypted`, `damaged_pdf`, `not_a_paper`, `too_large`, `bomb` and what archives name.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from headwater.engine import guard
from headwater.recipe.sources import PapersSource
from headwater.sources.archives import Member, is_archive, members, members_in
from headwater.sources.encoding import UndecodableError
from headwater.sources.extract import latex_project
from headwater.sources.extract.dates import iso_date
from headwater.sources.extract.latex_interpreter import Paper
from headwater.sources.extract.pdf import PdfError, pdf_text
from headwater.sources.places import Place
from headwater.sources.records import GIVEN_UP, Found, Gated, Record, quarantine
from headwater.sources.streams import Stream, read_whole, unpack

VERSION = 3  # 3: control characters that stand for something inside are no text
# Bytes of one paper, packed or not; of the TeX files of one archive; and of one of them.
MAX_PAPER, MAX_SOURCES, MAX_TEX = 128 << 20, 64 << 20, 16 << 20
# arXiv's identifiers, new and old, in a file's name.
_ARXIV = re.compile(
    r"(?<![\w.])(\d{4}\.\d{4,5})(?:v\d+)?(?![\d])|(?<![\w-])([a-z][a-z-]+(?:\.[A-Z]{2})?)_?(\d{7})(?:v\d+)?(?!\d)"
)
_OLD = frozenset(
    [
        "astro-ph",
        "cond-mat",
        "gr-qc",
        "hep-ex",
        "hep-lat",
        "hep-ph",
        "hep-th",
        "math-ph",
        "nlin",
        "nucl-ex",
        "nucl-th",
        "physics",
        "quant-ph",
        "math",
        "cs",
        "q-bio",
        "q-fin",
        "stat",
        "acc-phys",
        "adap-org",
        "alg-geom",
        "ao-sci",
        "atom-ph",
        "bayes-an",
        "chao-dyn",
        "chem-ph",
        "cmp-lg",
        "comp-gas",
        "dg-ga",
        "funct-an",
        "mtrl-th",
        "patt-sol",
        "plasm-ph",
        "q-alg",
        "solv-int",
        "supr-con",
    ]
)
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_LICENSE = re.compile(r"pdflicenseurl\s*=\s*\{([^}]{1,200})\}")
_BESIDE = (
    ".cls",
    ".sty",
    ".clo",
    ".bst",
    ".bib",
    ".bbl",
    ".def",
    ".fd",
    ".cfg",
    ".dtx",
    ".ins",
    ".aux",
    ".log",
    ".out",
)
_PACKED = (".gz", ".tgz", ".tar")


def read(path: Place, source: PapersSource) -> Iterator[Record]:
    """Every paper of one file. Memory: one paper, or the TeX files of one archive."""
    if is_archive(path):
        yield from _archive(path, source)
        return
    if PurePosixPath(path.name.lower().removesuffix(".gz")).suffix in _BESIDE:
        yield Gated(0, "no_source")  # what lies beside a paper, in its folder
        return
    stream = Stream(path)
    data = read_whole(stream, MAX_PAPER)
    if data is None:
        yield quarantine(0, "too_large", f"more than {MAX_PAPER:,} bytes in one paper")
        return
    if data.strip() or stream.tail is None:
        yield from _paper(path.name, 0, data, source)
    if stream.tail is not None:
        yield quarantine("tail", "unreadable_tail", stream.tail.detail, stream.tail.data)


def _archive(path: Place, source: PapersSource) -> Iterator[Record]:
    """An archive of papers, or of one paper's files."""
    many = _is_collection(path)
    files: dict[str, bytes] = {}
    size = 0

    def wanted(name: str) -> bool:
        suffix = PurePosixPath(name).suffix.lower()
        return _is_source(name) or (many and (suffix in (*_PACKED, ".pdf") or not suffix))

    for member in members(path, wanted, MAX_PAPER):
        if isinstance(member, Gated):
            if many:
                yield member
        elif not isinstance(member, Member):
            yield member
        elif many and not _is_source(member.name.partition("#")[0]):
            yield from _paper(member.name, member.name, member.data, source)
        elif len(member.data) > MAX_TEX or (size := size + len(member.data)) > MAX_SOURCES:
            yield quarantine(member.name, "too_large", f"{len(member.data):,} bytes of TeX; at most {MAX_TEX:,} a file, {MAX_SOURCES:,} an archive")  # fmt: skip
        else:
            files[member.name] = member.data
    if files:
        yield from _projects(path.name, None, files)


def _is_source(name: str) -> bool:
    """Whether a member may be a TeX file. arXiv's bulk archives name papers by their numbers alone."""
    suffix = latex_project.suffix_of(name)
    return suffix in latex_project.SUFFIXES and (suffix != "" or not _ARXIV.search(PurePosixPath(name).name))


def _is_collection(path: Place) -> bool:
    """Whether an archive holds packed papers or PDFs, and no loose LaTeX before them: by its members' names."""
    names: list[str] = []

    def look(name: str) -> bool:
        names.append(name)
        return False

    for _ in members(path, look):
        name = names[-1].lower() if names else ""
        if name.endswith((".tex", ".ltx")):
            return False
        if name.endswith((".tar.gz", ".tgz")) or (
            name.endswith(".gz") and arxiv_id(PurePosixPath(names[-1]).name)
        ):
            return True
    return bool(names)


def _paper(
    name: str, offset: int | str, data: bytes, source: PapersSource, packed: bool = False
) -> Iterator[Record]:
    """The paper in some bytes: told by what they are, not by the name."""
    if data.startswith(b"\x1f\x8b") and not packed:
        whole, tail = unpack(data, "gzip", MAX_PAPER)
        if len(whole) > MAX_PAPER:
            yield quarantine(offset, "too_large", f"{name}: more than {MAX_PAPER:,} bytes", data)
            return
        if whole.strip():
            yield from _paper(name, offset, whole, source, packed=True)
        elif tail is None:
            yield Gated(offset, "empty")
        if tail is not None:
            yield quarantine(f"{offset}.tail", "unreadable_tail", f"{name}: {tail.detail}", tail.data)
    elif data[257:262] == b"ustar":
        yield from _tar_of_one(name, offset, data)
    elif b"%PDF-" in data[:1024]:
        yield _pdf(name, offset, data, source)
    elif data.startswith((b"%!PS", b"\x04%!PS")):
        yield Gated(offset, "postscript")
    elif not data.strip():
        yield Gated(offset, "empty")
    elif b"\0" in data[:4096] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        yield quarantine(
            offset, "not_a_paper", f"{name} begins with {data[:8]!r}, which is neither TeX nor PDF", data
        )
    elif len(data) > MAX_TEX:
        yield quarantine(
            offset, "too_large", f"{name}: {len(data):,} bytes of TeX; at most {MAX_TEX:,}", data
        )
    else:
        yield _latex(name, offset, name, {name: data}, sure=name.lower().removesuffix(".gz").endswith(".tex"))


def _tar_of_one(name: str, offset: int | str, data: bytes) -> Iterator[Record]:
    """A paper's own tar inside of a bulk archive: all of its records bear the paper's name."""
    files: dict[str, bytes] = {}
    for member in members_in(data, _is_source, MAX_TEX):
        if isinstance(member, Member):
            files[member.name] = member.data
        elif not isinstance(member, Gated):
            yield quarantine(f"{offset}/{member.offset}", member.reason, member.detail, member.data)
        if sum(map(len, files.values())) > MAX_SOURCES:
            yield quarantine(offset, "too_large", f"{name}: more than {MAX_SOURCES:,} bytes of TeX")
            return
    if files:
        yield from _projects(name, offset, files)
    else:
        yield Gated(offset, "no_source")


def _projects(name: str, offset: int | str | None, files: dict[str, bytes]) -> Iterator[Record]:
    """The papers among an archive's TeX files; their place is that of the main file, or `offset` and it."""
    mains, others, broken = latex_project.papers_of(files)

    def place(file: str) -> int | str:
        return file if offset is None else offset if mains[:1] == [file] else f"{offset}/{file}"

    for main in mains:
        yield _latex(main if offset is None else name, place(main), main, files, sure=True, archive=name)
    for other in others:
        yield Gated(place(other), "other_main")
    if not mains:
        for file, detail in broken.items():
            yield quarantine(place(file), "encoding", f"{file}: {detail}", files[file])
        if not broken:
            yield Gated(place(min(files)), "no_source")


def _latex(
    name: str, offset: int | str, main: str, files: dict[str, bytes], *, sure: bool, archive: str = ""
) -> Record:
    data = files[main]
    if (reason := guard.begin(str(offset) if offset else "")) is not None:
        return quarantine(offset, reason, GIVEN_UP, data)
    if data[:200].lstrip().startswith(b"%auto-ignore"):
        return Gated(offset, "withdrawn")
    try:
        paper = latex_project.read_project(main, files)
    except UndecodableError as error:
        return quarantine(offset, "encoding", f"{main}: {error}", data)
    if not sure and not latex_project.is_tex(data.decode("latin-1")):
        return quarantine(offset, "not_a_paper", f"{name}: no LaTeX command in it, and no PDF", data)
    if not paper.text.strip():
        return Gated(offset, "empty")
    return Found(
        offset,
        paper.text,
        _fields(paper, data, arxiv_id(name) or arxiv_id(archive)),
        _meta(paper, main, name),
    )


def _fields(paper: Paper, data: bytes, identifier: str | None) -> dict[str, str]:
    fields = {"title": paper.title, "author": paper.author, "language": paper.language}
    fields["date"] = iso_date(paper.date) or (year[0] if (year := _YEAR.search(paper.date)) else "")
    if found := _LICENSE.search(data[: 1 << 16].decode("latin-1")):
        fields["license"] = found[1].strip()
    return {name: value for name, value in {**fields, **_of_arxiv(identifier)}.items() if value}


def _of_arxiv(identifier: str | None) -> dict[str, str]:
    """What an identifier tells: the address of the abstract and the month of the first version."""
    if identifier is None:
        return {}
    year, month = identifier.rpartition("/")[2][:2], identifier.rpartition("/")[2][2:4]
    century = "19" if int(year) > 90 else "20"
    return {
        "source_id": identifier,
        "url": f"https://arxiv.org/abs/{identifier}",
        "date": f"{century}{year}-{month}",
    }


def _meta(paper: Paper, main: str, name: str) -> dict[str, object]:
    meta: dict[str, object] = {"format": "latex"}
    if main != name:
        meta["main"] = main
    if paper.inputs:
        meta["inputs"] = paper.inputs[:100]
    if paper.missing:
        meta["missing_inputs"] = paper.missing[:100]
    if paper.exhausted:
        meta["macros_cut"] = True
    return meta


def _pdf(name: str, offset: int | str, data: bytes, source: PapersSource) -> Record:
    if (reason := guard.begin(str(offset) if offset else "")) is not None:
        return quarantine(offset, reason, GIVEN_UP, data)
    try:
        paper = pdf_text(data, source.max_pages)
    except PdfError as error:
        return quarantine(offset, error.reason, f"{name}: {error}", data)
    identifier = arxiv_id(name) or paper.arxiv
    fields = {"title": paper.title, "author": paper.author, "date": paper.date, **_of_arxiv(identifier)}
    meta = {"format": "pdf", "pages": paper.pages}
    return Found(offset, paper.text, {key: value for key, value in fields.items() if value}, meta)


def arxiv_id(name: str) -> str | None:
    """The arXiv identifier in a file's name: 1707.08043, hep-th/9901001."""
    for found in _ARXIV.finditer(name.replace("\\", "/").rpartition("/")[2]):
        new, archive, number = found.groups()
        digits = new or number
        if not 1 <= int(digits[2:4]) <= 12:
            continue
        if new:
            return str(new)
        if archive.partition(".")[0] in _OLD:
            return f"{archive}/{number}"
    return None
