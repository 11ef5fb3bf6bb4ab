"""The card of a hub's data set: the YAML at the head of its README.md, and which files it says make which split."""

import fnmatch
import re
from dataclasses import dataclass, field
from io import StringIO
from pathlib import PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from headwater.errors import RecipeError
from headwater.sources.files import JSON_LINES, TABLES
from headwater.sources.programs.licenses import license_of_columns

_FRONT = re.compile(r"\A\ufeff?---[ \t]{0,8}\r?\n(.*?)\r?\n---[ \t]{0,8}(?:\r?\n|\Z)", re.DOTALL)
_COMPRESSED = (".gz", ".zst", ".bz2", ".xz")
_DATA = (*TABLES, *JSON_LINES, ".json", ".txt")
# As names of files and folders say it, set apart by anything that is no letter or digit.
_SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}
MAX_ALIASES = 100


@dataclass(frozen=True)
class Card:
    license: str | None = None  # SPDX, where the hub's word for it is one
    language: str | None = None  # BCP 47, several after each other with commas
    configs: dict[str, dict[str, list[str]]] = field(default_factory=dict)  # config -> split -> patterns
    default: str | None = None


def read_card(data: bytes, where: str) -> Card:
    """What a README.md says; a card that is not sound YAML is a RecipeError, since it may hold the licence."""
    found = _FRONT.match(data.decode("utf-8", "replace"))
    if found is None:
        return Card()
    try:
        if len(re.findall(r"(?m)[:\-]\s{0,8}\*\w", found[1])) > MAX_ALIASES:
            raise ValueError(f"more than {MAX_ALIASES} aliases")
        head: Any = YAML(typ="safe", pure=True).load(StringIO(found[1]))
    except (YAMLError, ValueError, RecursionError) as error:
        problem = str(error).split("\n")[0]
        raise RecipeError(
            f"{where}: its card is no sound YAML ({problem}); mend it, or take it away"
        ) from error
    if not isinstance(head, dict):
        return Card()
    configs, default = _configs(head.get("configs"))
    return Card(_license(head), _words(head.get("language")), configs, default)


def _words(value: Any) -> str | None:
    values = value if isinstance(value, list) else [value]
    # YAML 1.1 reads `no` (Norwegian) as false.
    said = [
        "no" if one is False else str(one)
        for one in values
        if isinstance(one, str | bool) and one is not True
    ]
    return ", ".join(said) or None


def _license(head: dict[str, Any]) -> str | None:
    said = _words(head.get("license"))
    if said is None:
        return None
    if said == "other" and isinstance(head.get("license_name"), str):
        return f"LicenseRef-{re.sub(r'[^A-Za-z0-9.-]+', '-', head['license_name'])}"
    return said if said in ("other", "unknown") else license_of_columns(_SPDX_OF.get(said, said)) or said


# The hub's own words where they are not SPDX ids in lower case.
_SPDX_OF = {
    "cc0-1.0": "CC0-1.0", "cc-by-4.0": "CC-BY-4.0", "cc-by-3.0": "CC-BY-3.0", "cc-by-2.0": "CC-BY-2.0", "cc-by-sa-4.0": "CC-BY-SA-4.0",
    "cc-by-sa-3.0": "CC-BY-SA-3.0", "cc-by-nc-4.0": "CC-BY-NC-4.0", "cc-by-nc-sa-4.0": "CC-BY-NC-SA-4.0", "cc-by-nc-nd-4.0": "CC-BY-NC-ND-4.0",
    "cc-by-nd-4.0": "CC-BY-ND-4.0", "odc-by": "ODC-By-1.0", "odbl": "ODbL-1.0", "pddl": "PDDL-1.0", "gpl-3.0": "GPL-3.0-only", "gpl-2.0": "GPL-2.0-only",
    "agpl-3.0": "AGPL-3.0-only", "lgpl-3.0": "LGPL-3.0-only", "gfdl": "GFDL-1.3-only", "cdla-permissive-2.0": "CDLA-Permissive-2.0",
    "cdla-sharing-1.0": "CDLA-Sharing-1.0", "mulanpsl-2.0": "MulanPSL-2.0", "unlicense": "Unlicense",
}  # fmt: skip


def _configs(value: Any) -> tuple[dict[str, dict[str, list[str]]], str | None]:
    """`configs: [{config_name, data_files: path | [paths] | [{split, path}] | {split: path}, default}]`."""
    configs: dict[str, dict[str, list[str]]] = {}
    default = None
    for entry in value if isinstance(value, list) else []:
        if not isinstance(entry, dict) or not isinstance(entry.get("config_name"), str):
            continue
        name, found = entry["config_name"], entry.get("data_files")
        above = str(entry["data_dir"]).strip("/") + "/" if isinstance(entry.get("data_dir"), str) else ""
        splits: dict[str, list[str]] = {}
        if found is None and above:
            splits[""] = [f"{above}**"]
        elif isinstance(found, dict):
            splits = {str(split): _patterns(paths, above) for split, paths in found.items()}
        elif isinstance(found, list) and found and all(isinstance(one, dict) for one in found):
            splits = {str(one.get("split", "train")): _patterns(one.get("path"), above) for one in found}
        elif found is not None:
            splits["train"] = _patterns(found, above)
        configs[name] = splits
        default = name if entry.get("default") is True else default
    return configs, default or ("default" if "default" in configs else None)


def _patterns(value: Any, above: str) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [above + one.removeprefix("./") for one in values if isinstance(one, str)]


def data_files(names: list[str], card: Card, config: str | None, where: str) -> dict[str, list[str]]:
    """Split -> the files of it, among the names of a data set's files. RecipeError for a config that is not there, or
    where there are several and none is named."""
    readable = [name for name in names if _is_data(name)]
    if config is None and card.configs:
        config = card.default or (next(iter(card.configs)) if len(card.configs) == 1 else None)
        if config is None:
            raise RecipeError(f"{where}: name one of its configs: `config: …` ({', '.join(card.configs)})")
    if config is not None and config not in card.configs:
        known = ", ".join(card.configs) or "none"
        raise RecipeError(f"{where}: there is no config {config!r}; its card has {known}")
    splits = card.configs.get(config or "", {})
    if "" in splits:
        chosen = [name for name in readable if any(_matches(name, pattern) for pattern in splits[""])]
        return _by_name(chosen)
    if splits:
        return {
            split: [name for name in names if any(_matches(name, pattern) for pattern in patterns)]
            for split, patterns in splits.items()
        }
    return _by_name(readable)


def _is_data(name: str) -> bool:
    path = PurePosixPath(name)
    if any(part.startswith((".", "_")) for part in path.parts) or path.name in (
        "dataset_infos.json",
        "dataset_info.json",
        "state.json",
    ):
        return False
    suffix = PurePosixPath(path.stem).suffix if path.suffix.lower() in _COMPRESSED else path.suffix
    return suffix.lower() in _DATA and path.stem.lower() not in (
        "license",
        "readme",
        "requirements",
        "metadata",
    )


def _by_name(names: list[str]) -> dict[str, list[str]]:
    """As the names of folders and files say; train where none says anything."""
    found: dict[str, list[str]] = {}
    for name in names:
        words = re.split(r"[^a-z0-9]+", name.lower())
        split = next((split for split, usual in _SPLITS.items() if not set(usual).isdisjoint(words)), "")
        found.setdefault(split, []).append(name)
    if "" in found:
        rest = found.pop("")
        if not found:
            found["train"] = rest
    return found


def _matches(name: str, pattern: str) -> bool:
    """`*` within a folder, `**` through folders; a folder stands for what is in it."""
    if name == pattern or name.startswith(pattern.rstrip("/") + "/"):
        return True
    parts, wanted = name.split("/"), pattern.split("/")
    return _fits(parts, wanted) or ("/" not in pattern and fnmatch.fnmatchcase(name, pattern))


def _fits(parts: list[str], wanted: list[str]) -> bool:
    """Whether every part of a path fits the pattern's, `**` any number of them (in time of their product)."""
    reach = {0}
    for one in wanted:
        if one == "**":
            reach = set(range(min(reach), len(parts) + 1)) if reach else set()
        else:
            reach = {at + 1 for at in reach if at < len(parts) and fnmatch.fnmatchcase(parts[at], one)}
    return len(parts) in reach
