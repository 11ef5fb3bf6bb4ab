"""A shard function whose engines kill or hang their worker at certain papers."""

import os
import signal
import time
from typing import Any

from headwater.engine.workspace import Output
from headwater.sources import papers
from headwater.sources.extract import latex_project
from headwater.sources.read import read_shard


def read(out: Output, **arguments: Any) -> dict[str, Any]:
    honest_pdf, honest_latex = papers.pdf_text, latex_project.read_project

    def pdf(data: bytes, pages: int) -> Any:
        if b"% kill" in data:
            os.kill(os.getpid(), signal.SIGSEGV)
        return honest_pdf(data, pages)

    def latex(main: str, files: dict[str, bytes]) -> Any:
        if b"% hang" in files[main]:
            time.sleep(600)
        return honest_latex(main, files)

    papers.pdf_text, latex_project.read_project = pdf, latex
    try:
        return read_shard(out, **arguments)
    finally:
        papers.pdf_text, latex_project.read_project = honest_pdf, honest_latex
