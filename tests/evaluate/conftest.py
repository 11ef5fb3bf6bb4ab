"""Small models with a tokeniser, of each family: drawn, not trained, and far from uniform."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from headwater.evaluate.scorer import Scorer
from headwater.model import huggingface, presets
from headwater.model.special_tokens import with_special_tokens
from headwater.model.tokenizer import Tokenizer, train
from headwater.model.transformer import Transformer

PRESETS = {"gpt": "llama-nano", "bert": "bert-nano", "xlnet": "xlnet-nano", "t5": "t5-nano"}
TEXTS = [
    "The river has its source in the hills, and every stream feeds it. ",
    "源头活水来，半亩方塘一鉴开。问渠那得清如许？為有源頭活水來，天光雲影共徘徊。",
    "Python 3 的文档：用 print() 打印“你好”。",
] * 4


@pytest.fixture(scope="session")
def scorers() -> Callable[[str], Scorer]:
    """By family, or by preset."""
    made: dict[str, Scorer] = {}

    def scorer(kind: str) -> Scorer:
        if kind not in made:
            preset = PRESETS.get(kind, kind)
            family = kind if kind in PRESETS else "gpt"
            tokenizer = Tokenizer(with_special_tokens(train(TEXTS, 340), family))
            settings: dict[str, Any] = {
                "preset": preset,
                "family": family,
                "layers": 2,
                "width": 32,
                "context": 64,
            }
            model = Transformer(presets.resolve(settings, tokenizer.vocabulary), seed=1)
            random = torch.Generator().manual_seed(7)
            with torch.no_grad():
                for weight in model.parameters():
                    weight.add_(0.2 * torch.randn(weight.shape, generator=random))
            made[kind] = Scorer(model, tokenizer)
        return made[kind]

    return scorer


@pytest.fixture(scope="session")
def model_folders(
    scorers: Callable[[str], Scorer], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """The same as folders, as a hub has them."""
    root = tmp_path_factory.mktemp("models")

    def folder(kind: str) -> Path:
        place: Path = root / kind
        if not place.exists():
            scorer = scorers(kind)
            (root / f"{kind}.json").write_text(scorer.tokenizer.definition, encoding="utf-8")
            huggingface.save(scorer.model, place, tokenizer=root / f"{kind}.json")
        return place

    return folder


@pytest.fixture(scope="session")
def task_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Evaluation data in the shapes of BLiMP, ZhoBLiMP, COPA, XCOPA, LAMBADA and EPRSTMT; Chinese, and a U+2028."""
    root = tmp_path_factory.mktemp("评测")
    pairs = [
        {"sentence_good": f"Every stream {n} feeds it.", "sentence_bad": f"Every stream {n} feed it.", "UID": "agreement",
         "linguistics_term": "agreement"}
        for n in range(12)
    ]  # fmt: skip
    write_lines(root / "blimp" / "agreement.jsonl", pairs)
    write_lines(root / "blimp" / "other.jsonl", [{**pair, "UID": "<b>other</b>\x1b[31m"} for pair in pairs])
    write_lines(root / "gauntlet" / "copa.jsonl", [
        {"query": f"The river {n} rose, therefore", "choices": ["it fed the hills.", "the hills fed it."], "gold": n % 2}
        for n in range(36)
    ])  # fmt: skip
    for name, count in (("val", 8), ("test", 10)):
        write_lines(root / "xcopa" / f"{name}.zh.jsonl", [
            {"premise": f"第{n}条河涨水了。", "choice1": "源头下了大雨。", "choice2": "天光云影\u2028徘徊。", "question": "cause", "label": n % 2}
            for n in range(count)
        ])  # fmt: skip
    write_lines(root / "gauntlet" / "lambada_openai.jsonl", [
        {"context": f"{n} The river has its", "continuation": "source"} for n in range(70)
    ])  # fmt: skip
    write_lines(root / "gauntlet" / "simple_arithmetic_withspaces.jsonl", [
        {"context": f"{n} + 1 =", "continuation": f" {n + 1}"} for n in range(70)
    ])  # fmt: skip
    return root


def write_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path
