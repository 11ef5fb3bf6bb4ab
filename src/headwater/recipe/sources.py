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
    """txt, md, json, jsonl (.gz, .zst, .bz2, .xz), csv, tsv, parquet, arrow. `columns` maps document fields to
    columns; a dot leads into a nested one (`message.content`)."""

    kind: Literal["files"]
    columns: dict[
        Literal["text", "id", "url", "title", "date", "license", "language", "author", "register", "unit"],
        str,
    ] = Field(default_factory=dict)
    encoding: str = "auto"  # "auto": BOM, then UTF-8, then detection


class HuggingfaceSource(BaseSource):
    """A dataset of a hub: `hf://datasets/org/name[@revision][/files]`, or a local folder in that layout. Licence and
    language are those of its card, where the recipe or a column does not say otherwise."""

    kind: Literal["huggingface"]
    config: str | None = (
        None  # a name among the card's `configs`; default: the one named default, or the only one
    )
    split: str = "train"  # `all`: every split
    columns: dict[
        Literal["text", "id", "url", "title", "date", "license", "language", "author", "register", "unit"],
        str,
    ] = Field(default_factory=dict)
    encoding: str = "auto"


class CodeSource(BaseSource):
    """Folders of repositories, archives of them, git's own folders (`…/HEAD`), and rows like The Stack's.

    `keep`: what is gated unless it is named here; `unknown` are files of no known language. `licenses`: SPDX ids, or
    `permissive`; what nobody knows the licence of is then gated, too.
    """

    kind: Literal["code"]
    languages: list[str] | None = None  # as linguist names them; default: all that are known
    licenses: list[str] | None = None
    keep: list[Literal["generated", "minified", "vendored", "data", "unknown"]] = Field(default_factory=list)
    # larger files are gated, as The Stack does: they are data as a rule
    max_file: Annotated[Size, Field(ge=1)] = 2**20
    columns: dict[
        Literal["text", "id", "url", "date", "license", "author", "language", "repository", "path"], str
    ] = Field(default_factory=dict)
    encoding: str = "auto"


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


class BooksSource(BaseSource):
    """Project Gutenberg (txt, html), EPUB, plain novels, poems in JSON; .gz, .zst, .bz2, zip, tar.

    `split`: a document is a whole `book`, or a `chapter`.
    """

    kind: Literal["books"]
    split: Literal["book", "chapter"] = "book"
    encoding: str = "auto"  # of text files; "auto": BOM, then UTF-8, then detection


class NewsSource(BaseSource):
    """RSS, Atom, NITF and NewsML-G2, news pages (.html), CC-NEWS (.warc). `.gz`, zip, tar.

    `text: full` takes only those items of a feed that hold the whole article, `any` also its summary.
    """

    kind: Literal["news"]
    text: Literal["any", "full"] = "any"


class PapersSource(BaseSource):
    """LaTeX (.tex, a paper's .tar.gz or .zip, arXiv's bulk .tar) and PDF."""

    kind: Literal["papers"]
    max_pages: Annotated[int, Field(ge=1)] = 1000  # a PDF of more is quarantined


class DialogueSource(BaseSource):
    """IRC logs, mailboxes, subtitles and JSON of conversations, told apart by their names and beginnings."""

    kind: Literal["dialogue"]
    format: Literal["auto", "irc", "mbox", "subtitles", "json"] = "auto"
    speakers: Literal["names", "letters", "none"] = "names"  # what stands before each utterance
    columns: dict[Literal["turns", "speaker", "text", "id"], str] = Field(default_factory=dict)  # of JSON
    gap: Annotated[int, Field(gt=0)] | None = None  # minutes of silence that end a conversation of a chat log
    events: Literal["drop", "keep"] = "drop"  # who came, left or changed a name or topic
    quotes: Literal["cut", "keep"] = "cut"  # what a mail repeats of the one it answers
    signatures: Literal["cut", "keep"] = "cut"
    encoding: str = "auto"


class ForumSource(BaseSource):
    """StackExchange dumps (Posts.xml or .7z) and JSON lines of threads: a question with its answers is a document."""

    kind: Literal["forum"]
    site: str | None = None  # for the URLs; default: from the archive's or folder's name
    order: Literal["score", "accepted", "date"] = "score"  # of the answers
    min_score: int | None = None  # of the question; below it the thread is gated
    min_answers: Annotated[int, Field(ge=0)] = 0
    min_answer_score: int | None = None  # answers below it are left out
    closed: Literal["keep", "gate"] = "keep"
    comments: bool = False


class WikipediaSource(BaseSource):
    """MediaWiki dumps (.xml, .bz2, .gz, .zst). `namespaces`: numbers of those whose pages are documents, 0 being the
    articles. `variant`: what the language conversion marks of Chinese pages resolve to; `auto` is the script that a
    page is mostly in, and of several choices for it the first."""

    kind: Literal["wikipedia"]
    namespaces: Annotated[list[int], Field(min_length=1)] = [0]
    variant: Annotated[str, Field(pattern=r"^(auto|[a-z]{2,3}(-[a-z]+)*)$", max_length=32)] = "auto"


class HtmlSource(BaseSource):
    """Saved pages: .html, .htm, .xhtml, .shtml, .mhtml, .mht (.gz), and zip or tar archives of them."""

    kind: Literal["html"]
    text: Literal["main", "all"] = "main"
    max_record: Size = 16 * 2**20  # larger pages are quarantined
    urls: Urls | None = None


Source = Annotated[
    FilesSource
    | HuggingfaceSource
    | CodeSource
    | WarcSource
    | BooksSource
    | NewsSource
    | PapersSource
    | DialogueSource
    | ForumSource
    | WikipediaSource
    | HtmlSource,
    Field(discriminator="kind"),
]
RowsSource = FilesSource | CodeSource | HuggingfaceSource  # whose documents may be the rows of a table
SOURCES: dict[str, type[BaseSource]] = {
    "files": FilesSource,
    "huggingface": HuggingfaceSource,
    "code": CodeSource,
    "warc": WarcSource,
    "books": BooksSource,
    "news": NewsSource,
    "papers": PapersSource,
    "dialogue": DialogueSource,
    "forum": ForumSource,
    "wikipedia": WikipediaSource,
    "html": HtmlSource,
}
