"""What ROOTS measures of a code file (Laurençon et al. 2022; data-preparation, sourcing/code_dataset/processing.py).

The paper's "15 to 65% alphabetic characters" is in the code the share of characters that are *no* letter, digit or
underscore (spaces among them), so that is what `non_word_characters` is. Tokens are what stands between spaces, and
`token_length_deviation` is the standard deviation of their lengths (of the population). Comments in Chinese count as
letters; a line of Chinese without a space is one long token.
"""

import re
import statistics

VERSION = 1
LIBRARIES = ()

_WORD_CHARACTER = re.compile(r"\w+")


def measure(text: str) -> tuple[float, ...]:
    """longest_line, non_word_characters, token_length_deviation."""
    lengths = [len(token) for token in text.split()]
    return (
        max(map(len, text.split("\n"))),
        1 - sum(map(len, _WORD_CHARACTER.findall(text))) / len(text) if text else 0.0,
        statistics.pstdev(lengths) if lengths else 0.0,
    )
