"""What the report says, in both languages, and how it writes numbers.

Every label stands in the page twice, in English and in Chinese; CSS shows the one that is chosen. Text of documents
is never a label: it is escaped, and its controls and invisible characters are made visible.
"""

import json
import math
import re
from typing import Any

from markupsafe import Markup, escape

from headwater.inspect.visible import visible
from headwater.recipe.quantities import show_count, show_size

MINUS, THIN = "−", "\u2009"

VERDICTS = {
    "helps": ("helps", "有益", "good"),
    "hurts": ("hurts", "有害", "bad"),
    "no material difference": ("no material difference", "没有实质差别", "even"),
    "cannot tell": ("cannot tell", "无法判断", "open"),
    "not measurable": ("not measurable", "无法测量", "open"),
}
LABELS = {
    "this corpus": (
        "this corpus",
        "仅就本语料而言",
        "The data is fixed: all arms see most of it, so the verdict is about this corpus, not about others like it.",
        "数据是固定的：各实验臂看到了其中大部分，结论只适用于这份语料。",
    ),
    "weak proxy": (
        "weak proxy",
        "代理模型偏弱",
        "The Transformer does not beat a byte 5-gram on the same text, so it may be too small to show the effect.",
        "Transformer 在同样的文本上没有胜过字节 5-gram，可能太小，显不出效果。",
    ),
    "on these texts": (
        "on these texts",
        "仅就这些文本而言",
        "There are too few held-out units for a claim about the domain; the verdict holds for the texts scored.",
        "留出的单元太少，不足以对整个领域下结论；结论只适用于被打分的文本。",
    ),
    "flips": (
        "flips",
        "随学习率翻转",
        "At another learning rate the order of the arms is the other way round: it says as much about tuning as about data.",
        "换一个学习率，实验臂的次序就反过来：它说的既是数据，也是调参。",
    ),
    "negligible": (
        "negligible in size",
        "幅度可忽略",
        "The effect is real but lies inside the margin.",
        "效果存在，但在事先声明的界限之内。",
    ),
}
LEVELS = {
    "documents": ("documents read", "读入的文档"),
    "heldout": ("held out for scoring", "留出用于打分"),
    "train": ("to train on, before curation", "可用于训练（整理之前）"),
    "step": ("after", "之后"),
    "kept": ("kept text, after edits", "保留的文本（编辑之后）"),
    "training_set": ("training set", "训练集"),
}
STEPS = {
    "decontaminate": ("decontamination", "去污染"),
    "rules": ("rules", "规则"),
    "lines": ("line edits", "行编辑"),
    "privacy": ("personal data", "个人信息"),
    "duplicates": ("duplicates", "去重"),
}
STATES = {
    "kept": ("kept", "保留"),
    "dropped": ("dropped", "丢弃"),
    "gated": ("gated", "拦下"),
    "quarantined": ("quarantined", "隔离"),
}
LANGUAGES = {"en": ("English", "英文"), "zh": ("Chinese", "中文"), "und": ("undetermined", "未定")}


def both(english: str, chinese: str, **values: Any) -> Markup:
    """The label in both languages; `{name}` is filled with escaped values."""
    parts = [
        Markup('<span class="{0}" lang="{1}">{2}</span>').format(
            name, tag, Markup(escape(text)).format(**values)
        )
        for name, tag, text in (("en", "en", english), ("zh", "zh-Hans", chinese))
    ]
    return Markup("").join(parts)


def svg_both(english: str, chinese: str, attributes: str = "") -> Markup:
    """The same as SVG text; `attributes` are ours, never a document's."""
    parts = [
        Markup('<text class="{0}" lang="{1}" {2}>{3}</text>').format(name, tag, Markup(attributes), text)
        for name, tag, text in (("en", "en", english), ("zh", "zh-Hans", chinese))
    ]
    return Markup("").join(parts)


def known(words: dict[str, Any], key: str) -> Markup:
    """The label of one of our own words; a name that is not ours is shown as it is."""
    if key in words:
        return both(words[key][0], words[key][1])
    return safe(key)


def safe(value: Any) -> Markup:
    """Text of a document, a path or a person: controls visible, markup escaped, and isolated from its surroundings."""
    return Markup("<bdi>{}</bdi>").format(visible(str(value)))


def dotted(key: str) -> Markup:
    """A setting's key, which may break after its dots."""
    return Markup("<wbr>").join(safe(part) for part in re.split(r"(?<=\.)", key))


def setting(value: Any) -> Markup:
    """A setting's value as a recipe writes it on one line."""
    return Markup("–") if value is None else safe(_flow(value))


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_flow(item)}" for key, item in value.items() if item is not None)
    if isinstance(value, list):
        return ", ".join(map(_flow, value))
    return json.dumps(value) if isinstance(value, bool) or value is None else str(value)


# ---------------------------------------------------------------- numbers


def percent(value: float | None, digits: int = 1) -> str:
    """Signed: `−3.4%`."""
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{abs(value):.{digits}f}%"
    if float(f"{abs(value):.{digits}f}") == 0:
        return text
    return (MINUS if value < 0 else "+") + text


def points(value: float, digits: int = 1) -> str:
    """Signed, of percentage points: `−3.4`."""
    return percent(value, digits).removesuffix("%")


def level_of(level: float) -> str:
    """That of an interval: `95%`, and of a race's looks `98.5%`."""
    return f"{100 * level:.4g}%"


def magnitude(value: float | None, digits: int = 2) -> str:
    """Unsigned: `1.62%`."""
    return "–" if value is None or not math.isfinite(value) else f"{abs(value):.{digits}f}%"


def interval(bounds: list[float] | None, digits: int = 1) -> str:
    """`[−4.1, −2.7]`, of percents."""
    if bounds is None:
        return "–"
    low, high = (percent(bound, digits).removesuffix("%") for bound in bounds)
    return f"[{low}, {high}]"


def number(value: float | None, digits: int = 3) -> str:
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:,.{digits}f}".replace("-", MINUS)


def integer(value: float | None) -> str:
    return "–" if value is None else f"{round(value):,}"


def size(value: float | None) -> str:
    return "–" if value is None else show_size(round(value)).replace(" ", "\u00a0")


def count(value: float | None) -> str:
    return "–" if value is None else show_count(round(value))


def share(part: float, whole: float) -> str:
    if not whole:
        return "–"
    ratio = 100 * part / whole
    return f"{ratio:.0f}%" if ratio >= 9.95 or ratio == 0 else f"{ratio:.1f}%"


def probability(value: float | None) -> str:
    if value is None:
        return "–"
    if value < 0.001:
        return "< 0.001"
    return "> 0.999" if value > 0.999 else f"{value:.3f}"
