"""Where the numbers of the preset `headwater` come from, and what it keeps beside the public presets.

    ./run bench headwater_preset             # prints it
    ./run bench headwater_preset --write     # and writes docs/{en,zh}/presets.md, docs/presets.svg

For every rule: the share of texts to keep that pass it, and of texts to drop that fail it, at its bound and at bounds
looser and stricter. The texts are those of preset_samples.py. Fails if the preset keeps less than 90% of Chinese
reading passages or of pieces of modern books, or drops less than 80% of the pages of spam.
"""

import argparse
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from preset_samples import SPAM, to_drop, to_keep

from headwater.curate.edits import edit
from headwater.curate.presets import Preset, Rule, load_preset, parts_of
from headwater.curate.presets.show import show_bounds
from headwater.signals import FAMILIES
from headwater.signals.measure import module_of

matplotlib.use("svg")
from matplotlib import pyplot as plt

DOCS = Path(__file__).resolve().parents[1] / "docs"
BESIDE = {
    "zh": ("headwater-zh", "fineweb2-zh", "chinesewebtext", "gopher", "fineweb", "refinedweb", "c4"),
    "en": ("headwater-en", "gopher", "fineweb", "refinedweb", "c4", "dolma"),
}
FACTORS = (0.5, 0.75, 1.0, 1.25, 1.5)  # of a bound
Texts = dict[tuple[str, str], list[str]]
WORDS = {
    "en": {
        "reading passages": "reading passages", "modern books": "modern books", "novels": "novels", "news": "news",
        "around the main text": "around the main text", "spam": "spam", "rule": "rule", "preset": "preset",
        "kept": "kept", "dropped": "dropped",
    },
    "zh": {
        "reading passages": "阅读理解文章", "modern books": "现代书籍", "novels": "小说", "news": "新闻",
        "around the main text": "正文之外的文字", "spam": "垃圾页面", "rule": "规则", "preset": "预设",
        "kept": "保留", "dropped": "丢弃",
    },
}  # fmt: skip


class Sample:
    """Texts and what was measured of them, once."""

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts
        self._families: dict[tuple[int, str], dict[str, Any]] = {}

    def value(self, number: int, signal: str) -> float:
        family = signal.partition(".")[0]
        if (number, family) not in self._families:
            row = module_of(family).measure(self.texts[number])
            names = [f"{family}.{one.name}" for one in FAMILIES[family]]
            self._families[number, family] = dict(zip(names, row, strict=True))
        return float(self._families[number, family][signal])

    def passes(self, rule: Rule) -> np.ndarray:
        return np.array([inside(rule, self.value(n, rule.signal)) for n in range(len(self.texts))])

    def kept(self, preset: Preset) -> float:
        """The share that a preset keeps, its edits made (duplicates, repeated lines and the rules that need
        something of the user's are not of one text)."""
        kept = 0
        for number, text in enumerate(self.texts):
            kept += keeps(preset, text, lambda signal, n=number: self.value(n, signal))
        return kept / len(self.texts)


def inside(rule: Rule, value: float) -> bool:
    return not (
        (rule.min is not None and value < rule.min)
        or (rule.max is not None and value > rule.max)
        or (rule.above is not None and value <= rule.above)
        or (rule.below is not None and value >= rule.below)
    )


def keeps(preset: Preset, text: str, value: Callable[[str], float]) -> bool:
    for one in preset.passes:
        if one.lines is not None and (one.lines.c4 or one.lines.refinedweb):
            done = edit(text, one.lines)
            if done.text is None:
                return False
            if done.text != text:
                text, value = done.text, _own(done.text)
        if not all(inside(rule, value(rule.signal)) for rule in one.rules or [] if not rule.needs):
            return False
    return True


def _own(text: str) -> Callable[[str], float]:
    sample = Sample([text])
    return lambda signal: sample.value(0, signal)


# ---------------------------------------------------------------- tables


def rule_rows(language: str, keep: dict[str, Sample], drop: dict[str, Sample]) -> list[list[str]]:
    """Of every rule what passes it (texts to keep) and fails it (texts to drop), at five places of its tighter bound."""
    rows = []
    for rule in rules_of(f"headwater-{language}"):
        side, bound = tight(rule)
        cells = []
        for sample in (*keep.values(), *drop.values()):
            shares = [
                float(sample.passes(rule.model_copy(update={side: moved(bound, factor)})).mean())
                for factor in FACTORS
            ]
            here = sample in drop.values()
            cells.append(" · ".join(f"{100 * (1 - s if here else s):.0f}" for s in shares))
        rows.append([f"`{rule.signal}` {show_bounds(rule)}", *cells])
    return rows


def rules_of(preset: str) -> list[Rule]:
    return [rule for one in load_preset(preset).passes for rule in one.rules or []]


def tight(rule: Rule) -> tuple[str, float]:
    """The side that was chosen here: the lower bound where there is one."""
    return ("min", rule.min) if rule.min is not None else ("max", rule.max or 0.0)


def moved(bound: float, factor: float) -> float:
    """Towards looser and stricter, for a share by its distance from 1 where that is nearer."""
    return 1 - (1 - bound) * (2 - factor) if 0.6 < bound < 1 else bound * factor


def preset_rows(language: str, keep: dict[str, Sample], drop: dict[str, Sample]) -> list[list[str]]:
    rows = []
    for name in BESIDE[language]:
        preset = next(iter(parts_of(load_preset(name)).values()))
        kept = [f"{100 * sample.kept(preset):.0f}%" for sample in keep.values()]
        dropped = [f"{100 * (1 - sample.kept(preset)):.0f}%" for sample in drop.values()]
        rows.append([f"`{name}`", *kept, *dropped])
    return rows


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


# ---------------------------------------------------------------- the plot


def plot(samples: dict[str, tuple[dict[str, Sample], dict[str, Sample]]], path: Path) -> None:
    """A panel a rule: the values of texts to keep and to drop as cumulative shares, and the bound."""
    matplotlib.rcParams["svg.hashsalt"] = "headwater"
    panels = [(language, rule) for language in samples for rule in rules_of(f"headwater-{language}")]
    columns = 4
    figure, axes = plt.subplots(
        math.ceil(len(panels) / columns), columns, figsize=(13, 2.4 * len(panels) / columns)
    )
    for axis in axes.flat[len(panels) :]:
        axis.axis("off")
    for axis, (language, rule) in zip(axes.flat, panels, strict=False):
        for group, color in zip(samples[language], ("#1f7a8c", "#c44536"), strict=True):
            for number, (name, sample) in enumerate(group.items()):
                values = np.sort([sample.value(n, rule.signal) for n in range(len(sample.texts))])
                shares = np.linspace(0, 1, 41)
                axis.plot(np.quantile(values, shares), shares, color=color, lw=1.2,
                          ls=("-", "--")[number % 2], label=name)  # fmt: skip
        for bound in rule.bounds.values():
            axis.axvline(bound, color="#333", lw=0.8, ls=":")
        if rule.signal == "gopher.words":
            axis.set_xscale("log")
        axis.set_title(f"{language}: {rule.signal}", fontsize=8)
        axis.tick_params(labelsize=6)
    axes.flat[0].legend(fontsize=5)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    path.write_text(
        re.sub(r"[ \t]+$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE), encoding="utf-8"
    )


# ---------------------------------------------------------------- the chapter

TEXT = {
    "en": (
        "# Presets, and where the numbers of `headwater` come from",
        "A preset is a YAML file with the rules of one public recipe: `headwater presets list` names them, "
        "`headwater presets show NAME` gives every number with its variant and the place where it was read, "
        "`headwater presets diff A B` what two of them do differently. A preset of your own is a file that begins "
        "with `extends: gopher`, and a recipe names it by its path (`preset: mine.yaml`). A rule that "
        "needs a model or a list of yours (perplexity, a quality classifier, toxicity, sensitive words) judges where the "
        "recipe's `signals` name one: see [signals](signals.md). What a preset cannot bring and the recipe does not have is "
        "said by `show`, and as a warning by every curation.",
        "`headwater` is our own, with a part for English and one for Chinese. Its bounds stand just outside of what "
        "books, news and reading passages have, so that each rule drops little of these; "
        "what it drops of the text around the main text of pages, and of spam, stands beside it. The figures below are made by "
        "`./run bench headwater_preset --write`.",
        "![Cumulative shares of every signal](../presets.svg)",
        "Blue are texts to keep, red are texts to drop, dotted is the bound.",
        "In each cell the percentage kept (of texts to keep) or dropped (of texts to drop), by this rule alone, at "
        "{factors} times the bound (for bounds above 0.6: of its distance from 1).",
        "Beside the other presets (rules and edits of lines; duplicates left out):",
        "Texts: {counts}. The pages of spam are all Chinese pages of one archive of Common Crawl; they were looked at "
        "one by one, and {spam} are too few to say more than that none of them gets through.",
        "`gopher`, `fineweb` and `refinedweb` ask for English stop words, so they keep no Chinese; `c4` keeps it, since "
        "lines are read here by the ends and words of their own script. The bounds were chosen on these same texts, so "
        "the figures flatter `headwater` a little: hold them against your own with `headwater whatif` and "
        "`headwater audit`.",
        "## Ask before a number is changed",
        "`headwater whatif recipe.yaml --rule zh.gopher.words.min=20` says what another bound would change, without "
        "changing anything: documents, bytes, tokens, by source and language; what each rule removes, and removes "
        "alone; the documents nearest to the bound. `headwater why ID` shows one document: every value with its "
        "percentile, every rule, the passages that fail. `headwater profile recipe.yaml` is a page a source "
        "(`--markdown` for a data card). `headwater audit recipe.yaml -n 200` draws documents blind, takes your "
        "judgement with one key each, and reports precision and recall of the recipe with intervals.",
    ),
    "zh": (
        "# 预设，以及 `headwater` 的数字从何而来",
        "预设是一个 YAML 文件，记录一份公开配方的全部规则：`headwater presets list` 列出名称，`headwater presets show NAME` "
        "给出每个数字、它的实现变体和出处，`headwater presets diff A B` 说明两者的差别。自己的预设写成以 `extends: gopher` "
        "开头的文件，配方用路径引用（`preset: mine.yaml`）。需要你自己的模型或词表的规则（困惑度、质量分类器、"
        "有毒内容、敏感词），只要配方的 `signals` 里写了对应的一项就会生效：见[信号](signals.md)。预设带不来、配方里也没有的东西"
        "由 `show` 列出，每次筛选时也会作为警告说出来。",
        "`headwater` 是我们自己的预设，英文、中文各一部分。界限刚好放在书籍、新闻和阅读理解文章的数值之外，因此每条规则几乎"
        "不伤及它们；它能丢掉多少正文之外的文字和垃圾页面，列在旁边。下面的数字由 "
        "`./run bench headwater_preset --write` 生成。",
        "![每个信号的累积分布](../presets.svg)",
        "蓝色是应保留的文本，红色是应丢弃的文本，点线是界限。",
        "每格是仅凭这一条规则保留（应保留的文本）或丢弃（应丢弃的文本）的百分比，依次对应界限的 {factors} 倍"
        "（大于 0.6 的界限按它与 1 的距离计）。",
        "与其他预设比较（规则和行编辑，不含去重）：",
        "文本：{counts}。垃圾页面是 Common Crawl 一个归档里的全部中文页面，逐一看过；只有 {spam} 页，只能说明没有一页漏网。",
        "`gopher`、`fineweb`、`refinedweb` 要求英文停用词，所以一篇中文也不留；`c4` 能留下中文，是因为这里按各自文字的句末标点和"
        "分词来读每一行。界限就是在这些文本上选定的，数字对 `headwater` 略为有利：请用 `headwater whatif` 和 "
        "`headwater audit` 在自己的数据上检验。",
        "## 改数字之前先问",
        "`headwater whatif recipe.yaml --rule zh.gopher.words.min=20` 说明换一个界限会改变什么，而不改动任何东西：文档、字节、"
        "词元，按来源和语言；每条规则丢掉多少、单独丢掉多少；离界限最近的文档。`headwater why ID` 显示一篇文档：每个数值及其"
        "百分位、每条规则、不合格的段落。`headwater profile recipe.yaml` 每个来源一页（`--markdown` 用于数据卡）。"
        "`headwater audit recipe.yaml -n 200` 盲抽文档，一键一判，报告配方的精确率和召回率及其区间。",
    ),
}  # fmt: skip


def chapter(language: str, tables: dict[str, tuple[list[list[str]], list[list[str]]]], samples: Any) -> str:
    title, what, ours, image, colours, cells, beside, counts, *rest = TEXT[language]
    words = WORDS[language]
    parts = [title, what, "## `headwater`", ours, image, colours,
             cells.format(factors=", ".join(f"{f:g}" for f in FACTORS))]  # fmt: skip
    for of, (rules, presets) in tables.items():
        keep, drop = samples[of]
        head = [f"{words[n]} ({words['kept']})" for n in keep] + [
            f"{words[n]} ({words['dropped']})" for n in drop
        ]
        parts += [f"### headwater-{of}", table([words["rule"], *head], rules), beside]
        parts += [table([words["preset"], *head], presets)]
    said = ", ".join(
        f"{len(s.texts)} {words[n]} ({of})"
        for of, both in samples.items()
        for g in both
        for n, s in g.items()
    )
    parts += [counts.format(counts=said, spam=len(SPAM)), *rest]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    groups: list[Texts] = [to_keep(), to_drop()]
    samples = {
        language: tuple(
            {what: Sample(texts) for (of, what), texts in group.items() if of == language} for group in groups
        )
        for language in ("en", "zh")
    }
    tables = {
        language: (rule_rows(language, *both), preset_rows(language, *both))
        for language, both in samples.items()
    }
    for language, (rules, presets) in tables.items():
        print(language, [*samples[language][0], *samples[language][1]])
        for row in [*rules, *presets]:
            print("  " + "  ".join(f"{cell:<28}" for cell in row))
    if options.write:
        plot(samples, DOCS / "presets.svg")
        for language in ("en", "zh"):
            (DOCS / language / "presets.md").write_text(chapter(language, tables, samples), encoding="utf-8")
    keep, drop = samples["zh"]
    preset = load_preset("headwater-zh")
    wrong = [name for name, sample in keep.items() if sample.kept(preset) < 0.9]
    wrong += ["spam"] if 1 - drop["spam"].kept(preset) < 0.8 else []
    if wrong:
        raise SystemExit(f"headwater misses its bars on {', '.join(wrong)}")


if __name__ == "__main__":
    main()
