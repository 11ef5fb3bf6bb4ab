"""Whom a key of `curate.preset` and `curate.rules` concerns: all documents, a language, a kind of source, one source.

    preset: {en: fineweb, zh: fineweb2-zh, code: null, dialogue: null}
    rules:  {"*": {…}, zh: {…}, papers: {…}, my-blog: {…}}

Of the presets a document has the one that is said for the fewest documents: its source's, else its kind's, else its
language's, else that of "*"; null is no preset. Rules add up, and of two bounds of one signal the same order decides.
A key of two letters is a language. One of three is a source where the recipe has one of that name, else a language.
"""

import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from headwater.errors import RecipeError
from headwater.recipe.languages import CODES, no_language
from headwater.recipe.settings import Curate
from headwater.recipe.sources import SOURCES

ANY = "*"


class Scopes:
    """The keys of a recipe sorted by what they are; RecipeError where one is nothing.

    `presets`: the keys of `curate.preset`, each with the languages that its preset has a part for ("*": for all).
    """

    def __init__(
        self, settings: Curate, sources: Mapping[str, str], presets: Mapping[str, Collection[str]]
    ) -> None:
        places = [("preset", key) for key in presets] + [("rules", key) for key in settings.rules]
        self._sources = sources
        self.languages: list[str] = []
        named: list[str] = []
        for place, key in places:
            if key in SOURCES or (len(key) != 2 and key in sources):
                named.append(key)
            elif re.fullmatch(r"[a-z]{2,3}", key):
                if key not in CODES:
                    raise RecipeError(f"curate.{place}: {no_language(key)}")
                self.languages.append(key)
                if (parts := presets.get(key)) and not {ANY, key} & set(parts):
                    raise RecipeError(
                        f"curate.preset.{key}: this preset has nothing for {key}; it is for {', '.join(sorted(parts))}"
                    )
            elif key != ANY:
                raise RecipeError(f"curate.{place}: {_nothing(key, sources)}")
        if unknown := [name for name in settings.leave_out if name not in sources]:
            raise RecipeError(
                f"curate.leave_out: there is no source {unknown[0]!r}; the sources are {', '.join(sources) or 'not given'}"
            )
        own = {*named, *settings.leave_out}
        self.sources = sorted(name for name, kind in sources.items() if name in own or kind in named)
        parted = {part for key in (ANY, *named) for part in presets.get(key, ()) if part != ANY}
        self.languages = sorted({*self.languages, *parted})
        self._named = named
        # the languages and the sources for which the recipe names a preset, or null
        keys = {*presets, *presets.get(ANY, ())}
        self.chosen = (
            *(language for language in self.languages if language in keys),
            *(name for name, kind in sources.items() if not {name, kind}.isdisjoint(presets)),
        )

    def tracks(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """(track, the keys that concern it, that of the fewest documents last); a wider track before the narrower."""
        for language in [*self.languages, ANY]:
            yield language, tuple(dict.fromkeys((ANY, language)))
        for source in self.sources:
            own = [key for key in (self._sources[source], source) if key in self._named]
            for language in [ANY, *self.languages]:
                yield f"{source}:{language}", tuple(dict.fromkeys((ANY, language, *own)))

    def wider(self, track: str) -> str | None:
        """The track of a source that its documents are in where there is none for their language."""
        source, _, language = track.rpartition(":")
        return f"{source}:{ANY}" if source and language != ANY else None


def language_of(track: str) -> str:
    return track.rpartition(":")[2]


def track_of(tracks: Sequence[str], source: str, language: str) -> str:
    """The track of a document, of those that a plan has."""
    names = (f"{source}:{language}", f"{source}:{ANY}", language)
    return next((name for name in names if name in tracks), ANY)


def _nothing(key: str, sources: Mapping[str, str]) -> str:
    known = sorted({*SOURCES, *sources})
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"the sources are {', '.join(sources) or 'not given'}"
    return (
        f"{key!r} is no language, kind or source; expected a code such as en or zh, a kind of source such as code, "
        f'the name of a source, or "*" ({hint})'
    )
