"""The main job on real text without internet: a crawl of Python's own documentation server, raw against curated.

pydoc serves a page for every module of the standard library on loopback: a real site, with navigation, listings
repeated on many pages, and boilerplate. *raw* is all text of every page; *curated* removes repeated and short
lines, and near-duplicate pages. The unit is the module. Held-out modules are in neither arm; what models are
scored on is their docstrings, taken from the `.py` files by `ast`: no code in it, nothing imported.

It is one small site: the verdict is about this corpus.
"""

import ast
import importlib.machinery
import inspect
import json
import os
import pkgutil
import platform
import re
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from headwater.corpus.document import split_of
from headwater.engine.workspace import commit_file
from headwater.errors import HeadwaterError
from headwater.recipe.settings import Holdout
from headwater.sources.fetch.pages import discard_unfinished, fetch_pages, finished

# pydoc imports a module to describe it, so the names come from a list: these do something when imported, or are
# tests and programs ...
PROGRAMS = (
    "__main__",
    "antigravity",
    "idlelib",
    "lib2to3",
    "test",
    "tests",
    "this",
    "turtledemo",
    "__phello__",
)
# ... or tables, or not part of every Python.
NOT_EVERYWHERE = ("distutils", "ensurepip", "pydoc_data", "tkinter", "turtle", "msilib", "curses")
TABLES = ("encodings",)
HOLDOUT = Holdout(share=0.2)
START_SECONDS = 30.0
# The module that a page is about. `_io`, `_pyio` and `io` share text, and so do a package and its parts: the unit is
# the package's name, without its underscore.
UNIT = r"/_?(?:py(?=decimal|io|datetime))?([^/.]++)[^/]*\.html$"
_READY = re.compile(rb"Server ready at (http://\S+)")

SOURCES = """\
workspace: workspace
holdout: {{share: {share}, salt: {salt}}}
sources:
  # every page of the standard library's modules on Python's own documentation server
  - name: crawl
    kind: warc
    paths: ["crawl/{crawl}"]
    text: all
    unit: {{by: url, pattern: '{unit}'}}
    language: en
  # docstrings of the modules that are held out: what both arms are scored on
  - name: docstrings
    kind: files
    paths: ["reference/docstrings.jsonl"]
    role: reference
    columns: {{text: text, unit: unit}}
    language: en
"""
RAW = """\
# Every page as it was crawled: all of its visible text.
name: raw
{sources}curate:
  duplicates: null
{rest}"""
CURATED = """\
# The same pages without what repeats: lines that stand on many pages, lines of one word, near-duplicate pages.
name: curated
{sources}curate:
  order: [lines, duplicates]
  lines:
    repeated: 1        # a line that stands more often in the whole crawl keeps only its first place
    keep_first: true
    refinedweb: true   # upper-case, digit, counter and one-word lines
    min_words: 3       # shorter lines are names and navigation
  duplicates:
    near: {{similarity: 0.8, keep: longest}}
{rest}"""
REST = """\
evaluate:
  domains: [docstrings]
"""


def prepare(folder: Path) -> tuple[Path, Path]:
    """The crawl, the reference texts and both recipes, in `folder`; what is there already is kept.

    Returns the paths of raw.yaml and curated.yaml.
    """
    folder = folder.resolve()
    crawl = folder / "crawl" / f"pydoc-{platform.python_version()}.warc.gz"
    if finished(crawl) is None:
        discard_unfinished(crawl)  # it was of a server that is gone
        with documentation_server() as address:
            pages = [f"{address}{name}.html" for name in module_names()]
            fetch_pages(
                pages,
                crawl,
                follow=False,
                max_pages=len(pages),
                delay=0.0,
                backoff=0.2,
                allow_loopback=True,
                https_only=False,
            )
    write_docstrings(folder / "reference" / "docstrings.jsonl")
    sources = SOURCES.format(share=HOLDOUT.share, salt=HOLDOUT.salt, crawl=crawl.name, unit=UNIT)
    recipes = []
    for name, template in (("raw", RAW), ("curated", CURATED)):
        path = folder / f"{name}.yaml"
        _write(path, template.format(sources=sources, rest=REST))
        recipes.append(path)
    return recipes[0], recipes[1]


def run_demo(folder: Path) -> list[str]:
    """Prepares, compares and reports: what was found and where the report is, in lines."""
    from headwater.compare.markdown import summary_lines
    from headwater.compare.run import compare
    from headwater.studio.report import report

    recipes = list(prepare(folder))
    comparison = compare(recipes, budget="demo")
    page = report(comparison.workspace, comparison.folder / "report.html", comparison=comparison.path)
    return [*summary_lines(comparison.result), f"report    {page}"]


# ---------------------------------------------------------------- the documentation server


@contextmanager
def documentation_server() -> Iterator[str]:
    """pydoc's server on a free port of loopback, with its address; ended with all it started.

    It runs in an empty folder, because it would offer whatever stands in its own, and its standard input is held
    open, because it ends with it. It is killed: some pages start threads that keep it from quitting.
    """
    with tempfile.TemporaryDirectory(prefix="headwater-pydoc-") as empty:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | {
            "PYTHONHASHSEED": "0"
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "pydoc", "-p", "0"],
            cwd=empty,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            assert process.stdout is not None
            yield _address(process, process.stdout)
        finally:
            with_children = getattr(os, "killpg", None)
            if with_children is not None and process.poll() is None:
                with_children(process.pid, signal.SIGKILL)
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


def _address(process: "subprocess.Popen[bytes]", output: IO[bytes]) -> str:
    """What the server says when it is ready; its later output is read on, so that it never blocks on a full pipe."""
    found: list[str] = []
    said: list[bytes] = []
    ready = threading.Event()

    def listen() -> None:
        for line in iter(output.readline, b""):
            said.append(line[:200])
            if not found and (match := _READY.search(line)):
                found.append(match[1].decode())
                ready.set()
        ready.set()

    threading.Thread(target=listen, daemon=True).start()
    if not ready.wait(START_SECONDS) or not found:
        message = b"".join(said).decode("utf-8", "replace").strip() or "nothing"
        raise HeadwaterError(f"`{sys.executable} -m pydoc -p 0` did not start a server; it said: {message}")
    return found[0]


# ---------------------------------------------------------------- modules and docstrings


def module_names() -> list[str]:
    """The standard library's modules that this Python has, and the public submodules of its packages; sorted.

    Nothing is imported: a module is here if its finder knows it.
    """
    names = []
    for name in sorted(sys.stdlib_module_names.difference(PROGRAMS, NOT_EVERYWHERE)):
        spec = _spec(name)
        if spec is None:
            continue
        names.append(name)
        if name in TABLES:
            continue
        for folder in spec.submodule_search_locations or ():
            names += _submodules(name, folder)
    return sorted(names)


def _spec(name: str) -> importlib.machinery.ModuleSpec | None:
    for finder in (importlib.machinery.BuiltinImporter, importlib.machinery.FrozenImporter):
        if finder.find_spec(name) is not None and not _source(name):
            return finder.find_spec(name)
    return importlib.machinery.PathFinder.find_spec(name, _folders())


def _folders() -> list[str]:
    """Where this Python keeps its standard library: the .py files and the compiled modules, also in a venv."""
    compiled = Path(sysconfig.get_path("platstdlib", vars={"platbase": sys.base_exec_prefix}))
    return [
        sysconfig.get_path("stdlib"),
        str(compiled / "lib-dynload"),
        str(Path(sys.base_exec_prefix) / "DLLs"),
    ]


def _submodules(package: str, folder: str) -> list[str]:
    names = []
    for info in pkgutil.iter_modules([folder]):
        if info.name in PROGRAMS or info.name.startswith(("_", "test_")):
            continue
        names.append(f"{package}.{info.name}")
        if info.ispkg:
            names += _submodules(f"{package}.{info.name}", str(Path(folder) / info.name))
    return names


def _source(name: str) -> Path | None:
    """A module's .py file, if it has one."""
    path = Path(sysconfig.get_path("stdlib")).joinpath(*name.split("."))
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)


def unit_of_module(name: str) -> str:
    """The unit that the recipes' pattern gives the module's page."""
    match = re.search(UNIT, f"/{name}.html")
    return match[1] if match else name


def write_docstrings(path: Path) -> None:
    """One line of JSON for each held-out module that has docstrings: {"id", "unit", "text"}."""
    lines = []
    for name in module_names():
        unit, source = unit_of_module(name), _source(name)
        if source is None or split_of(unit, share=HOLDOUT.share, salt=HOLDOUT.salt) != "heldout":
            continue
        if text := docstrings(source.read_bytes()):
            lines.append(json.dumps({"id": name, "unit": unit, "text": text}, ensure_ascii=False) + "\n")
    _write(path, "".join(lines))


def docstrings(source: bytes) -> str:
    """The docstrings of a module, its classes and functions, in the order of the file, one blank line between."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in old sources
        tree = ast.parse(source)
    found = [
        (getattr(node, "lineno", 0), text)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and (text := ast.get_docstring(node, clean=False))
    ]
    return "\n\n".join(
        clean for _, text in sorted(found, key=lambda item: item[0]) if (clean := inspect.cleandoc(text))
    )


def _write(path: Path, text: str) -> None:
    """Written only where it differs, so that a second run finds the same file."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    commit_file(temporary, path)
