"""A run's metrics as TensorBoard event files; Weights & Biases reads the same (`wandb sync FOLDER`).

An event file is a row of records, each a length, its checksum, the bytes and their checksum (TFRecord), and each
record a protocol buffer (`Event`). A number over steps needs six fields of it, which are written here by hand:
neither TensorBoard nor TensorFlow has to be installed where a model is trained.

    Event    1: wall time (double)   2: step (int64)   3: file version (string)   5: summary
    Summary  1: value                Value  1: tag (string)   2: simple value (float)

Wall times are those since the training began, so that the same metrics give the same bytes.
"""

import struct
from pathlib import Path

from headwater.engine.workspace import commit_file
from headwater.train.curves import Point, points

VERSION = "brain.Event:2"


def write_events(run: Path, folder: Path) -> Path:
    """Writes run/metrics.jsonl to folder/events.out.tfevents.…, anew each time; returns the file.

    Raises HeadwaterError as `points` does.
    """
    lines = list(points(run))  # what is wrong with them is said before anything is written
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / f"events.out.tfevents.0.{run.resolve().name}"
    temporary = out.with_name(f".{out.name}.tmp")
    with temporary.open("wb") as file:
        file.write(record(_double(1, 0.0) + _bytes(3, VERSION.encode())))
        for point in lines:
            file.write(record(event(point)))
    commit_file(temporary, out)
    return out


def event(point: Point) -> bytes:
    """One point as an Event."""
    values = [
        _bytes(1, _bytes(1, tag.encode()) + _tag(2, 5) + struct.pack("<f", value))
        for tag, value in point.values.items()
    ]
    step = _tag(2, 0) + _varint(point.step)
    return _double(1, point.seconds) + step + _bytes(5, b"".join(values))


def record(data: bytes) -> bytes:
    """TFRecord: length, its checksum, data, their checksum."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", _masked(length)) + data + struct.pack("<I", _masked(data))


# ---------------------------------------------------------------- protocol buffers and checksums


def _tag(number: int, kind: int) -> bytes:
    return bytes([number << 3 | kind])


def _varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def _bytes(number: int, data: bytes) -> bytes:
    return _tag(number, 2) + _varint(len(data)) + data


def _double(number: int, value: float) -> bytes:
    return _tag(number, 1) + struct.pack("<d", value)


def _table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)  # CRC-32C (Castagnoli), reflected
        table.append(byte)
    return table


_TABLE = _table()


def crc32c(data: bytes) -> int:
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


def _masked(data: bytes) -> int:
    """As TFRecord stores it: rotated and shifted, so that a checksum of checksums stays one."""
    value = crc32c(data)
    return ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF
