"""The recipe's sources: what every source may say, and one model a kind.

A reader of the same name under `headwater.sources` does what the model says; `sources/kinds.py` joins the two.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from headwater.recipe.quantities import Size


class Settings(BaseModel):
    """Refuses unknown keys and does not coerce types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Unit(Settings):
    """What is split and resampled: derived from one property of a document, optionally by a pattern.

    `pattern` is a regular expression searched in that property; its first group (or the whole match) is the
    unit. A document that the pattern does not fit is a unit of its own.
    """

    by: Literal["author", "site", "folder", "file", "url", "path", "document"]
    pattern: str | None = None


class BaseSource(Settings):
    kind: str
    name: Annotated[str, Field(pattern=r"^[\w.-]+$", max_length=64)]
    paths: Annotated[list[str], Field(min_length=1)]  # globs, relative to the recipe's folder
    root: str | None = None  # what ids and locators are relative to; default: the globs' fixed prefix
    role: Literal["train", "reference"] = "train"
    unit: Unit | None = None  # default: the kind's own (warc: site; files: author column, else file)
    domain: str | None = None  # default: the source's name
    license: str | None = None
    language: str | None = None  # as declared; measured anyway


class FilesSource(BaseSource):
    """txt, md, json, jsonl (.gz, .zst), csv, tsv, parquet. `columns` maps document fields to columns."""

    kind: Literal["files"]
    columns: dict[
        Literal["text", "id", "url", "title", "date", "license", "language", "author", "unit"], str
    ] = Field(default_factory=dict)
    encoding: str = "auto"  # "auto": BOM, then UTF-8, then detection


class WarcSource(BaseSource):
    """WARC (.gz, .zst, .lz4). `text`: `main` is the main text of a page, `all` is all of its visible text."""

    kind: Literal["warc"]
    text: Literal["main", "all"] = "main"
    max_record: Size = 16 * 2**20  # larger payloads are quarantined


class WikipediaSource(BaseSource):
    """MediaWiki dumps (.xml, .bz2, .gz, .zst). `namespaces`: numbers of those whose pages are documents, 0 being the
    articles. `variant`: what the language conversion marks of Chinese pages resolve to; `auto` is the script that a
    page is mostly in, and of several choices for it the first."""

    kind: Literal["wikipedia"]
    namespaces: Annotated[list[int], Field(min_length=1)] = [0]
    variant: Annotated[str, Field(pattern=r"^(auto|[a-z]{2,3}(-[a-z]+)*)$", max_length=32)] = "auto"


Source = Annotated[FilesSource | WarcSource | WikipediaSource, Field(discriminator="kind")]
SOURCES: dict[str, type[BaseSource]] = {
    "files": FilesSource,
    "warc": WarcSource,
    "wikipedia": WikipediaSource,
}
