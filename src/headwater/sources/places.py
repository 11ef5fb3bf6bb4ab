"""Where input lies: on this machine, or in any store that fsspec knows (`s3://`, `gs://`, `az://`, `hf://`, …).

A file in a store is a UPath, which the readers use as they use a Path; what it holds is named by the store's own
version of it (its ETag, say), so that planning reads no contents. Credentials and endpoints come from the
environment, as each store's library documents (for S3: AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, FSSPEC_S3_ANON=true).
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

import fsspec
from upath import UPath

from headwater.engine.objects import persist
from headwater.errors import HeadwaterError, RecipeError, of_store, redacted

Place = Path | UPath
# Read in blocks of so many bytes; the readers go back a little now and then, so a few are kept.
BLOCK, BLOCKS_KEPT = 8 << 20, 4
_MAGIC = frozenset("*?[")
_PLAIN_WEB = ("http", "https", "ftp")
_VERSIONS = ("ETag", "etag", "md5Hash", "content_md5", "generation", "VersionId", "checksum")


@dataclass(frozen=True)
class RemoteFile:
    place: UPath
    bytes: int
    version: str  # changes whenever the content does


@dataclass(frozen=True)
class Listed:
    """A file that a kind found itself. `version`: as RemoteFile's; of a local file it is hashed instead."""

    place: Place
    relative: str
    bytes: int
    changed: int = 0
    version: str = ""


def is_remote(path: str) -> bool:
    return "://" in path


def place_of(path: str) -> Place:
    return UPath(path) if is_remote(path) else Path(path)


def expand(pattern: str, source: str) -> tuple[UPath, list[RemoteFile]]:
    """A URL or a glob of them: what ids are relative to (its fixed prefix folder), and the files.

    RecipeError where it names nothing, or what may not be read this way.
    """
    protocol, address = pattern.partition("://")[0], urlsplit(pattern)
    if protocol in _PLAIN_WEB:
        raise RecipeError(
            f"source {source!r}: {pattern} is a web address; download the file, or crawl the site with "
            "`headwater fetch`, so that what was read is kept"
        )
    if "::" in pattern or "@" in (address.netloc or ""):
        raise RecipeError(
            f"source {source!r}: {redacted(pattern)}: only a plain URL, without :: or credentials; those belong into "
            "the environment"
        )
    prefix = pattern[: min(pattern.find(c) for c in _MAGIC if c in pattern)] if _MAGIC & set(pattern) else ""
    try:
        system, path = fsspec.url_to_fs(pattern)
        system.invalidate_cache()
        if prefix:
            found = persist(lambda: system.glob(path, detail=True))
        else:
            found = {path: persist(lambda: system.info(path))}
            if found[path]["type"] != "file":
                raise RecipeError(
                    f"source {source!r}: {pattern} is a folder; name the files in it: {pattern}/**/*"
                )
        files = [
            RemoteFile(UPath(system.unstrip_protocol(name)), info["size"], _version(system, name, info))
            for name, info in sorted(found.items())
            if info["type"] == "file" and not name.rpartition("/")[2].startswith(".")
        ]
    except FileNotFoundError as error:
        raise RecipeError(f"source {source!r}: there is no file {pattern}") from error
    except HeadwaterError:
        raise
    except Exception as error:
        raise of_store(pattern, error) from error
    if not files:
        raise RecipeError(f"source {source!r}: nothing matches {pattern!r}")
    root = UPath(prefix.rpartition("/")[0]) if prefix else files[0].place.parent
    return root, files


def _version(system: Any, name: str, info: dict[str, Any]) -> str:
    return str(next((info[key] for key in _VERSIONS if info.get(key)), None) or system.ukey(name))


def open_binary(place: Place) -> BinaryIO:
    """The file's bytes, seekable. HeadwaterError where a store does not hand them out."""
    if isinstance(place, Path):
        return place.open("rb")
    return cast(BinaryIO, _Named(place))


class _Named(io.RawIOBase):
    """A file in a store, asked again where the store fails for a moment. Its errors name it, and are no OSError:
    readers take those for damage to the data."""

    def __init__(self, place: UPath) -> None:
        self._place = place
        try:
            self._file = persist(self._open)
        except Exception as error:
            raise of_store(str(place), error) from error

    def _open(self) -> Any:
        return self._place.open(
            "rb", block_size=BLOCK, cache_type="blockcache", cache_options={"maxblocks": BLOCKS_KEPT}
        )

    def read(self, size: int = -1) -> bytes:
        at, length = self._file.tell(), getattr(self._file, "size", None)
        content = self._content()

        def ask() -> bytes:
            if self._file.closed:  # anew: what was asked for and came in half is not to be found in its cache
                self._file = self._open()
                if self._content() != content:
                    raise HeadwaterError(
                        f"{self._place}: OSError: it was changed while it was read; run again"
                    )
            self._file.seek(at)
            try:
                data: bytes = self._file.read(size)
                left = 0 if length is None else max(0, length - at)
                if len(data) < (left if size < 0 else min(size, left)):
                    raise OSError(f"{len(data):,} bytes came at {at:,}, and more are there")
                return data
            except Exception:
                self._file.close()
                raise

        try:
            return persist(ask)
        except HeadwaterError:
            raise
        except Exception as error:
            raise of_store(str(self._place), error) from error

    def _content(self) -> list[Any]:
        """What tells the object that is open from another one under its name."""
        details = getattr(self._file, "details", None) or {}
        return [getattr(self._file, "size", None), *(details.get(key) for key in _VERSIONS)]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        return int(self._file.seek(position, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def close(self) -> None:
        self._file.close()
        super().close()
