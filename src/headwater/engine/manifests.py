"""Manifests: which files a workspace in a store has, and where their contents lie.

    manifests/000000012.json   {"token": …, "files": {path: content}}                    every file
    manifests/000000013.json   {"token": …, "after": 12, "files": {…}, "gone": [path]}   what differs from number 12

So a commit writes what it changes, not the workspace. One names every file again where those since the last such one
have said half as much, or are LINKS: a reader opens LINKS + 1 objects at most, and a file is named a few times at most.
The token tells a commit from one of another writer that says the same.
"""

import json
import secrets
from collections.abc import Iterable
from typing import Any

from headwater.engine.contents import Content
from headwater.engine.objects import Objects

FOLDER = "manifests"
LINKS = 64

Manifest = dict[str, Content]


def newest_number(objects: Objects) -> int:
    """0 where the store holds no workspace."""
    return max(numbers(objects), default=0)


def newest_manifest(objects: Objects) -> tuple[int, Manifest]:
    """The newest manifest of a store, and its number; 0 where it holds no workspace."""
    number = newest_number(objects)
    return number, Said.read(objects, number).files


def numbers(objects: Objects) -> list[int]:
    names = (name.rpartition("/")[2].removesuffix(".json") for name in objects.names(FOLDER))
    return [int(name) for name in names if name.isdigit()]


def name_of(number: int) -> str:
    return f"{FOLDER}/{number:09d}.json"


class Said:
    """What manifest `number` says, and what the next one would have to say beside it."""

    def __init__(self) -> None:
        self.number = 0
        self.files: Manifest = {}
        self.chain: list[int] = []  # the manifests that say it, the last one first
        self._since = 0  # changes since the last one that named every file

    @classmethod
    def read(cls, objects: Objects, number: int) -> "Said":
        said, records = cls(), list[dict[str, Any]]()
        following: int | None = number or None
        while following is not None:
            records.append(objects.read(name_of(following), parse=json.loads))
            said.chain.append(following)
            following = records[-1].get("after")
        said.number = number
        for record in reversed(records):
            files = {path: Content(*content) for path, content in record["files"].items()}
            said._take(files, record.get("gone", ()), whole="after" not in record)
        return said

    def differs(self, files: Manifest, gone: Iterable[str]) -> tuple[Manifest, list[str]]:
        """Of these, what is not said already, wherever contents lie: files, and files that are no more."""
        new = {
            path: one
            for path, one in files.items()
            if (old := self.files.get(path)) is None or old[:2] != one[:2]
        }
        return new, [path for path in gone if path in self.files]

    def create_next(self, objects: Objects, files: Manifest, gone: list[str]) -> bool:
        """Creates the manifest that says these differences, on the condition that no other has its number; False where
        another writer was first."""
        record: dict[str, Any] = {"token": secrets.token_hex(8)}
        since = self._since + len(files) + len(gone)
        whole = since > len(self.files) / 2 or len(self.chain) > LINKS
        if whole:
            left_out = set(gone)
            everything = {path: one for path, one in self.files.items() if path not in left_out} | files
            record["files"] = dict(sorted(everything.items()))
        else:
            record |= {"after": self.number, "files": dict(sorted(files.items())), "gone": sorted(gone)}
        data = json.dumps(record, ensure_ascii=False).encode()
        if not objects.create(name_of(self.number + 1), data):
            return False
        self.number += 1
        self.chain = [self.number] if whole else [self.number, *self.chain]
        self._take(files, gone, whole=False)
        if whole:
            self._since = 0
        return True

    def _take(self, files: Manifest, gone: Iterable[str], *, whole: bool) -> None:
        """Says these differences, too; `whole`: they are all there is."""
        gone = list(gone)
        for path in gone:
            self.files.pop(path, None)
        self.files |= files
        self._since = 0 if whole else self._since + len(files) + len(gone)
