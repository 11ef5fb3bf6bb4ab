"""The handbook of sources: for each kind what it is, what is typically in it, its licence, its traps, and an example.

One `<kind>.yaml` a kind, with an example (an item of a recipe's `sources:`) and the same text in English and Chinese.
`headwater sources` shows it, `headwater sources --markdown` writes it as the chapter `docs/<language>/sources.md`.
"""

import os
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

from pydantic import ValidationError
from ruamel.yaml import YAML

from headwater.errors import HeadwaterError
from headwater.recipe.sources import SOURCES, Settings

LANGUAGES = ("en", "zh")


class Words(Settings):
    """What the handbook says of a kind in one language."""

    title: str
    what: str
    inside: str
    license: str
    traps: str


class Entry(Settings):
    example: str  # YAML: one item of a recipe's `sources:`
    en: Words
    zh: Words

    def words(self, language: str) -> Words:
        return self.zh if language == "zh" else self.en


_HEADINGS = {
    "en": {"inside": "What is in it", "license": "Licence", "traps": "Traps"},
    "zh": {"inside": "里面有什么", "license": "许可", "traps": "陷阱"},
}
_MORE = {
    "en": "`headwater sources KIND` says what is in one, its licence and its traps; `headwater sources all` says it of all.",
    "zh": "`headwater sources 种类` 说明它里面有什么、许可和陷阱；`headwater sources all` 说明全部。",
}
_CHAPTER = {
    "en": (
        "# Kinds of source",
        "What each `kind` reads, what is typically in it, under which licence it stands and where its traps are. The\n"
        "examples are items of a recipe's `sources:`. This is no legal advice: what you may train on and hand on depends\n"
        "on where you are and what you do with it. Written by `headwater sources --markdown`.",
    ),
    "zh": (
        "# 来源的种类",
        "每个 `kind` 读什么、里面通常有什么、许可如何、陷阱在哪里。例子是配方里 `sources:` 的一项。本章不是法律意见："
        "什么可以用来训练、什么可以再分发，取决于你在哪里、用来做什么。由 `headwater sources --markdown` 写成。",
    ),
}
_EVERY = {
    "en": (
        "## What every source may have",
        "**Rules of its own.** Rules for prose drop programs and talk. A key of `curate.preset` and `curate.rules` is a\n"
        'language, a kind, the name of a source or `"*"`: the preset said for the fewest documents judges them (`null`: none),\n'
        "rules add up in the same order. A key of two letters is always a language.",
        "```yaml\ncurate:\n  preset: {en: fineweb, zh: fineweb2-zh, code: null, dialogue: null}\n"
        "  rules: {my-blog: {length.characters: {min: 500}}}\n```",
        "**Languages.** Where some languages are wanted and no others, `signals.languages` names them (`und`: texts in none):\n"
        "the rest is counted as `gated[language]`, measured by `language` alone and not trained on. Held-out text stays.\n"
        "That spares what would be measured for no rule: of a crawl in many languages, most of it.",
        "```yaml\nsignals: {languages: [en, zh]}\n```",
        "**A take-down list.** `takedown` names documents that have to go, held-out ones too: by id (32 hex digits, or\n"
        "`id:` and the source's own), by URL (the page and what lies below it, with or without www.) or by domain (and every\n"
        "host below it; Chinese names as they are written). `files` have one entry a line and `#` comments, and are\n"
        "relative to the recipe. Such documents are counted as `gated[takedown]`, and what depends on them is made again: no\n"
        "training set, tokeniser or ledger made after it holds them. `headwater why ID` says which entry took a document\n"
        "down. Copies of a text at other addresses are documents of their own: list them too. The input itself and\n"
        "`documents/` as it was read keep the text; for it to be gone from the disk, delete it there.",
        '```yaml\ntakedown:\n  files: [takedown.txt]\n  entries: [例子.中国, "https://example.com/blog/1"]\n```',
    ),
    "zh": (
        "## 每个来源都可以有的",
        "**自己的规则。** 给散文定的规则会删掉程序和对话。`curate.preset` 和 `curate.rules` 的键可以是语言、种类、来源的名字或 "
        '`"*"`：所指文档最少的预设说了算（`null` 是没有），规则按同样的次序叠加。两个字母的键总是语言。',
        "```yaml\ncurate:\n  preset: {en: fineweb, zh: fineweb2-zh, code: null, dialogue: null}\n"
        "  rules: {my-blog: {length.characters: {min: 500}}}\n```",
        "**语言。** 只要某些语言时，由 `signals.languages` 写明（`und` 是不属于任何语言的文本）：其余的记为 `gated[language]`，"
        "只量 `language`，也不拿来训练；留出的文本不动。没有规则会用到的度量就省下了：语言混杂的抓取里，这是大部分。",
        "```yaml\nsignals: {languages: [en, zh]}\n```",
        "**撤下名单。** `takedown` 列出必须撤下的文档，留出的也在内：按编号（32 位十六进制，或 `id:` 加来源自己的编号）、按网址"
        "（该页和它下面的，有没有 www. 都算）、按域名（和它下面所有主机；中文域名照写）。`files` 一行一条，`#` 后是注释，路径相对于配方。"
        "这些文档记为 `gated[takedown]`，依赖它们的会重做：此后的训练集、分词器、台账里都没有它们。`headwater why 编号` "
        "说明是哪一条撤下了它。同一文本在别的网址的副本是另外的文档，也要列上。输入本身和读入时的 `documents/` 里还留着文本；要从磁盘上消失，"
        "请在那里删除。",
        '```yaml\ntakedown:\n  files: [takedown.txt]\n  entries: [例子.中国, "https://example.com/blog/1"]\n```',
    ),
}


# YAML makes a space of a line end in folded text; between Chinese characters there is none.
_FOLDED = re.compile(r"(?<=[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]) (?=[\u4e00-\u9fff])")


@lru_cache
def load_entry(kind: str) -> Entry:
    """What the handbook says of a kind. HeadwaterError where its file is not as it should be."""
    text = files(__name__).joinpath(f"{kind}.yaml").read_text(encoding="utf-8")
    try:
        entry = YAML(typ="safe", pure=True).load(text)
        entry["zh"] = {part: _FOLDED.sub("", words) for part, words in entry["zh"].items()}
        return Entry.model_validate(entry)
    except ValidationError as error:
        raise HeadwaterError(f"sources/handbook/{kind}.yaml is no entry of the handbook: {error}") from error


def default_language(environment: Mapping[str, str] = os.environ) -> str:
    """The language of messages in the locale, where the handbook has it; else English."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def overview(language: str) -> list[str]:
    """A line a kind, and how to see more."""
    width = max(map(len, SOURCES))
    lines = [f"{kind:<{width}}  {load_entry(kind).words(language).title}" for kind in SOURCES]
    return [*lines, "", _MORE[language]]


def shown(kind: str, language: str) -> list[str]:
    """Lines for a terminal."""
    entry = load_entry(kind)
    words, headings = entry.words(language), _HEADINGS[language]
    lines = [f"{kind}: {words.title}", "", words.what, ""]
    lines += [f"  {line}" for line in entry.example.rstrip("\n").split("\n")]
    for part, heading in headings.items():
        lines += ["", heading, getattr(words, part)]
    return lines


def chapter(language: str) -> str:
    """The handbook's chapter, in Markdown."""
    title, introduction = _CHAPTER[language]
    parts = [title, introduction]
    for kind in SOURCES:
        entry = load_entry(kind)
        words = entry.words(language)
        parts += [f"## `{kind}`: {words.title}", words.what, f"```yaml\n{entry.example.rstrip()}\n```"]
        parts += [f"**{heading}.** {getattr(words, part)}" if language == "en" else f"**{heading}：** {getattr(words, part)}"
                  for part, heading in _HEADINGS[language].items()]  # fmt: skip
    return "\n\n".join([*parts, *_EVERY[language]]) + "\n"
