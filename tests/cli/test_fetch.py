"""`headwater fetch`: what a person reads, on a terminal of 80 columns; nothing heavy is imported for it."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from headwater import api
from headwater.cli import cli
from headwater.cli.fetch import fetch
from headwater.errors import RecipeError
from headwater.recipe import load

KINDS = ["pages", "commoncrawl", "wikipedia", "gutenberg", "stackexchange", "arxiv", "huggingface"]


class Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        texts = {
            "/": "<p>首页</p><a href='/a'>甲</a><a rel=license href='//creativecommons.org/licenses/by/4.0/deed.zh'>授权</a>",
            "/a": "<p>甲</p>",
        }
        body = texts.get(self.path, "").encode()
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom headwater.cli import cli\n"
        "try: cli(['fetch', 'wikipedia', '--help'])\nexcept SystemExit: pass\n"
        "heavy = ('pydantic', 'resiliparse', 'fastwarc', 'pyarrow', 'rich', 'http.client', 'ssl', 'xxhash')\n"
        "print([m for m in heavy if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.strip() == "[]" and "--language" in done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_help_fits_80_columns_and_shows_an_example(kind: str) -> None:
    done = CliRunner().invoke(cli, ["fetch", kind, "--help"], terminal_width=None, max_content_width=None)
    assert done.exit_code == 0 and f"headwater fetch {kind} " in done.output
    assert max(map(len, done.output.splitlines())) <= 80
    assert all(option in done.output for option in ("--out", "--plan", "--max-bytes", "--json"))


def test_the_list_of_kinds_is_not_cut() -> None:
    done = CliRunner().invoke(cli, ["fetch", "--help"])
    assert list(fetch.commands) == KINDS and "..." not in done.output.partition("Commands:")[2]


def test_a_fetch_says_what_it_brought_and_what_to_do_next(site: str, tmp_path: Path) -> None:
    out = tmp_path / "站点.warc.gz"
    common = ["fetch", "pages", site, "--out", str(out), "--allow-loopback", "--allow-http", "--delay", "0"]
    plan = CliRunner().invoke(cli, [*common, "--plan"])
    assert plan.exit_code == 0 and "would fetch 1 file" in plan.output and list(tmp_path.iterdir()) == []
    done = CliRunner().invoke(cli, common)
    assert done.exit_code == 0, done.output
    assert "2 pages (nothing left)" in done.output
    assert (
        "licence     https://creativecommons.org/licenses/by/4.0/ (1 page), none named (1 page)"
        in done.output
    )
    line = done.output.rstrip().rpartition("\n")[2].strip()
    summary = json.loads(CliRunner().invoke(cli, [*common, "--json"]).output)
    assert summary["recipe"] == line and summary == json.loads(
        (tmp_path / "站点.warc.gz.json").read_text("utf-8")
    )
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(f"name: x\nsources:\n  {line}\n", encoding="utf-8")
    [source] = load.load_recipe(recipe).sources
    assert source.kind == "warc" and source.paths == [str(out)]


def test_errors_are_one_message_and_their_code(
    site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments, code, message in (
        (["wikipedia", "--language", "zh", "--out", "x", "--max-bytes", "many"], 2, "--max-bytes: expected a size"),
        (["wikipedia", "--language", "../x", "--out", "x"], 2, "expected one as in the site's name"),
        (["commoncrawl", "--out", "x.warc.gz"], 2, "either --url PATTERN or --paths LIST"),
        (["gutenberg", "--out", "x"], 2, "either book numbers or --language"),
        (["pages", site, "--out", "x.warc.gz"], 1, "pass --allow-http"),
        (["huggingface", "org/name", "--out", "x", "--base-url", "https://127.0.0.1:1"], 1, "--allow-loopback"),
    ):  # fmt: skip
        done = CliRunner().invoke(cli, ["fetch", *arguments])
        assert (done.exit_code, list(tmp_path.iterdir())) == (code, []) and message in done.output
        assert "Traceback" not in done.output and done.output.startswith("headwater: ")


def test_from_python(site: str, tmp_path: Path) -> None:
    settings = {"allow_loopback": True, "https_only": False, "delay": 0.0}
    assert api.fetch("pages", tmp_path / "a.warc.gz", start=[site], **settings)["pages"] == 2
    with pytest.raises(RecipeError, match="'ftp' cannot be fetched; there are pages and arxiv"):
        api.fetch("ftp", tmp_path / "b")
