"""Ledgers to training sets: one tokeniser, one pool of tokens, a list of texts an arm.

tokenizers/<key>/tokenizer.json     trained on a sample of the documents as they were read
pool/<key>/<shard>.bin, .parquet    every text that an arm keeps, tokenised once
training-sets/<key>/                which of them this arm trains on, with its card
"""

import hashlib
import shutil
from pathlib import Path
from typing import Any

from headwater.corpus.tokens import token_type
from headwater.curate.card import card, croissant
from headwater.curate.tokenization import LIKELIHOODS
from headwater.curate.training_set import (
    DOCUMENTS_SCHEMA,
    Contents,
    manifest,
    mixture_plan,
    mixture_weights,
    write_documents,
)
from headwater.engine.stages import Task, run_stage
from headwater.engine.workspace import (
    Workspace,
    commit_folder,
    content_key,
    is_whole,
    read_json,
    seal,
    write_json,
)
from headwater.errors import HeadwaterError, RecipeError
from headwater.model.tokenizer import Tokenizer
from headwater.pipeline.check import given_tokenizer
from headwater.pipeline.curation import Curated
from headwater.pipeline.ingest import Ingested
from headwater.pipeline.measure import Measured
from headwater.pipeline.source_profile import count_kept, markdown_of, profile_of
from headwater.recipe import Recipe
from headwater.sources.takedown import REASON as TAKEN_DOWN

VERSION = 3  # 3: personal data, take-downs and responsible-AI fields on the card
CARD = 1  # of what the card says beside that
MOST_PROFILES = 40  # sources whose profile is on the card


def train_tokenizer(
    recipe: Recipe, workspace: Workspace, ingested: list[Ingested], *, workers: int, scored: bool = True
) -> Path:
    """The `tokenizer.json` that these recipes share: the one the recipe names, or one trained on their documents.

    `scored`: bits per byte are asked for; RecipeError, before anything is trained, where the tokeniser loses text
    and the model's family gives a text a probability.
    """
    settings, family = recipe.tokenizer, recipe.model.family
    more = {} if family == "gpt" else {"family": family}  # what it needs beside the tokens of text
    path = given_tokenizer(recipe)
    if path is not None:
        key = content_key("tokenizer", VERSION, hashlib.sha256(path.read_bytes()).hexdigest(), *more.values())
        task = Task("tokenizer", key, "headwater.curate.tokenization:copy_shard", {"path": str(path), **more})
    else:
        shards = {entry.fingerprint: entry for one in ingested for entry in one.shards}
        arguments = {
            "documents": [str(shards[fingerprint].path()) for fingerprint in sorted(shards)],
            "sample": settings.sample,
            "vocabulary": settings.vocabulary,
            "kind": settings.kind,
            "coverage": settings.coverage,
            **more,
        }
        chosen = settings.model_dump(mode="json", exclude={"path"})
        kind = (2,) if settings.kind == "wordpiece" else ()  # 2: no ## of what is never within a word
        key = content_key("tokenizer", VERSION, chosen, sorted(shards), *more.values(), *kind)
        task = Task("tokenizer", key, "headwater.curate.tokenization:train_shard", arguments)
    name = f"tokenizers/{key[:12]}"
    [entry] = run_stage(workspace, name, [task], workers=workers, title="train the tokeniser")
    if scored and family in LIKELIHOODS and not entry.result["lossless"]:
        named = f"tokenizer.kind {settings.kind}" if path is None else str(path)
        raise RecipeError(
            f"{named} loses text (white space, rare characters), so bits per byte would mean nothing: use byte-bpe, "
            "bpe or unigram for what is compared or evaluated; `headwater train` goes without a score"
        )
    return entry.here("json")


def build_pool(workspace: Workspace, tokenizer: Path, arms: list[Curated], *, workers: int) -> str:
    """Tokenises the union of the arms' texts; the pool's stage name. The order of the arms does not matter."""
    tokenizer_key = content_key(tokenizer.read_text(encoding="utf-8"))
    arms = sorted(arms, key=lambda arm: arm.key)
    shards = sorted({shard for arm in arms for shard in arm.shards})
    tasks = []
    for shard in shards:
        having = [arm for arm in arms if shard in arm.shards]
        texts = [arm.texts(shard) for arm in having]
        documents = {text.documents.fingerprint: text.documents for text in texts}
        if len(documents) > 1:
            raise HeadwaterError(
                f"shard {shard}: the arms read different documents under this name; give their sources "
                "different names or the same settings"
            )
        [document] = documents.values()
        inputs = [[text.ledger.fingerprint, *(e.fingerprint for e in text.editions)] for text in texts]
        arguments = {
            "documents": str(document.path()),
            "arms": [
                {"ledger": str(text.ledger.path()), "editions": [str(e.path()) for e in text.editions]}
                for text in texts
            ],
            "tokenizer": str(tokenizer),
        }
        key = content_key("pool", VERSION, tokenizer_key, document.fingerprint, inputs)
        tasks.append(Task(shard, key, "headwater.curate.pool:tokenise_shard", arguments))
    # named by all that is in it: a training set goes on pointing at the pool that it was made with
    name = f"pool/{content_key([(task.shard, task.key) for task in tasks])[:12]}"
    run_stage(workspace, name, tasks, workers=workers, title="tokenise")
    return name


def build_training_set(
    workspace: Workspace, recipe: Recipe, curated: Curated, pool: str, tokenizer: Path, *,
    ingested: Ingested | None = None, measured: Measured | None = None,
) -> Path:  # fmt: skip
    """The arm's training set; raises HeadwaterError where no document is kept.

    Its card has a profile of what is `ingested` and `measured`, and the recipe, of which the model and its training
    decide nothing here: where these change (one more family, another `train.tokens`), the card is written anew and the
    training set stays what it was, by its key.
    """
    pooled = workspace.stage(pool).entries()
    private = None if curated.privacy_stage is None else workspace.stage(curated.privacy_stage).entries()
    shards = [
        {
            "shard": shard,
            "documents": str(curated.texts(shard).documents.here()),
            "ledger": str(curated.texts(shard).ledger.here()),
            "pool": str(pooled[shard].here()),
            "privacy": "" if private is None else str(private[shard].here()),
        }
        for shard in sorted(curated.shards)
    ]
    chosen = recipe.curate
    mixed = any(m is not None for m in (chosen.mixture, chosen.mixture_tokens, chosen.mixture_alpha))
    tokens_matter = recipe.train.tokens if mixed else None
    key = content_key(
        "training-set", VERSION, recipe.model_dump(mode="json", include={"name", "sources", "curate"}), tokens_matter,
        curated.key, [pooled[shard["shard"]].fingerprint for shard in shards], content_key(tokenizer.read_text("utf-8")),
    )  # fmt: skip
    folder = workspace.path / "training-sets" / key[:12]
    workspace.used.add(str(folder.relative_to(workspace.path)))
    seen = {} if measured is None else measured.entries
    printed = recipe.model_dump(mode="json", exclude_defaults=True)  # the card has the whole recipe
    printed |= {"tokens": recipe.train.tokens, "max_epochs": recipe.curate.max_epochs}
    card_key = content_key(
        CARD, printed, {f: [(n, e.fingerprint) for n, e in sorted(seen[f].items())] for f in sorted(seen)}
    )
    known = read_json(folder / "manifest.json") or {}
    if (known.get("key"), known.get("card")) == (key, card_key) and is_whole(folder):
        return folder
    temporary = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        _write(temporary, recipe, key, card_key, shards, pool, tokenizer, curated, ingested, measured)
        seal(temporary)
        commit_folder(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _taken_down(curated: Curated) -> int:
    """Documents that the take-down list took out of the shards."""
    shards = [texts.documents.result.get("files", {}) for texts in curated.shards.values()]
    return sum(file["gated"].get(TAKEN_DOWN, 0) for files in shards for file in files.values())


def _write(
    folder: Path, recipe: Recipe, key: str, card_key: str, shards: list[dict[str, str]], pool: str, tokenizer: Path,
    curated: Curated, ingested: Ingested | None, measured: Measured | None,
) -> None:  # fmt: skip
    contents = write_documents(folder / "documents.parquet", shards)
    contents.taken_down = _taken_down(curated)
    if not contents.documents:
        reasons = ", ".join(f"{reason or state} {n:,}" for (state, reason), n in contents.left.most_common(5))
        raise HeadwaterError(
            f"no document is left to train on: {sum(contents.read.values()):,} training documents were read "
            f"and all left ({reasons or 'none was read'}); loosen curate.preset or curate.rules, or try "
            "`curate: {preset: null}` first"
        )
    coder = Tokenizer.load(tokenizer)
    held = contents.by_source(contents.tokens)
    tokens = {source.name: held.get(source.name, 0) for source in recipe.sources if source.role == "train"}
    weights = mixture_weights(recipe.curate, tokens)
    mixture = None
    if weights is not None:
        mixture = mixture_plan(tokens, weights, recipe.train.tokens, recipe.curate.max_epochs)
    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    record: dict[str, Any] = manifest(
        key=key, vocabulary=coder.vocabulary, separator=coder.separator,
        pool=[{"shard": s["shard"], "path": f"../../{pool}/{s['shard']}.bin"} for s in shards],
        contents=contents, mixture=mixture, max_epochs=recipe.curate.max_epochs,
        token_type=token_type(coder.vocabulary).name,
    ) | {"card": card_key}  # fmt: skip
    profile = None
    if ingested is not None and measured is not None:
        profile = _profile(recipe, contents, curated, ingested, measured)
    text = card(
        recipe, contents, key=key, vocabulary=coder.vocabulary, mixture=mixture, asked=weights, profile=profile
    )  # fmt: skip
    (folder / "card.md").write_text(text, encoding="utf-8")
    columns = {field.name: str(field.type) for field in DOCUMENTS_SCHEMA}
    files = {name: _sha256(folder / name) for name in ("documents.parquet", "tokenizer.json")}
    described = croissant(recipe, contents, key=key, columns=columns, files=files)
    (folder / "croissant.json").write_text(described, encoding="utf-8")
    write_json(folder / "manifest.json", record)


def _profile(
    recipe: Recipe, contents: Contents, curated: Curated, ingested: Ingested, measured: Measured
) -> list[str]:
    """Of each source, in Markdown, what was read and measured."""
    ledger = [curated.texts(shard).ledger for shard in sorted(curated.shards)]
    tokens, size = contents.by_source(contents.tokens), contents.by_source(contents.bytes)
    parts: list[str] = []
    for source in recipe.sources[:MOST_PROFILES]:
        own = [shard for shard in sorted(curated.shards) if ingested.source_of[shard] == source.name]
        signals = {
            family: [some[shard] for shard in own if shard in some]
            for family, some in measured.entries.items()
        }
        found = profile_of(
            source.name, source.kind, [curated.texts(shard).documents for shard in own], signals
        )
        count_kept(found, ledger, tokens[source.name] / size[source.name] if size.get(source.name) else None)
        parts += markdown_of(found, level=3)
    if (more := len(recipe.sources) - MOST_PROFILES) > 0:
        parts.append(f"{more:,} more sources: `headwater profile RECIPE`.")
    return parts


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
