"""Quantities as people write them: `5M` tokens, `64 MB`, `1e-3`.

A recipe holds them as text or as numbers; the models hold plain integers. Decimal units are powers of ten,
binary ones (`MiB`) powers of two, as in IEC 80000-13.
"""

import re
from typing import Annotated

from pydantic import BeforeValidator

_COUNT = re.compile(r"^\s*(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*+([kKmMgGbBtT]?)\s*$", re.I)
_SIZE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*+(B|[kKMGT]i?B)?\s*$")
_COUNT_FACTORS = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9, "g": 10**9, "t": 10**12}
_SIZE_FACTORS = {
    "": 1, "B": 1,
    "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40,
}  # fmt: skip


def parse_count(value: object) -> int:
    """`5M`, `500k`, `2e6`, `1_000` or an integer, as an integer; ValueError says what was expected."""
    if isinstance(value, bool):
        raise ValueError("expected a count such as 500k or 5M, got true/false")
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and (match := _COUNT.match(value.replace("_", ""))):
        number = float(match[1]) * _COUNT_FACTORS[match[2].lower()]
        if number.is_integer():
            return int(number)
    raise ValueError(f"expected a count such as 500k or 5M, got {value!r}")


def parse_size(value: object) -> int:
    """`64 MB`, `1.5GiB` or an integer number of bytes, as bytes; ValueError says what was expected."""
    if isinstance(value, bool):
        raise ValueError("expected a size such as 64 MB, got true/false")
    if isinstance(value, int):
        return value
    if isinstance(value, str) and (match := _SIZE.match(value)):
        return int(float(match[1]) * _SIZE_FACTORS[(match[2] or "").upper()])
    raise ValueError(f"expected a size such as 64 MB or 2 GiB, got {value!r}")


Count = Annotated[int, BeforeValidator(parse_count)]
Size = Annotated[int, BeforeValidator(parse_size)]


def show_count(value: float) -> str:
    """The shortest of 950, 12.3k, 4.56M, 7.89B that keeps three digits."""
    for factor, unit in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if value >= factor:
            return f"{value / factor:.3g}{unit}"
    return f"{value:g}"


def show_size(value: float) -> str:
    """Bytes in decimal units with three digits: `12.3 MB`."""
    for factor, unit in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if value >= factor:
            return f"{value / factor:.3g} {unit}"
    return f"{value:g} B"
