"""The labelled pages that the main-text model is trained and judged on, their split, and the scorer.

`train` and `test` are halves of the registered domains by a hash, the same for every set, fixed before any training.
Truth is human main text (aeb, magic, readability) or snippets that must and must not be there (trafilatura-eval).
"""

import gzip
import hashlib
import html
import json
import re
import statistics
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from headwater.sources.encoding import decode_page
from headwater.sources.read import site_of

SETS = ("aeb", "magic-article", "magic-forum", "readability", "trafilatura-eval")
_CANONICAL = re.compile(
    r"""(?i)(?:rel=["']?canonical["']?[^>]*href|property=["']?og:url["']?[^>]*content)=["']([^"']+)"""
)
_UNSPACED = re.compile("([\u3040-\u30ff\u3400-\u9fff])")
_TOKEN = re.compile(r"\w+")
_TAGS = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class Page:
    name: str
    kind: str  # one of SETS
    html: str
    site: str
    truth: str | None = None
    wanted: tuple[str, ...] = ()  # snippets
    unwanted: tuple[str, ...] = field(default=())

    @property
    def chinese(self) -> bool:
        text = self.truth if self.truth is not None else " ".join(self.wanted)
        return len(re.findall("[\u4e00-\u9fff]", text)) > 0.3 * max(1, len(re.findall(r"\w", text)))

    @property
    def test(self) -> bool:
        return hashlib.sha256(f"main text\0{self.site}".encode()).digest()[0] % 2 == 0


def read(path: Path) -> str:
    return decode_page(gzip.decompress(path.read_bytes()), None)


def pages(folder: Path) -> list[Page]:
    """Every labelled page below `corpora/web-html`, by set and name."""
    found = []
    for kind in ("aeb", "magic-article", "magic-forum"):
        truths = json.loads((folder / kind / "ground-truth.json").read_text(encoding="utf-8"))
        for name, entry in sorted(truths.items()):
            path = folder / kind / "html" / f"{name}.html.gz"
            if path.exists():
                page = read(path)
                truth = entry.get("articleBody", entry.get("content", "")) or ""
                found.append(Page(name, kind, page, site(entry.get("url"), page, name), truth))
    for place in sorted((folder / "readability").iterdir()):
        page = read(place / "source.html.gz")
        truth = _text(read(place / "expected.html.gz"))
        found.append(Page(place.name, "readability", page, site(None, page, place.name), truth))
    snippets = json.loads((folder / "trafilatura-eval" / "evaldata.json").read_text(encoding="utf-8"))
    for url, entry in sorted(snippets.items()):
        path = folder / "trafilatura-eval" / "html" / f"{entry['file']}.gz"
        if path.exists():
            page = read(path)
            found.append(
                Page(entry["file"], "trafilatura-eval", page, site(url, page, entry["file"]), None,
                     tuple(entry["with"]), tuple(entry["without"]))
            )  # fmt: skip
    return found


def site(url: str | None, page: str, name: str) -> str:
    match = _CANONICAL.search(page)
    url = url or (match[1] if match else None)
    if url and url.startswith("//"):
        url = f"https:{url}"
    return (site_of(url) if url and "://" in url else None) or re.sub(r"-\d+$", "", name)


def _text(markup: str) -> str:
    """All text of a truth that is given as HTML."""
    return html.unescape(
        _TAGS.sub(" ", re.sub(r"(?i)</(?:p|div|li|h\d|td|br)[^>]*>|<br[^>]*>", "\n", markup))
    )


# ---------------------------------------------------------------- the article-extraction-benchmark's scorer


def shingles(text: str, size: int = 4) -> Counter[tuple[str, ...]]:
    """Counted word 4-grams; a Han character or kana is a word."""
    tokens = _TOKEN.findall(_UNSPACED.sub(r" \1 ", text))
    return Counter(tuple(tokens[i : i + size]) for i in range(max(1, len(tokens) - size + 1)) if tokens)


@lru_cache(maxsize=4096)
def _true_shingles(text: str) -> Counter[tuple[str, ...]]:
    return shingles(text)


def matched(truth: str, text: str) -> tuple[float, float, float]:
    """Shares of 4-grams that are right, too many, missing; they sum to 1 (0 where both are empty)."""
    true, found = _true_shingles(truth), shingles(text)
    right = sum((true & found).values())
    too_many, missing = found.total() - right, true.total() - right
    total = right + too_many + missing
    return (right / total, too_many / total, missing / total) if total else (0.0, 0.0, 0.0)


def f1(scores: list[tuple[float, float, float]]) -> tuple[float, float, float]:
    """F1, precision and recall, the latter two as means over pages."""
    precision = statistics.fmean([_share(r, p, m) for r, p, m in scores if r + p > 0] or [0.0])
    recall = statistics.fmean([_share(r, m, p) for r, p, m in scores if r + m > 0] or [0.0])
    return 2 * precision * recall / (precision + recall or 1.0), precision, recall


def _share(right: float, wrong: float, other: float) -> float:
    if wrong == other == 0:
        return 1.0
    return right / (right + wrong) if right or wrong else 0.0


def snippet_counts(page: Page, text: str) -> tuple[int, int, int, int]:
    """Of a page's snippets: found, missing, wrongly there, rightly not there; white space does not count, and
    characters are compared in NFC."""
    flat = flat_text(text)
    there = [flat_text(snippet) in flat for snippet in page.wanted]
    wrong = [flat_text(snippet) in flat for snippet in page.unwanted]
    return sum(there), len(there) - sum(there), sum(wrong), len(wrong) - sum(wrong)


def flat_text(text: str) -> str:
    return unicodedata.normalize("NFC", " ".join(text.split()))


def snippet_f1(counts: list[tuple[int, int, int, int]]) -> float:
    found, missing, wrong, _ = map(sum, zip(*counts, strict=True))
    return 2 * found / (2 * found + missing + wrong or 1)


def score(rows: list[tuple[Page, str]]) -> float:
    """F1 of a set's pages: over 4-grams, or over snippets where that is the truth."""
    if rows[0][0].truth is None:
        return snippet_f1([snippet_counts(page, text) for page, text in rows])
    return f1([matched(page.truth or "", text) for page, text in rows])[0]
