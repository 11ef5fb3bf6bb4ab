"""What tasks said of a model, as a table: for a terminal, and in Markdown beside the results.

Names of tasks, paradigms and measures come from files: controls are shown, markup is escaped, nothing is obeyed.
"""

from pathlib import Path
from typing import Any

from headwater.engine.workspace import commit_file
from headwater.evaluate.curve import sentence
from headwater.inspect.visible import one_line, width

HEADS = {
    "en": ("task", "examples", "score", "± s.e.", "chance", "random labels", "items", "in words"),
    "zh": ("任务", "示例数", "得分", "± 标准误", "随机水平", "随机标签", "题数", "结论"),
}
NOTES = {
    "en": {
        "pseudo": "{task}: {measure}; not to be ranked against likelihoods",
        "cut": "{task}: prompts that lost their beginning, being longer than the model's context: {cut}",
        "of": "{cut} of {all} with {shots} examples",
        "groups": "{task}: {above} of {all} paradigms above chance (Bonferroni); below chance or unclear: {rest}",
        "control": "{task}: no control with random labels with {shots} examples: too few others to take labels from",
        "other": "{task}: {other}",
    },
    "zh": {
        "pseudo": "{task}：{measure}；不可与似然排在一起比较",
        "cut": "{task}：长于模型上下文、开头被截去的提示：{cut}",
        "of": "{shots} 个示例时 {all} 个中有 {cut} 个",
        "groups": "{task}：{all} 个范式中 {above} 个高于随机水平（Bonferroni）；低于或不明：{rest}",
        "control": "{task}：{shots} 个示例时没有随机标签的对照：可供取用标签的其他示例太少",
        "other": "{task}：{other}",
    },
}
LONGEST = 40  # characters of a name
SHOWN = 6  # paradigms named in a note


def lines_of(results: list[dict[str, Any]], language: str = "en") -> list[str]:
    """Columns for a terminal, and below them what belongs to a row and has no column."""
    table = [list(HEADS[language]), *_rows(results, language)]
    widths = [max(width(row[column]) for row in table) for column in range(len(table[0]))]
    lines = []
    for row in table:
        cells = []
        for column, cell in enumerate(row):
            space = " " * (widths[column] - width(cell))
            cells.append(cell + space if column in (0, len(row) - 1) else space + cell)
        lines.append("  ".join(cells).rstrip())
    notes = _notes(results, language)
    return [*lines, "", *notes] if notes else lines


def markdown(model: str, results: list[dict[str, Any]], language: str = "en") -> str:
    """The same as Markdown."""
    head = [_escaped(cell) for cell in HEADS[language]]
    lines = [f"# {_escaped(one_line(model, LONGEST))}", "", _row(head), _row(["---"] * len(head))]
    lines += [_row([_escaped(cell) for cell in row]) for row in _rows(results, language)]
    notes = [f"- {_escaped(note)}" for note in _notes(results, language)]
    return "\n".join([*lines, *(["", *notes] if notes else [])]) + "\n"


def write_table(folder: Path, model: str, results: list[dict[str, Any]]) -> Path:
    """`results.md` in the folder of the results."""
    temporary = folder / ".results.md.tmp"
    temporary.write_text(markdown(model, results), encoding="utf-8")
    commit_file(temporary, folder / "results.md")
    return folder / "results.md"


def _rows(results: list[dict[str, Any]], language: str) -> list[list[str]]:
    rows = []
    for result in results:
        for row in result["rows"]:
            control = row.get("shuffled")
            rows.append(
                [
                    one_line(f"{result['task']} ({result['metric']})", LONGEST),
                    str(row["shots"]),
                    f"{row['score']:.3f}",
                    f"{row['standard_error']:.3f}",
                    f"{row['chance']:.3f}" if row["chance"] else "–",
                    f"{control['score']:.3f}" if control is not None else "–" if row["shots"] else "",
                    f"{row['items']:,}",
                    sentence(row, language, result["kind"]),
                ]
            )
    return rows


def _notes(results: list[dict[str, Any]], language: str) -> list[str]:
    words, notes = NOTES[language], []
    for result in results:
        task = one_line(result["task"], LONGEST)
        if result["measure"].startswith("pseudo"):
            notes.append(words["pseudo"].format(task=task, measure=result["measure"]))
        cut = [
            words["of"].format(
                cut=row["cut"], all=row["items"] * len(row.get("draws", "1")), shots=row["shots"]
            )
            for row in result["rows"]
            if row["cut"]
        ]
        if cut:
            notes.append(words["cut"].format(task=task, cut="; ".join(cut)))
        if lacking := [str(row["shots"]) for row in result["rows"] if row["shots"] and "shuffled" not in row]:
            notes.append(words["control"].format(task=task, shots=", ".join(lacking)))
        for row in result["rows"]:
            if groups := row.get("groups"):
                rest = [one_line(name, LONGEST) for name, one in groups.items() if not one["above_chance"]]
                named = ", ".join(rest[:SHOWN]) + (f" (+{len(rest) - SHOWN})" if len(rest) > SHOWN else "")
                notes.append(
                    words["groups"].format(
                        task=task, above=row["paradigms_above_chance"], all=len(groups), rest=named or "–"
                    )
                )
        if result.get("other"):
            other = ", ".join(
                f"{one_line(name, LONGEST)} {value:.4g}" for name, value in result["other"].items()
            )
            notes.append(words["other"].format(task=task, other=other))
    return notes


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _escaped(text: str) -> str:
    for character in "\\`*_[]<>|#":
        text = text.replace(character, f"\\{character}")
    return text.replace("&", "&amp;")
