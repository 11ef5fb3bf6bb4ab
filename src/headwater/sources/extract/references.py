"""Character references of HTML, whatever stands in them."""

import html
import re

# Python takes no number of more digits; a character of that many there is none, so it is U+FFFD as HTML has it.
_ENDLESS = re.compile(r"&#[0-9]{4000,};?")


def unescape(text: str) -> str:
    """`html.unescape`, which raises ValueError for thousands of digits."""
    try:
        return html.unescape(text)
    except ValueError:
        return html.unescape(_ENDLESS.sub("\ufffd", text))
