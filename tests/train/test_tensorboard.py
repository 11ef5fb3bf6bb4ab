"""Event files for TensorBoard: checked against published checksums, and read back field by field."""

import importlib.util
import json
import struct
import sys
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


def test_weights_and_biases_gets_the_same_curve_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for the package writes down what it was told."""
    run = tmp_path / "训练"
    run.mkdir()
    lines = [
        {"step": 1, "loss": 2.5, "seconds": 1.0},
        {"step": 2, "loss": 2.0, "validation_loss": 2.25, "seconds": 3.0},
    ]
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    (run / "config.json").write_text('{"seed": 3, "training_set": "key"}', encoding="utf-8")
    command = ["curves", str(run), "--wandb", str(tmp_path / "离线")]
    if importlib.util.find_spec("wandb") is None:
        refused = CliRunner().invoke(cli, command)
        assert refused.exit_code == 1 and "pip install wandb" in refused.stderr
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "wandb.py").write_text(STAND_IN, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == 0, done.output
    told = json.loads((Path(done.output.strip()) / "told.json").read_text(encoding="utf-8"))
    assert told[0] == {"project": "headwater", "name": "训练", "mode": "offline", "config": {"seed": 3}}
    assert told[1:] == [
        {"step": 1, "loss/nats_per_token": 2.5, "seconds": 1.0},
        {"step": 2, "loss/nats_per_token": 2.0, "held-out/nats_per_token": 2.25, "seconds": 3.0},
    ]


STAND_IN = """
import json, pathlib
def init(*, dir, **settings):
    return Run(pathlib.Path(dir) / "wandb" / "offline-run-1" / "files", [settings])
class Run:
    def __init__(self, dir, told):
        self.dir, self.told = str(dir), told
        dir.mkdir(parents=True)
    def log(self, values, step):
        self.told.append({**values, "step": step})
    def finish(self):
        (pathlib.Path(self.dir).parent / "told.json").write_text(json.dumps(self.told))
"""
