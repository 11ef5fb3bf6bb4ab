"""What tests/fuzz/fuzz_readers.py has found in the kinds beyond archives of the web and rows, one test a finding."""

import io
import json
import os
import subprocess
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headwater.errors import HeadwaterError
from headwater.sources.extract.latex import paper_of
from headwater.sources.extract.wikitext import text_of

CLOCK = "2024-01-02T03:04:05Z"


@pytest.fixture
def packed(tmp_path):
    """The .git of a repository whose objects are in one pack."""
    who = {"GIT_AUTHOR_NAME": "鲁迅", "GIT_AUTHOR_EMAIL": "a@b.example", "GIT_AUTHOR_DATE": CLOCK}
    who |= {name.replace("AUTHOR", "COMMITTER"): value for name, value in who.items()}
    environment = os.environ | who | {"HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
    (tmp_path / "源.py").write_text("x = 1\n" * 50)
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"], ["repack", "-adq"]):
        subprocess.run(["git", *words], cwd=tmp_path, env=environment, check=True)
    return tmp_path / ".git"


@pytest.mark.parametrize(
    "place", [1032 + 24 * 3, 1032 + 24 * 3 + 4, 1032 + 24 * 3 + 8]
)  # the table of offsets
def test_an_index_of_git_that_leads_out_of_it_is_named(packed, read, place):
    [index] = (packed / "objects" / "pack").glob("*.idx")
    index.chmod(0o644)
    data = bytearray(index.read_bytes())
    assert int.from_bytes(data[8 + 255 * 4 : 1032], "big") == 3  # commit, tree, file
    data[place : place + 4] = b"\xff\xff\xff\xff"
    for damaged in (bytes(data), bytes(data[: 1032 + 24 * 3])):
        index.write_bytes(damaged)
        shard = read(packed / "HEAD", kind="code")
        assert sum(shard.account["quarantined"].values()) == 1 and not shard.documents


def test_a_parameter_of_tex_that_there_is_none_of_is_nothing():
    for sign in "0²９":
        text = f"\\documentclass{{article}}\\begin{{document}}\\def\\a{{x#{sign}y}}甲 \\a{{}} $\\a{{}}$ 乙\\end{{document}}"
        assert "甲" in "".join(str(paper_of("main.tex", text, lambda name: None)))


@pytest.mark.parametrize("number", ["²", "①", "٣", "9" * 5000])
def test_a_number_in_a_template_that_python_does_not_take_is_text(number):
    for template in (
        "start date|2020|{}",
        "start date|2020|3|{}",
        "as of|2020|{}",
        "val|{}",
        "convert|{}|km",
    ):
        assert "甲" in text_of(f"甲{{{{{template.format(number)}}}}}乙", language="en")
        assert "乙" in text_of(f"甲{{{{{template.format(number)}}}}}乙", language="zh")


@pytest.mark.parametrize("mark", ["\x021\x02", "\x02" + "1" * 5000 + "\x02", "\x01甲\x01", "\x1d\x1e\x1f"])
def test_no_control_character_of_a_paper_stands_for_something(mark):
    body = f"\\begin{{verbatim}}一\\end{{verbatim}} \\verb|二| 前{mark}后"
    text = paper_of("main.tex", f"\\documentclass{{article}}\\begin{{document}}{body}\\end{{document}}").text
    assert text.count("二") == 1 and "前" in text and "后" in text
    assert not set(text) & set("\x01\x02\x03\x1d\x1e\x1f")


def test_a_pdf_whose_title_is_no_text_has_none(tmp_path, read):
    content = b"BT /F1 12 Tf 72 720 Td (The river rose in the night; nobody wrote it down, and the boats were gone.) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Title <FEFFDC000041> >>",  # half of a character
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    end = b"trailer << /Size 7 /Root 1 0 R /Info 6 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(out)
    path = tmp_path / "a.pdf"
    path.write_bytes(out + b"xref\n0 7\n0000000000 65535 f \n" + table + end)
    [document] = read(path, kind="papers").documents
    assert document["text"].startswith("The river rose") and "\ufffd" not in (document["title"] or "")


@pytest.mark.fault(19)
def test_bytes_that_are_no_characters_in_a_header_of_a_mail_do_not_reach_the_table(tmp_path, read):
    path = tmp_path / "a.mbox"
    mail = "From a@b.example Tue Mar  5 09:00:00 2024\nIn-Reply-To: <１２.qm@b.example>\nSubject: x\n\n今天晚上，很好的月光。\n"
    path.write_bytes(mail.encode())
    [document] = read(path, kind="dialogue").documents
    assert document["text"].endswith("很好的月光。") and document["meta"].isprintable()


class Stream(io.BytesIO):
    """Where a zip's writer cannot go back, so that a member's length stands behind it."""

    def seekable(self):
        return False

    def seek(self, *place):
        raise io.UnsupportedOperation


@pytest.mark.fault(12)
def test_a_zip_that_was_streamed_and_is_cut_in_a_member_is_named(tmp_path, read):
    out = Stream()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("一.txt", "今天晚上，很好的月光。" * 9)
        archive.writestr("二.txt", os.urandom(3000).hex())
    path = tmp_path / "books.zip"
    path.write_bytes(out.getvalue()[:1500])
    shard = read(path, kind="books")
    assert len(shard.documents) == 1 and sum(shard.account["quarantined"].values()) >= 1


ENDLESS = "&#" + "1" * 5000 + ";"  # more digits than Python takes for a number


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("页.html", "html", "<html><head><title>题{0}</title><meta name=author content='{0}'></head><body><p>{1}{0}</p></body></html>"),
        ("报.xml", "news", "<rss><channel><item><title>题{0}</title><description>{1}{0}</description></item></channel></rss>"),
        ("影.srt", "dialogue", "1\n00:00:01,000 --> 00:00:02,000\n- {1}{0}\n\n2\n00:00:03,000 --> 00:00:04,000\n- 好{0}\n"),
        ("书.html", "books", "<html><head><title>题{0}</title></head><body><h1>一{0}</h1><p>{1}{0}</p></body></html>"),
    ],
)  # fmt: skip
def test_a_character_reference_of_endless_digits_costs_nothing(tmp_path, read, name, kind, text):
    words = "今天晚上，很好的月光。我不见他，已是三十多年；今天见了，精神分外爽快。" * 3
    (tmp_path / name).write_text(text.format(ENDLESS, words), encoding="utf-8")
    settings = {"text": "all"} if kind == "html" else {}
    shard = read(tmp_path / name, kind=kind, **settings)
    assert shard.account["documents"] == 1 and words in shard.texts[0]
    if kind == "html":
        assert read(tmp_path / name, kind=kind).account["read"] == 1


def test_of_a_broken_json_file_no_byte_is_quarantined_twice(tmp_path, read):
    """Each of its thousands of parts began where the one before it did, and kept 64 KiB: a gigabyte of one megabyte."""
    turn = '  {\n    "messages": [{"role": "user", "content": "今天晚上，很好的月光。"},\n'
    path = tmp_path / "话.json"
    path.write_text(
        "[\n" + "".join(f"{turn}    坏{n}\n  }},\n" for n in range(3000)) + "]\n", encoding="utf-8"
    )
    shard = read(path, kind="dialogue")
    lost = shard.quarantine
    assert len(lost) > 1000 and sum(len(row["bytes"] or b"") for row in lost) <= path.stat().st_size


def test_rows_of_programs_are_rows_where_the_first_is_broken(tmp_path, read):
    rows = [
        json.dumps({"content": f"def f{n}():\n    return '源头{n}'\n", "lang": "Python", "path": f"{n}.py"})
        for n in range(9)
    ]
    for encoding in ("utf-8", "gb18030"):
        path = tmp_path / f"{encoding}.jsonl"
        path.write_bytes("\n".join(["{content: 坏}", *rows]).encode(encoding))
        shard = read(path, kind="code")
        assert shard.account["documents"] == 9 and shard.account["quarantined"] == {"json_syntax": 1}


def test_a_name_that_stands_twice_in_a_tree_of_git_is_named(tmp_path, read):
    (tmp_path / "源.py").write_text("x = 1\n" * 50, encoding="utf-8")
    (tmp_path / "b.py").write_text("y = 2\n" * 50, encoding="utf-8")

    def git(*words: str, data: bytes | None = None) -> bytes:
        return subprocess.run(
            ["git", *words], cwd=tmp_path, input=data, check=True, capture_output=True
        ).stdout

    git("init", "-q")
    blobs = [git("hash-object", "-w", name).strip() for name in ("源.py", "b.py")]
    entries = [(b"a.py", blobs[0]), (b"a.py", blobs[1]), (b"c/d.py", blobs[1]), (b"e.py", blobs[0])]
    tree = b"".join(b"100644 " + name + b"\0" + bytes.fromhex(blob.decode()) for name, blob in entries)
    names = git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", data=tree).strip().decode()
    who = "a <a@b.example> 1700000000 +0000"
    commit = f"tree {names}\nauthor {who}\ncommitter {who}\n\nx\n".encode()
    head = git("hash-object", "-w", "-t", "commit", "--stdin", data=commit).strip().decode()
    (tmp_path / ".git" / "HEAD").write_text(head + "\n")
    shard = read(tmp_path / ".git" / "HEAD", kind="code")
    assert shard.account["documents"] == 2 and shard.account["quarantined"] == {"git_tree": 2}


def test_a_message_of_arrow_that_declares_an_exabyte_takes_no_memory(tmp_path, read):
    table = pa.table({"text": [f"第{n}行：今天晚上，很好的月光。" for n in range(60)]})
    out = io.BytesIO()
    with pa.ipc.new_stream(out, table.schema) as sink:
        sink.write_table(table, max_chunksize=20)
    data = bytearray(out.getvalue())
    start = data.index(b"\xff\xff\xff\xff", data.index("第20行".encode()) - 600)
    length = int.from_bytes(data[start + 4 : start + 8], "little")
    body = sum(len(column.encode()) + 4 for column in table["text"][20:40].to_pylist())
    message = data[start + 8 : start + 8 + length]
    place = next(
        at
        for at in range(0, length - 8, 4)
        if body <= int.from_bytes(message[at : at + 8], "little") < body + 400
    )
    data[start + 8 + place : start + 16 + place] = (1 << 60).to_bytes(8, "little")
    path = tmp_path / "数据.arrow"
    path.write_bytes(bytes(data))
    shard = read(path, kind="huggingface")
    assert shard.account["documents"] == 20 and shard.account["quarantined"] == {"unreadable_tail": 1}


def test_a_parquet_column_whose_name_is_no_text_is_told_by_the_file_s_name(tmp_path, read):
    path = tmp_path / "程序.parquet"
    pq.write_table(pa.table({"content": ["def 源(): pass"], "lang": ["Python"], "licence_x": ["MIT"]}), path)
    path.write_bytes(path.read_bytes().replace(b"licence_x", b"licence_\xff"))
    for kind in ("huggingface", "files"):
        with pytest.raises(HeadwaterError, match=path.name.replace(".", r"\.")):
            read(path, kind=kind)
    account = read(path, kind="code").account  # a data file of a repository, as far as can be told
    assert account["read"] == sum(account["gated"].values()) == 1
