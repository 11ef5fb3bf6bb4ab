"""From a token back to its document; one pool for all arms; a card that hostile text cannot break."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash

from headwater.corpus.document import DOCUMENT_SCHEMA
from headwater.corpus.shards import ShardWriter
from headwater.corpus.tokens import open_tokens
from headwater.curate.card import card, croissant, safe
from headwater.curate.pool import tokenise_shard
from headwater.curate.tokenization import copy_shard, sample_documents, train_shard
from headwater.curate.training_set import Contents, mixture_plan, write_documents
from headwater.engine.workspace import Output
from headwater.model.tokenizer import Tokenizer
from headwater.recipe import Recipe

HOSTILE = "</script><img src=x onerror=alert(1)>|](javascript:x)`\n# \u202egnp"
TEXTS = {
    "aa": ("源头是河流开始的地方。水从这里流出来，一直流到海里。", "zh", "train"),
    "bb": ("The headwater is where a river begins.\nMENU MENU\nIt flows to the sea.", "en", "train"),
    "cc": ("留出來評測的文本，不得進入訓練。", "zh", "heldout"),
    "dd": ("用Python写的程序：版本３．１１，日本語も。", "zh", "train"),
    "ee": ("Dropped by one arm, <|endoftext|> kept by the other.", "en", "train"),
}
EDITED = {"bb": "The headwater is where a river begins.\nIt flows to the sea."}

LEDGER = pa.schema(
    [("id", pa.string()), ("source", pa.string()), ("language", pa.string()), ("split", pa.string()),
     ("state", pa.string()), ("reason", pa.string()), ("edits", pa.int32()), ("bytes", pa.int64()),
     ("bytes_kept", pa.int64()), ("text_key", pa.string())]
)  # fmt: skip


def write(path: Path, schema: pa.Schema, rows: list[dict[str, Any]], rows_a_group: int = 2) -> str:
    """A shard in several row groups, so that files are read in unequal batches."""
    with ShardWriter(path, schema, row_group_bytes=1) as writer:
        for start in range(0, len(rows), rows_a_group):
            writer.write(rows[start : start + rows_a_group])
    return str(path)


def write_corpus(folder: Path) -> tuple[str, list[dict[str, Any]]]:
    """Documents and two arms: `raw` keeps all, `curated` edits bb and drops ee."""
    documents = [
        {"id": name, "text": text, "source": "crawl", "locator": f"a.jsonl#{i}", "unit": f"site-{name}", "domain": "crawl",
         "split": split, "license": HOSTILE if name == "aa" else None, "date": "2024-05-01", "language_declared": language}
        for i, (name, (text, language, split)) in enumerate(TEXTS.items())
    ]  # fmt: skip

    def ledger(edited: dict[str, str], dropped: set[str]) -> list[dict[str, Any]]:
        rows = []
        for name, (text, language, split) in TEXTS.items():
            final = edited.get(name, text)
            rows.append(
                {"id": name, "source": "crawl", "language": language, "split": split,
                 "state": "dropped" if name in dropped else "kept", "reason": "short" if name in dropped else None,
                 "edits": len(text) - len(final), "bytes": len(text.encode()), "bytes_kept": len(final.encode()),
                 "text_key": xxhash.xxh3_128_hexdigest((name + final).encode())}
            )  # fmt: skip
        return rows

    path = write(folder / "documents.parquet", DOCUMENT_SCHEMA, documents)
    edition = [{"id": name, "text": EDITED.get(name)} for name in TEXTS]
    schema = pa.schema([("id", pa.string()), ("text", pa.string())])
    arms = [
        {"ledger": write(folder / "raw.parquet", LEDGER, ledger({}, set()), 3), "editions": []},
        {"ledger": write(folder / "curated.parquet", LEDGER, ledger(EDITED, {"ee"}), 5),
         "editions": [write(folder / "edition.parquet", schema, edition, 1)]},
    ]  # fmt: skip
    return path, arms


@pytest.fixture
def corpus(tmp_path: Path) -> tuple[str, list[dict[str, Any]], str]:
    documents, arms = write_corpus(tmp_path)
    out = Output(tmp_path, "tokenizer")
    result = train_shard(
        out, documents=[documents], sample=10**6, vocabulary=300, kind="byte-bpe", coverage=0.9995
    )
    assert result["documents"] == 4  # the held-out document is not in the sample
    return documents, arms, str(out.commit("key", result).path("json"))


def pool(folder: Path, corpus: tuple[str, list[dict[str, Any]], str]) -> tuple[Path, Path]:
    out = Output(folder, "crawl-0")
    documents, arms, tokenizer = corpus
    entry = out.commit("key", tokenise_shard(out, documents=documents, arms=arms, tokenizer=tokenizer))
    assert entry.result["documents"] == pq.read_metadata(entry.path()).num_rows
    return entry.path("bin"), entry.path()


def test_a_token_leads_back_to_the_text_that_an_arm_kept(
    tmp_path: Path, corpus: tuple[str, list[dict[str, Any]], str]
) -> None:
    documents, arms, path = corpus
    tokenizer = Tokenizer.load(path)
    tokens_path, rows_path = pool(tmp_path / "pool", corpus)
    tokens = open_tokens(tokens_path, tokenizer.vocabulary)
    assert tokenizer.separator not in tokens
    expected = [
        {name: text for name, (text, _, split) in TEXTS.items() if split == "train"},
        {name: EDITED.get(name, text) for name, (text, _, _) in TEXTS.items() if name not in ("cc", "ee")},
    ]
    for arm, texts in zip(arms, expected, strict=True):
        shard = {"shard": "crawl-0", "documents": documents, "ledger": arm["ledger"], "pool": str(rows_path)}
        contents = write_documents(tmp_path / "documents-of-arm.parquet", [shard])
        rows = pq.read_table(tmp_path / "documents-of-arm.parquet").to_pylist()
        found = {
            row["id"]: tokenizer.decode(tokens[row["offset"] : row["offset"] + row["length"]]) for row in rows
        }
        assert found == texts
        assert all(row["bytes"] == len(texts[row["id"]].encode()) for row in rows)
        assert sum(contents.documents.values()) + sum(contents.left.values()) == sum(contents.read.values())
        assert sum(contents.tokens.values()) == sum(row["length"] for row in rows)
        assert contents.heldout == {"crawl": 1}


def test_a_text_that_two_arms_keep_is_in_the_pool_once(
    tmp_path: Path, corpus: tuple[str, list[dict[str, Any]], str]
) -> None:
    _, rows_path = pool(tmp_path / "pool", corpus)
    rows = pq.read_table(rows_path).to_pylist()
    assert [row["id"] for row in rows] == ["aa", "bb", "bb", "dd", "ee"]
    assert len({row["text_key"] for row in rows}) == 5


def test_the_same_texts_give_the_same_bytes(
    tmp_path: Path, corpus: tuple[str, list[dict[str, Any]], str]
) -> None:
    one = [path.read_bytes() for path in pool(tmp_path / "one", corpus)]
    assert one == [path.read_bytes() for path in pool(tmp_path / "two", corpus)]


def test_a_ledger_of_other_rows_is_refused(
    tmp_path: Path, corpus: tuple[str, list[dict[str, Any]], str]
) -> None:
    documents, arms, tokenizer = corpus
    short = pq.read_table(arms[0]["ledger"]).slice(0, 3)
    pq.write_table(short, tmp_path / "short.parquet")
    with pytest.raises(AssertionError, match="rows"):
        tokenise_shard(
            Output(tmp_path, "x"), documents=documents, tokenizer=tokenizer,
            arms=[{"ledger": str(tmp_path / "short.parquet"), "editions": []}],
        )  # fmt: skip


def test_the_sample_is_fixed_by_ids_and_by_its_size(tmp_path: Path) -> None:
    rows = [
        {"id": f"{i:032x}", "text": f"第{i}篇。" * 20, "source": "s", "locator": f"f#{i}", "unit": "u", "domain": "d",
         "split": "heldout" if i % 5 == 0 else "train"}
        for i in range(200)
    ]  # fmt: skip
    whole = write(tmp_path / "whole.parquet", DOCUMENT_SCHEMA, rows, 50)
    halves = [
        write(tmp_path / "odd.parquet", DOCUMENT_SCHEMA, rows[1::2]),
        write(tmp_path / "even.parquet", DOCUMENT_SCHEMA, rows[::2]),
    ]
    small, large = set(sample_documents([whole], 5_000)), set(sample_documents([whole], 10_000))
    assert small < large
    assert 5_000 <= sum(len(text.encode()) for text in small) < 5_500
    assert set(sample_documents(halves, 5_000)) == small
    assert sorted(sample_documents([whole, *halves], 5_000)) == sorted(small)  # an id counts once
    assert not any(f"第{i}篇。" * 20 in set(sample_documents([whole], 10**9)) for i in range(0, 200, 5))


def test_a_tokenizer_that_loses_text_is_told_apart(
    tmp_path: Path, corpus: tuple[str, list[dict[str, Any]], str]
) -> None:
    definition = json.loads(Path(corpus[2]).read_text(encoding="utf-8"))
    assert copy_shard(Output(tmp_path, "same"), path=corpus[2])["lossless"]
    definition["normalizer"] = {"type": "Lowercase"}
    (tmp_path / "lossy.json").write_text(json.dumps(definition), encoding="utf-8")
    assert not copy_shard(Output(tmp_path, "lossy"), path=str(tmp_path / "lossy.json"))["lossless"]


def make_contents() -> Contents:
    contents = Contents()
    contents.documents["crawl", "zh"] = contents.documents["wiki", HOSTILE] = 3
    contents.tokens["crawl", "zh"], contents.tokens["wiki", HOSTILE] = 1000, 10_000
    contents.bytes["crawl", "zh"] = contents.bytes["wiki", HOSTILE] = 5000
    contents.licenses["crawl", HOSTILE] = 3
    contents.left["dropped", HOSTILE] = 2
    contents.read.update({"crawl": 5, "wiki": 3})
    return contents


def recipe(**settings: Any) -> Recipe:
    sources = [{"name": name, "kind": "files", "paths": [f"{name}/*.txt"]} for name in ("crawl", "wiki")]
    return Recipe.model_validate({"name": "中文 & <b>", "sources": sources, **settings})


def test_the_card_says_what_is_in_it_and_hostile_text_does_nothing() -> None:
    chosen = recipe(curate={"mixture": {"crawl": 0.9, "wiki": 0.1}}, train={"tokens": 5000})
    plan = mixture_plan({"crawl": 1000, "wiki": 10_000}, {"crawl": 0.9, "wiki": 0.1}, 5000, 4)
    text = card(chosen, make_contents(), key="k", vocabulary=300, mixture=plan)
    body = text[: text.index("## Recipe")]
    for forbidden in ("<script", "</script", "<img", "](", "\u202e", "<b>"):
        assert forbidden not in body
    assert all("<" not in line or line.startswith("    ") for line in text.splitlines())
    assert "中文" in body and "held at that limit" in body and "80.0%" in body
    assert "| crawl | zh | 3 |" in body
    described = croissant(
        chosen, make_contents(), key="k", columns={"id": "string"}, files={"documents.parquet": "00"}
    )
    assert "<" not in described
    record = json.loads(described)
    assert record["license"] == [HOSTILE] and record["conformsTo"][0].endswith("croissant/1.0")


def test_too_many_epochs_without_a_mixture_are_said() -> None:
    text = card(recipe(), make_contents(), key="k", vocabulary=300, mixture=None)
    assert "more than the limit of 4" in text


def test_safe_shows_every_character() -> None:
    assert safe("中文，「引号」 plain") == "中文，「引号」 plain"
    assert safe("a\u202eb\x1b[0m") == "a\\\\u202eb\\\\u001b\\[0m"
    assert len(safe("x" * 1000)) == 121


def test_token_ids_fit_their_type(tmp_path: Path, corpus: tuple[str, list[dict[str, Any]], str]) -> None:
    tokens_path, _ = pool(tmp_path / "pool", corpus)
    assert np.fromfile(tokens_path, "<u2").max() < 300


def test_the_card_has_a_row_a_source_with_its_licences_dates_and_consent() -> None:
    contents = make_contents()
    contents.licenses["wiki", "CC BY-SA 4.0"], contents.consent["wiki", "noai：请勿用于训练"] = 2, 1
    contents.dates["wiki"], contents.dated["wiki"] = ("2014-01-21", "2020"), 2
    contents.taken_down = 4
    text = card(recipe(), contents, key="k", vocabulary=300, mixture=None)
    [row] = [line for line in text.splitlines() if line.startswith("| wiki | files |")]
    assert row.startswith(
        "| wiki | files | 3 | 10k | 90.9% | CC BY-SA 4.0 (2) | 2014-01-21 to 2020 (2 dated) | noai：请勿用于训练 (1) |"
    )
    [other] = [line for line in text.splitlines() if line.startswith("| crawl | files |")]
    assert other.endswith("| not stated | – |") and "4 more are on the recipe's take-down list" in text
    described = json.loads(croissant(recipe(), contents, key="k", columns={}, files={}))
    [_, wiki] = described["isBasedOn"]
    assert wiki["license"] == ["CC BY-SA 4.0"] and wiki["temporalCoverage"] == "2014-01-21/2020"
    assert [(one["value"], one["unitText"]) for one in wiki["size"]] == [(3, "documents"), (10_000, "tokens")]
