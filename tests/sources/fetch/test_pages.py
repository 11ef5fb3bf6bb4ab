"""A crawl over real sockets: polite, bounded, closed to addresses that are not public, whole or not there."""

import gzip
import hashlib
import itertools
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from fastwarc.warc import ArchiveIterator

from headwater.errors import HeadwaterError, RecipeError
from headwater.sources.fetch import connection
from headwater.sources.fetch import pages as pages_module
from headwater.sources.fetch.connection import (
    Answer,
    FailedError,
    RefusedError,
    Rules,
    checked_addresses,
    clean_url,
    get,
)
from headwater.sources.fetch.pages import fetch_pages, plan_pages
from headwater.sources.fetch.robots import Robots, robots_of, rules_text

CHINESE = "今天晚上，很好的月光。"


class Site(BaseHTTPRequestHandler):
    """Pages of a small Chinese site; `pages` maps a path to (status, headers, body)."""

    pages: dict[str, tuple[int, dict[str, str], bytes]]
    seen: list[tuple[float, str]]
    agents: set[str]

    def do_GET(self):
        type(self).seen.append((time.monotonic(), self.path))
        type(self).agents.add(self.headers["User-Agent"])
        count = sum(path == self.path for _, path in self.seen)
        status, headers, body = self.pages.get(self.path, (404, {}, b"no"))
        if headers.get("X-Fail-First") and count <= int(headers["X-Fail-First"]):
            status, headers, body = 503, {"Retry-After": "0"}, b"busy"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers and "Transfer-Encoding" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def html(text: str, *links: str) -> tuple[int, dict[str, str], bytes]:
    body = f"<html><body><p>{text}</p>{''.join(f'<a href={link!r}>链接</a>' for link in links)}</body></html>"
    return 200, {"Content-Type": "text/html; charset=gb18030"}, body.encode("gb18030")


@pytest.fixture
def site():
    handler = type("Handler", (Site,), {"pages": {}, "seen": [], "agents": set()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    handler.url = f"http://127.0.0.1:{server.server_address[1]}"
    handler.pages |= {
        "/": html(
            "首页", "/a.html", "b.html#part", "/secret/x.html", "http://elsewhere.invalid/", "mailto:a@b"
        ),
        "/a.html": html(CHINESE, "/", "/deep/c.html"),
        "/b.html": html("B", "/old"),
        "/old": (301, {"Location": "/new.html"}, b""),
        "/new.html": html("新"),
        "/deep/c.html": html("深"),
        "/secret/x.html": html("秘密"),
        "/robots.txt": (200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /secret/\n"),
    }
    yield handler
    server.shutdown()
    server.server_close()


def crawl(site, out: Path, *start: str, **settings):
    defaults = {"delay": 0.0, "backoff": 0.01, "timeout": 5.0, "allow_loopback": True, "https_only": False}
    return fetch_pages([site.url + path for path in start or ("/",)], out, **{**defaults, **settings})


def records(path: Path) -> list[tuple[str, str]]:
    with path.open("rb") as file:
        return [
            (record.headers["WARC-Type"], record.headers.get("WARC-Target-URI", ""))
            for record in ArchiveIterator(file, parse_http=False)
        ]


def test_a_site_is_crawled_breadth_first_into_a_warc(site, tmp_path, read):
    out = tmp_path / "site.warc.gz"
    summary = crawl(site, out)
    visited = ["/", "/a.html", "/b.html", "/deep/c.html", "/old", "/new.html"]
    assert [path for _, path in site.seen] == ["/robots.txt", *visited]
    assert summary["pages"] == 6 and summary["ended"] == "nothing left"
    assert summary["not_fetched"] == {"robots": 1} and summary["status"] == {"200": 5, "301": 1}
    found = records(out)
    assert found[0][0] == "warcinfo"
    assert [url for kind, url in found if kind == "response"] == [site.url + path for path in visited]
    assert Counter(kind for kind, _ in found) == {"warcinfo": 1, "response": 6, "request": 6}
    with out.open("rb") as file:
        for record in ArchiveIterator(file, parse_http=False):
            assert record.verify_block_digest()
    texts = read(out, kind="warc", text="all").texts
    assert len(texts) == 5 and CHINESE in texts[1]
    assert site.agents == {"Headwater/0.1 (language-model data research; honours robots.txt)"}


def test_a_second_call_fetches_nothing_and_another_start_is_refused(site, tmp_path):
    out = tmp_path / "site.warc.gz"
    first = crawl(site, out)
    content, count = out.read_bytes(), len(site.seen)
    assert crawl(site, out) == first and len(site.seen) == count and out.read_bytes() == content
    with pytest.raises(HeadwaterError, match="is there already"):
        crawl(site, out, "/a.html")
    (tmp_path / "mine.warc.gz").write_bytes(b"mine")
    with pytest.raises(HeadwaterError, match="remove it or choose another name"):
        crawl(site, tmp_path / "mine.warc.gz")


@pytest.mark.parametrize(
    ("settings", "pages", "ended"),
    [
        ({"max_pages": 2}, 2, "max_pages"),
        ({"max_bytes": 1}, 1, "max_bytes"),
        ({"follow": False}, 1, "nothing left"),
        ({"allow_paths": r"^/$|^/a"}, 2, "nothing left"),
        ({"allow_paths": ["/", "/b.html"]}, 2, "nothing left"),
    ],
)
def test_limits_and_scope(site, tmp_path, settings, pages, ended):
    summary = crawl(site, tmp_path / "a.warc.gz", **settings)
    assert (summary["pages"], summary["ended"]) == (pages, ended)


def test_a_page_above_its_limit_is_cut_and_marked(site, tmp_path):
    site.pages["/"] = (200, {"Content-Type": "text/plain"}, b"x" * 300_000)
    crawl(site, tmp_path / "a.warc.gz", max_page_bytes=1000)
    data = gzip.decompress((tmp_path / "a.warc.gz").read_bytes())
    assert b"WARC-Truncated: length" in data and data.count(b"x" * 1000) == 1 and b"x" * 1001 not in data


def test_the_delay_stands_between_requests_and_a_longer_crawl_delay_goes_before_it(site, tmp_path):
    site.pages["/robots.txt"] = (200, {}, b"User-agent: headwater\nCrawl-delay: 0.2\n")
    crawl(site, tmp_path / "a.warc.gz", max_pages=3, delay=0.05)
    times = [at for at, path in site.seen if path != "/robots.txt"]
    assert all(later - earlier >= 0.19 for earlier, later in itertools.pairwise(times))


def test_busy_servers_and_short_bodies_are_tried_again(site, tmp_path):
    site.pages["/"] = (200, {"Content-Type": "text/html", "X-Fail-First": "2"}, b"<p>at last</p>")
    assert crawl(site, tmp_path / "a.warc.gz")["status"] == {"200": 1}
    assert sum(path == "/" for _, path in site.seen) == 3
    site.pages["/short"] = (200, {"Content-Length": "1000"}, b"short")
    site.pages["/links"] = html("", "/short", "/a.html")
    summary = crawl(site, tmp_path / "b.warc.gz", "/links")
    assert summary["not_fetched"] == {"failed": 1} and "IncompleteRead" in summary["first_problem"]
    assert sum(path == "/short" for _, path in site.seen) == 4


def test_chunked_bodies_are_stored_whole(site, tmp_path, read):
    body = f"<p>{CHINESE}</p>".encode()
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    site.pages["/"] = (
        200,
        {"Content-Type": "text/html; charset=utf-8", "Transfer-Encoding": "chunked"},
        chunks,
    )
    Site.protocol_version = "HTTP/1.1"
    try:
        crawl(site, tmp_path / "a.warc.gz")
    finally:
        Site.protocol_version = "HTTP/1.0"
    assert read(tmp_path / "a.warc.gz", kind="warc", text="all").texts == [CHINESE]


def test_nothing_is_left_behind_by_a_crawl_that_fails(site, tmp_path):
    site.pages["/robots.txt"] = (200, {}, b"User-agent: *\nDisallow: /\n")
    with pytest.raises(HeadwaterError, match="1 robots"):
        crawl(site, tmp_path / "a.warc.gz")
    site.pages["/robots.txt"] = (503, {}, b"")
    with pytest.raises(HeadwaterError, match=r"robots\.txt answers 503"):
        crawl(site, tmp_path / "a.warc.gz")
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- refusals


def test_this_machine_and_plain_http_need_a_flag(site, tmp_path):
    with pytest.raises(RefusedError, match="--allow-loopback"):
        crawl(site, tmp_path / "a.warc.gz", allow_loopback=False)
    with pytest.raises(RefusedError, match="--allow-http"):
        crawl(site, tmp_path / "a.warc.gz", https_only=True)
    assert site.seen == []


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "fd00::1", "fe80::1",
     "::ffff:10.0.0.1", "::ffff:169.254.169.254", "224.0.0.1"],
)  # fmt: skip
@pytest.mark.parametrize("allow_loopback", [False, True])
def test_addresses_that_are_not_public_are_refused_after_the_look_up(monkeypatch, address, allow_loopback):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, 80)) for a in ("93.184.216.34", address)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("connected"))
    rules = Rules(allow_loopback=allow_loopback, https_only=False, max_bytes=10, timeout=1)
    with pytest.raises(RefusedError, match="no public address"):
        get("http://name.example/", rules)


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch, site):
    looked_up = []

    def look_up(host, port, **_):
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "create_connection", lambda address, timeout: _connect(address))
    rules = Rules(allow_loopback=True, https_only=False, max_bytes=1000, timeout=5)
    port = site.url.rpartition(":")[2]
    assert get(f"http://rebinding.example:{port}/a.html", rules).address == "127.0.0.1"
    assert looked_up == ["rebinding.example"]
    assert checked_addresses("x", 1, rules) == ["127.0.0.1"]


def _connect(address):
    assert address[0] == "127.0.0.1"
    plain = socket.socket()
    plain.connect(address)
    return plain


def test_a_redirect_off_the_site_is_named_and_not_followed(site, tmp_path):
    site.pages["/"] = (302, {"Location": "http://169.254.169.254/latest/"}, b"")
    summary = crawl(site, tmp_path / "a.warc.gz")
    assert summary["pages"] == 1 and summary["not_fetched"] == {"redirect_off_site": 1}
    assert "169.254.169.254" in summary["first_problem"]
    site.pages["/robots.txt"] = (302, {"Location": "http://169.254.169.254/latest/"}, b"")
    with pytest.raises(RefusedError, match=r"169\.254\.169\.254"):
        crawl(site, tmp_path / "b.warc.gz")


def test_user_names_and_passwords_go_nowhere(site, tmp_path):
    out = tmp_path / "a.warc.gz"
    start = site.url.replace("//", "//user:canary-7f3a@") + "/"
    fetch_pages([start], out, delay=0, allow_loopback=True, https_only=False)
    written = gzip.decompress(out.read_bytes()) + (tmp_path / "a.warc.gz.json").read_bytes()
    assert b"canary" not in written and b"user:" not in written


def test_addresses_are_cleaned():
    assert clean_url("HTTP://Example.ORG:80/a b#c") == "http://example.org/a%20b"
    assert clean_url("https://u:p@例子.中国/路径?q=中") == (
        "https://xn--fsqu00a.xn--fiqs8s/%E8%B7%AF%E5%BE%84?q=%E4%B8%AD"
    )
    assert clean_url("http://[::1]:8080") == "http://[::1]:8080/"
    for start in (["http://a.example/", "http://b.example/"], ["ftp://a.example/"]):
        with pytest.raises((RecipeError, RefusedError)):
            fetch_pages(start, Path("a.warc.gz"), https_only=False)
    with pytest.raises(RecipeError, match=r"\.warc\.gz"):
        fetch_pages(["http://a.example/"], Path("a.txt"))


# ---------------------------------------------------------------- robots.txt


def answer(body: bytes, status: int = 200, content_type: str = "text/plain", location: str = "") -> Answer:
    headers = [("Content-Type", content_type), *([("Location", location)] if location else [])]
    return Answer("http://a.example/robots.txt", b"", status, "", headers, body, False, "192.0.2.1")


def test_robots_as_the_rfc_has_them():
    rules = b"User-agent: *\nDisallow: /\nUser-agent: Headwater\nAllow: /pub/\nDisallow: /p\nCrawl-delay: 7\n"
    robots = Robots(rules_text(answer(rules)), "Headwater/0.1 (x)")
    assert robots.allows("http://a.example/") and robots.allows("http://a.example/pub/中文")
    assert not robots.allows("http://a.example/private") and robots.delay == 7
    assert not Robots(rules_text(answer(rules)), "Other/1").allows("http://a.example/")
    page = b"<!DOCTYPE html><pre>\nUser-agent: *\nDisallow: /\n</pre>"
    assert rules_text(answer(page)) == "" == rules_text(answer(rules, content_type="text/html"))
    assert rules_text(answer(b"\xef\xbb\xbfUser-agent: *\n")) == "User-agent: *\n"


def test_robots_that_cannot_be_had():
    def site_with(*answers: Answer | Exception):
        queue = list(answers)

        def request(url: str) -> Answer:
            found = queue.pop(0)
            if isinstance(found, Exception):
                raise found
            return found

        return robots_of("http://a.example/x", "Headwater", request)

    rules = b"User-agent: *\nDisallow: /x"
    assert site_with(answer(rules, 404)).allows("http://a.example/x")
    moved = answer(b"", 301, location="http://b.example/robots.txt")
    assert not site_with(moved, moved, answer(rules)).allows("http://a.example/x")
    assert site_with(*[moved] * 6).allows("http://a.example/x")
    for unreachable in (answer(rules, 500), FailedError("no answer")):
        with pytest.raises(HeadwaterError, match="nothing may be fetched"):
            site_with(unreachable)


def test_real_robots_are_read(real_data):
    folder = real_data / "truth/robots/real"
    for name, path, allowed in (
        ("duckduckgo.com", "/", True),
        ("gallica.bnf.fr", "/texteBrut", False),
        ("gallica.bnf.fr", "/f1.item", False),
        ("gallica.bnf.fr", "/x?langue=zh", False),
        ("gallica.bnf.fr", "/x?mode=desktop", True),
    ):
        robots = Robots(rules_text(answer((folder / name).read_bytes())), "Headwater/0.1")
        assert robots.allows(f"https://{name}{path}") is allowed
    for path in sorted(folder.iterdir()):
        Robots(rules_text(answer(path.read_bytes())), "Headwater/0.1").allows(f"https://{path.name}/任意")
    assert connection.USER_AGENT.startswith("Headwater/")


# ---------------------------------------------------------------- going on


CRAWL = """
import sys
from pathlib import Path
from headwater.sources.fetch.pages import fetch_pages
print("ready", flush=True)
fetch_pages([sys.argv[1]], Path(sys.argv[2]), delay=0.0, backoff=0.01, timeout=5.0, allow_loopback=True, https_only=False)
"""


def payloads(path: Path) -> list[tuple[str, str, str]]:
    """What a crawl's records hold, without when."""
    with path.open("rb") as file:
        return [
            (
                record.headers["WARC-Type"],
                record.headers.get("WARC-Target-URI", ""),
                record.headers.get("WARC-Payload-Digest", ""),
            )
            for record in ArchiveIterator(file, parse_http=False)
        ]


@pytest.mark.fault(1)
def test_a_crawl_that_was_killed_goes_on_and_has_the_same_records(site, tmp_path):
    count = 120
    site.pages["/"] = html("首页", *(f"/{n}.html" for n in range(count)))
    for n in range(count):
        site.pages[f"/{n}.html"] = html(f"{CHINESE}{n}" * 50, f"/{n + 1}.html", "/secret/x.html")
    began = time.monotonic()
    crawl(site, tmp_path / "whole.warc.gz")
    seconds, asked = time.monotonic() - began, len(site.seen)
    site.seen.clear()
    out, clock, kills = tmp_path / "killed.warc.gz", random.Random(3), 0
    for _ in range(6):
        code = [sys.executable, "-c", CRAWL, site.url + "/", str(out)]
        child = subprocess.Popen(code, stdout=subprocess.PIPE, env=dict(os.environ))
        assert child.stdout is not None and child.stdout.readline() == b"ready\n"
        time.sleep(clock.uniform(0.05, 0.4) * seconds)
        kills += child.poll() is None
        child.kill()
        child.wait()
        child.stdout.close()
        assert (
            not out.exists()
            or out.with_name("killed.warc.gz.json").exists()
            or list(tmp_path.glob(".killed*"))
        )
    summary = crawl(site, out)
    assert payloads(out) == payloads(tmp_path / "whole.warc.gz") and kills >= 2
    assert summary["pages"] == count + 2 and summary["not_fetched"]["robots"] == 1
    pages = sum(path != "/robots.txt" for _, path in site.seen)
    assert (
        asked - 1 <= pages <= asked - 1 + kills
    )  # of each call that was killed at most one page is asked for again
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("cut", [0, 1, 7])
def test_a_part_that_was_cut_anywhere_is_gone_on_with(site, tmp_path, cut):
    site.pages["/b.html"] = (503, {"Retry-After": "0"}, b"")
    site.pages["/"] = html("首页", "/a.html", *[f"/b.html?{n}" for n in range(9)])
    for n in range(9):
        site.pages[f"/b.html?{n}"] = (503, {"Retry-After": "0"}, b"")
    out, part = tmp_path / "a.warc.gz", tmp_path / ".a.warc.gz.part"
    with pytest.raises(
        HeadwaterError, match=r"5 pages one after another had no answer.*run the same command"
    ):
        crawl(site, out)
    assert not out.exists() and (part / "pages.warc.gz").exists()
    assert len({path for _, path in site.seen if path.startswith("/b")}) == 5
    for name in ("pages.warc.gz", "journal.jsonl"):
        data = (part / name).read_bytes()
        (part / name).write_bytes(
            data[: len(data) - cut] + (b'{"url' if name == "journal.jsonl" and cut != 1 else b"")
        )
    for n in range(9):
        site.pages[f"/b.html?{n}"] = html(f"乙{n}")
    with pytest.raises(HeadwaterError, match="beginning of another crawl"):
        crawl(site, out, "/a.html")
    summary = crawl(site, out)
    assert summary["pages"] == 12 and summary["status"] == {"200": 12}
    with out.open("rb") as file:
        assert all(record.verify_block_digest() for record in ArchiveIterator(file, parse_http=False))


def test_a_site_that_asks_for_a_long_pause_gets_it(site, tmp_path):
    site.pages["/a.html"] = (429, {"Retry-After": "9999"}, b"")
    with pytest.raises(HeadwaterError, match="come back in 9999 s"):
        crawl(site, tmp_path / "a.warc.gz")
    assert [path for _, path in site.seen] == ["/robots.txt", "/", "/a.html"]
    site.pages["/a.html"] = html("甲")
    summary = crawl(site, tmp_path / "a.warc.gz")
    assert summary["pages"] == 5 and [path for _, path in site.seen][3:5] == ["/robots.txt", "/a.html"]


def test_a_crawl_that_had_ended_asks_for_nothing_more(site, tmp_path, monkeypatch):
    out = tmp_path / "a.warc.gz"
    first = crawl(site, tmp_path / "b.warc.gz", max_pages=2)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(pages_module, "write_json", killed)
        crawl(site, out, max_pages=2)
    assert out.exists() and not (tmp_path / "a.warc.gz.json").exists()
    asked = len(site.seen)
    second = crawl(site, out, max_pages=2)
    assert len(site.seen) == asked and second["ended"] == first["ended"] == "max_pages"
    assert {second[key] == first[key] for key in ("pages", "status", "bytes")} == {True}
    with pytest.raises(HeadwaterError, match="from another request"):
        crawl(site, out, max_pages=3)


# ---------------------------------------------------------------- sitemaps and licences


def test_a_site_is_crawled_from_its_sitemaps(site, tmp_path):
    urls = "".join(f"<url><loc> {site.url}/{name}?a=1&amp;b=2 </loc></url>" for name in ("a.html", "岛.html"))
    space = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    robots = (
        f"User-agent: *\nDisallow: /secret/\nSitemap: {site.url}/index.xml\nSitemap: http://10.0.0.1/x.xml\n"
    )
    site.pages |= {
        "/robots.txt": (200, {}, robots.encode()),
        "/index.xml": (200, {}, (
            f"<sitemapindex {space}><sitemap><loc>/one.xml.gz</loc></sitemap><sitemap><loc>{site.url}/two.txt</loc></sitemap>"
            f"<sitemap><loc>{site.url}/bad.xml</loc></sitemap><sitemap><loc>{site.url}/index.xml</loc></sitemap></sitemapindex>"
        ).encode()),
        "/one.xml.gz": (200, {}, gzip.compress(f"<urlset {space}>{urls}</urlset>".encode())),
        "/two.txt": (200, {}, f"{site.url}/b.html\n{site.url}/secret/y\nhttp://elsewhere.invalid/\n".encode()),
        "/bad.xml": (200, {}, b'<!DOCTYPE x [<!ENTITY a "b">]><urlset/>'),
    }  # fmt: skip
    plan = plan_pages(
        [site.url], tmp_path / "a.warc.gz", sitemap=True, allow_loopback=True, https_only=False, delay=0.0,
        backoff=0.01, timeout=5.0, max_seconds=60.0, user_agent="Headwater/0.1",
    )  # fmt: skip
    assert len(plan["planned"]) == 4 and plan["left_out"]["robots"]["count"] == 1
    summary = crawl(site, tmp_path / "a.warc.gz", sitemap=True, follow=False)
    assert summary["pages"] == 4 and summary["not_fetched"] == {"robots": 1}
    asked = [path for _, path in site.seen]
    assert "/a.html?a=1&b=2" in asked and "/%E5%B2%9B.html?a=1&b=2" in asked and "/b.html" in asked


def test_the_licences_of_pages_are_recorded_as_found(site, tmp_path):
    def page(head: str = "", body: str = "", **headers: str) -> tuple[int, dict[str, str], bytes]:
        return (
            200,
            {"Content-Type": "text/html; charset=utf-8", **headers},
            f"<html><head>{head}</head><body>{body}</body></html>".encode(),
        )

    site.pages |= {
        "/": page("", "".join(f"<a href='/{n}'>x</a>" for n in range(6))),
        "/0": page('<link rel="license" href="https://creativecommons.org/licenses/by-sa/4.0/deed.zh-hans">'),
        "/1": page("", '<a rel="nofollow license" href="/own-licence.html">授权</a>'),
        "/2": page("", '<a href="http://www.creativecommons.org/licenses/by-sa/4.0/">CC</a>'),
        "/3": page(Link='<https://creativecommons.org/publicdomain/zero/1.0/>; rel="license"'),
        "/4": page("", '<a href="https://example.org/creativecommons.org/licenses/by/4.0/">not one</a>'),
        "/5": page("", "没有"),
    }  # fmt: skip
    summary = crawl(site, tmp_path / "a.warc.gz", allow_paths=r"^/\d?$")
    assert summary["licenses"] == {
        "https://creativecommons.org/licenses/by-sa/4.0/": 2, "/own-licence.html": 1,
        "https://creativecommons.org/publicdomain/zero/1.0/": 1,
    }  # fmt: skip
    assert "none named (3 pages)" in summary["license"] and summary["date"] == summary["version"][12:22]
    sha256 = hashlib.sha256((tmp_path / "a.warc.gz").read_bytes()).hexdigest()
    assert summary["files"][0]["sha256"] == sha256


def test_a_bomb_among_the_pages_is_followed_no_further(site, tmp_path):
    bomb = gzip.compress(b"<a href='/x'>" * 10_000_000)
    site.pages["/"] = (200, {"Content-Type": "text/html", "Content-Encoding": "gzip"}, bomb)
    site.pages["/good"] = (
        200,
        {"Content-Type": "text/html", "Content-Encoding": "gzip"},
        gzip.compress(b"<a href='/a.html'>"),
    )
    assert crawl(site, tmp_path / "a.warc.gz", max_pages=2, max_page_bytes=1 << 20)["pages"] == 2
    assert crawl(site, tmp_path / "b.warc.gz", "/good", max_pages=2)["pages"] == 2
    assert "/a.html" in [path for _, path in site.seen]


def test_a_site_that_is_busy_before_it_has_said_its_rules_is_left_alone(site, tmp_path):
    site.pages["/robots.txt"] = (429, {"Retry-After": "9999"}, b"")
    with pytest.raises(HeadwaterError, match=r"robots\.txt answers 429"):
        crawl(site, tmp_path / "a.warc.gz")
    assert len(site.seen) == 1 and list(tmp_path.iterdir()) == []
