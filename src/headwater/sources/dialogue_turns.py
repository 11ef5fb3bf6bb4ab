"""Turns to a document: one `Speaker: utterance` a line, the same for every kind of conversation.

`speakers: names` shows who speaks as the file has it (the usual names of a chat model's roles become System, User,
Assistant and Tool; speakers without a name are A and B), `letters` gives A, B, C in the order of appearance, `none`
nothing. Names inside what is said stay. Turns of more than one line are set apart by an empty line. The colon is the
same in Chinese text: it belongs to the form, not to the language.
"""

from dataclasses import dataclass
from typing import Any, Literal

from headwater.sources.records import Found, Gated, Record

Form = Literal["names", "letters", "none"]
_ROLES = {
    "system": ("system", "系统"),
    "user": ("human", "user", "usr", "prompter", "customer", "用户", "顾客"),
    "assistant": ("gpt", "assistant", "chatgpt", "bot", "model", "sys", "agent", "bing", "bard", "moss", "助手", "客服"),
    "tool": ("tool", "function", "observation", "ipython", "function_response"),
}  # fmt: skip
_ROLE_OF = {name: role.capitalize() for role, names in _ROLES.items() for name in names}


@dataclass(frozen=True)
class Turn:
    speaker: str  # "" where nobody is named
    text: str
    action: bool = False  # what someone does (/me), or what happens


def role_of(name: str) -> str:
    """A chat model's role by its usual names; any other name as it is."""
    return _ROLE_OF.get(name.strip().lower(), name.strip())


def alternating(texts: list[str]) -> list[Turn]:
    """Turns of two who take turns and are not named."""
    return [Turn("AB"[number % 2], text) for number, text in enumerate(texts)]


def letter(number: int) -> str:
    """A … Z, AA, AB, …"""
    name = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(65 + rest) + name
    return name


def text_of_turns(turns: list[Turn], form: Form) -> str:
    order = {
        name: letter(number)
        for number, name in enumerate(dict.fromkeys(t.speaker for t in turns if t.speaker))
    }
    shown = []
    for turn in turns:
        said = turn.text.strip("\r\n").rstrip()
        name = {"names": turn.speaker, "letters": order.get(turn.speaker, ""), "none": ""}[form]
        if turn.action:
            shown.append(" ".join(part for part in ("*" if form != "none" else "", name, said) if part))
        else:
            shown.append(f"{name}: {said}" if name else said)
    return ("\n\n" if any("\n" in text for text in shown) else "\n").join(shown)


def conversation(
    offset: int | str, turns: list[Turn], form: Form, fields: dict[str, str], meta: dict[str, Any]
) -> Record:
    """The document of a conversation; gated where nobody says anything."""
    turns = [turn for turn in turns if turn.text.strip()]
    if not turns:
        return Gated(offset, "empty")
    speakers = {turn.speaker for turn in turns if turn.speaker}
    counted = {"turns": len(turns), "speakers": len(speakers)}
    return Found(
        offset,
        text_of_turns(turns, form),
        {name: value for name, value in fields.items() if value},
        counted | {name: value for name, value in meta.items() if value},
    )
