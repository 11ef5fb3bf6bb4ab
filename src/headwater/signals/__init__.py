"""Signals: what is measured on one document, never judged here. A family is a module with a function `measure`.

FAMILIES is the table of contents: each family's signals in the order of their columns. A column is named
`family.signal` and is null where the text is null (an edition that did not change it) or the family failed on it
(the column `errors` then says why). "word" means words and symbols as in `corpus.text.words_and_symbols`, which
is how the public recipes count, unless the meaning says otherwise; shares are of 1.
"""

from dataclasses import dataclass

NUMBERS = ("int32", "int64", "double", "bool")  # types that a rule may judge


@dataclass(frozen=True)
class Signal:
    """One column. `type` is pyarrow's name of it; `meaning` is for people."""

    name: str
    type: str
    meaning: str


def _numbers(*named: tuple[str, str], type: str = "double") -> tuple[Signal, ...]:
    return tuple(Signal(name, type, meaning) for name, meaning in named)


# (type of personal data, how many of it: the column's meaning); see signals/privacy
_PERSONAL = (
    ("email", "email addresses"),
    ("ip", "IP addresses, v4 and v6, that the internet routes"),
    ("ip_private", "IP addresses of private networks"),
    ("phone", "telephone numbers other than Chinese mobiles"),
    ("mobile", "Chinese mobile numbers"),
    ("id_card", "Chinese resident identity cards, checksum right"),
    ("bank_card", "Chinese bank cards (UnionPay), Luhn's digit right"),
    ("card", "other payment cards, issuer's range and Luhn's digit right"),
    ("iban", "international bank account numbers, checksum right"),
    ("ssn", "US social security numbers"),
    ("secret", "API keys, tokens and private keys"),
    ("address", "postal addresses, by form"),
    ("name", "names of persons, by cue and dictionary"),
)
SPANS = "list<struct<start,end,score>>"  # half-open, in code points

_REPETITION = (
    *_numbers(
        ("duplicate_lines", "share of lines that are a copy of an earlier one"),
        ("duplicate_line_characters", "their characters, as a share of the text's"),
        (
            "duplicate_paragraphs",
            "share of paragraphs (between blank lines) that are a copy of an earlier one",
        ),
        ("duplicate_paragraph_characters", "their characters, as a share of the text's"),
    ),
    *_numbers(*((f"top_{n}_gram", f"characters in the most frequent {n}-gram of words") for n in (2, 3, 4))),
    *_numbers(
        *(
            (
                f"duplicate_{n}_grams",
                f"characters in {n}-grams of words that occurred before, none counted twice",
            )
            for n in range(5, 11)
        )
    ),
    *_numbers(
        ("repeated_lines", "share of lines that occur more than once, all copies counted"),
        ("repeated_line_characters", "their characters, as a share of the words' characters"),
    ),
    *_numbers(
        *(
            (f"repeated_top_{n}_gram", f"as top_{n}_gram, as a share of the words' characters")
            for n in (2, 3, 4)
        )
    ),
    *_numbers(
        *(
            (f"repeated_{n}_grams", f"share of all {n}-grams' characters in those that occur more than once")
            for n in range(5, 11)
        )
    ),
)

_ALL_COPIES = (
    *_numbers(
        *(
            (f"top_{n}_gram", f"characters of the most frequent {n}-gram, as a share of the words'")
            for n in (2, 3, 4)
        )
    ),
    *_numbers(
        *(
            (f"duplicate_{n}_grams", f"characters of {n}-grams that occur more than once, all copies counted")
            for n in range(5, 11)
        )
    ),
)
_GOPHER_COUNTED = (
    *_numbers(
        ("symbol_words", "words with # or …, or symbols a word"),
        ("alphabetic_words", "share of words with a letter"),
    ),
    *_numbers(
        ("stop_words", "how often the, be, to, of, and, that, have, with occur, each time counted"),
        type="int64",
    ),
    *_numbers(
        ("bullet_lines", "share of lines that begin with a bullet"),
        ("ellipsis_lines", "share of lines that end in an ellipsis"),
        ("duplicate_lines", "share of lines that occur more than once, all copies counted"),
        (
            "duplicate_line_characters",
            "their characters, as a share of the words' (dolma) or the lines' (DCLM)",
        ),
    ),
)

FAMILIES: dict[str, tuple[Signal, ...]] = {
    "length": _numbers(
        ("bytes", "UTF-8 bytes"),
        ("characters", "Unicode code points"),
        ("words", "words, without symbols"),
        ("lines", "lines that are not blank"),
        ("sentences", "sentences, by 。！？… as well"),
        type="int64",
    ),
    "language": (
        Signal(
            "label", "string", "ISO 639-1 code, or 639-3 where there is none; null where there is no letter"
        ),
        Signal(
            "score", "double", "how sure: the model's probability, or the share of letters of its own script"
        ),
    ),
    "script": (
        Signal(
            "label", "string", "ISO 15924 code of the script of most letters; Zyyy where there is no letter"
        ),
        Signal("share", "double", "the share of letters in that script"),
        Signal("letters", "double", "the share of characters that are letters"),
    ),
    "han": _numbers(
        ("share", "the share of letters that are Han characters"),
        ("simplified", "the share of Han characters that only Simplified Chinese writes"),
        ("traditional", "the share of Han characters that only Traditional Chinese writes"),
    ),
    "gopher": (
        *_numbers(("words", "words that are not all punctuation"), type="int64"),
        *_numbers(
            ("mean_word_length", "characters of such a word, the mean"),
            ("median_word_length", "characters of such a word, the median (dolma's variant)"),
            ("hash_word_ratio", "signs # a word"),
            ("ellipsis_word_ratio", "ellipses (… or ...) a word"),
            ("bullet_lines", "share of lines that begin with • or -"),
            ("ellipsis_lines", "share of lines that end in an ellipsis"),
            ("alphabetic_words", "share of words with a letter"),
        ),
        *_numbers(
            ("stop_words", "how many of the, be, to, of, and, that, have, with occur"),
            ("stop_words_zh", "how many of FineWeb-2's 22 Chinese stop words occur"),
            type="int32",
        ),
    ),
    "repetition": _REPETITION,
    "fineweb": _numbers(
        ("line_punctuation", "share of lines whose last character ends a sentence"),
        (
            "line_punctuation_quoted",
            "the same; closing quotes and brackets after the end, and … , count as ends",
        ),
        ("short_lines", "share of lines of at most 30 characters"),
        ("duplicate_line_characters", "characters of lines that are a copy of an earlier one"),
        ("newlines_per_word", "line ends a word"),
    ),
    "dolma": (
        *_numbers(("words", "words between spaces (Chinese: of the segmenter)"), type="int64"),
        *_numbers(("median_word_length", "characters of a word with its punctuation, the median")),
        *_GOPHER_COUNTED,
        *_ALL_COPIES,
    ),
    "dclm": (
        *_numbers(("words", "words without punctuation"), type="int64"),
        *_numbers(("mean_word_length", "characters of a word between spaces with its punctuation, the mean")),
        *_GOPHER_COUNTED,
        *_numbers(
            ("duplicate_paragraphs", "share of paragraphs that occur more than once, all copies counted"),
            ("duplicate_paragraph_characters", "their characters, as a share of the paragraphs'"),
        ),
        *_ALL_COPIES,
    ),
    "chinesewebtext": _numbers(
        ("mean_line_length", "characters a line, blank ones counted"),
        ("han_characters", "share of all characters that are Han"),
        ("repeated_13_grams", "share of 13-grams of characters that occur more than once"),
    ),
    "line_language": (
        Signal(
            "label", "list<string>", "language of each line that is not blank; null where it has no letter"
        ),
        Signal("score", "list<float>", "how sure, as language.score"),
        Signal("script", "list<string>", "ISO 15924 code of each; Hans and Hant told apart"),
        *_numbers(
            ("main_share", "share of the lines with a letter that are in the language of most of them"),
            ("main_script_share", "share of the lines with a letter that are in the script of most of them"),
        ),
    ),
    "code": (
        *_numbers(("longest_line", "characters of the longest line"), type="int64"),
        *_numbers(
            ("non_word_characters", "share of characters that are no letter, digit or underscore"),
            ("token_length_deviation", "standard deviation of the length of what stands between spaces"),
        ),
    ),
    "privacy": (
        *_numbers(
            ("spans", "personal data that a pattern decides: all below but ip_private, address and name"),
            ("contacts", "email, ip, phone and mobile: what dolma's rule counts"),
            *_PERSONAL,
            type="int32",
        ),
        *(Signal(f"{kind}_spans", SPANS, f"where the {meaning} stand") for kind, meaning in _PERSONAL),
    ),
    "statistics": _numbers(
        ("compression", "bytes after zstd over bytes before"),
        ("type_token", "different words over words"),
        ("zipf", "exponent of word frequency by rank"),
        ("heaps", "exponent of different words by words, between the first half and all"),
        ("characters_per_sentence", "characters of a sentence, the mean"),
        ("words_per_sentence", "words of a sentence, the mean"),
        ("flesch_kincaid", "US school grade; null unless most letters are Latin"),
    ),
    "hashes": (Signal("exact", "uint64", "xxh3-64 of the text's UTF-8"),),
    "lines": (Signal("keys", "list<uint64>", "CCNet's key of each line, 0 for one without a word"),),
    "minhash": (
        Signal("bands", "fixed_size_list<uint64, 14>", "keys of 14 bands of 8 values; null without a word"),
        Signal("signature", "fixed_size_list<uint32, 112>", "the 112 values"),
    ),
}

# readings of one public recipe each, and what is measured line by line: only where a rule, a preset or
# `signals.families` asks for them
ON_REQUEST = frozenset({"dolma", "dclm", "chinesewebtext", "code", "line_language"})


def numeric_signals() -> list[str]:
    """Every signal that a rule may judge, as `family.signal`."""
    return [f"{family}.{s.name}" for family, some in FAMILIES.items() for s in some if s.type in NUMBERS]
