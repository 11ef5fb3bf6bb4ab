"""LaTeX to text: what a reader of the paper would read, and that bad LaTeX neither raises nor takes long."""

import gzip
import json
import random
import re
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.sources.extract.latex import paper_of
from headwater.sources.extract.latex_macros import BUDGET

CHINESE = "今天晚上，很好的月光。"


def text(source: str) -> str:
    return paper_of("main.tex", source).text


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        # accents and special characters
        (r"\'e \'{e} \'\i \"o \"{O} \c{c} \c c \v{s} \H{o} \k a \r{u} \~n \^{\i} \=a \.z \u{g}", "é é í ö Ö ç ç š ő ą ů ñ î ā ż ğ"),
        (r"G\"odel, Poincar\'e, {\L}ukasiewicz, Erd\H{o}s, Stra{\ss}e, \O rsted, \AA ngstr\"om", "Gödel, Poincaré, Łukasiewicz, Erdős, Straße, Ørsted, Ångström"),
        (r"50\% of \$5 \& \#1 \_x \{y\}", "50% of $5 & #1 _x {y}"),
        (r"``quoted'' and `single' -- dash --- dash, p.~5\,m \dots", "“quoted” and 'single' – dash — dash, p. 5 m …"),
        (r"\LaTeX{} and \TeX, \textcopyright\ 2020 \S 3", "LaTeX and TeX, © 2020 §3"),
        # comments
        ("one % gone\ntwo%\n  three\\% four", "one two" "three% four"),
        ("one\n% gone\n\n% gone\ntwo", "one\n\ntwo"),
        ("one\\begin{comment}gone \\end{comment} two", "one two"),
        # fonts, colours, boxes, lengths
        (r"\textbf{a} {\it b} \emph{c \textit{d}} {\color{red} e} \textcolor{red}{f} \mbox{g}", "a b c d e f g"),
        (r"a\vspace{-3mm}\hspace*{1em}b \vskip 3mm plus 1fil minus 2pt c\noindent d \setlength{\parindent}{0pt}\parskip=1ex e", "ab cd e"),
        (r"\raisebox{1ex}[2ex]{up} \scalebox{0.5}{half} \parbox{3cm}{box} \unknowncommand[opt]{kept}", "up half box kept"),
        # sections, lists, quotes
        (r"\section{One}\label{s}x \subsection*{Two $a$}y \paragraph{Three} z", "## One\n\nx\n\n### Two $a$\n\ny\n\n##### Three\n\nz"),
        (r"\begin{itemize}\item a \item[(b)] c\end{itemize}", "- a\n- (b) c"),
        (r"\begin{enumerate}[i)]\item a" "\n" r"\item b\begin{itemize}\item c\end{itemize}\end{enumerate}d", "1. a\n2. b\n\n- c\n\nd"),
        # tables, figures
        (r"\begin{table}[h]\centering\begin{tabular}{l|cc}\hline a & $b$ & c\\ \hline \multicolumn{2}{c}{d} & e\\[2pt]\end{tabular}\caption{What $x$ is.}\end{table}", "| a | $b$ | c |\n| d | e |\n\nTable 1: What $x$ is."),
        (r"x\begin{figure*}\includegraphics[width=.5\linewidth]{a.png}\begin{tikzpicture}\node at (0,0) {n};\end{tikzpicture}\caption[s]{C\label{f}.}\end{figure*}y Fig.~\ref{f}", "x\n\nFigure 1: C.\n\ny Fig. 1"),
        # footnotes, citations, references
        ("A\\footnote{Note.} goes on. \\cite{b}\n\nNext \\citep[see][p.~3]{c,b}.", "A goes on. [1]\n\nNote.\n\nNext [2, 1]."),
        (r"\section{A}\label{a}\section{B}\subsection{C}\label{c} \ref{a}, \ref{c}, (\ref{none}), \eqref{e} $$x\label{q}$$ \begin{equation}x\label{e}\end{equation}", "## A\n\n## B\n\n### C\n\n1, 2.1,, (1)\n\n$$x$$\n\n$$x$$"),
        (r"\begin{thebibliography}{9}\bibitem{x} A. B.\end{thebibliography}\bibliography{refs}after", "after"),
        (r"\url{https://x.org/a_b%20c} \href{http://y.org}{text} \verb|\a{%| b", "https://x.org/a_b%20c text \\a{% b"),
        ("\\begin{verbatim}\n  \\x{ % y\n\\end{verbatim}z", "```\n  \\x{ % y\n```\n\nz"),
        # theorems
        (r"\newtheorem{thm}{Theorem}[section]\newtheorem{lem}[thm]{Lemma}\section{S}\begin{thm}[Name]\label{t}T.\end{thm}\begin{lem}L by \ref{t}.\end{lem}\begin{proof}P.\end{proof}", "## S\n\nTheorem 1.1 (Name). T.\n\nLemma 1.2. L by 1.1.\n\nProof. P."),
        # conditionals
        (r"\iffalse a \iftrue b\else c\fi\else d\fi \newif\ifx@y \x@ytrue \ifx@y e\else f\fi \ifnum 1 g\fi", "d e"),
        # old LaTeX and Chinese
        (r"{\bf 黑体}，\textbf{粗体}。", "黑体，粗体。"),
        ("河水在夜里\n涨了起来，\n月光很好。“好”\n他说 English\n词。", "河水在夜里涨了起来，月光很好。“好”他说 English 词。"),
        (r"\begin{CJK*}{UTF8}{gbsn}河水\end{CJK*}", "河水"),
    ],
)  # fmt: skip
def test_text(source, expected):
    assert text(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (r"$a_1$ and \(b\) and $$c$$ and \[d\]", "$a_1$ and $b$ and\n\n$$c$$\n\nand\n\n$$d$$"),
        (r"\begin{equation}\label{x} a = b \nonumber \end{equation}", "$$a = b$$"),
        (r"\begin{align*} a &= b\\ c &= d % no" "\n" r"\end{align*}", r"$$\begin{align*} a &= b\\ c &= d \end{align*}$$"),
        (r"\newcommand{\R}{\mathbb{R}}\def\x#1{x_{#1}}\DeclareMathOperator{\Spec}{Spec}$\x 1\in\R^n, \Spec A$", r"$x_{1}\in\mathbb{R}^n, \operatorname{Spec} A$"),
        (r"\def\be{\begin{equation}}\def\ee{\end{equation}}\be a \ee", "$$a$$"),
        (r"\newenvironment{eq}{\begin{equation}}{\end{equation}}\begin{eq}a\end{eq}", "$$a$$"),
        (r"\newcommand{\a}{\alpha}$\a b\text{ if $c$ }$ d", r"$\alpha b\text{ if $c$ }$ d"),
        (r"\def\kms{\ifmmode {\rm km}\else km$\,$\fi}\kms $5\kms$", r"km$\,$$5 {\rm km}$"),
        (r"\newcommand{\q}{\ensuremath{Q}\xspace}\q is $\q$.", "$Q$ is $Q$."),
        (r"$f''(x)$ it's", "$f''(x)$ it's"),
        ("$unclosed\n\nnext paragraph", "$unclosed$\n\nnext paragraph"),
        (r"$\frac{a}{b$ next $c$", r"$\frac{a}{b}$ next $c$"),
    ],
)  # fmt: skip
def test_formulas_stay_latex_with_the_papers_own_macros_expanded(source, expected):
    assert text(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (r"\newcommand{\hi}[2][World]{Hello #1, #2}\hi{A}; \hi[B]{C}", "Hello World, A; Hello B, C"),
        (r"\providecommand{\a}{x}\renewcommand{\a}{y}\providecommand\a{z}\a", "y"),
        (r"\def\pair(#1,#2){#1 and #2}\pair(one,two)!", "one and two!"),
        (r"\def\to#1.{[#1]}\to here. there", "[here] there"),
        (r"\let\old\emph \renewcommand{\emph}[1]{*#1*}\old{a}\let\b=\textbf\b{c}", "ac"),
        (r"\newcommand{\outer}{\newcommand{\inner}[1]{<##1>}}\outer\inner{x}", "<x>"),
        (r"\newenvironment{note}[1]{Note #1: }{ End.}\begin{note}{A}x\end{note}", "Note A: x End."),
        (r"\NewDocumentCommand{\f}{O{d} m}{#2}\f[x]{y}", "y"),
        (r"\newcommand{\名}{月光}\newcommand*{\cn}{很好的}\cn 月光", "很好的月光"),
        (r"\DeclarePairedDelimiter{\abs}{\lvert}{\rvert}$\abs{x}$", r"$\lvertx\rvert$".replace("tx", "t x")),
    ],
)  # fmt: skip
def test_macros(source, expected):
    assert text(source) == expected


def test_front_matter_becomes_fields():
    paper = paper_of(
        "m",
        r"\documentclass{article}\usepackage[french,ngerman]{babel}\title[Short]{A \emph{Long} Title\thanks{Grant 5.}\\ of $X$}"
        r"\author{Ada Lovelace$^{1}$\thanks{x}\and Kurt G\"odel\\ Institute, Town\\ \texttt{kg@ias.edu}}\date{May 1931}"
        r"\begin{document}\maketitle\begin{abstract}We show.\end{abstract}\keywords{one, two}Text.\end{document} never",
    )
    assert paper.title == "A Long Title of $X$" and paper.author == "Ada Lovelace; Kurt Gödel"
    assert paper.date == "May 1931" and paper.language == "de"
    assert paper.text == "# A Long Title of $X$\n\n## Abstract\n\nWe show.\n\nKeywords: one, two\n\nText."


def test_files_are_read_in_order_and_no_file_inside_itself():
    files = {"a": "A \\input{b} \\input{a} \\newcommand{\\x}{y}", "b": "B \\include{a} \\endinput gone"}
    paper = paper_of(
        "m",
        r"\input{a} \input a \x \input{none}",
        lambda name: (name, files[name]) if name in files else None,
    )
    assert " ".join(paper.text.split()) == "A B A B y" and paper.missing == ["none"]


# ---------------------------------------------------------------- bad LaTeX


BAD = {
    "open braces": "{", "closed braces": "}", "open arguments": "\\section{", "footnotes": "\\footnote{a",
    "citations": "\\cite{", "labels": "\\label{a", "dollars": "$", "two dollars": "$$ a ", "displays": "\\[", "begins": "\\begin{a}",
    "lists": "\\begin{itemize}\\item ", "tables": "\\begin{tabular}{c} a & ", "ends": "\\end{a}", "items": "\\item[",
    "verbs": "\\verb", "verb bars": "\\verb| \\verb! ", "verbatims": "\\begin{verbatim} ", "pictures": "\\begin{picture}",
    "ifs": "\\iffalse ", "ifs true": "\\iftrue ", "backslashes": "\\", "comments": "%", "hashes": "#", "accents": "\\'",
    "options": "\\section[", "macros": "\\newcommand{\\a}[1]{", "defs": "\\def\\a#1#2", "equations": "\\begin{equation}{",
    "urls": "\\url{", "captions": "\\caption{x", "titles": "\\title{a", "lines": "\\\\[", "newlines": "\n", "tildes": "~",
    "uses": "\\usepackage[", "csnames": "\\csname ", "theorems": "\\newtheorem{a}{b}\\begin{a}[", "nested math": "$\\text{",
    "brackets": "[", "ampersands": "&", "lengths": "\\vskip -", "arrays": "$\\begin{array}", "inputs": "\\input{a} ",
    "spaces": " \n \n", "quotes": "`", "documentclass": "\\documentclass[", "chars": '\\char"', "superscripts": "$^",
}  # fmt: skip


@pytest.mark.fault(25)
@pytest.mark.parametrize("name", BAD)
def test_time_is_linear_in_what_is_repeated(name):
    """Twice as much takes about twice as long: far from the four times of a quadratic reader."""

    def seconds(count: int) -> float:
        best = float("inf")
        for _ in range(2):
            started = time.process_time()
            paper_of("m", BAD[name] * count)
            best = min(best, time.process_time() - started)
        return best

    count = 4000
    while (small := seconds(count)) < 0.01 and count < 1_000_000:
        count *= 4
    assert seconds(4 * count) < 10 * small + 0.05


@pytest.mark.fault(23)
@pytest.mark.parametrize(
    "piece", ["{", "\\section{", "\\begin{itemize}", "$\\text{", "\\begin{tabular}{c}", "\\footnote{"]
)
def test_a_million_open_groups_do_not_raise(piece):
    paper = paper_of("m", piece * (1_000_000 // len(piece)) + CHINESE)
    assert isinstance(paper.text, str)


@pytest.mark.fault(22)
@pytest.mark.parametrize(
    "bomb",
    [
        r"\def\a{\a\a}\a", r"\def\a{\a}\a", r"\def\a{x\a}\a",
        "".join(f"\\def\\{chr(97 + n)}{{\\{chr(98 + n)}\\{chr(98 + n)}}}" for n in range(25)) + r"\def\z{boom}\a",
        r"\newcommand{\a}[1]{#1#1#1#1}" + r"\a{" * 60 + "x" + "}" * 60,
        r"\newenvironment{a}{\begin{a}\begin{a}}{\end{a}}\begin{a}",
        r"\def\a{" + "x" * 10_000 + "}" + r"\a" * 100_000,
        r"\def\a{\ensuremath{\a}}\a", r"\def\a{\texorpdfstring{\a\a}{}}\a", r"\def\a{\csname a\endcsname\csname a\endcsname}\a",
        r"\def\a{\def\b{\a\a}\b}\a", r"\let\a\b\let\b\a\a\b", r"\def\a{\input{m}\a\a}\a", r"$\def\a{\a\a}\a$",
        r"\newcommand{\a}{\newcommand{\b}{\a\a}\b}\a", r"\newtheorem{a}{A}\def\a{\begin{a}[\a\a]}\a",
    ],
)  # fmt: skip
def test_expansion_is_bounded_and_what_follows_is_read(bomb):
    paper = paper_of("m", bomb + f"\n\n{CHINESE}")
    assert len(paper.text) <= 10 * (BUDGET + 8 * len(bomb))
    if "\\begin{a}" not in bomb and "{a}" not in bomb[:25]:
        assert paper.text.endswith(CHINESE)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.sampled_from([*BAD.values(), "}", "]", "\\end{tabular}", "\\end{equation}", "\\fi", "\\else", "x", "\n\n", CHINESE, "\\a", "\\begin{document}", "\\end{itemize}", "\\maketitle", "#1", "\0", "\ud800", "\x01", "\x02" + "7\x02", "\x1e", "\x1f"]), st.text(max_size=5)), max_size=60))  # fmt: skip
def test_nothing_raises(pieces):
    paper = paper_of("m", "".join(pieces), lambda name: (name, "\\input{b}") if len(name) < 3 else None)
    assert isinstance(paper.text, str)


@pytest.mark.fault(12)
def test_a_real_paper_cut_anywhere_is_read(real_data):
    whole = (real_data / "corpora/papers/arxiv-latex/1708.00137/main.tex").read_text(encoding="utf-8")
    draw, lengths = random.Random(0), []
    for cut in sorted(draw.randrange(len(whole)) for _ in range(12)):
        lengths.append(len(text(whole[:cut])))
    assert lengths[-1] > 0.4 * len(whole)


# ---------------------------------------------------------------- real papers

MACRO = re.compile(r"\\[A-Za-z@]+|[{}]|\\.")
NOT_PROSE = re.compile(r"```.*?```|\$\$.*?\$\$|\$(?:[^$\\]|\\.)*\$", re.S)


def leftover(found: str) -> tuple[int, int]:
    """Macros and braces that are left outside of formulas and code, and all tokens there."""
    prose = NOT_PROSE.sub(" ", found)
    return len(MACRO.findall(prose)), len(prose.split())


def real_sources(real_data):
    folder = real_data / "corpora/papers"
    for path in sorted(folder.glob("arxiv-latex/*/main.tex")):
        yield path.parent.name, path.read_text(encoding="utf-8", errors="replace")
    with gzip.open(folder / "redpajama-arxiv.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield row["meta"]["arxiv_id"], row["text"]


def test_real_papers_have_no_macros_left_outside_of_formulas(real_data):
    """The bar: 0.5% of tokens, over all real papers."""
    macros = tokens = 0
    for name, source in real_sources(real_data):
        found = leftover(text(source))
        macros, tokens = macros + found[0], tokens + found[1]
        assert found[0] <= 0.005 * max(found[1], 200), name
    print(
        f"macros left outside of formulas: {macros} of {tokens:,} tokens ({macros / tokens:.3%})",
        file=sys.stderr,
    )
    assert tokens > 15_000 and macros <= 0.005 * tokens


def test_real_papers_keep_their_words(real_data):
    """Of the words of a paper's prose nearly all are in its text."""
    for name, source in real_sources(real_data):
        if len(source) < 10_000 or abs(source.count("{") - source.count("}")) > 50:
            continue  # the second: its publisher lost every brace before a line's end
        body = source.partition("\\begin{document}")[2] or source
        body = re.split(r"\\begin\{thebibliography\}", body)[0]
        body = re.sub(
            r"(?m)(?<!\\)%.*$|\\begin\{(verbatim|picture|tikzpicture)\}.*?\\end\{\1\}|\$[^$]*\$|\\\[.*?\\\]|\\begin\{(equation|align|eqnarray)\*?\}.*?\\end\{\2\*?\}|\\(?:cite|ref|label|address|email|author|begin|end|includegraphics|put|textcolor|color)\*?(?:\[[^\]]*\])?\{[^}]*\}",
            " ",
            body,
            flags=re.S | re.M,
        )
        words = re.findall(r"(?<![\\\w{])[a-z]{4,}(?![\w}])", body)
        have = set(re.findall(r"[a-z]+", text(source)))
        missing = [word for word in words if word not in have]
        assert len(missing) <= 0.02 * len(words), (name, missing[:30])
