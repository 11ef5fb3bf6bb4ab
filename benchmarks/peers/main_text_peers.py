"""Run in the peers' environment: what each extractor makes of pages, and the CPU seconds that it takes.

    main_text_peers.py QUESTION.json ANSWER.json

Question: {"pages": [html], "extractors": [name], "repeats": n}. Answer: {name: {"texts": [text], "seconds": [[seconds of
each page] a repeat]}}. Extractors take turns page by page, in one process, on one thread. `ours` is imported from the
folder given by "source"; it shares nothing with the peers but numpy and numba.
"""

import json
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path


def extractors(source: str) -> dict[str, Callable[[str], str | None]]:
    import readability
    import trafilatura
    from resiliparse.extract.html2text import extract_plain_text
    from trafilatura.settings import use_config

    config = use_config()
    config.set("DEFAULT", "EXTRACTION_TIMEOUT", "0")

    def by_readability(page: str) -> str:
        summary = readability.Document(page).summary()
        return str(extract_plain_text(summary, main_content=False))

    found: dict[str, Callable[[str], str | None]] = {
        "trafilatura fast": lambda page: trafilatura.extract(
            page, fast=True, include_comments=False, config=config
        ),
        "trafilatura fast, comments": lambda page: trafilatura.extract(page, fast=True, config=config),
        "trafilatura": lambda page: trafilatura.extract(page, include_comments=False, config=config),
        "trafilatura precision": lambda page: trafilatura.extract(
            page, favor_precision=True, include_comments=False, config=config
        ),
        "readability-lxml": by_readability,
        "resiliparse": lambda page: extract_plain_text(page, main_content=True, alt_texts=False),
    }
    if source:
        sys.path.insert(0, source)
        from headwater.sources.extract.main_text import main_text

        found["ours"] = lambda page: main_text(page).text
    return found


def main() -> None:
    logging.disable(logging.CRITICAL)
    question = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    functions = extractors(question.get("source", ""))
    chosen = {name: functions[name] for name in question["extractors"]}
    for function in chosen.values():  # imports and compiled kernels
        function("<html><body><p>" + "Warm up, and then a sentence. " * 20 + "</p></body></html>")
    answer = {name: {"texts": [], "seconds": []} for name in chosen}
    for repeat in range(question.get("repeats", 1)):
        for name in chosen:
            answer[name]["seconds"].append([])
        for page in question["pages"]:
            for name, function in chosen.items():
                began = time.process_time()
                try:
                    text = function(page) or ""
                except (ValueError, TypeError, AttributeError, RecursionError, KeyError) as error:
                    print(f"{name}: {error!r}", file=sys.stderr)
                    text = ""
                except Exception as error:  # a peer that fails has no text; which one is said
                    print(f"{name}: {error!r}", file=sys.stderr)
                    text = ""
                answer[name]["seconds"][-1].append(time.process_time() - began)
                if repeat == 0:
                    answer[name]["texts"].append(text)
    Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
