"""The language that a file is written in: by its name, its extension, its `#!` line, and what stands in it.

Where several languages share an extension (`.h`, `.m`, `.pl`, `.v`, `.ts`, …) a few expressions decide, tried in
order on the beginning of the text; the last of a row is what it is where none fits. All are linear: no repetition
stands inside another, and what repeats is bounded by the line.
"""

import re
from pathlib import PurePosixPath

from headwater.sources.programs.table import TABLE

HEAD = 1 << 15  # characters that are looked at


def _m(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.MULTILINE)


_OBJECTIVE_C = _m(
    r"^[ \t]{0,16}@(?:interface|implementation|protocol|property|end|class|selector|import)\b|^#import [<\"]|\bNS(?:String|Object|Array)\b"
)
_CPP = _m(
    r"^[ \t]{0,32}(?:class|namespace|template|using)\b(?! *[=(])|^[ \t]{0,32}(?:public|private|protected):|\bstd::|\bconstexpr\b"
    r"|\bvirtual [\w~]|^#[ \t]{0,8}include <(?:string|vector|map|memory|iostream|cstdint|cstddef|cstdio|functional|utility|array|atomic)>"
    r"|\bstatic_cast<|\bnullptr\b"
)
_XML = _m(r"\A\ufeff?\s{0,64}<(?:\?xml|!DOCTYPE|TS\b|\w+[^>\n]{0,200}xmlns)")
_PROLOG = _m(r"^[a-z]\w{0,64}\([^)\n]{0,200}\)[ \t]*:-|^:-[ \t]")
_RAKU = _m(r"^[ \t]{0,16}(?:use v6|(?:my )?(?:class|role|module|grammar) [A-Z]\w*(?: is [^;\n]{0,80})? \{)")
_PHP, _HTML = _m(r"<\?(?:php|=)"), _m(r"\A\s{0,64}<(?:!DOCTYPE|[a-zA-Z]{1,20}[ >])")

# extension -> ((expression, language), …, the language where none fits)
_RULES: dict[str, tuple[tuple[re.Pattern[str], str] | str, ...]] = {
    "h": ((_OBJECTIVE_C, "Objective-C"), (_CPP, "C++"), "C"),
    "hh": ((_m(r"^<\?hh|^\s{0,8}namespace HH\b"), "Hack"), "C++"),
    "m": (
        (_OBJECTIVE_C, "Objective-C"),
        (_m(r"^:-[ \t]{0,4}module\b"), "Mercury"),
        (_m(r"^\s{0,16}\(\*|\w\[[^\]\n]{0,80}_\]\s{0,4}:=|\bBeginPackage\["), "Wolfram Language"),
        "MATLAB",
    ),
    "mm": ((_XML, "XML"), "Objective-C++"),
    "pl": ((_m(r"^#!.{0,40}\bperl\b|^\s{0,8}use (?:strict|warnings|[A-Z]\w*)|^\s{0,8}(?:my|our|sub) [$@%\w]"), "Perl"),
           (_RAKU, "Raku"), (_PROLOG, "Prolog"), "Perl"),
    "pm": ((_RAKU, "Raku"), "Perl"),
    "t": ((_RAKU, "Raku"), (_m(r"^\s{0,8}(?:local|terra) \w"), "Terra"), "Perl"),
    "al": ((_m(r"(?i)^\s{0,8}(?:codeunit|page|pageextension|enum|query|report|table|tableextension) \d"), "AL"), "Perl"),
    "pro": ((_PROLOG, "Prolog"), (_m(r"^\s{0,8}(?:TEMPLATE|CONFIG|SOURCES|HEADERS|QT|TARGET)\s{0,8}[+*~-]?=|^include\("), "QMake"),
            (_m(r"(?i)^\s{0,8}(?:pro|function) \w|^\s{0,8}end(?:if|for)?\s{0,4}$"), "IDL"), (_m(r"^\w{1,40}\s{0,4}="), "INI"), "QMake"),
    "v": ((_m(r"^\s{0,8}(?:module \w+\s{0,8}[#(;]|`(?:timescale|include|define|ifdef)|endmodule\b|always\s{0,4}@)"), "Verilog"),
          (_m(r"^\s{0,8}(?:Require|Theorem|Lemma|Definition|Inductive|Proof|From \w+ Require)\b"), "Rocq Prover"),
          (_m(r"^\s{0,8}(?:fn |pub fn |module \w+$|import \w+$|struct \w+ \{)"), "V"), "Verilog"),
    "ts": ((_XML, "XML"), "TypeScript"),
    "tsx": ((_XML, "XML"), "TSX"),
    "cls": ((_m(r"^\s{0,8}\\(?:NeedsTeXFormat|ProvidesClass|LoadClass|documentclass)|^%"), "TeX"),
            (_m(r"^(?:VERSION \d|Attribute VB_)"), "VBA"),
            (_m(r"(?i)^\s{0,8}(?:global |public |private |@istest)"), "Apex"), (_m(r"(?i)^\s{0,8}(?:class [\w.]+ *:|method )"), "OpenEdge ABL"), "TeX"),
    "bas": ((_m(r"^(?:VERSION \d|Attribute VB_|Option Explicit)"), "VBA"), "FreeBASIC"),
    "frm": ("VBA",),
    "trigger": ((_m(r"(?i)^\s{0,8}trigger \w"), "Apex"), "Shell"),
    "inc": ((_PHP, "PHP"), (_HTML, "HTML"), (_m(r"(?i)^\s{0,8}(?:mov|\.macro|\.equ|%define|%macro|section)\b"), "Assembly"),
            (_m(r"(?i)^\s{0,8}(?:select|insert|create table)\b"), "SQL"), (_m(r"(?i)^\s{0,8}(?:procedure|unit|uses|\{\$)"), "Pascal"),
            (_m(r"^\s{0,8}(?:#|//|/\*|static )"), "C++"), "PHP"),
    "i": ((_m(r"^\s{0,8}%(?:module|include|typemap|\{)"), "SWIG"), (_m(r"^\s{0,8}[.;]\w"), "Assembly"), "SWIG"),
    "s": ("Assembly",),
    "bb": ((_m(r"^\s{0,8}(?:SUMMARY|DESCRIPTION|LICENSE|SRC_URI|inherit|require|do_\w+\(\))"), "BitBake"), "BlitzBasic"),
    "cs": ((_m(r"^!\w+ \w+ methodsFor:|^'From "), "Smalltalk"), "C#"),
    "cl": ((_m(r"^\s{0,8}\((?:defun|in-package|defpackage|defmacro)\b"), "Common Lisp"), "OpenCL"),
    "l": ((_m(r"^%[%{}]|^%option\b"), "Lex"), (_m(r"^\s{0,8}\((?:def|in-package)"), "Common Lisp"), (_m(r"^\.[A-Za-z]{2}\b"), "Roff"), "Lex"),
    "d": ((_m(r"^[^\s:]{1,200}\.o\s{0,8}:|^\S{1,200}:[ \t].{0,200}\\$"), "Makefile"), "D"),
    "fs": ((_m(r"^\s{0,8}(?:#version|precision|uniform|varying|void main)\b"), "GLSL"), (_m(r"^: \S"), "Forth"), "F#"),
    "fx": ((_m(r"\bfloat4x4\b|\btechnique\b|^\s{0,8}cbuffer\b"), "HLSL"), "FLUX"),
    "f": ((_m(r"^: \S"), "Forth"), "Fortran"),
    "for": ((_m(r"^: \S"), "Forth"), "Fortran"),
    "gd": ((_m(r"^(?:InstallMethod|Declare\w+)\("), "GAP"), "GDScript"),
    "g": ((_m(r"^(?:grammar|lexer|parser|options)\b"), "ANTLR"), "GAP"),
    "tst": ((_m(r"^gap> "), "GAP"), "Scilab"),
    "frag": ((_m(r"^\s{0,8}(?:\(?function\b|var \w)"), "JavaScript"), "GLSL"),
    "gs": ((_m(r"^#version\b|^\s{0,8}layout\("), "GLSL"), (_m(r"^uses (?:java|gw)\."), "Gosu"), "JavaScript"),
    "vsh": ((_m(r"^\s{0,8}(?:#version|attribute|uniform|varying|void main|precision)\b"), "GLSL"), "V"),
    "plt": ((_PROLOG, "Prolog"), "Gnuplot"),
    "p": ((_m(r"(?i)^\s{0,8}(?:plot|set|splot) "), "Gnuplot"), "OpenEdge ABL"),
    "yy": ((_m(r"\A\s{0,64}[{\[]"), "JSON"), "Yacc"),
    "fcgi": ("Perl",),
    "cgi": ((_m(r"^(?:import|from) \w|^def \w"), "Python"), "Perl"),
    "m4": ((_m(r"^(?:AC|AM|AS|AX)_[A-Z]"), "M4Sugar"), "M4"),
    "scd": ((_m(r"^#{1,6} |^[-*] "), "Markdown"), "SuperCollider"),
    "nb": ((_m(r"\(\* |^Notebook\["), "Wolfram Language"), "Text"),
    "mo": ((_m(r"^\s{0,8}(?:model|package|partial|within|block|connector) ?\w"), "Modelica"), "Motoko"),
    "mod": ((_XML, "XML"), (_m(r"^(?:\(\*|(?:IMPLEMENTATION |DEFINITION )?MODULE )"), "Modula-2"), "Text"),
    "pp": ((_m(r"(?i)^\s{0,8}(?:unit|program|uses|procedure|interface)\b.{0,80};|^\{\$"), "Pascal"), "Puppet"),
    "prc": ((_m(r"(?i)\b(?:begin|declare|exception)\b"), "PLSQL"), "SQL"),
    "re": ((_m(r"^\s{0,8}#[ \t]{0,8}(?:include|define|if|endif)\b|^\s{0,8}/\*!re2c"), "C++"), "Reason"),
    "res": ((_XML, "XML"), "ReScript"),
    "r": ((_m(r"(?i)\bRebol\b"), "Rebol"), "R"),
    "spec": ((_m(r"^(?:Name|Version|Release|Summary):|^%(?:prep|build|install|files)"), "RPM Spec"),
             (_m(r"^(?:# -\*- mode: python|a = Analysis\()"), "Python"), "Ruby"),
    "pluginspec": ((_XML, "XML"), "Ruby"),
    "sc": ((_m(r"\b(?:SynthDef|\{ ?\|.{0,40}\|)|^\+ ?\w"), "SuperCollider"), "Scala"),
    "txt": ((_m(r"\bvim:.{0,80}\b(?:ft|filetype)=help\b"), "Vim Help File"), "Text"),
    "typ": ((_XML, "XML"), "Typst"),
    "vba": ((_m(r"^(?:UseVimball|\" Vimball)"), "Vim script"), "VBA"),
    "asc": ((_m(r"^-----BEGIN|^ssh-"), "Text"), "AsciiDoc"),
    "b": ((_m(r">\+[><]"), "Brainfuck"), "Text"),
    "ms": ((_m(r"^\.[A-Za-z]{2}\b"), "Roff"), "Text"),
    "me": ((_m(r"^\.[A-Za-z]{2}\b"), "Roff"), "Markdown"),
    "as": ("Text",),
    "meta": ((_m(r"^guid: |^fileFormatVersion:"), "Unity3D Asset"), "Text"),
    "html": ((_m(r"^\{% (?:extends|block|load|include)"), "Jinja"), "HTML"),
    "lock": ((_m(r"^\[\["), "TOML"), (_m(r"\A\s{0,8}\{"), "JSON"), "YAML"),
}  # fmt: skip
for _digit in "123456789":
    _RULES[_digit] = ((_m(r"^\.(?:[A-Za-z]{2}\b|\\\")"), "Roff"), "Text")

_SHEBANG = re.compile(r"\A\ufeff?#![ \t]{0,8}(\S{1,200})(?:[ \t]{1,8}(\S{1,200}))?(?:[ \t]{1,8}(\S{1,200}))?")
_MODELINE = re.compile(
    r"-\*-[ \t]{0,8}(?:[^\n]{0,80}?mode:[ \t]{0,8})?([\w+#.-]{1,30})[ \t]{0,8}(?:;[^\n]{0,80})?-\*-"
)
_VIM = re.compile(r"\b(?:vim?|ex):[^\n]{0,80}?\b(?:ft|filetype|syntax)=([\w+#.-]{1,30})")
_BY_LOWER = {name.lower(): name for name in TABLE.kinds} | {
    "python": "Python", "sh": "Shell", "bash": "Shell", "cpp": "C++", "objc": "Objective-C", "js": "JavaScript",
    "make": "Makefile", "lisp": "Common Lisp", "cperl": "Perl", "emacs-lisp": "Emacs Lisp", "tex": "TeX", "cs": "C#",
}  # fmt: skip
# A tail that says nothing of the language: `config.h.in`, `settings.py.sample`.
_TEMPLATES = (
    "in",
    "sample",
    "example",
    "template",
    "tmpl",
    "tpl",
    "dist",
    "orig",
    "bak",
    "default",
    "erb.erb",
)


def language_of(name: str, text: str) -> str | None:
    """The language of a file, None where it is unknown. `name`: its path."""
    base = PurePosixPath(name.replace("\\", "/")).name
    head = text[:HEAD]
    if base in TABLE.names:
        return TABLE.names[base]
    if (stated := _stated(head)) is not None:
        return stated
    language = _by_extension(base, head)
    shebang = _by_shebang(head)
    if shebang is not None and (language is None or _shares(base, shebang)):
        return shebang
    if language is None and base.partition(".")[0] in (
        "Dockerfile",
        "Containerfile",
        "Makefile",
        "Jenkinsfile",
    ):
        return TABLE.names[base.partition(".")[0]]
    if language is None and base.lower() in (
        "readme",
        "changelog",
        "news",
        "authors",
        "todo",
        "history",
        "install",
        "copying",
    ):
        return "Text"
    return language


def _by_extension(base: str, head: str) -> str | None:
    parts = base.split(".")[1:]
    while (
        len(parts) > 1
        and parts[-1].lower() in _TEMPLATES
        and ".".join(parts[-2:]).lower() not in TABLE.extensions
    ):
        parts.pop()
    for start in range(len(parts)):
        for extension in (".".join(parts[start:]), ".".join(parts[start:]).lower()):
            if extension in _RULES and start == len(parts) - 1:
                *rules, otherwise = _RULES[extension]
                for rule in rules:
                    if isinstance(rule, tuple) and rule[0].search(head):
                        return rule[1]
                return str(otherwise)
            if extension in TABLE.extensions:
                return TABLE.extensions[extension][0]
    return None


def _shares(base: str, language: str) -> bool:
    """Whether the extension is one of that language's, too, so that its `#!` line decides."""
    extension = base.rpartition(".")[2].lower()
    return language in TABLE.extensions.get(extension, ())


def _by_shebang(head: str) -> str | None:
    found = _SHEBANG.match(head)
    if found is None:
        return None
    words = [word for word in found.groups() if word]
    words[0] = words[0].rpartition("/")[2]
    if words[0] == "env":
        words = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    if not words:
        return None
    interpreter = words[0].rpartition("/")[2]
    for name in (interpreter, re.sub(r"[\d.]{1,12}\Z", "", interpreter)):
        if name in TABLE.interpreters:
            return TABLE.interpreters[name]
    return None


def _stated(head: str) -> str | None:
    """What an Emacs or Vim line says, in the first lines."""
    lines = "\n".join(head[:2000].split("\n", 5)[:5])
    for pattern in (_MODELINE, _VIM):
        if (found := pattern.search(lines)) is not None:
            return _BY_LOWER.get(found[1].lower())
    return None


def known_name(written: str) -> str | None:
    """A language as this table names it, in any case (`c++`, `jupyter-notebook`); None for one it does not have."""
    lower = written.strip().lower()
    return _BY_LOWER.get(lower) or _BY_LOWER.get(lower.replace("-", " "))


def kind_of(language: str) -> str:
    """p(rogramming), m(arkup), t (prose) or d(ata)."""
    return TABLE.kinds.get(language, "p")
