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


def environment(name: str, packages: list[str]) -> Path:
    """The Python of a peer's environment, made on first use in ~/.cache/headwater/peers (or $XDG_CACHE_HOME)."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "headwater" / "peers" / name
    python, stamp = folder / "bin" / "python", folder / "installed.json"
    if not stamp.is_file() or json.loads(stamp.read_text(encoding="utf-8")) != packages:
        print(f"installing {', '.join(packages)} in {folder}", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *packages], check=True)
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


def real_texts(languages: dict[str, str], count: int, sizes: tuple[int, int]) -> dict[str, list[str]]:
    """`count` pieces of real text a language, of between `sizes` characters, the same at every call.

    `languages`: {language: glob of UTF-8 .txt(.gz) files below $HEADWATER_TEST_DATA (default ../shared/data)}.
    """
    data = Path(
        os.environ.get("HEADWATER_TEST_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")
    )
    texts: dict[str, list[str]] = {}
    for language, pattern in languages.items():
        files = sorted(data.glob(pattern))
        if not files:
            sys.exit(f"no {pattern} in {data}; name a folder of real texts with HEADWATER_TEST_DATA")
        draw = random.Random(language)
        texts[language] = []
        whole = {}
        while len(texts[language]) < count:
            file = draw.choice(files)
            if file not in whole:
                raw = file.read_bytes()
                raw = gzip.decompress(raw) if file.suffix == ".gz" else raw
                whole[file] = raw.decode("utf-8", "ignore").replace("\r\n", "\n")
            size = draw.randint(*sizes)
            start = draw.randrange(max(1, len(whole[file]) - size))
            texts[language].append(whole[file][start : start + size])
    return texts
