"""Data sets of a hub: over a real socket from a server that speaks its paths, and from local folders in its layout."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headwater.engine.workspace import Output, Workspace
from headwater.errors import RecipeError
from headwater.recipe.settings import Holdout
from headwater.recipe.sources import HuggingfaceSource
from headwater.sources.hub_card import data_files, read_card
from headwater.sources.read import read_shard
from headwater.sources.shards import input_files, plan

CARD = """---
license: cc-by-sa-4.0
language:
- zh
- en
configs:
- config_name: default
  data_files:
  - split: train
    path: "data/train-*.parquet"
  - split: test
    path: data/test.jsonl
- config_name: raw
  data_files: raw/*.txt
---
# 数据集
"""


def parquet(rows):
    out = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue().to_pybytes()


FILES = {
    "README.md": CARD.encode(),
    ".gitattributes": b"*.parquet filter=lfs\n",
    "data/train-00000-of-00002.parquet": parquet(
        [{"id": 1, "text": "第一篇。"}, {"id": 2, "text": "second"}]
    ),
    "data/train-00001-of-00002.parquet": parquet([{"id": 3, "text": "第三篇。"}]),
    "data/test.jsonl": '{"text": "测试", "license": "MIT"}\n'.encode(),
    "raw/a.txt": "原文。".encode(),
}
COMMITS = {"main": "a" * 40, "v1.0": "b" * 40}


class Hub(BaseHTTPRequestHandler):
    """/api/datasets/ORG/NAME[/revision|tree|paths-info/REVISION/…] and /datasets/ORG/NAME/resolve/REVISION/PATH."""

    files = FILES
    seen: list = []  # noqa: RUF012

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def do_POST(self):
        self.answer()

    def log_message(self, *_):
        pass

    def send(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def json(self, value):
        self.send(200, json.dumps(value).encode(), Content_Type="application/json")

    def entry(self, name):
        data = self.files[name]
        return {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}

    def answer(self):
        path = unquote(urlsplit(self.path).path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append((self.command, path, self.headers.get("Range"), self.headers.get("Authorization")))
        api, files = "/api/datasets/org/name", "/datasets/org/name/resolve/"
        if path.startswith(files):
            revision, _, name = path.removeprefix(files).partition("/")
            if revision not in (*COMMITS, *COMMITS.values()) or name not in self.files:
                return self.send(404, b"", X_Error_Code="EntryNotFound")
            data, where = self.files[name], self.headers.get("Range")
            etag = '"' + hashlib.sha1(data).hexdigest() + '"'
            if where:
                first, _, last = where.removeprefix("bytes=").partition("-")
                part = data[int(first) : int(last or len(data)) + 1]
                return self.send(
                    206,
                    part,
                    ETag=etag,
                    Content_Range=f"bytes {first}-{int(first) + len(part) - 1}/{len(data)}",
                )
            return self.send(200, data, ETag=etag, X_Repo_Commit=COMMITS.get(revision, revision))
        if not path.startswith(api):
            return self.send(404, b"", X_Error_Code="RepoNotFound")
        verb, _, rest = path.removeprefix(api).strip("/").partition("/")
        revision, _, below = rest.partition("/")
        commit = COMMITS.get(revision or "main", revision)
        if commit not in COMMITS.values():
            return self.send(404, b"", X_Error_Code="RevisionNotFound")
        if verb in ("", "revision"):
            return self.json({"id": "org/name", "sha": commit, "siblings": [], "private": False, "disabled": False, "gated": False, "downloads": 0, "likes": 0, "tags": []})  # fmt: skip
        if verb == "paths-info":
            wanted = json.loads(body)["paths"] if body.startswith(b"{") else []
            folders = {part for name in self.files for part in (name.rpartition("/")[0],) if part}
            return self.json([self.entry(name) for name in wanted if name in self.files] + [{"type": "directory", "path": name, "oid": "0" * 40, "size": 0} for name in wanted if name in folders])  # fmt: skip
        recursive = "recursive=true" in self.path.lower()
        prefix = below + "/" if below else ""
        inside = [name for name in self.files if name.startswith(prefix)]
        if below and not inside:
            return self.send(404, b"", X_Error_Code="EntryNotFound")
        found = [self.entry(name) for name in inside if recursive or "/" not in name.removeprefix(prefix)]
        folders = sorted(
            {
                prefix + name.removeprefix(prefix).partition("/")[0]
                for name in inside
                if "/" in name.removeprefix(prefix)
            }
        )
        self.json(
            found + [{"type": "directory", "path": name, "oid": "0" * 40, "size": 0} for name in folders]
        )


@pytest.fixture
def hub():
    Hub.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


READ = """
import json, sys
from pathlib import Path
import pyarrow.parquet as pq
from headwater.engine.workspace import Output, Workspace
from headwater.errors import HeadwaterError
from headwater.recipe.settings import Holdout
from headwater.recipe.sources import HuggingfaceSource
from headwater.sources.read import read_shard
from headwater.sources.shards import plan
folder = Path(sys.argv[1])
(folder / "workspace").mkdir(exist_ok=True)
rows, keys = [], []
try:
    source = HuggingfaceSource(name="hub", kind="huggingface", **json.loads(sys.argv[2]))
    for task in plan(source, folder, Workspace(folder / "workspace"), holdout=Holdout()):
        keys.append(task.key)
        out = Output(folder / "stage", "shard")
        read_shard(out, **task.arguments)
        rows += pq.read_table(out.path("parquet")).to_pylist()
        out.discard()
    print(json.dumps({"rows": rows, "keys": keys}))
except HeadwaterError as error:
    print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
"""


@pytest.fixture
def far(hub, tmp_path):
    """Reads from the hub in a process of its own: the endpoint is read when the hub's library is imported."""

    def far(*paths, **settings):
        environment = os.environ | {
            "HF_ENDPOINT": hub,
            "HF_HOME": str(tmp_path / "home"),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_TOKEN": "hf_canary",
        }
        for name in (
            "HF_HUB_OFFLINE",
            "http_proxy",
            "HTTP_PROXY",
            "https_proxy",
            "HTTPS_PROXY",
            "all_proxy",
            "ALL_PROXY",
        ):
            environment.pop(name, None)
        command = [sys.executable, "-c", READ, str(tmp_path), json.dumps({"paths": list(paths), **settings})]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        assert "hf_canary" not in done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return far


def test_a_data_set_is_read_over_the_wire_at_its_commit(far):
    found = far("hf://datasets/org/name")
    assert sorted(row["text"] for row in found["rows"]) == sorted(["第一篇。", "second", "第三篇。"])
    for row in found["rows"]:
        assert (row["license"], row["language_declared"]) == ("CC-BY-SA-4.0", "zh, en")
        meta = json.loads(row["meta"])
        assert (
            meta["commit"] == COMMITS["main"] and meta["split"] == "train" and meta["dataset"] == "org/name"
        )
        assert row["locator"].startswith("org/name/data/train-0000")
    downloads = {path for _, path, _, _ in Hub.seen if "/resolve/" in path}
    assert downloads and all(COMMITS["main"] in path for path in downloads)  # and never by a name that moves
    other = far("hf://datasets/org/name@v1.0")
    assert {row["id"] for row in other["rows"]} == {row["id"] for row in found["rows"]}
    assert set(other["keys"]).isdisjoint(found["keys"])


def test_splits_configs_and_globs_of_a_hub(far):
    [row] = far("hf://datasets/org/name", split="test")["rows"]
    assert (row["text"], row["license"]) == ("测试", "MIT")  # the row's own word goes before the card's
    assert [row["text"] for row in far("hf://datasets/org/name", config="raw")["rows"]] == ["原文。"]
    assert len(far("hf://datasets/org/name", split="all")["rows"]) == 4
    assert [row["text"] for row in far("hf://datasets/org/name@main/data/train-00001*.parquet")["rows"]] == [
        "第三篇。"
    ]
    assert "has no split 'dev'; it has test, train" in far("hf://datasets/org/name", split="dev")["error"]
    assert "RecipeError" in far("hf://datasets/org/nothing")["error"]
    assert "RecipeError" in far("hf://models/org/name")["error"]


# ---------------------------------------------------------------- local


def local(tmp_path, files=FILES):
    folder = tmp_path / "数据集"
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture
def near(tmp_path):
    def near(*paths, **settings):
        source = HuggingfaceSource(name="hub", kind="huggingface", paths=list(paths), **settings)
        workspace = Workspace(tmp_path / "workspace")
        workspace.path.mkdir(exist_ok=True)
        rows = []
        for task in plan(source, tmp_path, workspace, holdout=Holdout()):
            out = Output(tmp_path / "stage", "shard")
            read_shard(out, **task.arguments)
            rows += pq.read_table(out.path("parquet")).to_pylist()
            out.discard()
        return rows

    return near


def test_a_local_folder_in_the_hubs_layout(tmp_path, near):
    local(tmp_path)
    rows = near("数据集")
    assert sorted(row["text"] for row in rows) == sorted(["第一篇。", "second", "第三篇。"])
    assert {(row["license"], row["language_declared"]) for row in rows} == {("CC-BY-SA-4.0", "zh, en")}
    assert {row["source_id"] for row in rows} == {"1", "2", "3"}
    assert [row["text"] for row in near("数据集/raw/*.txt")] == ["原文。"]
    assert near("数据集/raw/*.txt")[0]["license"] == "CC-BY-SA-4.0"
    with pytest.raises(RecipeError, match="no config 'x'; its card has default, raw"):
        near("数据集", config="x")


def test_a_changed_card_reads_again(tmp_path):
    folder = local(tmp_path)
    source = HuggingfaceSource(name="hub", kind="huggingface", paths=["数据集"])
    workspace = Workspace(tmp_path / "workspace")
    workspace.path.mkdir(exist_ok=True)
    before = [task.key for task in plan(source, tmp_path, workspace, holdout=Holdout())]
    (folder / "README.md").write_text(CARD.replace("cc-by-sa-4.0", "cc0-1.0"))
    after = [task.key for task in plan(source, tmp_path, workspace, holdout=Holdout())]
    assert set(before).isdisjoint(after)


def test_without_configs_names_say_the_split(tmp_path, near):
    names = [
        "train.jsonl",
        "sub/dev/part.jsonl",
        "test-00000-of-00001.parquet",
        "README.md",
        "dataset_infos.json",
        "script.py",
    ]
    assert data_files(names, read_card(b"# no card", "x"), None, "x") == {
        "train": ["train.jsonl"], "validation": ["sub/dev/part.jsonl"], "test": ["test-00000-of-00001.parquet"]}  # fmt: skip
    assert data_files(["a.jsonl", "b.jsonl.gz"], read_card(b"", "x"), None, "x") == {
        "train": ["a.jsonl", "b.jsonl.gz"]
    }
    local(tmp_path, {"a.jsonl": '{"text": "好"}\n'.encode()})
    [row] = near("数据集")
    assert row["text"] == "好" and row["license"] is None


def test_what_saved_to_disk(tmp_path, near):
    table = pa.table({"text": ["一", "二", "三"]})
    for split in ("train", "test"):
        folder = tmp_path / "saved" / split
        folder.mkdir(parents=True)
        with (
            pa.OSFile(str(folder / "data-00000-of-00001.arrow"), "wb") as out,
            pa.ipc.new_stream(out, table.schema) as writer,
        ):
            writer.write_table(table)
        (folder / "state.json").write_text(
            '{"_data_files": [{"filename": "data-00000-of-00001.arrow"}], "_split": "train"}'
        )
        (folder / "dataset_info.json").write_text("{}")
    (tmp_path / "saved/dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    assert [row["text"] for row in near("saved")] == ["一", "二", "三"]
    assert len(near("saved", split="all")) == 6
    (tmp_path / "saved/train/state.json").write_text(
        '{"_data_files": [{"filename": "x"}], "_indices_data_files": [{"filename": "i"}]}'
    )
    with pytest.raises(RecipeError, match="flatten_indices"):
        near("saved")


def test_cards(tmp_path):
    assert (
        read_card(b"---\nlicense: [mit, apache-2.0]\nlanguage: no\n---\n", "x").license
        == "MIT AND Apache-2.0"
    )
    assert (
        read_card(b"---\nlicense: other\nlicense_name: our own\n---\n", "x").license == "LicenseRef-our-own"
    )
    assert read_card(b"---\r\nlicense: odc-by\r\n---\r\n", "x").license == "ODC-By-1.0"
    assert read_card(b"---\nlanguage: no\n---\n", "x").language == "no"
    with pytest.raises(RecipeError, match="no sound YAML"):
        read_card(b"---\nlicense: [mit\n---\n", "README.md")
    laughs = "a: &a [x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\nc{n}: *a\n" for n in range(200))
    with pytest.raises(RecipeError, match="aliases"):
        read_card(f"---\n{laughs}---\n".encode(), "x")
    card = read_card(
        b"---\nconfigs:\n- config_name: zh\n  data_dir: zh\n- config_name: en\n  data_files: {train: ['en/**/*.jsonl']}\n---\n",
        "x",
    )
    assert data_files(["zh/train.jsonl", "en/a/b.jsonl"], card, "zh", "x") == {"train": ["zh/train.jsonl"]}
    assert data_files(["zh/train.jsonl", "en/a/b.jsonl"], card, "en", "x") == {"train": ["en/a/b.jsonl"]}
    with pytest.raises(RecipeError, match="name one of its configs"):
        data_files(["zh/train.jsonl"], card, None, "x")


def test_two_data_sets_do_not_collide(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "train.jsonl").write_text('{"text": "好"}\n')
    source = HuggingfaceSource(name="hub", kind="huggingface", paths=["a", "b"])
    assert [file.relative for file in input_files(source, tmp_path)] == ["a/train.jsonl", "b/train.jsonl"]
