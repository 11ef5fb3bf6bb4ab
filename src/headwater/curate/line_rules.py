"""Rules on one line of a text: which lines an edit takes out, and why.

RefinedWeb (Penedo et al. 2023, appendix G.2; numbers as in DCLM's refinedweb.yaml): a line goes if more than half
of its characters are upper case, if it holds only digits, if it is a counter ("3 likes"), or if it has fewer than
2 words. C4 (Raffel et al. 2020; numbers as in datatrove's c4_filters.py, which FineWeb used): a line goes if it
has a word of more than 1,000 characters, fewer than 3 words, the word "javascript" or a policy phrase.

Chinese: words are those of the segmenter, so a sentence without a space is no "one word" and no word of 1,000
characters; counters are read in Simplified and Traditional, before or after their number, and in full-width
digits; 万, 萬 and 亿, 億 count as K and M do.
"""

import re

from headwater.corpus.text import words

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
    return None


def c4_reason(line: str) -> str | None:
    """Why C4 drops a (non-empty) line, or None; the line-end rule is not applied, as in FineWeb."""
    text = line.strip()
    if len(text) > LONGEST_WORD and _longest_word(text) > LONGEST_WORD:
        return "c4_long_word"
    if word_count(text) < 3:
        return "c4_words"
    lower = text.lower()
    if "javascript" in lower:
        return "c4_javascript"
    if any(phrase in lower for phrase in _C4_POLICY):
        return "c4_policy"
    return None


def _longest_word(text: str) -> int:
    pieces = words(text) if UNSPACED.search(text) else text.split()
    return max(map(len, pieces), default=0)
