"""The card of a training set: `card.md` for people, `croissant.json` (MLCommons Croissant 1.0) for machines.

Every value that comes from a document or a path is escaped: a licence, a language or a source may hold anything.
"""

import json
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

from headwater.curate.responsible import CONFORMS, CONTEXT, responsible_ai
from headwater.curate.training_set import Contents, Mixture
from headwater.recipe.quantities import show_count, show_size
from headwater.recipe.settings import Recipe

_ROWS = 50  # of each table; the rest is one line
PROFILE = (
    "Of each source the documents as they were read, before any was dropped; quantiles are approximate. `headwater profile "
    "RECIPE` shows the same of more signals."
)
_VALUES = 3  # licences of a source that its row names


def safe(value: object, limit: int = 120) -> str:
    """One line of Markdown that shows a value and does nothing.

    Markup becomes entities or escapes; control characters, line ends and bidirectional overrides become visible.
    """
    shown = []
    text = str(value)
    for character in text[:limit]:
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            shown.append(f"\\\\u{ord(character):04x}")
        elif character in "&<>\"'":
            shown.append(f"&#{ord(character)};")
        elif character in "\\`*_{}[]()#+!|~:@":
            shown.append("\\" + character if character not in ":@" else f"&#{ord(character)};")
        else:
            shown.append(character)
    return "".join(shown) + ("…" if len(text) > limit else "")


def card(
    recipe: Recipe, contents: Contents, *, key: str, vocabulary: int, mixture: Mixture | None,
    asked: dict[str, float] | None = None, profile: list[str] | None = None,
) -> str:  # fmt: skip
    """The card as Markdown. `asked`: the weights that the recipe asks for, before the limit on epochs; `profile`: parts
    of Markdown that say of each source what was read."""
    documents, tokens = sum(contents.documents.values()), sum(contents.tokens.values())
    size = sum(contents.bytes.values())
    parts = [
        f"# Training set {safe(recipe.name)}",
        f"{documents:,} documents, {show_size(size)} of text, {show_count(tokens)} tokens of a vocabulary of "
        f"{vocabulary:,}. Key `{key}`. Made by Headwater from the recipe at the end of this card.",
        "## Sources",
        _sources(recipe, contents, tokens),
        "Licence, date and consent are what the source or the record states; nobody has checked them. “not stated” is "
        "not a permission.",
        "## Languages",
        table(
            ["source", "language", "documents", "bytes", "tokens", "share of tokens"],
            [
                [safe(source), safe(language), f"{number:,}", show_size(contents.bytes[source, language]),
                 show_count(contents.tokens[source, language]),
                 f"{contents.tokens[source, language] / max(1, tokens):.1%}"]
                for (source, language), number in _by_size(contents.documents)
            ],
        ),
        _mixture(recipe, contents, mixture, asked or recipe.curate.mixture or {}, tokens),
        "## Where it comes from",
        table(["source", "paths"], [
            [safe(source.name), ", ".join(safe(path) for path in source.paths[:10])] for source in recipe.sources
        ]),
        table(["source", "licence", "documents"], _pairs(contents.licenses)),
        table(["source", "consent (robots, TDM, noai)", "documents"], _pairs(contents.consent)),
        *(["## Profile", PROFILE, *profile] if profile else []),
        "## What was left out",
        _left_out(contents),
        *_personal_data(recipe, contents),
        "## From a token to its document",
        "`documents.parquet` has a row a text: its tokens are `offset` to `offset + length` of the pool's "
        "`shard`; `headwater why ID` shows the document, its locator and URL, and what was decided about it.",
        "## Recipe",
        _indented(json.dumps(recipe.model_dump(mode="json", exclude_defaults=True), ensure_ascii=False, indent=1)),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def _sources(recipe: Recipe, contents: Contents, tokens: int) -> str:
    """A row a source, also for one that nothing is left of."""
    held, documents = contents.by_source(contents.tokens), contents.by_source(contents.documents)
    return table(
        ["source", "kind", "documents", "tokens", "share of tokens", "licences", "dates", "consent"],
        [
            [safe(source.name), source.kind, f"{documents.get(source.name, 0):,}",
             show_count(held.get(source.name, 0)), f"{held.get(source.name, 0) / max(1, tokens):.1%}",
             _most(contents.licenses, source.name), _dates(contents, source.name),
             _most(contents.consent, source.name)]
            for source in recipe.sources
        ],
    )  # fmt: skip


def _most(counts: Counter[tuple[str, str]], source: str) -> str:
    """A source's most frequent values with their documents; the whole list is a table of its own."""
    own = [(value, number) for (of, value), number in _by_size(counts) if of == source]
    shown = [f"{safe(value, 60)} ({number:,})" for value, number in own[:_VALUES]]
    return "; ".join([*shown, f"and {len(own) - _VALUES} more"] if len(own) > _VALUES else shown) or "–"


def _dates(contents: Contents, source: str) -> str:
    if source not in contents.dates:
        return "not stated"
    first, last = contents.dates[source]
    return f"{first} to {last} ({contents.dated[source]:,} dated)" if first != last else first


def _mixture(
    recipe: Recipe, contents: Contents, mixture: Mixture | None, asked: dict[str, float], tokens: int
) -> str:
    if mixture is None:
        epochs = recipe.train.tokens / max(1, tokens)
        line = (
            f"No mixture: sources weigh what they hold. A training of {show_count(recipe.train.tokens)} tokens "
            f"sees each text {epochs:.2g} times."
        )
        if epochs > recipe.curate.max_epochs:
            line += (
                f" **That is more than the limit of {recipe.curate.max_epochs:g}**: lower train.tokens, raise "
                "curate.max_epochs or add text."
            )
        return line
    total = sum(asked.values())
    held = contents.by_source(contents.tokens)
    weights = table(
        ["source", "weight asked for", "weight", "tokens", "epochs"],
        [[safe(s), f"{asked[s] / total:.1%}", f"{mixture.weights[s]:.1%}", show_count(held.get(s, 0)),
          f"{mixture.epochs[s]:.2g}"] for s in sorted(mixture.weights)],
    )  # fmt: skip
    line = f"Weights and epochs are for a training of {show_count(recipe.train.tokens)} tokens."
    if recipe.curate.mixture_alpha is not None:
        line += f" A source of n tokens weighs n to the power of {recipe.curate.mixture_alpha:g}."
    if recipe.curate.mixture_tokens is not None and total != recipe.train.tokens:
        line += f" The tokens asked for add up to {show_count(total)}, and are scaled to that."
    if mixture.limited:
        line += (
            f" {', '.join(safe(source) for source in mixture.limited)} would have been repeated more than "
            f"{recipe.curate.max_epochs:g} times and is held at that limit; the others take what it leaves."
        )
    return f"{weights}\n\n{line}"


def _left_out(contents: Contents) -> str:
    read = sum(contents.read.values())
    kept = sum(contents.documents.values())
    heldout = sum(contents.heldout.values())
    line = (
        f"Of {read:,} training documents ({show_size(contents.read_bytes)}) {kept:,} are kept, {contents.edited:,} "
        f"of them edited. {heldout:,} documents are held out for evaluation and are not among these."
    )
    if contents.taken_down:
        line += (
            f" {contents.taken_down:,} more are on the recipe's take-down list and in nothing that was "
            "made from it."
        )
    rows = [
        [safe(state), safe(reason), f"{number:,}", show_size(contents.left_bytes[state, reason])]
        for (state, reason), number in _by_size(contents.left)
    ]
    return f"{line}\n\n{table(['state', 'reason', 'documents', 'bytes'], rows)}".rstrip()


_HOW = {
    "replace": "replaced by a token of its type, as in <EMAIL>",
    "mask": "masked, letter by letter",
    "surrogate": "replaced by made values, the same one for the same value",
}


def _personal_data(recipe: Recipe, contents: Contents) -> list[str]:
    settings = recipe.curate.privacy
    if settings is None:
        return ["## Personal data", "Nothing was done about personal data (`curate.privacy`)."]
    found = [[safe(kind), f"{contents.personal[kind]:,}"] for kind in settings.kinds]
    line = (
        f"Personal data is {safe(_HOW[settings.how])}: {sum(contents.personal.values()):,} places in the kept documents. "
        "It is found by pattern, checksum and cue; what is written in another form is still there."
    )
    return ["## Personal data", line, table(["type", "places"], found)]


def _pairs(counts: Counter[tuple[str, str]]) -> list[list[str]]:
    return [[safe(source), safe(value), f"{number:,}"] for (source, value), number in _by_size(counts)]


def _by_size(counts: Counter[tuple[str, str]]) -> list[tuple[tuple[str, str], int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def table(head: list[str], rows: list[list[str]]) -> str:
    if not rows:
        return ""
    lines = [head, ["---"] * len(head), *rows[:_ROWS]]
    if len(rows) > _ROWS:
        lines.append([f"… {len(rows) - _ROWS:,} more"] + [""] * (len(head) - 1))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _indented(text: str) -> str:
    """A code block by indentation: nothing in the text can close it, as it could close a fence."""
    return "\n".join("    " + line for line in text.splitlines())


# ---------------------------------------------------------------- Croissant

_CONTEXT: dict[str, Any] = {
    "@language": "en", "@vocab": "https://schema.org/", "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/", "dct": "http://purl.org/dc/terms/", "conformsTo": "dct:conformsTo",
    "recordSet": "cr:recordSet", "field": "cr:field", "source": "cr:source", "fileObject": "cr:fileObject",
    "extract": "cr:extract", "column": "cr:column", "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
}  # fmt: skip
_TYPES = {"string": "sc:Text", "int64": "sc:Integer"}


def _based_on(source: str, contents: Contents) -> dict[str, Any]:
    """One source as schema.org says it; consent stands under `usageInfo`."""
    counts = {
        "documents": contents.by_source(contents.documents),
        "tokens": contents.by_source(contents.tokens),
    }
    said: dict[str, Any] = {
        "@type": "sc:Dataset",
        "name": source,
        "license": sorted(value for of, value in contents.licenses if of == source),
        "usageInfo": sorted(value for of, value in contents.consent if of == source),
        "size": [
            {"@type": "sc:QuantitativeValue", "value": held.get(source, 0), "unitText": unit}
            for unit, held in counts.items()
        ],
    }
    if source in contents.dates:
        said["temporalCoverage"] = "/".join(contents.dates[source])
    return said


def croissant(
    recipe: Recipe, contents: Contents, *, key: str, columns: dict[str, str], files: dict[str, str]
) -> str:
    """The same as JSON-LD. `columns` are names and types of documents.parquet; `files` names and sha256."""
    licences = sorted({licence for _, licence in contents.licenses})
    document = {
        "@context": _CONTEXT | CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.0", CONFORMS],
        "name": recipe.name,
        "version": key,
        "description": f"Training set of the Headwater recipe {recipe.name}: "
        f"{sum(contents.documents.values())} documents, {sum(contents.tokens.values())} tokens.",
        "license": licences,
        "inLanguage": sorted({language for _, language in contents.documents}),
        "isBasedOn": [_based_on(source.name, contents) for source in recipe.sources],
        **responsible_ai(recipe, contents),
        "distribution": [
            {"@type": "cr:FileObject", "@id": name, "name": name, "contentUrl": name, "sha256": digest,
             "encodingFormat": "application/json" if Path(name).suffix == ".json" else "application/x-parquet"}
            for name, digest in sorted(files.items())
        ],
        "recordSet": [{
            "@type": "cr:RecordSet", "@id": "documents", "name": "documents",
            "field": [
                {"@type": "cr:Field", "@id": f"documents/{name}", "name": name, "dataType": _TYPES[kind],
                 "source": {"fileObject": {"@id": "documents.parquet"}, "extract": {"column": name}}}
                for name, kind in columns.items()
            ],
        }],
    }  # fmt: skip
    # a page may embed it in a script element: nothing in it can close one
    return json.dumps(document, ensure_ascii=False, indent=1).replace("<", "\\u003c") + "\n"
