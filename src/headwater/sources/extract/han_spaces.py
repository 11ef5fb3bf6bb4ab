"""Chinese without stray spaces: line ends and justification put them where the writing has none."""

import re

_HAN = "\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef"
_MAYBE = "\u2014\u2018\u2019\u201c\u201d\u2026\u00b7"  # punctuation that English has too
_BETWEEN = re.compile(f"(?<=[{_HAN}]) +(?=[{_HAN}{_MAYBE}])|(?<=[{_MAYBE}]) +(?=[{_HAN}])")


def is_han(character: str) -> bool:
    """A Chinese character or full-width punctuation."""
    return "\u3000" <= character <= "\u303f" or "\u3400" <= character <= "\u9fff" or "\uf900" <= character <= "\ufaff" or "\uff00" <= character <= "\uffef"  # fmt: skip


def close_up(text: str) -> str:
    """The text without spaces between two Chinese characters."""
    return _BETWEEN.sub("", text) if " " in text else text
