"""A crawl's journal: what became of each page, in order, and where its records end in the WARC.

    begun.json      the request, the pages of the sitemaps, when it began
    ended.json      why it ended, once it has
    journal.jsonl   {"url": …, "outcome": "pages", "links": […], "end": 12345, …} for each page
    pages.warc.gz   the records

A line is written after the records that it speaks of. Who goes on takes the lines whose records are there, and cuts
the WARC where the last of them ends.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from headwater import __version__
from headwater.engine.workspace import read_json, write_json
from headwater.sources.fetch.connection import Answer
from headwater.sources.fetch.warc_writer import WarcWriter


class Journal:
    """Of the crawl in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.warc = folder, folder / "pages.warc.gz"
        self._path = folder / "journal.jsonl"
        self._file: BinaryIO | None = None
        self.begun: dict[str, Any] | None = read_json(folder / "begun.json")
        self.ended: str | None = (read_json(folder / "ended.json") or {}).get("ended")
        self.lines: list[dict[str, Any]] = []
        if self.begun is not None and self._path.exists():
            self.lines = self._whole_lines()

    def begin(self, begun: dict[str, Any]) -> None:
        write_json(self.folder / "begun.json", begun)
        self.begun = begun

    def end(self, why: str) -> None:
        """From here on nothing is fetched: what is left is to give the WARC its name."""
        write_json(self.folder / "ended.json", {"ended": why})
        self.ended = why

    def _whole_lines(self) -> list[dict[str, Any]]:
        """The lines up to the first that was cut, or whose records are not there."""
        size = self.warc.stat().st_size if self.warc.exists() else 0
        lines: list[dict[str, Any]] = []
        with self._path.open("rb") as file:
            for data in file:
                if not data.endswith(b"\n"):
                    break
                line = json.loads(data)
                if self.ended is None and line["end"] > size:
                    break
                lines.append(line)
        return lines

    @contextmanager
    def writing(self, fields: dict[str, str]) -> Iterator[WarcWriter]:
        """Goes on with both files after the last line."""
        with self.warc.open("ab") as warc, self._path.open("ab") as self._file:
            end = self.lines[-1]["end"] if self.lines else 0
            warc.truncate(end)
            self._file.truncate(sum(len(_line(line)) for line in self.lines))
            writer = WarcWriter(warc, end)
            if not self.lines:
                writer.info({"software": f"Headwater {__version__}", "robots": "RFC 9309", **fields})
            yield writer

    def add(self, writer: WarcWriter, line: dict[str, Any], answer: Answer | None) -> dict[str, Any]:
        """Writes a page's records and then its line."""
        if answer is not None:
            writer.exchange(answer)
        writer.flush()
        line["end"] = writer.bytes
        assert self._file is not None
        self._file.write(_line(line))
        self._file.flush()
        return line


def _line(line: dict[str, Any]) -> bytes:
    return json.dumps(line, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
