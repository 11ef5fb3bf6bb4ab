"""A take-down list: what an entry may be, and which documents fall under it."""

import pytest

from headwater.engine.workspace import Output
from headwater.errors import RecipeError
from headwater.sources.takedown import entry_for, key_of, list_shard
from headwater.sources.url_lists import UrlList

ID = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        (ID.upper(), f"id:{ID}"),
        ("id:条目 42", "id:条目 42"),
        ("Example.com", "example.com"),
        ("*.例子.中国", "xn--fsqu00a.xn--fiqs8s"),
        ("例子。中国", "xn--fsqu00a.xn--fiqs8s"),  # the ideographic full stop, as an input method types it
        ("https://www.Example.com/a/b/?utm=1#top", "example.com/a/b/?utm=1"),
        ("新闻.例子.中国/文章/一", "xn--efvy88h.xn--fsqu00a.xn--fiqs8s/%E6%96%87%E7%AB%A0/%E4%B8%80"),
        ("http://127.0.0.1:8000/", "127.0.0.1"),
        ("https://www.例子.中国/", "xn--fsqu00a.xn--fiqs8s/"),
        ("https://例子.中国/", "xn--fsqu00a.xn--fiqs8s"),
        ("www.例子.中国", "www.xn--fsqu00a.xn--fiqs8s"),
    ],
)
def test_an_entry_in_normal_form(entry, key):
    assert key_of(entry, "here") == key


@pytest.mark.parametrize("entry", ["example", "一二三", "id:", "https://", "a b.com", "deadbeef"])
def test_what_is_no_entry_is_refused_with_its_line(tmp_path, entry):
    file = tmp_path / "list.txt"
    file.write_text(f"# 名单\nexample.com # 注\n\n{entry}\n", encoding="utf-8")
    with pytest.raises(RecipeError, match=r"list\.txt:4: .* no document's id"):
        list_shard(Output(tmp_path, "list"), entries=[], files=[str(file)])


def entries(folder, *lines):
    out = Output(folder, "list")
    file = folder / "名单.txt"
    file.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    list_shard(out, entries=[], files=[str(file)])
    return UrlList(out.path("hashes"))


def test_a_site_that_is_named_by_its_address_is_met_with_and_without_www(tmp_path):
    listed = entries(tmp_path, "https://www.例子.中国/")
    for url in ("https://例子.中国/文章/一?p=2", "https://www.例子.中国", "http://例子.中国/"):
        assert entry_for(listed, "f" * 32, None, url) == "xn--fsqu00a.xn--fiqs8s/"
    for url in ("https://新闻.例子.中国/文章", "https://他例子.中国/"):
        assert entry_for(listed, "f" * 32, None, url) is None


def test_what_falls_under_an_entry(tmp_path):
    listed = entries(
        tmp_path, "# all of it", "例子.中国", "  https://a.org/blog/one  # one page", f"{ID}", "id:Q42",
        "https://forum.cn/thread?id=7", "https://www.b.net/文章",
    )  # fmt: skip

    def found(url=None, document="f" * 32, source_id=None):
        return entry_for(listed, document, source_id, url)

    assert found(document=ID) == f"id:{ID}" and found(source_id="Q42") == "id:Q42"
    assert (
        found("http://新闻.例子.中国/页")
        == "xn--fsqu00a.xn--fiqs8s"
        == found("https://xn--fsqu00a.xn--fiqs8s:8443/")
    )
    assert (
        found("https://www.a.org/blog/one/comments?p=2")
        == "a.org/blog/one"
        == found("http://A.org/blog/one/")
    )
    assert found("https://a.org/blog/one2") is None and found("https://a.org/blog") is None
    assert found("https://forum.cn/thread?id=7") and found("https://forum.cn/thread?id=77") is None
    assert found("http://b.net/%e6%96%87%E7%AB%A0/二") == "b.net/%E6%96%87%E7%AB%A0"
    assert (
        found("https://notxn--fsqu00a.com") is None
        and found("mailto:a@例子.中国") is None
        and found() is None
    )


def test_an_empty_list_holds_nothing(tmp_path):
    assert entry_for(entries(tmp_path, "# nothing"), ID, "1", "https://a.org/") is None
