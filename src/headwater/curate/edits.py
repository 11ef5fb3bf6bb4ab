"""Edits: lines taken out of the texts of documents alive, one new edition a step.

An edition has a row a document, in the documents' order: `text` (null where this step changed nothing), `dropped`
(the reason, where the document leaves with this edit), `removed` (characters), and `spans`, which say what was
removed and why in code points of the text before the edit. An edit removes whole lines with their line end, and
the blank lines that are left over beside them; citation marks (C4) go from inside a line.

A document leaves when nothing but white space is left (`edited_empty`), when more than `max_removed_share` of its
words went (`removed_share`), or by a page rule of C4 (`c4_lorem_ipsum`, `c4_curly_bracket`, `c4_sentences`).
"""

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from headwater.corpus.shards import ShardWriter, in_step, read_batches
from headwater.corpus.text import sentences
from headwater.curate.decisions import in_question
from headwater.curate.editions import EDITION_SCHEMA
from headwater.curate.line_rules import (
    C4_CITATION,
    c4_reason,
    refinedweb_phrases,
    refinedweb_reason,
    word_count,
)
from headwater.curate.presets import LineEdits
from headwater.curate.repeats import lines_to_go
from headwater.engine.workspace import Output


@dataclass
class Edited:
    """What an edit made of one text. `text` is None where the document leaves."""

    text: str | None
    dropped: str | None = None
    spans: list[tuple[int, int, str]] = field(default_factory=list)  # ascending, half-open
    lines: Counter[str] = field(default_factory=Counter)  # removed lines by reason


def edit(text: str, settings: LineEdits, repeated: Container[int] = ()) -> Edited:
    """Takes lines out of a text. `repeated`: the numbers of its lines that are repeated in the corpus."""
    done = Edited(text)
    at = 0
    blank_before, removed_before = True, False
    for number, line in enumerate(text.split("\n")):
        start, end = at, min(at + len(line) + 1, len(text))
        at += len(line) + 1
        blank = not line.strip()
        reason = "repeated_line" if number in repeated else None if blank else _reason(line, settings)
        if settings.c4 is not None and (page := _c4_page(line, start, reason)) is not None:
            return Edited(None, page[2], [page])
        if reason is not None:
            done.lines[reason] += 1
            done.spans.append((start, end, reason))
            removed_before = True
        elif blank and blank_before and removed_before:
            before, _, why = done.spans[-1]  # a blank line that only the removed one held apart
            done.spans[-1] = (before, end, why)
        else:
            if settings.c4 is not None:
                done.spans += _citations(line, start)
            elif settings.refinedweb:
                done.spans += [
                    (start + a, start + b, "refinedweb_phrase") for a, b in refinedweb_phrases(line)
                ]
            blank_before, removed_before = blank, False
    if done.spans:
        done.spans = _to_the_end(text, done.spans)
        done.text = without(text, done.spans)
    done.dropped = _page_reason(text, done.text or "", settings)
    return replace(done, text=None) if done.dropped is not None else done


def without(text: str, spans: list[tuple[int, int, str]]) -> str:
    """The text less these spans."""
    starts, ends = [start for start, _, _ in spans], [end for _, end, _ in spans]
    return "".join(text[low:high] for low, high in zip([0, *ends], [*starts, len(text)], strict=True))


def _to_the_end(text: str, spans: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Spans at the end of the text take the line end before them with them: no text ends in one it had not."""
    spans, end = list(spans), len(text)
    for number in reversed(range(len(spans))):
        start, last, reason = spans[number]
        if last != end:
            break
        before = spans[number - 1][1] if number else 0
        end = max(before, len(text[:start].rstrip()))
        spans[number] = (end, last, reason)
    return spans


def _reason(line: str, settings: LineEdits) -> str | None:
    """Why a line goes, by the first rule that says so."""
    if settings.refinedweb and (reason := refinedweb_reason(line)) is not None:
        return reason
    if settings.c4 is not None and (reason := c4_reason(line, settings.c4)) is not None:
        return reason
    if settings.min_words and word_count(line) < settings.min_words:
        return "line_words"
    return None


def _c4_page(line: str, start: int, reason: str | None) -> tuple[int, int, str] | None:
    """A span for which C4 drops the whole page; `reason` is why the line goes. In the order of c4_filters.py."""
    if reason not in (None, "c4_javascript", "c4_policy"):
        return None
    place = line.lower().find("lorem ipsum")
    if place >= 0:
        return (start + place, start + place + len("lorem ipsum"), "c4_lorem_ipsum")
    place = line.find("{") if reason != "c4_javascript" else -1
    return (start + place, start + place + 1, "c4_curly_bracket") if place >= 0 else None


def _citations(line: str, start: int) -> list[tuple[int, int, str]]:
    if "[" not in line:
        return []
    return [
        (start + match.start(), start + match.end(), "c4_citation") for match in C4_CITATION.finditer(line)
    ]


def _page_reason(before: str, after: str, settings: LineEdits) -> str | None:
    """Why a document leaves for what the edit left of it."""
    if not after.strip():
        return "edited_empty"
    if settings.max_removed_share is not None and before != after:
        words = word_count(before)
        if words - word_count(after) > settings.max_removed_share * words:
            return "removed_share"
    if settings.c4 is not None:
        lines = [line for line in after.split("\n") if line.strip()]
        if sum(len(sentences(line)) for line in lines) < settings.c4.sentences:
            return "c4_sentences"
    return None


def edit_shard(
    out: Output,
    *,
    documents: str,
    editions: list[str],
    decisions: str,
    tracks: list[str],
    by_language: dict[str, str],
    settings: dict[str, Any],
    repeats: dict[str, Any] | None,
) -> dict[str, Any]:
    """Shard function: an edition of the documents alive. `repeats`: {"files", "slices"}, see repeats.py."""
    chosen = LineEdits(**settings)
    places = lines_to_go(repeats["files"], repeats["slices"]) if repeats is not None else None
    counts = {"documents": 0, "bytes": 0, "edited": 0, "dropped": 0, "characters": 0}
    lines: Counter[str] = Counter()
    streams = [read_batches(decisions, ["state", "split", "language"])]
    streams += [read_batches(path, ["id", "text"]) for path in [documents, *editions]]
    with ShardWriter(out.path(), EDITION_SCHEMA) as writer:
        at = 0
        for decided, *batches in in_step(streams):
            alive = in_question(pa.Table.from_batches([decided]), tracks, by_language)
            rows = []
            for here in range(batches[0].num_rows):
                row: dict[str, Any] = {"id": batches[0]["id"][here].as_py(), "removed": 0}
                rows.append(row)
                if not alive[here]:
                    continue
                newest = next((b for b in batches[1:] if b["text"][here].is_valid), batches[0])
                text = newest["text"][here].as_py()
                repeated = _of_row(places, at + here)
                if repeated and max(repeated) >= text.count("\n") + 1:
                    raise AssertionError(f"{row['id']}: its lines were measured on another text")
                done = edit(text, chosen, repeated)
                counts["documents"] += 1
                counts["bytes"] += len(text.encode())
                lines += done.lines
                if done.spans or done.dropped:
                    row["spans"] = [{"start": s, "end": e, "reason": why} for s, e, why in done.spans]
                    row["dropped"] = done.dropped
                    counts["dropped"] += done.dropped is not None
                if done.text is not None and done.text != text:
                    row |= {"text": done.text, "removed": len(text) - len(done.text)}
                    counts["edited"] += 1
                    counts["characters"] += row["removed"]
            writer.write(rows)
            at += batches[0].num_rows
    return counts | {"lines": dict(sorted(lines.items()))}


def _of_row(places: np.ndarray | None, row: int) -> set[int]:
    if places is None:
        return set()
    low, high = np.searchsorted(places["row"], [row, row + 1])
    return set(places["line"][low:high].tolist())
