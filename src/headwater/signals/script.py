"""The script of a text."""

from headwater.corpus.text import letters_by_script, script

VERSION = 1
LIBRARIES = ()


def measure(text: str) -> tuple[str, float, float]:
    """label, share, letters."""
    by_script = letters_by_script(text)
    total = sum(by_script.values())
    if not total:
        return "Zyyy", 0.0, 0.0
    label = script(text)
    members = {"Jpan": ("Hani", "Kana"), "Hans": ("Hani",), "Hant": ("Hani",)}.get(label, (label,))
    return label, sum(by_script.get(name, 0) for name in members) / total, total / len(text)
