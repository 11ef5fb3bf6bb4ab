"""The chapter docs/<language>/formulas.md: every formula as printed, as implemented, why, where, and by numbers.

`headwater explain --formulas` writes it. The numbers are those of the worked example on "I love NLP".
"""

from dataclasses import dataclass

from headwater.inspect.example import NOT_AN_EXPLANATION
from headwater.model.worked_example import Example, Row, worked_example

SENTENCE = "I love NLP"


@dataclass(frozen=True)
class Formula:
    """One formula; texts are (English, Chinese)."""

    name: str
    title: tuple[str, str]
    printed: str
    implemented: str
    why: tuple[str, str]
    code: str
    tests: str
    holds: tuple[str, str]  # which presets compute exactly this


FORMULAS = (
    Formula(
        "EQ-ATT", ("attention", "注意力"),
        r"$$Q = EW^Q,\ K = EW^K,\ V = EW^V \qquad A = \text{softmax}(\frac{QK^T}{\sqrt{d_k}}) \qquad C = AV \qquad "
        r"\text{MultiHead}(E) = \text{Concat}(\text{head}_1, \ldots, \text{head}_h)W^O$$",
        r"$$C = \text{softmax}(\frac{QK^T}{\sqrt{d_k}} + B + M)V \qquad x + \text{Concat}(C_1, \ldots, C_h)W^O$$",
        ("M is 0 where a query may look and −∞ elsewhere (causal, documents, order of factorisation); B is what relative "
         "positions add (T5, XLNet), 0 for the others. The founding text's example (4.3) leaves out √d_k and positions, "
         "its decoder the mask, its layers residual and norm: without positions a sentence is a bag of words, and "
         "without the mask a decoder reads what it is to predict.",
         "M 在查询可以看到的位置为 0，其余为 −∞（因果、文档、分解次序）；B 是相对位置加上的项（T5、XLNet），其余模型为 0。"
         "原文 4.3 的例子省去了 √d_k 和位置，解码器没有掩码，各层没有残差和归一化：没有位置，句子只是一袋词；没有掩码，解码器"
         "会读到它要预测的词。"),
        "`src/headwater/model/attention.py` (`Attention`)", "`tests/model/test_formulas.py` (`test_eq_att`)",
        ("vanilla-2017, vanilla-12; bert and gpt2 with biases; llama and modern with rotary positions, modern with QK-norm too; t5 leaves out √d_k "
         "and adds B; xlnet adds B", "vanilla-2017、vanilla-12；bert 和 gpt2 带偏置；llama 和 modern 用旋转位置，modern 另有 QK 归一化；t5 省去 √d_k 而加 B；xlnet 加 B"),
    ),
    Formula(
        "EQ-FFN", ("feed-forward layer", "前馈层"),
        r"$$\text{FFN}(x) = \max(0, xW_1 + b_1)W_2 + b_2$$",
        r"$$\text{FFN}(x) = f(xW_1 + b_1)W_2 + b_2$$",
        ("f is a setting: ReLU as printed, GELU (erf or tanh), squared ReLU, and with a second matrix SwiGLU and GEGLU; "
         "biases are one too.", "f 由配置决定：原文的 ReLU、GELU（erf 或 tanh）、平方 ReLU，以及带第二个矩阵的 SwiGLU 和 GEGLU；偏置也可配置。"),
        "`src/headwater/model/layers.py` (`FeedForward`)", "`tests/model/test_formulas.py` (`test_eq_ffn`)",
        ("vanilla-2017, vanilla-12; t5 without biases", "vanilla-2017、vanilla-12；t5 没有偏置"),
    ),
    Formula(
        "EQ-LM", ("language modelling", "语言模型"),
        r"$$\mathcal{L}_{LM} = -\sum_{i=1}^{n} \log P(x_i|x_{<i}) \qquad P(x_i|x_{<i}) = \frac{\exp(e(x_i)^T h_{i-1})}"
        r"{\sum_{x' \in V} \exp(e(x')^T h_{i-1})}$$",
        r"$$-\sum_{i} \log P(x_i|x_0, \ldots, x_{i-1}), \quad x_0 = \text{separator}$$",
        ("e(x) is the row of the output matrix; it is the embedding where the two are tied. The first token needs one "
         "before it: the separator. The example below leaves the first word out.",
         "e(x) 是输出矩阵的行，绑定时即词嵌入。第一个词元之前需要一个词元：分隔符。下面的例子略去第一个词。"),
        "`src/headwater/model/losses.py` (`token_nats`), `src/headwater/train/objectives/lm.py` (`batch`)",
        "`tests/train/test_objectives.py` (`test_eq_lm`)",
        ("gpt2; the untied outputs of llama and modern have an e of their own", "gpt2；llama 和 modern 的输出不绑定，另有自己的 e"),
    ),
    Formula(
        "EQ-MLM", ("masked language modelling", "掩码语言模型"),
        r"$$\mathcal{L}_{MLM} = -\sum_{i \in \mathcal{M}} \log P(x_i|x_{\backslash \mathcal{M}})$$",
        r"$$-\sum_{i \in \mathcal{M}} \log P(x_i|\tilde{x}), \quad \tilde{x}_i = \text{[MASK]} \text{ for } i \in \mathcal{M}$$",
        ("The founding text takes the masked words away; they are masked, not removed, so that positions stay. Of the 15% "
         "chosen 80% become [MASK], 10% another token, 10% stay. BERT's head adds a transform and a bias. The sum is a "
         "pseudo-likelihood, not that of the text.",
         "原文说去掉被掩盖的词；实际上是遮住而不是去掉，位置不变。选中的 15% 中 80% 换成 [MASK]，10% 换成别的词元，10% 不变。"
         "BERT 的输出头另有一层变换和偏置。这个和是伪似然，不是文本的似然。"),
        "`src/headwater/train/objectives/mlm.py` (`batch`)", "`tests/train/test_objectives.py` (`test_eq_mlm`)",
        ("bert, with transform and bias; modern of the bert family", "bert，带变换和偏置；bert 族的 modern"),
    ),
    Formula(
        "EQ-PLM", ("permuted language modelling", "排列语言模型"),
        r"$$\mathcal{L}_{PLM} = -\sum_{i=1}^{n} \log P(x_i|x_{\pi_{<i}})$$",
        r"$$-\mathbb{E}_\pi \sum_i \log P(x_i|\{x_j : \pi^{-1}(j) < \pi^{-1}(i)\}) = -\mathbb{E}_\pi \sum_t \log P(x_{\pi_t}|x_{\pi_{<t}})$$",
        ("The founding text shuffles the sequence. Words and positions stay; only the order in which they are predicted "
         "is drawn. Two streams: a query knows its position, not its word. Training predicts the last 1/6 of the order.",
         "原文说打乱序列。实际上词与位置都不动，只是抽取预测的次序。双流：查询知道自己的位置，不知道自己的词。训练时预测次序中最后的 1/6。"),
        "`src/headwater/train/objectives/plm.py` (`batch`), `src/headwater/model/transformer.py` (`two_streams`)",
        "`tests/train/test_objectives.py` (`test_eq_plm_over_positions_and_over_steps`)", ("xlnet", "xlnet"),
    ),
    Formula(
        "EQ-SPAN", ("span corruption", "片段破坏"),
        "—",
        r"$$-\sum_t \log P(y_t|y_{<t}, \tilde{x})$$",
        ("Not in the founding text, which names T5 and gives no formula. Spans of 3 on average, 15% of the tokens, are "
         "cut out of x; a sentinel stands in the place of each, and y holds the spans, each behind its sentinel.",
         "原文提到 T5，但没有公式。从 x 中挖去平均长 3、共 15% 的片段，每处放一个哨兵；y 依次是各哨兵和它的片段。"),
        "`src/headwater/train/objectives/span.py` (`batch`)", "`tests/train/test_objectives.py` (`test_eq_span`)",
        ("t5, t5v1.1, vanilla-2017, vanilla-12", "t5、t5v1.1、vanilla-2017、vanilla-12"),
    ),
)  # fmt: skip


def formulas_chapter(language: str = "en") -> str:
    """The chapter as Markdown."""
    zh = language == "zh"
    example = worked_example(SENTENCE)
    lines = [
        "# 公式" if zh else "# Formulas",
        "",
        f'由 `headwater explain --formulas --language zh` 生成。例子是“{SENTENCE}”：未经训练的权重，只演示算术；全部数字见 `headwater explain "{SENTENCE}"`。'
        if zh
        else f'Written by `headwater explain --formulas`. The example is "{SENTENCE}" with untrained weights: arithmetic only; `headwater explain "{SENTENCE}"` shows all of its numbers.',
        "",
        ("" if zh else " ").join(NOT_AN_EXPLANATION[zh]),
    ]
    labels = ("原文", "实现", "为什么", "代码", "测试", "哪些预设", "例子") if zh else ("As printed", "As implemented", "Why", "Code", "Test", "Presets", "Example")  # fmt: skip
    colon = "：" if zh else ": "
    for formula in FORMULAS:
        parts = (formula.printed, formula.implemented, formula.why[zh], formula.code, formula.tests, formula.holds[zh])  # fmt: skip
        lines += ["", f"## {formula.name}{colon}{formula.title[zh]}", ""]
        for label, part in zip(labels, parts, strict=False):
            lines += [f"**{label}**{colon}{part}", ""]
        lines += [
            f"**{labels[-1]}**{colon.rstrip()}",
            "",
            *(f"- {line}" for line in _numbers(example, formula.name, zh)),
        ]
    return "\n".join(lines) + "\n"


def _numbers(example: Example, name: str, zh: bool) -> list[str]:
    """The example's numbers for one formula."""
    targets, words = example.targets, example.words
    if name == "EQ-ATT":
        first, printed = example.attention[0], example.printed
        return [
            f"q_1 = {_row(example.q[0])}",
            f"q_1·k_j / √d_k = {_row(first.scaled)}",
            f"a_1j = {_row(first.weights)}, c_1 = {_row(first.context)}",
            ("按原文 4.3（没有 √d_k 和位置）" if zh else "as printed in 4.3 (no √d_k, no positions)") + f": a_1j = {_row(printed.weights)}, c_1 = {_row(printed.context)}",
            ("解码器" if zh else "decoder") + f": a_1j = {_row(example.decoder[0].weights)}, c_1 = v_1 = {_row(example.v[0])}",
        ]  # fmt: skip
    if name == "EQ-FFN":
        feed = example.feed_forward
        return [
            f"x = {_row(feed.x)}",
            f"max(0, x W_1 + b_1) = {_row(feed.hidden)}",
            f"FFN(x) = {_row(feed.output)}",
        ]
    if name == "EQ-LM":
        terms = [one.probabilities[targets[one.word]] for one in example.lm]
        total = sum(one.nats(targets[one.word]) for one in example.lm)
        said = [f"P({words[i + 1]} | {' '.join(words[: i + 1])}) = {p:.4f}" for i, p in enumerate(terms)]
        return [*said, f"−Σ log P = {total:.4f}"]
    if name == "EQ-MLM":
        one = example.mlm[1]
        return [
            f"P(love | I [MASK] NLP) = {one.probabilities[targets[1]]:.4f}, −log P = {one.nats(targets[1]):.4f}"
        ]
    if name == "EQ-PLM":
        orders = [
            f"{' → '.join(words[i] for i in order.order)}: P = {' · '.join(f'{p:.4f}' for p in order.probabilities)}, −log P = {order.nats:.4f}"
            for order in example.plm
        ]
        mean = sum(order.nats for order in example.plm) / len(example.plm)
        return [*orders, f"E_π = {mean:.4f}"]
    span = example.span
    return [
        "x̃ = I <extra_id_0> NLP, y = <extra_id_0> love",
        f"P(love | <extra_id_0>, x̃) = {span.probabilities[targets[1]]:.4f}, −log P = {span.nats(targets[1]):.4f}",
    ]


def _row(row: Row) -> str:
    numbers = (f"{value:.3f}" for value in row)
    return f"({', '.join(n.replace('-', '' if float(n) == 0 else '−') for n in numbers)})"
