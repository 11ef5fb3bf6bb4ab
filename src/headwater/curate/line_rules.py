"""Rules on one line of a text: which lines an edit takes out, and why.

RefinedWeb (Penedo et al. 2023, appendix G.2; numbers as in DCLM's refinedweb.yaml): a line goes if more than half
of its characters are upper case, if it holds only digits, if it is a counter ("3 likes"), or if it has fewer than
2 words; "items in cart", "read more..." and "sign-in" go out of lines of at most 10 words.

C4 (Raffel et al. 2020): a line goes if it has a word of more than 1,000 characters, no end mark, too few words (5 in
TFDS's c4_utils.py, the original; 3 in datatrove's c4_filters.py), the word "javascript" or a policy phrase. FineWeb
leaves the line-end rule out.

Chinese: words are those of the segmenter, so a sentence without a space is no "one word" and no word of 1,000
characters; a line ends in 。！？ as well, and in a closing quote or bracket after them; counters are read in Simplified and Traditional, before or after their number, and in full-width
digits; 万, 萬 and 亿, 億 count as K and M do.
"""

import re

from headwater.corpus.text import words
from headwater.curate.presets import C4Lines

UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003fffd]"
)
LONGEST_WORD = 1000

_NUMBER = r"\d[\d,.，．]*\s?(?:[kmb万萬亿億wW千])?\+?"
_ENGLISH = (
    "likes|shares|comments|retweets|reposts|quotes|bookmarks|upvotes|downvotes|downloads|views|followers"
)
_CHINESE = (
    "点赞|點讚|赞|讚|喜欢|喜歡|评论|評論|留言|回复|回覆|转发|轉發|分享|收藏|阅读|閱讀|浏览|瀏覽|观看|觀看|播放|下载|下載|"
    "关注|關注|粉丝|粉絲|点击|點擊|查看|人气|人氣|热度|熱度"
)
_UNIT = "[次人个個条條位篇]"
COUNTER = re.compile(
    rf"^\W*(?:{_NUMBER}\s+(?:{_ENGLISH})"
    rf"|{_NUMBER}\s?{_UNIT}?\s?(?:{_CHINESE})(?:数|數|量|过|過)?"
    rf"|(?:{_CHINESE})(?:数|數|量|次数|次數)?\s?[:：(（\[【]?\s?{_NUMBER}\s?{_UNIT}?)\W*$",
    re.IGNORECASE,
)
LONGEST_COUNTER = 60  # characters: a longer line is no counter, and is not searched for one

_C4_POLICY = (
    "terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies",
)  # fmt: skip
_ENDS = {"tfds": (".", "?", "!", '"'), "datatrove": (".", "?", "!", '"', "'")}
_ENDS_UNSPACED = re.compile(r"[。！？｡．.!?][」』”’\"'）)】\]》〉]*\Z")
# (phrase, where in the line, the same with the space beside it)
_REFINEDWEB_PHRASES = (
    re.compile(r"\s?items in cart", re.IGNORECASE),
    re.compile(r"\s?read more\.\.\.$", re.IGNORECASE),
    re.compile(r"^sign-in\s?", re.IGNORECASE),
)
REFINEDWEB_PHRASE_WORDS = 10
C4_CITATION = re.compile(r"\[\d{0,9}\]|\[edit\]|\[citation needed\]")


def word_count(line: str) -> int:
    """Words between spaces; where words are not written apart, those of the segmenter."""
    if line.isascii() or not UNSPACED.search(line):
        return len(line.split())
    return len(words(line))


def refinedweb_reason(line: str) -> str | None:
    """Why RefinedWeb drops a (non-empty) line, or None."""
    text = line.strip()
    if sum(map(str.isupper, text)) > 0.5 * len(text):
        return "refinedweb_upper_case"
    if text.isdigit():
        return "refinedweb_digits"
    if len(text) <= LONGEST_COUNTER and COUNTER.match(text):
        return "refinedweb_counter"
    if word_count(text) < 2:
        return "refinedweb_words"
    return "refinedweb_phrase" if refinedweb_phrases(line) == [(0, len(line))] else None


def refinedweb_phrases(line: str) -> list[tuple[int, int]]:
    """Spans of RefinedWeb's phrases in a short line, ascending; (0, len(line)) where nothing else is in it."""
    if word_count(line) > REFINEDWEB_PHRASE_WORDS:
        return []
    spans = sorted(match.span() for phrase in _REFINEDWEB_PHRASES for match in phrase.finditer(line))
    apart = [span for place, span in enumerate(spans) if place == 0 or span[0] >= spans[place - 1][1]]
    at, left = 0, ""
    for start, end in apart:
        left += line[at:start]
        at = end
    return [(0, len(line))] if apart and not (left + line[at:]).strip() else apart


def c4_reason(line: str, settings: C4Lines) -> str | None:
    """Why C4 drops a (non-empty) line, or None."""
    text = line.strip()
    if len(text) > LONGEST_WORD and _longest_word(text) > LONGEST_WORD:
        return "c4_long_word"
    without = C4_CITATION.sub("", text) if "[" in text else text
    if settings.line_end and not _ends(without, settings.variant):
        return "c4_line_end"
    if word_count(text if settings.variant == "datatrove" else without) < settings.words:
        return "c4_words"
    lower = without.lower()
    if "javascript" in lower:
        return "c4_javascript"
    if any(phrase in lower for phrase in _C4_POLICY):
        return "c4_policy"
    return None


def _ends(text: str, variant: str) -> bool:
    if not text.isascii() and UNSPACED.search(text):
        return _ENDS_UNSPACED.search(text[-16:]) is not None and not text.endswith("...")
    return text.endswith(_ENDS[variant]) and not text.endswith("...")


def _longest_word(text: str) -> int:
    pieces = words(text) if UNSPACED.search(text) else text.split()
    return max(map(len, pieces), default=0)
