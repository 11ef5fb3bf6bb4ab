"""Edits take whole lines out, say which and why, and leave Chinese its lines."""

import numpy as np
import pytest

from headwater.curate.editions import EDITION_SCHEMA
from headwater.curate.edits import edit, without
from headwater.curate.line_rules import COUNTER, c4_reason, refinedweb_reason
from headwater.curate.presets import C4Lines, LineEdits
from headwater.curate.repeats import LINE, count_shard, lines_to_go
from headwater.engine.workspace import Output

REFINEDWEB = LineEdits(refinedweb=True)
C4 = LineEdits(c4=C4Lines(variant="datatrove", line_end=False, words=3, sentences=5))
PARAGRAPH = "他说：「我们明天再来。」她笑了！后来呢？谁也不知道……天亮了。雨停了。"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("HELLO WORLD AGAIN", "refinedweb_upper_case"),
        ("2024", "refinedweb_digits"),
        ("２０２４", "refinedweb_digits"),
        ("3 likes", "refinedweb_counter"),
        ("1.2K views!", "refinedweb_counter"),
        ("3 人点赞", "refinedweb_counter"),
        ("１２３次浏览", "refinedweb_counter"),
        ("阅读 1.2万", "refinedweb_counter"),
        ("閱讀（356）", "refinedweb_counter"),
        ("评论数：12", "refinedweb_counter"),
        ("Home", "refinedweb_words"),
        ("首页", "refinedweb_words"),
        ("他们昨天在公园里散步。", None),
        ("他們昨天在公園裡散步。", None),
        ("Hello, World with 3 views.", None),
        ("用Python写代码", None),
    ],
)
def test_refinedweb_line_rules(line, reason):
    assert refinedweb_reason(line) == reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (
            "今天的天气非常好我们去公园",
            None,
        ),  # no space, no full stop: whole in C4's own words it would be one word
        ("「走吧。」他说」", None),
        ("请启用JavaScript后继续浏览本页面内容", "c4_javascript"),
        ("Read our Privacy Policy here", "c4_policy"),
        ("Two words", "c4_words"),
        ("x" * 1001 + " and more words", "c4_long_word"),
        ("这是一个很长的段落，没有空格，" * 100, None),  # 1,500 characters, but no word of 1,000
    ],
)
def test_c4_line_rules_leave_chinese_lines(line, reason):
    assert c4_reason(line, C4.c4) == reason


def test_the_text_is_the_old_one_less_the_spans():
    text = "HOME\n\nThe first line stays.\n3 likes\n\n首页\n\n他们昨天在公园里散步。\n12\n\n阅读 100"
    done = edit(text, REFINEDWEB)
    assert done.text == "The first line stays.\n\n他们昨天在公园里散步。"
    assert done.text == without(text, done.spans)
    assert [why for _, _, why in done.spans] == [
        "refinedweb_upper_case", "refinedweb_counter", "refinedweb_words", "refinedweb_digits", "refinedweb_counter",
    ]  # fmt: skip
    assert done.lines == {
        "refinedweb_upper_case": 1,
        "refinedweb_counter": 2,
        "refinedweb_words": 1,
        "refinedweb_digits": 1,
    }
    assert "3 likes" in text[slice(*done.spans[1][:2])]


def test_random_texts_lose_what_the_rules_name_and_nothing_else():
    random = np.random.default_rng(3)
    pieces = [
        "",
        "  ",
        "他们昨天在公园里散步。",
        "Plain words of a line.",
        "首页",
        "3 likes",
        "UPPER CASE",
        "𠮷野家在哪里呢？",
    ]
    for _ in range(300):
        lines = [pieces[i] for i in random.integers(0, len(pieces), random.integers(1, 12))]
        text = "\n".join(lines)
        done = edit(text, REFINEDWEB)
        stays = [line for line in lines if line.strip() and refinedweb_reason(line) is None]
        if not stays:
            assert done.dropped == "edited_empty" and done.text is None
            continue
        assert [line for line in done.text.split("\n") if line.strip()] == stays
        assert not done.spans or done.text == without(text, done.spans)
        assert all(a[1] <= b[0] for a, b in zip(done.spans, done.spans[1:], strict=False))
        if not done.spans:
            assert done.text == text
        else:
            assert not done.text.endswith("\n") or text.endswith(("\n", "  "))


def test_an_unchanged_text_is_the_same():
    assert edit(PARAGRAPH, REFINEDWEB).text == PARAGRAPH
    assert edit("", LineEdits()).dropped == "edited_empty"


def test_too_many_words_removed_drop_the_page():
    text = "这一行有许多词语会留下来继续存在\n首页\n12"
    assert edit(text, LineEdits(refinedweb=True, max_removed_share=0.5)).dropped is None
    done = edit(text, LineEdits(refinedweb=True, max_removed_share=0.05))
    assert done.dropped == "removed_share" and done.text is None and len(done.spans) == 2


def test_min_words_counts_chinese_words():
    assert (
        edit("我们去公园散步吧\n首页\nGo home now", LineEdits(min_words=3)).text
        == "我们去公园散步吧\nGo home now"
    )


def test_c4_page_rules_and_citations():
    assert edit(PARAGRAPH, C4).dropped is None
    assert edit("一句话没有别的内容了。", C4).dropped == "c4_sentences"
    assert edit(f"{PARAGRAPH}\nfunction f() {{ return }}", C4).dropped == "c4_curly_bracket"
    done = edit(f"{PARAGRAPH}\nWhat is Lorem Ipsum text", C4)
    assert done.dropped == "c4_lorem_ipsum"
    script = edit(
        f"{PARAGRAPH}\n请启用JavaScript {{再继续浏览", C4
    )  # the line goes before its bracket counts
    assert script.text == PARAGRAPH and script.lines == {"c4_javascript": 1}
    cited = edit(f"唐朝诗人李白的作品很多[12]，{PARAGRAPH}", C4)
    assert cited.text == f"唐朝诗人李白的作品很多，{PARAGRAPH}" and cited.spans == [(11, 15, "c4_citation")]


def test_repeated_lines_go_by_their_number():
    done = edit("导航 导航 导航\n正文在这里。\n版权所有", LineEdits(repeated=1), {0, 2})
    assert done.text == "正文在这里。" and done.lines == {"repeated_line": 2}


def test_line_rules_are_linear_on_hostile_lines():
    for line in ("1" * 50_000, "1," * 20_000 + "x", "赞" * 50_000, "(" * 50_000, "1 " * 20_000 + "likes x"):
        assert COUNTER.match(line[:60]) is None
        refinedweb_reason(line)


def repeats(tmp_path, shards, parts, **settings):
    """shards: lists of (key, row, line), as spread_shard writes them; -> per shard the (row, line) that go."""
    spreads, starts = [], []
    for name, records in enumerate(shards):
        lines = np.array(records, LINE)
        part = lines["key"] % np.uint64(parts)
        lines[np.argsort(part, kind="stable")].tofile(tmp_path / f"{name}.bin")
        spreads.append(str(tmp_path / f"{name}.bin"))
        starts.append([0, *np.cumsum(np.bincount(part.astype(int), minlength=parts)).tolist()])
    files, results = [], []
    for part in range(parts):
        out = Output(tmp_path / "counted", f"part-{part}")
        slices = [[start[part : part + 2]] for start in starts]
        results.append(count_shard(out, spreads=spreads, slices=slices, **settings))
        files.append(str(out.path("bin")))
    return [
        [tuple(place) for place in lines_to_go(files, [r["starts"][n : n + 2] for r in results]).tolist()]
        for n in range(len(shards))
    ]


@pytest.mark.parametrize("parts", [1, 3])
def test_repeats_are_counted_over_all_shards_whatever_the_partitions(tmp_path, parts):
    shards = [[(7, 0, 0), (8, 0, 1), (7, 2, 5)], [], [(9, 0, 0), (7, 1, 1), (8, 4, 0), (8, 4, 1)]]
    assert repeats(tmp_path, shards, parts, repeated=1, keep_first=True) == [
        [(2, 5)], [], [(1, 1), (4, 0), (4, 1)],
    ]  # fmt: skip
    assert repeats(tmp_path, shards, parts, repeated=1, keep_first=False)[0] == [(0, 0), (0, 1), (2, 5)]
    assert repeats(tmp_path, shards, parts, repeated=3, keep_first=False) == [[], [], []]


def test_an_edition_reads_like_a_decontaminated_one():
    assert EDITION_SCHEMA.names == ["id", "text", "dropped", "removed", "spans"]


def test_real_text_less_the_spans_is_the_edited_text(real_data):
    """Chinese classics, English novels, news and chat: what is left is the old text less what is named."""
    settings = LineEdits(refinedweb=True, min_words=3)
    texts = [
        path.read_text(encoding="utf-8", errors="replace")[:60_000]
        for folder in ("books/books-zh", "books/novels-en", "news", "chat")
        for path in sorted((real_data / "corpora" / folder).rglob("*"))[:6]
        if path.is_file()
    ]
    assert len(texts) > 10
    for text in texts:
        done = edit(text, settings)
        assert done.dropped is None or not without(text, done.spans).strip()
        if done.text is not None:
            assert done.text == without(text, done.spans)
            assert edit(done.text, settings).text == done.text  # nothing is left to remove
        for start, end, reason in done.spans:
            assert 0 <= start < end <= len(text) and reason.startswith(("refinedweb_", "line_words"))


def lines_kept(text: str, settings: LineEdits) -> list[str]:
    return (edit(text, settings).text or "").split("\n")


def test_c4_as_tfds_reads_it_takes_lines_without_an_end_mark_or_five_words():
    tfds = LineEdits(c4=C4Lines(sentences=1))
    text = "Home | About | News | Sport | Weather\nThe river rose in the night.\nIt rose.\nNobody knows why it came…\n"
    text += 'He said to them: "It is the water."\nAnd then there was more of it...\nCited by all of them.[12]'
    assert lines_kept(text, tfds) == [
        "The river rose in the night.",
        'He said to them: "It is the water."',
        "Cited by all of them.",
    ]
    assert edit("Too few words here\nnone of them ends", tfds).dropped == "edited_empty"


def test_c4_reads_chinese_lines_by_their_own_ends_and_words():
    tfds = LineEdits(c4=C4Lines(sentences=1))
    text = "首页　新闻　体育\n河水在夜里涨了起来，没有人记下时间。\n他说：“水来了，我们快走吧。”\n「現在就走嗎？你確定要走？」\n好。"
    assert lines_kept(text, tfds) == text.split("\n")[1:4]


def test_refinedwebs_phrases_go_out_of_short_lines_only():
    refinedweb = LineEdits(refinedweb=True)
    text = "A long report about the river Read more...\nSign-in to see what others say\nItems in cart\n"
    text += "This line is far longer than ten words and says read more..."
    assert lines_kept(text, refinedweb) == [
        "A long report about the river",
        "to see what others say",
        "This line is far longer than ten words and says read more...",
    ]
