"""The other kinds of tokeniser: BPE over characters, WordPiece, Unigram. `tokenizer.py` has the byte-level one.

    bpe         Sennrich 2016: merges of characters. A character outside the alphabet becomes its UTF-8 bytes
    unigram     Kudo 2018: the pieces that make the text most likely, by expectation-maximisation; bytes as above
    wordpiece   Schuster 2012, as in BERT: the longest piece first, `##` within a word, [UNK] for what is not known

`bpe` and `unigram` lose no text: spaces are characters like others (no ▁), the text is cut by the pattern of the
byte-level kind, which assumes no spaces between words, and the 256 bytes are pieces (`<0xE6>`) for what the alphabet
does not hold. The alphabet is the most frequent characters that make up `coverage` of the text (0.9995, as
SentencePiece advises for Chinese), at most half of the vocabulary. `wordpiece` loses white space and rare characters,
so bits per byte are refused for it; it is for encoders that are to be fine-tuned.

All are trained on one thread. `unigram` alone is still not the same to the last bit in two processes: the library goes
through its words in an order that changes from process to process, and the scores move in the third decimal. A
workspace trains it once and keeps it; where another machine must have the same one, name the file
(`tokenizer: {path: …}`).
"""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from headwater.errors import HeadwaterError

KINDS = ("byte-bpe", "bpe", "wordpiece", "unigram")
UNKNOWN = {"unigram": "<unk>", "wordpiece": "[UNK]"}
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
LONGEST_PIECE = 16  # characters, of a Unigram piece
_NORMALIZER: Any = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
_PRE_TOKENIZER: Any = pre_tokenizers.BertPreTokenizer()
_RARE_AS = "\n"  # what stands for a rare character while training: it cuts the pieces around it


def train_other(
    kind: str, texts: Iterable[str], vocabulary: int, coverage: float, pattern: str, separator: str
) -> str:
    """A tokeniser's JSON; `texts` are gone through twice. HeadwaterError where the vocabulary is too small."""
    if iter(texts) is texts:
        texts = list(texts)
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    if not counts:
        raise HeadwaterError(
            "there is no text to train a tokeniser on; no document of the training split has any"
        )
    specials = [separator] + ([UNKNOWN[kind]] if kind in UNKNOWN else [])
    room = vocabulary - len(specials) - (0 if kind == "wordpiece" else len(BYTES))
    if room < 2:
        raise HeadwaterError(
            f"tokenizer.vocabulary is {vocabulary}; {kind} needs {vocabulary - room + 2} at least"
        )
    alphabet, within = alphabet_of(counts, coverage, room // 2), list[str]()
    if kind == "wordpiece":
        alphabet, within = _standing(counts, coverage, room // 2)
    # as special tokens they get their numbers before training: the library would give them in an order of its own
    model, trainer = _model_and_trainer(kind, room + len(specials), specials + within, alphabet)
    tokenizer = tokenizers.Tokenizer(model)
    if kind == "wordpiece":
        tokenizer.normalizer, tokenizer.pre_tokenizer = _NORMALIZER, _PRE_TOKENIZER
        tokenizer.decoder = decoders.WordPiece()
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Split(tokenizers.Regex(pattern), behavior="isolated")
        tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    with _one_thread():
        tokenizer.train_from_iterator(_common(texts, set(counts) - set(alphabet)), trainer)
    definition = json.loads(tokenizer.to_str())
    definition["added_tokens"] = [
        token for token in definition["added_tokens"] if token["content"] in specials
    ]
    if kind != "wordpiece":
        _add_bytes(definition["model"])
    # written again by the library: whatever it would not read is an error here
    return str(tokenizers.Tokenizer.from_str(json.dumps(definition)).to_str(pretty=True))


def alphabet_of(counts: Counter[str], coverage: float, most: int) -> list[str]:
    """The most frequent characters that make up `coverage` of a text, at most so many; ascending."""
    chosen: list[str] = []
    total, seen = sum(counts.values()), 0
    for character, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        if seen >= coverage * total or len(chosen) >= most:
            break
        chosen.append(character)
        seen += count
    return sorted(chosen)


def _standing(counts: Counter[str], coverage: float, most: int) -> tuple[list[str], list[str]]:
    """WordPiece's alphabet, and its characters as they stand within a word (`##a`), at most so many together.

    White space is no part of a word, and a Han character or a mark is always a word of its own.
    """

    def words(text: str) -> list[str]:
        plain = _NORMALIZER.normalize_str(text)
        return [word for word, _ in _PRE_TOKENIZER.pre_tokenize_str(plain)]

    real = Counter({c: count for c, count in counts.items() if words(c) == [c]})
    alphabet = alphabet_of(real, coverage, most)
    inner = {c for c in alphabet if words(f"a{c}a") == [f"a{c}a"]}
    while len(alphabet) + len(inner) > most:
        over = len(alphabet) + len(inner) - most
        alphabet = alphabet_of(real, coverage, len(alphabet) - -(-over // 2))
        inner &= set(alphabet)
    return alphabet, [f"##{c}" for c in alphabet if c in inner]


def _model_and_trainer(kind: str, size: int, specials: list[str], alphabet: list[str]) -> tuple[Any, Any]:
    common: dict[str, Any] = {
        "vocab_size": size, "special_tokens": specials, "initial_alphabet": alphabet, "show_progress": False,
    }  # fmt: skip
    if kind == "bpe":
        return models.BPE(), trainers.BpeTrainer(min_frequency=2, limit_alphabet=len(alphabet), **common)
    if kind == "wordpiece":
        model = models.WordPiece(unk_token=UNKNOWN[kind])
        return model, trainers.WordPieceTrainer(min_frequency=2, limit_alphabet=len(alphabet), **common)
    if kind == "unigram":
        trainer = trainers.UnigramTrainer(unk_token=UNKNOWN[kind], max_piece_length=LONGEST_PIECE, **common)
        return models.Unigram(), trainer
    raise HeadwaterError(f"no kind of tokeniser {kind!r}; there are {', '.join(KINDS)}")


def _common(texts: Iterable[str], rare: set[str]) -> Iterator[str]:
    table = str.maketrans(dict.fromkeys(rare, _RARE_AS))
    for text in texts:
        yield text.translate(table) if rare else text


def _add_bytes(model: dict[str, Any]) -> None:
    """The 256 bytes as pieces that only stand for characters which have none of their own."""
    model["byte_fallback"] = True
    if model["type"] == "Unigram":
        lowest = min(score for _, score in model["vocab"]) - 10
        model["vocab"] += [[piece, lowest] for piece in BYTES]
    else:
        first = len(model["vocab"])
        model["vocab"] |= {piece: first + number for number, piece in enumerate(BYTES)}


@contextmanager
def _one_thread() -> Iterator[None]:
    before = os.environ.get("TOKENIZERS_PARALLELISM")
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    try:
        yield
    finally:
        if before is None:
            del os.environ["TOKENIZERS_PARALLELISM"]
        else:
            os.environ["TOKENIZERS_PARALLELISM"] = before
