"""Peers, each in an environment of its own outside the repository, spoken to by files."""

import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import detect_encoding
from resiliparse.parse.html import HTMLTree

from headwater.signals.language import measure


def environment(name: str, packages: list[str]) -> Path:
    """The Python of a peer's environment, made on first use in ~/.cache/headwater/peers (or $XDG_CACHE_HOME)."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "headwater" / "peers" / name
    python, stamp = folder / "bin" / "python", folder / "installed.json"
    if not stamp.is_file() or json.loads(stamp.read_text(encoding="utf-8")) != packages:
        print(f"installing {', '.join(packages)} in {folder}", file=sys.stderr, flush=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
            subprocess.run([*pip, *packages], check=True)
        except subprocess.CalledProcessError as error:
            sys.exit(
                f"the peer {name} could not be installed in {folder} (the reason stands above), so nothing was "
                f"compared; `{error.cmd[1]} {error.cmd[2]}` ended with {error.returncode}. It needs a network, or "
                "its packages in pip's cache or in a folder given by PIP_FIND_LINKS"
            )
        stamp.write_text(json.dumps(packages), encoding="utf-8")
    return python


def ask(python: Path, script: Path, question: Any) -> Any:
    """What the peer's script makes of a question: `script QUESTION.json ANSWER.json`, on one thread."""
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "MKL", "OPENBLAS")}
    with tempfile.TemporaryDirectory() as folder:
        asked, answer = Path(folder) / "question.json", Path(folder) / "answer.json"
        asked.write_text(json.dumps(question), encoding="utf-8")
        subprocess.run(
            [str(python), str(script), str(asked), str(answer)], check=True, env=os.environ | threads
        )
        return json.loads(answer.read_text(encoding="utf-8"))


def data_folder() -> Path:
    """$HEADWATER_TEST_DATA, by default ../shared/data."""
    default = Path(__file__).resolve().parents[3] / "shared" / "data"
    return Path(os.environ.get("HEADWATER_TEST_DATA") or default)


def read_text(path: Path) -> str:
    """The text of a .txt, .html (all of the page, menus too) or .json file (dialogues, a message a line), perhaps .gz."""
    raw = path.read_bytes()
    raw = gzip.decompress(raw) if path.suffix == ".gz" else raw
    kind = path.name.removesuffix(".gz").rpartition(".")[2]
    if kind == "html":
        return str(
            extract_plain_text(HTMLTree.parse_from_bytes(raw, detect_encoding(raw)), main_content=False)
        )
    if kind == "json":
        return "\n\n".join(
            "\n".join(said["message"] for said in dialogue["messages"]) for dialogue in json.loads(raw)
        )
    return raw.decode("utf-8", "ignore").replace("\r\n", "\n")


def real_texts(
    languages: dict[str, tuple[str, ...]], count: int, sizes: tuple[int, int]
) -> dict[str, list[str]]:
    """`count` different pieces of real text a language, of between `sizes` characters, the same at every call.

    `languages`: {label of our signal `language.label`: globs below the data folder}, each of the globs drawn as
    often as the others; pieces in other languages are left out.
    """
    texts: dict[str, list[str]] = {}
    for language, patterns in languages.items():
        groups = [sorted(data_folder().glob(pattern)) for pattern in patterns]
        if not all(groups):
            sys.exit(
                f"no {patterns[groups.index([])]} in {data_folder()}; name a folder of real texts by HEADWATER_TEST_DATA"
            )
        draw, whole, pieces = random.Random(language), dict[Path, str](), dict[str, None]()
        for _ in range(100 * count):
            file = draw.choice(draw.choice(groups))
            if file not in whole:
                whole[file] = read_text(file)
            size = draw.randint(*sizes)
            start = draw.randrange(max(1, len(whole[file]) - size))
            piece = whole[file][start : start + size]
            if len(piece) >= sizes[0] and measure(piece)[0] == language:
                pieces[piece] = None
            if len(pieces) == count:
                break
        else:
            sys.exit(f"{data_folder()} has fewer than {count} different pieces of {language}; ask for fewer")
        texts[language] = list(pieces)
    return texts
