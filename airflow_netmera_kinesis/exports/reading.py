"""Decide how a file is read: by what was said, else by its content and its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import BinaryIO, Protocol

from airflow_netmera_kinesis.errors import ExportError
from airflow_netmera_kinesis.exports.chunk import Chunk
from airflow_netmera_kinesis.exports.content import Content, RewoundContent, StoredContent, decompressed, read_exactly
from airflow_netmera_kinesis.exports.csv import CsvReader
from airflow_netmera_kinesis.exports.export_format import AUTO, ExportFormat
from airflow_netmera_kinesis.exports.ndjson import NdjsonReader

_HEAD_BYTES = 4096
_ZIP_MAGIC = b"PK\x03\x04"
_SUFFIXES = {".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "ndjson", ".csv": "csv", ".txt": "csv"}


class Reader(Protocol):
    """Reads one format. Its attributes are true of the file once all chunks were taken."""

    rows: int
    last_line: int
    open_end: bool

    def chunks(self) -> Iterator[Chunk]: ...


_READERS: Mapping[str, Callable[[Content, ExportFormat], Reader]] = MappingProxyType(
    {"ndjson": NdjsonReader, "csv": CsvReader}
)


class Export:
    """One file of a slice, of which the first ``size`` bytes are read. Raises ExportError, with the file's name.

    Once all chunks were taken, ``rows`` counts the lines or rows (blank ones and a header left out), ``last_line`` is
    the number of the last line and ``open_end`` says whether it has no end.
    """

    def __init__(self, file: BinaryIO, name: str, size: int, export_format: ExportFormat) -> None:
        self._name = name
        self._format = export_format
        self._stored = StoredContent(file, size)
        self.rows = 0
        self.last_line = 0
        self.open_end = False

    def chunks(self) -> Iterator[Chunk]:
        try:
            content = decompressed(self._stored)
            head = read_exactly(content, _HEAD_BYTES)
            reader = _READERS[_format_of(head, self._name, self._format)](RewoundContent(head, content), self._format)
            yield from reader.chunks()
        except ExportError as error:
            raise type(error)(f"{self._name}: {error}") from None
        self.rows, self.last_line, self.open_end = reader.rows, reader.last_line, reader.open_end

    def digest(self) -> str:
        """Return the SHA-256 of what is stored."""
        return self._stored.digest()


def _format_of(head: bytes, name: str, export_format: ExportFormat) -> str:
    if head.startswith(_ZIP_MAGIC):
        raise ExportError("is a ZIP archive or an XLSX workbook, which cannot be read")
    if export_format.format != AUTO:
        return export_format.format
    named = next((kind for suffix, kind in _SUFFIXES.items() if name.lower().removesuffix(".gz").endswith(suffix)), "")
    if named == "ndjson" or head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return "ndjson"
    if named == "csv" or not head:
        return "csv"
    raise ExportError("is neither NDJSON nor CSV by its name or content; say which in export_format: format")
