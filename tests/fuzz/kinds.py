"""What the fuzzer begins with for the kinds of source beyond archives of the web and rows: dumps, books, feeds,
dialogues, threads, papers, programs, data sets and saved pages, each in the containers that people have them in."""

import bz2
import gzip
import html
import importlib.util
import io
import json
import os
import quopri
import subprocess
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from inputs import MIXED, SIMPLIFIED, TRADITIONAL, Seed, line_parts

from headwater.sources.extract import latex_actions, latex_commands, wikitext_templates

# Of each kind, where real files lie.
REAL = {
    "wikipedia": ["corpora/wikipedia/**/*.xml", "corpora/wikipedia/**/*.bz2"],
    "books": ["corpora/books/**/*.epub", "corpora/books/poetry-zh/**/*.json*", "corpora/books/**/*.html*",
              "corpora/books/**/*.txt*"],
    "news": ["truth/encoding/files/**/*.xml", "corpora/web-html/gne-zh-news/**/*.html.gz"],
    "dialogue": ["corpora/chat/**/*"],
    "forum": ["corpora/qa/**/Posts.xml", "corpora/qa/*.jsonl.gz"],
    "papers": ["corpora/papers/**/*.tex", "corpora/papers/**/*.pdf", "corpora/papers/*.zip"],
    "html": ["corpora/web-html/**/*.html.gz"],
}  # fmt: skip
TEXTS = (SIMPLIFIED.strip(), TRADITIONAL.strip(), MIXED.strip())
_MARKUP = f"<p>{TEXTS[0]}</p><pre><code>if x &lt; 1:\n    甲\n</code></pre><ul><li>{TEXTS[1]}<li>b</ul>"


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def tarred(members: dict[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def archives(name: str, members: dict[str, bytes]) -> list[Seed]:
    return [
        Seed(f"{name}.zip", zipped(members)),
        Seed(f"{name}-stored.zip", zipped(members, zipfile.ZIP_STORED)),
        Seed(f"{name}.tar", tarred(members)),
        Seed(f"{name}-gnu.tar.gz", gzip.compress(tarred(members, tarfile.GNU_FORMAT), mtime=0)),
        Seed(f"{name}.tar.zst", zstandard.compress(tarred(members))),
    ]


def lines_of(name: str, rows: list[dict]) -> list[Seed]:
    data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    return [
        Seed(f"{name}.jsonl", data, line_parts(data)),
        Seed(f"{name}.jsonl.gz", gzip.compress(data, mtime=0)),
    ]


# ---------------------------------------------------------------- kinds


def wikipedia() -> list[Seed]:
    texts = [
        f"'''甲'''是[[乙|丙]]。{{{{lang|fr|x}}}}<ref name=a>{{{{cite|t}}}}</ref>\n== 一 ==\n* {TEXTS[0]}\n** -{{zh-cn:a;zh-tw:b}}-",
        f"{{| class=wikitable\n! a !! b\n|-\n| {TEXTS[1]} || [[File:a.jpg|thumb|[[b]]]]\n|}}\n<math>x^{{2}}</math>",
        *_templates(),
        "#重定向 [[甲]]", f"{TEXTS[2]} [http://a.example b] <nowiki>[[c]]</nowiki> <!-- d --> {{{{a|{{{{b}}}}}}}}",
    ]  # fmt: skip
    pages = "".join(
        f"<page><title>页{n}</title><ns>{n % 3 and 0}</ns><id>{n}</id><revision><id>{n}</id><timestamp>2020-01-02T03:04:05Z"
        f'</timestamp><model>wikitext</model><text bytes="9" xml:space="preserve">{html.escape(texts[n % len(texts)])}</text></revision></page>\n'
        for n in range(60)
    )
    info = '<siteinfo><dbname>zhwiki</dbname><base>https://zh.wikipedia.org/wiki/x</base><namespaces><namespace key="6">文件</namespace></namespaces></siteinfo>'
    dump = f'<mediawiki xml:lang="zh">\n{info}\n{pages}</mediawiki>\n'.encode()
    streams = b"".join(bz2.compress(part) for part in (dump[:300], dump[300:4000], dump[4000:]))
    return [
        Seed("zhwiki-20200101-pages-articles.xml", dump),
        Seed("zhwiki.xml.gz", gzip.compress(dump, mtime=0)),
        Seed("zhwiki.xml.zst", zstandard.compress(dump)),
        Seed("zhwiki-multistream.xml.bz2", streams),
        Seed("wiki-utf16.xml", dump.decode().encode("utf-16")),
    ]


def _templates() -> list[str]:
    """Every template and parser function that is shown, forty a text."""
    names = [*wikitext_templates._SHOW, "formatnum:", "lc:", "plural:", "lang-ru", "XIXe siècle", "pagename"]
    called = [f"{{{{{name}|2020|{n % 13}|3.5|km|甲=乙|to|en}}}}" for n, name in enumerate(names)]
    return ["甲" + "，".join(called[at : at + 40]) + "。" for at in range(0, len(called), 40)]


def books() -> list[Seed]:
    chapters = [f"第{n}章 {'春夏秋冬'[n % 4]}\n\n" + f"　　{TEXTS[n % 2]}\n" * 8 for n in range(1, 6)]
    novel = "\n\n".join(chapters)
    english = "\r\n\r\n".join(f"CHAPTER {n}\r\n\r\n" + "The river rose in the night and\r\nnobody wrote it down.\r\n" * 9 for n in "IVX")  # fmt: skip
    marks = "*** {} OF THE PROJECT GUTENBERG EBOOK A ***\r\n\r\n"
    gutenberg = (
        "Title: A\r\nAuthor: Lu Xun\r\nLanguage: English\r\n\r\n"
        + marks.format("START")
        + english
        + marks.format("END")
    )
    page = f'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>t</title></head><body><h1>一</h1>{_MARKUP}</body></html>'
    items = "".join(
        f'<item id="i{n}" href="{n}.xhtml" media-type="application/xhtml+xml"/>' for n in range(3)
    )
    spine = "".join(f'<itemref idref="i{n}"/>' for n in range(3))
    opf = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>呐喊</dc:title><dc:creator>鲁迅</dc:creator></metadata><manifest>{items}</manifest><spine>{spine}</spine></package>"
    )
    container = '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="O/b.opf"/></rootfiles></container>'
    epub = {
        "mimetype": b"application/epub+zip", "META-INF/container.xml": container.encode(), "O/b.opf": opf.encode(),
        **{f"O/{n}.xhtml": page.encode() for n in range(3)},
    }  # fmt: skip
    poems = json.dumps(
        [{"title": "静夜思", "author": "李白", "paragraphs": ["床前明月光，", "疑是地上霜。"]}] * 9,
        ensure_ascii=False,
    )
    members = {"卷/一.txt": novel.encode("gb18030"), "b.html": page.encode(), "c.epub": zipped(epub)}
    return [
        Seed("novel.txt", novel.encode()),
        Seed("gb.txt", novel.encode("gb18030")),
        Seed("pg1.txt.gz", gzip.compress(gutenberg.encode(), mtime=0)),
        Seed("pg2.txt", gutenberg.encode()),
        Seed("a.html", page.encode()),
        Seed("a.epub", zipped(epub)),
        Seed("stored.epub", zipped(epub, zipfile.ZIP_STORED)),
        Seed("poems.json", poems.encode()),
        *archives("books", members),
    ]


def news() -> list[Seed]:
    def items(form: str) -> str:
        return "".join(form.format(n=n, body=html.escape(_MARKUP), text=TEXTS[n % 3]) for n in range(12))

    rss = items("<item><title>题{n}</title><link>https://例.example/{n}</link><guid>{n}</guid><pubDate>Tue, 05 Mar 2024 09:00:00 +0800</pubDate><description>{body}</description><content:encoded><![CDATA[<p>{text}</p>]]></content:encoded></item>\n")  # fmt: skip
    rss = f'<?xml version="1.0" encoding="{{}}"?><rss version="2.0"><channel><title>报</title><language>zh-cn</language>{rss}</channel></rss>'
    atom = items('<entry><title>题{n}</title><id>urn:{n}</id><updated>2024-03-05T09:00:00Z</updated><content type="html">{body}</content></entry>\n')  # fmt: skip
    atom = f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="zh"><title>t</title>{atom}</feed>'
    nitf = f'<nitf xml:lang="zh"><head><docdata><date.issue norm="20240305T090000Z"/></docdata></head><body><body.head><hedline><hl1>大会</hl1></hedline></body.head><body.content>{_MARKUP}</body.content></body></nitf>'
    newsml = f'<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="urn:1"><contentMeta><headline>大会</headline></contentMeta><contentSet><inlineXML><html xmlns="http://www.w3.org/1999/xhtml"><body>{_MARKUP}</body></html></inlineXML></contentSet></newsItem>'
    page = f"<html><head><title>T - Site</title><meta property='article:published_time' content='2024-03-05'></head><body><article>{_MARKUP * 5}</article></body></html>"
    feeds = {"a.xml": rss.format("utf-8").encode(), "b.atom": atom.encode(), "c.nitf": nitf.encode()}
    return [
        *(Seed(name, data) for name, data in feeds.items()),
        Seed("gb.rss", rss.format("gb2312").encode("gb18030")),
        Seed("utf16.xml", rss.format("utf-16").encode("utf-16")),
        Seed("n.xml", newsml.encode()),
        Seed("p.html", page.encode()),
        Seed("a.xml.gz", gzip.compress(feeds["a.xml"], mtime=0)),
        *archives("feeds", feeds | {"p.html": page.encode()}),
    ]


def dialogue() -> list[Seed]:
    chat = "".join(
        f"[12:{n:02}] <小明{n % 3}> {TEXTS[n % 3]}\n" if n % 7 else f"[12:{n:02}] * x has quit (bye)\n"
        for n in range(60)
    )
    weechat = "".join(f"2024-01-02 12:{n:02}:00\t{'甲乙'[n % 2]}\t{TEXTS[n % 3]}\n" for n in range(60))
    mails = []
    for n in range(12):
        charset, coding = (("utf-8", "quoted-printable"), ("gb2312", "8bit"), ("big5", "base64"))[n % 3]
        text = f"> 前{n}\n{(TEXTS[1] if charset == 'big5' else TEXTS[0])}\n-- \nsig\n".encode(
            charset, "ignore"
        )
        coded = {
            "quoted-printable": quopri.encodestring,
            "base64": lambda data: __import__("base64").encodebytes(data),
        }
        body = coded.get(coding, bytes)(text)
        head = f"From a@b.example Tue Mar  5 09:0{n % 10}:00 2024\nFrom: =?utf-8?B?6bKB6L+F?= <a@b.example>\nMessage-ID: <{n}@b>\nIn-Reply-To: <{n // 2}@b>\nSubject: Re: x\nMIME-Version: 1.0\n"
        if n % 4 == 3:
            part = f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: {coding}\n\n".encode()
            mails.append(
                head.encode()
                + b'Content-Type: multipart/mixed; boundary="bb"\n\n--bb\n'
                + part
                + body
                + b"\n--bb\nContent-Type: text/html\n\n<p>x</p>\n--bb--\n\n"
            )
        else:
            mails.append(
                head.encode()
                + f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: {coding}\n\n".encode()
                + body
                + b"\n"
            )
    srt = "".join(
        f"{n}\n00:00:{n:02},000 --> 00:00:{n:02},900\n<i>- {TEXTS[n % 3]}</i>\n\n" for n in range(1, 50)
    )
    vtt = "WEBVTT\n\nNOTE x\n\n" + "".join(
        f"00:{n:02}.000 --> 00:{n:02}.900 line:0\n<v 甲>{TEXTS[n % 3]}\n\n" for n in range(50)
    )
    ass = "[Script Info]\nTitle: x\n[Events]\nFormat: Start, End, Name, Text\n" + "".join(
        f"Dialogue: 0:00:{n:02}.00,0:00:{n:02}.90,甲,{{\\b1}}{TEXTS[n % 3]}\\N二\n" for n in range(50)
    )
    turns = [
        {
            "id": n,
            "messages": [{"role": "user", "content": TEXTS[n % 3]}, {"role": "assistant", "content": "好。"}],
        }
        for n in range(40)
    ]
    files = {
        "a.mbox": b"".join(mails),
        "b.srt": srt.encode(),
        "c.ass": ass.encode("utf-16"),
        "d.json": json.dumps(turns).encode(),
    }
    return [
        Seed("a.log", chat.encode()), Seed("gb.log", chat.encode("gb18030", "ignore")), Seed("w.weechatlog", weechat.encode()),
        *(Seed(name, data) for name, data in files.items()), Seed("one.eml", mails[3].partition(b"\n")[2]),
        Seed("e.vtt", vtt.encode()), Seed("big5.srt", "1\n00:00:01,000 --> 00:00:02,000\n所謂回憶\n\n".encode("big5") * 9),
        *lines_of("turns", turns), Seed("strings.json", json.dumps([list(TEXTS)] * 20, ensure_ascii=False).encode()),
        *archives("talk", files),
    ]  # fmt: skip


def forum() -> list[Seed]:
    rows = []
    for n in range(1, 40):
        kind = 1 if n % 3 == 1 else 2
        more = f'Title="怎样{n}？" Tags="&lt;a&gt;&lt;b&gt;" AcceptedAnswerId="{n + 1}"' if kind == 1 else f'ParentId="{n - n % 3 + 1 if n % 3 else n - 2}"'  # fmt: skip
        rows.append(
            f'  <row Id="{n}" PostTypeId="{kind}" CreationDate="2020-03-04T05:06:07.890" Score="{n % 5 - 1}" OwnerUserId="9" ContentLicense="CC BY-SA 4.0" Body="{html.escape(_MARKUP)}" {more} />\n'
        )
    posts = f'\ufeff<?xml version="1.0" encoding="utf-8"?>\n<posts>\n{"".join(rows)}</posts>\n'.encode()
    users = '<users>\n  <row Id="9" DisplayName="鲁迅" />\n</users>\n'.encode()
    threads = [
        {"title": f"问{n}", "body": TEXTS[n % 3], "answers": [{"text": "答。", "score": n}]}
        for n in range(40)
    ]
    spec = importlib.util.spec_from_file_location(
        "sevenzip", Path(__file__).parents[1] / "sources" / "test_sevenzip.py"
    )
    assert spec is not None and spec.loader is not None
    sevenzip = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sevenzip)
    return [
        Seed("Posts.xml", posts), Seed("Posts.xml.gz", gzip.compress(posts, mtime=0)), Seed("Posts.xml.bz2", bz2.compress(posts)),
        *(Seed(f"{method}.stackexchange.com.7z", sevenzip.pack({"Posts.xml": posts, "Users.xml": users}, method))
          for method in ("lzma2", "bzip2", "deflate", "copy")),
        Seed("other.7z", sevenzip.BY_ANOTHER), *lines_of("threads", threads),
    ]  # fmt: skip


def papers() -> list[Seed]:
    main = (
        "\\documentclass[a4paper]{article}\n\\usepackage{amsmath}\n\\newcommand{\\R}[2][x]{\\mathbb{R}^{#1}_{#2}}\\def\\a#1.{#1}\n"
        "\\title{论文}\\author{鲁迅 \\and B}\n\\begin{document}\\maketitle\n\\begin{abstract}"
        + TEXTS[0]
        + "\\end{abstract}\n"
        "\\section{一} We show $\\R{2}$ and \\a b. \\cite{k} \\footnote{x} \\input{part}\n\\begin{equation}\\frac{a}{b}\\end{equation}\n"
        "\\begin{tabular}{ll} a & b \\\\ \\hline c & \\verb|d| \\end{tabular} \\begin{itemize}\\item 甲 \\item 乙\\end{itemize} % c\n"
        "\\begin{figure}\\includegraphics{f}\\caption{图}\\end{figure} \\ifx\\a\\b x \\else y \\fi ``quoted'' --- \\'e \\\"o\n\\end{document}\n"
    ).encode()
    files = {
        "main.tex": main,
        "part.tex": TEXTS[1].encode(),
        "refs.bbl": b"\\begin{thebibliography}{9}\\bibitem{k} K.\\end{thebibliography}",
        "f.pdf": b"%PDF-1.4",
    }
    bulk = {
        f"2401/2401.0000{n}.gz": gzip.compress(tarred(files) if n % 2 else main, mtime=0) for n in range(4)
    }
    return [
        Seed("main.tex", main), Seed("gb.tex", main.replace(TEXTS[0].encode(), TEXTS[0].encode("gb18030"))), Seed("2401.00001.gz", gzip.compress(main, mtime=0)),
        Seed("2401.00002.gz", gzip.compress(tarred(files), mtime=0)), Seed("arXiv_src_2401_001.tar", tarred(bulk)),
        *_commands(), Seed("small.pdf", _pdf()), *archives("paper", files),
    ]  # fmt: skip


def _commands() -> list[Seed]:
    """Every command and environment that means something, a hundred a file."""
    words = {
        *latex_actions.ACTIONS,
        *latex_commands.SYMBOLS,
        *latex_commands.DROPPED,
        *latex_commands.ACCENTS,
    }
    words |= {*latex_commands.CITES, *latex_commands.REFERENCES, *latex_commands.CONDITIONALS}
    names = {
        *latex_commands.LISTS,
        *latex_commands.TABLES,
        *latex_commands.FLOATS,
        *latex_commands.ENVIRONMENTS,
    }
    names |= {*latex_commands.DISPLAY, *latex_commands.VERBATIM, *latex_commands.THEOREMS}
    lines = [f"\\{word.removeprefix(chr(92))}[x]{{甲{n}}}{{2}} b" for n, word in enumerate(sorted(words))]
    lines += [f"\\begin{{{name}}}[x]{{2}}\\item 甲 & $x^2$ \\\\ b\\end{{{name}}}" for name in sorted(names)]
    around = "\\documentclass{{article}}\\begin{{document}}\n{}\n\\end{{document}}\n"
    return [
        Seed(f"every{at}.tex", around.format("\n".join(lines[at : at + 100])).encode())
        for at in range(0, len(lines), 100)
    ]


def _pdf() -> bytes:
    """One page of Latin text, with a table of offsets."""
    content = (
        b"BT /F1 12 Tf 72 720 Td (The river rose in the night.) Tj 0 -14 Td (Nobody wrote it down.) Tj ET"
    )
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content), b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]  # fmt: skip
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    end = b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(out)
    return out + b"xref\n0 6\n0000000000 65535 f \n" + table + end


def code() -> list[Seed]:
    program = "# SPDX-License-Identifier: MIT\n# 说明\ndef f(x):\n    return x + 1\n" * 9
    cells = [
        {"cell_type": "code", "source": ["x = 1\n"], "outputs": []},
        {"cell_type": "markdown", "source": TEXTS[0]},
    ]
    files = {
        "repo/LICENSE": b"MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy",
        "repo/a.py": program.encode(), "repo/包/b.c": ("/* Copyright */\n" + TEXTS[0] + "\nint main() { return 0; }\n").encode("gb18030"),
        "repo/n.ipynb": json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}).encode(), "repo/min.js": b"var a=1;" * 900,
        "repo/vendor/x.go": b"package x\n", "repo/data.json": b"[1,2]", "repo/logo.png": b"\x89PNG\r\n\0\0", "repo/Makefile": b"all:\n\techo\n",
    }  # fmt: skip
    rows = [{"content": program, "lang": "Python", "max_stars_repo_name": "a/b", "max_stars_repo_path": f"{n}.py", "max_stars_repo_licenses": ["MIT"]} for n in range(30)]  # fmt: skip
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    singles = [Seed(Path(name).name, data) for name, data in files.items()]
    return [
        *singles,
        *archives("repo", files),
        *lines_of("stack", rows),
        Seed("stack.parquet", out.getvalue()),
        *_git(files),
    ]


def _git(files: dict[str, bytes]) -> list[Seed]:
    """git's own folder, packed and loose: the object files are damaged one at a time, the others stand beside it."""
    found = []
    with tempfile.TemporaryDirectory(prefix="headwater-fuzz-") as folder:
        clock = "2024-01-02T03:04:05Z"
        who = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER")
               for what, value in (("NAME", "a"), ("EMAIL", "a@b.example"), ("DATE", clock))}  # fmt: skip
        environment = os.environ | who | {"HOME": folder, "GIT_CONFIG_NOSYSTEM": "1"}

        def git(*words: str) -> None:
            subprocess.run(["git", *words], cwd=folder, env=environment, check=True, capture_output=True)

        git("init", "-q", "-b", "main")
        for name, data in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        git("add", "-f", ".")
        git("commit", "-q", "-m", "x")
        for packed in (False, True):
            if packed:
                git("repack", "-adq")
            inside = sorted(
                p for p in (Path(folder) / ".git").rglob("*") if p.is_file() and "hooks" not in p.parts
            )
            every = {str(path.relative_to(folder)): path.read_bytes() for path in inside}
            wanted = [name for name in every if "/objects/" in name or name.endswith(("HEAD", "main"))]
            for name in wanted if packed else wanted[:6]:
                beside = tuple((other, data) for other, data in every.items() if other != name)
                found.append(Seed(name, every[name], beside=beside, read=".git/HEAD"))
    return found


def huggingface() -> list[Seed]:
    found = []
    rows = [{"text": f"{n} {TEXTS[n % 3]}", "author": "鲁迅", "n": n} for n in range(120)]
    table = pa.Table.from_pylist(rows)
    for name, writer in (("stream", pa.ipc.new_stream), ("file", pa.ipc.new_file)):
        for codec in (None, "zstd", "lz4"):
            out = io.BytesIO()
            with writer(out, table.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as sink:
                sink.write_table(table, max_chunksize=40)
            found.append(Seed(f"train-{name}-{codec}.arrow", out.getvalue()))
    out = io.BytesIO()
    pq.write_table(table, out, row_group_size=40)
    return [*found, Seed("train-00000-of-00001.parquet", out.getvalue()), *lines_of("train", rows)]


def saved_pages() -> list[Seed]:
    page = (
        '<!DOCTYPE html>\n<!-- saved from url=(0026)https://例.example/a -->\n<html lang="zh"><head><meta charset="{0}"><title>页</title>'
        '<link rel="canonical" href="https://例.example/a"><script type="application/ld+json">{{"@type":"Article","datePublished":"2024-03-05"}}</script></head>'
        f"<body><nav><a href=#>首页</a></nav><article><h1>题</h1>{_MARKUP * 4}<table><tr><td colspan=3>{TEXTS[0]}<td>b</table><math><mi>x</mi></math></article><footer>©</footer></body></html>"
    )
    utf8 = page.format("utf-8").encode()
    mhtml = (
        b"From: <Saved by Blink>\r\nSnapshot-Content-Location: https://a.example/\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; "
        b'type="text/html"; boundary="bb"\r\n\r\n--bb\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
        + quopri.encodestring(utf8) + b"\r\n--bb\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0=\r\n--bb--\r\n"
    )  # fmt: skip
    members = {
        "站/a.html": utf8,
        "b.mhtml": mhtml,
        "c.htm": page.format("gb2312").encode("gb18030", "ignore"),
    }
    return [
        Seed("a.html", utf8), Seed("gb.html", members["c.htm"]), Seed("utf16.html", page.format("utf-16").encode("utf-16")), Seed("a.mhtml", mhtml),
        Seed("a.html.gz", gzip.compress(utf8, mtime=0)), *archives("pages", members),
    ]  # fmt: skip


GENERATED = {
    "wikipedia": wikipedia, "books": books, "news": news, "dialogue": dialogue, "forum": forum, "papers": papers,
    "code": code, "huggingface": huggingface, "html": saved_pages,
}  # fmt: skip
# What people set now and then; the first of each is the default.
SETTINGS = {
    "wikipedia": {"variant": ("auto", "zh-tw"), "namespaces": ([0], [0, 1, 6])},
    "books": {"split": ("book", "chapter")},
    "news": {"text": ("any", "full")},
    "dialogue": {"events": ("drop", "keep"), "quotes": ("cut", "keep"), "speakers": ("names", "letters", "none")},
    "forum": {"comments": (False, True), "order": ("score", "date")},
    "papers": {},
    "code": {"keep": ([], ["generated", "minified", "vendored", "data", "unknown"])},
    "huggingface": {},
    "html": {"text": ("main", "all")},
}  # fmt: skip
