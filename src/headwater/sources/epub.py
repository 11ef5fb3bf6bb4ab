"""EPUB 2 and 3: the package says which documents make the book and in what order; their text is the book's.

https://www.w3.org/TR/epub-33/. The archive is read twice, for the package and for the documents of the spine; images,
styles and fonts never. Left out are documents that are no text of the book, by what they say of themselves: the
navigation document, covers, tables of contents, imprint, colophon and copyright page (their licence is a field).
Encrypted books are quarantined and named; obfuscated fonts encrypt no text.
"""

import posixpath
from dataclasses import dataclass, field
from urllib.parse import unquote

from selectolax.lexbor import LexborNode

from headwater.sources.archives import Member, members
from headwater.sources.encoding import UndecodableError, decode_page
from headwater.sources.extract import xml
from headwater.sources.extract.markup import Block, TooMuchError, as_html, blocks
from headwater.sources.places import Place
from headwater.sources.records import MAX_RECORD, Gated, Quarantined, quarantine

CONTAINER, ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
_FONT_OBFUSCATION = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_DOCUMENTS = ("application/xhtml+xml", "text/html", "text/x-oeb1-document", "application/x-dtbook+xml",
              "application/xml", "text/xml")  # fmt: skip
_NO_TEXT_OF_THE_BOOK = frozenset([
    "cover", "toc", "landmarks", "loi", "lot", "page-list", "imprint", "colophon", "copyright-page",
    "index-locator",
])  # fmt: skip
_GUIDE_NO_TEXT = frozenset(("cover", "toc", "copyright-page", "colophon", "loi", "lot"))


@dataclass
class Package:
    """What the package document says."""

    fields: dict[str, str]
    meta: dict[str, object]
    spine: list[str]  # paths in the archive
    left_out: list[str] = field(default_factory=list)


@dataclass
class Epub:
    fields: dict[str, str] = field(default_factory=dict)
    meta: dict[str, object] = field(default_factory=dict)
    documents: list[tuple[str, list[Block]]] = field(
        default_factory=list
    )  # path and paragraphs, in spine order
    problems: list[Quarantined] = field(default_factory=list)  # of the whole book, or of one document


def read_epub(path: Place) -> Epub:
    """The book's documents; what is wrong with it, with the archive's own problems, in `problems`."""
    book = Epub()
    found: dict[str, bytes] = {}
    for member in members(path, _is_package):
        if isinstance(member, Member):
            found[member.name] = member.data
        elif isinstance(member, Quarantined):
            book.problems.append(member)
    if any(problem.offset == "tail" for problem in book.problems):
        return book
    try:
        opf = _package_path(found)
        package = _package(found[opf], opf)
        locked = _encrypted(found.get(ENCRYPTION))
    except (xml.XmlError, KeyError) as error:
        what = f"no {error.args[0]}" if isinstance(error, KeyError) else str(error)
        book.problems.append(quarantine(0, "epub_package", f"no readable package: {what}", b""))
        return book
    if locked.intersection(package.spine):
        scheme = (
            "Adobe ADEPT"
            if "META-INF/rights.xml" in found
            else "Apple FairPlay"
            if "META-INF/sinf.xml" in found
            else "DRM"
        )
        detail = f"{len(locked.intersection(package.spine))} of {len(package.spine)} documents are encrypted ({scheme})"
        book.problems.append(
            quarantine(0, "encrypted", f"{package.fields.get('title', path.name)}: {detail}")
        )
        return book
    book.fields, book.meta = package.fields, package.meta
    _read_documents(path, package, book)
    if package.left_out:
        book.meta = {**book.meta, "left_out": package.left_out}
    return book


def _is_package(name: str) -> bool:
    return (name.startswith("META-INF/") and name.endswith(".xml")) or name.lower().endswith(".opf")


def _package_path(found: dict[str, bytes]) -> str:
    """Where the package document is; the only .opf there is, where the container does not say."""
    if CONTAINER in found:
        root = xml.parsed(found[CONTAINER]).first("rootfile")
        if root is not None and (path := unquote(root.attributes.get("full-path", ""))) in found:
            return path
    packages = [name for name in found if name.lower().endswith(".opf") and "__MACOSX" not in name]
    if not packages:
        raise KeyError(CONTAINER)
    return packages[0]


def _encrypted(data: bytes | None) -> set[str]:
    """Paths that are encrypted, obfuscated fonts not counted."""
    if data is None:
        return set()
    paths = set()
    for entry in xml.parsed(data).all("EncryptedData"):
        method, reference = entry.first("EncryptionMethod"), entry.first("CipherReference")
        algorithm = method.attributes.get("Algorithm", "") if method is not None else ""
        if reference is not None and algorithm not in _FONT_OBFUSCATION:
            paths.add(posixpath.normpath(unquote(reference.attributes.get("URI", ""))))
    return paths


def _package(data: bytes, opf: str) -> Package:
    root = xml.parsed(data)
    folder = posixpath.dirname(opf)
    items: dict[str, xml.Element] = {item.attributes.get("id", ""): item for item in root.all("item")}
    guide = {
        _path(folder, reference.attributes.get("href", "")): reference.attributes.get("type", "")
        for reference in root.all("reference")
    }
    package = Package(*_metadata(root), [])
    for reference in root.all("itemref"):
        item = items.get(reference.attributes.get("idref", ""))
        if item is None or item.attributes.get("media-type", _DOCUMENTS[0]) not in _DOCUMENTS:
            continue
        path = _path(folder, item.attributes.get("href", ""))
        if "nav" in item.attributes.get("properties", "").split() or guide.get(path) in _GUIDE_NO_TEXT:
            package.left_out.append(path)
        else:
            package.spine.append(path)
    return package


def _path(folder: str, href: str) -> str:
    return posixpath.normpath(posixpath.join(folder, unquote(href.partition("#")[0])))


def _metadata(root: xml.Element) -> tuple[dict[str, str], dict[str, object]]:
    said: dict[str, list[xml.Element]] = {}
    metadata = root.first("metadata")
    for element in metadata.all_below() if metadata is not None else []:
        said.setdefault(element.local, []).append(element)

    def texts(name: str) -> list[str]:
        return [text for element in said.get(name, []) if (text := " ".join(element.text().split()))]

    authors = [
        " ".join(element.text().split())
        for element in said.get("creator", [])
        if _role(element, said.get("meta", [])) in ("aut", "")
    ]
    dates = sorted(said.get("date", []), key=lambda element: "publication" not in str(element.attributes))
    fields = {
        "title": next(iter(texts("title")), ""),
        "author": ", ".join(name for name in authors if name),
        "language": next(iter(texts("language")), ""),
        "date": next((date for element in dates if (date := _iso(element.text()))), ""),
        "license": next(iter(texts("rights") or texts("license")), ""),
        "source_id": next(iter(texts("identifier")), ""),
        "url": next((text for text in texts("identifier") + texts("source") if text.startswith("http")), ""),
    }
    meta: dict[str, object] = {}
    if subjects := texts("subject"):
        meta["subjects"] = subjects
    if publisher := texts("publisher"):
        meta["publisher"] = publisher[0]
    return {key: value for key, value in fields.items() if value}, meta


def _role(creator: xml.Element, metas: list[xml.Element]) -> str:
    """EPUB 2 has the role in an attribute, EPUB 3 in a `meta` that refines the creator."""
    name = creator.attributes.get("id", "")
    refined = (
        meta.text().strip()
        for meta in metas
        if name and meta.attributes.get("refines") == f"#{name}" and meta.attributes.get("property") == "role"
    )
    return creator.attributes.get("opf:role") or next(refined, "")


def _iso(text: str) -> str:
    """A date that is one in ISO 8601 already, up to the day."""
    text = text.strip()
    head = text[:10]
    for length in (10, 7, 4):
        part = head[:length]
        if len(part) == length and all(
            c == "-" if at in (4, 7) else c.isascii() and c.isdigit() for at, c in enumerate(part)
        ):
            return part
    return ""


def _read_documents(path: Place, package: Package, book: Epub) -> None:
    wanted = set(package.spine)
    documents: dict[str, list[Block]] = {}
    left = MAX_BOOK
    for member in members(path, lambda name: name in wanted):
        if isinstance(member, Quarantined):
            if member.offset in wanted or member.offset == "tail":
                book.problems.append(member)
        elif isinstance(member, Gated):
            continue
        elif (left := left - len(member.data)) < 0:
            book.problems.append(
                quarantine(member.name, "too_large", f"more than {MAX_BOOK:,} bytes in one book")
            )
            break
        else:
            _document(member, package, documents, book)
    seen = {str(problem.offset) for problem in book.problems}
    for name in package.spine:
        if name in documents:
            book.documents.append((name, documents.pop(name)))
        elif name in wanted and name not in seen and name not in package.left_out:
            book.problems.append(_missing(name))
        wanted.discard(name)


MAX_BOOK = 4 * MAX_RECORD


def _missing(name: str) -> Quarantined:
    if name.startswith(("../", "/")):
        return quarantine(
            name, "archive_path", f"{name}: the spine names a path that leads out of the archive"
        )
    return quarantine(name, "epub_document", f"{name}: in the spine, but not in the archive")


def _document(member: Member, package: Package, documents: dict[str, list[Block]], book: Epub) -> None:
    kinds: list[str] = []

    def leave_out(node: LexborNode) -> bool:
        kind = _kind(node)
        kinds.extend(kind)
        return not _NO_TEXT_OF_THE_BOOK.isdisjoint(kind)

    try:
        found = blocks(as_html(decode_page(member.data, xml.declared_encoding(member.data))), leave_out)
    except (UndecodableError, TooMuchError) as error:
        reason = "too_large" if isinstance(error, TooMuchError) else "encoding"
        book.problems.append(quarantine(member.name, reason, f"{member.name}: {error}", member.data))
        return
    if not found and not _NO_TEXT_OF_THE_BOOK.isdisjoint(kinds):
        package.left_out.append(member.name)
    documents[member.name] = found


def _kind(node: LexborNode) -> list[str]:
    if node.tag not in ("body", "section", "nav", "div", "aside"):
        return []
    attributes = node.attributes
    return (
        f"{attributes.get('epub:type') or ''} {attributes.get('role') or ''}".replace("doc-", "")
        .lower()
        .split()
    )
