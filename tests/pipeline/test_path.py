"""The whole path through the command line, on English and Chinese files of several formats: what a kill, another
number of workers, a changed threshold and an added source change, and what they do not."""

import gzip
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headwater.cli import cli
from headwater.engine.upkeep import verify
from headwater.engine.workspace import Workspace

COMMAND = [sys.executable, "-c", "from headwater.cli import main; main()"]
ENGLISH = [
    "river",
    "boat",
    "night",
    "water",
    "town",
    "door",
    "hill",
    "stone",
    "winter",
    "letter",
    "the",
    "of",
    "and",
    "to",
    "in",
    "was",
]
CHINESE = "山上的河水在夜里涨了起来没有人记下是什么时候到教堂门口拴着船繁體漢語說話"
RECIPE = """\
name: mixed
sources:
  - {name: stories, kind: files, paths: ["stories/*"]}
  - {name: pages, kind: warc, paths: ["pages/*.warc.gz"], text: all}
holdout: {share: 0.2}
curate:
  preset: {zh: fineweb2-zh}
  lines: {repeated: 2}
  rules: {"*": {length.characters: {min: 60}}}
tokenizer: {vocabulary: 400}
model: {layers: 1, width: 32, heads: 2, context: 32}
train: {tokens: 6k, batch: 256, checkpoint_every: 1k}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts, JSON lines with a bad line, GB18030, and a WARC with Traditional Chinese and a copy."""
    place = tmp_path_factory.mktemp("path")
    draw = random.Random(7)
    stories, pages = place / "stories", place / "pages"
    stories.mkdir()
    pages.mkdir()
    for n in range(14):
        (stories / f"story-{n}.txt").write_text(_english(draw), encoding="utf-8")
        (stories / f"故事-{n}.txt").write_bytes(_chinese(draw).encode("gb18030" if n % 2 else "utf-8"))
    lines = [
        json.dumps({"text": _english(draw) if n % 2 else _chinese(draw)}, ensure_ascii=False)
        for n in range(40)
    ]
    lines[7] = '{"text": "half a line'
    with gzip.open(stories / "more.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    records = []
    for n in range(20):
        text = _english(draw) if n % 2 else _chinese(draw)
        body = f"<html><head><meta charset=utf-8><title>頁{n}</title></head><body><nav>Home | 首頁</nav><p>{text}</p>"
        records.append(_record(f"http://site{n % 9}.example/{n}", body))
    (pages / "crawl.warc.gz").write_bytes(b"".join(map(gzip.compress, [*records, records[3]])))
    (place / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    return place


def _english(draw: random.Random) -> str:
    lines = [" ".join(draw.choices(ENGLISH, k=12)) + "." for _ in range(draw.randint(2, 9))]
    return "\n".join(["Share this story", *lines])


def _chinese(draw: random.Random) -> str:
    lines = ["“" + "".join(draw.choices(CHINESE, k=24)) + "。”" for _ in range(draw.randint(2, 9))]
    return "\n".join(["点击这里分享", *lines])


def _record(url: str, body: str) -> bytes:
    payload = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + body.encode()
    name = hashlib.md5(url.encode()).hexdigest()
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2026-01-02T03:04:05Z\r\n"
        f"WARC-Record-ID: <urn:uuid:{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:]}>\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(payload)}\r\n\r\n"
    )
    return head.encode() + payload + b"\r\n\r\n"


def headwater(folder: Path, verb: str, workspace: str, *more: str) -> dict[str, bytes]:
    """Runs a command and returns its workspace's committed files."""
    command = [*COMMAND, verb, "recipe.yaml", "--workspace", workspace, *more]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return committed(folder / workspace)


def committed(workspace: Path) -> dict[str, bytes]:
    """What was made, by path: everything but the log and what says how long a training took."""
    left_out = {"sealed.json", "events.jsonl", "job.json", "metrics.jsonl", "done.json", "state.json"}
    return {
        str(path.relative_to(workspace)): path.read_bytes()
        for path in sorted(workspace.rglob("*"))
        if path.is_file()
        and path.name not in left_out
        and "cache" not in path.parts
        and path.suffix != ".html"
    }


def shards_made(workspace: Path) -> list[str]:
    """The stages of the shards that the log says were made, in order."""
    events = [
        json.loads(line) for line in (workspace / "events.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    return [event["stage"] for event in events if event["event"] == "shard"]


@pytest.fixture(scope="module")
def uninterrupted(folder: Path) -> dict[str, bytes]:
    return headwater(folder, "run", "one", "--workers", "1")


def test_the_path_ends_with_every_piece(folder: Path, uninterrupted: dict[str, bytes]) -> None:
    stages = {path.partition("/")[0] for path in uninterrupted}
    assert {"documents", "signals", "editions", "ledger", "heldout", "pool", "training-sets", "runs", "evaluations",
            "recipes"} <= stages  # fmt: skip
    assert verify(Workspace(folder / "one"))[1] == []
    assert (folder / "one" / "report-mixed.html").is_file()


def test_four_workers_make_the_same_bytes(folder: Path, uninterrupted: dict[str, bytes]) -> None:
    four = headwater(folder, "run", "four", "--workers", "4")
    assert [path for path in uninterrupted if four.get(path) != uninterrupted[path]] == []
    assert four.keys() == uninterrupted.keys()


@pytest.mark.parametrize("last", ["signals", "ledger", "runs"])
def test_killed_and_run_again_makes_the_same_bytes(
    folder: Path, uninterrupted: dict[str, bytes], last: str
) -> None:
    workspace = folder / f"killed-{last}"
    command = [*COMMAND, "run", "recipe.yaml", "--workspace", workspace.name, "--workers", "2"]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    wanted = {"signals": "*.entry.json", "ledger": "*.entry.json", "runs": "step-*/state.json"}[last]
    end = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < end:
        if any((workspace / last).rglob(wanted)):
            break
        time.sleep(0.005)
    assert process.poll() is None, "it ended before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert committed(workspace) != uninterrupted
    again = headwater(folder, "run", workspace.name, "--workers", "2")
    assert [path for path in uninterrupted if again.get(path) != uninterrupted[path]] == []


def test_a_second_run_makes_nothing(folder: Path, uninterrupted: dict[str, bytes]) -> None:
    made = len(shards_made(folder / "one"))
    assert headwater(folder, "run", "one", "--workers", "1") == uninterrupted
    assert len(shards_made(folder / "one")) == made


def test_a_changed_threshold_measures_nothing_again(folder: Path) -> None:
    headwater(folder, "curate", "threshold")
    made = len(shards_made(folder / "threshold"))
    headwater(folder, "curate", "threshold", "--set", "curate.rules.*.length.characters.min=150")
    after = shards_made(folder / "threshold")[made:]
    assert after and not [
        stage for stage in after if stage.startswith(("documents/", "signals/", "editions/"))
    ]


def test_an_added_source_measures_only_the_new_one(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "grown"
    (tmp_path / "stories").symlink_to(folder / "stories")
    (tmp_path / "pages").symlink_to(folder / "pages")
    recipe = tmp_path / "recipe.yaml"
    less = RECIPE.replace('  - {name: pages, kind: warc, paths: ["pages/*.warc.gz"], text: all}\n', "")
    for text in (less, RECIPE):
        before = len(shards_made(place)) if place.exists() else 0
        recipe.write_text(text, encoding="utf-8")
        headwater(tmp_path, "measure", "grown")
    after = shards_made(place)[before:]
    assert after and all("pages" in stage for stage in after)


def test_the_commands_of_the_path_are_all_there() -> None:
    assert {"ingest", "measure", "curate", "train", "evaluate", "run", "compare"} <= set(cli.commands)
