"""The texts on which the numbers of the preset `headwater` were chosen: what should stay and what should go.

To keep, Chinese: passages of reading tests (DRCD, in Traditional; C3, dialogues among them) and pieces of modern books
(呐喊, 且介亭杂文). English: pieces of novels, news articles, Wikipedia. To drop: what stands on pages around their
main text (menus, lists of links, comments' buttons), and the pages of spam of cc-multilingual-a.warc.gz, which were
looked at one by one: SPAM holds the hashes of their addresses.
"""

import gzip
import json
import random

import xxhash
from fastwarc.warc import ArchiveIterator, WarcRecordType
from pages import pages
from peers import data_folder, read_text

from headwater.corpus.text import normalise
from headwater.signals.language import measure
from headwater.sources.encoding import decode_page
from headwater.sources.extract.main_text import all_text, main_text

PIECE = (300, 1500)  # characters of a piece of a book
WARC = "corpora/web-warc/cc-multilingual-a.warc.gz"
# xxh3-64 of the URL: why it is no training text
SPAM = {
    "8cb3dd59caa50360": "scraped news, every character in brackets",
    "efe38343265cbb45": "a page that says that there is no page",
    "fb7c2ed5ae052d92": "links of a lottery's site",
    "8c18fe9ad7e9b106": "calls to bet, with numbers of accounts",
}


def url_hash(url: str) -> str:
    return xxhash.xxh3_64_hexdigest(url.encode())


def to_keep() -> dict[tuple[str, str], list[str]]:
    """(language, what) -> texts."""
    return {
        ("zh", "reading passages"): [*_drcd(), *_c3("m"), *_c3("d")],
        ("zh", "modern books"): _pieces("zh", "corpora/books/books-zh", ("呐喊", "且介亭杂文"), 300),
        ("en", "novels"): _pieces("en", "corpora/books/novels-en", (), 300),
        ("en", "news"): _news(),
    }


def to_drop() -> dict[tuple[str, str], list[str]]:
    return {
        ("zh", "around the main text"): _around(True),
        ("zh", "spam"): spam(),
        ("en", "around the main text"): _around(False),
    }


def spam() -> list[str]:
    """The main texts of the pages that SPAM names; AssertionError where one of them is not in the archive."""
    found = {}
    for record in ArchiveIterator((data_folder() / WARC).open("rb"), record_types=WarcRecordType.response):
        address = url_hash(record.headers.get("WARC-Target-URI", ""))
        if address in SPAM:
            page = decode_page(record.reader.read(), record.http_headers.get("Content-Type"))
            found[address] = normalise(main_text(page).text)[0]
    assert set(found) == set(SPAM), f"{WARC} has not the pages that were looked at"
    return [found[address] for address in SPAM]


def _json(path: str) -> object:
    return json.loads(gzip.decompress((data_folder() / path).read_bytes()))


def _drcd() -> list[str]:
    articles = _json("datasets/rc/DRCD_dev.json.gz")["data"]  # type: ignore[index]
    return _draw([p["context"] for article in articles for p in article["paragraphs"]], 400)


def _c3(part: str) -> list[str]:
    return _draw(["\n".join(item[0]) for item in _json(f"datasets/rc/c3-{part}-dev.json.gz")], 300)  # type: ignore[attr-defined]


def _pieces(language: str, folder: str, names: tuple[str, ...], count: int) -> list[str]:
    """Whole paragraphs, up to a random length."""
    found: list[str] = []
    draw = random.Random(language)
    for path in sorted((data_folder() / folder).glob("*.txt.gz")):
        if names and path.name.removesuffix(".txt.gz") not in names:
            continue
        blank = "\n\n" if language == "en" else "\n"
        piece: list[str] = []
        size = draw.randint(*PIECE)
        for paragraph in normalise(read_text(path))[0].split(blank):
            piece += [paragraph.strip()] if paragraph.strip() else []
            if sum(map(len, piece)) >= size:
                found.append(blank.join(piece))
                piece, size = [], draw.randint(*PIECE)
    return _draw(found, count)


def _news() -> list[str]:
    files = sorted((data_folder() / "corpora/news").rglob("*.txt*"))
    texts = [normalise(read_text(path))[0] for path in files]
    return _draw([text for text in texts if measure(text)[0] == "en"], 300)


def _around(chinese: bool) -> list[str]:
    """What a page shows besides its main text, by the lines of which a person made out that text."""
    found = []
    for page in pages(data_folder() / "corpora" / "web-html"):
        if page.truth is None or page.chinese != chinese:
            continue
        main = "".join(page.truth.split())
        lines = [line for line in normalise(all_text(page.html).text)[0].split("\n") if line.strip()]
        rest = "\n".join(line for line in lines if "".join(line.split()) not in main)
        if len(rest) >= 200:
            found.append(rest)
    return found


def _draw(texts: list[str], count: int) -> list[str]:
    return texts if len(texts) <= count else random.Random(0).sample(texts, count)
