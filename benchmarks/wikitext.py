"""Wikitext to text: MB a CPU second against mwparserfromhell's strip_code, and which of its words we keep.

    ./run bench wikitext [--pages 60] [--missing 40]

Both get the wikitext of the same real pages, some of each language. A word is a run of letters or digits, a Han or
Kana character one; of each page they are counted, and a word that the peer has more often than we is missing. What
the peer prints of references, file links (name, size, caption), categories and links to other languages is not
content and is counted apart. The missing words are shown by cause.
"""

import argparse
import bz2
import html
import random
import re
import sys
import time
import unicodedata
from collections import Counter
from pathlib import Path

from peers import ask, data_folder, environment

from headwater.sources.extract import wikitext
from headwater.sources.extract.wikitext_names import CATEGORIES, FILES, LANGUAGES

PEER = ["mwparserfromhell==0.7.2"]
BAR_SPEED, BAR_WORDS = 10, 0.97
PASSES = 3
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")
_TEXT = re.compile(r"<title>([^<]*)</title>(?:(?!</page>).)*?<text[^>]*>([^<]+)</text>", re.S)


def pages_of(count: int) -> list[tuple[str, str]]:
    """(where it is from, wikitext) of `count` articles: all that are not English, and a draw of the English ones."""
    found: list[tuple[str, str]] = []
    for path in sorted((data_folder() / "corpora" / "wikipedia").rglob("*")):
        if not path.is_file() or path.name.startswith(("aawiki", "commons")):
            continue
        raw = bz2.decompress(path.read_bytes()) if path.suffix == ".bz2" else path.read_bytes()
        for title, text in _TEXT.findall(raw.decode("utf-8")):
            if not (wikitext.is_redirect(html.unescape(text)) or ":" in title):
                found.append((f"{path.name.partition('.')[0]}: {title}", html.unescape(text)))
    other = [page for page in found if not page[0].startswith("enwiki")]
    english = [page for page in found if page[0].startswith("enwiki")]
    return other + random.Random(0).sample(english, min(len(english), count - len(other)))


def words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def cause(word: str, source: Counter[str], plain: Counter[str], kinds: dict[str, Counter[str]]) -> str:
    """Why a word of the peer's text is not in ours, as far as the page says."""
    if not source[word]:
        return "words that the peer joins, at a line break or between cells"
    for kind, some in kinds.items():
        if some[word]:
            return kind
    return (
        "a word joined to its neighbour"
        if any(word in other for other in plain if len(other) > len(word))
        else "other"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=60)
    parser.add_argument("--missing", type=int, default=40)
    options = parser.parse_args()
    pages = pages_of(options.pages)
    if not pages:
        sys.exit(
            f"no corpora/wikipedia in {data_folder()}; name a folder of real data by HEADWATER_TEST_DATA"
        )
    texts = [text for _, text in pages]
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    question = {
        "pages": texts, "passes": PASSES, "files": sorted(FILES), "categories": sorted(CATEGORIES),
        "languages": sorted(LANGUAGES),
    }  # fmt: skip
    script = Path(__file__).parent / "peers" / "mwparserfromhell_strip.py"
    answer = ask(environment("mwparserfromhell", PEER), script, question)
    seconds = []
    for _ in range(PASSES):
        started = time.process_time()
        ours = [wikitext.text_of(text, language=_language(name)) for name, text in pages]
        seconds.append(time.process_time() - started)
    speed, theirs = megabytes / min(seconds), megabytes / answer["seconds"]
    print(f"{len(pages)} pages, {megabytes:.1f} MB of wikitext; MB a CPU second:")
    print(f"  ours              {speed:8.1f}")
    print(f"  mwparserfromhell  {theirs:8.1f}   ratio {speed / theirs:.1f}   bar {BAR_SPEED}")

    total: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    missing: Counter[str] = Counter()
    causes: dict[str, Counter[str]] = {}
    for (_, source), text, parts in zip(pages, ours, answer["parts"], strict=True):
        mine, left = words(text), words(source)
        kinds = kinds_of(source)
        for part, their_text in parts.items():
            some = words(their_text)
            total[part] += some.total()
            if part == "content":
                lost = some - mine
                kept[part] += some.total() - lost.total()
                for word, count in lost.items():
                    why = cause(word, left, mine, kinds)
                    causes.setdefault(why, Counter())[word] += count
                    missing[why] += count
    share = kept["content"] / total["content"]
    print(
        f"content words of the peer: {total['content']:,}; of these in our text {share:.2%}   bar {BAR_WORDS:.0%}"
    )
    print(f"besides, in references {total['references']:,}, file links {total['files']:,}, categories {total['categories']:,}, other languages "
          f"{total['languages']:,}: not content")  # fmt: skip
    print("missing, by cause:")
    for why, count in missing.most_common():
        shown = ", ".join(f"{word} {n}" for word, n in causes[why].most_common(options.missing))
        print(f"  {count:6,}  {count / total['content']:6.2%}  {why}: {shown}")


_KINDS = {
    "a table of class infobox, navbox or the like": re.compile(
        r"^\{\|[^\n]*(?:infobox|navbox|metadata|noprint)[^\n]*\n.*?^\|\}", re.S | re.M | re.I
    ),
    "attributes of a table": re.compile(r"^(?:\{\||\|-|[|!])[^\n|]*\b\w+\s*=[^\n|]*", re.M),
    "an address in an external link": re.compile(r"\[https?://\S+\s?"),
    "a heading without text under it": re.compile(r"^=+[^=\n]+=+\s*$", re.M),
    "an element that is not read": re.compile(r"<(?:gallery|imagemap|timeline)\b.*?</", re.S | re.I),
    "inside a template": re.compile(r"\{\{.*?\}\}", re.S),
    "inside a file link": re.compile(r"\[\[(?:File|Image|Datei|Bild|Archivo)\s*:.*?\]\]", re.S | re.I),
}


def kinds_of(source: str) -> dict[str, Counter[str]]:
    return {kind: words(" ".join(pattern.findall(source))) for kind, pattern in _KINDS.items()}


def _language(name: str) -> str:
    return name.partition("wiki")[0]


if __name__ == "__main__":
    main()
