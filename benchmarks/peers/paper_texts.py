"""pdfminer.six's, pypdf's and pylatexenc's side of benchmarks/papers.py: texts of the same files, and their time."""

import io
import json
import logging
import sys
import time
from pathlib import Path

logging.disable(logging.CRITICAL)


def pdfminer(path):
    from pdfminer.high_level import extract_text

    return extract_text(io.BytesIO(Path(path).read_bytes()))


def pypdf(path):
    from pypdf import PdfReader

    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(Path(path).read_bytes())).pages)


def pylatexenc(path):
    from pylatexenc.latex2text import LatexNodes2Text

    text = Path(path).read_text(encoding="utf-8", errors="replace")
    return LatexNodes2Text(math_mode="verbatim").latex_to_text(text)


def main():
    question = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    work = {"pdfminer": pdfminer, "pypdf": pypdf, "pylatexenc": pylatexenc}[question["peer"]]
    answer = {}
    for path in question["paths"]:
        try:
            work(path)  # what is loaded once is not counted
            started = time.process_time()
            text = work(path)
            answer[path] = {"text": text, "seconds": time.process_time() - started}
        except Exception as error:  # a peer's own errors, whatever they are
            answer[path] = {"text": "", "seconds": 0.0, "error": f"{type(error).__name__}: {error}"[:200]}
    Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
