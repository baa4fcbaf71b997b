"""Read the bytes of one export: as they are stored for its digest, decompressed for its reader."""

from __future__ import annotations

import hashlib
import zlib
from typing import BinaryIO, Protocol

from airflow_netmera_kinesis.errors import ExportChanged, ExportError

BLOCK_BYTES = 256 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_BLOCK_BYTES = 16 * 1024  # what of a block is left after a read is copied, and a read takes less than 16 KB
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class Content(Protocol):
    """The bytes of a file, decompressed."""

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes, none at the end."""


class StoredContent:
    """The first ``size`` bytes of a file, hashed on their way."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = self._left = size
        self._hash = hashlib.sha256()

    def read(self, size: int) -> bytes:
        block = self._file.read(min(size, self._left))
        if not block and self._left:
            raise ExportChanged(f"has only {self._size - self._left} of {self._size} bytes: it changed since plan")
        self._left -= len(block)
        self._hash.update(block)
        return block

    def digest(self) -> str:
        """Return the SHA-256 of all ``size`` bytes, also of those that no reader asked for."""
        while self._left:
            self.read(BLOCK_BYTES)
        return self._hash.hexdigest()


class GzipContent:
    """Decompressed bytes of one or more gzip members."""

    def __init__(self, stored: Content, head: bytes) -> None:
        self._stored = stored
        self._waiting = head
        self._member = zlib.decompressobj(_GZIP_WINDOW)

    def read(self, size: int) -> bytes:
        while True:
            if not self._waiting and not self._more():
                return b""
            if self._member.eof:
                self._member = zlib.decompressobj(_GZIP_WINDOW)
            try:
                block = self._member.decompress(self._waiting, size)
            except zlib.error as error:
                raise ExportError(f"damaged gzip ({error})") from None
            self._waiting = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            if block:
                return block

    def _more(self) -> bool:
        self._waiting = self._stored.read(_GZIP_BLOCK_BYTES)
        if not self._waiting and not self._member.eof:
            raise ExportError("truncated gzip")
        return bool(self._waiting)


class RewoundContent:
    """Content whose first bytes were looked at already."""

    def __init__(self, head: bytes, content: Content) -> None:
        self._head = head
        self._content = content

    def read(self, size: int) -> bytes:
        if self._head:
            block, self._head = self._head[:size], self._head[size:]
            return block
        return self._content.read(size)


def decompressed(stored: Content) -> Content:
    """Know gzip by its first two bytes, whatever the file is called."""
    head = read_exactly(stored, len(_GZIP_MAGIC))
    return GzipContent(stored, head) if head == _GZIP_MAGIC else RewoundContent(head, stored)


def read_exactly(content: Content, size: int) -> bytes:
    """Read ``size`` bytes, fewer only at the end."""
    head = b""
    while len(head) < size and (more := content.read(size - len(head))):
        head += more
    return head
