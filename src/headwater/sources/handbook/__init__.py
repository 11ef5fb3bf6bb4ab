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
    return "\n\n".join(parts) + "\n"
