"""The document: one text with its provenance, never changed after it is read.

Its id is a hash of where it stands inside its source (kind, path relative to the source's root, record offset),
so it is the same on another machine, in another folder, with other workers and under another source name.
"""

import pyarrow as pa
import xxhash

# What each column holds, in the order in which they stand in the file.
DOCUMENT_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),  # hex xxh3-128, see document_id
        pa.field("source_id", pa.string()),  # the id that the source itself gives
        pa.field("text", pa.string(), nullable=False),  # normalised once, on the way in
        pa.field("source", pa.string(), nullable=False),  # the source's name in the recipe
        pa.field("locator", pa.string(), nullable=False),  # relative path # record offset
        pa.field("url", pa.string()),
        pa.field("title", pa.string()),
        pa.field("date", pa.string()),
        pa.field("license", pa.string()),
        pa.field("language_declared", pa.string()),
        pa.field("consent", pa.string()),  # robots, TDM, noai as found
        pa.field("unit", pa.string(), nullable=False),  # what is split and resampled
        pa.field("domain", pa.string(), nullable=False),  # the stratum that a score is reported for
        pa.field("split", pa.string(), nullable=False),  # train or heldout
        pa.field("meta", pa.string()),  # JSON
    ]
)


def document_id(kind: str, relative_path: str, offset: int | str) -> str:
    """32 hex digits: xxh3-128 of the kind, the path below the source's root, and the record's offset."""
    name = f"{kind}\0{relative_path}\0{offset}"
    return xxhash.xxh3_128_hexdigest(name.encode("utf-8", "surrogateescape"))


def locator(relative_path: str, offset: int | str) -> str:
    """How a person finds the record again: `crawl/a.warc.gz#1042`."""
    return f"{relative_path}#{offset}"


def split_of(unit: str, *, share: float, salt: str) -> str:
    """`heldout` for about `share` of all units, else `train`; a hash, so every arm and source agrees."""
    digest = xxhash.xxh3_64_intdigest(f"{salt}\0{unit}".encode("utf-8", "surrogateescape"))
    return "heldout" if digest < share * 2**64 else "train"
