"""Folders as a hub has them, made by `transformers` with tokenisers that are not ours: asked and fine-tuned as any run.

Weights are drawn and tokenisers trained here: what is tested is how a text is put before a model, not what it says.
"""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tokenizers
import torch
from click.testing import CliRunner
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from headwater.cli import cli
from headwater.evaluate.scorer import Scorer
from headwater.model.task_inputs import Coder
from headwater.model.tokenizer import Tokenizer
from headwater.tasks.items import Classified

transformers = pytest.importorskip("transformers")
TEXTS = [
    "The river has its source in the hills, and every stream feeds it. ",
    "源头活水来，半亩方塘一鉴开。问渠那得清如许？為有源頭活水來，天光雲影共徘徊。",
    "Python 3 的文档：用 print() 打印“你好”。",
] * 4
CHINESE = [
    "源",
    "头",
    "活",
    "水",
    "来",
    "半",
    "亩",
    "方",
    "塘",
    "一",
    "鉴",
    "开",
    "的",
    "文",
    "档",
    "用",
    "打",
    "印",
]
PAIRS = [
    ("The river has its", " source"), ("源头活水", "来，半亩方塘"), ("", "The river 源头"), ("Python 3 的文档：", "用 print() 打印"),
    ("every stream feeds it. " * 9, "源头活水来"), ("Python 3", " 的文档"), ("源头活水来，", "半亩"),
]  # fmt: skip
BYTES = [f"<0x{n:02X}>" for n in range(256)]


def _trained(model: Any, trainer: Any, **parts: Any) -> Any:
    tokenizer = tokenizers.Tokenizer(model)
    for name, part in parts.items():
        setattr(tokenizer, name, part)
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def llama() -> tuple[Any, Any, dict[str, str]]:
    """As Llama 2's: pieces of characters, bytes for what has none, and <s> put before every text."""
    names = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
    made = _trained(
        models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True),
        trainers.BpeTrainer(
            vocab_size=480, special_tokens=[*names.values(), *BYTES], show_progress=False, max_token_length=4
        ),
        pre_tokenizer=pre_tokenizers.Metaspace(prepend_scheme="first"),  # no piece reaches over a space
        decoder=decoders.Sequence(
            [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
        ),
    )
    made.pre_tokenizer = None
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    begin = made.token_to_id("<s>")
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", begin)]
    )
    config = transformers.LlamaConfig(
        vocab_size=made.get_vocab_size(), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=64, bos_token_id=begin, eos_token_id=made.token_to_id("</s>"),
    )  # fmt: skip
    return transformers.LlamaForCausalLM(config), made, names


def gpt2() -> tuple[Any, Any, dict[str, str]]:
    end = "<|endoftext|>"
    made = _trained(
        models.BPE(), trainers.BpeTrainer(vocab_size=400, special_tokens=[end], show_progress=False,
                                          initial_alphabet=pre_tokenizers.ByteLevel.alphabet()),
        pre_tokenizer=pre_tokenizers.ByteLevel(add_prefix_space=False), decoder=decoders.ByteLevel(),
        post_processor=processors.ByteLevel(trim_offsets=False),
    )  # fmt: skip
    config = transformers.GPT2Config(
        vocab_size=made.get_vocab_size(), n_embd=32, n_layer=2, n_head=2, n_positions=64
    )
    return transformers.GPT2LMHeadModel(config), made, {"bos_token": end, "eos_token": end, "unk_token": end}


def bert() -> tuple[Any, Any, dict[str, str]]:
    names = {
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "mask_token": "[MASK]",
    }
    made = _trained(
        models.WordPiece(unk_token="[UNK]"),
        trainers.WordPieceTrainer(vocab_size=400, special_tokens=list(names.values()), show_progress=False),
        normalizer=normalizers.BertNormalizer(), pre_tokenizer=pre_tokenizers.BertPreTokenizer(),
    )  # fmt: skip
    marks = [("[CLS]", made.token_to_id("[CLS]")), ("[SEP]", made.token_to_id("[SEP]"))]
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=marks
    )
    config = transformers.BertConfig(
        vocab_size=made.get_vocab_size(), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=64,
    )  # fmt: skip
    return transformers.BertForMaskedLM(config), made, names


def _unigram(special: list[str]) -> Any:
    return _trained(
        models.Unigram(),
        trainers.UnigramTrainer(vocab_size=220, special_tokens=special, unk_token="<unk>", initial_alphabet=CHINESE,
                                show_progress=False),
        pre_tokenizer=pre_tokenizers.Metaspace(), decoder=decoders.Metaspace(),
    )  # fmt: skip


def t5() -> tuple[Any, Any, dict[str, str]]:
    made = _unigram(["<pad>", "</s>", "<unk>"])
    made.add_special_tokens([f"<extra_id_{n}>" for n in reversed(range(100))])
    made.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    config = transformers.T5Config(
        vocab_size=made.get_vocab_size(), d_model=32, d_kv=16, d_ff=64, num_layers=2, num_heads=2, decoder_start_token_id=0
    )  # fmt: skip
    return transformers.T5ForConditionalGeneration(config), made, {"pad_token": "<pad>", "eos_token": "</s>"}


def xlnet() -> tuple[Any, Any, dict[str, str]]:
    names = {"unk_token": "<unk>", "cls_token": "<cls>", "sep_token": "<sep>", "pad_token": "<pad>"}
    made = _unigram(list(names.values()))
    marks = [("<sep>", 2), ("<cls>", 1)]
    made.post_processor = processors.TemplateProcessing(single="$A <sep> <cls>:2", special_tokens=marks)
    config = transformers.XLNetConfig(
        vocab_size=made.get_vocab_size(), d_model=32, n_layer=2, n_head=2, d_inner=64
    )
    return transformers.XLNetLMHeadModel(config), made, names


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    root = tmp_path_factory.mktemp("枢纽")

    def folder(kind: str) -> Path:
        place: Path = root / kind
        if not place.exists():
            torch.manual_seed(3)
            model, tokenizer, names = {"llama": llama, "gpt2": gpt2, "bert": bert, "t5": t5, "xlnet": xlnet}[
                kind
            ]()
            with torch.no_grad():
                for weight in model.parameters():
                    weight.add_(0.2 * torch.randn(weight.shape))
            model.save_pretrained(place)
            transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(place)
        return place

    return folder


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_log_likelihoods_are_those_of_the_hf_model(kind: str, imported: Callable[[str], Path]) -> None:
    """Also before an empty context, beyond the context's length, and of whole texts."""
    pytest.importorskip("lm_eval")
    from lm_eval.models.huggingface import HFLM

    folder = imported(kind)
    theirs = HFLM(pretrained=str(folder), device="cpu", batch_size=1, dtype="float32")
    scorer = Scorer.load(folder)
    # where a token reaches over the border the harness scores what is left of it, and we the whole continuation
    apart = [pair for pair in PAIRS if not pair[0] or theirs._encode_pair(*pair) == scorer.encode_pair(*pair)]
    assert len(apart) >= 4 and any(not context for context, _ in apart)
    asked = [SimpleNamespace(args=pair, doc_id=n) for n, pair in enumerate(apart)]
    expected = theirs.loglikelihood(asked, disable_tqdm=True)
    scored = scorer.score(apart)
    assert scored.log_likelihoods.tolist() == pytest.approx([value for value, _ in expected], abs=1e-3)
    assert scored.greedy.tolist() == [greedy for _, greedy in expected]


def test_what_a_tokeniser_puts_before_a_text_stands_there(imported: Callable[[str], Path]) -> None:
    coder = Tokenizer.load(imported("llama") / "tokenizer.json")
    special = coder.special("gpt")
    assert (special.begin, special.separator, special.first) == (1, 2, 1)
    scorer = Scorer.load(imported("llama"))
    before, new = scorer.encode_pair("源头", "活水")
    assert before[0] == 1 and 1 not in before[1:] + new
    [row] = Coder(coder, "gpt", 64).rows([Classified("1", "源头", "活水", "好")], ["好"])
    assert [place for place, token in enumerate(row.tokens.tolist()) if token < 3] == [
        0, 1 + len(coder.encode("源头")), len(row.tokens) - 1,
    ]  # fmt: skip
    assert row.tokens[0] == 1 and row.tokens[-1] == 2
    begins, goes_on = coder.encode("水").tolist(), scorer._going_on("水")
    assert goes_on == begins[1:] or coder.decode(goes_on) == "水" != coder.token_text(begins[0])
    other = Tokenizer.load(imported("gpt2") / "tokenizer.json").special("gpt")
    assert other.begin is None and other.first == other.separator


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["llama", "gpt2", "bert", "t5", "xlnet"])
def test_it_is_asked_and_fine_tuned_by_the_same_commands(
    kind: str, imported: Callable[[str], Path], task_data: Path, tmp_path: Path
) -> None:
    folder = str(imported(kind))
    workspace = ("--workspace", str(tmp_path / "ws"), "--workers", "1", "--json")
    asked = [
        "evaluate",
        folder,
        "--tasks",
        "blimp,xcopa_zh",
        "--data",
        str(task_data),
        "--limit",
        "4",
        *workspace,
    ]
    done = CliRunner().invoke(cli, asked)
    assert done.exit_code == 0, done.output
    assert [one["task"] for one in json.loads(done.stdout)["tasks"]] == ["blimp", "xcopa_zh"]
    for split, start, count in (("train", 0, 32), ("dev", 100, 8), ("test", 200, 12)):
        rows = [
            {"text": ("源头活水来" if n % 2 else "The river has") + f" {n}", "label": "好" if n % 2 else "坏"}
            for n in range(start, start + count)
        ]
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (tmp_path / "数据").mkdir(exist_ok=True)
        (tmp_path / "数据" / f"{split}.jsonl").write_text(lines, encoding="utf-8")
    tuned = [
        "finetune",
        folder,
        "--task",
        str(tmp_path / "数据"),
        "--epochs",
        "6",
        "--learning-rate",
        "0.01",
        *workspace,
    ]
    done = CliRunner().invoke(cli, tuned)
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert result["test"]["accuracy"]["value"] >= 0.75, "two words tell the classes apart"
