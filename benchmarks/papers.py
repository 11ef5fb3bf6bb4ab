"""Papers: LaTeX against pylatexenc's latex2text, PDF against pdfminer.six and pypdf; speed and what is left in the text.

    ./run bench papers

All read the same real files, each alone on one core. LaTeX: megabytes of source a CPU second, and the share of tokens
outside of formulas that are macros or braces. PDF: pages and megabytes of text a CPU second; how many of the sentences
that go over a column's or page's end in a real paper of two columns come out whole (spaces and hyphens forgiven), and
how many lines of running heads and page numbers stay.
"""

import gzip
import json
import re
import sys
import tempfile
import time
from pathlib import Path

from peers import ask, data_folder, environment

from headwater.sources.extract.latex import paper_of
from headwater.sources.extract.pdf import pdf_text

PEERS = {
    "pdfminer": ["pdfminer.six==20260107"],
    "pypdf": ["pypdf==7.1.1"],
    "pylatexenc": ["pylatexenc==2.11"],
}
CROSSING = [
    "in such systems (all robots are controlled by a single global control signal), makes",
    "that couple the motion of the microrobots in a specific way (later called STRING control primitives)",
    "makes the system controllable when implementing microassembly. STRING reduces the control",
    "we can snap down C1 and D1 of C2 while D2 of C2 is released.",
    "only after all other clusters are in state “11”.",
    "denote the snap-down and release voltages of microrobot i.",
    "Scalability of Controlling Heterogenous Stress-Engineered MEMS Microrobots (MicroStressBots) through Common",
]
MACRO = re.compile(r"\\[A-Za-z@]+|[{}]|\\.")
NOT_PROSE = re.compile(r"```.*?```|\$\$.*?\$\$|\\\[.*?\\\]|\\\(.*?\\\)|\\begin\{(equation|align|eqnarray|gather|multline|split)\*?\}.*?\\end\{\1\*?\}|\$(?:[^$\\]|\\.)*\$", re.S)  # fmt: skip
PAGE_NUMBER = re.compile(r"^\s*\d{1,3}\s*$", re.M)
TIMES = 3


def ours(paths: list[str], kind: str) -> dict[str, dict[str, object]]:
    answer: dict[str, dict[str, object]] = {}
    for path in paths:
        data = Path(path).read_bytes()
        seconds = []
        for _ in range(TIMES):
            started = time.process_time()
            text = (
                pdf_text(data, 1000).text
                if kind == "pdf"
                else paper_of(path, data.decode("utf-8", "replace")).text
            )
            seconds.append(time.process_time() - started)
        answer[path] = {"text": text, "seconds": min(seconds)}
    return answer


def theirs(peer: str, paths: list[str]) -> dict[str, dict[str, object]]:
    script = Path(__file__).parent / "peers" / "paper_texts.py"
    return ask(environment(peer, PEERS[peer]), script, {"peer": peer, "paths": paths})


def squeezed(text: str) -> str:
    """Without spaces and hyphens, so that only the order of what is read counts."""
    return re.sub(r"[\s\xad\ufffe\x02-]+", "", text)


def latex(paths: list[str]) -> None:
    size = sum(Path(path).stat().st_size for path in paths)
    print(f"LaTeX: {len(paths)} real papers, {size / 1e6:.2f} MB of source")
    for name, answer in (
        ("ours", ours(paths, "latex")),
        ("pylatexenc latex2text", theirs("pylatexenc", paths)),
    ):
        seconds = sum(float(found["seconds"]) for found in answer.values())
        read = sum(Path(path).stat().st_size for path in paths if not answer[path].get("error"))
        prose = [NOT_PROSE.sub(" ", str(found["text"])) for found in answer.values()]
        left, tokens = sum(len(MACRO.findall(p)) for p in prose), sum(len(p.split()) for p in prose)
        failed = [
            f"{Path(path).name}: {found['error']}" for path, found in answer.items() if found.get("error")
        ]
        print(
            f"  {name:<24}{read / 1e6 / seconds:7.2f} MB of source a CPU second   macros and braces outside of formulas "
            f"{left:,} of {tokens:,} tokens ({left / max(1, tokens):.2%})   failed {len(failed)}"
        )
        for line in failed:
            print(f"    {line}")


def pdf(paths: list[str]) -> None:
    import pypdfium2

    pages = {path: len(pypdfium2.PdfDocument(path)) for path in paths}
    print(f"PDF: {len(paths)} real files, {sum(pages.values())} pages")
    answers = {
        "ours (PDFium)": ours(paths, "pdf"),
        "pdfminer.six": theirs("pdfminer", paths),
        "pypdf": theirs("pypdf", paths),
    }
    for name, answer in answers.items():
        seconds = sum(float(found["seconds"]) for found in answer.values())
        size = sum(len(str(found["text"]).encode()) for found in answer.values())
        paper = squeezed(
            next(str(found["text"]) for path, found in answer.items() if "JournalParser" in path)
        )
        whole = sum(squeezed(sentence) in paper for sentence in CROSSING)
        numbers = sum(len(PAGE_NUMBER.findall(str(found["text"]))) for found in answer.values())
        print(
            f"  {name:<24}{sum(pages.values()) / seconds:7.1f} pages and {size / 1e6 / seconds:6.3f} MB of text a CPU second   "
            f"crossing sentences whole {whole} of {len(CROSSING)}   lines that are a number {numbers}"
        )


def main() -> None:
    folder = data_folder() / "corpora" / "papers"
    if not folder.is_dir():
        sys.exit(f"no papers in {folder}; name a folder of real data by HEADWATER_TEST_DATA")
    with tempfile.TemporaryDirectory() as made:
        paths = [str(path) for path in sorted(folder.glob("arxiv-latex/*/main.tex"))]
        with gzip.open(folder / "redpajama-arxiv.jsonl.gz", "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines):
                row = json.loads(line)
                path = Path(made) / f"{number:02}-{row['meta']['arxiv_id'].replace('/', '_')}.tex"
                path.write_text(row["text"], encoding="utf-8")
                paths.append(str(path))
        latex(paths)
    pdf([str(path) for path in sorted((folder / "pdf").glob("*.pdf"))])


if __name__ == "__main__":
    main()
