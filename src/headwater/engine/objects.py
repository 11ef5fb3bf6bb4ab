"""The objects of a store, asked again where it fails for a moment.

A store that many machines ask at once answers now and then with 500 or 503 SlowDown, with half a body, or not at all.
Every question here is asked up to TRIES times, with pauses that double and differ by chance, so that a crowd does not
come back at the same moment. A body is believed only if it has the hash that its name says. An answer that was lost
may have been yes: where creating an object is refused because it is there, it is read, and ours if it is the same.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import fsspec
import xxhash

from headwater.errors import HeadwaterError, of_store, redacted

TRIES = 7
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 20.0  # seconds
BLOCK = 8 << 20
_WITHOUT_FOLDERS = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oss", "memory")
# Asking again does not help: what is asked for is not there, is there already, is not allowed, or cannot be asked.
_FINAL = (HeadwaterError, FileNotFoundError, FileExistsError, PermissionError, ImportError, TypeError)

T = TypeVar("T")


class Damaged(Exception):
    """A body that is not what its name says."""


def persist(ask: Callable[[], T], *, tries: int = TRIES) -> T:
    """What `ask` returns, at the first time that it raises nothing; its last error after so many tries."""
    for attempt in range(1, tries + 1):
        try:
            return ask()
        except _FINAL:
            raise
        except Exception:
            if attempt == tries:
                raise
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1))
            time.sleep(pause * random.uniform(0.5, 1))
    raise AssertionError("tries is at least 1")


class Objects:
    """What lies below a URL. Names are relative to it. Errors are HeadwaterError, but for a name that is not there
    (FileNotFoundError)."""

    def __init__(self, url: str, folders: tuple[str, ...] = ()) -> None:
        """`folders` are made where the store has such."""
        self.url = url.rstrip("/")
        if "@" in self.url.partition("://")[2].partition("/")[0] or "::" in self.url:
            raise HeadwaterError(
                f"{redacted(self.url)}: a plain URL only, without :: or credentials; those belong into the environment"
            )
        try:
            self._system, self._root = fsspec.url_to_fs(self.url, use_listings_cache=False)
            if self.url.partition("://")[0] not in _WITHOUT_FOLDERS:
                for folder in folders:
                    self._system.makedirs(f"{self._root}/{folder}", exist_ok=True)
        except Exception as error:
            raise of_store(self.url, error) from error

    def where(self, name: str) -> str:
        return f"{self._root}/{name}"

    def read(self, name: str, *, parse: Callable[[bytes], T] = bytes) -> T:  # type: ignore[assignment]
        """An object's bytes, or what `parse` makes of them; a body that cannot be parsed is asked for again."""
        return self._ask(lambda: parse(self._system.cat_file(self.where(name))))

    def fetch(self, name: str, path: Path, digest: str) -> None:
        """An object into a file, by way of a temporary one. HeadwaterError where it has not the hash `digest`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}-{random.getrandbits(32):08x}.tmp")

        def ask() -> None:
            self._system.get_file(self.where(name), str(temporary))
            with temporary.open("rb") as file:
                if hash_of(file) != digest:
                    raise Damaged

        try:
            self._ask(ask)
            temporary.replace(path)
        except Damaged:
            raise HeadwaterError(f"{self.where(name)} is not what was committed as {path.name}") from None
        finally:
            temporary.unlink(missing_ok=True)

    def put(self, name: str, file: BinaryIO, size: int) -> None:
        """A file's first `size` bytes to an object, in parts where they are many."""

        def ask() -> None:
            file.seek(0)
            with self._system.open(self.where(name), "wb") as out:
                for block in blocks(file, size):
                    out.write(block)

        self._ask(ask)

    def write(self, name: str, data: bytes) -> None:
        self._ask(lambda: self._system.pipe_file(self.where(name), data))

    def create(self, name: str, data: bytes) -> bool:
        """Writes an object that is not there yet; False where there is one, and other than `data`."""
        try:
            self._ask(lambda: self._system.pipe_file(self.where(name), data, mode="create"))
        except FileExistsError:
            return self.read(name) == data
        return True

    def names(self, folder: str) -> list[str]:
        """The objects of a folder; none where there is no such folder."""
        try:
            listed = self._ask(lambda: self._system.ls(self.where(folder), detail=False))
        except FileNotFoundError:
            return []
        return [f"{folder}/{str(name).rstrip('/').rpartition('/')[2]}" for name in listed]

    def remove(self, name: str) -> None:
        """Removes an object, if it is there."""
        with suppress(FileNotFoundError):
            self._ask(lambda: self._system.rm_file(self.where(name)))

    def hash(self, name: str) -> str:
        """xxh3-128 of an object's bytes, read a block at a time."""

        def ask() -> str:
            with self._system.open(self.where(name), "rb") as file:
                return hash_of(file)

        return self._ask(ask)

    def _ask(self, ask: Callable[[], T]) -> T:
        try:
            return persist(ask)
        except (HeadwaterError, FileExistsError, FileNotFoundError, Damaged):
            raise
        except Exception as error:
            raise of_store(self.url, error) from error


def blocks(file: Any, size: int | None = None) -> Iterator[bytes]:
    """A file's next `size` bytes, or all of them."""
    while block := file.read(BLOCK if size is None else min(size, BLOCK)):
        size = None if size is None else size - len(block)
        yield block


def hash_of(file: Any, size: int | None = None) -> str:
    """xxh3-128 of a file's next `size` bytes, or of all of them."""
    digest = xxhash.xxh3_128()
    for block in blocks(file, size):
        digest.update(block)
    return digest.hexdigest()
