"""Event files for TensorBoard: checked against published checksums, and read back field by field."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from headwater.cli import cli
from headwater.errors import HeadwaterError
from headwater.train.tensorboard import crc32c, write_events


def fields(data: bytes) -> list[tuple[int, Any]]:
    """The fields of a protocol buffer: (number, value)."""
    found, at = [], 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        number, kind = divmod(varint(), 8)
        if kind == 0:
            found.append((number, varint()))
            continue
        size = {1: 8, 5: 4}.get(kind) or varint()
        raw, at = data[at : at + size], at + size
        found.append((number, struct.unpack({1: "<d", 5: "<f"}[kind], raw)[0] if kind != 2 else raw))
    return found


def events(path: Path) -> list[dict[str, Any]]:
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        body = data[at + 12 : at + 12 + length]
        for place, of in ((at + 8, data[at : at + 8]), (at + 12 + length, body)):
            rotated = (struct.unpack_from("<I", data, place)[0] - 0xA282EAD8) & 0xFFFFFFFF
            assert (rotated >> 17 | rotated << 15) & 0xFFFFFFFF == crc32c(of)
        one: dict[str, Any] = {"values": {}}
        for number, value in fields(body):
            if number == 5:
                for _, part in fields(value):
                    tag, simple = (v for _, v in fields(part))
                    one["values"][tag.decode()] = simple
            else:
                one[{1: "seconds", 2: "step", 3: "version"}[number]] = value
        found.append(one)
        at += 16 + length
    return found


def test_checksums_are_those_of_rfc_3720() -> None:
    assert crc32c(b"") == 0 and crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA and crc32c(b"\xff" * 32) == 0x62A8AB43


def test_every_line_comes_back(tmp_path: Path) -> None:
    lines = [
        {"step": step, "tokens": step * 8192, "loss": 9 / step, "bits": 13 / step, "lr": 0.02, "tokens_per_second": 5000,
         "epoch": 0.1, "seconds": step * 1.5}
        for step in (1, 200, 70_000)
    ]  # fmt: skip
    run = tmp_path / "训练"
    run.mkdir()
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (run / "metrics.jsonl").write_text(text + '{"step": 70001, "lo', encoding="utf-8")  # being written
    done = CliRunner().invoke(cli, ["curves", str(run), "--tensorboard", str(tmp_path / "logs")])
    assert done.exit_code == 0, done.output
    path = Path(done.output.strip())
    first, *rest = events(path)
    assert first["version"] == b"brain.Event:2" and ".tfevents." in path.name
    for one, line in zip(rest, lines, strict=True):
        assert one["step"] == line["step"] and one["seconds"] == line["seconds"]
        assert one["values"]["loss/nats_per_token"] == pytest.approx(line["loss"])
        assert one["values"]["train/tokens_per_second"] == 5000 and len(one["values"]) == 6
    before = path.read_bytes()
    assert write_events(run, tmp_path / "logs").read_bytes() == before


def test_what_is_no_metrics_is_said(tmp_path: Path) -> None:
    with pytest.raises(HeadwaterError, match="no metrics to show"):
        write_events(tmp_path, tmp_path / "logs")
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n[]\n', encoding="utf-8")
    with pytest.raises(HeadwaterError, match=r"metrics.jsonl:2: not a line"):
        write_events(tmp_path, tmp_path / "logs")


def test_tensorboard_reads_it(tmp_path: Path) -> None:
    reader = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="tensorboard is not installed"
    )
    (tmp_path / "metrics.jsonl").write_text('{"step": 3, "loss": 2.5, "seconds": 1.0}\n', encoding="utf-8")
    write_events(tmp_path, tmp_path / "logs")
    accumulator = reader.EventAccumulator(str(tmp_path / "logs"))
    accumulator.Reload()
    (scalar,) = accumulator.Scalars("loss/nats_per_token")
    assert (scalar.step, scalar.value) == (3, 2.5)
