"""mwparserfromhell's side of benchmarks/wikitext.py: the plain text of the same pages, and the time that it took."""

import json
import sys
import time
from pathlib import Path

import mwparserfromhell


def by_part(page, files, categories, languages):
    """The plain text without what is no content to a reader, and that: references, files with their captions,
    categories, links to other languages."""
    code = mwparserfromhell.parse(page)
    parts = {"references": [], "files": [], "categories": [], "languages": []}
    for tag in code.filter_tags(recursive=True):
        if str(tag.tag).strip().lower() in ("ref", "references") and not tag.self_closing:
            parts["references"].append(str(tag.contents.strip_code()))
            tag.contents = ""
    for link in code.filter_wikilinks(recursive=True):
        prefix, colon, _ = str(link.title).strip().partition(":")
        prefix = prefix.strip().lower().replace("_", " ")
        kind = "categories" if prefix in categories else "files" if prefix in files else "languages"
        if colon and (kind != "languages" or prefix in languages):
            parts[kind].append(str((link.text or link.title).strip_code()))
            link.title, link.text = "", None
    return {"content": code.strip_code(), **{name: "\n".join(some) for name, some in parts.items()}}


def main():
    question = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    seconds, texts = [], []
    for _ in range(question["passes"]):
        started = time.process_time()
        texts = [mwparserfromhell.parse(page).strip_code() for page in question["pages"]]
        seconds.append(time.process_time() - started)
    names = [question[name] for name in ("files", "categories", "languages")]
    parts = [by_part(page, *map(set, names)) for page in question["pages"]]
    Path(sys.argv[2]).write_text(
        json.dumps({"seconds": min(seconds), "texts": texts, "parts": parts}), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
