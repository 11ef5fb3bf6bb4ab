"""Personal data in a text: where it stands, of which type, how sure.

`scan` walks the text once and finds the few places worth a look; `numbers`, `strings` and `people` look at them. All
offsets are half-open and in code points; spans do not overlap, the surer type wins. In the manner of dolma's and
datatrove's taggers, with checksums where a type has one, and Chinese beside English in every type.

Types that a pattern decides (`PATTERN_TYPES`) are precise enough to be replaced without asking; `name` and `address`
go by dictionary and form and are only replaced where a recipe asks. See benchmarks/privacy.py for what each finds.
"""

from headwater.signals.privacy import numbers, people, scan, strings
from headwater.signals.privacy.runs import SPAN

VERSION = (
    2  # 2: numbers before a comma, with dashes of all lengths, with an extension; identity cards in groups
)
LIBRARIES = ("numba", "phonenumbers")

PATTERN_TYPES = (
    "email", "ip", "ip_private", "phone", "mobile", "id_card", "bank_card", "card", "iban", "ssn", "secret",
)  # fmt: skip
TYPES = (*PATTERN_TYPES, "address", "name")
CONTACTS = ("email", "ip", "phone", "mobile")  # what dolma's tagger counts: email, IP and phone

_CUES = (*people.CUES, *strings.SECRETS)
_CUES_BY_BEGINNING: dict[str, tuple[str, ...]] = {}
for _cue in _CUES:
    _CUES_BY_BEGINNING[_cue[:2]] = (*_CUES_BY_BEGINNING.get(_cue[:2], ()), _cue)


def measure(text: str) -> tuple[object, ...]:
    """spans, contacts; how many of each type; where they are, of each type."""
    found = spans(text)
    by_type: dict[str, list[dict[str, float]]] = {kind: [] for kind in TYPES}
    for kind, start, end, score in found:
        by_type[kind].append({"start": start, "end": end, "score": score})
    counts = {kind: len(some) for kind, some in by_type.items()}
    return (
        sum(counts[kind] for kind in PATTERN_TYPES if kind != "ip_private"),
        sum(counts[kind] for kind in CONTACTS),
        *counts.values(),
        *by_type.values(),
    )


def warm() -> None:
    """Compiles the kernel, once a machine."""
    measure("Mr. Ada Smith, 电话 010-62751234, a@example.com")


def spans(text: str) -> list[SPAN]:
    """(type, start, end, score), ascending, not overlapping."""
    found: list[SPAN] = []
    for kind, start, end in scan.events(text, _CUES, people.given_names()):
        if kind == scan.DIGITS:
            found += numbers.in_group(text, start, end)
        elif (one := _at(text, kind, start, end)) is not None:
            found.append(one)
    return _apart(found)


def _at(text: str, kind: int, start: int, end: int) -> SPAN | None:
    if kind == scan.AT:
        return strings.email(text, start)
    if kind == scan.COLON:
        return strings.ip6(text, start)
    if kind == scan.ACCOUNT:
        return strings.iban(text, start)
    if kind == scan.HOUSE:
        return people.chinese_address(text, start, end)
    if kind == scan.NUMBERED:
        return people.english_address(text, start)
    if kind == scan.GIVEN:
        return people.english_name(text, start, end)
    for cue in _CUES_BY_BEGINNING.get(text[start : start + 2], ()):
        if text.startswith(cue, start):
            if cue in strings.SECRETS:
                return strings.secret(text, cue, start)
            return people.at_cue(text, cue, start)
    return None


_RANK = {kind: number for number, kind in enumerate(("secret", "iban", "email", "id_card", *TYPES))}


def _apart(found: list[SPAN]) -> list[SPAN]:
    """Of spans that overlap the surer one, of equally sure ones the longer."""
    kept: list[SPAN] = []
    for one in sorted(found, key=lambda span: (span[1], -span[2])):
        if kept and one[1] < kept[-1][2]:
            before = kept[-1]
            if (one[3], one[2] - one[1], -_RANK[one[0]]) > (
                before[3],
                before[2] - before[1],
                -_RANK[before[0]],
            ):
                kept[-1] = one
        else:
            kept.append(one)
    return kept
