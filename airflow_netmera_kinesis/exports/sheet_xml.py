"""Take the XML of a sheet apart element by element, in little memory however large it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO
from xml.etree.ElementTree import Element, iterparse

from airflow_netmera_kinesis.errors import ExportError

NAMESPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
MAX_ELEMENT_BYTES = 64 * 1024 * 1024  # a row of Excel has at most 16,384 cells, of which few say much


def elements(source: BinaryIO, parent: str, child: str) -> Iterator[Element]:
    """Yield the children of one element, each gone when the next is asked for; what follows them is not read.

    Raises ExportError for one that would fill the memory, and SyntaxError for what is no XML.
    """
    bounded = _Bounded(source)
    opened: Element | None = None
    for event, element in iterparse(bounded, ("start", "end")):  # noqa: S314 - expat itself stops what expands too far
        if event == "start":
            if element.tag == parent:
                opened = element
        elif element.tag == child and opened is not None:
            yield element
            opened.clear()
            bounded.begin()
        elif element.tag == parent:
            return


class _Bounded:
    """What iterparse wants of a file, of which it may keep so much at a time."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._taken = 0

    def read(self, size: int = -1, /) -> bytes:
        block = self._source.read(size)
        self._taken += len(block)
        if self._taken > MAX_ELEMENT_BYTES:
            raise ExportError(f"a part of its XML is larger than {MAX_ELEMENT_BYTES} bytes")
        return block

    def begin(self) -> None:
        """Forget what was taken before."""
        self._taken = 0
