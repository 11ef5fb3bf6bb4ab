"""Ledgers to training sets through the workspace: the same for any workers, and nothing is done twice."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow.parquet as pq
import pytest
import xxhash

from headwater.corpus.document import DOCUMENT_SCHEMA
from headwater.corpus.shards import ShardWriter
from headwater.corpus.tokens import open_tokens
from headwater.curate.ledger import LEDGER_SCHEMA
from headwater.curate.plan import Plan
from headwater.engine.upkeep import verify
from headwater.engine.workspace import Entry, Output, Workspace, content_key, read_json
from headwater.errors import HeadwaterError, RecipeError
from headwater.model.tokenizer import Tokenizer
from headwater.pipeline.contamination import decontaminate
from headwater.pipeline.curation import Curated, Texts
from headwater.pipeline.ingest import Ingested
from headwater.pipeline.training_set import build_pool, build_training_set, train_tokenizer
from headwater.recipe import Recipe


def text_of(shard: int, row: int) -> str:
    if row % 2:
        return f"第{shard}卷第{row}章。水從山裡流出來，「流到海裡」去。用Python写的。" * 5
    return f"Volume {shard}, chapter {row}. The water flows from the hills down to the sea.\n" * 5


def commit(folder: Path, shard: str, schema: Any, rows: list[dict[str, Any]]) -> Entry:
    out = Output(folder, shard)
    with ShardWriter(out.path(), schema) as writer:
        writer.write(rows)
    return out.commit(content_key(shard, len(rows)), {"documents": len(rows)})


@pytest.fixture
def ingested(tmp_path: Path) -> Ingested:
    shards = []
    for shard in range(3):
        rows = [
            {"id": f"{shard:016x}{row:016x}", "text": text_of(shard, row), "source": "books" if shard else "web",
             "locator": f"{shard}.txt#{row}", "unit": f"{shard}/{row}", "domain": "books",
             "split": "heldout" if row == 9 else "train"}
            for row in range(10)
        ]  # fmt: skip
        name = f"{'books' if shard else 'web'}-{shard}"
        shards.append(commit(tmp_path / "workspace" / "documents", name, DOCUMENT_SCHEMA, rows))
    shards.sort(key=lambda entry: entry.shard)
    return Ingested(tuple(shards), {"books": "documents"}, {})


def arm(folder: Path, ingested: Ingested, name: str, dropped: set[int]) -> Curated:
    """An arm that drops these rows of every shard."""
    texts = {}
    for entry in ingested.shards:
        rows = []
        for row, document in enumerate(pq.read_table(entry.path()).to_pylist()):
            left = row in dropped and document["split"] == "train"
            size = len(document["text"].encode())
            rows.append(
                {"id": document["id"], "source": document["source"], "locator": document["locator"],
                 "language": "zh" if row % 2 else "en", "split": document["split"],
                 "state": "dropped" if left else "kept", "reason": "rule" if left else None, "reasons": 0, "edits": 0,
                 "bytes": size, "bytes_kept": 0 if left else size,
                 "text_key": xxhash.xxh3_128_hexdigest((document["id"] + document["text"]).encode())}
            )  # fmt: skip
        texts[entry.shard] = Texts(
            entry, commit(folder / "ledger" / name, entry.shard, LEDGER_SCHEMA, rows), ()
        )
    # the plan is curation's business; nothing here reads it
    return Curated(name, cast(Plan, None), f"ledger/{name}", (), texts, {}, (), ())


def recipe(**settings: Any) -> Recipe:
    sources = [{"name": name, "kind": "files", "paths": ["*.txt"]} for name in ("web", "books")]
    tokenizer = {"vocabulary": 320}
    return Recipe.model_validate({"name": "测试", "sources": sources, "tokenizer": tokenizer, **settings})


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if (path.is_file() and path.suffix in (".bin", ".parquet", ".md")) or path.name in ("tokenizer.json", "croissant.json")
    }  # fmt: skip


def build(folder: Path, ingested: Ingested, workers: int, order: int = 1) -> tuple[Workspace, list[Path]]:
    workspace = Workspace(folder)
    arms = [
        arm(folder.parent / "arms", ingested, "raw", set()),
        arm(folder.parent / "arms", ingested, "fewer", {1, 2, 3}),
    ]
    tokenizer = train_tokenizer(recipe(), workspace, [ingested], workers=workers)
    pool = build_pool(workspace, tokenizer, arms[::order], workers=workers)
    return workspace, [build_training_set(workspace, recipe(), one, pool, tokenizer) for one in arms]


def test_any_number_of_workers_and_any_order_of_arms_give_the_same_bytes(
    tmp_path: Path, ingested: Ingested
) -> None:
    one, sets = build(tmp_path / "one", ingested, 1)
    two, _ = build(tmp_path / "two", ingested, 2, order=-1)
    assert contents(one.path) == contents(two.path)
    assert len({read_json(folder / "manifest.json")["key"] for folder in sets}) == 2
    assert verify(one)[1] == []
    before = {path: path.stat().st_mtime_ns for path in one.path.rglob("*") if path.is_file()}
    build(tmp_path / "one", ingested, 1)
    assert before == {path: path.stat().st_mtime_ns for path in one.path.rglob("*") if path.is_file()}


def test_a_training_set_leads_to_its_tokens_and_they_to_their_documents(
    tmp_path: Path, ingested: Ingested
) -> None:
    _, [raw, fewer] = build(tmp_path / "one", ingested, 1)
    for folder, rows_left in ((raw, 9), (fewer, 6)):
        manifest = read_json(folder / "manifest.json")
        tokenizer = Tokenizer.load(folder / "tokenizer.json")
        assert manifest["separator"] == tokenizer.separator and manifest["dtype"] == "uint16"
        paths = {shard["shard"]: folder / shard["path"] for shard in manifest["pool"]}
        rows = pq.read_table(folder / "documents.parquet").to_pylist()
        assert len(rows) == manifest["documents"] == 3 * rows_left
        assert (
            manifest["tokens"]
            == sum(row["length"] for row in rows)
            == sum(manifest["tokens_by_source"].values())
        )
        for row in rows:
            tokens = open_tokens(paths[row["shard"]], manifest["vocabulary"])
            text = tokenizer.decode(np.asarray(tokens[row["offset"] : row["offset"] + row["length"]]))
            assert text == text_of(int(row["id"][:16], 16), int(row["id"][16:], 16))
        assert "测试" in (folder / "card.md").read_text(encoding="utf-8")


def test_a_mixture_is_weighed_and_one_that_cannot_be_filled_is_refused(
    tmp_path: Path, ingested: Ingested
) -> None:
    workspace = Workspace(tmp_path / "one")
    raw = arm(tmp_path / "arms", ingested, "raw", set())
    tokenizer = train_tokenizer(recipe(), workspace, [ingested], workers=1)
    pool = build_pool(workspace, tokenizer, [raw], workers=1)

    def mixed(tokens: int) -> dict[str, Any]:
        chosen = recipe(
            curate={"mixture": {"web": 0.9, "books": 0.1}, "max_epochs": 4}, train={"tokens": tokens}
        )
        folder = build_training_set(workspace, chosen, raw, pool, tokenizer)
        return cast(dict[str, Any], read_json(folder / "manifest.json"))

    assert mixed(1000)["mixture"] == pytest.approx({"books": 0.1, "web": 0.9})
    held = mixed(1000)["tokens_by_source"]
    budget = 5 * held["web"]
    assert mixed(budget)["mixture"] == pytest.approx({"web": 0.8, "books": 0.2})
    with pytest.raises(HeadwaterError, match=r"web .*raise max_epochs"):
        mixed(100 * sum(held.values()))


def test_an_arm_that_keeps_nothing_says_what_became_of_it(tmp_path: Path, ingested: Ingested) -> None:
    workspace = Workspace(tmp_path / "one")
    nothing = arm(tmp_path / "arms", ingested, "nothing", set(range(10)))
    tokenizer = train_tokenizer(recipe(), workspace, [ingested], workers=1)
    pool = build_pool(workspace, tokenizer, [nothing], workers=1)
    with pytest.raises(HeadwaterError, match=r"27 training documents.*rule 27"):
        build_training_set(workspace, recipe(), nothing, pool, tokenizer)
    assert not list((workspace.path / "training-sets").iterdir())


def test_an_existing_tokenizer_is_taken(tmp_path: Path, ingested: Ingested) -> None:
    workspace = Workspace(tmp_path / "one")
    trained = train_tokenizer(recipe(), workspace, [ingested], workers=1)
    chosen = recipe(tokenizer={"path": str(trained)})
    taken = train_tokenizer(chosen, workspace, [ingested], workers=1)
    assert taken != trained and taken.read_bytes() == trained.read_bytes()
    with pytest.raises(RecipeError, match="does not exist"):
        train_tokenizer(recipe(tokenizer={"path": "none.json"}), workspace, [ingested], workers=1)


def test_held_out_text_is_cut_from_what_every_arm_starts_from(tmp_path: Path, ingested: Ingested) -> None:
    workspace = Workspace(tmp_path / "workspace")
    leak = pq.read_table(ingested.shards[0].path()).to_pylist()[9]["text"]
    row = {"id": "f" * 32, "text": f"{leak}\n" + "".join(chr(0x4E00 + 3 * i) for i in range(900)), "source": "web",
           "locator": "x.txt#0", "unit": "x", "domain": "web", "split": "train"}  # fmt: skip
    shard = commit(workspace.path / "documents", "web-9", DOCUMENT_SCHEMA, [row])
    more = Ingested((*ingested.shards, shard), ingested.stages, ingested.source_of)
    stage = decontaminate(recipe(), workspace, more, workers=2)
    assert stage is not None
    entries = workspace.stage(stage).entries()
    assert list(entries) == [entry.shard for entry in more.shards]
    [cut] = pq.read_table(entries["web-9"].path()).to_pylist()
    # the margin begins after the last character that counts, so the leak's 。 and line end are part of it
    assert cut["text"] == row["text"][len(leak) + 1 - 2 + 200 :]
    elsewhere = decontaminate(recipe(evaluate={"domains": ["web"]}), workspace, more, workers=1)
    assert elsewhere is not None  # nothing of "web" is held out, so nothing collides
    assert all(entry.result["touched"] == 0 for entry in workspace.stage(elsewhere).entries().values())
    assert decontaminate(recipe(curate={"decontaminate": None}), workspace, more, workers=1) is None


def test_the_card_is_of_the_recipe_as_it_is_now(tmp_path: Path, ingested: Ingested) -> None:
    workspace, one = Workspace(tmp_path / "one"), arm(tmp_path / "arms", ingested, "raw", set())
    tokenizer = train_tokenizer(recipe(), workspace, [ingested], workers=0)
    pool = build_pool(workspace, tokenizer, [one], workers=0)

    def made(**settings: Any) -> tuple[Path, str, dict[str, Any]]:
        folder = build_training_set(workspace, recipe(**settings), one, pool, tokenizer)
        said = read_json(folder / "manifest.json")
        return folder, (folder / "card.md").read_text("utf-8"), {k: v for k, v in said.items() if k != "card"}

    folder, card, data = made(train={"tokens": "1k"})
    again, longer, same = made(train={"tokens": "900M"})
    assert (again, same) == (folder, data), "the data is what it was"
    assert "1.0k tokens" in card or "1k tokens" in card
    assert "900M tokens" in longer and "That is more than the limit" in longer and "测试" in longer
    assert "That is more than the limit" not in card
    when = (folder / "card.md").stat().st_mtime_ns
    assert made(train={"tokens": "900M"})[1] == longer and (folder / "card.md").stat().st_mtime_ns == when
