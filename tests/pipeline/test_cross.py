"""The cross of readers, damages and workers, and of readers, stages killed in and workers, through the command line.

A pairwise selection runs by default, all of it under `./run test --all`.
"""

import bz2
import gzip
import io
import itertools
import json
import os
import signal
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from click.testing import CliRunner

from headwater.cli import cli
from headwater.engine.workspace import Workspace

TEXTS, FILES = 20, 4  # documents in a file, files of a source
COMMAND = [sys.executable, "-c", "from headwater.cli import main; main()"]
RECIPE = """\
max_quarantined: 0.9
sources:
  - {{name: texts, kind: {kind}, paths: ["texts/*"], unit: {{by: document}}{more}}}
holdout: {{share: 0.1}}
signals: {{families: [language, length, gopher, hashes, minhash]}}
curate:
  rules: {{"*": {{length.characters: {{min: 10}}}}}}
  duplicates: {{exact: true, near: null}}
  decontaminate: null
tokenizer: {{vocabulary: 300}}
"""


def text_of(file: int, number: int) -> str:
    return (
        f"卷{file}第{number}章：江水漲了{number % 7}寸，老人說“漢語”。The river rose; day {number} of {file}."
    )


def page(file: int, number: int) -> bytes:
    body = f"<html><body><p>{text_of(file, number)}</p></body></html>".encode()
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + body
    return (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://例.example/{file}/{number}\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(http)}\r\n\r\n"
    ).encode() + http + b"\r\n\r\n"  # fmt: skip


def rows(file: int) -> list[dict[str, str]]:
    return [{"id": f"{file}-{n}", "text": text_of(file, n)} for n in range(TEXTS)]


def json_lines(file: int) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows(file))


def csv_of(file: int) -> bytes:
    return ("id,text\n" + "".join(f'{row["id"]},"{row["text"]}"\n' for row in rows(file))).encode()


def parquet(file: int) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows(file)), sink)
    return sink.getvalue().to_pybytes()


def members(pack: Callable[[bytes], bytes]) -> Callable[[int], bytes]:
    return lambda file: b"".join(pack(page(file, number)) for number in range(TEXTS))


def dump(file: int) -> bytes:
    pages = "".join(
        f"<page><title>页{n}</title><ns>0</ns><id>{n}</id><revision><id>{n}</id><model>wikitext</model>"
        f"<text>{text_of(file, n)}</text></revision></page>\n"
        for n in range(TEXTS)
    )
    return f'<mediawiki xml:lang="zh">\n{pages}</mediawiki>\n'.encode()


def feed(file: int) -> bytes:
    items = "".join(
        f"<item><title>题</title><link>http://例.example/{file}/{n}</link><description>{text_of(file, n)}</description></item>\n"
        for n in range(TEXTS)
    )
    return f'<rss version="2.0"><channel><title>报</title>\n{items}</channel></rss>\n'.encode()


def turns(file: int) -> bytes:
    talks = [
        {
            "messages": [
                {"role": "user", "content": text_of(file, n)},
                {"role": "assistant", "content": "好。"},
            ]
        }
        for n in range(TEXTS)
    ]
    return "".join(json.dumps(talk, ensure_ascii=False) + "\n" for talk in talks).encode()


def threads(file: int) -> bytes:
    found = [{"title": "问", "body": text_of(file, n), "answers": [{"text": "答。"}]} for n in range(TEXTS)]
    return "".join(json.dumps(thread, ensure_ascii=False) + "\n" for thread in found).encode()


def arrow(file: int) -> bytes:
    table, out = pa.Table.from_pylist(rows(file)), io.BytesIO()
    with pa.ipc.new_stream(out, table.schema) as sink:
        sink.write_table(table, max_chunksize=5)
    return out.getvalue()


def zipped(name: str, content: str) -> Callable[[int], bytes]:
    """A zip of TEXTS members; `{n}` and `{text}` are put in."""

    def pack(file: int) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for n in range(TEXTS):
                archive.writestr(
                    zipfile.ZipInfo(name.format(n=n)),
                    content.format(n=n, text=text_of(file, n)),
                    zipfile.ZIP_DEFLATED,
                )
        return out.getvalue()

    return pack


def bulk(file: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for n in range(TEXTS):
            paper = f"\\documentclass{{article}}\\begin{{document}}{text_of(file, n)}\\end{{document}}"
            data = gzip.compress(paper.encode(), mtime=0)
            entry = tarfile.TarInfo(f"2401/2401.{n:05}.gz")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


# name: kind, ending, the file's bytes
READERS: dict[str, tuple[str, str, Callable[[int], bytes]]] = {
    "warc.gz": ("warc", "warc.gz", members(lambda data: gzip.compress(data, mtime=0))),
    "warc.zst": ("warc", "warc.zst", members(zstandard.compress)),
    "warc": ("warc", "warc", members(lambda data: data)),
    "jsonl": ("files", "jsonl", json_lines),
    "jsonl.gz": ("files", "jsonl.gz", lambda file: gzip.compress(json_lines(file), mtime=0)),
    "jsonl.zst": ("files", "jsonl.zst", lambda file: zstandard.compress(json_lines(file))),
    "json": ("files", "json", lambda file: json.dumps(rows(file), ensure_ascii=False).encode()),
    "csv": ("files", "csv", csv_of),
    "parquet": ("files", "parquet", parquet),
    "gb18030.txt": ("files", "txt", lambda file: "\n".join(row["text"] for row in rows(file)).encode("gb18030")),
    "html": ("html", "zip", zipped("站/{n}.html", "<html><body><p>{text}</p></body></html>")),
    "wikipedia": ("wikipedia", "xml.bz2", lambda file: bz2.compress(dump(file))),
    "books": ("books", "zip", zipped("卷/{n}.txt", "{text}")),
    "news": ("news", "xml", feed),
    "dialogue": ("dialogue", "jsonl", turns),
    "forum": ("forum", "jsonl", threads),
    "papers": ("papers", "tar", bulk),
    "code": ("code", "zip", zipped("repo/{n}.py", "x = {n}  # {text}\n")),
    "huggingface": ("huggingface", "arrow", arrow),
}  # fmt: skip
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda data: data[: len(data) * 6 // 10],
    "flipped": lambda data: data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 0x55]) + data[len(data) // 2 + 1 :],
    "empty": lambda data: b"",
    "garbage behind": lambda data: data + b"\xff\x00\xfe" * 100,
    "zeros within": lambda data: data[: len(data) // 3] + bytes(64) + data[len(data) // 3 + 64 :],
}  # fmt: skip
# Containers without a place to resume from: where they are damaged, the command fails and names the file.
FAILS_BY_NAME = {(reader, damage) for reader in ("parquet", "huggingface") for damage in DAMAGES}
WORKERS = (1, 2)
STAGES = ("documents/", "signals/", "ledger/")


def mostly_slow(cases: list[tuple], each: int) -> list:
    """All cases, of which every so manieth runs by default."""
    return [
        case if n % each == 0 else pytest.param(*case, marks=pytest.mark.slow) for n, case in enumerate(cases)
    ]


def folder_of(place: Path, reader: str, damage: str | None = None) -> Path:
    kind, ending, make = READERS[reader]
    (place / "texts").mkdir()
    for file in range(FILES):
        data = make(file)
        if damage is not None and file == 1:
            data = DAMAGES[damage](data)
        (place / "texts" / f"卷{file}.{ending}").write_bytes(data)
    more = ", text: all" if kind in ("warc", "html") else ""
    (place / "recipe.yaml").write_text(RECIPE.format(kind=kind, more=more), encoding="utf-8")
    return place


def run(place: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, [words[0], str(place / "recipe.yaml"), *words[1:]])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def committed(workspace: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(workspace)): path.read_bytes()
        for path in sorted(workspace.rglob("*"))
        if path.is_file() and path.name not in ("events.jsonl", "lease.json")
    }


@pytest.mark.parametrize(
    ("reader", "damage", "workers"), mostly_slow(list(itertools.product(READERS, DAMAGES, WORKERS)), 13)
)
def test_a_damaged_file_among_sound_ones(tmp_path: Path, reader: str, damage: str, workers: int) -> None:
    place = folder_of(tmp_path, reader, damage)
    workspace = place / "workspace"
    code, said = run(place, "curate", "--workers", str(workers), "--workspace", str(workspace))
    if (reader, damage) in FAILS_BY_NAME:
        assert (code == 1 and f"卷1.{READERS[reader][1]}" in said.replace("\n", "")) or code == 0, said
        if code == 1:
            return
    assert code in (0, 3), said
    accounts = account_of(workspace)
    assert len(accounts) == FILES
    whole = 1 if READERS[reader][1] == "txt" else TEXTS
    for file, account in accounts.items():
        assert account["read"] == account["documents"] + account["gated"] + account["quarantined"], file
        if "卷1" not in file:
            assert (account["documents"], account["quarantined"]) == (whole, 0), file
        elif account["documents"] < whole and damage != "empty":
            # What is missing is named. A cut between two records leaves nothing to name, and where zeros took the
            # place of a line's end, two rows of a table are one.
            assert (
                account["quarantined"]
                or account["gated"]
                or damage == "cut"
                or (reader, damage) == ("csv", "zeros within")
            )
        if "卷1" in file and damage in ("flipped", "garbage behind") and reader == "warc.gz":
            assert account["documents"] >= whole - 1, file


def account_of(workspace: Path) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for stage in Workspace(workspace).stages():
        for entry in stage.entries().values() if stage.name.startswith("documents/") else ():
            for file, account in entry.result["files"].items():
                found[file] = {
                    "read": account["read"],
                    "documents": account["documents"],
                    "gated": sum(account["gated"].values()),
                    "quarantined": sum(account["quarantined"].values()),
                }
    return found


def events(workspace: Path) -> Iterator[dict]:
    path = workspace / "events.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        if line.endswith("}"):
            yield json.loads(line)


@pytest.mark.parametrize(
    ("reader", "stage", "workers"), mostly_slow(list(itertools.product(READERS, STAGES, WORKERS)), 23)
)
def test_killed_in_a_stage_and_run_again(tmp_path: Path, reader: str, stage: str, workers: int) -> None:
    place = folder_of(tmp_path, reader)
    command = [*COMMAND, "curate", "recipe.yaml", "--workers", str(workers), "--workspace"]
    subprocess.run([*command, "whole"], cwd=place, check=True, capture_output=True, timeout=200)
    process = subprocess.Popen(
        [*command, "killed"], cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )  # fmt: skip
    while process.poll() is None:
        if any(
            event["event"] == "shard" and event["stage"].startswith(stage)
            for event in events(place / "killed")
        ):
            os.killpg(process.pid, signal.SIGKILL)
            break
    process.wait()
    subprocess.run([*command, "killed"], cwd=place, check=True, capture_output=True, timeout=200)
    expected = committed(place / "whole")
    assert len(expected) > 20 and committed(place / "killed") == expected
