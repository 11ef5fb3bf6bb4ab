"""A small workspace in the layouts that the stages commit: two sources, English and Chinese, and hostile strings."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from headwater.corpus.document import DOCUMENT_SCHEMA, document_id
from headwater.corpus.shards import ShardWriter
from headwater.curate.editions import EDITION_SCHEMA
from headwater.curate.ledger import LEDGER_SCHEMA
from headwater.engine.workspace import Entry, Output, Stage, Workspace, content_key, write_json

HOSTILE = '<script>document.title="ran"</script>\x1b[2J\u202eesrever\u202c"\'><img src=x onerror=alert(1)>'
HOSTILE_URL = "javascript:alert('<b>') http://evil.example/?q=\"><script>alert(2)</script>"

ENGLISH = [
    f"Chapter {n}. The river rose in the hills above the town and nobody wrote down when the water first came. "
    f"By morning {n} boats were tied to the church door, and the schoolmaster counted them twice.\n"
    "He kept a book of such things, and the book is what we have."
    for n in range(12)
]
CHINESE = [
    f"第{n}章。山上的河水在夜里涨了起来，没有人记下水是什么时候到的。“天亮的时候，”老人说，“教堂门口拴着{n}条船。”\n"
    "他有一本册子，专记这样的事情；我们今天知道的，都从那本册子里来。繁體字也有：漢語、河流。"
    for n in range(10)
]
MENU = "Home | News | Login\n" * 8 + "点击 | 登录 | 首页\n" * 6
PRESETS = {"en": "fineweb", "zh": "fineweb2-zh"}
RULE = {
    "signal": "repetition.duplicate_lines",
    "max": 0.3,
    "reason": "repetition_duplicate_lines",
    "source": "Gopher table A1",
}
WORDS = {"signal": "gopher.words", "min": 20.0, "reason": "gopher_words", "source": "Gopher table A1"}
PLAN: dict[str, Any] = {
    "tracks": ["en", "zh", "*"],
    "presets": PRESETS,
    "reasons": ["edited_empty", "repetition_duplicate_lines", "gopher_words", "near_duplicate"],
    "steps": [
        {"step": "lines", "tracks": ["en", "zh", "*"], "settings": {"repeated": 2}},
        {"step": "rules", "rules": {"en": [RULE, WORDS], "zh": [RULE, WORDS], "*": [WORDS]}},
        {"step": "duplicates", "tracks": ["en", "zh", "*"], "settings": {"exact": True}},
    ],
}


def build(path: Path) -> Workspace:
    """`recipes/curated.json` and the stages it names; the stories of `web-zh` come twice, once slightly changed."""
    place = Workspace(path)
    sources = {"books": _books(), "web-zh": _web()}
    stages, ledger, families, edited, kept = {}, [], {}, [], []
    for source, rows in sources.items():
        stage = f"documents/{source}-0a1b2c3d4e5f"
        stages[source] = stage
        documents = [row["document"] for row in rows]
        files: dict[str, Any] = {}
        for row in documents:
            name = row["locator"].rpartition("#")[0]
            file = files.setdefault(
                name, {"read": 0, "documents": 0, "gated": {}, "quarantined": {}, "bytes": 9000}
            )
            file["read"] += 1
            file["documents"] += 1
        first = files[min(files)]
        first["read"] += 3
        first["gated"] = {"record_type": 2}
        first["quarantined"] = {"invalid_utf8": 1}
        size = sum(len(row["text"].encode()) for row in documents)
        _commit(place.stage(stage), f"{source}-0", {
            "parquet": pa.Table.from_pylist(documents, schema=DOCUMENT_SCHEMA),
            "quarantine.parquet": _quarantine(min(files)),
        }, {"files": files, "normalised": {"nbsp": 3}, "documents": len(documents), "bytes": size})  # fmt: skip
        for family, column, values in (
            ("repetition", "repetition.duplicate_lines", [row["repeated"] for row in rows]),
            ("gopher", "gopher.words", [row["words"] for row in rows]),
        ):
            name = f"signals/{family}-0f0f0f0f0f0f/{stage.replace('/', '-')}"
            ids, errors = [row["id"] for row in documents], pa.array([None] * len(rows), pa.string())
            measured = pa.table({"id": ids, column: values, "errors": errors})
            _commit(place.stage(name), f"{source}-0", {"parquet": measured}, {"documents": len(rows)})
            families.setdefault(family, []).append(name)
        edited.append((f"{source}-0", [row["edition"] for row in rows]))
        ledger.append((f"{source}-0", [row["ledger"] for row in rows], files))
        kept += [
            row for row in rows if row["ledger"]["state"] == "kept" and row["ledger"]["split"] == "train"
        ]
    entries = [
        _shard(place.stage("editions/lines-777777777777"), shard,
               {"parquet": pa.Table.from_pylist(rows, schema=EDITION_SCHEMA)}, {"documents": len(rows)})
        for shard, rows in edited
    ]  # fmt: skip
    place.stage("editions/lines-777777777777").complete(entries)
    entries = []
    for shard, rows, files in ledger:
        result = {"documents": len(rows), "bytes": 1, "reasons": PLAN["reasons"], "plan": PLAN, "counts": [],
                  "editions": [{"step": 0, "stage": "editions/lines-777777777777"}], "files": _states(rows, files)}  # fmt: skip
        table = pa.Table.from_pylist(rows, schema=LEDGER_SCHEMA)
        entries.append(_shard(place.stage("ledger/abcabcabcabc"), shard, {"parquet": table}, result))
    place.stage("ledger/abcabcabcabc").complete(entries)
    folder = place.path / "training-sets" / "99aa99aa99aa"
    folder.mkdir(parents=True)
    schema = pa.schema(
        [("id", pa.string()), ("source", pa.string()), ("length", pa.int64()), ("bytes", pa.int64())]
    )
    with ShardWriter(folder / "documents.parquet", schema) as writer:
        writer.write([{"id": row["document"]["id"], "source": row["document"]["source"],
                       "length": row["ledger"]["bytes_kept"] // 4, "bytes": row["ledger"]["bytes_kept"]}
                      for row in kept])  # fmt: skip
    write_json(place.path / "recipes" / "curated.json", {
        "name": "curated", "recipe": {"name": "curated"}, "documents": stages, "signals": families,
        "ledger": "ledger/abcabcabcabc", "training_set": "training-sets/99aa99aa99aa", "runs": [], "scores": [],
    })  # fmt: skip
    return place


def _books() -> list[dict[str, Any]]:
    rows = [_row("books", "en", n, text, title=f"The River, chapter {n}") for n, text in enumerate(ENGLISH)]
    for row in rows[:2]:
        row["document"]["split"] = row["ledger"]["split"] = "heldout"
    rows.append(
        _row(
            "books",
            "en",
            90,
            MENU,
            title=HOSTILE,
            url=HOSTILE_URL,
            repeated=0.86,
            reason="repetition_duplicate_lines",
        )
    )
    rows.append(_row("books", "en", 91, f"short {HOSTILE}", title="短", words=3, reason="gopher_words"))
    return rows


def _web() -> list[dict[str, Any]]:
    rows = [_row("web-zh", "zh", n, text, url=f"https://例子.example/{n}") for n, text in enumerate(CHINESE)]
    for n, text in enumerate(CHINESE[:3]):
        copy = _row("web-zh", "zh", 50 + n, text.replace("老人", "老先生"), reason="near_duplicate", step=2)
        copy["ledger"] |= {"partner": rows[n]["document"]["id"], "similarity": 0.93}
        rows.append(copy)
    edit = rows[4]
    text = edit["document"]["text"]
    cut = text.index("\n")
    edit["edition"] |= {"text": text[:cut], "removed": len(text) - cut,
                        "spans": [{"start": cut, "end": len(text), "reason": "repeated_line"}]}  # fmt: skip
    edit["ledger"] |= {"edits": len(text) - cut, "bytes_kept": len(text[:cut].encode())}
    rows.append(
        _row("web-zh", "zh", 80, MENU, title="导航页面", repeated=0.9, reason="repetition_duplicate_lines")
    )
    return rows


def _row(
    source: str, language: str, offset: int, text: str, *, title: str | None = None, url: str | None = None,
    repeated: float = 0.02, words: int = 60, reason: str | None = None, step: int = 1,
) -> dict[str, Any]:  # fmt: skip
    path = f"{source}/{'文件' if language == 'zh' else 'file'}-{offset % 2}.txt"
    document = document_id("files", path, offset)
    size = len(text.encode())
    dropped = reason is not None
    return {
        "document": {"id": document, "text": text, "source": source, "locator": f"{path}#{offset}", "url": url,
                     "title": title, "unit": path, "domain": source, "split": "train"},
        "ledger": {"id": document, "source": source, "locator": f"{path}#{offset}", "language": language,
                   "split": "train", "state": "dropped" if dropped else "kept", "reason": reason,
                   "reasons": 1 << PLAN["reasons"].index(reason) if reason else 0, "step": step if dropped else None,
                   "edits": 0, "bytes": size, "bytes_kept": 0 if dropped else size,
                   "text_key": content_key(text)},
        "edition": {"id": document, "text": None, "dropped": None, "removed": 0, "spans": None},
        "repeated": repeated,
        "words": words,
    }  # fmt: skip


def _quarantine(file: str) -> pa.Table:
    return pa.table({
        "file": [file], "offset": ["777"], "reason": ["invalid_utf8"], "detail": [HOSTILE],
        "bytes": pa.array([b"\xff\xfe<script>"], pa.binary()),
    })  # fmt: skip


def _states(rows: list[dict[str, Any]], files: dict[str, Any]) -> dict[str, Any]:
    accounts = {
        name: {"documents": 0, "kept": 0, "dropped": {}, "gated": {}, "quarantined": {}} for name in files
    }
    for row in rows:
        file: dict[str, Any] = accounts[row["locator"].rpartition("#")[0]]
        file["documents"] += 1
        if row["state"] == "kept":
            file["kept"] += 1
        else:
            file["dropped"][row["reason"]] = file["dropped"].get(row["reason"], 0) + 1
    return accounts


def _shard(stage: Stage, shard: str, tables: dict[str, pa.Table], result: dict[str, Any]) -> Entry:
    out = Output(stage.path, shard)
    for suffix, table in tables.items():
        with ShardWriter(out.path(suffix), table.schema) as writer:
            writer.write_table(table)
    return out.commit(content_key(stage.name, shard), result)


def _commit(stage: Stage, shard: str, tables: dict[str, pa.Table], result: dict[str, Any]) -> None:
    stage.complete([_shard(stage, shard, tables, result)])
