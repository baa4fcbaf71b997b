"""Keep the texts of a workbook on disk: all sheets share one table of them, as large as the sheets themselves."""

from __future__ import annotations

import re
import tempfile
from bisect import bisect_right
from collections import OrderedDict
from typing import BinaryIO
from xml.etree.ElementTree import Element

import msgspec

from airflow_netmera_kinesis.exports.sheet_xml import NAMESPACE, elements

PAGE_CHARACTERS = 64 * 1024
PAGES_IN_MEMORY = 64
_TABLE, _ITEM, _TEXT, _RUN = (f"{NAMESPACE}{name}" for name in ("sst", "si", "t", "r"))
# ECMA-376, ST_Xstring: a character that XML cannot hold is written by its number.
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[str]).decode


class SharedStrings:
    """Texts by number, in pages; the most recent pages are in memory. Close it to free the disk."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - close() does
        self._firsts: list[int] = []
        self._spans: list[tuple[int, int]] = []
        self._pages: OrderedDict[int, list[str]] = OrderedDict()
        self._count = 0

    def load(self, source: BinaryIO) -> None:
        """Read the part of a workbook that holds them."""
        page: list[str] = []
        characters = 0
        for item in elements(source, _TABLE, _ITEM):
            text = text_of(item)
            page.append(text)
            characters += len(text)
            if characters >= PAGE_CHARACTERS:
                self._write(page)
                page, characters = [], 0
        if page:
            self._write(page)

    def __getitem__(self, number: int) -> str:
        if not 0 <= number < self._count:
            raise IndexError(number)
        place = bisect_right(self._firsts, number) - 1
        return self._page(place)[number - self._firsts[place]]

    def close(self) -> None:
        self._file.close()

    def _write(self, page: list[str]) -> None:
        self._firsts.append(self._count)
        self._spans.append((self._file.tell(), self._file.write(_encode(page))))
        self._count += len(page)

    def _page(self, place: int) -> list[str]:
        page = self._pages.get(place)
        if page is None:
            start, size = self._spans[place]
            self._file.seek(start)
            page = self._pages[place] = _decode(self._file.read(size))
            if len(self._pages) > PAGES_IN_MEMORY:
                self._pages.popitem(last=False)
        else:
            self._pages.move_to_end(place)
        return page


def text_of(item: Element) -> str:
    """Join the runs of a text; how Japanese is pronounced stands beside them and is left out."""
    texts = (part.text if part.tag == _TEXT else part.findtext(_TEXT) for part in item if part.tag in (_TEXT, _RUN))
    return unescaped("".join(filter(None, texts)))


def unescaped(text: str) -> str:
    return _ESCAPED.sub(_character, text) if "_x" in text else text


def _character(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return match[0] if 0xD800 <= code < 0xE000 else chr(code)
