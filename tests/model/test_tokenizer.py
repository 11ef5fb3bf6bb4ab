"""The tokeniser loses nothing, is the same for the same texts, and its two encoders agree."""

import gzip
import json
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import HeadwaterError
from headwater.model.tokenizer import SEPARATOR, Tokenizer, train
from headwater.model.words import word_numbers, words_version

TEXTS = [
    "The headwater of a river is where it begins. It isn't far, and they've seen it 1,234 times.\n\n" * 3,
    "源头是河流开始的地方。“我们”去过源头，源头在山里；他说：「源頭在山裡。」\n" * 3,
    "用Python写的程序，版本3.11。日本語のテキストもあります。한국어 문장도 있습니다. हिन्दी में भी।\r\n" * 3,
    "def f(x):\n    return x + 1\n\n\tprint(f(2))   \n" * 3,
]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(train(TEXTS, 600))


def slow_ids(tokenizer: Tokenizer, text: str) -> list[int]:
    slow = tokenizers.Tokenizer.from_str(tokenizer.definition)
    slow.encode_special_tokens = True
    return list(slow.encode(text, add_special_tokens=False).ids)


@settings(max_examples=200, deadline=None)
@given(
    text=st.text(max_size=200)
    | st.text("源头，。「」們们 aZ'\r\n\t\u3000９1e\u0301<|endoftext|>", max_size=200)
)
def test_any_text_comes_back_and_never_holds_the_separator(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert tokenizer.separator not in ids
    assert len(ids) == 0 or ids.max() < tokenizer.vocabulary


@settings(max_examples=200, deadline=None)
@given(
    text=st.text(max_size=200)
    | st.lists(st.sampled_from([*"源头，。「」 \n\r\t'", "isn't", " the", "  ", "12345", "用Python"])).map(
        "".join
    )
)
def test_fast_and_defining_encoder_agree(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer._encoding is not None
    assert tokenizer.encode(text).tolist() == slow_ids(tokenizer, text)


def test_both_encoders_cut_every_character_alike(tokenizer: Tokenizer) -> None:
    characters = [chr(code) for code in range(0x40000) if not 0xD800 <= code < 0xE000]
    text = "".join(f"a{character}源{character} {character}" for character in characters)
    assert tokenizer.encode(text).tolist() == slow_ids(tokenizer, text)


def test_fast_and_defining_encoder_agree_on_real_text(real_data: Path) -> None:
    books = real_data / "corpora" / "books"
    paths = [*sorted(books.glob("novels-en/*.gz"))[:4], *sorted(books.glob("books-zh/*.gz"))[:4]]
    texts = [gzip.decompress(path.read_bytes()).decode("utf-8", "replace")[:150_000] for path in paths]
    assert len(texts) == 8
    tokenizer = Tokenizer(train(texts, 4096))
    for text in texts:
        assert tokenizer.encode(text).tolist() == slow_ids(tokenizer, text)


def test_separator_in_a_text_is_only_characters(tokenizer: Tokenizer) -> None:
    text = f"前{SEPARATOR}后 and {SEPARATOR}{SEPARATOR}"
    [ids] = tokenizer.encode_batch([text])
    assert tokenizer.separator not in ids and tokenizer.decode(ids) == text
    assert tokenizer.decode([tokenizer.separator]) == SEPARATOR


@pytest.mark.parametrize("piece", [" ", "a", "中", "\n", "=", " \n", "a ", "\u3000", "\u0301", "1", "'s"])
def test_long_runs_neither_fail_nor_blow_up(tokenizer: Tokenizer, piece: str) -> None:
    text = piece * (300_000 // len(piece))
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_training_is_the_same_in_every_process_and_with_any_number_of_threads(tokenizer: Tokenizer) -> None:
    program = (
        "import json, sys; from headwater.model.tokenizer import train; "
        "sys.stdout.buffer.write(train(json.loads(sys.stdin.read()), 600).encode())"
    )
    for threads in ("1", "4"):
        environment = {**os.environ, "RAYON_NUM_THREADS": threads, "PYTHONHASHSEED": threads}
        done = subprocess.run(
            [sys.executable, "-c", program],
            input=json.dumps(TEXTS).encode(), capture_output=True, check=True, env=environment,
        )  # fmt: skip
        assert done.stdout.decode() == tokenizer.definition


def test_chinese_words_do_not_stick_to_punctuation_or_latin(tokenizer: Tokenizer) -> None:
    tokens = [tokenizer.token_text(token) for token in range(257, tokenizer.vocabulary)]
    assert any(token == "源头" for token in tokens)
    for token in tokens:
        mixed = any("\u4e00" <= c <= "\u9fff" for c in token) and any(
            c.isascii() or c in "，。「」“”；：" for c in token
        )
        assert not mixed, token


def test_a_tokenizer_of_another_make_is_encoded_by_its_own_library(tokenizer: Tokenizer) -> None:
    other = json.loads(tokenizer.definition)
    other["normalizer"] = {"type": "NFC"}
    slow = Tokenizer(json.dumps(other))
    assert slow._encoding is None
    assert np.array_equal(slow.encode("源头 is here."), tokenizer.encode("源头 is here."))
    assert slow.separator not in slow.encode(f"a{SEPARATOR}")


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    with pytest.raises(HeadwaterError, match="no text"):
        train(["", ""], 300)
    with pytest.raises(HeadwaterError, match="257"):
        train(["text"], 256)
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(HeadwaterError, match=r"tokenizer\.json"):
        Tokenizer.load(tmp_path / "tokenizer.json")
    with pytest.raises(HeadwaterError, match=r"missing\.json"):
        Tokenizer.load(tmp_path / "missing.json")
    with pytest.raises(HeadwaterError, match="endoftext"):
        Tokenizer(tokenizers.Tokenizer(tokenizers.models.BPE()).to_str())


# ---------------------------------------------------------------- the other kinds

RARE = "𠮷野家。𪚥🏔️ \u3000▁ ## <0x41> \r\n\té"


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_characters_outside_the_alphabet_become_bytes_and_nothing_is_lost(kind: str) -> None:
    made = Tokenizer(train(TEXTS, 700, kind))
    assert made.vocabulary <= 700 and made.lossless
    for text in [*TEXTS, RARE, "<|endoftext|>源头<unk>[UNK]", ""]:
        assert made.decode(made.encode(text)) == text
        assert made.separator not in made.encode(text)
    assert (
        len(made.encode("源头是河流")) < 5 * len("源头是河流") / 3
    )  # pieces of several Han characters, or one each


@settings(max_examples=60, deadline=None)
@given(text=st.text("源头，。「」們𠮷 aZ'\r\n\t\u3000９e\u0301▁<0x41>#", max_size=60))
@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_any_text_comes_back_from_the_other_kinds(kind: str, text: str) -> None:
    made = _trained(kind)
    assert made.decode(made.encode(text)) == text


@lru_cache
def _trained(kind: str) -> Tokenizer:
    return Tokenizer(train(TEXTS, 700, kind))


@pytest.mark.parametrize("kind", ["byte-bpe", "bpe", "unigram"])
def test_the_bytes_of_the_tokens_are_those_of_the_text(kind: str) -> None:
    texts = ["café naïve Ümlaut nǐ hǎo mā, the river 源头活水 and the sea. "] * 50
    tokenizer = Tokenizer(train(texts, 600, kind))
    text = "Ümlaut café māma, 源头 龘 \U0001f3d4 <0xE6>"  # two characters that no alphabet holds, and a name of a byte
    tokens, pieces = tokenizer.encode(text), tokenizer.token_bytes()
    assert b"".join(pieces[token] for token in tokens) == text.encode()
    # the pieces of a character are of one word
    numbers = word_numbers(tokens.astype(np.int64), pieces)
    ends = np.cumsum([len(pieces[token]) for token in tokens])
    start = text.encode().index("龘".encode())
    of_rare = [n for n, end in zip(numbers, ends, strict=True) if start < end <= start + 3]
    assert len(of_rare) == 3 and len(set(of_rare)) == 1
    assert tokenizer.token_bytes()[tokenizer.separator] == b""
    assert words_version(tokenizer.definition) == (() if kind == "byte-bpe" else (2,))


def test_wordpiece_spends_its_vocabulary_on_what_can_occur() -> None:
    chinese = "".join(chr(0x4E00 + n) * (400 - n) for n in range(300))
    text = chinese + "。，！ the river and the hills, naïve café. " * 500
    tokenizer = Tokenizer(train([text], 700, "wordpiece"))
    names = set(json.loads(tokenizer.definition)["model"]["vocab"])
    assert {"##a", "##é", "一", "。"} <= names and not {"##一", "##。", "##,", " ", "## "} & names
    known = sum(chr(0x4E00 + n) in names for n in range(300))
    assert known > 250 and len(names) <= 700  # of 300 characters: a quarter of the vocabulary would be 174


def test_wordpiece_loses_text_and_says_so() -> None:
    made = Tokenizer(train(TEXTS, 700, "wordpiece"))
    assert not made.lossless and made.vocabulary <= 700
    assert made.decode(made.encode("源头")) in ("源头", "源 头")


@pytest.mark.parametrize("kind", ["byte-bpe", "bpe", "wordpiece"])
def test_these_kinds_are_the_same_in_another_process(kind: str) -> None:
    script = (
        "import sys, hashlib; sys.path.insert(0, sys.argv[1]); from headwater.model.tokenizer import train\n"
        f"print(hashlib.sha256(train({TEXTS!r}, 700, {kind!r}).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", script, ""], capture_output=True, text=True, check=True,
            env=os.environ | {"PYTHONHASHSEED": seed, "RAYON_NUM_THREADS": threads},
        ).stdout
        for seed, threads in (("1", "1"), ("2", "4"))
    }  # fmt: skip
    assert len(digests) == 1


def test_a_vocabulary_too_small_for_its_kind_is_refused() -> None:
    with pytest.raises(HeadwaterError, match="unigram needs"):
        train(TEXTS, 258, "unigram")
