"""Turn the bytes of a file into lines of text, leaving line ends as they are."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.exports.content import Content

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_UTF_8 = ("utf-8", "utf8")


class TextLines:
    """Yield lines in ``encoding``; ``taken`` holds those since it was cleared, ``open_end`` that the last has no end.

    Raises ExportError where the file is no text in its encoding.
    """

    def __init__(self, content: Content, encoding: str) -> None:
        encoding = "utf-8-sig" if encoding.lower().replace("_", "-") in _UTF_8 else encoding
        self.encoding = encoding
        # What is no text in this encoding shall spoil its own row, not the file: it stays visible as a surrogate.
        self._file = io.TextIOWrapper(io.BufferedReader(_Raw(content)), encoding, "surrogateescape", newline="")
        self.taken: list[str] = []
        self.open_end = False

    def __iter__(self) -> Iterator[str]:
        line, count = "\n", 0
        try:
            for line in self._file:
                count += 1
                self.taken.append(line)
                yield line
        except UnicodeError:
            raise ExportError(f"is not {self.encoding} after line {count}") from None
        self.open_end = line[-1] not in "\r\n"


class _Raw(io.RawIOBase):
    """What the io module wants of a file."""

    def __init__(self, content: Content) -> None:
        self._content = content

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        block = self._content.read(len(view))
        view[: len(block)] = block
        return len(block)
