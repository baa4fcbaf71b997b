"""Frame what is appended to a file: it is readable up to its last whole entry, wherever its writer was killed."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

_FRAME = struct.Struct("<II")


def frame(data: bytes) -> bytes:
    """Put the length and the checksum of an entry in front of it."""
    return _FRAME.pack(len(data), zlib.crc32(data)) + data


def whole_entries(segment: BinaryIO) -> Iterator[bytes]:
    """Yield the entries of one segment up to the first that is torn: nothing was appended after it."""
    while len(head := segment.read(_FRAME.size)) == _FRAME.size:
        size, checksum = _FRAME.unpack(head)
        data = segment.read(size)
        # A size of 0 is what a machine that lost its power leaves: a file of zeros.
        if not size or len(data) < size or zlib.crc32(data) != checksum:
            return
        yield data
