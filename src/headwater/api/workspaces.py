"""What a workspace, a text or this machine has to say, and how it is kept."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headwater.curate.contamination_report import Report
    from headwater.engine.status import Status
    from headwater.engine.upkeep import Unneeded
    from headwater.inspect.audit import Audit
    from headwater.inspect.doctor import Check
    from headwater.inspect.page import PagePreview
    from headwater.inspect.portrait import Profile
    from headwater.inspect.preview import Preview
    from headwater.inspect.sql import Table
    from headwater.inspect.whatif_answer import WhatIf
    from headwater.inspect.why import Why

PathLike = Path | str


def why(workspace: PathLike, document: str, *, unmasked: bool = False) -> "Why":
    """Why a document (an id, or its first digits) was kept or dropped; `unmasked`: with personal data as it is."""
    from headwater.inspect import masked
    from headwater.inspect.why import why

    with masked.unmasked(unmasked):
        return why(workspace, document)


def contamination(recipe: PathLike, tasks: Sequence[PathLike], **options: Any) -> "Report":
    """Which items of evaluation sets (files or folders) occur in a recipe's documents, by benchmark and domain.

    The options are those of `pipeline.contamination.contamination`: words, characters, workspace, workers, limit.
    """
    from headwater.pipeline.contamination import contamination

    return contamination(Path(recipe), [Path(path) for path in tasks], **options)


def whatif(recipe: PathLike, rules: Sequence[str] = (), **options: Any) -> "WhatIf":
    """What other rules would change in a recipe's ledger: "gopher.words.min=20". The options are those of
    `inspect.whatif.whatif`."""
    from headwater.inspect.whatif import whatif

    return whatif(Path(recipe), rules, **options)


def profile(recipe: PathLike, **options: Any) -> "Profile":
    """What a recipe has read, source by source. The options are those of `inspect.portrait.profile`."""
    from headwater.inspect.portrait import profile

    return profile(Path(recipe), **options)


def audit(recipe: PathLike, number: int = 200, *, workspace: PathLike | None = None) -> "Audit":
    """Documents of a recipe drawn blind, to be labelled; `report()` says precision and recall."""
    from headwater.inspect.audit import Audit

    return Audit(Path(recipe), number, workspace=None if workspace is None else workspace_place(workspace))


def sql(workspace: PathLike, query: str, *, unmasked: bool = False) -> "Table":
    """Asks a workspace in SQL: views documents, ledger, signals, quarantine, files, clusters; `unmasked` as for `why`."""
    from headwater.inspect import masked
    from headwater.inspect.sql import sql

    with masked.unmasked(unmasked):
        return sql(workspace, query)


def preview(
    recipe: PathLike, *, limit: int = 20, overrides: Sequence[str] = (), workers: int = 1
) -> "Preview":
    """What a recipe would do with its first documents, in a workspace that is thrown away."""
    from headwater.inspect.preview import preview

    return preview(Path(recipe), limit=limit, overrides=tuple(overrides), workers=workers)


def names_page(argument: str) -> bool:
    """Whether it names one page (a web address, a saved page, a record of a web archive), not a recipe."""
    from headwater.sources.single import names_page

    return names_page(argument)


def preview_page(argument: str, **manners: Any) -> "PagePreview":
    """What the extraction makes of one page, block by block; how the web is asked is as of
    `sources.fetch.single.fetch_page`."""
    from headwater.inspect.page import preview_page

    return preview_page(argument, **manners)


def status(workspace: PathLike) -> "Status":
    """What is done, running and failed in a workspace, at what rate, and how long it will take."""
    from headwater.engine.status import status_of

    return status_of(workspace_place(workspace))


def verify(workspace: PathLike) -> tuple[int, list[str]]:
    """Re-hashes every committed file: how many, and what is wrong with some."""
    from headwater.engine.upkeep import verify
    from headwater.engine.workspace import Workspace

    return verify(Workspace(workspace_place(workspace)))


def gc(workspace: PathLike, *, delete: bool = False) -> "list[Unneeded]":
    """What no recipe needs any more; `delete` frees it."""
    from headwater.engine.upkeep import free, unneeded
    from headwater.engine.workspace import Workspace

    place = Workspace(workspace_place(workspace))
    return free(place) if delete else unneeded(place)


def report(workspace: PathLike, out: PathLike = "report.html", *, language: str = "en") -> Path:
    """One HTML file on what the workspace holds."""
    from headwater.engine.workspace import Workspace
    from headwater.studio.report import report

    return report(Workspace(workspace_place(workspace)), Path(out), language=language)


def workspace_place(workspace: PathLike) -> Path | str:
    """A folder, or the URL of a workspace in a store."""
    return str(workspace) if "://" in str(workspace) else Path(workspace)


def doctor() -> "list[Check]":
    """What this machine has, what is missing, and how to get it."""
    from headwater.inspect.doctor import doctor

    return doctor()
