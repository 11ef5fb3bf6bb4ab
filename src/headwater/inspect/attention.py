"""A trained model's attention as lines for a terminal of 80 columns, in English or Chinese."""

from collections.abc import Sequence

from headwater.errors import HeadwaterError
from headwater.inspect.example import NOT_AN_EXPLANATION
from headwater.inspect.visible import one_line, width
from headwater.model.explain import Attended, Explained, Piece

COLUMNS = 80
_LABEL, _CELL = 12, 8  # columns that a piece takes beside and above a matrix, at most
_MOST = 3  # keys of a query, where there is no room for all


def chosen(answer: Explained, layer: int | None, head: int | None) -> list[tuple[Attended, list[int]]]:
    """Attentions and heads that are asked for, None being all; numbers from 0. Raises HeadwaterError for none."""
    found = [one for one in answer.attended if layer is None or f".{layer}." in one.name]
    heads = len(answer.attended[0].weights)
    if not found:
        layers = len({one.name.split(".")[2] for one in answer.attended})
        raise HeadwaterError(f"there is no layer {layer}; this model's are 0 to {layers - 1}")
    if head is not None and not 0 <= head < heads:
        raise HeadwaterError(f"there is no head {head}; this model's are 0 to {heads - 1}")
    return [(one, list(range(heads)) if head is None else [head]) for one in found]


def lines_of_attention(
    answer: Explained, language: str = "en", *, layer: int | None = None, head: int | None = None
) -> list[str]:
    """What was read, the formula, what is predicted, and every layer and head or those that are named."""
    zh = language == "zh"

    def t(english: str, chinese: str) -> str:
        return chinese if zh else english

    lines = [
        t(f"{answer.preset} ({answer.family}) reads “{one_line(answer.text, 50)}”", f"{answer.preset}（{answer.family}）读“{one_line(answer.text, 50)}”"),
        *(f"  {line}" for line in answer.formula.split("\n")),
        t("Weights are those of the pass that made the predictions (compared bit for bit).", "权重取自做出预测的那一次前向计算（逐位核对）。"),
        "",
        t("Words and their pieces:", "词与子词："),
    ]  # fmt: skip
    for number, word in enumerate(answer.words):
        parts = {id(p): p for one in answer.attended for p in one.rows if p.word == number}
        texts = list(dict.fromkeys((p.token, p.text) for p in parts.values()))
        if texts:
            lines.append(
                f"  {_padded(one_line(word, 20), 20)}  " + "  ".join(_shown(text) for _, text in texts)
            )
    lines += ["", t("Predictions (the likeliest; then what stands there):", "预测（最可能的；以及实际的）：")]
    for one in answer.predicted:
        best = "  ".join(f"{_shown(text)} {p:.1%}" for text, p in one.likeliest[:_MOST])
        truth = "" if one.truth is None else f"   ({_shown(one.truth)} {one.probability:.2%})"
        lines.append(f"  {_padded(_shown(one.after), 14)} → {best}{truth}")
    for attended, heads in chosen(answer, layer, head):
        for number in heads:
            lines += ["", f"── {attended.name}, {t('head', '头')} {number} " + t("(weights in percent; · not visible)", "（权重，百分数；· 表示不可见）")]  # fmt: skip
            lines += _matrix(attended, number)
    return [*lines, "", *NOT_AN_EXPLANATION[zh]]


def _matrix(attended: Attended, head: int) -> list[str]:
    """A row a query, a column a key; where that is too wide, each query with the keys that it read most."""
    weights, visible = attended.weights[head], attended.visible
    labels = [_shown(piece.text, _LABEL) for piece in attended.rows]
    cells = [_shown(piece.text, _CELL) for piece in attended.keys]
    side = max(map(width, labels))
    columns = [max(4, width(cell) + 1) for cell in cells]
    if 2 + side + sum(columns) > COLUMNS:
        return [f"  {_padded(label, side)}  {_read_most(attended.keys, row, seen)}" for label, row, seen in zip(labels, weights, visible, strict=True)]  # fmt: skip
    lines = [f"  {' ' * side}" + "".join(_padded(cell, size, right=True) for cell, size in zip(cells, columns, strict=True))]  # fmt: skip
    for label, row, seen in zip(labels, weights, visible, strict=True):
        shown = [f"{100 * value:.0f}" if sees else "·" for value, sees in zip(row, seen, strict=True)]
        lines.append(f"  {_padded(label, side)}" + "".join(f"{text:>{size}}" for text, size in zip(shown, columns, strict=True)))  # fmt: skip
    return lines


def _read_most(keys: Sequence[Piece], row: Sequence[float], seen: Sequence[bool]) -> str:
    best = sorted((key for key in range(len(row)) if seen[key]), key=lambda key: -row[key])[:_MOST]
    return "  ".join(f"{_shown(keys[key].text)}[{key}] {row[key]:.0%}" for key in best)


def _shown(text: str, limit: int = 14) -> str:
    """A piece on one line; a space that it begins with is shown."""
    return one_line("␣" + text[1:] if text.startswith(" ") else text, limit)


def _padded(text: str, columns: int, *, right: bool = False) -> str:
    space = " " * max(0, columns - width(text))
    return space + text if right else text + space
