"""Dialogues: turns word for word in their order, whatever client, mailer or player wrote the file."""

import gzip
import io
import json
import random
import re
import subprocess
import sys
import tarfile
import zipfile

import pytest

from headwater.errors import RecipeError
from headwater.sources import dialogue_chat, dialogue_json, dialogue_mail, dialogue_subtitles, dialogue_turns
from headwater.sources.dialogue_chat import chat_line

CHINESE = "我在年青时候也曾经做过许多梦，后来大半忘却了。"
TRADITIONAL = "所謂回憶者，雖說可以使人歡欣，有時也不免使人寂寞。"


@pytest.fixture
def talk(tmp_path, read):
    """Writes a file and reads it."""

    def talk(name: str, content: str | bytes, **settings):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read(path, kind="dialogue", **settings)

    return talk


def calls(function, argument) -> int:
    """How many lines and calls a function takes: what a clock would say, but the same every time."""
    count = 0

    def counted(frame, event, _):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        function(argument)
    finally:
        sys.setprofile(None)
    return count


# ---------------------------------------------------------------- chat logs


@pytest.mark.parametrize(
    ("line", "kind", "speaker", "text"),
    [
        ("[12:18] <|trey|> usual :)", "said", "|trey|", "usual :)"),  # Ubuntu's archive
        ("[12:18]  * nilson is upgrading", "action", "nilson", "is upgrading"),
        ("=== topyli [~juha@host.fi]  has left #ubuntu []", "event", "", None),
        ("=== a is now known as b", "event", "", None),
        ("12:18 <@小明> 你好，世界！", "said", "小明", "你好，世界！"),  # irssi
        ("12:18 < nick> text", "said", "nick", "text"),
        ("12:18 -!- nick [~u@host] has joined #chan", "event", "", None),
        ("12:18  * nick waves", "action", "nick", "waves"),
        ("--- Log opened Mon Nov 15 12:18:00 2004", "day", "", None),
        ("--- Day changed Tue Nov 16 2004", "day", "", None),
        ("2004-11-15 12:18:00\t@nick\thello\tthere", "said", "nick", "hello\tthere"),  # WeeChat
        ("2004-11-15 12:18:00\t-->\tnick (u@host) has joined #chan", "event", "", None),
        ("2004-11-15 12:18:00\t *\tnick 笑了", "action", "nick", "笑了"),
        ("2004-11-15 12:18:00\t--\tMode #chan [+o nick] by ChanServ", "event", "", None),
        ("[12:18:30] <nick> text", "said", "nick", "text"),  # ZNC
        ("[12:18:30] *** Joins: nick (u@host)", "event", "", None),
        ("[12:18:30] * nick waves", "action", "nick", "waves"),
        ("[12:18:30] -NickServ- identify please", "event", "", None),
        ("Nov 15 12:18:00 <nick>\ttext", "said", "nick", "text"),  # HexChat
        ("Nov 15 12:18:00 *\tnick has joined", "event", "", None),
        ("**** BEGIN LOGGING AT Mon Nov 15 12:18:00 2004", "day", "", None),
        ("[12:18] * nick has quit IRC (Ping timeout)", "event", "", None),  # mIRC
        ("[12:18] <\x0304,01nick\x03> \x02bold\x02 text", "said", "nick", "bold text"),
        ("Session Start: Mon Nov 15 12:18:00 2004", "day", "", None),
        ("(12:18:30) 小红: 你好：世界", "said", "小红", "你好：世界"),  # Pidgin
        ("[2016-12-19 20:00] <nick> a <b> c", "said", "nick", "a <b> c"),
        ("2024-05-06T07:08:09 <nick> text", "said", "nick", "text"),
        ("<nick> no time", "said", "nick", "no time"),
        ("1002 1003 - ", "other", "", None),
        ("Some licence text, of no log.", "other", "", None),
    ],
)
def test_each_client_writes_its_own_lines(line, kind, speaker, text):
    found = chat_line(line)
    assert (found.kind, found.speaker) == (kind, speaker)
    assert text is None or found.text == text


LOG = (
    "--- Log opened Mon Nov 15 23:50:00 2004\n"
    "23:58 -!- 小明 [~u@h] has joined #中文.. #zh\n"
    "23:58 <@小明> 你好，世界！\n"
    "23:59 < amy> hi <there>\n"
    "--- Day changed Tue Nov 16 2004\n"
    "00:01  * 小明 笑了\n"
    "00:02 <amy> 再见\n"
    "03:30 <bob> anyone?\n"
)


def test_a_day_is_a_document_and_a_silence_ends_a_conversation(talk):
    days = talk("#zh.log", LOG)
    assert days.texts == ["小明: 你好，世界！\namy: hi <there>", "* 小明 笑了\namy: 再见\nbob: anyone?"]
    assert [document["date"] for document in days.documents] == ["2004-11-15", "2004-11-16"]
    assert {document["unit"] for document in days.documents} == {"#zh.log"}
    assert json.loads(days.documents[0]["meta"]) == {
        "turns": 2,
        "speakers": 2,
        "channel": "#zh.log",
        "events": 1,
    }
    gaps = talk("#zh.log", LOG, gap=60)
    assert gaps.texts == ["小明: 你好，世界！\namy: hi <there>\n* 小明 笑了\namy: 再见", "bob: anyone?"]


@pytest.mark.parametrize(
    ("settings", "first"),
    [
        ({"speakers": "letters"}, "A: 你好，世界！\nB: hi <there>"),
        ({"speakers": "none"}, "你好，世界！\nhi <there>"),
        ({"events": "keep"}, "* 小明 [~u@h] has joined #中文.. #zh\n小明: 你好，世界！\namy: hi <there>"),
    ],
)
def test_speakers_and_events_are_shown_as_asked(talk, settings, first):
    assert talk("log.txt", LOG, **settings).texts[0] == first


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "utf-16", "utf-8-sig"])
def test_a_log_is_decoded_whatever_its_encoding(talk, encoding):
    lines = "".join(f"[12:{n:02}] <小明> {TRADITIONAL}\n" for n in range(20))
    assert talk("a.log", lines.encode(encoding)).texts == ["\n".join([f"小明: {TRADITIONAL}"] * 20)]


@pytest.mark.fault(16)
def test_a_broken_line_costs_itself(talk):
    lines = [f"[12:18] <小明> 第{n}句。".encode() for n in range(1000)]
    lines[700] = b"[12:18] <x> \xff\xfe"
    shard = talk("a.log", b"\n".join(lines))
    assert shard.account["quarantined"] == {"encoding": 1} and shard.texts[0].count("\n") == 998
    assert shard.quarantine[0]["detail"].startswith("line 701") and shard.quarantine[0]["bytes"] == lines[700]


def test_what_is_no_dialogue_is_gated(talk):
    assert talk("LICENSE.txt", "Permission is granted\nto all\n" * 20).account["gated"] == {"not_dialogue": 1}
    assert talk("a.log", "").account["gated"] == {"empty": 1}
    assert talk("a.srt", "nothing here").account["gated"] == {"not_dialogue": 1}
    with pytest.raises(RecipeError, match="utf-9"):
        talk("a.log", "", encoding="utf-9")


def test_a_log_of_months_is_cut(talk, monkeypatch):
    monkeypatch.setattr(dialogue_chat, "LONGEST", 1000)
    shard = talk("a.log", "".join(f"<小明> {n} {CHINESE}\n" for n in range(200)))
    assert "\n".join(shard.texts) == "\n".join(f"小明: {n} {CHINESE}" for n in range(200))
    assert [json.loads(d["meta"])["part"] for d in shard.documents] == [*range(1, len(shard.documents) + 1)]


# ---------------------------------------------------------------- JSON

SHAREGPT = {"id": "x1", "conversations": [{"from": "system", "value": "简短"}, {"from": "human", "value": "你好？"},
                                          {"from": "gpt", "value": "你好！\nHow are you?"}]}  # fmt: skip
ROWS = [
    (SHAREGPT, "System: 简短\n\nUser: 你好？\n\nAssistant: 你好！\nHow are you?"),
    ({"messages": [{"role": "user", "content": "1+1＝？"}, {"role": "assistant", "content": None, "tool_calls": []},
                   {"role": "tool", "content": "2"}, {"role": "assistant", "content": [{"type": "text", "text": "二"}, {"type": "image_url"}]}]},
     "User: 1+1＝？\nTool: 2\nAssistant: 二"),
    ({"instruction": "翻译", "input": "good", "output": "好"}, "User: 翻译\ngood\n\nAssistant: 好"),
    ({"instruction": "讲个笑话", "input": "", "output": "不会。", "history": [["在吗", "在"]]},
     "User: 在吗\nAssistant: 在\nUser: 讲个笑话\nAssistant: 不会。"),
    (["今天 天气 不错", "是 啊"], "A: 今天 天气 不错\nB: 是 啊"),
    ({"messages": [{"message": "看过吗？"}, {"attrs": [], "message": "看过。"}]}, "A: 看过吗？\nB: 看过。"),
    ({"dialogue": "#Person1#: Hi\n#Person2#: 你好"}, "#Person1#: Hi\n#Person2#: 你好"),
    ({"chat": {"turn_1": {"Human": "<|Human|>: 在？<eoh>", "Inner Thoughts": "x", "MOSS": "<|MOSS|>: 在。<eom>"}}},
     "User: 在？\nAssistant: 在。"),
    ({"turns": [{"speaker": "小明", "utterance": "早"}, {"speaker": "小红", "utterance": "早！"}]}, "小明: 早\n小红: 早！"),
    ({"question": "谁？", "answer": "我。"}, "User: 谁？\nAssistant: 我。"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(ROWS)))
def test_conversations_are_known_by_their_shape(talk, number):
    row, text = ROWS[number]
    written = json.dumps(row, ensure_ascii=False)
    assert talk("a.jsonl", written + "\n").texts == [text]
    assert talk("b.json", f"[{written}, {written}]").texts == [text, text]


def test_every_container_holds_the_same(talk):
    rows, texts = (
        [row for row, _ in ROWS if isinstance(row, dict)],
        [text for row, text in ROWS if isinstance(row, dict)],
    )
    for written in (
        json.dumps(rows),
        json.dumps(rows, indent=2, ensure_ascii=False),
        json.dumps({"version": "1.0", "data": rows}, ensure_ascii=False),
        "\n".join(json.dumps(row) for row in rows),
        "\n".join(json.dumps(row, indent=1) for row in rows),
        json.dumps({str(number): row for number, row in enumerate(rows)}, indent=4),
        "\ufeff" + json.dumps(rows, ensure_ascii=False),
    ):
        assert talk("a.json", written).texts == texts
    assert talk("a.json", json.dumps(rows[0])).texts == texts[:1]
    assert talk("a.json", json.dumps(rows, ensure_ascii=False).encode("gb18030")).texts == texts


def test_columns_can_be_named(talk):
    row = json.dumps({"nr": 4, "lines": [{"wer": "甲", "was": "早"}, {"wer": "乙", "was": "好"}]})
    assert talk("a.jsonl", row).account["quarantined"] == {"no_turns": 1}
    shard = talk("a.jsonl", row, columns={"turns": "lines", "speaker": "wer", "text": "was", "id": "nr"})
    assert shard.texts == ["甲: 早\n乙: 好"] and shard.documents[0]["source_id"] == "4"


def test_a_column_that_no_conversation_has_is_an_error_that_names_those_there_are(talk):
    first = json.dumps({"lines": [{"was": "早"}, {"was": "好"}]})
    rows = f"{first}\n{json.dumps({'nr': 4, 'lines': [{'wer': '甲', 'was': '早'}]})}"
    named = {"turns": "lines", "speaker": "wer", "text": "was", "id": "nr"}
    assert len(talk("a.jsonl", rows, columns=named).texts) == 2, "the first need not have all"
    as_list = f"[{rows.replace(chr(10), ',')}]"
    for role, name in (("speaker", "were"), ("id", "no"), ("text", "wos"), ("turns", "zeilen")):
        for file, text in (("a.jsonl", rows), ("a.json", as_list)):
            with pytest.raises(
                RecipeError,
                match=rf"no conversation has '{name}' for the {role}; .*'lines', 'was', 'nr', 'wer'",
            ):
                talk(file, text, columns={**named, role: name})


def test_counts_are_in_meta(talk):
    shard = talk("a.jsonl", json.dumps(ROWS[1][0]))
    assert json.loads(shard.documents[0]["meta"]) == {"turns": 3, "speakers": 3, "left_out": 1}
    assert shard.documents[0]["unit"] == shard.documents[0]["id"]


@pytest.mark.fault(13, 16)
@pytest.mark.parametrize("indent", [None, 2])
def test_one_damaged_byte_costs_one_element(talk, indent):
    rows = [
        {
            "id": n,
            "messages": [{"role": "user", "content": f"第{n}问"}, {"role": "assistant", "content": CHINESE}],
        }
        for n in range(100)
    ]
    data = json.dumps(rows, ensure_ascii=False, indent=indent).encode()
    dice = random.Random(4)
    lost = []
    for _ in range(80):
        damaged = bytearray(data)
        damaged[dice.randrange(10, len(data) - 10)] ^= 1 << dice.randrange(8)
        shard = talk("a.json", bytes(damaged))
        lost.append(100 - len([text for text in shard.texts if "User: 第" in text or "Assistant" in text]))
    assert sorted(lost)[72] <= 1 and max(lost) <= 3


@pytest.mark.fault(12)
@pytest.mark.parametrize("tenth", range(10))
def test_a_cut_array_keeps_what_came_before(talk, tenth):
    dice = random.Random(1)
    rows = [["".join(dice.choices("天地玄黄宇宙洪荒", k=200)), f"{n}"] for n in range(300)]
    whole = gzip.compress(json.dumps(rows).encode())
    shard = talk("a.json.gz", whole[: len(whole) * tenth // 10])
    assert shard.account["quarantined"] == {"unreadable_tail": 1}
    assert len(shard.documents) >= 300 * tenth // 10 - 20
    assert shard.texts == [f"A: {a}\nB: {b}" for a, b in rows[: len(shard.documents)]]


@pytest.mark.fault(18, 19, 21, 29, 30)
def test_odd_rows_are_named(talk):
    good = json.dumps(SHAREGPT, ensure_ascii=False)
    deep = '{"messages": ' + "[" * 200_000 + "]" * 200_000 + "}"
    rows = [
        good.replace("你好？", "你\u2028好\x85\\ud800？"), deep, "7", "{}", '{"a": NaN}', good[:-5], good, good,
        '{"messages": [{"role": "user", "content": 5}]}', '{"messages": []}',
    ]  # fmt: skip
    shard = talk("a.jsonl", "\n".join(rows).encode("utf-8", "surrogatepass"))
    assert shard.account["quarantined"] == {"json_depth": 1, "json_syntax": 1, "no_turns": 4}
    assert shard.account["gated"] == {"empty": 1} and shard.account["documents"] == 3
    assert "\ud800" not in shard.texts[0] and len({document["id"] for document in shard.documents}) == 3
    array = talk("a.json", f"[{good}, {deep}, {good}]")
    assert array.account["documents"] == 2 and array.account["quarantined"] == {"json_depth": 1}


READ = """
import json, resource, sys
from collections import Counter
from pathlib import Path
from headwater.recipe.sources import SOURCES
from headwater.sources.kinds import KINDS
source = SOURCES["dialogue"](name="texts", kind="dialogue", paths=["*"])
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
before, found = peak(), Counter()
for record in KINDS["dialogue"].read(Path(sys.argv[1]), source):
    found[getattr(record, "reason", "document")] += 1
print(json.dumps([found, peak() - before]))
"""


def grown_by(path) -> tuple[dict[str, int], int]:
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    found, grown = json.loads(done.stdout)
    return found, grown


@pytest.mark.fault(28)
def test_an_array_is_read_in_memory_that_does_not_grow_with_it(tmp_path):
    grown = []
    for count in (20_000, 200_000):
        path = tmp_path / f"{count}.json"
        element = json.dumps(
            {"conversations": [{"from": "human", "value": CHINESE}, {"from": "gpt", "value": TRADITIONAL}]}
        )
        with path.open("w") as file:
            file.write("[" + ",\n".join([element] * count) + "]")
        found, bytes_grown = grown_by(path)
        assert found == {"document": count}
        grown.append(bytes_grown)
    assert grown[1] < grown[0] + (8 << 20)


@pytest.mark.fault(20, 22)
@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.log", "a.mbox", "a.srt"])
def test_one_line_of_half_a_gigabyte_is_quarantined_in_bounded_memory(tmp_path, name):
    starts = {
        "a.jsonl": b'{"messages": "',
        "a.json": b'["',
        "a.log": b"<a> b\n<a> ",
        "a.mbox": b"Subject: x\n\n",
        "a.srt": b"1\n00:00:01,000 --> 00:00:02,000\n",
    }
    path = tmp_path / f"{name}.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(starts[name])
        for _ in range(512):
            file.write(b"x" * (1 << 20))
    found, grown = grown_by(path)
    assert found.pop("too_large") == 1 and found in ({}, {"document": 1}, {"unreadable_tail": 1})
    assert grown < 400 << 20


# ---------------------------------------------------------------- mail

MAIL = """From a@example.com Mon Jun 01 04:28:28 2009
From: =?gb2312?B?zfXQocP3?= <a@example.com>
Subject: =?UTF-8?Q?=E5=85=B3=E4=BA=8E?=
 =?UTF-8?Q?_mbox?= and more
Date: Mon, 01 Jun 2009 09:56:31 +0530
Message-ID: <1@x>
Content-Type: text/plain; charset=gb2312
Content-Transfer-Encoding: 8bit

你好，镕基！
>From here on

From the start of a paragraph, it is no new message.

From me 10:00 in 2009
--@
王小明
电话

From b@example.com Mon Jun 01 05:31:14 2009
From: "Li, B." <b@example.com>
Subject: Re: x
In-Reply-To: <1@x>
Message-ID: <2@x>

2009/6/1 王小明 <a@example.com> 写道：
> 你好，镕基！
> > more

I agree.

On Mon, Jun 1, 2009 at 9:56 AM, Wang
<a@example.com> wrote:

> quoted
>
> more

Bye.
________________________________________
core-user mailing list
core-user@example.com
""".replace("--@", "-- ")


def test_a_mailbox_is_read_message_by_message(talk):
    data = MAIL.encode("gb18030")
    shard = talk("list.mbox", data)
    first, second = shard.documents
    assert first["title"] == "关于 mbox and more" and first["date"] == "2009-06-01T09:56:31+05:30"
    assert first["text"] == (
        "你好，镕基！\nFrom here on\n\nFrom the start of a paragraph, it is no new message.\n\nFrom me 10:00 in 2009"
    )
    assert second["text"] == "I agree.\n\nBye."
    assert first["unit"] == second["unit"] == "1@x"
    assert (
        json.loads(second["meta"])["cut_lines"] == 13 and json.loads(second["meta"])["in_reply_to"] == "1@x"
    )
    kept = talk("list.mbox", data, quotes="keep", signatures="keep").texts
    assert (
        kept[0].endswith("--\n王小明\n电话")
        and "> 你好，镕基！\n> > more" in kept[1]
        and "mailing list" in kept[1]
    )


def part(kind: str, body: str, encoding: str = "utf-8", transfer: str = "base64", more: str = "") -> str:
    import base64
    import quopri

    data = body.encode(encoding)
    packed = base64.encodebytes(data) if transfer == "base64" else quopri.encodestring(data)
    return f"Content-Type: {kind}; charset={encoding}\nContent-Transfer-Encoding: {transfer}\n{more}\n{packed.decode()}"


def multipart(kind: str, *parts: str) -> str:
    inside = "".join(f"--==b==\n{item}\n" for item in parts)
    return f"From: a@b.c\nMIME-Version: 1.0\nContent-Type: multipart/{kind}; boundary===b==\n\n{inside}--==b==--\n".replace(
        "boundary===b==", 'boundary="==b=="'
    )


@pytest.mark.parametrize("transfer", ["base64", "quoted-printable"])
@pytest.mark.parametrize("encoding", ["gb2312", "gbk", "big5", "utf-8", "gb18030"])
def test_of_alternatives_the_plain_one(talk, encoding, transfer):
    text = "這是繁體中文的郵件，請查收。" if encoding == "big5" else "这是一封中文的邮件，请查收。"
    page = part(
        "text/html",
        f"<html><body><p>{text}</p><blockquote>old</blockquote></body></html>",
        encoding,
        transfer,
    )
    both = multipart("alternative", part("text/plain", text, encoding, transfer), page)
    assert talk("a.eml", both).texts == [text]
    assert talk("a.eml", multipart("alternative", part("text/plain", " ", encoding), page)).texts == [text]
    attached = part(
        "text/plain", "附件", encoding, transfer, "Content-Disposition: attachment; filename=a.txt\n"
    )
    picture = part("image/png", "x")
    shard = talk("a.eml", multipart("mixed", part("text/plain", text, encoding, transfer), attached, picture))
    assert shard.texts == [text] and shard.account["gated"] == {"attachment": 2}


def test_a_false_charset_is_found_out(talk):
    head = b"From: \xcd\xf5\xd0\xa1\xc3\xf7 <a@b.c>\nSubject: \xb9\xd8\xd3\xda\xd3\xca\xbc\xfe\xb5\xc4\xce\xca\xcc\xe2\nContent-Type: text/plain; charset=%s\n\n"
    for charset in (b"us-ascii", b"iso-8859-1", b"utf-8", b"x-nobody-knows"):
        shard = talk("a.eml", head % charset + (CHINESE * 2).encode("gb18030"))
        assert shard.texts == [CHINESE * 2] and shard.documents[0]["title"] == "关于邮件的问题"


@pytest.mark.fault(21, 23, 26)
def test_hostile_messages_are_named(talk):
    nested = "From: a@b.c\n"
    for level in range(60):
        nested += f'Content-Type: multipart/mixed; boundary="b{level}"\n\n--b{level}\n'
    assert talk("a.eml", nested + "\ntext").account["quarantined"] == {"mail_syntax": 1}
    assert talk("b.eml", "no headers at all, ever\n\nbut a body").account["read"] == 1
    assert talk("c.eml", "From: a@b.c\n\n> only\n> quotes\n").account["gated"] == {"only_quotes": 1}
    odd = "From: =?x?Q?=?= <\nSubject: =?utf-8?B?!!!?=\nDate: never\nReferences: <<<>>\nContent-Type: ;;;charset=\n\ntext"
    assert talk("d.eml", odd).texts == ["text"]


def test_a_thread_is_one_unit(talk):
    mails = "".join(
        f"From a@b Mon Jun 01 04:28:28 2009\nFrom: a@b\nMessage-ID: <{n}@x>\n"
        + (f"In-Reply-To: <{n - 1}@x>\n" if n % 3 else "")
        + f"\n第 {n} 封\n\n"
        for n in range(9)
    )
    assert [document["unit"] for document in talk("m.mbox", mails).documents] == ["0@x"] * 3 + ["3@x"] * 3 + [
        "6@x"
    ] * 3


# ---------------------------------------------------------------- subtitles

SRT = """1
00:00:01,000 --> 00:00:02,500
<i>It was the best of times,</i>
it was

2
00:00:02,600 --> 00:00:04,000
{\\an8}the worst of times.

3
00:00:05,000 --> 00:00:06,000 X1:10 X2:20
- 你好。
- 再见！

4
00:00:07,000 --> 00:00:08,000
你从哪里来？
Where are you from?
5
00:00:09,000 --> 00:00:10,000
JOHN: Here.
"""


def test_srt_is_lines_without_times(talk):
    lines = [
        "It was the best of times, it was the worst of times.", "- 你好。", "- 再见！", "你从哪里来？", "Where are you from?",
        "JOHN: Here.",
    ]  # fmt: skip
    shard = talk("film.zh-CN.srt", SRT)
    assert shard.texts == ["\n".join(lines)]
    assert shard.documents[0]["language_declared"] == "zh-Hans"
    assert json.loads(shard.documents[0]["meta"])["cues"] == 5
    for encoding in ("gb18030", "utf-16", "utf-8-sig"):
        assert talk("a.srt", SRT.replace("\n", "\r\n").encode(encoding)).texts == ["\n".join(lines)]


def test_webvtt_names_its_speakers_and_live_captions_are_said_once(talk):
    captions = """WEBVTT

STYLE
::cue { color: red }

NOTE nobody reads this

intro
00:01.000 --> 00:02.000 align:start
<v.loud 鲁迅>那是谁&amp;什么？</v>

00:03.000 --> 00:04.000
<v Amy><c.x>Hello</c> <00:00:03.500>there.

00:05.000 --> 00:06.000
first line

00:06.000 --> 00:07.000
first line
second one
"""
    assert talk("a.vtt", captions).texts == ["鲁迅: 那是谁&什么？\nAmy: Hello there.\nfirst line second one"]


def test_ass_keeps_both_languages_in_order(talk):
    script = """[Script Info]
Title: x
[V4+ Styles]
Format: Name, Fontname
Style: Default,Arial
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,not said
Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,{\\fad(1,2)}你好，世界\\N{\\fs10}Hello, world
Dialogue: 0,0:00:01.00,0:00:02.00,Default,小明,0,0,0,,先说这个
Dialogue: 0,0:00:05.00,0:00:06.00,Default,,0,0,0,,{\\p1}m 0 0 l 100 100{\\p0}
"""
    assert talk("a.ass", script).texts == ["小明: 先说这个\n你好，世界\nHello, world"]


# ---------------------------------------------------------------- archives and adversaries


@pytest.mark.fault(14, 22)
def test_archives_are_read_member_by_member(tmp_path, read):
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/one.json", json.dumps([SHAREGPT]))
        archive.writestr("b/one.log", LOG)
        archive.writestr("../out.log", LOG)
        archive.writestr("c.jsonl.gz", gzip.compress(json.dumps(SHAREGPT).encode()))
    shard = read(path, kind="dialogue")
    assert len(shard.documents) == 4 and shard.account["quarantined"] == {"archive_path": 1}
    assert {document["unit"] for document in shard.documents[1:3]} == {"b/one.log"}
    tarred = tmp_path / "all.tar.gz"
    with tarfile.open(tarred, "w:gz") as archive:
        data = SRT.encode()
        entry = tarfile.TarInfo("film.srt")
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    assert len(read(tarred, kind="dialogue").documents) == 1


@pytest.mark.parametrize(
    ("head", "form"),
    [
        (MAIL, 2),
        (SRT, 1),
        (json.dumps([SHAREGPT]), 1),
        (json.dumps(SHAREGPT), 1),
        (LOG, 2),
        ("WEBVTT\n\n00:01.000 --> 00:02.000\n好", 1),
    ],
)
def test_a_format_is_told_by_how_a_file_begins(talk, head, form):
    assert len(talk("unknown.txt", head).documents) == form


PIECES = [
    "<",
    "[",
    "(",
    "* ",
    "12:18 ",
    "<a",
    "{\\",
    "<v ",
    "- ",
    "=== ",
    "0",
    ":",
    "a:",
    "On ",
    "> ",
    "=?",
    "From ",
    "\t",
    "--",
    "中",
    "\n",
    "[00:",
    "Jan 1 ",
    "</",
]


@pytest.mark.fault(25)
@pytest.mark.parametrize("piece", PIECES)
def test_every_expression_is_linear_on_hostile_text(piece):
    for module in (dialogue_chat, dialogue_mail, dialogue_subtitles, dialogue_json):
        for name, pattern in vars(module).items():
            if isinstance(pattern, re.Pattern):
                steps = []
                for size in (4_000, 16_000):
                    text = (piece * size)[:size] + "\x00"
                    steps.append(_steps(pattern, text))
                assert steps[1] <= 10 * steps[0] + 0.05, f"{module.__name__}.{name} on {piece!r}: {steps}"


def _steps(pattern, text) -> float:
    """The least of three measurements: an expression that is quadratic or worse takes 16 times as long or more."""
    import time

    subject = text.encode() if isinstance(pattern.pattern, bytes) else text
    best = 1e9
    for _ in range(3):
        start = time.process_time()
        for _ in pattern.finditer(subject):
            pass
        best = min(best, time.process_time() - start)
    return best


def test_letters_go_on_behind_z():
    assert [dialogue_turns.letter(n) for n in (0, 25, 26, 51, 52, 701, 702)] == [
        "A",
        "Z",
        "AA",
        "AZ",
        "BA",
        "ZZ",
        "AAA",
    ]


# ---------------------------------------------------------------- real data


def test_every_real_file_is_read(real_data, read):
    chat = real_data / "corpora/chat"
    for path in sorted(chat.glob("ubuntu-irc/*.gz")):
        account = read(path, kind="dialogue").account
        is_log = ".raw." in path.name
        assert account["documents"] == is_log and account["gated"] == ({} if is_log else {"not_dialogue": 1})
    expected = {"film/dev.json.gz": 150, "travel/dev.json.gz": 150}
    for name, count in expected.items():
        account = read(chat / "kdconv-zh" / name, kind="dialogue").account
        assert (account["read"], account["documents"]) == (count, count)
    assert read(chat / "crosswoz-val.json.zip", kind="dialogue").account["documents"] == 500
    for name, count in {"complex.mbox": 3, "testMBOX_complex.mbox": 1, "test_subrip.srt": 1}.items():
        assert read(chat / "mail-subtitle" / name, kind="dialogue").account["documents"] == count


def test_every_line_of_a_real_log_is_accounted_for(real_data, read):
    for path in sorted((real_data / "corpora/chat/ubuntu-irc").glob("*.raw.txt.gz")):
        [document] = read(path, kind="dialogue").documents
        meta = json.loads(document["meta"])
        lines = gzip.decompress(path.read_bytes()).decode().split("\n")
        assert meta["turns"] + meta.get("events", 0) + meta.get("other", 0) == sum(map(bool, lines))
        said = [found for line in lines if (found := re.match(r"\[\d\d:\d\d\] <([^>]+)> (.+)", line))]
        shown = document["text"].split("\n")
        for found in said[:: len(said) // 50]:
            assert f"{found[1]}: {' '.join(found[2].split())}" in {" ".join(line.split()) for line in shown}
        assert document["date"] == path.name[:10]


@pytest.mark.parametrize(
    ("name", "number", "turns", "first", "last"),
    [
        ("kdconv-zh/film/dev.json.gz", 0, 28, "A: 知道恋恋笔记本这部电影吗？\nB: 知道呀，是一部改编于美国小说家尼古拉斯·斯帕克斯的同名小说的电影。\nA: 嗯，口碑也还不错，才2900万美元的小成本制作。\n",
         "\nA: 那你对他了解吗？\nB: 有点了解，他是1974年8月31日出生，是一位长期从事电影短片以及音乐录影带拍摄的导演。"),
        ("kdconv-zh/film/dev.json.gz", 77, 30, "A: 你好，你知道三船敏郎吗？\nB: 他是一名日本艺人。\nA: 是的他是个导演，演员。\nB: 还是个制片人呢。你知道他是日本哪里人吗？\n", ""),
        ("kdconv-zh/travel/dev.json.gz", 0, 18, "A: 对百雅轩798艺术中心有了解吗？\nB: 有些了解，它位于北京798艺术区，创办于2003年。\n",
         "\nA: 哦，那它的游玩时间要多久？\nB: 1小时 - 2小时。"),
        ("crosswoz-val.json.zip", 0, 24, "User: 你好，我想找家人均消费在100-150元的餐馆吃驴杂汤这道菜，请给我推荐一家餐馆用餐吧。\nAssistant: 抱歉，消费价格没有符合您要求的，推荐您去人均消费68元的讲礼驴肉馆用餐。\n",
         "\nUser: 好的，谢谢你了啊。\nAssistant: 不客气。"),
        ("crosswoz-val.json.zip", 499, 18, "User: 您好，请帮我找个评分4.5分以上、然后价格在200-300元之间的酒店呗。\nAssistant: 中安之家连锁(北京中安宾馆)、",
         "Assistant: 电话56018131，周边酒店有如家快捷酒店(北京昌平鼓楼西街店)。\nUser: 好，谢谢。\nAssistant: 不客气。"),
        ("ubuntu-irc/2004-11-15_03.raw.txt.gz", 0, 1077, "|trey|: usual, quite stable though  :)\ntweaked: HrdwrBoB: ok how many partitions should i make?\nMatt|: |trey|, top in the list --> ubuntu servers\n", ""),
        ("mail-subtitle/complex.mbox", 0, None, "When a Mapper completes, MapCompletionEvents are generated. Reducers try to\nfetch map outputs", "\n\nJothi"),
        ("mail-subtitle/complex.mbox", 1, None, "Thanks a lot for your explanation, Jothi.\n\nSo is this event generated by hadoop framework?", "\n\nThanks,\nJianmin"),
        ("mail-subtitle/complex.mbox", 2, None, "No you cannot raise this event yourself, this event is generated internally\nby the framework.", "\n\nJothi"),
        ("mail-subtitle/testMBOX_complex.mbox", 0, None, "Dear Some Person,\n\nMy name is Another Person. body 1", "Sincerely,\n\nAnother Person"),
        ("mail-subtitle/test_subrip.srt", 0, 9, 'ESSAI DE SOUS-TITRES\n"Pour tester la reconnaissance, il faut des lignes de textes."\n', "2e épisode : ET LA SUITE"),
    ],
)  # fmt: skip
def test_real_dialogues_word_for_word(real_data, read, name, number, turns, first, last):
    document = read(real_data / "corpora/chat" / name, kind="dialogue").documents[number]
    assert document["text"].startswith(first) and document["text"].endswith(last)
    assert json.loads(document["meta"] or "{}").get("turns") == turns
