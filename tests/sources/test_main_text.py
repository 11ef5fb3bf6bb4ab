"""The extractor: what a page's blocks are, what of them is text, and pages that were made to break it."""

import gzip
import html
import json
import random
import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.sources.extract import columns
from headwater.sources.extract.blocks import blocks_of
from headwater.sources.extract.features import COUNT, NAMES, features_of
from headwater.sources.extract.forest import shipped
from headwater.sources.extract.main_text import (
    MAX_BLOCKS,
    OF_HIGHEST,
    REACH,
    all_text,
    assembled,
    main_text,
    scored_blocks,
    threshold_of,
    version,
)
from headwater.sources.extract.scan import MAX_DEPTH
from headwater.sources.extract.topic import NOWHERE, topic_of

CHINESE = "今天晚上，很好的月光。我不见他，已是三十多年；今天见了，精神分外爽快。"
TRADITIONAL = "所謂回憶者，雖說可以使人歡欣，有時也不免使人寂寞，又有什麼意味呢。"
ENGLISH = "The river rose in the night, and nobody noted when; at the church door, a boat was tied."
NAVIGATION = (
    "<ul class='menu'>" + "".join(f"<li><a href='/{n}'>栏目{n}</a></li>" for n in range(12)) + "</ul>"
)


def texts(page: str) -> list[str]:
    found = blocks_of(page)
    return [html.unescape(found.raw(number)) for number in range(len(found.blocks))]


def article(*paragraphs: str, title: str = "狂人日记") -> str:
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return (
        f"<html><head><title>{title} - 站</title></head><body><div id='header'>{NAVIGATION}</div>"
        f"<div class='article-content'><h1>{title}</h1>{body}</div>"
        "<div class='footer'><a href='/a'>关于我们</a> <a href='/b'>版权声明</a> © 2024</div></body></html>"
    )


# ---------------------------------------------------------------- blocks


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<p>一<p>二<div>三</div>四", ["一", "二", "三", "四"]),  # end tags that are implied
        ("<ul><li>一<li>二</ul><dl><dt>甲<dd>乙</dl>", ["一", "二", "甲", "乙"]),
        ("<table><tr><td>一<td>二<tr><td>三</table>四", ["一", "二", "三", "四"]),
        ("一<br>二<br/>三<hr>四", ["一", "二", "三", "四"]),
        ("<b>粗</b>体 <i>and</i> <span>inline</span>", ["粗体 and inline"]),
        ("<p>a&amp;b &lt;c&gt; &#20013;&#x6587;&nbsp;x &copy; &amp;lt;</p>", ["a&b <c> 中文 x © &lt;"]),
        ("<script>if (a < b) '</p>'</script><style>p>a{}</style><!-- <p>no --><p>是</p>", ["是"]),
        ("<textarea><p>no</textarea><select><option>no</select><svg><text>no</text></svg>是", ["是"]),
        ('<p title=\'a>b\' class="x" data-a=1>是</p><p =a=b ="c">也是</p>', ["是", "也是"]),
        ("<P CLASS=A>大写</P>1 < 2 <3", ["大写", "1 < 2 <3"]),
        ("<pre>\n一\n  二\t三</pre>", ["一\n  二 三"]),
        ("<ruby>漢<rp>(</rp><rt>hàn</rt><rp>)</rp></ruby>字", ["漢字"]),
        ("</div></p></table>散", ["散"]),
        ("<div><span>未闭合<div>下一块", ["未闭合", "下一块"]),
        ("<noscript><p>正文在此</p></noscript>", ["正文在此"]),
        ("<!doctype html><?xml version='1.0'?><![CDATA[x]]><p>甲</p>", ["甲"]),
        ("", []),
    ],
)
def test_blocks(page, expected):
    assert texts(page) == expected


def test_formulas_stand_as_tex_once():
    page = (
        '<p>勾股 <span class="katex"><span class="katex-mathml"><math><semantics><mrow><mi>a</mi></mrow>'
        '<annotation encoding="application/x-tex">a^2 &lt; b</annotation></semantics></math></span>'
        '<span class="katex-html" aria-hidden="true">rendered</span></span> 与 '
        '<script type="math/tex">c+d</script><script type="math/tex; mode=display">e</script> 终</p>'
    )
    assert texts(page) == ["勾股 $a^2 < b$ 与 $c+d$ $$e$$ 终"]


def test_lengths_count_links_and_han():
    found = blocks_of(f"<p>{CHINESE}<a href='/'>更多</a></p><p>{ENGLISH}</p>")
    han = len(re.findall("[\u4e00-\u9fff]", CHINESE))
    assert found.blocks[0, columns.HAN] == han + 2
    assert found.blocks[0, columns.LINK_SIZE] == 6
    assert found.blocks[:, columns.FINAL].tolist() == [columns.LETTER, columns.STOP]
    assert found.elements[0, columns.LENGTH] == found.blocks[:, columns.SIZE].sum()


# ---------------------------------------------------------------- text


@pytest.mark.parametrize("paragraph", [CHINESE, TRADITIONAL, ENGLISH, f"{ENGLISH} {CHINESE}"])
def test_an_article_without_its_menu_and_footer(paragraph):
    paragraphs = [f"{paragraph}（{number}）" + paragraph for number in range(8)]
    found = main_text(article(*paragraphs))
    assert all(text in found.text for text in paragraphs)
    assert "栏目" not in found.text and "版权" not in found.text
    assert found.text.index(paragraphs[0]) < found.text.index(paragraphs[7])
    assert f"{paragraphs[0]}\n\n{paragraphs[1]}" in found.text
    shown, threshold = scored_blocks(article(*paragraphs))
    assert [block.text for block in shown if block.kept] == found.text.split("\n\n")
    assert all(block.kept == (block.score >= threshold) for block in shown) and len(shown) == found.blocks


def test_tables_lists_and_code_are_readable():
    page = "<table><tr><td>河<td>水深<tr><td>江<td>3 m</table><ul><li>一<li>二</ul><pre>for x in y:\n    f(x)</pre>"
    assert all_text(page).text == "河 | 水深\n江 | 3 m\n\n- 一\n- 二\n\nfor x in y:\n    f(x)"


def test_code_between_line_breaks_keeps_its_indentation_and_empty_lines():
    page = "<p class=code>if x:<br>&nbsp; &nbsp;\u00a0y&nbsp;&nbsp;=&nbsp;“一”<br>&nbsp;<br>z</p><p>&nbsp;&nbsp;一&nbsp;&nbsp;二</p>"
    assert all_text(page).text == "if x:\n   y  = “一”\n\nz\n\n一 二"
    assert all_text("<p>一<br>二<br><br>三</p>").text == "一\n二\n\n三"


@pytest.mark.parametrize("text", [CHINESE, TRADITIONAL, ENGLISH])
def test_a_block_knows_what_of_it_the_page_says_elsewhere(text):
    page = f"<p>{text}</p><p>别的东西，与此无关。</p><div hidden>{text} {text}</div><p>Privacy 隐私</p>"
    named = dict(zip(NAMES, features_of(blocks_of(page)).T, strict=True))
    assert named["said_before"].tolist()[:2] == [0, 0] and named["said_before"][2] > 0.85
    assert named["said_later"].tolist() == [1, 0, 0, 0]


def test_a_part_is_what_lies_beside_the_headline_and_knows_what_it_speaks_of():
    title = "今天晚上，很好的月光"
    page = (
        f"<title>{title}</title><div><div><h1>{title}</h1><p>{CHINESE}</p></div>"
        "<section><p>We use cookies.</p><div><p>隐私，隐私。</p><p>More.</p></div></section></div>"
    )
    named = dict(zip(NAMES, features_of(blocks_of(page)).T, strict=True))
    assert len(set(named["part_share"][2:].tolist())) == 1  # the section, whole
    assert named["part_share"][2] < named["part_share"][1]
    assert (named["part_privacy"][2:] > 0).all() and (named["part_privacy"][:2] == 0).all()
    assert named["part_from"].tolist() == [0, 1, 2, 2, 2]


@pytest.mark.parametrize(("title", "text"), [("狂人日记的一页", CHINESE), ("A river in the night", ENGLISH)])
def test_distances_are_counted_from_the_title_and_the_description(title, text):
    head = f"<title>{title} | 本站</title><meta content='{text}' name=description><meta property='og:type' content=article>"
    other = "<p>别的东西，与此无关。Something else entirely.</p>"
    page = f"<html><head>{head}</head><body>{other * 3}<div><h1>{title}</h1><p>{text}</p></div>{other}</body></html>"
    found = blocks_of(page)
    assert found.topic.title.decode().strip() == title and found.topic.kind == 1
    named = dict(zip(NAMES, features_of(found).T, strict=True))
    assert named["title_from"].tolist() == [-3, -2, -1, 0, 1, 2]
    assert named["description_from"].tolist() == [-4, -3, -2, -1, 0, 1]
    assert named["title_found"][3] == named["description_found"][4] == 1
    assert named["description_steps"][3] < named["description_steps"][0]
    without = dict(zip(NAMES, features_of(blocks_of(other * 3)).T, strict=True))
    assert (without["title_from"] == NOWHERE).all() and (without["description_from"] == NOWHERE).all()


def test_a_title_is_read_however_its_tags_are_written():
    assert topic_of("大河今晚上涨 - 某某网".encode(), []).title.decode() == "大河今晚上涨"
    assert topic_of(b"", [b"META CONTENT=x PROPERTY=og:title>"]).title == b"x"
    assert topic_of(b"t", [b"meta name='description' content='"]).description == b""
    assert topic_of(b" | ", [b"meta property=og:type content=video.other>"]).kind == 3


def test_the_threshold_is_that_of_the_highest_expected_f1_within_reach():
    found = blocks_of(article(*[CHINESE] * 30))
    draw = np.random.default_rng(0)
    for keep_from in (0.3, 0.5):
        for _ in range(20):
            scores = draw.random(len(found.blocks)).astype(np.float32) ** draw.integers(1, 6)
            threshold = threshold_of(scores, found, keep_from)
            assert threshold <= keep_from + REACH[1] and (scores >= threshold).any()
            assert threshold >= min(keep_from - REACH[0], OF_HIGHEST * scores.max()) - 1e-6
    assert threshold_of(np.full(len(found.blocks), 0.01, np.float32), found, 0.4) < 0.01


def test_the_version_names_the_numbers_of_the_model():
    assert version().endswith(shipped().digest) and len(shipped().digest) == 32


def test_navigation_is_never_text_and_a_page_of_one_line_keeps_it():
    assert main_text(f"<nav><a href=/>首页</a></nav><p>{CHINESE}</p>").text == CHINESE
    assert main_text("<p>短。</p>").text == "短。"
    assert main_text("").text == main_text("<html></html>").text == ""


def test_real_pages_keep_their_truth(real_data):
    folder = real_data / "corpora" / "web-html"
    shares, extra = [], []
    for kind in ("aeb", "magic-article"):
        truths = json.loads((folder / kind / "ground-truth.json").read_text(encoding="utf-8"))
        for name, entry in sorted(truths.items())[::3]:
            path = folder / kind / "html" / f"{name}.html.gz"
            truth = set(
                re.findall(
                    r"[\u4e00-\u9fff]{2}|\w{3,}", entry.get("articleBody") or entry.get("content") or ""
                )
            )
            if path.exists() and len(truth) > 20:
                page = gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
                found = set(re.findall(r"[\u4e00-\u9fff]{2}|\w{3,}", main_text(page).text))
                shares.append(len(truth & found) / len(truth))
                extra.append(len(found - truth) / max(1, len(found)))
    assert len(shares) > 40 and np.mean(shares) > 0.9 and np.mean(extra) < 0.2


def test_the_model_was_trained_on_these_features():
    model = shipped()
    assert len(NAMES) == COUNT and model.feature.max() < COUNT
    assert ((model.feature >= 0) == (model.left > 0)).all()  # only leaves have no children
    matrix = features_of(blocks_of(article(*[CHINESE] * 5)))
    assert matrix.dtype == np.float32 and np.isfinite(matrix).all()


# ---------------------------------------------------------------- hostile pages


def test_nesting_of_any_depth_gives_its_text():
    for depth in (MAX_DEPTH - 1, MAX_DEPTH + 1, 400_000):
        page = "<div>" * depth + CHINESE + "</div>" * depth + f"<p>{ENGLISH}</p>"
        assert texts(page) == [CHINESE, ENGLISH]
        assert main_text(page).text


def test_a_table_of_100_000_rows_is_all_text_in_bounded_memory():
    row = "<tr><td colspan='9000000000000000'>河水<td>1.5</tr>"
    tracemalloc.start()
    found = main_text(f"<table>{row * 100_000}</table>")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.blocks == 200_000 > MAX_BLOCKS and found.text.count("河水 | 1.5") == 100_000
    assert peak < 400 << 20


def test_a_page_of_50_mb():
    page = article(*[CHINESE] * 40) + "<script>" + "x" * (50 << 20) + "</script>"
    assert CHINESE in main_text(page).text


@pytest.mark.parametrize(
    "page",
    [
        "<p " * 100_000, "<p a='" * 100_000, "<a =" * 100_000, "<" * 1_000_000, "</" * 500_000, "<!--" * 250_000,
        "<![CDATA[" * 100_000, "<math>" * 100_000, "<math><annotation encoding='application/x-tex'>" * 20_000,
        "<script>" * 100_000, "<td>" * 200_000, "<li>" * 200_000, "<a>" * 200_000, "</p>" * 300_000, "&" * 1_000_000,
        "&#" * 500_000, "&#x" * 300_000, "<b></i>" * 100_000, "<table><tr>" * 100_000, "<title>" * 50_000,
        "<p style='display:" * 50_000, "<p class='" + "a-" * 500_000 + "'>", "\x00<\x00p\x00>" * 100_000, "𠀋<p>" * 100_000,
    ],
    ids=lambda page: repr(page[:12]),
)  # fmt: skip
def test_pages_made_to_hold_up_a_scanner_end(page):
    found = blocks_of(page)
    assert len(found.elements) <= page.count("<") + 2
    assert len(found.text) <= 2 * len(page.encode("utf-8", "replace")) + 8
    assert isinstance(assembled(found, np.arange(len(found.blocks))), str)


_PARTS = st.sampled_from(
    ["<", ">", "</", "/>", "<!--", "-->", "=", "'", '"', "&", "&#", ";", " ", "\n", "p", "div", "td", "table", "a", "pre",
     "<p>", "<div class='nav'>", "</div>", "<br>", "<li>", "<math>", "<annotation encoding='application/x-tex'>", "</math>",
     "<script type='math/tex'>", "</script>", "一", "。", "漢", "\u3000", "\ud800", "\x00", "x y", "<title>", "𠀋"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(_PARTS, max_size=60).map("".join))
def test_any_markup_ends_in_blocks_of_its_own_text(page):
    found = blocks_of(page)
    source = page.encode("utf-8", "replace").decode("utf-8")
    for number, row in enumerate(found.blocks):
        assert 0 <= row[columns.START] < row[columns.END] <= len(found.text)
        for word in found.raw(number).replace("$", " ").split():
            assert set(word) <= set(source)
    assert np.isfinite(features_of(found)).all()
    assert main_text(page) == main_text(page)


def test_mutated_real_pages_give_text_or_none(real_data):
    draw = random.Random(5)
    for path in sorted((real_data / "corpora" / "web-html" / "aeb" / "html").glob("*.gz"))[:6]:
        page = gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
        for _ in range(8):
            start = draw.randrange(len(page))
            cut = (
                page[:start]
                + draw.choice(["<", "'", '"', "<!--", "\x00", "</div>" * 50, ""])
                + page[start + draw.randrange(500) :]
            )
            assert isinstance(main_text(cut).text, str)
