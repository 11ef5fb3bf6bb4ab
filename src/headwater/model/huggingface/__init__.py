"""A model as a folder: `config.json`, `model.safetensors`, tokeniser; in Hugging Face's layout where that can hold it.

    gpt2-*           GPT2LMHeadModel               bert-*   BertForMaskedLM
    llama-*          LlamaForCausalLM              xlnet-*  XLNetLMHeadModel
    t5-*, t5v1.1-*   T5ForConditionalGeneration

names and all, so that `AutoModel….from_pretrained(folder)` loads them. Squared ReLU, QK-norm and Vaswani's
encoder-decoder have no class there: such a folder says `"model_type": "headwater"` and keeps our names.

`load` reads what `save` wrote and what those five classes wrote, a checkpoint from a hub too, by safetensors alone.
"""

import json
import shutil
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from headwater.errors import HeadwaterError
from headwater.model.config import ModelConfig
from headwater.model.huggingface import bert, gpt2, llama, t5, xlnet
from headwater.model.tokenizer import Tokenizer
from headwater.model.transformer import Transformer

LAYOUTS: dict[str, ModuleType] = {layout.MODEL_TYPE: layout for layout in (gpt2, llama, bert, t5, xlnet)}
OURS = "headwater"  # the layout of what none of them can represent
NO_CLASS: dict[str, Any] = {
    "model_type": OURS,
    "note": "only Headwater loads this model; Hugging Face has no class for it. The presets "
    "gpt2-*, llama-*, bert-*, t5-*, t5v1.1-* and xlnet-* load there",
}


def layout(config: ModelConfig) -> str:
    """`gpt2`, `llama`, `bert`, `t5`, `xlnet`, or `headwater` for what none of these can represent."""
    return next((name for name, one in LAYOUTS.items() if one.holds(config)), OURS)


def save(model: Transformer, folder: Path, *, tokenizer: Path | None = None) -> None:
    """Writes the folder, with the `tokenizer.json` that is named; weights in the model's own precision."""
    folder.mkdir(parents=True, exist_ok=True)
    kind, config = layout(model.config), model.config
    tensors = _to_theirs(kind, config, model.state_dict())
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    ids: dict[str, Any] = {"bos_token_id": None, "eos_token_id": None}
    if tokenizer is not None:
        names, ids = _special(Tokenizer.load(tokenizer), config.family)
        shutil.copyfile(tokenizer, folder / "tokenizer.json")
        _write(folder / "tokenizer_config.json", {
            "tokenizer_class": "PreTrainedTokenizerFast", **names, "model_max_length": model.config.context,
            "clean_up_tokenization_spaces": False,
        })  # fmt: skip
    described = dict(NO_CLASS)
    if kind != OURS:
        one = LAYOUTS[kind]
        described = {"architectures": [one.CLASS], "model_type": one.MODEL_TYPE, **one.their_config(config)}
    dtype = str(next(model.parameters()).dtype).removeprefix("torch.")
    _write(folder / "config.json", {
        **described, **ids, "dtype": dtype,
        "headwater": config.as_json(),
    })  # fmt: skip


def _special(tokenizer: Tokenizer, family: str) -> tuple[dict[str, str], dict[str, int]]:
    """Special tokens as tokenizer_config.json names them, and their ids as config.json does."""
    names, ids = tokenizer.special_names(family), tokenizer.special(family)
    if family == "gpt":
        both = {
            "bos_token": (names.get("begin", tokenizer.separator_name), ids.first),
            "eos_token": (tokenizer.separator_name, ids.separator),
        }
    else:
        roles = {"bert": {"cls_token": "begin", "sep_token": "end", "mask_token": "mask", "pad_token": "pad"},
                 "xlnet": {"cls_token": "begin", "sep_token": "end", "pad_token": "pad"},
                 "t5": {"eos_token": "end", "pad_token": "pad"}}[family]  # fmt: skip
        both = {theirs: (names[role], getattr(ids, role)) for theirs, role in roles.items() if role in names}
    numbers = {f"{theirs}_id": number for theirs, (_, number) in both.items()}
    if family == "t5" and ids.pad is not None:
        numbers["decoder_start_token_id"] = ids.pad
    extra = {"padding_side": "left"} if family == "xlnet" else {}
    return {**{theirs: name for theirs, (name, _) in both.items()}, **extra}, numbers


def load(folder: Path) -> Transformer:
    """The model of a folder, in fp32 on the CPU. Raises HeadwaterError where it is not whole, or no model of ours."""
    record, tensors = _read(folder)
    kind = str(record.get("model_type"))
    one = LAYOUTS.get(kind)
    if one is not None and hasattr(one, "their_names"):
        tensors = {one.their_names(name): tensor for name, tensor in tensors.items()}
    config = _our_config(folder, record, tensors)
    model = Transformer(config)
    model.load_state_dict(_to_ours(folder, kind, model, tensors))
    return model


def read_config(folder: Path) -> ModelConfig:
    """The config of a folder's model. Raises HeadwaterError where there is none, or no model of ours."""
    record, tensors = _read(folder)
    return _our_config(folder, record, tensors)


# ---------------------------------------------------------------- files


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """config.json and all tensors, from one file or from several with their index."""
    try:
        record = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        names = ["model.safetensors"]
        if not (folder / names[0]).exists() and (index := folder / "model.safetensors.index.json").exists():
            names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        tensors: dict[str, Tensor] = {}
        for name in names:
            tensors |= load_file(folder / Path(name).name)
    except (OSError, ValueError, KeyError) as error:
        if any(folder.glob("*.bin")):
            raise HeadwaterError(
                f"{folder}: its weights are pickles (*.bin), which can run code and are not read; get the checkpoint's "
                "model.safetensors"
            ) from error
        raise HeadwaterError(f"{folder}: not a model folder ({error}); train the run again") from error
    return record, tensors


def _our_config(folder: Path, record: dict[str, Any], tensors: dict[str, Tensor]) -> ModelConfig:
    described = record.get("headwater")
    if described is not None:
        if set(described) != {field.name for field in fields(ModelConfig)}:
            raise HeadwaterError(
                f"{folder}/config.json: not written by this version of Headwater; train the run again"
            )
        return ModelConfig(**described)
    kind = record.get("model_type")
    if kind not in LAYOUTS:
        raise HeadwaterError(f"{folder}/config.json: model_type is {kind!r}; there are {', '.join(LAYOUTS)}")
    if kind == "t5":  # whose config does not say it
        output = tensors.get("lm_head.weight")
        record = {
            **record,
            "tied": output is None or torch.equal(output, tensors.get("shared.weight", output)),
        }
    try:
        return ModelConfig(**LAYOUTS[kind].our_config(record))
    except KeyError as error:
        raise HeadwaterError(
            f"{folder}/config.json: {error} is missing, which every {kind} model has"
        ) from error


def _write(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


# ---------------------------------------------------------------- tensors by name


def _to_theirs(kind: str, config: ModelConfig, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    change = getattr(LAYOUTS.get(kind), "to_theirs", _unchanged)
    theirs = {}
    for name, tensor in tensors.items():
        names = _their_names(kind, config, name)
        parts = torch.split(tensor, _rows(config, names)) if len(names) > 1 else (tensor,)
        for their_name, part in zip(names, parts, strict=True):
            theirs[their_name] = change(their_name, part, config).cpu().contiguous()
    return theirs


def _to_ours(folder: Path, kind: str, model: Transformer, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    config, one = model.config, LAYOUTS.get(kind)
    change, ours, used = getattr(one, "to_ours", _unchanged), {}, set()
    for name, own in model.state_dict().items():
        names = _their_names(kind, config, name)
        used.update(names)
        if missing := [n for n in names if n not in tensors]:
            raise HeadwaterError(
                f"{folder}: tensor {missing[0]} is missing; config.json describes another model"
            )
        parts = [change(n, tensors[n], config).float() for n in names]
        ours[name] = torch.cat(parts) if len(parts) > 1 else parts[0]
        if ours[name].shape != own.shape:
            raise HeadwaterError(
                f"{folder}: tensor {names[0]} is {list(tensors[names[0]].shape)}, but by config.json ours would be "
                f"{list(own.shape)}; the two do not belong together"
            )
    ignored = () if one is None else one.IGNORED
    if unknown := [name for name in tensors if name not in used and not name.endswith(ignored or "\0")]:
        raise HeadwaterError(f"{folder}: tensor {unknown[0]} belongs to no {kind} model that Headwater knows")
    return ours


def _their_names(kind: str, config: ModelConfig, name: str) -> list[str]:
    """ "decoder.blocks.3.attention.output.weight" -> ["transformer.h.3.attn.c_proj.weight"]."""
    if kind == OURS:
        return [name]
    pieces = name.split(".")
    number = pieces[2] if pieces[1:2] == ["blocks"] else ""
    if number:
        pieces[2] = "{}"
    names, whole, stem = LAYOUTS[kind].names(config), ".".join(pieces), ".".join(pieces[:-1])
    if whole in names:
        return str(names[whole]).format(number).split()
    return [f"{their_name}.{pieces[-1]}" for their_name in str(names[stem]).format(number).split()]


def _rows(config: ModelConfig, names: list[str]) -> list[int]:
    """Rows of the parts of a stacked matrix: gate and value, or queries, keys and values."""
    if len(names) == 2:
        return [config.feed_forward] * 2
    return [config.heads * config.head_width] + [config.kv_heads * config.head_width] * 2


def _unchanged(name: str, tensor: Tensor, config: ModelConfig) -> Tensor:
    return tensor
