"""Every family trains: the loss falls, a killed run ends with the same bytes, and transformers reads what comes out."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch.nn import functional as F
from training_sets import texts, write_training_set

import headwater.train.pretrain as pretrain_module
from headwater.errors import HeadwaterError, RecipeError
from headwater.evaluate.families import document_nats
from headwater.model import huggingface
from headwater.model.special_tokens import with_special_tokens
from headwater.model.tokenizer import Tokenizer
from headwater.train.objectives import batch_loss
from headwater.train.pretrain import pretrain

OBJECTIVES = {"bert": "mlm", "xlnet": "plm", "t5": "span", "gpt": "lm"}
PRESETS = {"bert": "bert-nano", "xlnet": "xlnet-nano", "t5": "t5-nano", "gpt": "llama-nano"}
CLASSES = {"bert": "AutoModelForMaskedLM", "xlnet": "AutoModelForCausalLM", "t5": "AutoModelForSeq2SeqLM",
           "gpt": "AutoModelForCausalLM"}  # fmt: skip
families = pytest.mark.parametrize("family", OBJECTIVES)


@pytest.fixture(scope="module")
def training_sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One text, in the tokeniser that each family needs; the ids of the text are the same."""
    made, documents = {}, [(f"文档-{n}", "诗", text) for n, text in enumerate(texts(120))]
    for family in OBJECTIVES:
        folder = write_training_set(tmp_path_factory.mktemp(family) / "诗", documents, vocabulary=300)
        definition = with_special_tokens((folder / "tokenizer.json").read_text(encoding="utf-8"), family)
        (folder / "tokenizer.json").write_text(definition, encoding="utf-8")
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        manifest["vocabulary"] = Tokenizer(definition).vocabulary
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        made[family] = folder
    return made


def run(
    folder: Path, sets: dict[str, Path], family: str, model: Any = None, device: str = "cpu", **train: Any
) -> dict[str, Any]:
    settings = {
        "objective": OBJECTIVES[family], "tokens": 256 * 24, "batch": 256, "optimizer": "muon", "learning_rate": None,
        "schedule": "wsd", "precision": "fp32", "checkpoint_every": 256 * 8, **train,
    }  # fmt: skip
    model = model or {"preset": PRESETS[family], "layers": 2, "width": 32, "context": 32}
    return pretrain(
        folder, training_set=str(sets[family]), model={"family": family, **model}, train=settings, seed=0, device=device
    )  # fmt: skip


def weights(folder: Path) -> bytes:
    return (folder / "model" / "model.safetensors").read_bytes()


def losses(folder: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (folder / "metrics.jsonl").read_text().splitlines()]


class Killed(BaseException):
    pass


@families
def test_the_loss_falls_and_a_killed_run_ends_with_the_same_bytes(
    family: str, training_sets: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run(tmp_path / "whole", training_sets, family)
    assert done["objective"] == OBJECTIVES[family]
    assert losses(tmp_path / "whole")[-1] < losses(tmp_path / "whole")[0] - 0.5
    batch = pretrain_module.Stream.batch

    def dying(stream: Any, asked: int) -> Any:
        if asked == 19:
            raise Killed
        return batch(stream, asked)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(pretrain_module.Stream, "batch", dying)
        run(tmp_path / "killed", training_sets, family)
    run(tmp_path / "killed", training_sets, family)
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")


@families
def test_passes_over_parts_of_a_batch_are_the_batch(
    family: str, training_sets: dict[str, Path], tmp_path: Path
) -> None:
    """Losses are means over the targets of the whole batch, however they fall on its parts."""
    more = {"tokens": 256 * 4, "optimizer": "adamw"}
    run(tmp_path / "whole", training_sets, family, **more)
    run(tmp_path / "parts", training_sets, family, micro_batch=96, **more)
    assert losses(tmp_path / "parts") == pytest.approx(losses(tmp_path / "whole"), abs=1e-5)


@pytest.mark.parametrize("parallel", ["ddp", pytest.param("fsdp", marks=pytest.mark.slow)])
def test_two_processes_are_one_and_a_run_goes_on_with_another_number(
    parallel: str, training_sets: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the last bit, where one takes in as many passes what the two take at once; with shards the norm that
    gradients are clipped by is summed in another order."""
    more = {"tokens": 256 * 12, "checkpoint_every": 256 * 4, "optimizer": "adamw", "micro_batch": 128}
    run(tmp_path / "one", training_sets, "bert", **more)
    save = pretrain_module.save

    def dying(folder: Path, step: int, *rest: Any) -> None:
        save(folder, step, *rest)
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(pretrain_module, "save", dying)
        run(tmp_path / "two", training_sets, "bert", **more)
    assert len(losses(tmp_path / "two")) == 4
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    run(tmp_path / "two", training_sets, "bert", processes=2, parallel=parallel, **more)
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), abs=1e-5)
    if parallel == "ddp":
        assert losses(tmp_path / "two") == losses(tmp_path / "one")
        assert weights(tmp_path / "two") == weights(tmp_path / "one")


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_compiled_blocks_train_the_same(device: str, training_sets: dict[str, Path], tmp_path: Path) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device is at hand")
    if device == "cpu" and shutil.which("g++") is None:
        pytest.skip("torch.compile needs a C++ compiler on a CPU")
    more = {"tokens": 256 * 4, "optimizer": "adamw", "device": device}
    for family in ("gpt", "bert"):
        for compiled in (False, True):
            run(tmp_path / f"{family}-{compiled}", training_sets, family, compile=compiled, **more)
        eager, compiled_losses = (losses(tmp_path / f"{family}-{c}") for c in (False, True))
        assert compiled_losses == pytest.approx(eager, abs=1e-4)


@families
def test_transformers_loads_a_run_and_finds_the_same_loss(
    family: str, training_sets: dict[str, Path], tmp_path: Path
) -> None:
    transformers = pytest.importorskip("transformers")
    run(tmp_path / "run", training_sets, family, tokens=256 * 8)
    folder = tmp_path / "run" / "model"
    theirs = getattr(transformers, CLASSES[family]).from_pretrained(folder).eval()
    ours, coder = huggingface.load(folder), transformers.AutoTokenizer.from_pretrained(folder)
    text = "半亩方塘一鉴开，The river has its source in the hills. 為有源頭活水來。"
    ids = coder(text)["input_ids"]
    plain = Tokenizer.load(folder / "tokenizer.json")
    own, special = plain.encode(text).tolist(), plain.special(family)
    framed = {
        "bert": [special.begin, *own, special.end], "xlnet": [*own, special.end, special.begin],
        "t5": [*own, special.end], "gpt": own,
    }  # fmt: skip
    assert ids == framed[family]
    tokens = torch.tensor([ids[:30]])
    batch = {"tokens": tokens, "targets": tokens}
    if family == "t5":
        written = torch.tensor([own[:12]])
        batch |= {"targets": written, "decoder_tokens": F.pad(written[:, :-1], (1, 0), value=special.pad)}
        expected = theirs(input_ids=tokens, labels=written).loss
    elif family == "bert":
        assert coder.mask_token_id == special.mask
        batch["tokens"] = tokens.clone()
        batch["tokens"][0, 5] = special.mask
        expected = theirs(input_ids=batch["tokens"], labels=tokens).loss
    else:
        logits = theirs(input_ids=tokens).logits
        expected = F.cross_entropy(logits[0], tokens[0])
    assert batch_loss(ours, batch).item() == pytest.approx(expected.item(), abs=1e-4)


def test_a_checkpoint_folder_is_gone_on_from(training_sets: dict[str, Path], tmp_path: Path) -> None:
    run(tmp_path / "first", training_sets, "bert")
    model = {"path": str(tmp_path / "first" / "model")}
    run(tmp_path / "second", training_sets, "bert", model, tokens=256 * 4)
    assert losses(tmp_path / "second")[0] < losses(tmp_path / "first")[0] - 0.5
    with pytest.raises(RecipeError, match=r"holds a bert model; set model\.family: bert"):
        run(tmp_path / "third", training_sets, "gpt", model)


def test_a_loss_that_is_no_number_leaves_its_batch(training_sets: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(HeadwaterError, match=r"the batch in not-a-number-\d+.safetensors"):
        run(tmp_path / "run", training_sets, "bert", learning_rate=1e30)
    [file] = (tmp_path / "run").glob("not-a-number-*.safetensors")
    with safe_open(file, "pt") as batch:
        assert {"0.tokens", "0.targets", "0.predicted", "0.documents"} == set(batch.keys())


@pytest.mark.parametrize("family", ["bert", "xlnet", "t5"])
def test_every_token_of_a_document_is_scored_once(
    family: str, training_sets: dict[str, Path], tmp_path: Path
) -> None:
    """Of a model that knows nothing, the nats of a text are its tokens times ln V: also of one longer than a window."""
    plain = Tokenizer.load(training_sets[family] / "tokenizer.json")
    config = {"family": family, "preset": PRESETS[family], "layers": 1, "width": 32, "context": 32}
    model = pretrain_module.Transformer(pretrain_module.resolve(config, plain.vocabulary))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    documents = [np.arange(1, n + 1) for n in (0, 1, 5, 30, 100)]
    names = [f"文档-{n}" for n in range(5)]
    nats = document_nats(model, documents, names, plain.special(family)) / math.log(plain.vocabulary)
    if family != "t5":  # whose sentinels and ends are written too
        assert nats.tolist() == pytest.approx([0, 1, 5, 30, 100], rel=1e-5)
    else:
        assert (
            nats[0] == 0
            and (nats[1:] > [1, 5, 30, 100]).all()
            and (nats < 2.2 * np.array([1, 2, 6, 30, 100])).all()
        )
    again = document_nats(model, documents[::-1], names[::-1], plain.special(family))
    assert np.array_equal(again[::-1] / math.log(plain.vocabulary), nats)
