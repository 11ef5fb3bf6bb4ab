"""`headwater export`: the texts that a recipe keeps, in another tool's format, with card and Croissant.

One pass over the shards in their order; a folder appears under its name only when it is whole. The texts are those of
the training set: as the last edit left them, without what is held out (nanoGPT's val.bin is just that).
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headwater.corpus.shards import in_step, read_batches
from headwater.curate.export import COLUMNS, FORMATS, TEXT_FORMATS, NanogptWriter, Row, numbered, writer_of
from headwater.curate.privacy import read_key, without_personal_data
from headwater.engine.progress import Progress
from headwater.engine.workspace import commit_folder, seal
from headwater.errors import HeadwaterError
from headwater.model.tokenizer import Tokenizer
from headwater.pipeline.curation import Curated
from headwater.pipeline.run import Outcome, run_until
from headwater.signals import privacy

_MEDIA = {
    ".jsonl": "application/jsonlines", ".parquet": "application/x-parquet", ".bin": "application/octet-stream",
    ".idx": "application/octet-stream", ".json": "application/json", ".md": "text/markdown",
}  # fmt: skip


def export(
    recipe: Path, *, format: str, out: Path, overrides: tuple[str, ...] = (), workspace: Path | str | None = None,
    workers: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Brings the recipe up to its training set and writes that to `out`; what was written.

    HeadwaterError where the format is none, or `out` is there already.
    """
    if format not in FORMATS:
        raise HeadwaterError(f"no format {format!r}; there are {', '.join(FORMATS)}")
    if out.exists():
        raise HeadwaterError(f"{out} is there already; name a folder that is not, or remove it first")
    outcome = run_until("curate", recipe, overrides=overrides, workspace=workspace, workers=workers)
    assert outcome.curated is not None and outcome.training_set is not None
    temporary = out.with_name(f".{out.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        written = _write(temporary, outcome, outcome.curated, outcome.training_set, format)
        seal(temporary)
        commit_folder(temporary, out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return {"recipe": outcome.recipe.name, "format": format, "folder": str(out), **written}


def _write(
    folder: Path, outcome: Outcome, curated: Curated, training_set: Path, format: str
) -> dict[str, Any]:
    tokenizer = Tokenizer.load(training_set / "tokenizer.json")
    writer = writer_of(format, folder, tokenizer)
    held = NanogptWriter(folder / "val.bin", tokenizer) if format == "nanogpt" else None
    documents = size = 0
    with Progress("export", len(curated.shards)) as progress:
        for shard in sorted(curated.shards):
            for train, rest in rows_of(curated, shard):
                if train:
                    _clean(train, outcome)
                    writer.write(train)
                    documents += len(train)
                    size += sum(len(row["text"].encode()) for row in train)
                if held is not None and rest:
                    held.write(rest)
            progress.advance(documents=1)
    files = writer.close() + (held.close() if held is not None else [])
    if format == "datasets":
        files = numbered(files)
    if format not in TEXT_FORMATS:
        shutil.copyfile(training_set / "tokenizer.json", folder / "tokenizer.json")
        files.append(folder / "tokenizer.json")
    shutil.copyfile(training_set / "card.md", folder / "card.md")
    described = json.loads((training_set / "croissant.json").read_text(encoding="utf-8"))
    croissant = _croissant(described, folder, files, format)
    (folder / "croissant.json").write_text(croissant, encoding="utf-8")
    if format == "datasets":
        card = (training_set / "card.md").read_text(encoding="utf-8")
        (folder / "README.md").write_text(_front_matter(described, documents) + card, encoding="utf-8")
    names = [str(path.relative_to(folder)) for path in files]
    return {"documents": documents, "bytes": size, "files": names}


# Columns that say what the source says: whatever is not the text, Headwater's own name or the recipe's.
_SAID = ("url", "title", "date", "license", "language", "consent")
_PATHS = ("locator", "unit")  # of files and members, which may be called after a person
_OFFSET = re.compile(r"#[0-9.:-]+$")


def _clean(rows: list[Row], outcome: Outcome) -> None:
    """Every column from the source like the texts: without the personal data that the recipe takes out of these.

    An offset in a locator and a unit that is the document's id stay: their digits are nobody's number.
    """
    settings = outcome.recipe.curate.privacy
    if settings is None:
        return
    key = read_key(None if settings.key_file is None else str(outcome.recipe.folder / settings.key_file))

    def clean(value: str) -> str:
        spans = [(s, e, kind) for kind, s, e, score in privacy.spans(value)
                 if kind in settings.kinds and score >= settings.min_score]  # fmt: skip
        return without_personal_data(value, spans, settings.how, key)

    def clean_path(value: str) -> str:
        value, hash_, offset = value.rpartition("#") if _OFFSET.search(value) else (value, "", "")
        value = clean(value)
        if "@" in value and "://" not in value:
            value = "/".join(map(clean_name, value.split("/")))
        return value + hash_ + offset

    def clean_name(name: str) -> str:
        """Also where an ending hides the domain: `li@example.org.txt`."""
        cleaned = clean(name)
        stem, dot, ending = name.rpartition(".")
        return clean_name(stem) + dot + ending if cleaned == name and stem else cleaned

    for row in rows:
        for name in _SAID:
            if row[name]:
                row[name] = clean(row[name])
        for name in _PATHS:
            if row[name] != row["id"]:
                row[name] = clean_path(row[name])


def rows_of(curated: Curated, shard: str) -> Iterator[tuple[list[Row], list[Row]]]:
    """A batch at a time: the kept documents to train on, and those that are held out."""
    texts = curated.texts(shard)
    provenance = [name for name in COLUMNS if name != "language"]
    streams = [read_batches(texts.ledger.here(), ["id", "state", "split", "language"])]
    streams.append(read_batches(texts.documents.here(), provenance))
    streams += [read_batches(entry.here(), ["text"]) for entry in texts.editions]
    for ledger, documents, *editions in in_step(streams):
        train: list[Row] = []
        held: list[Row] = []
        for place, (verdict, row) in enumerate(zip(ledger.to_pylist(), documents.to_pylist(), strict=True)):
            if verdict["id"] != row["id"]:
                raise AssertionError(
                    f"{shard}: row {place} is {row['id']}, but {verdict['id']} in the ledger"
                )
            if verdict["state"] != "kept":
                continue
            edited = next((one["text"][place] for one in editions if one["text"][place].is_valid), None)
            if edited is not None:
                row["text"] = edited.as_py()
            (train if verdict["split"] == "train" else held).append({**row, "language": verdict["language"]})
        yield train, held


# ---------------------------------------------------------------- what describes it


def _croissant(described: dict[str, Any], folder: Path, files: list[Path], format: str) -> str:
    """The training set's Croissant, for these files."""
    described["distribution"] = [
        {"@type": "cr:FileObject", "@id": name, "name": name, "contentUrl": name, "sha256": _sha256(path),
         "contentSize": f"{path.stat().st_size} B", "encodingFormat": _MEDIA[path.suffix]}
        for path in files for name in [str(path.relative_to(folder))]
    ]  # fmt: skip
    described["recordSet"] = [
        {"@type": "cr:RecordSet", "@id": path.stem, "name": path.stem,
         "field": [{"@type": "cr:Field", "@id": f"{path.stem}/{column}", "name": column, "dataType": "sc:Text",
                    "source": {"fileObject": {"@id": str(path.relative_to(folder))}, "extract": {"column": column}}}
                   for column in COLUMNS]}
        for path in files if format in TEXT_FORMATS
    ]  # fmt: skip
    return json.dumps(described, ensure_ascii=False, indent=1).replace("<", "\\u003c") + "\n"


def _front_matter(described: dict[str, Any], documents: int) -> str:
    """What the Hub and `load_dataset` read at the head of a README.md; every value is a quoted JSON string."""
    languages = [code for code in described["inLanguage"] if len(code) in (2, 3) and code != "und"]
    size = next((name for most, name in _SIZES if documents < most), "n>1T")
    lines = ["---", f"pretty_name: {json.dumps(described['name'], ensure_ascii=False)}"]
    lines += [f"language: {json.dumps(languages)}", 'license: "other"', 'license_name: "see-the-card"']
    lines += [f"size_categories: [{json.dumps(size)}]", 'task_categories: ["text-generation"]', "configs:"]
    lines += [
        '- config_name: "default"',
        "  data_files:",
        '  - split: "train"',
        '    path: "data/train-*.parquet"',
        "---",
        "",
    ]
    return "\n".join(lines) + "\n"


_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"),
          (10**8, "10M<n<100M"), (10**9, "100M<n<1B"))  # fmt: skip


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def lines_of(written: dict[str, Any]) -> list[str]:
    """For a terminal."""
    lines = [
        f"{written['documents']:,} documents, {written['bytes']:,} bytes of text, to {written['folder']}"
    ]
    lines += [f"  {name}" for name in written["files"][:20]]
    if len(written["files"]) > 20:
        lines.append(f"  and {len(written['files']) - 20:,} more")
    return [*lines, "  card.md, croissant.json, sealed.json (the hash of each file)"]
