"""The take-down list of a recipe: nothing made after it holds what is on it, and only what held it is made again."""

import json
import random

import pyarrow.parquet as pq
import pytest

from headwater import api
from headwater.engine.workspace import Workspace, read_json
from headwater.errors import HeadwaterError
from headwater.inspect.profile import funnel
from headwater.inspect.snapshots import snapshots
from headwater.inspect.why import lines_of
from headwater.model.tokenizer import Tokenizer

RECIPE = """\
name: r
sources:
  - {name: pages, kind: files, paths: ["pages/*.jsonl"], unit: {by: document}}
  - {name: notes, kind: files, paths: ["notes/*.jsonl"], unit: {by: document}}
holdout: {share: 0.2}
curate: {lines: {repeated: 2}, duplicates: {near: {similarity: 0.8}}}
tokenizer: {vocabulary: 400}
"""
HOSTS = ["新闻.例子.中国", "www.example.com", "blog.例子.中国", "a.org", "论坛.cn"]


def write(folder, name, rows):
    (folder / name).parent.mkdir(exist_ok=True)
    with (folder / name).open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.fixture
def folder(tmp_path):
    draw = random.Random(5)
    for part in range(4):
        rows = []
        for n in range(20):
            text = "".join(draw.choice("山上的河水在夜里涨了起来没有人记下是什么时候") for _ in range(60))
            host = HOSTS[n % 5]
            rows.append({"text": f"{text}。 SECRET{part}x{n} {host}\n分享到朋友圈", "url": f"https://{host}/文章/{part}-{n}", "id": f"{part}-{n}"})  # fmt: skip
        write(tmp_path, f"pages/{part}.jsonl", rows)
        write(tmp_path, f"notes/n{part}.jsonl", [{"text": f"note {part} {n} " + row["text"][::-1], "id": f"n{part}-{n}"} for n, row in enumerate(rows)])  # fmt: skip
    return tmp_path


def curated(folder, takedown=""):
    (folder / "recipe.yaml").write_text(RECIPE + takedown, encoding="utf-8")
    return api.curate(folder / "recipe.yaml", workers=0)


def made(folder):
    lines = (folder / "workspace" / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return [(e["stage"], e["shard"]) for line in lines if (e := json.loads(line))["event"] == "shard"]


def test_nothing_made_after_it_holds_what_is_on_the_list(folder):
    before = curated(folder)
    gone = list(api.sql(folder / "workspace", "select id, url, split, text from documents where url like '%例子%'").rows)  # fmt: skip
    assert {row[2] for row in gone} == {"train", "heldout"}  # held-out text has to go, too
    count = len(made(folder))
    (folder / "撤下.txt").write_text("# 要求撤下\n例子.中国   # 全站\nid:n0-3\n", encoding="utf-8")
    after = curated(
        folder, f'takedown: {{files: [撤下.txt], entries: ["https://论坛.cn/文章/2-4", {"f" * 32}]}}\n'
    )

    documents = api.sql(folder / "workspace", "select id, url, source_id, text from documents").rows
    assert len(documents) == before.ingested.documents - len(gone) - 2 == after.ingested.documents
    assert not [row for row in documents if "例子" in (row[1] or "") or row[2] in ("n0-3", "2-4")]
    ids = {row[0] for row in gone}
    for table in (after.training_set / "documents.parquet",
                  *(texts.ledger.path() for texts in after.curated.shards.values())):  # fmt: skip
        assert ids.isdisjoint(pq.read_table(table, columns=["id"]).column(0).to_pylist())
    manifest = read_json(after.training_set / "manifest.json")
    coder = Tokenizer.load(after.training_set / "tokenizer.json")
    for shard in manifest["pool"]:
        tokens = (after.training_set / shard["path"]).resolve().read_bytes()
        text = coder.decode([int.from_bytes(tokens[i : i + 2], "little") for i in range(0, len(tokens), 2)])
        assert "例子.中国" not in text and "SECRET2x4 " not in text
    assert manifest["documents"] < read_json(before.training_set / "manifest.json")["documents"]

    [snapshot] = snapshots(Workspace(folder / "workspace"))
    account = funnel(snapshot)
    assert account.balanced and sum(file.gated.get("takedown", 0) for file in account.files) == len(gone) + 2
    # of the notes one shard held such a document: it alone is measured again
    again = {
        shard
        for stage, shard in made(folder)[count:]
        if stage.startswith("signals/") and "/documents-" in stage
    }
    assert {shard for shard in again if shard.startswith("notes-")} == {
        entry.shard for entry in after.ingested.shards if entry.folder.name == after.ingested.less["notes"].partition("/")[2]
    }  # fmt: skip
    assert len([shard for shard in again if shard.startswith("notes-")]) == 1


def test_why_says_that_a_document_was_taken_down_and_shows_nothing_of_it(folder):
    curated(folder)
    [(document, text)] = api.sql(
        folder / "workspace", "select id, text from documents where source_id = '1-0'"
    ).rows
    curated(folder, "takedown: {entries: [例子.中国]}\n")
    answer = api.why(folder / "workspace", document[:12])
    assert answer.id == document and not answer.verdicts and answer.taken_down[0].recipe == "r"
    said = "\n".join(lines_of(answer))
    assert "gated, takedown" in said and "1.jsonl#" in said and "xn--fsqu00a.xn--fiqs8s" in said
    assert text[:20] not in said and "SECRET" not in said
    curated(folder)  # the list is gone, and the document is back
    assert not api.why(folder / "workspace", document).taken_down


def test_workers_and_order_of_events_change_nothing(folder):
    (folder / "recipe.yaml").write_text(
        RECIPE + "takedown: {entries: [例子.中国, a.org]}\n", encoding="utf-8"
    )
    one = api.curate(folder / "recipe.yaml", workers=0, workspace=folder / "one")
    two = api.curate(folder / "recipe.yaml", workers=2, workspace=folder / "two")
    curated(folder)
    three = curated(folder, "takedown: {entries: [例子.中国, a.org]}\n")
    keys = {read_json(outcome.training_set / "manifest.json")["key"] for outcome in (one, two, three)}
    assert len(keys) == 1
    assert len({outcome.curated.key for outcome in (one, two, three)}) == 1


def test_a_list_that_is_missing_or_takes_everything_says_so(folder):
    with pytest.raises(HeadwaterError, match=r"takedown\.files: .*无\.txt cannot be read"):
        curated(folder, "takedown: {files: [无.txt]}\n")
    with pytest.raises(HeadwaterError, match="takedown"):
        curated(
            folder,
            f"takedown: {{entries: [{', '.join(HOSTS)}, {', '.join(f'id:n{p}-{n}' for p in range(4) for n in range(20))}]}}\n",
        )


def test_recipes_that_differ_in_their_list_alone_leave_each_other_be(folder):
    """Same sources, same plan, same held-out text, one workspace: each one's stages are its own."""
    (folder / "whole.yaml").write_text(RECIPE.replace("name: r", "name: 全"), encoding="utf-8")
    whole = api.curate(folder / "whole.yaml", workers=0)
    [(trained,)] = api.sql(
        folder / "workspace", "select min(id) from documents where split = 'train' and url like '%例子%'"
    ).rows
    listed = f"takedown: {{entries: [{trained}]}}\n"
    (folder / "less.yaml").write_text(RECIPE.replace("name: r", "name: 撤") + listed, encoding="utf-8")
    less = api.curate(folder / "less.yaml", workers=0)
    stages = [
        {one.curated.ledger_stage, *one.curated.edition_stages, *one.curated.indexes} for one in (whole, less)
    ]
    assert len(stages[0]) >= 4 and stages[0].isdisjoint(stages[1])
    assert whole.training_set != less.training_set
    count = len(made(folder))
    again = api.curate(folder / "whole.yaml", workers=0)
    assert made(folder)[count:] == [] and again.training_set == whole.training_set  # it was found as it was
    assert sum(entry.result["documents"] for entry in less.ingested.shards) == whole.ingested.documents - 1
