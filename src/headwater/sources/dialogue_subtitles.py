"""Subtitles to lines: SRT, WebVTT, ASS and SSA, without times, numbers and styles.

The lines of a cue are one line of text where they are one sentence, and stay apart where each has a speaker of its own
("- …") or a script of its own: Chinese above English stays in that order. A sentence that goes on in the next cue is
joined to it. Who speaks is kept where the format says it (`<v Name>`, the name column of ASS) or the text does
(`NAME: …`). Live captions that repeat the line above are shown once. A file is one document.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from headwater.engine import guard
from headwater.recipe.sources import DialogueSource
from headwater.sources.dialogue_turns import Turn, conversation
from headwater.sources.encoding import UndecodableError, decode
from headwater.sources.extract.references import unescape
from headwater.sources.records import GIVEN_UP, MAX_RECORD, Gated, Record, quarantine
from headwater.sources.streams import Stream, read_whole

_CLOCK = r"(?:\d{1,3}:)?\d{1,2}:\d{1,2}(?:[,.:]\d{1,3})?"
_TIMES = re.compile(rf"[ \t]{{0,9}}({_CLOCK})\s*-{{1,2}}>\s*({_CLOCK})")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,500}>|<\d\d:[\d:.]{2,12}>|</?>|\{\\?[^{}]{0,500}\}")
_VOICE = re.compile(r"<v(?:\.[\w.-]{1,100})?[ \t]+([^<>]{1,100})>")
_DRAWING = re.compile(r"\{[^{}]{0,500}\\p[1-9]")
_APART = re.compile(r"[ \t]{0,9}(?:[-–—‐]\s?\S|[A-Z][A-Z .'’-]{1,30}: )")
_HAN = re.compile(r"[\u3400-\u9fff\u3040-\u30ff\uac00-\ud7a3]")
_LATIN = re.compile(r"[A-Za-zÀ-ɏ\u0370-\u04ff]{2}")
_ENDS = re.compile(r"[.!?…。！？♪)\]）】][\"'”’」』]?$")
_GOES_ON = re.compile(r"[,;，、；]$|[^\W\d_]$", re.UNICODE)
_LANGUAGE = re.compile(
    r"\.(en|eng|zh|chi|zho|chs|cht|zh-cn|zh-tw|zh-hans|zh-hant|ja|jpn|ko|kor|fr|de|es|ru|it|pt)\.[^.]+$", re.I
)
_LANGUAGES = {"eng": "en", "chi": "zh", "zho": "zh", "chs": "zh-Hans", "zh-cn": "zh-Hans", "cht": "zh-Hant",
              "zh-tw": "zh-Hant", "jpn": "ja", "kor": "ko"}  # fmt: skip
JOINED_WITHIN = 2.0  # seconds between cues of one sentence


@dataclass(frozen=True)
class Cue:
    start: float  # seconds
    end: float
    speaker: str
    lines: list[str]


def read(stream: Stream, name: str, source: DialogueSource) -> Iterator[Record]:
    data = read_whole(stream, MAX_RECORD)
    if data is None:
        yield quarantine(0, "too_large", f"more than {MAX_RECORD:,} bytes of subtitles in one file")
        return
    if (reason := guard.begin()) is not None:
        yield quarantine(0, reason, GIVEN_UP, data)
    elif data.strip():
        yield _record(data, name, source, cut=stream.tail is not None)
    elif stream.tail is None:
        yield Gated(0, "empty")
    if stream.tail is not None:
        yield quarantine("tail", "unreadable_tail", stream.tail.detail, stream.tail.data)


def _record(data: bytes, name: str, source: DialogueSource, *, cut: bool) -> Record:
    text = problem = None
    for less in range(4 if cut else 1):  # the cut may have gone through a character
        try:
            text = decode(data[: len(data) - less], source.encoding)
            break
        except UndecodableError as error:
            problem = str(error)
    if text is None:
        return quarantine(0, "encoding", problem or "", data)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    cues = (
        script_cues(text)
        if re.search(r"^[^\S\n]*+(?:\[Script Info\]|\[Events\]|Dialogue:)", text[:4096], re.M | re.I)
        else timed_cues(text)
    )
    if not cues:
        return Gated(0, "not_dialogue")
    turns = turns_of_cues(cues)
    language = _LANGUAGE.search(name)
    declared = language[1].lower() if language else ""
    fields = {"language": _LANGUAGES.get(declared, declared)}
    return conversation(0, turns, source.speakers, fields, {"cues": len(cues)})


def timed_cues(text: str) -> list[Cue]:
    """SRT and WebVTT. A cue begins at its times; what stands above them (a number, a name) is not its text."""
    cues: list[Cue] = []
    start = end = 0.0
    lines: list[str] | None = None
    for line in text.split("\n"):
        if times := _TIMES.match(line):
            if lines is not None:
                # The number stands right above the times where the empty line is missing.
                if lines and lines[-1].strip().isdigit():
                    lines.pop()
                cues.append(_cue(start, end, lines))
            start, end, lines = _seconds(times[1]), _seconds(times[2]), []
        elif lines is not None:
            if line.strip():
                lines.append(line)
            else:
                cues.append(_cue(start, end, lines))
                lines = None
    if lines is not None:
        cues.append(_cue(start, end, lines))
    return cues


def script_cues(text: str) -> list[Cue]:
    """ASS and SSA: the lines of the events, in the order of their times."""
    columns = ["layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text"]
    cues: list[Cue] = []
    events = True
    for line in text.split("\n"):
        head, _, rest = line.partition(":")
        if line.startswith("["):
            events = line.strip().lower() == "[events]"
        elif events and head.strip().lower() == "format":
            columns = [column.strip().lower() for column in rest.split(",")]
        elif events and head.strip().lower() == "dialogue":
            values = dict(zip(columns, rest.strip().split(",", len(columns) - 1), strict=False))
            said = values.get("text", "")
            if _DRAWING.search(said):
                continue
            shown = said.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")
            speaker = values.get("name", values.get("actor", "")).strip()
            start, end = _seconds(values.get("start", "")), _seconds(values.get("end", ""))
            cues.append(_cue(start, end, shown.split("\n"), speaker))
    cues.sort(key=lambda cue: cue.start)
    return cues


def _cue(start: float, end: float, lines: list[str], speaker: str = "") -> Cue:
    if voice := next((found for line in lines if (found := _VOICE.search(line))), None):
        speaker = " ".join(unescape(voice[1]).split())
    shown = [
        " ".join(unescape(_TAG.sub("", line)).replace("\u200b", "").split(" ")).strip() for line in lines
    ]
    return Cue(start, end, speaker, [line for line in shown if line])


def _seconds(clock: str) -> float:
    parts = re.findall(r"\d+", clock)[:4]
    if not parts:
        return 0.0
    fraction = (
        float(f"0.{parts.pop()}") if re.search(r"[,.]\d+$|:\d+:\d+:\d+:", clock) and len(parts) > 2 else 0.0
    )
    seconds = 0.0
    for part in parts:
        seconds = 60 * seconds + int(part[:9])
    return seconds + fraction


def _script(line: str) -> str:
    """Whether a line is Chinese, Japanese or Korean ("h"), alphabetic ("l"), both ("b") or neither ("")."""
    han, latin = _HAN.search(line) is not None, _LATIN.search(line) is not None
    return "b" if han and latin else "h" if han else "l" if latin else ""


def turns_of_cues(cues: list[Cue]) -> list[Turn]:
    turns: list[Turn] = []
    above: list[str] = []  # the lines of the cue before
    ended = -1e9
    for cue in cues:
        lines = cue.lines[len(cue.lines) - _new(above, cue.lines) :]
        if cue.lines:
            above = cue.lines
        groups: list[str] = []
        for line in lines:
            if groups and _continues(groups[-1], line):
                groups[-1] = _joined(groups[-1], line)
            else:
                groups.append(line)
        for number, group in enumerate(groups):
            last = turns[-1] if turns else None
            if (
                number == 0 and len(groups) == 1 and last is not None and last.speaker == cue.speaker
                and 0 <= cue.start - ended <= JOINED_WITHIN and _goes_on(last.text, group)
            ):  # fmt: skip
                turns[-1] = Turn(cue.speaker, _joined(last.text, group))
            else:
                turns.append(Turn(cue.speaker, group))
        ended = max(ended, cue.end)
    return turns


def _new(above: list[str], lines: list[str]) -> int:
    """How many of a cue's lines were not in the cue above: live captions scroll."""
    for same in range(min(len(above), len(lines)), 0, -1):
        if above[-same:] == lines[:same] and (same < len(lines) or same < len(above)):
            return len(lines) - same
    return len(lines)


def _continues(line: str, following: str) -> bool:
    """Whether two lines of one cue are one: neither a second speaker, nor the same in another language."""
    if _APART.match(following):
        return False
    one, two = _script(line), _script(following)
    return (
        one == two
        or not one
        or not two
        or ("b" in (one, two) and _HAN.search(following) is not None and one != "l")
    )


def _goes_on(said: str, following: str) -> bool:
    """Whether a sentence goes on in the next cue. Chinese subtitles have no full stops: only a comma says so."""
    if _APART.match(following) or _script(said) != _script(following) or len(said) > 2000:
        return False
    if said.endswith(("，", "、", "；", ",")):
        return True
    return _script(said) == "l" and following[:1].islower() and not _ENDS.search(said)


def _joined(one: str, two: str) -> str:
    wide = (
        "\u2e80" <= one[-1] <= "\u9fff" or "\uff00" <= one[-1] <= "\uffef" or "\u2e80" <= two[0] <= "\u9fff"
    )
    return one + ("" if wide else " ") + two
