"""Wikitext to text: what a reader of the page sees, nothing of the markup, in linear time whatever is not closed."""

import gc
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.sources.extract.wikitext import is_redirect, text_of
from headwater.sources.extract.wikitext_variants import resolve, written_in

LEAKS = ("{{", "}}", "[[", "]]", "<ref", "|-", "{|", "|}", "'''", "-{", "}-", "\x01", "\x02", "\x03", "\x04")


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("'''Wien''' ist ''die'' [[Hauptstadt|Hauptstadt]]s von [[Österreich]].", "Wien ist die Hauptstadts von Österreich."),
        ("'''北京'''是[[中华人民共和国]]的[[首都]]。", "北京是中华人民共和国的首都。"),
        ("北京<ref name=\"a\">{{cite book|title=史}}</ref>是首都<ref name=a />。", "北京是首都。"),
        ("甲[[File:A.jpg|thumb|[[乙]]的圖（1900年）]]丙", "甲丙"),
        ("甲[[文件:A.jpg|缩略图|说明]][[檔案:B.png]][[ファイル:C.png|右]]乙[[分类:丁]][[Kategorie:X]][[fr:Y]]", "甲乙"),
        ("見[[:Category:甲]]與[[:en:Beijing|北京]]", "見Category:甲與北京"),
        ("[https://a.example/x 標題] und [//b.example Text] ([http://c.example])", "標題 und Text"),
        ("a<!-- b -->c <nowiki>[[d]] '''e'''</nowiki>", "ac [[d]] '''e'''"),
        ("Wien ({{IPA|viːn}}, {{Audio|x.ogg}}) ist", "Wien ist"),
        ("柏林（{{IPA|x}}，{{audio|y}}）是（{{IPA|z}}；1237年建）首都", "柏林是（1237年建）首都"),
        ("main() calls f( ) and （）", "main() calls f( ) and （）"),
        ("E = <math>mc^{{2}}</math>, 10<sup>6</sup> H<sub>2</sub>O", "E = $mc^{ {2}}$, 10⁶ H₂O"),
        ("{{lang|fr|Bonjour}} {{nowrap|a b}} {{convert|5|km|mi}} {{convert|5|ft|11|in|m}}", "Bonjour a b 5 km 5 ft 11 in"),
        ("{{nihongo|Tokyo|東京|Tōkyō}} {{仮リンク|甲|en|A}} {{link-en|乙|B}} {{le|丙|C}}", "Tokyo (東京, Tōkyō) 甲 乙 丙"),
        ("a &amp; b&nbsp;c &#20013;&#x6587; &lt;ref>", "a & b c 中文 <ref>"),
        ("__NOTOC__甲__無目次__ __init__", "甲 __init__"),
        ("{{#if:x|y|z}}甲{{#tag:ref|x}}{{PAGENAME}}", "甲"),
        ("甲\n乙\nab\ncd\n\n丙", "甲乙 ab cd\n\n丙"),
        ("* 一\n** 二\n*# 三\n*# 四\n: 五\n; 六", "- 一\n  - 二\n  1. 三\n  2. 四\n五\n六"),
        ("L'amour et l'''Encyclopédie''", "L'amour et l'Encyclopédie"),
        ("a<br>b<br />\nc", "a\nb\nc"),
        ("<pre>{{x}} [[y]]</pre>", "{{x}} [[y]]"),
        ("<syntaxhighlight lang=\"python\">\nx = [[1]]\n</syntaxhighlight>", "x = [[1]]"),
        ("<span style=\"display:none\">a</span>b<div class=x>c</div>", "b\nc".replace("\n", " ")),
        ("{{quote|子曰：學而時習之。|孔子}}", "子曰：學而時習之。"),
        ("ヴィーン（{{lang-de-short|Wien}}、{{IPA|v}}、維納）", "ヴィーン（Wien、維納）"),
    ],
)  # fmt: skip
def test_what_a_reader_sees(wikitext, text):
    assert text_of(wikitext) == text


def test_headings_stand_alone_and_empty_sections_go():
    page = "甲。\n== 一 ==\n=== 二 ===\n乙。\n== 參考 ==\n{{reflist}}\n== 外部 ==\n[[Category:X]]"
    assert text_of(page) == "甲。\n\n一\n\n二\n\n乙。"


def test_tables_are_lines_of_cells():
    page = """{| class="wikitable" style="x"
|+ 人口
|-
! 城市 !! scope="col" | 人口
|-
| [[北京]] || align=right | 2100
|-
| 上海
| {{nts|2400}}
|}
尾"""
    assert text_of(page) == "人口\n城市 | 人口\n北京 | 2100\n上海 | 2400\n\n尾"
    assert text_of('{| class="navbox"\n| 甲\n|}\n乙') == "乙"
    # A table that was begun by a template, one that is not closed, one in another.
    assert "|-" not in text_of("{{tabelle}}\n|-\n| 甲 || 乙\n|}") and "甲 | 乙" in text_of(
        "|-\n| 甲 || 乙\n|}"
    )
    assert text_of("{|\n| 甲\n== 乙 ==\n丙") == "甲\n\n乙\n\n丙"
    assert text_of("{|\n| 甲\n{|\n| 乙\n|}\n| 丙\n|}") == "甲\n乙\n丙"


def test_odd_marks_on_both_sides_of_what_went_are_no_mark():
    assert text_of("甲{{{x}}{{{y}}乙") == "甲乙"
    assert text_of("甲[[[File:x]][[[File:y]]乙") == "甲乙"


def test_what_is_not_closed_costs_its_paragraph_and_no_more():
    assert text_of("甲{{box|a=[[b]]\n|c\n\n乙{{lang|fr|x}}。") == "甲\n\n乙x。"
    assert text_of("甲[[乙。\n\n[[丙]]") == "甲乙。\n\n丙"
    assert text_of("甲[[File:x.jpg|thumb|乙\n丙。\n\n丁") == "甲\n丙。\n\n丁".replace("\n丙", "丙")
    assert text_of("甲<ref>乙\n丙") == "甲丙"
    assert text_of("甲<!-- 乙\n丙") == "甲"
    assert text_of("甲}}]]|}乙") == "甲|}乙"


@pytest.mark.parametrize(
    ("marked", "hans", "hant"),
    [
        ("-{text}-", "text", "text"),
        ("-{zh-hans:甲; zh-hant:乙}-", "甲", "乙"),
        ("-{zh-hans:甲;zh-hant:乙;}-", "甲", "乙"),
        ("-{zh-cn:甲; zh-tw:乙; zh-hk:丙}-", "甲", "乙"),
        ("-{zh-hk:丙}-", "丙", "丙"),
        ("-{A|zh-hans:甲; zh-hant:乙}-", "甲", "乙"),
        ("-{+|zh-hans:甲; zh-hant:乙}-", "甲", "乙"),
        ("-{H|zh-hans:甲; zh-hant:乙}-", "", ""),
        ("-{T|zh-hans:甲; zh-hant:乙}-", "", ""),
        ("-{-|zh-hans:甲; zh-hant:乙}-", "", ""),
        ("-{R|zh-hans:甲}-", "zh-hans:甲", "zh-hans:甲"),
        ("-{D|zh-hans:甲; zh-hant:乙}-", "简体：甲；繁體：乙", "简体：甲；繁體：乙"),
        ("-{N|zh-tw}-", "臺灣正體", "臺灣正體"),
        ("-{zh-hans;zh-hant|甲}-", "甲", "甲"),
        ("-{A;T|zh-hans:甲; zh-hant:乙}-", "甲", "乙"),
        ("-{甲=>zh-cn:乙}-", "乙", "甲"),
        ("-{zh-hans:a;b&nbsp;c; zh-hant:乙}-", "a;b&nbsp;c", "乙"),
        ("-{zh-hans:-{甲}-; zh-hant:乙}-", "甲", "乙"),
        ("x-{y", "xy", "xy"),
        ("x}-y", "x}-y", "x}-y"),
    ],
)
def test_conversion_marks_are_resolved(marked, hans, hant):
    assert resolve(marked, "zh-hans") == hans and resolve(marked, "zh-hant") == hant


def test_the_variant_is_that_of_the_page():
    simplified, traditional = "这个国家的历史很长，", "這個國家的歷史很長，"
    mark = "-{zh-hant:滑鼠; zh-hans:鼠标}-"
    assert (written_in(simplified), written_in(traditional), written_in("甲")) == ("zh-hans", "zh-hant", "")
    assert text_of(simplified + mark) == simplified + "鼠标"
    assert text_of(traditional + mark) == traditional + "滑鼠"
    assert text_of("甲" + mark) == "甲滑鼠"
    assert text_of(traditional + mark, variant="zh-cn") == traditional + "鼠标"
    assert text_of(f"[[File:a.jpg|{mark}]]甲[[鼠標|{mark}]]") == "甲滑鼠"


@pytest.mark.parametrize("word", ["REDIRECT", "重定向", "WEITERLEITUNG", "перенаправление", "転送", "تحويل"])
def test_redirects_in_any_language(word):
    assert is_redirect(f"#{word} [[甲]]") and is_redirect(f" #{word.lower()}: [[甲]]")
    assert not is_redirect("# [[甲]]") and not is_redirect(f"{word} [[甲]]")


HOSTILE = {
    "templates": "{{", "links": "[[", "files": "[[File:a|", "parameters": "{{{", "closed templates": "}}", "closed links": "]]",
    "nested": "{{a|", "carried": "{{lang|fr|", "refs": "<ref>", "attributes": "<ref name=", "comments": "<!--", "nowiki": "<nowiki>",
    "math": "<math>", "tables": "{|\n|a\n", "rows": "\n|-", "cells": "||", "quotes": "''", "apostrophes": "x'''y", "headings": "\n==", "items": "*",
    "lines": "\n* a", "marks": "-{", "rules": "-{zh-cn:a;", "flags": "-{A|zh:", "entities": "&#", "external": "[http://a ", "colons": "[[a:",
    "magic": "__A", "tags": "<div ", "spaces": "  ", "breaks": "<br>", "empty": "({{a}}", "separators": ",{{a}} ;", "poem": "<poem>",
    "hidden": "<span display:none>", "raised": "<sup>", "pipes": "[[a|b", "brackets": "[", "braces": "{", "dashes": "----\n", "equals": "=",
}  # fmt: skip


@pytest.mark.fault(25)
@pytest.mark.parametrize("name", HOSTILE)
def test_time_is_linear_in_what_is_never_closed(name, request):
    gc.disable()  # a collection costs what the whole process holds, tests before this one included
    request.addfinalizer(gc.enable)
    seconds = []
    for size in (25_000, 200_000):
        text = "甲" + HOSTILE[name] * (size // len(HOSTILE[name])) + "乙" * 100
        best = float("inf")
        for _ in range(3):
            started = time.process_time()
            text_of(text)
            best = min(best, time.process_time() - started)
        seconds.append(best + 0.002)
    assert seconds[1] < 30 * seconds[0]  # eight times the text; quadratic would be 64 times


@pytest.mark.fault(23)
@pytest.mark.parametrize(("opening", "closing"), [("{{a|", "}}"), ("[[a|", "]]"), ("{{lang|fr|", "}}"), ("-{", "}-"),
                                                  ("{|\n|", "\n|}"), ("<div>", "</div>"), ("[[File:a|", "]]")])  # fmt: skip
def test_nested_a_hundred_thousand_deep(opening, closing):
    text = text_of("甲\n\n" + opening * 100_000 + "乙" + closing * 100_000 + "\n\n丙")
    assert text.startswith("甲") and text.endswith("丙")
    assert not any(leak in text for leak in LEAKS if leak not in ("}-", "|}"))


@pytest.mark.fault(24)
def test_a_table_of_a_hundred_thousand_rows():
    page = "{|\n" + "|-\n| colspan=9000000000000000 | 甲 || 乙\n" * 100_000 + "|}"
    assert text_of(page).count("甲 | 乙") == 100_000


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "{{",
                "}}",
                "{{{",
                "}}}",
                "[[",
                "]]",
                "|",
                "\n",
                "\n|-",
                "\n{|",
                "\n|}",
                "'''",
                "''",
                "<ref>",
                "</ref>",
                "<ref name=a/>",
                "-{",
                "}-",
                "zh-hans:",
                ";",
                "File:",
                "lang",
                "甲",
                "a",
                "（",
                "）",
                "(",
                ")",
                "，",
                " ",
                "==",
                "\n*",
                "&amp;",
                "<br>",
                "<!--",
                "-->",
                "<nowiki>",
                "</nowiki>",
                "[http://a.b ",
                "]",
                "=",
                "__TOC__",
                "<math>",
                "</math>",
                "{{!}}",
            ]
        ),
        max_size=40,
    )
)
def test_no_order_of_marks_leaks_templates_or_raises(pieces):
    wikitext = "".join(pieces)
    text = text_of(wikitext)
    if "<nowiki>" not in wikitext and "<math>" not in wikitext:
        assert "{{" not in text and "[[" not in text and "'''" not in text and "<ref" not in text
    assert not re.search("[\x00-\x08]", text)
