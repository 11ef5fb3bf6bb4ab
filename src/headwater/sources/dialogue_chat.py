"""Chat logs, as IRC clients write them: irssi, WeeChat, ZNC, HexChat, mIRC, Pidgin, eggdrop, the Ubuntu archive.

A document is what one file has of one day; `gap: 60` makes it one conversation instead, ended by an hour of silence,
and leaves midnight alone. A longer one than LONGEST is cut at a line. Who came, left, was renamed or changed the topic
is left out and counted in `meta.events`; lines of no known form, or with nothing said, in
`meta.other`. A line that cannot be
decoded is quarantined, alone. A file in which less than half of the lines are a log's is gated, `not_dialogue`.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from headwater.engine import guard
from headwater.recipe.sources import DialogueSource
from headwater.sources.dialogue_turns import Turn, conversation
from headwater.sources.files import utf8_lines
from headwater.sources.records import GIVEN_UP, MAX_RECORD, Gated, Record, quarantine
from headwater.sources.streams import Stream

LONGEST = 8 << 20  # characters of one document
ASKED = 200  # lines by which a file is known
# Colours and styles of mIRC and of terminals.
_STYLE = re.compile(
    r"\x03(?:\d{1,2}(?:,\d{1,2})?)?|\x04[0-9a-fA-F]{6}|\x1b\[[0-9;]{0,20}m|[\x02\x0f\x11\x16\x1d\x1e\x1f]"
)
_TIME = re.compile(
    r"[\[(]?(?:(?P<date>\d{4}[-/.]\d\d[-/.]\d\d|[A-Z][a-z]{2} [ \d]?\d|\d\d[-/.]\d\d[-/.]\d{4})[ T,]{1,2})?"
    r"(?P<hour>[012]?\d):(?P<minute>[0-5]\d)(?::[0-5]\d)?(?:[.,]\d{1,6})?(?: ?(?P<half>[APap])[Mm])?"
    r"(?:Z|[+-]\d\d:?\d\d)?[\])]?(?P<space>[ \t]{1,20}|$)"
)
_SAID = re.compile(r"<[ @+%&~!]?([^<>\t\n]{1,64})> ?\t?(.*)")
_ACTION = re.compile(r"(?:\* |•\s?)\s{0,8}[@+%&~!]?(\S{1,64})\s+(.*)")
_COLON = re.compile(r"([^\s:<>*=-][^\t:<>]{0,63}): (.*)")
_TABBED = re.compile(r"[@+%&~!]?([^\t]{0,64})\t(.*)")
_MARK = re.compile(r"===|\*\*\*|-!-|-->|<--|<-|->|--|=!=|---|←|→|⇐|!|-[^\s-]{1,64}- ")
_EVENT = re.compile(
    r"(?:\S{1,64} )?(?:\([^()]{0,200}\) |\[[^\[\]]{0,200}\] {1,2})?(?:has |is |was |have )?"
    r"(?:joined|left|quit|parted|now known as|no longer|kicked|kick|banned|sets? mode|sets? the|gives |removes |"
    r"changes? (?:the )?topic|changed (?:the )?topic|Now talking|Topic |topic |Disconnected|Quits|Joins|Parts)\b"
)
_DAY = re.compile(
    r"(?:---|\*{3,4}|Session|=+|--)\s*(?:Day changed|Log opened|Log closed|BEGIN LOGGING AT|ENDING LOGGING AT|Start|Time|"
    r"Close|Log started|Day changed to)\b"
)
_DATE = re.compile(
    r"(?:[A-Z][a-z]{2} )?([A-Z][a-z]{2}) {1,2}(\d{1,2})(?: \d\d:\d\d:\d\d)?,? (\d{4})|(\d{4})-(\d\d)-(\d\d)"
)
_NAMED_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)")
_CHANNEL = re.compile(r"#[\w.+-]{1,50}")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class ChatLine:
    """`kind`: said, action, event, day (a new day, `text` its date) or other."""

    kind: str
    speaker: str = ""
    text: str = ""
    date: str = ""
    minute: int | None = None  # of the day


def chat_line(line: str) -> ChatLine:
    """What one line of a log says."""
    line = _STYLE.sub("", line).rstrip("\r\n ")
    if _DAY.match(line):
        return ChatLine("day", text=line, date=_date(line))
    time = _TIME.match(line)
    rest, date, minute = line, "", None
    if time is not None:
        rest, date = line[time.end() :], _date(time["date"] or "")
        hour = int(time["hour"]) % 24
        if half := (time["half"] or "").lower():
            hour = hour % 12 + 12 * (half == "p")
        minute = 60 * hour + int(time["minute"])
        if _DAY.match(rest):
            return ChatLine("day", text=rest, date=_date(rest), minute=minute)
        if time["space"].startswith("\t") or (
            time["date"] and _TABBED.match(rest) and not rest.startswith("<")
        ):
            return _tabbed(rest, date, minute)
    if said := _SAID.match(rest):
        return ChatLine("said", said[1].strip(), said[2], date, minute)
    if action := _ACTION.match(rest):
        kind = "event" if _EVENT.match(action[2]) else "action"
        is_event = kind == "event"
        return ChatLine(kind, "" if is_event else action[1], rest if is_event else action[2], date, minute)
    if _MARK.match(rest):
        return ChatLine("event", text=rest, date=date, minute=minute)
    if time is not None and (said := _COLON.match(rest)):
        return ChatLine("said", said[1], said[2], date, minute)
    if time is not None and _EVENT.match(rest):
        return ChatLine("event", text=rest, date=date, minute=minute)
    return ChatLine("other", text=rest, date=date, minute=minute)


def _tabbed(rest: str, date: str, minute: int | None) -> ChatLine:
    """WeeChat: a speaker or a mark, a tab, the text."""
    found = _TABBED.match(rest)
    if found is None:
        return ChatLine("other", text=rest, date=date, minute=minute)
    name, text = found[1].strip(), found[2]
    if said := _SAID.fullmatch(f"{name} {text}"):  # HexChat: the name in angle brackets
        return ChatLine("said", said[1].strip(), said[2], date, minute)
    if name == "*":
        speaker, _, did = text.partition(" ")
        kind = "event" if _EVENT.match(did) else "action"
        is_event = kind == "event"
        return ChatLine(
            kind, "" if is_event else speaker, f"{name} {text}" if is_event else did, date, minute
        )
    if not name or _MARK.match(name):
        return ChatLine("event", text=f"{name} {text}".strip(), date=date, minute=minute)
    return ChatLine("said", name, text, date, minute)


def _date(text: str) -> str:
    """yyyy-mm-dd, or "" where the year is not said."""
    found = _DATE.search(text)
    if found is None:
        return (
            text.replace("/", "-").replace(".", "-") if re.fullmatch(r"\d{4}[/.]\d\d[/.]\d\d", text) else ""
        )
    if found[4]:
        return f"{found[4]}-{found[5]}-{found[6]}"
    month = _MONTHS.index(found[1]) + 1 if found[1] in _MONTHS else 0
    return f"{found[3]}-{month:02}-{int(found[2]):02}" if month else ""


@dataclass
class _Talk:
    """The conversation that is being read."""

    offset: int
    turns: list[Turn] = field(default_factory=list)
    characters: int = 0
    date: str = ""
    last: int | None = None  # minutes, counted on over midnight
    events: int = 0
    other: int = 0


def read(stream: Stream, name: str, source: DialogueSource) -> Iterator[Record]:
    """The conversations of one log. `name`: its file's, which may say channel and date."""
    found = utf8_lines(stream, source.encoding)
    first = list(itertools.islice(found, ASKED))
    if not any(line.data.strip() for line in first):
        if stream.tail is None:
            yield Gated(0, "empty")
        else:
            yield quarantine("tail", "unreadable_tail", stream.tail.detail, stream.tail.data)
        return
    forms = [chat_line(line.data.decode("utf-8", "replace")).kind for line in first if line.data.strip()]
    known = sum(form != "other" for form in forms)
    if 2 * known < len(forms) or (not {"said", "action"} & set(forms) and "event" not in forms):
        yield Gated(0, "not_dialogue")
        return
    named = _NAMED_DATE.search(name)
    named_date = f"{named[1]}-{named[3]}-{named[4]}" if named else ""
    channel = found_channel[0] if (found_channel := _CHANNEL.search(name)) else ""
    talk = _Talk(0, date=named_date)
    part = 0
    for line in itertools.chain(first, found):
        if line.length > MAX_RECORD:
            detail = f"line {line.number}: {line.length:,} bytes in one line"
            yield quarantine(f"{line.offset}.line", "too_large", detail, line.data)
            continue
        try:
            text = line.data.decode("utf-8").removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            detail = f"line {line.number}: not valid UTF-8 at byte {error.start}"
            yield quarantine(f"{line.offset}.line", "encoding", detail, line.data)
            continue
        if not text.strip():
            continue
        said = chat_line(text)
        if not channel and said.kind in ("event", "day") and (seen := _CHANNEL.search(said.text)):
            channel = seen[0]
        ends, now = _ends(talk, said, source.gap)
        if (ends or talk.characters > LONGEST) and talk.turns:
            part = part + 1 if talk.characters > LONGEST or (part and not ends) else 0
            yield _document(talk, name, channel, source, part)
            talk = _Talk(line.offset, date=talk.date)
        elif not talk.turns:
            talk.offset = line.offset
        talk.date, talk.last = said.date or talk.date, now if now is not None else talk.last
        _add(talk, said, source)
    if talk.turns or talk.offset == 0:
        yield _document(talk, name, channel, source, part + 1 if part else 0)
    if stream.tail is not None:
        yield quarantine("tail", "unreadable_tail", stream.tail.detail, stream.tail.data)


def _ends(talk: _Talk, said: ChatLine, gap: int | None) -> tuple[bool, int | None]:
    """Whether the conversation is over before this line, and its minute, counted on over midnights."""
    new_day = bool(said.date and talk.date and said.date != talk.date)
    now = said.minute
    if now is not None and talk.last is not None:
        days, before = divmod(talk.last, 24 * 60)
        now += 24 * 60 * (days + (new_day or now < before))
    if gap is None:
        return new_day or (said.kind == "day" and "clos" not in said.text.lower()), now
    return now is not None and talk.last is not None and now - talk.last >= gap, now


def _add(talk: _Talk, said: ChatLine, source: DialogueSource) -> None:
    if said.kind in ("said", "action") and said.text.strip():
        talk.turns.append(Turn(said.speaker, said.text, said.kind == "action"))
        talk.characters += len(said.text) + len(said.speaker) + 2
    elif said.kind == "event":
        talk.events += 1
        if source.events == "keep":
            talk.turns.append(Turn("", re.sub(r"^\W{1,4}\s+", "", said.text), True))
            talk.characters += len(said.text)
    elif said.kind != "day":
        talk.other += 1


def _document(talk: _Talk, name: str, channel: str, source: DialogueSource, part: int) -> Record:
    if (reason := guard.begin(f"conversation {talk.offset}")) is not None:
        return quarantine(talk.offset, reason, GIVEN_UP)
    fields = {"title": channel, "date": talk.date, "unit": name}
    meta = {"channel": channel, "events": talk.events, "other": talk.other, "part": part}
    return conversation(talk.offset, talk.turns, source.speakers, fields, meta)
