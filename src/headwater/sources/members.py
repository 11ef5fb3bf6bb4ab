"""The gzip members of a web archive, one after the other, past any damage.

Neither fastwarc nor warcio goes on after a damaged member, so they are walked here: a member that does not
decompress, or fails its checksum, is named, and reading resumes at the next one whose content begins as a record.
"""

import io
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

from headwater.sources.records import KEPT_BYTES

GZIP = b"\x1f\x8b\x08"
BLOCK = 1 << 18
LOOK = 1 << 10  # compressed bytes of a member that are looked at, for how its content begins


def raw(file: BinaryIO, start: int, length: int = KEPT_BYTES) -> bytes:
    """Bytes of a file as they stand, without moving in it."""
    here = file.tell()
    file.seek(start)
    data = file.read(length)
    file.seek(here)
    return data


def beginning(data: bytes, length: int) -> bytes:
    """How the content of the member that `data` begins with begins; b"" where that is no member."""
    if data[:3] != GZIP:
        return b""
    try:
        return zlib.decompressobj(wbits=31).decompress(data, length)
    except zlib.error:
        return b""


class Members:
    """A file's members, each as a stream of decompressed bytes. `is_record`: whether content begins a record."""

    def __init__(
        self,
        file: BinaryIO,
        is_record: Callable[[bytes], bool] = lambda content: content.startswith(b"WARC/"),
        looked_at: int = 5,
        start: int = 0,
    ) -> None:
        self.file, self.is_record, self.looked_at = file, is_record, looked_at
        self.size = file.seek(0, io.SEEK_END)
        self.position = start  # of the next member, in the file
        self.skipped: tuple[int, bytes] | None = None  # what stood before the member
        self.error = ""
        self.damaged = self.cut = False
        self.head = b""
        self.inside_record = False
        self._machine: Any = None
        self._pending = b""
        self._given = 0

    def begin(self) -> int | None:
        """Goes to the next member and says at which byte it stands; None at the end of the file."""
        whole = self.raw(self.position, len(GZIP)) == GZIP
        start = self.position if whole else self._next_record()
        self.skipped = None
        if start != self.position:
            data = self.raw(self.position, min(start, self.position + KEPT_BYTES) - self.position)
            if data.strip(b"\0"):
                self.skipped = (self.position, data)
        self.position = start
        if start >= self.size:
            return None
        self.file.seek(start)
        self._machine, self._pending, self._given = zlib.decompressobj(wbits=31), b"", 0
        self.error, self.damaged, self.cut, self.head, self.inside_record = "", False, False, b"", False
        return start

    def resume(self) -> None:
        """Goes on at the first member from `position` on whose content begins as a record."""
        self.position = self._next_record()

    def _next_record(self) -> int:
        start = self.position
        while start < self.size:
            window = self.raw(start, BLOCK)
            found = window.find(GZIP)
            if found < 0:
                start += max(1, len(window) - len(GZIP) + 1)
                continue
            start += found
            if self.is_record(beginning(self.raw(start, LOOK), self.looked_at)):
                return start
            start += 1
        return self.size

    def read(self, size: int = -1) -> bytes:
        """Decompressed bytes of this member; b"" at its end, clean or not."""
        if self._machine is None and self.inside_record and not self.error and self._continues():
            self.file.seek(self.position)
            self._machine, self._pending = zlib.decompressobj(wbits=31), b""
        while self._machine is not None:
            if not self._pending:
                self._pending = self.file.read(BLOCK)
                if not self._pending:
                    self._end("it ends in the middle", cut=True)
                    break
            try:
                out: bytes = self._machine.decompress(self._pending, size if size > 0 else BLOCK)
            except zlib.error as error:
                self._end(str(error))
                break
            if self._machine.eof:
                self.position = self.file.tell() - len(self._machine.unused_data)
                self._machine = None
            else:
                self._pending = self._machine.unconsumed_tail
            if out:
                self.head = self.head or out[:KEPT_BYTES]
                self._given += len(out)
                return out
        return b""

    def _continues(self) -> bool:
        """Whether the next member goes on with a record instead of beginning one: some writers split them so."""
        content = beginning(self.raw(self.position, LOOK), self.looked_at)
        return bool(content) and not self.is_record(content)

    def tell(self) -> int:
        """fastwarc asks for it: the position in the member's content."""
        return self._given

    def _end(self, error: str, *, cut: bool = False) -> None:
        """The member at `position` is damaged, or cut off: damage may look so too, and then another follows."""
        self.error, self._machine = error, None
        self.position += 1
        self.resume()
        self.cut = cut and self.position == self.size
        self.damaged = not self.cut

    def drain(self) -> None:
        while self.read(BLOCK):
            pass

    def raw(self, start: int, length: int = KEPT_BYTES) -> bytes:
        return raw(self.file, start, length)


def ends_cleanly(file: BinaryIO, start: int, end: int) -> bool:
    """Whether one whole member stands from byte `start` to byte `end`."""
    machine, file_position = zlib.decompressobj(wbits=31), start
    file.seek(start)
    try:
        while not machine.eof and file_position < end:
            data = machine.unconsumed_tail or file.read(min(BLOCK, end - file_position))
            if not data:
                return False
            file_position = file.tell()
            machine.decompress(data, BLOCK)
            while machine.unconsumed_tail and not machine.eof:
                machine.decompress(machine.unconsumed_tail, BLOCK)
    except zlib.error:
        return False
    return machine.eof and file_position - len(machine.unused_data) == end
