"""What a reader yields: every record framed in a file is a document, gated or quarantined, and nothing else.

*Gated* is a record that is whole but is not a document: a request, an image, an empty line. *Quarantined* is one
that could not be read; its bytes are kept, so that a later version can read them again.
"""

from dataclasses import dataclass, field
from typing import Any

# A record larger than this is quarantined, whatever the kind of file (WARC has its own setting): a worker holds
# one record at a time, as bytes and as text.
MAX_RECORD = 32 << 20
# Of what is quarantined so many bytes are kept; the rest is found in the input by the offset.
KEPT_BYTES = 1 << 20

# The detail of what is quarantined as `worker_died` or `deadline` (engine/guard.py).
GIVEN_UP = "reading it killed or held up its worker, twice"

FIELDS = ("source_id", "url", "title", "date", "license", "language", "author", "unit", "consent")


@dataclass(frozen=True)
class Found:
    """A document's text as the file has it, and what the file says of it (keys of FIELDS)."""

    offset: int | str
    text: str
    fields: dict[str, str] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)  # what only this kind of source has; becomes JSON


@dataclass(frozen=True)
class Gated:
    offset: int | str
    reason: str


@dataclass(frozen=True)
class Quarantined:
    offset: int | str
    reason: str
    detail: str  # what is wrong and where, for a person
    data: bytes = b""  # at most KEPT_BYTES


Record = Found | Gated | Quarantined


def quarantine(offset: int | str, reason: str, detail: str, data: bytes = b"") -> Quarantined:
    return Quarantined(offset, reason, detail, bytes(data[:KEPT_BYTES]))
