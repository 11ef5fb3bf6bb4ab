"""What stands between a template's braces, taken apart: `{{name|first|second|key=value}}`."""

import re
from dataclasses import dataclass

from headwater.sources.extract.wikitext_blocks import REMOVED

_SPLIT = re.compile(r"\[\[|\]\]|\|")
_NAMED = re.compile(r"\s*+([^=<>\[\]{}\n]{0,40}?)\s*+=(.*)", re.S)


@dataclass(frozen=True)
class Page:
    title: str
    language: str


@dataclass(frozen=True)
class Arguments:
    values: list[str]  # without a name, stripped
    named: dict[str, str]
    page: Page

    def first(self, *names: str | int) -> str:
        """The first of these arguments that says something; places count from 1."""
        for name in names:
            found = self.named.get(str(name), "")
            if not found and isinstance(name, int) and name <= len(self.values):
                found = self.values[name - 1]
            if found.strip(" \n" + REMOVED):
                return found.strip()
        return ""


def arguments_of(name: str, whole: str, page: Page) -> Arguments:
    """Those of the template `name`; a bar inside of a link parts nothing. Its name is the argument ""."""
    parts: list[str] = []
    depth = start = 0
    for found in _SPLIT.finditer(whole):
        if found[0] == "[[":
            depth += 1
        elif found[0] == "]]":
            depth = max(0, depth - 1)
        elif depth == 0:
            parts.append(whole[start : found.start()])
            start = found.end()
    parts.append(whole[start:])
    values, named = [], {"": name}
    for part in parts[1:]:
        found_name = _NAMED.fullmatch(part) if "=" in part else None
        if found_name is not None and found_name[1]:
            named[found_name[1].lower()] = found_name[2].strip()
        else:
            values.append(part.strip())
    return Arguments(values, named, page)
