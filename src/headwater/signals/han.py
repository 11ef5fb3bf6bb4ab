"""Chinese characters in a text, and which of the two ways of writing them."""

from headwater.corpus.text import letters_by_script, simplified_and_traditional

VERSION = 1
LIBRARIES = ()


def measure(text: str) -> tuple[float, float, float]:
    """share, simplified, traditional."""
    letters = letters_by_script(text)
    han = letters.get("Hani", 0)
    if not han:
        return 0.0, 0.0, 0.0
    simplified, traditional = simplified_and_traditional(text)
    return han / sum(letters.values()), simplified / han, traditional / han
