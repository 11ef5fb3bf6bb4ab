"""Personal data is masked in whatever a question shows of a text, unless the one who asks says otherwise.

Every letter and digit of a span becomes •, so offsets stay what they are and the form can still be seen. Names are
shown: they are found by cue and dictionary only, and a document's author would be gone from its own evidence.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from headwater.curate.privacy import without_personal_data
from headwater.signals import privacy

MASKED = frozenset(privacy.TYPES) - {"name"}
_UNMASKED: ContextVar[bool] = ContextVar("unmasked", default=False)


@contextmanager
def unmasked(wanted: bool = True) -> Iterator[None]:
    """Within it, texts are shown as they are (`--unmasked`)."""
    token = _UNMASKED.set(wanted)
    try:
        yield
    finally:
        _UNMASKED.reset(token)


def masked(text: str) -> str:
    """The text with personal data as •; as many code points as before."""
    if _UNMASKED.get():
        return text
    spans = [(start, end, kind) for kind, start, end, _ in privacy.spans(text) if kind in MASKED]
    return without_personal_data(text, spans, "mask") if spans else text


def masked_value(value: Any) -> Any:
    """The same for whatever a query gives: strings in it, however deep."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, list | tuple):
        return type(value)(masked_value(one) for one in value)
    if isinstance(value, dict):
        return {key: masked_value(one) for key, one in value.items()}
    return value
