"""Language and script of each line that is not blank: pages that mix languages, menus in another one than the text.

As `language` and `script` say of a text. On Chinese: a line of mostly Han characters is Chinese by rule, however short,
which the model would often miss; Simplified and Traditional lines are told apart by the characters that only one of
them writes (a line without any is Hani, and counts with the more frequent of the two in `main_script_share`). A line
of a Japanese page without any kana is taken for Chinese.
"""

from collections import Counter

from headwater.corpus.text import script
from headwater.signals import language

VERSION = 1
LIBRARIES = language.LIBRARIES


def measure(text: str) -> tuple[list[str | None], list[float], list[str], float, float]:
    """label, score, script, main_share, main_script_share; the shares are 0 where no line has a letter."""
    lines = [line for line in text.split("\n") if line.strip()]
    found = [language.measure(line) for line in lines]
    labels, scores = [label for label, _ in found], [score for _, score in found]
    scripts = [script(line) for line in lines]
    languages = Counter(label for label in labels if label is not None)
    lettered = sum(languages.values())
    if not lettered:
        return labels, scores, scripts, 0.0, 0.0
    counts = Counter(name for name in scripts if name != "Zyyy")
    written = max("Hans", "Hant", key=lambda name: counts[name])
    if counts[written]:
        counts[written] += counts.pop("Hani", 0)
    return labels, scores, scripts, max(languages.values()) / lettered, max(counts.values()) / lettered
