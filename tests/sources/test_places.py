"""Input in a store: an S3-compatible server on loopback gives the same documents as this machine's files."""

import gzip
import json

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headwater.engine.workspace import Workspace
from headwater.errors import HeadwaterError, RecipeError
from headwater.pipeline.ingest import ingest
from headwater.recipe import Recipe
from headwater.sources.places import UPath, expand, open_binary

CHINESE = "今天晚上，很好的月光。我不见他，已是三十多年；今天见了，精神分外爽快。"
TRADITIONAL = "所謂回憶者，雖說可以使人歡欣，有時也不免使人寂寞。"


@pytest.fixture
def files(tmp_path, web):
    """One file of each kind, in the encodings and compressions that people have, named in Chinese too."""
    folder = tmp_path / "input"
    (folder / "网页").mkdir(parents=True)
    pages = [web.response(f"http://例.example/{n}", f"<p>第{n}页：{CHINESE}</p>".encode(), "text/html; charset=utf-8")
             for n in range(30)]  # fmt: skip
    (folder / "网页" / "a.warc.gz").write_bytes(b"".join(map(web.member, pages)))
    (folder / "网页" / "b.warc").write_bytes(b"".join(pages[:3]))
    (folder / "呐喊.txt").write_bytes((CHINESE * 9).encode("gb18030"))
    lines = "".join(json.dumps({"text": f"{n}：{TRADITIONAL}"}, ensure_ascii=False) + "\n" for n in range(50))
    (folder / "c.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    pq.write_table(pa.table({"text": [CHINESE, TRADITIONAL]}), folder / "d.parquet")
    (folder / ".hidden.txt").write_text("不读", encoding="utf-8")
    return folder


def recipe(folder, base: str) -> Recipe:
    made = Recipe(
        sources=[
            {"name": "web", "kind": "warc", "paths": [f"{base}/网页/*.warc*"], "text": "all"},
            {"name": "texts", "kind": "files", "paths": [f"{base}/*.txt", f"{base}/*.jsonl.gz", f"{base}/*.parquet"]},
        ]
    )  # fmt: skip
    made._folder = folder
    return made


def rows(ingested) -> list[dict]:
    return [row for shard in ingested.shards for row in pq.read_table(shard.path()).to_pylist()]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_bucket_gives_the_same_documents_as_a_folder(tmp_path, files, bucket, workers):
    fsspec.filesystem("s3").put(f"{files}/", f"{bucket}/crawl/", recursive=True)
    here = ingest(recipe(tmp_path, str(files)), Workspace(tmp_path / "here"), workers=workers)
    there = ingest(recipe(tmp_path, f"s3://{bucket}/crawl"), Workspace(tmp_path / "there"), workers=workers)
    assert rows(here) == rows(there) and len(rows(here)) == 30 + 3 + 1 + 50 + 2
    assert b"canary-secret" not in b"".join(
        path.read_bytes() for path in (tmp_path / "there").rglob("*") if path.is_file()
    )


def test_only_an_object_that_changed_is_read_again(tmp_path, files, bucket):
    store = fsspec.filesystem("s3")
    store.put(f"{files}/", f"{bucket}/crawl/", recursive=True)
    workspace, asked = Workspace(tmp_path / "w"), recipe(tmp_path, f"s3://{bucket}/crawl")
    first = ingest(asked, workspace, workers=0)
    log = (workspace.path / "events.jsonl").read_text()
    assert ingest(asked, workspace, workers=0).key == first.key
    assert (workspace.path / "events.jsonl").read_text() == log
    store.pipe_file(f"{bucket}/crawl/呐喊.txt", TRADITIONAL.encode())
    again = ingest(asked, workspace, workers=0)
    assert TRADITIONAL in [row["text"] for row in rows(again)]
    made = (workspace.path / "events.jsonl").read_text().removeprefix(log)
    assert [event["event"] for event in map(json.loads, made.splitlines())].count("shard") == 1


def test_the_same_object_in_two_sources_is_refused(tmp_path, files, bucket):
    fsspec.filesystem("s3").put(f"{files}/", f"{bucket}/crawl/", recursive=True)
    one = recipe(tmp_path, f"s3://{bucket}/crawl")
    other = one.sources[1].model_copy(update={"name": "more", "paths": [f"s3://{bucket}/crawl/呐喊.txt"]})
    one.sources.append(other)
    with pytest.raises(RecipeError, match="would give the same ids"):
        ingest(one, Workspace(tmp_path / "w"), workers=0)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("s3://{bucket}/没有.txt", "there is no file"),
        ("s3://{bucket}/没有/*.txt", "nothing matches"),
        ("s3://{bucket}/crawl", "is a folder; name the files in it"),
        ("s3://no-such-bucket-here/*.txt", "no-such-bucket-here"),
        ("https://example.org/a.txt", "headwater fetch"),
        ("s3://key:secret@{bucket}/a.txt", "credentials"),
        ("simplecache::s3://{bucket}/a.txt", "only a plain URL"),
        ("nosuch://bucket/a.txt", "nosuch"),
    ],
)
def test_a_url_that_names_nothing_says_so(bucket, pattern, said):
    fsspec.filesystem("s3").pipe_file(f"{bucket}/crawl/a.txt", CHINESE.encode())
    with pytest.raises(HeadwaterError, match=said) as caught:
        expand(pattern.format(bucket=bucket), "texts")
    assert "secret" not in str(caught.value)


def test_an_object_that_goes_away_while_it_is_read_fails_by_name_and_is_not_taken_for_damage(
    bucket, read, web
):
    """A store's error must not look like a damaged archive, whose records would be quarantined."""
    store = fsspec.filesystem("s3")
    page = web.member(web.response("http://例.example/1", CHINESE.encode(), "text/plain; charset=utf-8"))
    store.pipe_file(f"{bucket}/a.warc.gz", page * 3)
    place = UPath(f"s3://{bucket}/a.warc.gz")
    with open_binary(place) as file:
        store.pipe_file(f"{bucket}/a.warc.gz", page * 4)
        with pytest.raises(HeadwaterError, match=r"a\.warc\.gz: FileExpired|a\.warc\.gz: OSError"):
            file.read()
    store.rm(f"{bucket}/a.warc.gz")
    with pytest.raises(HeadwaterError, match=r"a\.warc\.gz: FileNotFoundError"):
        open_binary(UPath(f"s3://{bucket}/a.warc.gz", skip_instance_cache=True))
