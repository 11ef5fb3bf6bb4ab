"""Numbers that lead to a person: identity cards, bank and payment cards, mobiles, telephones, IPv4 addresses.

Each group of digits that `scan` finds is cut into its runs; from each run on, the kinds are tried in the order of
their certainty, each on a bounded window, so a group of any length costs linear time. Full-width digits count.

- Identity card: GB 11643-1999, province (GB/T 2260), date of birth and ISO 7064 MOD 11-2 checksum; in one, or 6-8-4
  with spaces or hyphens. The 15 digits of before 1999 have no checksum and need a cue (身份证).
- Payment card: issuer's range and length (ISO/IEC 7812), Luhn. A UnionPay card (62) is a `bank_card`. Ranges whose
  numbers may have 12 or 13 digits need a cue.
- Mobile: the prefixes that Chinese carriers have been given; 3-4-4 with spaces, hyphens or dots, +86 before it.
- Telephone: by its form where that is telling (+ and country code as phonenumbers knows it, North American, Chinese
  area codes and an extension, a leading 0 in three groups or more), by a cue otherwise (`Phone:`, `call me at`, 电话).
- IPv4: four octets; those that look like a version, or are all small, need a cue. `ip_private` are those of
  networks that the internet does not route.

Dashes of all lengths count as hyphens. After a comma another number may begin: 13812345678,13912345678 are two.
"""

import re

from headwater.signals.privacy.runs import SPAN, Run, ends_word, gap_after, has_cue, is_date, runs_of
from headwater.signals.privacy.telephones import mobile, telephone

_TABLE = 24  # runs of digits: more are a table of figures, in which no telephone is looked for
_PROVINCES = frozenset(
    [
        "11",
        "12",
        "13",
        "14",
        "15",
        "21",
        "22",
        "23",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "37",
        "41",
        "42",
        "43",
        "44",
        "45",
        "46",
        "50",
        "51",
        "52",
        "53",
        "54",
        "61",
        "62",
        "63",
        "64",
        "65",
        "71",
        "81",
        "82",
        "83",
        "91",
    ]
)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"
_GLUED = re.compile(r"(?i)(?<![a-z])(?:tel|phone|mob|mobile|cell|fax|call|wechat|weixin|wx|vx|v)\Z")
_CARD_CUE = re.compile(r"(?i)\b(?:card|cc|visa|mastercard|maestro|amex)\b|卡|账号|帳號|账户|帳戶")
_ID_CUE = re.compile("身份|身分|证件|證件")
_BANK_CUE = re.compile("银行|銀行|储蓄|儲蓄|借记|借記|卡号|卡號|开户|開戶")
_IP_CUE = re.compile(r"(?i)\bip\b|address|host|server|地址|服务器|伺服器")
_VERSION_CUE = re.compile(r"(?i)(?:\bv|version|release|build|firmware|版本|section|chapter|§)[\s.:]{0,8}$")
_URL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?#[]@!$&'()*+,;=%")
_URL_CHARACTERS = "".join(sorted(_URL))
_ISSUERS = (  # first digits from, to, lengths
    ("4", "4", (13, 16, 19)),
    ("51", "55", (16,)),
    ("2221", "2720", (16,)),
    ("34", "34", (15,)),
    ("37", "37", (15,)),
    ("300", "305", (14, 16)),
    ("3095", "3095", (14, 16)),
    ("36", "36", (14, 16)),
    ("38", "39", (14, 16)),
    ("6011", "6011", (16, 19)),
    ("644", "649", (16, 19)),
    ("65", "65", (16, 19)),
    ("3528", "3589", (16, 19)),
    ("1800", "1800", (15,)),
    ("2131", "2131", (15,)),
    ("2200", "2204", (16, 19)),
    ("50", "50", tuple(range(12, 20))),
    ("56", "58", tuple(range(12, 20))),
    ("6", "6", tuple(range(12, 20))),
)


def in_group(text: str, start: int, end: int) -> list[SPAN]:
    """What the digits between `start` and `end` are: spans that do not overlap, ascending."""
    runs = runs_of(text, start, end)
    found: list[SPAN] = []
    number = 0
    while number < len(runs):
        taken = _at(text, runs, number)
        if taken is None:
            number += 1
            continue
        span, number = taken
        found.append(span)
    return found


def _at(text: str, runs: list[Run], number: int) -> tuple[SPAN, int] | None:
    """The span that begins with a run, and the first run after it."""
    start, end, digits = runs[number]
    before = text[start - 1] if start else ""
    if (
        before == "_"
        or (before.isascii() and before.isalpha() and _GLUED.search(text, max(0, start - 8), start) is None)
        or (before == "." and text[start - 2 : start - 1].isdigit())
    ):
        return None
    if len(digits) == 1 and before != "+" and text[end : end + 1] not in (".", "-"):
        return None  # no number begins so
    if (identity := _identity_card(text, runs, number)) is not None:
        return identity
    if (address := _ip(text, runs, number)) is not None:
        return address, number + 4
    if _in_url(text, start):
        return None
    one = _card(text, runs, number) or mobile(text, runs, number) or _ssn(text, runs, number)
    return one or (telephone(text, runs, number) if len(runs) <= _TABLE else None)


def _in_url(text: str, start: int) -> bool:
    window = text[max(0, start - 100) : start]
    word = window[len(window.rstrip(_URL_CHARACTERS)) :]
    return "://" in word or "www." in word or ".com/" in word or ".html" in word


# ---------------------------------------------------------------- cards


def _identity_card(text: str, runs: list[Run], number: int) -> tuple[SPAN, int] | None:
    start, end, digits = runs[number]
    last = number + 1
    groups = [len(run[2]) for run in runs[number : number + 3]]
    gap = gap_after(text, runs, number) if last < len(runs) else ""
    if groups in ([6, 8, 4], [6, 8, 3]) and gap in (" ", "-") and gap == gap_after(text, runs, last):
        digits, end = digits + runs[last][2] + runs[last + 1][2], runs[last + 1][1]
        last += 2
    after = text[end : end + 1]
    if len(digits) == 17 and after in "XxＸｘ" and after and ends_word(text, end + 1):
        digits, end = digits + "X", end + 1
    if len(digits) == 18 and digits[:2] in _PROVINCES and ends_word(text, end) and is_date(digits[6:14]):
        total = sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=False))
        if _CHECK[total % 11] == digits[17]:
            return ("id_card", start, end, 0.99), last
    elif (
        len(digits) == 15
        and digits[:2] in _PROVINCES
        and is_date("19" + digits[6:12])
        and has_cue(_ID_CUE, text, start)
    ):
        return (("id_card", start, end, 0.9), last) if ends_word(text, end) else None
    return None


def luhn(digits: str) -> bool:
    """The check digit of ISO/IEC 7812."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(doubled) + sum(map(int, digits[-1::-2]))) % 10 == 0


def _card(text: str, runs: list[Run], number: int) -> tuple[SPAN, int] | None:
    """One run, or groups of four (the last of one to four), or 4-6-5 and 4-6-4, with single spaces or hyphens."""
    start, end, digits = runs[number]
    last = number + 1
    if len(digits) == 4:
        while last < len(runs) and len(digits) < 19 and runs[last][0] == end + 1 and text[end] in " -":
            piece = runs[last][2]
            if len(piece) > 6:
                break
            digits, end, last = digits + piece, runs[last][1], last + 1
            if len(piece) != 4 and not (len(piece) == 6 and last == number + 2):
                break
    if not 12 <= len(digits) <= 19 or not ends_word(text, end) or len(set(digits)) < 2 or not luhn(digits):
        return None
    if digits.startswith("62") and len(digits) >= 16:
        return ("bank_card", start, end, 0.95), last
    cue = has_cue(_CARD_CUE, text, start)
    if not any(len(digits) in sizes and low <= digits[: len(low)] <= high for low, high, sizes in _ISSUERS):
        # cards of before UnionPay, of shops, of issuers that are not in the table: Luhn and a cue
        kind = "bank_card" if len(digits) >= 16 and has_cue(_BANK_CUE, text, start) else "card"
        return ((kind, start, end, 0.8), last) if cue else None
    telling = len(digits) >= 14 and not (digits[0] in "56" and not "51" <= digits[:2] <= "55")
    return (("card", start, end, 0.95 if cue else 0.85), last) if cue or telling else None


def _ssn(text: str, runs: list[Run], number: int) -> tuple[SPAN, int] | None:
    """A US social security number as it is written: 3-2-4."""
    some = runs[number : number + 3]
    if [len(digits) for _, _, digits in some] != [3, 2, 4]:
        return None
    start, end = some[0][0], some[2][1]
    area, group, serial = (digits for _, _, digits in some)
    if text[some[0][1]] + text[some[1][1]] != "--" or end - start != 11 or not ends_word(text, end):
        return None
    if area in ("000", "666") or area[0] == "9" or group == "00" or serial == "0000":
        return None
    return ("ssn", start, end, 0.85), number + 3


# ---------------------------------------------------------------- IPv4


def _ip(text: str, runs: list[Run], number: int) -> SPAN | None:
    some = runs[number : number + 4]
    if len(some) < 4 or any(text[some[n][1] : some[n + 1][0]] != "." for n in range(3)):
        return None
    start, end = some[0][0], some[3][1]
    octets = [digits for _, _, digits in some]
    if any(len(o) > 3 or int(o) > 255 or (o[0] == "0" and len(o) > 1) for o in octets) or not ends_word(
        text, end
    ):
        return None
    before = text[start - 1] if start else ""
    if before in ("-", ".") or text[end : end + 1] == "-" or has_cue(_VERSION_CUE, text, start, 16):
        return None
    small = max(map(int, octets)) < 20
    slash = before == "/" and text[max(0, start - 3) : start] != "://"  # Chrome/88.0.4324.150
    if (small or slash) and not has_cue(_IP_CUE, text, start, 24):
        return None
    kind = "ip" if is_public(*map(int, octets)) else "ip_private"
    return kind, start, end, 0.95


def is_public(a: int, b: int, c: int, d: int) -> bool:
    """Whether the internet routes an IPv4 address (IANA's special-purpose registry)."""
    del d
    return not (
        a in (0, 10, 127)
        or a >= 224
        or (a, b) in ((169, 254), (192, 168))
        or (a == 172 and 16 <= b < 32)
        or (a == 100 and 64 <= b < 128)
        or (a == 198 and b in (18, 19))
        or (a, b, c) in ((192, 0, 0), (192, 0, 2), (198, 51, 100), (203, 0, 113))
    )
