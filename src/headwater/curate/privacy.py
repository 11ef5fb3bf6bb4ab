"""Personal data taken out of the texts of documents alive: masked, replaced by its type, or by a surrogate.

    replace     Write to <EMAIL>, 电话<MOBILE>                 the type's token, in every language
    mask        Write to •••@•••••••.•••, 电话•••••••••••       each letter and digit; length and form stay
    surrogate   Write to u3f9a1c07@example.com, 电话10288…      the same value becomes the same surrogate, everywhere

A surrogate is made by a keyed hash (BLAKE2b) of type and value. It has the value's form, and is nobody's: addresses at
example.com (RFC 2606) and of documentation networks (RFC 5737, 3849), numbers that begin as no issuer's, carrier's or
region's do. Whoever has the key can try values, so text that is given away wants a key of its own (`key_file`).

What stands where is the signal family `privacy`, measured on the text as the step finds it. A document on which that
failed leaves (`privacy_failed`): it cannot be said to hold nothing. Held-out text is not changed, as by no edit.
"""

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa

from headwater.corpus.shards import ShardWriter, in_step, read_batches
from headwater.curate.decisions import in_question
from headwater.curate.editions import EDITION_SCHEMA
from headwater.engine.workspace import Output
from headwater.errors import HeadwaterError
from headwater.recipe.settings import Privacy

FAILED = "privacy_failed"
MASK = "•"
Span = tuple[int, int, str]  # start, end (half-open, code points), type

_EXAMPLE_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")
# what a surrogate's digits begin with: prefixes that nobody has been given
_NOBODY = {"mobile": "10", "id_card": "99", "bank_card": "0", "card": "0", "ssn": "000", "phone": "0000"}
_SURNAMES = "王李张刘陈杨赵黄周吴"
_GIVEN = "伟芳敏静强磊洋艳勇军杰娟涛明超"
_FIRST = ("Alex", "Robin", "Casey", "Jamie", "Taylor", "Morgan", "Jordan", "Quinn", "Riley", "Avery")
_LAST = ("Doe", "Roe", "Sample", "Example", "Placeholder", "Nemo", "Anon", "Smithson", "Nobody", "Person")


def without_personal_data(text: str, spans: list[Span], how: str, key: bytes = b"") -> str:
    """The text with each span (ascending, not overlapping) masked, replaced or by a surrogate."""
    pieces, at = [], 0
    for start, end, kind in spans:
        pieces += [text[at:start], instead(text[start:end], kind, how, key)]
        at = end
    return "".join([*pieces, text[at:]])


def instead(value: str, kind: str, how: str, key: bytes = b"") -> str:
    """What stands for one value."""
    if how == "replace":
        return f"<{kind.upper()}>"
    if how == "mask":
        return "".join(MASK if character.isalnum() else character for character in value)
    if how == "surrogate":
        return _surrogate(value, kind, key)
    raise AssertionError(f"no way {how!r} to take personal data out")


def _surrogate(value: str, kind: str, key: bytes) -> str:
    same = value.casefold().replace("＠", "@") if kind == "email" else value
    digest = hashlib.blake2b(f"{kind}\0{same}".encode(), key=key[:64], digest_size=32).digest()
    number = int.from_bytes(digest[:8], "little")
    if kind == "email":
        return f"u{digest.hex()[:12]}@example.com"
    if kind in ("ip", "ip_private"):
        if ":" in value:
            return f"2001:db8::{digest.hex()[:4].lstrip('0') or '0'}:{digest.hex()[4:8].lstrip('0') or '0'}"
        return f"{_EXAMPLE_NETWORKS[number % 3]}.{1 + digest[9] % 254}"
    if kind == "name":
        if "\u3400" <= value[0] <= "\u9fff":
            return _SURNAMES[digest[0] % len(_SURNAMES)] + "".join(
                _GIVEN[byte % len(_GIVEN)] for byte in digest[1 : max(2, min(3, len(value)))]
            )
        return f"{_FIRST[digest[0] % len(_FIRST)]} {_LAST[digest[1] % len(_LAST)]}"
    if kind == "address":
        if any("\u3400" <= character <= "\u9fff" for character in value):
            return f"示例市示例路{1 + number % 9999}号"
        return f"{1 + number % 9999} Example Street"
    return _same_form(value, digest, _NOBODY.get(kind, ""))


def _same_form(value: str, digest: bytes, begins: str) -> str:
    """Digits for digits and letters for letters, everything else as it was."""
    stream = hashlib.shake_256(digest).digest(2 * len(value))
    made: list[str] = []
    digits = 0
    for character, byte in zip(value, stream, strict=False):
        if character.isdigit():
            made.append(begins[digits] if digits < len(begins) else str(byte % 10))
            digits += 1
        elif character.isascii() and character.isalpha():
            first = "A" if character.isupper() else "a"
            made.append(chr(ord(first) + byte % 26))
        else:
            made.append(character)
    return "".join(made)


def read_key(path: str | None) -> bytes:
    """The key in a file, or the public one; HeadwaterError where the file has none."""
    if path is None:
        return b"headwater-1"
    try:
        with Path(path).open("rb") as file:
            key = file.read(1024).strip()
    except OSError as error:
        raise HeadwaterError(f"curate.privacy.key_file: cannot read {path}: {error.strerror}") from error
    if len(key) < 16:
        raise HeadwaterError(f"curate.privacy.key_file: {path} holds {len(key)} bytes; a key has 16 at least")
    return hashlib.blake2b(key).digest()


def privacy_shard(
    out: Output,
    *,
    documents: str,
    editions: list[str],
    decisions: str,
    signals: list[str],
    tracks: list[str],
    by_language: dict[str, str],
    settings: dict[str, Any],
    key_file: str | None,
) -> dict[str, Any]:
    """Shard function: an edition without the personal data of the documents alive.

    `editions` are the newest first, `signals` those of the editions in the same order and of the documents last.
    The result counts spans by type.
    """
    chosen, key = Privacy(**settings), read_key(key_file)
    types: Counter[str] = Counter()
    counts = {"documents": 0, "bytes": 0, "edited": 0, "failed": 0, "characters": 0}
    streams = [read_batches(decisions, ["state", "split", "language"])]
    columns = ["errors", *(f"privacy.{kind}_spans" for kind in chosen.kinds)]
    streams += [read_batches(path, ["id", "text"]) for path in [*editions, documents]]
    streams += [read_batches(path, columns) for path in signals]
    with ShardWriter(out.path(), EDITION_SCHEMA) as writer:
        for decided, *batches in in_step(streams):
            alive = in_question(pa.Table.from_batches([decided]), tracks, by_language)
            texts, measured = batches[: len(signals)], batches[len(signals) :]
            rows = []
            for here in range(decided.num_rows):
                row: dict[str, Any] = {"id": texts[-1]["id"][here].as_py(), "removed": 0}
                rows.append(row)
                if not alive[here]:
                    continue
                layer = next(n for n, batch in enumerate(texts) if batch["text"][here].is_valid)
                text = texts[layer]["text"][here].as_py()
                counts["documents"] += 1
                counts["bytes"] += len(text.encode())
                if measured[layer]["errors"][here].is_valid:
                    row["dropped"] = FAILED
                    counts["failed"] += 1
                    continue
                spans = _spans(measured[layer], here, chosen)
                if spans:
                    types.update(kind for _, _, kind in spans)
                    edited = without_personal_data(text, spans, chosen.how, key)
                    removed = sum(end - start for start, end, _ in spans)
                    said = [{"start": s, "end": e, "reason": f"privacy_{kind}"} for s, e, kind in spans]
                    row |= {"text": edited, "removed": removed, "spans": said}
                    counts["edited"] += 1
                    counts["characters"] += removed
            writer.write(rows)
    return counts | {"types": dict(sorted(types.items()))}


def _spans(measured: pa.RecordBatch, row: int, settings: Privacy) -> list[Span]:
    found = [
        (span["start"], span["end"], kind)
        for kind in settings.kinds
        for span in measured[f"privacy.{kind}_spans"][row].as_py() or ()
        if span["score"] >= settings.min_score
    ]
    return sorted(found)
