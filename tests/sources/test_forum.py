"""Forums: questions meet their answers in bounded memory, posts keep their code, damage costs one row."""

import gzip
import html
import importlib.util
import json
import random
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from headwater.errors import HeadwaterError, RecipeError
from headwater.recipe.sources import SOURCES
from headwater.sources import forum, forum_spool
from headwater.sources.extract.posts import text_of_post
from headwater.sources.xml_rows import Broken, Row, Rows

CHINESE = "<p>我在年青时候也曾经做过许多梦，后来大半忘却了，但自己也并不以为可惜。</p>"
CODE = "<pre><code>def f(x):\n    if x &lt; 1:\n\n        return 甲\n</code></pre>"


def row(number: int, kind: int = 1, **values: object) -> str:
    """A row of Posts.xml; Body is HTML."""
    shown = {"Id": number, "PostTypeId": kind, "CreationDate": "2020-03-04T05:06:07.890", "Score": 0} | values
    written = " ".join(f'{k}="{html.escape(str(v)).replace(chr(10), "&#xA;")}"' for k, v in shown.items())
    return f"  <row {written} />\n"


def dump(*rows: str, root: str = "posts") -> bytes:
    return f'\ufeff<?xml version="1.0" encoding="utf-8"?>\n<{root}>\n{"".join(rows)}</{root}>\n'.encode()


THREAD = (
    row(1, Title="怎样读一个大文件？", Body=CHINESE + CODE, Tags="<文件><python>", AcceptedAnswerId=4, Score=7,
        OwnerUserId=9, ContentLicense="CC BY-SA 3.0"),
    row(2, 2, ParentId=1, Body="<p>逐行读。</p>", Score=3, OwnerDisplayName="路人", ContentLicense="CC BY-SA 4.0"),
    row(3, 2, ParentId=1, Body="<p>不知道。</p>", Score=-2, ContentLicense="CC BY-SA 4.0"),
    row(4, 2, ParentId=1, Body="<p>Use <code>mmap</code>。</p>", Score=3, ContentLicense="CC BY-SA 2.5"),
    row(5, 2, ParentId=1, Body="<p>最好的回答</p>", Score=9, ContentLicense="CC BY-SA 4.0"),
)  # fmt: skip


@pytest.fixture
def posts(tmp_path):
    def posts(*rows: str, name: str = "zh.stackexchange.com/Posts.xml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(dump(*rows))
        return path

    return posts


# ---------------------------------------------------------------- posts


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (CHINESE + CODE, "我在年青时候也曾经做过许多梦，后来大半忘却了，但自己也并不以为可惜。\n\n"
         "```\ndef f(x):\n    if x < 1:\n\n        return 甲\n```"),
        ("<p>第一行<br>第二行<br/>third</p>", "第一行\n第二行\nthird"),
        ("<ul><li>甲<ul><li>乙</li></ul></li><li>丙</li></ul>", "- 甲\n  - 乙\n- 丙"),
        ("<ol start='9'><li><p>nine</p></li><li><p>十</p>\n<pre><code>a\n  b</code></pre></li></ol>",
         "1. nine\n2. 十\n\n   ```\n   a\n     b\n   ```"),
        ('<ol start="9"><li>nine</li><li>ten</li></ol>', "9. nine\n10. ten"),
        ("<p>問：</p><blockquote><p>所謂回憶者，</p><p>雖說</p></blockquote><p>答</p>", "問：\n\n> 所謂回憶者，\n>\n> 雖說\n\n答"),
        ("<p>10<sup>2</sup> H<sub>2</sub>O</p>", "10^2 H_2O"),
        ("<p>看<a href='x'>这里</a>，<em>不是</em><b>那里</b>。<img src='a' alt='图'></p>", "看这里，不是那里。"),
        ("<h2>标题</h2><p>a</p><hr><p>b</p>", "## 标题\n\na\n\nb"),
        ("<table><tr><th>甲</th><th>乙</th></tr><tr><td>1</td><td>2</td></tr></table><p>后</p>", "甲 | 乙\n1 | 2\n\n后"),
        ("<pre><code>``` in code</code></pre>", "~~~~\n``` in code\n~~~~"),
        ("<!-- language: lang-py --><pre class='x'><code>x</code></pre>", "```\nx\n```"),
        ("plain &amp; simple", "plain & simple"),
        ("if a < b and c > d", "if a < b and c > d"),
        ("<script>alert(1)</script><p>文</p>", "文"),
        ("</p></ul></li></blockquote>x", "x"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_post_reads_as_it_was_written(source, text):
    assert text_of_post(source) == text


@pytest.mark.fault(23, 25)
@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<a",
        "<ul><li>",
        "<blockquote>",
        "<!--",
        "&",
        "&#",
        "<pre>",
        "<li>x",
        "<p ",
        "<code>",
        "</li>",
        "<ol><li>好",
    ],
)
def test_no_post_takes_more_than_linear_time_and_room(piece):
    source = piece * (200_000 // len(piece))
    calls = _calls(text_of_post, source[: len(source) // 4]), _calls(text_of_post, source)
    assert calls[1] <= 5 * calls[0] + 100
    assert len(text_of_post(source)) <= 20 * len(source)


def _calls(function, argument) -> int:
    """How many calls, into C too, a function takes: what a clock would say, but the same every time."""
    count = 0

    def counted(frame, event, _):
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        function(argument)
    finally:
        sys.setprofile(before)
    return count


# ---------------------------------------------------------------- rows


def test_rows_are_framed_whatever_the_blocks_are():
    data = dump(*THREAD)
    whole = [item.values for item in Rows(iter([data]))]
    assert len(whole) == 5 and whole[0]["Body"] == CHINESE + CODE
    for size in (1, 7, 1000):
        rows = Rows(data[start : start + size] for start in range(0, len(data), size))
        assert [item.values for item in rows] == whole and rows.closed


@pytest.mark.parametrize("encoding", ["utf-16", "gb18030", "big5"])
def test_another_encoding_is_read_as_declared(encoding):
    text = '<?xml version="1.0" encoding="@"?>\n<posts>\n<row Id="1" Title="讀寫中文" />\n</posts>'.replace(
        "@", encoding
    )
    [found] = Rows(iter([text.encode(encoding)]))
    assert isinstance(found, Row) and found.values == {"Id": "1", "Title": "讀寫中文"}


def test_entities_are_never_expanded():
    laughs = '<!DOCTYPE posts [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY x SYSTEM "file:///etc/passwd">]>'
    data = dump(row(1, Title="good"), '<row Id="2" Title="&b;" />', '<row Id="3" Title="&x;" />', row(4))
    data = data.replace(b"<posts>", laughs.encode() + b"<posts>")
    items = list(Rows(iter([data])))
    assert [item.values["Id"] for item in items if isinstance(item, Row)] == ["1", "4"]
    assert [item.reason for item in items if isinstance(item, Broken)] == [
        "xml_doctype",
        "xml_entity",
        "xml_entity",
    ]
    assert not any("root:" in str(item) for item in items)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ('Title="甲', "xml_syntax"),
        ("Title=甲", "xml_syntax"),
        ('Title="<b>"', "xml_syntax"),
        ('Title="a" /', "xml_syntax"),
    ],
)
def test_reading_goes_on_at_the_next_row(damage, reason):
    data = dump(row(1), f'  <row Id="2" {damage} />\n', row(3))
    items = list(Rows(iter([data])))
    assert [item.values["Id"] for item in items if isinstance(item, Row)][-1] == "3"
    assert [item.reason for item in items if isinstance(item, Broken)] == [reason]


@pytest.mark.fault(25)
@pytest.mark.parametrize(
    "piece", [b"<row ", b'<row a="', b' a="b"', b"<row a", b"&", b"&amp", b"<row a='&#x"]
)
def test_no_row_takes_more_than_linear_time(piece):
    def rows(data: bytes) -> None:
        assert list(Rows(iter([b"<posts><row" + data]))) != []

    data = piece * (100_000 // len(piece))
    assert _calls(rows, data) <= 5 * _calls(rows, data[: len(data) // 4]) + 200


# ---------------------------------------------------------------- threads


def test_a_thread_is_one_document(posts, read):
    shard = read(posts(*THREAD), kind="forum")
    [document] = shard.documents
    assert document["text"] == (
        "Q: 怎样读一个大文件？\n\n我在年青时候也曾经做过许多梦，后来大半忘却了，但自己也并不以为可惜。\n\n"
        "```\ndef f(x):\n    if x < 1:\n\n        return 甲\n```\n\n"
        "A: 最好的回答\n\nA: Use `mmap`。\n\nA: 逐行读。\n\nA: 不知道。"
    )
    assert document["url"] is None or document["url"].endswith("/questions/1")
    assert document["title"] == "怎样读一个大文件？" and document["date"] == "2020-03-04T05:06:07.890Z"
    assert document["license"] == "CC BY-SA 4.0" and document["source_id"] == "1"
    meta = json.loads(document["meta"])
    assert meta["licenses"] == {"CC BY-SA 2.5": 1, "CC BY-SA 3.0": 1, "CC BY-SA 4.0": 3}
    assert meta["answer_ids"] == [5, 4, 2, 3] and meta["answer_scores"] == [9, 3, 3, -2]
    assert meta["tags"] == ["文件", "python"] and meta["accepted"] == 4 and meta["score"] == 7
    assert meta["authors"] == ["路人"]


@pytest.mark.parametrize(
    ("settings", "order"),
    [
        ({"order": "score"}, [5, 4, 2, 3]),
        ({"order": "accepted"}, [4, 5, 2, 3]),
        ({"order": "date"}, [2, 3, 4, 5]),
        ({"min_answer_score": 3}, [5, 4, 2]),
    ],
)
def test_the_order_of_answers_is_chosen(posts, read, settings, order):
    [document] = read(posts(*THREAD), kind="forum", **settings).documents
    meta = json.loads(document["meta"])
    assert meta["answer_ids"] == order and meta["answers"] == len(order)
    assert meta.get("left_out", 0) == 4 - len(order)


def test_what_is_no_thread_is_gated(posts, read):
    path = posts(
        row(1, Title="a", Body="<p>问</p>", Score=-3),
        row(2, Title="b", Body="<p>问</p>", ClosedDate="2021-01-01T00:00:00.000"),
        row(3, 4, Body="<p>标签</p>"),
        row(4, 2, ParentId=99, Body="<p>答</p>"),
        row(5, Title="c", Body="<p>问</p>", DeletionDate="2021-01-01T00:00:00.000"),
        row(6, Title="d", Body="<p>问</p>"),
        row(7, 2, ParentId=6, Body="<p>答</p>"),
        row(6, Title="d", Body="<p>again</p>"),
        row(8, Body=""),
    )
    account = read(path, kind="forum").account
    assert account["documents"] == 3
    assert account["gated"] == {
        "post_type": 1,
        "orphan_answer": 1,
        "deleted": 1,
        "duplicate_id": 1,
        "empty": 1,
    }
    shard = read(path, kind="forum", min_score=0, min_answers=1, closed="gate")
    assert [document["title"] for document in shard.documents] == ["d"]
    assert shard.account["gated"] == {
        "post_type": 1, "orphan_answer": 1, "deleted": 1, "duplicate_id": 1, "low_score": 1, "few_answers": 2,
    }  # fmt: skip


def test_users_and_comments_lie_beside(posts, read, tmp_path):
    path = posts(*THREAD)
    (path.parent / "Users.xml").write_bytes(dump('<row Id="9" DisplayName="鲁迅" />', root="users"))
    said = ('<row Id="1" PostId="5" Text="同意！&#xA;真的" />', '<row Id="2" PostId="1" Text="what?" />')
    (path.parent / "Comments.xml").write_bytes(dump(*said, root="comments"))
    assert forum.beside(path, SOURCES["forum"](name="x", kind="forum", paths=["*"])) == [
        path.parent / "Users.xml"
    ]
    [document] = read(path, kind="forum", comments=True).documents
    assert "Comment: what?\n\nA: 最好的回答\n\nComment: 同意！ 真的\n\nA: Use" in document["text"]
    assert json.loads(document["meta"])["authors"] == ["鲁迅", "路人"]
    [without] = read(path, kind="forum").documents
    assert "Comment" not in without["text"]
    assert read(path.parent / "Users.xml", kind="forum").account["gated"] == {"companion": 1}


def test_what_lies_beside_is_part_of_the_shards_key(posts, tmp_path):
    from headwater.engine.workspace import Workspace
    from headwater.recipe.settings import Holdout
    from headwater.sources.shards import plan

    path = posts(*THREAD)
    source = SOURCES["forum"](name="x", kind="forum", paths=[str(path)])
    keys = []
    for names in (None, "鲁迅", "周树人"):
        if names:
            (path.parent / "Users.xml").write_bytes(
                dump(f'<row Id="9" DisplayName="{names}" />', root="users")
            )
        (tmp_path / "workspace").mkdir(exist_ok=True)
        [task] = plan(source, tmp_path, Workspace(tmp_path / "workspace"), holdout=Holdout())
        keys.append(task.key)
    assert len(set(keys)) == 3


@pytest.mark.parametrize(
    ("name", "site"),
    [
        ("zh.stackexchange.com.7z", "zh.stackexchange.com"),
        ("stackoverflow.com-Posts.7z", "stackoverflow.com"),
        ("beer.stackexchange/Posts.xml.gz", "beer.stackexchange.com"),
        ("mathoverflow/Posts.xml", "mathoverflow.net"),
        ("folder/Posts.xml", None),
    ],
)
def test_the_site_is_told_by_the_name(name, site):
    assert forum.site_of_dump(Path(name)) == site


def _packer():
    spec = importlib.util.spec_from_file_location(
        "test_sevenzip", Path(__file__).with_name("test_sevenzip.py")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.pack


@pytest.mark.parametrize("method", ["bzip2", "lzma2"])
def test_a_published_archive_is_read_as_it_is(tmp_path, read, method):
    users = dump('<row Id="9" DisplayName="鲁迅" />', root="users")
    members = {"Badges.xml": b"<badges/>", "Posts.xml": dump(*THREAD), "Users.xml": users}
    path = tmp_path / "zh.stackexchange.com.7z"
    path.write_bytes(_packer()(members, method))
    [document] = read(path, kind="forum").documents
    assert document["url"] == "https://zh.stackexchange.com/questions/1"
    assert json.loads(document["meta"])["authors"] == ["鲁迅", "路人"]
    path.write_bytes(_packer()({"Badges.xml": b"<badges/>"}, method))
    assert read(path, kind="forum").account["quarantined"] == {"no_posts": 1}
    path.write_bytes(path.read_bytes()[:-3])
    assert read(path, kind="forum").account["quarantined"] == {"unreadable_tail": 1}


# ---------------------------------------------------------------- faults


def many(count: int) -> list[str]:
    dice = random.Random(5)
    rows = [row(1, Title="第一问", Body=CHINESE)]
    for number in range(2, count + 1):
        asks = dice.random() < 0.4
        rows.append(
            row(number, Title=f"问题 {number}", Body=CHINESE)
            if asks
            else row(number, 2, ParentId=1, Body=f"<p>第 {number} 个回答。</p>")
        )
    return rows


@pytest.mark.fault(12)
@pytest.mark.parametrize("tenth", range(10))
def test_a_cut_dump_keeps_what_came_before(tmp_path, read, tenth):
    rows = many(300)
    whole = gzip.compress(dump(*rows))
    path = tmp_path / "Posts.xml.gz"
    path.write_bytes(whole[: len(whole) * tenth // 10])
    shard = read(path, kind="forum")
    assert shard.account["quarantined"] == {"unreadable_tail": 1}
    assert len(shard.documents) >= (tenth > 2) * 10


@pytest.mark.fault(13)
def test_one_damaged_byte_costs_one_row(tmp_path, read):
    rows = many(200)
    data = dump(*rows)
    questions = sum('PostTypeId="1"' in item for item in rows)
    dice = random.Random(2)
    path = tmp_path / "Posts.xml"
    for _ in range(60):
        damaged = bytearray(data)
        place = dice.randrange(data.index(b"<row"), len(data) - 10)
        damaged[place] = dice.randrange(256)
        path.write_bytes(bytes(damaged))
        account = read(path, kind="forum").account
        # The first question has all the answers: with it, they lose their place.
        if account["gated"].get("orphan_answer", 0) < 50:
            assert account["documents"] >= questions - 1 and sum(account["quarantined"].values()) <= 1
            assert account["gated"].get("orphan_answer", 0) <= 1


@pytest.mark.fault(14)
def test_an_empty_file_is_gated(tmp_path, read):
    path = tmp_path / "Posts.xml"
    path.write_bytes(b"")
    assert read(path, kind="forum").account["gated"] == {"empty": 1}
    path.write_bytes(dump())
    assert read(path, kind="forum").account == {
        "read": 0, "documents": 0, "gated": {}, "quarantined": {}, "bytes": len(dump()),
    }  # fmt: skip


@pytest.mark.fault(16)
def test_invalid_utf8_costs_its_row(tmp_path, read):
    path = tmp_path / "Posts.xml"
    rows = dump(row(1, Title="好"), row(2, Title="@@"), row(3, Title="好")).replace(b"@@", b"\xff")
    path.write_bytes(rows)
    shard = read(path, kind="forum")
    assert [document["source_id"] for document in shard.documents] == ["1", "3"]
    assert shard.account["quarantined"] == {"encoding": 1} and b"\xff" in shard.quarantine[0]["bytes"]


@pytest.mark.fault(18, 19)
def test_odd_characters_are_normalised(posts, read):
    path = posts(
        '<row Id="1" PostTypeId="1" Title="a&#0;b&#xD800;c&#x2028;d&#x85;e" Body="&lt;p&gt;文&lt;/p&gt;" />'
    )
    [text] = read(path, kind="forum").texts
    assert "\0" not in text and "\ud800" not in text and text.startswith("Q: a")


@pytest.mark.fault(20)
def test_a_row_without_an_end_is_quarantined_in_bounded_memory(tmp_path):
    path = tmp_path / "Posts.xml"
    with path.open("wb") as file:
        file.write(b'<posts><row Id="1" PostTypeId="1" Title="')
        for _ in range(400):
            file.write(b"x" * (1 << 20))
        file.write(b'" />\n' + row(2, Title="好").encode() + b"</posts>")
    found, grown = grown_by(path)
    assert found == {"too_large": 1, "document": 1}
    assert grown < 250 << 20


@pytest.mark.fault(22)
def test_a_bomb_is_stopped(tmp_path, read):
    path = tmp_path / "Posts.xml.gz"
    machine = zlib.compressobj(9, wbits=31)
    one = dump(row(1, Title="好"))[: -len("</posts>\n")]
    packed = (
        machine.compress(one)
        + b"".join(machine.compress(b"<!--" + b" " * (1 << 20) + b"-->") for _ in range(100))
        + machine.flush()
    )
    path.write_bytes(packed)
    account = read(path, kind="forum").account
    assert account["quarantined"] == {"bomb": 1} and account["documents"] == 1


READ = """
import json, resource, sys
from collections import Counter
from pathlib import Path
from headwater.recipe.sources import SOURCES
from headwater.sources import forum_spool
from headwater.sources.kinds import KINDS
forum_spool.CACHE = 2 << 20
source = SOURCES["forum"](name="texts", kind="forum", paths=["*"])
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
before, found = peak(), Counter()
for record in KINDS["forum"].read(Path(sys.argv[1]), source):
    found[getattr(record, "reason", "document")] += 1
print(json.dumps([found, peak() - before]))
"""


def grown_by(path: Path) -> tuple[dict[str, int], int]:
    """Counts by reason, and by how many bytes a process of its own grew."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    found, grown = json.loads(done.stdout)
    return found, grown


@pytest.mark.fault(28)
def test_memory_does_not_grow_with_the_dump(tmp_path):
    """Answers stand far from their questions; the file is 10 times as large, memory is not."""
    grown = []
    for size in (8_000, 80_000):
        dice = random.Random(1)
        path = tmp_path / f"{size}/Posts.xml"
        path.parent.mkdir()
        words = [f"词{number}" for number in range(5000)]
        with path.open("w", encoding="utf-8") as file:
            file.write("<posts>\n")
            for number in range(1, size + 1):
                body = "<p>" + " ".join(dice.choices(words, k=60)) + "</p>"
                asks = number <= size // 4
                file.write(
                    row(number, Title="问", Body=body)
                    if asks
                    else row(number, 2, ParentId=dice.randrange(1, size // 4 + 1), Body=body)
                )
            file.write("</posts>\n")
        found, bytes_grown = grown_by(path)
        assert found == {"document": size // 4}
        grown.append(bytes_grown)
    assert grown[1] < grown[0] + (8 << 20)


def test_a_full_disk_is_named(monkeypatch):
    with forum_spool.Spool(limit=1 << 20) as spool, pytest.raises(HeadwaterError, match="SQLITE_TMPDIR"):
        for number in range(100_000):
            text = "".join(random.Random(number).choices("天地玄黄宇宙洪荒日月盈昃", k=300))
            spool.add_post(forum_spool.Post(id=number, question=number, is_answer=False, text=text))


@pytest.mark.fault(1)
def test_nothing_stays_on_disk_after_a_kill(tmp_path):
    script = """
import os, signal, sys
from headwater.sources.forum_spool import Post, Spool
with Spool() as spool:
    for number in range(30_000):
        spool.add_post(Post(id=number, question=number, is_answer=False, text=os.urandom(600).hex()))
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], env={"SQLITE_TMPDIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)}
    )
    assert done.returncode == -9 and list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- JSON lines


def test_threads_in_json_lines(tmp_path, read):
    rows = [
        {"qid": 1, "title": "怎么学英语？", "desc": "零基础", "answer": "多读多写。", "url": "https://a.cn/1"},
        {"question": "<p>Why <code>x</code>?</p>", "answers": [{"text": "no", "pm_score": 1}, {"text": "<p>yes</p>", "pm_score": 5, "selected": True}]},
        {"title": "甲", "content": "一个回答", "answer_id": 7},
        {"text": "Q: 已经写好\n\nA: 的问答"},
        {"title": "没有", "answers": []},
        {"title": "x", "answers": [{"text": 5}]},
        7,
    ]  # fmt: skip
    path = tmp_path / "threads.jsonl"
    path.write_text("\n".join(json.dumps(item, ensure_ascii=False) for item in rows), encoding="utf-8")
    shard = read(path, kind="forum")
    assert shard.texts == [
        "Q: 怎么学英语？\n\n零基础\n\nA: 多读多写。",
        "Q: Why `x`?\n\nA: yes\n\nA: no",
        "Q: 甲\n\nA: 一个回答",
        "Q: 已经写好\n\nA: 的问答",
        "Q: 没有",
    ]
    assert shard.account["quarantined"] == {"no_text": 1, "json_type": 1}
    assert shard.documents[0]["url"] == "https://a.cn/1"
    path.write_text('{"a": 1}')
    with pytest.raises(RecipeError, match="no thread"):
        read(path, kind="forum")


# ---------------------------------------------------------------- real dumps


def test_real_dumps_are_read_to_the_last_row(real_data, read):
    qa = real_data / "corpora/qa"
    beer = read(qa / "beer.stackexchange/Posts.xml.gz", kind="forum")
    assert beer.account | {"bytes": 0} == {
        "read": 502, "documents": 454, "gated": {"post_type": 48}, "quarantined": {}, "bytes": 0,
    }  # fmt: skip
    rows = gzip.decompress((qa / "beer.stackexchange/Posts.xml.gz").read_bytes()).count(b"<row ")
    answers = sum(json.loads(document["meta"])["answers"] for document in beer.documents)
    assert rows == 454 + answers + 48
    for path in sorted((qa / "conlang.stackexchange").glob("*.xml")):
        account = read(path, kind="forum").account
        assert account["quarantined"] == {} and account["documents"] == (
            54 if path.name == "Posts.xml" else 0
        )
    assert len(read(qa / "redpajama-stack_exchange.jsonl.gz", kind="forum").documents) == 70


BEER, CONLANG = "beer.stackexchange/Posts.xml.gz", "conlang.stackexchange/Posts.xml"


@pytest.mark.parametrize(
    ("name", "number", "order", "accepted", "shown"),
    [
        (BEER, 2, [175, 177, 46, 102], 175, "Q: When was the first beer ever brewed?\n\nAs far as we know,"),
        (BEER, 153, [166, 159], 159, "\n\nA: "),
        (BEER, 312, [3412, 318, 316], 318, "\n\nA: "),
        (BEER, 154, None, None, "\n\n```\nPale Lager\nGeneric lager.\nPilsner\nPale Ale (Which style?)\nImperial Pale Ale\nStout\n```\n\n"),
        (BEER, 250, None, None, "\n\n```\nName        Brewer          abv     cal.    carbohydrates\n"
         "Busch Ice   Anheuser Busch  5.9%    169 12.5g\nBusch Light Anheuser Busch  4.1%    95  3.2g\n```\n\n"),
        (CONLANG, 108, None, None, "\n\n> Pes qune wasi lxelxasac p’eknuim nuk’gojet.\n>\n> ```\n"
         "> pes  qune wasi lxelxa-sac     p’eknu-im nuk’-goj-et\n"
         "> what COMP 1    lxelxe.OBL-INE say-1s    understand-NEG-2s\n> ```\n>\n> “You can’t"),
        (CONLANG, 186, None, None, "```\n1a) saa=ts  ge   ra  |khii\n    you=2ms DECL TAM come\n    You (m) are coming.\n\n1b)"),
    ],
)  # fmt: skip
def test_real_threads_read_as_on_the_site(real_data, read, name, number, order, accepted, shown):
    documents = read(real_data / "corpora/qa" / name, kind="forum").documents
    [document] = [document for document in documents if document["source_id"] == str(number)]
    assert shown in document["text"]
    meta = json.loads(document["meta"])
    assert document["text"].count("\n\nA: ") >= meta["answers"] == len(meta.get("answer_ids", []))
    if order:
        assert meta["answer_ids"] == order and meta["accepted"] == accepted
        assert meta["answer_scores"] == sorted(meta["answer_scores"], reverse=True)
