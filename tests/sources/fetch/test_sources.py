"""Every source over the paths and formats of its real server: bounded, dated, checked, resumed after SIGKILL."""

import base64
import bz2
import gzip
import hashlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest
from fastwarc.warc import ArchiveIterator

from headwater.errors import HeadwaterError, RecipeError
from headwater.sources.fetch.kinds import Manners, fetch, plan_of
from headwater.sources.fetch.markup import creative_commons, parse_xml

CHINESE = "今天晚上，很好的月光。我不見他，已是三十多年。"


def digest(name: str, body: bytes) -> str:
    return hashlib.new(name, body).hexdigest()


# ---------------------------------------------------------------- what the servers hold


def wiki(mirror, dates=("20251201", "20260101"), parts=1, streams=6, unfinished=("20260201",), big=0) -> None:
    listing = "".join(f'<a href="{date}/">{date}/</a>' for date in (*dates, *unfinished))
    mirror.put("/zhwiki/", f'<html><a href="../">../</a>{listing}<a href="latest/">latest/</a></html>')
    for date in unfinished:
        status = {"jobs": {"articlesmultistreamdump": {"status": "in-progress", "files": {}}}}
        mirror.put(f"/zhwiki/{date}/dumpstatus.json", json.dumps(status))
    for date in dates:
        files = {}
        for part in range(1, parts + 1):
            marks = (str(part), f"-p{part}p{part}00") if parts > 1 else ("", "")
            dump, index, page = [bz2.compress(b"<mediawiki>\n<siteinfo/>\n")], [], 0
            for _ in range(streams):
                offset, text = sum(map(len, dump)), ""
                for _ in range(100):
                    page += 1
                    index.append(f"{offset}:{page}:条目:{page}")
                    noise = random.Random(page).randbytes(big).hex()
                    text += (
                        f"<page><title>条目:{page}</title><text>{CHINESE}{date}{part}{noise}</text></page>\n"
                    )
                dump.append(bz2.compress(text.encode()))
            dump.append(bz2.compress(b"</mediawiki>\n"))
            names = (
                f"zhwiki-{date}-pages-articles-multistream{marks[0]}.xml{marks[1]}.bz2",
                f"zhwiki-{date}-pages-articles-multistream-index{marks[0]}.txt{marks[1]}.bz2",
            )
            for name, body in zip(
                names, (b"".join(dump), bz2.compress("\n".join(index).encode())), strict=True
            ):
                mirror.put(f"/zhwiki/{date}/{name}", body, pause=0.002 if big else 0.0)
                files[name] = {
                    "size": len(body), "url": f"/zhwiki/{date}/{name}", "md5": digest("md5", body),
                    "sha1": digest("sha1", body),
                }  # fmt: skip
        job = {"status": "done", "files": files, "updated": "2026-01-03 00:00:00"}
        mirror.put(
            f"/zhwiki/{date}/dumpstatus.json",
            json.dumps({"version": "0.8", "jobs": {"articlesmultistreamdump": job}}),
        )


def record(url: str, body: bytes) -> tuple[bytes, str]:
    sha1 = base64.b32encode(hashlib.sha1(body).digest()).decode()
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + body
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:{sha1[:8]}>\r\nWARC-Date: 2024-08-10T00:00:00Z\r\n"
        f"WARC-Target-URI: {url}\r\nWARC-Payload-Digest: sha1:{sha1}\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + block + b"\r\n\r\n", mtime=0), sha1


def crawl(mirror, count=40, pages=3) -> list[dict[str, str]]:
    crawls = [
        {"id": "CC-MAIN-2024-33", "name": "August 2024", "cdx-api": "x", "from": "2024-08-02T00:00:00", "to": "2024-08-16T00:00:00"},
        {"id": "CC-MAIN-2024-30", "name": "July 2024", "cdx-api": "x"},
    ]  # fmt: skip
    mirror.put("/collinfo.json", json.dumps(crawls))
    name = "crawl-data/CC-MAIN-2024-33/segments/1/warc/CC-MAIN-20240810-00001.warc.gz"
    warc, captures = b"", []
    for n in range(count):
        url = f"https://example.org/{n:03d}"
        member, sha1 = record(url, f"<p>{CHINESE}{n}</p>".encode() * 20)
        captures.append({
            "urlkey": f"org,example)/{n:03d}", "timestamp": "20240810000000", "url": url, "mime": "text/html",
            "mime-detected": "text/html" if n % 10 else "application/pdf", "status": "200", "digest": sha1,
            "length": str(len(member)), "offset": str(len(warc)), "filename": name, "charset": "UTF-8",
            "languages": "zho,eng" if n % 2 else "eng",
        })  # fmt: skip
        warc += member
    mirror.put(f"/{name}", warc)
    mirror.put("/crawl-data/CC-MAIN-2024-33/warc.paths.gz", gzip.compress(f"{name}\n{name}x\n".encode()))

    def index(query):
        assert query["url"] == "example.org/*" and query["output"] == "json"
        if "showNumPages" in query:
            return 200, {}, json.dumps({"pages": pages, "pageSize": 5, "blocks": 9}).encode()
        some = captures[int(query["page"]) :: pages]
        return 200, {}, b"".join(json.dumps(one).encode() + b"\n" for one in some)

    mirror.routes["/CC-MAIN-2024-33-index"] = index
    return captures


def books(mirror) -> None:
    rows = [
        'Text#,Type,Issued,Title,Language,Authors,Subjects,LoCC,Bookshelves',
        '1,Text,1971-12-01,"The Declaration\nof Independence",en,"Jefferson, Thomas, 1743-1826",US,E201,Politics',
        '2,Sound,1972-01-01,An audiobook,en,A,S,P,B',
        '24264,Text,2008-01-12,紅樓夢,zh,"曹雪芹, 1717-1763",Fiction,PL,Chinese',
        '23950,Text,2007-12-21,三國志演義,zh,羅貫中,Fiction,PL,Chinese',
        '52323,Text,2016-06-13,論語,zh; en,孔子,Philosophy,PL,Chinese',
    ]  # fmt: skip
    packed = gzip.compress("\r\n".join(rows).encode(), mtime=0)
    mirror.put("/cache/epub/feeds/pg_catalog.csv.gz", packed, modified="Sun, 04 Jan 2026 01:02:03 GMT")
    for number in (1, 24264):
        mirror.put(f"/cache/epub/{number}/pg{number}.txt", f"\ufeff{CHINESE}{number}\r\n" * 3000, pause=0.001)
    mirror.put("/2/3/9/5/23950/23950-0.txt", CHINESE * 2000)


def stack(mirror) -> None:
    files = []
    for name in (
        "chinese.stackexchange.com.7z",
        "stackoverflow.com-Posts.7z",
        "stackoverflow.com-Users.7z",
        "license.txt",
    ):
        body = b"7z\xbc\xaf\x27\x1c" + random.Random(name).randbytes(90_000)
        mirror.put(f"/data/{name}", body, pause=0.001)
        mirror.routes[f"/download/stackexchange/{name}"] = lambda query, name=name: (
            302, {"Location": f"{mirror.url}/data/{name}"}, b"",
        )  # fmt: skip
        files.append({
            "name": name, "size": str(len(body)), "md5": digest("md5", body), "sha1": digest("sha1", body),
            "mtime": "1712016000", "source": "original",
        })  # fmt: skip
    about = {"metadata": {"licenseurl": "https://creativecommons.org/licenses/by-sa/4.0/"}, "files": files}
    mirror.put("/metadata/stackexchange", json.dumps(about))
    mirror.put("/metadata/nothing", "{}")


def papers(mirror) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        data = (r"\documentclass{ctexart}" + CHINESE * 300).encode()
        entry = tarfile.TarInfo("main.tex")
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
    known = {
        "2101.00001": ("2", archive.getvalue(), "http://creativecommons.org/licenses/by/4.0/"),
        "hep-th/9901001": ("1", gzip.compress(b"\\documentstyle{article}" * 99, mtime=0), None),
        "2101.00003": ("1", b"%PDF-1.5 scan", "http://arxiv.org/licenses/nonexclusive-distrib/1.0/"),
    }

    def atom(query):
        entries = ""
        for one in query["id_list"].split(","):
            name = one.partition("v")[0] if one[0].isdigit() else one
            if name not in known:
                entries += "<entry><id>http://arxiv.org/api/errors#x</id><title>Error</title><summary>incorrect id format</summary></entry>"
                continue
            entries += (
                f"<entry><id>http://arxiv.org/abs/{name}v{known[name][0]}</id><updated>2021-02-0{known[name][0]}T00:00:00Z</updated>"
                f"<published>2021-01-01T00:00:00Z</published><title>On the\n  月光 {name}</title><summary>A &lt; B</summary>"
                '<author><name>鲁迅</name></author><category term="cs.CL"/>'
                "<arxiv:doi>10.1/x</arxiv:doi></entry>"
            )
        feed = f'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom"><title>q</title>{entries}</feed>'
        return 200, {}, feed.encode()

    def oai(query):
        assert query["verb"] == "GetRecord" and query["metadataPrefix"] == "arXiv"
        license = known[query["identifier"].removeprefix("oai:arXiv.org:")][2]
        inside = f"<license>{license}</license>" if license else ""
        return (
            200,
            {},
            f'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><arXiv xmlns="http://arxiv.org/OAI/arXiv/">{inside}</arXiv></OAI-PMH>'.encode(),
        )

    mirror.routes["/api/query"] = atom
    mirror.routes["/oai"] = oai
    for name, (version, body, _) in known.items():
        mirror.put(f"/e-print/{name}v{version}", body)


COMMIT = "0123456789abcdef0123456789abcdef01234567"


def hub(mirror) -> None:
    files = {
        "README.md": b"# card", ".gitattributes": b"x", "zh/train-0.jsonl": CHINESE.encode() * 3000,
        "zh/train-1.jsonl": b"{}\n" * 9000, "en/train.parquet": b"PAR1" * 40_000,
    }  # fmt: skip
    entries = [{"type": "directory", "oid": "1", "size": 0, "path": "zh"}]
    for path, body in files.items():
        entry = {
            "type": "file",
            "path": path,
            "size": len(body),
            "oid": digest("sha1", b"blob %d\0" % len(body) + body),
        }
        where = f"/datasets/org/name/resolve/{COMMIT}/{path}"
        if path.endswith("parquet"):
            entry["lfs"] = {"oid": digest("sha256", body), "size": len(body), "pointerSize": 130}
            mirror.put("/cdn/blob", body, pause=0.001)
            mirror.routes[where] = lambda query: (
                302,
                {"Location": f"{mirror.url}/cdn/blob", "X-Repo-Commit": COMMIT},
                b"",
            )
        else:
            mirror.put(where, body, pause=0.001)
        entries.append(entry)

    def listing(query):
        assert query["recursive"] == "true"
        if "cursor" not in query:
            following = (
                f'<{mirror.url}/api/datasets/org/name/tree/{COMMIT}?recursive=true&cursor=abc>; rel="next"'
            )
            return 200, {"Link": following}, json.dumps(entries[:3]).encode()
        return 200, {}, json.dumps(entries[3:]).encode()

    about = {
        "id": "org/name",
        "sha": COMMIT,
        "lastModified": "2026-01-02T03:04:05.000Z",
        "cardData": {"license": ["cc-by-sa-4.0"]},
    }
    mirror.put("/api/datasets/org/name/revision/main", json.dumps(about))
    mirror.routes[f"/api/datasets/org/name/tree/{COMMIT}"] = listing


SOURCES = {
    "wikipedia": (wiki, {"language": "zh"}, "wiki"),
    "commoncrawl": (crawl, {"url": "example.org/*"}, "cc.warc.gz"),
    "gutenberg": (books, {"ids": (1, 24264)}, "books"),
    "stackexchange": (stack, {"site": "stackoverflow.com"}, "forum"),
    "arxiv": (papers, {"ids": ("2101.00001", "hep-th/9901001", "2101.00003")}, "papers"),
    "huggingface": (hub, {"repository": "org/name"}, "hub"),
}


def get(kind, mirror, out, manners, **settings):
    return fetch(kind, out, manners=manners, base_url=mirror.url, **settings)


# ---------------------------------------------------------------- what holds for all of them


@pytest.mark.fault(37)
@pytest.mark.parametrize("kind", SOURCES)
def test_a_sample_is_dated_hashed_licensed_and_done_once(mirror, manners, tmp_path, tree, kind):
    serve, settings, name = SOURCES[kind]
    serve(mirror)
    out = tmp_path / name
    summary = get(kind, mirror, out, manners, **settings)
    assert summary == json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))
    assert (
        summary["kind"] == kind
        and summary["license"]
        and summary["version"]
        and summary["retrieved"].endswith("Z")
    )
    assert "latest" not in summary["version"] and summary["source"].startswith(mirror.url)
    assert summary["bytes"] == sum(file["bytes"] for file in summary["files"]) > 0
    for file in summary["files"]:
        path = (
            out
            if out.is_file()
            else out
            / file["path"].replace(Path(file["path"]).name, file.get("name", Path(file["path"]).name))
        )
        assert digest("sha256", path.read_bytes()) == file["sha256"] and path.stat().st_size == file["bytes"]
    assert not list(tmp_path.glob(".*")) and not list(tmp_path.rglob(".*"))
    before, asked = tree(tmp_path), len(mirror.seen)
    assert get(kind, mirror, out, manners, **settings) == summary
    assert tree(tmp_path) == before and len(mirror.seen) == asked
    with pytest.raises(HeadwaterError, match="is there already, from another request"):
        get(kind, mirror, out, manners, **settings, max_bytes=12_345_678)
    text = f"name: x\nsources:\n  {summary['recipe']}\n"
    assert text.count("\n") == 3 and str(out.resolve()) in text


@pytest.mark.parametrize("kind", SOURCES)
def test_a_plan_fetches_listings_only_and_leaves_nothing(mirror, manners, tmp_path, kind):
    serve, settings, name = SOURCES[kind]
    serve(mirror)
    made = plan_of(kind, tmp_path / name, manners=manners, base_url=mirror.url, **settings)
    assert made.wanted and made.license and list(tmp_path.iterdir()) == []
    assert not any(headers.get("range") for _, headers in mirror.seen)
    summary = get(kind, mirror, tmp_path / name, manners, **settings)
    assert summary["version"] == made.version and (made.bytes or 0) <= summary["bytes"]


@pytest.mark.parametrize("kind", SOURCES)
def test_servers_that_stumble_give_the_same_sample(mirror, manners, tmp_path, tree, kind):
    serve, settings, name = SOURCES[kind]
    serve(mirror)
    get(kind, mirror, tmp_path / "a" / name, manners, **settings)
    random.seed(7)
    for file in mirror.files.values():
        file.faults = random.choices([429, 500, 503, "short", None, "other range"], k=4)
    get(kind, mirror, tmp_path / "b" / name, manners, **settings)
    same = [tree(tmp_path / side) for side in "ab"]
    for side in same:
        side.pop(f"{name}.json")
    assert same[0] == same[1] and same[0]


CHILD = """
import json, sys
from pathlib import Path
from headwater.sources.fetch.kinds import Manners, fetch
kind, out, url, settings = sys.argv[1], Path(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4])
settings = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
manners = Manners(delay=0.0, backoff=0.01, timeout=5.0, allow_loopback=True, https_only=False)
print("ready", flush=True)
fetch(kind, out, manners=manners, base_url=url, **settings)
"""


@pytest.mark.fault(1)
@pytest.mark.parametrize("kind", ["wikipedia", "commoncrawl", "huggingface"])
def test_killed_at_random_moments_the_sample_is_the_same(mirror, manners, tmp_path, tree, kind):
    serve, settings, name = SOURCES[kind]
    serve(mirror, **({"big": 200} if kind == "wikipedia" else {}))
    whole = tmp_path / "whole" / name
    began = time.monotonic()
    get(kind, mirror, whole, manners, **settings)
    seconds = time.monotonic() - began
    out, clock = tmp_path / "killed" / name, random.Random(kind)
    out.parent.mkdir()
    code = [sys.executable, "-c", CHILD, kind, str(out), mirror.url, json.dumps(settings)]
    kills = 0
    for _ in range(5):
        child = subprocess.Popen(code, stdout=subprocess.PIPE, env=dict(os.environ))
        assert child.stdout is not None and child.stdout.readline() == b"ready\n"
        time.sleep(clock.uniform(0.02, 0.6) * seconds)
        kills += child.poll() is None
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        assert not (tmp_path / "killed" / f"{name}.json").exists() or out.exists()
    get(kind, mirror, out, manners, **settings)
    sides = [tree(tmp_path / side) for side in ("whole", "killed")]
    for side in sides:
        side.pop(f"{name}.json")
    assert sides[0] == sides[1] and kills >= 1
    assert not list((tmp_path / "killed").rglob(".*"))


@pytest.mark.fault(37)
def test_an_unfinished_fetch_goes_on_with_the_version_that_it_began(mirror, manners, tmp_path):
    wiki(mirror, unfinished=())
    dump = next(name for name in mirror.files if name.endswith("20260101-pages-articles-multistream.xml.bz2"))
    mirror.files[dump].faults = ["short", *[503] * 9]
    with pytest.raises(HeadwaterError, match="run the same command again later"):
        get("wikipedia", mirror, tmp_path / "wiki", manners, language="zh")
    assert not (tmp_path / "wiki").exists() and not (tmp_path / "wiki.json").exists()
    old = mirror.files[dump]
    wiki(mirror, dates=("20260101", "20260301"), unfinished=())
    assert mirror.files[dump].body == old.body
    with pytest.raises(HeadwaterError, match="beginning of another fetch"):
        get("wikipedia", mirror, tmp_path / "wiki", manners, language="zh", pages=100)
    summary = get("wikipedia", mirror, tmp_path / "wiki", manners, language="zh")
    assert summary["version"] == "20260101" and summary["date"] == "2026-01-01"
    assert get("wikipedia", mirror, tmp_path / "new", manners, language="zh")["version"] == "20260301"


def test_what_stands_in_the_way_is_never_overwritten(mirror, manners, tmp_path):
    stack(mirror)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("论文", encoding="utf-8")
    with pytest.raises(HeadwaterError, match="was not fetched"):
        get("stackexchange", mirror, tmp_path / "mine", manners, site="chinese")
    assert (tmp_path / "mine" / "thesis.txt").read_text(encoding="utf-8") == "论文" and mirror.seen == []


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>maintenance</html>",
        b"[]",
        b"{}",
        b"null",
        b"[1]",
        b'{"files": 3}',
        b"\x1f\x8b\x00",
        b"[" * 200_000,
    ],
)
def test_listings_of_another_form_are_errors_for_a_person(mirror, manners, tmp_path, kind, answer):
    serve, settings, name = SOURCES[kind]
    serve(mirror)
    for file in mirror.files.values():
        file.body = answer
    for path in mirror.routes:
        mirror.routes[path] = lambda query: (200, {}, answer)
    with pytest.raises(HeadwaterError):
        get(kind, mirror, tmp_path / name, manners, **settings)
    assert not (tmp_path / name).exists()


# ---------------------------------------------------------------- wikipedia


def test_a_wiki_sample_is_whole_streams_and_closed(mirror, manners, tmp_path):
    wiki(mirror)
    summary = get("wikipedia", mirror, tmp_path / "w", manners, language="zh", pages=250)
    assert summary["version"] == "20260101" and [file["pages"] for file in summary["files"]] == [300]
    text = bz2.decompress((tmp_path / "w" / "zhwiki-20260101-first.xml.bz2").read_bytes()).decode()
    assert text.count("<page>") == 300 and text.startswith("<mediawiki>") and text.endswith("</mediawiki>\n")
    assert CHINESE in text and parse_xml(text.encode()).tag == "mediawiki"
    dump = next(name for name in mirror.files if name.endswith("20260101-pages-articles-multistream.xml.bz2"))
    [headers] = mirror.asked(dump)
    assert headers["range"].startswith("bytes=0-")
    older = get(
        "wikipedia", mirror, tmp_path / "o", manners, language="zh", date="20251201", max_bytes=40_000
    )
    assert older["version"] == "20251201" and older["bytes"] <= 40_000


def test_a_wiki_in_parts(mirror, manners, tmp_path):
    wiki(mirror, parts=3, streams=2)
    sizes = {
        name: len(file.body) for name, file in mirror.files.items() if "20260101" in name and ".xml" in name
    }
    summary = get("wikipedia", mirror, tmp_path / "w", manners, language="zh", pages=250)
    assert [file["path"] for file in summary["files"]] == [
        "zhwiki-20260101-pages-articles-multistream1.xml-p1p100.bz2", "zhwiki-20260101-first-2.xml.bz2",
    ]  # fmt: skip
    assert "checked" in summary["files"][0] and summary["left_out"]["not asked for"]["count"] == 1
    whole = get("wikipedia", mirror, tmp_path / "all", manners, language="zh")
    assert len(whole["files"]) == 3 and whole["bytes"] == sum(sizes.values()) and "left_out" not in whole


def test_what_a_wiki_has_not(mirror, manners, tmp_path):
    wiki(mirror)
    for settings, problem in (
        ({"language": "xx"}, "has no wiki xxwiki"), ({"language": "zh", "date": "20260201"}, "not dumped completely"),
        ({"language": "zh", "max_bytes": 100}, "raise it"), ({"language": "../x"}, "expected one as in"),
        ({"language": "zh", "date": "tomorrow"}, "expected latest"),
    ):  # fmt: skip
        with pytest.raises(HeadwaterError, match=problem):
            get("wikipedia", mirror, tmp_path / "w", manners, **settings)
        assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- commoncrawl


def test_records_of_a_crawl_by_its_index(mirror, manners, tmp_path, read):
    captures = crawl(mirror)
    out = tmp_path / "cc.warc.gz"
    summary = get("commoncrawl", mirror, out, manners, url="example.org/*", mime="text/html", language="zh")
    wanted = sum("zho" in one["languages"] and one["mime-detected"] == "text/html" for one in captures)
    assert (
        summary["records"] == wanted
        and summary["version"] == "CC-MAIN-2024-33"
        and summary["date"] == "2024-08-16"
    )
    assert sum(reason["count"] for reason in summary["left_out"].values()) == len(captures) - wanted
    with out.open("rb") as file:
        records = list(ArchiveIterator(file, parse_http=False))
        assert len(records) == wanted
    assert len(read(out, kind="warc", text="all").texts) == wanted
    few = get("commoncrawl", mirror, tmp_path / "few.warc.gz", manners, url="example.org/*", first=3)
    assert few["records"] == 3 and few["ended"] == "a limit was met"


@pytest.mark.fault(36)
def test_a_record_that_is_not_as_the_index_says_is_left_out_and_named(mirror, manners, tmp_path):
    captures = crawl(mirror)
    captures[4]["digest"] = "A" * 32
    captures[7]["offset"] = str(int(captures[7]["offset"]) + 1)
    summary = get("commoncrawl", mirror, tmp_path / "cc.warc.gz", manners, url="example.org/*")
    skipped = summary["files"][0]["skipped"]
    assert len(skipped) == 2 and any("SHA-1 of its payload" in why for why in skipped.values())
    with (tmp_path / "cc.warc.gz").open("rb") as file:
        assert sum(1 for _ in ArchiveIterator(file, parse_http=False)) == len(captures) - 2


def test_real_records_have_the_digests_that_are_checked(real_data):
    from headwater.sources.fetch.download import record_damage

    path = real_data / "corpora/web-warc/cc-multilingual-a.warc.gz"
    with path.open("rb") as file:
        places = [
            (record.stream_pos, record.headers.get("WARC-Payload-Digest"))
            for record in ArchiveIterator(file, parse_http=False)
        ]
    data = path.read_bytes()
    ends = [place for place, _ in places[1:]] + [len(data)]
    digests = [(start, end, sha1) for (start, sha1), end in zip(places, ends, strict=True) if sha1]
    assert len(digests) >= 7
    for start, end, sha1 in digests:
        assert record_damage(data[start:end], sha1) == ""
        assert "payload is" in record_damage(data[start:end], "sha1:" + "A" * 32)
        assert record_damage(data[start : end - 9], sha1) and record_damage(data[start + 1 : end], sha1)


def test_whole_files_of_a_crawl(mirror, manners, tmp_path):
    crawl(mirror)
    summary = get("commoncrawl", mirror, tmp_path / "cc", manners, paths="warc.paths.gz", first=2)
    assert [file["path"] for file in summary["files"]] == ["CC-MAIN-20240810-00001.warc.gz"]
    assert summary["missing"]["count"] == 1 and "404" in summary["missing"]["first"][0]
    (tmp_path / "list.txt").write_text("crawl-data/../../etc/passwd\n")
    with pytest.raises(HeadwaterError, match="no plain relative path"):
        get("commoncrawl", mirror, tmp_path / "x", manners, paths=str(tmp_path / "list.txt"))


def test_what_a_crawl_has_not(mirror, manners, tmp_path):
    crawl(mirror)
    mirror.routes["/CC-MAIN-2024-30-index"] = lambda query: (404, {}, b'{"message": "No Captures found"}')
    for settings, problem in (
        ({"url": "example.org/*", "language": "de"}, "no page that fits"), ({}, "either --url"),
        ({"url": "example.org/*", "crawl": "CC-MAIN-2030-01"}, "its newest are CC-MAIN-2024-33"),
        ({"url": "example.org/*", "crawl": "CC-MAIN-2024-30"}, "try another --crawl"),
        ({"url": "example.org/*", "crawl": "../x"}, "expected latest"),
        ({"paths": "none.txt"}, "no such file"),
    ):  # fmt: skip
        with pytest.raises(HeadwaterError, match=problem):
            get(
                "commoncrawl",
                mirror,
                tmp_path / "x.warc.gz" if settings.get("url") else tmp_path / "x",
                manners,
                **settings,
            )
    with pytest.raises(RecipeError, match=r"must end in \.warc\.gz"):
        get("commoncrawl", mirror, tmp_path / "folder", manners, url="example.org/*")


# ---------------------------------------------------------------- the others


def test_books_of_a_language(mirror, manners, tmp_path):
    books(mirror)
    summary = get("gutenberg", mirror, tmp_path / "b", manners, language="zh", first=3)
    assert [file["id"] for file in summary["files"]] == [23950, 24264] and summary["date"] == "2026-01-04"
    assert summary["files"][0]["url"].endswith("/2/3/9/5/23950/23950-0.txt")
    assert summary["missing"]["count"] == 1 and "pg52323.txt" in summary["missing"]["first"][0]
    assert "紅樓夢" in (tmp_path / "b" / "catalog.csv").read_text(encoding="utf-8")
    few = get("gutenberg", mirror, tmp_path / "c", manners, language="zh", first=3, max_bytes=150_000)
    assert [file["id"] for file in few["files"]] == [23950] and few["missing"]["count"] == 2
    for settings, problem in (({"ids": (2,)}, "no text 2"), ({}, "either"), ({"ids": (0,)}, "1 or more")):
        with pytest.raises(HeadwaterError, match=problem):
            get("gutenberg", mirror, tmp_path / "d", manners, **settings)


def test_a_forum_is_found_by_its_short_name(mirror, manners, tmp_path):
    stack(mirror)
    summary = get("stackexchange", mirror, tmp_path / "f", manners, site="chinese")
    assert [file["path"] for file in summary["files"]] == ["chinese.stackexchange.com.7z"]
    assert summary["date"] == "2024-04-02" and summary["files"][0]["checked"] == ["md5", "sha1"]
    bounded = get("stackexchange", mirror, tmp_path / "s", manners, site="stackoverflow", max_bytes=100_000)
    assert len(bounded["files"]) == 1 and bounded["left_out"]["max_bytes"]["count"] == 1
    for settings, problem in (
        ({"site": "chimera"}, r"has no site 'chimera'; it has chinese\.stackexchange\.com"),
        ({"site": "chinese", "item": "nothing"}, "no item 'nothing'"), ({"site": "a/b"}, "expected a site"),
        ({"site": "chinese", "max_bytes": 10}, "more than --max-bytes"),
    ):  # fmt: skip
        with pytest.raises(HeadwaterError, match=problem):
            get("stackexchange", mirror, tmp_path / "x", manners, **settings)


def test_papers_with_versions_licences_and_endings(mirror, manners, tmp_path):
    papers(mirror)
    (tmp_path / "ids.txt").write_text("arXiv:2101.00001\nhep-th/9901001 2101.00003\n")
    summary = get("arxiv", mirror, tmp_path / "p", manners, ids_from=tmp_path / "ids.txt")
    assert [file["name"] for file in summary["files"]] == [
        "2101.00001v2.tar.gz", "hep-th_9901001v1.tex.gz", "2101.00003v1.pdf",
    ]  # fmt: skip
    assert summary["files"][0]["license"] == "http://creativecommons.org/licenses/by/4.0/"
    assert "or none that is known" in summary["files"][1]["license"] and summary["version"].startswith(
        "2101.00001v2, hep"
    )
    lines = (tmp_path / "p" / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
    first = json.loads(lines[0])
    assert (
        len(lines) == 3
        and first["title"] == "On the 月光 2101.00001"
        and first["authors"] == ["鲁迅"]
        and first["abstract"] == "A < B"
    )
    free = get("arxiv", mirror, tmp_path / "q", manners, ids_from=tmp_path / "ids.txt", open_only=True)
    assert len(free["files"]) == 1 and free["left_out"]["not under a Creative Commons licence"]["count"] == 2
    for ids, problem in (
        (("2101.99999",), "incorrect id format"),
        (("x",), "no arXiv identifier"),
        ((), "takes identifiers"),
    ):
        with pytest.raises(HeadwaterError, match=problem):
            get("arxiv", mirror, tmp_path / "x", manners, ids=ids)


def test_a_repository_at_a_commit(mirror, manners, tmp_path, monkeypatch):
    hub(mirror)
    monkeypatch.setenv("HF_TOKEN", "canary-9d1e")
    summary = get("huggingface", mirror, tmp_path / "h", manners, repository="org/name")
    assert (
        summary["version"] == COMMIT
        and summary["license"] == "cc-by-sa-4.0"
        and summary["date"] == "2026-01-02"
    )
    assert {file["path"]: file["checked"] for file in summary["files"]} == {
        "en/train.parquet": ["sha256"], "zh/train-0.jsonl": ["git"], "zh/train-1.jsonl": ["git"],
    }  # fmt: skip
    assert summary["left_out"]["no text or table"]["count"] == 2
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert (
        b"canary" not in written and mirror.asked("/api/datasets/org/name/revision/main")[0]["authorization"]
    )
    some = get("huggingface", mirror, tmp_path / "s", manners, repository="org/name", allow=("zh/*-1.jsonl",))
    assert [file["path"] for file in some["files"]] == ["zh/train-1.jsonl"]
    for settings, problem in (
        ({"repository": "name"}, "org/name"), ({"repository": "org/name", "allow": ("*.xml",)}, "no file that fits"),
        ({"repository": "org/name", "revision": "../../x y"}, "expected a branch"),
    ):  # fmt: skip
        with pytest.raises(HeadwaterError, match=problem):
            get("huggingface", mirror, tmp_path / "x", manners, **settings)


@pytest.mark.parametrize(
    "path",
    ["../evil.jsonl", "/etc/evil.jsonl", "zh/../../evil.jsonl", ".ssh/evil.jsonl", "a\\..\\evil.jsonl"],
)
def test_paths_that_leave_the_folder_are_refused(mirror, manners, tmp_path, path):
    hub(mirror)
    entry = {"type": "file", "path": path, "size": 1, "oid": "0" * 40}
    mirror.routes[f"/api/datasets/org/name/tree/{COMMIT}"] = lambda query: (
        200,
        {},
        json.dumps([entry]).encode(),
    )
    with pytest.raises(HeadwaterError, match="no plain relative path"):
        get("huggingface", mirror, tmp_path / "h", manners, repository="org/name", allow=("*",))
    assert list(tmp_path.iterdir()) == []


def test_a_contact_is_said_to_the_server(mirror, tmp_path):
    stack(mirror)
    polite = Manners(delay=0.0, timeout=5.0, allow_loopback=True, https_only=False, contact="me@example.org")
    get("stackexchange", mirror, tmp_path / "f", polite, site="chinese")
    assert all(headers["user-agent"].endswith("; me@example.org)") for _, headers in mirror.seen)
    with pytest.raises(RecipeError, match="--contact"):
        get("stackexchange", mirror, tmp_path / "g", Manners(contact="a\r\nX-Evil: 1"), site="chinese")


def test_markup_of_others_is_read_with_care():
    with pytest.raises(ValueError, match="entities"):
        parse_xml(b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>')
    with pytest.raises(ValueError, match="not UTF-8"):
        parse_xml("<x/>".encode("utf-16"))
    for url, name in (
        ("http://creativecommons.org/licenses/by-sa/3.0/deed.zh", "https://creativecommons.org/licenses/by-sa/3.0/"),
        ("https://www.creativecommons.org/publicdomain/zero/1.0/legalcode", "https://creativecommons.org/publicdomain/zero/1.0/"),
        ("https://creativecommons.org/licenses/by/4.0", "https://creativecommons.org/licenses/by/4.0/"),
        ("https://example.org/creativecommons.org/licenses/by/4.0", ""), ("https://creativecommons.org/about", ""),
    ):  # fmt: skip
        assert creative_commons(url) == name
