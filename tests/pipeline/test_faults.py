"""Rows of the fault matrix that concern a whole run: each through the command line, on Chinese and English text."""

import ast
import functools
import itertools
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from headwater.cli import cli
from headwater.engine.workers import end_idle

SOURCE = Path(__file__).resolve().parents[2] / "src" / "headwater"
COMMAND = [sys.executable, "-c", "from headwater.cli import main; main()"]
FILES, TEXTS = 48, 25  # files, texts in each
ENGLISH = "river boat night water town door hill stone winter letter the of and to in was"
CHINESE = "山上的河水在夜里涨了起来没有人记下是什么时候到教堂门口拴着船繁體漢語說話"
RECIPE = """\
name: water
sources:
  - {name: texts, kind: files, paths: ["texts/*.jsonl"]}
holdout: {share: 0.2}
signals: {families: [language, length, gopher, hashes, minhash]}
curate:
  rules: {"*": {length.characters: {min: 60}}}
  duplicates: {near: {similarity: 0.7}}
  decontaminate: null
tokenizer: {vocabulary: 300}
"""
# The largest resident size of any process that the command was or started, in bytes, as the last line.
LARGEST = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10)
sys.exit(code)
"""
MIB = 1 << 20
# The functions that a worker calls, and the run that calls them, for the row on forks.
ENCODING = """
import json
from tokenizers import Tokenizer

def encode(out, *, definition, texts):
    ids = [found.ids for found in Tokenizer.from_str(definition).encode_batch(texts)]
    out.path("json").write_text(json.dumps(ids), encoding="utf-8")
    return {"documents": len(texts)}
"""
THREADED = """
import os, sys
from pathlib import Path
from tokenizers import Tokenizer
from headwater.engine.stages import Task, run_stage
from headwater.engine.workers import end_idle
from headwater.engine.workspace import Workspace, content_key
from headwater.model.tokenizer import train

folder, times = Path(sys.argv[1]), int(sys.argv[2])
texts = [f"第{n}号支流，夜里涨了。The river rose, {n}。" for n in range(400)]
definition = train(texts, 300)
tasks = [
    Task(f"s{n}", content_key(n), "encoding:encode", {"definition": definition, "texts": texts[n::4]}) for n in range(4)
]
coder, seen = Tokenizer.from_str(definition), set()
for number in range(times):
    coder.encode_batch(texts)  # on the pool's threads
    threads = len(os.listdir("/proc/self/task"))
    made = run_stage(Workspace(folder / str(number)), "ids/a", tasks, workers=2, title="encode")
    end_idle()
    seen.add(tuple(entry.fingerprint for entry in made))
print(threads, len(seen))
"""


def text_of(draw: random.Random) -> str:
    if draw.random() < 0.5:
        return "\n".join(
            " ".join(draw.choices(ENGLISH.split(), k=14)) + "." for _ in range(draw.randint(2, 9))
        )
    return "\n".join(
        "“" + "".join(draw.choices(CHINESE, k=26)) + "，完。”" for _ in range(draw.randint(2, 9))
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe and its texts, one in seven a near copy of the one before."""
    place = tmp_path_factory.mktemp("faults")
    (place / "texts").mkdir()
    draw, last = random.Random(3), ""
    for number in range(FILES):
        with (place / "texts" / f"第{number}卷.jsonl").open("w", encoding="utf-8") as file:
            for n in range(TEXTS):
                last = f"{last}\n（又及：{n}。）" if n % 7 == 6 else text_of(draw)
                file.write(json.dumps({"text": last}, ensure_ascii=False) + "\n")
    (place / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def undisturbed(folder: Path) -> dict[str, bytes]:
    return curated(folder, "undisturbed", workers=2)


def command(verb: str, workspace: str, workers: int) -> list[str]:
    return [*COMMAND, verb, "recipe.yaml", "--workspace", workspace, "--workers", str(workers)]


def curated(
    folder: Path, workspace: str, workers: int, start: Callable[[], object] | None = None, **environment: str
) -> dict[str, bytes]:
    """Runs `headwater curate` and returns what it committed; `start` is called in the process before it begins."""
    done = subprocess.run(
        command("curate", workspace, workers), cwd=folder, capture_output=True, text=True, errors="replace",
        timeout=280, preexec_fn=start, env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return committed(folder / workspace)


def committed(workspace: Path) -> dict[str, bytes]:
    """All but the log, by path."""
    return {
        str(path.relative_to(workspace)): path.read_bytes()
        for path in sorted(workspace.rglob("*"))
        if path.is_file() and path.name != "events.jsonl"
    }


def different(made: dict[str, bytes], expected: dict[str, bytes]) -> list[str]:
    return [name for name in sorted(made.keys() | expected.keys()) if made.get(name) != expected.get(name)]


def here(folder: Path, *words: str) -> tuple[int, str]:
    """A command in this process: its exit code and all that it says."""
    done = CliRunner().invoke(cli, [words[0], str(folder / "recipe.yaml"), *words[1:]])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def events(workspace: Path) -> Iterator[dict]:
    path = workspace / "events.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        if line.endswith("}"):
            yield json.loads(line)


# ---------------------------------------------------------------- row 4


def begun(event: dict) -> bool:
    return event["event"] == "stage"


def reading(event: dict) -> bool:
    return event["event"] == "shard" and event["stage"].startswith("documents/")


def measuring(event: dict) -> bool:
    return event["event"] == "shard" and event["stage"].startswith("signals/")


STOPS = [(signal.SIGINT, reading), (signal.SIGTERM, measuring)]
OTHERS = [stop for stop in itertools.product((signal.SIGINT, signal.SIGTERM), (begun, reading, measuring))
          if stop not in STOPS]  # fmt: skip


@pytest.mark.fault(4)
@pytest.mark.parametrize(
    ("number", "moment"), [*STOPS, *(pytest.param(*stop, marks=pytest.mark.slow) for stop in OTHERS)]
)
def test_a_signal_leaves_no_child_and_no_half_file_and_the_run_goes_on(folder, undisturbed, number, moment):
    workspace = folder / f"{number.name}-{moment.__name__}"
    # a test run in the background has Ctrl-C ignored, and hands that on
    heeding = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = subprocess.Popen(
        command("curate", workspace.name, 2), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, preexec_fn=heeding, start_new_session=True,
    )  # fmt: skip
    while process.poll() is None and not any(map(moment, events(workspace))):
        time.sleep(0.01)
    assert process.poll() is None, "it ended before it could be stopped"
    children = psutil.Process(process.pid).children(recursive=True)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does
    else:
        process.send_signal(number)
    _, said = process.communicate(timeout=20)
    assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number], said
    assert psutil.wait_procs(children, timeout=20)[1] == []
    assert children or moment is begun
    assert list(workspace.rglob("*.tmp")) == []
    assert different(committed(workspace), undisturbed)
    assert different(curated(folder, workspace.name, workers=2), undisturbed) == []
    assert list(workspace.rglob("*.tmp")) == []


# ---------------------------------------------------------------- rows 11, 27, 28


@pytest.mark.fault(11)
def test_64_open_files_are_enough(folder, undisturbed):
    few = functools.partial(resource.setrlimit, resource.RLIMIT_NOFILE, (64, 64))
    assert different(curated(folder, "few", workers=2, start=few), undisturbed) == []


def recipe_of(place: Path, *texts: str, share: str = "0.2") -> Path:
    """A folder with a recipe and a file a text; an empty text is an empty file."""
    (place / "texts").mkdir()
    for n, text in enumerate(texts):
        line = json.dumps({"text": text}, ensure_ascii=False) + "\n" if text else ""
        (place / "texts" / f"{n}.jsonl").write_text(line, encoding="utf-8")
    (place / "recipe.yaml").write_text(RECIPE.replace("share: 0.2", f"share: {share}"), encoding="utf-8")
    return place


@pytest.mark.fault(27)
def test_files_without_a_document_are_an_error_that_says_so(tmp_path):
    code, said = here(recipe_of(tmp_path, "", "", ""), "curate", "--workers", "0")
    assert code == 1 and "no documents in texts: the files are empty" in said


@pytest.mark.fault(27)
def test_where_no_document_survives_the_command_says_why_and_what_to_do(tmp_path):
    place = recipe_of(tmp_path, *(f"短，{n}。" for n in range(20)))
    for _ in range(2):  # the same again: nothing of it is taken for a result
        code, said = here(place, "curate", "--workers", "0")
        assert code == 1 and "nothing survives" in said and "length" in said and "loosen" in said


@pytest.mark.fault(27)
def test_one_document_for_four_workers(tmp_path):
    place = recipe_of(tmp_path, "河水在夜里涨了起来，没有人记下是什么时候。\n" * 9, share="0")
    for workers in ("1", "4"):
        assert here(place, "curate", "--workspace", str(place / workers), "--workers", workers)[0] == 0
        end_idle()
    assert different(committed(place / "1"), committed(place / "4")) == []


def largest_process(place: Path, verb: str) -> int:
    """Bytes that the largest process of a command held."""
    done = subprocess.run(
        [sys.executable, "-c", LARGEST, *command(verb, "workspace", 2)], cwd=place, capture_output=True, text=True
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])


def accounts(workspace: Path) -> list[dict]:
    return [
        json.loads(path.read_text(encoding="utf-8"))["result"]
        for path in workspace.glob("documents/*/*.entry.json")
    ]


@pytest.mark.fault(28)
@pytest.mark.parametrize("count", [2_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_tiny_files_are_few_shards_in_little_memory(tmp_path, count):
    texts = (f"第{n}篇，很短。" for n in range(count))
    assert largest_process(recipe_of(tmp_path, *texts), "ingest") < 700 * MIB
    shards = accounts(tmp_path / "workspace")
    assert len(shards) <= 32
    files = [file for shard in shards for file in shard["files"].values()]
    assert len(files) == count and all(file["documents"] == file["read"] == 1 for file in files)


def read_large(place: Path, size: int) -> int:
    """Bytes that reading a file of about `size` bytes takes; the file is gone afterwards."""
    place.mkdir()
    draw = random.Random(1)
    lines = [
        json.dumps({"text": "\n".join(text_of(draw) for _ in range(4))}, ensure_ascii=False).encode() + b"\n"
        for _ in range(1000)
    ]
    path, written, count = recipe_of(place) / "texts" / "大.jsonl", 0, 0
    with path.open("wb") as file:
        while written < size:
            line = lines[count % 1000].replace(b'"text": "', b'"text": "%d ' % count)
            written, count = written + file.write(line), count + 1
    held = largest_process(place, "ingest")
    assert sum(shard["documents"] for shard in accounts(place / "workspace")) == count
    shutil.rmtree(place)
    return held


@pytest.mark.fault(28)
def test_a_large_file_is_read_in_bounded_memory(tmp_path):
    assert read_large(tmp_path / "64", 64_000_000) < 500 * MIB


@pytest.mark.fault(28)
@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_memory_does_not_grow_with_the_file(tmp_path):
    small = read_large(tmp_path / "64", 64_000_000)
    assert read_large(tmp_path / "256", 256_000_000) < 1.3 * small
    assert read_large(tmp_path / "2000", 2_000_000_000) < 1.3 * small


# ---------------------------------------------------------------- row 32


@pytest.mark.fault(32)
def test_no_module_starts_a_process_by_fork():
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if forks(node):
                found.append(f"{path.relative_to(SOURCE)}:{node.lineno}: {ast.unparse(node)}")  # type: ignore[attr-defined]
    assert found == []


def forks(node: ast.AST) -> bool:
    """Whether an expression or an import starts processes in another way than by spawning them."""
    forking = {"fork", "forkpty", "ProcessPoolExecutor", "set_start_method"}
    starting = {"Process", "Pool", "Manager", "Queue", "Pipe", "Event", "Lock", "Value", "Array", "RawArray"}
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name) if name in forking:
            return True
        case ast.Attribute(value=ast.Name(id="multiprocessing"), attr=name):
            return name in starting
        case ast.ImportFrom(module=module, names=names):
            taken = {alias.name for alias in names}
            return bool(taken & forking) or (module == "multiprocessing" and bool(taken & starting))
        case ast.Call(func=ast.Attribute(attr="get_context") | ast.Name(id="get_context"), args=args):
            return [ast.unparse(one) for one in args] != ["'spawn'"]
        case ast.keyword(arg="preexec_fn"):
            return True
    return False


@pytest.mark.fault(32)
def test_the_search_for_forks_finds_them():
    bad = ("os.fork()", "from os import fork", "multiprocessing.Pool(2)", "multiprocessing.Process(target=f)",
           "from multiprocessing import Process", "multiprocessing.get_context('fork')", "get_context()",
           "from concurrent.futures import ProcessPoolExecutor", "Popen(a, preexec_fn=f)")  # fmt: skip
    assert [code for code in bad if not any(map(forks, ast.walk(ast.parse(code))))] == []
    good = "c = multiprocessing.get_context('spawn')\nc.Process(target=f)\nmultiprocessing.parent_process()"
    assert not any(map(forks, ast.walk(ast.parse(good))))


@pytest.mark.fault(32)
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("times", [20, pytest.param(100, marks=pytest.mark.slow)])
def test_workers_tokenise_beside_the_threads_of_their_parent(tmp_path, times):
    (tmp_path / "encoding.py").write_text(ENCODING, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", THREADED, str(tmp_path), str(times)], capture_output=True, text=True,
        timeout=15 * times, env={**os.environ, "TOKENIZERS_PARALLELISM": "true", "PYTHONPATH": str(tmp_path),
                                 "RAYON_NUM_THREADS": "4"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    threads, results = map(int, done.stdout.split())
    assert threads > 4 and results == 1


# ---------------------------------------------------------------- row 33

SEEDS, LOCALES = ("0", "1", "random"), ("C", "zh_CN.UTF-8", "C.UTF-8")
ZONES, MODES = ("UTC", "Asia/Shanghai", "America/St_Johns"), ("0", "1")
CHOSEN = [("0", "C", "America/St_Johns", "0"), ("1", "zh_CN.UTF-8", "Asia/Shanghai", "0"),
          ("random", "C.UTF-8", "UTC", "1")]  # fmt: skip
OTHER = [one for one in itertools.product(SEEDS, LOCALES, ZONES, MODES) if one not in CHOSEN]


@pytest.mark.fault(33)
@pytest.mark.parametrize(
    ("seed", "locale", "zone", "mode"),
    [*CHOSEN, *(pytest.param(*one, marks=pytest.mark.slow) for one in OTHER)],
)
def test_hash_seed_locale_and_time_zone_change_no_byte(folder, undisturbed, seed, locale, zone, mode):
    name = "-".join((seed, locale, zone.replace("/", "."), mode))
    made = curated(folder, name, 2, PYTHONHASHSEED=seed, LC_ALL=locale, TZ=zone, PYTHONUTF8=mode)
    assert different(made, undisturbed) == []
    shutil.rmtree(folder / name)


# ---------------------------------------------------------------- row 34


@pytest.mark.fault(34)
@pytest.mark.parametrize(
    "kind",
    [
        "documents/*/*.parquet", "documents/*/*.entry.json", "documents/*/manifest.json",
        "signals/minhash-*/*/*.parquet", "signals/minhash-*/*/*.entry.json", "signals/minhash-*/*/manifest.json",
        "duplicate-keys/*/*.keys", "duplicates/*/*.left", "duplicates/*/*.entry.json", "duplicates/*/manifest.json",
        "decisions/*/*.parquet", "ledger/*/*.parquet", "ledger/*/manifest.json", "tokenizers/*/*.json", "pool/*/*.bin",
        "pool/*/*.parquet", "training-sets/*/documents.parquet", "training-sets/*/tokenizer.json",
        "training-sets/*/manifest.json", "training-sets/*/sealed.json", "recipes/*.json", "inputs.json",
    ],
)  # fmt: skip
def test_a_file_cut_in_half_is_made_again_or_named(folder, undisturbed, kind):
    workspace = folder / "cut"
    shutil.rmtree(workspace, ignore_errors=True)
    shutil.copytree(folder / "undisturbed", workspace)
    path = max(workspace.glob(kind), key=lambda path: (path.stat().st_size, path.name))
    os.truncate(path, path.stat().st_size // 2)
    code, said = here(folder, "curate", "--workspace", str(workspace), "--workers", "0")
    if code == 0:
        assert different(committed(workspace), undisturbed) == []
    else:
        assert path.name in said
