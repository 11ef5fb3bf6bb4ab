"""Small open data of every kind in its real format, English and Chinese, as `headwater fetch` lays it down.

The folders and names are those that the recipes in recipes/ read; `news/` and `chat/` are there besides.
"""

import bz2
import gzip
import html
import importlib.util
import io
import json
import random
import tarfile
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ENGLISH = (  # noqa: SIM905
    "river boat night water town door hill winter letter garden window market harbour teacher captain stone bridge "
    "evening summer forest kitchen village paper station engine journey island doctor morning question answer machine "
    "number music painter soldier farmer mountain valley candle church school student picture shadow silver copper "
    "walked carried opened wanted remembered found followed asked watched built painted crossed answered gathered held "
    "old small quiet green broken bright heavy narrow distant empty patient curious golden early foreign gentle"
).split()
JOINING = "the of and to that with have be in for on from by at as it was were not but".split()  # noqa: SIM905
CHINESE = (  # noqa: SIM905
    "河水 夜里 山上 学校 老师 学生 窗户 桌子 故事 朋友 早晨 春天 秋天 冬天 雨水 城市 街道 火车 书店 医生 问题 答案 机器 数字 音乐 画家 农民 "
    "士兵 村庄 教堂 石桥 船夫 蜡烛 花园 厨房 报纸 车站 旅行 岛屿 森林 影子 走过 打开 记得 看见 听到 等待 回答 修建 收集 离开 安静 古老 明亮 "
    "狭窄 遥远 温和 破旧 年轻 奇怪 重要 简单"
).split()
LINKS = "的 了 在 是 和 有 被 他 也 而 人 年 月 日 中 为 后 由".split()  # noqa: SIM905


def english(draw: random.Random, sentences: int = 12) -> str:
    def sentence() -> str:
        words = [draw.choice(JOINING if n % 2 else ENGLISH) for n in range(draw.randint(9, 17))]
        return " ".join(words).capitalize() + "."

    return " ".join(sentence() for _ in range(sentences))


def chinese(draw: random.Random, sentences: int = 12) -> str:
    def sentence() -> str:
        words = [draw.choice(LINKS if n % 2 else CHINESE) for n in range(draw.randint(9, 17))]
        return "".join(words[:7]) + "，" + "".join(words[7:]) + "。"

    return "".join(sentence() for _ in range(sentences))


PROSE = {"en": english, "zh": chinese}


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


# ---------------------------------------------------------------- the kinds


def crawl(path: Path, draw: random.Random, language: str, pages: int = 30) -> None:
    """A WARC of pages, a member a record; some say that they are not for training."""
    members = []
    for number in range(pages):
        url = f"https://{'新闻' if language == 'zh' else 'news'}{number % 7}.example.org/{language}/{number}"
        text = "".join(f"<p>{PROSE[language](draw, 6)}</p>\n" for _ in range(3))
        robots = '<meta name="robots" content="noai">' if number % 9 == 0 else ""
        page = f'<!doctype html><html lang="{language}"><head><title>{number} 源头</title>{robots}</head><body><nav><a href="/">Home 首页</a></nav><article><h1>{number} 源头</h1>{text}</article></body></html>'  # fmt: skip
        body = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + page.encode()
        head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Date: 2024-05-{1 + number % 28:02}T07:08:09Z\r\nWARC-Record-ID: <urn:uuid:{number}>\r\nWARC-Target-URI: {url}\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: {len(body)}\r\n\r\n"  # fmt: skip
        machine = zlib.compressobj(wbits=31)
        members.append(machine.compress(head.encode() + body + b"\r\n\r\n") + machine.flush())
    write(path, b"".join(members))


def wiki(path: Path, draw: random.Random, language: str, pages: int = 30) -> None:
    """A dump with a template, a redirect, and the markers of Simplified and Traditional."""
    prose = PROSE.get(language, english)
    found = []
    for number in range(pages):
        text = f"{{{{Infobox|name=x}}}}'''{number} 源头''' [[link|{prose(draw, 6)}]]<ref>no</ref>\n\n== {number} ==\n{prose(draw, 6)}-{{zh-hans:简体;zh-hant:繁體}}-"
        found.append(f"<page><title>Page {number}</title><ns>0</ns><id>{number + 1}</id><revision><id>{number + 1}</id><timestamp>2023-02-0{1 + number % 9}T00:00:00Z</timestamp><text>{html.escape(text)}</text></revision></page>")  # fmt: skip
    found.append("<page><title>R</title><ns>0</ns><id>999</id><redirect title='Page 1'/><revision><id>999</id><text>#REDIRECT [[Page 1]]</text></revision></page>")  # fmt: skip
    info = f"<siteinfo><sitename>Wikipedia</sitename><dbname>{language}wiki</dbname><base>https://{language}.wikipedia.org/wiki/Main</base></siteinfo>"
    dump = f'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" xml:lang="{language}">{info}{"".join(found)}</mediawiki>'
    write(path, bz2.compress(dump.encode()))


def books(folder: Path, draw: random.Random, language: str, count: int = 4) -> None:
    """Novels as Project Gutenberg publishes them."""
    for number in range(count):
        chapters = [
            f"{'第一二三四五六'[0] + '一二三四五六'[n] + '回' if language == 'zh' else f'CHAPTER {n + 1}'}\n\n"
            + "\n\n".join(PROSE[language](draw, 8) for _ in range(6))
            for n in range(4)
        ]
        head = f"The Project Gutenberg eBook of Book {number}\n\nTitle: Book {number}\n\nAuthor: Author {number % 3}\n\nRelease date: May {1 + number}, 2001\n\nLanguage: {'Chinese' if language == 'zh' else 'English'}\n\n*** START OF THE PROJECT GUTENBERG EBOOK BOOK {number} ***\n\n\n"  # fmt: skip
        tail = f"\n\n\n*** END OF THE PROJECT GUTENBERG EBOOK BOOK {number} ***\n\nThis eBook is for the use of anyone\n"
        write(folder / f"{100 + number}-0.txt", (head + "\n\n\n".join(chapters) + tail).encode())


def papers(folder: Path, draw: random.Random, count: int = 6) -> None:
    """e-prints: a .tar.gz each, named by its arXiv id."""
    for number in range(count):
        body = "\n\n".join(
            f"\\section{{Part {n}}} {english(draw, 6)} $E = mc^{n}$ % hidden\n" for n in range(5)
        )
        tex = f"\\documentclass{{article}}\\newcommand{{\\hw}}{{Headwater}}\\title{{Paper {number}}}\\author{{A}}\\begin{{document}}\\maketitle \\hw. {body}\\bibliography{{x}}\\end{{document}}"  # fmt: skip
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            member = tarfile.TarInfo("main.tex")
            member.size = len(tex.encode())
            archive.addfile(member, io.BytesIO(tex.encode()))
        write(folder / f"2101.0{number:04}.tar.gz", packed.getvalue())


def code(path: Path, draw: random.Random, rows: int = 30) -> None:
    """Rows as in codeparrot/github-code-clean."""
    texts = [
        "// 源头 " + english(draw, 2) + "\n"
        + "".join(f"function {draw.choice(ENGLISH)}{n}(a, b) {{\n  return a * {draw.randint(1, 999)} + b;\n}}\n" for n in range(12))
        for _ in range(rows)
    ]  # fmt: skip
    table = pa.table(
        {
            "code": texts,
            "repo_name": [f"owner{n % 5}/repo" for n in range(rows)],
            "path": [f"src/{n}.js" for n in range(rows)],
            "language": ["JavaScript"] * rows,
            "license": ["mit"] * rows,
            "size": [len(text) for text in texts],
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


def forum(path: Path, draw: random.Random, threads: int = 25) -> None:
    """Posts.xml in a .7z, as the archive has it."""
    rows = []
    for number in range(threads):
        prose = PROSE["zh" if number % 2 else "en"]
        question, answer = 2 * number + 1, 2 * number + 2
        rows.append(
            _post(question, 1, Title=f"Question {number}?", Body=f"<p>{prose(draw, 5)}</p>", AnswerCount=1)
        )
        rows.append(_post(answer, 2, ParentId=question, Body=f"<p>{prose(draw, 6)}</p><pre><code>x &lt; 1</code></pre>"))  # fmt: skip
    posts = f'<?xml version="1.0" encoding="utf-8"?>\n<posts>\n{"".join(rows)}</posts>\n'.encode()
    source = Path(__file__).parents[1] / "sources" / "test_sevenzip.py"
    spec = importlib.util.spec_from_file_location("sevenzip_writer", source)
    assert spec is not None and spec.loader is not None
    writer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writer)
    write(path, writer.pack({"Posts.xml": posts}))


def _post(number: int, kind: int, **values: object) -> str:
    shown = {"Id": number, "PostTypeId": kind, "CreationDate": "2019-03-04T05:06:07.890", "Score": 1, "ContentLicense": "CC BY-SA 4.0"} | values  # fmt: skip
    return (
        "  <row " + " ".join(f'{name}="{html.escape(str(value))}"' for name, value in shown.items()) + " />\n"
    )


def news(path: Path, draw: random.Random, items: int = 20) -> None:
    """A feed with whole articles."""
    found = "".join(
        f"<item><title>新闻 {n}</title><link>https://rss.example.cn/{n}</link><pubDate>Tue, 0{1 + n % 9} Mar 2022 08:00:00 GMT</pubDate><content:encoded><![CDATA[<p>{chinese(draw, 8)}</p><p>{chinese(draw, 8)}</p>]]></content:encoded></item>"
        for n in range(items)
    )
    feed = f'<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>源头日报</title><link>https://rss.example.cn/</link><copyright>CC BY 4.0</copyright>{found}</channel></rss>'  # fmt: skip
    write(path, feed.encode())


def chat(path: Path, draw: random.Random, conversations: int = 20) -> None:
    """KdConv's shape."""
    found = [
        {
            "messages": [{"message": PROSE["zh" if n % 3 else "en"](draw, 1)} for _ in range(8)],
            "name": f"谈话{n}",
        }
        for n in range(conversations)
    ]
    write(path, gzip.compress(json.dumps(found, ensure_ascii=False).encode(), mtime=0))


def lay_down(folder: Path) -> None:
    """All of it: the samples of every recipe in recipes/, and of every kind."""
    draw = random.Random(2024)
    crawl(folder / "web" / "CC-MAIN-0.warc.gz", draw, "en")
    crawl(folder / "web-en.warc.gz", draw, "en")
    crawl(folder / "web-zh.warc.gz", draw, "zh")
    for language in ("en", "zh", "fr", "es", "pt"):
        wiki(folder / f"{language}wiki" / f"{language}wiki-20240501-pages-articles.xml.bz2", draw, language)
    books(folder / "books", draw, "en")
    books(folder / "books-zh", draw, "zh")
    papers(folder / "papers", draw)
    code(folder / "code" / "JavaScript-mit" / "partial" / "train" / "0000.parquet", draw)
    forum(folder / "forum" / "beer.stackexchange.com.7z", draw)
    news(folder / "news" / "feed.xml", draw)
    chat(folder / "chat" / "dev.json.gz", draw)
