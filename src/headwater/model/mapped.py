"""Arrays in one file that is mapped into memory, never pickled: what trained models are stored in.

    8 bytes magic | 8 bytes length of the header | header (JSON) | arrays, each at a multiple of 64 bytes

The header holds what its owner says, the version, each array's length and offset, the size and the xxh3-128 of all
that follows it. A file that is cut short is refused when it is opened; `check` hashes the whole of it.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from headwater.errors import HeadwaterError

VERSION = 1
LONGEST_HEADER = 1 << 26


@dataclass(frozen=True)
class Mapped:
    """One kind of file. `kind` and `command` are for messages; `arrays` maps names to little-endian types."""

    magic: bytes
    kind: str
    command: str
    arrays: dict[str, str]

    def save(self, path: Path, about: dict[str, Any], arrays: dict[str, np.ndarray]) -> str:
        """Writes the file, by a temporary name; the hash of its content."""
        ordered = {n: np.ascontiguousarray(arrays[n], f"<{kind}") for n, kind in self.arrays.items()}
        digest, layout, at = xxhash.xxh3_128(), {}, 0
        for name, data in ordered.items():
            layout[name] = {"offset": at, "length": len(data)}
            padding = bytes(-data.nbytes % 64)
            digest.update(data.data)
            digest.update(padding)
            at += data.nbytes + len(padding)
        header = {**about, "version": VERSION, "arrays": layout, "bytes": at, "xxh3": digest.hexdigest()}
        encoded = json.dumps(header, ensure_ascii=False, sort_keys=True).encode()
        encoded += b" " * (-(16 + len(encoded)) % 64)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        with temporary.open("wb") as file:
            file.write(self.magic + len(encoded).to_bytes(8, "little") + encoded)
            for data in ordered.values():
                file.write(data.data)
                file.write(bytes(-data.nbytes % 64))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        return str(header["xxh3"])

    def load(self, path: Path, *, check: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
        """Header and arrays; HeadwaterError where the file is none, of another version, cut short or (`check`)
        damaged."""
        try:
            with path.open("rb") as file:
                start = file.read(16)
                length = int.from_bytes(start[8:], "little")
                if start[:8] != self.magic or length > LONGEST_HEADER:
                    raise HeadwaterError(f"{path}: not {self.kind}; make one with `{self.command}`")
                header = json.loads(file.read(length))
        except (OSError, ValueError) as error:
            raise HeadwaterError(f"{path}: cannot be read as {self.kind} ({error})") from error
        if header["version"] != VERSION:
            raise HeadwaterError(
                f"{path}: of version {header['version']}, and {VERSION} is what is read here; make it again with "
                f"`{self.command}`"
            )
        if path.stat().st_size != 16 + length + header["bytes"]:
            raise HeadwaterError(f"{path}: cut short, or longer than its header says; make it again")
        mapped = np.memmap(path, np.uint8, "r", offset=16 + length)
        if check and xxhash.xxh3_128_hexdigest(mapped.data) != header["xxh3"]:
            raise HeadwaterError(f"{path}: damaged (its content is not what its header says); make it again")
        arrays = {}
        for name, kind in self.arrays.items():
            place, item = header["arrays"][name], np.dtype(f"<{kind}")
            arrays[name] = mapped[place["offset"] : place["offset"] + place["length"] * item.itemsize].view(
                item
            )
        return header, arrays
