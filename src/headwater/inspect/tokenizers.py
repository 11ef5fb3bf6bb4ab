"""`headwater tokenizers compare`: what several tokenisers make of the same texts, language by language.

A tokeniser is a tokenizer.json, a folder that holds one (a run, a training set), or a kind that is trained here on the
recipe's documents (`unigram:16000`). What is measured, on documents of the recipe or on texts of one's own:

    tokens per word         fertility: 1 is a word a token; words as in corpus.text.words (Chinese: segmented)
    tokens per character    the same where words are a matter of opinion
    bytes per token         UTF-8: what a training of N tokens sees of the text
    unknown                 the share of tokens that are the unknown token: what is lost for good
    bytes alone (1-byte)    the share of tokens that are a single byte of a longer character: what is not learnt well
    used                    the share of the vocabulary that occurs
    MB/s                    text encoded in a CPU second, by the fastest encoder whose ids are the same
"""

import json
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import click
import numpy as np
import tokenizers

from headwater.corpus.text import words
from headwater.curate.tokenization import sample_documents
from headwater.engine.workspace import Workspace
from headwater.errors import HeadwaterError
from headwater.inspect.visible import one_line, visible, width
from headwater.model.tokenizer import SEPARATOR, Tokenizer, no_text, train
from headwater.model.tokenizer_kinds import BYTES, KINDS
from headwater.pipeline.ingest import ingest
from headwater.recipe import load_recipe
from headwater.recipe.quantities import parse_count
from headwater.signals.language import measure as language_of

SENTENCES = (
    "The headwater of a river isn't far: 1,234 km.",
    "“我们去过源头，”他用Python写道，「源頭在山裡」。",
)
DEFAULT_VOCABULARY = 8192
SAMPLE = 16 << 20  # bytes of documents that are measured, and that kinds are trained on
_NAME, _COLUMNS = 20, (12, 7, 12, 8, 8, 6, 5)  # of a table 80 columns wide
_SHADES = ("blue", "green", "yellow", "magenta", "cyan")


@dataclass(frozen=True)
class Measures:
    """One tokeniser on the texts of one language."""

    bytes: int
    characters: int
    words: int
    tokens: int
    unknown: int
    single_bytes: int
    used: int  # different tokens
    seconds: float  # of the processor

    @property
    def tokens_per_word(self) -> float:
        return self.tokens / max(1, self.words)

    @property
    def tokens_per_character(self) -> float:
        return self.tokens / max(1, self.characters)

    @property
    def bytes_per_token(self) -> float:
        return self.bytes / max(1, self.tokens)


@dataclass(frozen=True)
class Piece:
    """A token in a sentence: the characters that it covers ("" for a later byte of the same one), and its id."""

    text: str
    token: int
    unknown: bool


@dataclass(frozen=True)
class Compared:
    name: str
    vocabulary: int
    lossless: bool
    languages: dict[str, Measures]
    sentences: tuple[tuple[Piece, ...], ...]


@dataclass(frozen=True)
class Comparison:
    texts: str  # which ones, in words
    sentences: tuple[str, ...]
    tokenizers: tuple[Compared, ...]

    def as_json(self) -> dict[str, Any]:
        value = asdict(self)
        for one, said in zip(self.tokenizers, value["tokenizers"], strict=True):
            for language, measures in one.languages.items():
                said["languages"][language] |= {
                    name: round(getattr(measures, name), 4)
                    for name in ("tokens_per_word", "tokens_per_character", "bytes_per_token")
                }
        return value


class AnyTokenizer:
    """A tokenizer.json of any kind, ours or another's, with or without our separator."""

    def __init__(self, definition: str, where: str) -> None:
        try:
            self.slow = tokenizers.Tokenizer.from_str(definition)
        except Exception as error:  # the library raises plain Exception
            raise HeadwaterError(f"{where}: not a tokenizer.json that can be read ({error})") from error
        self.slow.no_truncation()
        self.slow.no_padding()
        model = json.loads(definition)["model"]
        unknown = model.get("unk_token")
        self.unknown = model.get("unk_id") if unknown is None else self.slow.token_to_id(unknown)
        self.single_bytes = np.array(sorted(_bytes_of(self.slow, model)), np.int64)
        own = self.slow.token_to_id(SEPARATOR) is not None
        self.fast = Tokenizer(definition, where) if own else None

    @cached_property
    def vocabulary(self) -> int:
        return int(self.slow.get_vocab_size(with_added_tokens=True))

    def encode(self, text: str) -> np.ndarray:
        """(tokens,) ids, without the tokens that a template adds."""
        if self.fast is not None:
            return self.fast.encode(text)
        return np.array(self._encoded(text).ids, np.int64)

    def _encoded(self, text: str) -> Any:
        try:
            return self.slow.encode(text, add_special_tokens=False)
        except TypeError as error:
            raise no_text(text) from error

    def loses(self, texts: Sequence[str]) -> bool:
        decode = self.slow.decode if self.fast is None else self.fast.decode
        return any(decode(self.encode(text).tolist()) != text for text in texts)

    def pieces(self, text: str) -> tuple[Piece, ...]:
        encoded = self._encoded(text)
        made, at = [], 0
        for token, (start, end) in zip(encoded.ids, encoded.offsets, strict=True):
            start = max(start, at)
            if start > at:  # what the tokeniser passed over
                made.append(Piece(text[at:start], -1, True))
            made.append(Piece(text[start : max(start, end)], token, token == self.unknown))
            at = max(at, end)
        return (*made, Piece(text[at:], -1, True)) if at < len(text) else tuple(made)


def _bytes_of(tokenizer: Any, model: dict[str, Any]) -> Iterator[int]:
    """Ids of tokens that are one byte and no character: 0x80 and above."""
    for piece in BYTES[0x80:] if model.get("byte_fallback") else ():
        if (token := tokenizer.token_to_id(piece)) is not None:
            yield token
    if "ByteLevel" in str(tokenizer.decoder):
        from headwater.model.tokenizer import _bytes_of_characters

        for character, byte in _bytes_of_characters().items():
            if byte >= 0x80 and (token := tokenizer.token_to_id(character)) is not None:
                yield token


def compare(
    names: Sequence[str], *, recipe: Path | None = None, texts: Sequence[str] = (),
    overrides: Sequence[str] = (), workspace: Path | str | None = None, workers: int = 1,
) -> Comparison:  # fmt: skip
    """Measures each tokeniser on `texts` (files, or sentences) or on the recipe's training documents.

    HeadwaterError where a tokeniser cannot be read, or a kind is to be trained and there is nothing to train it on.
    """
    sentences = [text for text in texts if not _is_file(text)]
    documents = [_read(Path(text)) for text in texts if _is_file(text)]
    said = f"{len(documents)} files" if documents else "the sentences below"
    pool: list[str] = []
    if recipe is not None:
        pool = _pool(recipe, overrides, workspace, workers)
        if not documents:
            documents, said = pool, f"{len(pool):,} training documents of {recipe}"
    sentences = sentences or list(SENTENCES)
    by_language: dict[str, list[str]] = defaultdict(list)
    for text in documents or sentences:
        by_language[language_of(text)[0] or "und"].append(text)
    made = [_compared(name, _tokenizer(name, pool or documents), by_language, sentences) for name in names]
    return Comparison(said, tuple(sentences), tuple(made))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise HeadwaterError(f"{path}: not UTF-8 ({error}); convert it first") from error


def _is_file(text: str) -> bool:
    return len(text) < 1024 and "\n" not in text and Path(text).is_file()


def _pool(recipe: Path, overrides: Sequence[str], workspace: Path | str | None, workers: int) -> list[str]:
    loaded = load_recipe(recipe, list(overrides))
    place = Workspace(workspace or loaded.workspace_path)
    with place.lease():
        ingested = ingest(loaded, place, workers=workers)
    return list(sample_documents([str(entry.here()) for entry in ingested.shards], SAMPLE))


def _tokenizer(name: str, texts: list[str]) -> AnyTokenizer:
    kind, _, size = name.partition(":")
    if kind in KINDS:
        if not texts:
            raise HeadwaterError(f"{name} is a kind to train; give texts by --recipe, or files by --text")
        try:
            vocabulary = parse_count(size) if size else DEFAULT_VOCABULARY
        except ValueError as error:
            raise HeadwaterError(f"{name}: {error}") from error
        return AnyTokenizer(train(texts, vocabulary, kind), name)
    path = Path(name)
    for inside in ("tokenizer.json", "model/tokenizer.json"):
        if path.is_dir() and (path / inside).is_file():
            path = path / inside
            break
    if not path.is_file():
        raise HeadwaterError(
            f"{name}: no tokenizer.json, no folder that holds one, and no kind ({', '.join(KINDS)}, as in bpe:8000)"
        )
    return AnyTokenizer(_read(path), name)


def _compared(
    name: str, tokenizer: AnyTokenizer, by_language: dict[str, list[str]], sentences: list[str]
) -> Compared:
    texts = [text for some in by_language.values() for text in some[:20]]
    return Compared(
        name,
        tokenizer.vocabulary,
        not tokenizer.loses([*texts, *sentences]),
        {language: _measured(tokenizer, some) for language, some in sorted(by_language.items())},
        tuple(tokenizer.pieces(sentence) for sentence in sentences),
    )


def _measured(tokenizer: AnyTokenizer, texts: list[str]) -> Measures:
    tokenizer.encode(texts[0][:1000])
    started = time.process_time()
    ids = [tokenizer.encode(text) for text in texts]
    seconds = time.process_time() - started
    every = np.concatenate(ids) if ids else np.empty(0, np.int64)
    unknown = 0 if tokenizer.unknown is None else int((every == tokenizer.unknown).sum())
    return Measures(
        sum(len(text.encode()) for text in texts),
        sum(map(len, texts)),
        sum(len(words(text)) for text in texts),
        len(every),
        unknown,
        int(np.isin(every, tokenizer.single_bytes).sum()),
        len(np.unique(every)),
        seconds,
    )


# ---------------------------------------------------------------- for a terminal


def lines_of(comparison: Comparison) -> list[str]:
    """A table a language, then each sentence in the colours of its tokens; colours go where it is no terminal."""
    lines = [f"measured on {comparison.texts}"]
    languages = sorted({language for one in comparison.tokenizers for language in one.languages})
    names = [_fitted(one.name) for one in comparison.tokenizers]
    head = ("tokeniser", "tokens/word", "/char", "bytes/token", "unknown", "1-byte", "used", "MB/s")
    for language in languages:
        lines += ["", f"{language}", _row(head)]
        for name, one in zip(names, comparison.tokenizers, strict=True):
            m = one.languages[language]
            speed = m.bytes / m.seconds / 1e6 if m.seconds > 0 else float("nan")
            lines.append(
                _row((name, f"{m.tokens_per_word:.2f}", f"{m.tokens_per_character:.3f}", f"{m.bytes_per_token:.2f}",
                      f"{m.unknown / max(1, m.tokens):.2%}", f"{m.single_bytes / max(1, m.tokens):.2%}",
                      f"{m.used / max(1, one.vocabulary):.0%}", f"{speed:.1f}"))
            )  # fmt: skip
    for one, name in zip(comparison.tokenizers, names, strict=True):
        loss = "" if one.lossless else "  LOSES TEXT: no bits per byte"
        lines += ["", f"{name}  {one.vocabulary:,} tokens{loss}"]
        for pieces in one.sentences:
            lines.append(f"  {sum(piece.token >= 0 for piece in pieces):>3}  {_coloured(pieces)}")
    return lines


def _row(cells: Sequence[str]) -> str:
    name = cells[0] + " " * (_NAME - width(cells[0]))
    return f"  {name}" + "".join(
        f"{cell:>{columns}}" for cell, columns in zip(cells[1:], _COLUMNS, strict=True)
    )


def _fitted(name: str) -> str:
    """The end of a name that is too long: a path's last part says most."""
    shown = one_line(name)
    while width(shown) > _NAME:
        shown = "…" + shown.removeprefix("…")[1:]
    return shown


def _coloured(pieces: Sequence[Piece]) -> str:
    """Tokens in turn of five colours, parted by · so that they are told apart without them; the unknown in red."""
    parts = []
    for number, piece in enumerate(pieces):
        shade = "red" if piece.unknown else _SHADES[number % len(_SHADES)]
        parts.append(click.style(visible(piece.text).replace("\n", "⏎") or "∙", fg=shade))
    return "·".join(parts)
