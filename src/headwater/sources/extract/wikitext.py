"""Wikitext to the text that a reader of the page sees, by a scanner of our own: passes over the whole text, each linear.

    comments, <nowiki>, <ref>, <math> …   protected or taken out, so that nothing in them is markup
    {{templates}}                         innermost first; those that carry running text keep it (wikitext_templates.py)
    -{conversion marks}-                  resolved (wikitext_variants.py)
    [[links]], [http://… links]           their label; files, categories and links to other languages go
    tags, quotes, magic words             go, <br> is a line end
    lines                                 headings, paragraphs, lists, tables (wikitext_blocks.py)
    brackets                              what only held something that went goes too: "Wien (, ) ist" -> "Wien ist"

Nothing expands: templates live in other pages. What has no end goes to the next blank line (a template), to the end
of its line (a file), or loses its mark (a link). Of Chinese, full-width brackets and punctuation are cleaned up like
the others. The passes leave marks, control characters that no XML may hold: REMOVED where something stood, HELD
around the number of a protected text, BREAK for a line end inside a paragraph.
"""

import re
from dataclasses import dataclass

from headwater.sources.extract.references import unescape
from headwater.sources.extract.wikitext_arguments import Page
from headwater.sources.extract.wikitext_blocks import BREAK, HELD, PIPE, REMOVED, blocks
from headwater.sources.extract.wikitext_names import CATEGORIES, FILES, LANGUAGES, REDIRECTS
from headwater.sources.extract.wikitext_templates import expand
from headwater.sources.extract.wikitext_variants import resolve

# MediaWiki expands to 100; copying through more levels than that would be work without an end.
DEPTH = 100
_MARKS = "\x00\x01\x02\x03\x04\x05\x06\x07\x08"
_CONTROL = re.compile(f"[{_MARKS}]+")

# Elements whose content is no wikitext, or is not in the text.
_GONE = (
    "ref|references|gallery|imagemap|timeline|score|graph|mapframe|maplink|templatedata|templatestyles|categorytree|"
    "inputbox|hiero|section|indicator|chem-structure|includeonly|charinsert|dynamicpagelist|rss|style|script|"
    "phonos|languages|pagelist|pages|listen|chart"
)
_KEPT = "nowiki|pre|math|chem|ce|syntaxhighlight|source|poem"
_ELEMENT = re.compile(rf"<(?:!--|({_GONE}|{_KEPT})(?=[\s/>])([^<>]*+)>)", re.I)
_CLOSED_BY = {name: re.compile(rf"</{name}\s*>", re.I) for name in f"{_GONE}|{_KEPT}".split("|")}

_BRACES = re.compile(r"\{\{+|\}\}+")
_LABEL = re.compile(r"\[\[(?:[^\[\]|:\n]*+\||(?=[^\[\]|:]*+\]\]))([^\[\]\x01]++)\]\]")
_EXTERNAL = re.compile(
    r"\[(?:(?:https?|ftps?|ircs?|news|gopher|git|svn):|mailto:|//)[^\s\[\]<>]*+[ \t]*+([^\[\]\n]*+(?:\[(?![\[a-z/])[^\[\]\n]*+)*)\]",
    re.I,
)
_BARE = re.compile(
    r"\[(?:(?:https?|ftps?|ircs?|news|gopher|git|svn):|mailto:|//)[^\s\[\]<>]*+[ \t]*+\]", re.I
)
_LINK = re.compile(r"\[\[+|\]\]+")
_PREFIX = re.compile(r"\s*+(?::\s*+)?([^:|\[\]\n]{1,40}):")

_BR = re.compile(r"<\s*+(?:/\s*+)?br\b[^<>]*+>", re.I)
_HIDDEN = re.compile(r"<(span|div|small|font)\b[^<>]*?\bdisplay\s*:\s*none[^<>]*+>[^<]*+</\1\s*>", re.I)
_RAISED = re.compile(r"<(su[pb])(?:\s[^<>]*+)?>([^<>\n]{1,30})</\1\s*>", re.I)
_RAISE = {
    "sup": str.maketrans("0123456789+-−–()in", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻⁽⁾ⁱⁿ"),
    "sub": str.maketrans("0123456789+-−–()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₋₍₎"),
}
_RAISABLE = {"sup": re.compile(r"[0-9+\-−–()in]+"), "sub": re.compile(r"[0-9+\-−–()]+")}
_BLOCK_TAG = re.compile(
    r"</?(?:div|p|center|blockquote|dl|ul|ol|table|caption|tbody|thead|h[1-6]|hr|section|article)(?=[\s/>])[^<>]*+>",
    re.I,
)
_ROW_TAG = re.compile(r"<(?:li|dt|dd|tr)(?=[\s/>])[^<>]*+>", re.I)
_CELL_TAG = re.compile(r"</t[dh]\s*>\s*<t[dh](?=[\s/>])[^<>]*+>", re.I)
_TAG = re.compile(
    r"</?(?:span|small|big|sup|sub|b|i|u|s|em|strong|font|tt|code|kbd|samp|var|cite|abbr|dfn|q|del|ins|strike|bdi|bdo|"
    r"ruby|rb|rp|rt|rtc|wbr|mark|time|data|noinclude|onlyinclude|includeonly|td|th|tr|li|dt|dd|nobr|a|img|label|translate|"
    r"tvar|languages|big|nowiki|pre|math|poem|ref|references|gallery|source|syntaxhighlight|center|acronym|col|colgroup|"
    r"tfoot|thead|tbody|section|includeonly|noinclude|chem|ce|imagemap|timeline|score|graph|hiero|mapframe)"
    r"(?=[\s/>])[^<>]*+>|<ref\b",
    re.I,
)
_ANY_TAG = re.compile(r"</?[a-zA-Z]")
_MAGIC = re.compile(r"__(?!_)[^\W\d_](?:_?[^\W_]){2,40}__")
_ELISION = re.compile(r"'''(?!')(?<=\w''')")
_QUOTES = re.compile(r"'{2,}")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,30});")
_HELD = re.compile(rf"{HELD}(\d+){HELD}")

_OPENING, _CLOSING = "(（[［", ")）]］"
_GAP = " \t,;:，；、：/·•|–—-"  # what may be left between things that went
_SEPARATORS = ",;，；、"
_TOGETHER = re.compile(r"\{\{+|\}\}+|\[\[+|\]\]+|''+")
_SPACES = re.compile(r"  +")


@dataclass(frozen=True)
class Names:
    """What a wiki calls its namespaces, besides the usual names. Lower case."""

    files: frozenset[str] = FILES
    categories: frozenset[str] = CATEGORIES


USUAL = Names()


def is_redirect(wikitext: str) -> bool:
    head = wikitext[:200].lstrip()
    if not head.startswith(("#", "＃")) or "[[" not in head:
        return False
    return head[1:].partition("[[")[0].strip(" \t\n:：").lower().replace(" ", "_") in REDIRECTS


def text_of(
    wikitext: str, *, title: str = "", language: str = "", names: Names = USUAL, variant: str = "auto"
) -> str:
    """The text of a page. `variant`: what language conversion marks resolve to, see wikitext_variants."""
    text = _CONTROL.sub("", wikitext) if any(mark in wikitext for mark in _MARKS) else wikitext
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "&nbsp;" in text:
        text = text.replace("&nbsp;", " ")
    held: list[str] = []
    if "<" in text:
        text = _without_elements(text, held)
    if "{{" in text or "}}" in text:
        text = _without_templates(text, Page(title, language))
    text = resolve(text, variant).replace(PIPE, "|")
    if "[" in text or "]]" in text:
        text = _without_links(text, names)
    if "<" in text:
        text = _without_tags(text)
    if "''" in text:
        if _ELISION.search(text):
            text = _with_elisions(text)
        text = text.replace("'''", "").replace("''", "")
    if "__" in text:
        text = _MAGIC.sub(lambda found: found[0] if found[0] != found[0].upper() else REMOVED, text)
    text = blocks(text).replace(BREAK, "\n")
    if REMOVED in text:
        text = _without_gaps(text)
    # Odd marks that only stand together since what was between them went.
    if "{{" in text or "}}" in text or "[[" in text or "]]" in text or "''" in text:
        text = _TOGETHER.sub("", text)
    if "\t" in text:
        text = text.replace("\t", " ")
    text = _SPACES.sub(_one_space, text)
    if "&" in text:
        text = entities(text)
    if HELD in text:
        text = _HELD.sub(lambda found: held[int(found[1])], text).replace(HELD, "")
    return text.strip("\n ")


def _one_space(found: re.Match[str]) -> str:
    """Of several; at the beginning of a line they are the indent of an item or of preformatted text."""
    start = found.start()
    return found[0] if start == 0 or found.string[start - 1] == "\n" else " "


def entities(text: str) -> str:
    return _ENTITY.sub(lambda found: unescape(found[0]), text)


# ---------------------------------------------------------------- elements


def _without_elements(text: str, held: list[str]) -> str:
    parts: list[str] = []
    at = 0
    endless: set[str] = set()  # elements that are not closed from here on
    while (found := _ELEMENT.search(text, at)) is not None:
        start, end = found.span()
        parts.append(text[at:start])
        if found[1] is None:
            at = text.find("-->", end)
            at = len(text) if at < 0 else at + 3
            if text.startswith("\n", at) and text.endswith("\n", 0, start):
                at += 1  # a comment on a line of its own takes the line with it
            continue
        name, at = found[1].lower(), end
        if found[2].endswith("/"):
            parts.append(REMOVED)
            continue
        closing = None if name in endless else _CLOSED_BY[name].search(text, end)
        if closing is None:
            endless.add(name)
            parts.append(REMOVED)
            if name == "ref":  # as far as it may have gone
                at = _end_of_paragraph(text, end)
            continue
        at = closing.end()
        parts.append(_element(name, found[2], text[end : closing.start()], held))
    parts.append(text[at:])
    return "".join(parts)


def _end_of_paragraph(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def _element(name: str, attributes: str, content: str, held: list[str]) -> str:
    if name == "nowiki":
        content = entities(content)
    elif name in ("math", "chem", "ce"):
        content = " ".join(content.split())
        if not content:
            return REMOVED
        # `{ {` is the same to LaTeX as `{{`, and no reader takes it for a template.
        content = "$" + re.sub(r"\{(?=\{)", "{ ", content) + "$"
    elif name in ("syntaxhighlight", "source", "pre"):
        content = content.strip("\n") if name != "pre" else entities(content).strip("\n")
        inline = name != "pre" and ("inline" in attributes or "\n" not in content)
        held.append(content)
        return _hold(held) if inline else f"\n\n{_hold(held)}\n\n"
    elif name == "poem":
        lines = (line.lstrip(":") for line in content.strip("\n").split("\n"))
        return "\n\n" + BREAK.join(lines) + "\n\n"
    else:
        return REMOVED
    held.append(content)
    return _hold(held)


def _hold(held: list[str]) -> str:
    return f"{HELD}{len(held) - 1}{HELD}"


# ---------------------------------------------------------------- templates


def _without_templates(text: str, page: Page) -> str:
    """Braces matched as MediaWiki does: of a run of closing ones, as many as the innermost opening run still has."""
    counts: list[int] = []
    parts: list[list[str]] = [[]]
    at = 0
    for found in _BRACES.finditer(text):
        start, run = found.start(), found.end() - found.start()
        if start > at:
            parts[-1].append(text[at:start])
        at = found.end()
        if text[start] == "{":
            counts.append(run)
            parts.append([])
            continue
        while run >= 2 and counts:
            matched = min(run, counts[-1], 3)
            content = parts.pop()
            left = counts.pop() - matched
            run -= matched
            result = REMOVED
            if len(counts) < DEPTH:
                if matched == 2:
                    result = expand(content, page)
                else:  # {{{parameter|default}}}
                    result = "".join(content).partition("|")[2] or REMOVED
            if left >= 2:
                counts.append(left)
                parts.append([result])
            else:
                parts[-1].append("{" * left + result)
        if run == 1:
            parts[-1].append("}")
    parts[-1].append(text[at:])
    return _joined(parts, "\n\n")


def _joined(parts: list[list[str]], end: str) -> str:
    """The outermost text, and behind it what the marks that were never closed hold from their `end` on."""
    out = ["".join(parts[0])]
    for level in parts[1:]:
        _, mark, rest = "".join(level).partition(end)
        out.append(REMOVED + mark + rest)
    return "".join(out)


# ---------------------------------------------------------------- links


def _without_links(text: str, names: Names) -> str:
    # Splitting at a pattern with one group keeps the labels, without a call for each.
    text = "".join(_LABEL.split(text))
    if "://" in text or "mailto:" in text or "[//" in text:
        text = _BARE.sub(REMOVED, text)
        text = "".join(_EXTERNAL.split(text))
    if "[[" not in text and "]]" not in text:
        return text
    parts: list[list[str]] = [[]]
    at = 0
    for found in _LINK.finditer(text):
        start, run = found.start(), found.end() - found.start()
        parts[-1].append(text[at:start])
        at = found.end()
        if text[start] == "[":
            parts[-1].append("[" * (run % 2))
            parts.extend([] for _ in range(run // 2))
            continue
        for _ in range(run // 2):
            if len(parts) > 1:
                content = "".join(parts.pop())
                parts[-1].append(_link(content, names) if len(parts) < DEPTH else "")
        parts[-1].append("]" * (run % 2))
    parts[-1].append(text[at:])
    out = ["".join(parts[0])]
    for level in parts[1:]:
        content = "".join(level)
        if _kind(content, names) == "file":
            content = content[_end_of_paragraph(content, 0) :]
        out.append(content)
    return "".join(out)


def _kind(content: str, names: Names) -> str:
    found = _PREFIX.match(content)
    if found is None:
        return "page"
    if content.lstrip().startswith(":"):
        return "page"
    prefix = " ".join(found[1].replace("_", " ").split()).lower()
    if prefix in names.files:
        return "file"
    if prefix in names.categories or prefix in LANGUAGES:
        return "gone"
    return "page"


def _link(content: str, names: Names) -> str:
    kind = _kind(content, names)
    if kind == "file" and ("\n\n" in content or "\n==" in content):
        # Its own end is missing, and another's was found.
        return REMOVED + content[_end_of_paragraph(content, 0) :]
    if kind != "page":
        return REMOVED
    target, bar, label = content.partition("|")
    if bar and label.strip():
        return label
    target = target.strip().removeprefix(":")
    if bar:  # the pipe trick: without namespace and bracket
        target = target.rpartition(":")[2].partition(" (")[0]
    return target or REMOVED


# ---------------------------------------------------------------- tags and quotes


def _without_tags(text: str) -> str:
    text = _BR.sub(BREAK, text)
    if not _ANY_TAG.search(text):
        return text
    if "none" in text:
        text = _HIDDEN.sub(REMOVED, text)
    text = _RAISED.sub(_raised, text)
    text = _CELL_TAG.sub(" | ", text)
    text = _ROW_TAG.sub(BREAK, text)
    text = _BLOCK_TAG.sub("\n", text)
    return "".join(_TAG.split(text))


def _raised(found: re.Match[str]) -> str:
    name, content = found[1].lower(), found[2].strip()
    if _RAISABLE[name].fullmatch(content):
        return content.translate(_RAISE[name])
    return found[2]


def _with_elisions(text: str) -> str:
    """`l'''Encyclopédie''`: an apostrophe and italics, on lines whose bold and italics do not come in pairs."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if "'''" in line and (found := _ELISION.search(line)) is not None:
            runs = [len(run) for run in _QUOTES.findall(line)]
            bold = sum(run != 2 for run in runs)
            italic = sum(run == 2 or run >= 5 for run in runs)
            if bold % 2 and italic % 2:
                lines[number] = f"{line[: found.start()]}'{REMOVED}{line[found.start() + 1 :]}"
    return "\n".join(lines)


# ---------------------------------------------------------------- what is left of what went


def _without_gaps(text: str) -> str:
    """The text without its REMOVED marks, and without brackets, separators and spaces that they leave behind.

    Left and right of each mark only so much is looked at as can belong to a gap.
    """
    before, *pieces = text.split(REMOVED)
    done: list[str] = []
    for after in pieces:
        while not before and done:
            before = done.pop()
        left = before.rstrip(_GAP)
        right = after.lstrip(_GAP)
        if left.endswith(tuple(_OPENING)):
            if right.startswith(tuple(_CLOSING)):
                before, after = left[:-1].rstrip(" \t"), right[1:]
            else:
                before, after = left, right
        elif right.startswith(tuple(_CLOSING)):
            before, after = before.rstrip(" \t" + _SEPARATORS), right
        elif before.endswith((" ", "\t")) and after.startswith(
            (" ", "\t", ",", ".", ";", "，", "。", "；", "、")
        ):
            before = before.rstrip(" \t")
        if before.endswith(tuple(_SEPARATORS)) and after.lstrip(" ").startswith(tuple(_SEPARATORS)):
            after = after.lstrip(" ")[1:]
        done.append(before)
        before = after
    done.append(before)
    return "".join(done)
