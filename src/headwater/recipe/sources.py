"""The recipe's sources: what every source may say, and one model a kind.

A reader of the same name under `headwater.sources` does what the model says; `sources/kinds.py` joins the two.
"""

from pathlib import Path
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


class UrlWords(Settings):
    """Files of words, one a line (RefinedWeb, appendix G.1): one strict word anywhere in an address is enough, or one
    hard word that stands as a word, or `at_least` different soft ones."""

    strict: list[str] = Field(default_factory=list)
    hard: list[str] = Field(default_factory=list)
    soft: list[str] = Field(default_factory=list)
    at_least: Annotated[int, Field(ge=1)] = 2


class Urls(Settings):
    """Which pages are taken by their address, before anything is made of them.

    `lists`: by a name of your own, files of domains, hosts, addresses and prefixes, plain or .gz, relative to the
    recipe; pages on one are gated as `url:list:<name>`. `words`: `headwater` is a short list of our own. `per_host`
    and `per_domain`: at most so many pages of one input file. `address`: what documents have for their URL.
    """

    lists: dict[Annotated[str, Field(pattern=r"^[\w.-]+$", max_length=64)], list[str]] = Field(
        default_factory=dict
    )
    words: Literal["headwater"] | UrlWords | None = None
    per_host: Annotated[int, Field(ge=1)] | None = None
    per_domain: Annotated[int, Field(ge=1)] | None = None
    address: Literal["as_found", "normal", "without_tracking"] = "as_found"

    def files(self) -> list[str]:
        """Every file that decides which pages are taken."""
        words = self.words if isinstance(self.words, UrlWords) else UrlWords()
        lists = [file for _, files in sorted(self.lists.items()) for file in files]
        return [*lists, *words.strict, *words.hard, *words.soft]

    def below(self, folder: Path) -> "Urls":
        """The same with absolute paths; what is relative is taken from `folder`."""

        def absolute(files: list[str]) -> list[str]:
            return [str(folder / Path(file).expanduser()) for file in files]

        words = self.words
        if isinstance(words, UrlWords):
            words = words.model_copy(
                update={name: absolute(getattr(words, name)) for name in ("strict", "hard", "soft")}
            )
        lists = {name: absolute(files) for name, files in self.lists.items()}
        return self.model_copy(update={"lists": lists, "words": words})


class WarcSource(BaseSource):
    """WARC and WET (.gz, .zst, .lz4), ARC (.gz). `text`: `main` is the main text of a page, `all` is all of its
    visible text, `wet` is what is plain text already and nothing else."""

    kind: Literal["warc"]
    text: Literal["main", "all", "wet"] = "main"
    max_record: Size = 16 * 2**20  # larger payloads are quarantined
    urls: Urls | None = None


class HtmlSource(BaseSource):
    """Saved pages: .html, .htm, .xhtml, .shtml, .mhtml, .mht (.gz), and zip or tar archives of them."""

    kind: Literal["html"]
    text: Literal["main", "all"] = "main"
    max_record: Size = 16 * 2**20  # larger pages are quarantined
    urls: Urls | None = None


Source = Annotated[FilesSource | HtmlSource | WarcSource, Field(discriminator="kind")]
SOURCES: dict[str, type[BaseSource]] = {"files": FilesSource, "html": HtmlSource, "warc": WarcSource}
