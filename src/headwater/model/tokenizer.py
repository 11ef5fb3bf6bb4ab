"""Byte-level BPE (Sennrich 2016; bytes as in GPT-2, Radford 2019): lossless for any text.

Trained by `tokenizers`, whose `tokenizer.json` is the one file that defines a tokeniser; texts are encoded by
tiktoken, four times faster, wherever the two must agree (see `_fast`), else by `tokenizers`.

The pattern that cuts text before BPE is GPT-4's in spirit, changed for Chinese:

- Han, kana and bopomofo form pieces of their own. GPT-2's and GPT-4's patterns see "letters", so `用Python写` is
  one piece, and GPT-4's takes one punctuation mark along, so `，我们` is learnt beside `。我们` and `我们`.
- A run of Han characters is not cut further: merges find words and phrases, as spaces do not.
- Latin and other letters take one space along (GPT-2), combining marks belong to letters (Indic scripts).
- Up to three digits a piece (GPT-4): numbers do not fill the vocabulary.
- Runs of spaces are cut at 64, so no text can blow up the backtracking of a regular expression.

`<|endoftext|>` is token 0: the separator between texts and the beginning of each. In a text it is only
characters and is encoded as such.
"""

import json
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import tiktoken
import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

from headwater.errors import HeadwaterError
from headwater.model.special_tokens import SpecialTokens, role_names
from headwater.model.tokenizer_kinds import BYTES, train_other

SEPARATOR = "<|endoftext|>"
# what separates texts in tokenisers from elsewhere that have no such token
OTHER_SEPARATORS = ("<|end_of_text|>", "</s>", "[SEP]", "<sep>", "<eos>")
_TELLING = (
    "源头 headwater\r\n\tÉté 1,234 «»",
    "\u0000\u200b🏔️ 山，水。\u3000 ▁ ## <0x41>",
    "  𠮷野家  e\u0301 ",
)
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}"
PATTERN = "|".join(
    [
        r"'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])(?![\p{L}\p{M}])",
        rf"[{_UNSPACED}]+",
        rf" ?[\p{{L}}\p{{M}}&&[^{_UNSPACED}]]+",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{M}\p{N}]+",
        r"[^\S\r\n]{0,64}[\r\n]+",
        r"[^\S\r\n]{1,64}(?!\S)",
        r"\s",
    ]
)


def train(texts: Iterable[str], vocabulary: int, kind: str = "byte-bpe", coverage: float = 0.9995) -> str:
    """A tokeniser's JSON: at most `vocabulary` tokens, the separator and the 256 bytes among them.

    kind: one of tokenizer_kinds.KINDS; `coverage`: the share of characters that the alphabet holds, for the others
    than byte-bpe, which has no alphabet.

    Fewer where the texts have no more pairs that occur twice. The same texts give the same JSON, however many
    threads count them. Raises HeadwaterError where there is no text.
    """
    if kind != "byte-bpe":
        return train_other(kind, texts, vocabulary, coverage, PATTERN, SEPARATOR)
    if vocabulary < 257:
        raise HeadwaterError(f"tokenizer.vocabulary is {vocabulary}; 256 bytes and the separator need 257")
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = _pre_tokenizer()
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=2,
        special_tokens=[SEPARATOR],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    some = _NotEmpty(texts)
    tokenizer.train_from_iterator(some, trainer)
    if not some.characters:
        raise HeadwaterError(
            "there is no text to train a tokeniser on; no document of the training split has any"
        )
    return str(tokenizer.to_str(pretty=True))


class Tokenizer:
    """A tokeniser as it is used: `Tokenizer.load("tokenizer.json").encode_batch(["源头", "headwater"])`.

    `vocabulary` is the number of tokens, `separator` the id of `<|endoftext|>`.
    """

    def __init__(self, definition: str, where: str = "tokenizer.json") -> None:
        try:
            self._slow = tokenizers.Tokenizer.from_str(definition)
        except Exception as error:  # the library raises plain Exception
            raise HeadwaterError(f"{where}: not a tokenizer.json that can be read ({error})") from error
        known = ((name, self._slow.token_to_id(name)) for name in (SEPARATOR, *OTHER_SEPARATORS))
        self.separator_name, separator = next(((n, i) for n, i in known if i is not None), ("", None))
        if separator is None:
            raise HeadwaterError(
                f"{where}: has no {SEPARATOR} token, which separates texts; add it and try again"
            )
        self._slow.encode_special_tokens = True  # in a text they are only characters
        self._slow.no_truncation()
        self._slow.no_padding()
        self.definition = definition
        self.separator = int(separator)
        self.vocabulary = 1 + max(self._slow.get_vocab(with_added_tokens=True).values())
        self._encoding = _fast(json.loads(definition))

    @classmethod
    def load(cls, path: Path | str) -> "Tokenizer":
        """Raises HeadwaterError where the file is missing, is none, or has no separator."""
        try:
            definition = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise HeadwaterError(f"{path}: cannot be read as a tokenizer.json ({error})") from error
        return cls(definition, str(path))

    def encode(self, text: str) -> np.ndarray:
        """(tokens,) uint32; never holds the separator. HeadwaterError where `text` holds bytes that were no UTF-8."""
        if self._encoding is not None:
            try:
                ids: np.ndarray = self._encoding.encode_to_numpy(text, disallowed_special=())
            except UnicodeEncodeError as error:
                raise no_text(text) from error
            return ids
        return np.array(self._encoded(text).ids, np.uint32)

    def encode_batch(self, texts: list[str]) -> list[np.ndarray]:
        """One (tokens,) uint32 array a text, on one thread: workers are processes."""
        return [self.encode(text) for text in texts]

    def encode_with_places(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """The same ids, and the characters that each is of (half-open); parts of one character name it all."""
        encoded = self._encoded(text)
        return list(encoded.ids), [(int(start), int(end)) for start, end in encoded.offsets]

    def _encoded(self, text: str) -> Any:
        try:
            return self._slow.encode(text, add_special_tokens=False)
        except TypeError as error:  # what the library says of half a surrogate pair
            raise no_text(text) from error

    @property
    def lossless(self) -> bool:
        """Whether texts made to show a loss come back: white space, marks, rare characters, all scripts."""
        return all(self.decode(self.encode(text)) == text for text in _TELLING)

    def special(self, family: str) -> SpecialTokens:
        """The ids of what a family needs beside the tokens of text."""
        ids: dict[str, Any] = {
            r: self._slow.token_to_id(name) for r, name in self.special_names(family).items()
        }
        every = frozenset(
            number for number, token in self._slow.get_added_tokens_decoder().items() if token.special
        )
        sentinels = sorted(
            (ids.pop(role) for role in list(ids) if role.startswith("sentinel_")), reverse=True
        )
        return SpecialTokens(every | {self.separator}, self.separator, sentinels=tuple(sentinels), **ids)

    def special_names(self, family: str) -> dict[str, str]:
        """{role: name}, e.g. {"mask": "[MASK]"}; roles that this tokeniser has no token for are left out."""
        names = role_names(self._slow, family)
        if family == "gpt":
            text = self._slow.encode("a", add_special_tokens=False).ids
            before = self._slow.encode("a").ids
            if len(before) > len(text) and before[1 : 1 + len(text)] == text:
                names["begin"] = str(self._slow.id_to_token(before[0]))
        return names

    def token_bytes(self) -> list[bytes]:
        """The bytes that each token stands for, by id; a special token stands for none.

        Of tokenisers from elsewhere, which know no bytes, a word's beginning is a space ("##" and "▁").
        """
        special, model = self._slow.get_added_tokens_decoder(), json.loads(self.definition)["model"]
        byte_level = "ByteLevel" in f"{self._slow.decoder} {self._slow.pre_tokenizer}"
        as_byte = _bytes_of_characters() if byte_level else {}
        alone = BYTES if model.get("byte_fallback") else []
        one_byte = {name: bytes([byte]) for byte, name in enumerate(alone)}
        pieces = []
        for number in range(self.vocabulary):
            token = "" if number in special else self._slow.id_to_token(number) or ""
            if token in one_byte:
                pieces.append(one_byte[token])
            elif token and all(character in as_byte for character in token):
                pieces.append(bytes(as_byte[character] for character in token))
            else:
                if token and model.get("type") == "WordPiece":
                    token = token[2:] if token.startswith("##") else f" {token}"
                pieces.append(token.replace("▁", " ").encode())
        return pieces

    def decode(self, ids: np.ndarray | list[int]) -> str:
        """The text; separators show as `<|endoftext|>`, a cut character as U+FFFD."""
        return str(self._slow.decode([int(token) for token in ids], skip_special_tokens=False))

    def token_text(self, token: int) -> str:
        """How one token is shown; bytes that are no whole character show as U+FFFD."""
        return self.decode([token])


def no_text(text: str) -> HeadwaterError:
    """What to say of a text with surrogates, which is how Python holds bytes that it could not decode."""
    place, found = next(((n, c) for n, c in enumerate(text) if "\ud800" <= c <= "\udfff"), (0, ""))
    what = (
        f"the byte {ord(found) - 0xDC00:#04x}"
        if "\udc80" <= found <= "\udcff"
        else f"U+{ord(found or ' '):04X}"
    )
    return HeadwaterError(
        f"the text is not UTF-8 ({what} at character {place}); convert it first, for example with "
        "`iconv -f gb18030 -t utf-8`"
    )


def _pre_tokenizer() -> Any:
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(tokenizers.Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


class _NotEmpty:
    """Passes texts on and remembers whether there was any."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts, self.characters = texts, 0

    def __iter__(self) -> Iterator[str]:
        for text in self._texts:
            self.characters += len(text)
            yield text


# ---------------------------------------------------------------- the same ids, faster


def _fast(definition: dict[str, Any]) -> tiktoken.Encoding | None:
    """The tiktoken encoding with the same ids, or None where that is not certain.

    tiktoken merges the adjacent pair whose joined bytes have the lowest id; BPE merges the pair that comes first
    in a list. The two agree where the pattern is ours, nothing changes the text before it, and the i-th merge
    makes the i-th token after the bytes. (A token is made from a pair as it stood after all earlier merges, so
    whenever its bytes lie between boundaries that no merge crosses they reach that very pair.)
    """
    model = definition["model"]
    vocabulary: dict[str, int] = model.get("vocab") or {}
    # special tokens behind the vocabulary are never in a text
    added = {
        token["content"] for token in definition.get("added_tokens", []) if token["id"] < len(vocabulary)
    }
    expected = json.loads(_definition_of_pattern())
    if (
        model.get("type") != "BPE"
        or definition.get("normalizer") is not None
        or definition.get("pre_tokenizer") != expected
        or added != {SEPARATOR}
        or any(model.get(key) for key in ("dropout", "unk_token", "ignore_merges", "byte_fallback"))
        or any(model.get(key) for key in ("continuing_subword_prefix", "end_of_word_suffix"))
    ):
        return None
    merges = [tuple(merge.split(" ") if isinstance(merge, str) else merge) for merge in model["merges"]]
    first = len(vocabulary) - len(merges)
    if any(vocabulary.get("".join(merge)) != first + i for i, merge in enumerate(merges)):
        return None
    as_byte = _bytes_of_characters()
    ranks = {}
    for token, number in vocabulary.items():
        if token not in added:
            if not all(character in as_byte for character in token):
                return None
            ranks[bytes(as_byte[character] for character in token)] = number
    if len(ranks) != len(vocabulary) - 1 or any(bytes([byte]) not in ranks for byte in range(256)):
        return None
    return tiktoken.Encoding("headwater", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={})


@lru_cache(maxsize=1)
def _definition_of_pattern() -> str:
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = _pre_tokenizer()
    return json.dumps(json.loads(tokenizer.to_str())["pre_tokenizer"])


@lru_cache(maxsize=1)
def _bytes_of_characters() -> dict[str, int]:
    """GPT-2's printable stand-ins for bytes: printable Latin-1 as itself, the other 68 from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + i): byte for i, byte in enumerate(others)}
