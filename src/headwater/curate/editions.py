"""An edition: texts as a step of curation leaves them, a row for every row of the documents.

What every step that edits writes: lines, contamination, shared passages, personal data.
"""

import pyarrow as pa


def _schema(*more: tuple[str, pa.DataType]) -> pa.Schema:
    span = [("start", pa.int32()), ("end", pa.int32()), ("reason", pa.string()), *more]
    return pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            pa.field("text", pa.string()),  # null where nothing was cut; empty where the document leaves
            pa.field("dropped", pa.string()),  # the reason, where the document leaves
            pa.field("removed", pa.int32(), nullable=False),  # characters
            # what was cut and why, half-open, in code points of the text as it was
            pa.field("spans", pa.list_(pa.struct(span))),
        ]
    )


EDITION_SCHEMA = _schema()
PASSAGES_SCHEMA = _schema(("partner", pa.string()))  # the document that keeps its copy
