"""`quality`: novels diluted with real boilerplate (30%) and with copies (30%): raw, then filtered, then deduplicated too.

Boilerplate is what stands around the main text of web pages: the visible text of pages less the lines that people
marked as main text. Scored is the human main text of other sites' pages, by site; beside it the raw text of those
pages, and held-out novels. The novels are English, and so are the pages: a first record with Chinese pages too was
half a test of which arm had seen any Chinese.
"""

import gzip
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from headwater.compare.sentence import signed
from headwater.compare.studies.pairs import better, pair
from headwater.compare.studies.study import Study
from headwater.compare.studies.texts import (
    PIECE,
    chance,
    novels,
    pieces,
    write_pieces,
    write_recipe,
    write_texts,
)
from headwater.corpus.text import HAN
from headwater.errors import HeadwaterError
from headwater.sources.extract.main_text import all_text

PAGES = (("aeb", "articleBody"), ("magic-article", "content"))  # folder, key of the main text
SHARE = 0.3  # of all training text: boilerplate, and copies
COPIES = 12
HELD_OUT = 0.3
NOVELS = 25
STEPS = {
    "raw": "duplicates: null",
    "filtered": "preset: {en: headwater-en}, duplicates: null",
    "deduplicated": "preset: {en: headwater-en}, duplicates: {exact: true, near: null}",
}


@dataclass(frozen=True)
class Page:
    site: str
    main: str  # as people marked it
    raw: str  # all visible text

    @property
    def boilerplate(self) -> str:
        main = {" ".join(line.split()) for line in self.main.splitlines()}
        whole = " ".join(self.main.split())
        lines = (" ".join(line.split()) for line in self.raw.splitlines())
        return "\n".join(line for line in lines if line and line not in main and line not in whole)


def write(data: Path, folder: Path) -> Sequence[Path]:
    pages = [page for page in web_pages(data) if not re.search(f"[{HAN}]", page.main)]
    training = [page for page in pages if chance(page.site) < 0.5]
    scored = [page for page in pages if chance(page.site) >= 0.5]
    boilerplate = [(page.site, page.boilerplate) for page in training if page.boilerplate]
    write_texts(folder / "boilerplate.jsonl", boilerplate)
    write_texts(folder / "articles.jsonl", [(page.site, page.main) for page in scored])
    write_texts(folder / "pages.jsonl", [(page.site, page.raw) for page in scored])
    # a third of the novels is held out: what is left is 40% of what an arm without rules trains on
    amount = sum(len(text) for _, text in boilerplate)
    each = round(amount * (1 - 2 * SHARE) / SHARE / (1 - HELD_OUT) / NOVELS)
    texts = list(novels(data, each))
    write_pieces(folder / "novels.jsonl", texts)
    copied = sorted(pieces(texts), key=lambda one: chance(one[1]))
    copied = copied[: round(amount / (1 - HELD_OUT) / COPIES / PIECE)]
    write_texts(folder / "copies.jsonl", [(unit, text) for unit, _, text in copied for _ in range(COPIES)])
    references = ["articles", "pages"]
    return [
        write_recipe(
            folder / f"{name}.yaml", name, ["novels", "boilerplate", "copies"], references=references, leave_out=[],
            rest=f"holdout: {{share: {HELD_OUT}, salt: headwater-1}}\n"
            "evaluate: {domains: [articles, pages, novels], bytes_per_unit: 4kB}\n",
            curate=f"decontaminate: null, {steps}", families="language, length, gopher, fineweb, repetition, hashes",
        )
        for name, steps in STEPS.items()
    ]  # fmt: skip


def web_pages(data: Path) -> Iterator[Page]:
    for name, key in PAGES:
        folder = data / "corpora/web-html" / name
        if not folder.is_dir():
            raise HeadwaterError(
                f"{folder}: no pages for this study; name the folder of test data with --data"
            )
        truth = json.loads((folder / "ground-truth.json").read_text(encoding="utf-8"))
        for page, said in truth.items():
            html = gzip.decompress((folder / "html" / f"{page}.html.gz").read_bytes()).decode(
                "utf-8", "replace"
            )
            yield Page(urlsplit(said["url"]).netloc.removeprefix("www."), said[key], all_text(html).text)


def judge(record: dict[str, Any]) -> dict[str, Any]:
    raw, filtered, deduplicated = STEPS
    steps = ((filtered, raw), (deduplicated, filtered), (deduplicated, raw))
    rows = [pair(record, *names, on) for on in ("articles", "pages", "novels") for names in steps]
    first, second, both = rows[:3]
    told = [f"{signed(row['percent'])}%" for row in (first, second, both, rows[5])]
    return {
        "as_expected": better(first) and better(second),
        "rows": rows,
        "sentence": {
            "en": f"Quality, bits per byte of human main text: filtering {told[0]}, deduplicating then {told[1]}, both "
            f"{told[2]}; of the pages' raw text {told[3]}.",
            "zh": f"质量，人工标注正文的每字节比特数：过滤 {told[0]}，再去重 {told[1]}，合计 {told[2]}；网页原始文本 {told[3]}。",
        },
    }


STUDY = Study(
    name="quality",
    question=(
        "What do filtering and deduplication do for novels diluted with boilerplate and copies?",
        "小说里掺入样板文字和副本后，过滤与去重有什么作用？",
    ),
    expected=("each step is better on clean text", "每一步在干净文本上都更好"),
    confirmatory=True,
    arms=3,
    seeds=4,
    tokens=240_000,
    write=write,
    judge=judge,
    lesson=(
        "Deduplicating helps on every text that is scored. Filtering does harm, by the 5-gram too: the rules took the "
        "boilerplate away as they should, and with it the only text of the web. Menus, captions and comments of today's "
        "sites are nearer to an article than novels of the nineteenth century are. What a filter leaves counts as much "
        "as what it takes, and only a score on the text that one wants shows that. (A first record, with Chinese pages "
        "among the scored and half the tokens, could not tell: +4.0% [-2.0, +10.3].)",
        "去重在每种被评分的文本上都有益。过滤有害，5-gram 也如此认为：规则如所要求的那样去掉了样板文字，但那也是训练文本中仅有的网络文本；"
        "今天网站的菜单、图注和评论，比十九世纪的小说更接近一篇文章。过滤留下什么与去掉什么同样重要，而只有在想要的文本上评分才看得出来。"
        "（第一份记录还给中文网页评分，词元减半，无法判断：+4.0% [-2.0, +10.3]。）",
    ),
)
