"""Telephone numbers, mobile and other, by their form or by a cue near them; `numbers` says which count."""

import re

from headwater.signals.privacy.runs import SPAN, WIDE, Run, ends_word, gap_after, has_cue, is_date

_LONGEST_PHONE = 15  # digits, ITU-T E.164

_MOBILE = re.compile(r"1(?:3[0-9]|4[014-9]|5[0-35-9]|6[2567]|7[0-8]|8[0-9]|9[0-35-9])[0-9]{8}")
_PHONE_CUE = re.compile(
    r"(?i)\b(?:phone|tele?(?:phone)?|mob(?:ile)?|cell(?:ular)?|fax|desk|whatsapp|hotline|contact|call(?:ing)?|dial"
    r"|text(?:ing)?|sms|messages?|answering|reach|registered|office|home|work)\b|电话|電話|手机|手機|传真|傳真"
    r"|联系|聯繫|聯絡|热线|熱線|致电|致電|座机|座機"
)
_PHONE_CUE_AFTER = re.compile(r"(?i)[ \t]{0,3}[-(]?[ \t]{0,3}(?:office|fax|mobile|home|work|cell|desk)\b")
_DECIMALS = re.compile(r",[0-9]{1,6}(?![0-9]|-[0-9])")  # after a number of no telling form
_CHINESE = re.compile(r"\(?0(?:10|2[0-9]|[3-9][0-9]{2})\)?[- ]?[2-9][0-9]{6,7}(?:-[0-9]{1,6})?")
_NOT_PHONE = re.compile(
    r"(?i)isbn|issn|doi|arxiv|订单|訂單|order (?:no|number|id)|单号|單號|編號|编号|版权|第$|fig(?:ure)?\b"
)


def mobile(text: str, runs: list[Run], number: int) -> tuple[SPAN, int] | None:
    """The mobile number that begins with a run, or with +86 before it, and the first run after it."""
    start, end, digits = runs[number]
    last = number + 1
    if digits in ("86", "0086") and last < len(runs) and runs[last][0] - end <= 1:
        taken = None if runs[last][2] in ("86", "0086") else mobile(text, runs, last)
        plus = 1 if text[start - 1 : start] in ("+", "＋") and start else 0
        return None if taken is None else (("mobile", start - plus, taken[0][2], 0.95), taken[1])
    if len(digits) == 13 and digits.startswith("86"):
        digits = digits[2:]
    if len(digits) == 3 and last + 1 < len(runs) and [len(run[2]) for run in runs[last : last + 2]] == [4, 4]:
        gaps = {gap_after(text, runs, number), gap_after(text, runs, last)}
        if len(gaps) == 1 and gaps <= {" ", "-", "."}:
            digits, end = digits + runs[last][2] + runs[last + 1][2], runs[last + 1][1]
            last += 2
    if not _MOBILE.fullmatch(digits) or not ends_word(text, end):
        return None
    if text[end : end + 1] in ("-", ".") and text[end + 1 : end + 2].isdigit():
        return None
    return ("mobile", start, end, 0.9), last


def telephone(text: str, runs: list[Run], number: int) -> tuple[SPAN, int] | None:
    """The telephone number that begins with a run, with the runs that belong to it.

    Where all that stand together have no telling form, the first of them may: 010-62751234 in `010-62751234 801室`.
    """
    start, _, digits = runs[number]
    last = number + 1
    while last < len(runs) and last - number < 8:
        gap = gap_after(text, runs, last - 1)
        if len(digits) + len(runs[last][2]) > _LONGEST_PHONE or gap in (". ", " - ", "- ") or "+" in gap:
            break
        digits, last = digits + runs[last][2], last + 1
    begin = start
    while begin > 0 and start - begin < 2 and text[begin - 1] in "+＋(（":
        begin -= 1
    for until in range(last, number, -1):
        if until < last and gap_after(text, runs, until - 1) != " ":
            continue
        if (span := _one_phone(text, runs[number:until], begin, formed=until < last)) is not None:
            return span, until
    return None


def _one_phone(text: str, runs: list[Run], begin: int, *, formed: bool) -> SPAN | None:
    """The number of all these runs. `formed`: only its form may tell it."""
    end, digits = runs[-1][1], "".join(run[2] for run in runs)
    written = text[begin:end].translate(WIDE).replace("＋", "+")
    extension = _extension(text, end)
    if not 7 <= len(digits) <= _LONGEST_PHONE or not (extension > end or ends_word(text, end)):
        return None
    score = _form(written, digits, [len(run[2]) for run in runs])
    if score == 0.0 and not formed and not _looks_like_date(written, [run[2] for run in runs]):
        cued = has_cue(_PHONE_CUE, text, begin) or _PHONE_CUE_AFTER.match(text, end, end + 16) is not None
        score = 0.7 if cued and len(digits) <= 13 and _DECIMALS.match(text, end) is None else 0.0
    if score == 0.0 or has_cue(_NOT_PHONE, text, begin, 24):
        return None
    return "phone", begin, max(end, extension), score


def _extension(text: str, end: int) -> int:
    """The end of `x4587` after a number, or the number's."""
    if text[end : end + 1] not in ("x", "X"):
        return end
    stop = end + 1
    while stop < len(text) and stop - end < 7 and text[stop].isdigit():
        stop += 1
    return stop if stop > end + 1 and ends_word(text, stop) else end


def _form(written: str, digits: str, sizes: list[int]) -> float:
    """How telling the form of a number is: 0 where it says nothing."""
    if written.startswith(("+", "(+")) or (digits.startswith("00") and len(digits) >= 10):
        return _international(digits.removeprefix("00"))
    marks = written.strip("+").replace(" ", "")
    if (
        sizes == [3, 3, 4]
        and digits[0] in "23456789"
        and (written.startswith("(") or len(set(marks) & set("-.")) == 1)
    ):
        return 0.9
    if sizes == [1, 3, 3, 4] and digits[0] == "1" and "-" in marks:
        return 0.9
    if _CHINESE.fullmatch(written) and len(sizes) >= 2:
        return 0.9
    if re.fullmatch(r"[48]00-[0-9]{3,4}-[0-9]{3,4}", written) and len(digits) == 10:
        return 0.8
    if (
        digits[0] == "0"
        and digits[1] != "0"
        and len(sizes) >= 3
        and 9 <= len(digits) <= 11
        and sizes[:2] != [2, 2]
    ):
        return 0.7
    if digits[0] == "0" and len(sizes) == 5 and len(digits) == 10:  # France: 01 84 17 61 18
        return 0.7
    return 0.0


def _international(digits: str) -> float:
    import phonenumbers

    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return 0.0
    if phonenumbers.is_valid_number(number):
        return 0.95
    return 0.8 if phonenumbers.is_possible_number(number) or 9 <= len(digits) <= 13 else 0.0


def _looks_like_date(written: str, pieces: list[str]) -> bool:
    """Dates, times after them, and spans of years."""
    years = [piece for piece in pieces if len(piece) == 4 and piece[:2] in ("18", "19", "20")]
    if len(pieces) == 1:
        return len(pieces[0]) == 8 and is_date(pieces[0])
    if years and all(len(piece) <= 2 for piece in pieces if piece not in years):
        return True
    return len(years) == len(pieces) or (
        len(pieces) > 1 and all(len(piece) <= 2 for piece in pieces) and len(pieces) < 4
    )
