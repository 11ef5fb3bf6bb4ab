"""A kill or an error at any operation that commits something: a named end, no half shard, the same bytes after it."""

import gzip
import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from headwater.engine.upkeep import verify
from headwater.engine.workspace import Workspace

HERE = Path(__file__).parent
RECIPE = """\
sources:
  - {name: lines, kind: files, paths: ["*.jsonl.gz"], unit: {by: document}}
signals: {families: [length, language, hashes, minhash, lines]}
curate:
  lines: {repeated: 2}
  rules: {"*": {length.characters: {min: 40}}}
tokenizer: {vocabulary: 300}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("fail-points")
    texts = [
        f"第{n}天，河水涨了{n % 7}寸。老人说：“漢語。”\n" * (1 + n % 5) + f"The river rose, day {n}."
        for n in range(60)
    ]
    with gzip.open(place / "日记.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
    (place / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    return place


def curate(
    folder: Path, workspace: str, how: str = "kill", last: int = 0
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(HERE / "failing.py"), how, str(last), "curate", "recipe.yaml",
               "--workspace", workspace, "--workers", "0"]  # fmt: skip
    environment = os.environ | {"OPERATIONS": str(folder / f"{workspace}.count")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


def committed(folder: Path, workspace: str) -> dict[str, bytes]:
    place = folder / workspace
    return {
        str(path.relative_to(place)): path.read_bytes()
        for path in sorted(place.rglob("*"))
        if path.is_file() and path.name not in ("events.jsonl", "lease.json") and "cache" not in path.parts
    }


@pytest.fixture(scope="module")
def undisturbed(folder: Path) -> tuple[dict[str, bytes], int]:
    """What is committed, and by how many operations."""
    done = curate(folder, "undisturbed")
    assert done.returncode == 0, done.stderr
    return committed(folder, "undisturbed"), int((folder / "undisturbed.count").read_text(encoding="utf-8"))


def killed_along(folder: Path, workspace: str, step: int) -> int:
    """Kills run after run, each `step` operations further than the one before could go; how many were killed."""
    kills = 0
    while (done := curate(folder, workspace, "kill", step)).returncode == 137:
        kills += 1
        assert verify(Workspace(folder / workspace))[1] == []  # what is committed is whole, at every moment
        assert kills < 2000
    assert done.returncode == 0, done.stderr
    return kills


def test_a_kill_before_every_fifteenth_operation(
    folder: Path, undisturbed: tuple[dict[str, bytes], int]
) -> None:
    kills = killed_along(folder, "some", 15)
    assert kills >= undisturbed[1] // 15
    assert committed(folder, "some") == undisturbed[0]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_kill_before_each_single_operation(folder: Path, undisturbed: tuple[dict[str, bytes], int]) -> None:
    """From nothing, once for each fsync, rename and manifest there is; then run again to the end."""
    for last in range(1, undisturbed[1] + 1):
        workspace = f"each-{last}"
        assert curate(folder, workspace, "kill", last).returncode == 137
        assert verify(Workspace(folder / workspace))[1] == []
        assert curate(folder, workspace).returncode == 0
        assert committed(folder, workspace) == undisturbed[0], f"killed before operation {last}"
        shutil.rmtree(folder / workspace)


@pytest.mark.parametrize("how", ["eio", "enospc"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_an_error_of_the_disk_is_named_and_leaves_no_half_shard(
    folder: Path, undisturbed: tuple[dict[str, bytes], int], how: str, share: float
) -> None:
    workspace = f"{how}-{share}"
    done = curate(folder, workspace, how, int(share * undisturbed[1]))
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert {"eio": "Input/output error", "enospc": "No space left"}[how] in done.stderr
    assert {"eio": "kept", "enospc": "free some space"}[how] in done.stderr
    assert not list((folder / workspace).rglob(".*.tmp"))
    assert verify(Workspace(folder / workspace))[1] == []
    assert curate(folder, workspace).returncode == 0
    assert committed(folder, workspace) == undisturbed[0]


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_file_that_may_not_grow_is_named(
    folder: Path, undisturbed: tuple[dict[str, bytes], int], workers: str
) -> None:
    """RLIMIT_FSIZE: writes are cut short by the system, as on a full disk."""
    workspace = f"short-{workers}"
    limited = subprocess.run(
        [sys.executable, "-c", "from headwater.cli import main; main()", "curate", "recipe.yaml",
         "--workspace", workspace, "--workers", workers],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2500, 2500)),
    )  # fmt: skip
    assert (
        limited.returncode == 1 and "Traceback" not in limited.stderr and "File too large" in limited.stderr
    )
    assert not list((folder / workspace).rglob(".*.tmp"))
    assert curate(folder, workspace).returncode == 0
    assert committed(folder, workspace) == undisturbed[0]


def test_what_a_kill_left_between_rename_and_manifest_is_not_trusted(
    folder: Path, undisturbed: tuple[dict[str, bytes], int]
) -> None:
    assert curate(folder, "orphan").returncode == 0
    stage = next((folder / "orphan" / "documents").iterdir())
    [entry] = stage.glob("*.entry.json")
    entry.unlink()  # the shard is there, its entry is not
    [shard] = [path for path in stage.glob("*.parquet") if "quarantine" not in path.name]
    shard.write_bytes(b"half")
    assert curate(folder, "orphan").returncode == 0
    assert committed(folder, "orphan") == undisturbed[0]
