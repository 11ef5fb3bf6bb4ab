"""Row 25: every regular expression that ships is linear on hostile text.

One process of its own tries them all, so that an exponential one is stopped and named. `CUT` is for those whose
callers give them only so much of a text: they are tried on that much, and must be done with it in no time.
"""

import ast
import importlib
import json
import pkgutil
import re
import subprocess
import sys
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headwater.corpus.text import _LONGEST_ABBREVIATION
from headwater.curate.line_rules import LONGEST_COUNTER
from headwater.sources.extract.chapters import LONGEST_BYLINE

SOURCE = Path(__file__).resolve().parents[2] / "src"
SIZES = (750, 3_000, 12_000, 48_000, 192_000)  # bytes of hostile text
LINEAR = 10  # times the time for four times the text: a linear one takes 4, a quadratic one 16
PARTS = 12  # of the patterns, tried one after the other: all of them take minutes
MATTERS = 0.05  # seconds of process time: below, growth is noise
CUT = {  # what the callers cut, in characters or bytes
    "headwater.corpus.text._ABBREVIATION": _LONGEST_ABBREVIATION,
    "headwater.curate.line_rules.COUNTER": LONGEST_COUNTER,
    "headwater.sources.extract.chapters._ZHU": LONGEST_BYLINE,
    "headwater.sources.encoding._META": 4096,
    "headwater.sources.encoding._XML": 512,
    "headwater.sources.html._HTTRACK": 65536,
    "headwater.sources.html._LINK": 65536,
    "headwater.sources.html._SAVED": 65536,
    "headwater.sources.html._SINGLE_FILE": 65536,
    "headwater.sources.html._ATTRIBUTE": 4096,
    "headwater.sources.payload._HEAD": 512,
}
# Given by a recipe's or a caller's author, not shipped: unit.pattern, the paths of a crawl.
NOT_SHIPPED = {"headwater.sources.read: pattern", "headwater.sources.fetch.pages: paths"}
# Made from a value of the input, escaped: how an element of the file at hand begins.
NOT_SHIPPED |= {"headwater.sources.json_elements: f'(?:{self._line})({signature})'"}
# Made in a loop and kept in a variable of the module, by whose name they are found.
NAMED = {
    "headwater.signals.explain: pattern",
    "headwater.sources.programs.language: pattern",
    'headwater.sources.mediawiki_xml: f\'\\\\b{name}="([^"]*)"\'',
    "headwater.sources.extract.wikitext: f'</{name}\\\\s*>'",
}
# (function of re, where its flags stand)
FLAGS_AT = {"compile": 1, "search": 2, "match": 2, "fullmatch": 2, "findall": 2, "finditer": 2, "split": 3, "sub": 4,
            "subn": 4}  # fmt: skip
RUNS = (
    " ",
    "a",
    "A",
    "1",
    "<",
    ">",
    "，",
    "。",
    "汉",
    "\n",
    ".",
    "-",
    "_",
    "/",
    "&",
    '"',
    "'",
    "[",
    "=",
    "…",
    "\u3000",
)
ALTERNATIONS = (
    "ab",
    "a1",
    "<a",
    "</",
    " \n",
    "\n\n ",
    "。”",
    ". ",
    "a.",
    ",1",
    "a'",
    "1 ",
    "汉 ",
    '="',
    "&a",
    "- ",
)
TAILS = ("", "a", "\0")


# ---------------------------------------------------------------- what ships


def shipped() -> dict[str, tuple[re.Pattern[Any], set[str]]]:
    """Every pattern by name and place, with the methods that are called on it."""
    found: dict[str, tuple[re.Pattern[Any], set[str]]] = {}
    unresolved: set[str] = set()
    # (module, name of a pattern) -> methods called on it there, and in modules that import it
    calls: dict[tuple[str, str], set[str]] = defaultdict(set)
    trees = {}
    for info in pkgutil.walk_packages([str(SOURCE / "headwater")], "headwater."):
        path = SOURCE / (info.name.replace(".", "/") + ("/__init__.py" if info.ispkg else ".py"))
        trees[info.name] = ast.parse(path.read_text(encoding="utf-8"))
        origin = {
            name.asname or name.name: (node.module or "", name.name)
            for node in ast.walk(trees[info.name])
            if isinstance(node, ast.ImportFrom)
            for name in node.names
        }
        for call in _calls(trees[info.name]):
            if isinstance(call.func.value, ast.Name):
                here = (info.name, call.func.value.id)
                calls[origin.get(call.func.value.id, here)].add(call.func.attr)
    for name, tree in trees.items():
        try:
            module = vars(importlib.import_module(name))
        except ImportError as error:
            if error.name != "torch":
                raise
            module = {"re": re}  # its literals are seen all the same
        lines = _lines(tree)
        for variable, line in lines.items():
            strings = variable.upper().endswith("PATTERNS")
            for pattern in _patterns(module.get(variable), strings):
                key = f"{name}.{variable} (line {line}) {pattern.pattern[:60]!r}"
                found[key] = pattern, calls[name, variable] & FLAGS_AT.keys() or {"search", "finditer"}
        for call in _calls(tree):
            if not (isinstance(call.func.value, ast.Name) and call.func.value.id == "re" and call.args):
                continue
            method = call.func.attr
            if method not in FLAGS_AT:
                continue
            given = [word.value for word in call.keywords if word.arg == "flags"]
            given += call.args[FLAGS_AT[method] : FLAGS_AT[method] + 1]
            try:
                flags = _value(given[0], module) if given else 0
                pattern = re.compile(_value(call.args[0], module), flags)
            except (NameError, TypeError):
                unresolved.add(f"{name}: {ast.unparse(call.args[0])}")
                continue
            if method == "compile" and call.lineno in lines.values():
                continue  # found by its name above
            found[f"{name} (line {call.lineno}) {pattern.pattern[:60]!r}"] = (
                pattern,
                {"search", "finditer"} if method == "compile" else {method},
            )
    unresolved -= NAMED
    assert CUT.keys() <= {name.partition(" ")[0] for name in found}
    assert unresolved <= NOT_SHIPPED, f"patterns made at run time: {unresolved - NOT_SHIPPED}"
    return found


def _calls(tree: ast.Module) -> Iterator[Any]:
    """The calls of a method or of a module's function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node


def _lines(tree: ast.Module) -> dict[str, int]:
    """The line of every name that a module assigns at its top."""
    lines = {}
    for node in tree.body:
        targets = (
            node.targets
            if isinstance(node, ast.Assign)
            else [node.target]
            if isinstance(node, ast.AnnAssign)
            else []
        )
        lines.update({target.id: node.lineno for target in targets if isinstance(target, ast.Name)})
    return lines


def _value(expression: ast.expr, names: dict[str, Any]) -> Any:
    code = compile(ast.Expression(expression), "<pattern>", "eval")
    return eval(code, {"__builtins__": {}}, names)


def _patterns(value: Any, strings: bool) -> Iterator[re.Pattern[Any]]:
    """The patterns in a value, however deep; `strings`: a string is one."""
    if isinstance(value, re.Pattern):
        yield value
    elif strings and isinstance(value, str):
        yield re.compile(value)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _patterns(inner, strings)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from _patterns(inner, strings)


# ---------------------------------------------------------------- hostile text


def hostile(pattern: str) -> list[tuple[str, str, str]]:
    """(head, unit, tail): the head, the unit again and again, the tail."""
    made = [("", unit, tail) for unit in RUNS for tail in TAILS]
    made += [("", unit, tail) for unit in ALTERNATIONS for tail in TAILS[::2]]
    made += [(head, fill, "\0") for head in ("1", ".", "/", "a", "汉", "x=") for fill in " \n1a"]
    literals = _literals(pattern)
    made += [("", literal, tail) for literal in literals for tail in TAILS]
    made += [("", literal + " ", "\0") for literal in literals]
    start = ""
    for number, literal in enumerate(literals[:12]):
        start += literal
        for fill in (" ", "a", "1", ".", literals[(number + 1) % len(literals)]):
            made += [(start, fill, "\0"), (literals[0] * 50 + start, fill, "\0"), (literal, fill, "\0")]
        made += [("", start, "\0"), ("", start + " ", "\0")]
    return list(dict.fromkeys(made))


def _literals(pattern: str) -> list[str]:
    """The runs of plain characters of a pattern, in order."""
    found = [""]

    def walk(parsed: Any) -> None:
        for operation, argument in parsed:
            name = str(operation)
            if name == "LITERAL":
                found[-1] += chr(argument)
                continue
            found.append("")
            stack = [argument]
            while stack:
                one = stack.pop(0)
                if hasattr(one, "getwidth"):
                    walk(one)
                    found.append("")
                elif isinstance(one, list | tuple) and name != "IN":
                    stack = [*one, *stack]

    walk(re._parser.parse(pattern))  # type: ignore[attr-defined]
    return list(dict.fromkeys(literal for literal in found if literal))


def text_of(head: str, unit: str, tail: str, size: int) -> str:
    """About `size` bytes."""
    return head + unit * max(1, size // len(unit.encode())) + tail


# ---------------------------------------------------------------- the trial


def seconds(use: Callable[[], Any], times: int = 1) -> float:
    """Of the processor, the least of several times."""
    best = float("inf")
    for _ in range(times):
        start = time.process_time()
        use()
        best = min(best, time.process_time() - start)
    return best


def growth(use: Callable[[Any], Any], texts: Callable[[int], Any]) -> str | None:
    """What is wrong with the times that a function takes on ever longer texts."""
    before = 0.0
    for number, size in enumerate(SIZES):
        text = texts(size)
        now = seconds(lambda text=text: use(text))
        if now > MATTERS and before and now > LINEAR * before:
            shorter = texts(SIZES[number - 1])
            now = min(now, seconds(lambda text=text: use(text), 2 if now < 10 else 0))
            before = min(before, seconds(lambda text=shorter: use(text), 3))
            if now > MATTERS and now > LINEAR * before:
                return f"{before * 1000:.1f} ms for {SIZES[number - 1]:,} bytes, {now * 1000:.0f} ms for {size:,}"
        if now * 16 ** (len(SIZES) - 1 - number) < MATTERS:
            return None  # even a quadratic one does not matter on the longest
        before = now
    return None


def uses(pattern: re.Pattern[Any], methods: set[str]) -> Iterator[Callable[[Any], Any]]:
    if methods & {"search", "split"}:
        yield pattern.search
    if methods & {"finditer", "findall", "sub", "subn", "split"}:
        yield lambda text: [None for _ in pattern.finditer(text)]
    for method in methods & {"match", "fullmatch"}:
        yield getattr(pattern, method)


def try_all(part: int = 0, of: int = 1) -> None:
    """Prints each pattern of one part before it is tried, and what is wrong with it."""
    patterns = shipped()
    print(json.dumps({"patterns": len(patterns)}), flush=True)
    for name, (pattern, methods) in patterns.items():
        if (
            zlib.crc32(repr(pattern.pattern).encode()) % of != part
        ):  # a new one leaves the others where they are
            continue
        print(json.dumps({"trying": name}), flush=True)
        cut = CUT.get(name.partition(" ")[0])
        is_bytes = isinstance(pattern.pattern, bytes)
        for parts in hostile(pattern.pattern.decode("latin-1") if is_bytes else pattern.pattern):

            def texts(size: int, parts: Any = parts, cut: int | None = cut, is_bytes: bool = is_bytes) -> Any:
                text: Any = text_of(*parts, size)
                return (text.encode() if is_bytes else text)[:cut]

            for use in uses(pattern, methods):
                wrong = growth(use, texts) if cut is None else None
                if cut is not None and (spent := seconds(lambda: use(texts(cut)), 2)) > MATTERS:  # noqa: B023
                    wrong = f"{spent * 1000:.0f} ms for the {cut:,} that its callers cut"
                if wrong is not None:
                    print(json.dumps({"wrong": name, "text": parts, "why": wrong}), flush=True)
                    break
            else:
                continue
            break
    print(json.dumps({"done": True}), flush=True)


@pytest.mark.fault(25)
@pytest.mark.timeout(290)
@pytest.mark.parametrize(
    "part", [0, *(pytest.param(part, marks=pytest.mark.slow) for part in range(1, PARTS))]
)
def test_every_regular_expression_is_linear_on_hostile_text(part):
    script = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); "
        f"import {Path(__file__).stem} as trial; trial.try_all({part}, {PARTS})"
    )
    stopped = False
    try:
        out = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, timeout=270).stdout
    except subprocess.TimeoutExpired as error:
        out, stopped = error.stdout or b"", True
    said = [json.loads(line) for line in out.decode().splitlines()]
    wrong = [f"{one['wrong']}: {one['why']} of {one['text']}" for one in said if "wrong" in one]
    assert not wrong, "\n".join(wrong)
    assert not stopped and said[-1] == {"done": True}, f"did not come back from {said[-1]}"
    assert said[0]["patterns"] > 40


def possessive_groups(pattern: str, flags: int = 0) -> int:
    """Quantifiers such as `(?:ab|c)*+` and atomic groups: more than one character that gives nothing back."""
    count = 0

    def walk(parsed: Any) -> None:
        nonlocal count
        for operator, value in parsed:
            if str(operator) == "ATOMIC_GROUP":
                count += 1
            elif str(operator) == "POSSESSIVE_REPEAT":
                body = value[2]
                count += len(body) != 1 or str(body[0][0]) not in (
                    "IN",
                    "LITERAL",
                    "NOT_LITERAL",
                    "ANY",
                    "RANGE",
                )
            for part in value if isinstance(value, tuple | list) else [value]:
                for inner in part if isinstance(part, list) else [part]:
                    if isinstance(inner, re._parser.SubPattern):
                        walk(inner)

    walk(re._parser.parse(pattern, flags))
    return count


def test_no_group_is_possessive():
    """Python 3.11 before 3.11.5, Debian 12's among them, matches those wrongly (cpython 106052)."""
    assert (
        possessive_groups("(?:ab|c)*+")
        == possessive_groups("x(?:(?>ab)|c)")
        == possessive_groups("(c|(?:ab)?+)")
        == 1
    )
    assert possessive_groups("[ab]*+c++.?+(?:d|e)*") == 0
    found = [
        name
        for name, (pattern, _) in shipped().items()
        if possessive_groups(pattern.pattern, pattern.flags & ~re.DEBUG)
    ]
    assert not found


@pytest.mark.fault(25)
def test_the_trial_finds_what_is_not_linear():
    def wrong(pattern: str, *parts: str) -> str | None:
        return growth(re.compile(pattern).search, lambda size: text_of(*parts, size))

    assert wrong(r"<[^>]*>", "", "<", "") and wrong(r"^\s*x?\s*$", "", " ", "汉")
    assert wrong(r"<[^<>]*>", "", "<", "") is None and wrong(r"[，。]+$", "", "汉，", "") is None


@pytest.mark.fault(25)
@pytest.mark.parametrize("encoder", ["tiktoken", "tokenizers"])
def test_the_pattern_that_cuts_text_into_pieces_is_linear(encoder):
    from headwater.model import tokenizer

    coder = tokenizer.Tokenizer(tokenizer.train(["河水在夜里涨了起来，没有人记下。", "the river"], 300))
    assert coder._encoding is not None
    use = coder.encode if encoder == "tiktoken" else coder._slow.pre_tokenizer.pre_tokenize_str
    wrong = {}
    for parts in hostile("'s|'ll| a"):
        why = growth(use, lambda size, parts=parts: text_of(*parts, size // 2))
        if why is not None:
            wrong[parts] = why
    assert not wrong
