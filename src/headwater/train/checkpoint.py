"""Checkpoints: `checkpoints/step-N/` with `state.safetensors` (masters and optimiser) and `state.json`.

Written beside, synced, then renamed: a kill at any moment leaves the checkpoints that were whole before. The
position in the data is the step itself.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from headwater.engine.workspace import commit_folder, file_hash, read_json, write_json

KEEP = 2


@dataclass(frozen=True)
class Checkpoint:
    step: int  # steps taken
    tensors: dict[str, Tensor]
    state: dict[str, Any]


def save(folder: Path, step: int, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Commits the checkpoint after `step` steps and removes all but the newest two."""
    temporary = folder / f".step-{step}.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    path = temporary / "state.safetensors"
    save_file({name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, path)
    write_json(temporary / "state.json", {"step": step, "xxh3": file_hash(path), "state": state})
    commit_folder(temporary, folder / f"step-{step}")
    for old in _newest_first(folder)[KEEP:]:
        shutil.rmtree(old)


def load_newest(folder: Path, *, clean: bool = True) -> Checkpoint | None:
    """The newest checkpoint whose files are what was written, or None; `clean` removes what a kill left unfinished."""
    for left in folder.glob(".step-*.tmp") if clean else ():
        shutil.rmtree(left)
    for path in _newest_first(folder):
        record, file = read_json(path / "state.json"), path / "state.safetensors"
        if record is not None and file.is_file() and file_hash(file) == record["xxh3"]:
            return Checkpoint(record["step"], load_file(file), record["state"])
    return None


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*"), key=lambda path: -int(path.name.removeprefix("step-")))
