"""7z archives: read member by member, whatever they were packed with; damaged and hostile ones named."""

import base64
import bz2
import io
import lzma
import random
import struct
import zlib

import pytest

from headwater.sources.sevenzip import SevenZipError, streams

TEXTS = {
    "site/Badges.xml": b"<badges />",
    "site/Posts.xml": "<posts>你好，世界。</posts>\n".encode() * 400,
    "site/空.txt": "源头".encode(),
}
# What 7-Zip's relatives made of TEXTS: py7zr 1.1.4 with LZMA2 behind a branch filter, solid, with a packed header.
BY_ANOTHER = base64.b64decode(
    "N3q8ryccAASFeq2tAgEAAAAAAAAWAAAAAAAAABcOLbXgNS8AZF0AHhiIJl9cqZjcxL1VktAATe4CamUqQYe5nX1mWx+UGmLQ"
    "96/5NYUMTsiLYv69fGL7a8dqUdMzTEFVgR/80zGOSBKmPJf/zBKktCOqz/jalzeoN3WQ7JbULOfUMLYoG6VoYokXAADgAMAA"
    "jl0AAIEzB64P1Cq6/UC7lGQcfutiY/a5l5Iq5bfj5LUKQDwCqAuHqJ7y79StoFzUIKrLxwcGFXf0O52JL/AT4TSo5fo9He1U"
    "dIuAwNpP3XD5XFL2Wh5KtquXkdC7RenDqlBA3HyyAl5FCjdyEz57tIvqETo24PnY23U4BwIAcXM9cJHYWveLJGiyKJ3u6AAA"
    "AAAXBmwBCYCWAAcLAQABISEBGAyAwQAA"
)


def number(value: int) -> bytes:
    """A number as 7zFormat.txt writes it."""
    for extra in range(9):
        if value < 1 << (7 * (extra + 1)) or extra == 8:
            first = (0xFF00 >> extra) & 0xFF | (value >> (8 * extra) if extra < 8 else 0)
            return bytes([first]) + (value & (1 << 8 * extra) - 1).to_bytes(extra, "little")
    raise AssertionError


def pack(
    texts: dict[str, bytes], method: str = "lzma2", *, sizes: list[int] | None = None, keep_crc: bool = True
) -> bytes:
    """A solid archive of one block with a plain header."""
    content = b"".join(texts.values())
    if method == "bzip2":
        packed, coder = bz2.compress(content), b"\x03\x04\x02\x02"
    elif method == "deflate":
        machine = zlib.compressobj(wbits=-15)
        packed, coder = machine.compress(content) + machine.flush(), b"\x03\x04\x01\x08"
    elif method == "copy":
        packed, coder = content, b"\x01\x00"
    elif method == "lzma2":
        packed = lzma.compress(
            content, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}]
        )
        coder = b"\x21\x21\x01\x10"
    else:
        packed, coder = content, bytes.fromhex(method)
    names = "".join(f"{name}\0" for name in texts).encode("utf-16-le")
    lengths = [len(text) for text in texts.values()] if sizes is None else sizes
    header = b"".join(
        [
            b"\x01\x04",
            b"\x06" + number(0) + number(1) + b"\x09" + number(len(packed)) + b"\x00",
            b"\x07\x0b\x01\x00\x01" + coder + b"\x0c" + number(len(content)) + b"\x00",
            b"\x08\x0d" + number(len(texts)) + b"\x09" + b"".join(map(number, lengths[:-1])),
            b"\x0a\x01" + b"".join(struct.pack("<I", zlib.crc32(t)) for t in texts.values())
            if keep_crc
            else b"",
            b"\x00\x00",
            b"\x05" + number(len(texts)) + b"\x11" + number(len(names) + 1) + b"\x00" + names + b"\x00\x00",
        ]
    )
    start = struct.pack("<QQI", len(packed), len(header), zlib.crc32(header))
    return b"7z\xbc\xaf\x27\x1c\x00\x04" + struct.pack("<I", zlib.crc32(start)) + start + packed + header


def contents(archive: bytes, wanted=lambda name: True) -> dict[str, bytes]:
    return {entry.name: b"".join(pieces) for entry, pieces in streams(io.BytesIO(archive), wanted)}


@pytest.mark.parametrize("method", ["lzma2", "bzip2", "deflate", "copy"])
def test_every_member_comes_out_as_it_went_in(method):
    assert contents(pack(TEXTS, method)) == TEXTS
    assert contents(pack(TEXTS, method), lambda name: "Posts" in name) == {
        "site/Posts.xml": TEXTS["site/Posts.xml"]
    }


def test_an_archive_of_another_writer_is_read():
    assert contents(BY_ANOTHER) == TEXTS


def test_a_member_that_nobody_reads_is_passed_over():
    [*entries] = [entry.name for entry, _ in streams(io.BytesIO(pack(TEXTS)), lambda name: True)]
    assert entries == list(TEXTS)


@pytest.mark.parametrize(
    ("coder", "reason", "said"),
    [
        ("03030401", "unsupported", "PPMd"),
        ("0406f10701", "encrypted", "AES"),
        ("0401020304", "unsupported", "01020304"),
    ],
)
def test_what_is_not_read_is_named(coder, reason, said):
    with pytest.raises(SevenZipError, match=said) as error:
        contents(pack(TEXTS, coder))
    assert error.value.reason == reason


@pytest.mark.fault(12)
@pytest.mark.parametrize("tenth", range(10))
def test_a_cut_archive_is_refused_as_one(tenth):
    archive = pack(TEXTS)
    with pytest.raises(SevenZipError) as error:
        contents(archive[: len(archive) * tenth // 10])
    assert error.value.reason == "unreadable_tail"


@pytest.mark.fault(13)
@pytest.mark.parametrize(
    "archive", [pack(TEXTS, "lzma2"), pack(TEXTS, "bzip2"), pack(TEXTS, "copy"), BY_ANOTHER]
)
def test_a_flipped_byte_is_named_or_changes_nothing(archive):
    dice = random.Random(7)
    refused = 0
    for _ in range(300):
        damaged = bytearray(archive)
        damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
        try:
            assert contents(bytes(damaged)) == TEXTS
        except SevenZipError as error:
            assert error.reason in ("unreadable_tail", "damaged_member", "unsupported", "encrypted", "bomb")
            refused += 1
    assert refused > 200


def test_what_stands_before_the_damage_is_handed_out():
    dice = random.Random(3)
    long = {"a.xml": bytes(dice.randrange(256) for _ in range(3_000_000)), "b.xml": b"end"}
    archive = bytearray(pack(long, "bzip2"))
    archive[len(archive) * 3 // 4] ^= 8
    given = b""
    with pytest.raises(SevenZipError):
        for _, pieces in streams(io.BytesIO(bytes(archive)), lambda name: True):
            for piece in pieces:
                given += piece
    assert len(given) > 1_000_000 and long["a.xml"].startswith(given)


@pytest.mark.fault(22)
def test_a_bomb_is_refused_before_it_is_unpacked():
    with pytest.raises(SevenZipError, match="200 times") as error:
        contents(pack({"Posts.xml": bytes(80 << 20)}))
    assert error.value.reason == "bomb"


def test_a_list_that_lies_is_refused():
    for archive in (
        pack(TEXTS, sizes=[1 << 40, 5, 5]),  # members larger than what holds them
        b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(24),
        b"7z\xbc\xaf",
        b"",
        b"<posts>",
    ):
        with pytest.raises(SevenZipError):
            contents(archive)
