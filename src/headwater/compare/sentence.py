"""The verdict as one sentence, in English and in Chinese."""

from typing import Any

from headwater.compare.statistics import MAX_SEEDS

WORDS = {
    "helps": "有益",
    "hurts": "有害",
    "no material difference": "没有实质差别",
    "cannot tell": "无法判断",
    "not measurable": "无法测量",
}
LABELS = {
    "this corpus": "仅就本语料而言",
    "weak proxy": "代理模型偏弱",
    "on these texts": "仅就这些文本而言",
    "flips": "随学习率翻转",
}


def sentence(result: dict[str, Any]) -> dict[str, str]:
    """{"en", "zh"}: one sentence a candidate, one line each; `result` is comparison.json without it."""
    lines = [(_english(result, one), _chinese(result, one)) for one in result["candidates"]]
    return {
        "en": "\n".join(english for english, _ in lines),
        "zh": "\n".join(chinese for _, chinese in lines),
    }


def signed(percent: float, digits: int = 1) -> str:
    """−2.9 or +0.4, with a minus that is one; nothing is "−0.0"."""
    text = f"{percent:+.{digits}f}"
    return f"{0:+.{digits}f}" if float(text) == 0 else text.replace("-", "−")


def _interval(one: dict[str, Any]) -> str:
    return f"[{signed(one['interval'][0])}, {signed(one['interval'][1])}]"


def _english(result: dict[str, Any], one: dict[str, Any]) -> str:
    verdict = one["verdict"]
    verb = {"helps": " helps", "hurts": " hurts"}.get(verdict, f": {verdict}")
    domains = len(one["domains"])
    parts = [
        f"{one['arm']}{verb}{', but by a negligible amount' if one['negligible'] else ''}: "
        f"{signed(one['percent'])}% {_interval(one)} bits per byte over {domains} domain{'s' * (domains != 1)}"
    ]
    if domains > 1:
        worst = one["worst_domain"]
        parts[0] += f", worst domain {worst['name']} {signed(worst['percent'])}%"
    parts.append(f"A/A {signed(result['aa']['percent'])}%")
    for placebo in _placebos(result, one):
        parts.append(f"placebo {signed(placebo['percent'])}%")
    parts.append(f"smallest visible difference {one['smallest_visible']:.1f}%")
    if verdict == "cannot tell":
        seeds = one["seeds_needed"]
        parts.append(
            f"about {seeds} seeds an arm would decide"
            if seeds
            else f"more held-out text, or more than {MAX_SEEDS} seeds an arm, would be needed"
        )
    if verdict in ("helps", "hurts"):
        agrees = "agrees" if one["ngram_agrees"] else "disagrees"
        parts.append(f"the n-gram {agrees} ({signed(one['ngram_percent'])}%)")
    else:
        parts.append(f"the n-gram says {signed(one['ngram_percent'])}%")
    return "; ".join(parts) + _ending(result["labels"], " (", "; ", ").", ".")


def _chinese(result: dict[str, Any], one: dict[str, Any]) -> str:
    verdict, domains = one["verdict"], len(one["domains"])
    parts = [
        f"{one['arm']} {WORDS[verdict]}{'，但幅度可以忽略' if one['negligible'] else ''}："
        f"每字节比特数 {signed(one['percent'])}% {_interval(one)}，共 {domains} 个领域"
    ]
    if domains > 1:
        worst = one["worst_domain"]
        parts[0] += f"，最差的领域 {worst['name']} {signed(worst['percent'])}%"
    parts.append(f"A/A {signed(result['aa']['percent'])}%")
    for placebo in _placebos(result, one):
        parts.append(f"安慰剂 {signed(placebo['percent'])}%")
    parts.append(f"可见的最小差别 {one['smallest_visible']:.1f}%")
    if verdict == "cannot tell":
        seeds = one["seeds_needed"]
        parts.append(
            f"每臂约 {seeds} 个种子可见分晓" if seeds else f"需要更多留出文本，或每臂超过 {MAX_SEEDS} 个种子"
        )
    if verdict in ("helps", "hurts"):
        parts.append(
            f"n-gram {'一致' if one['ngram_agrees'] else '不一致'}（{signed(one['ngram_percent'])}%）"
        )
    else:
        parts.append(f"n-gram 为 {signed(one['ngram_percent'])}%")
    return "；".join(parts) + _ending([LABELS[label] for label in result["labels"]], "（", "；", "）。", "。")


def _placebos(result: dict[str, Any], one: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in result["placebos"] if row["arm"] == one["arm"]]


def _ending(labels: list[str], opening: str, between: str, closing: str, otherwise: str) -> str:
    return opening + between.join(labels) + closing if labels else otherwise
