"""The worked example as lines for a terminal of 80 columns, in English or Chinese; every number is the example's."""

import math

from headwater.inspect.visible import one_line, width
from headwater.model.worked_example import Example, Row, View

_COLUMN = 8  # columns that a word may take
NOT_AN_EXPLANATION = (
    (
        "Attention is not an explanation: a weight says how much of a value was read,",
        "not why a word was chosen, nor what would have changed the answer",
        "(Jain and Wallace 2019; Wiegreffe and Pinter 2019).",
    ),
    (
        "注意力不是解释：权重只说明读取了多少值向量，",
        "不说明为什么选中某个词，也不说明改变什么会改变结果",
        "（Jain and Wallace 2019；Wiegreffe and Pinter 2019）。",
    ),
)


def lines_of_example(example: Example, language: str = "en") -> list[str]:
    """The whole calculation, top to bottom."""
    zh = language == "zh"

    def t(english: str, chinese: str) -> str:
        return chinese if zh else english

    words = [one_line(word, _COLUMN) for word in example.words]
    label = max(width(word) for word in [*words, "[MASK]"])

    def head(title: str) -> list[str]:
        return ["", f"── {title} " + "─" * max(0, 76 - width(title))]

    def table(name: str, rows: list[Row], labels: list[str] = words) -> list[str]:
        return [
            f"  {_padded(word, label)}  {name if not at else '':<5}" + vector(row)
            for at, (word, row) in enumerate(zip(labels, rows, strict=True))
        ]

    def vector(row: Row) -> str:
        return "".join(f"{_number(value):>8}" for value in row)

    def looked(view: View, name: str, *, scaled: bool = True) -> list[str]:
        steps = [("q·k", view.products)]
        if scaled:
            steps.append(("÷√d_k", view.scaled))
        steps.append((name, view.weights))
        lines = [f"  {'':<8}" + "".join(_padded(word, 9, right=True) for word in words)]
        for step, row in steps:
            total = f"   Σ = {sum(row):.3f}" if row is view.weights else ""
            lines.append(f"  {step:<8}" + "".join(f"{_number(value):>9}" for value in row) + total)
        return lines

    first, second = words[0], words[1]
    vocabulary = [one_line(word, _COLUMN) for word in example.vocabulary]
    lines = [
        t("Untrained weights: arithmetic only.", "未经训练的权重：只演示算术。"),
        t(f"“{one_line(example.text)}”: {len(words)} words, one layer, one head, d = d_k = 4, seed {example.seed}.",
          f"“{one_line(example.text)}”：{len(words)} 个词，一层、一个头，d = d_k = 4，种子 {example.seed}。"),
        t("Left out: W^O, norms, further layers; feed-forward stands beside.", "省略：W^O、归一化、更多的层；前馈层单独列出。"),
    ]  # fmt: skip
    lines += head(t("Words and positions: x = e + p", "词与位置：x = e + p"))
    lines += table("e", example.e) + table("p", example.positions) + table("x", example.x)
    lines += head("q = x W^Q, k = x W^K, v = x W^V")
    for name, rows in (("W^Q", example.w_q), ("W^K", example.w_k), ("W^V", example.w_v)):
        lines += table(name, rows, [""] * len(rows))
    lines += table("q", example.q) + table("k", example.k) + table("v", example.v)
    lines += head(t(f"EQ-ATT: what “{first}” reads: softmax(q_1·k_j / √d_k)", f"EQ-ATT：“{first}”读取什么：softmax(q_1·k_j / √d_k)"))  # fmt: skip
    lines += looked(example.attention[0], "a_1j")
    lines.append("  c_1 = Σ a_1j v_j =" + vector(example.attention[0].context))
    lines += head(t("The same as the founding text prints it (4.3): no √d_k, no positions", "按原文 4.3 所印：没有 √d_k，没有位置"))  # fmt: skip
    lines += looked(example.printed, "a_1j", scaled=False)
    lines.append("  c_1              =" + vector(example.printed.context))
    lines += head(t("A decoder: nobody looks ahead", "解码器：谁也不看后文"))
    lines += looked(example.decoder[0], "a_1j")
    unseen = [f"a_1{j}" for j in range(2, len(words) + 1)]
    zeros = " = ".join(unseen if len(unseen) < 4 else [unseen[0], "…", unseen[-1]])
    sep = t(", so", "，所以")
    lines.append(f"  {zeros} = 0{sep} c_1 = v_1 =" + vector(example.decoder[0].context))
    feed = example.feed_forward
    lines += head(t("EQ-FFN: max(0, x W_1 + b_1) W_2 + b_2 on x_1 + c_1, d_ff = 4", "EQ-FFN：对 x_1 + c_1 计算 max(0, x W_1 + b_1) W_2 + b_2，d_ff = 4"))  # fmt: skip
    for name, rows in (("W_1", feed.w_1), ("b_1", [feed.b_1]), ("W_2", feed.w_2), ("b_2", [feed.b_2])):
        lines += table(name, rows, [""] * len(rows))
    for name, row in (("x", feed.x), ("max", feed.hidden), ("FFN", feed.output)):
        lines += table(name, [row], [""])
    lines += head(t(f"EQ-LM: from “{first}” to the next word: softmax(e(x)ᵀh_1), h_1 = x_1 + c_1", f"EQ-LM：从“{first}”到下一个词：softmax(e(x)ᵀh_1)，h_1 = x_1 + c_1"))  # fmt: skip
    lines.append("  h_1 =            " + vector(example.lm[0].hidden))
    lines += _softmax(example.lm[0].products, example.lm[0].probabilities, vocabulary)
    terms = [prediction.nats(example.targets[prediction.word]) for prediction in example.lm]
    for prediction, nats in zip(example.lm, terms, strict=True):
        before = t(" ", "").join(words[: prediction.word])
        p = prediction.probabilities[example.targets[prediction.word]]
        lines.append(f"  P({words[prediction.word]} | {before}) = {p:.4f}, −log P = {nats:.4f}")
    lines.append(t(f"  −Σ log P = {sum(terms):.4f}  (the first word would need a beginning-of-text token)",
                   f"  −Σ log P = {sum(terms):.4f}（第一个词需要文本开始符，这里略去）"))  # fmt: skip
    lines += head(
        t(f"EQ-MLM: “{second}” is masked, both sides are seen", f"EQ-MLM：遮住“{second}”，两侧都可见")
    )
    lines.append(f"  {_padded('[MASK]', label)}  e    " + vector(example.mask))
    lines.append("  h_2 =            " + vector(example.mlm[1].hidden))
    lines += _softmax(example.mlm[1].products, example.mlm[1].probabilities, vocabulary)
    for prediction in example.mlm:
        target = example.targets[prediction.word]
        seen = t(" ", "").join("[MASK]" if i == prediction.word else word for i, word in enumerate(words))
        lines.append(f"  M = {{{prediction.word + 1}}}: P({words[prediction.word]} | {seen}) = "
                     f"{prediction.probabilities[target]:.4f}, −log P = {prediction.nats(target):.4f}")  # fmt: skip
    lines += head(t("EQ-PLM: the words stay in place, the order of factorisation changes", "EQ-PLM：词不动，变的是分解的次序"))  # fmt: skip
    if not example.plm:
        lines.append(t(f"  {example.orders:,} orders: too many to write out (up to 4 words are)", f"  {example.orders:,} 种次序：太多，不逐一列出（最多 4 个词）"))  # fmt: skip
    else:
        lines.append(t("  A query knows its position only, and reads the words before it in the order.", "  查询只知道自己的位置，读取次序中在它之前的词。"))  # fmt: skip
        for order in example.plm:
            named = " → ".join(words[word] for word in order.order)
            product = "·".join(f"{p:.4f}" for p in order.probabilities)
            lines.append(f"  {_padded(named, 26)}  P = {product}   −log P = {order.nats:.4f}")
        mean = sum(order.nats for order in example.plm) / len(example.plm)
        lines.append(t(f"  Mean over all {len(example.plm)} orders: {mean:.4f}", f"  {len(example.plm)} 种次序的平均：{mean:.4f}"))  # fmt: skip
    span, hole = example.span, "<extra_id_0>"
    seen = t(" ", "").join(hole if i == 1 else word for i, word in enumerate(words))
    lines += head(
        t(f"EQ-SPAN: “{second}” is cut out, a decoder writes it", f"EQ-SPAN：挖去“{second}”，由解码器写出")
    )
    lines.append(f"  x̃ = {seen}   y = {hole} {second}")
    lines += table("e", [example.sentinel], [t("hole", "空")])
    lines.append("  h =              " + vector(span.hidden))
    lines += _softmax(span.products, span.probabilities, vocabulary)
    lines.append(f"  P({second} | {hole}, x̃) = {span.probabilities[example.targets[1]]:.4f}, −log P = {span.nats(example.targets[1]):.4f}")  # fmt: skip
    return [*lines, "", *NOT_AN_EXPLANATION[zh]]


def _softmax(products: Row, probabilities: Row, vocabulary: list[str]) -> list[str]:
    exponentials = [math.exp(value) for value in products]
    wide = max(width(word) for word in vocabulary)
    return [
        f"  {_padded(word, wide)}  e(x)ᵀh = {_number(product):>7}   exp = {exponential:>9.4f}   P = {p:.4f}"
        for word, product, exponential, p in zip(vocabulary, products, exponentials, probabilities, strict=True)
    ]  # fmt: skip


def _number(value: float) -> str:
    """Three decimals, the minus sign of the page, no −0.000."""
    text = f"{value:.3f}"
    return text.replace("-", "" if float(text) == 0 else "−")


def _padded(text: str, columns: int, *, right: bool = False) -> str:
    space = " " * max(0, columns - width(text))
    return space + text if right else text + space
