"""Addresses: their normal form, lists of them, words in them, limits on hosts; the gate in front of the extraction."""

import gzip
import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.engine.workspace import Workspace
from headwater.errors import RecipeError
from headwater.recipe.settings import Holdout
from headwater.recipe.sources import SOURCES, Urls
from headwater.sources.shards import plan
from headwater.sources.urls import UrlGate, normalise, registered_domain, site_of

CHINESE = "今天晚上，很好的月光。我不见他，已是三十多年；今天见了，精神分外爽快。"


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("HEADWATER_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("HTTP://www.Example.COM", "http://www.example.com/"),
        ("http://example.com:80/%7euser/%e4%b8%ad", "http://example.com/~user/%E4%B8%AD"),
        ("https://example.com:443/a/./b/../c", "https://example.com/a/c"),
        ("https://example.com:8443/../../x/..", "https://example.com:8443/"),
        ("http://me:secret@example.com/a#part", "http://example.com/a"),
        (
            "http://www.新华网.中国/新闻?q=中 文",
            "http://www.xn--xkrr14bows.xn--fiqs8s/%E6%96%B0%E9%97%BB?q=%E4%B8%AD%20%E6%96%87",
        ),
        ("http://example.com./a", "http://example.com/a"),
        ("http://[2001:DB8::1]:80/a", "http://[2001:db8::1]/a"),
        ("http://example.com/a//b?x=%2f&y=1", "http://example.com/a//b?x=%2F&y=1"),
        ("not an address", "not an address"),
        ("http://[broken/a", "http://[broken/a"),
        ("urn:isbn:1", "urn:isbn:1"),
    ],
)
def test_the_normal_form_is_that_of_rfc_3986(url, normal):
    assert normalise(url) == normal
    assert normalise(normal) == normal


def test_parameters_that_track_readers_go_on_request():
    url = "https://e.example/a?utm_source=x&id=7&fbclid=abc&spm=1.2&UTM_Medium=y&utmost=1"
    assert normalise(url, tracking=False) == "https://e.example/a?id=7&utmost=1"
    assert normalise(url) == url


@given(st.text(max_size=60))
def test_the_normal_form_of_anything_is_its_own_normal_form(text):
    for url in (text, f"http://e.example/{text}", f"https://{text}.example/a"):
        once = normalise(url)
        assert normalise(once) == once
        UrlGate(Urls(words="headwater", per_host=1)).listed(url)


def test_a_lone_surrogate_is_no_reason_to_fail(tmp_path):
    listed = tmp_path / "list.txt"
    listed.write_text("e.example\n")
    gate = UrlGate(Urls(lists={"a": [str(listed)]}, words="headwater", per_domain=1, address="normal"))
    for url in ("http://e\ud800.example/", "http://x.example/\udfff", "\ud800"):
        assert gate.listed(url) is None
        gate.beyond_limit(url, 1)
        assert isinstance(gate.address(url), str)


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("news.bbc.co.uk", "bbc.co.uk"),
        ("a.b.com.cn", "b.com.cn"),
        ("1.2.3.4", "1.2.3.4"),
        ("localhost", "localhost"),
    ],
)
def test_the_domain_is_what_was_registered(host, domain):
    assert registered_domain(host) == domain and site_of(f"http://{host}:8080/") == domain


# ---------------------------------------------------------------- lists

LIST = """# adult
bad.example
||ads.example^
0.0.0.0 hosts.example   # from a hosts file
.dotted.example
*.starred.example
blog.example/users/spam
http://Site.Example/%7Ebob/
http://whole.example/
坏站.中国
10.0.0.1
"""


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://bad.example/", True),
        ("https://www.a.BAD.example:8080/x?y", True),
        ("http://notbad.example/", False),
        ("http://bad.example.org/", False),
        ("http://ads.example/a", True),
        ("http://hosts.example", True),
        ("http://x.dotted.example/", True),
        ("http://x.starred.example/", True),
        ("http://blog.example/", False),
        ("http://blog.example/users", False),
        ("http://blog.example/users/spammer", False),
        ("http://blog.example/users/spam", True),
        ("http://www.blog.example/users/spam/a/b?c", True),
        ("http://blog.example/users/./x/../spam/", True),
        ("http://blog.example/users/spam?page=2", True),
        ("http://site.example/~bob/a.html", True),
        ("http://site.example/~bobby", False),
        ("http://whole.example/any", True),
        ("http://www.坏站.中国/", True),
        ("http://10.0.0.1/x", True),
        ("no address", False),
        ("", False),
    ],
)
def test_an_address_is_found_by_its_domain_host_or_path(tmp_path, packed, url, found):
    path = tmp_path / f"list.txt{'.gz' * packed}"
    data = LIST.replace("\n", "\r\n").encode()
    path.write_bytes(gzip.compress(data) if packed else data)
    gate = UrlGate(Urls(lists={"adult": [str(path)]}))
    assert gate.listed(url) == ("url:list:adult" if found else None)


def test_a_list_that_changes_is_read_anew_and_a_missing_or_damaged_one_is_named(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("a.example\n")
    settings = Urls(lists={"mine": [str(path)]})
    assert UrlGate(settings).listed("http://a.example/")
    path.write_text("b.example\nlonger.example\n")
    from headwater.sources.url_lists import list_of

    list_of.cache_clear()
    gate = UrlGate(settings)
    assert gate.listed("http://b.example/") and not gate.listed("http://a.example/")
    with pytest.raises(RecipeError, match="nowhere"):
        UrlGate(Urls(lists={"mine": [str(tmp_path / "nowhere.txt")]}))
    damaged = tmp_path / "list.gz"
    damaged.write_bytes(gzip.compress(b"a.example\n" * 99)[:-9])
    with pytest.raises(RecipeError, match=r"list\.gz is damaged"):
        UrlGate(Urls(lists={"mine": [str(damaged)]}))
    empty = tmp_path / "empty.txt"
    empty.write_bytes(b"")
    assert UrlGate(Urls(lists={"mine": [str(empty)]})).listed("http://a.example/") is None


LARGE = """
import json, resource, sys
from headwater.recipe.sources import Urls
from headwater.sources.urls import UrlGate
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
before = peak()
gate = UrlGate(Urls(lists={"large": [sys.argv[1]]}))
found = sum(gate.listed(f"http://www.d{n}.example/x") is not None for n in range(0, 2_000_000, 1009))
missed = sum(gate.listed(f"http://e{n}.example/x") is not None for n in range(20_000))
print(json.dumps([found, missed, peak() - before]))
"""


def test_a_list_of_a_million_is_held_in_little_memory(tmp_path):
    path = tmp_path / "large.txt"
    with path.open("w") as file:
        file.writelines(f"d{n}.example\n" for n in range(1_000_000))
    done = subprocess.run(
        [sys.executable, "-c", LARGE, str(path)], capture_output=True, text=True, check=True
    )
    found, missed, grown = json.loads(done.stdout)
    assert (found, missed) == (992, 0) and grown < 80 << 20


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("url", "spam"),
    [
        ("http://www.freeporntube.example/", True),
        ("http://e.example/xxx/1", True),
        ("http://e.example/xxxl-shirts", False),
        ("http://essex.example/middlesex-county", False),
        ("http://e.example/adult-education", False),
        ("http://e.example/adult/dating-sex", True),
        ("http://specialist.example/socialist", False),
        ("http://e.example/%E8%89%B2%E6%83%85/1.html", True),
        ("http://e.example/%E6%96%B0%E9%97%BB/1.html", False),
        ("http://e.example/在线投注棋牌大全", True),
        ("http://e.example/棋牌比赛新闻", False),
        ("http://www.xn--cck2b3b.xn--fiqs8s/", False),
    ],
)
def test_words_tell_spam_and_spare_what_only_looks_like_it(url, spam):
    assert (UrlGate(Urls(words="headwater")).listed(url) is not None) == spam


def test_words_may_be_a_users_own(tmp_path):
    for name, words in {"strict": "赌\n", "hard": "# no\nspam\n", "soft": "one\nTWO\nthree\n"}.items():
        (tmp_path / name).write_text(words)
    settings = Urls.model_validate(
        {"words": {name: [str(tmp_path / name)] for name in ("strict", "hard", "soft")} | {"at_least": 3}}
    )
    gate = UrlGate(settings)
    urls = (
        "http://e.example/好赌网",
        "http://e.example/spam",
        "http://e.example/two-one",
        "http://e.example/two/one_three",
    )
    assert [gate.listed(url) for url in urls] == ["url:words", "url:words", None, "url:words"]


# ---------------------------------------------------------------- limits, and the reader


def archive(web, count: int = 30) -> bytes:
    return b"".join(
        web.member(
            web.response(
                f"http://h{n % 2}.site{n % 3}.example.com/{n}",
                f"<p>第{n}页：{CHINESE}</p>".encode(),
                "text/html; charset=utf-8",
            )
        )
        for n in range(count)
    )


def test_of_a_host_or_domain_the_first_pages_of_a_file_are_taken(tmp_path, read, web):
    path = tmp_path / "a.warc.gz"
    path.write_bytes(archive(web))
    shard = read(path, kind="warc", text="all", urls={"per_host": 2})
    assert [text.partition("页")[0] for text in shard.texts] == [f"第{n}" for n in range(12)]
    assert shard.account["gated"] == {"url:host_limit": 18}
    shard = read(path, kind="warc", text="all", urls={"per_host": 4, "per_domain": 7})
    assert len(shard.texts) == 7 and set(shard.account["gated"]) == {"url:host_limit", "url:domain_limit"} - (
        set() if "url:host_limit" in shard.account["gated"] else {"url:host_limit"}
    )


def test_a_page_that_is_framed_twice_is_counted_once(tmp_path, read, web):
    members = [
        web.member(web.response(f"http://a.example/{n}", f"<p>第{n}页：{CHINESE}</p>".encode()))
        for n in range(6)
    ]
    path = tmp_path / "a.warc.gz"
    path.write_bytes(members[0] + members[1] + b"garbage" + b"".join(members[2:]))
    shard = read(path, kind="warc", text="all", urls={"per_host": 4})
    assert len(shard.texts) == 4 and shard.account["gated"] == {"url:host_limit": 2}


def test_addresses_are_as_found_or_normal(tmp_path, read, web):
    path = tmp_path / "a.warc"
    url = "HTTP://E.example:80/%7Ea?utm_source=x&b=1"
    path.write_bytes(web.response(url, f"<p>{CHINESE}</p>".encode(), "text/html; charset=utf-8"))
    found = {
        form: read(path, kind="warc", urls={"address": form}).documents[0]["url"]
        for form in ("as_found", "normal", "without_tracking")
    }
    assert found == {
        "as_found": url,
        "normal": "http://e.example/~a?utm_source=x&b=1",
        "without_tracking": "http://e.example/~a?b=1",
    }


def test_a_changed_list_changes_the_shards_key_and_a_missing_one_is_an_error(tmp_path, web):
    (tmp_path / "a.warc.gz").write_bytes(archive(web, 3))
    listed = tmp_path / "list.txt"
    listed.write_text("x.example\n")
    source = SOURCES["warc"].model_validate(
        {"kind": "warc", "name": "crawl", "paths": ["*.warc.gz"], "urls": {"lists": {"mine": ["list.txt"]}}}
    )
    workspace = Workspace(tmp_path / "workspace")

    def task():
        [made] = plan(source, tmp_path, workspace, holdout=Holdout())
        return made

    first = task()
    assert first.arguments["source"]["urls"]["lists"]["mine"] == [str(listed)]
    assert task().key == first.key
    listed.write_text("x.example\nh0.site0.example.com\n")
    assert task().key != first.key
    listed.unlink()
    with pytest.raises(RecipeError, match=r"list\.txt"):
        task()
